/* product.h: the one product of `naive`, in three loop orders.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_NAIVE_PRODUCT_H
#define ASSAY_NAIVE_PRODUCT_H

#include <stdint.h>

/* C (m, n) <- (accumulate ? C : 0) + op(A) (m, k) op(B) (k, n), row-major; not both transposed. Any thread. */
void naive_product(int ta, int tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b,
                   int64_t ldb, int accumulate, float *c, int64_t ldc);

#endif
