"""torch_cell_cpu.py: PyTorch's cells in a loop of Python, a call a step: nn.LSTMCell, nn.GRUCell, nn.RNNCell.

SPDX-License-Identifier: MIT

All else is the row `torch`: parameters, linear layer, losses, optimizers. What the field calls "LSTMCell".
"""
import torch
from torch import nn

import abi
import torch_cpu
import torch_network
from torch_cpu import LOSS_BY, UPDATE_BY, VERSION, open  # noqa: F401: the host reads them here

NAME = "torch-cell"
CELLS = {abi.ASSAY_LSTM: nn.LSTMCell, abi.ASSAY_GRU: nn.GRUCell}


def refuse_losses(p):
    if p.op not in (abi.ASSAY_OP_RNN, abi.ASSAY_OP_NETWORK):
        raise abi.Unsupported("op: the losses are those of the row torch")
    if p.proj:
        raise abi.Unsupported("proj: nn.LSTMCell does not project")


def supports(p):
    refuse_losses(p)
    torch_cpu.supports(p)
    # `assay check --check arithmetic`, PyTorch 2.15: sigmoid 2.0, better than in nn.LSTM; tanh 1.2.
    return abi.arithmetic(p, activation_ulp=2.5, deterministic=1)


def plan(p):
    return Network(p)


class Network(torch_network.Network):
    def layers_on(self, weights):
        super().layers_on(weights)
        self.cells = [self.cell(q) for q in range(self.p.layers * self.p.directions)]

    def cell(self, q):
        """On the parameters of the layer that the row torch would have built."""
        p = self.p
        cell = self.make(abi.layer_input(p, q // p.directions))
        at = "_l%d%s" % (q // p.directions, "_reverse" * (q % p.directions))
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            if hasattr(self.net, name + at):
                setattr(cell, name, getattr(self.net, name + at))
        return cell

    def make(self, width):
        p, kind = self.p, self.p.dialect.cell
        more = {} if kind in CELLS else {"nonlinearity": "tanh" if kind == abi.ASSAY_RNN_TANH else "relu"}
        return CELLS.get(kind, nn.RNNCell)(width, p.h, bias=p.dialect.biases != abi.ASSAY_BIAS_NONE, dtype=self.dtype, **more)

    def recur(self, x, state, lens, past):
        pair = isinstance(state, tuple)
        y, inside = x.transpose(0, 1) if self.batch_first else x, None
        if past is not None:
            inside = ~(past.t() if self.batch_first else past)[..., None]
            y = y.masked_fill(~inside, 0)  # a number that is none would reach the gradients through torch.where
        finals = []
        for layer in range(self.p.layers):
            halves = []
            for at in range(self.p.directions):
                q = layer * self.p.directions + at
                out, last = self.loop(self.cells[q], y, tuple(s[q] for s in state) if pair else state[q], inside, at)
                halves.append(out)
                finals.append(last)
            y = torch.cat(halves, -1)
        last = tuple(torch.stack(each) for each in zip(*finals)) if pair else torch.stack(finals)
        return y.transpose(0, 1) if self.batch_first else y, last

    def loop(self, cell, x, state, inside, backwards):
        steps, pair = [None] * self.p.t, isinstance(state, tuple)
        for t in reversed(range(self.p.t)) if backwards else range(self.p.t):
            new = cell(x[t], state)
            if inside is None:
                state = new
            elif pair:
                state = tuple(torch.where(inside[t], a, b) for a, b in zip(new, state))
            else:
                state = torch.where(inside[t], new, state)
            out = state[0] if pair else state
            steps[t] = out if inside is None else out.masked_fill(~inside[t], 0)
        return torch.stack(steps), state
