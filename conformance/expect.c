/* expect.c: what a check expects of results: the truth within its floor, the same bits, zeros.
 * SPDX-License-Identifier: MIT */
#include "conformance/diagnose.h"
#include "conformance/locate.h"
#include "conformance/names.h"
#include "conformance/trial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void assay_trial_add(assay_trial *t, const assay_finding *f)
{
    assay_finding kept = *f;
    kept.loose = t->declared.opaque != 0;
    if (t->finding_count < ASSAY_MAX_FINDINGS) {
        t->findings[t->finding_count++] = kept;
    } else if (f->verdict > t->findings[ASSAY_MAX_FINDINGS - 1].verdict) {
        t->findings[ASSAY_MAX_FINDINGS - 1] = kept; /* a full list never loses a failure */
    }
    if (f->verdict > t->verdict) {
        const int used = snprintf(t->why, sizeof t->why, "%s: %s error %.3g, limit %.3g, margin %.3g", f->what, f->rule,
                                  f->error, f->limit, f->margin);
        const size_t left = sizeof t->why - (size_t)used;
        if (f->place[0])
            snprintf(t->why + used, left, ", %s %s", strcmp(f->rule, "tensor") ? "at" : "worst at", f->place);
        else if (f->where >= 0)
            snprintf(t->why + used, left, ", %s %lld", assay_finding_counts(f) ? "seen" : "at", (long long)f->where);
    }
    t->verdict = assay_verdict_worse(t->verdict, f->verdict);
}

const assay_oracle *assay_trial_oracle(assay_trial *t, int variant, unsigned roles)
{
    assay_status st = ASSAY_OK;
    if (t->over) return NULL;
    const assay_oracle *o = assay_subject_oracle(t->subject, variant, roles, &t->declared, &st);
    if (!o && st == ASSAY_UNSUPPORTED)
        assay_trial_end(t, ASSAY_VERDICT_UNSUPPORTED, "no oracle for this arithmetic at this size");
    else if (!o)
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "the reference could not answer: status %d", (int)st);
    return o;
}

/* Where the finding's place is, in words. */
static void put_place(const assay_problem *p, const assay_values *given, const assay_tensor *x, int64_t worst,
                      assay_finding *f)
{
    if (!strcmp(f->rule, "row") || !strcmp(f->rule, "rowsum"))
        assay_locate_row(p, given, x, f->where, f->place, sizeof f->place);
    else
        assay_locate(p, given, x, f->where >= 0 ? f->where : worst, f->place, sizeof f->place);
}

/* 1 if it failed. */
static int judge_one(assay_trial *t, const char *label, const assay_problem *p, const assay_values *given,
                     const assay_tensor *x, const double *got, const assay_oracle *o)
{
    char what[40];
    assay_metric m;
    assay_distance d;
    unsigned char *zero;
    if (assay_metric_make(p, given, x, &m, &zero) != ASSAY_OK) {
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "no memory to compare %s", x->name);
        return 0;
    }
    assay_distance_measure(&m, got, o->truth.at[x->id], &d);
    free(zero);
    snprintf(what, sizeof what, "%s%s", label, x->name);
    if (assay_names_hold(t->subject->c->ungated, ' ',
                         x->name)) { /* too ill-conditioned for a limit, yet never NaN, never in the padding */
        int64_t at = d.not_finite >= 0 ? d.not_finite : d.not_zero;
        assay_finding exact = assay_finding_exact(what, d.not_finite >= 0 ? "finite" : "zero", at < 0, at);
        put_place(p, given, x, -1, &exact);
        assay_trial_add(t, &exact);
        return exact.verdict == ASSAY_VERDICT_FAIL;
    }
    assay_finding f =
        assay_finding_judge(what, &m, &d, &o->floor[x->id], t->declared.store, assay_floor_bound(p, &t->declared));
    if (t->lenient && f.verdict == ASSAY_VERDICT_ILL_POSED) {
        f = assay_finding_exact(what, "undecided", 1, -1);
        t->undecided++;
    }
    if (d.norm_truth > 0) t->alive_truths++;
    put_place(p, given, x, d.element_at, &f);
    assay_trial_add(t, &f);
    return f.verdict == ASSAY_VERDICT_FAIL;
}

/* Of the first comparison that fails: what the wrong tensors look like. */
static void diagnose(assay_trial *t, const char *label, assay_symptom *s)
{
    char text[sizeof t->cause];
    s->declared = &t->declared;
    s->step = t->subject->step + (t->updates > 0 ? t->updates - 1 : 0);
    s->subject = t->subject;
    assay_diagnose(s, text, sizeof text);
    if (text[0]) snprintf(t->cause, sizeof t->cause, "%.60s%.330s", label, text);
}

void assay_trial_judge(assay_trial *t, const char *label, const assay_problem *p, const assay_values *given,
                       const assay_values *got, const assay_oracle *o)
{
    assay_tensor list[ASSAY_TENSORS];
    assay_symptom s = {.p = p, .given = given, .got = got, .o = o};
    int count = assay_tensors_of(p, list), failed = 0;
    for (int k = 0; k < count && !t->over && o; k++) {
        const assay_tensor *x = &list[k];
        if (!got->at[x->id] || !o->truth.at[x->id] || !(ASSAY_ROLES_WANTED >> x->role & 1u)) continue;
        s.failed[x->id] = (unsigned char)judge_one(t, label, p, given, x, got->at[x->id], o);
        failed |= s.failed[x->id];
    }
    if (failed && t->diagnose && !t->cause[0]) diagnose(t, label, &s);
}

/* First place where b is not a*scale in every bit but the sign of zero; -1 if there is none. */
static int64_t first_other(const double *a, double scale, const double *b, int64_t count)
{
    for (int64_t k = 0; k < count; k++) {
        double want = a[k] * scale;
        if (memcmp(&want, &b[k], sizeof want) && !(want == b[k])) return k;
    }
    return -1;
}

void assay_trial_expect_same(assay_trial *t, const char *label, unsigned roles, const assay_values *a, double scale,
                             const assay_values *b)
{
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(&t->subject->p, list);
    for (int k = 0; k < count && !t->over; k++) {
        const assay_tensor *x = &list[k];
        char what[40];
        if (!(roles >> x->role & 1u) || x->integer || !a->at[x->id] || !b->at[x->id]) continue;
        int64_t at = first_other(a->at[x->id], scale, b->at[x->id], x->count);
        snprintf(what, sizeof what, "%s%s", label, x->name);
        assay_finding f = assay_finding_exact(what, "bits", at < 0, at);
        put_place(&t->subject->p, &t->subject->given, x, -1, &f);
        if (x->count > 0) t->alive_truths++;
        assay_trial_add(t, &f);
    }
}

void assay_trial_expect_zero(assay_trial *t, const char *label, unsigned roles, const assay_values *got)
{
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(&t->subject->p, list);
    for (int k = 0; k < count && !t->over; k++) {
        const assay_tensor *x = &list[k];
        const double *v = got->at[x->id];
        char what[40];
        int64_t at = -1;
        if (!(roles >> x->role & 1u) || x->integer || !v) continue;
        for (int64_t e = 0; e < x->count && at < 0; e++)
            if (!(v[e] == 0)) at = e;
        snprintf(what, sizeof what, "%s%s", label, x->name);
        assay_finding f = assay_finding_exact(what, "zero", at < 0, at);
        put_place(&t->subject->p, &t->subject->given, x, -1, &f);
        assay_trial_add(t, &f);
    }
}
