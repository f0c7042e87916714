/* gemm.c: the one product of the reference, and its long sums.
 * SPDX-License-Identifier: MIT */
#include "reference/gemm.h"

#include <stdlib.h>
#include <string.h>

struct REF(panels) {
    int tb, n, k;
    int64_t ldb;
    real *b;
};

void REF(gemm)(int ta, int tb, int m, int n, int k, const real *a, int64_t lda, const real *b, int64_t ldb,
               int accumulate, real *c, int64_t ldc, int sum)
{
    (void)sum;
    for (int r = 0; r < m; ++r) {
        for (int q = 0; q < n; ++q) {
            real s = accumulate ? c[r * ldc + q] : R(0);
            for (int i = 0; i < k; ++i) {
                const int64_t j = SUM_AT(i, k);
                s = MAC(s, OPERAND(ta ? a[j * lda + r] : a[r * lda + j]), OPERAND(tb ? b[q * ldb + j] : b[j * ldb + q]));
            }
            c[r * ldc + q] = s;
        }
    }
}

REF(panels) * REF(gemm_pack)(int tb, int n, int k, const real *b, int64_t ldb)
{
    REF(panels) *p = (REF(panels) *)malloc(sizeof *p);
    if (!p) return NULL;
    p->tb = 0;
    p->n = n;
    p->k = k;
    p->ldb = n;
    p->b = (real *)malloc(((size_t)n * (size_t)k + 1) * sizeof(real));
    if (!p->b) {
        free(p);
        return NULL;
    }
    for (int j = 0; j < k; ++j)
        for (int q = 0; q < n; ++q)
            p->b[(int64_t)j * n + q] = tb ? b[q * ldb + j] : b[j * ldb + q];
    return p;
}

void REF(gemm_packed)(int m, const real *a, int64_t lda, const REF(panels) * b, int accumulate, real *c, int64_t ldc)
{
    REF(gemm)(0, 0, m, b->n, b->k, a, lda, b->b, b->ldb, accumulate, c, ldc, ASSAY_SUM_FEATURES);
}

void REF(gemm_pack_free)(REF(panels) * b)
{
    if (b) free(b->b);
    free(b);
}

real REF(sum)(int64_t n, const real *x, int64_t stride, int sum)
{
    (void)sum;
    real s = R(0);
    for (int64_t i = 0; i < n; ++i)
        s = s + x[SUM_AT(i, n) * stride];
    return s;
}
