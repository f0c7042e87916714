/* bench.c: which workloads on which implementations, in which order, within which budget.
 * SPDX-License-Identifier: MIT */
#include "perf/bench.h"

#include "conformance/clock.h"
#include "perf/heat.h"
#include "perf/roof.h"
#include "perf/share.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALIBRATION_SECONDS 0.3
#define SGEMM_SECONDS       0.6  /* shared by the BLAS libraries */
#define TRUTH_SHARE_OF_PEAK 0.2  /* first guess of the reference's rate: 40 % of the double peak, half the single */
#define FLOOR_RUNS          34.  /* of the reference, each a training step */
#define FLOORS_GFLOP        100. /* to which all of them are cut by taking fewer samples */

void assay_bench_say(const assay_bench *b, const char *format, ...)
{
    char line[512];
    va_list list;
    if (!b->o->progress) return;
    va_start(list, format);
    vsnprintf(line, sizeof line, format, list);
    va_end(list);
    b->o->progress(b->o->user, line);
}

int assay_bench_stopped(const assay_bench *b)
{
    return b->o->stop && b->o->stop(b->o->user);
}

/* "naive" of "lib/naive.so": what a row is called before its worker has told its name. */
static void plugin_name(const assay_bench_options *o, const char *path, char *name, size_t size)
{
    for (int32_t k = 0; k < o->plugin_count && o->names; k++)
        if (o->plugins[k] == path) {
            snprintf(name, size, "%s", o->names[k]);
            return;
        }
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    snprintf(name, size, "%.*s", (int)strcspn(base, "."), base);
}

void assay_bench_leave_out(assay_bench *b, const assay_workload *w, const char *plugin, const char *phase,
                           const char *format, ...)
{
    char name[48], why[256];
    va_list list;
    va_start(list, format);
    vsnprintf(why, sizeof why, format, list);
    va_end(list);
    plugin_name(b->o, plugin, name, sizeof name);
    assay_bench_say(b, "%s %s %s: %s", w->id, name, phase, why);
    assay_records_leave_out(b->out, w->id, name, phase, why);
}

double assay_bench_gflop(const assay_workload *w)
{
    return (assay_workload_flop_forward(w) + assay_workload_flop_backward(w)) * 1e-9;
}

double assay_bench_truth_rate(const assay_bench *b)
{
    return b->truth_rate > 0 ? b->truth_rate : TRUTH_SHARE_OF_PEAK * b->peak;
}

/* The rate as last seen may be that of a tiny truth, most of whose time is no work. */
double assay_bench_floor_seconds(const assay_bench *b, const assay_workload *w)
{
    const double rate = fmax(assay_bench_truth_rate(b), TRUTH_SHARE_OF_PEAK * b->peak);
    return b->o->axis_count > 0 ? fmin(FLOOR_RUNS * assay_bench_gflop(w), FLOORS_GFLOP) / rate : 0;
}

double assay_bench_calibrate(assay_bench *b)
{
    double rate = assay_roof_fma(ASSAY_FP32, b->threads, CALIBRATION_SECONDS);
    b->peak = fmax(b->peak, rate);
    return rate;
}

const int assay_timed_formats[ASSAY_TIMED_FORMATS] = {ASSAY_FP32, ASSAY_BF16, ASSAY_TF32};

void assay_bench_calibrate_narrow(assay_bench *b)
{
    const double rate = assay_roof_fma(ASSAY_BF16, b->threads, CALIBRATION_SECONDS);
    if (!(b->narrow_peak > rate)) b->narrow_peak = rate;
}

void assay_bench_multiply(assay_bench *b)
{
    char by[sizeof b->sgemm_by];
    double rate = assay_roof_sgemm(b->threads, SGEMM_SECONDS, by, sizeof by);
    if (!(rate > b->sgemm)) return;
    b->sgemm = rate;
    memcpy(b->sgemm_by, by, sizeof by);
}

/* ---- all of them ---- */

static int by_work(const void *a, const void *b)
{
    double x = assay_bench_gflop(&((const assay_point *)a)->workload),
           y = assay_bench_gflop(&((const assay_point *)b)->workload);
    return (x > y) - (x < y);
}

/* What is to be timed. */
typedef struct selection {
    assay_point *at; /* owned; smallest work first */
    int count;
} selection;

static int is_selected(const selection *s, const char *id)
{
    for (int k = 0; k < s->count; k++)
        if (!strcmp(s->at[k].id, id)) return 1;
    return 0;
}

/* The documented size belongs to several axes, and is timed once. */
static void select_points(const assay_bench_options *o, const assay_workload *w, int32_t cores, selection *s)
{
    assay_point points[ASSAY_MOST_POINTS] = {{.workload = *w}};
    snprintf(points[0].id, sizeof points[0].id, "%s", w->id);
    if (o->axis_count == 0) s->at[s->count++] = points[0];
    for (int a = 0; a < o->axis_count; a++) {
        int count = assay_scale_points(w, (assay_axis)o->axes[a], cores, points);
        for (int k = 0; k < count; k++)
            if (!is_selected(s, points[k].id)) s->at[s->count++] = points[k];
    }
}

static int is_wanted(const assay_bench_options *o, const assay_workload *w)
{
    for (int k = 0; k < o->glob_count; k++)
        if (assay_workload_matches(w, o->globs[k])) return 1;
    return o->glob_count == 0;
}

/* A pattern that no workload has; NULL if there is none. */
static const char *unmatched(const assay_bench_options *o)
{
    for (int g = 0; g < o->glob_count; g++) {
        int matches = 0;
        for (int k = 0; k < assay_workload_count(); k++)
            matches += assay_workload_matches(assay_workload_get(k), o->globs[g]);
        if (!matches) return o->globs[g];
    }
    return NULL;
}

static assay_status select_all(const assay_bench_options *o, int32_t cores, selection *s)
{
    const size_t each = o->axis_count > 0 ? (size_t)o->axis_count * ASSAY_MOST_POINTS : 1;
    *s = (selection){.at = calloc((size_t)assay_workload_count() * each, sizeof *s->at)};
    if (!s->at) return ASSAY_NO_MEMORY;
    for (int k = 0; k < assay_workload_count(); k++)
        if (is_wanted(o, assay_workload_get(k))) select_points(o, assay_workload_get(k), cores, s);
    qsort(s->at, (size_t)s->count, sizeof *s->at, by_work);
    for (int k = 0; k < s->count; k++)
        s->at[k].workload.id = s->at[k].id; /* a point knows its id by its own place */
    return ASSAY_OK;
}

/* What the library's own context lacks. */
static assay_status describe(const assay_bench *b)
{
    const struct {
        const char *key, *value;
    } facts[] = {{"cpu", b->machine.cpu},       {"isa", b->machine.isa}, {"governor", b->machine.governor},
                 {"kernel", b->machine.kernel}, {"os", b->machine.os},   {"suite_version", b->o->suite_version},
                 {"commit", b->o->commit},      {"build", b->o->build},  {"data", b->data}};
    for (size_t k = 0; k < sizeof facts / sizeof *facts; k++)
        if (assay_gbench_context(b->gbench, facts[k].key, facts[k].value ? facts[k].value : "")) return ASSAY_NO_MEMORY;
    return ASSAY_OK;
}

int32_t assay_bench_threads(int32_t asked, const assay_machine *machine)
{
    return asked > 0 ? asked : machine->cores > 0 ? machine->cores : 1;
}

static assay_status prepare(assay_bench *b, char *why, size_t why_size)
{
    const assay_bench_options *o = b->o;
    assay_machine_read(&b->machine);
    b->threads = assay_bench_threads(o->threads, &b->machine);
    snprintf(b->data, sizeof b->data, "documented");
    if (!o->text) return ASSAY_OK;
    assay_status st = assay_text_read(o->text, &b->text, why, why_size);
    if (st == ASSAY_OK) snprintf(b->data, sizeof b->data, "text sha256:%s", b->text.hash);
    return st;
}

/* Both roofs, before anything else runs. */
static void measure_machine(assay_bench *b)
{
    assay_bench_calibrate(b);
    assay_bench_multiply(b);
    if (b->sgemm > 0)
        assay_bench_say(b, "%d threads: %.4g GFLOP/s at the multiply-add peak, %.4g in a large product by %s",
                        (int)b->threads, b->peak, b->sgemm, b->sgemm_by);
    else
        assay_bench_say(b,
                        "%d threads: %.4g GFLOP/s at the multiply-add peak; no BLAS library here for a large product",
                        (int)b->threads, b->peak);
}

static void leave_all_out(assay_bench *b, const assay_workload *w)
{
    for (int p = 0; p < b->o->plugin_count; p++)
        assay_bench_leave_out(b, w, b->o->plugins[p], "all", "stopped");
    b->summary->left_out += b->o->plugin_count;
}

static assay_status run_selected(assay_bench *b, const selection *s, char *why, size_t why_size)
{
    assay_status st = ASSAY_OK;
    for (int k = 0; k < s->count && st == ASSAY_OK; k++) {
        const assay_workload *w = &s->at[k].workload;
        if (assay_bench_stopped(b)) {
            leave_all_out(b, w);
            continue;
        }
        b->waiting = s->count - 1 - k;
        st = assay_heat_run(b, &s->at[k], assay_share(b, s->at + k, s->count - k, b->end - assay_clock()));
        if (st != ASSAY_OK)
            snprintf(why, why_size, "%s: %s", w->id,
                     st == ASSAY_NO_MEMORY ? "no memory"
                                           : "data or truth could not be made (is the text long enough?)");
    }
    return st;
}

assay_status assay_bench_run(const assay_bench_options *o, assay_gbench *g, assay_records *out_list,
                             assay_bench_summary *summary, char *why, size_t why_size)
{
    assay_bench b = {.o = o, .gbench = g, .out = out_list, .summary = summary, .end = assay_clock() + o->budget};
    selection s = {0};
    *summary = (assay_bench_summary){0};
    if (o->plugin_count < 1 || o->plugin_count > ASSAY_MOST_PLUGINS) {
        snprintf(why, why_size, "%d implementations: expected 1 to %d", (int)o->plugin_count, ASSAY_MOST_PLUGINS);
        return ASSAY_BAD_ARGUMENT;
    }
    assay_status st = prepare(&b, why, why_size);
    if (st == ASSAY_OK && (st = select_all(o, b.machine.cores, &s)) != ASSAY_OK)
        snprintf(why, why_size, "no memory for the list of workloads");
    const char *stranger = unmatched(o);
    if (st == ASSAY_OK && stranger) {
        snprintf(why, why_size, "no workload matches '%s': expected one of `assay list workloads`", stranger);
        st = ASSAY_BAD_ARGUMENT;
    }
    if (st == ASSAY_OK) st = describe(&b);
    if (st == ASSAY_OK) measure_machine(&b);
    if (st == ASSAY_OK) st = run_selected(&b, &s, why, why_size);
    assay_text_free(&b.text);
    free(s.at);
    return st;
}
