/* floor_runs.h: the runs under rounding whose worst error is a floor. docs/tolerance.md 3.3.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_FLOOR_RUNS_H
#define ASSAY_FLOOR_RUNS_H

#include "conformance/compare.h"
#include "conformance/values.h"
#include "reference/rounding.h"

/* As those of reference/reference.h: _sr, _noise. */
typedef assay_status assay_evaluate(const assay_problem *p, void *const at[ASSAY_TENSORS], int64_t step);

/* One computation, its truth, and how it is run under rounding. Nothing is owned. */
typedef struct assay_floor_job {
    const assay_problem *p;
    const assay_values *given, *truth;
    unsigned wanted; /* roles */
    int64_t step;
    const assay_arithmetic *declared; /* as judged (arithmetic.h) */
    uint64_t seed;
    double batch_scale;                  /* rounding.h */
    assay_evaluate *evaluate;            /* in the build that rounds... */
    void (*set)(const assay_rounding *); /* ...as this context says */
    assay_evaluate *flipped;             /* of the SR build, for forced flips; NULL = none: too large */
    int more;                            /* so many times ASSAY_FLOOR_RUNS with every operation rounded; 0 = once */
} assay_floor_job;

/* `more` for per-operation runs of so many multiply-adds: 4 where they take no time. A tensor of a dozen numbers has a
 * noise with long tails, of which 16 runs saw a third now and then. */
int assay_floor_more(double macs);

/* The context in which nothing but operands and stores is rounded: the quantised oracle. */
assay_rounding assay_floor_exact(const assay_arithmetic *declared);

/* Raises floor[] to the worst error of the runs, whose number is *runs: ASSAY_FLOOR_RUNS, `more` times, with every
 * operation rounded at random; as many in which sums truncate, where declared; in TF32 both again with ties of operands
 * away from zero; twice as many with forced flips, where operands or stores are narrow; opaque: the first two for each
 * place where they may be. Uses all cores; main thread. */
assay_status assay_floor_measure(const assay_floor_job *j, assay_floor *floor, int32_t *runs);

#endif
