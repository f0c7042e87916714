#!/usr/bin/env bash
# run.sh: the main job on a fresh machine: install what is missing, build, check every implementation, time what passed.
# SPDX-License-Identifier: MIT
# Arguments go to `assay run` (--help lists them), for example: ci/run.sh --impl blas --workload 'b1*'
# Ten minutes in all on two cores: what set-up and build took is taken off the run's budget, five minutes stay in any case.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
whole=590 least=300 # seconds

if [[ " $* " == *' --help '* || " $* " == *' -h '* ]]; then # what needs no build
    echo "usage: ci/run.sh [OPTION...]: installs what is missing, builds, checks every implementation, times what passed;"
    echo "the report is build/report/report.html. Without options within ten minutes on two cores; with --quick a look in six."
    echo "Options are those of \`assay run\`:"
    [[ -x build/release/bin/assay ]] || { echo "they are printed once it is built (ci/build.sh release installed)"; exit 0; }
    exec build/release/bin/assay run --help
fi
ci/setup.sh
ci/build.sh release installed
left=$((whole - SECONDS))
if ((left < least)); then left=$least; fi
if [[ " $* " == *' --quick '* || " $* " == *' --all '* || " $* " == *' --budget'* ]]; then
    exec build/release/bin/assay run --out build/report "$@"
fi
exec build/release/bin/assay run --out build/report --budget "$left" "$@"
