"""torch_layers.py: the recurrent layers of PyTorch, nn.LSTM, nn.GRU, nn.RNN, with embedding and linear layer around them.

SPDX-License-Identifier: MIT

PyTorch refuses rows of length 0, which the ABI may ask for: they are taken out and put back.
"""
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import abi
import torch_losses

NAMES = {abi.ASSAY_W: "weight_ih", abi.ASSAY_R: "weight_hh", abi.ASSAY_B_IH: "bias_ih", abi.ASSAY_B_HH: "bias_hh",
         abi.ASSAY_PROJECTION: "weight_hr"}


class Layers(torch_losses.Loss):
    """A recurrent stack, with what stands before and behind it in a network; weights are parameters by index."""

    def layers_on(self, weights):
        p, cell = self.p, self.p.dialect.cell
        more = {"proj_size": p.proj} if p.proj else {}
        if cell in (abi.ASSAY_RNN_TANH, abi.ASSAY_RNN_RELU):
            more["nonlinearity"] = "tanh" if cell == abi.ASSAY_RNN_TANH else "relu"
        kind = {abi.ASSAY_LSTM: nn.LSTM, abi.ASSAY_GRU: nn.GRU}.get(cell, nn.RNN)
        net = kind(p.i, p.h, p.layers, bias=p.dialect.biases != abi.ASSAY_BIAS_NONE, batch_first=self.batch_first,
                   bidirectional=p.directions == 2, dtype=self.dtype, **more)
        for q in range(p.layers * p.directions):
            for which, name in NAMES.items():
                name += "_l%d%s" % (q // p.directions, "_reverse" * (q % p.directions))
                own = weights.get(abi.ASSAY_RNN_PARAMS * q + which)
                if own is not None:
                    setattr(net, name, own)
                elif hasattr(net, name):  # PyTorch has two biases or none: the missing one is 0
                    setattr(net, name, nn.Parameter(torch.zeros_like(getattr(net, name)), requires_grad=False))
        self.net, self.weights, self.head = net, weights, abi.ASSAY_RNN_PARAMS * p.layers * p.directions

    def recur(self, x, state, lens, past):
        """y and the final states. PyTorch refuses rows of length 0: they are taken out and put back."""
        if past is None:
            return self.net(x, state)
        keep, batch = lens.nonzero().flatten(), 0 if self.batch_first else 1
        some = keep.numel() < self.p.n
        y = x.new_zeros(*self.steps, abi.output_width(self.p))
        if not keep.numel():
            return y, state
        pick = (lambda v, dim: v.index_select(dim, keep)) if some else (lambda v, dim: v)
        kept = tuple(pick(s, 1) for s in state) if isinstance(state, tuple) else pick(state, 1)
        packed = pack_padded_sequence(pick(x, batch), lens[keep], self.batch_first, enforce_sorted=False)
        out, last = self.net(packed, kept)
        out, _ = pad_packed_sequence(out, self.batch_first, total_length=self.p.t)
        if not some:
            return out, last
        back = lambda whole, part: whole.index_copy(1, keep, part)
        last = tuple(map(back, state, last)) if isinstance(state, tuple) else back(state, last)
        return y.index_copy(batch, keep, out), last

    def forward(self, a, train):
        """Leaves, where gradients end, and what is made of them, where they begin; the caller keeps them, or not."""
        p, ld, lens_past = self.p, self.p.layers * self.p.directions, self.lengths(a)
        shape = {"x": (*self.steps, p.i), "h0": (ld, p.n, abi.state_width(p)), "c0": (ld, p.n, p.h)}
        lstm = p.dialect.cell == abi.ASSAY_LSTM
        leaf = {"x": None if p.vocab else self.input(a.x, shape["x"], p.x_stride)}
        for name in ("h0", "c0")[:1 + lstm]:
            given = self.input(getattr(a, name), shape[name])
            leaf[name] = torch.zeros(shape[name], dtype=self.dtype) if given is None else given
        for each in leaf.values():
            if each is not None:
                each.requires_grad_(train)
        x = leaf["x"]
        if p.vocab:
            ids = self.integers(a.ids, self.steps)
            x = F.embedding(ids if lens_past[1] is None else ids.masked_fill(lens_past[1], 0),
                            self.weights[self.head + abi.ASSAY_EMBEDDING])
        state = (leaf["h0"], leaf["c0"]) if lstm else leaf["h0"]
        y, last = self.recur(x, state, *lens_past)
        made = {"y": y, "hn": last[0] if lstm else last, "cn": last[1] if lstm else None}
        if p.op == abi.ASSAY_OP_NETWORK:
            made["logits"] = self.linear(y, *lens_past)
        return leaf, made

    def linear(self, y, lens, past):
        weight, bias = (self.weights.get(self.head + k) for k in (abi.ASSAY_DENSE_W, abi.ASSAY_DENSE_B))
        if self.p.head == abi.ASSAY_HEAD_LAST:
            last, rows = (lens - 1).clamp(min=0), torch.arange(self.p.n)
            return F.linear(y[rows, last] if self.batch_first else y[last, rows], weight, bias)
        logits = F.linear(y, weight, bias)
        return logits if past is None else logits.masked_fill(past[..., None], 0)
