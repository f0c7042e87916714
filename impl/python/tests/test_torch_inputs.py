"""test_torch_inputs.py: the row torch differentiates what TRAIN was given, wherever the inputs lie by then, and whatever
stands in their old place: test_torch_inputs.py FOLDER-OF-HOST.

SPDX-License-Identifier: MIT

Runs in the interpreter that the row would have ($ASSAY_PYTHON); SKIPPED where that has no PyTorch.
"""
import ctypes
import os
import sys

sys.dont_write_bytecode = True
asked = os.environ.get("ASSAY_PYTHON", "")
asked = os.path.join(asked, "torch", "bin", "python") if os.path.isdir(asked) else asked
if asked and os.path.exists(asked) and os.path.abspath(asked) != sys.executable and "ASSAY_TEST_INPUTS" not in os.environ:
    os.execve(asked, [asked, *sys.argv], {**os.environ, "ASSAY_TEST_INPUTS": "1"})

sys.path.insert(0, sys.argv[1])
import abi  # noqa: E402: its folder is no package
try:
    import torch
    import torch_cpu
except ImportError as missing:
    print("no module %s in %s" % (missing.name, sys.executable))
    sys.exit(77)

SHAPES = {"x": (4, 3, 5), "h0": (1, 3, 2), "c0": (1, 3, 2), "dy": (4, 3, 2), "dx": (4, 3, 5), "dh0": (1, 3, 2),
          "dc0": (1, 3, 2), "loss_rows": (3,), "dloss": (3,), "packed": (256,), "grads": (256,)}
INPUTS = {abi.ASSAY_OP_RNN: ("x", "h0", "c0"), abi.ASSAY_OP_CTC: ("x",)}


def problem(op):
    p = abi.assay_problem(op=op, arithmetic=abi.ASSAY_FP32, t=4, n=3, i=5, h=2, layers=1, directions=1, classes=5, max_label=1)
    p.dialect.cell, p.dialect.biases = abi.ASSAY_LSTM, abi.ASSAY_BIAS_TWO
    p.dialect.ctc_reduction, p.dialect.ctc_labels = abi.ASSAY_REDUCE_NONE, abi.ASSAY_LABELS_PADDED
    p.dialect.ctc_input = abi.ASSAY_CTC_LOG_PROBS  # which ctc_loss keeps as they are
    return p


def gradients(op, moves):
    """After a TRAIN, whose inputs another array holds at BACKWARD, and 1e9 their own, or which stay."""
    torch.manual_seed(1)
    p, args = problem(op), abi.assay_args(struct_size=ctypes.sizeof(abi.assay_args))
    loss, places = op == abi.ASSAY_OP_CTC, {k: torch.randn(shape) for k, shape in SHAPES.items()}
    used = ("x", "dx", "loss_rows", "dloss") if loss else tuple(k for k in SHAPES if "loss" not in k)
    for k in used:
        setattr(args, k, places[k].data_ptr())
    ones = torch.ones(3, dtype=torch.int32)
    args.labels = args.label_lens = ones.data_ptr() if loss else None
    plan = torch_cpu.plan(p)
    parts = [] if loss else [torch.randn(shape) for shape in plan.shapes.values()]
    for k, part in zip(() if loss else plan.shapes, parts):
        args.param[k] = args.dparam[k] = part.data_ptr()
    if parts:
        plan.pack(args)
    plan.run(abi.ASSAY_TRAIN, args)
    kept = []
    for k in INPUTS[op] if moves else ():
        kept.append(places[k].clone())
        places[k].fill_(1e9)
        setattr(args, k, kept[-1].data_ptr())
    plan.run(abi.ASSAY_BACKWARD, args)
    return [places[k].clone() for k in used if k in ("dx", "dh0", "dc0")] + [places["grads"][:sum(map(torch.numel, parts))].clone()]


failures = 0
for name, op in (("rnn", abi.ASSAY_OP_RNN), ("ctc", abi.ASSAY_OP_CTC)):
    stayed, moved = gradients(op, False), gradients(op, True)
    assert all(g.abs().sum() > 0 for g in stayed if g.numel()), "gradients that are 0 tell nothing"
    if not all(map(torch.equal, stayed, moved)):
        print("%s: other gradients where the inputs moved between TRAIN and BACKWARD; expected the same" % name)
        failures += 1
print("torch: 2 problems, %d failures" % failures)
sys.exit(failures > 0)
