/* timer.c: one sample = one request under the parent's clock.
 * SPDX-License-Identifier: MIT */
#include "perf/timer.h"

#include "perf/disturbance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PASSES 2

static const struct {
    const char *name;
    int32_t kind, count, pass[MOST_PASSES];
} phases[ASSAY_PHASES] = {
    [ASSAY_PHASE_PACK] = {"pack", ASSAY_CALL_PACK, 1, {0}},
    [ASSAY_PHASE_FORWARD] = {"forward", ASSAY_CALL_RUN, 1, {ASSAY_TRAIN}},
    [ASSAY_PHASE_LOSS] = {"loss", ASSAY_CALL_RUN, 1, {ASSAY_LOSS_PASS}},
    [ASSAY_PHASE_BACKWARD] = {"backward", ASSAY_CALL_RUN, 1, {ASSAY_BACKWARD}},
    [ASSAY_PHASE_UPDATE] = {"update", ASSAY_CALL_RUN, 1, {ASSAY_UPDATE}},
    [ASSAY_PHASE_STEP] = {"step", ASSAY_CALL_RUN, 1, {ASSAY_STEP}},
    [ASSAY_PHASE_INFER] = {"infer", ASSAY_CALL_RUN, 1, {ASSAY_INFER}},
    [ASSAY_PHASE_FORWARD_LOSS] = {"forward-loss", ASSAY_CALL_RUN, 2, {ASSAY_TRAIN, ASSAY_LOSS_PASS}},
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

int assay_series_add(assay_series *s, double seconds, double worker)
{
    if (!series_room(s)) return 0;
    s->seconds[s->count] = seconds;
    s->worker[s->count++] = worker;
    return 1;
}

typedef struct request {
    assay_rig *rig;
    assay_phase phase;
    int64_t step;
    assay_timing timing;
} request;

static int calls_of(assay_phase phase, int64_t step, assay_call calls[MOST_PASSES])
{
    for (int k = 0; k < phases[phase].count; k++)
        calls[k] = (assay_call){.kind = phases[phase].kind, .pass = phases[phase].pass[k], .step = step};
    return phases[phase].count;
}

static double take(void *user)
{
    request *q = user;
    assay_call calls[MOST_PASSES];
    int count = calls_of(q->phase, q->step, calls);
    return assay_rig_run_again(q->rig, calls, count, &q->timing) ? q->timing.seconds : NAN;
}

int assay_timer_sample(assay_gbench *g, const char *workload, assay_rig *rig, assay_phase phase, int64_t step,
                       assay_series *s)
{
    char name[160];
    request q = {.rig = rig, .phase = phase, .step = step};
    if (rig->verdict != ASSAY_VERDICT_PASS) return 0;
    snprintf(name, sizeof name, "%s/%s/%s", workload, rig->about.name, phases[phase].name);
    double seconds = assay_gbench_take(g, name, rig->about.version, take, &q);
    if (!(seconds >= 0))
        return assay_rig_fail(rig, ASSAY_VERDICT_BROKEN, "%s: the sample was not taken", phases[phase].name);
    if (!assay_series_add(s, seconds, q.timing.worker_seconds))
        return assay_rig_fail(rig, ASSAY_VERDICT_BROKEN, "no memory for samples");
    s->cpu_seconds += fmax(q.timing.cpu_seconds, 0);
    const double lost = assay_disturbance_lost(&q.timing, rig->given);
    s->lost_seconds += lost;
    s->disturbed += assay_disturbance_counts(lost, seconds);
    return 1;
}

static int untold(assay_rig *rig, assay_phase phase, int64_t step, double *seconds,
                  int (*run)(assay_rig *, const assay_call *, int, assay_timing *))
{
    assay_call calls[MOST_PASSES];
    assay_timing t = {0};
    int count = calls_of(phase, step, calls);
    int ok = run(rig, calls, count, &t);
    if (seconds) *seconds = ok ? t.seconds : 0;
    return ok;
}

int assay_timer_warm(assay_rig *rig, assay_phase phase, int64_t step, double *seconds)
{
    return untold(rig, phase, step, seconds, assay_rig_run);
}

int assay_timer_again(assay_rig *rig, assay_phase phase, int64_t step, double *seconds)
{
    return untold(rig, phase, step, seconds, assay_rig_run_again);
}
