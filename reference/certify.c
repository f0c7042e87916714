/* certify.c: the certification as a whole, and the two proofs that every problem goes through: double against quad, and
 * in quad every gradient against central differences. docs/tolerance.md 3.8
 * SPDX-License-Identifier: MIT */
#include "reference/certify_parts.h"

#include "reference/data.h"
#include "reference/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double bound_double = 1e-13, bound_rows = 1e-12, bound_differences = 1e-12, bound_dual = 1e-13;

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

/* What the gradients are of: the sum of cotangent times output. A network's loss counts as it is. */
static const struct pair {
    int output, cotangent;
} pairs[] = {{ASSAY_Y, ASSAY_DY},
             {ASSAY_HN, ASSAY_DHN},
             {ASSAY_CN, ASSAY_DCN},
             {ASSAY_LOSS, ASSAY_DLOSS},
             {ASSAY_LOSS_ROWS, ASSAY_DLOSS}};
enum { PAIRS = sizeof pairs / sizeof *pairs };

/* Elements of an output that the objective reads; 0 if it doesn't. */
static int64_t counted(const assay_problem *p, void *const at[ASSAY_TENSORS], const struct pair *pair)
{
    assay_tensor x;
    const int network = p->op == ASSAY_OP_NETWORK && pair->cotangent == ASSAY_DLOSS;
    if (!at[pair->output] || (pair->output == ASSAY_LOSS_ROWS && at[ASSAY_LOSS])) return 0;
    if (!at[pair->cotangent] && !network) return 0;
    return assay_tensor_find(p, pair->output, &x) ? x.count : 0;
}

/* An output past its row's length is what it is whatever anyone does: its cotangent, even NaN, is not read. Rows whose
 * loss is infinite have, by definition, no gradient. */
static _Float128 objective(const assay_problem *p, void *const at[ASSAY_TENSORS])
{
    _Float128 sum = 0;
    for (int k = 0; k < PAIRS; k++) {
        const _Float128 *value = at[pairs[k].output], *weight = at[pairs[k].cotangent];
        const int64_t count = counted(p, at, &pairs[k]);
        for (int64_t j = 0; j < count; j++)
            if (!isinf((double)value[j]) && value[j] != 0) sum += (weight ? weight[j] : 1) * value[j];
    }
    return sum;
}

static double dual_objective(const assay_problem *p, void *const at[ASSAY_TENSORS])
{
    double sum = 0;
    for (int k = 0; k < PAIRS; k++) {
        const assay_dual *value = at[pairs[k].output], *weight = at[pairs[k].cotangent];
        const int64_t count = counted(p, at, &pairs[k]);
        for (int64_t j = 0; j < count; j++)
            if (!isinf(value[j].value) && value[j].derivative != 0)
                sum += (weight ? weight[j].value : 1) * value[j].derivative;
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

static double dot(const _Float128 *a, const double *b, int64_t count)
{
    _Float128 sum = 0;
    for (int64_t k = 0; k < count; k++)
        sum += a[k] * b[k];
    return (double)sum;
}

static double norm(const double *a, int64_t count)
{
    double sum = 0;
    for (int64_t k = 0; k < count; k++)
        sum += a[k] * a[k];
    return sqrt(sum);
}

/* f(w + h v) - f(w - h v), by 2h: h = (3u)^(1/3) balances truncation and rounding near 1e-23. v NULL: along element k.
 */
static _Float128 difference(assay_specimen *s, int id, void *const forward[ASSAY_TENSORS], const double *v, int64_t k,
                            int64_t count, assay_status *st)
{
    const _Float128 h = 0x1p-37;
    _Float128 *w = s->q[id], f[2];
    for (int side = 0; side < 2; side++) {
        const _Float128 step = side ? -h : h;
        const int64_t first = v ? 0 : k, end = v ? count : k + 1;
        for (int64_t j = first; j < end; j++)
            w[j] = ((const double *)s->d[id])[j] + step * (v ? v[j] : 1);
        if (*st == ASSAY_OK) *st = assay_ref_evaluate_f128(&s->p, forward, s->step);
        f[side] = objective(&s->p, forward);
        for (int64_t j = first; j < end; j++)
            w[j] = ((const double *)s->d[id])[j];
    }
    return (f[0] - f[1]) / (2 * h);
}

/* Every element of one gradient. A class of probability 0 can't be moved: its gradient must be the 0 that stands here.
 */
static double differences_error(assay_specimen *s, const assay_tensor *gradient, void *const forward[ASSAY_TENSORS])
{
    const int id = input_of(gradient->id);
    const double *w = s->d[id];
    assay_status st = ASSAY_OK;
    _Float128 *numeric = calloc((size_t)gradient->count + 1, sizeof *numeric);
    double error = numeric ? 0 : NAN;
    for (int64_t k = 0; numeric && k < gradient->count; k++)
        if (isfinite(w[k])) numeric[k] = difference(s, id, forward, NULL, k, gradient->count, &st);
    if (st != ASSAY_OK) error = NAN;
    if (error == 0) error = assay_proof_distance_quad(s->q[gradient->id], numeric, gradient->count);
    free(numeric);
    return error;
}

/* A random direction for the tensor that a gradient belongs to; 0 where it can't be moved. NULL if there's no memory.
 */
static double *direction_of(const assay_specimen *s, const assay_tensor *gradient)
{
    const double *w = s->d[input_of(gradient->id)];
    double *v = calloc((size_t)gradient->count + 1, sizeof *v);
    for (int64_t k = 0; v && k < gradient->count; k++)
        if (isfinite(w[k])) v[k] = 2 * assay_random_uniform(77, (uint64_t)gradient->id, (uint64_t)k) - 1;
    return v;
}

/* |D - g v| / |g| |v|; 0 if both are exactly zero. */
static double along(const assay_specimen *s, const assay_tensor *gradient, const double *v, double d)
{
    const _Float128 *g = s->q[gradient->id];
    const double error = fabs(d - dot(g, v, gradient->count));
    _Float128 size = 0;
    for (int64_t k = 0; k < gradient->count; k++)
        size += g[k] * g[k];
    return error == 0 ? 0 : error / (sqrt((double)size) * norm(v, gradient->count));
}

static double direction_error(assay_specimen *s, const assay_tensor *gradient, void *const forward[ASSAY_TENSORS])
{
    assay_status st = ASSAY_OK;
    double *v = direction_of(s, gradient);
    if (!v) return NAN;
    const _Float128 d = difference(s, input_of(gradient->id), forward, v, 0, gradient->count, &st);
    const double error = st == ASSAY_OK ? along(s, gradient, v, (double)d) : NAN;
    free(v);
    return error;
}

/* The tensors of a forward pass in dual numbers; 0 if there's no memory. */
static int make_dual(const assay_specimen *s, void *at[ASSAY_TENSORS])
{
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(&s->p, list);
    memset(at, 0, ASSAY_TENSORS * sizeof *at);
    for (int k = 0; k < count; k++) {
        const assay_tensor *x = &list[k];
        if (x->role == ASSAY_ROLE_GRADIENT || x->role == ASSAY_ROLE_UPDATED) continue;
        at[x->id] = x->integer ? s->d[x->id] : calloc((size_t)x->count + 1, sizeof(assay_dual));
        if (!at[x->id]) return 0;
        for (int64_t j = 0; !x->integer && x->role <= ASSAY_ROLE_COTANGENT && j < x->count; j++)
            ((assay_dual *)at[x->id])[j].value = ((const double *)s->d[x->id])[j];
    }
    return 1;
}

static void free_dual(const assay_specimen *s, void *at[ASSAY_TENSORS])
{
    for (int k = 0; k < ASSAY_TENSORS; k++)
        if (at[k] != s->d[k]) free(at[k]);
}

/* The derivative of the objective along v, carried forward by dual numbers, against <g, v>. */
static double dual_error(const assay_specimen *s, const assay_tensor *gradient)
{
    void *at[ASSAY_TENSORS];
    double *v = direction_of(s, gradient), error = NAN;
    if (v && make_dual(s, at)) {
        assay_dual *w = at[input_of(gradient->id)];
        for (int64_t k = 0; k < gradient->count; k++)
            w[k].derivative = v[k];
        if (assay_ref_evaluate_dual(&s->p, at, s->step) == ASSAY_OK)
            error = along(s, gradient, v, dual_objective(&s->p, at));
    }
    if (v) free_dual(s, at);
    free(v);
    return error;
}

/* Backward that is cut short, clips straight through or adds the softmax is not the derivative of forward. */
static int is_derivative(const assay_dialect *d)
{
    return d->bptt_steps == 0 && d->clip_gradient == ASSAY_CLIP_CUTS && d->ctc_gradient == ASSAY_CTC_TRUE;
}

/* Largest |a - b| of a row by |b| of the row + 0.1 of the root mean square row: rows near 0 are noise. */
static double row_distance(const assay_tensor *x, const double *a, const _Float128 *b)
{
    double worst = 0, all = 0;
    const int64_t rows = x->stride > 0 ? x->count / x->stride : 0;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < x->row; j++)
            if (isfinite((double)b[r * x->stride + j])) all += (double)(b[r * x->stride + j] * b[r * x->stride + j]);
    const double rms = rows ? sqrt(all / (double)rows) : 0;
    for (int64_t r = 0; r < rows; r++) {
        double error = 0, size = 0;
        for (int64_t j = 0; j < x->row; j++) {
            const double here = (double)b[r * x->stride + j];
            if (isinf(here) && a[r * x->stride + j] == here) continue;
            error +=
                (double)((a[r * x->stride + j] - b[r * x->stride + j]) * (a[r * x->stride + j] - b[r * x->stride + j]));
            size += here * here;
        }
        if (error == 0) continue;
        const double d = sqrt(error) / (sqrt(size) + 0.1 * rms);
        if (isnan(d)) return d; /* no later row may hide it */
        if (d > worst) worst = d;
    }
    return worst;
}

void assay_certify_one(assay_proofs *c, assay_specimen *s, int along_one)
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
        if (x->role < ASSAY_ROLE_FORWARD) continue;
        assay_prove(c, x->name, "double against quad", assay_proof_distance(s->d[x->id], s->q[x->id], x->count),
                    bound_double);
        assay_prove(c, x->name, "double against quad, by rows", row_distance(x, s->d[x->id], s->q[x->id]), bound_rows);
    }
    for (int k = 0; k < count && is_derivative(&s->p.dialect); k++) {
        if (list[k].role != ASSAY_ROLE_GRADIENT) continue;
        if (along_one)
            assay_prove(c, list[k].name, "central differences, one direction", direction_error(s, &list[k], forward),
                        bound_differences);
        else
            assay_prove(c, list[k].name, "central differences", differences_error(s, &list[k], forward),
                        bound_differences);
        assay_prove(c, list[k].name, "dual numbers", dual_error(s, &list[k]), bound_dual);
    }
}

int assay_certify(int full, assay_proof_sink sink, void *user)
{
    assay_proofs c = {sink, user, 0, full, "", ""};
    assay_certify_generators(&c);
    assay_certify_published_rnn(&c);
    assay_certify_published_loss(&c);
    assay_certify_paths(&c);
    assay_certify_losses(&c);
    assay_certify_problems(&c);
    assay_certify_identities(&c);
    return c.failed;
}
