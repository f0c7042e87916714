/* subject.h: a case at one seed in one arithmetic: its data, and its oracles, each made when first asked for.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_SUBJECT_H
#define ASSAY_SUBJECT_H

#include "conformance/case.h"
#include "conformance/oracle.h"

/* A variant of the subject's data: which of the cotangents are there; or other data of the same case.
 * SECOND: the same parameters and other cotangents; a network, whose cotangents are its loss's own, gets another batch,
 * with the ids and lengths of the first where there is a table, so that the rows of it that nobody reads stay the same.
 * OTHER: other data and parameters. */
enum {
    ASSAY_WITH_DY = 1,
    ASSAY_WITH_DHN = 2,
    ASSAY_WITH_DCN = 4,
    ASSAY_WITH_ALL = 7,
    ASSAY_WITH_SECOND = 8,
    ASSAY_WITH_OTHER = 16
};

#define ASSAY_SUBJECT_ORACLES 16

typedef struct assay_subject {
    assay_case own;      /* the case, its problem in the arithmetic asked for */
    const assay_case *c; /* = &own: never copy the struct */
    assay_problem p;     /* own's */
    uint64_t seed;
    int64_t step;
    assay_values given; /* owned; what the reference and the plugins are given */
    assay_values other; /* owned; other data of the same case */
    const char *cache;  /* folder or NULL */
    const char *floors; /* folder of stored floors or NULL */
    struct {
        int used, variant;
        unsigned roles;
        assay_arithmetic declared;
        assay_oracle oracle;
    } kept[ASSAY_SUBJECT_ORACLES];
    int32_t truncated_steps; /* 0: not made yet */
    assay_values truncated;
} assay_subject;

/* Makes the data (state 1, and of the other ones state 2: moments non-zero). Free with assay_subject_free(), which
 * takes a zeroed one. */
assay_status assay_subject_make(const assay_case *c, int arithmetic, uint64_t seed, const char *cache,
                                const char *floors, assay_subject *out);
void assay_subject_free(assay_subject *s);

/* The subject's data in a variant. Pointers are borrowed: never free the result. */
assay_values assay_subject_variant(const assay_subject *s, int variant);

/* Truth and floors for a variant; the subject's until it is freed. NULL and *st if it could not be made. */
const assay_oracle *assay_subject_oracle(assay_subject *s, int variant, unsigned roles,
                                         const assay_arithmetic *declared, assay_status *st);

/* All gradients as the reference makes them when backward runs the last `steps` steps of time alone, steps > 0; the
 * subject's until it is freed or another number is asked for. NULL and *st if it could not be made. */
const assay_values *assay_subject_truncated(assay_subject *s, int32_t steps, assay_status *st);

/* The oracle for data of the caller's own (a change of the subject's); made anew each time, the caller frees *out. */
assay_status assay_subject_ask(const assay_subject *s, const assay_problem *p, const assay_values *given,
                               unsigned roles, const assay_arithmetic *declared, assay_oracle *out);

#endif
