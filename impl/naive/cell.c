/* cell.c: LSTM, both GRUs and the plain cell, as in the textbook.
 * SPDX-License-Identifier: MIT */
#include "impl/naive/cell.h"

#include "impl/naive/product.h"

#include <math.h>
#include <string.h>

/* exp never overflows this way, and small results keep their digits. */
static float sigmoid(float x)
{
    const float e = expf(-fabsf(x));
    return (x < 0 ? e : 1) / (1 + e);
}

/* The activation of i, f, o, r, z. */
static float gate(const assay_dialect *d, float a)
{
    if (d->gate_activation == ASSAY_GATE_SIGMOID) return sigmoid(a);
    const float y = a / (d->gate_activation == ASSAY_GATE_HARD_FIFTH ? 5.0F : 6.0F) + 0.5F;
    return y < 0 ? 0 : y > 1 ? 1 : y;
}

/* Its derivative, from its value. */
static float slope(const assay_dialect *d, float y)
{
    if (d->gate_activation == ASSAY_GATE_SIGMOID) return y * (1 - y);
    if (y <= 0 || y >= 1) return 0;
    return 1 / (d->gate_activation == ASSAY_GATE_HARD_FIFTH ? 5.0F : 6.0F);
}

/* to[r][j] = bias[j], or 0. */
static void start(int64_t count, int64_t pitch, int64_t n, const float *bias, float *to)
{
    for (int64_t r = 0; r < count; r++)
        for (int64_t j = 0; j < n; j++)
            to[r * pitch + j] = bias ? bias[j] : 0;
}

static void add_bias(int64_t count, int64_t pitch, int64_t n, const float *bias, float *to)
{
    for (int64_t r = 0; bias && r < count; r++)
        for (int64_t j = 0; j < n; j++)
            to[r * pitch + j] += bias[j];
}

/* db[j] += sum over the rows of this step. */
static void add_column_sums(int64_t count, int64_t pitch, int64_t n, const float *da, float *db)
{
    for (int64_t j = 0; db && j < n; j++) {
        float sum = 0;
        for (int64_t r = 0; r < count; r++)
            sum += da[r * pitch + j];
        db[j] += sum;
    }
}

/* out (count, n) += in (count, k) weights (n, k)^T */
static void apply(int64_t count, int64_t n, int64_t k, const float *in, int64_t in_pitch, const float *weights,
                  float *out, int64_t out_pitch)
{
    naive_product(0, 1, count, n, k, in, in_pitch, weights, k, 1, out, out_pitch);
}

/* d_in (count, k) += da (count, n) weights (n, k) */
static void apply_back(int64_t count, int64_t n, int64_t k, const float *da, int64_t pitch, const float *weights,
                       float *d_in)
{
    naive_product(0, 0, count, k, n, da, pitch, weights, k, 1, d_in, k);
}

/* d_weights (n, k) += da (count, n)^T in (count, k) */
static void add_outer(int64_t count, int64_t n, int64_t k, const float *da, int64_t pitch, const float *in,
                      float *d_weights)
{
    naive_product(1, 0, n, k, count, da, pitch, in, k, 1, d_weights, k);
}

/* What all cells do with the gradient da (count, n) of W x + b_ih. */
static void input_back(const naive_step *s, int64_t n, int64_t pitch)
{
    add_outer(s->count, n, s->inputs, s->da, pitch, s->x, s->gradient.w);
    add_column_sums(s->count, pitch, n, s->da, s->gradient.b_ih);
    if (!s->dx) return;
    memset(s->dx, 0, s->count * s->inputs * sizeof *s->dx);
    apply_back(s->count, n, s->inputs, s->da, pitch, s->given.w, s->dx);
}

/* ---- LSTM: gates i f g o ---- */

static float within(const assay_dialect *d, float q)
{
    const float bound = (float)d->cell_clip;
    return d->cell_clip == 0 ? q : q > bound ? bound : q < -bound ? -bound : q;
}

/* h_new = m projection^T */
static void project(const naive_step *s)
{
    memset(s->h_new, 0, s->count * s->state * sizeof *s->h_new);
    apply(s->count, s->state, s->hidden, s->m, s->hidden, s->given.projection, s->h_new, s->state);
}

static void lstm_forward(const naive_step *s)
{
    const assay_dialect *d = s->d;
    const int64_t h = s->hidden, gh = 4 * h;
    const float *p = s->given.peephole;
    float *out = s->given.projection ? s->m : s->h_new;
    start(s->count, gh, gh, s->given.b_ih, s->gates);
    apply(s->count, gh, s->inputs, s->x, s->inputs, s->given.w, s->gates, gh);
    add_bias(s->count, gh, gh, s->given.b_hh, s->gates);
    apply(s->count, gh, s->state, s->h, s->state, s->given.r, s->gates, gh);
    for (int64_t row = 0; row < s->count; row++) {
        float *i = s->gates + row * gh, *f = i + h, *g = f + h, *o = g + h;
        for (int64_t j = 0; j < h; j++) {
            const int64_t k = row * h + j;
            if (p) i[j] += p[j] * s->c[k];
            if (p) f[j] += p[h + j] * s->c[k];
            i[j] = gate(d, i[j]);
            f[j] = d->coupled ? 1 - i[j] : gate(d, f[j] + (float)d->forget_bias);
            g[j] = tanhf(g[j]);
            s->c_new[k] = within(d, f[j] * s->c[k] + i[j] * g[j]);
            if (p) o[j] += p[2 * h + j] * s->c_new[k];
            o[j] = gate(d, o[j]);
            out[k] = o[j] * tanhf(s->c_new[k]);
        }
    }
    if (s->given.projection) project(s);
}

/* m = dh projection, which is what the cell's own output is differentiated by. */
static const float *unproject(const naive_step *s)
{
    memset(s->m, 0, s->count * s->hidden * sizeof *s->m);
    apply_back(s->count, s->state, s->hidden, s->dh, s->state, s->given.projection, s->m);
    return s->m;
}

/* What peepholes add to dc of this element, and to their own gradient. da: of i, f, o. */
static float peephole_back(const naive_step *s, int64_t j, const float da[3], const float seen[3])
{
    const float *p = s->given.peephole;
    const int64_t h = s->hidden;
    for (int k = 0; k < 3; k++)
        s->gradient.peephole[k * h + j] += da[k] * seen[k];
    return p[j] * da[0] + p[h + j] * da[1];
}

static void lstm_backward(const naive_step *s)
{
    const assay_dialect *d = s->d;
    const int64_t h = s->hidden, gh = 4 * h;
    const float *p = s->given.peephole, *dm = s->given.projection ? unproject(s) : s->dh;
    for (int64_t row = 0; row < s->count; row++) {
        const float *i = s->gates + row * gh, *f = i + h, *g = f + h, *o = g + h;
        float *di = s->da + row * gh, *df = di + h, *dg = df + h, *d_o = dg + h;
        for (int64_t j = 0; j < h; j++) {
            const int64_t k = row * h + j;
            const float q = f[j] * s->c[k] + i[j] * g[j], c = within(d, q), tanh_c = tanhf(c), dh = dm[k];
            float dc = s->dc[k] + dh * o[j] * (1 - tanh_c * tanh_c);
            d_o[j] = dh * tanh_c * slope(d, o[j]);
            if (p) dc += p[2 * h + j] * d_o[j];
            if (c != q && d->clip_gradient == ASSAY_CLIP_CUTS) dc = 0;
            di[j] = dc * (d->coupled ? g[j] - s->c[k] : g[j]) * slope(d, i[j]);
            df[j] = d->coupled ? 0 : dc * s->c[k] * slope(d, f[j]);
            dg[j] = dc * i[j] * (1 - g[j] * g[j]);
            s->dc[k] = dc * f[j];
            if (p) s->dc[k] += peephole_back(s, j, (float[]){di[j], df[j], d_o[j]}, (float[]){s->c[k], s->c[k], c});
            s->de[k] = o[j] * tanh_c; /* what was projected */
        }
    }
    if (s->given.projection) add_outer(s->count, s->state, h, s->dh, s->state, s->de, s->gradient.projection);
    memset(s->dh, 0, s->count * s->state * sizeof *s->dh);
    input_back(s, gh, gh);
    add_outer(s->count, gh, s->state, s->da, gh, s->h, s->gradient.r);
    add_column_sums(s->count, gh, gh, s->da, s->gradient.b_hh);
    apply_back(s->count, gh, s->state, s->da, gh, s->given.r, s->dh);
}

/* ---- GRU: gates r z n, and a fourth block: u = Rn h (+ b_hh,n inside) where the reset acts after, e = r h where
 * before ---- */

/* The share of the old state. */
static float keep(const assay_dialect *d, float z)
{
    return d->gru_mix == ASSAY_MIX_KEEPS ? z : 1 - z;
}

static void gru_forward(const naive_step *s, int before)
{
    const int outside = before || s->d->gru_reset == ASSAY_RESET_AFTER_OUTSIDE;
    const int64_t h = s->hidden, pitch = 4 * h;
    const float *b_hh = s->given.b_hh, *bn = b_hh ? b_hh + 2 * h : NULL;
    start(s->count, pitch, 3 * h, s->given.b_ih, s->gates);
    apply(s->count, 3 * h, s->inputs, s->x, s->inputs, s->given.w, s->gates, pitch);
    add_bias(s->count, pitch, 2 * h, b_hh, s->gates);
    apply(s->count, 2 * h, h, s->h, h, s->given.r, s->gates, pitch);
    for (int64_t row = 0; row < s->count; row++)
        for (int64_t j = 0; j < 2 * h; j++)
            s->gates[row * pitch + j] = gate(s->d, s->gates[row * pitch + j]);

    float *fourth = s->gates + 3 * h;
    const float *rn = s->given.r + 2 * h * h;
    if (outside) add_bias(s->count, pitch, h, bn, s->gates + 2 * h);
    if (before) {
        for (int64_t row = 0; row < s->count; row++)
            for (int64_t j = 0; j < h; j++)
                fourth[row * pitch + j] = s->gates[row * pitch + j] * s->h[row * h + j];
        apply(s->count, h, h, fourth, pitch, rn, s->gates + 2 * h, pitch);
    } else {
        start(s->count, pitch, h, outside ? NULL : bn, fourth);
        apply(s->count, h, h, s->h, h, rn, fourth, pitch);
    }
    for (int64_t row = 0; row < s->count; row++) {
        float *r = s->gates + row * pitch, *z = r + h, *n = z + h, *u = n + h;
        for (int64_t j = 0; j < h; j++) {
            const int64_t k = row * h + j;
            n[j] = tanhf(before ? n[j] : n[j] + r[j] * u[j]);
            s->h_new[k] = (1 - keep(s->d, z[j])) * n[j] + keep(s->d, z[j]) * s->h[k];
        }
    }
}

static void gru_backward(const naive_step *s, int before)
{
    const int inside = !before && s->d->gru_reset == ASSAY_RESET_AFTER_INSIDE;
    const int64_t h = s->hidden, pitch = 4 * h;
    const float *rn = s->given.r + 2 * h * h;
    float *d_rn = s->gradient.r + 2 * h * h, *d_bn = s->gradient.b_hh ? s->gradient.b_hh + 2 * h : NULL;
    for (int64_t row = 0; row < s->count; row++) {
        const float *z = s->gates + row * pitch + h, *n = z + h;
        float *dz = s->da + row * pitch + h, *dn = dz + h;
        for (int64_t j = 0; j < h; j++) {
            const int64_t k = row * h + j;
            const float dh = s->dh[k], kept = keep(s->d, z[j]), by_kept = dh * (s->h[k] - n[j]);
            dz[j] = (s->d->gru_mix == ASSAY_MIX_KEEPS ? by_kept : -by_kept) * slope(s->d, z[j]);
            dn[j] = dh * (1 - kept) * (1 - n[j] * n[j]);
            s->dh[k] = dh * kept;
        }
    }
    if (before) {
        memset(s->de, 0, s->count * h * sizeof *s->de);
        apply_back(s->count, h, h, s->da + 2 * h, pitch, rn, s->de);
    }
    for (int64_t row = 0; row < s->count; row++) {
        const float *r = s->gates + row * pitch, *u = r + 3 * h;
        float *dr = s->da + row * pitch, *dn = dr + 2 * h, *du = dr + 3 * h;
        for (int64_t j = 0; j < h; j++) {
            const int64_t k = row * h + j;
            dr[j] = (before ? s->de[k] * s->h[k] : dn[j] * u[j]) * slope(s->d, r[j]);
            du[j] = before ? dn[j] : dn[j] * r[j];
            if (before) s->dh[k] += s->de[k] * r[j];
        }
    }
    input_back(s, 3 * h, pitch);
    add_outer(s->count, 2 * h, h, s->da, pitch, s->h, s->gradient.r);
    add_column_sums(s->count, pitch, 2 * h, s->da, s->gradient.b_hh);
    add_column_sums(s->count, pitch, h, s->da + (inside ? 3 : 2) * h, d_bn);
    apply_back(s->count, 2 * h, h, s->da, pitch, s->given.r, s->dh);
    if (before)
        naive_product(1, 0, h, h, s->count, s->da + 2 * h, pitch, s->gates + 3 * h, pitch, 1, d_rn, h);
    else {
        add_outer(s->count, h, h, s->da + 3 * h, pitch, s->h, d_rn);
        apply_back(s->count, h, h, s->da + 3 * h, pitch, rn, s->dh);
    }
}

static void gru_before_forward(const naive_step *s)
{
    gru_forward(s, 1);
}
static void gru_before_backward(const naive_step *s)
{
    gru_backward(s, 1);
}
static void gru_after_forward(const naive_step *s)
{
    gru_forward(s, 0);
}
static void gru_after_backward(const naive_step *s)
{
    gru_backward(s, 0);
}

/* ---- plain: the kept gate is the new state itself ---- */

static void plain_forward(const naive_step *s)
{
    const int64_t h = s->hidden;
    start(s->count, h, h, s->given.b_ih, s->gates);
    apply(s->count, h, s->inputs, s->x, s->inputs, s->given.w, s->gates, h);
    add_bias(s->count, h, h, s->given.b_hh, s->gates);
    apply(s->count, h, h, s->h, h, s->given.r, s->gates, h);
    for (int64_t k = 0; k < s->count * h; k++) {
        const float a = s->gates[k];
        s->gates[k] = s->d->cell == ASSAY_RNN_RELU ? (a < 0 ? 0 : a) : tanhf(a);
        s->h_new[k] = s->gates[k];
    }
}

static void plain_backward(const naive_step *s)
{
    const int64_t h = s->hidden;
    for (int64_t k = 0; k < s->count * h; k++) {
        const float y = s->gates[k];
        s->da[k] = s->d->cell == ASSAY_RNN_RELU ? (y > 0 ? s->dh[k] : 0) : s->dh[k] * (1 - y * y);
        s->dh[k] = 0;
    }
    input_back(s, h, h);
    add_outer(s->count, h, h, s->da, h, s->h, s->gradient.r);
    add_column_sums(s->count, h, h, s->da, s->gradient.b_hh);
    apply_back(s->count, h, h, s->da, h, s->given.r, s->dh);
}

const naive_cell *naive_cell_of(const assay_dialect *d)
{
    static const naive_cell lstm = {4, lstm_forward, lstm_backward};
    static const naive_cell before = {4, gru_before_forward, gru_before_backward};
    static const naive_cell after = {4, gru_after_forward, gru_after_backward};
    static const naive_cell plain = {1, plain_forward, plain_backward};
    if (d->cell == ASSAY_LSTM) return &lstm;
    if (d->cell == ASSAY_GRU) return d->gru_reset == ASSAY_RESET_BEFORE ? &before : &after;
    return &plain;
}
