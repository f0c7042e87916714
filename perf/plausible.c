/* plausible.c: what no honest time can be: below the roof, or short because the work is done at another one.
 * SPDX-License-Identifier: MIT */
#include "perf/plausible.h"

#include "conformance/clock.h"
#include "perf/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOF_SHARE_LIMIT 0.97   /* a time below this share of the roof time is an error, not a record */
#define UNPACK_FACTOR    2.     /* unpack is no slower than this times what pack took for as many bytes ... */
#define UNPACK_SHARE     0.1    /* ... or the difference is less than this share of a step */
#define PACK_FACTOR      8.     /* pack is no slower than this times a copy of as many bytes ... */
#define PACK_SHARE       0.1    /* ... or the difference is less than this share of what is timed after it */
#define PACK_SECONDS     0.001  /* ... or a scheduler's turn */
#define AHEAD_SHARE      0.1    /* of a call, on each thread, that may be done before it ... */
#define AHEAD_SECONDS    0.0005 /* ... beside what wakes threads and lets them spin */
#define COPY_BYTES       ((size_t)32 << 20) /* that are copied to know what a copy takes */
#define CLOCK_SHARE      0.1                /* of a request, that the worker's clock may miss ... */
#define CLOCK_SECONDS    0.005              /* ... beside a scheduler's turn, before it is another clock */

#define CPU_SHARE   0.1   /* of the time of all threads, that they may seem to run longer ... */
#define CPU_SECONDS 0.001 /* ... beside what the request itself takes */

double assay_plausible_flop(const assay_workload *w, int phase)
{
    double forward = assay_workload_flop_forward(w), backward = assay_workload_flop_backward(w);
    switch (phase) {
    case ASSAY_PHASE_FORWARD:
    case ASSAY_PHASE_INFER:
    case ASSAY_PHASE_FORWARD_LOSS:
        return forward;
    case ASSAY_PHASE_BACKWARD:
        return backward;
    case ASSAY_PHASE_STEP:
        return forward + backward;
    default:
        return 0;
    }
}

static double median_of(const assay_series *s)
{
    return assay_stats_of(s->seconds, s->count).median;
}

/* A time too long around a call is an accusation where it is the implementation's. Where threads waited for a processor
 * it is anybody's: then there is no number either, for that reason. Of both in one row the accusation counts. */
typedef struct doubt {
    char why[256];
} doubt;

static void too_long(assay_entrant *e, doubt *d, const assay_series *s, const char *what)
{
    if (!assay_samples_are_disturbed(s->disturbed, s->count))
        assay_rig_fail(&e->rig, ASSAY_VERDICT_MISTRUSTED, "%s", what);
    else if (!d->why[0])
        snprintf(d->why, sizeof d->why, "%.190s; or not: threads waited for a processor in %d of %d", what,
                 (int)s->disturbed, (int)s->count);
}

/* Where the peak of a format is unknown, no time is too short. */
static void hold_against_roof(const assay_outcome_of *of, assay_entrant *e)
{
    if (isnan(of->peak)) return;
    for (int phase = 0; phase < ASSAY_PHASES; phase++) {
        const assay_series *s = &e->series[phase];
        if (s->count < ASSAY_SAMPLES_LEAST) continue;
        double median = median_of(s);
        double roof = assay_plausible_flop(of->measurement->workload, phase) * 1e-9 / of->peak;
        if (!(median >= ROOF_SHARE_LIMIT * roof))
            assay_rig_fail(&e->rig, ASSAY_VERDICT_MISTRUSTED,
                           "%s: %.4g ms is less than the declared work takes at this machine's peak, %.4g ms",
                           assay_phase_name(phase), median * 1e3, roof * 1e3);
    }
}

/* Seconds for a copy of `bytes`, the slowest of a few; 0 if there is no memory for it. */
static double copy_seconds(double bytes)
{
    char *from = malloc(COPY_BYTES), *to = malloc(COPY_BYTES);
    double worst = 0;
    for (int k = 0; from && to && k < 5; k++) {
        memset(from, k, COPY_BYTES);
        double start = assay_clock();
        memcpy(to, from, COPY_BYTES);
        __asm__ volatile("" : : "r"(to) : "memory");
        worst = fmax(worst, assay_clock() - start);
    }
    free(from);
    free(to);
    return worst * bytes / (double)COPY_BYTES;
}

/* Of all parameters, once. */
static double bytes_of(const assay_entrant *e)
{
    double bytes = 0;
    assay_tensor x;
    for (int param = 0; param < ASSAY_MAX_PARAMS; param++)
        if (assay_tensor_find(&e->rig.problem, assay_tensor_id(ASSAY_PARAM, param), &x))
            bytes += (double)x.count * (double)assay_element_bytes(&x, e->rig.problem.arithmetic);
    return bytes;
}

/* pack knows all inputs of the call after it: what it does beyond moving parameters is done outside of the clock. */
static void hold_against_copy(assay_entrant *e, doubt *d, double copy)
{
    for (int phase = 0; phase < ASSAY_PHASES && copy > 0; phase++) {
        const assay_series *s = &e->packing[phase];
        if (e->series[phase].count < ASSAY_SAMPLES_LEAST || s->count == 0) continue;
        double limit =
            PACK_FACTOR * copy + PACK_SHARE * median_of(&e->series[phase]) + PACK_SECONDS + e->rig.round_trip;
        const double pack = median_of(s);
        char what[192];
        if (pack <= limit) continue;
        snprintf(what, sizeof what,
                 "%s: pack before it takes %.4g ms, at most %.4g ms expected: work is done outside of the timed calls",
                 assay_phase_name(phase), pack * 1e3, limit * 1e3);
        too_long(e, d, s, what);
    }
}

/* What was done before a call began, by whatever thread: no more than moving parameters takes, and a tenth. */
static void hold_against_ahead(assay_entrant *e, double copy)
{
    for (int phase = 0; phase < ASSAY_PHASES; phase++) {
        const assay_series *s = &e->ahead[phase];
        if (s->count < ASSAY_SAMPLES_LEAST || e->series[phase].count < ASSAY_SAMPLES_LEAST) continue;
        const double limit =
            e->threads * (PACK_FACTOR * copy + AHEAD_SHARE * median_of(&e->series[phase]) + AHEAD_SECONDS);
        const double ahead = median_of(s);
        if (!(ahead <= limit))
            assay_rig_fail(&e->rig, ASSAY_VERDICT_MISTRUSTED,
                           "%s: %.4g ms of processor time between its numbers and the call, at most %.4g ms expected: "
                           "work is done ahead of the timed calls",
                           assay_phase_name(phase), ahead * 1e3, limit * 1e3);
    }
}

/* What a call puts off until its results are asked for is found where they are. pack moves parameters and moments,
 * unpack gradients too. */
static void hold_against_pack(assay_entrant *e, doubt *d)
{
    double families = e->rig.problem.optimizer == ASSAY_OPT_ADAM ? 3 : 1;
    const assay_series *packs = &e->packing[ASSAY_PHASE_STEP];
    double pack = packs->count ? median_of(packs) : 0, fair = pack * (families + 1) / families;
    double step = median_of(&e->series[ASSAY_PHASE_STEP]);
    double limit = fmax(UNPACK_FACTOR * fair, fair + UNPACK_SHARE * step) + e->rig.round_trip;
    for (int phase = 0; phase < ASSAY_PHASES; phase++) {
        const assay_series *s = &e->unpacking[phase];
        if (s->count < ASSAY_SAMPLES_LEAST) continue;
        const double unpack = median_of(s);
        char what[192];
        if (unpack <= limit) continue;
        snprintf(what, sizeof what,
                 "%s: unpack after it takes %.4g ms, %.4g ms expected: work is done outside of the timed calls",
                 assay_phase_name(phase), unpack * 1e3, limit * 1e3);
        too_long(e, d, s, what);
    }
}

/* The worker's interval lies inside the parent's, and what is between them is the round trip, or a wait for a processor
 * before the call began. */
static void hold_against_clock(assay_entrant *e, doubt *d)
{
    for (int phase = 0; phase < ASSAY_PHASES; phase++) {
        const assay_series *s = &e->series[phase];
        if (s->count < ASSAY_SAMPLES_LEAST) continue;
        double parent = median_of(s), worker = assay_stats_of(s->worker, s->count).median;
        double least = (1 - CLOCK_SHARE) * parent - CLOCK_SECONDS - e->rig.round_trip;
        char what[192];
        if (worker <= parent && worker >= least) continue;
        snprintf(what, sizeof what, "%s: the worker's clock says %.4g ms, the parent's %.4g ms: they must agree",
                 assay_phase_name(phase), worker * 1e3, parent * 1e3);
        if (worker < least)
            too_long(e, d, s, what);
        else
            assay_rig_fail(&e->rig, ASSAY_VERDICT_MISTRUSTED, "%s", what);
    }
}

/* Who may use so many threads does not keep more processors busy than that. */
static void hold_against_threads(assay_entrant *e)
{
    for (int phase = 0; phase < ASSAY_PHASES; phase++) {
        const assay_series *s = &e->series[phase];
        double elapsed = 0;
        for (int32_t k = 0; k < s->count; k++)
            elapsed += s->seconds[k];
        double limit = (1 + CPU_SHARE) * e->threads * elapsed + CPU_SECONDS * s->count;
        if (s->cpu_seconds > limit)
            assay_rig_fail(&e->rig, ASSAY_VERDICT_MISTRUSTED,
                           "%s: %.3g s of processor time in %.3g s: more than the %d threads that it may use",
                           assay_phase_name(phase), s->cpu_seconds, elapsed, (int)e->threads);
    }
}

void assay_plausible_judge(const assay_outcome_of *of, assay_entrant *e)
{
    const double families = e->rig.problem.optimizer == ASSAY_OPT_ADAM ? 3 : 1, bytes = bytes_of(e);
    doubt d = {""};
    hold_against_roof(of, e);
    hold_against_threads(e); /* before the rest: who is short of processors is slow everywhere */
    hold_against_copy(
        e, &d, of->device ? 2 * families * bytes / (of->device->copy_gb_per_s * 1e9) : copy_seconds(families * bytes));
    if (!of->device) /* whose work takes no processor's time; behind pack, whose time is part of it and says where */
        hold_against_ahead(e, copy_seconds((families + 1) * bytes));
    hold_against_pack(e, &d);
    hold_against_clock(e, &d);
    if (d.why[0]) assay_rig_fail(&e->rig, ASSAY_VERDICT_BROKEN, "%s", d.why);
}
