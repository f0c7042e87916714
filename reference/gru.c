/* gru.c: one step of the GRU, forward and backward, with either meaning of z; the reset gate acts before the recurrent
 * product (B), or after it with the bias inside (A) or outside (C). docs/semantics.md 1.3, 1.4
 * SPDX-License-Identifier: MIT */
#include "reference/ops.h"

static int resets_before(const REF(layer) * l)
{
    return l->p->dialect.gru_reset == ASSAY_RESET_BEFORE;
}

/* Rows r and z of R as one, rows n apart: either dialect treats them differently. */
static void pack(REF(layer) * l, int backward)
{
    const int h = l->p->h;
    const real *rn = l->r + (int64_t)2 * h * h;
    l->panels[0] = backward ? REF(gemm_pack)(0, h, 2 * h, l->r, h) : REF(gemm_pack)(1, 2 * h, h, l->r, h);
    l->panels[1] = backward ? REF(gemm_pack)(0, h, h, rn, h) : REF(gemm_pack)(1, h, h, rn, h);
}

/* A's second bias of n: scaled by r. NULL where there's none, or where it is added to n's argument as the first is. */
static const real *inner_bias(const REF(layer) * l)
{
    return l->p->dialect.gru_reset == ASSAY_RESET_AFTER_INSIDE ? l->b_hh : NULL;
}

/* n's argument with the biases that are not scaled. */
static real with_outer_bias(const REF(layer) * l, real a, int j)
{
    if (!inner_bias(l)) return REF(biased)(l, a, j);
    return l->b_ih ? ROUNDED(a + l->b_ih[j]) : a;
}

/* The old state's share, and what it is differentiated by z. */
static real keep_of(const assay_dialect *d, real z)
{
    return d->gru_mix == ASSAY_MIX_KEEPS ? z : R(1) - z;
}

static real by_z(const assay_dialect *d, real h_old, real n)
{
    return d->gru_mix == ASSAY_MIX_KEEPS ? h_old - n : n - h_old;
}

static void forward(REF(layer) * l, int64_t first, int m)
{
    const assay_dialect *d = &l->p->dialect;
    const int h = l->p->h, before = resets_before(l);
    real *gates = l->gates + first * 3 * h, *extra = l->extra + first * h;
    const real *h_old = l->before_h + first * h, *inner = inner_bias(l);
    REF(gemm_packed)(m, h_old, h, l->panels[0], 1, gates, 3 * h);
    if (!before) REF(gemm_packed)(m, h_old, h, l->panels[1], 0, extra, h);
    PARALLEL((int64_t)m * h)
    for (int k = 0; k < m; k++) {
        real *a = gates + (int64_t)k * 3 * h, *e = extra + (int64_t)k * h; /* rows of W and R: r z n */
        for (int j = 0; j < 2 * h; j++)
            a[j] = REF(biased)(l, a[j], j);
        REF(gate_all)(d, 2 * h, a);
        REF(store_all)(2 * h, a);
        for (int j = 0; j < h; j++) {
            if (before)
                e[j] = STORE(a[j] * h_old[(int64_t)k * h + j]);
            else
                e[j] = STORE(inner ? e[j] + inner[2 * h + j] : e[j]);
        }
    }
    if (before) REF(gemm_packed)(m, extra, h, l->panels[1], 1, gates + 2 * h, 3 * h);
    PARALLEL((int64_t)m * h)
    for (int k = 0; k < m; k++) {
        real *a = gates + (int64_t)k * 3 * h, *n = a + 2 * h;
        const real *e = extra + (int64_t)k * h, *old = h_old + (int64_t)k * h;
        for (int j = 0; j < h; j++) {
            const real outer = with_outer_bias(l, n[j], 2 * h + j);
            n[j] = before ? outer : ROUNDED(outer + a[j] * e[j]);
        }
        REF(tanh_all)(h, n);
        REF(store_all)(h, n);
        for (int j = 0; j < h; j++) {
            const real keep = keep_of(d, a[h + j]);
            l->h[(int64_t)l->rows->sample[first + k] * h + j] = STORE((R(1) - keep) * n[j] + keep * old[j]);
        }
    }
}

static void backward_after(REF(layer) * l, int64_t first, int m)
{
    const assay_dialect *d = &l->p->dialect;
    const int h = l->p->h;
    PARALLEL_2((int64_t)m * h)
    for (int k = 0; k < m; k++)
        for (int j = 0; j < h; j++) {
            real *a = l->gates + (first + k) * 3 * h, *u = l->extra + (first + k) * h + j;
            real *dh = l->dh + (int64_t)l->rows->sample[first + k] * h + j;
            const real r = a[j], z = a[h + j], n = a[2 * h + j], h_old = l->before_h[(first + k) * h + j];
            const real keep = keep_of(d, z), dan = STORE(*dh * (R(1) - keep) * (R(1) - n * n));
            a[j] = STORE(dan * *u * REF(gate_slope)(d, r));
            a[h + j] = STORE(*dh * by_z(d, h_old, n) * REF(gate_slope)(d, z));
            a[2 * h + j] = dan;
            *u = STORE(dan * r); /* du: what reaches Rn h' */
            *dh = ROUNDED(*dh * keep);
        }
    REF(gemm_packed)(m, l->gates + first * 3 * h, 3 * h, l->panels[0], 0, l->work, h);
    REF(gemm_packed)(m, l->extra + first * h, h, l->panels[1], 1, l->work, h);
    REF(carry_back)(l, first, m, 1);
}

static void backward_before(REF(layer) * l, int64_t first, int m)
{
    const assay_dialect *d = &l->p->dialect;
    const int h = l->p->h;
    real *gates = l->gates + first * 3 * h, *de = l->work + (int64_t)m * h;
    PARALLEL_2((int64_t)m * h)
    for (int k = 0; k < m; k++)
        for (int j = 0; j < h; j++) {
            real *a = gates + (int64_t)k * 3 * h;
            real *dh = l->dh + (int64_t)l->rows->sample[first + k] * h + j;
            const real z = a[h + j], n = a[2 * h + j], h_old = l->before_h[(first + k) * h + j];
            const real keep = keep_of(d, z);
            a[h + j] = STORE(*dh * by_z(d, h_old, n) * REF(gate_slope)(d, z));
            a[2 * h + j] = STORE(*dh * (R(1) - keep) * (R(1) - n * n));
            *dh = ROUNDED(*dh * keep);
        }
    REF(gemm_packed)(m, gates + 2 * h, 3 * h, l->panels[1], 0, de, h); /* e = r*h' */
    PARALLEL_2((int64_t)m * h)
    for (int k = 0; k < m; k++)
        for (int j = 0; j < h; j++) {
            real *r = gates + (int64_t)k * 3 * h + j;
            real *dh = l->dh + (int64_t)l->rows->sample[first + k] * h + j;
            const real de_kj = de[(int64_t)k * h + j];
            *dh = ROUNDED(*dh + de_kj * *r);
            *r = STORE(de_kj * l->before_h[(first + k) * h + j] * REF(gate_slope)(d, *r));
        }
    REF(gemm_packed)(m, gates, 3 * h, l->panels[0], 0, l->work, h);
    REF(carry_back)(l, first, m, 1);
}

static void backward(REF(layer) * l, int64_t first, int m)
{
    if (resets_before(l))
        backward_before(l, first, m);
    else
        backward_after(l, first, m);
}

/* dR of rows r and z meets h'; of rows n it is du h' under A and C, dan e under B. db_hh differs from db_ih in rows n
 * of A. */
static assay_status gradients(const REF(layer) * l, assay_pool *pool, real *const d[ASSAY_RNN_PARAMS])
{
    const int h = l->p->h, rows = (int)l->rows->count;
    const real *dan = l->gates + 2 * h;
    real *dr = d[ASSAY_R], *db_hh = d[ASSAY_B_HH];
    (void)pool;
    real *drn = dr + (int64_t)2 * h * h;
    REF(gemm)(1, 0, 2 * h, h, rows, l->gates, 3 * h, l->before_h, h, 0, dr, h, ASSAY_SUM_ROWS);
    if (resets_before(l))
        REF(gemm)(1, 0, h, h, rows, dan, 3 * h, l->extra, h, 0, drn, h, ASSAY_SUM_ROWS);
    else
        REF(gemm)(1, 0, h, h, rows, l->extra, h, l->before_h, h, 0, drn, h, ASSAY_SUM_ROWS);
    REF(store_all)((int64_t)3 * h * h, dr);
    REF(bias_gradients)(l, d[ASSAY_B_IH], db_hh);
    if (inner_bias(l)) REF(column_sums)(rows, h, l->extra, h, db_hh + 2 * h);
    return ASSAY_OK;
}

const REF(cell) REF(gru) = {pack, forward, backward, gradients};
