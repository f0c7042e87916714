/* gru.c: one step of the GRU, forward and backward; z keeps the old state, the reset gate acts before or after the
 * recurrent product. docs/semantics.md 1.3 (A: after, bias inside; B: before; mix K), 1.4
 * SPDX-License-Identifier: MIT */
#include "reference/ops.h"

#include <string.h>

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

/* n's argument without b_hh: B adds both biases to it, A scales b_hh by r. */
static real with_input_bias(const REF(layer) * l, real a, int j)
{
    return l->b_ih ? ROUNDED(a + l->b_ih[j]) : a;
}

static void forward(REF(layer) * l, int64_t first, int m)
{
    const int h = l->p->h, before = resets_before(l);
    real *gates = l->gates + first * 3 * h, *extra = l->extra + first * h;
    const real *h_old = l->before_h + first * h;
    REF(gemm_packed)(m, h_old, h, l->panels[0], 1, gates, 3 * h);
    if (!before) REF(gemm_packed)(m, h_old, h, l->panels[1], 0, extra, h);
    PARALLEL_2((int64_t)m * h)
    for (int k = 0; k < m; k++)
        for (int j = 0; j < h; j++) {
            real *a = gates + (int64_t)k * 3 * h; /* rows of W and R: r z n */
            const int64_t at = (int64_t)k * h + j;
            a[j] = STORE(REF(sigmoid)(REF(biased)(l, a[j], j)));
            a[h + j] = STORE(REF(sigmoid)(REF(biased)(l, a[h + j], h + j)));
            if (before)
                extra[at] = STORE(a[j] * h_old[at]);
            else
                extra[at] = STORE(l->b_hh ? extra[at] + l->b_hh[2 * h + j] : extra[at]);
        }
    if (before) REF(gemm_packed)(m, extra, h, l->panels[1], 1, gates + 2 * h, 3 * h);
    PARALLEL_2((int64_t)m * h)
    for (int k = 0; k < m; k++)
        for (int j = 0; j < h; j++) {
            real *a = gates + (int64_t)k * 3 * h;
            const int64_t at = (int64_t)k * h + j;
            const int row = 2 * h + j;
            const real an =
                before ? REF(biased)(l, a[row], row) : ROUNDED(with_input_bias(l, a[row], row) + a[j] * extra[at]);
            const real z = a[h + j], n = STORE(R_TANH(an));
            a[row] = n;
            l->h[(int64_t)l->rows->sample[first + k] * h + j] = STORE((R(1) - z) * n + z * h_old[at]);
        }
}

static void backward_after(REF(layer) * l, int64_t first, int m)
{
    const int h = l->p->h;
    PARALLEL_2((int64_t)m * h)
    for (int k = 0; k < m; k++)
        for (int j = 0; j < h; j++) {
            real *a = l->gates + (first + k) * 3 * h, *u = l->extra + (first + k) * h + j;
            real *dh = l->dh + (int64_t)l->rows->sample[first + k] * h + j;
            const real r = a[j], z = a[h + j], n = a[2 * h + j], h_old = l->before_h[(first + k) * h + j];
            const real dan = STORE(*dh * (R(1) - z) * (R(1) - n * n));
            a[j] = STORE(dan * *u * r * (R(1) - r));
            a[h + j] = STORE(*dh * (h_old - n) * z * (R(1) - z));
            a[2 * h + j] = dan;
            *u = STORE(dan * r); /* du: what reaches Rn h' + b_hh */
            *dh = ROUNDED(*dh * z);
        }
    REF(gemm_packed)(m, l->gates + first * 3 * h, 3 * h, l->panels[0], 0, l->work, h);
    REF(gemm_packed)(m, l->extra + first * h, h, l->panels[1], 1, l->work, h);
    REF(carry_back)(l, first, m, 1);
}

static void backward_before(REF(layer) * l, int64_t first, int m)
{
    const int h = l->p->h;
    real *gates = l->gates + first * 3 * h, *de = l->work + (int64_t)m * h;
    PARALLEL_2((int64_t)m * h)
    for (int k = 0; k < m; k++)
        for (int j = 0; j < h; j++) {
            real *a = gates + (int64_t)k * 3 * h;
            real *dh = l->dh + (int64_t)l->rows->sample[first + k] * h + j;
            const real z = a[h + j], n = a[2 * h + j], h_old = l->before_h[(first + k) * h + j];
            a[h + j] = STORE(*dh * (h_old - n) * z * (R(1) - z));
            a[2 * h + j] = STORE(*dh * (R(1) - z) * (R(1) - n * n));
            *dh = ROUNDED(*dh * z);
        }
    REF(gemm_packed)(m, gates + 2 * h, 3 * h, l->panels[1], 0, de, h); /* e = r*h' */
    PARALLEL_2((int64_t)m * h)
    for (int k = 0; k < m; k++)
        for (int j = 0; j < h; j++) {
            real *r = gates + (int64_t)k * 3 * h + j;
            real *dh = l->dh + (int64_t)l->rows->sample[first + k] * h + j;
            const real de_kj = de[(int64_t)k * h + j];
            *dh = ROUNDED(*dh + de_kj * *r);
            *r = STORE(de_kj * l->before_h[(first + k) * h + j] * *r * (R(1) - *r));
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

/* dR of rows r and z meets h'; of rows n it is du h' under A, dan e under B. db_hh differs from db_ih in rows n of A.
 */
static void gradients(const REF(layer) * l, const real *db_ih, real *dr, real *db_hh)
{
    const int h = l->p->h, rows = (int)l->rows->count;
    const real *dan = l->gates + 2 * h;
    real *drn = dr + (int64_t)2 * h * h;
    REF(gemm)(1, 0, 2 * h, h, rows, l->gates, 3 * h, l->before_h, h, 0, dr, h, ASSAY_SUM_ROWS);
    if (resets_before(l))
        REF(gemm)(1, 0, h, h, rows, dan, 3 * h, l->extra, h, 0, drn, h, ASSAY_SUM_ROWS);
    else
        REF(gemm)(1, 0, h, h, rows, l->extra, h, l->before_h, h, 0, drn, h, ASSAY_SUM_ROWS);
    REF(store_all)((int64_t)3 * h * h, dr);
    if (!db_hh) return;
    memcpy(db_hh, db_ih, (size_t)3 * (size_t)h * sizeof *db_hh);
    if (!resets_before(l)) REF(column_sums)(rows, h, l->extra, h, db_hh + 2 * h);
}

const REF(cell) REF(gru) = {pack, forward, backward, gradients, 1};
