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

static void lstm_forward(const naive_step *s)
{
    const int64_t h = s->hidden, gh = 4 * h;
    start(s->count, gh, gh, s->given.b_ih, s->gates);
    apply(s->count, gh, s->inputs, s->x, s->inputs, s->given.w, s->gates, gh);
    add_bias(s->count, gh, gh, s->given.b_hh, s->gates);
    apply(s->count, gh, h, s->h, h, s->given.r, s->gates, gh);
    for (int64_t row = 0; row < s->count; row++) {
        float *i = s->gates + row * gh, *f = i + h, *g = f + h, *o = g + h;
        for (int64_t j = 0; j < h; j++) {
            const int64_t k = row * h + j;
            i[j] = sigmoid(i[j]);
            f[j] = sigmoid(f[j] + (float)s->forget_bias);
            g[j] = tanhf(g[j]);
            o[j] = sigmoid(o[j]);
            s->c_new[k] = f[j] * s->c[k] + i[j] * g[j];
            s->h_new[k] = o[j] * tanhf(s->c_new[k]);
        }
    }
}

static void lstm_backward(const naive_step *s)
{
    const int64_t h = s->hidden, gh = 4 * h;
    for (int64_t row = 0; row < s->count; row++) {
        const float *i = s->gates + row * gh, *f = i + h, *g = f + h, *o = g + h;
        float *di = s->da + row * gh, *df = di + h, *dg = df + h, *d_o = dg + h;
        for (int64_t j = 0; j < h; j++) {
            const int64_t k = row * h + j;
            const float tanh_c = tanhf(f[j] * s->c[k] + i[j] * g[j]), dh = s->dh[k];
            const float dc = s->dc[k] + dh * o[j] * (1 - tanh_c * tanh_c);
            d_o[j] = dh * tanh_c * o[j] * (1 - o[j]);
            di[j] = dc * g[j] * i[j] * (1 - i[j]);
            df[j] = dc * s->c[k] * f[j] * (1 - f[j]);
            dg[j] = dc * i[j] * (1 - g[j] * g[j]);
            s->dc[k] = dc * f[j];
            s->dh[k] = 0;
        }
    }
    input_back(s, gh, gh);
    add_outer(s->count, gh, h, s->da, gh, s->h, s->gradient.r);
    add_column_sums(s->count, gh, gh, s->da, s->gradient.b_hh);
    apply_back(s->count, gh, h, s->da, gh, s->given.r, s->dh);
}

/* ---- GRU: gates r z n, and a fourth block: u = Rn h + b_hh,n where the reset acts after, e = r h where before ---- */

static void gru_forward(const naive_step *s, int before)
{
    const int64_t h = s->hidden, pitch = 4 * h;
    const float *b_hh = s->given.b_hh, *bn = b_hh ? b_hh + 2 * h : NULL;
    start(s->count, pitch, 3 * h, s->given.b_ih, s->gates);
    apply(s->count, 3 * h, s->inputs, s->x, s->inputs, s->given.w, s->gates, pitch);
    add_bias(s->count, pitch, 2 * h, b_hh, s->gates);
    apply(s->count, 2 * h, h, s->h, h, s->given.r, s->gates, pitch);
    for (int64_t row = 0; row < s->count; row++)
        for (int64_t j = 0; j < 2 * h; j++)
            s->gates[row * pitch + j] = sigmoid(s->gates[row * pitch + j]);

    float *fourth = s->gates + 3 * h;
    const float *rn = s->given.r + 2 * h * h;
    if (before) {
        for (int64_t row = 0; row < s->count; row++)
            for (int64_t j = 0; j < h; j++)
                fourth[row * pitch + j] = s->gates[row * pitch + j] * s->h[row * h + j];
        add_bias(s->count, pitch, h, bn, s->gates + 2 * h);
        apply(s->count, h, h, fourth, pitch, rn, s->gates + 2 * h, pitch);
    } else {
        start(s->count, pitch, h, bn, fourth);
        apply(s->count, h, h, s->h, h, rn, fourth, pitch);
    }
    for (int64_t row = 0; row < s->count; row++) {
        float *r = s->gates + row * pitch, *z = r + h, *n = z + h, *u = n + h;
        for (int64_t j = 0; j < h; j++) {
            const int64_t k = row * h + j;
            n[j] = tanhf(before ? n[j] : n[j] + r[j] * u[j]);
            s->h_new[k] = (1 - z[j]) * n[j] + z[j] * s->h[k];
        }
    }
}

static void gru_backward(const naive_step *s, int before)
{
    const int64_t h = s->hidden, pitch = 4 * h;
    const float *rn = s->given.r + 2 * h * h;
    float *d_rn = s->gradient.r + 2 * h * h, *d_bn = s->gradient.b_hh ? s->gradient.b_hh + 2 * h : NULL;
    for (int64_t row = 0; row < s->count; row++) {
        const float *z = s->gates + row * pitch + h, *n = z + h;
        float *dz = s->da + row * pitch + h, *dn = dz + h;
        for (int64_t j = 0; j < h; j++) {
            const int64_t k = row * h + j;
            const float dh = s->dh[k];
            dz[j] = dh * (s->h[k] - n[j]) * z[j] * (1 - z[j]);
            dn[j] = dh * (1 - z[j]) * (1 - n[j] * n[j]);
            s->dh[k] = dh * z[j];
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
            dr[j] = (before ? s->de[k] * s->h[k] : dn[j] * u[j]) * r[j] * (1 - r[j]);
            du[j] = before ? dn[j] : dn[j] * r[j];
            if (before) s->dh[k] += s->de[k] * r[j];
        }
    }
    input_back(s, 3 * h, pitch);
    add_outer(s->count, 2 * h, h, s->da, pitch, s->h, s->gradient.r);
    add_column_sums(s->count, pitch, 2 * h, s->da, s->gradient.b_hh);
    add_column_sums(s->count, pitch, h, s->da + 3 * h, d_bn);
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
        s->gates[k] = s->relu ? (a < 0 ? 0 : a) : tanhf(a);
        s->h_new[k] = s->gates[k];
    }
}

static void plain_backward(const naive_step *s)
{
    const int64_t h = s->hidden;
    for (int64_t k = 0; k < s->count * h; k++) {
        const float y = s->gates[k];
        s->da[k] = s->relu ? (y > 0 ? s->dh[k] : 0) : s->dh[k] * (1 - y * y);
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
