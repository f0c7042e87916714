/* refusals.c: why implementations answered UNSUPPORTED: each reason once, with its count and a case.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/print.h"
#include "perf/cli/results.h"

#include <stdlib.h>
#include <string.h>

static const char others[] = "for other reasons";

int assay_results_add_reason(assay_results *r, const char *impl, const assay_result *x)
{
    char clean[256];
    const char *why = assay_print_clean(x->why, clean, sizeof clean);
    int at = r->reason_count, own = 0;
    for (int k = 0; k < r->reason_count; k++) {
        if (strcmp(r->reasons[k].impl, impl) != 0) continue;
        own++;
        at = k + 1;
        /* the last of its lines takes in what no longer has one of its own */
        if (strcmp(r->reasons[k].why, why) != 0 && own <= ASSAY_REASONS) continue;
        r->reasons[k].count++;
        return 1;
    }
    assay_result_reason *more = realloc(r->reasons, (size_t)(r->reason_count + 1) * sizeof *more);
    if (!more) return 0;
    r->reasons = more;
    memmove(more + at + 1, more + at, (size_t)(r->reason_count++ - at) * sizeof *more);
    more[at] = (assay_result_reason){.count = 1, .arithmetic = x->arithmetic};
    snprintf(more[at].impl, sizeof more[at].impl, "%s", impl);
    snprintf(more[at].why, sizeof more[at].why, "%s", own < ASSAY_REASONS ? why : others);
    snprintf(more[at].case_id, sizeof more[at].case_id, "%s", x->case_id);
    snprintf(more[at].check, sizeof more[at].check, "%s", x->check);
    return 1;
}

/* Number of reasons from `first` on that are of one implementation; *total: of its refusals. */
static int group(const assay_results *r, int first, int *total)
{
    int size = 0;
    for (*total = 0; first + size < r->reason_count; size++) {
        if (strcmp(r->reasons[first + size].impl, r->reasons[first].impl) != 0) break;
        *total += r->reasons[first + size].count;
    }
    return size;
}

static int by_count(const void *a, const void *b)
{
    const assay_result_reason *x = *(const assay_result_reason *const *)a, *y = *(const assay_result_reason *const *)b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return x < y ? -1 : 1; /* the order in which they came */
}

/* Calls tell() for each reason, the most frequent of each implementation first. */
static void each(const assay_results *r, void (*tell)(void *user, const assay_result_reason *x, int total), void *user)
{
    int total;
    for (int k = 0, size; k < r->reason_count; k += size) {
        const assay_result_reason *sorted[ASSAY_REASONS + 1];
        size = group(r, k, &total);
        for (int i = 0; i < size; i++)
            sorted[i] = &r->reasons[k + i];
        qsort(sorted, (size_t)size, sizeof *sorted, by_count);
        for (int i = 0; i < size; i++)
            tell(user, sorted[i], total);
    }
}

static void print(void *user, const assay_result_reason *x, int total)
{
    fprintf(user, "%s UNSUPPORTED %d: %d %s, e.g. %s (%s, %s)\n", x->impl, total, x->count, x->why, x->case_id,
            x->check, assay_format_name(x->arithmetic));
}

void assay_results_print_refusals(FILE *out, const assay_results *r)
{
    each(r, print, out);
}

static void append(void *user, const assay_result_reason *x, int total)
{
    json_t **list = user;
    (void)total;
    json_t *made = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s}", "impl", x->impl, "why", x->why, "count", x->count,
                             "case", x->case_id, "check", x->check, "arithmetic", assay_format_name(x->arithmetic));
    if (*list && json_array_append_new(*list, made) == 0) return;
    json_decref(*list);
    *list = NULL;
}

json_t *assay_results_refusals(const assay_results *r)
{
    json_t *list = json_array();
    each(r, append, &list);
    return list;
}
