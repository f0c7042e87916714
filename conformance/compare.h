/* compare.h: how far a result lies from the truth, and whether that is within its limits. docs/tolerance.md 3.5, 3.6.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_COMPARE_H
#define ASSAY_COMPARE_H

#include "conformance/suite.h"
#include "conformance/values.h"

#include <stdint.h>

/* What honest arithmetic shows on one tensor of one case: relative errors, measured (floor.h). */
typedef struct assay_floor {
    double phi;         /* worst normwise error of the runs */
    double phi_row;     /* worst row error over rows and runs */
    double phi_element; /* worst element error over elements and runs */
    double row_sum;     /* CTC gradients: largest |sum over classes| of the runs, absolute */
    double scale;       /* 2-norm of the truth that the three ratios relate to; 0 = of any (see assay_floor_at) */
} assay_floor;

/* 2-norm of `count` elements; 0 of NULL. Any thread. */
double assay_norm(const double *v, int64_t count);

/* The floor as it applies to a truth of the given 2-norm. Noise does not get smaller where the sum over a batch happens
 * to cancel: against a truth smaller than the one that the floor was measured on, the ratios grow in proportion. */
assay_floor assay_floor_at(const assay_floor *f, double norm_truth);

/* How one tensor is to be compared. */
typedef struct assay_metric {
    int64_t count, row;        /* elements, elements a row (count is a multiple of row) */
    int one_norm;              /* rows by the 1-norm (CTC gradients), else by the 2-norm */
    int row_sums;              /* rows must sum to 0 as nearly as the floor's do (gradients w.r.t. logits) */
    const unsigned char *zero; /* one a row: 1 = the contract says exactly 0 there; NULL = nowhere. The caller's */
    int64_t stride;            /* elements from one row to the next; 0 = row. Gaps do not count */
} assay_metric;

/* Distances. d = got - truth over the places where both are finite. Ratios are 0 for an empty tensor. */
typedef struct assay_distance {
    double norm_d, norm_truth; /* 2-norms */
    double unit, unit_row;     /* norm_d / norm_truth and row_ratio if the largest element alone, of all and of a row,
                                * had an error of 1 relative to itself */
    double row_ratio;          /* max ||d_r|| / (||R_r|| + 0.1 rms of the row norms) */
    double element_ratio;      /* max |d_i| / (|R_i| + rms) */
    double row_sum;            /* max |sum of a row of got| */
    double bias;               /* |mean(d)| / rms(d) sqrt(n): a warning above 8 */
    int64_t row_at, element_at, row_sum_at;
    int64_t not_finite; /* first place where got is NaN, or infinite and the truth is not the same infinity; -1 */
    int64_t not_zero;   /* first place where the contract's zero is broken; -1 */
    int64_t truth_nan;  /* first NaN of the truth itself: the suite's fault; -1 */
} assay_distance;

void assay_distance_measure(const assay_metric *m, const double *got, const double *truth, assay_distance *out);

/* All rules of 3.5 at once; the finding names the tightest. `store` is the declared store format. What passes though
 * the floor exceeds `bound` (assay_floor_bound) is ILL_POSED: it says nothing. `what` is copied. */
assay_finding assay_finding_judge(const char *what, const assay_metric *m, const assay_distance *d,
                                  const assay_floor *measured, int store, double bound);

/* A contract without degree: bits, canaries, hashes. ok = 1 gives margin 0 and PASS, else infinity and FAIL. */
assay_finding assay_finding_exact(const char *what, const char *rule, int ok, int64_t where);

/* 1 if `where` of the finding is a number of things seen, not a place. */
int assay_finding_counts(const assay_finding *f);

/* The metric of tensor x of problem p: row length, norms; zero rows for padding, infeasible CTC samples, unseen ids.
 * *zero (may become NULL) is allocated, the caller frees it. `in` = given tensors. */
assay_status assay_metric_make(const assay_problem *p, const assay_values *in, const assay_tensor *x, assay_metric *out,
                               unsigned char **zero);

#endif
