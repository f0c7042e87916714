/* metamorphic.c: what follows from results of other calls: pieces of the batch and of the steps, put together, are the
 * whole; renamed hidden units change nothing but names; gradients are linear in the cotangents at any size.
 * SPDX-License-Identifier: MIT
 *
 * All is judged by the truth and the floors of the case itself: roundings of pieces, in any order, are among those that
 * its floors were measured with. What each property is for, beyond what forward and backward see:
 *   batch   shapes that stand in no table of cases: right for known shapes only
 *   steps   states that the implementation made itself come back in another order: taken from a cache of its own
 *   units   weights that keep their sum and their first elements: told apart by a sample of them
 *   one     a single weight of many that changes between two packs: told apart by any sample
 *   linear  cotangents of 2^20 and of 2^-20: clipped, or dropped as too small to matter
 * The rows of gradients of CTC are held to sums of 0 wherever they are judged (compare.h). For cross-entropy that rule
 * finds less than the row rule does: its sums are as large as the roundings of their terms. Sums of two cotangents are
 * the contract check's, logits shifted by a constant magnitude's. */
#include "conformance/checks/checks.h"
#include "conformance/pieces.h"
#include "conformance/units.h"

#include "reference/data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const unsigned roles = ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE;

/* Below 2^64, at this trial's data. */
static uint64_t drawn(const assay_trial *t, const char *what, uint64_t index)
{
    return assay_random_bits(t->subject->seed, assay_stream_id(t->subject->c->id, assay_stream_id(what, 0)), index);
}

static void no_memory(assay_trial *t)
{
    assay_trial_end(t, ASSAY_VERDICT_BROKEN, "no memory for a derived problem");
}

/* ---- batch ---- */

/* Losses that are the sum of their rows', or stay apart: then the parts of a batch know nothing of each other. */
static int has_free_samples(const assay_problem *p)
{
    const int reduction = p->op == ASSAY_OP_CTC ? p->dialect.ctc_reduction : p->dialect.xent_reduction;
    if (p->op == ASSAY_OP_RNN) return 1;
    return p->op != ASSAY_OP_NETWORK && (reduction == ASSAY_REDUCE_NONE || reduction == ASSAY_REDUCE_SUM);
}

/* dloss of the rows' own is cut with them; assay_values_subset() does that. */
static int part_of_batch(assay_trial *t, const int32_t *rows, int32_t count, assay_values *whole)
{
    assay_problem p;
    assay_values given, got;
    const assay_piece q = {&t->subject->p, &p, rows, 0};
    if (assay_values_subset(&t->subject->p, &t->subject->given, rows, count, &p, &given) != ASSAY_OK) {
        no_memory(t);
        return 0;
    }
    const int worked = assay_trial_run_as(t, "part of the batch: ", &p, ASSAY_ROUTINE_BACKWARD, &given, roles, &got);
    if (worked) {
        assay_piece_put(&q, &got, whole);
        assay_values_free(&got);
    }
    assay_values_free(&given);
    return worked;
}

static void split_batch(assay_trial *t, const assay_oracle *o)
{
    const assay_problem *p = &t->subject->p;
    int32_t *rows[2] = {NULL, NULL}, count[2] = {0, 0};
    assay_values whole;
    if (t->over || p->n < 2 || !has_free_samples(p)) return;
    if (assay_values_make(p, roles, &whole) != ASSAY_OK) {
        no_memory(t);
        return;
    }
    rows[0] = calloc((size_t)p->n, sizeof **rows);
    rows[1] = calloc((size_t)p->n, sizeof **rows);
    if (!rows[0] || !rows[1]) no_memory(t);
    for (int32_t n = 0; !t->over && n < p->n; n++) {
        int part = n < 2 ? n : (int)(drawn(t, "batch", (uint64_t)n) >> 63); /* neither is empty */
        rows[part][count[part]++] = n;
    }
    if (!t->over && part_of_batch(t, rows[0], count[0], &whole) && part_of_batch(t, rows[1], count[1], &whole))
        assay_trial_judge(t, "parts of the batch: ", p, &t->subject->given, &whole, o);
    free(rows[0]);
    free(rows[1]);
    assay_values_free(&whole);
}

/* ---- steps ---- */

/* A piece begins where the one before it ended, which is so for one direction without anything that spans steps. */
static int has_free_steps(const assay_problem *p)
{
    const assay_dialect *d = &p->dialect;
    return p->op == ASSAY_OP_RNN && p->directions == 1 && p->t >= 2 && p->n >= 1 && d->pad_output == ASSAY_PAD_ZERO &&
           d->empty_state == ASSAY_EMPTY_INITIAL && !d->bptt_steps && d->dropout == 0;
}

/* Takes the tensor `from` of one set to be tensor `to` of the other, its samples in the order of rows, or back. */
static void pass_on(const assay_problem *p, const int32_t *rows, int back, const assay_values *out, int from,
                    assay_values *given, int to)
{
    assay_tensor x;
    if (!out->at[from] || !assay_tensor_find(p, to, &x)) return;
    double *copy = calloc((size_t)x.count + 1, sizeof *copy);
    if (copy) assay_states_reorder(p, rows, back, x.dims[2], out->at[from], copy);
    assay_values_drop(given, to);
    given->at[to] = copy;
}

/* The second piece, from the states that the first one left, with its samples in another order. */
static int second_part(assay_trial *t, const assay_problem *p, const assay_values *cut, const int32_t *rows,
                       const assay_values *first, int32_t at, assay_values *whole, assay_values *got)
{
    assay_problem turned;
    assay_values given;
    const assay_piece q = {&t->subject->p, &turned, rows, at};
    if (assay_values_subset(p, cut, rows, p->n, &turned, &given) != ASSAY_OK) {
        no_memory(t);
        return 0;
    }
    pass_on(p, rows, 0, first, ASSAY_HN, &given, ASSAY_H0);
    pass_on(p, rows, 0, first, ASSAY_CN, &given, ASSAY_C0);
    const int worked = assay_trial_run_as(t, "later steps: ", &turned, ASSAY_ROUTINE_BACKWARD, &given, roles, got);
    if (worked) assay_piece_put(&q, got, whole);
    assay_values_free(&given);
    return worked;
}

/* Forward through both pieces, then back through both. rows: order of the samples in the second. */
static int both_parts(assay_trial *t, int32_t at, const int32_t *rows, const int32_t *as_they_are, assay_values *whole)
{
    const assay_subject *s = t->subject;
    assay_problem p[2];
    assay_values given[2] = {{{NULL}}, {{NULL}}}, first, second;
    const assay_piece q = {&s->p, &p[0], as_they_are, 0};
    int worked = 0;
    if (assay_piece_of_steps(&s->p, &s->given, 0, at, &p[0], &given[0]) != ASSAY_OK ||
        assay_piece_of_steps(&s->p, &s->given, at, s->p.t, &p[1], &given[1]) != ASSAY_OK) {
        no_memory(t);
    } else if (assay_trial_run_as(t, "first steps: ", &p[0], ASSAY_ROUTINE_INFER, &given[0], ASSAY_FORWARD_ROLE,
                                  &first)) {
        if (second_part(t, &p[1], &given[1], rows, &first, at, whole, &second)) {
            assay_values_free(&first);
            pass_on(&p[0], rows, 1, &second, ASSAY_DH0, &given[0], ASSAY_DHN);
            pass_on(&p[0], rows, 1, &second, ASSAY_DC0, &given[0], ASSAY_DCN);
            assay_values_free(&second);
            worked = assay_trial_run_as(t, "first steps: ", &p[0], ASSAY_ROUTINE_BACKWARD, &given[0], roles, &first);
            if (worked) assay_piece_put(&q, &first, whole);
        }
        assay_values_free(&first);
    }
    assay_values_free(&given[0]);
    assay_values_free(&given[1]);
    return worked;
}

static void split_steps(assay_trial *t, const assay_oracle *o)
{
    const assay_problem *p = &t->subject->p;
    assay_values whole;
    if (t->over || !has_free_steps(p)) return;
    int32_t *order = calloc(2 * (size_t)p->n, sizeof *order), *rows = order + p->n;
    if (!order || assay_values_make(p, roles, &whole) != ASSAY_OK) {
        free(order);
        no_memory(t);
        return;
    }
    for (int32_t n = 0; n < p->n; n++) {
        order[n] = n;
        rows[n] = n == 0 ? 0 : p->n - n; /* the first stays, the others turn round */
    }
    const int32_t at = 1 + (int32_t)(drawn(t, "steps", 0) % (uint64_t)(p->t - 1));
    if (both_parts(t, at, rows, order, &whole))
        assay_trial_judge(t, "parts of the steps: ", p, &t->subject->given, &whole, o);
    assay_values_free(&whole);
    free(order);
}

/* ---- units ---- */

/* With the plan that saw the units in their own order a moment ago. */
static void rename_units(assay_trial *t, const assay_oracle *o)
{
    const assay_problem *p = &t->subject->p;
    const int width = assay_state_width(p);
    assay_values renamed, got, back;
    if (t->over || p->op != ASSAY_OP_RNN || width < 3) return;
    const int a = 1 + (int)(drawn(t, "units", 0) % (uint64_t)(width - 1)), b = a + 1 < width ? a + 1 : 1;
    if (!assay_trial_run(t, ASSAY_ROUTINE_INFER, &t->subject->given, ASSAY_FORWARD_ROLE, NULL, &got)) return;
    assay_values_free(&got);
    if (assay_values_make(p, ASSAY_ROLES_GIVEN, &renamed) != ASSAY_OK) {
        no_memory(t);
        return;
    }
    assay_units_exchange(p, a, b, &t->subject->given, &renamed);
    if (assay_values_make(p, roles, &back) != ASSAY_OK) {
        no_memory(t);
    } else if (assay_trial_run(t, ASSAY_ROUTINE_BACKWARD, &renamed, roles, NULL, &got)) {
        assay_units_exchange(p, a, b, &got, &back);
        assay_trial_judge(t, "units renamed: ", p, &t->subject->given, &back, o);
        assay_values_free(&got);
    }
    assay_values_free(&back);
    assay_values_free(&renamed);
}

/* ---- one weight ---- */

/* The parameter with most elements, if they are so many that a sample of them would pay. */
static int is_large(const assay_problem *p, assay_tensor *largest)
{
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(p, list), first = assay_tensor_id(ASSAY_PARAM, 0);
    largest->count = 0;
    for (int k = 0; k < count; k++)
        if (list[k].id >= first && list[k].id < first + ASSAY_MAX_PARAMS && list[k].count > largest->count)
            *largest = list[k];
    return largest->count >= 1024;
}

/* Three packs on one plan, each one weight apart from the last. Which one is drawn; 1 and -1 are larger than any weight
 * that is given, so that outputs show the change. */
static void change_one_weight(assay_trial *t)
{
    const assay_subject *s = t->subject;
    assay_tensor x;
    assay_values changed = s->given, got;
    assay_oracle o;
    if (t->over || s->p.op != ASSAY_OP_RNN || !is_large(&s->p, &x)) return;
    const size_t bytes = (size_t)x.count * sizeof(double);
    double *weights = malloc(bytes);
    if (!weights) {
        no_memory(t);
        return;
    }
    memcpy(weights, s->given.at[x.id], bytes);
    changed.at[x.id] = weights;
    if (assay_trial_run(t, ASSAY_ROUTINE_INFER, &s->given, ASSAY_FORWARD_ROLE, NULL, &got)) assay_values_free(&got);
    for (uint64_t k = 0; k < 2 && !t->over; k++) {
        weights[drawn(t, "weight", k) % (uint64_t)x.count] = k ? -1 : 1;
        if (assay_subject_ask(s, &s->p, &changed, ASSAY_FORWARD_ROLE, &t->declared, &o) != ASSAY_OK) {
            no_memory(t);
            break;
        }
        if (assay_trial_run(t, ASSAY_ROUTINE_INFER, &changed, ASSAY_FORWARD_ROLE, NULL, &got)) {
            assay_trial_judge(t, "one weight changed: ", &s->p, &changed, &got, &o);
            assay_values_free(&got);
        }
        assay_oracle_free(&o);
    }
    free(weights);
}

/* ---- linear ---- */

/* No gradient comes near the smallest normal number, as those of subnormal weights do. */
static int has_room(const assay_problem *p, const assay_oracle *o, int power)
{
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(p, list);
    for (int k = 0; k < count; k++) {
        const double norm =
            list[k].role == ASSAY_ROLE_GRADIENT ? assay_norm(o->truth.at[list[k].id], list[k].count) : 0;
        if (norm > 0 && ldexp(norm, power) < 0x1p-80) return 0;
    }
    return 1;
}

/* Of two to which a cotangent may be scaled; 0: not at all. A network's are its loss's own. fp16 has no exponents to
 * spare where cotangents enter products, and few where gradients are kept. */
static int power_for(const assay_problem *p, const assay_arithmetic *a, int wanted)
{
    const int enter = p->op == ASSAY_OP_RNN && (a->operand == ASSAY_FP16 || a->store == ASSAY_FP16);
    if (p->op == ASSAY_OP_NETWORK || enter) return 0;
    return a->store == ASSAY_FP16 ? wanted / 5 : wanted;
}

static void scale_cotangents(assay_trial *t, const assay_oracle *o, int wanted, const char *label)
{
    const assay_problem *p = &t->subject->p;
    const int power = power_for(p, &t->declared, wanted);
    assay_values given = t->subject->given, own, got;
    if (t->over || power == 0 || !has_room(p, o, power)) return;
    if (assay_values_make(p, 1u << ASSAY_ROLE_COTANGENT, &own) != ASSAY_OK) {
        no_memory(t);
        return;
    }
    assay_values_scale(p, ASSAY_ROLE_COTANGENT, ldexp(1, power), &given, &own);
    for (int id = 0; id < ASSAY_TENSORS; id++)
        if (given.at[id] && own.at[id]) given.at[id] = own.at[id];
    if (assay_trial_run(t, ASSAY_ROUTINE_BACKWARD, &given, roles, NULL, &got)) {
        assay_values_scale(p, ASSAY_ROLE_GRADIENT, ldexp(1, -power), &got, &got);
        assay_trial_judge(t, label, p, &t->subject->given, &got, o);
        assay_values_free(&got);
    }
    assay_values_free(&own);
}

void assay_check_metamorphic(assay_trial *t)
{
    const assay_oracle *o = assay_trial_oracle(t, ASSAY_WITH_ALL, roles);
    if (!o) return;
    rename_units(t, o);
    change_one_weight(t);
    scale_cotangents(t, o, 20, "large cotangents: ");
    scale_cotangents(t, o, -20, "small cotangents: ");
    split_batch(t, o);
    split_steps(t, o);
}
