"""test_ahead.py: rows on JAX and PyTensor compile in plan(), nothing in the passes that follow, and as many models as are
kept fit into the mappings that a process may have: test_ahead.py FOLDER-OF-HOST MODULE.

SPDX-License-Identifier: MIT

Runs in the interpreter that the row would have ($ASSAY_PYTHON); SKIPPED where that has no such framework.
"""
import ctypes
import importlib.util
import os
import sys

sys.dont_write_bytecode = True
HOST, MODULE = sys.argv[1:3]
NAME = os.path.basename(MODULE).partition(".")[0]
asked = os.environ.get("ASSAY_PYTHON", "")
asked = os.path.join(asked, NAME, "bin", "python") if os.path.isdir(asked) else asked
if asked and os.path.exists(asked) and os.path.abspath(asked) != sys.executable and "ASSAY_TEST_AHEAD" not in os.environ:
    os.execve(asked, [asked, *sys.argv], {**os.environ, "ASSAY_TEST_AHEAD": "1"})

sys.path.insert(0, HOST)
import abi  # noqa: E402: its folder is no package
try:
    spec = importlib.util.spec_from_file_location("hosted", MODULE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    import numpy as np
except ImportError as missing:
    print("%s: no module %s in %s" % (NAME, missing.name, sys.executable))
    sys.exit(77)

import arrays  # noqa: E402

COMPILED = []


def listen_to_jax():
    import jax
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, seconds, **more: COMPILED.append(more.get("fun_name", event)) if event.endswith("backend_compile_duration") else None)


def listen_to_pytensor():
    from pytensor.compile import maker
    make = maker.FunctionMaker.__init__

    def heard(self, *given, **more):
        COMPILED.append("a function")
        make(self, *given, **more)
    maker.FunctionMaker.__init__ = heard


(listen_to_pytensor if NAME == "pytensor" else listen_to_jax)()


def problem(op, **more):
    p = abi.assay_problem(op=op, arithmetic=abi.ASSAY_FP32, t=4, n=3, classes=5, **more)
    if op in (abi.ASSAY_OP_RNN, abi.ASSAY_OP_NETWORK):
        p.i, p.h, p.layers, p.directions = 3, 4, 2, 2
        p.dialect.cell, p.dialect.biases, p.dialect.gru_reset = abi.ASSAY_LSTM, abi.ASSAY_BIAS_TWO, abi.ASSAY_RESET_AFTER_INSIDE
    p.dialect.xent_reduction = p.dialect.ctc_reduction = abi.ASSAY_REDUCE_MEAN
    return p


def network(loss, optimizer, **more):
    return problem(abi.ASSAY_OP_NETWORK, loss=loss, head=abi.ASSAY_HEAD_EVERY, dense_bias=1, optimizer=optimizer, lr=0.1,
                   beta1=0.9, beta2=0.99, epsilon=1e-8, max_label=2, **more)


PROBLEMS = {"rnn": problem(abi.ASSAY_OP_RNN), "xent": problem(abi.ASSAY_OP_XENT), "ctc": problem(abi.ASSAY_OP_CTC, max_label=2),
            "network, xent": network(abi.ASSAY_LOSS_XENT, abi.ASSAY_OPT_ADAM, vocab=7),
            "network, ctc": network(abi.ASSAY_LOSS_CTC, abi.ASSAY_OPT_SGD)}
if NAME == "pytensor":  # which has no CTC
    PROBLEMS = {name: p for name, p in PROBLEMS.items() if not arrays.is_ctc(p)}
    PROBLEMS["network, sgd"] = network(abi.ASSAY_LOSS_XENT, abi.ASSAY_OPT_SGD)


class Memory:
    """Arguments of the ABI with memory of their own."""

    def __init__(self, p, ragged):
        self.kept, self.args = [], abi.assay_args(struct_size=ctypes.sizeof(abi.assay_args))
        for name, value in arrays.example(p, False, ragged).items():
            self.put(name, value + 1 if name == "labels" else value)
        states = ("h0", "c0", "dy", "dhn", "dcn", "y", "hn", "cn", "logits", "dh0", "dc0")
        for name in (*states * arrays.is_stack(p), "dloss", "loss_rows", "loss", "dx"):
            self.put(name, np.zeros(4096, np.float32))
        for family in ("param", "m", "v", "dparam", "param_1", "m_1", "v_1"):
            for index, shape in (arrays.shapes(p) if arrays.is_stack(p) else ()):
                self.kept.append(np.zeros(shape, np.float32))
                getattr(self.args, family)[index] = self.kept[-1].ctypes.data

    def put(self, name, value):
        self.kept.append(value)
        setattr(self.args, name, value.ctypes.data)


def passes(p):
    stack, network_ = arrays.is_stack(p), p.op == abi.ASSAY_OP_NETWORK
    yield from [lambda plan, a: plan.pack(a)] * stack
    for what in (abi.ASSAY_INFER, abi.ASSAY_TRAIN, *[abi.ASSAY_LOSS_PASS] * network_, abi.ASSAY_BACKWARD,
                 *[abi.ASSAY_UPDATE, abi.ASSAY_STEP] * network_):
        yield lambda plan, a, what=what: plan.run(what, a)
    yield from [lambda plan, a: plan.unpack(a)] * stack


def mappings():
    with open("/proc/self/maps", "rb") as maps:
        return sum(1 for _ in maps)


with open("/proc/sys/vm/max_map_count", encoding="ascii") as allowed:
    MOST = int(allowed.read())
module.open(1)
failures = 0
for name, p in PROBLEMS.items():
    module.supports(p)
    COMPILED.clear()
    before = mappings()
    plan = module.plan(p)
    held = mappings() - before
    if held * arrays.KEPT > MOST / 2:
        print("%s, %s: a model holds %d mappings, and %d are kept, where %d are allowed" % (NAME, name, held, arrays.KEPT, MOST))
        failures += 1
    ahead = len(COMPILED)
    COMPILED.clear()
    for ragged in (False, True):
        memory = Memory(p, ragged)
        if ragged:
            ctypes.cast(memory.args.lens, ctypes.POINTER(ctypes.c_int32))[0] = 1
        for call in passes(p):
            call(plan, memory.args)
    if not ahead or COMPILED:
        print("%s, %s: compiled %d functions in plan(), and later %s, where none is expected" % (NAME, name, ahead, COMPILED))
        failures += 1
print("%s: %d problems, %d failures" % (NAME, len(PROBLEMS), failures))
sys.exit(failures > 0)
