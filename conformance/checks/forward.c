/* forward.c: outputs of inference and of the training forward lie within the floor. It stays although others
 * see most of what it kills: it is the one that says so without a gradient in between, and the fastest.
 * SPDX-License-Identifier: MIT */
#include "conformance/checks/checks.h"

void assay_check_forward(assay_trial *t)
{
    const assay_values *given = &t->subject->given;
    const assay_oracle *o = assay_trial_oracle(t, ASSAY_WITH_ALL, ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE);
    assay_values infer, train;
    if (!o || !assay_trial_run(t, ASSAY_ROUTINE_INFER, given, ASSAY_FORWARD_ROLE, NULL, &infer)) return;
    assay_trial_judge(t, "infer: ", &t->subject->p, given, &infer, o);
    assay_values_free(&infer);
    if (assay_session_about(t->session)->infer_only[0]) return; /* there is no other forward to judge */
    if (!assay_trial_run(t, ASSAY_ROUTINE_TRAIN, given, ASSAY_FORWARD_ROLE, NULL, &train)) return;
    assay_trial_judge(t, "", &t->subject->p, given, &train, o);
    assay_values_free(&train);
}
