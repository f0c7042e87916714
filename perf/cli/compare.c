/* compare.c: `assay compare`: what changed from one set of records to another.
 * SPDX-License-Identifier: MIT */
#include "perf/compare.h"
#include "perf/cli/command.h"
#include "perf/cli/options.h"
#include "perf/cli/output.h"
#include "perf/cli/print.h"
#include "perf/report_group.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct request {
    const char *before_impl, *after_impl, *json;
    assay_records before, after;
    assay_comparisons found;
} request;

static assay_colour colour_of(assay_change change)
{
    static const assay_colour colours[ASSAY_CHANGES] = {
        [ASSAY_FASTER] = ASSAY_GREEN, [ASSAY_SLOWER] = ASSAY_RED, [ASSAY_UNDECIDED] = ASSAY_YELLOW};
    return colours[change];
}

/* Widths fit the rows: ids of workloads are long. */
static void print_row(const assay_comparison *c, int named)
{
    char name[128], before[24], after[24], interval[64] = "-", low[24], high[24];
    const assay_record *a = c->before, *b = c->after;
    snprintf(name, sizeof name, "%s%s%s", a->implementation, named ? " -> " : "", named ? b->implementation : "");
    if (isfinite(c->ratio.low))
        snprintf(interval, sizeof interval, "%s..%s", assay_report_number(c->ratio.low, low),
                 assay_report_number(c->ratio.high, high));
    printf("%-22s %-18s %-5s %-12s %9s %9s %14s  ", a->workload, name, a->arithmetic, a->phase,
           assay_report_number(a->median_ms, before), assay_report_number(b->median_ms, after), interval);
    assay_print_colour(colour_of(c->change), 0, assay_change_name(c->change));
    printf("%s%s%s\n", c->paired ? " (paired)" : "", c->why[0] ? ": " : "", c->why);
}

static void print_all(const request *q)
{
    const assay_comparisons *f = &q->found;
    printf("%-22s %-18s %-5s %-12s %9s %9s %14s\n", "workload", "implementation", "", "phase", "old ms", "new ms",
           "new/old, 95 %");
    for (int32_t k = 0; k < f->count; k++)
        print_row(&f->at[k], q->before_impl && q->after_impl);
    for (int change = 0; change < ASSAY_CHANGES; change++)
        printf("%s%d %s", change ? ", " : "", (int)f->counts[change], assay_change_name((assay_change)change));
    if (f->only_before || f->only_after)
        printf("; without a partner: %d of OLD, %d of NEW", (int)f->only_before, (int)f->only_after);
    putchar('\n');
}

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

static int perform(request *q, const char *before, const char *after)
{
    char why[512] = "";
    assay_status st = assay_records_read(before, &q->before, why, sizeof why);
    if (st == ASSAY_OK) st = assay_records_read(after, &q->after, why, sizeof why);
    if (st == ASSAY_OK)
        st = assay_compare_lists(&q->before, &q->after, q->before_impl, q->after_impl, &q->found, why, sizeof why);
    if (st != ASSAY_OK) return fail(st, why);
    print_all(q);
    int written = q->json ? write_json(q) : ASSAY_EXIT_HELD;
    return q->found.counts[ASSAY_SLOWER] ? ASSAY_EXIT_BROKEN : written;
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
        "than 3 %, other work. Of one run, two implementations: `--old A --new B`, sample by sample.\n"
        "Exit status: 0 nothing is SLOWER, 1 something is, 2 nothing could be compared.",
        "assay compare old.json new.json"};
    request q = {0};
    assay_strings files = {{0}, 0};
    const assay_option options[] = {
        {"old", "NAME", "of OLD this implementation; with --new", ASSAY_TAKES_TEXT, &q.before_impl},
        {"new", "NAME", "of NEW this implementation; with --old", ASSAY_TAKES_TEXT, &q.after_impl},
        {"json", "FILE", "write the verdicts", ASSAY_TAKES_OUTPUT, &q.json},
        {0}};
    int status = assay_options_read(&usage, options, argc, argv, &files);
    if (status >= 0) return status;
    if (files.count != 2 || !q.before_impl != !q.after_impl) {
        if (files.count != 2)
            assay_print_error("compare: %d files: expected OLD and NEW", files.count);
        else
            assay_print_error("compare: --old and --new: expected both or none");
        return ASSAY_EXIT_USAGE;
    }
    status = perform(&q, files.at[0], files.at[1]);
    assay_comparisons_free(&q.found);
    assay_records_free(&q.before);
    assay_records_free(&q.after);
    return status;
}
