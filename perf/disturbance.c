/* disturbance.c: processor time that a timed call wanted and did not get.
 * SPDX-License-Identifier: MIT */
#include "perf/disturbance.h"

#include <math.h>

#define LOST_SHARE   0.03 /* of a call: what a calibration may drift by, too */
#define LOST_SECONDS 1e-4 /* ... beside a wake-up or two, of which short calls have as many as long ones */

double assay_disturbance_lost(const assay_timing *t, int32_t threads)
{
    if (!(t->waited_seconds >= 0) || !(t->cpu_seconds >= 0)) return 0;
    return fmax(fmin(t->waited_seconds, threads * t->seconds - t->cpu_seconds), 0);
}

int assay_disturbance_counts(double lost, double seconds)
{
    return lost > LOST_SHARE * seconds + LOST_SECONDS;
}

void assay_round_begin(const assay_entrant *e, assay_round_mark *mark)
{
    for (int phase = 0; phase < ASSAY_PHASES; phase++) {
        const assay_series *s = &e->series[phase];
        mark->at[phase].count = s->count;
        mark->at[phase].disturbed = s->disturbed;
        mark->at[phase].cpu_seconds = s->cpu_seconds;
        mark->at[phase].lost_seconds = s->lost_seconds;
    }
}

int assay_round_disturbed(const assay_entrant *e, const assay_round_mark *mark)
{
    for (int phase = 0; phase < ASSAY_PHASES; phase++)
        if (e->series[phase].disturbed > mark->at[phase].disturbed) return 1;
    return 0;
}

void assay_round_set_aside(assay_entrant *e, const assay_round_mark *mark)
{
    for (int phase = 0; phase < ASSAY_PHASES; phase++) {
        assay_series *s = &e->series[phase];
        s->set_aside += s->count - mark->at[phase].count;
        s->count = mark->at[phase].count;
        s->disturbed = mark->at[phase].disturbed;
        s->cpu_seconds = mark->at[phase].cpu_seconds;
        s->lost_seconds = mark->at[phase].lost_seconds;
    }
}
