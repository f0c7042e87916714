#!/usr/bin/env bash
# build.sh: configures and builds one preset of ci/presets.json, quietly unless it fails.
# SPDX-License-Identifier: MIT
# Usage: ci/build.sh PRESET [TARGET]; `installed` is the program with all implementations, without tests and mutants.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset=${1:?"usage: ci/build.sh PRESET [TARGET]"} target=${2:-all}
log=build/$preset.log
mkdir -p build
echo "== building build/$preset (log: $log)"

# shellcheck disable=SC2317 # called below
progress() { # on a terminal the step that the build has come to; all else goes to the log alone
    local line
    while IFS= read -r line; do
        if [[ -t 1 && $line =~ ^\[([0-9]+/[0-9]+)\] ]]; then printf '\r%s ' "${BASH_REMATCH[1]}"; fi
    done
    if [[ -t 1 ]]; then printf '\r%*s\r' 24 ''; fi
}

{ cmake --preset "$preset" && cmake --build --preset "$preset" --target "$target"; } 2>&1 | tee "$log" | progress || {
    tail -n 60 "$log" >&2
    echo "ci/build.sh: preset $preset does not build; the whole log is $log" >&2
    exit 3
}
grep '^-- assay:' "$log" || true # optional parts left out say so in one line each
