/* update.c: the optimizer's step follows from the gradients that it was given; a whole step equals its parts.
 * SPDX-License-Identifier: MIT
 *
 * A tiny gradient error can turn the step of Adam around, so parameters are judged against the step that the reference
 * makes from the implementation's own gradients, and those gradients against the truth. */
#include "conformance/checks/checks.h"

static void one(assay_trial *t, assay_routine routine, const char *label)
{
    const assay_subject *s = t->subject;
    const assay_oracle *o = assay_trial_oracle(t, ASSAY_WITH_ALL, ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE);
    assay_values got;
    assay_oracle step;
    if (!o || !assay_trial_run(t, routine, &s->given, ASSAY_ROLES_WANTED, NULL, &got)) return;
    assay_trial_judge(t, label, &s->p, &s->given, &got, o);
    assay_question q = {&s->p, &s->given, s->step, ASSAY_UPDATED_ROLE, &t->declared, s->seed, NULL};
    assay_status st = assay_oracle_update(&q, &got, &step);
    if (st != ASSAY_OK) {
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "the reference could not make a step: status %d", (int)st);
    } else {
        assay_trial_judge(t, label, &s->p, &s->given, &got, &step);
        assay_oracle_free(&step);
    }
    assay_values_free(&got);
}

void assay_check_update(assay_trial *t)
{
    one(t, ASSAY_ROUTINE_UPDATE, "");
    one(t, ASSAY_ROUTINE_STEP, "step: ");
}
