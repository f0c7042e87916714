"""tensorflow_cpu.py: TensorFlow on the processor: layers, losses and optimizers of Keras 3 in tf.function, GradientTape.

SPDX-License-Identifier: MIT
"""
import functools
import os
import sys

# TensorFlow's C++ logs to descriptor 2, when it is loaded and when it optimizes a graph, whatever it was told. What Python has to
# say, an exception's text, still goes where stderr went.
sys.stderr = os.fdopen(os.dup(2), "w")
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
import keras
import tensorflow as tf

import abi
import arrays
import keras_stack

tf.get_logger().setLevel("ERROR")  # an implementation prints nothing, warnings neither
NAME, LOSS_BY, UPDATE_BY = "tensorflow", "tensorflow", "keras"
OPENED = []


def VERSION():
    return ", ".join(["TensorFlow %s, Keras %s" % (tf.__version__, keras.__version__)] + OPENED)


def open(threads):
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.function(tf.linalg.matmul)(tf.ones((8, 8)), tf.ones((8, 8)))  # its pools start with the first operation, and stay
    OPENED[:] = ["threads: intra-op %d, inter-op 1 (one setting)" % threads]


def supports(p):
    arrays.refuse(keras_stack.refused(p))
    # `assay check --check arithmetic`, TensorFlow 2.21: tanh 4.75, sigmoid 6.41, more than may be declared (docs/differences.md).
    return abi.arithmetic(p, activation_ulp=5, deterministic=1)


def plan(p):
    return arrays.Plan(p, Model)


class Model(keras_stack.Stack):
    def __init__(self, p):
        super().__init__(p)
        compiled = functools.partial(tf.function, autograph=False)  # no Python here depends on a tensor's value
        self.forward, self.judge, self.apply = compiled(self.outputs), compiled(self.judged), compiled(self.applied)
        self.slope, self.left = compiled(self.derived), None  # the weights that the optimizer's variables hold

    def infer(self, weights, given):
        return self.forward(weights, *self.given(given))

    def train(self, weights, given):
        """Backward may come twice, so the tape persists: with such a one a compiled ctc_loss has no gradient (docs/differences.md 2.7)."""
        start, rest = self.given(given)
        leaves = {**weights, **start}
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(list(leaves.values()))
            made = (self.outputs if self.p.op == abi.ASSAY_OP_CTC else self.forward)(weights, start, rest)
        return made, (tape, made, leaves)

    def backward(self, kept, cotangents, wanted):
        tape, made, leaves = kept
        leaves = {k: v for k, v in leaves.items() if k not in ("x", "h0", "c0") or k in wanted}
        if not cotangents:
            return {k: tf.zeros_like(v) for k, v in leaves.items()}
        names = sorted(cotangents)
        found = tape.gradient([made[k] for k in names], list(leaves.values()),
                              [tf.constant(cotangents[k]) for k in names], tf.UnconnectedGradients.ZERO)
        return dict(zip(leaves, map(tf.convert_to_tensor, found)))

    def judged(self, logits, given):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            rows, total = self.losses(logits, given)
        return {"rows": rows, "total": total}, tape.gradient(total, logits)

    def loss(self, logits, given):
        return self.judge(logits, self.given(given)[1])

    def applied(self, grads, epsilon):
        self.optimizer.epsilon = epsilon
        self.optimizer.apply(grads)

    def update(self, weights, moments, grads, step):
        """The optimizer works on variables of its own; what it left there last time is not copied again."""
        o, keys = self.optimizer, sorted(weights)
        kinds = {kind: [v for v in o.variables if v.path.endswith(kind)] for kind in ("momentum", "velocity")}
        if self.left is not weights:
            for variables, values in zip((self.parameters, *kinds.values()), (weights, *moments)):
                for variable, k in zip(variables, keys):
                    variable.assign(values[k])
        o.iterations.assign(self.count(step))
        self.apply([grads[k] for k in keys], self.epsilon(step))
        after = tuple({k: v.value.read_value() for k, v in zip(keys, variables)} for variables in (self.parameters, *kinds.values()))
        self.left = after[0]
        return after[0], after[1:] if moments else ()

    def derived(self, weights, start, given, wanted):
        leaves = {**weights, **{k: v for k, v in start.items() if k in wanted}}
        with tf.GradientTape() as tape:
            tape.watch(list(leaves.values()))
            made = self.outputs(weights, start, given)
            made["rows"], made["total"] = self.losses(made["logits"], given)
        found = tape.gradient(made["total"], list(leaves.values()), None, tf.UnconnectedGradients.ZERO)
        found = dict(zip(leaves, map(tf.convert_to_tensor, found)))
        return made, {k: found[k] for k in weights}, {k: found[k] for k in found if k not in weights}

    def step(self, weights, moments, given, step, wanted):
        made, grads, starts = self.slope(weights, *self.given(given), wanted)
        return made, {**grads, **starts}, *self.update(weights, moments, grads, step)
