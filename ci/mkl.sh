#!/usr/bin/env bash
# mkl.sh: puts headers and libraries of oneMKL, from PyPI, into a folder, for the row `blas-mkl`; needs a network once.
# SPDX-License-Identifier: MIT
# Usage: ci/mkl.sh FOLDER, then ASSAY_MKL=FOLDER ci/build.sh release, or cmake -DASSAY_MKL=FOLDER
# Under Intel's own licence (LICENSE.txt in the folder). 220 MB are fetched, 450 MB stay: what products on one thread need.
set -euo pipefail
folder=${1:?usage: ci/mkl.sh FOLDER}
version=2026.2.0
headers_sha=889cc72057a1671fee1e9a8beb2fc4e0d222ba78c08b6d69584dae03fbec4822
library_sha=eaab1875ce9f47ab3c66d5632cef06baf768c05781f2f28847bdbc4343500ed7
python=${ASSAY_PYTHON:-python3}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$folder/include" "$folder/lib"
printf '%s\n' "mkl-include==$version --hash=sha256:$headers_sha" "mkl==$version --hash=sha256:$library_sha" >"$scratch/wanted.txt"
"$python" -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
    --platform manylinux_2_28_x86_64 --dest "$scratch" --requirement "$scratch/wanted.txt" ||
    { echo "ci/mkl.sh: oneMKL was not installed: pip of $python could not fetch it (x86-64 only)" >&2; exit 3; }
for wheel in "$scratch"/*.whl; do
    "$python" -m zipfile -e "$wheel" "$scratch/files"
done
cp "$scratch"/files/*.data/data/include/mkl*.h "$folder/include/"
cp "$scratch"/files/mkl-"$version".dist-info/LICENSE.txt "$folder/"
for part in intel_lp64 sequential core def mc3 avx2 avx512 avx10; do # core opens the last five, which hold the kernels, by itself
    cp "$scratch"/files/*.data/data/lib/libmkl_$part.so.3 "$folder/lib/"
    ln -sf libmkl_$part.so.3 "$folder/lib/libmkl_$part.so"
done
echo "oneMKL $version in $folder: cmake -DASSAY_MKL=$(cd "$folder" && pwd)"
