/* disturbance.h: samples during which the worker's threads waited for a processor: found, counted, and their rounds
 * measured again. SPDX-License-Identifier: MIT */
#ifndef ASSAY_DISTURBANCE_H
#define ASSAY_DISTURBANCE_H

#include "perf/measure.h"

/* Seconds of processor time that the call's threads stood in line for and that it had a right to: with so many threads
 * it may keep so many processors busy. What a worker of more busy threads takes from itself is not lost. 0 where the
 * kernel does not tell. */
double assay_disturbance_lost(const assay_timing *t, int32_t threads);

/* 1 if a call of so many seconds that lost so many of processor time measured something else than the implementation:
 * two threads on one core, or another program on one of the cores. */
int assay_disturbance_counts(double lost, double seconds);

/* The lengths of an entrant's series at the start of a round. */
typedef struct assay_round_mark {
    struct {
        int32_t count, disturbed;
        double cpu_seconds, lost_seconds;
    } at[ASSAY_PHASES];
} assay_round_mark;
void assay_round_begin(const assay_entrant *e, assay_round_mark *mark);
int assay_round_disturbed(const assay_entrant *e, const assay_round_mark *mark); /* any sample since the mark */
void assay_round_set_aside(assay_entrant *e, const assay_round_mark *mark);      /* takes those since the mark out */

#endif
