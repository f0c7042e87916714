#!/usr/bin/env bash
# fuzz.sh: libFuzzer on everything that reads files or command lines (perf/tests/fuzz_targets.c), each for some seconds.
# SPDX-License-Identifier: MIT
# Usage: ci/fuzz.sh [SECONDS [TARGET...]]; 60 seconds and all targets unless told. Inputs that reach new code are kept in
# build/fuzz/<target>; `ci/fuzz.sh --keep` merges the smallest set of them into fixtures/corpora, which test_corpora
# reads. An input that breaks a parser stays in build/fuzz/found; put it into fixtures/corpora with the fix.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=build/fuzz
keep=0
if [[ ${1:-} == --keep ]]; then keep=1 && shift; fi
seconds=${1:-60}
shift || true

ci/setup.sh ci/packages-fuzz.txt
ci/build.sh release
mkdir -p "$out/found"
room=$(mktemp -d -p /dev/shm assay-fuzz-XXXXXX 2>/dev/null || mktemp -d) # in memory: a file is written for each input
trap 'rm -rf "$room"' EXIT

# The parsers are built by clang, with its coverage and sanitizers; what they call comes from the ordinary build, since
# the reference is GCC's.
watched=(perf/tests/fuzz_main.c perf/tests/fuzz_targets.c perf/tests/sample.c perf/cli/{options,paths,print}.c perf/{record,json,kills,report_kills,truth_table,truth_file,report_truth,verdicts,report_verdicts,escape}.c
    conformance/{certificate,case_parse,certificate_file,feature,floors,floor_table,golden,file,names}.c)
# shellcheck disable=SC2054 # the commas are the compiler's
flags=(-std=c11 -D_GNU_SOURCE -I. -g -O1 -fno-strict-aliasing -fsanitize=fuzzer,address,undefined
    -fno-sanitize-recover=undefined "-DASSAY_GOLDEN=\"$PWD/fixtures/golden\""
    '-DASSAY_REFERENCE_HASH="fuzzed"' '-DASSAY_ROUNDED_HASH="fuzzed"')
clang "${flags[@]}" "${watched[@]}" -o "$out/fuzz" -Wl,--start-group \
    build/release/{perf,conformance,reference}/*.a -Wl,--end-group -ljansson -lsodium -lgomp -lquadmath -lstdc++ -lm

names=$("$out/fuzz" --list)
mapfile -t targets <<<"$names"
if (($#)); then targets=("$@"); fi
worst=0
for target in "${targets[@]}"; do
    mkdir -p "$out/$target" "fixtures/corpora/$target"
    "$out/fuzz" "--target=$target" "--folder=$room" "--make=$out/$target/valid"
    status=0
    if ((keep)); then
        "$out/fuzz" "--target=$target" "--folder=$room" -merge=1 -max_len=65536 "fixtures/corpora/$target" "$out/$target" \
            >"$out/$target.log" 2>&1 || status=$?
    else
        "$out/fuzz" "--target=$target" "--folder=$room" "-max_total_time=$seconds" -max_len=65536 -timeout=10 \
            "-artifact_prefix=$out/found/$target-" "$out/$target" "fixtures/corpora/$target" >"$out/$target.log" 2>&1 || status=$?
    fi
    runs=$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$out/$target.log")
    echo "fuzz $target: exit $status, ${runs:-no} runs, $(find "$out/$target" -type f | wc -l) inputs; log: $out/$target.log"
    if ((status)); then worst=1; fi
done
exit $worst
