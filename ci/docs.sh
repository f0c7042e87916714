#!/usr/bin/env bash
# docs.sh: the API reference of the plugin's headers, by Doxygen: a member without a word on it is an error.
# SPDX-License-Identifier: MIT
# Usage: ci/docs.sh BUILD   writes BUILD/api/html; exit status 77 where there is no doxygen
set -euo pipefail
build=$(realpath "${1:?usage: ci/docs.sh BUILD}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if ! command -v doxygen >/dev/null; then
    echo "docs: SKIPPED: no doxygen here (Debian's package of that name, ci/packages-docs.txt)"
    exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

pages() { # pages ROOT OUT: of the headers under ROOT
    mkdir -p "$2"
    (cd "$1" && { cat docs/Doxyfile; echo "OUTPUT_DIRECTORY = $2"; } | doxygen -)
}

pages . "$build/api" || { echo "docs: the lines above name what no comment describes, or what a comment does not find"; exit 1; }

# Would it notice? Each fault in a copy: FILE, what sed makes of it, what Doxygen has to say.
notices() {
    local said status=0
    rm -rf "$scratch/tree"
    mkdir "$scratch/tree"
    cp -r --parents docs/Doxyfile docs/api.dox ci/doxygen_comments.py impl/impl.h reference/problem.h "$scratch/tree"
    sed -i "$2" "$scratch/tree/$1"
    ! cmp -s "$1" "$scratch/tree/$1" || { echo "docs: '$2' changes nothing in $1"; exit 1; }
    said=$(pages "$scratch/tree" "$scratch/out" 2>&1) || status=$?
    [[ $status != 0 && $said == *"$3"* ]] || { echo "docs: '$2' in $1: exit status $status, expected a complaint with '$3': $said"; exit 1; }
}
notices impl/impl.h 's|/\* UPDATE, STEP: updates made before.*||' 'step'
notices impl/impl.h '/What run() is asked for/d' 'assay_pass'
notices docs/api.dox 's/@fn assay_gates/@fn assay_gate/' 'assay_gate'

echo "docs: $build/api/html/index.html"
