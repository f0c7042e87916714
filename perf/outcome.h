/* outcome.h: from what was measured to what is published: the kept blocks judged, the roof held against the times,
 * records. SPDX-License-Identifier: MIT */
#ifndef ASSAY_OUTCOME_H
#define ASSAY_OUTCOME_H

#include "perf/bench.h"
#include "perf/device_roof.h"
#include "perf/measure.h"

/* A run whose calibration drifts by more than this share is no baseline and gets no verdict. */
#define ASSAY_DRIFT_LIMIT 0.03
double assay_drift(double before, double after); /* |after / before - 1| */

/* Everything about one workload's measurement that its records share. */
typedef struct assay_outcome_of {
    const assay_bench_options *options;
    const assay_measurement *measurement;
    const assay_problem *problem;
    const assay_machine *machine;
    const char *data;                                               /* of the record */
    double calibration_before, calibration_after, peak;             /* GFLOP/s; peak = the best seen in this run, of
                                                                       multiply-adds of operands in the problem's arithmetic; NaN:
                                                                       not measured */
    double sgemm;                                                   /* GFLOP/s of a large product; 0: not measured */
    const char *sgemm_by;                                           /* NULL: not measured */
    int32_t repeats;                                                /* measurements thrown away before this one */
    const assay_device_roof *device, *device_before, *device_after; /* best of the run, calibrations; NULL: the host */
} assay_outcome_of;

/* What a record says of the device; nothing where the place is the host. */
void assay_outcome_device(const assay_outcome_of *of, assay_record *r);

/* Compares what each entrant left behind with the truth, and sets verdict and why of those that are wrong, faster than
 * the roof allows (below 0.97 of the declared work at the peak rate), that work outside of the timed calls, or whose
 * clock disagrees with the parent's. margins[k] = worst of entrant k. *seconds = what the truth of a training step
 * took, 0 if there was none. ASSAY_NO_MEMORY where it could not be computed. Nothing may be timed meanwhile. */
assay_status assay_outcome_judge(const assay_outcome_of *of, assay_entrant *const *entrants, int count, double *margins,
                                 double *seconds);

/* Adds a record for every phase of an entrant that passed and has samples enough. Returns how many, -1 without memory.
 */
int assay_outcome_record(const assay_outcome_of *of, const assay_entrant *e, double margin, assay_records *out);

#endif
