/* bench.c: which workloads on which implementations, in which order, within which budget.
 * SPDX-License-Identifier: MIT */
#include "perf/bench.h"

#include "conformance/clock.h"
#include "perf/heat.h"
#include "perf/roof.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALIBRATION_SECONDS 0.3
#define SGEMM_SECONDS       0.6 /* shared by the BLAS libraries */
#define TRUTH_SHARE_OF_PEAK 0.2 /* first guess of the reference's rate: 40 % of the double peak, half the single */
#define STEP_SHARE_OF_PEAK  0.3 /* first guess of an implementation's rate */
#define LEAST_STEPS         14  /* warming up, five steps, five times the phases, five times forward */

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
static void plugin_name(const char *path, char *name, size_t size)
{
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
    plugin_name(plugin, name, sizeof name);
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

double assay_bench_calibrate(assay_bench *b)
{
    double rate = assay_roof_fma(ASSAY_FP32, b->threads, CALIBRATION_SECONDS);
    b->peak = fmax(b->peak, rate);
    return rate;
}

/* ---- all of them ---- */

static int by_work(const void *a, const void *b)
{
    double x = assay_bench_gflop(*(const assay_workload *const *)a),
           y = assay_bench_gflop(*(const assay_workload *const *)b);
    return (x > y) - (x < y);
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

/* How many of the workloads, smallest first, the rest of the budget can hold on the fastest implementation: they share
 * it. Without this the largest, which may never fit, would keep their shares from the others. */
static int count_fitting(const assay_bench *b, const assay_workload *const *w, int count)
{
    double rate = 0, left = b->end - assay_clock();
    int fitting = 0;
    for (int p = 0; p < b->o->plugin_count; p++)
        rate = fmax(rate, b->rate[p]);
    if (!(rate > 0)) rate = STEP_SHARE_OF_PEAK * b->peak;
    for (; fitting < count && left > 0; fitting++)
        left -= assay_bench_gflop(w[fitting]) * (LEAST_STEPS / rate + 1 / assay_bench_truth_rate(b));
    return fitting > 1 ? fitting : 1;
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
    b->sgemm = assay_roof_sgemm(b->threads, SGEMM_SECONDS, b->sgemm_by, sizeof b->sgemm_by);
    assay_bench_say(b, "%d threads: %.4g GFLOP/s at the multiply-add peak, %.4g in a large product by %s",
                    (int)b->threads, b->peak, b->sgemm, b->sgemm_by);
}

assay_status assay_bench_run(const assay_bench_options *o, assay_gbench *g, assay_records *out_list,
                             assay_bench_summary *summary, char *why, size_t why_size)
{
    assay_bench b = {.o = o, .gbench = g, .out = out_list, .summary = summary, .end = assay_clock() + o->budget};
    const assay_workload *selected[64];
    int count = 0;
    *summary = (assay_bench_summary){0};
    for (int k = 0; k < assay_workload_count(); k++)
        if (assay_workload_matches(assay_workload_get(k), o->glob)) selected[count++] = assay_workload_get(k);
    if (count == 0 || o->plugin_count < 1 || o->plugin_count > ASSAY_MOST_PLUGINS) {
        if (count)
            snprintf(why, why_size, "%d implementations: expected 1 to %d", (int)o->plugin_count, ASSAY_MOST_PLUGINS);
        else
            snprintf(why, why_size, "no workload matches '%s'", o->glob ? o->glob : "*");
        return ASSAY_BAD_ARGUMENT;
    }
    qsort(selected, (size_t)count, sizeof *selected, by_work);
    assay_status st = prepare(&b, why, why_size);
    if (st == ASSAY_OK) st = describe(&b);
    if (st == ASSAY_OK) measure_machine(&b);
    for (int k = 0; k < count && st == ASSAY_OK; k++) {
        if (assay_bench_stopped(&b)) {
            for (int p = 0; p < o->plugin_count; p++)
                assay_bench_leave_out(&b, selected[k], o->plugins[p], "all", "stopped");
            summary->left_out += o->plugin_count;
            continue;
        }
        st = assay_heat_run(&b, selected[k], (b.end - assay_clock()) / count_fitting(&b, selected + k, count - k));
        if (st != ASSAY_OK)
            snprintf(why, why_size, "%s: %s", selected[k]->id,
                     st == ASSAY_NO_MEMORY ? "no memory"
                                           : "data or truth could not be made (is the text long enough?)");
    }
    assay_text_free(&b.text);
    return st;
}
