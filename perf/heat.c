/* heat.c: one workload: certificates, workers, warming up, threads, timed blocks, judgement.
 * SPDX-License-Identifier: MIT */
#include "perf/heat.h"

#include "conformance/clock.h"
#include "conformance/hash.h"
#include "perf/state.h"
#include "perf/stats.h"
#include "reference/data.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_SECONDS 120  /* for one request, and the time of its work at 1 GFLOP/s */
#define SCRATCH_SEED  1    /* of the numbers for warming up */
#define WARM_UPS      2    /* steps */
#define SEARCH_SHARE  0.1  /* of a workload's time for trying another number of threads */
#define STEPS_SHARE   0.55 /* of a workload's time; what is left goes to phases, then to forward only */
#define SPARE_FACTOR  4. /* of its time, that must be left for measuring again where other workloads wait for theirs */
#define PHASES_SHARE  0.7

typedef struct heat {
    assay_bench *b;
    const assay_workload *w;
    assay_problem problems[ASSAY_TIMED_FORMATS];
    assay_values states[ASSAY_STATES];
    int64_t steps[ASSAY_STATES];
    assay_measurement m;
    assay_entrant *entrants; /* one a format and plugin; those not in `in` are out */
    assay_entrant *in[ASSAY_TIMED_FORMATS * ASSAY_MOST_PLUGINS];
    int count, devices; /* 1: some of them are on a device */
    int32_t threads;    /* that everyone has; 0 = those that serve best */
    int steps_only;
    double end; /* of this workload's share of the budget */
    assay_device_roof device_before, device_after;
} heat;

/* Number of an entrant's format and of its plugin. */
static int format_of(const heat *h, const assay_entrant *e)
{
    return (int)(e->problem - h->problems);
}

static double *rate_of(heat *h, const assay_entrant *e)
{
    const int plugins = h->b->o->plugin_count;
    return &h->b->rate[format_of(h, e)][(int)(e - h->entrants) % plugins];
}

/* On the host, which has nothing for tf32. */
static double peak_of(const heat *h, int format)
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

static int on_device(const assay_entrant *e)
{
    return e->rig.about.place != ASSAY_HOST;
}

/* A row without a number; what is not fp32 says so. */
static __attribute__((format(printf, 4, 5))) void leave_out(heat *h, const assay_entrant *e, const char *phase,
                                                            const char *format, ...)
{
    const int arithmetic = e->problem->arithmetic, narrow = arithmetic != ASSAY_FP32;
    char why[256];
    va_list list;
    va_start(list, format);
    vsnprintf(why, sizeof why, format, list);
    va_end(list);
    assay_bench_leave_out(h->b, h->w, e->plugin, phase, "%s%s%s", narrow ? assay_format_name(arithmetic) : "",
                          narrow ? ": " : "", why);
}

/* Takes an entrant out of the race, saying why. */
static void out(heat *h, int k, int failed)
{
    assay_entrant *e = h->in[k];
    if (failed)
        h->b->summary->failed++;
    else
        h->b->summary->left_out++;
    assay_entrant_free(e);
    memmove(&h->in[k], &h->in[k + 1], (size_t)(h->count - k - 1) * sizeof h->in[0]);
    h->count--;
}

static void out_by_verdict(heat *h, int k)
{
    const assay_rig *rig = &h->in[k]->rig;
    int skipped = rig->verdict == ASSAY_VERDICT_SKIPPED, failed = rig->verdict != ASSAY_VERDICT_UNSUPPORTED && !skipped;
    h->b->summary->skipped += skipped;
    leave_out(h, h->in[k], "all", "%s: %s", assay_verdict_name(rig->verdict), rig->why);
    out(h, k, failed);
}

static void out_the_fallen(heat *h)
{
    for (int k = h->count - 1; k >= 0; k--)
        if (h->in[k]->rig.verdict != ASSAY_VERDICT_PASS) out_by_verdict(h, k);
}

/* The worker runs the very bytes that were certified, or nothing is timed. */
static int same_bytes(assay_entrant *e)
{
    const assay_session_info *about = &e->rig.about;
    if (strcmp(about->plugin_hash, e->certificate.plugin_hash))
        return assay_rig_fail(&e->rig, ASSAY_VERDICT_MISTRUSTED, "its file is another than was certified");
    if (strcmp(about->mapped_hash, e->certificate.mapped_hash))
        return assay_rig_fail(&e->rig, ASSAY_VERDICT_MISTRUSTED, "the worker maps other libraries than were certified");
    return 1;
}

static void start(heat *h, assay_entrant *e, int32_t threads)
{
    const assay_session_options so = {
        .threads = threads, .worker = h->b->o->worker, .time_limit = LIMIT_SECONDS + assay_bench_gflop(h->w)};
    e->threads = threads;
    if (!assay_rig_start(&e->rig, e->plugin, &so, e->problem) || !same_bytes(e)) return;
    const double begin = assay_clock();
    if (on_device(e)) assay_heat_device_admit(h->b, e);
    h->end += assay_clock() - begin; /* as certificates, from the whole budget */
}

static assay_status certify(heat *h, assay_entrant *e, int32_t threads, char *why, size_t why_size)
{
    const assay_bench_options *o = h->b->o;
    const assay_need need = {e->problem, h->w->ragged, threads};
    double begin = assay_clock();
    assay_status st = o->gate(o->user, e->plugin, &need, &e->certificate, why, why_size);
    h->end += assay_clock() - begin; /* conformance takes its time from the whole budget, not from this share */
    return st;
}

static int32_t first_threads(const heat *h)
{
    return h->threads > 0 ? h->threads : h->b->threads;
}

/* 1 if it is certified; what comes of its worker is its verdict. */
static int enter(heat *h, assay_entrant *e)
{
    assay_bench *b = h->b;
    char why[200] = "";
    assay_status st = certify(h, e, first_threads(h), why, sizeof why);
    if (st != ASSAY_OK) {
        int failed = st != ASSAY_UNSUPPORTED && st != ASSAY_NO_DEVICE && !assay_bench_stopped(b);
        leave_out(h, e, "all", "%s%s", failed ? "not certified: " : "", why);
        *(failed ? &b->summary->failed : &b->summary->left_out) += 1;
        b->summary->skipped += st == ASSAY_NO_DEVICE;
        return 0;
    }
    start(h, e, first_threads(h));
    return 1;
}

/* fp32 is for everyone. Who once refused another format of what it takes in fp32 is not asked again. */
static int offers(heat *h, const assay_entrant *e, int plugin)
{
    const assay_bench_options *o = h->b->o;
    const int format = format_of(h, e);
    char why[200] = "";
    if (format == 0) return 1;
    /* No processor has tf32, and to be asked a framework has to start. */
    if (e->problem->arithmetic == ASSAY_TF32 && !on_device(&h->entrants[plugin])) return 0;
    if (h->steps_only || !o->offers || h->b->refused[format][plugin]) return 0;
    const int answer = o->offers(o->user, e->plugin, h->w, e->problem, why, sizeof why);
    h->b->refused[format][plugin] = answer == 0;
    if (answer >= 0) return answer;
    leave_out(h, e, "all", "%s", why);
    h->b->summary->left_out++;
    return 0;
}

static void try_to_enter(heat *h, assay_entrant *e, double share)
{
    const double rate = *rate_of(h, e), seconds = rate > 0 ? assay_bench_gflop(h->w) / rate : 0;
    if ((ASSAY_SAMPLES_LEAST + 1) * seconds > share) {
        leave_out(h, e, "all", "budget: %d steps would take about %.0f s, %.0f s are left for it",
                  ASSAY_SAMPLES_LEAST + 1, (ASSAY_SAMPLES_LEAST + 1) * seconds, fmax(share, 0));
        h->b->summary->left_out++;
    } else if (enter(h, e)) {
        h->in[h->count++] = e;
    }
}

static void enter_all(heat *h)
{
    const assay_bench *b = h->b;
    double share = h->end - assay_clock();
    for (int format = 0; format < ASSAY_TIMED_FORMATS; format++)
        for (int k = 0; k < b->o->plugin_count; k++) {
            assay_entrant *e = &h->entrants[format * b->o->plugin_count + k];
            e->problem = &h->problems[format];
            e->plugin = b->o->plugins[k];
            e->name = b->o->names ? b->o->names[k] : NULL;
            if (assay_bench_stopped(b)) return;
            if (offers(h, e, k)) try_to_enter(h, e, share);
        }
    out_the_fallen(h);
}

/* Numbers for warming up, the same in every run: the seed that counts is drawn when all workers are warm. */
static assay_status make_scratch(heat *h)
{
    const assay_text *text = h->b->text.tokens ? &h->b->text : NULL;
    return assay_state_make(h->w, SCRATCH_SEED, 0, text, &h->states[0], &h->steps[0]);
}

static assay_status make_states(heat *h)
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

/* Least seconds that five rounds of steps still take. */
static double least(const heat *h)
{
    double sum = 0;
    for (int k = 0; k < h->count; k++)
        sum += ASSAY_SAMPLES_LEAST * fmax(h->in[k]->estimate[ASSAY_PHASE_STEP], 0.02);
    return sum;
}

/* Another number of threads, in a worker of its own; the faster of the two stays. */
static int try_threads(heat *h, assay_entrant *e, int32_t threads)
{
    assay_entrant *other = calloc(1, sizeof *other);
    int faster = 0;
    if (!other) return 0;
    other->plugin = e->plugin;
    other->name = e->name;
    other->problem = e->problem;
    other->certificate = e->certificate;
    start(h, other, threads);
    if (assay_rig_plan(&other->rig, &h->states[0]) && assay_measure_warm_up(&h->m, other) &&
        assay_measure_estimate(other))
        faster = other->estimate[ASSAY_PHASE_STEP] < e->estimate[ASSAY_PHASE_STEP];
    if (faster) {
        assay_entrant slower = *e;
        *e = *other;
        *other = slower;
    }
    assay_entrant_free(other);
    free(other);
    return faster;
}

/* Halves the number of threads as long as that is faster and costs little of this workload's share. */
static void search_threads(heat *h, assay_entrant *e)
{
    int faster = h->b->o->threads == 0 && h->threads == 0 && !on_device(e);
    for (int32_t threads = e->threads / 2; faster && threads >= 1; threads /= 2) {
        double guess = 2 * WARM_UPS * e->estimate[ASSAY_PHASE_STEP]; /* half the threads may be half as fast */
        if (guess > SEARCH_SHARE * (h->end - assay_clock())) return;
        faster = try_threads(h, e, threads);
    }
}

/* Timed with as many threads as it was checked with: another number is checked first. */
static void certify_threads(heat *h, assay_entrant *e)
{
    char why[200] = "";
    if (e->certificate.threads == e->threads) return;
    if (certify(h, e, e->threads, why, sizeof why) == ASSAY_OK)
        same_bytes(e);
    else
        assay_rig_fail(&e->rig, ASSAY_VERDICT_FAIL, "with %d threads not certified: %s", (int)e->threads, why);
}

/* Warms everyone up; the slowest are left out until the rest fits into what is left. */
static void warm_up(heat *h, double reserved)
{
    for (int k = 0; k < h->count; k++) {
        assay_entrant *e = h->in[k];
        if (assay_bench_stopped(h->b)) return;
        if (!assay_rig_plan(&e->rig, &h->states[0]) || !assay_measure_warm_up(&h->m, e) || !assay_measure_estimate(e))
            continue;
        search_threads(h, e);
        certify_threads(h, e);
        *rate_of(h, e) = assay_bench_gflop(h->w) / e->estimate[ASSAY_PHASE_STEP];
    }
    out_the_fallen(h);
    while (h->count && assay_clock() + least(h) + reserved * h->count > h->end) {
        int slowest = 0;
        for (int k = 1; k < h->count; k++)
            if (h->in[k]->estimate[ASSAY_PHASE_STEP] > h->in[slowest]->estimate[ASSAY_PHASE_STEP]) slowest = k;
        leave_out(h, h->in[slowest], "all",
                  "budget: a step takes %.2f s, five and the truth (%.0f s) do not fit into the %.0f s left for it",
                  h->in[slowest]->estimate[ASSAY_PHASE_STEP], reserved * h->count, fmax(h->end - assay_clock(), 0));
        out(h, slowest, 0);
    }
}

/* Are so many seconds left? If not, these rows are named. */
static int fits(heat *h, const char *phase, double needed, double end, double *left)
{
    *left = end - assay_clock();
    for (int k = 0; k < h->count && !(needed < *left); k++)
        leave_out(h, h->in[k], phase, "budget: %.0f s are left for it", fmax(*left, 0));
    return needed < *left;
}

/* Each kind of block of each implementation is judged on numbers of its own. Forward is a third of a step, half of one
 * with what it leaves to read; its truth is a third of `truth`, the seconds for that of a training step. */
static void time_all(heat *h, double truth)
{
    int later = assay_measure_short(h->in, h->count) ? h->count : 0, scored = h->w->forward_loss;
    double forward = least(h) / 2, end = h->end - truth * (later + h->count * (2 + (1 + scored) / 3.)), left;
    if (h->steps_only) {
        end = h->end - truth * (later + h->count);
        assay_measure_steps(&h->m, h->in, h->count, end - assay_clock());
        return;
    }
    assay_measure_steps(&h->m, h->in, h->count, STEPS_SHARE * (end - assay_clock()));
    if (fits(h, "phases", least(h), end, &left)) /* the phases of a step take about as long as a step */
        assay_measure_phases(&h->m, h->in, h->count, fmin(PHASES_SHARE * left, left - (1 + scored) * forward));
    if (fits(h, "infer", forward, end, &left)) assay_measure_infer(&h->m, h->in, h->count, left / (1 + scored));
    if (scored && fits(h, "forward-loss", forward, end, &left))
        assay_measure_forward_loss(&h->m, h->in, h->count, left);
}

/* Records of those that passed. */
static assay_status record_all(heat *h, const assay_outcome_of *of, assay_entrant *const *in, int count,
                               const double *margins)
{
    assay_bench *b = h->b;
    for (int k = 0; k < count; k++) {
        const assay_entrant *e = in[k];
        const assay_series *s = &e->series[ASSAY_PHASE_STEP];
        if (e->rig.verdict != ASSAY_VERDICT_PASS) continue;
        if (s->count < ASSAY_SAMPLES_LEAST) {
            leave_out(h, e, "all", "stopped after %d of %d samples", (int)s->count, ASSAY_SAMPLES_LEAST);
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
static assay_status settle(heat *h, const assay_outcome_of *of)
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
            if (format_of(h, h->in[k]) == format && on_device(h->in[k]) == device) in[count++] = h->in[k];
        if (!count) continue;
        own.problem = &h->problems[format];
        own.peak = peak_of(h, format);
        if (device) assay_heat_device_outcome(b, &h->device_before, &h->device_after, &own);
        st = assay_outcome_judge(&own, in, count, margins, &seconds);
        if (st == ASSAY_OK && seconds > 0.01) b->truth_rate = assay_bench_gflop(h->w) / seconds;
        if (st == ASSAY_OK) st = record_all(h, &own, in, count, margins);
    }
    if (st == ASSAY_OK) out_the_fallen(h);
    return st;
}

int assay_heat_again(double drift, double left, double needed)
{
    return !(drift <= ASSAY_DRIFT_LIMIT) && left >= needed;
}

/* After a measurement, and what its two calibrations, of the host and of the device, are apart: the worse of the two.
 */
static double calibrate_after(heat *h, assay_outcome_of *of)
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
static void measure(heat *h, double truth, assay_outcome_of *of)
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

static assay_status race(heat *h)
{
    assay_bench *b = h->b;
    assay_outcome_of of = {.options = b->o,
                           .measurement = &h->m,
                           .machine = &b->machine,
                           .data = h->w->data == ASSAY_DATA_WINDOWS ? b->data : "documented",
                           .sgemm_by = b->sgemm_by};
    enter_all(h);
    if (!h->count) return ASSAY_OK;
    assay_status st = make_scratch(h);
    if (st != ASSAY_OK) return st;
    of.calibration_before = assay_bench_calibrate(b);
    int narrow = 0;
    for (int k = 0; k < h->count; k++)
        if (on_device(h->in[k]))
            h->devices = 1;
        else
            narrow |= h->in[k]->problem->arithmetic == ASSAY_BF16;
    if (h->devices) assay_heat_device_measure(b, &h->device_before);
    if (narrow) assay_bench_calibrate_narrow(b);
    double reserved = assay_bench_gflop(h->w) / assay_bench_truth_rate(b);
    reserved += assay_bench_floor_seconds(b, h->w) / h->count; /* one measurement serves all */
    warm_up(h, reserved);
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
    heat h = {
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
