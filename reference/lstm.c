/* lstm.c: one step of the LSTM, forward and backward. docs/semantics.md 1.1, 1.2
 * SPDX-License-Identifier: MIT */
#include "reference/ops.h"

static void forward(REF(layer) * l, int64_t first, int m)
{
    const int h = l->p->h;
    real *gates = l->gates + first * 4 * h;
    REF(gemm_packed)(m, l->before_h + first * h, h, l->panels[0], 1, gates, 4 * h);
    PARALLEL_2((int64_t)m * h)
    for (int k = 0; k < m; k++)
        for (int j = 0; j < h; j++) {
            real *a = gates + (int64_t)k * 4 * h; /* rows of W and R: i f g o */
            const int64_t at = (int64_t)l->rows->sample[first + k] * h + j;
            const real ai = REF(biased)(l, a[j], j), ag = REF(biased)(l, a[2 * h + j], 2 * h + j);
            const real af = REF(biased)(l, a[h + j], h + j), ao = REF(biased)(l, a[3 * h + j], 3 * h + j);
            const real i = STORE(REF(sigmoid)(ai)), g = STORE(R_TANH(ag)), o = STORE(REF(sigmoid)(ao));
            const real f = STORE(REF(sigmoid)(ROUNDED(af + R(l->p->dialect.forget_bias))));
            const real c = STORE(f * l->before_c[(first + k) * h + j] + i * g);
            a[j] = i, a[h + j] = f, a[2 * h + j] = g, a[3 * h + j] = o;
            l->c[at] = c;
            l->h[at] = STORE(o * ROUNDED(R_TANH(c)));
        }
}

static void backward(REF(layer) * l, int64_t first, int m)
{
    const int h = l->p->h;
    PARALLEL_2((int64_t)m * h)
    for (int k = 0; k < m; k++)
        for (int j = 0; j < h; j++) {
            real *a = l->gates + (first + k) * 4 * h;
            const int64_t at = (int64_t)l->rows->sample[first + k] * h + j;
            const real i = a[j], f = a[h + j], g = a[2 * h + j], o = a[3 * h + j];
            const real before = l->before_c[(first + k) * h + j];
            const real tanh_c = ROUNDED(R_TANH(l->c[at])), dm = l->dh[at];
            const real dc = ROUNDED(l->dc[at] + dm * o * (R(1) - tanh_c * tanh_c));
            a[j] = STORE(dc * g * i * (R(1) - i));
            a[h + j] = STORE(dc * before * f * (R(1) - f));
            a[2 * h + j] = STORE(dc * i * (R(1) - g * g));
            a[3 * h + j] = STORE(dm * tanh_c * o * (R(1) - o));
            l->dc[at] = ROUNDED(dc * f);
            l->c[at] = before;
        }
    REF(gemm_packed)(m, l->gates + first * 4 * h, 4 * h, l->panels[0], 0, l->work, h);
    REF(carry_back)(l, first, m, 0);
}

const REF(cell) REF(lstm) = {REF(pack_whole), forward, backward, REF(gradients_whole), 0};
