#!/usr/bin/env bash
# onednn3.sh: puts headers and library of oneDNN 3.x, from PyPI, into a folder, for the row `onednn-v3`; needs a network once.
# SPDX-License-Identifier: MIT
# Usage: ci/onednn3.sh FOLDER, then ASSAY_ONEDNN3=FOLDER ci/build.sh release, or cmake -DASSAY_ONEDNN3=FOLDER
# The build with GNU OpenMP for processors alone: the newer onednn-devel wants the runtime of DPC++ beside it.
set -euo pipefail
folder=${1:?usage: ci/onednn3.sh FOLDER}
version=2023.2.0 # oneDNN 3.2.0
headers_sha=9763c69e8c907e119056bd52ad918ca84ac9ba939d130a99dfa95ccca3e5e284
library_sha=2f22a54d6a890ed14bfa185d42a4be65d8b5b1df85dc1f0f3a9abe31620416fb
python=${ASSAY_PYTHON:-python3}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$folder/include" "$folder/lib"
printf '%s\n' "onednn-devel-cpu-gomp==$version --hash=sha256:$headers_sha" \
    "onednn-cpu-gomp==$version --hash=sha256:$library_sha" >"$scratch/wanted.txt"
"$python" -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
    --platform manylinux1_x86_64 --dest "$scratch" --requirement "$scratch/wanted.txt" ||
    { echo "ci/onednn3.sh: oneDNN 3.x was not installed: pip of $python could not fetch it (x86-64 only)" >&2; exit 3; }
for wheel in "$scratch"/*.whl; do
    "$python" -m zipfile -e "$wheel" "$scratch/files"
done
cp -r "$scratch"/files/*.data/data/include/. "$folder/include/"
cp "$scratch"/files/*.data/data/lib/libdnnl.so.3 "$folder/lib/"
ln -sf libdnnl.so.3 "$folder/lib/libdnnl.so"
echo "oneDNN $version (3.x) in $folder: cmake -DASSAY_ONEDNN3=$(cd "$folder" && pwd)"
