/* certify.c: the certification as a whole, and the two proofs that every problem goes through: double against quad, and
 * in quad every gradient against central differences. docs/tolerance.md 3.8
 * SPDX-License-Identifier: MIT */
#include "reference/certify_parts.h"

#include "reference/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double bound_double = 1e-13, bound_differences = 1e-12;

void assay_prove(assay_proofs *c, const char *tensor, const char *what, double error, double bound)
{
    const assay_proof proof = {c->op, c->dialect, tensor, what, error, bound};
    if (!(error <= bound)) c->failed++;
    if (c->sink) c->sink(c->user, &proof);
}

double assay_proof_distance_quad(const _Float128 *a, const _Float128 *b, int64_t count)
{
    _Float128 difference = 0, norm = 0;
    for (int64_t k = 0; k < count; k++) {
        if (isinf((double)b[k]) && a[k] == b[k]) continue;
        difference += (a[k] - b[k]) * (a[k] - b[k]);
        norm += b[k] * b[k];
    }
    if (difference == 0) return 0;
    return (double)sqrtf128(difference / norm);
}

double assay_proof_distance(const double *a, const _Float128 *b, int64_t count)
{
    _Float128 *wide = malloc(((size_t)count + 1) * sizeof *wide);
    if (!wide) return NAN;
    for (int64_t k = 0; k < count; k++)
        wide[k] = a[k];
    const double distance = assay_proof_distance_quad(wide, b, count);
    free(wide);
    return distance;
}

/* What the gradients are of: the sum of cotangent times output. Rows whose loss is infinite have, by definition, no
 * gradient, and don't count. */
static _Float128 objective(const assay_problem *p, void *const at[ASSAY_TENSORS])
{
    static const struct {
        int output, cotangent;
    } pairs[] = {{ASSAY_Y, ASSAY_DY},
                 {ASSAY_HN, ASSAY_DHN},
                 {ASSAY_CN, ASSAY_DCN},
                 {ASSAY_LOSS, ASSAY_DLOSS},
                 {ASSAY_LOSS_ROWS, ASSAY_DLOSS}};
    _Float128 sum = 0;
    const int reduced = at[ASSAY_LOSS] != NULL, network = p->op == ASSAY_OP_NETWORK;
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++) {
        const _Float128 *value = at[pairs[k].output], *weight = at[pairs[k].cotangent];
        assay_tensor x;
        if (!value || (pairs[k].output == ASSAY_LOSS_ROWS && reduced)) continue;
        if (!weight && !(network && pairs[k].cotangent == ASSAY_DLOSS)) continue;
        (void)assay_tensor_find(p, pairs[k].output, &x);
        for (int64_t j = 0; j < x.count; j++)
            if (!isinf((double)value[j])) sum += (weight ? weight[j] : 1) * value[j];
    }
    return sum;
}

/* The given tensor that a gradient belongs to. */
static int input_of(int gradient)
{
    if (gradient == ASSAY_DX) return ASSAY_X;
    if (gradient == ASSAY_DH0) return ASSAY_H0;
    if (gradient == ASSAY_DC0) return ASSAY_C0;
    return gradient - assay_tensor_id(ASSAY_DPARAM, 0) + assay_tensor_id(ASSAY_PARAM, 0);
}

/* (f(w + h) - f(w - h)) / 2h in quad for each element; h = (3u)^(1/3) balances truncation and rounding near 1e-23. */
static double differences_error(assay_specimen *s, const assay_tensor *gradient, void *const forward[ASSAY_TENSORS])
{
    const _Float128 h = 0x1p-37, *analytic = s->q[gradient->id];
    _Float128 *w = s->q[input_of(gradient->id)];
    _Float128 *numeric = calloc((size_t)gradient->count + 1, sizeof *numeric);
    double error = numeric ? 0 : NAN;
    for (int64_t k = 0; numeric && k < gradient->count; k++) {
        const _Float128 here = w[k];
        if (isinf((double)here)) continue; /* a class of probability 0: its gradient must be the 0 that stands here */
        w[k] = here + h;
        assay_status st = assay_ref_evaluate_f128(&s->p, forward, s->step);
        numeric[k] = objective(&s->p, forward);
        w[k] = here - h;
        if (st == ASSAY_OK) st = assay_ref_evaluate_f128(&s->p, forward, s->step);
        numeric[k] = (numeric[k] - objective(&s->p, forward)) / (2 * h);
        w[k] = here;
        if (st != ASSAY_OK) error = NAN;
    }
    if (error == 0) error = assay_proof_distance_quad(analytic, numeric, gradient->count);
    free(numeric);
    return error;
}

void assay_certify_one(assay_proofs *c, assay_specimen *s)
{
    assay_tensor list[ASSAY_TENSORS];
    void *forward[ASSAY_TENSORS];
    const int count = assay_tensors_of(&s->p, list);
    char why[160] = "";
    assay_status st = assay_problem_check(&s->p, why, sizeof why);
    if (st == ASSAY_OK)
        st = assay_integers_check(&s->p, s->d[ASSAY_IDS], s->d[ASSAY_LENS], s->d[ASSAY_LABELS], s->d[ASSAY_LABEL_LENS],
                                  why, sizeof why);
    if (st == ASSAY_OK) st = assay_ref_evaluate_f64(&s->p, s->d, s->step);
    if (st == ASSAY_OK) st = assay_ref_evaluate_f128(&s->p, s->q, s->step);
    assay_prove(c, why, "the reference runs", st, ASSAY_OK);
    if (st != ASSAY_OK) return;

    memcpy(forward, s->q, sizeof forward);
    for (int k = 0; k < count; k++) {
        const assay_tensor *x = &list[k];
        if (x->role == ASSAY_ROLE_GRADIENT || x->role == ASSAY_ROLE_UPDATED) forward[x->id] = NULL;
        if (x->role >= ASSAY_ROLE_FORWARD)
            assay_prove(c, x->name, "double against quad", assay_proof_distance(s->d[x->id], s->q[x->id], x->count),
                        bound_double);
    }
    for (int k = 0; k < count && s->p.dialect.bptt_steps == 0; k++)
        if (list[k].role == ASSAY_ROLE_GRADIENT)
            assay_prove(c, list[k].name, "central differences", differences_error(s, &list[k], forward),
                        bound_differences);
}

int assay_certify(int full, assay_proof_sink sink, void *user)
{
    assay_proofs c = {sink, user, 0, full, "", ""};
    assay_certify_generators(&c);
    assay_certify_published_rnn(&c);
    assay_certify_published_loss(&c);
    assay_certify_paths(&c);
    assay_certify_problems(&c);
    return c.failed;
}
