/* documented.c: at a documented shape every step's output and every gradient is right; and the shape is such that a
 * backward that stops early would show. docs/workloads.md 1.4.
 * SPDX-License-Identifier: MIT */
#include "conformance/checks/checks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Share of the time steps that the cut backward still runs, and the margin that it must exceed. */
static const double kept_share = 0.3, needed_margin = 2;

static int is_recurrent_weight(const assay_problem *p, const assay_tensor *x)
{
    int param = x->id - assay_tensor_id(ASSAY_DPARAM, 0);
    if (x->role != ASSAY_ROLE_GRADIENT || param < 0 || param >= assay_param_head(p, 0)) return 0;
    return param % ASSAY_RNN_PARAMS == ASSAY_W || param % ASSAY_RNN_PARAMS == ASSAY_R;
}

/* How well one gradient shows that backward was cut: error over limit by the tensor rule. */
static void show(assay_trial *t, const assay_tensor *x, const double *cut, const assay_oracle *o)
{
    assay_metric m = {x->count, x->row, 0, 0, NULL, 0};
    assay_distance d;
    assay_finding f;
    assay_distance_measure(&m, cut, o->truth.at[x->id], &d);
    if (!(d.norm_truth > 0)) return; /* exactly zero, cut or not: dead work (docs/workloads.md 1.7) */
    memset(&f, 0, sizeof f);
    snprintf(f.what, sizeof f.what, "cut to %.0f %%: %s", 100 * kept_share, x->name);
    snprintf(f.rule, sizeof f.rule, ASSAY_RULE_POWER);
    f.error = d.norm_d / d.norm_truth;
    f.floor = assay_floor_at(&o->floor[x->id], d.norm_truth).phi;
    f.limit = 4 * f.floor;
    f.margin = f.error / f.limit;
    f.where = -1;
    f.verdict = f.margin > needed_margin ? ASSAY_VERDICT_PASS : ASSAY_VERDICT_ILL_POSED;
    assay_trial_add(t, &f);
}

static void power(assay_trial *t, const assay_oracle *o)
{
    const assay_problem *p = &t->subject->p;
    assay_tensor list[ASSAY_TENSORS];
    assay_status st;
    if (t->over) return;
    const assay_values *cut = assay_subject_truncated(t->subject, (int32_t)ceil(kept_share * p->t), &st);
    if (!cut) assay_trial_end(t, ASSAY_VERDICT_BROKEN, "the reference could not cut backward: status %d", (int)st);
    const int count = assay_tensors_of(p, list);
    for (int k = 0; k < count && !t->over; k++)
        if (is_recurrent_weight(p, &list[k])) show(t, &list[k], cut->at[list[k].id], o);
}

void assay_check_documented(assay_trial *t)
{
    const assay_subject *s = t->subject;
    const assay_oracle *o = assay_trial_oracle(t, ASSAY_WITH_ALL, ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE);
    assay_values got;
    if (!o || !assay_trial_run(t, ASSAY_ROUTINE_BACKWARD, &s->given, ASSAY_ROLES_WANTED, NULL, &got)) return;
    assay_trial_judge(t, "", &s->p, &s->given, &got, o);
    assay_values_free(&got);
    power(t, o);
}
