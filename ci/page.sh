#!/usr/bin/env bash
# page.sh: the page of `assay report` stands before an HTML validator: tidy, and the Nu checker where $ASSAY_VNU names its vnu.jar.
# SPDX-License-Identifier: MIT
# Usage: ci/page.sh ASSAY FILE...   what the page shows; records are shown four times: of two commits on two nodes
# Exit status: 77 without tidy.
set -euo pipefail
assay=${1:?usage: ci/page.sh ASSAY FILE...}
shift
command -v tidy >/dev/null || { echo "page: tidy is not here"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

valid() { # valid PAGE: silent and 0 if nothing is to be said against it
    local said status=0
    said=$(tidy -e -q "$1" 2>&1) || status=$?
    [[ -z ${ASSAY_VNU:-} ]] || said+=$(java -jar "$ASSAY_VNU" "$1" 2>&1) || status=$?
    [[ -z $said ]] || head -n 10 <<<"$said"
    [[ -z $said && $status == 0 ]]
}

files=()
for file in "$@"; do
    if grep -q '"assay.records/1"' "$file"; then
        for commit in one two; do
            for node in first second; do
                sed -E 's/"commit": "[^"]*"/"commit": "'$commit'"/; s/"node": "[^"]*",//; s/"machine": \{/&"node": "'$node'",/' \
                    "$file" >"$scratch/$commit-$node.json"
                files+=("$scratch/$commit-$node.json")
            done
        done
    else
        files+=("$file")
    fi
done
"$assay" report --format html --out "$scratch/page.html" "${files[@]}"
valid "$scratch/page.html" || { echo "page: not valid"; failures=$((failures + 1)); }
for part in 'over commits' 'equal devices' 'each over each' 'without a number' 'what kills them' '>conformance<' 'and its proofs'; do
    grep -q "$part" "$scratch/page.html" || { echo "page: has no part '$part'"; failures=$((failures + 1)); }
done
# A validator that takes everything would prove nothing.
for fault in 's/<\/summary>//' 's/class="chart"/class="chart/' 's/<section>/<section><h2 id="x">a<\/h2><h2 id="x">b<\/h2>/'; do
    sed "0,/section/$fault" "$scratch/page.html" | sed "$fault" >"$scratch/broken.html"
    if valid "$scratch/broken.html" >/dev/null; then
        echo "page: taken for valid after $fault"
        failures=$((failures + 1))
    fi
done
echo '{"schema": "assay.records/1", "records": [], "left_out": []}' >"$scratch/empty.json"
"$assay" report --format html --out "$scratch/empty.html" "$scratch/empty.json"
valid "$scratch/empty.html" || { echo "page: without records not valid"; failures=$((failures + 1)); }
echo "page: $(wc -c <"$scratch/page.html") bytes, $failures failures"
((failures == 0))
