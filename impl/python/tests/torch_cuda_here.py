"""torch_cuda_here.py: the row torch-cuda on a stand-in for the driver, whose device's memory is the host's.

SPDX-License-Identifier: MIT

The host opens the stand-in (conformance/tests/fake), which does what is put to it when somebody waits, and hands over
addresses and a stream of it. Replaced are the search for a device, the stream's context and the sharing of memory: a call
waits for the stand-in first, the stream has to be the harness's, and what is shared has to lie in the device's memory. All
else is the row's: layers, losses, optimizers, what is read on which side. It proves nothing about CUDA or a GPU.
"""
import contextlib
import ctypes
import unittest.mock

import torch

import abi
import torch_cpu  # before a device is feigned, which its optimizer would ask for

with unittest.mock.patch.object(torch.version, "cuda", "none"), \
        unittest.mock.patch.object(torch.cuda, "is_available", lambda: True):
    import torch_cuda
from torch_cuda import LOSS_BY, PLACE, UPDATE_BY, open, plan  # noqa: F401: the host reads them here

NAME, VERSION = "torch-cuda-here", "1, on a stand-in"
ELEMENTS = {torch.float32: abi.ctypes.c_float, torch.float64: abi.ctypes.c_double, torch.int32: abi.ctypes.c_int32}
DRIVER = ctypes.CDLL("libcuda.so.1")


def supports(p):
    made = torch_cuda.supports(p)
    made.activation_ulp = torch_cpu.activation_ulp(p)  # what computes here is the processor
    return made


def on(stream):
    event = ctypes.c_void_p()
    DRIVER.cuEventCreate(ctypes.byref(event), 0)
    if DRIVER.cuEventRecord(event, ctypes.c_void_p(stream)):
        raise RuntimeError("a stream that is not the harness's")
    if DRIVER.cuCtxSynchronize():
        raise RuntimeError("the stand-in failed")
    DRIVER.cuEventDestroy_v2(event)
    return contextlib.nullcontext()


def share(pointer, count, dtype):
    shared = abi.array(pointer, count, ELEMENTS[dtype])
    if not DRIVER.fake_cuda_owns(ctypes.c_void_p(pointer), ctypes.c_size_t(ctypes.sizeof(shared))):
        raise RuntimeError("%d elements outside of the device's memory" % count)
    return torch.frombuffer(shared, dtype=dtype)


torch_cuda.DEVICE, torch_cuda.share = "cpu", share
