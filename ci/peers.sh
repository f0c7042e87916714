#!/usr/bin/env bash
# peers.sh: a virtual environment with the frameworks of ci/python.txt, for rows like `torch`; needs a network once, and some GB.
# SPDX-License-Identifier: MIT
# Usage: ci/peers.sh FOLDER, then ASSAY_PYTHON=FOLDER/bin/python assay bench ...
# PIP_INDEX_URL and the like are pip's own: PyTorch's index for processors alone has a build without the libraries of CUDA.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=${1:?usage: ci/peers.sh FOLDER}
python=${PYTHON:-python3}

"$python" -m venv "$folder" ||
    { echo "ci/peers.sh: no virtual environment: $python has no module venv (python3-venv), or $folder cannot be made" >&2; exit 3; }
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --requirement ci/python.txt ||
    { echo "ci/peers.sh: the frameworks of ci/python.txt were not installed: see pip above" >&2; exit 3; }
"$folder/bin/python" -c 'import torch; print("PyTorch", torch.__version__, "in", torch.__path__[0])'
