/* gemm.h: C = [C +] op(A) op(B), row-major: the one product of the reference.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_GEMM_H
#define ASSAY_GEMM_H

#include "reference/real.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the k index of a product runs over: features of one row, or rows of the batch (weight gradients), which the
 * noise build scales (rounding.h: batch_scale). */
enum { ASSAY_SUM_FEATURES, ASSAY_SUM_ROWS };

/* C (m, n), ldc  <-  (accumulate ? C : 0) + op(A) (m, k) op(B) (k, n).
 * op(A)[r][j] = ta ? a[j*lda + r] : a[r*lda + j]; op(B)[j][c] = tb ? b[c*ldb + j] : b[j*ldb + c].
 * Every product takes OPERAND() of its factors; C takes STORE() only where the caller applies it.
 * k = 0 gives zeros (or C). Any thread; uses OpenMP unless called inside a parallel region. Cannot fail: where the
 * packing buffer can't be had it computes unpacked. */
void REF(gemm)(int ta, int tb, int m, int n, int k, const real *a, int64_t lda, const real *b, int64_t ldb,
               int accumulate, real *c, int64_t ldc, int sum);

/* B packed once for many products with the same B (recurrent weights over all steps). NULL if there's no memory. */
typedef struct REF(panels) REF(panels);
REF(panels) * REF(gemm_pack)(int tb, int n, int k, const real *b, int64_t ldb);
void REF(gemm_packed)(int m, const real *a, int64_t lda, const REF(panels) * b, int accumulate, real *c, int64_t ldc);
void REF(gemm_pack_free)(REF(panels) * b); /* NULL is fine */

/* Sum of n terms, stride apart: whatever is summed outside a product goes through here, so that the order of the sum
 * and the noise of long sums are one place (biases, log-sum-exp, means). `sum` as above. */
real REF(sum)(int64_t n, const real *x, int64_t stride, int sum);
/* out[j] = the sum of n terms a[i * lda + j], for j < width, each as REF(sum) has it. */
void REF(sums)(int64_t n, int width, const real *a, int64_t lda, int sum, real *out);

#ifdef __cplusplus
}
#endif
#endif
