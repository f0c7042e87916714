"""pytensor_cpu.py: PyTensor, the descendant of Theano, on the processor: cells in scan, gradients by pytensor.grad.

SPDX-License-Identifier: MIT

A worker may start no compiler, and Numba writes its cache to a home that a worker lacks: functions run in mode
FAST_COMPILE, each operation by its implementation in Python. Shapes are part of the types: without them PyTensor infers
each anew through all scans, which takes far longer. It has no optimizers; updates are as its users write them.
"""
import ctypes
import io
import os
import re

os.environ["PYTENSOR_FLAGS"] = "cxx=,mode=FAST_COMPILE,floatX=float32,traceback__limit=0"  # read once, when PyTensor is loaded
import numpy as np
import pytensor
import pytensor.tensor as pt

import abi
import arrays
import pytensor_layers

NAME, LOSS_BY, UPDATE_BY = "pytensor", "pytensor", "pytensor"
OPENED = []


def VERSION():
    return ", ".join(["PyTensor %s, mode FAST_COMPILE, numpy %s" % (pytensor.__version__, np.__version__)] + OPENED)


def open(threads):
    """Products are numpy's and SciPy's, each by an OpenBLAS of its own."""
    with io.open("/proc/self/maps", encoding="utf-8") as maps:
        paths = set(re.findall(r"/\S*/(?:numpy|scipy)\.libs/\S*openblas\S*", maps.read()))
    for path in sorted(paths):
        library = ctypes.CDLL(path)
        for name in ("scipy_openblas_set_num_threads64_", "scipy_openblas_set_num_threads"):
            if hasattr(library, name):
                getattr(library, name)(threads)
    OPENED[:] = ["threads: OpenBLAS %d (%d libraries)" % (threads, len(paths))]


def supports(p):
    d, rnn = p.dialect, arrays.is_stack(p)
    arrays.refuse([
        (arrays.is_ctc(p), "op, loss: PyTensor has no CTC"),
        (p.arithmetic != abi.ASSAY_FP32, "arithmetic: fp32 only"),
        *arrays.plain_stack(p, "the cell of this row"),
        (p.t == 0 or p.n == 0, "t, n: a scan has a step at least, arrays an element"),
        (rnn and d.gate_activation != abi.ASSAY_GATE_SIGMOID, "gate_activation: sigmoid only"),
        (rnn and p.directions == 2 and d.merge != abi.ASSAY_MERGE_CONCAT, "merge: two directions are concatenated"),
        (rnn and d.pad_output != abi.ASSAY_PAD_ZERO, "pad_output: 0 past the length"),
        (arrays.is_xent(p) and d.xent_smoothing and d.xent_smoothing_to != abi.ASSAY_SMOOTH_ALL, "xent_smoothing_to: to all classes")])
    # `assay check --check arithmetic`, PyTensor 3.0.7, numpy 2.4.6: sigmoid and tanh 1.32. Losses were not measured.
    return abi.arithmetic(p, activation_ulp=2.5, deterministic=1)


def plan(p):
    return arrays.Plan(p, Model)


def variables(values):
    return {k: pt.TensorType(v.dtype.name, shape=v.shape)(str(k)) for k, v in values.items()}


def compiled(inputs, outputs):
    """A function of and to dictionaries; what is None stays away."""
    names = [k for k, v in outputs.items() if v is not None]
    function = pytensor.function(list(inputs.values()), [outputs[k] for k in names], on_unused_input="ignore")
    for node in function.maker.fgraph.apply_nodes:
        getattr(node.op, "fn", None)  # what a scan runs is compiled when it is first asked for
    return lambda values: dict(zip(names, function(*[values[k] for k in inputs])))


def import_all():
    """What PyTensor imports when it first makes a function comes in now: later the worker may not read an interpreter's files."""
    p = abi.assay_problem(op=abi.ASSAY_OP_NETWORK, arithmetic=abi.ASSAY_FP32, t=2, n=2, i=2, h=2, layers=1, directions=1, classes=2,
                          vocab=2, loss=abi.ASSAY_LOSS_XENT, optimizer=abi.ASSAY_OPT_ADAM, lr=0.1, beta1=0.9, beta2=0.9, epsilon=1e-8, dense_bias=1)
    p.dialect.xent_reduction = abi.ASSAY_REDUCE_MEAN
    model = Model(p)
    weights = {k: np.zeros(s, np.float32) for k, s in arrays.shapes(p)}
    model.step(weights, (weights, weights), {}, 0, ())


class Model(pytensor_layers.Layers):
    def __init__(self, p):
        super().__init__(p)
        self.example = arrays.example(p, False, True)
        if arrays.is_stack(p):
            self.example.update({k: np.zeros((p.layers * p.directions, p.n, p.h), np.float32) for k in self.states})
        self.own = variables({k: np.zeros(s, np.float32) for k, s in arrays.shapes(p)} if arrays.is_stack(p) else {})
        self.rest = variables(self.example)
        self.leaves = {**self.own, **{k: v for k, v in self.rest.items() if k in ("x", "h0", "c0")}}
        self.compile()

    def compile(self):
        p, network = self.p, self.p.op == abi.ASSAY_OP_NETWORK
        inputs, made = {**self.own, **self.rest}, self.outputs(self.own, self.rest)
        self.forward = compiled(inputs, made)
        pulled = ("logits",) if network else ("y", "hn", "cn") if arrays.is_stack(p) else ("total",) if "total" in made else ("rows",)
        self.cotangents = {"d" + k: made[k].type("d" + k) for k in pulled if k in made}
        cost = sum((made[k[1:]] * v).sum() for k, v in self.cotangents.items())
        self.pull = compiled({**inputs, **self.cotangents}, self.gradients(cost))
        if network and p.loss:
            logits = made["logits"].type("logits")
            judged = self.losses(logits, self.rest)
            self.judge = compiled({**self.rest, "logits": logits}, {**judged, "slope": pytensor.grad(judged["total"], logits)})
        if network and p.optimizer:
            self.compile_updates(inputs, made)

    def gradients(self, cost):
        return dict(zip(self.leaves, pytensor.grad(cost, list(self.leaves.values()), disconnected_inputs="ignore")))

    def compile_updates(self, inputs, made):
        shares = pt.vector("shares", dtype="float32")  # 1 - beta1^t, 1 - beta2^t
        parts = [{k: v.type("%s%d" % (name, k)) for k, v in self.own.items()} for name in ("m", "v") if self.p.optimizer == abi.ASSAY_OPT_ADAM]
        moments = {(at, k): v for at, part in enumerate(parts) for k, v in part.items()}
        grads = {("g", k): v.type("g%d" % k) for k, v in self.own.items()}
        self.move = compiled({**self.own, **moments, **grads, "shares": shares}, self.moved(moments, {k: v for (_, k), v in grads.items()}, shares))
        judged = self.losses(made["logits"], self.rest)
        slopes = self.gradients(judged["total"])
        after = self.moved(moments, slopes, shares)
        self.whole = compiled({**inputs, **moments, "shares": shares}, {**made, **judged, **{("d", k): v for k, v in slopes.items()}, **after})

    def moved(self, moments, grads, shares):
        """Parameters, ("p", index), and moments, (0 or 1, index), after a step."""
        p, real, after = self.p, lambda value: np.float32(value), {}
        for k, value in self.own.items():
            if moments:
                m = real(p.beta1) * moments[0, k] + real(1 - p.beta1) * grads[k]
                v = real(p.beta2) * moments[1, k] + real(1 - p.beta2) * grads[k] ** 2
                after.update({(0, k): m, (1, k): v})
                after["p", k] = value - real(p.lr) * (m / shares[0]) / (pt.sqrt(v / shares[1]) + real(p.epsilon))
            else:
                after["p", k] = value - real(p.lr) * grads[k]
        return after

    def load(self, values):
        return {k: np.array(v) for k, v in values.items()}

    def store(self, index, value):
        return value

    def read(self, given):
        """Everything by its name, as arrays that nobody else writes; an initial state that is not given is 0."""
        full = {"lens": np.full(self.p.n, self.p.t, np.int32)}
        return {k: np.array(given.get(k, full.get(k, v))) for k, v in self.example.items()}

    def infer(self, weights, given):
        return self.forward({**weights, **self.read(given)})

    def train(self, weights, given):
        values = {**weights, **self.read(given)}
        made = self.forward(values)
        return made, (values, made)

    def backward(self, kept, cotangents, wanted):
        values, made = kept
        given = {k: np.array(cotangents.get(k[1:], np.zeros_like(made[k[1:]])), np.float32) for k in self.cotangents}
        return self.pull({**values, **given})

    def loss(self, logits, given):
        made = self.judge({**self.read(given), "logits": np.asarray(logits)})
        return made, made.pop("slope")

    def shares(self, step):
        return np.array([1 - self.p.beta1 ** (step + 1), 1 - self.p.beta2 ** (step + 1)], np.float32)

    def before(self, weights, moments, step):
        return {**weights, **{(at, k): v for at, part in enumerate(moments) for k, v in part.items()}, "shares": self.shares(step)}

    def after(self, found, moments):
        part = lambda name: {k: found[name, k] for k in self.own}
        return part("p"), tuple(part(at) for at in range(len(moments)))

    def update(self, weights, moments, grads, step):
        found = self.move({**self.before(weights, moments, step), **{("g", k): grads[k] for k in self.own}})
        return self.after(found, moments)

    def step(self, weights, moments, given, step, wanted):
        found = self.whole({**self.before(weights, moments, step), **self.read(given)})
        grads = {k: found["d", k] for k in self.leaves}
        return {k: v for k, v in found.items() if isinstance(k, str)}, grads, *self.after(found, moments)


import_all()
