/* compare.c: `assay compare`: what changed from one set of records, or one shared object, to another.
 * SPDX-License-Identifier: MIT */
#include "perf/compare.h"
#include "perf/cli/changes.h"
#include "perf/cli/command.h"
#include "perf/cli/options.h"
#include "perf/cli/output.h"
#include "perf/cli/paths.h"
#include "perf/cli/plugins.h"
#include "perf/cli/print.h"
#include "perf/cli/timing.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

typedef struct request {
    const char *before_impl, *after_impl, *json;
    assay_records before, after;
    assay_comparisons found;
    assay_timing_request timing; /* of shared objects */
} request;

static json_t *row_json(const assay_comparison *c)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:b, s:s, s:s}", "workload",
                     c->before->workload, "old", c->before->implementation, "new", c->after->implementation,
                     "arithmetic", c->before->arithmetic, "phase", c->before->phase, "old_ms",
                     assay_output_real(c->before->median_ms), "new_ms", assay_output_real(c->after->median_ms), "ratio",
                     assay_output_real(c->median), "low", assay_output_real(c->ratio.low), "high",
                     assay_output_real(c->ratio.high), "paired", c->paired, "verdict", assay_change_name(c->change),
                     "why", c->why);
}

static int write_json(const request *q)
{
    json_t *root = assay_output_head("compare"), *rows = json_array();
    int bad = !root || !rows;
    for (int32_t k = 0; k < q->found.count && !bad; k++)
        bad = json_array_append_new(rows, row_json(&q->found.at[k])) != 0;
    bad = json_object_set_new(root, "comparisons", rows) != 0 || bad;
    if (bad) json_decref(root);
    return assay_output_json(q->json, bad ? NULL : root);
}

static int fail(assay_status st, const char *why)
{
    assay_print_error("compare: %s", why);
    return st == ASSAY_NO_MEMORY ? ASSAY_EXIT_UNABLE : ASSAY_EXIT_USAGE;
}

/* What is asked about two lists, printed and written; the exit status. */
static int judge(request *q, const assay_records *before, const assay_records *after)
{
    char why[512] = "";
    assay_status st = assay_compare_lists(before, after, q->before_impl, q->after_impl, &q->found, why, sizeof why);
    if (st != ASSAY_OK) return fail(st, why);
    assay_changes_print(&q->found, q->before_impl && q->after_impl, "OLD", "NEW");
    int written = q->json ? write_json(q) : ASSAY_EXIT_HELD;
    return q->found.counts[ASSAY_SLOWER] ? ASSAY_EXIT_BROKEN : written;
}

static int compare_records(request *q, const char *before, const char *after)
{
    char why[512] = "";
    assay_status st = assay_records_read(before, &q->before, why, sizeof why);
    if (st == ASSAY_OK) st = assay_records_read(after, &q->after, why, sizeof why);
    return st == ASSAY_OK ? judge(q, &q->before, &q->after) : fail(st, why);
}

/* A plugin's path; one without a folder would be looked up as a name. */
static const char *as_path(const char *given, char *buffer, size_t size)
{
    snprintf(buffer, size, "%s%s", strchr(given, '/') ? "" : "./", given);
    return buffer;
}

/* Both in one run, block by block in turn, under names of ours: two versions of one implementation share theirs. */
static int compare_plugins(request *q, const char *before, const char *after)
{
    static const char *const names[] = {"OLD", "NEW"};
    char paths[2][PATH_MAX];
    assay_strings wanted = {{as_path(before, paths[0], sizeof paths[0]), as_path(after, paths[1], sizeof paths[1])}, 2};
    assay_plugins plugins;
    int status = assay_plugins_select(&wanted, &plugins);
    if (status >= 0) return status;
    q->timing.plugins = &plugins;
    q->timing.bench.names = names;
    status = assay_timing_perform(&q->timing);
    q->before_impl = names[0];
    q->after_impl = names[1];
    if (status == ASSAY_EXIT_HELD && q->timing.summary.left_out)
        status = fail(ASSAY_BAD_ARGUMENT, "OLD and NEW were not both timed: see above");
    else if (status == ASSAY_EXIT_HELD)
        status = judge(q, &q->timing.records, &q->timing.records);
    assay_records_free(&q->timing.records);
    assay_plugins_free(&plugins);
    return status;
}

static int is_plugin(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && (!strcmp(dot, ".so") || !strcmp(dot, ".py"));
}

/* What is wrong with the command line, or NULL. */
static const char *misuse(const request *q, const assay_strings *files, int timing)
{
    if (files->count != 2) return "expected OLD and NEW";
    const int plugins = is_plugin(files->at[0]);
    if (plugins != is_plugin(files->at[1])) return "expected two files of records, or two shared objects";
    if (plugins && (q->before_impl || q->after_impl)) return "--old and --new: expected with records only";
    if (!q->before_impl != !q->after_impl) return "--old and --new: expected both or none";
    if (!plugins && timing) return "--workload, --budget, --threads: expected with shared objects only";
    return NULL;
}

int assay_command_compare(int argc, char **argv)
{
    static const assay_usage usage = {
        "compare", "OLD NEW",
        "Compares records of two runs (`assay bench --json`): SAME, FASTER or SLOWER where the 95 % interval of "
        "new/old "
        "lies\n"
        "within or beyond 3 %, else UNDECIDED with the reason: another device, a calibration that drifted or differs "
        "by "
        "more\n"
        "than 3 %, other work. Of one run, two implementations: `--old A --new B`, sample by sample. Two shared "
        "objects "
        "(or\n"
        "modules in Python) are timed in one run, in turn, and compared sample by sample.\n"
        "Exit status: 0 nothing is SLOWER, 1 something is or was not timed, 2 nothing could be compared.",
        "assay compare old.json new.json"};
    char floors[PATH_MAX];
    request q = {.timing = {.command = "compare",
                            .floors = assay_path_own("share", "floors", floors, sizeof floors),
                            .bench = {0}}};
    assay_strings files = {{0}, 0}, globs = {{0}, 0};
    int threads = 0;
    const assay_option options[] = {
        {"old", "NAME", "of OLD this implementation; with --new", ASSAY_TAKES_TEXT, &q.before_impl},
        {"new", "NAME", "of NEW this implementation; with --old", ASSAY_TAKES_TEXT, &q.after_impl},
        {"workload", "GLOB", "of shared objects: on these workloads; default b1.*", ASSAY_TAKES_TEXTS, &globs},
        {"budget", "SECONDS", "of shared objects: for both; default 300", ASSAY_TAKES_REAL, &q.timing.bench.budget},
        {"threads", "N", "of shared objects: for each; default: the number that serves it best", ASSAY_TAKES_THREADS,
         &threads},
        {"json", "FILE", "write the verdicts", ASSAY_TAKES_OUTPUT, &q.json},
        {0}};
    int status = assay_options_read(&usage, options, argc, argv, &files);
    if (status >= 0) return status;
    const char *wrong = misuse(&q, &files, globs.count > 0 || q.timing.bench.budget > 0 || threads > 0);
    if (wrong) {
        assay_print_error("compare: %s", wrong);
        return ASSAY_EXIT_USAGE;
    }
    if (globs.count == 0) globs.at[globs.count++] = "b1.*";
    q.timing.bench.globs = globs.at;
    q.timing.bench.glob_count = globs.count;
    if (!(q.timing.bench.budget > 0)) q.timing.bench.budget = 300;
    q.timing.bench.threads = threads;
    status = (is_plugin(files.at[0]) ? compare_plugins : compare_records)(&q, files.at[0], files.at[1]);
    assay_comparisons_free(&q.found);
    assay_records_free(&q.before);
    assay_records_free(&q.after);
    return status;
}
