"""mxnet_cpu.py: MXNet on the processor: gluon.rnn.LSTM, GRU, RNN, SoftmaxCrossEntropyLoss, CTCLoss, optimizers SGD and Adam.

SPDX-License-Identifier: MIT

Parameters are those of the blocks, gradients come from autograd, as in Gluon's documentation. numpy is older than the one
of other rows; MXNet ended before its successor.
"""
import ctypes
import os

os.environ["OMP_NUM_THREADS"] = str(os.cpu_count())  # read once, when MXNet is loaded
import mxnet as mx
from mxnet import autograd, gluon, nd

import abi
import arrays
import mxnet_layers
import pools
from mxnet_layers import FULL_ROWS  # noqa: F401: the host reads it here
from mxnet_losses import array

NAME, LOSS_BY, UPDATE_BY = "mxnet", "mxnet", "mxnet"
OPENED = []


def VERSION():
    built = mx.runtime.Features().is_enabled("MKLDNN")
    return ", ".join(["MXNet %s, oneDNN %s" % (mx.__version__, built and os.environ.get("MXNET_MKLDNN_ENABLED") != "0")] + OPENED)


class Context(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int), ("device", ctypes.c_int)]


def set_threads(count):
    """OpenMP has a number a thread: that of the engine's, which computes, is set by a task of the engine."""
    here = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(lambda context, given: mx.base._LIB.MXSetNumOMPThreads(count))
    cpu = Context(mx.cpu().device_typeid, 0)
    mx.base.check_call(mx.base._LIB.MXEnginePushSync(here, None, None, ctypes.byref(cpu), None, 0, None, 0, None, 0, b"threads"))
    nd.waitall()


def trial():
    """A piece of the workloads that are timed, by which settings are compared."""
    net, x = gluon.rnn.LSTM(320, input_size=123), nd.full((16, 32, 123), 0.1)
    net.initialize()
    with autograd.record():
        y = net(x)
    y.backward()
    nd.waitall()


def open(threads):
    OPENED[:] = [pools.best([("MXNet", set_threads), *pools.of_blas()], threads, pools.timed(trial))]


def supports(p):
    d, rnn, xent, ctc = p.dialect, arrays.is_stack(p), arrays.is_xent(p), arrays.is_ctc(p)
    arrays.refuse([
        (p.arithmetic != abi.ASSAY_FP32, "arithmetic: fp32 only"),
        *arrays.plain_stack(p, "a layer of Gluon on a processor"),
        (p.t == 0 or p.n == 0, "t, n: MXNet has no arrays of size 0"),
        (rnn and d.gru_reset != abi.ASSAY_RESET_AFTER_INSIDE, "gru_reset: gluon.rnn.GRU resets after the product, the bias inside"),
        (rnn and d.gru_mix != abi.ASSAY_MIX_KEEPS, "gru_mix: z is the share of the old state in gluon.rnn.GRU"),
        (rnn and d.gate_activation != abi.ASSAY_GATE_SIGMOID, "gate_activation: sigmoid only"),
        (rnn and d.forget_bias != 0, "forget_bias: LSTMBias is an initial value, nothing is added at run time"),
        (rnn and p.directions == 2 and d.merge != abi.ASSAY_MERGE_CONCAT, "merge: two directions are concatenated"),
        (rnn and d.pad_output != abi.ASSAY_PAD_ZERO, "pad_output: 0 past the length"),
        (xent and d.xent_smoothing and d.xent_smoothing_to != abi.ASSAY_SMOOTH_ALL, "xent_smoothing_to: to all classes"),
        (ctc and d.ctc_blank not in (0, p.classes - 1), "ctc_blank: the first or the last class"),
        (ctc and d.ctc_input != abi.ASSAY_CTC_LOGITS, "ctc_input: CTCLoss takes logits and normalises them"),
        (ctc and d.ctc_collapse, "ctc_collapse: labels are taken as they are"),
        (ctc and d.ctc_repeats != abi.ASSAY_REPEATS_MERGED, "ctc_repeats: merged only")])
    return abi.arithmetic(p, activation_ulp=4, deterministic=1)


def as_numpy(made):
    """But for parameters and their gradients, which stay MXNet's."""
    return {k: v.asnumpy() if isinstance(k, str) else v for k, v in made.items()}


def plan(p):
    return arrays.Plan(p, Model)


class Model(mxnet_layers.Layers):
    def load(self, values):
        return {k: array(v) for k, v in values.items()}

    def store(self, index, value):
        return value.asnumpy()

    def recorded(self, weights, given, judged=False):
        """What the blocks compute, with what gradients are of: the parameters and the start."""
        start = self.start(given)
        self.hold(weights)
        for value in start.values():
            value.attach_grad()
        with autograd.record():
            made = self.outputs(start, given)
            if judged:
                made.update(self.losses(made["logits"], given))
        return made, {**{k: v.data() for k, v in self.params.items()}, **start}

    def infer(self, weights, given):
        self.hold(weights)
        return as_numpy(self.outputs(self.start(given), given))

    def train(self, weights, given):
        kept = self.recorded(weights, given)
        return as_numpy(kept[0]), kept

    def backward(self, kept, cotangents, wanted):
        """All gradients, wanted or not: those of a stack are wrong where that of x isn't asked for (docs/differences.md)."""
        made, leaves = kept
        if not cotangents:
            return as_numpy({k: nd.zeros_like(v) for k, v in leaves.items()})
        names = [k for k in made if k in cotangents]
        found = autograd.grad([made[k] for k in names], list(leaves.values()), [array(cotangents[k]) for k in names], retain_graph=True)
        return as_numpy(dict(zip(leaves, found)))

    def loss(self, logits, given):
        logits = array(logits)
        logits.attach_grad()
        with autograd.record():
            made = self.losses(logits, given)
        made["total"].backward()
        return as_numpy(made), logits.grad.asnumpy()

    def update(self, weights, moments, grads, step):
        self.hold(weights)
        return self.moved(moments, grads, step)

    def moved(self, moments, grads, step):
        p = self.p
        if moments:  # Adam adds its epsilon to sqrt(v), not to sqrt(vhat): the one that gives the same step
            epsilon = p.epsilon * (1 - p.beta2 ** (step + 1)) ** 0.5
            optimizer = mx.optimizer.Adam(p.lr, p.beta1, p.beta2, epsilon, begin_num_update=step)
        else:
            optimizer = mx.optimizer.SGD(learning_rate=p.lr)
        for k, parameter in self.params.items():
            optimizer.update(k, parameter.data(), grads[k], tuple(each[k] for each in moments) or None)
        self.held = {k: v.data() for k, v in self.params.items()}
        return self.held, moments

    def step(self, weights, moments, given, step, wanted):
        made, leaves = self.recorded(weights, given, True)
        found = autograd.grad(made["total"], list(leaves.values()))
        grads = dict(zip(leaves, found))
        return as_numpy(made), as_numpy(grads), *self.moved(moments, grads, step)
