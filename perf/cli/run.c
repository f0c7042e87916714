/* run.c: `assay run`: check, then bench what conforms, then report: everything that this machine can do.
 * SPDX-License-Identifier: MIT */
#include "conformance/certificate.h"
#include "conformance/clock.h"
#include "conformance/hash.h"
#include "perf/cli/check.h"
#include "perf/cli/command.h"
#include "perf/cli/options.h"
#include "perf/cli/output.h"
#include "perf/cli/paths.h"
#include "perf/cli/plugins.h"
#include "perf/cli/print.h"
#include "perf/cli/timing.h"
#include "perf/machine.h"
#include "perf/report.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USUAL_BUDGET 570.0 /* seconds: ten minutes in all, unless the check alone takes most of them */
#define QUICK_BUDGET 105
#define NO_BUDGET    1e9
/* Of a budget that nobody gave the check may use all but this: it takes as long as there are implementations here. */
#define USUAL_TIMING 240
#define QUICK_TIMING 60

/* Seconds. */
typedef struct allowance {
    double whole;  /* check and timing */
    double timing; /* of these at least, whatever the check took; 0: no more than is left */
} allowance;

/* What the check showed of each plugin: its certificate in the making. */
typedef struct proof {
    const assay_plugins *plugins;
    assay_certificate certificate[ASSAY_TIMED_FORMATS][ASSAY_MAX_PLUGINS];
    int begun[ASSAY_MAX_PLUGINS], passed[ASSAY_MAX_PLUGINS], bad[ASSAY_MAX_PLUGINS], skipped[ASSAY_MAX_PLUGINS];
} proof;

static void note(void *user, const assay_result *r)
{
    proof *p = user;
    for (int k = 0; k < p->plugins->count; k++) {
        if (strcmp(p->plugins->path[k], r->plugin)) continue;
        for (int f = 0; p->begun[k] && f < ASSAY_TIMED_FORMATS; f++)
            assay_certificate_note(&p->certificate[f][k], r);
        p->passed[k] += r->verdict == ASSAY_VERDICT_PASS;
        p->skipped[k] += r->verdict == ASSAY_VERDICT_SKIPPED;
        p->bad[k] += r->verdict != ASSAY_VERDICT_PASS && r->verdict != ASSAY_VERDICT_UNSUPPORTED &&
                     r->verdict != ASSAY_VERDICT_SKIPPED;
    }
}

static void begin(proof *p, const assay_plugins *plugins, const char *device, assay_level level, int threads,
                  uint64_t seed)
{
    memset(p, 0, sizeof *p);
    p->plugins = plugins;
    for (int k = 0; k < plugins->count; k++) {
        assay_session *session = NULL;
        assay_session_options options = {.threads = threads, .time_limit = 30};
        assay_session_start(plugins->path[k], &options, &session);
        if (!session) continue; /* the check will say why */
        if (!assay_session_libraries(session)[0]) {
            assay_session_end(session);
            continue; /* nothing could name what was proved: the gate says so */
        }
        for (int f = 0; f < ASSAY_TIMED_FORMATS; f++)
            assay_certificate_begin(assay_session_about(session), device, assay_timed_formats[f], level, threads, seed,
                                    &p->certificate[f][k]);
        p->begun[k] = 1;
        assay_session_end(session);
    }
}

/* 0: this format was refused throughout. */
static int proves_anything(const assay_certificate *c)
{
    int passed = 0;
    for (int g = 0; g < c->count; g++)
        for (int k = 0; k < ASSAY_CERTIFICATE_CHECKS; k++)
            passed += c->groups[g].by[k].passed;
    return passed > 0;
}

/* Certificates for what conforms; the others leave the list, by name. The paths stay the caller's. */
static void keep_conforming(proof *p, const char *folder, assay_plugins *out)
{
    char why[256];
    out->count = 0;
    for (int k = 0; k < p->plugins->count; k++) {
        if (p->bad[k] || !p->passed[k]) {
            const char *how = p->bad[k] || !p->skipped[k] ? "does not conform" : "was skipped";
            printf("%s %s: it is not timed\n", p->plugins->label[k], how);
            continue;
        }
        for (int f = 0; p->begun[k] && f < ASSAY_TIMED_FORMATS; f++) {
            assay_certificate *c = &p->certificate[f][k];
            if (f > 0 && !proves_anything(c)) continue;
            if (assay_certificate_write(folder, c, why, sizeof why) == ASSAY_OK) continue;
            assay_print_error("run: %s", why); /* the gate then checks once more */
        }
        out->path[out->count] = p->plugins->path[k];
        out->label[out->count++] = p->plugins->label[k];
    }
}

static const struct {
    const char *file;
    assay_report_format format;
} forms[] = {{"report.html", ASSAY_REPORT_HTML},
             {"report.md", ASSAY_REPORT_MARKDOWN},
             {"smaller-is-better.json", ASSAY_REPORT_SMALLER}};
#define FORMS (sizeof forms / sizeof *forms)

/* Times, and before them what the check showed. */
static int write_reports(assay_records *records, const char *check, const char *out)
{
    static assay_report_beside beside; /* too large for a stack */
    char why[256];
    int status = ASSAY_EXIT_HELD;
    if (assay_report_read(check, records, &beside, why, sizeof why) != ASSAY_OK) {
        assay_print_error("run: %s", why);
        status = ASSAY_EXIT_UNABLE;
    }
    for (size_t k = 0; k < FORMS; k++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", out, forms[k].file);
        char *text = assay_report_text_with(records, &beside, forms[k].format);
        if (!text) assay_print_error("run: %s: no memory for its text", path);
        if (!text || assay_output_write(path, text, strlen(text))) status = ASSAY_EXIT_UNABLE;
        free(text);
    }
    assay_report_beside_free(&beside);
    return status;
}

/* Files of one run. */
typedef struct paths {
    char check[PATH_MAX], junit[PATH_MAX], records[PATH_MAX], gbench[PATH_MAX], certificates[PATH_MAX];
} paths;

static void name_files(paths *p, const char *out)
{
    snprintf(p->check, sizeof p->check, "%s/check.json", out);
    snprintf(p->junit, sizeof p->junit, "%s/check.xml", out);
    snprintf(p->records, sizeof p->records, "%s/records.json", out);
    snprintf(p->gbench, sizeof p->gbench, "%s/google-benchmark.json", out);
    snprintf(p->certificates, sizeof p->certificates, "%s/certificates", out);
}

/* What this run does not get to must not lie beside its results as if it were its own. */
static void clear(const paths *p, const char *out)
{
    char path[PATH_MAX];
    unlink(p->check);
    unlink(p->junit);
    unlink(p->records);
    unlink(p->gbench);
    for (size_t k = 0; k < FORMS; k++) {
        snprintf(path, sizeof path, "%s/%s", out, forms[k].file);
        unlink(path);
    }
}

/* Of two exit statuses the one that counts: what broke before what is missing, before what was skipped. */
static int worse(int a, int b)
{
    static const int order[] = {ASSAY_EXIT_USAGE, ASSAY_EXIT_BROKEN, ASSAY_EXIT_UNABLE, ASSAY_EXIT_SKIPPED};
    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        if (a == order[k] || b == order[k]) return order[k];
    }
    return ASSAY_EXIT_HELD;
}

static int perform(const assay_plugins *plugins, assay_timing_request *timing, const char *out, assay_level level,
                   allowance budget)
{
    static assay_plugins conforming; /* borrowed pointers; too large for a stack */
    static proof proved;
    paths files;
    double started = assay_clock();
    assay_machine machine;
    assay_machine_read(&machine);
    int threads = assay_bench_threads(timing->bench.threads, &machine);
    name_files(&files, out);
    if (assay_path_folder("run", "out", out) >= 0 || assay_path_folder("run", "out", files.certificates) >= 0)
        return ASSAY_EXIT_USAGE;
    clear(&files, out);

    assay_check_request check = {.command = "run",
                                 .suite = {.plugins = (const char *const *)plugins->path,
                                           .labels = (const char *const *)plugins->label,
                                           .plugin_count = plugins->count,
                                           .seed = assay_seed_fresh(),
                                           .level = level,
                                           .threads = threads},
                                 .repeat = 1,
                                 .json = files.check,
                                 .junit = files.junit,
                                 .also = note,
                                 .user = &proved};
    begin(&proved, plugins, machine.cpu, level, threads, check.suite.seed);
    int status = assay_check_perform(&check);
    if (!check.whole || status == ASSAY_EXIT_UNABLE) return status;
    keep_conforming(&proved, files.certificates, &conforming);
    if (conforming.count) {
        timing->plugins = &conforming;
        timing->certificates = files.certificates;
        timing->json = files.records;
        timing->gbench = files.gbench;
        const double left = budget.whole - (assay_clock() - started);
        timing->bench.budget = fmax(left, budget.timing);
        if (timing->bench.budget <= 0)
            assay_print_error("run: --budget %g: the check took %.0f s of it: expected more, for anything to be timed",
                              budget.whole, budget.whole - left);
        status = worse(status, assay_timing_perform(timing));
    }
    status = worse(status, write_reports(&timing->records, files.check, out));
    printf("report: %s/report.html, report.md, %scheck.json, check.xml\n", out,
           conforming.count ? "records.json, " : "");
    return status;
}

int assay_command_run(int argc, char **argv)
{
    static const assay_usage usage = {
        "run", NULL,
        "The main job: checks every implementation, times those that conform on the documented workloads, small ones "
        "first,\n"
        "and writes a report. Takes ten minutes unless told otherwise, or the check's time and four minutes; what that "
        "leaves\nout is named.",
        "assay run --out report"};
    static assay_plugins plugins;
    assay_strings impls = {{0}, 0}, globs = {{0}, 0};
    assay_timing_request timing = {.command = "run"};
    char floors[PATH_MAX];
    const char *out = NULL;
    int quick = 0, all = 0;
    allowance budget = {0}; /* none was given */
    const assay_option options[] = {
        {"impl", "NAME|PATH", "which implementation; default: all of `assay list impls`", ASSAY_TAKES_TEXTS, &impls},
        {"workload", "GLOB", "time these workloads only", ASSAY_TAKES_TEXTS, &globs},
        {"quick", NULL, "the quick check, then b1 only: some three minutes", ASSAY_TAKES_NOTHING, &quick},
        {"all", NULL, "the ordinary check, then every workload", ASSAY_TAKES_NOTHING, &all},
        {"budget", "SECONDS",
         "for the whole run; default 570, with --quick 105, of which timing keeps 240 and 60; with --all no end",
         ASSAY_TAKES_REAL, &budget.whole},
        {"threads", "N", "for each implementation; default: one a core, or the fewer that serve it best",
         ASSAY_TAKES_THREADS, &timing.bench.threads},
        {"text", "FILE", "text for d.ptb-lm in place of the synthetic one", ASSAY_TAKES_INPUT, &timing.bench.text},
        {"floors", "DIR", "where stored floors lie", ASSAY_TAKES_STORE, &timing.floors},
        {"out", "DIR", "the report's folder; default assay-report", ASSAY_TAKES_FOLDER, &out},
        {0}};
    int status = assay_options_read(&usage, options, argc, argv, NULL);
    if (status >= 0) return status;
    if (quick && all) {
        assay_print_error("run: --quick and --all: expected one of them at most");
        return ASSAY_EXIT_USAGE;
    }
    if (!timing.floors) timing.floors = assay_path_own("share", "floors", floors, sizeof floors);
    if (quick && globs.count == 0) globs.at[globs.count++] = "b1.*";
    timing.bench.globs = globs.at;
    timing.bench.glob_count = globs.count;
    if (!(budget.whole > 0)) {
        budget.whole = quick ? QUICK_BUDGET : all ? NO_BUDGET : USUAL_BUDGET;
        budget.timing = quick ? QUICK_TIMING : USUAL_TIMING;
    }
    status = assay_plugins_select(&impls, &plugins);
    if (status < 0 && (status = assay_plugins_distinct("run", &plugins)) >= 0) assay_plugins_free(&plugins);
    if (status >= 0) return status;
    if (!out) out = "assay-report";
    status = perform(&plugins, &timing, out, all ? ASSAY_LEVEL_ORDINARY : ASSAY_LEVEL_QUICK, budget);
    assay_records_free(&timing.records);
    assay_plugins_free(&plugins);
    return status;
}
