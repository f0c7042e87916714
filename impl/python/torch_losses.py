"""torch_losses.py: losses of PyTorch on logits: functional.cross_entropy and functional.ctc_loss; a plan of a loss alone.

SPDX-License-Identifier: MIT

CTC's infinite losses are put in afterwards, since the gradient beside them would be no number. Ignored rows get logits of
0: cross_entropy reads theirs, and a NaN there would be one in the gradient.
"""
import torch
from torch.nn import functional as F

import abi
import torch_memory


class Loss(torch_memory.Memory):
    """A plan of a loss on given logits, and what a network's loss shares with it."""
    sizes = (0, 0, 0, 0)

    def losses(self, a, logits):
        """Loss of each row, and their reduction (None without one)."""
        ctc = self.p.op == abi.ASSAY_OP_CTC or self.p.loss == abi.ASSAY_LOSS_CTC
        return self.ctc(a, logits) if ctc else self.xent(a, logits)

    def xent(self, a, logits):
        p, d, rows = self.p, self.p.dialect, logits.shape[:-1]
        past = self.lengths(a)[1] if len(rows) == 2 else None
        labels = self.integers(a.labels, rows).flatten()
        inside = torch.arange(labels.numel()) if past is None else (~past).flatten().nonzero().flatten()
        labels, weights = labels[inside], self.input(a.class_weights, (p.classes,))
        ignored = d.xent_ignore_index if d.xent_ignores else -100
        x = logits.reshape(-1, p.classes)[inside]
        x = x.masked_fill((labels == ignored)[:, None], 0) if d.xent_ignores else x
        each = F.cross_entropy(x, labels, weights, ignore_index=ignored, reduction="none", label_smoothing=d.xent_smoothing)
        counts = labels[labels != ignored]
        divisor = {abi.ASSAY_REDUCE_MEAN: counts.numel, abi.ASSAY_REDUCE_MEAN_ALL: rows.numel,
                   abi.ASSAY_REDUCE_MEAN_WEIGHTED: lambda: float(weights[counts].sum()) if weights is not None
                   else counts.numel(), abi.ASSAY_REDUCE_MEAN_BATCH: lambda: p.n}.get(d.xent_reduction, lambda: 1)()
        each = each if past is None else each.new_zeros(rows.numel()).index_copy(0, inside, each)
        return each.view(rows), None if d.xent_reduction == abi.ASSAY_REDUCE_NONE else each.sum() / (divisor or 1)

    def ctc(self, a, logits):
        p, d = self.p, self.p.dialect
        lens, past = self.lengths(a)
        label_lens = self.integers(a.label_lens, (p.n,))
        padded = d.ctc_labels == abi.ASSAY_LABELS_PADDED
        labels = self.integers(a.labels, (p.n, p.max_label) if padded else (p.labels,))
        logits = logits if past is None else logits.masked_fill(past[..., None], 0)
        x = logits if d.ctc_input == abi.ASSAY_CTC_LOG_PROBS else F.log_softmax(logits, -1)
        each = F.ctc_loss(x.transpose(0, 1) if self.batch_first else x, labels, lens, label_lens, d.ctc_blank,
                          reduction="none", zero_infinity=True)
        if d.ctc_infeasible == abi.ASSAY_INFEASIBLE_INF:
            strings = [labels[n, :u] for n, u in enumerate(label_lens)] if padded else labels.split(label_lens.tolist())
            least = torch.tensor([s.numel() + int((s[1:] == s[:-1]).sum()) for s in strings])
            each = each.masked_fill(lens < least, float("inf"))
        if d.ctc_reduction == abi.ASSAY_REDUCE_NONE:
            return each, None
        share = each / label_lens.clamp(min=1) if d.ctc_reduction == abi.ASSAY_REDUCE_MEAN_TARGETS else each
        return each, share.sum() / (1 if d.ctc_reduction == abi.ASSAY_REDUCE_SUM else max(p.n, 1))

    def write_losses(self, a, rows, total):
        for pointer, value in ((a.loss_rows, rows), (a.loss, total)):
            if pointer and value is not None:
                self.view(pointer, (value.numel(),)).copy_(value.detach().flatten())

    def run(self, what, a):
        shape = (*self.steps, self.p.classes)
        if what == abi.ASSAY_BACKWARD:
            cotangent = self.view(a.dloss, (self.made.numel(),))
            g = torch.autograd.grad(self.made, self.x, cotangent.view(self.made.shape), retain_graph=True) if a.dloss else [0]
            if a.dx:
                dx = self.view(a.dx, shape, self.p.x_stride)
                dx.copy_(g[0]) if a.dloss else dx.zero_()
            return
        self.keeps = what == abi.ASSAY_TRAIN
        x = self.input(a.x, shape, self.p.x_stride).requires_grad_(what == abi.ASSAY_TRAIN)
        rows, total = self.losses(a, x)
        self.write_losses(a, rows, total)
        if what == abi.ASSAY_TRAIN:  # an inference in between leaves it alone
            self.x, self.made = x, rows if total is None else total
