/* judge.c: what a timed step left behind is compared in full with the truth: y, losses, every gradient, updated
 * parameters. SPDX-License-Identifier: MIT */
#include "conformance/compare.h"
#include "conformance/floors.h"
#include "conformance/oracle.h"
#include "perf/cli/judge.h"
#include "perf/state.h"
#include "reference/tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Roundings of a floor, fixed: a floor is a property of the data. */
static const uint64_t rounding_seed = 0x0F100125;

/* Floors belong to a shape and its generator, not to one seed, so one measurement serves a run. */
struct assay_floors_kept {
    assay_floors_kept *next;
    const assay_workload *workload;
    assay_arithmetic declared;
    assay_floor floor[ASSAY_TENSORS];
};

typedef struct verdict_so_far {
    assay_judgement *out;
    int compared, alive; /* tensors; those whose truth is not all zero */
} verdict_so_far;

void assay_floors_forget(assay_floors_kept *kept)
{
    while (kept) {
        assay_floors_kept *next = kept->next;
        free(kept);
        kept = next;
    }
}

static assay_question question_of(const assay_kept *k, unsigned wanted)
{
    return (assay_question){.p = k->problem,
                            .given = k->given,
                            .step = k->step,
                            .wanted = wanted,
                            .declared = k->declared,
                            .seed = rounding_seed};
}

/* Documented shapes have stored ones: a run that has to measure them has less time for timing than it was given. */
static void tell(const assay_kept *k)
{
    if (assay_workload_by_id(k->workload->id))
        fprintf(stderr, "%s: no floors of these sources are stored for it: measured now\n", k->workload->id);
}

/* Measured floors are ratios to this block's truth, and serve blocks whose truth may be a tenth of it, with the same
 * noise: each gets the norm that it relates to (assay_floor_at), as stored ones have it. 0: no memory. */
static int relate(const assay_kept *k, assay_oracle *o)
{
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(k->problem, list);
    for (int n = 0; n < count; n++) {
        const assay_tensor *x = &list[n];
        assay_metric metric;
        assay_distance own;
        unsigned char *zero;
        const double *truth = o->truth.at[x->id];
        if (!truth || o->floor[x->id].scale > 0) continue;
        if (assay_metric_make(k->problem, k->given, x, &metric, &zero) != ASSAY_OK) return 0;
        assay_distance_measure(&metric, truth, truth, &own);
        free(zero);
        o->floor[x->id].scale = own.norm_truth;
    }
    return 1;
}

/* Stored floors where they fit, else measured now. NULL: no memory. */
static const assay_floor *floors_of(assay_floors_kept **kept, const char *folder, const assay_kept *k)
{
    for (assay_floors_kept *f = *kept; f; f = f->next) {
        if (f->workload == k->workload && assay_arithmetic_same(&f->declared, k->declared)) return f->floor;
    }
    assay_case c;
    assay_oracle oracle;
    assay_question q = question_of(k, 1u << ASSAY_ROLE_FORWARD | 1u << ASSAY_ROLE_GRADIENT);
    assay_floors_kept *made = calloc(1, sizeof *made);
    if (!made) return NULL;
    memset(&oracle, 0, sizeof oracle);
    assay_workload_case(k->workload, &c);
    if (!(folder && assay_floors_read(folder, c.id, k->problem, k->declared, &oracle))) {
        tell(k);
        if (assay_oracle_make(&q, &oracle) != ASSAY_OK || !relate(k, &oracle)) {
            assay_oracle_free(&oracle);
            free(made);
            return NULL;
        }
    }
    made->workload = k->workload;
    made->declared = *k->declared;
    memcpy(made->floor, oracle.floor, sizeof made->floor);
    assay_oracle_free(&oracle);
    made->next = *kept;
    *kept = made;
    return made->floor;
}

static void worsen(assay_judgement *j, assay_verdict v, const char *what, const assay_finding *f)
{
    if (v < j->verdict || (v == j->verdict && v == ASSAY_VERDICT_PASS)) return;
    j->verdict = v;
    snprintf(j->why, sizeof j->why, "%s: %s error %.3g, limit %.3g, margin %.3g, at %lld", what, f->rule, f->error,
             f->limit, f->margin, (long long)f->where);
}

static void judge_one(verdict_so_far *s, const assay_kept *k, const assay_tensor *x, const double *got,
                      const double *truth, const assay_floor *floor)
{
    assay_metric metric;
    assay_distance distance;
    unsigned char *zero;
    double bound = assay_floor_bound(k->problem, k->declared);
    assay_judgement *j = s->out;
    if (assay_metric_make(k->problem, k->given, x, &metric, &zero) != ASSAY_OK) {
        j->verdict = ASSAY_VERDICT_BROKEN;
        snprintf(j->why, sizeof j->why, "no memory to compare %s", x->name);
        return;
    }
    assay_distance_measure(&metric, got, truth, &distance);
    free(zero);
    assay_finding f = assay_finding_judge(x->name, &metric, &distance, floor, k->declared->store, bound);
    s->compared++;
    if (distance.norm_truth > 0) s->alive++;
    if (!(f.margin <= j->margin)) j->margin = f.margin;
    worsen(j, f.verdict, x->name, &f);
}

static void judge_role(verdict_so_far *s, const assay_kept *k, unsigned roles, const assay_values *truth,
                       const assay_floor *floors)
{
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(k->problem, list);
    for (int n = 0; n < count && s->out->verdict != ASSAY_VERDICT_BROKEN; n++) {
        const assay_tensor *x = &list[n];
        if (!(roles >> x->role & 1u) || !k->got->at[x->id] || !truth->at[x->id]) continue;
        judge_one(s, k, x, k->got->at[x->id], truth->at[x->id], &floors[x->id]);
    }
}

/* The optimizer is judged from the gradients that it used: a small error there can turn Adam's step around. */
static void judge_update(verdict_so_far *s, const assay_kept *k)
{
    assay_oracle oracle;
    assay_question q = question_of(k, 1u << ASSAY_ROLE_UPDATED);
    if (assay_oracle_update(&q, k->got, &oracle) != ASSAY_OK) {
        s->out->verdict = ASSAY_VERDICT_BROKEN;
        snprintf(s->out->why, sizeof s->out->why, "no memory for the floors of the update");
        return;
    }
    judge_role(s, k, 1u << ASSAY_ROLE_UPDATED, k->update_truth, oracle.floor);
    assay_oracle_free(&oracle);
}

assay_judgement assay_judge(assay_floors_kept **kept, const char *folder, const assay_kept *k)
{
    assay_judgement out = {ASSAY_VERDICT_PASS, 0, ""};
    verdict_so_far s = {&out, 0, 0};
    const assay_floor *floor = floors_of(kept, folder, k);
    if (!floor) {
        out.verdict = ASSAY_VERDICT_BROKEN;
        snprintf(out.why, sizeof out.why, "the floors could not be measured: no memory");
        return out;
    }
    judge_role(&s, k, 1u << ASSAY_ROLE_FORWARD | 1u << ASSAY_ROLE_GRADIENT, k->truth, floor);
    if (k->update_truth && out.verdict == ASSAY_VERDICT_PASS) judge_update(&s, k);
    if (out.verdict == ASSAY_VERDICT_PASS && s.alive == 0) {
        out.verdict = ASSAY_VERDICT_MISTRUSTED;
        snprintf(out.why, sizeof out.why, "%d tensors compared, none whose truth isn't all zero", s.compared);
    }
    return out;
}
