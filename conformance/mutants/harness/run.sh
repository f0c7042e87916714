#!/usr/bin/env bash
# run.sh: kills what harness.inc lists: the named test, or the script's line, has to fail on the change; a survivor fails.
# SPDX-License-Identifier: MIT
# Usage: run.sh LIST   as the build writes it: name, number, program or script, what has to fail, the script's file or -
set -euo pipefail
list=${1:?"usage: run.sh LIST"}
killed=0
all=0

while IFS=$'\t' read -r name id program expected file; do
    status=0
    all=$((all + 1))
    if [[ $file == - ]]; then
        out=$("$program" 2>&1) || status=$?
        line=$(grep -F "[  FAILED  ] $expected" <<<"$out" | head -n 1) || line=
    else
        out=$("$program" "$file" 2>&1) || status=$?
        line=$(grep -F "$expected" <<<"$out" | head -n 1) || line=
    fi
    if ((status != 0)) && [[ -n $line ]]; then
        killed=$((killed + 1))
        printf 'killed    %-4s %-20s %s\n' "$id" "$name" "$expected"
    else
        printf 'SURVIVED  %-4s %-20s %s: exit status %d: %s\n' "$id" "$name" "$expected" "$status" "$(tail -n 1 <<<"$out")"
    fi
done <"$list"
echo "harness mutants: $killed of $all killed"
((all > 0 && killed == all))
