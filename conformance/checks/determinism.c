/* determinism.c: declared deterministic means the same bits: again, in other memory, and after other cotangents.
 * Every run is judged, so that what declares nothing of the kind must be right each time all the same.
 * SPDX-License-Identifier: MIT */
#include "conformance/checks/checks.h"

static const unsigned roles = ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE;

/* One run, judged by itself. */
static int once(assay_trial *t, const assay_oracle *o, const char *label, assay_values *got)
{
    const assay_values *given = &t->subject->given;
    if (!assay_trial_run(t, ASSAY_ROUTINE_BACKWARD, given, roles, NULL, got)) return 0;
    assay_trial_judge(t, label, &t->subject->p, given, got, o);
    return 1;
}

static void same(assay_trial *t, const assay_oracle *o, const char *label, const assay_values *first)
{
    assay_values again;
    if (!once(t, o, label, &again)) return;
    if (t->declared.deterministic) assay_trial_expect_same(t, label, roles, first, 1, &again);
    assay_values_free(&again);
}

/* Gradients are linear in the cotangents: with -1/2 of them they are -1/2 of the truth, and the floor is the same. */
static void other_cotangents(assay_trial *t, const assay_oracle *o)
{
    const assay_problem *p = &t->subject->p;
    assay_values given = t->subject->given, own, got;
    if (t->over || p->op == ASSAY_OP_NETWORK) return; /* its cotangents are its loss's own */
    if (assay_values_make(p, 1u << ASSAY_ROLE_COTANGENT, &own) != ASSAY_OK) {
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "no memory for cotangents");
        return;
    }
    assay_values_scale(p, ASSAY_ROLE_COTANGENT, -0.5, &given, &own);
    for (int id = 0; id < ASSAY_TENSORS; id++)
        if (given.at[id] && own.at[id]) given.at[id] = own.at[id];
    if (assay_trial_run(t, ASSAY_ROUTINE_BACKWARD, &given, roles, NULL, &got)) {
        assay_values_scale(p, ASSAY_ROLE_GRADIENT, -2, &got, &got);
        assay_trial_judge(t, "other cotangents: ", p, &t->subject->given, &got, o);
        assay_values_free(&got);
    }
    assay_values_free(&own);
}

void assay_check_determinism(assay_trial *t)
{
    const assay_oracle *o = assay_trial_oracle(t, ASSAY_WITH_ALL, roles);
    assay_values first;
    if (!o || !once(t, o, "first: ", &first)) return;
    same(t, o, "again: ", &first);
    other_cotangents(t, o);
    t->planned = 0; /* fresh blocks, fresh tensors */
    same(t, o, "other memory: ", &first);
    assay_values_free(&first);
}
