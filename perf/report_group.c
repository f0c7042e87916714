/* report_group.c: grouping, order and ratios.
 * SPDX-License-Identifier: MIT */
#include "perf/report_group.h"

#include "perf/baseline.h"
#include "perf/device_roof.h"
#include "perf/history.h"
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

static int same_machine(const assay_record *a, const assay_record *b)
{
    return !strcmp(a->device.name, b->device.name) &&
           (a->device.name[0] || (!strcmp(a->machine.cpu, b->machine.cpu) && a->machine.cores == b->machine.cores));
}

static int has_several_hosts(const assay_records *list)
{
    const assay_record *host = NULL;
    for (int32_t k = 0; k < list->count; k++) {
        const assay_record *r = &list->at[k];
        if (r->device.name[0]) continue;
        if (host && !same_machine(host, r)) return 1;
        host = r;
    }
    return 0;
}

static assay_report_group *group_of(assay_report_groups *g, const assay_record *r, int name_hosts)
{
    for (int32_t k = 0; k < g->count; k++)
        if (!strcmp(g->at[k].id, r->workload) && !strcmp(g->at[k].arithmetic, r->arithmetic) &&
            same_machine(g->at[k].any, r))
            return &g->at[k];
    assay_report_group *made = &g->at[g->count++];
    const int plain = is_plain(r->arithmetic);
    char device[ASSAY_BASELINE_DEVICE] = "";
    if (r->device.name[0] || name_hosts) assay_baseline_device_of(r, device, sizeof device);
    *made = (assay_report_group){.id = r->workload,
                                 .arithmetic = r->arithmetic,
                                 .device = r->device.name,
                                 .any = r,
                                 .workload = assay_workload_by_id(r->workload)};
    snprintf(made->title, sizeof made->title, "%s%s%s%s%s", r->workload, plain ? "" : " in ",
             plain ? "" : r->arithmetic, device[0] ? " on " : "", device);
    return made;
}

static int same_node(const assay_record *a, const assay_record *b)
{
    return !strcmp(a->machine.node, b->machine.node);
}

static int same_row(const assay_record *a, const assay_record *b)
{
    return !strcmp(a->implementation, b->implementation) && same_node(a, b);
}

/* Another commit has measured this row later: what stands beside each other is of one commit. */
static int is_outdated(const assay_records *list, const assay_record *r)
{
    for (int32_t k = 0; k < list->count; k++) {
        const assay_record *other = &list->at[k];
        if (!strcmp(other->workload, r->workload) && !strcmp(other->arithmetic, r->arithmetic) && same_row(other, r) &&
            same_machine(other, r) && strcmp(other->commit, r->commit) && assay_record_is_later(other, r))
            return 1;
    }
    return 0;
}

static assay_report_row *row_of(assay_report_group *g, const assay_record *r)
{
    for (int32_t k = 0; k < g->row_count; k++)
        if (same_row(g->rows[k].any, r)) return &g->rows[k];
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
    if (wx == wy && !same_machine(x->any, y->any)) return strcmp(x->title, y->title);
    if (wx == wy) return is_plain(y->arithmetic) - is_plain(x->arithmetic);
    return (wx > wy) - (wx < wy);
}

/* Samples of one run were taken in turn; of different runs they are not pairs. */
assay_interval assay_report_ratio(const assay_report_row *row, const assay_report_row *other)
{
    const assay_record *r = row->phase[ASSAY_PHASE_STEP], *o = other->phase[ASSAY_PHASE_STEP];
    if (!o || !r || r->seed != o->seed || !same_node(r, o)) return (assay_interval){NAN, NAN};
    return assay_stats_ratio_interval(r->samples_ms, o->samples_ms, r->n < o->n ? r->n : o->n, r->seed);
}

static void set_ratios(assay_report_group *g)
{
    for (int32_t k = 1; k < g->row_count; k++)
        g->rows[k].ratio = assay_report_ratio(&g->rows[k], &g->rows[0]);
}

assay_status assay_report_groups_make(const assay_records *list, assay_report_groups *out)
{
    out->count = 0;
    out->at = calloc((size_t)list->count + 1, sizeof *out->at);
    if (!out->at) return ASSAY_NO_MEMORY;
    const int name_hosts = has_several_hosts(list);
    for (int32_t k = 0; k < list->count; k++) {
        int phase = phase_of(&list->at[k]);
        if (phase < 0 || assay_scale_is_point(list->at[k].workload) || is_outdated(list, &list->at[k])) continue;
        assay_report_row *row = row_of(group_of(out, &list->at[k], name_hosts), &list->at[k]);
        if (!row) {
            assay_report_groups_free(out);
            return ASSAY_NO_MEMORY;
        }
        if (!row->phase[phase] || assay_record_is_later(&list->at[k], row->phase[phase]))
            row->phase[phase] = row->any = &list->at[k];
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

const char *assay_report_row_name(const assay_report_row *row, char *buffer)
{
    const assay_record *r = row->any;
    snprintf(buffer, 128, "%s%s%s", r->implementation, r->machine.node[0] ? " @ " : "", r->machine.node);
    return buffer;
}

const assay_record *assay_report_newest(const assay_records *list)
{
    const assay_record *newest = list->count ? &list->at[0] : NULL;
    for (int32_t k = 1; k < list->count; k++)
        if (assay_record_is_later(&list->at[k], newest)) newest = &list->at[k];
    return newest;
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
