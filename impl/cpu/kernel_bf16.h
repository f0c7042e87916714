/* kernel_bf16.h: the product of kernel.h with operands in bf16 and sums in fp32, and what makes such operands.
 * SPDX-License-Identifier: MIT
 *
 * Two numbers in bf16, neighbours among the terms of a sum, share the place of a float: a pair, the earlier one in its
 * low half. A cpu_block's A and B are made of pairs and its terms, steps and pitches count them; C is made of floats.
 * Rounding is to nearest even, as the processor does it: what is subnormal counts as 0, in sums too. */
#ifndef ASSAY_CPU_KERNEL_BF16_H
#define ASSAY_CPU_KERNEL_BF16_H

#include "impl/cpu/kernel.h"

/* 1 if this processor multiplies in bf16: else no function below may be called. Any thread. */
int cpu_has_bf16(void);

/* 1 if it has tiles for that, too, and this process may use them, for which each call asks the kernel. */
int cpu_has_amx(void);

/* The second wants A by rows (step 1, no groups) and no strips, and leaves no tile behind. */
cpu_kernel cpu_kernel_bf16, cpu_kernel_amx;
/* The faster of those that may be called; NULL: neither. */
cpu_kernel *cpu_kernel_of_pairs(void);

/* to (pairs) <- n numbers in a row; where n is odd, the last pair's partner is 0. Nothing overlaps. */
void cpu_pairs_of_row(int64_t n, const float *from, float *to);
/* to (n) <- each number of a row with the one below it, `below`; NULL: with 0. */
void cpu_pairs_of_rows(int64_t n, const float *from, const float *below, float *to);
/* to (columns, pitch >= rows / 2 rounded up) <- a matrix (rows, columns), ld apart, turned: pairs of its columns. */
void cpu_pairs_of_columns(int64_t rows, int64_t columns, const float *from, int64_t ld, float *to, int64_t pitch);

#endif
