"""jax_model.py: the passes of a model that JAX differentiates and compiles, each function before any call needs it.

SPDX-License-Identifier: MIT

A subclass has load and store (arrays.py), outputs(weights, start, rest), losses(logits, given), moved(weights, moments,
grads, *clock), clock(step): what an optimizer counts, and STATES: names of the initial states that its cell has.
The compiler takes seconds where the processor is shared, and a call has a time limit, so plans compile: for rows that are
all full and for others, with all gradients of x and states. Who wants none of those waits once more, in a first call.
"""
import jax
import numpy as np

import abi
import arrays


def compiled(function, *arguments):
    """What a jitted function will return for such arguments, as shapes; the next call of it finds it compiled."""
    traced = function.trace(*arguments)
    traced.lower().compile()
    return traced.out_info


def fresh(value):
    """A value as an array of JAX that shares nothing with the harness; jnp.array() would compile a copy for each new shape."""
    return value if isinstance(value, jax.Array) else jax.device_put(np.array(value, order="C"))


class Model:
    def __init__(self, p):
        self.p = p
        self.forward = jax.jit(self.outputs)
        self.differentiate = jax.jit(lambda own, start, rest: jax.vjp(lambda *leaves: self.outputs(*leaves, rest), own, start))
        self.pull = jax.jit(self.pulled, static_argnums=2)
        self.judge = jax.jit(jax.value_and_grad(lambda logits, given: self.losses(logits, given)[::-1], has_aux=True))
        self.move = jax.jit(self.moved)
        self.whole = jax.jit(self.trained, static_argnums=4)

    def compile(self):
        p, network = self.p, self.p.op == abi.ASSAY_OP_NETWORK
        zeros = lambda: self.load({k: np.zeros(s, np.float32) for k, s in arrays.shapes(p)} if arrays.is_stack(p) else {})
        weights, moments = zeros(), (zeros(), zeros()) if network and p.optimizer == abi.ASSAY_OPT_ADAM else ()
        for ragged in (False, True):
            given = arrays.example(p, self.batch_major, ragged)
            start, rest = self.split(given)
            compiled(self.forward, weights, start, self.read(rest))
            made, back = compiled(self.differentiate, weights, start, self.read(rest))
            # calls give arrays of numpy, which are of no weak type
            cotangents = jax.tree.map(lambda v: jax.ShapeDtypeStruct(v.shape, v.dtype), made)
            grads, _ = compiled(self.pull, back, cotangents, True)
            if network and p.loss:
                compiled(self.judge, made["logits"], self.judged(given))
            if network and p.optimizer:
                compiled(self.whole, weights, moments, start, rest, True, *self.clock(0))
        if network and p.optimizer:
            compiled(self.move, weights, moments, grads, *self.clock(0))

    def split(self, given):
        """What is differentiated beside the weights, and the rest, as arrays of JAX; an initial state that is not given is 0."""
        given = dict(given)
        if arrays.is_stack(self.p):
            zero = np.zeros((self.p.layers * self.p.directions, self.p.n, self.p.h), np.float32)
            given.update({k: zero for k in self.STATES if k not in given})
        given = {k: fresh(v) for k, v in given.items()}
        return {k: given.pop(k) for k in ("x", "h0", "c0") if k in given}, given

    def read(self, rest):
        """What outputs() reads: labels are for the loss behind a stack."""
        return {k: v for k, v in rest.items() if k in ("ids", "lens")} if arrays.is_stack(self.p) else rest

    def judged(self, given):
        return {k: fresh(v) for k, v in given.items() if k in ("lens", "labels", "label_lens", "class_weights")}

    def pulled(self, back, cotangents, all_of_it):
        own, start = back(cotangents)
        return own, start if all_of_it else {}

    def trained(self, weights, moments, start, rest, all_of_it, *clock):
        def total(own, leaves):
            made = self.outputs(own, {**start, **leaves}, self.read(rest))
            made["rows"], made["total"] = self.losses(made["logits"], rest)
            return made["total"], made
        (grads, starts), made = jax.grad(total, (0, 1), has_aux=True)(weights, start if all_of_it else {})
        return made, (grads, starts), *self.moved(weights, moments, grads, *clock)

    def infer(self, weights, given):
        start, rest = self.split(given)
        return self.forward(weights, start, self.read(rest))

    def train(self, weights, given):
        start, rest = self.split(given)
        made, back = self.differentiate(weights, start, self.read(rest))
        return made, (made, back)

    def backward(self, kept, cotangents, wanted):
        made, back = kept
        given = {k: None if v is None else fresh(cotangents[k] if k in cotangents else np.zeros(v.shape, v.dtype))
                 for k, v in made.items()}
        own, start = self.pull(back, given, bool(wanted))
        return {**own, **start}

    def loss(self, logits, given):
        (total, rows), slope = self.judge(logits, self.judged(given))
        return {"rows": rows, "total": total}, slope

    def update(self, weights, moments, grads, step):
        return self.move(weights, moments, grads, *self.clock(step))

    def step(self, weights, moments, given, step, wanted):
        made, (grads, starts), *after = self.whole(weights, moments, *self.split(given), bool(wanted), *self.clock(step))
        return made, {**grads, **starts}, *after
