/* rounding_state.h: the thread-local contexts of the rounding builds, laid out for speed. Private to the reference.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_ROUNDING_STATE_H
#define ASSAY_ROUNDING_STATE_H

#include <string.h>

#include "reference/problem.h"
#include "reference/rounding.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How one place rounds, as masks on the bits of a double. A value whose biased exponent lies in
 * [exponent, exponent + span) is rounded by bits = (bits + (random & draw)) & keep; all others take the slow path. */
typedef struct assay_masks {
    uint64_t draw, keep;
    uint32_t exponent, span;
} assay_masks;

typedef struct assay_rounding_state {
    assay_rounding r;
    assay_masks masks; /* of the accumulate format in this mode */
    int32_t wide;      /* 1: accumulates in FP64, not in mode EXACT: what a double operation lost is needed */
    int32_t watched;   /* 1: operands and stores take the slow path: near values, operands that round otherwise */
    int32_t blurs;     /* 1: an activation errs by more than its rounding */
    uint64_t weyl;     /* the generator's counter */
    uint64_t products; /* of the noise build, so far: keys their noise */
    int64_t near;      /* near values met: rounding.h */
    double row_scale;  /* size of the values around an operand, whose errors it may share; 0 = its own */
    int64_t order_n;   /* the permutation j -> (order_a j + order_b) mod order_n */
    int64_t order_a, order_b;
} assay_rounding_state;

/* Initial-exec: the states lie in the program or in a library that it links, never in one loaded later, and a call per
 * rounding would be half its cost. Not under a sanitizer, which tests the address for NULL: gcc 12 takes the flags of
 * the addition that the linker turns into a lea. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ASSAY_STATE_MODEL
#else
#define ASSAY_STATE_MODEL __attribute__((tls_model("initial-exec")))
#endif

/* Two, because a thread may measure a floor in one build against an oracle in the other. */
extern __thread assay_rounding_state assay_state_sr ASSAY_STATE_MODEL;
extern __thread assay_rounding_state assay_state_noise ASSAY_STATE_MODEL;

/* x to the accumulate format in the state's mode, every case: subnormals, overflow, FP64. */
double assay_round_state(assay_rounding_state *s, double x);
/* FP64: r = the nearest double, error = exact - r; up, down or toward zero as the mode says. */
double assay_round_wide(assay_rounding_state *s, double r, double error);
/* x + a uniform error of at most activation_ulp units in the last place of the accumulate format at x. */
double assay_round_blur(assay_rounding_state *s, double x);
/* To a format narrower than FP32, where near values are looked for, or operands round otherwise; how:
 * assay_operand_rounding. */
double assay_round_watched(assay_rounding_state *s, int format, int how, double x);
/* Draws the order of sums of n terms into the state. */
void assay_round_order(assay_rounding_state *s, int64_t n);

/* wyrand (Wang Yi, public domain): a Weyl counter, so that only one addition stands between two draws, and one
 * 64 x 64 -> 128 product that mixes it. */
static inline uint64_t assay_mix(uint64_t counter)
{
    __extension__ typedef unsigned __int128 wide;
    const wide p = (wide)counter * (counter ^ UINT64_C(0xe7037ed1a0b428db));
    return (uint64_t)(p >> 64) ^ (uint64_t)p;
}

static inline uint64_t assay_draw(assay_rounding_state *s)
{
    s->weyl += UINT64_C(0xa0761d6478bd642f);
    return assay_mix(s->weyl);
}

static inline double assay_round_accumulate(assay_rounding_state *s, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t e = (uint32_t)(bits >> 52) & 0x7ff;
    if (__builtin_expect(!(e - s->masks.exponent < s->masks.span), 0)) return assay_round_state(s, x);
    bits = (bits + (assay_draw(s) & s->masks.draw)) & s->masks.keep;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline double assay_round_operand(assay_rounding_state *s, double x)
{
    if (__builtin_expect(s->watched, 0)) return assay_round_watched(s, s->r.operand, s->r.operand_rounds, x);
    return s->r.operand == ASSAY_FP64 ? x : assay_round_to(s->r.operand, x);
}

static inline double assay_round_store(assay_rounding_state *s, double x)
{
    if (__builtin_expect(s->watched, 0)) return assay_round_watched(s, s->r.store, ASSAY_OPERAND_EVEN, x);
    return s->r.store == ASSAY_FP64 ? x : assay_round_to(s->r.store, x);
}

static inline int64_t assay_order_at(assay_rounding_state *s, int64_t j, int64_t n)
{
    if (s->order_n != n) assay_round_order(s, n);
    return (s->order_a * j + s->order_b) % n;
}

#ifdef __cplusplus
}
#endif
#endif
