#!/usr/bin/env bash
# test.sh: every test, on a fresh machine: set up, build with warnings as errors, ctest, sanitizers, coverage.
# SPDX-License-Identifier: MIT
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
started=$SECONDS
lines_required=90 # percent of the lines of reference/ and conformance/, ci/coverage/gcovr.cfg

# Only the tests that say so (RUN_SERIAL, RESOURCE_LOCK) need the machine to themselves. The reference's threads do not spin while they
# wait (OMP_WAIT_POLICY in ci/presets.json): beside another test that takes its processor away.
suite() { # suite PRESET LOG
    echo "== ctest, build/$1"
    ctest --preset "$1" --parallel "$(nproc)" | tee "$2"
}

ci/setup.sh

ci/build.sh ci
suite ci build/ci/ctest.log

# Out of the instrumented builds (ci/presets.json) stay test_roof and test_bench, which depend on rates, and
# test_golden_teeth, which evaluates some ten thousand problems; out of the sanitizers test_suite and test_learning, minutes of
# reference each (ci/nightly.sh), and of coverage too, with what covers nothing of reference/ and conformance/.
ci/build.sh asan
suite asan build/asan/ctest.log

ci/build.sh coverage
find build/coverage -name '*.gcda' -delete
# Workers of root are somebody else, and count too.
find build/coverage -type d -exec chmod o+rwx {} +
(umask 0 && suite coverage build/coverage/ctest.log)
mkdir -p build/coverage/report
gcovr --config ci/coverage/gcovr.cfg --fail-under-line "$lines_required" build/coverage

echo "== all of it, again in short"
grep -E 'tests passed|Total Test time' build/coverage/ctest.log
grep -E 'tests passed|Total Test time' build/asan/ctest.log
grep -E '^TOTAL' build/coverage/report/summary.txt # lines, covered, percent
grep -E 'tests passed|Total Test time' build/ci/ctest.log
echo "ci/test.sh: passed in $((SECONDS - started)) s; coverage: build/coverage/report/index.html"
