/* bed.h: a small network and one implementation set up to be timed on it, with a judge of the test's own.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_PERF_TESTS_BED_H
#define ASSAY_PERF_TESTS_BED_H

#include "perf/outcome.h"

extern const assay_workload bed_small;

/* What the judge saw, and what it says if it isn't to judge by itself. */
typedef struct bed_court {
    int steps, later, phases, infer, forward_loss;
    double worst;          /* largest difference from the truth, in units of the tensor's largest element */
    int strict;            /* 1: FAIL where that is above 1e-4 */
    assay_verdict verdict; /* else this */
} bed_court;

typedef struct bed {
    bed_court court;
    assay_bench_options options;
    assay_values states[ASSAY_STATES];
    int64_t steps[ASSAY_STATES];
    assay_entrant entrant, *entrants[1];
    assay_machine machine;
    assay_measurement m;
    assay_outcome_of of;
} bed;

/* The plugin started, planned and warmed up; NULL if that failed. The caller frees it. */
bed *bed_make(const char *plugin);
void bed_free(bed *b);

void bed_measure_all(bed *b);
assay_verdict bed_judge(bed *b, double *margin);

#endif
