/* heat.c: one workload: who takes part, numbers, timed blocks, judgement, records.
 * SPDX-License-Identifier: MIT */
#include "perf/heat_state.h"

#include "conformance/clock.h"
#include "conformance/hash.h"
#include "perf/state.h"
#include "perf/stats.h"
#include "reference/data.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SCRATCH_SEED 1    /* of the numbers for warming up */
#define STEPS_SHARE  0.55 /* of a workload's time; what is left goes to phases, then to forward only */
#define SPARE_FACTOR 4.   /* of its time, that must be left for measuring again where other workloads wait for theirs */
#define PHASES_SHARE 0.7

/* On the host, which has nothing for tf32. */
static double peak_of(const assay_heat *h, int format)
{
    switch (assay_timed_formats[format]) {
    case ASSAY_FP32:
        return h->b->peak;
    case ASSAY_BF16:
        return h->b->narrow_peak;
    default:
        return NAN;
    }
}

/* Numbers for warming up, the same in every run: the seed that counts is drawn when all workers are warm. */
static assay_status make_scratch(assay_heat *h)
{
    const assay_text *text = h->b->text.tokens ? &h->b->text : NULL;
    return assay_state_make(h->w, SCRATCH_SEED, 0, text, &h->states[0], &h->steps[0]);
}

static assay_status make_states(assay_heat *h)
{
    const assay_bench_options *o = h->b->o;
    const assay_text *text = h->b->text.tokens ? &h->b->text : NULL;
    assay_values_free(&h->states[0]);
    h->m.seed = o->fixed_seed ? o->seed : assay_seed_fresh();
    h->m.schedule = assay_random_bits(h->m.seed, assay_stream_id("schedule", 0), 0);
    for (int s = 0; s < ASSAY_STATES; s++) {
        assay_status st = assay_state_make(h->w, h->m.seed, s, text, &h->states[s], &h->steps[s]);
        if (st != ASSAY_OK) return st;
    }
    return ASSAY_OK;
}

/* Are so many seconds left? If not, these rows are named. */
static int fits(assay_heat *h, const char *phase, double needed, double end, double *left)
{
    *left = end - assay_clock();
    for (int k = 0; k < h->count && !(needed < *left); k++)
        assay_heat_leave_out(h, h->in[k], phase, "budget: %.0f s are left for it", fmax(*left, 0));
    return needed < *left;
}

/* Each kind of block of each implementation is judged on numbers of its own. Forward is a third of a step, half of one
 * with what it leaves to read; its truth is a third of `truth`, the seconds for that of a training step. */
static void time_all(assay_heat *h, double truth)
{
    int later = assay_measure_short(h->in, h->count) ? h->count : 0, scored = h->w->forward_loss;
    double forward = assay_heat_least(h) / 2, end = h->end - truth * (later + h->count * (2 + (1 + scored) / 3.)), left;
    if (h->steps_only) {
        end = h->end - truth * (later + h->count);
        assay_measure_steps(&h->m, h->in, h->count, end - assay_clock());
        return;
    }
    assay_measure_steps(&h->m, h->in, h->count, STEPS_SHARE * (end - assay_clock()));
    if (fits(h, "phases", assay_heat_least(h), end, &left)) /* the phases of a step take about as long as a step */
        assay_measure_phases(&h->m, h->in, h->count, fmin(PHASES_SHARE * left, left - (1 + scored) * forward));
    if (fits(h, "infer", forward, end, &left)) assay_measure_infer(&h->m, h->in, h->count, left / (1 + scored));
    if (scored && fits(h, "forward-loss", forward, end, &left))
        assay_measure_forward_loss(&h->m, h->in, h->count, left);
}

/* Records of those that passed. */
static assay_status record_all(assay_heat *h, const assay_outcome_of *of, assay_entrant *const *in, int count,
                               const double *margins)
{
    assay_bench *b = h->b;
    for (int k = 0; k < count; k++) {
        const assay_entrant *e = in[k];
        const assay_series *s = &e->series[ASSAY_PHASE_STEP];
        if (e->rig.verdict != ASSAY_VERDICT_PASS) continue;
        if (s->count < ASSAY_SAMPLES_LEAST) {
            assay_heat_leave_out(h, e, "all", "stopped after %d of %d samples", (int)s->count, ASSAY_SAMPLES_LEAST);
            b->summary->left_out++;
            continue;
        }
        if (assay_outcome_record(of, e, margins[k], b->out) < 0) return ASSAY_NO_MEMORY;
        b->summary->timed++;
        const double median = assay_stats_of(s->seconds, s->count).median, share = assay_bench_gflop(h->w) / of->peak;
        assay_bench_say(b, "%s %s %s: %.4g ms a step with %d threads, %.0f %% of the roof, margin %.2g", h->w->id,
                        e->rig.about.name, assay_format_name(of->problem->arithmetic), median * 1e3, (int)e->threads,
                        100 * share / median, margins[k]);
    }
    return ASSAY_OK;
}

/* Workers are gone by now: their memory is free for the truth. Each format has a truth and a roof of its own. */
static assay_status settle(assay_heat *h, const assay_outcome_of *of)
{
    assay_bench *b = h->b;
    assay_status st = ASSAY_OK;
    for (int group = 0; group < 2 * ASSAY_TIMED_FORMATS && st == ASSAY_OK; group++) {
        const int format = group / 2, device = group % 2;
        assay_outcome_of own = *of;
        assay_entrant *in[ASSAY_MOST_PLUGINS];
        double margins[ASSAY_MOST_PLUGINS], seconds;
        int count = 0;
        for (int k = 0; k < h->count; k++)
            if (assay_heat_format(h, h->in[k]) == format && assay_heat_on_device(h->in[k]) == device)
                in[count++] = h->in[k];
        if (!count) continue;
        own.problem = &h->problems[format];
        own.peak = peak_of(h, format);
        if (device) assay_heat_device_outcome(b, &h->device_before, &h->device_after, &own);
        st = assay_outcome_judge(&own, in, count, margins, &seconds);
        if (st == ASSAY_OK && seconds > 0.01) b->truth_rate = assay_bench_gflop(h->w) / seconds;
        if (st == ASSAY_OK) st = record_all(h, &own, in, count, margins);
    }
    if (st == ASSAY_OK) assay_heat_out_the_fallen(h);
    return st;
}

int assay_heat_again(double drift, double left, double needed)
{
    return !(drift <= ASSAY_DRIFT_LIMIT) && left >= needed;
}

/* After a measurement, and what its two calibrations, of the host and of the device, are apart: the worse of the two.
 */
static double calibrate_after(assay_heat *h, assay_outcome_of *of)
{
    of->calibration_after = assay_bench_calibrate(h->b);
    const double drift = assay_drift(of->calibration_before, of->calibration_after);
    if (!h->devices) return drift;
    assay_heat_device_measure(h->b, &h->device_after);
    return fmax(drift, assay_drift(h->device_before.fma_fp32, h->device_after.fma_fp32));
}

/* A machine whose rate moved meanwhile measured something else at the end than at the start: once more, where the whole
 * budget has as many seconds left as the first time took, or four times as many if others wait. What still drifts is
 * marked. */
static void measure(assay_heat *h, double truth, assay_outcome_of *of)
{
    assay_bench *b = h->b;
    const double began = assay_clock(), share = h->end - began;
    time_all(h, truth);
    const double drift = calibrate_after(h, of), now = assay_clock();
    if (assay_bench_stopped(b) ||
        !assay_heat_again(drift, b->end - now, (b->waiting ? SPARE_FACTOR : 1) * (now - began + truth * h->count)))
        return;
    assay_bench_say(b, "%s: the machine's rate moved by %.1f %%: measured again", h->w->id, 100 * drift);
    for (int k = 0; k < h->count; k++)
        assay_entrant_forget(h->in[k]);
    of->repeats++;
    of->calibration_before = of->calibration_after;
    h->device_before = h->device_after;
    h->end = fmin(b->end, now + share);
    time_all(h, truth);
    calibrate_after(h, of);
}

static assay_status race(assay_heat *h)
{
    assay_bench *b = h->b;
    assay_outcome_of of = {.options = b->o,
                           .measurement = &h->m,
                           .machine = &b->machine,
                           .data = h->w->data == ASSAY_DATA_WINDOWS ? b->data : "documented",
                           .sgemm_by = b->sgemm_by};
    assay_heat_enter_all(h);
    if (!h->count) return ASSAY_OK;
    assay_status st = make_scratch(h);
    if (st != ASSAY_OK) return st;
    of.calibration_before = assay_bench_calibrate(b);
    int narrow = 0;
    for (int k = 0; k < h->count; k++)
        if (assay_heat_on_device(h->in[k]))
            h->devices = 1;
        else
            narrow |= h->in[k]->problem->arithmetic == ASSAY_BF16;
    if (h->devices) assay_heat_device_measure(b, &h->device_before);
    if (narrow) assay_bench_calibrate_narrow(b);
    double reserved = assay_bench_gflop(h->w) / assay_bench_truth_rate(b);
    reserved += assay_bench_floor_seconds(b, h->w) / h->count; /* one measurement serves all */
    assay_heat_warm_up(h, reserved);
    if (!h->count) return ASSAY_OK;
    if ((st = make_states(h)) != ASSAY_OK) return st;
    assay_bench_say(b, "%s: seed 0x%016" PRIx64 ", %.0f s", h->w->id, h->m.seed, h->end - assay_clock());
    measure(h, reserved, &of);
    for (int k = 0; k < h->count; k++)
        assay_rig_end(&h->in[k]->rig);
    assay_bench_multiply(b);
    if (narrow) assay_bench_calibrate_narrow(b);
    of.sgemm = b->sgemm;
    return settle(h, &of);
}

assay_status assay_heat_run(assay_bench *b, const assay_point *point, double seconds)
{
    const assay_workload *w = &point->workload;
    assay_heat h = {
        .b = b, .w = w, .threads = point->threads, .steps_only = b->o->axis_count > 0, .end = assay_clock() + seconds};
    for (int format = 0; format < ASSAY_TIMED_FORMATS; format++) {
        h.problems[format] = w->problem;
        h.problems[format].arithmetic = assay_timed_formats[format];
    }
    h.m = (assay_measurement){.workload = w,
                              .gbench = b->gbench,
                              .states = h.states,
                              .steps = h.steps,
                              .stop = b->o->stop,
                              .user = b->o->user};
    h.entrants = calloc((size_t)b->o->plugin_count * ASSAY_TIMED_FORMATS, sizeof *h.entrants);
    assay_status st = h.entrants ? race(&h) : ASSAY_NO_MEMORY;
    for (int k = 0; h.entrants && k < b->o->plugin_count * ASSAY_TIMED_FORMATS; k++)
        assay_entrant_free(&h.entrants[k]);
    for (int s = 0; s < ASSAY_STATES; s++)
        assay_values_free(&h.states[s]);
    assay_measurement_free(&h.m);
    free(h.entrants);
    return st;
}
