#!/usr/bin/env bash
# job.sh: what one node of a fleet does: check, then time, into one folder; the batch file, the Kubernetes job and ReFrame run this.
# SPDX-License-Identifier: MIT
# Usage: ci/fleet/job.sh --out DIR [--assay PROGRAM] [--node NAME] [--check ARGUMENTS] [--bench ARGUMENTS] [--baselines DIR]
#   --out        results: check.json, records.json; made if its parent is there
#   --assay      the program; default: assay in PATH
#   --node       the name that records keep; default: what Slurm or the pod calls this node, else its own
#   --check      arguments of `assay check`, blanks between them; default --quick
#   --bench      arguments of `assay bench`, in the same way; default none
#   --baselines  judge the records by them, where they hold this device
# Patterns in ARGUMENTS are for assay: the shell leaves them alone.
# Exit status: of `assay check` if it is not 0, else of `assay bench`; 2 bad usage.
set -euo pipefail
out='' assay=assay node=${ASSAY_NODE:-${SLURMD_NODENAME:-$(uname -n)}} check=--quick bench='' baselines=''

usage() {
    echo "ci/fleet/job.sh: $*" >&2
    exit 2
}

while (($#)); do
    case $1 in
    --out | --assay | --node | --check | --bench | --baselines)
        (($# > 1)) || usage "$1: expected an argument"
        case $1 in
        --out) out=$2 ;;
        --assay) assay=$2 ;;
        --node) node=$2 ;;
        --check) check=$2 ;;
        --bench) bench=$2 ;;
        --baselines) baselines=$2 ;;
        esac
        shift 2
        ;;
    --help)
        sed -n '/^# Usage/,/^# Exit/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    *) usage "$1: unknown; expected --out, --assay, --node, --check, --bench, --baselines or --help" ;;
    esac
done
[[ -n $out ]] || usage "expected --out DIR"
[[ $node =~ ^[A-Za-z0-9._-]{1,60}$ ]] || usage "--node $node: expected at most 60 letters, digits, dots, hyphens"
command -v "$assay" >/dev/null || usage "--assay $assay: not found"
[[ -z $baselines || -d $baselines ]] || usage "--baselines $baselines: expected a folder"
mkdir "$out" 2>/dev/null || [[ -d $out ]] || usage "--out $out: cannot be made"
export ASSAY_NODE=$node

read -ra check_words <<<"$check"
read -ra bench_words <<<"$bench"
[[ -z $baselines ]] || bench_words+=(--baseline "$baselines")
checked=0 timed=0
"$assay" check "${check_words[@]}" --json "$out/check.json" || checked=$?
echo "node $node: check ended with $checked"
((checked == 0)) || exit "$checked"
"$assay" bench "${bench_words[@]}" --json "$out/records.json" || timed=$?
echo "node $node: bench ended with $timed"
exit "$timed"
