/* backward.c: the recurrent layers backward: a cell and a product a step, or all steps in one launch, then the
 * weights' gradients of all steps at once. SPDX-License-Identifier: MIT */
#include "impl/cuda/layer.h"

/* A block of columns of da and the rows of a weight that they belong to. */
typedef struct columns {
    int64_t from, to, count;
} columns;

/* What of da the input gets: where the reset acts after the product n comes last, behind what the product gets. */
static int input_columns(const cuda_layer *l, columns out[2])
{
    const assay_dialect *d = &l->c->plan->p.dialect;
    out[0] = (columns){0, 0, l->gates};
    if (d->cell != ASSAY_GRU || cuda_is_gru_before(d)) return 1;
    out[0].count = 2 * l->h;
    out[1] = (columns){3 * l->h, 2 * l->h, l->h};
    return 2;
}

static float *at_dh(const cuda_layer *l)
{
    return cuda_work_at(l->c, l->lane->dh, 0);
}

static float *at_dc(const cuda_layer *l)
{
    return cuda_work_at(l->c, l->lane->dc, 0);
}

static float *at_da(const cuda_layer *l, int64_t t)
{
    return cuda_work_at(l->c, l->lane->da, t * l->c->plan->p.n * l->pitch);
}

/* dh += da R: the gradient that comes through the product. */
static void through_product(const cuda_layer *l, const cell_args *cell, int64_t rows)
{
    const gemm_args g = {.m = cell->n,
                         .n = l->state,
                         .k = rows,
                         .a = cell->da,
                         .lda = l->pitch,
                         .b = cuda_weight(l, l->c->args->packed, ASSAY_R),
                         .ldb = l->state,
                         .c = cell->dh,
                         .ldc = l->state,
                         .accumulate = 1};
    cuda_gemm(l->c->plan->q, l->c->plan->p.arithmetic, &g);
}

static void lstm_step(const cuda_layer *l, cell_args *cell)
{
    queue *q = l->c->plan->q;
    if (cell->projected) {
        cuda_over(q, KERNEL_arrive, cell->n * l->state, cell);
        const gemm_args g = {.m = cell->n,
                             .n = l->h,
                             .k = l->state,
                             .a = cell->d_state,
                             .lda = l->state,
                             .b = cuda_weight(l, l->c->args->packed, ASSAY_PROJECTION),
                             .ldb = l->h,
                             .c = cell->dm,
                             .ldc = l->h};
        cuda_gemm(q, l->c->plan->p.arithmetic, &g);
    }
    cuda_over(q, KERNEL_lstm_backward, cell->n * l->h, cell);
    through_product(l, cell, l->gates);
}

static void gru_step(const cuda_layer *l, cell_args *cell)
{
    queue *q = l->c->plan->q;
    cuda_over(q, KERNEL_gru_backward, cell->n * l->h, cell);
    if (!cell->before) {
        through_product(l, cell, 3 * l->h);
        return;
    }
    const gemm_args g = {.m = cell->n,
                         .n = l->h,
                         .k = l->h,
                         .a = cell->da + 2 * l->h,
                         .lda = l->pitch,
                         .b = cuda_weight(l, l->c->args->packed, ASSAY_R) + 2 * l->h * l->h,
                         .ldb = l->h,
                         .c = cell->de,
                         .ldc = l->h};
    cuda_gemm(q, l->c->plan->p.arithmetic, &g);
    cuda_over(q, KERNEL_gru_reset_backward, cell->n * l->h, cell);
    through_product(l, cell, 2 * l->h);
}

static void begin_gradient(const cuda_layer *l, const void *given, int64_t width, float *to)
{
    const int64_t n = l->c->plan->p.n;
    int all;
    const int32_t *lost = cuda_states_lost(l->c, &all);
    const states_args s = {.n = n,
                           .width = width,
                           .lens = lost,
                           .from = given && !all ? (const float *)given + l->q * n * width : NULL,
                           .to = to};
    cuda_over(l->c->plan->q, KERNEL_states, n * width, &s);
}

/* Step t, with what every way back reads and writes. */
static cell_args backward_cell(const cuda_layer *l, int64_t t)
{
    const cuda_plan *plan = l->c->plan;
    cell_args cell = cuda_cell_of(l, t);
    cell.dy = cuda_work_at(l->c, plan->scratch.d_part, t * plan->p.n * l->wide + l->direction * l->state);
    cell.dh = at_dh(l);
    cell.dc = at_dc(l);
    cell.da = at_da(l, t);
    return cell;
}

/* All steps of all directions at once. */
static void persistent_steps(const cuda_layer *l, int ways)
{
    const cuda_plan *plan = l->c->plan;
    persistent_args a = {.t = plan->p.t,
                         .ranks = plan->layout.ranks,
                         .units = plan->layout.units,
                         .slice = plan->layout.slice,
                         .order = cuda_order(l->c)};
    for (int k = 0; k < ways; k++)
        a.way[k] = (persistent_way){.cell = backward_cell(&l[k], 0),
                                    .r = cuda_weight(&l[k], l->c->args->packed, ASSAY_R),
                                    .reverse = l[k].direction};
    cuda_persistent_send(plan->q, &plan->layout, &plan->layout.backward, ways, &a);
}

/* The gradients of the states after the last step; those before the first. */
static void begin_back(const cuda_layer *l)
{
    begin_gradient(l, l->c->args->dhn, l->state, at_dh(l));
    if (l->c->plan->p.dialect.cell == ASSAY_LSTM) begin_gradient(l, l->c->args->dcn, l->h, at_dc(l));
}

static void end_back(const cuda_layer *l)
{
    const assay_args *args = l->c->args;
    const assay_problem *p = &l->c->plan->p;
    queue *q = l->c->plan->q;
    const int64_t state = p->n * l->state, cell = p->n * l->h;
    if (args->dh0) queue_copy(q, (float *)args->dh0 + l->q * state, at_dh(l), (uint64_t)state * sizeof(float));
    if (args->dc0 && p->dialect.cell == ASSAY_LSTM)
        queue_copy(q, (float *)args->dc0 + l->q * cell, at_dc(l), (uint64_t)cell * sizeof(float));
}

static void steps_back(const cuda_layer *l)
{
    const cuda_plan *plan = l->c->plan;
    const assay_problem *p = &plan->p;
    const int cell_kind = p->dialect.cell;
    for (int64_t i = p->t - (int64_t)1; i >= 0; i--) {
        const int64_t t = cuda_step_of(l, i);
        cell_args cell = backward_cell(l, t);
        cell.dm = cuda_work_at(l->c, l->lane->dm, 0);
        cell.de = cuda_work_at(l->c, l->lane->de, 0);
        cell.d_state = cuda_work_at(l->c, l->lane->d_state, t * p->n * l->state);
        if (cell_kind == ASSAY_LSTM) lstm_step(l, &cell);
        if (cell_kind == ASSAY_GRU) gru_step(l, &cell);
        if (cell_kind == ASSAY_RNN_TANH || cell_kind == ASSAY_RNN_RELU) {
            cuda_over(plan->q, KERNEL_plain_backward, cell.n * l->h, &cell);
            through_product(l, &cell, l->gates);
        }
    }
}

/* to (rows of it, n) (+)= da[columns]^T x (T*N, n) */
static void weight_gradient(const cuda_layer *l, columns k, const float *x, int64_t ldx, int64_t n, float *to,
                            int accumulate)
{
    const gemm_args g = {.m = k.count,
                         .n = n,
                         .k = l->rows,
                         .ta = 1,
                         .a = at_da(l, 0) + k.from,
                         .lda = l->pitch,
                         .b = x,
                         .ldb = ldx,
                         .c = to + k.to * n,
                         .ldc = n,
                         .accumulate = accumulate};
    cuda_gemm(l->c->plan->q, l->c->plan->p.arithmetic, &g);
}

static void sum(const cuda_layer *l, columns k, const float *times, int64_t pitch, float *to, int accumulate)
{
    const column_sums_args s = {.rows = l->rows,
                                .columns = k.count,
                                .a = at_da(l, 0) + k.from,
                                .a_pitch = l->pitch,
                                .b = times,
                                .b_pitch = pitch,
                                .out = to + k.to,
                                .accumulate = accumulate};
    cuda_column_sums(l->c->plan->q, &s);
}

static void recurrent_gradients(const cuda_layer *l, int accumulate)
{
    const assay_problem *p = &l->c->plan->p;
    const int64_t n = p->n, h = l->h;
    const float *h_before = l->at_h + cuda_slot_before(l, 0) * n * l->state;
    float *dr = cuda_weight(l, l->c->args->grads, ASSAY_R);
    if (cuda_is_gru_before(&p->dialect)) {
        weight_gradient(l, (columns){0, 0, 2 * h}, h_before, h, h, dr, accumulate);
        weight_gradient(l, (columns){2 * h, 2 * h, h}, l->at_gates + 3 * h, l->pitch, h, dr, accumulate);
    } else {
        weight_gradient(l, (columns){0, 0, l->gates}, h_before, l->state, l->state, dr, accumulate);
    }
    float *dp = cuda_weight(l, l->c->args->grads, ASSAY_PEEPHOLE);
    if (dp) { /* i and f saw the old cell, o the new one */
        const float *before = l->at_c + cuda_slot_before(l, 0) * n * h,
                    *after = l->at_c + cuda_slot_after(l, 0) * n * h;
        sum(l, (columns){0, 0, h}, before, h, dp, accumulate);
        sum(l, (columns){h, h, h}, before, h, dp, accumulate);
        sum(l, (columns){3 * h, 2 * h, h}, after, h, dp, accumulate);
    }
    const gemm_args g = {.m = l->state,
                         .n = h,
                         .k = l->rows,
                         .ta = 1,
                         .a = cuda_work_at(l->c, l->lane->d_state, 0),
                         .lda = l->state,
                         .b = l->at_m,
                         .ldb = h,
                         .c = cuda_weight(l, l->c->args->grads, ASSAY_PROJECTION),
                         .ldc = h,
                         .accumulate = accumulate};
    if (p->proj) cuda_gemm(l->c->plan->q, l->c->plan->p.arithmetic, &g);
}

/* What the recurrent bias gets is what the product gets, if that is added inside the reset; else what the input gets.
 */
static void layer_gradients(const cuda_layer *l, int accumulate)
{
    const assay_dialect *d = &l->c->plan->p.dialect;
    float *b_ih = cuda_weight(l, l->c->args->grads, ASSAY_B_IH), *b_hh = cuda_weight(l, l->c->args->grads, ASSAY_B_HH);
    const int inside = d->cell == ASSAY_GRU && d->gru_reset == ASSAY_RESET_AFTER_INSIDE;
    columns part[2];
    const int parts = input_columns(l, part);
    for (int k = 0; k < parts; k++) {
        weight_gradient(l, part[k], l->input, l->inputs, l->inputs, cuda_weight(l, l->c->args->grads, ASSAY_W),
                        accumulate);
        if (b_ih) sum(l, part[k], NULL, 0, b_ih, accumulate);
        if (b_hh && !inside) sum(l, part[k], NULL, 0, b_hh, accumulate);
    }
    if (b_hh && inside) sum(l, (columns){0, 0, l->gates}, NULL, 0, b_hh, accumulate);
    recurrent_gradients(l, accumulate);
}

/* to (T*N, I) = da W, added to what the other direction gave. */
static void input_gradient(const cuda_layer *l, float *to)
{
    columns part[2];
    const int parts = input_columns(l, part);
    for (int k = 0; k < parts; k++) {
        const gemm_args g = {.m = l->rows,
                             .n = l->inputs,
                             .k = part[k].count,
                             .a = at_da(l, 0) + part[k].from,
                             .lda = l->pitch,
                             .b = cuda_weight(l, l->c->args->packed, ASSAY_W) + part[k].to * l->inputs,
                             .ldb = l->inputs,
                             .c = to,
                             .ldc = l->inputs,
                             .accumulate = k > 0 || l->direction > 0};
        cuda_gemm(l->c->plan->q, l->c->plan->p.arithmetic, &g);
    }
}

/* Each direction has a lane of its own, but for the steps where those of both take one launch. */
static void layer_back(const cuda_call *c, int layer, int accumulate, float *below)
{
    const cuda_plan *plan = c->plan;
    const int at_once = plan->layout.ranks > 0, ways = plan->p.directions;
    cuda_layer l[2];
    for (int k = 0; k < ways; k++) {
        l[k] = cuda_layer_of(c, layer, k);
        if (at_once) begin_back(&l[k]);
    }
    if (at_once) persistent_steps(l, ways);
    queue_fork(plan->q);
    for (int k = 0; k < ways; k++) {
        queue_lane(plan->q, k);
        if (!at_once) {
            begin_back(&l[k]);
            steps_back(&l[k]);
        }
        end_back(&l[k]);
        layer_gradients(&l[k], accumulate);
    }
    queue_lane(plan->q, 0);
    queue_join(plan->q);
    for (int k = 0; below && k < ways; k++)
        input_gradient(&l[k], below);
}

void cuda_backward(const cuda_call *c, const float *dy, int callers, int64_t pitch, const float *dlast, int accumulate,
                   float *d_input)
{
    const cuda_plan *plan = c->plan;
    const assay_problem *p = &plan->p;
    upstream_args up = {.callers = callers, .held = p->dialect.pad_output, .pitch = pitch, .dy = dy, .dlast = dlast};
    up.to = cuda_work_at(c, plan->scratch.d_part, 0);
    for (int layer = p->layers - 1; layer >= 0; layer--) {
        float *below = layer ? cuda_work_at(c, plan->scratch.d_in[layer % 2], 0) : d_input;
        up.merge = cuda_merge_of(c, layer);
        cuda_over(plan->q, KERNEL_upstream, (int64_t)p->t * p->n * p->directions * assay_state_width(p), &up);
        layer_back(c, layer, accumulate, below);
        up.dy = below;
        up.dlast = NULL;
        up.callers = 0;
        up.held = ASSAY_PAD_ZERO;
        up.pitch = assay_output_width(p);
    }
}
