"""keras_stack.py: networks of Keras 3 on any backend: layers LSTM, GRU, SimpleRNN, Bidirectional, losses, optimizers, all by
their stateless calls. A module adds how its backend differentiates and compiles.

SPDX-License-Identifier: MIT

Keras has one bias where its layer resets before the product or not at all: two biases are added up before they reach
it, and each is a parameter of the optimizer. x past a length is made 0 first, since a number that is none would reach
the gradients of the weights (docs/differences.md).
"""
import keras
import numpy as np
from keras import ops

import abi
import arrays

LAYERS = {abi.ASSAY_LSTM: keras.layers.LSTM, abi.ASSAY_GRU: keras.layers.GRU}
ORDER = {abi.ASSAY_GRU: (1, 0, 2)}  # theirs is z r h
MERGES = {abi.ASSAY_MERGE_CONCAT: "concat", abi.ASSAY_MERGE_SUM: "sum", abi.ASSAY_MERGE_AVERAGE: "ave", abi.ASSAY_MERGE_MULTIPLY: "mul"}


def refused(p):
    d, rnn, xent, ctc = p.dialect, arrays.is_stack(p), arrays.is_xent(p), arrays.is_ctc(p)
    yield p.arithmetic != abi.ASSAY_FP32, "arithmetic: Keras computes in its floatx, float32 here"
    yield from arrays.plain_stack(p, "a layer of Keras")
    yield rnn and (p.t == 0 or p.n == 0), "t, n: Keras refuses batches of no step or no sample"
    yield rnn and d.gru_reset == abi.ASSAY_RESET_AFTER_OUTSIDE, "gru_reset: before the product, or after it with the bias inside"
    yield rnn and d.gru_mix != abi.ASSAY_MIX_KEEPS, "gru_mix: z is the share of the old state in keras.layers.GRU"
    yield rnn and d.gate_activation == abi.ASSAY_GATE_HARD_FIFTH, "gate_activation: hard_sigmoid of Keras 3 has slope 1/6"
    yield rnn and d.forget_bias != 0, "forget_bias: unit_forget_bias is an initial value, nothing is added at run time"
    yield rnn and p.directions == 2 and d.pad_output != abi.ASSAY_PAD_ZERO, "pad_output: Bidirectional zeroes masked outputs"
    yield xent and d.xent_smoothing != 0 and d.xent_smoothing_to != abi.ASSAY_SMOOTH_ALL, "xent_smoothing_to: to all classes"
    yield xent and d.xent_smoothing != 0 and d.xent_weighted, "xent_weighted: no class weights in CategoricalCrossentropy with smoothing"
    yield ctc and d.ctc_input != abi.ASSAY_CTC_LOGITS, "ctc_input: ctc_loss takes logits and normalises them"
    yield ctc and d.ctc_collapse, "ctc_collapse: labels are taken as they are"
    yield ctc and d.ctc_repeats != abi.ASSAY_REPEATS_MERGED, "ctc_repeats: merged only"


class Stack:
    batch_major = True

    def __init__(self, p):
        self.p, self.real = p, "float32"
        self.lstm, self.head = p.dialect.cell == abi.ASSAY_LSTM, abi.ASSAY_RNN_PARAMS * p.layers * p.directions
        self.order = ORDER.get(p.dialect.cell, tuple(range(arrays.GATES[p.dialect.cell])))
        self.nets = [self.net(layer) for layer in range(p.layers)] if arrays.is_stack(p) else []
        if p.op == abi.ASSAY_OP_NETWORK and p.optimizer:
            adam = keras.optimizers.Adam(p.lr, p.beta1, p.beta2, p.epsilon) if p.optimizer == abi.ASSAY_OPT_ADAM else None
            self.optimizer = adam or keras.optimizers.SGD(p.lr)
            self.parameters = [keras.Variable(ops.zeros(s if k == self.head + abi.ASSAY_EMBEDDING else s[::-1]))
                               for k, s in arrays.shapes(p)]
            self.optimizer.build(self.parameters)

    def net(self, layer):
        p, d = self.p, self.p.dialect
        more = {"reset_after": d.gru_reset == abi.ASSAY_RESET_AFTER_INSIDE} if d.cell == abi.ASSAY_GRU else {}
        if d.cell in LAYERS:
            more["recurrent_activation"] = "hard_sigmoid" if d.gate_activation else "sigmoid"
        else:
            more["activation"] = "relu" if d.cell == abi.ASSAY_RNN_RELU else "tanh"
        made = LAYERS.get(d.cell, keras.layers.SimpleRNN)(
            p.h, use_bias=d.biases != abi.ASSAY_BIAS_NONE, return_sequences=True, return_state=True,
            zero_output_for_mask=d.pad_output == abi.ASSAY_PAD_ZERO, **more)
        made = keras.layers.Bidirectional(made, merge_mode=MERGES[d.merge]) if p.directions == 2 else made
        made.build((p.n, p.t, abi.layer_input(p, layer)))
        return made

    def regate(self, value, order):
        return np.concatenate([np.split(value, len(order))[k] for k in order])

    def load(self, values):
        made = {}
        for k, value in values.items():
            value = self.regate(value, self.order) if k < self.head else value
            made[k] = ops.convert_to_tensor(np.array(value if k == self.head + abi.ASSAY_EMBEDDING else value.T, order="C"))
        return made

    def store(self, k, value):
        value = ops.convert_to_numpy(value)
        value = value if k == self.head + abi.ASSAY_EMBEDDING else value.T
        return self.regate(value, np.argsort(self.order)) if k < self.head else value

    def given(self, given):
        """What is differentiated beside the weights, and the rest; tensors that own their memory."""
        given = {k: ops.convert_to_tensor(np.array(v, order="C")) for k, v in given.items()}
        if arrays.is_stack(self.p):
            shape = (self.p.layers * self.p.directions, self.p.n, self.p.h)
            given.update({k: ops.zeros(shape) for k in ("h0", "c0")[:1 + self.lstm] if k not in given})
        return {k: given.pop(k) for k in ("x", "h0", "c0") if k in given}, given

    def inside(self, given):
        """(N, T): is this step before the row's end? None where every row is full."""
        return ops.arange(self.p.t, dtype="int32")[None, :] < given["lens"][:, None] if "lens" in given else None

    def outputs(self, own, start, given):
        if not arrays.is_stack(self.p):
            rows, total = self.losses(start["x"], given)
            return {"rows": rows, **({} if total is None else {"total": total})}
        p, inside = self.p, self.inside(given)
        y = start.get("x")
        if p.vocab:
            ids = given["ids"] if inside is None else ops.where(inside, given["ids"], 0)
            y = ops.take(own[self.head + abi.ASSAY_EMBEDDING], ids, axis=0)
        y = y if inside is None else ops.where(inside[..., None], y, ops.zeros_like(y))
        states = [start["h0"], start["c0"]] if self.lstm else [start["h0"]]
        finals = []
        for layer, net in enumerate(self.nets):
            at = range(layer * p.directions, (layer + 1) * p.directions)
            (y, *final), _ = net.stateless_call(
                [w for q in at for w in self.weights_of(own, q)], [v.value for v in net.non_trainable_variables], y,
                mask=inside, initial_state=[s[q] for q in at for s in states])
            finals += final
        made = {"y": y, "hn": ops.stack(finals[::len(states)]), **({"cn": ops.stack(finals[1::2])} if self.lstm else {})}
        if p.op == abi.ASSAY_OP_NETWORK:
            made["logits"] = self.linear(own, y, given, inside)
        return made

    def weights_of(self, own, q):
        kernel, recurrent, *biases = (own.get(abi.ASSAY_RNN_PARAMS * q + k)
                                      for k in (abi.ASSAY_W, abi.ASSAY_R, abi.ASSAY_B_IH, abi.ASSAY_B_HH))
        there = [b for b in biases if b is not None]
        if not there:
            return [kernel, recurrent]
        if self.p.dialect.cell == abi.ASSAY_GRU and self.p.dialect.gru_reset == abi.ASSAY_RESET_AFTER_INSIDE:
            return [kernel, recurrent, ops.stack([ops.zeros_like(there[0]) if b is None else b for b in biases])]
        return [kernel, recurrent, sum(there[1:], there[0])]

    def linear(self, own, y, given, inside):
        p, ragged = self.p, inside is not None
        if p.head == abi.ASSAY_HEAD_LAST:
            last = ops.maximum(given["lens"] - 1, 0)[:, None, None] if ragged else None
            y = ops.take_along_axis(y, last, axis=1)[:, 0] if ragged else y[:, -1]
        logits = ops.matmul(y, own[self.head + abi.ASSAY_DENSE_W])
        logits = logits + own[self.head + abi.ASSAY_DENSE_B] if p.dense_bias else logits
        return ops.where(inside[..., None], logits, ops.zeros_like(logits)) if ragged and len(logits.shape) == 3 else logits

    def losses(self, logits, given):
        return self.ctc(logits, given) if arrays.is_ctc(self.p) else self.xent(logits, given)

    def xent(self, x, given):
        p, d, labels = self.p, self.p.dialect, given["labels"]
        inside = self.inside(given) if len(labels.shape) == 2 else None
        counts = ops.ones_like(labels, dtype="bool") if inside is None else inside
        counts = ops.logical_and(counts, labels != d.xent_ignore_index) if d.xent_ignores else counts
        labels, x = ops.where(counts, labels, 0), ops.where(counts[..., None], x, ops.zeros_like(x))
        if d.xent_smoothing:
            rows = keras.losses.CategoricalCrossentropy(True, d.xent_smoothing, reduction=None)(ops.one_hot(labels, p.classes), x)
        else:
            rows = keras.losses.SparseCategoricalCrossentropy(True, reduction=None)(labels, x)
        weights = ops.take(given["class_weights"], labels) if d.xent_weighted else ops.ones_like(rows)
        shares = ops.where(counts, weights, ops.zeros_like(weights))
        rows = ops.where(counts, rows * weights, ops.zeros_like(rows))
        number = {abi.ASSAY_REDUCE_MEAN: lambda: ops.sum(ops.cast(counts, self.real)), abi.ASSAY_REDUCE_MEAN_ALL: lambda: rows.shape[0] * (
            rows.shape[1] if len(rows.shape) == 2 else 1), abi.ASSAY_REDUCE_MEAN_WEIGHTED: lambda: ops.sum(shares),
            abi.ASSAY_REDUCE_MEAN_BATCH: lambda: p.n}.get(d.xent_reduction, lambda: 1)()
        number = ops.cast(number, self.real)
        total = ops.sum(rows) / ops.where(number == 0, ops.ones_like(number), number)
        return rows, None if d.xent_reduction == abi.ASSAY_REDUCE_NONE else total

    def ctc(self, x, given):
        p, d, labels, counts, inside = self.p, self.p.dialect, given["labels"], given["label_lens"], self.inside(given)
        lens = given["lens"] if "lens" in given else ops.full((p.n,), p.t, "int32")
        x = x if inside is None else ops.where(inside[..., None], x, ops.zeros_like(x))
        rows = ops.ctc_loss(labels, x, counts, lens, d.ctc_blank)
        repeats = ops.logical_and(labels[:, 1:] == labels[:, :-1], ops.arange(1, labels.shape[1], dtype="int32")[None, :] < counts[:, None])
        least = counts + ops.sum(ops.cast(repeats, "int32"), axis=1)  # where there is no path Keras gives some finite number
        other = float("inf") if d.ctc_infeasible == abi.ASSAY_INFEASIBLE_INF else 0.0
        rows = ops.where(lens < least, ops.full_like(rows, other), rows)
        share = rows / ops.cast(ops.maximum(counts, 1), self.real) if d.ctc_reduction == abi.ASSAY_REDUCE_MEAN_TARGETS else rows
        total = ops.sum(share) / (1 if d.ctc_reduction == abi.ASSAY_REDUCE_SUM else max(p.n, 1))
        return rows, None if d.ctc_reduction == abi.ASSAY_REDUCE_NONE else total

    def epsilon(self, step):
        """Keras's Adam adds its epsilon to sqrt(v), not to sqrt(vhat): the one that gives the same step."""
        return ops.convert_to_tensor(np.array(self.p.epsilon * np.sqrt(1 - self.p.beta2 ** (step + 1)), self.real))

    def count(self, step):
        """Keras counts in 32 bits; by their end Adam's corrections are 1 to the last digit."""
        return min(step, 2**31 - 2)

    def moved(self, weights, moments, grads, step, epsilon):
        """Weights and moments after a step. keras.optimizers keep their moments in the order of the parameters."""
        keys, o = sorted(weights), self.optimizer
        queues = {"momentum": iter(moments[0][k] for k in keys), "velocity": iter(moments[1][k] for k in keys)} if moments else {}
        kinds = [next(k for k in ("iteration", "learning_rate", "momentum", "velocity") if v.path.endswith(k)) for v in o.variables]
        before = [next(queues[kind]) if kind in queues else ops.cast(step if kind == "iteration" else self.p.lr, v.dtype)
                  for kind, v in zip(kinds, o.variables)]
        o.epsilon = epsilon
        after, state = o.stateless_apply(before, [grads[k] for k in keys], [weights[k] for k in keys])
        found = tuple(dict(zip(keys, [s for kind, s in zip(kinds, state) if kind == name])) for name in ("momentum", "velocity"))
        return dict(zip(keys, after)), found if moments else ()
