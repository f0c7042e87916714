#!/usr/bin/env bash
# nightly.sh: the long forms: full checks on fresh seeds, repeated; mutants in full; the reference's full proof; all workloads.
# SPDX-License-Identifier: MIT
# Every part runs even if an earlier one failed. Expect about six hours on two cores; what the timing part had no time for is
# named in its report.
# Usage: ci/nightly.sh [PART...]; all parts unless told, in the order below.
# Exit status: 0 all held, or were skipped where they may be; else the worst of those that failed; 2 no such part; 77 nothing but skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
repeats=${ASSAY_NIGHTLY_REPEATS:-8}   # seeds for the quick check
seeds=${ASSAY_NIGHTLY_SEEDS:-1000}    # for the small plain cases: honest implementations must pass on all of them
killed=${ASSAY_NIGHTLY_KILLS:-200}    # times
fuzzing=${ASSAY_NIGHTLY_FUZZ:-60}     # seconds for each parser
budget=${ASSAY_NIGHTLY_BUDGET:-5400}  # seconds for timing every workload
scaling=${ASSAY_NIGHTLY_SCALING:-3600} # seconds for steps, batch, hidden units and threads of one workload
out=build/nightly
assay=build/release/bin/assay
worst=0 held=() failed=() skipped=()
wanted=("$@")
known=() # names of all parts, collected first, so that a wrong one costs nothing

part() { # part NAME command...
    local name=$1 status=0
    shift
    known+=("$name")
    if ((${#wanted[@]})) && [[ " ${wanted[*]} " != *" $name "* ]]; then return; fi
    if ((looking)); then return; fi
    echo "== $name: $*"
    "$@" || status=$?
    echo "== $name: exit $status"
    if ((status == 0)); then
        held+=("$name")
    elif ((status == 77 && ${lenient:-0})); then
        skipped+=("$name")
    else
        failed+=("$name ($status)")
        if ((status == 77)); then status=1; fi # 77 of the whole night would say that nothing failed
        if ((status > worst)); then worst=$status; fi
    fi
}

# Of what a machine may lack the means for. What all others run is in the tree and built: if it did nothing, that is a failure.
part_if_possible() { # part_if_possible NAME command...
    local lenient=1
    part "$@"
}

sum_up() { # sum_up TEXT PART...
    if (($# > 1)); then echo "ci/nightly.sh: $1: ${*:2}"; fi
}

# shellcheck disable=SC2317 # called by part
site() { # the page of all that the parts left, in this run or an earlier one
    local files=() file
    for file in report/records scaling mutants honest truth; do
        [[ ! -f $out/$file.json ]] || files+=("$out/$file.json")
    done
    ((${#files[@]})) || { echo "ci/nightly.sh: page: no part has left anything in $out" >&2; return 1; }
    "$assay" report --format html --out "$out/report.html" "${files[@]}"
}

# shellcheck disable=SC2317 # called by part
no_false_alarm() { # SEEDS: small plain cases on so many fresh seeds; a check keeps one processor busy, so one for each
    local jobs=() job worst=0 each=$((($1 + $(nproc) - 1) / $(nproc)))
    for ((job = 0; job < $(nproc); job++)); do
        OMP_NUM_THREADS=1 "$assay" check --case '*.plain' --impl naive --impl blas --repeat "$each" --no-shrink >"$out/no-false-alarm.$job.log" 2>&1 &
        jobs+=($!)
    done
    for job in "${jobs[@]}"; do wait "$job" || worst=$?; done
    for ((job = 0; job < $(nproc); job++)); do
        echo "$each seeds: $(tail -n 1 "$out/no-false-alarm.$job.log")"
        grep -E '^(FAIL|CRASHED|TIMEOUT|BROKEN|ILL_POSED)' -A 8 "$out/no-false-alarm.$job.log" || true
    done
    return "$worst"
}

parts() {
    part ctest ctest --preset release
    part sanitizers ctest --test-dir build/asan --label-regex '^unit$' --exclude-regex '^test_(roof|bench|bench_device|golden_teeth)$' \
        --output-on-failure
    part truth "$assay" truth --full --json "$out/truth.json"
    part all-floats build/release/bin/test_vecmath 1
    part check-full "$assay" check --full --json "$out/check-full.json" --junit "$out/check-full.xml"
    part documented "$assay" check --documented --json "$out/documented.json" --markdown "$out/tolerances.md"
    part check-seeds "$assay" check --quick --repeat "$repeats" --json "$out/check-seeds.json"
    part no-false-alarm no_false_alarm "$seeds"
    part mutants "$assay" mutants --all --json "$out/mutants.json"
    part honest "$assay" mutants --honest --json "$out/honest.json"
    part docs ci/doc_blocks.py --long --timeout 1800 build/release
    part_if_possible api bash -c 'ci/setup.sh ci/packages-docs.txt && ci/docs.sh build/release'
    part_if_possible package bash -c 'ci/setup.sh ci/packages-deb.txt && ci/deb.sh build/release'
    part kill ci/kill.sh "$assay" "$killed"
    part fuzz ci/fuzz.sh "$fuzzing"
    part arm ci/arm.sh
    part_if_possible fleet ci/fleet-demo.sh --out "$out/fleet"
    part recurrences build/release/bin/test_persistent 100
    part workloads "$assay" run --all --budget "$budget" --out "$out/report"
    part scaling "$assay" bench --workload b1.lstm-ce-short --scale t --scale n --scale h --scale threads --budget "$scaling" \
        --json "$out/scaling.json"
    part page site
}

looking=1
parts
for name in "$@"; do
    if [[ " ${known[*]} " != *" $name "* ]]; then
        echo "ci/nightly.sh: no part is called '$name': expected some of ${known[*]}" >&2
        exit 2
    fi
done
looking=0
ci/setup.sh
ci/build.sh release
ci/build.sh asan
mkdir -p "$out"
parts
sum_up held "${held[@]}"
sum_up skipped "${skipped[@]}"
sum_up failed "${failed[@]}"
if ((${#held[@]} + ${#failed[@]} == 0)); then worst=77; fi
echo "ci/nightly.sh: exit status $worst; results lie in $out"
exit "$worst"
