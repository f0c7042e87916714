"""jax_layers.py: stacks and losses in JAX: cells in lax.scan, losses of Optax.

SPDX-License-Identifier: MIT

Cells are written as JAX's users write them: one product for all steps of x, one with h a step, gates by jnp.split. Rows
that end early keep their state; x past a length is made 0 first, since a number that is none would reach the gradients
through a select (docs/differences.md).
"""
import jax
import jax.numpy as jnp
import optax
from jax import lax

import abi
import arrays
import jax_model

PHI = {abi.ASSAY_RNN_TANH: jnp.tanh, abi.ASSAY_RNN_RELU: jax.nn.relu}


def lstm(x, state, r, bias, d):
    """x holds the products of all inputs and the biases."""
    h, c = state
    i, f, g, o = jnp.split(x + h @ r.T, 4, axis=-1)
    c = jax.nn.sigmoid(f + d.forget_bias) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return h, c


def gru(x, state, r, bias, d):
    h, = state
    xr, xz, xn = jnp.split(x, 3, axis=-1)
    width = h.shape[-1]
    reset, z = jnp.split(jax.nn.sigmoid(jnp.concatenate([xr, xz], -1) + h @ r[:2 * width].T + bias[:2 * width]), 2, axis=-1)
    rn, bn = r[2 * width:], bias[2 * width:]
    n = jnp.tanh({abi.ASSAY_RESET_BEFORE: lambda: xn + (reset * h) @ rn.T + bn,
                  abi.ASSAY_RESET_AFTER_INSIDE: lambda: xn + reset * (h @ rn.T + bn),
                  abi.ASSAY_RESET_AFTER_OUTSIDE: lambda: xn + reset * (h @ rn.T) + bn}[d.gru_reset]())
    old, new = (z, 1 - z) if d.gru_mix == abi.ASSAY_MIX_KEEPS else (1 - z, z)
    return (new * n + old * h,)


def plain(x, state, r, bias, d):
    return (PHI[d.cell](x + state[0] @ r.T),)


class Layers(jax_model.Model):
    """A model without its optimizer."""
    batch_major = False

    def __init__(self, p):
        super().__init__(p)
        self.dtype = jnp.float32
        self.cell = {abi.ASSAY_LSTM: lstm, abi.ASSAY_GRU: gru}.get(p.dialect.cell, plain)
        self.STATES = ("h0", "c0") if p.dialect.cell == abi.ASSAY_LSTM else ("h0",)
        self.head = abi.ASSAY_RNN_PARAMS * p.layers * p.directions

    def outputs(self, own, start, given):
        if not arrays.is_stack(self.p):
            rows, total = self.losses(start["x"], given)
            return {"rows": rows, "total": total}
        made = self.stack(own, start, given)
        if self.p.op == abi.ASSAY_OP_NETWORK:
            made["logits"] = self.linear(own, made["y"], given)
        return made

    def inside(self, given):
        """(T, N, 1): is this step before the row's end?"""
        return (jnp.arange(self.p.t)[:, None] < given["lens"])[..., None] if "lens" in given else None

    def stack(self, own, start, given):
        p, inside = self.p, self.inside(given)
        if p.vocab:
            ids = given["ids"] if inside is None else jnp.where(inside[..., 0], given["ids"], 0)
            y = own[self.head + abi.ASSAY_EMBEDDING][ids]
        else:
            y = start["x"]
        y = y if inside is None else jnp.where(inside, y, 0)
        finals = []
        for layer in range(p.layers):
            halves = []
            for q in range(layer * p.directions, (layer + 1) * p.directions):
                out, final = self.layer(own, q, y, tuple(start[k][q] for k in self.STATES), inside)
                halves.append(out)
                finals.append(final)
            y = jnp.concatenate(halves, -1)
        return {"y": y, **{name: jnp.stack(each) for name, each in zip(("hn", "cn"), zip(*finals))}}

    def layer(self, own, q, x, state, inside):
        w, r, *biases = (own.get(abi.ASSAY_RNN_PARAMS * q + k) for k in (abi.ASSAY_W, abi.ASSAY_R, abi.ASSAY_B_IH, abi.ASSAY_B_HH))
        zero = jnp.zeros(w.shape[:1], self.dtype)
        b_ih, b_hh = (zero if b is None else b for b in biases)
        gru_ = self.cell is gru
        x = x @ w.T + (b_ih if gru_ else b_ih + b_hh)

        def step(state, given):
            x, inside = given
            new = self.cell(x, state, r, b_hh, self.p.dialect)
            if inside is None:
                return new, new[0]
            return tuple(jnp.where(inside, a, b) for a, b in zip(new, state)), jnp.where(inside, new[0], 0)
        final, y = lax.scan(step, state, (x, inside), reverse=q % self.p.directions == 1)
        return y, final

    def linear(self, own, y, given):
        p, weight = self.p, own[self.head + abi.ASSAY_DENSE_W]
        if p.head == abi.ASSAY_HEAD_LAST:
            y = y[jnp.maximum(given["lens"] - 1, 0), jnp.arange(p.n)] if "lens" in given else y[-1]
        logits = y @ weight.T + (own[self.head + abi.ASSAY_DENSE_B] if p.dense_bias else 0)
        inside = self.inside(given)
        return logits if inside is None or logits.ndim == 2 else jnp.where(inside, logits, 0)

    def losses(self, logits, given):
        return self.ctc(logits, given) if arrays.is_ctc(self.p) else self.xent(logits, given)

    def xent(self, x, given):
        p, d, labels = self.p, self.p.dialect, given["labels"]
        counts = jnp.ones(labels.shape, bool)
        if "lens" in given and labels.ndim == 2:
            counts = self.inside(given)[..., 0]
        if d.xent_ignores:
            counts &= labels != d.xent_ignore_index
        labels, x = jnp.where(counts, labels, 0), jnp.where(counts[..., None], x, 0)
        weights = given.get("class_weights")
        if d.xent_smoothing or d.xent_weighted:
            target = optax.smooth_labels(jax.nn.one_hot(labels, p.classes, dtype=self.dtype), d.xent_smoothing)
            rows = optax.softmax_cross_entropy(x, target if weights is None else target * weights)
        else:
            rows = optax.softmax_cross_entropy_with_integer_labels(x, labels)
        rows = jnp.where(counts, rows, 0)
        divisor = {abi.ASSAY_REDUCE_MEAN: lambda: counts.sum(), abi.ASSAY_REDUCE_MEAN_ALL: lambda: counts.size,
                   abi.ASSAY_REDUCE_MEAN_BATCH: lambda: p.n, abi.ASSAY_REDUCE_MEAN_WEIGHTED: lambda: (
                       jnp.where(counts, weights[labels], 0).sum() if d.xent_weighted else counts.sum())}.get(d.xent_reduction, lambda: 1)()
        divisor = jnp.asarray(divisor, self.dtype)
        return rows, None if d.xent_reduction == abi.ASSAY_REDUCE_NONE else rows.sum() / jnp.where(divisor == 0, 1, divisor)

    def ctc(self, x, given):
        p, d, labels, counts = self.p, self.p.dialect, given["labels"], given["label_lens"]
        lens, inside = given.get("lens", jnp.full((p.n,), p.t)), self.inside(given)
        x = x if inside is None else jnp.where(inside, x, 0)
        past = jnp.arange(labels.shape[1]) >= counts[:, None]
        frames = jnp.arange(p.t) >= lens[:, None]
        rows = optax.ctc_loss(x.swapaxes(0, 1), frames.astype(self.dtype), labels, past.astype(self.dtype), blank_id=d.ctc_blank)
        least = counts + ((labels[:, 1:] == labels[:, :-1]) & ~past[:, 1:]).sum(1)  # Optax gives some 1e5 where there is no path
        rows = jnp.where(lens < least, jnp.inf if d.ctc_infeasible == abi.ASSAY_INFEASIBLE_INF else 0, rows)
        if d.ctc_reduction == abi.ASSAY_REDUCE_NONE:
            return rows, None
        share = rows / jnp.maximum(counts, 1) if d.ctc_reduction == abi.ASSAY_REDUCE_MEAN_TARGETS else rows
        return rows, share.sum() / (1 if d.ctc_reduction == abi.ASSAY_REDUCE_SUM else max(p.n, 1))
