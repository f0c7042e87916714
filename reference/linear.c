/* linear.c: y = x W^T + b and its gradients.
 * SPDX-License-Identifier: MIT */
#include "reference/ops.h"

void REF(linear_forward)(int m, int in, int out, const real *x, const real *w, const real *b, real *y)
{
    REF(gemm)(0, 1, m, out, in, x, in, w, in, 0, y, out, ASSAY_SUM_FEATURES);
    PARALLEL_2((int64_t)m * out)
    for (int k = 0; k < m; k++)
        for (int j = 0; j < out; j++) {
            real *a = y + (int64_t)k * out + j;
            *a = STORE(b ? *a + b[j] : *a);
        }
}

void REF(linear_backward)(int m, int in, int out, const real *x, const real *w, const real *dy, real *dx, real *dw,
                          real *db)
{
    REF(gemm)(0, 0, m, in, out, dy, out, w, in, 0, dx, in, ASSAY_SUM_FEATURES);
    REF(store_all)((int64_t)m * in, dx);
    REF(gemm)(1, 0, out, in, m, dy, out, x, in, 0, dw, in, ASSAY_SUM_ROWS);
    REF(store_all)((int64_t)out * in, dw);
    if (db) REF(column_sums)(m, out, dy, out, db);
}
