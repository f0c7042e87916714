/* diagnose.h: what a wrong result looks like: compared with transformed truths, and with the truths of other functions.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_DIAGNOSE_H
#define ASSAY_DIAGNOSE_H

#include "conformance/oracle.h"
#include "conformance/subject.h"

/* Larger problems are not looked at: a diagnosis computes the reference about a hundred times. In quad, the oracle of
 * fp64, it is as much slower. */
#define ASSAY_DIAGNOSE_MACS      2e5
#define ASSAY_DIAGNOSE_MACS_FP64 1e4

/* One comparison that failed, or some of it. Nothing is owned. */
typedef struct assay_symptom {
    const assay_problem *p;
    const assay_values *given, *got;
    const assay_oracle *o; /* what got was held against */
    const assay_arithmetic *declared;
    int64_t step;
    const assay_subject *subject; /* whose other truths may have come back; NULL = none */
    double most_macs;             /* larger problems are not looked at; 0 = the two numbers above */
    unsigned char failed[ASSAY_TENSORS];
} assay_symptom;

/* The simplest hypothesis that explains most of the failing tensors, in one line: "y hn: equals the truth with gates i
 * and f swapped; cn holds". Where none does, where the error lies. 1 if a cause was recognised. Main thread. */
int assay_diagnose(const assay_symptom *s, char *text, size_t size);

#endif
