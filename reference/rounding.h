/* rounding.h: how the rounding builds (real.h) round. One thread-local context a build, the project's only mutable
 * state. SPDX-License-Identifier: MIT */
#ifndef ASSAY_ROUNDING_H
#define ASSAY_ROUNDING_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum assay_rounding_mode {
    ASSAY_ROUND_EXACT, /* double throughout; operands and stores still rounded: the quantised oracle */
    ASSAY_ROUND_NEAREST,
    ASSAY_ROUND_STOCHASTIC, /* up or down at random, unbiased; a random order of each sum */
    ASSAY_ROUND_TRUNCATE    /* toward zero; a random order of each sum, so that runs differ */
} assay_rounding_mode;

/* How OPERAND treats what its format cannot hold. */
typedef enum assay_operand_rounding {
    ASSAY_OPERAND_EVEN, /* to nearest, ties to even */
    ASSAY_OPERAND_AWAY, /* to nearest, ties away from zero, as cvt.rna has them */
    ASSAY_OPERAND_CUT   /* toward zero, as hardware does that reads the first bits only */
} assay_operand_rounding;

typedef struct assay_rounding {
    int32_t mode;          /* assay_rounding_mode, of every accumulation and elementwise result */
    int32_t operand;       /* assay_format; rounded to nearest by OPERAND; FP64 = untouched */
    int32_t accumulate;    /* assay_format of sums and elementwise results */
    int32_t store;         /* assay_format; rounded to nearest by STORE; FP64 = untouched */
    double activation_ulp; /* 0.5 = one rounding of the exact value; above: a uniform error of so many ulp is added */
    double batch_scale;    /* noise build: a sum over rows of the batch stands for one of batch_scale times as many
                              terms; 1 = as it is */
    uint64_t seed;         /* of the random roundings and orders */
    /* SR build only. An operand or a store in a format narrower than FP32 is near if its value x lies within
     * window max(|x|, rms of its row in a product) of a tie: an accumulation's error may carry it over. Values that
     * FP32 holds are not: they were given, and everybody rounds them alike. */
    double window;          /* 0 = nothing is near */
    int32_t shares, flip;   /* near values fall into so many shares, by value and seed: all uses of a value go together;
                               those of share `flip`, 1 .. shares, go the other way; 0 = none */
    int32_t operand_rounds; /* assay_operand_rounding, SR build only */
} assay_rounding;

/* Sets the context of the calling thread, for the SR build, for the noise build. Any thread. */
void assay_rounding_sr(const assay_rounding *r);
void assay_rounding_noise(const assay_rounding *r);

/* Near values that the SR build met on this thread since its context was set, each use counted. */
int64_t assay_rounding_near(void);

/* x rounded to a format, to nearest even; range of the format respected (overflow to infinity, subnormals kept). */
double assay_round_to(int format, double x);

#ifdef __cplusplus
}
#endif
#endif
