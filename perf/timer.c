/* timer.c: one sample = one or more requests under the parent's clock.
 * SPDX-License-Identifier: MIT */
#include "perf/timer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_SECONDS 0.02 /* a round trip of 50 us is a quarter of a per cent of it */
#define MOST_CALLS      1000

static const struct {
    const char *name;
    int32_t kind, pass;
} phases[ASSAY_PHASES] = {
    [ASSAY_PHASE_PACK] = {"pack", ASSAY_CALL_PACK, 0},
    [ASSAY_PHASE_FORWARD] = {"forward", ASSAY_CALL_RUN, ASSAY_TRAIN},
    [ASSAY_PHASE_LOSS] = {"loss", ASSAY_CALL_RUN, ASSAY_LOSS_PASS},
    [ASSAY_PHASE_BACKWARD] = {"backward", ASSAY_CALL_RUN, ASSAY_BACKWARD},
    [ASSAY_PHASE_UPDATE] = {"update", ASSAY_CALL_RUN, ASSAY_UPDATE},
    [ASSAY_PHASE_STEP] = {"step", ASSAY_CALL_RUN, ASSAY_STEP},
    [ASSAY_PHASE_INFER] = {"infer", ASSAY_CALL_RUN, ASSAY_INFER},
};

const char *assay_phase_name(assay_phase phase)
{
    return phases[phase].name;
}

void assay_series_free(assay_series *s)
{
    free(s->seconds);
    free(s->worker);
    memset(s, 0, sizeof *s);
}

static int series_room(assay_series *s)
{
    if (s->count < s->room) return 1;
    int32_t room = s->room ? 2 * s->room : 32;
    double *seconds = realloc(s->seconds, (size_t)room * sizeof *seconds);
    if (seconds) s->seconds = seconds;
    double *worker = realloc(s->worker, (size_t)room * sizeof *worker);
    if (worker) s->worker = worker;
    if (!seconds || !worker) return 0;
    s->room = room;
    return 1;
}

int32_t assay_timer_calls(assay_phase phase, double seconds)
{
    if (phase == ASSAY_PHASE_LOSS || !(seconds < REQUEST_SECONDS)) return 1;
    double calls = ceil(REQUEST_SECONDS / fmax(seconds, 1e-9));
    return calls < MOST_CALLS ? (int32_t)calls : MOST_CALLS;
}

typedef struct request {
    assay_rig *rig;
    assay_phase phase;
    int64_t step;
    int32_t calls;
    const assay_pause *pause;
    assay_timing total;
} request;

/* Calls [from, to) of the sample. */
static int run_part(request *q, int32_t from, int32_t to)
{
    assay_call call = {.kind = phases[q->phase].kind, .pass = phases[q->phase].pass, .step = q->step + from};
    assay_timing t;
    if (to <= from) return 1;
    if (!assay_rig_run(q->rig, &call, 1, to - from, &t)) return 0;
    q->total.seconds += t.seconds;
    q->total.worker_seconds += t.worker_seconds;
    return 1;
}

static double take(void *user)
{
    request *q = user;
    int32_t done = 0;
    for (int place = 0; q->pause && place < q->pause->count; place++) {
        if (!run_part(q, done, q->pause->after[place])) return NAN;
        done = q->pause->after[place];
        if (!q->pause->hook(q->pause->user, place)) return NAN;
    }
    if (!run_part(q, done, q->calls)) return NAN;
    return q->total.seconds / q->calls;
}

int assay_timer_sample(assay_gbench *g, const char *workload, assay_rig *rig, assay_phase phase, int64_t step,
                       const assay_pause *pause, assay_series *s)
{
    char name[160];
    request q = {.rig = rig, .phase = phase, .step = step, .calls = s->calls, .pause = pause};
    snprintf(name, sizeof name, "%s/%s/%s", workload, rig->about.name, phases[phase].name);
    if (!series_room(s)) return assay_rig_fail(rig, ASSAY_VERDICT_BROKEN, "no memory for samples");
    double seconds = assay_gbench_take(g, name, rig->about.version, take, &q);
    if (!(seconds >= 0))
        return assay_rig_fail(rig, ASSAY_VERDICT_BROKEN, "%s: the sample was not taken", phases[phase].name);
    s->seconds[s->count] = seconds;
    s->worker[s->count++] = q.total.worker_seconds / s->calls;
    return 1;
}
