"""torch_memory.py: the harness's memory as tensors of PyTorch that share it, and the shapes of what lies in it.

SPDX-License-Identifier: MIT
"""
import torch

import abi

BIASES = {abi.ASSAY_BIAS_NONE: (), abi.ASSAY_BIAS_ONE_INPUT: (abi.ASSAY_B_IH,),
          abi.ASSAY_BIAS_ONE_RECURRENT: (abi.ASSAY_B_HH,), abi.ASSAY_BIAS_TWO: (abi.ASSAY_B_IH, abi.ASSAY_B_HH)}


def shapes(p):
    """Index and shape of every parameter, in canonical order."""
    gates, s = {abi.ASSAY_LSTM: 4, abi.ASSAY_GRU: 3}.get(p.dialect.cell, 1) * p.h, abi.state_width(p)
    for layer in range(p.layers):
        for at in range(p.directions):
            own = [(abi.ASSAY_W, (gates, abi.layer_input(p, layer))), (abi.ASSAY_R, (gates, s))]
            own += [(b, (gates,)) for b in BIASES[p.dialect.biases]]
            own += [(abi.ASSAY_PROJECTION, (s, p.h))] if p.proj else []
            for which, shape in own:
                yield abi.ASSAY_RNN_PARAMS * (layer * p.directions + at) + which, shape
    if p.op == abi.ASSAY_OP_NETWORK:
        head = abi.ASSAY_RNN_PARAMS * p.layers * p.directions
        if p.vocab:
            yield head + abi.ASSAY_EMBEDDING, (p.vocab, p.i)
        yield head + abi.ASSAY_DENSE_W, (p.classes, abi.output_width(p))
        if p.dense_bias:
            yield head + abi.ASSAY_DENSE_B, (p.classes,)


class Memory:
    """Tensors of one problem."""
    keeps = False  # BACKWARD comes in a call of its own

    def __init__(self, p):
        self.p, self.element = p, abi.real(p)
        self.dtype = torch.float64 if p.arithmetic == abi.ASSAY_FP64 else torch.float32
        self.batch_first = p.dialect.layout == abi.ASSAY_BATCH_MAJOR
        self.steps = (p.n, p.t) if self.batch_first else (p.t, p.n)

    def view(self, pointer, shape, stride=0):
        """The harness's tensor, shared; None where it gives none."""
        if not pointer:
            return None
        rows, width = torch.Size(shape[:-1]).numel(), shape[-1]
        if not rows * width:
            return torch.empty(shape, dtype=self.dtype)
        stride = stride or width
        flat = torch.frombuffer(abi.array(pointer, (rows - 1) * stride + width, self.element), dtype=self.dtype)
        return flat.view(shape) if stride == width else flat.as_strided(shape, (shape[1] * stride, stride, 1))

    def input(self, pointer, shape, stride=0):
        """What TRAIN keeps for BACKWARD is the plan's own: by then the inputs may lie elsewhere."""
        given = self.view(pointer, shape, stride)
        return given.clone() if self.keeps and given is not None else given

    def integers(self, pointer, shape):
        count = torch.Size(shape).numel()
        if not pointer or not count:
            return torch.zeros(shape, dtype=torch.int64)
        return torch.frombuffer(abi.array(pointer, count, abi.ctypes.c_int32), dtype=torch.int32).view(shape).long()

    def lengths(self, a):
        """Of the rows, and where in (T, N) no row is any more; the second None where nothing is past a length."""
        lens = self.integers(a.lens, (self.p.n,)) if a.lens else torch.full((self.p.n,), self.p.t)
        if not a.lens or bool((lens == self.p.t).all()):
            return lens, None
        past = torch.arange(self.p.t)[:, None] >= lens
        return lens, past.t() if self.batch_first else past
