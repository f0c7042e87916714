#!/usr/bin/env bash
# skipped.sh: no test is disabled, and none is skipped or left out of a build without a reason beside it.
# SPDX-License-Identifier: MIT
# Usage: ci/skipped.sh [FILE...]   default: the whole tree
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
failures=0
if (($# == 0)); then
    cd "$root"
    mapfile -t files < <(find . \( -path ./build -o -path ./.git \) -prune -o -type f \
        \( -name '*.c' -o -name '*.cc' -o -name '*.cmake' -o -name CMakeLists.txt -o -name 'presets.json' \) -print)
else
    files=("$@")
fi

complain() { # complain TEXT: for each line FILE:LINE:... of stdin
    local line
    while IFS= read -r line; do
        echo "$(cut -d: -f1,2 <<<"$line"): $1"
        failures=$((failures + 1))
    done
}

of() { # of PATTERN: those of the files whose names match
    printf '%s\n' "${files[@]}" | grep -E "$1" || true
}

complain 'a test is skipped without a reason on its line' < <(of '\.(c|cc)$' | xargs -r grep -HnE '(^|[^_[:alnum:]])skip\(\);' | grep -v 'skip(); /\* [^*]' || true)
complain 'a test is disabled, or expected to fail' < <(of '(\.cmake|CMakeLists\.txt)$' | grep -v '/harness/edits.cmake$' | xargs -r grep -HnE '(DISABLED|WILL_FAIL)[[:space:]]+("?)(TRUE|ON|1|YES)' || true)

# What a preset leaves out is named, with its reason, in ci/test.sh.
while read -r name; do
    if grep -qE "(^|[^[:alnum:]_])test_$name([^[:alnum:]_]|$)" "$root/ci/test.sh"; then continue; fi
    echo "ci/presets.json: leaves test_$name out, which ci/test.sh gives no reason for"
    failures=$((failures + 1))
done < <(of 'presets\.json$' | xargs -r grep -hoE '"exclude": \{ "name": "\^test_\([a-z_|]+\)' | sed 's/.*(//; s/)$//' | tr '|' '\n' | sort -u)

echo "skipped: ${#files[@]} files, $failures failures"
((failures == 0))
