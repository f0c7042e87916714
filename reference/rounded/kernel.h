/* kernel.h: C += A B on one tile, every sum rounded at each of its terms; one table entry an instruction set. Private
 * to the reference. SPDX-License-Identifier: MIT */
#ifndef ASSAY_ROUNDED_KERNEL_H
#define ASSAY_ROUNDED_KERNEL_H

#include <stdint.h>

enum { ASSAY_ROUNDED_ROWS = 8, ASSAY_ROUNDED_COLS = 16 }; /* the largest tile of any kernel */

/* A sum becomes (bits + (random & draw)) & keep, as rounding_state.h has it. */
typedef struct assay_rounded_how {
    uint64_t draw, keep;
    uint64_t seed; /* of the random numbers of this tile */
} assay_rounded_how;

typedef struct assay_rounded_kernel {
    int rows, cols; /* of a tile */
    /* C (rows, cols) <- (overwrite ? 0 : C) + A B: a (depth, rows) and b (depth, cols) packed, terms in this order.
     * Any thread. */
    void (*tile)(int64_t depth, const double *a, const double *b, double *c, int64_t ldc, int overwrite,
                 const assay_rounded_how *how);
} assay_rounded_kernel;

extern const assay_rounded_kernel assay_rounded_baseline, assay_rounded_avx2, assay_rounded_avx512;

#endif
