/* lstm.c: one step of the LSTM with every option, forward and backward. docs/semantics.md 1.1, 1.2
 * SPDX-License-Identifier: MIT */
#include "reference/ops.h"

#include <string.h>

/* f c' + i g within the bound. */
static real clipped(const assay_dialect *d, real q)
{
    const real bound = R(d->cell_clip);
    if (d->cell_clip == 0) return q;
    return q > bound ? bound : q < -bound ? -bound : q;
}

/* a + p[j] c: what a peephole sees. */
static real peeped(const REF(layer) * l, real a, int j, real c)
{
    return l->peephole ? ROUNDED(a + l->peephole[j] * c) : a;
}

/* With a projection: h = WP m of these rows, m in `extra`. */
static void project(REF(layer) * l, int64_t first, int m)
{
    const int h = l->p->h, width = l->p->proj;
    REF(gemm_packed)(m, l->extra + first * h, h, l->panels[1], 0, l->work, width);
    for (int k = 0; k < m; k++)
        for (int j = 0; j < width; j++)
            l->h[(int64_t)l->rows->sample[first + k] * width + j] = STORE(l->work[(int64_t)k * width + j]);
}

/* One row: a (4, H) holds W x + R h' on entry, gates on return; rows of W and R: i f g o; of P: i f o. */
static void forward_row(REF(layer) * l, int64_t row, real *a)
{
    const assay_dialect *d = &l->p->dialect;
    const int h = l->p->h;
    const int64_t sample = l->rows->sample[row];
    const real *before = l->before_c + row * h;
    real *c = l->c + sample * h, *out = l->extra ? l->extra + row * h : l->h + sample * h;
    for (int j = 0; j < h; j++)
        a[j] = peeped(l, REF(biased)(l, a[j], j), j, before[j]);
    for (int j = h; j < 2 * h; j++)
        a[j] = ROUNDED(peeped(l, REF(biased)(l, a[j], j), j, before[j - h]) + R(d->forget_bias));
    for (int j = 2 * h; j < 4 * h; j++)
        a[j] = REF(biased)(l, a[j], j);
    REF(gate_all)(d, 2 * h, a);
    REF(tanh_all)(h, a + 2 * h);
    REF(store_all)(3 * h, a);
    for (int j = 0; j < h; j++) {
        if (d->coupled) a[h + j] = STORE(R(1) - a[j]);
        const real q = STORE(a[h + j] * before[j] + a[j] * a[2 * h + j]);
        if (l->raw_c) l->raw_c[row * h + j] = q;
        c[j] = out[j] = clipped(d, q);
        a[3 * h + j] = peeped(l, a[3 * h + j], 2 * h + j, c[j]);
    }
    REF(gate_all)(d, h, a + 3 * h);
    REF(store_all)(h, a + 3 * h);
    REF(tanh_all)(h, out);
    for (int j = 0; j < h; j++)
        out[j] = STORE(a[3 * h + j] * ROUNDED(out[j]));
}

static void forward(REF(layer) * l, int64_t first, int m)
{
    const int h = l->p->h, width = assay_state_width(l->p);
    real *gates = l->gates + first * 4 * h;
    REF(gemm_packed)(m, l->before_h + first * width, width, l->panels[0], 1, gates, 4 * h);
    PARALLEL((int64_t)m * h)
    for (int k = 0; k < m; k++)
        forward_row(l, first + k, gates + (int64_t)k * 4 * h);
    if (l->projection) project(l, first, m);
}

/* dm = WP' dh of these rows, in the second part of `work`; dh is kept for dWP. */
static const real *unproject(REF(layer) * l, int64_t first, int m)
{
    const int h = l->p->h, width = l->p->proj;
    real *dm = l->work + (int64_t)l->p->n * 4 * h;
    for (int k = 0; k < m; k++)
        for (int j = 0; j < width; j++)
            l->kept_dh[(first + k) * width + j] = l->dh[(int64_t)l->rows->sample[first + k] * width + j];
    REF(gemm_packed)(m, l->kept_dh + first * width, width, l->panels[1], 0, dm, h);
    return dm;
}

/* One row: gates become dG. dm = the cotangent of o tanh(c); tanh_c (H) is working memory. */
static void backward_row(REF(layer) * l, int64_t row, const real *dm, real *tanh_c)
{
    const assay_dialect *d = &l->p->dialect;
    const int h = l->p->h;
    const int64_t state = l->rows->sample[row] * (int64_t)h;
    const real *before = l->before_c + row * h, *peephole = l->peephole;
    real *a = l->gates + row * 4 * h, *c = l->c + state, *carried = l->dc + state;
    memcpy(tanh_c, c, (size_t)h * sizeof *c);
    REF(tanh_all)(h, tanh_c);
    for (int j = 0; j < h; j++) {
        const real i = a[j], f = a[h + j], g = a[2 * h + j], o = a[3 * h + j], s = ROUNDED(tanh_c[j]);
        const real dao = STORE(dm[j] * s * REF(gate_slope)(d, o));
        real dc = ROUNDED(carried[j] + dm[j] * o * (R(1) - s * s));
        if (peephole) dc = ROUNDED(dc + peephole[2 * h + j] * dao);
        if (l->raw_c && l->raw_c[row * h + j] != c[j]) dc = R(0); /* it was clipped */
        const real dai = STORE(dc * (d->coupled ? g - before[j] : g) * REF(gate_slope)(d, i));
        const real daf = d->coupled ? R(0) : STORE(dc * before[j] * REF(gate_slope)(d, f));
        a[j] = dai, a[h + j] = daf, a[2 * h + j] = STORE(dc * i * (R(1) - g * g)), a[3 * h + j] = dao;
        carried[j] = ROUNDED(dc * f);
        if (peephole) carried[j] = ROUNDED(carried[j] + (peephole[j] * dai + peephole[h + j] * daf));
        if (l->after_c) l->after_c[row * h + j] = c[j];
        c[j] = before[j];
    }
}

static void backward(REF(layer) * l, int64_t first, int m)
{
    const int h = l->p->h, width = assay_state_width(l->p);
    const real *projected = l->projection ? unproject(l, first, m) : NULL;
    PARALLEL((int64_t)m * h)
    for (int k = 0; k < m; k++) {
        const real *dm = projected ? projected + (int64_t)k * h : l->dh + (int64_t)l->rows->sample[first + k] * h;
        backward_row(l, first + k, dm, l->work + (int64_t)k * h);
    }
    REF(gemm_packed)(m, l->gates + first * 4 * h, 4 * h, l->panels[0], 0, l->work, width);
    REF(carry_back)(l, first, m, 0);
}

static void pack(REF(layer) * l, int backward)
{
    const int h = l->p->h, width = l->p->proj;
    REF(pack_whole)(l, backward);
    if (l->projection)
        l->panels[1] =
            backward ? REF(gemm_pack)(0, h, width, l->projection, h) : REF(gemm_pack)(1, width, h, l->projection, h);
}

/* dP of one gate: the sum over the rows of its dG times the cell that it saw. */
static void peephole_gradient(const REF(layer) * l, int gate, const real *c, real *products, real *dp)
{
    const int h = l->p->h;
    const int64_t rows = l->rows->count;
    PARALLEL_2(rows * h)
    for (int64_t r = 0; r < rows; r++)
        for (int j = 0; j < h; j++)
            products[r * h + j] = ROUNDED(l->gates[r * 4 * h + gate * h + j] * c[r * h + j]);
    REF(column_sums)(rows, h, products, h, dp);
}

static assay_status gradients(const REF(layer) * l, assay_pool *pool, real *const d[ASSAY_RNN_PARAMS])
{
    const int h = l->p->h, width = l->p->proj, rows = (int)l->rows->count;
    real *dp = d[ASSAY_PEEPHOLE], *dwp = d[ASSAY_PROJECTION];
    assay_status st = REF(gradients_whole)(l, pool, d);
    if (st != ASSAY_OK) return st;
    if (dwp) {
        REF(gemm)(1, 0, width, h, rows, l->kept_dh, width, l->extra, h, 0, dwp, h, ASSAY_SUM_ROWS);
        REF(store_all)((int64_t)width * h, dwp);
    }
    if (!dp) return ASSAY_OK;
    real *products = REF(take)(pool, (int64_t)rows * h);
    if (!products) return ASSAY_NO_MEMORY;
    peephole_gradient(l, 0, l->before_c, products, dp);
    peephole_gradient(l, 1, l->before_c, products, dp + h);
    peephole_gradient(l, 3, l->after_c, products, dp + 2 * h);
    assay_pool_drop(pool, products);
    return ASSAY_OK;
}

const REF(cell) REF(lstm) = {pack, forward, backward, gradients};
