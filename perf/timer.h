/* timer.h: samples of one phase: how many calls each holds, how they are taken and kept, when there are enough.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_TIMER_H
#define ASSAY_TIMER_H

#include "perf/gbench.h"
#include "perf/rig.h"

typedef enum assay_phase {
    ASSAY_PHASE_PACK,
    ASSAY_PHASE_FORWARD,
    ASSAY_PHASE_LOSS,
    ASSAY_PHASE_BACKWARD,
    ASSAY_PHASE_UPDATE,
    ASSAY_PHASE_STEP,
    ASSAY_PHASE_INFER,
    ASSAY_PHASES
} assay_phase;
const char *assay_phase_name(assay_phase phase); /* "forward"; static */

/* Seconds of one call, by the parent's clock and by the worker's, one entry a sample. */
typedef struct assay_series {
    double *seconds, *worker;   /* owned */
    int32_t count, room, calls; /* calls in each sample, 0 until chosen */
} assay_series;
void assay_series_free(assay_series *s);

/* Calls a sample should hold when one takes so many seconds: a request of 20 ms or more, so that its round trip is
 * noise; one call where that is longer. The loss pass is always called once: its input may be gone after it. */
int32_t assay_timer_calls(assay_phase phase, double seconds);

/* Places inside a sample where the clock stands still: after so many calls hook(user, place) is called; 0 ends it all.
 */
typedef struct assay_pause {
    int32_t count, after[2]; /* ascending, below the sample's calls or equal */
    int (*hook)(void *user, int place);
    void *user;
} assay_pause;

/* One sample of s->calls calls through Google Benchmark under "workload/implementation/phase". `step` is that of the
 * first call. 1 if it was taken and added. */
int assay_timer_sample(assay_gbench *g, const char *workload, assay_rig *rig, assay_phase phase, int64_t step,
                       const assay_pause *pause, assay_series *s);

#endif
