/* gemm_noise.h: what the roundings of a long sum would have added to it. For gemm.c in the noise build.
 * SPDX-License-Identifier: MIT
 *
 * The noise of one product or sum (docs/tolerance.md 4): after S = sum of p_i comes S + s z, s^2 = kappa^2 u^2 area,
 * where area is the sum of the squares of the partial sums, each of which is rounded once.
 * kappa^2 = 0.36 for stochastic rounding, half of that for nearest and for truncation, whose mean is -0.36 u (n + 1) S.
 * Each factor of the area is 1 + O(u): the terms may come in any order. */
#ifndef ASSAY_GEMM_NOISE_H
#define ASSAY_GEMM_NOISE_H

#include <math.h>

#include "reference/rounding_state.h"

typedef struct noise {
    double scale, mean; /* s^2 = scale area; S becomes (1 + mean) S */
    uint64_t key;
} noise;

static inline noise noise_of(double terms)
{
    static const double u[] = {0x1p-53, 0x1p-24, 0x1p-11, 0x1p-8, 0x1p-11}; /* in the order of assay_format */
    assay_rounding_state *state = &assay_state_noise;
    const double unit = u[state->r.accumulate];
    noise e;
    e.scale = (state->r.mode == ASSAY_ROUND_STOCHASTIC ? 0.36 : 0.18) * unit * unit;
    e.mean = state->r.mode == ASSAY_ROUND_TRUNCATE ? -0.36 * unit * (terms + 1) : 0;
    e.key = assay_mix(state->r.seed ^ assay_mix(++state->products));
    return e;
}

/* z has mean 0 and variance 1: the sum of four uniform numbers, a function of key and index alone. */
static inline double noisy_sum(const noise *e, uint64_t index, double s, double area)
{
    const uint64_t bits = assay_mix(e->key + index * UINT64_C(0xa0761d6478bd642f));
    const double sum =
        (double)(bits & 0xffff) + (double)(bits >> 16 & 0xffff) + (double)(bits >> 32 & 0xffff) + (double)(bits >> 48);
    const double z = (sum - 131070) * (1.7320508075688772 / 65536);
    return s + e->mean * s + sqrt(e->scale * area) * z;
}

/* The mean of the area over all orders of `terms` terms, q = sum of p_i^2. */
static inline double shuffled_area(double terms, double s, double q)
{
    return (terms + 1) * (q / 6 + s * s / 3);
}

/* Rows that follow each other in time are alike: their partial sums may go far from zero where the whole cancels, and
 * implementations add them up in that order or against it. What the partial sums S_k leave behind on the way; against
 * the order they are S - S_(k-1). */
typedef struct walk {
    double s;             /* so far */
    double sums, squares; /* sum of S_k, of S_k^2 */
} walk;

/* `terms` equal terms, at once: between two partial sums the others lie on a line. */
static inline void walk_on(walk *w, double terms, double amount)
{
    const double a = w->s, b = w->s + amount;
    w->sums += terms * (a + b) / 2;
    w->squares += terms * (a * a + a * b + b * b) / 3;
    w->s = b;
}

/* The larger of both areas. Beside the lines they have half of S^2, and `rest`: of each term or stretch of terms p,
 * p^2 / 6 times its terms. `first` and `last` are the terms that a sum starts with, either way, and does not round. */
static inline double walked_area(const walk *w, double terms, double rest, double first, double last)
{
    const double whole = w->s * w->s, along = w->squares - first * first,
                 against = terms * whole - 2 * w->s * w->sums + w->squares - last * last;
    return (against > along ? against : along) + whole / 2 + rest;
}

#endif
