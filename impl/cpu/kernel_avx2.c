/* kernel_avx2.c: 16 registers of 8 numbers: tiles of 6 x 16.
 * SPDX-License-Identifier: MIT */
#define VECTOR     32
#define WIDEST     2
#define ROWS(v)    ((v) == 2 ? 6 : 8)
#define KERNEL     cpu_kernel_avx2
#define STAYS(sum) __asm__("" : "+v"(sum))
#include "impl/cpu/kernel.inc"

#include <immintrin.h>

#define CELLS                  cpu_cells_avx2
#define AT_LEAST(low, x)       _mm256_max_ps(low, x)
#define AT_MOST(high, x)       _mm256_min_ps(high, x)
#define WHERE_LESS(x, y, a, b) _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, y, _CMP_LT_OQ))
#include "impl/cpu/cells.inc"
