/* backward.c: every gradient lies within the floor: all cotangents together, each alone, and none (then all are 0).
 * SPDX-License-Identifier: MIT */
#include "conformance/checks/checks.h"

static void one(assay_trial *t, int variant, const char *label)
{
    assay_values given = assay_subject_variant(t->subject, variant), got;
    const assay_oracle *o = assay_trial_oracle(t, variant, ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE);
    if (!o || !assay_trial_run(t, ASSAY_ROUTINE_BACKWARD, &given, ASSAY_GRADIENT_ROLE, NULL, &got)) return;
    assay_trial_judge(t, label, &t->subject->p, &given, &got, o);
    assay_values_free(&got);
}

static void none(assay_trial *t)
{
    assay_values given = assay_subject_variant(t->subject, 0), got;
    if (!assay_trial_run(t, ASSAY_ROUTINE_BACKWARD, &given, ASSAY_GRADIENT_ROLE, NULL, &got)) return;
    assay_trial_expect_zero(t, "no cotangent: ", ASSAY_GRADIENT_ROLE, &got);
    assay_values_free(&got);
}

void assay_check_backward(assay_trial *t)
{
    const int op = t->subject->p.op;
    one(t, ASSAY_WITH_ALL, "");
    if (op == ASSAY_OP_XENT || op == ASSAY_OP_CTC) none(t);
    if (op != ASSAY_OP_RNN || !(t->subject->c->flags & ASSAY_CASE_EACH)) return;
    one(t, ASSAY_WITH_DY, "dy alone: ");
    one(t, ASSAY_WITH_DHN, "dhn alone: ");
    if (t->subject->p.dialect.cell == ASSAY_LSTM) one(t, ASSAY_WITH_DCN, "dcn alone: ");
    none(t);
}
