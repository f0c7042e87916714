"""mxnet_layers.py: the recurrent layers of Gluon, with embedding and dense layer around them, and who holds their parameters.

SPDX-License-Identifier: MIT
"""
import mxnet as mx
from mxnet import gluon, nd

import abi
import arrays
import mxnet_losses
from mxnet_losses import array

FULL_ROWS = "rows of length T only: on a processor gluon.rnn.LSTM ignores use_sequence_length"
NAMES = {abi.ASSAY_W: "i2h_weight", abi.ASSAY_R: "h2h_weight", abi.ASSAY_B_IH: "i2h_bias", abi.ASSAY_B_HH: "h2h_bias"}


class Layers(mxnet_losses.Losses):
    batch_major = False

    def __init__(self, p):
        self.p, self.head = p, abi.ASSAY_RNN_PARAMS * p.layers * p.directions
        self.params, self.held = {}, None
        if arrays.is_stack(p):
            self.build()

    def build(self):
        p, kind = self.p, self.p.dialect.cell
        sizes = {"num_layers": p.layers, "bidirectional": p.directions == 2, "input_size": p.i}
        if kind in (abi.ASSAY_RNN_TANH, abi.ASSAY_RNN_RELU):
            sizes["activation"] = "tanh" if kind == abi.ASSAY_RNN_TANH else "relu"
        self.rnn = {abi.ASSAY_LSTM: gluon.rnn.LSTM, abi.ASSAY_GRU: gluon.rnn.GRU}.get(kind, gluon.rnn.RNN)(p.h, **sizes)
        blocks = [self.rnn]
        for q in range(p.layers * p.directions):
            for which, name in NAMES.items():
                self.params[abi.ASSAY_RNN_PARAMS * q + which] = getattr(self.rnn, "%s%d_%s" % ("lr"[q % p.directions], q // p.directions, name))
        if p.op == abi.ASSAY_OP_NETWORK:
            self.dense = gluon.nn.Dense(p.classes, use_bias=bool(p.dense_bias), flatten=False, in_units=abi.output_width(p))
            self.params.update({self.head + abi.ASSAY_DENSE_W: self.dense.weight, self.head + abi.ASSAY_DENSE_B: self.dense.bias})
            blocks.append(self.dense)
            if p.vocab:
                self.embedding = gluon.nn.Embedding(p.vocab, p.i)
                self.params[self.head + abi.ASSAY_EMBEDDING] = self.embedding.weight
                blocks.append(self.embedding)
        for block in blocks:
            block.initialize(mx.init.Zero())  # a bias that the problem lacks stays 0
        self.params = {k: self.params[k] for k, _ in arrays.shapes(p)}

    def hold(self, weights):
        """The blocks compute on parameters of their own; what they hold already is not copied again."""
        if self.held is not weights:
            for k, value in weights.items():
                self.params[k].set_data(value)
        self.held = weights

    def start(self, given):
        """x and the initial states."""
        p = self.p
        found = {k: array(given[k]) for k in ("x", "h0", "c0") if k in given}
        if arrays.is_stack(p):
            for k in ("h0", "c0")[:1 + (p.dialect.cell == abi.ASSAY_LSTM)]:
                found.setdefault(k, nd.zeros((p.layers * p.directions, p.n, p.h)))
        return found

    def outputs(self, start, given):
        p = self.p
        if not arrays.is_stack(p):
            return self.losses(start["x"], given)
        if "lens" in given:
            raise abi.Unsupported(FULL_ROWS)
        y, states = self.rnn(self.embedding(array(given["ids"])) if p.vocab else start["x"], [start[k] for k in ("h0", "c0") if k in start])
        made = {"y": y, **dict(zip(("hn", "cn"), states))}
        if p.op == abi.ASSAY_OP_NETWORK:
            made["logits"] = self.dense(y[-1] if p.head == abi.ASSAY_HEAD_LAST else y)
        return made
