/* real_noise.h: real = double with the hooks filled: rounded operands and stores, one rounding an elementwise result.
 * The noise of products and sums is gemm.c's.
 * SPDX-License-Identifier: MIT
 *
 * The context is the calling thread's and does not follow into a parallel region: what uses these hooks runs on the
 * thread that set it (gemm.c, which is parallel, takes what it needs along). */
#ifndef ASSAY_REAL_NOISE_H
#define ASSAY_REAL_NOISE_H

#include <math.h>

#include "reference/rounding_state.h"

typedef double real;

/* An elementwise result: one rounding to the accumulate format. A double can't be rounded again to FP64; there the
 * result is spread by as much as one rounding would, x (1 + 0.6 u z) (docs/tolerance.md 4, step 3). */
static inline double assay_noise_rounded(double x)
{
    assay_rounding_state *s = &assay_state_noise;
    if (s->wide && s->r.mode == ASSAY_ROUND_STOCHASTIC) {
        const uint64_t bits = assay_draw(s);
        const double z = ((double)(bits & 0xffff) + (double)(bits >> 16 & 0xffff) + (double)(bits >> 32 & 0xffff) +
                          (double)(bits >> 48) - 131070) *
                         (1.7320508075688772 / 65536);
        return x + x * (0.6 * 0x1p-53 * z);
    }
    return assay_round_accumulate(s, x);
}

static inline double assay_noise_function(double x)
{
    assay_rounding_state *s = &assay_state_noise;
    return s->blurs ? assay_round_blur(s, x) : x;
}

#define R_EXP(x)     assay_noise_function(exp(x))
#define R_LOG(x)     assay_noise_function(log(x))
#define R_TANH(x)    assay_noise_function(tanh(x))
#define R_SQRT(x)    sqrt(x)
#define OPERAND(x)   assay_round_operand(&assay_state_noise, x)
#define STORE(x)     assay_round_store(&assay_state_noise, assay_noise_rounded(x))
#define ROUNDED(x)   assay_noise_rounded(x)
#define MAC(s, a, b) ((s) + (a) * (b))
#define SUM_AT(j, n) (j)
#define TO_DOUBLE(x) ((double)(x))

#endif
