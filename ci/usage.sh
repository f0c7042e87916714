#!/usr/bin/env bash
# usage.sh: the program's manners: help with an example everywhere, one clear line and exit status 2 for bad usage.
# SPDX-License-Identifier: MIT
# Usage: ci/usage.sh PATH_OF_ASSAY
set -euo pipefail
assay=${1:?"usage: ci/usage.sh PATH_OF_ASSAY"}
failures=0

expect() { # expect STATUS PATTERN arguments...: exit status, and a pattern in stdout (status 0) or in one line of stderr
    local status=$1 pattern=$2 got=0 out err
    shift 2
    err=$(mktemp)
    out=$("$assay" "$@" 2>"$err" </dev/null) || got=$?
    if ((got != status)); then
        echo "assay $*: exit status $got, $status expected"
        failures=$((failures + 1))
    elif ((status == 0)) && ! grep -q -- "$pattern" <<<"$out"; then
        echo "assay $*: '$pattern' expected in its output"
        failures=$((failures + 1))
    elif ((status == 2)) && { [[ $(wc -l <"$err") != 1 ]] || ! grep -q -- "$pattern" "$err"; }; then
        echo "assay $*: one line with '$pattern' expected on stderr, got: $(cat "$err")"
        failures=$((failures + 1))
    fi
    rm -f "$err"
}

expect 0 'assay [0-9]' --version
expect 0 '^example:' --help
commands=$("$assay" --help | sed -n '/^  [a-z]/s/^  \([a-z]*\) .*/\1/p' | grep -v assay)
for command in $commands; do
    expect 0 '^example:' "$command" --help
    expect 2 'expected' "$command" --no-such-option
done
expect 2 'expected a command'
expect 2 'expected a command' nonsense
expect 2 'expected one of' list
expect 2 'expected one of' list nonsense
expect 0 'lstm' list dialects
expect 0 'b1.lstm-ce-short' list workloads
expect 0 'forward' list checks
expect 0 'rnn/' list cases
expect 2 'expected a number below 2^64' check --seed 12x
expect 2 'expected a number below 2^64' check --seed 0x10000000000000000
expect 2 'expected a whole number' check --repeat 0
expect 2 'expected an argument' check --seed
expect 2 'expected options only' check something
expect 2 'expected one of them' check --quick --full
expect 2 'list impls' check --impl no-such-implementation
expect 2 'list impls' check --impl ./no-such-file.so
expect 2 'list checks' check --check no-such-check
expect 2 'no-such-op' check --op no-such-op
expect 2 'list cases' check --case 'no/such/case'
expect 2 'usage.sh' check --impl "${BASH_SOURCE[0]}" # there, but no plugin

echo "usage: $failures failures"
((failures == 0))
