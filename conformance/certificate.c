/* certificate.c: counts what was proved, and says whether that is enough for what is to be timed.
 * SPDX-License-Identifier: MIT */
#include "conformance/certificate.h"

#include "conformance/feature.h"

#include <stdio.h>
#include <string.h>

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
}

void assay_certificate_begin(const assay_session_info *about, const char *device, int arithmetic, assay_level level,
                             int threads, uint64_t seed, assay_certificate *out)
{
    memset(out, 0, sizeof *out);
    copy(out->impl, sizeof out->impl, about->name);
    copy(out->version, sizeof out->version, about->version);
    copy(out->plugin_hash, sizeof out->plugin_hash, about->plugin_hash);
    copy(out->mapped_hash, sizeof out->mapped_hash, about->mapped_hash);
    copy(out->suite, sizeof out->suite, assay_suite_version);
    copy(out->reference, sizeof out->reference, ASSAY_REFERENCE_HASH);
    copy(out->device, sizeof out->device, about->device[0] ? about->device : device);
    out->arithmetic = arithmetic;
    out->level = level;
    out->threads = threads;
    out->seed = seed;
}

/* ---- counting ---- */

static int check_index(const char *name)
{
    for (int k = 0; k < assay_check_count() && k < ASSAY_CERTIFICATE_CHECKS; k++)
        if (!strcmp(assay_check_get(k)->name, name)) return k;
    return -1;
}

static assay_group *group_of(assay_certificate *c, const char *key, uint64_t features)
{
    for (int g = 0; g < c->count; g++)
        if (c->groups[g].features == features && !strcmp(c->groups[g].key, key)) return &c->groups[g];
    if (c->count == ASSAY_CERTIFICATE_GROUPS) return NULL;
    assay_group *made = &c->groups[c->count++];
    copy(made->key, sizeof made->key, key);
    made->features = features;
    return made;
}

void assay_certificate_note(assay_certificate *c, const assay_result *r)
{
    char key[32];
    if (r->arithmetic != c->arithmetic) return;
    if (r->plugin_hash && r->plugin_hash[0] && strcmp(r->plugin_hash, c->plugin_hash) != 0) c->changed = 1;
    assay_dialect_key(r->problem, key, sizeof key);
    assay_group *g = group_of(c, key, assay_features_of(r->problem, r->ragged));
    int check = check_index(r->check);
    if (!g || check < 0) {
        c->lost++;
        return;
    }
    assay_tally *tally = &g->by[check];
    if (r->verdict == ASSAY_VERDICT_PASS) {
        tally->passed++;
        if (r->margin > g->worst_margin) g->worst_margin = r->margin;
    } else if (r->verdict == ASSAY_VERDICT_UNSUPPORTED) {
        tally->unsupported++;
    } else {
        tally->not_passed++;
    }
}

/* ---- what is enough ---- */

#define OP(op)     (1u << ASSAY_OP_##op)
#define LOSSES     (OP(XENT) | OP(CTC))
#define EVERYTHING (OP(RNN) | OP(NETWORK) | LOSSES)

/* What has to be passed whatever the table of cases holds. Checks that are not named here count where they ran. */
static const struct {
    const char *check;
    unsigned ops;
    uint64_t when;    /* asked only of problems that use one of these features; 0 = of all */
    int each_feature; /* 1: with every feature that the problem uses; 0: with those of `when` at least */
    int wide;         /* 1: not asked of formats narrower than fp32, whose cases run none (ASSAY_CASE_NARROW) */
} required[] = {
    {"forward", EVERYTHING, 0, 1, 0},
    {"backward", EVERYTHING, 0, 1, 0},
    {"contract", EVERYTHING, 0, 1, 0},
    {"determinism", EVERYTHING, 0, 1, 0},
    {"update", OP(NETWORK), ASSAY_FEATURE_BIT(SGD) | ASSAY_FEATURE_BIT(ADAM), 1, 0},
    {"lengths", EVERYTHING, ASSAY_FEATURE_BIT(RAGGED), 0, 0},
    {"gradcheck", OP(RNN) | LOSSES, 0, 0, 1},   /* a network's loss has no cotangent of its own to difference along */
    {"metamorphic", OP(RNN) | LOSSES, 0, 0, 0}, /* and the next: of networks the parts */
    {"magnitude", OP(RNN) | LOSSES, 0, 0, 1},
    {"memory", EVERYTHING, 0, 0, 0},
    {"environment", EVERYTHING, 0, 0, 0},
};

/* One part of what is to be timed: the cases of its dialect. */
typedef struct part {
    const assay_certificate *c;
    char key[32];
    uint64_t features;
    unsigned op;
    char *why;
    size_t why_size;
} part;

static const assay_group *in_part(const part *q, int g)
{
    const assay_group *group = &q->c->groups[g];
    return strcmp(group->key, q->key) ? NULL : group;
}

static int nothing_failed(const part *q)
{
    int passed = 0, unsupported = 0, not_passed = 0;
    for (int g = 0; g < q->c->count; g++) {
        const assay_group *group = in_part(q, g);
        for (int k = 0; group && k < ASSAY_CERTIFICATE_CHECKS; k++) {
            passed += group->by[k].passed;
            unsupported += group->by[k].unsupported;
            not_passed += group->by[k].not_passed;
        }
    }
    if (passed && !not_passed) return 1;
    if (!passed && !not_passed)
        snprintf(q->why, q->why_size, "%s: nothing proved for %s (%d checks UNSUPPORTED)", q->c->impl, q->key,
                 unsupported);
    else
        snprintf(q->why, q->why_size, "%s: %d of %d checks of %s did not pass", q->c->impl, not_passed,
                 passed + not_passed, q->key);
    return 0;
}

/* Features of the cases that this check passed; *any = 1 if it passed one. */
static uint64_t proved_by(const part *q, const char *check, int *any)
{
    uint64_t proved = 0;
    int k = check_index(check);
    *any = 0;
    for (int g = 0; k >= 0 && g < q->c->count; g++) {
        const assay_group *group = in_part(q, g);
        if (!group || !group->by[k].passed) continue;
        proved |= group->features;
        *any = 1;
    }
    return proved;
}

static int is_required(const part *q, size_t r)
{
    if (!(required[r].ops >> q->op & 1u) || (required[r].wide && q->c->arithmetic > ASSAY_FP32)) return 0;
    return !required[r].when || (required[r].when & q->features);
}

static int every_check_passed(const part *q)
{
    for (size_t r = 0; r < sizeof required / sizeof *required; r++) {
        int any, feature = 0;
        if (!is_required(q, r)) continue;
        uint64_t proved = proved_by(q, required[r].check, &any);
        uint64_t asked = required[r].each_feature ? q->features : q->features & required[r].when;
        uint64_t missing = asked & ~proved;
        while (missing && !(missing >> feature & 1u))
            feature++;
        if (!any)
            snprintf(q->why, q->why_size, "%s: %s has no pass of %s", q->c->impl, q->key, required[r].check);
        else if (missing)
            snprintf(q->why, q->why_size, "%s: %s has no pass of %s with %s", q->c->impl, q->key, required[r].check,
                     assay_feature_text(feature));
        if (!any || missing) return 0;
    }
    return 1;
}

/* Cases that use nothing that the problem does not use: who refuses all of a kind has no proof of that combination. */
static int nothing_inside_was_refused(const part *q)
{
    char text[256];
    for (int g = 0; g < q->c->count; g++) {
        const assay_group *group = in_part(q, g);
        if (!group || (group->features & ~q->features)) continue;
        for (int k = 0; k < ASSAY_CERTIFICATE_CHECKS; k++) {
            if (group->by[k].passed || !group->by[k].unsupported) continue;
            snprintf(q->why, q->why_size, "%s: %s is UNSUPPORTED in %s with %s", q->c->impl, q->key,
                     assay_check_get(k)->name, assay_features_print(group->features, text, sizeof text));
            return 0;
        }
    }
    return 1;
}

static int is_proved(const assay_certificate *c, const assay_problem *p, int ragged, char *why, size_t why_size)
{
    part q = {
        .c = c, .features = assay_features_of(p, ragged), .op = (unsigned)p->op, .why = why, .why_size = why_size};
    assay_dialect_key(p, q.key, sizeof q.key);
    return nothing_failed(&q) && every_check_passed(&q) && nothing_inside_was_refused(&q);
}

/* A loss alone has rows past the length only where the head reads every step. */
static int loss_is_ragged(const assay_problem *p, int ragged)
{
    return ragged && p->head == ASSAY_HEAD_EVERY;
}

int assay_certificate_covers(const assay_certificate *c, const assay_need *need, char *why, size_t why_size)
{
    const assay_problem *p = need->problem;
    assay_problem inner = *p;
    if (c->changed || c->lost) {
        snprintf(why, why_size, "%s: %s", c->impl,
                 c->changed ? "its file was replaced while it was checked"
                            : "more kinds of results than a certificate holds");
        return 0;
    }
    if (c->threads != need->threads) {
        snprintf(why, why_size, "%s: checked with %d threads, to be timed with %d", c->impl, (int)c->threads,
                 (int)need->threads);
        return 0;
    }
    if (!is_proved(c, p, need->ragged, why, why_size)) return 0;
    if (p->op != ASSAY_OP_NETWORK) return 1;
    inner.op = ASSAY_OP_RNN;
    if (!is_proved(c, &inner, need->ragged, why, why_size)) return 0;
    inner.op = p->loss == ASSAY_LOSS_CTC ? ASSAY_OP_CTC : ASSAY_OP_XENT;
    return is_proved(c, &inner, loss_is_ragged(p, need->ragged), why, why_size);
}
