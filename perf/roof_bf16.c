/* roof_bf16.c: as roof_kernel.c, multiply-adds of operands in bf16 with sums in fp32, by AVX512-BF16.
 * SPDX-License-Identifier: MIT */
#include "perf/roof_kernel.h"

#include <immintrin.h>

enum { CHAINS = 24, LANES = 16, A_LANE = 2 };

#define EACH_CHAIN _Pragma("GCC unroll 24") for (int i = 0; i < CHAINS; ++i)

/* Both factors are small, so that no sum grows: 2^-8 and 2^-8. Each chain starts from another value. */
static float loop(int64_t rounds)
{
    const __m512bh factor = (__m512bh)_mm512_set1_epi32(0x3b803b80);
    __m512 chain[CHAINS], sum = _mm512_setzero_ps();
    EACH_CHAIN chain[i] = _mm512_set1_ps(1.0f + (float)i);
    for (int64_t j = 0; j < rounds; ++j) {
        EACH_CHAIN
        {
            chain[i] = _mm512_dpbf16_ps(chain[i], factor, factor);
            __asm__("" : "+v"(chain[i]));
        }
    }
    EACH_CHAIN sum = _mm512_add_ps(sum, chain[i]);
    return _mm512_reduce_add_ps(sum);
}

const assay_roof_narrow assay_roof_bf16 = {.isa = "avx512_bf16", .flop = 2 * A_LANE * LANES * CHAINS, .run = loop};
