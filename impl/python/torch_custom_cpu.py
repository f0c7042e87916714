"""torch_custom_cpu.py: cells written out in PyTorch's operations, in a loop of Python: what a user writes whose cell torch lacks.

SPDX-License-Identifier: MIT

Each gate has operations of its own, as in the papers; autograd differentiates them. All else is the row `torch-cell`. Since
nothing hides the equations, the resets, shares of the old state and forget offsets that nn.GRU and nn.LSTM lack are here.
"""
import torch
from torch import nn
from torch.nn import functional as F

import abi
import torch_cell_cpu
import torch_cpu
from torch_cpu import LOSS_BY, UPDATE_BY, VERSION, open  # noqa: F401: the host reads them here

NAME = "torch-custom"
OWN = ("gru_reset", "gru_mix", "forget_bias")  # what `torch` refuses and these cells have
PHI = {abi.ASSAY_RNN_TANH: torch.tanh, abi.ASSAY_RNN_RELU: torch.relu}


def supports(p):
    torch_cell_cpu.refuse_losses(p)
    for condition, why in torch_cpu.refused(p):
        if condition and why.partition(":")[0] not in OWN:
            raise abi.Unsupported(why)
    # `assay check --check arithmetic`, PyTorch 2.15: sigmoid 2.0, tanh 1.2.
    return abi.arithmetic(p, activation_ulp=2.5, deterministic=1)


def plan(p):
    return Network(p)


class Cell(nn.Module):
    """A subclass computes the new state of a step; weights are named as in nn.LSTMCell."""

    def __init__(self, width, units, bias, dialect, dtype):
        super().__init__()
        self.dialect = dialect
        gates = {abi.ASSAY_LSTM: 4, abi.ASSAY_GRU: 3}.get(dialect.cell, 1) * units
        for name, shape in (("weight_ih", (gates, width)), ("weight_hh", (gates, units)), ("bias_ih", (gates,)), ("bias_hh", (gates,))):
            there = bias or name.startswith("weight")
            self.register_parameter(name, nn.Parameter(torch.zeros(shape, dtype=dtype)) if there else None)


class LSTM(Cell):
    def forward(self, x, state):
        h, c = state
        i, f, g, o = (F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)).chunk(4, -1)
        c = torch.sigmoid(f + self.dialect.forget_bias) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class GRU(Cell):
    def forward(self, x, h):
        xr, xz, xn = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, -1)
        weights, biases = self.weight_hh.chunk(3), (None,) * 3 if self.bias_hh is None else self.bias_hh.chunk(3)
        r, z = (torch.sigmoid(a + F.linear(h, w, b)) for a, w, b in zip((xr, xz), weights, biases))
        w, b = weights[2], biases[2]
        if self.dialect.gru_reset == abi.ASSAY_RESET_BEFORE:
            n = torch.tanh(xn + F.linear(r * h, w, b))
        elif self.dialect.gru_reset == abi.ASSAY_RESET_AFTER_INSIDE:
            n = torch.tanh(xn + r * F.linear(h, w, b))
        else:
            n = torch.tanh(xn + r * F.linear(h, w) + (0 if b is None else b))
        return (1 - z) * n + z * h if self.dialect.gru_mix == abi.ASSAY_MIX_KEEPS else z * n + (1 - z) * h


class Plain(Cell):
    def forward(self, x, h):
        return PHI[self.dialect.cell](F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh))


class Network(torch_cell_cpu.Network):
    def make(self, width):
        d = self.p.dialect
        kind = {abi.ASSAY_LSTM: LSTM, abi.ASSAY_GRU: GRU}.get(d.cell, Plain)
        return kind(width, self.p.h, d.biases != abi.ASSAY_BIAS_NONE, d, self.dtype)
