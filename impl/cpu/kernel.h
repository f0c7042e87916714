/* kernel.h: the one product that `cpu` is made of, and its usual cells, for each instruction set.
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
    int64_t group; /* 0, or CPU_ROWS rows of A after the other lie so far apart */
    const float *b;
    int64_t ldb, b_segment;
    /* 0, or strips of CPU_GRAIN columns of B, of C and C_in, that follow each other so far apart: for kernels whose
     * tile is no wider, and c_strip where all columns are valid. */
    int64_t b_strip, c_strip;
    /* Memory that will be wanted soon, fetched into L2 meanwhile: `nexts` pieces of next_lines times CPU_GRAIN numbers,
     * next_apart from each other. */
    const float *next;
    int64_t nexts, next_lines, next_apart;
    const float *c_in; /* NULL: 0 */
    int64_t ld_in;     /* 0: one row for all */
    float *c;
    int64_t ldc;
    const float *next_c; /* NULL, or C of the block that follows: its first rows are fetched, as those of C are */
} cpu_block;

typedef void cpu_kernel(const cpu_block *x);

#define CPU_SUMMED 64

/* m rows of a panel of CPU_GRAIN units, on the way back at most CPU_SUMMED: gates and da lie CPU_GRAIN times 4 apart,
 * all else pitch. What they compute and which sums they take: impl/common/stack/cells.inc. */
typedef struct cpu_cells {
    void (*lstm)(int64_t m, int64_t pitch, const float *bias, const float *c_before, float *gates, float *c,
                 float *h_new);
    void (*lstm_back)(int64_t m, int64_t pitch, const float *gates, const float *c_before, const float *c,
                      const float *dh, float *dc, float *da, float *sum);
    void (*gru)(int64_t m, int64_t pitch, const float *bias, const float *h_before, float *gates, float *h_new);
    void (*gru_back)(int64_t m, int64_t pitch, const float *gates, const float *h_before, float *dh, float *da,
                     float *sum);
    /* sum (m, CPU_GRAIN) <- (accumulate ? sum : 0) + as many parts, which lie `apart` */
    void (*add_parts)(int64_t m, int64_t pitch, int parts, int64_t apart, const float *part, int accumulate,
                      float *sum);
} cpu_cells;

/* What this processor is best at, and its name. Any thread. */
cpu_kernel *cpu_kernel_best(const char **name);
const cpu_cells *cpu_cells_best(void);

/* Columns of B, CPU_GRAIN or CPU_COLUMNS, that its tiles read at a time, or a little more: a B of that width is read
 * line after line, a wider one in steps of its rows, once for each tile, which no cache likes. */
int cpu_kernel_tile(void);

/* Weights (terms, columns) lie in strips (terms, cpu_pitch()) as wide as that, or all their columns: one strip. */
static inline int64_t cpu_pitch(int tile, int64_t columns)
{
    return tile < columns ? tile : columns;
}

/* Where a column of them begins. */
static inline int64_t cpu_column(int64_t pitch, int64_t terms, int64_t column)
{
    return column / pitch * pitch * terms + column % pitch;
}

/* What b_strip and c_strip are then. */
static inline int64_t cpu_strip(int64_t pitch, int64_t terms, int64_t columns)
{
    return pitch < columns ? pitch * terms : 0;
}

/* One a file; those of instruction sets that the processor lacks may not be called. */
cpu_kernel cpu_kernel_avx512, cpu_kernel_avx2, cpu_kernel_plain;
extern const cpu_cells cpu_cells_avx512, cpu_cells_avx2, cpu_cells_plain;

#endif
