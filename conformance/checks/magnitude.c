/* magnitude.c: the same case right at other magnitudes and distributions than its own, drawn when it runs.
 * SPDX-License-Identifier: MIT
 *
 * Sizes and kinds that are known beforehand are rows of the tables, which forward and backward judge. An implementation
 * made to pass them may know them: a series that is cut off where numbers are of ordinary size, a bound that nothing
 * ordinary reaches, one scale for a whole tensor. Here size and kind are drawn, and the truth and the floors are those
 * of the data drawn. What saturates may leave gradients that no arithmetic can decide: these are held to exact
 * contracts alone, and a kind of data that leaves less than half of the tensors to judge is ILL_POSED. */
#include "conformance/checks/checks.h"

#include "reference/data.h"

#include <math.h>

static const unsigned roles = ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE;

/* Data to be changed, and the number that the regime draws, in [0, 1). */
typedef struct sample {
    const assay_problem *p;
    assay_values *v;
    double u;
} sample;

static void multiply(const sample *s, int id, double factor)
{
    assay_tensor x;
    double *v = s->v->at[id];
    if (!v || !assay_tensor_find(s->p, id, &x)) return;
    for (int64_t e = 0; e < x.count; e++)
        v[e] *= factor;
}

/* What is added up before an activation, all of it: so every argument is small. */
static void small(const sample *s)
{
    const double factor = exp2(-7 - 3 * s->u);
    const int stack = s->p->op == ASSAY_OP_RNN;
    multiply(s, ASSAY_X, factor);
    multiply(s, ASSAY_H0, factor);
    multiply(s, ASSAY_C0, factor);
    for (int q = 0; stack && q < s->p->layers * s->p->directions; q++) {
        multiply(s, assay_tensor_id(ASSAY_PARAM, ASSAY_RNN_PARAMS * q + ASSAY_B_IH), factor);
        multiply(s, assay_tensor_id(ASSAY_PARAM, ASSAY_RNN_PARAMS * q + ASSAY_B_HH), factor);
    }
}

/* Weights of a trained network: some far above those that one begins with. */
static void weights(const sample *s)
{
    const int first = (int)(5 * s->u);
    for (int q = 0; s->p->op == ASSAY_OP_RNN && q < s->p->layers * s->p->directions; q++)
        for (int which = ASSAY_W; which <= ASSAY_R; which++) {
            const int id = assay_tensor_id(ASSAY_PARAM, ASSAY_RNN_PARAMS * q + which);
            assay_tensor x;
            double *v = s->v->at[id];
            if (!v || !assay_tensor_find(s->p, id, &x)) continue;
            for (int64_t e = first; e < x.count; e += 5)
                v[e] *= 8;
        }
}

/* Initial states that no cell would have come to. */
static void states(const sample *s)
{
    multiply(s, ASSAY_H0, exp2(2 + 2 * s->u));
    multiply(s, ASSAY_C0, exp2(1 + 2 * s->u));
}

static void large(const sample *s)
{
    multiply(s, ASSAY_X, exp2(2 + 4 * s->u));
}

/* Most are near 0, a few very large. */
static void tails(const sample *s)
{
    assay_tensor x;
    double *v = s->v->at[ASSAY_X];
    if (!v || !assay_tensor_find(s->p, ASSAY_X, &x)) return;
    for (int64_t e = 0; e < x.count; e++)
        v[e] *= v[e] * v[e] * (1 + s->u);
}

/* x of one sample far larger than that of all others. */
static void outlier(const sample *s)
{
    const int32_t n = (int32_t)(s->u * s->p->n);
    assay_tensor x;
    double *v = s->v->at[ASSAY_X];
    if (!v || !assay_tensor_find(s->p, ASSAY_X, &x)) return;
    for (int32_t t = 0; t < s->p->t; t++)
        for (int64_t k = 0; k < x.row; k++)
            v[assay_row_of(s->p, t, n) * x.stride + k] *= 256;
}

/* A constant that no softmax feels, far from 0: nothing changes but the maximum. */
static void shift(const sample *s, double sign)
{
    assay_tensor x;
    double *v = s->v->at[ASSAY_X];
    if (!v || !assay_tensor_find(s->p, ASSAY_X, &x)) return;
    for (int64_t e = 0; e < x.count; e++)
        v[e] += sign * (128 + 128 * s->u);
}

static void shifted_up(const sample *s)
{
    shift(s, 1);
}

static void shifted_down(const sample *s)
{
    shift(s, -1);
}

#define STACK  (1u << ASSAY_OP_RNN)
#define LOSSES (1u << ASSAY_OP_XENT | 1u << ASSAY_OP_CTC)

static const struct {
    const char *label;
    unsigned ops;
    void (*change)(const sample *s);
} regimes[] = {
    {"small: ", STACK | LOSSES, small},   {"large: ", STACK | LOSSES, large},
    {"weights: ", STACK, weights},        {"states: ", STACK, states},
    {"tails: ", STACK | LOSSES, tails},   {"outlier: ", STACK | LOSSES, outlier},
    {"shifted up: ", LOSSES, shifted_up}, {"shifted down: ", LOSSES, shifted_down},
};

/* All samples, in their order: a copy. */
static assay_status copy_of(const assay_subject *s, assay_values *out)
{
    assay_problem same;
    int32_t rows[ASSAY_ROW_LENS];
    for (int32_t n = 0; n < s->p.n && n < ASSAY_ROW_LENS; n++)
        rows[n] = n;
    return assay_values_subset(&s->p, &s->given, rows, s->p.n, &same, out);
}

static void judge(assay_trial *t, const char *label, const assay_values *given)
{
    const assay_problem *p = &t->subject->p;
    assay_oracle o;
    assay_values got;
    assay_status st = assay_subject_ask(t->subject, p, given, roles, &t->declared, &o);
    if (st != ASSAY_OK) {
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "%sthe reference could not answer: status %d", label, (int)st);
        return;
    }
    if (assay_trial_run(t, ASSAY_ROUTINE_BACKWARD, given, roles, NULL, &got)) {
        const int before = t->finding_count;
        t->undecided = 0;
        assay_trial_judge(t, label, p, given, &got, &o);
        if (2 * t->undecided > t->finding_count - before)
            assay_trial_end(t, ASSAY_VERDICT_ILL_POSED, "%shonest arithmetic cannot decide %d of %d tensors", label,
                            t->undecided, t->finding_count - before);
        assay_values_free(&got);
    }
    assay_oracle_free(&o);
}

void assay_check_magnitude(assay_trial *t)
{
    const assay_subject *s = t->subject;
    t->lenient = 1;
    for (size_t k = 0; k < sizeof regimes / sizeof *regimes && !t->over; k++) {
        assay_values given;
        if (!(regimes[k].ops >> s->p.op & 1u)) continue;
        if (copy_of(s, &given) != ASSAY_OK) {
            assay_trial_end(t, ASSAY_VERDICT_BROKEN, "no memory for other data");
            return;
        }
        const uint64_t stream = assay_stream_id(s->c->id, assay_stream_id(regimes[k].label, 0));
        const sample drawn = {&s->p, &given, assay_random_uniform(s->seed, stream, 0)};
        regimes[k].change(&drawn);
        assay_values_quantise(&s->p, s->p.arithmetic, &given);
        judge(t, regimes[k].label, &given);
        assay_values_free(&given);
    }
}
