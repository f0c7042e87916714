/* rnn.c: one step of the plain recurrence h = phi(W x + R h' + b), phi = tanh or max(0, .). docs/semantics.md 1.5
 * SPDX-License-Identifier: MIT */
#include "reference/ops.h"

static void forward(REF(layer) * l, int64_t first, int m)
{
    const int h = l->p->h, relu = l->p->dialect.cell == ASSAY_RNN_RELU;
    real *gates = l->gates + first * h;
    REF(gemm_packed)(m, l->before_h + first * h, h, l->panels[0], 1, gates, h);
    PARALLEL((int64_t)m * h)
    for (int k = 0; k < m; k++) {
        real *a = gates + (int64_t)k * h, *state = l->h + (int64_t)l->rows->sample[first + k] * h;
        for (int j = 0; j < h; j++)
            a[j] = REF(biased)(l, a[j], j);
        if (!relu) REF(tanh_all)(h, a);
        for (int j = 0; j < h; j++) /* written so that NaN stays NaN */
            state[j] = a[j] = relu && a[j] <= R(0) ? R(0) : STORE(a[j]);
    }
}

static void backward(REF(layer) * l, int64_t first, int m)
{
    const int h = l->p->h, relu = l->p->dialect.cell == ASSAY_RNN_RELU;
    PARALLEL_2((int64_t)m * h)
    for (int k = 0; k < m; k++)
        for (int j = 0; j < h; j++) {
            real *a = l->gates + (first + k) * h + j;
            const real dh = l->dh[(int64_t)l->rows->sample[first + k] * h + j], y = *a;
            /* the derivative of relu at 0 is 0 */
            *a = relu ? (y > R(0) ? STORE(dh) : R(0)) : STORE(dh * (R(1) - y * y));
        }
    REF(gemm_packed)(m, l->gates + first * h, h, l->panels[0], 0, l->work, h);
    REF(carry_back)(l, first, m, 0);
}

const REF(cell) REF(vanilla) = {REF(pack_whole), forward, backward, REF(gradients_whole)};
