/* check.c: `assay check`: conformance of implementations, with a verdict for each case and check.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/check.h"
#include "conformance/hash.h"
#include "conformance/suite.h"
#include "perf/cli/command.h"
#include "perf/cli/documented.h"
#include "perf/cli/options.h"
#include "perf/cli/output.h"
#include "perf/cli/plugins.h"
#include "perf/cli/print.h"
#include "perf/cli/results.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct run {
    assay_results results;
    assay_progress progress;
    const assay_check_request *request;
} run;

static void on_result(void *user, const assay_result *x)
{
    run *r = user;
    int bad = assay_verdict_is_failure(x->verdict) || x->verdict == ASSAY_VERDICT_BROKEN;
    /* The interrupt reaches the workers too: what they then seem to have done wrong says nothing. */
    if (bad && assay_interrupted()) return;
    assay_results_add(&r->results, x);
    if (r->request->also) r->request->also(r->request->user, x);
    if (bad || x->verdict == ASSAY_VERDICT_ILL_POSED) {
        assay_progress_clear(&r->progress);
        assay_results_print_failure(x);
    }
    if (!strcmp(x->check, "documented")) {
        assay_progress_clear(&r->progress);
        assay_documented_print(stdout, x);
    }
}

static void on_progress(void *user, int done, int total, const char *case_id)
{
    assay_progress_show(&((run *)user)->progress, done, total, case_id);
}

static int stop(void *user)
{
    (void)user;
    return assay_interrupted();
}

static void add_counts(assay_summary *all, const assay_summary *one)
{
    for (int v = 0; v < ASSAY_VERDICT_COUNT; v++)
        all->counts[v] += one->counts[v];
    if (!(one->worst_margin <= all->worst_margin)) all->worst_margin = one->worst_margin;
    all->ill_posed_committed += one->ill_posed_committed;
    all->stopped |= one->stopped;
}

static void print_summary(const assay_summary *s, double seconds)
{
    char margin[16];
    const char *separator = "";
    for (int v = 0; v < ASSAY_VERDICT_COUNT; v++) {
        if (!s->counts[v]) continue;
        printf("%s%d %s", separator, s->counts[v], assay_verdict_name(v));
        separator = ", ";
    }
    printf("%sworst passing margin %s, %.1f s\n", separator, assay_print_number(s->worst_margin, margin, sizeof margin),
           seconds);
}

static int write_files(const assay_check_request *q, const assay_results *r, const assay_summary *s)
{
    int status = ASSAY_EXIT_HELD;
    if (q->json) {
        json_t *head = assay_output_head(q->command), *counts = json_object();
        for (int v = 0; v < ASSAY_VERDICT_COUNT; v++) {
            json_object_set_new(counts, assay_verdict_name(v), json_integer(s->counts[v]));
        }
        int bad = json_object_set_new(head, "complete", json_boolean(!s->stopped && !r->no_memory)) ||
                  json_object_set_new(head, "worst_passing_margin", assay_output_real(s->worst_margin)) ||
                  json_object_set_new(head, "counts", counts) || json_object_set(head, "results", r->all);
        if (bad) {
            json_decref(head);
            head = NULL;
        }
        status = assay_output_json(q->json, head);
    }
    if (q->junit) {
        int other = assay_results_write_junit(r, q->junit);
        if (other > status) status = other;
    }
    return status;
}

/* The exit status of the whole run: the summary's, unless it was cut short or a margin limit was passed. */
static int judge(const assay_check_request *q, const assay_results *r, const assay_summary *s)
{
    int status = assay_summary_exit(s);
    if (r->over_limit) {
        assay_print_error("%s: %d results passed with a margin above %g", q->command, r->over_limit, r->margin_limit);
        if (status == ASSAY_EXIT_HELD) status = ASSAY_EXIT_BROKEN;
    }
    if (s->stopped) {
        assay_print_error("%s: interrupted; what stands above is not all", q->command);
        if (status != ASSAY_EXIT_BROKEN) status = ASSAY_EXIT_UNABLE;
    }
    if (r->no_memory) {
        assay_print_error("%s: no memory to keep every result", q->command);
        status = ASSAY_EXIT_UNABLE;
    }
    return status;
}

int assay_check_perform(assay_check_request *q)
{
    run r;
    char text[24], why[256] = "";
    assay_summary all = {{0}, 0, 0, 0};
    assay_status result = ASSAY_OK;
    int status;
    r.request = q;
    assay_results_start(&r.results, q->margin_limit);
    assay_progress_start(&r.progress);
    assay_interrupt_watch();
    q->suite.on_result = on_result;
    q->suite.on_progress = on_progress;
    q->suite.stop = stop;
    q->suite.user = &r;
    if (q->suite.cache) mkdir(q->suite.cache, 0700); /* where it can't be made, nothing is kept */

    for (int k = 0; k < q->repeat && result == ASSAY_OK && !all.stopped; k++) {
        assay_summary one;
        printf("seed %s\n", assay_print_seed(q->suite.seed, text, sizeof text));
        fflush(stdout);
        result = assay_suite_run(&q->suite, &one, why, sizeof why);
        if (result == ASSAY_OK) add_counts(&all, &one);
        q->suite.seed++;
    }
    assay_progress_clear(&r.progress);
    if (result != ASSAY_OK) {
        assay_print_error("%s: %s", q->command, why);
        status = result == ASSAY_BAD_ARGUMENT ? ASSAY_EXIT_USAGE : ASSAY_EXIT_UNABLE;
    } else {
        assay_results_print_table(&r.results);
        print_summary(&all, assay_print_clock() - r.progress.started);
        status = judge(q, &r.results, &all);
        int written = write_files(q, &r.results, &all);
        if (written != ASSAY_EXIT_HELD) status = written;
    }
    assay_results_free(&r.results);
    return status;
}

int assay_command_check(int argc, char **argv)
{
    static const assay_usage usage = {
        "check", NULL,
        "Runs the conformance checks on implementations, each in a process of its own. Every verdict other than PASS "
        "is\n"
        "printed with the command that repeats it. Without --seed the data are new in each run.",
        "assay check --impl blas --impl ./mine.so --op ctc --quick"};
    assay_strings impls = {{0}, 0};
    int quick = 0, full = 0;
    assay_check_request q = {
        .command = "check",
        .suite = {.threads = (int)sysconf(_SC_NPROCESSORS_ONLN), .seed = assay_seed_fresh(), .floors = ASSAY_FLOORS},
        .repeat = 1};
    const assay_option options[] = {
        {"impl", "NAME|PATH", "which implementation; default: all of `assay list impls`", ASSAY_TAKES_TEXTS, &impls},
        {"op", "OP", "rnn, xent, ctc or network only", ASSAY_TAKES_TEXT, &q.suite.op},
        {"check", "NAME", "this check only (`assay list checks`)", ASSAY_TAKES_TEXT, &q.suite.check},
        {"case", "GLOB", "these cases only (`assay list cases`)", ASSAY_TAKES_TEXT, &q.suite.glob},
        {"seed", "SEED", "of all data; default: fresh", ASSAY_TAKES_SEED, &q.suite.seed},
        {"quick", NULL, "the quick set", ASSAY_TAKES_NOTHING, &quick},
        {"full", NULL, "everything, the long forms too", ASSAY_TAKES_NOTHING, &full},
        {"repeat", "N", "so many runs, each with the next seed", ASSAY_TAKES_COUNT, &q.repeat},
        {"threads", "N", "that an implementation may use; default: all processors", ASSAY_TAKES_COUNT,
         &q.suite.threads},
        {"time-limit", "SECONDS", "for one request to a worker; default: by the work", ASSAY_TAKES_REAL,
         &q.suite.time_limit},
        {"margin-limit", "M", "a PASS with a worst margin above M counts as a failure", ASSAY_TAKES_REAL,
         &q.margin_limit},
        {"cache", "DIR", "keep truths and floors there", ASSAY_TAKES_TEXT, &q.suite.cache},
        {"json", "FILE", "write every result", ASSAY_TAKES_TEXT, &q.json},
        {"junit", "FILE", "the same as JUnit XML", ASSAY_TAKES_TEXT, &q.junit},
        {0}};
    int status = assay_options_read(&usage, options, argc, argv, NULL);
    if (status >= 0) return status;
    if (quick && full) {
        assay_print_error("check: --quick and --full: expected one of them at most");
        return ASSAY_EXIT_USAGE;
    }
    assay_plugins plugins;
    assay_case documented[ASSAY_DOCUMENTED_MOST];
    status = assay_plugins_select(&impls, &plugins);
    if (status >= 0) return status;
    q.suite.plugins = (const char *const *)plugins.path;
    q.suite.labels = (const char *const *)plugins.label;
    q.suite.plugin_count = plugins.count;
    q.suite.level = quick ? ASSAY_LEVEL_QUICK : full ? ASSAY_LEVEL_FULL : ASSAY_LEVEL_ORDINARY;
    q.suite.extra = documented;
    q.suite.extra_count = assay_documented_cases(q.suite.level, q.suite.glob, documented);
    status = assay_check_perform(&q);
    assay_plugins_free(&plugins);
    return status;
}
