#!/usr/bin/env bash
# run.sh: the main job on a fresh machine: install what is missing, build, check every implementation, time what passed.
# SPDX-License-Identifier: MIT
# Arguments go to `assay run` (--help lists them), for example: ci/run.sh --impl blas --workload 'b1*'
# Ten minutes in all on two cores: what set-up and build took is taken off the run's budget, five minutes stay in any case.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
whole=590 least=300 # seconds

ci/setup.sh
ci/build.sh release
left=$((whole - SECONDS))
if ((left < least)); then left=$least; fi
if [[ " $* " == *' --quick '* || " $* " == *' --all '* || " $* " == *' --budget'* || " $* " == *' --help '* ]]; then
    exec build/release/bin/assay run --out build/report "$@"
fi
exec build/release/bin/assay run --out build/report --budget "$left" "$@"
