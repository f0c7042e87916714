/* roof_kernel.c: independent multiply-adds, as many as it takes to fill every unit; built once an instruction set.
 * SPDX-License-Identifier: MIT
 *
 * Four cycles of latency on two units need 8 accumulators; 24 leave room for longer ones. Where there are 16 registers,
 * 12. Contracted where the instruction set can: that is what is measured. */
#include "perf/roof_kernel.h"

#if defined(__AVX512F__)
enum { BYTES = 64, CHAINS = 24 };
#define KERNEL assay_roof_avx512
#define ISA    "avx512"
#elif defined(__AVX2__)
enum { BYTES = 32, CHAINS = 12 };
#define KERNEL assay_roof_avx2
#define ISA    "avx2"
#else
enum { BYTES = 16, CHAINS = 12 };
#define KERNEL assay_roof_baseline
#define ISA    "baseline"
#endif

typedef float floats __attribute__((vector_size(BYTES)));
typedef double doubles __attribute__((vector_size(BYTES)));

#define EACH_CHAIN _Pragma("GCC unroll 24") for (int i = 0; i < CHAINS; ++i)

/* Each chain starts from another value, or the compiler would keep one for all. */
#define LOOP(name, scalar, vector)                                                                                     \
    static scalar name(int64_t rounds, scalar factor, scalar term)                                                     \
    {                                                                                                                  \
        vector chain[CHAINS], sum = {0};                                                                               \
        EACH_CHAIN chain[i] = (vector){0} + (term + (scalar)i);                                                        \
        for (int64_t j = 0; j < rounds; ++j) {                                                                         \
            EACH_CHAIN chain[i] = chain[i] * factor + term;                                                            \
        }                                                                                                              \
        EACH_CHAIN sum += chain[i];                                                                                    \
        return sum[0] + sum[1];                                                                                        \
    }
LOOP(loop_fp32, float, floats)
LOOP(loop_fp64, double, doubles)

const assay_roof_kernel KERNEL = {.isa = ISA,
                                  .flop_fp32 = 2 * CHAINS * (BYTES / 4),
                                  .flop_fp64 = 2 * CHAINS * (BYTES / 8),
                                  .fp32 = loop_fp32,
                                  .fp64 = loop_fp64};
