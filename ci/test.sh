#!/usr/bin/env bash
# test.sh: every test, on a fresh machine: set up, build with warnings as errors, ctest, sanitizers, coverage.
# SPDX-License-Identifier: MIT
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
started=$SECONDS
tested=0 # seconds
lines_required=90 # percent of the lines of reference/ and conformance/, ci/coverage/gcovr.cfg

# Only the tests that say so (RUN_SERIAL, RESOURCE_LOCK) need the machine to themselves.
suite() { # suite PRESET LOG
    local since=$SECONDS
    echo "== ctest, build/$1"
    ctest --preset "$1" --parallel "$(nproc)" | tee "$2"
    tested=$((tested + SECONDS - since))
}

ci/setup.sh

ci/build.sh ci
suite ci build/ci/ctest.log

# Out of the build with sanitizers and gcov (ci/presets.json) stay test_roof, test_bench and test_bench_device, which depend on
# rates, and test_golden_teeth, which evaluates some ten thousand problems.
ci/build.sh instrumented
find build/instrumented -name '*.gcda' -delete
suite instrumented build/instrumented/ctest.log
echo "== a quick check, instrumented"
LSAN_OPTIONS=exitcode=23 build/instrumented/bin/assay check --impl naive --quick # and leaks of workers
mkdir -p build/instrumented/report
gcovr --config ci/coverage/gcovr.cfg --fail-under-line "$lines_required" build/instrumented

echo "== all of it, again in short"
grep -E 'tests passed|Total Test time' build/instrumented/ctest.log
grep -E '^TOTAL' build/instrumented/report/summary.txt # lines, covered, percent
grep -E 'tests passed|Total Test time' build/ci/ctest.log
echo "ci/test.sh: passed in $((SECONDS - started)) s, tests after the builds: $tested s; coverage: build/instrumented/report/index.html"
