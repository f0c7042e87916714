#!/usr/bin/env bash
# device_required.sh: each test of a device is skipped where there is none, with a reason, and fails there if one is required.
# SPDX-License-Identifier: MIT
# Usage: ci/device_required.sh BUILD_DIR   exit status 77 where there is a driver: then nothing is skipped
set -euo pipefail
build=$(realpath "${1:?"usage: ci/device_required.sh BUILD_DIR"}")
failures=0
if { /sbin/ldconfig -p 2>/dev/null || true; } | grep -q 'libcuda\.so\.1 '; then
    echo "there is a CUDA driver here"
    exit 77
fi
unset ASSAY_REQUIRE_DEVICE
[[ -e $build/test.seed ]] || ctest --test-dir "$build" -R '^seed$' >/dev/null # as the fixture of these tests does
# A folder of its own, so that the logs of a run that this is part of stay whole.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
echo "subdirs(\"$build\")" >"$scratch/CTestTestfile.cmake"
names=$(ctest --test-dir "$scratch" -N -L '^device$' -FA '.*' | sed -nE 's/^ +Test +#[0-9]+: //p')
count=$(grep -c . <<<"$names" || true)

run() { # run: the tests of a device, each with its result
    ctest --test-dir "$scratch" -L '^device$' -FA '.*' --parallel "$(nproc)" --output-on-failure --verbose 2>&1 || true
}

said=$(run)
skipped=$(grep -c '\*\*\*Skipped' <<<"$said" || true)
if ((count == 0 || skipped != count)); then
    echo "of $count tests of a device $skipped are skipped without one; expected all of them:"
    grep -E 'Passed|Failed' <<<"$said" || true
    failures=$((failures + 1))
fi
reasons=$(grep -cE '^[0-9]+: .*(SKIPPED( [0-9]+)?: |no GPU|no CUDA driver|not opened: )' <<<"$said" || true)
if ((reasons < count)); then
    echo "$count tests of a device were skipped, $reasons reasons were given"
    failures=$((failures + 1))
fi
said=$(ASSAY_REQUIRE_DEVICE=1 run)
failed=$(grep -c '\*\*\*Failed' <<<"$said" || true)
if ((failed != count)); then
    echo "with ASSAY_REQUIRE_DEVICE=1 $failed of $count tests of a device fail without one; expected all of them:"
    grep -E 'Passed|Skipped' <<<"$said" || true
    failures=$((failures + 1))
fi
echo "device_required: $count tests, $failures failures"
((failures == 0))
