/* contract.c: what the ABI promises of calls that follow one another: gradients that are added, written over, asked for
 * twice or unwanted; an inference, another plan, other labels in between; new parameters, other lengths, states and
 * lengths that are given no more.
 * SPDX-License-Identifier: MIT */
#include "conformance/checks/checks.h"

#include "reference/data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const unsigned roles = ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE;

static int has_parameters(const assay_problem *p)
{
    return p->op == ASSAY_OP_RNN || p->op == ASSAY_OP_NETWORK;
}

/* Half of the outputs and gradients are not wanted; then the other half. Drawn, since under any fixed rule some two
 * would always come together, and what is right only in that company would pass. */
static void half_wanted(assay_trial *t, const assay_oracle *o, int others)
{
    const assay_subject *s = t->subject;
    const uint64_t stream = assay_stream_id(s->c->id, assay_stream_id("wanted", 0));
    assay_tensor list[ASSAY_TENSORS];
    unsigned char skip[ASSAY_TENSORS];
    assay_values got;
    int count = assay_tensors_of(&s->p, list);
    memset(skip, 0, sizeof skip);
    for (int k = 0; k < count; k++)
        if (roles >> list[k].role & 1u)
            skip[list[k].id] = (int)(assay_random_bits(s->seed, stream, (uint64_t)list[k].id) >> 63) == others;
    if (!assay_trial_run(t, ASSAY_ROUTINE_BACKWARD, &s->given, roles, skip, &got)) return;
    assay_trial_judge(t, others ? "the others unwanted: " : "half unwanted: ", &s->p, &s->given, &got, o);
    assay_values_free(&got);
    if (!assay_trial_run(t, ASSAY_ROUTINE_INFER, &s->given, ASSAY_FORWARD_ROLE, skip, &got)) return;
    assay_trial_judge(t, others ? "infer, the others unwanted: " : "infer, half unwanted: ", &s->p, &s->given, &got, o);
    assay_values_free(&got);
}

/* What nobody should leave to chance: frozen weights, of which no gradient is wanted, and nothing but theirs. */
static void parameters_wanted(assay_trial *t, const assay_oracle *o, int wanted)
{
    const assay_subject *s = t->subject;
    assay_tensor list[ASSAY_TENSORS];
    unsigned char skip[ASSAY_TENSORS];
    assay_values got;
    const int count = assay_tensors_of(&s->p, list);
    memset(skip, 0, sizeof skip);
    for (int k = 0; k < count; k++) {
        const int is_parameter = list[k].role == ASSAY_ROLE_GRADIENT && list[k].id >= ASSAY_SLOTS;
        skip[list[k].id] = roles >> list[k].role & 1u && is_parameter != wanted;
    }
    if (!assay_trial_run(t, ASSAY_ROUTINE_BACKWARD, &s->given, roles, skip, &got)) return;
    assay_trial_judge(t, wanted ? "parameters alone: " : "frozen parameters: ", &s->p, &s->given, &got, o);
    assay_values_free(&got);
}

static void unjudged(assay_trial *t, assay_routine routine, const assay_values *given)
{
    assay_values got;
    if (assay_trial_run(t, routine, given, ASSAY_FORWARD_ROLE, NULL, &got)) assay_values_free(&got);
}

static void judged(assay_trial *t, assay_routine routine, const assay_values *given, unsigned wanted,
                   const assay_oracle *o, const char *label)
{
    assay_values got;
    if (!assay_trial_run(t, routine, given, wanted, NULL, &got)) return;
    assay_trial_judge(t, label, &t->subject->p, given, &got, o);
    assay_values_free(&got);
}

/* One of two results that are added, or their sum: its values and the sizes that its limits refer to. */
typedef struct term {
    const double *v;
    double norm, rms, rms_row;
} term;

static term term_of(const assay_tensor *x, const double *v)
{
    const double n = assay_norm(v, x->count), row = x->row > 0 ? (double)x->row : 1;
    return (term){v, n, n / sqrt((double)x->count), n / sqrt((double)x->count / row)};
}

/* The error of a sum is at most the sum of the errors: of the whole, of each row, of each element. Where the terms
 * cancel, that is more than the same floors of the sum would allow. */
static assay_floor floor_of_sum(const assay_tensor *x, const double *a, const assay_floor *floor_a, const double *b,
                                const assay_floor *floor_b, const double *sum)
{
    const int64_t row = x->row > 0 ? x->row : 1;
    const term ta = term_of(x, a), tb = term_of(x, b), ts = term_of(x, sum);
    const assay_floor fa = assay_floor_at(floor_a, ta.norm), fb = assay_floor_at(floor_b, tb.norm);
    assay_floor f = {0};
    if (!(ts.norm > 0)) return f; /* exactly zero is wanted */
    f.phi = (fa.phi * ta.norm + fb.phi * tb.norm) / ts.norm;
    for (int64_t e = 0; e < x->count; e++) {
        double size = fabs(sum[e]) + ts.rms;
        double error = fa.phi_element * (fabs(a[e]) + ta.rms) + fb.phi_element * (fabs(b[e]) + tb.rms);
        f.phi_element = fmax(f.phi_element, error / size);
    }
    for (int64_t e = 0; e + row <= x->count; e += row) {
        double size = assay_norm(sum + e, row) + 0.1 * ts.rms_row;
        double error = fa.phi_row * (assay_norm(a + e, row) + 0.1 * ta.rms_row) +
                       fb.phi_row * (assay_norm(b + e, row) + 0.1 * tb.rms_row);
        f.phi_row = fmax(f.phi_row, error / size);
    }
    return f;
}

/* What accumulating backward makes: parameter gradients of `last` added to those of `before`, the rest of `last`. */
static assay_status sum_of(const assay_problem *p, const assay_oracle *before, const assay_oracle *last,
                           assay_oracle *out)
{
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(p, list);
    memset(out, 0, sizeof *out);
    assay_status st = assay_values_make(p, ASSAY_GRADIENT_ROLE, &out->truth);
    for (int k = 0; k < count && st == ASSAY_OK; k++) {
        const assay_tensor *x = &list[k];
        const double *a = before->truth.at[x->id], *b = last->truth.at[x->id];
        double *sum = out->truth.at[x->id];
        if (!sum) continue;
        int adds = x->id >= ASSAY_SLOTS;
        for (int64_t e = 0; e < x->count; e++)
            sum[e] = b[e] + (adds ? a[e] : 0);
        out->floor[x->id] =
            adds ? floor_of_sum(x, a, &before->floor[x->id], b, &last->floor[x->id], sum) : last->floor[x->id];
    }
    return st;
}

/* What another forward left may be added to gradients as well. sum: of what is there already. */
static void add_anew(assay_trial *t, const assay_oracle *sum, const assay_oracle *o)
{
    assay_oracle more;
    if (t->over) return;
    if (sum_of(&t->subject->p, sum, o, &more) != ASSAY_OK)
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "no memory for a sum of gradients");
    else
        judged(t, ASSAY_ROUTINE_TRAIN_ADD, &t->subject->given, ASSAY_GRADIENT_ROLE, &more, "accumulated anew: ");
    assay_oracle_free(&more);
}

/* Backward, then again on the same reserve with other cotangents, then the first ones are added to that. A network has
 * no cotangents but its loss's own: there the gradients of another batch are added. */
static void add_up(assay_trial *t, const assay_oracle *o)
{
    const assay_problem *p = &t->subject->p;
    const assay_values *given = &t->subject->given, second = assay_subject_variant(t->subject, ASSAY_WITH_SECOND);
    const assay_oracle *o2 = assay_trial_oracle(t, ASSAY_WITH_SECOND, roles);
    const int network = p->op == ASSAY_OP_NETWORK;
    assay_oracle sum;
    if (!o2) return;
    judged(t, ASSAY_ROUTINE_BACKWARD, given, roles, o, "first of two: ");
    judged(t, ASSAY_ROUTINE_BACKWARD_AGAIN, network ? given : &second, ASSAY_GRADIENT_ROLE, network ? o : o2,
           "backward again: ");
    if (t->over || !has_parameters(p)) return;
    if (sum_of(p, network ? o : o2, network ? o2 : o, &sum) != ASSAY_OK)
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "no memory for a sum of gradients");
    else if (network)
        judged(t, ASSAY_ROUTINE_TRAIN_ADD, &second, ASSAY_GRADIENT_ROLE, &sum, "accumulated: ");
    else {
        judged(t, ASSAY_ROUTINE_BACKWARD_ADD, given, ASSAY_GRADIENT_ROLE, &sum, "accumulated: ");
        add_anew(t, &sum, o);
    }
    assay_oracle_free(&sum);
}

/* Other data, lengths and parameters through the same plan: nothing of a call survives in the next, outputs of the
 * first ones included. Initial states are not given there, or only that of the cell (case_data.c). */
static void other_data(assay_trial *t)
{
    const assay_values other = assay_subject_variant(t->subject, ASSAY_WITH_OTHER);
    const assay_oracle *o = assay_trial_oracle(t, ASSAY_WITH_OTHER, roles);
    if (o) judged(t, ASSAY_ROUTINE_BACKWARD, &other, roles, o, "other data: ");
}

/* Lengths, some short, where the case has none: rows of a call must not keep them in the next. NULL: no memory. */
static int32_t *some_lengths(const assay_problem *p)
{
    int32_t *lens = malloc(((size_t)p->n + 1) * sizeof *lens);
    for (int32_t n = 0; lens && n < p->n; n++)
        lens[n] = n % 2 ? p->t : (p->t + 1) / 2;
    return lens;
}

/* Gradients alone are judged: outputs are there again, and hold NaN before it and after; inputs lie elsewhere. */
static void backward_alone(assay_trial *t, const char *label, const assay_oracle *o)
{
    const assay_subject *s = t->subject;
    assay_tensor list[ASSAY_TENSORS];
    assay_values got;
    const int count = assay_tensors_of(&s->p, list);
    assay_trial_move_inputs(t, &s->given);
    if (!assay_trial_run(t, ASSAY_ROUTINE_BACKWARD_ALONE, &s->given, roles, NULL, &got)) return;
    for (int k = 0; k < count; k++)
        if (list[k].role == ASSAY_ROLE_FORWARD) assay_values_drop(&got, list[k].id);
    assay_trial_judge(t, label, &s->p, &s->given, &got, o);
    assay_values_free(&got);
}

/* A validation pass in the middle of a training step, on other data: on the same ones it would leave in `reserve` what
 * is there already. In a network once before the losses and once after them. */
static void infer_between(assay_trial *t, const assay_oracle *o)
{
    const assay_subject *s = t->subject;
    const int takes_lengths = !has_parameters(&s->p) || !assay_session_about(t->session)->full_rows[0];
    assay_values other = assay_subject_variant(s, ASSAY_WITH_OTHER);
    int32_t *lens = !other.at[ASSAY_LENS] && takes_lengths ? some_lengths(&s->p) : NULL;
    if (lens) other.at[ASSAY_LENS] = lens;
    unjudged(t, ASSAY_ROUTINE_FORWARD, &s->given);
    unjudged(t, ASSAY_ROUTINE_INFER_BETWEEN, &other);
    if (s->p.op == ASSAY_OP_NETWORK) {
        unjudged(t, ASSAY_ROUTINE_LOSS_ON, &s->given);
        unjudged(t, ASSAY_ROUTINE_INFER_BETWEEN, &other);
    }
    backward_alone(t, "after an inference: ", o);
    free(lens);
}

/* An inference leaves the gradients to which the next backward adds. */
static void infer_then_add(assay_trial *t, const assay_oracle *o)
{
    const assay_problem *p = &t->subject->p;
    const assay_values *given = &t->subject->given;
    const assay_routine add = p->op == ASSAY_OP_NETWORK ? ASSAY_ROUTINE_TRAIN_ADD : ASSAY_ROUTINE_BACKWARD_ADD;
    assay_oracle sum;
    unjudged(t, ASSAY_ROUTINE_INFER_BETWEEN, given);
    if (t->over || !has_parameters(p)) return;
    if (sum_of(p, o, o, &sum) != ASSAY_OK)
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "no memory for a sum of gradients");
    else
        judged(t, add, given, ASSAY_GRADIENT_ROLE, &sum, "added after an inference: ");
    assay_oracle_free(&sum);
}

/* Between forward and backward another plan packs and runs; then it does so once more, and goes. */
static void plan_between(assay_trial *t, const assay_oracle *o)
{
    unjudged(t, ASSAY_ROUTINE_TRAIN, &t->subject->given);
    assay_trial_run_beside(t);
    backward_alone(t, "after another plan's forward: ", o);
    unjudged(t, ASSAY_ROUTINE_TRAIN, &t->subject->given);
    assay_trial_run_beside(t);
    assay_trial_part(t);
    backward_alone(t, "after another plan went: ", o);
}

/* Losses from the logits of one TRAIN by other labels, and then by its own. */
static void losses_again(assay_trial *t, const assay_oracle *o)
{
    const assay_subject *s = t->subject;
    assay_values relabelled = s->given, got;
    relabelled.at[ASSAY_LABELS] = s->other.at[ASSAY_LABELS];
    unjudged(t, ASSAY_ROUTINE_TRAIN, &relabelled);
    if (!assay_trial_run(t, ASSAY_ROUTINE_LOSS_ON, &s->given, ASSAY_FORWARD_ROLE, NULL, &got)) return;
    assay_values_drop(&got, ASSAY_Y);
    assay_values_drop(&got, ASSAY_HN);
    assay_values_drop(&got, ASSAY_CN);
    assay_values_drop(&got, ASSAY_LOGITS);
    assay_trial_judge(t, "losses again: ", &s->p, &s->given, &got, o);
    assay_values_free(&got);
    backward_alone(t, "after losses again: ", o);
}

void assay_check_contract(assay_trial *t)
{
    const assay_oracle *o = assay_trial_oracle(t, ASSAY_WITH_ALL, roles);
    if (!o) return;
    const int memory = (t->subject->c->flags & ASSAY_CASE_MEMORY) != 0;
    if (memory) assay_trial_beside(t);
    half_wanted(t, o, 0);
    half_wanted(t, o, 1);
    if (has_parameters(&t->subject->p)) {
        parameters_wanted(t, o, 0);
        parameters_wanted(t, o, 1);
    }
    add_up(t, o);
    infer_between(t, o);
    infer_then_add(t, o);
    other_data(t);
    if (t->beside) plan_between(t, o);
    if (memory && t->subject->p.op == ASSAY_OP_NETWORK) losses_again(t, o);
}
