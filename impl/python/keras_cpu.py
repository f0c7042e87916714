"""keras_cpu.py: Keras 3 on JAX, on the processor: layers, losses and optimizers by their stateless calls, under jax.jit.

SPDX-License-Identifier: MIT
"""
import os

os.environ.update(KERAS_BACKEND="jax", JAX_PLATFORMS="cpu")
import jax
import jax.numpy as jnp
import keras

import abi
import arrays
import keras_stack

NAME, LOSS_BY, UPDATE_BY = "keras", "keras", "keras"
OPENED = []


def VERSION():
    return ", ".join(["Keras %s on JAX %s" % (keras.__version__, jax.__version__)] + OPENED)


def open(threads):
    os.environ["NPROC"] = str(threads)  # XLA sizes its one pool by it when the first array is made
    jax.block_until_ready(jnp.ones((8, 8)) @ jnp.ones((8, 8)))
    OPENED[:] = ["threads: XLA %d (one pool)" % threads]


def supports(p):
    arrays.refuse(keras_stack.refused(p))
    # `assay check --check arithmetic`, JAX 0.10.2: tanh 3.92, sigmoid 2.0. Losses were not measured.
    return abi.arithmetic(p, activation_ulp=4.5, deterministic=1)


def plan(p):
    return arrays.Plan(p, Model)


class Model(keras_stack.Stack):
    def __init__(self, p):
        super().__init__(p)
        self.forward, self.judge = jax.jit(self.outputs), jax.jit(self.judged)
        self.differentiate = jax.jit(lambda own, start, rest: jax.vjp(lambda *leaves: self.outputs(*leaves, rest), own, start))
        self.pull = jax.jit(self.pulled, static_argnums=2)
        self.move, self.slope = jax.jit(self.moved), jax.jit(self.derived, static_argnums=3)

    def infer(self, weights, given):
        return self.forward(weights, *self.given(given))

    def train(self, weights, given):
        made, back = self.differentiate(weights, *self.given(given))
        return made, (made, back)

    def pulled(self, back, cotangents, wanted):
        own, start = back(cotangents)
        return own, {k: v for k, v in start.items() if k in wanted}

    def backward(self, kept, cotangents, wanted):
        made, back = kept
        own, start = self.pull(back, {k: jnp.array(cotangents[k]) if k in cotangents else jnp.zeros_like(v) for k, v in made.items()}, wanted)
        return {**own, **start}

    def judged(self, logits, given):
        (total, rows), slope = jax.value_and_grad(lambda logits: self.losses(logits, given)[::-1], has_aux=True)(logits)
        return {"rows": rows, "total": total}, slope

    def loss(self, logits, given):
        return self.judge(logits, self.given(given)[1])

    def derived(self, weights, start, given, wanted):
        def total(own, leaves):
            made = self.outputs(own, {**start, **leaves}, given)
            made["rows"], made["total"] = self.losses(made["logits"], given)
            return made["total"], made
        leaves = {k: v for k, v in start.items() if k in wanted}
        (grads, starts), made = jax.grad(total, (0, 1), has_aux=True)(weights, leaves)
        return made, grads, starts

    def update(self, weights, moments, grads, step):
        return self.move(weights, moments, grads, jnp.int32(self.count(step)), self.epsilon(step))

    def step(self, weights, moments, given, step, wanted):
        made, grads, starts = self.slope(weights, *self.given(given), wanted)
        return made, {**grads, **starts}, *self.update(weights, moments, grads, step)
