/* contract.c: accumulate adds, overwrite overwrites, backward may come twice, unwanted gradients change nothing, new
 * parameters count.
 * SPDX-License-Identifier: MIT */
#include "conformance/checks/checks.h"

#include <string.h>

static const unsigned roles = ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE;

/* Parameter gradients were added to themselves: half of them must be the truth. dx, dh0, dc0 are always overwritten. */
static void halve(const assay_problem *p, assay_values *got)
{
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(p, list);
    for (int k = 0; k < count; k++) {
        double *v = got->at[list[k].id];
        if (list[k].role != ASSAY_ROLE_GRADIENT || list[k].id < ASSAY_SLOTS || !v) continue;
        for (int64_t e = 0; e < list[k].count; e++)
            v[e] *= 0.5;
    }
}

static void twice(assay_trial *t, const assay_oracle *o, assay_routine routine, const char *label)
{
    const assay_subject *s = t->subject;
    assay_values got;
    if (!assay_trial_run(t, routine, &s->given, ASSAY_GRADIENT_ROLE, NULL, &got)) return;
    if (routine == ASSAY_ROUTINE_TWICE) halve(&s->p, &got);
    assay_trial_judge(t, label, &s->p, &s->given, &got, o);
    assay_values_free(&got);
}

/* Every second gradient is not wanted, then every other one. */
static void half_wanted(assay_trial *t, const assay_oracle *o, int odd)
{
    const assay_subject *s = t->subject;
    assay_tensor list[ASSAY_TENSORS];
    unsigned char skip[ASSAY_TENSORS];
    assay_values got;
    int count = assay_tensors_of(&s->p, list), gradient = 0;
    memset(skip, 0, sizeof skip);
    for (int k = 0; k < count; k++)
        if (list[k].role == ASSAY_ROLE_GRADIENT) skip[list[k].id] = gradient++ % 2 == odd;
    if (!assay_trial_run(t, ASSAY_ROUTINE_BACKWARD, &s->given, ASSAY_GRADIENT_ROLE, skip, &got)) return;
    assay_trial_judge(t, odd ? "odd ones unwanted: " : "even ones unwanted: ", &s->p, &s->given, &got, o);
    assay_values_free(&got);
}

/* Other data through the same plan, then the first again: nothing of a call survives in the next. */
static void other_data(assay_trial *t)
{
    const assay_subject *s = t->subject;
    assay_values other, got;
    assay_oracle o;
    int64_t step;
    if (t->over) return;
    if (s->c->fill(s->c, s->seed + 1, 2, &other, &step) != ASSAY_OK) {
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "no memory for other data");
        return;
    }
    assay_status st = assay_subject_ask(s, &s->p, &other, roles, &t->declared, &o);
    if (st != ASSAY_OK) {
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "the reference could not answer: status %d", (int)st);
    } else {
        if (assay_trial_run(t, ASSAY_ROUTINE_BACKWARD, &other, roles, NULL, &got)) {
            assay_trial_judge(t, "other data: ", &s->p, &other, &got, &o);
            assay_values_free(&got);
        }
        assay_oracle_free(&o);
    }
    assay_values_free(&other);
}

void assay_check_contract(assay_trial *t)
{
    const assay_oracle *o = assay_trial_oracle(t, ASSAY_WITH_ALL, roles);
    if (!o) return;
    if (t->subject->p.op == ASSAY_OP_RNN || t->subject->p.op == ASSAY_OP_NETWORK) {
        twice(t, o, ASSAY_ROUTINE_TWICE, "accumulated: ");
        half_wanted(t, o, 0);
        half_wanted(t, o, 1);
    }
    twice(t, o, ASSAY_ROUTINE_AGAIN, "backward again: ");
    other_data(t);
}
