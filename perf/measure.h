/* measure.h: the timed blocks of one workload: several implementations side by side, in random order, from random
 * states; and what blocks drawn at random left behind. SPDX-License-Identifier: MIT */
#ifndef ASSAY_MEASURE_H
#define ASSAY_MEASURE_H

#include "conformance/certificate.h"
#include "perf/state.h"
#include "perf/timer.h"

/* What was kept of one block. */
typedef struct assay_kept_block {
    int32_t seen; /* blocks that could have been kept; each had the same chance */
    int32_t held; /* 1: got is there */
    int64_t step;
    assay_values got;    /* owned */
    assay_values params; /* owned; a later step: parameters and moments before it, as the roles of an update */
} assay_kept_block;

/* One implementation. Zeroed before use. */
typedef struct assay_entrant {
    const char *plugin;
    int32_t threads;
    assay_certificate certificate;
    assay_rig rig;
    assay_series series[ASSAY_PHASES];
    assay_kept_block first, later, phases, infer;
    double estimate[ASSAY_PHASES]; /* seconds of one call, from warming up */
} assay_entrant;
void assay_entrant_free(assay_entrant *e); /* ends the worker; a zeroed one is fine */

typedef struct assay_measurement {
    const assay_workload *workload;
    assay_gbench *gbench;
    uint64_t seed, schedule;    /* of the numbers; of orders and choices, which the worker can't know either */
    uint64_t draws;             /* random choices made so far */
    int32_t block_samples;      /* of a step, the same for all, so that k-th samples stand side by side */
    int32_t judged;             /* the starting state whose truth will be computed */
    const assay_values *states; /* ASSAY_STATES of them */
    const int64_t *steps;
    int (*stop)(void *user);
    void *user;
} assay_measurement;

/* One or two training steps outside any clock; fills the estimates. 1 if it worked. */
int assay_measure_warm_up(assay_measurement *m, assay_entrant *e);

/* Groups of phases. Rounds go on until every series is settled (stats.h) or `seconds` are over; a series has at least
 * five samples unless its entrant failed or stop() said so. Failed entrants drop out of the rounds. */
void assay_measure_steps(assay_measurement *m, assay_entrant *const *entrants, int count, double seconds);
void assay_measure_phases(assay_measurement *m, assay_entrant *const *entrants, int count, double seconds);
void assay_measure_infer(assay_measurement *m, assay_entrant *const *entrants, int count, double seconds);

double assay_clock(void); /* CLOCK_MONOTONIC, seconds */

#endif
