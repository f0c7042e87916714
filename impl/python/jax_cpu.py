"""jax_cpu.py: JAX on the processor: cells in lax.scan under jit, losses and optimizers of Optax.

SPDX-License-Identifier: MIT

jax_layers.py has cells and losses, jax_model.py the passes and when they are compiled.
"""
import os

os.environ["JAX_PLATFORMS"] = "cpu"
import jax
import jax.numpy as jnp
import numpy as np
import optax

import abi
import arrays
import jax_layers
import jax_model

NAME, LOSS_BY, UPDATE_BY = "jax", "optax", "optax"
OPENED = []


def VERSION():
    return ", ".join(["JAX %s, jaxlib %s, Optax %s" % (jax.__version__, jax.lib.__version__, optax.__version__)] + OPENED)


def open(threads):
    os.environ["NPROC"] = str(threads)  # XLA sizes its one pool by it when the first array is made
    jax.block_until_ready(jnp.ones((8, 8)) @ jnp.ones((8, 8)))
    OPENED[:] = ["threads: XLA %d (one pool)" % threads]


def supports(p):
    d, rnn, ctc = p.dialect, arrays.is_stack(p), arrays.is_ctc(p)
    arrays.refuse([
        (p.arithmetic != abi.ASSAY_FP32, "arithmetic: fp32 only; XLA's tanh of a double errs by 6.9 ulp, more than may be declared"),
        *arrays.plain_stack(p, "the cell of this row"),
        (rnn and d.gate_activation != abi.ASSAY_GATE_SIGMOID, "gate_activation: sigmoid only"),
        (rnn and p.directions == 2 and d.merge != abi.ASSAY_MERGE_CONCAT, "merge: two directions are concatenated"),
        (rnn and d.pad_output != abi.ASSAY_PAD_ZERO, "pad_output: 0 past the length"),
        (arrays.is_xent(p) and d.xent_smoothing and d.xent_smoothing_to != abi.ASSAY_SMOOTH_ALL, "xent_smoothing_to: to all classes"),
        (ctc and d.ctc_input != abi.ASSAY_CTC_LOGITS, "ctc_input: optax.ctc_loss takes logits and normalises them"),
        (ctc and d.ctc_collapse, "ctc_collapse: labels are taken as they are"),
        (ctc and d.ctc_repeats != abi.ASSAY_REPEATS_MERGED, "ctc_repeats: merged only")])
    # `assay check --check arithmetic`, JAX 0.10.2: tanh 3.92, sigmoid 2.0. Losses were not measured.
    return abi.arithmetic(p, activation_ulp=4.5, deterministic=1)


def plan(p):
    return arrays.Plan(p, Model)


class Model(jax_layers.Layers):
    def __init__(self, p):
        super().__init__(p)
        self.sgd = optax.sgd(p.lr) if p.optimizer == abi.ASSAY_OPT_SGD else None
        self.compile()

    def load(self, values):
        return {k: jax_model.fresh(v) for k, v in values.items()}

    def store(self, index, value):
        return np.asarray(value)

    def moved(self, weights, moments, grads, count):
        if self.sgd:
            updates, _ = self.sgd.update(grads, self.sgd.init(weights))
            return optax.apply_updates(weights, updates), ()
        adam = optax.adam(self.p.lr, self.p.beta1, self.p.beta2, self.p.epsilon)
        state = (optax.ScaleByAdamState(count, *moments), *adam.init(weights)[1:])
        updates, state = adam.update(grads, state)
        return optax.apply_updates(weights, updates), (state[0].mu, state[0].nu)

    def clock(self, step):
        """Optax counts in 32 bits and stops at the last; by then the corrections are 1 to the last digit."""
        return (jax_model.fresh(np.int32(min(step, 2**31 - 2))),)
