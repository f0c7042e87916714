/* changes.c: what `assay compare` and `assay bench --baseline` print of comparisons.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/changes.h"
#include "perf/cli/print.h"
#include "perf/report_group.h"

#include <math.h>
#include <stdio.h>

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

void assay_changes_print(const assay_comparisons *c, int named, const char *before, const char *after)
{
    printf("%-22s %-18s %-5s %-12s %9s %9s %14s\n", "workload", "implementation", "", "phase", "old ms", "new ms",
           "new/old, 95 %");
    for (int32_t k = 0; k < c->count; k++)
        print_row(&c->at[k], named);
    for (int change = 0; change < ASSAY_CHANGES; change++)
        printf("%s%d %s", change ? ", " : "", (int)c->counts[change], assay_change_name((assay_change)change));
    if (c->only_before || c->only_after)
        printf("; without a partner: %d of %s, %d of %s", (int)c->only_before, before, (int)c->only_after, after);
    putchar('\n');
}
