/* kernel_bf16.c: tiles of 6 x 64 or 8 x 48 by AVX512-BF16, and rows rounded to pairs.
 * SPDX-License-Identifier: MIT */
#include "impl/cpu/kernel_bf16.h"

#include <immintrin.h>

#define VECTOR     64
#define WIDEST     4
#define ROWS(v)    ((v) == 4 ? 6 : 8)
#define KERNEL     cpu_kernel_bf16
#define STAYS(sum) __asm__("" : "+v"(sum))
#define ADD(sum, one, row)                                                                                             \
    ((sum) = (vector)_mm512_dpbf16_ps((__m512)(sum), (__m512bh)_mm512_set1_ps(one), (__m512bh)(row)))
#include "impl/cpu/kernel.inc"

#define WIDE 16 /* floats of a vector */

static __mmask16 mask_of(int64_t n)
{
    return (__mmask16)(n < WIDE ? (1u << n) - 1 : 0xffff);
}

void cpu_pairs_of_row(int64_t n, const float *from, float *to)
{
    int64_t left = n;
    for (; left >= 2 * WIDE; left -= 2 * WIDE, from += 2 * WIDE, to += WIDE)
        _mm512_storeu_si512(to, (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(from + WIDE), _mm512_loadu_ps(from)));
    if (left > 0) {
        const int64_t upper = left > WIDE ? left - WIDE : 0;
        const __m512 low = _mm512_maskz_loadu_ps(mask_of(left), from),
                     high = _mm512_maskz_loadu_ps(mask_of(upper), from + (upper ? WIDE : 0));
        _mm512_mask_storeu_epi32(to, mask_of((left + 1) / 2), (__m512i)_mm512_cvtne2ps_pbh(high, low));
    }
}

void cpu_pairs_of_rows(int64_t n, const float *from, const float *below, float *to)
{
    /* Lane l of the lower and of the upper 16 numbers side by side. */
    const __m512i side_by_side =
        _mm512_add_epi32(_mm512_mullo_epi32(_mm512_set1_epi32(0x00010001),
                                            _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)),
                         _mm512_set1_epi32(0x00100000));
    for (int64_t k = 0; k < n; k += WIDE) {
        const __mmask16 mask = mask_of(n - k);
        const __m512 low = _mm512_maskz_loadu_ps(mask, from + k),
                     high = below ? _mm512_maskz_loadu_ps(mask, below + k) : _mm512_setzero_ps();
        const __m512i both = (__m512i)_mm512_cvtne2ps_pbh(high, low);
        _mm512_mask_storeu_epi32(to + k, mask, _mm512_permutexvar_epi16(side_by_side, both));
    }
}
