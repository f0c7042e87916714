/* audit.h: where and how two implementations part: one problem, the same data, each in a worker of its own.
 * SPDX-License-Identifier: MIT
 *
 * docs/auditing.md. A difference is judged by what both may differ from the truth: 4 (phi_A + phi_B) of the tensor, and
 * so on (docs/tolerance.md 3.5). What the two declare to round differently, operands and stores, is taken out of it
 * first, and so is, of an optimizer's step, what their gradients differ by. */
#ifndef ASSAY_AUDIT_H
#define ASSAY_AUDIT_H

#include "conformance/case.h"
#include "conformance/suite.h"

#include <stddef.h>
#include <stdint.h>

/* Distances in ulps of the store format: none, at most 1, 2, 4 ... 2^22, more or no number. */
#define ASSAY_AUDIT_BINS   25
#define ASSAY_AUDIT_SHARES 5 /* the most axes that a tensor has */
#define ASSAY_AUDIT_RUNS   3 /* of each implementation: two in one worker, one in a fresh one */

/* The two halves of what two directions make together have their own beginnings; else there is one half. */
#define ASSAY_AUDIT_HALVES 2

/* Curves: a step's error. */
enum { ASSAY_AUDIT_PAIR, ASSAY_AUDIT_A, ASSAY_AUDIT_B, ASSAY_AUDIT_CURVES };

/* How much of a tensor's squared difference lies at one index of an axis: the largest of its indices. */
typedef struct assay_audit_share {
    int32_t kind, index; /* assay_axis_kind of conformance/locate.h */
    double share;        /* 0 .. 1 */
    char words[32];      /* "gate n", "t 5" */
} assay_audit_share;

typedef struct assay_audit_tensor {
    char name[24];
    int32_t id, role;
    int64_t elements, same;      /* compared; those of the same value in both */
    assay_finding pair, side[2]; /* A against B, each against the truth; side[].rule is "" where that is not known */
    double error, error_side[2],
        size;                    /* norms of A-B, A-truth, B-truth over size, the norm of the truth (of B without) */
    double floor, floor_side[2]; /* phi_A + phi_B, phi_A, phi_B */
    double mean, spread, bias;   /* of A-B, over the rms of the truth; bias = |mean| sqrt(n) / spread; NaN: too few */
    double declared;             /* what the declared arithmetics part them by, over size */
    int64_t ulps[ASSAY_AUDIT_BINS];
    assay_audit_share share[ASSAY_AUDIT_SHARES];
    int32_t share_count;
    char worst[120]; /* the worst element, in words */
    char where[160]; /* the elements beyond their limits, in words; "" if there are none */
    /* Of tensors with time alone; else steps is 0. Steps count from 0; -1 = none. */
    int32_t steps, halves;
    int32_t from_end[ASSAY_AUDIT_HALVES]; /* 1: computed from the last step to the first */
    int32_t first_bit[ASSAY_AUDIT_HALVES],
        wrong[ASSAY_AUDIT_HALVES]; /* first in that order: to differ, to miss a limit */
    int32_t worst_step;
    double *curve; /* [curves][halves][steps]: norm of the step's error over that of its truth; NaN: not known. Owned */
} assay_audit_tensor;

typedef struct assay_audit_side {
    char label[96], name[48], version[192], hash[65];
    assay_arithmetic declared;
    assay_verdict verdict; /* PASS: it ran */
    char why[256];
    char wanders[24];    /* first tensor of which two runs differed; "" = all runs gave the same bits */
    double wander;       /* by how much of its norm, the most of all tensors */
    int32_t fresh_alike; /* 1: the run in a fresh worker gave the bits of the first */
    char cause[400];     /* of one that misses the truth's limits: what it computes (diagnose.h); "" = not recognised */
} assay_audit_side;

typedef struct assay_audit {
    char what[96]; /* the case's id */
    assay_problem problem;
    uint64_t seed;
    int32_t threads, has_truth, floor_method;
    double seconds_truth;
    assay_audit_side side[2];
    assay_audit_tensor *at; /* owned */
    int32_t count;
    int32_t worst; /* of at[]: largest margin of the pair; -1 */
    /* PASS the same function; FAIL another; ILL_POSED no tensor could decide; else of the side that did not run. */
    assay_verdict verdict;
    char why[256];
} assay_audit;

typedef struct assay_audit_request {
    const assay_case *c;
    const char *plugin[2], *label[2];
    int arithmetic; /* assay_format asked of both */
    uint64_t seed;
    int threads;
    int without_truth;    /* 1: floors alone; differences are then held against B */
    double time_limit;    /* seconds a request; 0 = by the work */
    double diagnose_macs; /* as of assay_symptom; 0 = its default */
    const char *cache, *floors, *worker;
} assay_audit_request;

/* ASSAY_OK, with a verdict in *out even where a side did not run; ASSAY_BAD_ARGUMENT and one line in why where a plugin
 * is none; another status where the suite could not work. The caller frees *out in any case. Main thread. */
assay_status assay_audit_make(const assay_audit_request *q, assay_audit *out, char *why, size_t why_size);
void assay_audit_free(assay_audit *a); /* a zeroed one is fine */

/* Value of a curve. */
static inline double assay_audit_at(const assay_audit_tensor *x, int curve, int half, int step)
{
    return x->curve[((int64_t)curve * x->halves + half) * x->steps + step];
}

/* Root mean square of the first and of the last tenth of the steps in the order in which they are computed, NaN where
 * no step says anything. Last over first is how much the difference grew. */
void assay_audit_growth(const assay_audit_tensor *x, int curve, int half, double *first, double *last);

#endif
