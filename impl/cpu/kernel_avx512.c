/* kernel_avx512.c: 32 registers of 16 numbers: tiles of 6 x 64 or 8 x 48.
 * SPDX-License-Identifier: MIT */
#define VECTOR     64
#define WIDEST     4
#define ROWS(v)    ((v) == 4 ? 6 : 8)
#define KERNEL     cpu_kernel_avx512
#define STAYS(sum) __asm__("" : "+v"(sum))
#include "impl/cpu/kernel.inc"

#include <immintrin.h>

#define CELLS                  cpu_cells_avx512
#define AT_LEAST(low, x)       _mm512_max_ps(low, x)
#define AT_MOST(high, x)       _mm512_min_ps(high, x)
#define WHERE_LESS(x, y, a, b) _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, y, _CMP_LT_OQ), b, a)
#include "impl/cpu/cells.inc"
