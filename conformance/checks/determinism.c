/* determinism.c: declared deterministic means the same bits: again, in other memory, and after work on other data.
 * SPDX-License-Identifier: MIT */
#include "conformance/checks/checks.h"

void assay_check_determinism(assay_trial *t)
{
    const unsigned roles = ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE;
    const assay_subject *s = t->subject;
    assay_values first, again, other, without = assay_subject_variant(s, ASSAY_WITH_DY);
    if (!assay_trial_run(t, ASSAY_ROUTINE_BACKWARD, &s->given, roles, NULL, &first)) return;
    if (assay_trial_run(t, ASSAY_ROUTINE_BACKWARD, &s->given, roles, NULL, &again)) {
        if (t->declared.deterministic) assay_trial_expect_same(t, "again: ", roles, &first, 1, &again);
        assay_values_free(&again);
    }
    if (assay_trial_run(t, ASSAY_ROUTINE_BACKWARD, &without, roles, NULL, &other)) assay_values_free(&other);
    t->planned = 0; /* fresh blocks, fresh tensors */
    if (assay_trial_run(t, ASSAY_ROUTINE_BACKWARD, &s->given, roles, NULL, &again)) {
        const assay_oracle *o = assay_trial_oracle(t, ASSAY_WITH_ALL, roles);
        if (t->declared.deterministic) assay_trial_expect_same(t, "other memory: ", roles, &first, 1, &again);
        assay_trial_judge(t, "other memory: ", &s->p, &s->given, &again, o);
        assay_values_free(&again);
    }
    assay_values_free(&first);
}
