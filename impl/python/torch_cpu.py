"""torch_cpu.py: PyTorch on the processor: nn.LSTM, nn.GRU, nn.RNN, cross_entropy, ctc_loss, optim.SGD, optim.Adam.

SPDX-License-Identifier: MIT

torch_layers.py has the layers, torch_losses.py the losses, torch_network.py the passes, torch_memory.py the tensors. Where
PyTorch refuses what the ABI may ask for, they put it together from what PyTorch has.
"""
import torch
from torch import nn

import abi
import pools
import torch_losses
import torch_network

NAME, LOSS_BY, UPDATE_BY = "torch", "torch", "torch"
OPENED = []  # how its thread pools are set


def VERSION():
    return ", ".join(["PyTorch %s, MKL %s, oneDNN %s" % (torch.__version__, torch.backends.mkl.is_available(),
                                                         torch.backends.mkldnn.is_available())] + OPENED)


def open(threads):
    torch.set_num_interop_threads(1)
    OPENED[:] = [pools.best([("PyTorch", torch.set_num_threads), *pools.of_blas()], threads, pools.timed(trial))]


def trial():
    """A piece of the workloads that are timed, by which settings are compared."""
    net, x = nn.LSTM(123, 320), torch.full((16, 32, 123), 0.1)
    net(x)[0].sum().backward()


def import_all():
    """What torch imports when it is first used comes in now: later the worker may not read an interpreter's files."""
    weight = nn.Parameter(torch.zeros(1))
    weight.grad, = torch.autograd.grad(weight.sum(), weight)
    torch.optim.Adam([weight]).step()


import_all()


def refused(p):
    """(condition, reason): what PyTorch does not compute."""
    d, rnn = p.dialect, p.op in (abi.ASSAY_OP_RNN, abi.ASSAY_OP_NETWORK)
    ctc = p.op == abi.ASSAY_OP_CTC or (p.op == abi.ASSAY_OP_NETWORK and p.loss == abi.ASSAY_LOSS_CTC)
    xent = p.op == abi.ASSAY_OP_XENT or (p.op == abi.ASSAY_OP_NETWORK and p.loss == abi.ASSAY_LOSS_XENT)
    yield p.arithmetic not in (abi.ASSAY_FP32, abi.ASSAY_FP64), "arithmetic: fp32 and fp64 only"
    yield rnn and p.t == 0, "t: PyTorch refuses sequences of no step"
    yield rnn and d.cell == abi.ASSAY_GRU and d.gru_reset != abi.ASSAY_RESET_AFTER_INSIDE, \
        "gru_reset: nn.GRU resets after the product, the bias inside"
    yield rnn and d.gru_mix != abi.ASSAY_MIX_KEEPS, "gru_mix: z is the share of the old state in nn.GRU"
    yield rnn and d.gate_activation != abi.ASSAY_GATE_SIGMOID, "gate_activation: sigmoid only"
    yield rnn and d.peephole, "peephole: nn.LSTM has none"
    yield rnn and d.coupled, "coupled: nn.LSTM has a forget gate of its own"
    yield rnn and d.forget_bias != 0, "forget_bias: nn.LSTM adds none at run time"
    yield rnn and d.cell_clip != 0, "cell_clip: nn.LSTM does not clip"
    yield rnn and p.directions == 2 and d.merge != abi.ASSAY_MERGE_CONCAT, "merge: two directions are concatenated"
    yield rnn and d.pad_output != abi.ASSAY_PAD_ZERO, "pad_output: 0 past the length"
    yield rnn and d.empty_state != abi.ASSAY_EMPTY_INITIAL, "empty_state: initial only"
    yield rnn and d.bptt_steps != 0, "bptt_steps: backward runs all steps"
    yield rnn and d.dropout != 0, "dropout: nn.LSTM draws its masks itself"
    yield xent and d.xent_smoothing != 0 and d.xent_smoothing_to != abi.ASSAY_SMOOTH_ALL, \
        "xent_smoothing_to: to all classes"
    yield ctc and d.ctc_collapse, "ctc_collapse: labels are taken as they are"
    yield ctc and d.ctc_repeats != abi.ASSAY_REPEATS_MERGED, "ctc_repeats: merged only"
    yield ctc and d.ctc_input == abi.ASSAY_CTC_LOG_PROBS and d.ctc_gradient != abi.ASSAY_CTC_MINUS_SOFTMAX, \
        "ctc_gradient: ctc_loss gives that behind a log-softmax"


def supports(p):
    for condition, why in refused(p):
        if condition:
            raise abi.Unsupported(why)
    return abi.arithmetic(p, activation_ulp=activation_ulp(p), deterministic=1)


def activation_ulp(p):
    # `assay check --check arithmetic`, PyTorch 2.15: sigmoid of nn.LSTM in fp32 4.44, else 2.0; tanh 1.2. Losses were not measured.
    stack = p.op in (abi.ASSAY_OP_RNN, abi.ASSAY_OP_NETWORK)
    if stack and p.dialect.cell == abi.ASSAY_LSTM and p.arithmetic == abi.ASSAY_FP32:
        return 5
    return 2.5 if p.op == abi.ASSAY_OP_RNN else 4


def plan(p):
    return (torch_losses.Loss if p.op in (abi.ASSAY_OP_XENT, abi.ASSAY_OP_CTC) else torch_network.Network)(p)
