/* gemm_blocked.h: the product in double at the machine's speed: packed, blocked, threaded. Private to the reference.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_GEMM_BLOCKED_H
#define ASSAY_GEMM_BLOCKED_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Element (r, j) of a matrix is at[r * down + j * across]. */
typedef struct assay_matrix {
    const double *at;
    int64_t down, across;
} assay_matrix;

/* What becomes of a factor's elements when they are packed: rounded to this assay_format, then squared if `square`. */
typedef struct assay_factor {
    int operand, square;
} assay_factor;

/* A packed B (k, n) is panels (k, columns) one after the other, zeros past n: columns of a panel, and doubles of all.
 */
int assay_gemm_packed_columns(void);
int64_t assay_gemm_packed_count(int n, int k);
/* out: that many doubles, the caller's. Uses OpenMP outside parallel regions. */
void assay_gemm_pack_b(int n, int k, assay_matrix b, assay_factor how, double *out);

/* C (m, n), ldc <- (accumulate ? C : 0) + A (m, k) B (k, n). packed: B as packed by the call above (then b is not
 * read), or NULL. The terms of each element are added in ascending order, so that the result is the same with any
 * number of threads. Uses OpenMP outside parallel regions. Returns 0, and leaves C alone, if there's no memory. */
int assay_gemm_blocked(int m, int n, int k, assay_matrix a, assay_matrix b, const double *packed, assay_factor how,
                       int accumulate, double *c, int64_t ldc);

#ifdef __cplusplus
}
#endif
#endif
