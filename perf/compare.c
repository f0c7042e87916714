/* compare.c: what may be compared, and the verdict on it.
 * SPDX-License-Identifier: MIT */
#include "perf/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALIBRATION_SHARE 0.03 /* that two runs' calibrations may differ by */
#define BOOTSTRAP_SEED    0xC0117A2Eu

const char *assay_change_name(assay_change change)
{
    static const char *const names[ASSAY_CHANGES] = {
        [ASSAY_SAME] = "SAME", [ASSAY_FASTER] = "FASTER", [ASSAY_SLOWER] = "SLOWER", [ASSAY_UNDECIDED] = "UNDECIDED"};
    return names[change];
}

/* What has to be the same on both sides. */
typedef struct fact {
    const char *name;
    size_t offset;
    int word; /* 1: text; 0: int32_t */
} fact;

#define WORD(name, member)                                                                                             \
    {                                                                                                                  \
        name, offsetof(assay_record, member), 1                                                                        \
    }
#define COUNT(name, member)                                                                                            \
    {                                                                                                                  \
        name, offsetof(assay_record, member), 0                                                                        \
    }
static const fact facts[] = {
    WORD("device", device.name),
    WORD("processor", machine.cpu),
    WORD("vector extensions", machine.isa),
    COUNT("cores", machine.cores),
    COUNT("processor threads", machine.threads),
    WORD("governor", machine.governor),
    WORD("data", data),
    WORD("dx of layer 1", work.dx_layer1),
    WORD("backward steps", work.bptt_steps),
    WORD("dead reverse steps", work.dead_reverse_top),
    WORD("padding", work.padding_frames),
    WORD("distinct tokens", work.distinct_tokens),
    WORD("embedding update", work.embedding_update),
    WORD("logits", work.logits),
    WORD("input projection", work.wx_included),
    WORD("saved state", work.saved_state),
    WORD("optimizer", work.optimizer),
    WORD("copies to the device", work.h2d),
};

/* 1 if this fact agrees; else the line that says so. */
static int agrees(const fact *f, const assay_record *a, const assay_record *b, char *why, size_t why_size)
{
    const void *x = (const char *)a + f->offset, *y = (const char *)b + f->offset;
    if (f->word && strcmp(x, y))
        snprintf(why, why_size, "%s differ: '%.60s', then '%.60s'", f->name, (const char *)x, (const char *)y);
    else if (!f->word && *(const int32_t *)x != *(const int32_t *)y)
        snprintf(why, why_size, "%s differ: %d, then %d", f->name, (int)*(const int32_t *)x, (int)*(const int32_t *)y);
    else
        return 1;
    return 0;
}

static double calibration(const assay_record *r)
{
    return (r->calibration_before + r->calibration_after) / 2;
}

/* Written so that what is no number does not agree. */
static int comparable(const assay_record *a, const assay_record *b, char *why, size_t why_size)
{
    for (size_t k = 0; k < sizeof facts / sizeof *facts; k++)
        if (!agrees(&facts[k], a, b, why, why_size)) return 0;
    const double apart = fabs(calibration(b) / calibration(a) - 1);
    const assay_record *unfit = !a->fit ? a : !b->fit ? b : NULL;
    const assay_record *waited = assay_record_is_disturbed(a) ? a : assay_record_is_disturbed(b) ? b : NULL;
    if (unfit)
        snprintf(why, why_size, "the %s run's calibration drifted by %.1f %%", unfit == a ? "old" : "new",
                 100 * unfit->drift);
    else if (waited)
        snprintf(why, why_size, "in %d of the %s run's %d samples threads waited for a processor",
                 (int)waited->disturbed, waited == a ? "old" : "new", (int)waited->n);
    else if (!(apart <= CALIBRATION_SHARE))
        snprintf(why, why_size, "calibrations %.4g and %.4g GFLOP/s: more than %.0f %% apart", calibration(a),
                 calibration(b), 100 * CALIBRATION_SHARE);
    else if (a->n < ASSAY_SAMPLES_LEAST || b->n < ASSAY_SAMPLES_LEAST)
        snprintf(why, why_size, "%d and %d samples: at least %d expected", (int)a->n, (int)b->n, ASSAY_SAMPLES_LEAST);
    else
        return 1;
    return 0;
}

/* Of one run, sample by sample: the same numbers (a seed may have been asked for twice) between the same two
 * calibrations. */
static int side_by_side(const assay_record *a, const assay_record *b)
{
    return a->seed == b->seed && a->n == b->n && a->calibration_before == b->calibration_before &&
           a->calibration_after == b->calibration_after && strcmp(a->implementation, b->implementation);
}

static assay_change verdict_of(const assay_comparison *c, char *why, size_t why_size)
{
    const double low = c->ratio.low, high = c->ratio.high, share = ASSAY_CHANGE_SHARE;
    const double apart = fabs(c->after->median_ms - c->before->median_ms);
    const double round_trip = fmax(c->before->round_trip_ms, c->after->round_trip_ms);
    if (low >= 1 - share && high <= 1 + share) return ASSAY_SAME;
    if (!(high < 1 - share) && !(low > 1 + share)) {
        snprintf(why, why_size, "the interval crosses %.2f or %.2f: more samples would tell", 1 - share, 1 + share);
        return ASSAY_UNDECIDED;
    }
    if (!(apart > round_trip)) {
        snprintf(why, why_size, "%.3g ms apart: no more than the round trip inside each sample, %.3g ms", apart,
                 round_trip);
        return ASSAY_UNDECIDED;
    }
    return low > 1 ? ASSAY_SLOWER : ASSAY_FASTER;
}

assay_comparison assay_compare(const assay_record *before, const assay_record *after)
{
    assay_comparison c = {
        .before = before, .after = after, .median = NAN, .ratio = {NAN, NAN}, .change = ASSAY_UNDECIDED};
    if (!comparable(before, after, c.why, sizeof c.why)) return c;
    c.paired = side_by_side(before, after);
    c.median = after->median_ms / before->median_ms;
    c.ratio = c.paired
                  ? assay_stats_ratio_interval(after->samples_ms, before->samples_ms, after->n, BOOTSTRAP_SEED)
                  : assay_stats_ratio_apart(after->samples_ms, after->n, before->samples_ms, before->n, BOOTSTRAP_SEED);
    c.change = verdict_of(&c, c.why, sizeof c.why);
    return c;
}

/* ---- lists ---- */

static int wanted(const assay_record *r, const char *impl)
{
    return !impl || !strcmp(r->implementation, impl);
}

static const assay_record *partner(const assay_records *list, const assay_record *r, const char *impl)
{
    return assay_records_find(list, r->workload, impl ? impl : r->implementation, r->arithmetic, r->phase);
}

/* Two of one name could not be told apart. */
static int names_are_unique(const assay_records *list, const char *impl, const char *which, char *why, size_t why_size)
{
    for (int32_t k = 0; k < list->count; k++) {
        const assay_record *r = &list->at[k];
        if (!wanted(r, impl) || partner(list, r, NULL) == r) continue;
        snprintf(why, why_size, "%s has two records of %s %s %s %s: expected one", which, r->workload,
                 r->implementation, r->arithmetic, r->phase);
        return 0;
    }
    return 1;
}

assay_status assay_compare_lists(const assay_records *before, const assay_records *after, const char *before_impl,
                                 const char *after_impl, assay_comparisons *out, char *why, size_t why_size)
{
    *out = (assay_comparisons){0};
    if (!names_are_unique(before, before_impl, "OLD", why, why_size) ||
        !names_are_unique(after, after_impl, "NEW", why, why_size))
        return ASSAY_BAD_ARGUMENT;
    out->at = calloc((size_t)before->count + 1, sizeof *out->at);
    if (!out->at) {
        snprintf(why, why_size, "no memory for %d comparisons", (int)before->count);
        return ASSAY_NO_MEMORY;
    }
    for (int32_t k = 0; k < after->count; k++)
        out->only_after += wanted(&after->at[k], after_impl) != 0;
    for (int32_t k = 0; k < before->count; k++) {
        const assay_record *other = partner(after, &before->at[k], after_impl);
        if (!wanted(&before->at[k], before_impl)) continue;
        if (!other) {
            out->only_before++;
            continue;
        }
        out->only_after--;
        out->at[out->count] = assay_compare(&before->at[k], other);
        out->counts[out->at[out->count++].change]++;
    }
    if (out->count) return ASSAY_OK;
    snprintf(why, why_size,
             "OLD and NEW have no record in common: expected the same workloads, implementations and "
             "phases, or --old and --new");
    assay_comparisons_free(out);
    return ASSAY_BAD_ARGUMENT;
}

void assay_comparisons_free(assay_comparisons *c)
{
    free(c->at);
    *c = (assay_comparisons){0};
}
