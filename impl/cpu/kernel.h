/* kernel.h: the one product that `cpu` is made of, for each instruction set.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CPU_KERNEL_H
#define ASSAY_CPU_KERNEL_H

#include <stdint.h>

#define CPU_GRAIN   16 /* columns come in multiples of so many */
#define CPU_COLUMNS 64 /* and no more than so many at once */
#define CPU_ROWS    6  /* of a group of A */

/* C (m, columns) <- C_in + A B, where the terms of the sums come in segments of equal length:
 * C[r][j] = C_in[r][j] + sum over s, i of a[r row + s segment + i step] b[s b_segment + i ldb + j].
 * The sum begins at 0 and C_in is added last: states that hardly change from step to step are far larger than the terms
 * that a step adds to them, and each term would lose its last digits.
 * Nothing is aligned to more than its element. C and C_in may be the same; else nothing overlaps. */
typedef struct cpu_block {
    int64_t m;
    int columns, valid; /* of B; of C and C_in, at most as many: what is beyond is not written */
    int64_t segments, terms;
    const float *a;
    int64_t row, step, segment;
    int64_t group; /* 0, or CPU_ROWS rows of A after the other lie so far apart; then all columns are valid */
    const float *b;
    int64_t ldb, b_segment;
    const float *next; /* NULL, or B of a block to come, which is fetched meanwhile */
    const float *c_in; /* NULL: 0 */
    float *c;
    int64_t ldc; /* of both */
} cpu_block;

typedef void cpu_kernel(const cpu_block *x);

/* What this processor is best at, and its name. Any thread. */
cpu_kernel *cpu_kernel_best(const char **name);

/* One a file; those of instruction sets that the processor lacks may not be called. */
cpu_kernel cpu_kernel_avx512, cpu_kernel_avx2, cpu_kernel_plain;

#endif
