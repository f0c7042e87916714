/* learning_pupil.c: an implementation trains in its worker, update by update, and is held against the band.
 * SPDX-License-Identifier: MIT */
#include "conformance/learning.h"

#include "conformance/arithmetic.h"
#include "conformance/trial.h"
#include "reference/tensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int end(assay_pupil *p, assay_verdict v, const char *what)
{
    p->verdict = v;
    snprintf(p->why, sizeof p->why, "%s", what[0] ? what : "no reason given");
    return 0;
}

static int start(const assay_lesson *l, const assay_pupil_options *o, assay_pupil *p, assay_session **session,
                 assay_status *st)
{
    const double patience = 30;
    char why[256] = "";
    const assay_session_options s = {o->threads, 0, o->time_limit > 0 ? o->time_limit : patience, o->worker};
    assay_reply r = assay_session_start(o->plugin, &s, session);
    if (!*session) {
        if (r.outcome == ASSAY_ANSWERED && r.status == ASSAY_BAD_ARGUMENT) *st = ASSAY_BAD_ARGUMENT;
        if (r.outcome == ASSAY_ANSWERED && r.status == ASSAY_NO_DEVICE) return end(p, ASSAY_VERDICT_SKIPPED, r.what);
        if (r.outcome == ASSAY_TIMED_OUT) return end(p, ASSAY_VERDICT_TIMEOUT, r.what);
        return end(p, r.outcome == ASSAY_UNSTARTED ? ASSAY_VERDICT_BROKEN : ASSAY_VERDICT_CRASHED, r.what);
    }
    const assay_session_info *about = assay_session_about(*session);
    snprintf(p->name, sizeof p->name, "%s", about->name);
    snprintf(p->version, sizeof p->version, "%s", about->version);
    if (l->ragged && about->full_rows[0]) return end(p, ASSAY_VERDICT_UNSUPPORTED, about->full_rows);
    r = assay_session_supports(*session, &l->p, &p->declared, why, sizeof why);
    if (r.outcome == ASSAY_ANSWERED && r.status == ASSAY_UNSUPPORTED) return end(p, ASSAY_VERDICT_UNSUPPORTED, why);
    if (r.outcome != ASSAY_ANSWERED) return end(p, ASSAY_VERDICT_CRASHED, r.what);
    if (r.status != ASSAY_OK) return end(p, ASSAY_VERDICT_FAIL, r.what);
    if (assay_arithmetic_honours(l->p.arithmetic, &p->declared, why, sizeof why)) return 1;
    return end(p, ASSAY_VERDICT_FAIL, why);
}

/* Everything but one tensor is not asked for. */
static void skip_all_but(int id, unsigned char skip[ASSAY_TENSORS])
{
    memset(skip, 1, ASSAY_TENSORS);
    skip[id] = 0;
}

static int train(const assay_lesson *l, assay_trial *t, assay_pupil *p)
{
    unsigned char skip[ASSAY_TENSORS];
    skip_all_but(ASSAY_LOSS, skip);
    for (int k = 0; k < l->updates; k++) {
        assay_values given = l->start, got;
        for (int id = 0; id < ASSAY_SLOTS; id++)
            given.at[id] = l->batch[k % l->batches].at[id];
        if (!assay_trial_run(t, k ? ASSAY_ROUTINE_STEP_ON : ASSAY_ROUTINE_STEP, &given, ASSAY_FORWARD_ROLE, skip, &got))
            return end(p, t->verdict, t->why);
        p->loss[k] = *(const double *)got.at[ASSAY_LOSS];
        assay_values_free(&got);
    }
    return 1;
}

static int answer(const assay_lesson *l, assay_trial *t, assay_pupil *p)
{
    unsigned char skip[ASSAY_TENSORS];
    assay_tensor x;
    skip_all_but(ASSAY_LOGITS, skip);
    if (!assay_tensor_find(&l->p, ASSAY_LOGITS, &x)) return 0;
    for (int k = 0; k < l->tests; k++) {
        assay_values given = l->start, got;
        for (int id = 0; id < ASSAY_SLOTS; id++)
            given.at[id] = l->test[k].at[id];
        if (!assay_trial_run(t, ASSAY_ROUTINE_INFER_ON, &given, ASSAY_FORWARD_ROLE, skip, &got))
            return end(p, t->verdict, t->why);
        memcpy(p->logits + k * x.count, got.at[ASSAY_LOGITS], (size_t)x.count * sizeof(double));
        assay_values_free(&got);
    }
    p->right = assay_lesson_right(l, p->logits, 0, NULL);
    return 1;
}

assay_status assay_pupil_train(const assay_lesson *l, const assay_pupil_options *o, assay_pupil *out, char *why,
                               size_t why_size)
{
    assay_session *session = NULL;
    assay_subject subject;
    assay_tensor x;
    assay_status st = ASSAY_OK;
    memset(out, 0, sizeof *out);
    out->worst = out->left = -1;
    snprintf(out->label, sizeof out->label, "%s", o->label);
    if (!assay_tensor_find(&l->p, ASSAY_LOGITS, &x)) return ASSAY_FAILED;
    out->loss = calloc((size_t)l->updates + 1, sizeof *out->loss);
    out->logits = calloc((size_t)(l->tests * x.count) + 1, sizeof *out->logits);
    assay_finding *findings = calloc(ASSAY_MAX_FINDINGS, sizeof *findings);
    if (!out->loss || !out->logits || !findings) {
        snprintf(why, why_size, "no memory for the training of %s", o->label);
        st = ASSAY_NO_MEMORY;
    }
    memset(&subject, 0, sizeof subject);
    subject.p = subject.own.problem = l->p;
    subject.c = &subject.own;
    if (st == ASSAY_OK && start(l, o, out, &session, &st)) {
        assay_trial t = {.subject = &subject, .session = session, .declared = out->declared, .findings = findings};
        if (train(l, &t, out) && answer(l, &t, out) && t.verdict != ASSAY_VERDICT_PASS) end(out, t.verdict, t.why);
        assay_trial_release(&t);
    }
    if (st == ASSAY_BAD_ARGUMENT) snprintf(why, why_size, "%s", out->why);
    assay_session_end(session);
    free(findings);
    return st;
}

void assay_pupil_judge(const assay_learning *of, assay_pupil *p)
{
    const assay_lesson *l = of->lesson;
    if (p->verdict != ASSAY_VERDICT_PASS) return;
    for (int k = 0; k < l->updates; k++) {
        const double off = fabs(p->loss[k] - of->loss[k]), margin = isnan(off) ? INFINITY : off / of->band[k];
        if (margin > 1 && p->left < 0) p->left = k;
        if (!(margin <= p->margin) || p->worst < 0) {
            p->margin = margin;
            p->worst = k;
        }
    }
    if (p->left >= 0) {
        p->verdict = ASSAY_VERDICT_FAIL;
        snprintf(p->why, sizeof p->why,
                 "leaves the band at update %d: loss %.9g, the reference's %.9g, allowed %.2g off", (int)p->left,
                 p->loss[p->left], of->loss[p->left], of->band[p->left]);
    } else if (2 * of->undecided > l->test_rows) {
        p->verdict = ASSAY_VERDICT_ILL_POSED; /* honest roundings have grown to the size of what is learnt */
        snprintf(p->why, sizeof p->why, "honest runs part so far that %d of %d answers are open: expected at most half",
                 (int)of->undecided, (int)l->test_rows);
    } else if (p->right < of->right - of->undecided || p->right > of->right + of->undecided) {
        p->verdict = ASSAY_VERDICT_FAIL;
        snprintf(p->why, sizeof p->why, "%d of %d test samples right, the reference has %d, of which %d are open",
                 (int)p->right, (int)l->test_rows, (int)of->right, (int)of->undecided);
    }
}

void assay_pupil_free(assay_pupil *p)
{
    free(p->loss);
    free(p->logits);
    p->loss = p->logits = NULL;
}
