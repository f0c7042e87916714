/* suspect.h: one failing tensor under diagnosis: is it this other tensor, and where is it wrong?
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_SUSPECT_H
#define ASSAY_SUSPECT_H

#include "conformance/diagnose.h"
#include "conformance/locate.h"

typedef struct assay_suspect {
    const assay_symptom *s;
    assay_tensor x;
    assay_axes axes;
    const double *got, *truth;
    assay_floor floor; /* as it applies to this truth */
    double size, rms;  /* of the truth */
    double error;      /* norm of got - truth over that of the truth; infinite if got is no number somewhere */
    double *alt;       /* (x.count): room for what it is compared with */
} assay_suspect;

/* ASSAY_NO_MEMORY, or *out, whose alt the caller frees. */
assay_status assay_suspect_make(const assay_symptom *s, const assay_tensor *x, assay_suspect *out);

#define ASSAY_SUSPECT_EXACT 0.05 /* share of the error that a hypothesis may leave, if it is within the floor, too */

/* 1 if got is alt, within what honest arithmetic may differ by, or where `share` of the error explained is enough
 * (above EXACT: of a hypothesis about rounding, and of small errors only). Elements of alt that are NaN say nothing;
 * those that speak must hold most of the error. */
int assay_suspect_is(const assay_suspect *q, const double *alt, double share);

/* 1 if element e misses its limit, or is not finite where the truth is. */
int assay_suspect_is_wrong(const assay_suspect *q, int64_t e);

typedef int assay_picks(const assay_suspect *q, int64_t e);
/* Which elements `picks` picks, in words: "everywhere", "gate f from t 3 on", "2 of 60 elements, first at t 1". Returns
 * how many. */
int64_t assay_suspect_where(const assay_suspect *q, assay_picks *picks, char *text, size_t size);

/* A way in which a tensor can be wrong by itself. holds: 1 and what it is in words. Rows in order of simplicity. */
typedef struct assay_look {
    int first; /* 1: said rather than that it is another function */
    int (*holds)(const assay_suspect *q, char *text, size_t size);
} assay_look;
int assay_look_count(void);
const assay_look *assay_look_get(int index);

/* A function other than the one that was asked for. Variants are counted up until the last: -1. 0: no such variant of
 * this problem. 1: *truth holds its results (roles of the symptom's oracle), the caller frees; text says what it is,
 * *share as assay_suspect_is() takes it. */
typedef struct assay_world {
    char text[160];
    double share;
    assay_problem p;
    assay_values truth;
} assay_world;
int assay_world_count(void);
/* 1 if what the failing tensors were held against is what the reference says of the data given. Where it is something
 * else, a sum with another truth or an optimizer's step, no other function is behind a failure. */
int assay_world_is_home(const assay_symptom *s);
int assay_world_make(const assay_symptom *s, int index, int variant, assay_world *out);

#endif
