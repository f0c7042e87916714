"""keras_cpu.py: Keras 3 on JAX, on the processor: layers, losses and optimizers by their stateless calls, under jax.jit.

SPDX-License-Identifier: MIT
"""
import os

# Where TensorFlow is installed too, Keras loads it with a layer of two directions, and TensorFlow logs that it uses oneDNN.
os.environ.update(KERAS_BACKEND="jax", JAX_PLATFORMS="cpu", TF_ENABLE_ONEDNN_OPTS="0")
import jax
import jax.numpy as jnp
import keras
import numpy as np

import abi
import arrays
import jax_model
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


class Model(jax_model.Model, keras_stack.Stack):
    def __init__(self, p):
        keras_stack.Stack.__init__(self, p)
        jax_model.Model.__init__(self, p)
        self.STATES = ("h0", "c0")[:1 + self.lstm]
        self.compile()

    def clock(self, step):
        return jax_model.fresh(np.int32(self.count(step))), jax_model.fresh(self.epsilon(step))
