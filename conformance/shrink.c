/* shrink.c: tries smaller sizes, one at a time, and keeps what still fails.
 * SPDX-License-Identifier: MIT */
#include "conformance/shrink.h"

#include "conformance/case_parse.h"
#include "conformance/clock.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef struct search {
    const assay_shrink_job *job;
    assay_shrunk *out;
    double until;
    assay_case_spec best;
    int failed; /* of the last try */
} search;

/* The result that counts, if it fails as the first one did. */
static void on_result(void *user, const assay_result *r)
{
    search *s = user;
    if (r->verdict != ASSAY_VERDICT_FAIL || strcmp(r->check, s->job->check) || r->arithmetic != s->job->arithmetic)
        return;
    s->failed = 1;
    s->out->margin = r->margin;
    snprintf(s->out->cause, sizeof s->out->cause, "%s", r->cause);
    snprintf(s->out->reproducer, sizeof s->out->reproducer, "%s", r->reproducer);
}

static int stop(void *user)
{
    const search *s = user;
    const assay_suite_options *o = s->job->base;
    return o->stop && o->stop(o->user);
}

/* 1 if the check fails on this case. Whether the table has it or not, its id means the same. */
static int fails(search *s, const char *id)
{
    const assay_shrink_job *j = s->job;
    assay_suite_options o = *j->base;
    assay_case_spec spec;
    assay_case c;
    assay_summary sum;
    char why[256];
    if (assay_case_parse(id, &spec, &c, why, sizeof why) != ASSAY_OK) return 0;
    c.flags |= j->arithmetic == ASSAY_FP64 ? ASSAY_CASE_FP64 : 0;
    c.flags |= j->arithmetic > ASSAY_FP32 ? ASSAY_CASE_NARROW : 0;
    o.plugins = &j->plugin;
    o.labels = &j->label;
    o.plugin_count = 1;
    o.op = NULL;
    o.check = j->check;
    o.glob = id;
    o.extra = &c;
    o.extra_count = !assay_case_is_in_table(id);
    o.diagnose = 1;
    o.cache = NULL;
    o.on_result = on_result;
    o.on_progress = NULL;
    o.stop = stop;
    o.user = s;
    s->failed = 0;
    s->out->tries++;
    return assay_suite_run(&o, &sum, why, sizeof why) == ASSAY_OK && s->failed;
}

/* ---- steps ---- */

/* What can be made smaller, the cheapest first, and how small it may get. */
static const struct {
    size_t offset; /* in assay_case_row */
    int32_t least;
} sizes[] = {
    {offsetof(assay_case_row, t), 1},          {offsetof(assay_case_row, layers), 1},
    {offsetof(assay_case_row, directions), 1}, {offsetof(assay_case_row, n), 1},
    {offsetof(assay_case_row, h), 1},          {offsetof(assay_case_row, i), 1},
    {offsetof(assay_case_row, proj), 1},       {offsetof(assay_case_row, classes), 2},
    {offsetof(assay_case_row, vocab), 1},
};
#define SIZES ((int)(sizeof sizes / sizeof *sizes))

static int32_t *size_at(assay_case_row *row, int k)
{
    return (int32_t *)(void *)((char *)row + sizes[k].offset);
}

static void cut(int32_t *list, int32_t count, int32_t most)
{
    for (int32_t n = 0; n < count && n < ASSAY_ROW_LENS; n++)
        if (list[n] > most) list[n] = most;
}

/* Sample `gone` out of both lists. */
static void drop(assay_case_row *row, int32_t gone)
{
    for (int32_t n = gone; n + 1 < ASSAY_ROW_LENS; n++) {
        row->lens[n] = row->lens[n + 1];
        row->label_lens[n] = row->label_lens[n + 1];
    }
    row->n--;
}

/* 1 if the spec is smaller than it was in this size, and lists follow it. how 0: the least, 1: half, 2: one less. */
static int lessen(assay_case_row *row, int k, int how)
{
    int32_t *at = size_at(row, k);
    const int32_t was = *at, to = how == 0 ? sizes[k].least : how == 1 ? was / 2 : was - 1;
    if (to >= was || to < sizes[k].least || (how == 1 && to == sizes[k].least)) return 0;
    *at = to;
    cut(row->lens, row->n, row->t);
    cut(row->label_lens, row->n, row->t);
    return 1;
}

/* The candidate becomes the best if it fails. */
static int take(search *s, assay_case_spec *spec)
{
    assay_shrunk before = *s->out;
    spec->row.tag = spec->tag;
    if (!assay_case_spell(spec) || !fails(s, spec->id)) {
        const int tries = s->out->tries;
        *s->out = before;
        s->out->tries = tries;
        return 0;
    }
    s->best = *spec;
    s->best.row.tag = s->best.tag;
    snprintf(s->out->case_id, sizeof s->out->case_id, "%s", spec->id);
    return 1;
}

static int is_over(search *s)
{
    if (assay_clock() < s->until && !stop(s)) return 0;
    s->out->whole = 0;
    return 1;
}

/* One round over all sizes; 1 if any got smaller. */
static int round_of(search *s)
{
    int any = 0;
    for (int k = 0; k < SIZES; k++) {
        for (int how = 0; how < 3 && !is_over(s); how++) {
            assay_case_spec spec = s->best;
            if (!lessen(&spec.row, k, how)) continue;
            if (!take(s, &spec)) continue;
            any = 1;
            how--; /* once more the same way */
        }
    }
    for (int32_t n = 0; n < s->best.row.n && s->best.row.n > 1 && s->best.row.n <= ASSAY_ROW_LENS && !is_over(s); n++) {
        assay_case_spec spec = s->best;
        drop(&spec.row, n);
        if (take(s, &spec)) any = 1, n--;
    }
    for (int32_t n = 0; n < s->best.row.n && n < ASSAY_ROW_LENS && s->best.row.ragged == 1 && !is_over(s); n++) {
        assay_case_spec spec = s->best;
        if (spec.row.lens[n] > 0 && (spec.row.lens[n]--, take(s, &spec))) any = 1, n--;
    }
    return any;
}

int assay_shrink(const assay_shrink_job *j, assay_shrunk *out)
{
    search s = {.job = j, .out = out, .until = assay_clock() + j->seconds};
    assay_case c;
    char why[256];
    memset(out, 0, sizeof *out);
    out->whole = 1;
    if (assay_case_parse(j->case_id, &s.best, &c, why, sizeof why) != ASSAY_OK) return 0;
    s.best.row.tag = s.best.tag;
    while (round_of(&s)) {
    }
    return out->case_id[0] != '\0';
}
