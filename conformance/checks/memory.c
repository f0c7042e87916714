/* memory.c: works in exactly the memory that it is given, aligned to its element size only, flush with a guard page at
 * either end. SPDX-License-Identifier: MIT
 *
 * A tensor that ends with its page begins at a multiple of 16 bytes where its size is one: the third placement is for
 * loads of vectors that only alignment to more than an element allows. */
#include "conformance/checks/checks.h"

static void at(assay_trial *t, assay_placement placement, const char *label)
{
    const assay_subject *s = t->subject;
    const assay_oracle *o = assay_trial_oracle(t, ASSAY_WITH_ALL, ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE);
    assay_values got;
    t->placement = placement;
    t->planned = 0;
    if (!o || !assay_trial_run(t, ASSAY_ROUTINE_BACKWARD, &s->given, ASSAY_ROLES_WANTED, NULL, &got)) return;
    assay_trial_judge(t, label, &s->p, &s->given, &got, o);
    assay_values_free(&got);
    if (!assay_trial_run(t, ASSAY_ROUTINE_INFER, &s->given, ASSAY_FORWARD_ROLE, NULL, &got)) return;
    assay_trial_judge(t, label, &s->p, &s->given, &got, o);
    assay_values_free(&got);
}

void assay_check_memory(assay_trial *t)
{
    at(t, ASSAY_PLACE_END, "flush right: ");
    at(t, ASSAY_PLACE_START, "flush left: ");
    at(t, t->subject->p.arithmetic == ASSAY_FP64 ? ASSAY_PLACE_ODD_8 : ASSAY_PLACE_ODD_4, "one element off: ");
}
