/* report_group.c: grouping, order and ratios.
 * SPDX-License-Identifier: MIT */
#include "perf/report_group.h"

#include "perf/device_roof.h"
#include "perf/scale.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int phase_of(const assay_record *r)
{
    for (int phase = 0; phase < ASSAY_PHASES; phase++)
        if (!strcmp(r->phase, assay_phase_name(phase))) return phase;
    return -1;
}

/* fp32 goes without saying. */
static int is_plain(const char *arithmetic)
{
    return !strcmp(arithmetic, "fp32");
}

static assay_report_group *group_of(assay_report_groups *g, const assay_record *r)
{
    for (int32_t k = 0; k < g->count; k++)
        if (!strcmp(g->at[k].id, r->workload) && !strcmp(g->at[k].arithmetic, r->arithmetic) &&
            !strcmp(g->at[k].device, r->device.name))
            return &g->at[k];
    assay_report_group *made = &g->at[g->count++];
    const int plain = is_plain(r->arithmetic);
    char device[64];
    assay_device_name(r->device.name, device, sizeof device);
    *made = (assay_report_group){.id = r->workload,
                                 .arithmetic = r->arithmetic,
                                 .device = r->device.name,
                                 .workload = assay_workload_by_id(r->workload)};
    snprintf(made->title, sizeof made->title, "%s%s%s%s%s", r->workload, plain ? "" : " in ",
             plain ? "" : r->arithmetic, device[0] ? " on " : "", device);
    return made;
}

static assay_report_row *row_of(assay_report_group *g, const assay_record *r)
{
    for (int32_t k = 0; k < g->row_count; k++)
        if (!strcmp(g->rows[k].any->implementation, r->implementation)) return &g->rows[k];
    assay_report_row *more = realloc(g->rows, ((size_t)g->row_count + 1) * sizeof *more);
    if (!more) return NULL;
    g->rows = more;
    more[g->row_count] = (assay_report_row){.any = r, .ratio = {NAN, NAN}};
    return &more[g->row_count++];
}

static double step_ms(const assay_report_row *r)
{
    return r->phase[ASSAY_PHASE_STEP] ? r->phase[ASSAY_PHASE_STEP]->median_ms : INFINITY;
}

static int fastest_first(const void *a, const void *b)
{
    double x = step_ms(a), y = step_ms(b);
    return (x > y) - (x < y);
}

/* Workloads in the order of the table, unknown ones last; of one, the host first, then fp32. */
static int by_table(const void *a, const void *b)
{
    const assay_report_group *x = a, *y = b;
    const assay_workload *end = assay_workload_get(0) + assay_workload_count();
    const assay_workload *wx = x->workload ? x->workload : end, *wy = y->workload ? y->workload : end;
    if (wx == wy && strcmp(x->device, y->device)) return strcmp(x->device, y->device);
    if (wx == wy) return is_plain(y->arithmetic) - is_plain(x->arithmetic);
    return (wx > wy) - (wx < wy);
}

/* Samples of one run were taken in turn; of different runs they are not pairs. */
static void set_ratios(assay_report_group *g)
{
    const assay_record *best = g->rows[0].phase[ASSAY_PHASE_STEP];
    for (int32_t k = 1; k < g->row_count; k++) {
        const assay_record *r = g->rows[k].phase[ASSAY_PHASE_STEP];
        if (!best || !r || r->seed != best->seed) continue;
        int32_t n = r->n < best->n ? r->n : best->n;
        g->rows[k].ratio = assay_stats_ratio_interval(r->samples_ms, best->samples_ms, n, r->seed);
    }
}

assay_status assay_report_groups_make(const assay_records *list, assay_report_groups *out)
{
    out->count = 0;
    out->at = calloc((size_t)list->count + 1, sizeof *out->at);
    if (!out->at) return ASSAY_NO_MEMORY;
    for (int32_t k = 0; k < list->count; k++) {
        int phase = phase_of(&list->at[k]);
        if (phase < 0 || assay_scale_is_point(list->at[k].workload)) continue;
        assay_report_row *row = row_of(group_of(out, &list->at[k]), &list->at[k]);
        if (!row) {
            assay_report_groups_free(out);
            return ASSAY_NO_MEMORY;
        }
        row->phase[phase] = &list->at[k];
    }
    qsort(out->at, (size_t)out->count, sizeof *out->at, by_table);
    for (int32_t k = 0; k < out->count; k++) {
        qsort(out->at[k].rows, (size_t)out->at[k].row_count, sizeof *out->at[k].rows, fastest_first);
        set_ratios(&out->at[k]);
    }
    return ASSAY_OK;
}

void assay_report_groups_free(assay_report_groups *g)
{
    for (int32_t k = 0; k < g->count; k++)
        free(g->at[k].rows);
    free(g->at);
    *g = (assay_report_groups){0};
}

const char *assay_report_number(double x, char *buffer)
{
    double size = fabs(x);
    int places = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
    if (isfinite(x))
        snprintf(buffer, 24, "%.*f", places, x);
    else
        snprintf(buffer, 24, "-");
    return buffer;
}

static int has_implementation(const assay_records *list, const char *part)
{
    for (int32_t k = 0; k < list->count; k++)
        if (strstr(list->at[k].implementation, part)) return 1;
    return 0;
}

const char *assay_report_missing_peers(const assay_records *list)
{
    int torch = has_implementation(list, "torch"), onednn = has_implementation(list, "onednn");
    return torch && onednn ? "" : torch ? "oneDNN" : onednn ? "PyTorch" : "PyTorch, oneDNN";
}
