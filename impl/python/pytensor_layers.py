"""pytensor_layers.py: stacks and cross-entropy in PyTensor: cells in scan, as Theano's users wrote them.

SPDX-License-Identifier: MIT

Rows that end early keep their state; x past a length is made 0 first, since a number that is none would reach the
gradients through a switch.
"""
import pytensor
import pytensor.tensor as pt

import abi
import arrays

PHI = {abi.ASSAY_RNN_TANH: pt.tanh, abi.ASSAY_RNN_RELU: lambda a: pt.switch(a > 0, a, pt.zeros_like(a))}


def split(a, parts, width):
    return [a[:, k * width:(k + 1) * width] for k in range(parts)]


def lstm(x, h, c, r, bias, p):
    """x holds the products of all inputs and the biases."""
    i, f, g, o = split(x + pt.dot(h, r.T), 4, p.h)
    c = pt.sigmoid(f + pt.constant(p.dialect.forget_bias, dtype="float32")) * c + pt.sigmoid(i) * pt.tanh(g)
    return pt.sigmoid(o) * pt.tanh(c), c


def gru(x, h, r, bias, p):
    two = 2 * p.h
    xr, xz, xn = split(x, 3, p.h)
    reset, z = split(pt.sigmoid(pt.concatenate([xr, xz], axis=1) + pt.dot(h, r[:two].T) + bias[:two]), 2, p.h)
    rn, bn = r[two:], bias[two:]
    n = pt.tanh({abi.ASSAY_RESET_BEFORE: lambda: xn + pt.dot(reset * h, rn.T) + bn,
                 abi.ASSAY_RESET_AFTER_INSIDE: lambda: xn + reset * (pt.dot(h, rn.T) + bn),
                 abi.ASSAY_RESET_AFTER_OUTSIDE: lambda: xn + reset * pt.dot(h, rn.T) + bn}[p.dialect.gru_reset]())
    old, new = (z, 1 - z) if p.dialect.gru_mix == abi.ASSAY_MIX_KEEPS else (1 - z, z)
    return (new * n + old * h,)


def plain(x, h, r, bias, p):
    return (PHI[p.dialect.cell](x + pt.dot(h, r.T)),)


class Layers:
    """Graphs of one problem; own holds parameters by index, given the rest by its names (arrays.py)."""
    batch_major = False

    def __init__(self, p):
        self.p, self.head = p, abi.ASSAY_RNN_PARAMS * p.layers * p.directions
        self.cell = {abi.ASSAY_LSTM: lstm, abi.ASSAY_GRU: gru}.get(p.dialect.cell, plain)
        self.states = ("h0", "c0") if p.dialect.cell == abi.ASSAY_LSTM else ("h0",)

    def outputs(self, own, given):
        if not arrays.is_stack(self.p):
            return self.losses(given["x"], given)
        made = self.stack(own, given)
        if self.p.op == abi.ASSAY_OP_NETWORK:
            made["logits"] = self.linear(own, made["y"], given)
        return made

    def inside(self, given):
        """(T, N): is this step before the row's end?"""
        return pt.arange(self.p.t)[:, None] < given["lens"][None, :]

    def stack(self, own, given):
        p, inside = self.p, self.inside(given)
        if p.vocab:
            y = own[self.head + abi.ASSAY_EMBEDDING][pt.switch(inside, given["ids"], 0)]
        else:
            y = given["x"]
        y, finals = pt.switch(inside[..., None], y, pt.zeros_like(y)), []
        for layer in range(p.layers):
            halves = []
            for q in range(layer * p.directions, (layer + 1) * p.directions):
                out, final = self.layer(own, q, y, [given[k][q] for k in self.states], inside)
                halves.append(out)
                finals.append(final)
            y = pt.concatenate(halves, axis=2) if len(halves) > 1 else halves[0]
        return {"y": y, **{name: pt.stack(each) for name, each in zip(("hn", "cn"), zip(*finals))}}

    def layer(self, own, q, x, state, inside):
        p, first = self.p, abi.ASSAY_RNN_PARAMS * q
        w, r = own[first + abi.ASSAY_W], own[first + abi.ASSAY_R]
        zero = pt.zeros((arrays.GATES[p.dialect.cell] * p.h,), dtype="float32")
        b_ih, b_hh = (own.get(first + k, zero) for k in (abi.ASSAY_B_IH, abi.ASSAY_B_HH))
        x = pt.dot(x, w.T) + (b_ih if self.cell is gru else b_ih + b_hh)

        def step(x, inside, *rest):
            state, (r, bias) = rest[:-2], rest[-2:]
            return [pt.switch(inside[:, None], new, old) for new, old in zip(self.cell(x, *state, r, bias, p), state)]

        backwards = q % p.directions == 1
        steps = pytensor.scan(step, sequences=[x, inside], outputs_info=list(state), non_sequences=[r, b_hh], strict=True,
                              go_backwards=backwards, mode="FAST_COMPILE", return_updates=False)
        steps = steps if isinstance(steps, (list, tuple)) else [steps]
        y = steps[0][::-1] if backwards else steps[0]
        return pt.switch(inside[..., None], y, pt.zeros_like(y)), [each[-1] for each in steps]

    def linear(self, own, y, given):
        p, weight = self.p, own[self.head + abi.ASSAY_DENSE_W]
        last = p.head == abi.ASSAY_HEAD_LAST
        if last:
            y = y[pt.maximum(given["lens"] - 1, 0), pt.arange(p.n)]
        logits = pt.dot(y, weight.T) + (own[self.head + abi.ASSAY_DENSE_B] if p.dense_bias else 0)
        return logits if last else pt.switch(self.inside(given)[..., None], logits, pt.zeros_like(logits))

    def losses(self, x, given):
        p, d, labels = self.p, self.p.dialect, given["labels"]
        counts = pt.ones_like(labels, dtype="bool") if labels.ndim == 1 else self.inside(given)
        if d.xent_ignores:
            counts = pt.and_(counts, pt.neq(labels, d.xent_ignore_index))
        labels, x = pt.switch(counts, labels, 0), pt.switch(counts[..., None], x, pt.zeros_like(x))
        target = pt.eq(labels[..., None], pt.arange(p.classes)).astype("float32")
        target = target * (1 - d.xent_smoothing) + d.xent_smoothing / p.classes if d.xent_smoothing else target
        target = target * given["class_weights"] if d.xent_weighted else target
        rows = -(target * pt.special.log_softmax(x, axis=-1)).sum(axis=-1)
        rows = pt.switch(counts, rows, pt.zeros_like(rows))
        number = {abi.ASSAY_REDUCE_MEAN: lambda: counts.sum(), abi.ASSAY_REDUCE_MEAN_ALL: lambda: labels.size,
                  abi.ASSAY_REDUCE_MEAN_BATCH: lambda: pt.constant(p.n), abi.ASSAY_REDUCE_MEAN_WEIGHTED: lambda: (
                      pt.switch(counts, given["class_weights"][labels], 0).sum() if d.xent_weighted else counts.sum())
                  }.get(d.xent_reduction, lambda: pt.constant(1))().astype("float32")
        total = {} if d.xent_reduction == abi.ASSAY_REDUCE_NONE else {"total": rows.sum() / pt.switch(pt.eq(number, 0), 1, number)}
        return {"rows": rows, **{k: v.astype("float32") for k, v in total.items()}}
