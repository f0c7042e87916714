/* spread.c: rows of equal devices, and their two ends.
 * SPDX-License-Identifier: MIT */
#include "perf/spread.h"

#include "perf/baseline.h"

#include <stdlib.h>
#include <string.h>

static int same_row(const assay_record *a, const assay_record *b)
{
    return !strcmp(a->commit, b->commit) && assay_baseline_same_row(a, b);
}

static int is_wanted(const assay_records *list, const assay_record *r)
{
    return r->machine.node[0] && assay_records_is_headline(list, r);
}

static int came_before(const assay_records *list, int32_t at)
{
    for (int32_t k = 0; k < at; k++)
        if (is_wanted(list, &list->at[k]) && same_row(&list->at[k], &list->at[at])) return 1;
    return 0;
}

static int is_unfit(const assay_record *r)
{
    return !r->fit || assay_record_is_disturbed(r);
}

/* 1 if a record of this row before `at` is of the same node. */
static int node_counted(const assay_records *list, int32_t first, int32_t at)
{
    for (int32_t k = first; k < at; k++)
        if (is_wanted(list, &list->at[k]) && same_row(&list->at[k], &list->at[at]) &&
            !strcmp(list->at[k].machine.node, list->at[at].machine.node))
            return 1;
    return 0;
}

static assay_spread spread_from(const assay_records *list, int32_t first)
{
    assay_spread s = {.fastest = &list->at[first], .slowest = &list->at[first]};
    for (int32_t k = first; k < list->count; k++) {
        const assay_record *r = &list->at[k];
        if (!is_wanted(list, r) || !same_row(&list->at[first], r)) continue;
        s.nodes += !node_counted(list, first, k);
        if (r->median_ms < s.fastest->median_ms) s.fastest = r;
        if (r->median_ms >= s.slowest->median_ms) s.slowest = r;
        if (!s.unfit && is_unfit(r)) s.unfit = r;
    }
    s.apart = s.slowest->median_ms / s.fastest->median_ms - 1;
    return s;
}

assay_status assay_spreads_make(const assay_records *list, assay_spreads *out)
{
    out->count = 0;
    out->at = calloc((size_t)list->count + 1, sizeof *out->at);
    if (!out->at) return ASSAY_NO_MEMORY;
    for (int32_t k = 0; k < list->count; k++) {
        if (!is_wanted(list, &list->at[k]) || came_before(list, k)) continue;
        const assay_spread s = spread_from(list, k);
        if (s.nodes > 1) out->at[out->count++] = s;
    }
    return ASSAY_OK;
}

void assay_spreads_free(assay_spreads *s)
{
    free(s->at);
    *s = (assay_spreads){0};
}

void assay_spread_print(FILE *f, const assay_spread *s)
{
    const assay_record *a = s->fastest, *b = s->slowest;
    char device[ASSAY_BASELINE_DEVICE];
    assay_baseline_device_of(a, device, sizeof device);
    fprintf(
        f,
        "%s %s %s %s on %d of %s: %.4g ms at %s to %.4g ms at %s, %.1f %% apart; calibrated at %.4g and %.4g GFLOP/s",
        a->workload, a->implementation, a->arithmetic, a->phase, (int)s->nodes, device, a->median_ms, a->machine.node,
        b->median_ms, b->machine.node, 100 * s->apart, (a->calibration_before + a->calibration_after) / 2,
        (b->calibration_before + b->calibration_after) / 2);
    if (s->unfit) fprintf(f, "; %s drifted or was disturbed", s->unfit->machine.node);
}
