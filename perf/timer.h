/* timer.h: samples of one phase: how they are taken and kept.
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
    ASSAY_PHASE_FORWARD_LOSS, /* TRAIN and LOSS_PASS in one request, logits not wanted */
    ASSAY_PHASES
} assay_phase;
const char *assay_phase_name(assay_phase phase); /* "forward"; static */

/* Seconds of one call, by the parent's clock and by the worker's, one entry a sample. A sample is one call in a request
 * of its own: the implementation can't tell which of its calls will be judged, and is never asked the same twice. */
typedef struct assay_series {
    double *seconds, *worker; /* owned */
    double cpu_seconds;       /* processor time of the worker during all of them */
    double lost_seconds;      /* processor time that it waited for and did not get: disturbance.h */
    int32_t count, room;
    int32_t disturbed; /* of them, those that lost too much */
    int32_t set_aside; /* samples that were taken and are not among them: their round was measured again */
} assay_series;
void assay_series_free(assay_series *s);
int assay_series_add(assay_series *s, double seconds, double worker); /* 0 without memory */

/* One sample through Google Benchmark under "workload/implementation/phase", of an optimizer at `step`. 1 if it was
 * taken and added. */
int assay_timer_sample(assay_gbench *g, const char *workload, assay_rig *rig, assay_phase phase, int64_t step,
                       assay_series *s);
/* The same calls outside of all this: the first ones, which may allocate and start threads. */
int assay_timer_warm(assay_rig *rig, assay_phase phase, int64_t step, double *seconds);
/* The same after those: what allocates or starts threads now fails. */
int assay_timer_again(assay_rig *rig, assay_phase phase, int64_t step, double *seconds);

#endif
