/* check.c: `assay check`: conformance of implementations, with a verdict for each case and check.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/check.h"
#include "conformance/case_parse.h"
#include "conformance/clock.h"
#include "conformance/hash.h"
#include "conformance/suite.h"
#include "perf/cli/command.h"
#include "perf/cli/documented.h"
#include "perf/cli/options.h"
#include "perf/cli/output.h"
#include "perf/cli/paths.h"
#include "perf/cli/plugins.h"
#include "perf/cli/print.h"
#include "perf/cli/results.h"
#include "perf/cli/smallest.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SHRINK_SECONDS 10 /* for all first failures together: about as long as a quick run of one implementation */

typedef struct run {
    assay_results results;
    assay_progress progress;
    assay_smallest smallest;
    const assay_check_request *request;
    int announced; /* 1: the seed of this repetition was printed */
    char cut[256]; /* why the suite could not go on; "" */
} run;

/* Before the first news of a repetition, when all arguments are known to be good. */
static void announce(run *r)
{
    char text[24];
    if (r->announced) return;
    r->announced = 1;
    printf("seed %s\n", assay_print_seed(r->request->suite.seed, text, sizeof text));
    fflush(stdout);
}

static void on_result(void *user, const assay_result *x)
{
    run *r = user;
    int bad = assay_verdict_is_failure(x->verdict) || x->verdict == ASSAY_VERDICT_BROKEN;
    announce(r);
    assay_results_add(&r->results, x);
    assay_smallest_note(&r->smallest, x);
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
    run *r = user;
    announce(r);
    assay_progress_show(&r->progress, done, total, case_id);
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
    if (s->counts[ASSAY_VERDICT_PASS])
        printf("%sworst passing margin %s", separator, assay_print_number(s->worst_margin, margin, sizeof margin));
    else
        printf("%snothing passed", separator);
    printf(", %d committed cases ILL_POSED, %.1f s\n", s->ill_posed_committed, seconds);
}

/* 1 if every selected case was run and its results were kept. */
static int is_whole(const run *r, const assay_summary *s)
{
    return !s->stopped && !r->cut[0] && !r->results.no_memory;
}

/* The command that makes this selection again, on any machine that has the implementations; the caller frees it.
 * NULL: no memory. */
static char *command_of(const assay_check_request *q)
{
    const assay_suite_options *o = &q->suite;
    const struct {
        const char *option, *value;
    } texts[] = {{"op", o->op}, {"check", o->check}, {"case", o->glob}};
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f) return NULL;
    fputs("assay check", f);
    for (int k = 0; k < o->plugin_count; k++)
        fprintf(f, " --impl %s", o->labels[k]);
    for (int k = 0; k < (int)(sizeof texts / sizeof texts[0]); k++)
        if (texts[k].value) fprintf(f, " --%s '%s'", texts[k].option, texts[k].value);
    if (o->level == ASSAY_LEVEL_FULL) fputs(" --full", f);
    if (o->level == ASSAY_LEVEL_QUICK) fputs(" --quick", f);
    if (q->documented) fputs(" --documented", f);
    if (q->repeat > 1) fprintf(f, " --repeat %d", q->repeat);
    fprintf(f, " --seed 0x%llx --markdown FILE", (unsigned long long)q->first_seed);
    const int bad = ferror(f) | fclose(f);
    if (!bad) return text;
    free(text);
    return NULL;
}

/* What a report shows of it: the table. 0, or -1: no memory. */
static int put_table(const run *r, const assay_summary *s, json_t *head)
{
    const assay_check_request *q = r->request;
    assay_verdicts v = {.seed = q->first_seed, .complete = is_whole(r, s)};
    snprintf(v.level, sizeof v.level, "%s", assay_level_name(q->suite.level));
    const int bad = !assay_results_count(&r->results, &v) || assay_verdicts_put(&v, head) != 0;
    assay_verdicts_free(&v);
    return bad ? -1 : 0;
}

static int write_files(const run *r, const assay_summary *s)
{
    const assay_check_request *q = r->request;
    double margin = s->counts[ASSAY_VERDICT_PASS] ? s->worst_margin : NAN;
    int status = ASSAY_EXIT_HELD;
    if (q->json) {
        json_t *head = assay_output_head(q->command), *counts = json_object();
        for (int v = 0; v < ASSAY_VERDICT_COUNT; v++) {
            json_object_set_new(counts, assay_verdict_name(v), json_integer(s->counts[v]));
        }
        int bad = put_table(r, s, head) ||
                  json_object_set_new(head, "worst_passing_margin", assay_output_real(margin)) ||
                  json_object_set_new(head, "ill_posed_committed", json_integer(s->ill_posed_committed)) ||
                  json_object_set_new(head, "counts", counts) ||
                  json_object_set_new(head, "unsupported", assay_results_refusals(&r->results)) ||
                  json_object_set(head, "results", r->results.all) ||
                  (r->smallest.all && json_object_set(head, "smallest", r->smallest.all));
        if (bad) {
            json_decref(head);
            head = NULL;
        }
        status = assay_output_json(q->json, head);
    }
    if (q->junit) {
        int other = assay_results_write_junit(&r->results, q->junit);
        if (other > status) status = other;
    }
    if (q->markdown) {
        char *command = command_of(q);
        int other = assay_results_write_markdown(&r->results, command, q->markdown);
        free(command);
        if (other > status) status = other;
    }
    return status;
}

/* The exit status of the whole run: the summary's. Of a part of it a failure stands, and nothing else is proved. */
static int judge(const run *r, const assay_summary *s)
{
    const assay_check_request *q = r->request;
    int status = assay_summary_exit(s), failed = r->results.over_limit > 0;
    for (int v = 0; v < ASSAY_VERDICT_COUNT; v++)
        failed |= assay_verdict_is_failure(v) && s->counts[v];
    if (r->results.over_limit) {
        assay_print_error("%s: %d results passed with a margin above %g", q->command, r->results.over_limit,
                          q->margin_limit);
        if (status == ASSAY_EXIT_HELD) status = ASSAY_EXIT_BROKEN;
    }
    if (assay_print_required(q->command, s->counts[ASSAY_VERDICT_SKIPPED])) {
        status = ASSAY_EXIT_BROKEN;
        failed = 1;
    }
    if (r->cut[0]) assay_print_error("%s: %s; what stands above is not all", q->command, r->cut);
    if (s->stopped) assay_interrupt_tell(q->command);
    if (r->results.no_memory) assay_print_error("%s: no memory to keep every result", q->command);
    if (is_whole(r, s)) return status;
    return failed ? ASSAY_EXIT_BROKEN : ASSAY_EXIT_UNABLE;
}

/* Prints and writes what there is, all of it or not. */
static int finish(run *r, const assay_summary *s)
{
    assay_results_print_table(&r->results);
    print_summary(s, assay_clock() - r->progress.started);
    int status = judge(r, s), written = write_files(r, s);
    return written == ASSAY_EXIT_HELD || status == ASSAY_EXIT_BROKEN ? status : written;
}

int assay_check_perform(assay_check_request *q)
{
    run r = {.request = q};
    char why[sizeof r.cut] = "";
    assay_summary all = {{0}, 0, 0, 0};
    assay_status result = ASSAY_OK;
    int status = ASSAY_EXIT_USAGE;
    q->first_seed = q->suite.seed;
    assay_results_start(&r.results, q->margin_limit, q->json || q->junit || q->markdown);
    assay_progress_start(&r.progress);
    assay_interrupt_watch();
    q->suite.on_result = on_result;
    q->suite.on_progress = on_progress;
    q->suite.stop = stop;
    q->suite.user = &r;

    for (int k = 0; k < q->repeat && result == ASSAY_OK && !all.stopped; k++) {
        assay_summary one;
        r.announced = 0;
        result = assay_suite_run(&q->suite, &one, why, sizeof why);
        add_counts(&all, &one);
        q->suite.seed++;
    }
    assay_progress_clear(&r.progress);
    if (q->shrink > 0 && result == ASSAY_OK && !all.stopped) assay_smallest_find(&r.smallest, &q->suite, q->shrink);
    if (result == ASSAY_BAD_ARGUMENT) {
        assay_print_error("%s: %s", q->command, why);
    } else {
        if (result != ASSAY_OK) memcpy(r.cut, why, sizeof why);
        status = finish(&r, &all);
    }
    q->whole = result != ASSAY_BAD_ARGUMENT && is_whole(&r, &all);
    assay_results_free(&r.results);
    assay_smallest_free(&r.smallest);
    return status;
}

/* An id that neither the table nor the workloads have is a case of its own: *spec, in extra[0]. -1: go on; or 2. */
static int add_spelt_case(assay_suite_options *o, assay_case_spec *spec, assay_case *extra)
{
    char why[256];
    if (!o->glob || o->extra_count || !assay_case_is_id(o->glob) || assay_case_is_in_table(o->glob)) return -1;
    if (assay_case_parse(o->glob, spec, extra, why, sizeof why) != ASSAY_OK) {
        assay_print_error("check: %s", why);
        return ASSAY_EXIT_USAGE;
    }
    o->extra_count = 1;
    return -1;
}

int assay_command_check(int argc, char **argv)
{
    static const assay_usage usage = {
        "check", NULL,
        "Runs the conformance checks on implementations, each in a process of its own. Each failure is printed "
        "with the\n"
        "command that repeats it; what is UNSUPPORTED or SKIPPED is counted, with its reasons. Without --seed the data "
        "are new in each "
        "run.",
        "assay check --impl blas --impl ./mine.so --op ctc --quick"};
    assay_strings impls = {{0}, 0};
    char floors[PATH_MAX];
    int quick = 0, full = 0, no_shrink = 0;
    assay_check_request q = {.command = "check",
                             .suite = {.threads = (int)sysconf(_SC_NPROCESSORS_ONLN),
                                       .seed = assay_seed_fresh(),
                                       .floors = assay_path_own("share", "floors", floors, sizeof floors),
                                       .diagnose = 4},
                             .repeat = 1};
    const assay_option options[] = {
        {"impl", "NAME|PATH", "which implementation; default: all of `assay list impls`", ASSAY_TAKES_TEXTS, &impls},
        {"op", "OP", "rnn, xent, ctc or network only", ASSAY_TAKES_TEXT, &q.suite.op},
        {"check", "NAME,...", "these checks only (`assay list checks`)", ASSAY_TAKES_TEXT, &q.suite.check},
        {"case", "GLOB|ID",
         "these cases only, of every set (`assay list cases`); one of your own: rnn/lstm.bi.l1.t3.n2.i4.h5",
         ASSAY_TAKES_TEXT, &q.suite.glob},
        {"seed", "SEED", "of all data; default: fresh", ASSAY_TAKES_SEED, &q.suite.seed},
        {"quick", NULL, "the quick set: of a GLOB what is in it; an ID runs from any set", ASSAY_TAKES_NOTHING, &quick},
        {"full", NULL, "every case in its long form", ASSAY_TAKES_NOTHING, &full},
        {"documented", NULL, "every documented shape too: minutes each", ASSAY_TAKES_NOTHING, &q.documented},
        {"repeat", "N", "so many runs, each with the next seed", ASSAY_TAKES_COUNT, &q.repeat},
        {"threads", "N", "that an implementation may use; default: all processors", ASSAY_TAKES_THREADS,
         &q.suite.threads},
        {"time-limit", "SECONDS", "for one request to a worker; default: by the work", ASSAY_TAKES_REAL,
         &q.suite.time_limit},
        {"margin-limit", "M", "a PASS with a worst margin above M counts as a failure", ASSAY_TAKES_REAL,
         &q.margin_limit},
        {"no-shrink", NULL, "do not look for the smallest cases on which failures still show", ASSAY_TAKES_NOTHING,
         &no_shrink},
        {"cache", "DIR", "keep truths and floors there; made if its parent is there", ASSAY_TAKES_PRIVATE,
         &q.suite.cache},
        {"json", "FILE", "write every result", ASSAY_TAKES_OUTPUT, &q.json},
        {"junit", "FILE", "the same as JUnit XML", ASSAY_TAKES_OUTPUT, &q.junit},
        {"markdown", "FILE", "write the observed margins as docs/tolerances.md has them", ASSAY_TAKES_OUTPUT,
         &q.markdown},
        {0}};
    int status = assay_options_read(&usage, options, argc, argv, NULL);
    if (status >= 0) return status;
    if (quick && full) {
        assay_print_error("check: --quick and --full: expected one of them at most");
        return ASSAY_EXIT_USAGE;
    }
    assay_plugins plugins;
    assay_case documented[ASSAY_DOCUMENTED_MOST];
    assay_case_spec spec;
    status = assay_plugins_select(&impls, &plugins);
    if (status < 0 && (status = assay_plugins_distinct("check", &plugins)) >= 0) assay_plugins_free(&plugins);
    if (status >= 0) return status;
    q.suite.plugins = (const char *const *)plugins.path;
    q.suite.labels = (const char *const *)plugins.label;
    q.suite.plugin_count = plugins.count;
    q.suite.level = quick ? ASSAY_LEVEL_QUICK : full ? ASSAY_LEVEL_FULL : ASSAY_LEVEL_ORDINARY;
    q.suite.within_level = quick;
    q.suite.extra = documented;
    q.suite.extra_count = assay_documented_cases(q.suite.level, q.documented, q.suite.glob, documented);
    q.shrink = no_shrink ? 0 : SHRINK_SECONDS;
    status = add_spelt_case(&q.suite, &spec, documented);
    if (status < 0) status = assay_check_perform(&q);
    assay_plugins_free(&plugins);
    return status;
}
