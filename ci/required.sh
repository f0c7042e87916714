#!/usr/bin/env bash
# required.sh: runs a test of a device; where ASSAY_REQUIRE_DEVICE is set, one that skips has failed.
# SPDX-License-Identifier: MIT
# Usage: ci/required.sh PROGRAM [ARGUMENT...]
set -euo pipefail
status=0
"$@" || status=$?
if ((status == 77)) && [[ -n ${ASSAY_REQUIRE_DEVICE:-} && $ASSAY_REQUIRE_DEVICE != 0 ]]; then
    echo "$(basename "$1"): SKIPPED, but ASSAY_REQUIRE_DEVICE says that nothing may be"
    exit 1
fi
exit "$status"
