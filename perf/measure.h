/* measure.h: the timed blocks of one workload: several implementations side by side, in random order, each round on
 * numbers of its own; and what each one's fastest calls left behind. SPDX-License-Identifier: MIT */
#ifndef ASSAY_MEASURE_H
#define ASSAY_MEASURE_H

#include "conformance/certificate.h"
#include "perf/state.h"
#include "perf/timer.h"

#define ASSAY_MOST_ENTRANTS 192 /* of one workload: formats and implementations */
#define ASSAY_BLOCK_SAMPLES 3   /* steps from one starting point, where everybody's are short */

/* What was kept of one call in a block. */
typedef struct assay_kept_block {
    int32_t held;  /* 1: got is there */
    int32_t state; /* starting state of the block ... */
    int64_t block; /* ... and its number: the key of its numbers (assay_state_block) */
    int64_t step;
    double seconds[2];   /* that its timed call took; of the parts of a step, forward and backward */
    assay_values got;    /* owned */
    assay_values params; /* owned; a later step: parameters and moments before it, as the roles of an update; empty:
                            what the block's first step left */
} assay_kept_block;

/* One implementation. Zeroed before use. */
typedef struct assay_entrant {
    const char *plugin;
    const char *name;             /* that records call it by; NULL = its own */
    const assay_problem *problem; /* the workload's, in the arithmetic that is timed */
    int32_t threads;
    int32_t turns;  /* 1: there is memory for it only while its own blocks are taken, and no plan between them */
    double waiting; /* seconds that it takes to be ready for a block, if it takes turns */
    assay_certificate certificate;
    assay_rig rig;
    assay_series series[ASSAY_PHASES];
    assay_series packing[ASSAY_PHASES], unpacking[ASSAY_PHASES]; /* before, after those of a phase; not part */
    assay_series ahead[ASSAY_PHASES]; /* processor time outside of timed calls before each of those of a phase */
    assay_kept_block first, later, phases, infer, forward_loss;
    assay_values reading[ASSAY_BLOCK_SAMPLES]; /* of the calls of the block that is going on */
    double estimate;                           /* seconds of a training step, from warming up */
} assay_entrant;
/* Drops samples and what was kept; the worker stays, warm, and so do the estimates. */
void assay_entrant_forget(assay_entrant *e);
void assay_entrant_free(assay_entrant *e); /* ends the worker; a zeroed one is fine */

typedef struct assay_measurement {
    const assay_workload *workload;
    assay_gbench *gbench;
    uint64_t seed, schedule;    /* of the numbers; of orders and choices, which the worker can't know either */
    uint64_t draws;             /* random choices made so far */
    int32_t block_samples;      /* of a step, the same for all, so that k-th samples stand side by side */
    const assay_values *states; /* ASSAY_STATES of them */
    const int64_t *steps;
    int (*stop)(void *user);
    void *user;

    /* the round that is going on: the same numbers for every entrant */
    int64_t block;            /* counts up: no two rounds have the same numbers */
    int32_t state;            /* where it starts */
    assay_values fresh, view; /* its numbers: owned; all of them */
} assay_measurement;
void assay_measurement_free(assay_measurement *m); /* what it owns */

/* One or two training steps outside any clock; fills the estimate. 1 if it worked. */
int assay_measure_warm_up(assay_measurement *m, assay_entrant *e);

/* After it, where steps are short: a few more, the fastest of which becomes the estimate. The number of threads hangs
 * on it, and one call that something else slowed down must not decide that. 1 if it worked. */
int assay_measure_estimate(assay_entrant *e);

/* Plans an entrant whose memory was given up, and gives it its first steps again. 1 if it worked. */
int assay_measure_wake(assay_measurement *m, assay_entrant *e);

/* 1 where steps are so short that a block holds several, and a later one is judged too. */
int assay_measure_short(assay_entrant *const *entrants, int count);

/* Groups of phases. Rounds go on until every series is settled (stats.h) or `seconds` are over; a series has at least
 * five samples unless its entrant failed or stop() said so. Failed entrants drop out of the rounds. */
void assay_measure_steps(assay_measurement *m, assay_entrant *const *entrants, int count, double seconds);
void assay_measure_phases(assay_measurement *m, assay_entrant *const *entrants, int count, double seconds);
void assay_measure_infer(assay_measurement *m, assay_entrant *const *entrants, int count, double seconds);
void assay_measure_forward_loss(assay_measurement *m, assay_entrant *const *entrants, int count, double seconds);

#endif
