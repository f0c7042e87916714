/* history.c: which records are one line, and their order.
 * SPDX-License-Identifier: MIT */
#include "perf/history.h"

#include "perf/baseline.h"

#include <stdlib.h>
#include <string.h>

static const char *when(const assay_record *r)
{
    return r->commit_time[0] ? r->commit_time : r->time;
}

/* ISO 8601 in UTC: the order of the text is that of time. */
int assay_record_is_later(const assay_record *a, const assay_record *b)
{
    const int order = strcmp(when(a), when(b));
    return order ? order > 0 : strcmp(a->time, b->time) > 0;
}

static int oldest_first(const void *a, const void *b)
{
    const assay_record *const *x = a, *const *y = b;
    return assay_record_is_later(*x, *y) - assay_record_is_later(*y, *x);
}

static int same_line(const assay_record *a, const assay_record *b)
{
    return !strcmp(a->machine.node, b->machine.node) && assay_baseline_same_row(a, b);
}

static int came_before(const assay_records *list, int32_t at)
{
    for (int32_t k = 0; k < at; k++)
        if (same_line(&list->at[k], &list->at[at])) return 1;
    return 0;
}

/* ASSAY_NO_MEMORY leaves *h to be freed. */
static assay_status line_from(const assay_records *list, int32_t first, assay_history *h)
{
    int32_t commits = 1;
    *h = (assay_history){0};
    h->at = calloc((size_t)(list->count - first), sizeof *h->at);
    h->change = calloc((size_t)(list->count - first), sizeof *h->change);
    if (!h->at || !h->change) return ASSAY_NO_MEMORY;
    for (int32_t k = first; k < list->count; k++)
        if (same_line(&list->at[first], &list->at[k])) h->at[h->count++] = &list->at[k];
    qsort(h->at, (size_t)h->count, sizeof *h->at, oldest_first);
    for (int32_t k = 1; k < h->count; k++) {
        commits += strcmp(h->at[k]->commit, h->at[k - 1]->commit) != 0;
        h->change[k] = assay_compare(h->at[k - 1], h->at[k]);
    }
    if (commits == 1) h->count = 0;
    return ASSAY_OK;
}

static void free_line(assay_history *h)
{
    free(h->at);
    free(h->change);
}

assay_status assay_histories_make(const assay_records *list, assay_histories *out)
{
    assay_status st = ASSAY_OK;
    out->count = 0;
    out->at = calloc((size_t)list->count + 1, sizeof *out->at);
    if (!out->at) return ASSAY_NO_MEMORY;
    for (int32_t k = 0; k < list->count && st == ASSAY_OK; k++) {
        if (!assay_records_is_headline(list, &list->at[k]) || came_before(list, k)) continue;
        assay_history *h = &out->at[out->count];
        st = line_from(list, k, h);
        if (st == ASSAY_OK && h->count)
            out->count++;
        else
            free_line(h);
    }
    return st;
}

void assay_histories_free(assay_histories *h)
{
    for (int32_t k = 0; k < h->count; k++)
        free_line(&h->at[k]);
    free(h->at);
    *h = (assay_histories){0};
}
