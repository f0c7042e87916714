#!/usr/bin/env bash
# run.sh: runs a program of ThreadSanitizer, where need be without random addresses; 77 where it cannot run at all.
# SPDX-License-Identifier: MIT
set -euo pipefail
program=${1:?"usage: run.sh PROGRAM"}
status=0
out=$("$program" 2>&1) || status=$?
if grep -q 'unexpected memory mapping' <<<"$out"; then # its shadow lies where this kernel, more random than most, puts things
    status=0
    out=$(setarch -R "$program" 2>&1) || status=$?
    if grep -qE 'unexpected memory mapping|setarch: failed' <<<"$out"; then
        echo "skipped: ThreadSanitizer finds no room for its shadow here, and addresses cannot be fixed: $(tail -n 1 <<<"$out")"
        exit 77
    fi
fi
printf '%s\n' "$out"
exit "$status"
