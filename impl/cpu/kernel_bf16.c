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

/* A square of 16 by 16 turned. */
static void turn(__m512 v[WIDE])
{
    __m512 w[WIDE];
    for (int k = 0; k < WIDE; k += 2) {
        w[k] = _mm512_unpacklo_ps(v[k], v[k + 1]);
        w[k + 1] = _mm512_unpackhi_ps(v[k], v[k + 1]);
    }
    for (int k = 0; k < WIDE; k += 4)
        for (int half = 0; half < 2; half++) {
            const __m512d low = _mm512_castps_pd(w[k + half]), high = _mm512_castps_pd(w[k + 2 + half]);
            v[k + 2 * half] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
            v[k + 2 * half + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
        }
    for (int k = 0; k < 4; k++) {
        w[k] = _mm512_shuffle_f32x4(v[k], v[k + 4], 0x88);
        w[k + 4] = _mm512_shuffle_f32x4(v[k], v[k + 4], 0xdd);
        w[k + 8] = _mm512_shuffle_f32x4(v[k + 8], v[k + 12], 0x88);
        w[k + 12] = _mm512_shuffle_f32x4(v[k + 8], v[k + 12], 0xdd);
    }
    for (int k = 0; k < 4; k++) {
        v[k] = _mm512_shuffle_f32x4(w[k], w[k + 8], 0x88);
        v[k + 4] = _mm512_shuffle_f32x4(w[k + 4], w[k + 12], 0x88);
        v[k + 8] = _mm512_shuffle_f32x4(w[k], w[k + 8], 0xdd);
        v[k + 12] = _mm512_shuffle_f32x4(w[k + 4], w[k + 12], 0xdd);
    }
}

void cpu_pairs_of_columns(int64_t rows, int64_t columns, const float *from, int64_t ld, float *to, int64_t pitch)
{
    const int64_t count = (rows + 1) / 2;
    for (int64_t first = 0; first < columns; first += WIDE) {
        const int64_t wide = columns - first < WIDE ? columns - first : WIDE;
        for (int64_t pair = 0; pair < count; pair += WIDE) {
            float square[WIDE * WIDE] __attribute__((aligned(64)));
            __m512 v[WIDE];
            for (int64_t k = 0; k < WIDE; k++) {
                const int64_t row = 2 * (pair + k);
                const float *at = from + row * ld + first;
                if (row < rows) cpu_pairs_of_rows(wide, at, row + 1 < rows ? at + ld : NULL, square + k * WIDE);
                v[k] = row < rows ? _mm512_load_ps(square + k * WIDE) : _mm512_setzero_ps();
            }
            turn(v);
            for (int64_t k = 0; k < wide; k++)
                _mm512_mask_storeu_ps(to + (first + k) * pitch + pair, mask_of(count - pair), v[k]);
        }
    }
}
