/* lengths.c: what lies past a row's end is neither read nor left unwritten, and rows may come in any order.
 * SPDX-License-Identifier: MIT */
#include "conformance/checks/checks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A copy of a (T, N, width) tensor with NaN in the padding; NULL if there is no such tensor, its padding counts, or
 * there is no memory, which ends the trial. */
static double *poisoned(assay_trial *t, int id)
{
    const assay_subject *s = t->subject;
    assay_tensor x;
    if (id == ASSAY_DY && s->p.dialect.pad_output == ASSAY_PAD_HELD) return NULL;
    if (!s->given.at[id] || !assay_tensor_find(&s->p, id, &x)) return NULL;
    double *copy = malloc(((size_t)x.count + 1) * sizeof *copy);
    if (!copy) {
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "no memory for a copy of %s", x.name);
        return NULL;
    }
    memcpy(copy, s->given.at[id], (size_t)x.count * sizeof *copy);
    int64_t width = x.count / ((int64_t)s->p.t * s->p.n);
    for (int32_t n = 0; n < s->p.n; n++)
        for (int32_t step = assay_length(&s->p, &s->given, n); step < s->p.t; step++)
            for (int64_t k = 0; k < width; k++)
                copy[assay_row_of(&s->p, step, n) * width + k] = NAN;
    return copy;
}

/* The same of integers, (T, N), which get a number that is no index of anything. */
static int32_t *misled(assay_trial *t, int id)
{
    const assay_subject *s = t->subject;
    assay_tensor x;
    if (!s->given.at[id] || !assay_tensor_find(&s->p, id, &x) || x.count != (int64_t)s->p.t * s->p.n) return NULL;
    int32_t *copy = malloc(((size_t)x.count + 1) * sizeof *copy);
    if (!copy) {
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "no memory for a copy of %s", x.name);
        return NULL;
    }
    memcpy(copy, s->given.at[id], (size_t)x.count * sizeof *copy);
    for (int32_t n = 0; n < s->p.n; n++)
        for (int32_t step = assay_length(&s->p, &s->given, n); step < s->p.t; step++)
            copy[assay_row_of(&s->p, step, n)] = INT32_MIN;
    return copy;
}

static int has_labels_of_steps(const assay_problem *p)
{
    return p->op == ASSAY_OP_XENT ||
           (p->op == ASSAY_OP_NETWORK && p->loss == ASSAY_LOSS_XENT && p->head == ASSAY_HEAD_EVERY);
}

static void nan_in_padding(assay_trial *t)
{
    const assay_subject *s = t->subject;
    const assay_oracle *o = assay_trial_oracle(t, ASSAY_WITH_ALL, ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE);
    assay_values given = s->given, got;
    double *x = poisoned(t, ASSAY_X), *dy = poisoned(t, ASSAY_DY);
    int32_t *ids = misled(t, ASSAY_IDS), *labels = has_labels_of_steps(&s->p) ? misled(t, ASSAY_LABELS) : NULL;
    if (ids) given.at[ASSAY_IDS] = ids;
    if (labels) given.at[ASSAY_LABELS] = labels;
    if (x) given.at[ASSAY_X] = x;
    if (dy) given.at[ASSAY_DY] = dy;
    if (o && !t->over && assay_trial_run(t, ASSAY_ROUTINE_BACKWARD, &given, ASSAY_ROLES_WANTED, NULL, &got)) {
        assay_trial_judge(t, "NaN in padding: ", &s->p, &s->given, &got, o);
        assay_values_free(&got);
    }
    free(x);
    free(dy);
    free(ids);
    free(labels);
}

static void other_order(assay_trial *t)
{
    const assay_subject *s = t->subject;
    int32_t rows[ASSAY_ROW_LENS];
    assay_problem p;
    assay_values turned, got;
    assay_oracle o;
    if (t->over || s->p.n > ASSAY_ROW_LENS) return;
    for (int32_t n = 0; n < s->p.n; n++)
        rows[n] = s->p.n - 1 - n;
    if (assay_values_subset(&s->p, &s->given, rows, s->p.n, &p, &turned) != ASSAY_OK) {
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "no memory for a turned batch");
        return;
    }
    assay_status st = assay_subject_ask(s, &p, &turned, ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE, &t->declared, &o);
    if (st != ASSAY_OK) {
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "the reference could not answer: status %d", (int)st);
    } else {
        if (assay_trial_run(t, ASSAY_ROUTINE_BACKWARD, &turned, ASSAY_ROLES_WANTED, NULL, &got)) {
            assay_trial_judge(t, "turned batch: ", &p, &turned, &got, &o);
            assay_values_free(&got);
        }
        assay_oracle_free(&o);
    }
    assay_values_free(&turned);
}

void assay_check_lengths(assay_trial *t)
{
    nan_in_padding(t);
    other_order(t);
}
