/* documented.c: documented shapes as cases: which ones a run takes, and the table of their floors.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/documented.h"
#include "perf/state.h"
#include "perf/workload.h"

#include <fnmatch.h>
#include <math.h>
#include <string.h>

static int is_taken(assay_level level, int all, const char *glob, const char *id)
{
    static const char *const ordinary[] = {"b1.lstm-ce-short", "a1.gru-ce"};
    if (glob) return !fnmatch(glob, id, 0);
    if (all || level == ASSAY_LEVEL_QUICK) return all;
    return !strcmp(id, ordinary[0]) || !strcmp(id, ordinary[1]);
}

int assay_documented_cases(assay_level level, int all, const char *glob, assay_case *out)
{
    int count = 0;
    for (int k = 0; k < assay_workload_count() && count < ASSAY_DOCUMENTED_MOST; k++) {
        const assay_workload *w = assay_workload_get(k);
        if (!is_taken(level, all, glob, w->id)) continue;
        assay_workload_case(w, &out[count]);
        out[count++].flags |= all ? ASSAY_CASE_QUICK : 0; /* asked for, so at every level */
    }
    return count;
}

static int is_power(const assay_finding *f)
{
    return !strcmp(f->rule, ASSAY_RULE_POWER);
}

void assay_documented_print(FILE *to, const assay_result *r)
{
    double weakest = INFINITY;
    const char *at = "";
    if (strcmp(r->check, "documented") != 0 || r->finding_count == 0) return;
    fprintf(to, "%s on %s\n    tensor         honest floor     error   margin  tightest rule\n", r->impl, r->case_id);
    for (int k = 0; k < r->finding_count; k++) {
        const assay_finding *f = &r->findings[k];
        if (is_power(f) && f->margin < weakest) {
            weakest = f->margin;
            at = f->what;
        }
        if (!is_power(f))
            fprintf(to, "    %-14s     %.2e  %.2e  %7.3g  %s\n", f->what, f->floor, f->error, f->margin, f->rule);
    }
    if (isfinite(weakest)) fprintf(to, "    weakest margin of a cut backward: %.3g at %s (needs > 2)\n", weakest, at);
}
