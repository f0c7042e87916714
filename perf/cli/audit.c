/* audit.c: `assay audit`: where and how two implementations part.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/audit.h"

#include "conformance/case_parse.h"
#include "conformance/hash.h"
#include "perf/audit_file.h"
#include "perf/cli/command.h"
#include "perf/cli/options.h"
#include "perf/cli/output.h"
#include "perf/cli/paths.h"
#include "perf/cli/plugins.h"
#include "perf/cli/print.h"
#include "perf/workload.h"
#include "perf/state.h"
#include "reference/tensors.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A cut workload is small enough to be computed by the reference a hundred times. */
#define CUT_STEPS   6
#define CUT_SAMPLES 4
#define CUT_MACS    1e9

/* What the command line asks for. */
typedef struct request {
    const char *case_id, *workload, *arithmetic, *json, *svg;
    assay_case c;
    assay_case_spec spec;
    assay_audit_request ask;
} request;

static int refuse(const char *option, const char *given, const char *expected)
{
    assay_print_error("audit: --%s '%s': expected %s", option, given, expected);
    return ASSAY_EXIT_USAGE;
}

/* One case of the table that the pattern names, or one of the caller's own. */
static int pick_case(request *q)
{
    char why[256];
    int found = 0;
    for (int k = 0; k < assay_case_count(); k++) {
        assay_case c;
        assay_case_get(k, &c);
        if (fnmatch(q->case_id, c.id, 0) != 0) continue;
        if (!found++) q->c = c;
    }
    if (found > 1) {
        assay_print_error("audit: --case '%s' names %d cases, '%s' first: expected one", q->case_id, found, q->c.id);
        return ASSAY_EXIT_USAGE;
    }
    if (found) return -1;
    if (!assay_case_is_id(q->case_id)) return refuse("case", q->case_id, "one of `assay list cases`");
    if (assay_case_parse(q->case_id, &q->spec, &q->c, why, sizeof why) == ASSAY_OK) return -1;
    assay_print_error("audit: %s", why);
    return ASSAY_EXIT_USAGE;
}

static int pick_format(request *q)
{
    q->ask.arithmetic = -1;
    for (int format = ASSAY_FP64; format <= ASSAY_FP16; format++)
        if (!strcmp(q->arithmetic, assay_format_name(format))) q->ask.arithmetic = format;
    return q->ask.arithmetic >= 0 ? -1 : refuse("arithmetic", q->arithmetic, "fp64, fp32, tf32, bf16 or fp16");
}

static int pick_problem(request *q)
{
    if (!q->case_id == !q->workload) {
        assay_print_error("audit: expected one of --case and --workload");
        return ASSAY_EXIT_USAGE;
    }
    if (q->case_id) return pick_case(q);
    const assay_workload *w = assay_workload_by_id(q->workload);
    if (!w) return refuse("workload", q->workload, "one of `assay list workloads`");
    assay_workload_case(w, &q->c);
    return -1;
}

/* The same workload cut to a few steps and samples, where the cause of a difference can be looked for. */
static void explain_workload(const request *q, assay_audit *a)
{
    assay_workload w = *assay_workload_by_id(q->workload);
    assay_audit_request ask = q->ask;
    assay_audit small;
    assay_case c;
    char why[256];
    if (w.problem.t > CUT_STEPS) w.problem.t = CUT_STEPS;
    if (w.problem.n > CUT_SAMPLES) w.problem.n = CUT_SAMPLES;
    if (w.problem.loss == ASSAY_LOSS_CTC || w.problem.labels) return; /* label strings do not fit into a few frames */
    assay_workload_case(&w, &c);
    c.documented = 0;
    ask.c = &c;
    ask.diagnose_macs = CUT_MACS;
    if (assay_audit_make(&ask, &small, why, sizeof why) == ASSAY_OK)
        for (int k = 0; k < 2; k++)
            memcpy(a->side[k].cause, small.side[k].cause, sizeof a->side[k].cause);
    assay_audit_free(&small);
}

static int write_svg(const request *q, const assay_audit *a)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    const int charts = f ? assay_audit_draw(f, a, 1) : 0, bad = !f || fclose(f);
    int status = ASSAY_EXIT_UNABLE;
    if (bad)
        assay_print_error("audit: no memory for %s", q->svg);
    else if (!charts)
        assay_print_error("audit: --svg %s: %s has no tensor with time to draw", q->svg, a->what);
    else
        status = assay_output_write(q->svg, text, size);
    free(text);
    return status;
}

static int write_files(const request *q, const assay_audit *a)
{
    int status = ASSAY_EXIT_HELD;
    if (q->json) {
        json_t *head = assay_output_head("audit");
        if (head && assay_audit_put(a, head)) {
            json_decref(head);
            head = NULL;
        }
        status = assay_output_json(q->json, head);
    }
    if (q->svg && a->count) {
        const int other = write_svg(q, a);
        if (other > status) status = other;
    }
    return status;
}

static int perform(request *q)
{
    assay_audit a;
    char why[256] = "";
    const assay_status st = assay_audit_make(&q->ask, &a, why, sizeof why);
    if (st != ASSAY_OK) {
        assay_print_error("audit: %s", why);
        assay_audit_free(&a);
        return st == ASSAY_BAD_ARGUMENT ? ASSAY_EXIT_USAGE : ASSAY_EXIT_UNABLE;
    }
    if (q->workload && a.verdict == ASSAY_VERDICT_FAIL && a.has_truth && !a.side[0].cause[0] && !a.side[1].cause[0])
        explain_workload(q, &a);
    const int written = write_files(q, &a); /* first: who reads the text may have enough of it early */
    assay_audit_print(stdout, &a);
    int status = a.verdict == ASSAY_VERDICT_PASS      ? ASSAY_EXIT_HELD
                 : a.verdict == ASSAY_VERDICT_BROKEN  ? ASSAY_EXIT_UNABLE
                 : a.verdict == ASSAY_VERDICT_SKIPPED ? ASSAY_EXIT_SKIPPED
                                                      : ASSAY_EXIT_BROKEN;
    if (assay_print_required("audit", a.verdict == ASSAY_VERDICT_SKIPPED)) status = ASSAY_EXIT_BROKEN;
    assay_audit_free(&a);
    return written == ASSAY_EXIT_HELD || status == ASSAY_EXIT_BROKEN ? status : written;
}

int assay_command_audit(int argc, char **argv)
{
    static const assay_usage usage = {"audit", "A B",
                                      "Where and how two implementations part: the same problem and data, each in a "
                                      "process of its own. Differences by\n"
                                      "tensor, layer, time step, row and gate, against the noise that honest "
                                      "arithmetic shows there, and of each from the\n"
                                      "truth; how they grow with time; ulps; bias; whether each repeats its bits; what "
                                      "the one that is off computes.\n"
                                      "Exit status 0: the same function within the limits; 1: not, or not to be told.",
                                      "assay audit blas ./mine.so --case rnn/gru.bi.l1.t7.n5.i3.h5.ragged"};
    char floors[PATH_MAX];
    assay_strings sides = {{0}, 0};
    request q = {.arithmetic = "fp32",
                 .ask = {.threads = (int)sysconf(_SC_NPROCESSORS_ONLN),
                         .seed = assay_seed_fresh(),
                         .floors = assay_path_own("share", "floors", floors, sizeof floors)}};
    const assay_option options[] = {
        {"case", "ID", "one of `assay list cases`, or one of your own: rnn/lstm.bi.l1.t3.n2.i4.h5", ASSAY_TAKES_TEXT,
         &q.case_id},
        {"workload", "ID", "one of `assay list workloads`, in full", ASSAY_TAKES_TEXT, &q.workload},
        {"arithmetic", "FORMAT", "asked of both: fp64, fp32, tf32, bf16, fp16; default fp32", ASSAY_TAKES_TEXT,
         &q.arithmetic},
        {"seed", "SEED", "of all data; default: fresh", ASSAY_TAKES_SEED, &q.ask.seed},
        {"threads", "N", "that each may use; default: all processors", ASSAY_TAKES_THREADS, &q.ask.threads},
        {"without-truth", NULL, "do not compute the reference: A against B under their floors alone",
         ASSAY_TAKES_NOTHING, &q.ask.without_truth},
        {"time-limit", "SECONDS", "for one request to a worker; default: by the work", ASSAY_TAKES_REAL,
         &q.ask.time_limit},
        {"json", "FILE", "write everything; `assay report` makes a page of it", ASSAY_TAKES_OUTPUT, &q.json},
        {"svg", "FILE", "draw the errors of each step", ASSAY_TAKES_OUTPUT, &q.svg},
        {"cache", "DIR", "keep truths and floors there; made if its parent is there", ASSAY_TAKES_PRIVATE,
         &q.ask.cache},
        {0}};
    int status = assay_options_read(&usage, options, argc, argv, &sides);
    if (status >= 0) return status;
    if (sides.count != 2) {
        assay_print_error("audit: expected two implementations, got %d", sides.count);
        return ASSAY_EXIT_USAGE;
    }
    if ((status = pick_problem(&q)) >= 0 || (status = pick_format(&q)) >= 0) return status;
    assay_plugins plugins;
    status = assay_plugins_select(&sides, &plugins);
    if (status >= 0) return status;
    q.ask.c = &q.c;
    for (int k = 0; k < 2; k++) {
        q.ask.plugin[k] = plugins.path[k];
        q.ask.label[k] = plugins.label[k];
    }
    status = perform(&q);
    assay_plugins_free(&plugins);
    return status;
}
