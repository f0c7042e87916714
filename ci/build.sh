#!/usr/bin/env bash
# build.sh: configures and builds one preset of ci/presets.json, quietly unless it fails.
# SPDX-License-Identifier: MIT
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset=${1:?"usage: ci/build.sh PRESET"}
log=build/$preset.log
mkdir -p build
echo "== building build/$preset (log: $log)"
{ cmake --preset "$preset" && cmake --build --preset "$preset"; } >"$log" 2>&1 || {
    tail -n 60 "$log" >&2
    echo "ci/build.sh: preset $preset does not build; the whole log is $log" >&2
    exit 3
}
grep '^-- assay:' "$log" || true # optional parts left out say so in one line each
