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
    for (int64_t k = 0; k < n; k += 2 * WIDE, from += 2 * WIDE, to += WIDE) {
        const int64_t left = n - k, upper = left > WIDE ? left - WIDE : 0;
        const __m512 low = _mm512_maskz_loadu_ps(mask_of(left), from),
                     high = _mm512_maskz_loadu_ps(mask_of(upper), from + (upper ? WIDE : 0));
        _mm512_mask_storeu_epi32(to, mask_of((left + 1) / 2), (__m512i)_mm512_cvtne2ps_pbh(high, low));
    }
}

static __m512i halves(__mmask16 mask, const float *from)
{
    return _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, from)));
}

void cpu_pairs_of_rows(int64_t n, const float *from, const float *below, float *to)
{
    for (int64_t k = 0; k < n; k += WIDE) {
        const __mmask16 mask = mask_of(n - k);
        __m512i pairs = halves(mask, from + k);
        if (below) pairs = _mm512_or_si512(pairs, _mm512_slli_epi32(halves(mask, below + k), 16));
        _mm512_mask_storeu_epi32(to + k, mask, pairs);
    }
}
