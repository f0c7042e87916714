/* heat_enter.c: who takes part in a workload: certificates, workers, first steps, threads, memory.
 * SPDX-License-Identifier: MIT */
#include "perf/heat_state.h"

#include "conformance/clock.h"
#include "perf/heat_memory.h"
#include "perf/stats.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_SECONDS 120 /* for one request, and the time of its work at 1 GFLOP/s */
#define WARM_UPS      2   /* steps */
#define SEARCH_SHARE  0.1 /* of a workload's time for trying another number of threads */

int assay_heat_format(const assay_heat *h, const assay_entrant *e)
{
    return (int)(e->problem - h->problems);
}

static double *rate_of(assay_heat *h, const assay_entrant *e)
{
    const int plugins = h->b->o->plugin_count;
    return &h->b->rate[assay_heat_format(h, e)][(int)(e - h->entrants) % plugins];
}

int assay_heat_on_device(const assay_entrant *e)
{
    return e->rig.about.place != ASSAY_HOST;
}

void assay_heat_leave_out(assay_heat *h, const assay_entrant *e, const char *phase, const char *format, ...)
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
static void out(assay_heat *h, int k, int failed)
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

static void out_by_verdict(assay_heat *h, int k)
{
    const assay_rig *rig = &h->in[k]->rig;
    int skipped = rig->verdict == ASSAY_VERDICT_SKIPPED, failed = rig->verdict != ASSAY_VERDICT_UNSUPPORTED && !skipped;
    h->b->summary->skipped += skipped;
    assay_heat_leave_out(h, h->in[k], "all", "%s: %s", assay_verdict_name(rig->verdict), rig->why);
    out(h, k, failed);
}

void assay_heat_out_the_fallen(assay_heat *h)
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

static double request_limit(const assay_heat *h)
{
    return LIMIT_SECONDS + assay_bench_gflop(h->w);
}

static void start(assay_heat *h, assay_entrant *e, int32_t threads)
{
    const assay_session_options so = {.threads = threads, .worker = h->b->o->worker, .time_limit = request_limit(h)};
    e->threads = threads;
    if (!assay_rig_start(&e->rig, e->plugin, &so, e->problem) || !same_bytes(e)) return;
    const double begin = assay_clock();
    if (assay_heat_on_device(e)) assay_heat_device_admit(h->b, e);
    h->end += assay_clock() - begin; /* as certificates, from the whole budget */
}

static assay_status certify(assay_heat *h, assay_entrant *e, int32_t threads, char *why, size_t why_size)
{
    const assay_bench_options *o = h->b->o;
    const assay_need need = {e->problem, h->w->ragged, threads};
    double begin = assay_clock();
    assay_status st = o->gate(o->user, e->plugin, &need, &e->certificate, why, why_size);
    h->end += assay_clock() - begin; /* conformance takes its time from the whole budget, not from this share */
    return st;
}

static int32_t first_threads(const assay_heat *h)
{
    return h->threads > 0 ? h->threads : h->b->threads;
}

/* 1 if it is certified; what comes of its worker is its verdict. */
static int enter(assay_heat *h, assay_entrant *e)
{
    assay_bench *b = h->b;
    char why[200] = "";
    assay_status st = certify(h, e, first_threads(h), why, sizeof why);
    if (st != ASSAY_OK) {
        int failed = st != ASSAY_UNSUPPORTED && st != ASSAY_NO_DEVICE && !assay_bench_stopped(b);
        assay_heat_leave_out(h, e, "all", "%s%s", failed ? "not certified: " : "", why);
        *(failed ? &b->summary->failed : &b->summary->left_out) += 1;
        b->summary->skipped += st == ASSAY_NO_DEVICE;
        return 0;
    }
    start(h, e, first_threads(h));
    return 1;
}

/* fp32 is for everyone. Who once refused another format of what it takes in fp32 is not asked again. */
static int offers(assay_heat *h, const assay_entrant *e, int plugin)
{
    const assay_bench_options *o = h->b->o;
    const int format = assay_heat_format(h, e);
    char why[200] = "";
    if (format == 0) return 1;
    /* No processor has tf32, and to be asked a framework has to start. */
    if (e->problem->arithmetic == ASSAY_TF32 && !assay_heat_on_device(&h->entrants[plugin])) return 0;
    if (h->steps_only || !o->offers || h->b->refused[format][plugin]) return 0;
    const int answer = o->offers(o->user, e->plugin, h->w, e->problem, why, sizeof why);
    h->b->refused[format][plugin] = answer == 0;
    if (answer >= 0) return answer;
    assay_heat_leave_out(h, e, "all", "%s", why);
    h->b->summary->left_out++;
    return 0;
}

static void try_to_enter(assay_heat *h, assay_entrant *e, double share)
{
    const double rate = *rate_of(h, e), seconds = rate > 0 ? assay_bench_gflop(h->w) / rate : 0;
    if ((ASSAY_SAMPLES_LEAST + 1) * seconds > share) {
        assay_heat_leave_out(h, e, "all", "budget: %d steps would take about %.0f s, %.0f s are left for it",
                             ASSAY_SAMPLES_LEAST + 1, (ASSAY_SAMPLES_LEAST + 1) * seconds, fmax(share, 0));
        h->b->summary->left_out++;
    } else if (enter(h, e)) {
        h->in[h->count++] = e;
    }
}

void assay_heat_enter_all(assay_heat *h)
{
    const assay_bench *b = h->b;
    double share = h->end - assay_clock();
    for (int format = 0; format < ASSAY_TIMED_FORMATS; format++)
        for (int k = 0; k < b->o->plugin_count; k++) {
            assay_entrant *e = &h->entrants[format * b->o->plugin_count + k];
            e->problem = &h->problems[format];
            e->plugin = b->o->plugins[k];
            e->name = b->o->names ? b->o->names[k] : NULL;
            if (!assay_bench_stopped(b)) {
                if (offers(h, e, k)) try_to_enter(h, e, share);
            } else if (format == 0) { /* another format is a row only where it is offered */
                assay_heat_leave_out(h, e, "all", "stopped");
                h->b->summary->left_out++;
            }
        }
    assay_heat_out_the_fallen(h);
}

double assay_heat_least(const assay_heat *h)
{
    double sum = 0;
    for (int k = 0; k < h->count; k++)
        sum += ASSAY_SAMPLES_LEAST * (fmax(h->in[k]->estimate, 0.02) + (h->in[k]->turns ? h->in[k]->waiting : 0));
    return sum;
}

/* Another number of threads, in a worker of its own; the faster of the two stays. */
static int try_threads(assay_heat *h, assay_entrant *e, int32_t threads)
{
    assay_entrant *other = calloc(1, sizeof *other);
    int faster = 0;
    if (!other) return 0;
    other->plugin = e->plugin;
    other->name = e->name;
    other->problem = e->problem;
    other->certificate = e->certificate;
    start(h, other, threads);
    if (assay_heat_ready(&h->m, other, h->room, h->count)) faster = other->estimate < e->estimate;
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
static void search_threads(assay_heat *h, assay_entrant *e)
{
    int faster = h->b->o->threads == 0 && h->threads == 0 && !assay_heat_on_device(e);
    for (int32_t threads = e->threads / 2; faster && threads >= 1; threads /= 2) {
        double guess = 2 * WARM_UPS * e->estimate; /* half the threads may be half as fast */
        if (guess > SEARCH_SHARE * (h->end - assay_clock())) return;
        faster = try_threads(h, e, threads);
    }
}

/* Timed with as many threads as it was checked with: another number is checked first. */
static void certify_threads(assay_heat *h, assay_entrant *e)
{
    char why[200] = "";
    if (e->certificate.threads == e->threads) return;
    if (certify(h, e, e->threads, why, sizeof why) == ASSAY_OK)
        same_bytes(e);
    else
        assay_rig_fail(&e->rig, ASSAY_VERDICT_FAIL, "with %d threads not certified: %s", (int)e->threads, why);
}

static double gib(int64_t bytes)
{
    return (double)bytes / (1 << 30);
}

/* Those that don't fit into memory side by side take turns; those that don't fit at all are left out. */
static void share_memory(assay_heat *h)
{
    assay_heat_share(&h->m, h->in, h->count, h->room);
    for (int k = h->count - 1; k >= 0; k--) {
        assay_entrant *e = h->in[k];
        const double own = gib(assay_rig_footprint(&e->rig)), all = gib(h->room);
        if (e->turns > 0)
            assay_bench_say(h->b, "%s: %s takes turns in memory: its plan needs %.3g GiB, there are %.3g for all",
                            h->w->id, e->rig.about.name, own, all);
        if (e->turns >= 0) continue;
        assay_heat_leave_out(h, e, "all", "memory: its plan needs %.3g GiB, there are %.3g for all", own, all);
        out(h, k, 0);
    }
}

/* No first call goes on for longer than each of five samples may take: they would not fit in any case, and nobody
 * else's would. 1 if the entrant is ready; one that takes too long is out. */
static int get_ready(assay_heat *h, int k)
{
    assay_entrant *e = h->in[k];
    const double standard = request_limit(h), fifth = fmax(h->end - assay_clock(), 0) / ASSAY_SAMPLES_LEAST;
    if (fifth < standard) assay_session_limit(e->rig.session, fifth);
    const int ready = assay_heat_ready(&h->m, e, h->room, h->count);
    assay_session_limit(e->rig.session, standard);
    if (e->rig.verdict == ASSAY_VERDICT_TIMEOUT && fifth < standard) {
        assay_heat_leave_out(h, e, "all", "budget: a first call takes more than %.3g s, a fifth of what is left for it",
                             fifth);
        out(h, k, 0);
    }
    return ready;
}

/* Nobody is timed without the others. */
static void stop_all(assay_heat *h)
{
    for (int k = h->count - 1; k >= 0; k--) {
        assay_heat_leave_out(h, h->in[k], "all", "stopped");
        out(h, k, 0);
    }
}

void assay_heat_warm_up(assay_heat *h, double reserved)
{
    h->room = assay_heat_room(h->b->o->memory, &h->w->problem, h->count);
    for (int k = h->count - 1; k >= 0; k--) {
        assay_entrant *e = h->in[k];
        if (assay_bench_stopped(h->b)) break;
        if (!get_ready(h, k)) continue;
        search_threads(h, e);
        certify_threads(h, e);
        *rate_of(h, e) = fmax(*rate_of(h, e), assay_bench_gflop(h->w) / e->estimate);
    }
    assay_heat_out_the_fallen(h);
    if (assay_bench_stopped(h->b)) stop_all(h);
    share_memory(h);
    assay_heat_out_the_fallen(h);
    while (h->count && assay_clock() + assay_heat_least(h) + reserved * h->count > h->end) {
        int slowest = 0;
        for (int k = 1; k < h->count; k++)
            if (h->in[k]->estimate > h->in[slowest]->estimate) slowest = k;
        assay_heat_leave_out(
            h, h->in[slowest], "all",
            "budget: a step takes %.2f s, five and the truth (%.0f s) do not fit into the %.0f s left for it",
            h->in[slowest]->estimate, reserved * h->count, fmax(h->end - assay_clock(), 0));
        out(h, slowest, 0);
    }
}
