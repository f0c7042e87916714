/* audit_side.c: one implementation of an audit: its worker, its runs, whether they give the same bits.
 * SPDX-License-Identifier: MIT */
#include "conformance/audit_side.h"

#include "conformance/arithmetic.h"
#include "conformance/trial.h"
#include "reference/tensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double limit_of(const assay_audit_request *q)
{
    const double patience = 30, slowest = 1e8; /* seconds; multiply-adds a second of the slowest honest plugin */
    const assay_problem *p = &q->c->problem;
    if (q->time_limit > 0) return q->time_limit;
    return patience + (assay_macs_forward(p, NULL) + assay_macs_backward(p, NULL, 1)) / slowest;
}

static int end(assay_audit_side *side, assay_verdict v, const char *what)
{
    side->verdict = v;
    snprintf(side->why, sizeof side->why, "%s", what[0] ? what : "no reason given");
    return 0;
}

/* 1 if it stands ready. *st is not ASSAY_OK where the plugin is none. */
static int start(const assay_audit_request *q, int k, assay_audit_side *side, assay_session **session, assay_status *st)
{
    const assay_session_options o = {q->threads, 0, limit_of(q), q->worker};
    const assay_reply r = assay_session_start(q->plugin[k], &o, session);
    if (*session) {
        const assay_session_info *about = assay_session_about(*session);
        snprintf(side->name, sizeof side->name, "%s", about->name);
        snprintf(side->version, sizeof side->version, "%s", about->version);
        snprintf(side->hash, sizeof side->hash, "%s", about->plugin_hash);
        return 1;
    }
    if (r.outcome == ASSAY_ANSWERED && r.status == ASSAY_BAD_ARGUMENT) *st = ASSAY_BAD_ARGUMENT;
    if (r.outcome == ASSAY_ANSWERED && r.status == ASSAY_NO_DEVICE) return end(side, ASSAY_VERDICT_SKIPPED, r.what);
    if (r.outcome == ASSAY_TIMED_OUT) return end(side, ASSAY_VERDICT_TIMEOUT, r.what);
    return end(side, r.outcome == ASSAY_UNSTARTED ? ASSAY_VERDICT_BROKEN : ASSAY_VERDICT_CRASHED, r.what);
}

static int ask(assay_session *session, const assay_subject *s, assay_audit_side *side)
{
    char why[256] = "";
    const char *full_rows = assay_session_about(session)->full_rows;
    const int stack = s->p.op == ASSAY_OP_RNN || s->p.op == ASSAY_OP_NETWORK;
    if (s->c->ragged && full_rows[0] && stack) return end(side, ASSAY_VERDICT_UNSUPPORTED, full_rows);
    const assay_reply r = assay_session_supports(session, &s->p, &side->declared, why, sizeof why);
    if (r.outcome == ASSAY_ANSWERED && r.status == ASSAY_UNSUPPORTED) return end(side, ASSAY_VERDICT_UNSUPPORTED, why);
    if (r.outcome == ASSAY_TIMED_OUT) return end(side, ASSAY_VERDICT_TIMEOUT, r.what);
    if (r.outcome != ASSAY_ANSWERED) return end(side, ASSAY_VERDICT_CRASHED, r.what);
    if (r.status != ASSAY_OK) return end(side, ASSAY_VERDICT_FAIL, r.what);
    if (assay_arithmetic_honours(s->p.arithmetic, &side->declared, why, sizeof why)) return 1;
    return end(side, ASSAY_VERDICT_FAIL, why);
}

/* One run of all passes; 1 if it came to its end. */
static int run(assay_session *session, assay_subject *s, assay_audit_side *side, assay_finding *findings,
               assay_trial *t, int times, assay_values *got)
{
    const int steps = s->p.op == ASSAY_OP_NETWORK && s->p.optimizer != ASSAY_OPT_NONE;
    *t = (assay_trial){.subject = s, .session = session, .declared = side->declared, .findings = findings};
    int ok = 1;
    for (int k = 0; k < times && ok; k++)
        ok = assay_trial_run(t, steps ? ASSAY_ROUTINE_UPDATE : ASSAY_ROUTINE_BACKWARD, &s->given, ASSAY_ROLES_WANTED,
                             NULL, &got[k]);
    assay_trial_release(t);
    return ok ? 1 : end(side, t->verdict, t->why);
}

/* Are two runs the same bits? The worst difference of all tensors is kept. */
static int is_alike(const assay_subject *s, const assay_values *one, const assay_values *two, assay_audit_side *side)
{
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(&s->p, list);
    int alike = 1;
    for (int k = 0; k < count; k++) {
        const double *a = one->at[list[k].id], *b = two->at[list[k].id];
        double d = 0, size = 0;
        int other = 0;
        if (!a || !b) continue;
        for (int64_t e = 0; e < list[k].count; e++) {
            if (a[e] == b[e] || (isnan(a[e]) && isnan(b[e]))) continue;
            other = 1;
            d += (a[e] - b[e]) * (a[e] - b[e]);
        }
        if (!other) continue;
        size = assay_norm(a, list[k].count);
        alike = 0;
        if (!side->wanders[0]) snprintf(side->wanders, sizeof side->wanders, "%s", list[k].name);
        const double share = size > 0 ? sqrt(d) / size : INFINITY;
        if (!(share <= side->wander)) side->wander = share;
    }
    return alike;
}

/* Twice in one worker. */
static int first_two(const assay_audit_request *q, int k, assay_subject *s, assay_audit_side *side,
                     assay_finding *findings, assay_values *got, assay_status *st)
{
    assay_session *session = NULL;
    assay_trial t;
    assay_values both[2] = {{{0}}, {{0}}};
    int ok = start(q, k, side, &session, st) && ask(session, s, side) && run(session, s, side, findings, &t, 2, both);
    if (ok) is_alike(s, &both[0], &both[1], side);
    assay_values_free(&both[1]);
    *got = both[0];
    assay_session_end(session);
    return ok;
}

static int fresh_one(const assay_audit_request *q, int k, assay_subject *s, assay_audit_side *side,
                     assay_finding *findings, const assay_values *got, assay_status *st)
{
    assay_session *session = NULL;
    assay_trial t;
    assay_values again = {{0}};
    const int ok =
        start(q, k, side, &session, st) && ask(session, s, side) && run(session, s, side, findings, &t, 1, &again);
    if (ok) side->fresh_alike = is_alike(s, got, &again, side);
    assay_values_free(&again);
    assay_session_end(session);
    return ok;
}

assay_status assay_audit_run_side(const assay_audit_request *q, int k, assay_subject *subject, assay_audit_side *side,
                                  assay_audit_results *out, char *why, size_t why_size)
{
    assay_status st = ASSAY_OK;
    assay_finding *findings = calloc(ASSAY_MAX_FINDINGS, sizeof *findings);
    memset(out, 0, sizeof *out);
    snprintf(side->label, sizeof side->label, "%s", q->label[k]);
    if (!findings) return ASSAY_NO_MEMORY;
    side->verdict = ASSAY_VERDICT_PASS;
    if (first_two(q, k, subject, side, findings, &out->got, &st))
        fresh_one(q, k, subject, side, findings, &out->got, &st);
    free(findings);
    if (st != ASSAY_OK) snprintf(why, why_size, "%s", side->why);
    return st;
}
