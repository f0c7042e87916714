#!/usr/bin/env bash
# peers.sh: virtual environments with the frameworks of ci/peers.txt, for rows like `torch`; needs a network once, and some GB.
# SPDX-License-Identifier: MIT
# Usage: ci/peers.sh FOLDER [NAME...], then ASSAY_PYTHON=FOLDER assay bench ...   without names: all that the file has
# Each has an environment of its own, FOLDER/NAME: their wishes for numpy and protobuf contradict each other.
# PIP_INDEX_URL and the like are pip's own: PyTorch's index for processors alone has a build without the libraries of CUDA.
# Exit status: 0 all asked for are there, 2 an unknown name, 3 some are not installed; the others are.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
usage="usage: ci/peers.sh FOLDER [NAME...]"
case ${1:-} in
-h | --help) echo "$usage: names are $(sed -n 's/^\([a-z0-9]*\): .*/\1/p' ci/peers.txt | tr '\n' ' ')"; exit 0 ;;
'' | -*) echo "ci/peers.sh: ${1:-no folder}: expected a folder; $usage" >&2; exit 2 ;;
esac
folder=$1
python=${PYTHON:-python3}
shift
known=$(sed -n 's/^\([a-z0-9]*\): .*/\1/p' ci/peers.txt)
for name in "$@"; do
    grep -qxF -e "$name" <<<"$known" ||
        { echo "ci/peers.sh: $name: no such peer; expected some of $(tr '\n' ' ' <<<"$known")(ci/peers.txt)" >&2; exit 2; }
done
names=("$@")
[[ $# -gt 0 ]] || mapfile -t names <<<"$known"
status=0
for name in "${names[@]}"; do
    read -ra packages <<<"$(sed -n "s/^$name: //p" ci/peers.txt)"
    "$python" -m venv "$folder/$name" ||
        { echo "ci/peers.sh: $name: no virtual environment: $python has no module venv (python3-venv), or $folder/$name cannot be made" >&2; exit 3; }
    if "$folder/$name/bin/python" -m pip install --quiet --disable-pip-version-check "${packages[@]}" &&
        (cd "$folder" && KERAS_BACKEND=jax "$name/bin/python" -c "import $name" >/dev/null); then
        echo "$name: installed (${packages[*]})"
    else
        rm -rf "${folder:?}/$name" # a half of it would be taken for a peer
        echo "ci/peers.sh: $name: not installed: see above" >&2
        status=3
    fi
done
exit "$status"
