"""plain.py: softmax cross-entropy in nothing but Python: the host's own test, for machines without any framework.

SPDX-License-Identifier: MIT

Computes in double, whatever was asked for. A few sizes ask for misbehaviour, one test each (test_hosted.c).
"""
import ctypes
import math
import time

import abi

NAME, VERSION, FULL_ROWS = "plain", "1", "plain knows no lengths"
REFUSED, RAISES, NO_MEMORY, CRASHES, PLANS_SLOWLY, RUNS_SLOWLY = 2001, 2002, 2003, 2004, 2005, 2006  # classes


def supports(p):
    d = p.dialect
    if p.op != abi.ASSAY_OP_XENT:
        raise abi.Unsupported("op: cross-entropy only")
    if p.arithmetic not in (abi.ASSAY_FP32, abi.ASSAY_FP64):
        raise abi.Unsupported("arithmetic: fp32 and fp64 only")
    if p.classes == REFUSED or d.xent_weighted or d.xent_ignores or d.xent_smoothing or p.x_stride or d.layout:
        raise abi.Unsupported("dialect: plain rows only")
    if d.xent_reduction not in (abi.ASSAY_REDUCE_NONE, abi.ASSAY_REDUCE_SUM, abi.ASSAY_REDUCE_MEAN):
        raise abi.Unsupported("xent_reduction: none, sum, mean")
    return abi.arithmetic(p, activation_ulp=1, deterministic=1)


def plan(p):
    return Plan(p)


class Plan:
    sizes = (0, 0, 0, 0)

    def __init__(self, p):
        self.p = p
        time.sleep(3 if p.classes == PLANS_SLOWLY else 0)

    def run(self, what, a):
        p, real, wrong = self.p, abi.real(self.p), {RAISES: ValueError("too many classes"), NO_MEMORY: MemoryError("none")}
        if p.classes in wrong:
            raise wrong[p.classes]
        time.sleep(3 if p.classes == RUNS_SLOWLY else 0)
        if p.classes == CRASHES:
            ctypes.string_at(8)
        x = abi.array(a.x, p.t * p.n * p.classes, real)
        labels, lens = abi.array(a.labels, p.t * p.n, ctypes.c_int32), abi.array(a.lens, p.n, ctypes.c_int32)
        rows = [r for r in range(p.t * p.n) if lens is None or r // p.n < lens[r % p.n]]
        each, softmax = {}, {}
        for r in rows:
            z = x[r * p.classes:(r + 1) * p.classes]
            top = max(z)
            lse = math.log(math.fsum(math.exp(v - top) for v in z)) + top
            each[r], softmax[r] = lse - z[labels[r]], [math.exp(v - lse) for v in z]
        share = 1 / max(len(rows), 1) if p.dialect.xent_reduction == abi.ASSAY_REDUCE_MEAN else 1
        if what == abi.ASSAY_BACKWARD:
            self.backward(a, rows, labels, softmax, share)
            return
        out = abi.array(a.loss_rows, p.t * p.n, real)
        for r in range(p.t * p.n if out else 0):
            out[r] = each.get(r, 0)
        if a.loss:
            abi.array(a.loss, 1, real)[0] = share * math.fsum(each.values())

    def backward(self, a, rows, labels, softmax, share):
        p, real = self.p, abi.real(self.p)
        none = p.dialect.xent_reduction == abi.ASSAY_REDUCE_NONE
        up, dx = abi.array(a.dloss, p.t * p.n if none else 1, real), abi.array(a.dx, p.t * p.n * p.classes, real)
        for k in range(len(dx) if dx else 0):
            dx[k] = 0
        for r in rows if dx and up else ():
            for k, value in enumerate(softmax[r]):
                dx[r * p.classes + k] = up[r if none else 0] * share * (value - (k == labels[r]))
