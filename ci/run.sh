#!/usr/bin/env bash
# run.sh: the main job on a fresh machine: install what is missing, build, check every implementation, time what passed.
# SPDX-License-Identifier: MIT
# Arguments go to `assay run` (--help lists them), for example: ci/run.sh --impl blas --workload 'b1*'
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

ci/setup.sh
ci/build.sh release
exec build/release/bin/assay run --out build/report "$@"
