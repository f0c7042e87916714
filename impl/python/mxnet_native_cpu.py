"""mxnet_native_cpu.py: the row `mxnet` with oneDNN switched off: MXNet's own kernels throughout.

SPDX-License-Identifier: MIT

By oneDNN log_softmax errs by more than honest sums do (docs/differences.md).
"""
import os

os.environ.update(MXNET_MKLDNN_ENABLED="0", MXNET_USE_MKLDNN_RNN="0", MXNET_STORAGE_FALLBACK_LOG_VERBOSE="0")  # read when MXNet is loaded
import abi
import arrays
import mxnet_cpu
from mxnet_cpu import FULL_ROWS, LOSS_BY, UPDATE_BY, VERSION, open, plan  # noqa: F401: the host reads them here

NAME = "mxnet-native"


def supports(p):
    declared = mxnet_cpu.supports(p)
    if arrays.is_stack(p) and p.dialect.cell == abi.ASSAY_LSTM:
        declared.activation_ulp = 3  # `assay check --check arithmetic`, MXNet 1.9.1: 1.96
    return declared
