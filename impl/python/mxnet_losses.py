"""mxnet_losses.py: losses of MXNet: gluon.loss.SoftmaxCrossEntropyLoss and CTCLoss.

SPDX-License-Identifier: MIT

What lies past a length is made 0 first, since a number that is none would reach the sums.
"""
import numpy as np
from mxnet import gluon, nd

import abi
import arrays


def array(value):
    return nd.array(np.array(value), dtype=np.float32)  # indices too: what Gluon's blocks take


def masked(x, inside):
    """x, and 0 where it may be no number at all."""
    return nd.where(nd.broadcast_like(inside.expand_dims(-1), x), x, nd.zeros_like(x))


class Losses:
    def losses(self, logits, given):
        rows, total = self.ctc(logits, given) if arrays.is_ctc(self.p) else self.xent(logits, given)
        return {"rows": rows, **({} if total is None else {"total": total})}

    def xent(self, x, given):
        p, d, labels = self.p, self.p.dialect, np.array(given["labels"])
        counts = np.ones(labels.shape, bool)
        if "lens" in given and labels.ndim == 2:
            counts = np.arange(p.t)[:, None] < given["lens"]
        counts = counts & (labels != d.xent_ignore_index) if d.xent_ignores else counts
        labels = np.where(counts, labels, 0)
        weights = given["class_weights"][labels] if d.xent_weighted else np.ones(labels.shape, np.float32)
        shares = np.where(counts, weights, 0)
        x = masked(x, array(counts)).reshape((-1, p.classes))
        if d.xent_smoothing:
            each = (1 - d.xent_smoothing) * nd.one_hot(array(labels.ravel()), p.classes) + d.xent_smoothing / p.classes
            each = each * array(given["class_weights"]) if d.xent_weighted else each
            rows = gluon.loss.SoftmaxCrossEntropyLoss(sparse_label=False)(x, each, array(counts).reshape((-1, 1)))
        else:
            rows = gluon.loss.SoftmaxCrossEntropyLoss()(x, array(labels.ravel()), array(shares).reshape((-1, 1)))
        divisor = {abi.ASSAY_REDUCE_MEAN: counts.sum(), abi.ASSAY_REDUCE_MEAN_ALL: counts.size, abi.ASSAY_REDUCE_MEAN_BATCH: p.n,
                   abi.ASSAY_REDUCE_MEAN_WEIGHTED: shares.sum()}.get(d.xent_reduction, 1)
        total = None if d.xent_reduction == abi.ASSAY_REDUCE_NONE else rows.sum() / (float(divisor) or 1)
        return rows.reshape(labels.shape), total

    def ctc(self, x, given):
        p, d, labels, counts = self.p, self.p.dialect, np.array(given["labels"]), np.array(given["label_lens"])
        lens = np.array(given.get("lens", np.full(p.n, p.t)))
        least = counts + ((labels[:, 1:] == labels[:, :-1]) & (np.arange(1, labels.shape[1]) < counts[:, None])).sum(1)
        x = masked(x, array((np.arange(p.t)[:, None] < lens) & (lens >= least)))  # without an alignment gradients are arbitrary
        if d.ctc_blank:
            rows = gluon.loss.CTCLoss("TNC")(x, array(labels), array(lens), array(counts))
        else:
            rows = nd.CTCLoss(x, array(labels), array(lens), array(counts), use_data_lengths=True, use_label_lengths=True, blank_label="first")
        other = np.inf if d.ctc_infeasible == abi.ASSAY_INFEASIBLE_INF else 0
        rows = nd.where(array(lens < least), nd.full(p.n, other), rows)
        if d.ctc_reduction == abi.ASSAY_REDUCE_NONE:
            return rows, None
        share = rows / array(np.maximum(counts, 1)) if d.ctc_reduction == abi.ASSAY_REDUCE_MEAN_TARGETS else rows
        return rows, share.sum() / (1 if d.ctc_reduction == abi.ASSAY_REDUCE_SUM else max(p.n, 1))
