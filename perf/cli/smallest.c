/* smallest.c: makes the first failure of each implementation and check smaller, and prints what is left.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/smallest.h"

#include "conformance/clock.h"
#include "conformance/shrink.h"
#include "perf/cli/print.h"

#include <stdio.h>
#include <string.h>

void assay_smallest_note(assay_smallest *s, const assay_result *r)
{
    if (r->verdict != ASSAY_VERDICT_FAIL || s->count == ASSAY_SMALLEST_MOST || !strcmp(r->check, "documented")) return;
    for (int k = 0; k < s->count; k++)
        if (!strcmp(s->first[k].plugin, r->plugin) && !strcmp(s->first[k].check, r->check)) return;
    const int k = s->count++;
    snprintf(s->first[k].plugin, sizeof s->first[k].plugin, "%s", r->plugin);
    snprintf(s->first[k].case_id, sizeof s->first[k].case_id, "%s", r->case_id);
    snprintf(s->first[k].check, sizeof s->first[k].check, "%s", r->check);
    s->first[k].arithmetic = r->arithmetic;
    s->first[k].seed = r->seed;
}

static const char *label_of(const assay_suite_options *o, const char *plugin)
{
    for (int k = 0; o->labels && k < o->plugin_count; k++)
        if (!strcmp(o->plugins[k], plugin)) return o->labels[k];
    return plugin;
}

static void show(assay_smallest *s, int k, const char *label, const assay_shrunk *x)
{
    char name[64];
    printf("smallest  %s  %s  %s\n  of %s, %d cases tried%s\n", assay_print_clean(label, name, sizeof name),
           s->first[k].check, x->case_id, s->first[k].case_id, x->tries, x->whole ? "" : " before the time was up");
    if (x->cause[0]) printf("  cause: %s\n", x->cause);
    printf("  %s\n", x->reproducer);
    fflush(stdout);
    if (!s->all) s->all = json_array();
    json_array_append_new(s->all,
                          json_pack("{s:s, s:s, s:s, s:s, s:i, s:b, s:s, s:s}", "impl", name, "check",
                                    s->first[k].check, "case", x->case_id, "of", s->first[k].case_id, "tries", x->tries,
                                    "whole", x->whole, "cause", x->cause, "reproducer", x->reproducer));
}

void assay_smallest_find(assay_smallest *s, const assay_suite_options *base, double seconds)
{
    const double until = assay_clock() + seconds;
    for (int k = 0; k < s->count; k++) {
        const double left = until - assay_clock();
        const char *label = label_of(base, s->first[k].plugin);
        assay_suite_options o = *base;
        assay_shrunk found;
        o.seed = s->first[k].seed;
        const assay_shrink_job j = {.base = &o,
                                    .plugin = s->first[k].plugin,
                                    .label = label,
                                    .case_id = s->first[k].case_id,
                                    .check = s->first[k].check,
                                    .arithmetic = s->first[k].arithmetic,
                                    .seconds = left / (s->count - k)};
        if (left > 0 && assay_shrink(&j, &found)) show(s, k, label, &found);
    }
}

void assay_smallest_free(assay_smallest *s)
{
    json_decref(s->all);
    s->all = NULL;
}
