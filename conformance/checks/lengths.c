/* lengths.c: what lies past a row's end, behind a padded label string or in a row whose label is ignored is not read,
 * and no result is left unwritten there; rows may come in any order. SPDX-License-Identifier: MIT */
#include "conformance/checks/checks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Step `step` of sample n is read: it lies inside the length, and its label, where a loss has one, counts. */
static int is_read(const assay_subject *s, int32_t step, int32_t n)
{
    const assay_dialect *d = &s->p.dialect;
    const int32_t *labels = s->given.at[ASSAY_LABELS];
    if (step >= assay_length(&s->p, &s->given, n)) return 0;
    if (s->p.op != ASSAY_OP_XENT || !d->xent_ignores) return 1;
    return labels[assay_row_of(&s->p, step, n)] != d->xent_ignore_index;
}

/* Real (T, N, ..), with the mask so many of them. Where outputs are held, dy counts past the length, too; of dloss
 * there may be one, or one a sample. */
static int has_steps(const assay_problem *p, const assay_tensor *x)
{
    if (x->id == ASSAY_DY) return p->dialect.pad_output != ASSAY_PAD_HELD;
    return x->id == ASSAY_X || x->id == ASSAY_MASK || (x->id == ASSAY_DLOSS && x->rank > 1);
}

static void poison(const assay_subject *s, const assay_tensor *x, double *to)
{
    const int64_t rows = (int64_t)s->p.t * s->p.n;
    const int32_t blocks = x->id == ASSAY_MASK ? s->p.layers - 1 : 1;
    const int64_t width = rows * blocks > 0 ? x->count / (rows * blocks) : 0;
    for (int32_t n = 0; n < s->p.n; n++)
        for (int32_t step = 0; step < s->p.t; step++)
            for (int64_t k = 0; !is_read(s, step, n) && k < blocks * width; k++)
                to[(k / width * rows + assay_row_of(&s->p, step, n)) * width + k % width] = NAN;
}

static int has_labels_of_steps(const assay_problem *p)
{
    return p->op == ASSAY_OP_XENT ||
           (p->op == ASSAY_OP_NETWORK && p->loss == ASSAY_LOSS_XENT && p->head == ASSAY_HEAD_EVERY);
}

static int has_padded_strings(const assay_subject *s)
{
    return s->given.at[ASSAY_LABEL_LENS] && s->p.dialect.ctc_labels == ASSAY_LABELS_PADDED;
}

/* The same of integers, which get a number that is no index of anything. */
static void mislead(const assay_subject *s, int32_t *to)
{
    for (int32_t n = 0; n < s->p.n; n++)
        for (int32_t step = assay_length(&s->p, &s->given, n); step < s->p.t; step++)
            to[assay_row_of(&s->p, step, n)] = INT32_MIN;
}

static void mislead_strings(const assay_subject *s, int32_t *to)
{
    const int32_t *label_lens = s->given.at[ASSAY_LABEL_LENS];
    for (int32_t n = 0; n < s->p.n; n++)
        for (int32_t k = label_lens[n]; k < s->p.max_label; k++)
            to[(int64_t)n * s->p.max_label + k] = INT32_MIN;
}

/* A copy of a given tensor in which all that is not to be read is NaN or misleading; NULL if there is no such tensor,
 * all of it counts, or there is no memory, which ends the trial. */
static void *spoilt(assay_trial *t, int id)
{
    const assay_subject *s = t->subject;
    const int strings = id == ASSAY_LABELS && has_padded_strings(s);
    const int steps = id == ASSAY_IDS || (id == ASSAY_LABELS && has_labels_of_steps(&s->p));
    assay_tensor x;
    if (!s->given.at[id] || !assay_tensor_find(&s->p, id, &x)) return NULL;
    if (!strings && !steps && !has_steps(&s->p, &x)) return NULL;
    const size_t bytes = (size_t)x.count * (x.integer ? sizeof(int32_t) : sizeof(double));
    void *copy = malloc(bytes + 1);
    if (!copy) {
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "no memory for a copy of %s", x.name);
        return NULL;
    }
    memcpy(copy, s->given.at[id], bytes);
    if (strings)
        mislead_strings(s, copy);
    else if (steps)
        mislead(s, copy);
    else
        poison(s, &x, copy);
    return copy;
}

static void nan_in_padding(assay_trial *t)
{
    static const int ids[] = {ASSAY_X, ASSAY_IDS, ASSAY_LABELS, ASSAY_MASK, ASSAY_DY, ASSAY_DLOSS};
    enum { SPOILT = sizeof ids / sizeof *ids };
    const assay_subject *s = t->subject;
    const assay_oracle *o = assay_trial_oracle(t, ASSAY_WITH_ALL, ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE);
    assay_values given = s->given, got;
    void *own[SPOILT];
    for (int k = 0; k < SPOILT; k++) {
        own[k] = spoilt(t, ids[k]);
        if (own[k]) given.at[ids[k]] = own[k];
    }
    if (o && !t->over && assay_trial_run(t, ASSAY_ROUTINE_BACKWARD, &given, ASSAY_ROLES_WANTED, NULL, &got)) {
        assay_trial_judge(t, "NaN in padding: ", &s->p, &s->given, &got, o);
        assay_values_free(&got);
    }
    for (int k = 0; k < SPOILT; k++)
        free(own[k]);
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
