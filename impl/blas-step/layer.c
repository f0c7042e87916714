/* layer.c: one layer in one direction, step after step, forward and backward.
 * SPDX-License-Identifier: MIT */
#include "impl/blas-step/step.h"

#include "impl/common/host/host.h"
#include "impl/common/host/vecmath.h"

#include "impl/common/stack/cells.inc"

#include <cblas.h>
#include <string.h>

void step_product(int ta, int tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b,
                  int64_t ldb, int accumulate, float *c, int64_t ldc)
{
    if (m > 0 && n > 0)
        cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, (int)m, (int)n,
                    (int)k, 1, a, (int)lda, b, (int)ldb, accumulate ? 1 : 0, c, (int)ldc);
}

/* The layer in one call. */
typedef struct layer {
    const assay_plan *plan;
    const assay_args *args;
    const step_room *room;
    char *kept;
    int index, direction, keep;
    int64_t q, inputs, h, k, pitch, width; /* k: I + H */
    const float *w;                        /* [W R] */
    float *bias, *sum;                     /* (width); of da over the rows of a step */
} layer;

static float *parameter(const layer *a, void *block, int which)
{
    const int i = assay_param_rnn(&a->plan->p, a->index, a->direction, which);
    return a->plan->params.size[i] ? (float *)block + a->plan->params.offset[i] : NULL;
}

/* Biases in the order of the gates, added up where the cell adds them up. */
static void prepare_bias(const layer *a)
{
    const assay_problem *p = &a->plan->p;
    const float *b_ih = parameter(a, a->args->packed, ASSAY_B_IH), *b_hh = parameter(a, a->args->packed, ASSAY_B_HH);
    const int64_t h = a->h;
    memset(a->bias, 0, a->width * sizeof *a->bias);
    if (step_resets(p, ASSAY_RESET_AFTER_INSIDE)) {
        if (b_ih) add_row(h, b_ih + 2 * h, a->bias), add_row(2 * h, b_ih, a->bias + h);
        if (b_hh) add_row(3 * h, b_hh, a->bias + h);
    } else {
        if (b_ih) add_row(a->width, b_ih, a->bias);
        if (b_hh) add_row(a->width, b_hh, a->bias);
    }
    for (int64_t j = h; p->dialect.cell == ASSAY_LSTM && j < 2 * h; j++)
        a->bias[j] += (float)p->dialect.forget_bias;
}

static layer layer_of(const assay_plan *plan, const assay_args *args, int keep, int index, int direction)
{
    const assay_problem *p = &plan->p;
    layer a = {.plan = plan,
               .args = args,
               .room = keep ? &plan->kept : &plan->infer,
               .kept = keep ? args->reserve : args->workspace,
               .index = index,
               .direction = direction,
               .keep = keep,
               .q = index * p->directions + direction,
               .inputs = assay_layer_input(p, index),
               .h = p->h,
               .k = assay_layer_input(p, index) + p->h,
               .pitch = step_pitch(p, index),
               .width = plan->width,
               .bias = step_in(args->workspace, plan->bias)};
    a.w = parameter(&a, args->packed, ASSAY_W);
    a.sum = a.bias + a.width;
    return a;
}

/* The rows that step t starts from, and those that it makes. */
static float *rows_before(const layer *a, int32_t t)
{
    return step_in(a->kept, a->room->rows[a->q]) + (t + a->direction) * a->plan->p.n * a->pitch;
}

static float *rows_after(const layer *a, int32_t t)
{
    return step_in(a->kept, a->room->rows[a->q]) + (t + 1 - a->direction) * a->plan->p.n * a->pitch;
}

static float *gates_at(const layer *a, int32_t t)
{
    return step_in(a->kept, a->room->gates[a->q]) + (a->keep ? t : 0) * a->plan->p.n * a->width;
}

static int32_t length_of(const layer *a, int32_t n)
{
    return a->args->lens ? a->args->lens[n] : a->plan->p.t;
}

/* The row that holds the k-th sample's initial state, and its final one. */
static float *first_row(const layer *a, int32_t k)
{
    return rows_after(a, a->direction ? length_of(a, a->plan->sample[k]) : -1) + k * a->pitch;
}

static float *last_row(const layer *a, int32_t k)
{
    return rows_after(a, a->direction ? 0 : length_of(a, a->plan->sample[k]) - 1) + k * a->pitch;
}

static void copy_or_zero(float *to, const float *from, int64_t n)
{
    if (from)
        memcpy(to, from, n * sizeof *to);
    else
        memset(to, 0, n * sizeof *to);
}

/* Where the k-th sample has its state in tensors (L*D, N, H). */
static int64_t state_at(const layer *a, int32_t k)
{
    return (a->q * a->plan->p.n + a->plan->sample[k]) * a->h;
}

/* ---- forward ---- */

static void begin(const layer *a)
{
    const assay_problem *p = &a->plan->p;
    const float *h0 = a->args->h0, *c0 = a->args->c0, *from = a->args->x;
    for (int32_t k = 0; k < p->n; k++) {
        float *row = first_row(a, k);
        copy_or_zero(row + a->inputs, h0 ? h0 + state_at(a, k) : NULL, a->h);
        if (p->dialect.cell == ASSAY_LSTM) copy_or_zero(row + a->k, c0 ? c0 + state_at(a, k) : NULL, a->h);
    }
    if (a->index > 0) return; /* the layer below has left its outputs here */
    if (p->vocab) from = (const float *)a->args->packed + a->plan->params.offset[assay_param_head(p, ASSAY_EMBEDDING)];
    for (int32_t t = 0; t < p->t; t++)
        for (int32_t k = 0; k < a->plan->active[t]; k++) {
            const int64_t row = assay_row_of(p, t, a->plan->sample[k]);
            memcpy(rows_before(a, t) + k * a->pitch, from + (p->vocab ? a->args->ids[row] : row) * a->inputs,
                   a->inputs * sizeof *from);
        }
}

/* [x e]: e = r h is there, x comes from the rows of the step. */
static float *beside_e(const layer *a, int64_t m, const float *from)
{
    float *e = step_in(a->args->workspace, a->plan->e);
    for (int64_t k = 0; k < m; k++)
        memcpy(e + k * a->pitch, from + k * a->pitch, a->inputs * sizeof *e);
    return e;
}

static void forward_step(const layer *a, int32_t t)
{
    const assay_problem *p = &a->plan->p;
    const int64_t m = a->plan->active[t], h = a->h, k = a->k, ld = a->pitch, gw = a->width;
    const float *from = rows_before(a, t), *state = from + a->inputs, *bias = a->bias;
    float *gates = gates_at(a, t), *h_new = rows_after(a, t) + a->inputs, *e = step_in(a->args->workspace, a->plan->e);
    if (step_resets(p, ASSAY_RESET_AFTER_INSIDE)) {
        for (int64_t row = 0; row < m; row++)
            memset(gates + row * gw + 3 * h, 0, h * sizeof *gates);
        step_product(0, 1, m, 3 * h, a->inputs, from, ld, a->w, k, 0, gates, gw);
        step_product(0, 1, m, 3 * h, h, state, ld, a->w + a->inputs, k, 1, gates + h, gw);
        gru_after_rows(NULL, m, h, ld, bias, state, gates, h_new);
    } else if (p->dialect.cell == ASSAY_GRU) {
        step_product(0, 1, m, 2 * h, k, from, ld, a->w, k, 0, gates, gw);
        gru_before_rows_1(NULL, m, h, ld, bias, state, gates, e + a->inputs);
        step_product(0, 1, m, h, k, beside_e(a, m, from), ld, a->w + 2 * h * k, k, 0, gates + 2 * h, gw);
        gru_before_rows_2(NULL, m, h, ld, bias, state, gates, h_new);
    } else {
        step_product(0, 1, m, gw, k, from, ld, a->w, k, 0, gates, gw);
        if (p->dialect.cell == ASSAY_LSTM)
            lstm_rows(NULL, m, h, ld, bias, state + h, gates, h_new + h, h_new);
        else if (p->dialect.cell == ASSAY_RNN_TANH)
            tanh_rows(m, h, ld, bias, gates, h_new);
        else
            relu_rows(m, h, ld, bias, gates, h_new);
    }
}

/* Copies what step t made to where it is read: both directions of the layer above, or y. */
static void put_outputs(const layer *a, int32_t t)
{
    const assay_problem *p = &a->plan->p;
    const int64_t wide = assay_output_width(p), half = a->direction * a->h;
    float *const to[2] = {a->args->y, p->op == ASSAY_OP_NETWORK ? step_in(a->kept, a->room->y) : NULL};
    for (int32_t k = 0; k < a->plan->active[t]; k++) {
        const float *h_new = rows_after(a, t) + k * a->pitch + a->inputs;
        for (int d = 0; d < p->directions && a->index < p->layers - 1; d++) {
            const layer above = layer_of(a->plan, a->args, a->keep, a->index + 1, d);
            memcpy(rows_before(&above, t) + k * above.pitch + half, h_new, a->h * sizeof *h_new);
        }
        for (int j = 0; j < 2 && a->index == p->layers - 1; j++)
            if (to[j])
                memcpy(to[j] + assay_row_of(p, t, a->plan->sample[k]) * wide + half, h_new, a->h * sizeof *h_new);
    }
}

void step_forward(const assay_plan *plan, const assay_args *args, int keep, int index, int direction)
{
    const layer here = layer_of(plan, args, keep, index, direction), *a = &here;
    const assay_problem *p = &plan->p;
    float *hn = args->hn, *cn = args->cn;
    prepare_bias(a);
    begin(a);
    for (int32_t i = 0; i < p->t; i++) {
        const int32_t t = a->direction ? p->t - 1 - i : i;
        forward_step(a, t);
        put_outputs(a, t);
    }
    for (int32_t k = 0; k < p->n; k++) {
        const float *row = last_row(a, k) + a->inputs;
        if (hn) memcpy(hn + state_at(a, k), row, a->h * sizeof *hn);
        if (cn) memcpy(cn + state_at(a, k), row + a->h, a->h * sizeof *cn);
    }
}

/* ---- backward ---- */

static void add_upstream(const layer *a, const step_upstream *given, int32_t t, float *dh)
{
    const assay_problem *p = &a->plan->p;
    const int64_t wide = assay_output_width(p), half = a->direction * a->h;
    for (int32_t k = 0; k < a->plan->active[t]; k++, dh += a->pitch) {
        const int32_t n = a->plan->sample[k];
        if (given->dy) add_row(a->h, given->dy + assay_row_of(p, t, n) * wide + half, dh);
        if (given->last && t == length_of(a, n) - 1) add_row(a->h, given->last + n * wide + half, dh);
    }
}

/* d = [dx dh dc] of what the step made becomes that of what it started from; dx only from column `first` on. */
static void backward_step(const layer *a, int32_t t, int64_t first, float *d)
{
    const assay_problem *p = &a->plan->p;
    const int64_t m = a->plan->active[t], h = a->h, k = a->k, ld = a->pitch, gw = a->width;
    const float *from = rows_before(a, t), *state = from + a->inputs, *gates = gates_at(a, t);
    float *dh = d + a->inputs, *da = step_in(a->args->workspace, a->plan->da),
          *dw = parameter(a, a->args->grads, ASSAY_W);
    float *e = step_in(a->args->workspace, a->plan->e), *d_e = step_in(a->args->workspace, a->plan->d_e);
    if (step_resets(p, ASSAY_RESET_AFTER_INSIDE)) {
        gru_after_rows_back(NULL, m, h, ld, gates, state, dh, da, a->sum);
        if (first == 0) step_product(0, 0, m, a->inputs, 3 * h, da, gw, a->w, k, 0, d, ld);
        step_product(0, 0, m, h, 3 * h, da + h, gw, a->w + a->inputs, k, 1, dh, ld);
        step_product(1, 0, 3 * h, a->inputs, m, da, gw, from, ld, 1, dw, k);
        step_product(1, 0, 3 * h, h, m, da + h, gw, state, ld, 1, dw + a->inputs, k);
    } else if (p->dialect.cell == ASSAY_GRU) {
        gru_before_rows_back_1(NULL, m, h, ld, gates, state, dh, da, a->sum, e + a->inputs);
        step_product(0, 0, m, k - first, h, da + 2 * h, gw, a->w + 2 * h * k + first, k, 0, d_e + first, ld);
        gru_before_rows_back_2(NULL, m, h, ld, gates, state, d_e + a->inputs, dh, da, a->sum);
        for (int64_t row = 0; row < m; row++)
            memcpy(d + row * ld + first, d_e + row * ld + first, (a->inputs - first) * sizeof *d);
        step_product(0, 0, m, k - first, 2 * h, da, gw, a->w + first, k, 1, d + first, ld);
        step_product(1, 0, 2 * h, k, m, da, gw, from, ld, 1, dw, k);
        step_product(1, 0, h, k, m, da + 2 * h, gw, beside_e(a, m, from), ld, 1, dw + 2 * h * k, k);
    } else {
        if (p->dialect.cell == ASSAY_LSTM)
            lstm_rows_back(NULL, m, h, ld, gates, state + h, rows_after(a, t) + k, dh, dh + h, da, a->sum);
        else
            plain_rows_back(m, h, ld, p->dialect.cell == ASSAY_RNN_RELU, gates, dh, da, a->sum);
        step_product(0, 0, m, k - first, gw, da, gw, a->w + first, k, 0, d + first, ld);
        step_product(1, 0, gw, k, m, da, gw, from, ld, 1, dw, k);
    }
}

/* From the sums over the step's rows that the cells left. */
static void bias_backward(const layer *a)
{
    float *d_ih = parameter(a, a->args->grads, ASSAY_B_IH), *d_hh = parameter(a, a->args->grads, ASSAY_B_HH);
    const float *sum = a->sum;
    const int64_t h = a->h, gw = a->width;
    if (step_resets(&a->plan->p, ASSAY_RESET_AFTER_INSIDE)) {
        if (d_ih) add_row(2 * h, sum + h, d_ih), add_row(h, sum, d_ih + 2 * h);
        if (d_hh) add_row(3 * h, sum + h, d_hh);
    } else {
        if (d_ih) add_row(gw, sum, d_ih);
        if (d_hh) add_row(gw, sum, d_hh);
    }
}

void step_backward(const assay_plan *plan, const assay_args *args, int index, int direction, const step_upstream *given,
                   float *dx)
{
    const layer here = layer_of(plan, args, 1, index, direction), *a = &here;
    const assay_problem *p = &plan->p;
    const float *dhn = args->dhn, *dcn = args->dcn;
    float *dh0 = args->dh0, *dc0 = args->dc0, *d = step_in(args->workspace, plan->d);
    const int lstm = p->dialect.cell == ASSAY_LSTM;
    for (int32_t k = 0; k < p->n; k++) {
        copy_or_zero(d + k * a->pitch + a->inputs, dhn ? dhn + state_at(a, k) : NULL, a->h);
        if (lstm) copy_or_zero(d + k * a->pitch + a->k, dcn ? dcn + state_at(a, k) : NULL, a->h);
    }
    for (int32_t i = p->t - 1; i >= 0; i--) {
        const int32_t t = a->direction ? p->t - 1 - i : i, m = plan->active[t];
        add_upstream(a, given, t, d + a->inputs);
        memset(a->sum, 0, a->width * sizeof *a->sum);
        backward_step(a, t, dx ? 0 : a->inputs, d);
        bias_backward(a);
        for (int32_t k = 0; dx && k < m; k++)
            add_row(a->inputs, d + k * a->pitch, dx + assay_row_of(p, t, plan->sample[k]) * a->inputs);
    }
    for (int32_t k = 0; k < p->n; k++) {
        if (dh0) memcpy(dh0 + state_at(a, k), d + k * a->pitch + a->inputs, a->h * sizeof *dh0);
        if (dc0) memcpy(dc0 + state_at(a, k), d + k * a->pitch + a->k, a->h * sizeof *dc0);
    }
}
