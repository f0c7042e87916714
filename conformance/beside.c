/* beside.c: a second plan in the worker of a trial: another problem, on data of its own.
 * SPDX-License-Identifier: MIT */
#include "conformance/trial.h"

#include "reference/data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct assay_beside {
    assay_trial trial; /* on the subject below, in the session of the first */
    assay_subject subject;
} assay_beside;

/* How the second problem differs from the first, beyond sizes; SAME differs in nothing but its data. */
enum { OTHER_CELL, OTHER_OPTIONS, SAME, OTHER_SIZES, KINDS };

static void take_other_cell(assay_problem *p)
{
    assay_dialect *d = &p->dialect;
    const int was_lstm = d->cell == ASSAY_LSTM;
    d->cell = was_lstm ? ASSAY_GRU : ASSAY_LSTM;
    d->gru_reset = ASSAY_RESET_AFTER_INSIDE;
    d->gru_mix = ASSAY_MIX_KEEPS;
    d->gate_activation = ASSAY_GATE_SIGMOID;
    d->peephole = d->coupled = d->clip_gradient = 0;
    d->forget_bias = d->cell_clip = 0;
    p->proj = 0;
}

static void take_other_options(assay_problem *p)
{
    assay_dialect *d = &p->dialect;
    if (d->cell == ASSAY_LSTM) d->forget_bias += 1;
    if (d->cell == ASSAY_GRU) d->gru_mix = d->gru_mix == ASSAY_MIX_KEEPS ? ASSAY_MIX_UPDATES : ASSAY_MIX_KEEPS;
    if (p->directions == 2) d->merge = d->merge == ASSAY_MERGE_CONCAT ? ASSAY_MERGE_SUM : ASSAY_MERGE_CONCAT;
}

static void take_other_loss(assay_problem *p)
{
    assay_dialect *d = &p->dialect;
    const int ctc = p->op == ASSAY_OP_CTC || p->loss == ASSAY_LOSS_CTC;
    int32_t *reduction = ctc ? &d->ctc_reduction : &d->xent_reduction;
    *reduction = *reduction == ASSAY_REDUCE_SUM ? ASSAY_REDUCE_MEAN : ASSAY_REDUCE_SUM;
    p->classes++;
    if (ctc) d->ctc_blank = (d->ctc_blank + 1) % p->classes;
}

/* 0: there is no such problem. */
static int other_problem(const assay_problem *p, int kind, assay_problem *out)
{
    const int stack = p->op == ASSAY_OP_RNN || p->op == ASSAY_OP_NETWORK;
    *out = *p;
    if (kind == SAME) return !out->labels; /* whose strings would have other lengths */
    if (p->n > 1)
        out->n--;
    else if (p->t > 1)
        out->t--;
    else
        return 0;
    if (kind != OTHER_SIZES) {
        out->x_stride = out->y_stride = 0;
        if (stack) out->h++;
        if (p->op != ASSAY_OP_RNN) take_other_loss(out);
    }
    if (stack && kind == OTHER_CELL) take_other_cell(out);
    if (stack && kind == OTHER_OPTIONS) take_other_options(out);
    if (out->labels) out->labels = out->max_label > 0 ? out->n : 0;
    return assay_problem_check(out, NULL, 0) == ASSAY_OK;
}

static double number(uint64_t seed, const assay_tensor *x, int64_t k)
{
    const double u = assay_random_uniform(seed, (uint64_t)x->id, (uint64_t)k);
    const int second_moment = x->id >= ASSAY_SLOTS && (x->id - ASSAY_SLOTS) / ASSAY_MAX_PARAMS == ASSAY_V;
    return second_moment || x->id == ASSAY_CLASS_WEIGHTS ? 0.5 + u : u - 0.5;
}

/* Every row is full, since some implementations take no others, and no label is a blank. */
static int32_t integer(const assay_problem *p, const assay_tensor *x, int64_t k)
{
    const int ctc = p->op == ASSAY_OP_CTC || p->loss == ASSAY_LOSS_CTC;
    if (x->id == ASSAY_LENS) return p->t;
    if (x->id == ASSAY_LABEL_LENS) return p->max_label > 0;
    if (x->id == ASSAY_IDS) return (int32_t)(k % p->vocab);
    return ctc ? (p->dialect.ctc_blank + 1) % p->classes : (int32_t)(k % p->classes);
}

static void fill(const assay_problem *p, uint64_t seed, assay_values *v)
{
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(p, list);
    for (int k = 0; k < count; k++) {
        const assay_tensor *x = &list[k];
        void *to = v->at[x->id];
        for (int64_t e = 0; to && e < x->count; e++)
            if (x->integer)
                ((int32_t *)to)[e] = integer(p, x, e);
            else
                ((double *)to)[e] = x->id == ASSAY_MASK ? 1 : number(seed, x, e);
    }
}

/* The worker has the plan: its data, and a trial on them. */
static void begin(assay_trial *t, const assay_problem *p)
{
    assay_beside *b = t->beside = calloc(1, sizeof *b);
    if (!b || assay_values_make(p, ASSAY_ROLES_GIVEN, &b->subject.given) != ASSAY_OK) {
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "no memory for a second plan");
        return;
    }
    fill(p, t->subject->seed, &b->subject.given);
    b->subject.own = *t->subject->c;
    b->subject.own.problem = b->subject.p = *p;
    b->subject.c = &b->subject.own;
    b->subject.seed = t->subject->seed;
    b->trial.subject = &b->subject;
    b->trial.session = t->session;
    b->trial.check = t->check;
    b->trial.declared = t->declared;
    b->trial.placement = t->placement;
    b->trial.planned = 1;
    b->trial.list_count = assay_tensors_of(p, b->trial.list);
}

void assay_trial_beside(assay_trial *t)
{
    const uint64_t stream = assay_stream_id(t->subject->c->id, assay_stream_id("beside", 0));
    const int first = (int)(assay_random_bits(t->subject->seed, stream, 0) % OTHER_SIZES);
    if (t->over || t->beside || !assay_trial_plan(t)) return;
    for (int k = 0; k < KINDS; k++) {
        assay_problem p;
        const int kind = k + 1 < KINDS ? (first + k) % OTHER_SIZES : OTHER_SIZES;
        if (!other_problem(&t->subject->p, kind, &p)) continue;
        const assay_reply r = assay_session_beside(t->session, &p, t->placement);
        if (r.outcome == ASSAY_ANSWERED && r.status == ASSAY_UNSUPPORTED) continue;
        if (assay_trial_goes_on(t, &r, "a second plan")) begin(t, &p);
        return;
    }
}

static int turn(assay_trial *t)
{
    const assay_reply r = assay_session_turn(t->session);
    return assay_trial_goes_on(t, &r, "the turn to another plan");
}

void assay_trial_take_back(assay_trial *t, const assay_trial *second)
{
    if (second->verdict > t->verdict) snprintf(t->why, sizeof t->why, "a second plan: %.230s", second->why);
    t->finding_count = second->finding_count;
    t->verdict = second->verdict;
    t->over = second->over;
}

void assay_trial_run_beside(assay_trial *t)
{
    assay_values got;
    if (t->over || !t->beside || !turn(t)) return;
    assay_trial *second = &t->beside->trial;
    second->findings = t->findings;
    second->finding_count = t->finding_count;
    second->verdict = t->verdict;
    if (assay_trial_run(second, ASSAY_ROUTINE_TRAIN, &t->beside->subject.given, ASSAY_FORWARD_ROLE, NULL, &got))
        assay_values_free(&got);
    assay_trial_take_back(t, second);
    if (!t->over) turn(t);
}

void assay_trial_part(assay_trial *t)
{
    if (t->over || !t->beside) return;
    const assay_reply r = assay_session_part(t->session);
    if (assay_trial_goes_on(t, &r, "the end of a second plan")) assay_trial_forget_beside(t);
}

void assay_trial_forget_beside(assay_trial *t)
{
    if (!t->beside) return;
    assay_trial_release(&t->beside->trial);
    assay_values_free(&t->beside->subject.given);
    free(t->beside);
    t->beside = NULL;
}
