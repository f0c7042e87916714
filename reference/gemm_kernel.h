/* gemm_kernel.h: the inner kernel of the double product, one table entry an instruction set. Private to the reference.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_GEMM_KERNEL_H
#define ASSAY_GEMM_KERNEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { ASSAY_GEMM_ROWS = 8, ASSAY_GEMM_COLS = 24 }; /* the largest tile of any kernel */

typedef struct assay_gemm_kernel {
    const char *name;
    int rows, cols; /* of a full tile of C, which lives in registers */
    int depth;      /* terms a pass: cols x depth doubles of B should stay in the first-level cache */
    /* C (rows, cols) <- (overwrite ? 0 : C) + A B: a (depth, rows) and b (depth, cols) packed, the terms of each
     * element in ascending order; 1 <= rows <= kernel's, cols always the kernel's. `ahead` is what will be b soon: one
     * line is fetched into the second-level cache for each term, `stride` doubles apart; it may point anywhere. Any
     * thread. */
    void (*tile)(int rows, int64_t depth, const double *a, const double *b, double *c, int64_t ldc, int overwrite,
                 const double *ahead, int stride);
} assay_gemm_kernel;

extern const assay_gemm_kernel assay_gemm_baseline, assay_gemm_avx2, assay_gemm_avx512;

/* The best one that this processor runs. */
const assay_gemm_kernel *assay_gemm_kernel_pick(void);

#ifdef __cplusplus
}
#endif
#endif
