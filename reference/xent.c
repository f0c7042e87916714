/* xent.c: softmax cross-entropy, and how the losses of rows become one. docs/semantics.md 1.7
 * SPDX-License-Identifier: MIT */
#include "reference/ops.h"

/* A class with logit -inf has probability 0 and costs nothing, as long as one logit is finite. */
void REF(xent)(int m, int v, const real *logits, const int32_t *labels, const real *up, real *loss, real *grad)
{
    PARALLEL((int64_t)m * v)
    for (int row = 0; row < m; row++) {
        const real *x = logits + (int64_t)row * v;
        real *g = grad + (int64_t)row * v, max = x[0];
        for (int k = 1; k < v; k++)
            if (x[k] > max) max = x[k];
        for (int k = 0; k < v; k++)
            g[k] = ROUNDED(R_EXP(x[k] - max));
        const real lse = ROUNDED(max + R_LOG(REF(sum)(v, g, 1, ASSAY_SUM_FEATURES)));
        loss[row] = STORE(lse - x[labels[row]]);
        for (int k = 0; up && k < v; k++) {
            const real p = R_EXP(x[k] - lse);
            g[k] = STORE(up[row] * (k == labels[row] ? p - R(1) : p));
        }
    }
}

real REF(reduce)(int reduction, int64_t m, const real *loss)
{
    if (m == 0) return R(0);
    const real sum = REF(sum)(m, loss, 1, ASSAY_SUM_ROWS);
    return STORE(reduction == ASSAY_REDUCE_MEAN ? sum / R((double)m) : sum);
}
