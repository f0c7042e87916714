/* audit.c: both sides on the same data, tensor by tensor, and the verdict whether they are one function.
 * SPDX-License-Identifier: MIT */
#include "conformance/audit.h"

#include "conformance/arithmetic.h"
#include "conformance/audit_side.h"
#include "conformance/diagnose.h"
#include "conformance/floors.h"
#include "conformance/trial.h"
#include "reference/tensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned judged_roles = ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE;

/* Floors where the truth is not asked for: those stored for the shape, or measured, on a part of the batch. */
static assay_status floors_alone(const assay_audit_request *q, const assay_subject *s, const assay_arithmetic *declared,
                                 assay_oracle *out)
{
    const assay_question ask = {&s->p, &s->given, s->step, judged_roles, declared, 0x5EED0F100125ull, q->cache};
    memset(out, 0, sizeof *out);
    if (q->floors && s->c->documented && assay_floors_read(q->floors, s->c->id, &s->p, declared, out)) return ASSAY_OK;
    return assay_oracle_floor(&ask, out);
}

/* What an optimizer makes of this side's own gradients. */
static assay_status answer_step(const assay_audit_request *q, const assay_subject *s, const assay_arithmetic *declared,
                                assay_audit_results *r)
{
    const assay_question ask = {&s->p, &s->given, s->step, judged_roles, declared, 0x5EED0F100125ull, q->cache};
    if (s->p.op != ASSAY_OP_NETWORK || s->p.optimizer == ASSAY_OPT_NONE) return ASSAY_OK;
    return assay_oracle_update(&ask, &r->got, &r->step);
}

static assay_status hold_against(const assay_audit_request *q, assay_subject *s, assay_audit *a,
                                 assay_audit_results r[2], assay_oracle alone[2])
{
    assay_status st = ASSAY_OK;
    for (int k = 0; k < 2 && st == ASSAY_OK; k++) {
        const assay_arithmetic *declared = &a->side[k].declared;
        if (q->without_truth) {
            st = floors_alone(q, s, declared, &alone[k]);
            r[k].floor = alone[k].floor;
        } else {
            r[k].o = assay_subject_oracle(s, ASSAY_WITH_ALL, judged_roles, declared, &st);
            r[k].floor = r[k].o ? r[k].o->floor : NULL;
            if (r[k].o) a->seconds_truth += r[k].o->seconds_truth;
            if (r[k].o) a->floor_method = r[k].o->method;
        }
        if (st == ASSAY_OK) st = answer_step(q, s, declared, &r[k]);
    }
    a->has_truth = st == ASSAY_OK && !q->without_truth;
    return st;
}

static assay_status measure_all(const assay_subject *s, const assay_audit_results r[2], assay_audit *a)
{
    const assay_arithmetic declared[2] = {a->side[0].declared, a->side[1].declared};
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(&s->p, list);
    assay_status st = ASSAY_OK;
    a->at = calloc((size_t)count + 1, sizeof *a->at);
    if (!a->at) return ASSAY_NO_MEMORY;
    for (int k = 0; k < count && st == ASSAY_OK; k++) {
        const assay_tensor *x = &list[k];
        if (!(ASSAY_ROLES_WANTED >> x->role & 1u) || !r[0].got.at[x->id] || !r[1].got.at[x->id]) continue;
        st = assay_audit_measure(s, x, declared, r, &a->at[a->count]);
        a->count++;
    }
    return st;
}

/* The cause of each side that misses its limits. The step is left out: a diagnosis knows what gradients are, not what
 * was made of them. */
static void explain(const assay_audit_request *q, assay_subject *s, const assay_audit_results r[2], assay_audit *a)
{
    for (int k = 0; k < 2 && a->has_truth; k++) {
        assay_symptom y = {.p = &s->p,
                           .given = &s->given,
                           .got = &r[k].got,
                           .o = r[k].o,
                           .declared = &a->side[k].declared,
                           .step = s->step,
                           .subject = s,
                           .most_macs = q->diagnose_macs};
        int failed = 0;
        for (int i = 0; i < a->count; i++) {
            const assay_audit_tensor *x = &a->at[i];
            if (x->role == ASSAY_ROLE_UPDATED || x->side[k].verdict != ASSAY_VERDICT_FAIL) continue;
            y.failed[x->id] = 1;
            failed = 1;
        }
        if (failed) assay_diagnose(&y, a->side[k].cause, sizeof a->side[k].cause);
    }
}

static void conclude(assay_audit *a)
{
    int failed = 0, passed = 0;
    a->worst = -1;
    for (int k = 0; k < a->count; k++) {
        const assay_finding *f = &a->at[k].pair;
        failed += f->verdict == ASSAY_VERDICT_FAIL || f->verdict == ASSAY_VERDICT_BROKEN;
        passed += f->verdict == ASSAY_VERDICT_PASS;
        if (a->worst < 0 || f->margin > a->at[a->worst].pair.margin) a->worst = k;
    }
    a->verdict = failed ? ASSAY_VERDICT_FAIL : passed ? ASSAY_VERDICT_PASS : ASSAY_VERDICT_ILL_POSED;
    if (failed)
        snprintf(a->why, sizeof a->why, "%d of %d tensors part by more than both floors allow", failed, (int)a->count);
    if (!failed && !passed)
        snprintf(a->why, sizeof a->why, "no tensor has a floor within its bound: nothing is decided");
}

static assay_status compare(const assay_audit_request *q, assay_subject *s, assay_audit *a, assay_audit_results r[2],
                            char *why, size_t why_size)
{
    assay_oracle alone[2];
    memset(alone, 0, sizeof alone);
    assay_status st = hold_against(q, s, a, r, alone);
    if (st == ASSAY_UNSUPPORTED) {
        a->verdict = ASSAY_VERDICT_UNSUPPORTED;
        snprintf(a->why, sizeof a->why, "this arithmetic has no floor at this size");
        st = ASSAY_OK;
    } else if (st == ASSAY_OK) {
        st = measure_all(s, r, a);
        if (st == ASSAY_OK) explain(q, s, r, a);
        if (st == ASSAY_OK) conclude(a);
    }
    if (st != ASSAY_OK) snprintf(why, why_size, "%s: the reference could not answer (status %d)", a->what, (int)st);
    for (int k = 0; k < 2; k++)
        assay_oracle_free(&alone[k]);
    return st;
}

assay_status assay_audit_make(const assay_audit_request *q, assay_audit *out, char *why, size_t why_size)
{
    assay_audit_results r[2];
    assay_subject s;
    memset(out, 0, sizeof *out);
    memset(r, 0, sizeof r);
    out->worst = -1;
    out->seed = q->seed;
    out->threads = q->threads;
    snprintf(out->what, sizeof out->what, "%s", q->c->id);
    assay_status st = assay_subject_make(q->c, q->arithmetic, q->seed, q->cache, q->floors, &s);
    if (st != ASSAY_OK) {
        snprintf(why, why_size, "%s: its data could not be made (status %d)", q->c->id, (int)st);
        return st;
    }
    out->problem = s.p;
    for (int k = 0; k < 2 && st == ASSAY_OK && out->verdict == ASSAY_VERDICT_PASS; k++) {
        st = assay_audit_run_side(q, k, &s, &out->side[k], &r[k], why, why_size);
        if (st != ASSAY_OK || out->side[k].verdict == ASSAY_VERDICT_PASS) continue;
        out->verdict = out->side[k].verdict;
        snprintf(out->why, sizeof out->why, "%.80s: %.170s", out->side[k].label, out->side[k].why);
    }
    if (st == ASSAY_OK && out->verdict == ASSAY_VERDICT_PASS) st = compare(q, &s, out, r, why, why_size);
    for (int k = 0; k < 2; k++) {
        assay_values_free(&r[k].got);
        assay_oracle_free(&r[k].step);
    }
    assay_subject_free(&s);
    return st;
}

void assay_audit_free(assay_audit *a)
{
    for (int k = 0; k < a->count; k++)
        free(a->at[k].curve);
    free(a->at);
    memset(a, 0, sizeof *a);
}
