/* update.c: the optimizer's step follows from the gradients that it was given, added up ones too, and a second time
 * from the same; a whole step equals its parts, whoever wants its outputs, and never adds to gradients; what is packed
 * is unpacked as it was; what is unpacked does not depend on what else is; and what follows a step without a new pack
 * computes at the parameters that it left: inference, a second step, training by passes, two steps more by the very
 * same pointers; and what is packed anew replaces all of it. SPDX-License-Identifier: MIT
 *
 * A tiny gradient error can turn the step of Adam around, so parameters are judged against the step that the reference
 * makes from the implementation's own gradients, and those gradients against the truth at its own parameters, as
 * unpacked after the step before. Two sets of data take turns, so that nothing left from a link of the chain can pass
 * for the next one's. In between the count of updates leaps over what 32 bits hold. */
#include "conformance/checks/checks.h"

#include <math.h>
#include <string.h>

static const unsigned evaluated = ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE;

typedef struct chain {
    assay_trial *t;
    const assay_values *data[2];
    assay_values now;         /* parameters and moments as last unpacked; none yet: the subject's. Owned */
    int which;                /* data of the next link */
    const assay_values *like; /* the next link lacks what is absent here, too; NULL: nothing more. Borrowed */
} chain;

/* Data of the next link at the present parameters. Pointers are borrowed. */
static assay_values given_of(const chain *c)
{
    const assay_subject *s = c->t->subject;
    assay_tensor list[ASSAY_TENSORS];
    assay_values v = *c->data[c->which];
    int count = assay_tensors_of(&s->p, list);
    for (int k = 0; k < count; k++) {
        const int id = list[k].id;
        if (list[k].role == ASSAY_ROLE_INPUT && id >= ASSAY_SLOTS)
            v.at[id] = c->now.at[id] ? c->now.at[id] : s->given.at[id];
        else if (c->like && !c->like->at[id])
            v.at[id] = NULL;
    }
    return v;
}

/* The updated tensors of *got become the present parameters and moments. */
static void take(chain *c, assay_values *got)
{
    static const int from[] = {ASSAY_PARAM_1, ASSAY_M_1, ASSAY_V_1}, to[] = {ASSAY_PARAM, ASSAY_M, ASSAY_V};
    for (int f = 0; f < 3; f++) {
        for (int k = 0; k < ASSAY_MAX_PARAMS; k++) {
            int new = assay_tensor_id(from[f], k), old = assay_tensor_id(to[f], k);
            if (!got->at[new]) continue;
            assay_values_drop(&c->now, old);
            c->now.at[old] = got->at[new];
            got->at[new] = NULL;
        }
    }
}

/* The step that follows from the gradients that it came with. */
static void judge_step(chain *c, const char *label, const assay_values *given, int64_t step, const assay_values *got)
{
    assay_trial *t = c->t;
    const assay_question q = {.p = &t->subject->p,
                              .given = given,
                              .step = step,
                              .wanted = ASSAY_UPDATED_ROLE,
                              .declared = &t->declared,
                              .seed = t->subject->seed};
    assay_oracle o;
    if (t->over) return;
    assay_status st = assay_oracle_update(&q, got, &o);
    if (st != ASSAY_OK) {
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "the reference could not make a step: status %d", (int)st);
        return;
    }
    assay_trial_judge(t, label, q.p, given, got, &o);
    assay_oracle_free(&o);
}

/* Gradients of the same batch added to themselves are twice the truth, and so is their floor. */
static void judge_results(chain *c, assay_routine routine, const char *label, const assay_values *given,
                          const assay_values *got, const assay_oracle *o)
{
    assay_trial *t = c->t;
    const assay_problem *p = &t->subject->p;
    assay_values half, all = *got;
    if (routine != ASSAY_ROUTINE_UPDATE_SUM) {
        assay_trial_judge(t, label, p, given, got, o);
        return;
    }
    if (assay_values_make(p, ASSAY_GRADIENT_ROLE, &half) != ASSAY_OK) {
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "no memory for gradients");
        return;
    }
    assay_values_scale(p, ASSAY_ROLE_GRADIENT, 0.5, got, &half);
    for (int id = 0; id < ASSAY_TENSORS; id++)
        if (half.at[id] && all.at[id] && id >= ASSAY_SLOTS) all.at[id] = half.at[id];
    assay_trial_judge(t, label, p, given, &all, o);
    assay_values_free(&half);
}

/* What nobody wants of a link: of a later step its outputs, which then are no room to work in, and of an update alone
 * whatever is none of the parameters'. */
static void skip_some(const assay_problem *p, assay_routine routine, unsigned char *skip)
{
    const int updates = routine == ASSAY_ROUTINE_UPDATE_AGAIN;
    const int steps_on = routine == ASSAY_ROUTINE_STEP_ON || routine == ASSAY_ROUTINE_STEP_ADD;
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(p, list);
    memset(skip, 0, ASSAY_TENSORS);
    for (int k = 0; k < count; k++)
        skip[list[k].id] = (ASSAY_FORWARD_ROLE >> list[k].role & 1u && (steps_on || updates)) ||
                           (ASSAY_GRADIENT_ROLE >> list[k].role & 1u && list[k].id < ASSAY_SLOTS && updates);
}

/* Nothing follows from what is no number: 0, and the chain has failed where nobody has judged it so yet. */
static int goes_on(chain *c, const assay_values *got, unsigned roles)
{
    assay_trial *t = c->t;
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(&t->subject->p, list);
    for (int k = 0; k < count; k++) {
        const double *v = got->at[list[k].id];
        for (int64_t e = 0; !t->over && v && roles >> list[k].role & 1u && e < list[k].count; e++)
            if (isfinite(v[e]))
                continue;
            else if (assay_verdict_is_failure(t->verdict))
                t->over = 1;
            else
                assay_trial_end(t, ASSAY_VERDICT_FAIL, "%s is no finite number", list[k].name);
    }
    return !t->over;
}

/* Unpacks what the link left once more, in halves, such that each tensor is there without each other one in some:
 * halves by each digit of its number. Either half brings the same bits as all together. */
static void unpack_apart(chain *c, const assay_values *given, const assay_values *all)
{
    static const unsigned unpacked = ASSAY_GRADIENT_ROLE | ASSAY_UPDATED_ROLE;
    assay_tensor list[ASSAY_TENSORS];
    unsigned char skip[ASSAY_TENSORS];
    assay_values got;
    const int count = assay_tensors_of(&c->t->subject->p, list);
    for (int turn = 0; count >> turn / 2 > 0; turn++) {
        int number = 0;
        memset(skip, 0, sizeof skip);
        for (int k = 0; k < count; k++) {
            const int is_one = unpacked >> list[k].role & 1u && list[k].id >= ASSAY_SLOTS;
            skip[list[k].id] = !is_one || (number >> turn / 2 & 1) == turn % 2;
            number += is_one;
        }
        if (!(number >> turn / 2)) return;
        if (!assay_trial_run(c->t, ASSAY_ROUTINE_UNPACK_ON, given, unpacked, skip, &got)) return;
        assay_trial_expect_same(c->t, "unpacked apart: ", unpacked, all, 1, &got);
        assay_values_free(&got);
    }
}

/* One link: runs the routine and judges all that came of it. o: the truth at these data and parameters; NULL: only the
 * step is judged, by the gradients that it came with. */
static void judge_link(chain *c, assay_routine routine, const char *label, const assay_oracle *o)
{
    assay_trial *t = c->t;
    const assay_values given = given_of(c);
    const int64_t step = t->subject->step + t->updates;
    unsigned char skip[ASSAY_TENSORS];
    assay_values got;
    skip_some(&t->subject->p, routine, skip);
    if (!assay_trial_run(t, routine, &given, ASSAY_ROLES_WANTED, skip, &got)) return;
    if (o) judge_results(c, routine, label, &given, &got, o);
    if (routine == ASSAY_ROUTINE_STEP) unpack_apart(c, &given, &got);
    if (t->subject->step + t->updates > step && goes_on(c, &got, ASSAY_GRADIENT_ROLE)) {
        judge_step(c, label, &given, step, &got);
        if (goes_on(c, &got, ASSAY_UPDATED_ROLE)) take(c, &got);
        if (routine != ASSAY_ROUTINE_UPDATE_AGAIN) c->which = !c->which;
    }
    assay_values_free(&got);
}

/* The truth of the next two links, or the trial is over. The caller frees it. */
static int ask(chain *c, assay_oracle *o)
{
    const assay_values given = given_of(c);
    if (c->t->over) return 0;
    assay_status st = assay_subject_ask(c->t->subject, &c->t->subject->p, &given, evaluated, &c->t->declared, o);
    if (st == ASSAY_OK) return 1;
    assay_trial_end(c->t, ASSAY_VERDICT_BROKEN, "the reference could not answer: status %d", (int)st);
    return 0;
}

/* Inference first: from then on it may keep a copy of the weights. */
static void infer_then(chain *c, const char *infer_label, assay_routine routine, const char *label)
{
    assay_oracle o;
    if (!ask(c, &o)) return;
    judge_link(c, ASSAY_ROUTINE_INFER_ON, infer_label, &o);
    judge_link(c, routine, label, &o);
    assay_oracle_free(&o);
}

/* Packed again, as from a checkpoint: other parameters, and other moments, which the first ones may not outlive. */
static void load_again(chain *c)
{
    assay_trial *t = c->t;
    const assay_values *other = &t->subject->other;
    assay_values got;
    if (!assay_trial_run(t, ASSAY_ROUTINE_STEP, other, ASSAY_ROLES_WANTED, NULL, &got)) return;
    if (goes_on(c, &got, ASSAY_GRADIENT_ROLE)) judge_step(c, "loaded again: ", other, t->subject->step, &got);
    assay_values_free(&got);
}

/* What was packed is unpacked as it was, before any pass. Where the implementation stores less than fp32, what it
 * holds is judged after updates alone. */
static void reload(assay_trial *t)
{
    static const int from[] = {ASSAY_PARAM, ASSAY_M, ASSAY_V}, to[] = {ASSAY_PARAM_1, ASSAY_M_1, ASSAY_V_1};
    const assay_values *given = &t->subject->given;
    assay_values packed = {{0}}, got;
    if (t->declared.store > ASSAY_FP32) return;
    for (int f = 0; f < 3; f++)
        for (int k = 0; k < ASSAY_MAX_PARAMS; k++)
            packed.at[assay_tensor_id(to[f], k)] = given->at[assay_tensor_id(from[f], k)];
    if (!assay_trial_run(t, ASSAY_ROUTINE_RELOAD, given, ASSAY_UPDATED_ROLE, NULL, &got)) return;
    assay_trial_expect_same(t, "packed, unpacked: ", ASSAY_UPDATED_ROLE, &packed, 1, &got);
    assay_values_free(&got);
}

void assay_check_update(assay_trial *t)
{
    const assay_oracle *o = assay_trial_oracle(t, ASSAY_WITH_ALL, evaluated);
    chain c = {.t = t, .data = {&t->subject->given, &t->subject->other}};
    if (!o) return;
    reload(t);
    judge_link(&c, ASSAY_ROUTINE_STEP, "step: ", o);
    infer_then(&c, "infer after a step: ", ASSAY_ROUTINE_STEP_ADD, "second step: ");
    infer_then(&c, "infer after two steps: ", ASSAY_ROUTINE_UPDATE_ON, "passes after two steps: ");
    judge_link(&c, ASSAY_ROUTINE_UPDATE_AGAIN, "update again: ", NULL);
    t->updates += INT64_C(1) << 32;
    infer_then(&c, "infer after an update: ", ASSAY_ROUTINE_UPDATE_SUM, "sum after an update: ");
    /* Two more, the count as it was before the leap, with other numbers at the same addresses: a call that is kept to
     * be sent again is sent, and has to have the number of its step anew. */
    t->updates -= INT64_C(1) << 32;
    c.like = c.data[1];
    judge_link(&c, ASSAY_ROUTINE_STEP_ON, "last step but one: ", NULL);
    judge_link(&c, ASSAY_ROUTINE_STEP_ON, "last step: ", NULL);
    load_again(&c);
    assay_values_free(&c.now);
}
