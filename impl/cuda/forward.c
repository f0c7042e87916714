/* forward.c: the recurrent layers forward: W x of all steps in one product, then a product and a cell a step,
 * or all steps in one launch. SPDX-License-Identifier: MIT */
#include "impl/cuda/layer.h"

cuda_layer cuda_layer_of(const cuda_call *c, int layer, int direction)
{
    const cuda_plan *plan = c->plan;
    const assay_problem *p = &plan->p;
    const int64_t q = layer * p->directions + direction, rows = (int64_t)p->t * p->n,
                  states = (p->t + (int64_t)1) * p->n;
    const int64_t h = p->h, state = assay_state_width(p);
    return (cuda_layer){.c = c,
                        .lane = &plan->scratch.lane[direction],
                        .layer = layer,
                        .direction = direction,
                        .param = assay_param_rnn(p, layer, direction, 0),
                        .q = q,
                        .inputs = assay_layer_input(p, layer),
                        .h = h,
                        .state = state,
                        .wide = p->directions * state,
                        .rows = rows,
                        .pitch = plan->width * h,
                        .gates = assay_gates(p->dialect.cell) * h,
                        .input = layer ? cuda_kept_at(c, plan->kept.out[layer - 1], 0)
                                       : cuda_kept_at(c, plan->kept.input, 0),
                        .at_gates = cuda_kept_at(c, plan->kept.gates, q * rows * plan->width * h),
                        .at_h = cuda_kept_at(c, plan->kept.h, q * states * state),
                        .at_c = cuda_kept_at(c, plan->kept.c, q * states * h),
                        .at_m = cuda_kept_at(c, plan->kept.m, q * rows * h)};
}

cell_args cuda_cell_of(const cuda_layer *l, int64_t t)
{
    const assay_problem *p = &l->c->plan->p;
    const assay_dialect *d = &p->dialect;
    const int64_t n = p->n;
    return (cell_args){.lens = l->c->args->lens_dev,
                       .step = (int32_t)t,
                       .n = p->n,
                       .h = p->h,
                       .state = (int32_t)l->state,
                       .gate = d->gate_activation,
                       .coupled = d->coupled,
                       .clip_passes = d->clip_gradient == ASSAY_CLIP_PASSES,
                       .projected = p->proj > 0,
                       .relu = d->cell == ASSAY_RNN_RELU,
                       .before = cuda_is_gru_before(d),
                       .updates = d->gru_mix == ASSAY_MIX_UPDATES,
                       .forget_bias = (float)d->forget_bias,
                       .clip = (float)d->cell_clip,
                       .gates = l->at_gates + t * n * l->pitch,
                       .product = cuda_work_at(l->c, l->lane->product, 0),
                       .peephole = cuda_weight(l, l->c->args->packed, ASSAY_PEEPHOLE),
                       .h_before = l->at_h + cuda_slot_before(l, t) * n * l->state,
                       .h_after = l->at_h + cuda_slot_after(l, t) * n * l->state,
                       .c_before = l->at_c + cuda_slot_before(l, t) * n * l->h,
                       .c_after = l->at_c + cuda_slot_after(l, t) * n * l->h,
                       .m = l->at_m + t * n * l->h,
                       .y_pitch = l->wide};
}

const int32_t *cuda_states_lost(const cuda_call *c, int *all)
{
    const assay_problem *p = &c->plan->p;
    const int zero = p->dialect.empty_state == ASSAY_EMPTY_ZERO;
    *all = zero && p->t == 0;
    return zero ? c->args->lens_dev : NULL;
}

merge_args cuda_merge_of(const cuda_call *c, int layer)
{
    const assay_problem *p = &c->plan->p;
    const int64_t wide = assay_output_width(p), rows = (int64_t)p->t * p->n;
    const int masked = p->dialect.dropout > 0 && layer < p->layers - 1;
    return (merge_args){.rows = cuda_rows(c),
                        .width = assay_state_width(p),
                        .wide = wide,
                        .parts = p->directions,
                        .how = p->dialect.merge,
                        .part = cuda_kept_at(c, c->plan->kept.part[layer], 0),
                        .mask = masked ? (const float *)c->args->mask + layer * rows * wide : NULL,
                        .factor = (float)(1 / (1 - p->dialect.dropout)),
                        .y = cuda_kept_at(c, c->plan->kept.out[layer], 0)};
}

/* product = h R^T, for all gates or, where the reset acts before, for r and z. */
static void recurrent_product(const cuda_layer *l, const cell_args *cell)
{
    const int64_t rows = cell->before ? 2 * l->h : l->gates;
    const gemm_args g = {.m = cell->n,
                         .n = rows,
                         .k = l->state,
                         .tb = 1,
                         .a = cell->h_before,
                         .lda = l->state,
                         .b = cuda_weight(l, l->c->args->packed, ASSAY_R),
                         .ldb = l->state,
                         .c = (float *)cell->product,
                         .ldc = rows};
    cuda_gemm(l->c->plan->q, l->c->plan->p.arithmetic, &g);
}

static void lstm_step(const cuda_layer *l, cell_args *cell)
{
    queue *q = l->c->plan->q;
    cuda_over(q, KERNEL_lstm_forward, cell->n * l->h, cell);
    if (!cell->projected) return;
    float *second = cuda_work_at(l->c, l->lane->second, 0);
    const gemm_args g = {.m = cell->n,
                         .n = l->state,
                         .k = l->h,
                         .tb = 1,
                         .a = cell->m,
                         .lda = l->h,
                         .b = cuda_weight(l, l->c->args->packed, ASSAY_PROJECTION),
                         .ldb = l->h,
                         .c = second,
                         .ldc = l->state};
    cuda_gemm(q, l->c->plan->p.arithmetic, &g);
    cell->product = second;
    cuda_over(q, KERNEL_settle, cell->n * l->state, cell);
}

static void gru_step(const cuda_layer *l, cell_args *cell)
{
    queue *q = l->c->plan->q;
    if (cell->before) {
        float *second = cuda_work_at(l->c, l->lane->second, 0);
        cuda_over(q, KERNEL_gru_gates, cell->n * l->h, cell);
        const gemm_args g = {.m = cell->n,
                             .n = l->h,
                             .k = l->h,
                             .tb = 1,
                             .a = cell->gates + 3 * l->h,
                             .lda = l->pitch,
                             .b = cuda_weight(l, l->c->args->packed, ASSAY_R) + 2 * l->h * l->h,
                             .ldb = l->h,
                             .c = second,
                             .ldc = l->h};
        cuda_gemm(q, l->c->plan->p.arithmetic, &g);
        cell->product = second;
    }
    cuda_over(q, KERNEL_gru_forward, cell->n * l->h, cell);
}

static void begin_state(const cuda_layer *l, const void *given, int64_t width, float *slots)
{
    const int64_t n = l->c->plan->p.n, bytes = n * width * (int64_t)sizeof(float);
    float *to = slots + cuda_slot_first(l) * n * width;
    if (given)
        queue_copy(l->c->plan->q, to, (const float *)given + l->q * n * width, (uint64_t)bytes);
    else
        queue_zero(l->c->plan->q, to, (uint64_t)bytes);
}

static void end_state(const cuda_layer *l, void *wanted, int64_t width, const float *slots)
{
    const int64_t n = l->c->plan->p.n;
    int all;
    const int32_t *lost = cuda_states_lost(l->c, &all);
    const states_args s = {.n = n,
                           .width = width,
                           .lens = lost,
                           .from = all ? NULL : slots + cuda_slot_last(l) * n * width,
                           .to = wanted ? (float *)wanted + l->q * n * width : NULL};
    if (wanted) cuda_over(l->c->plan->q, KERNEL_states, n * width, &s);
}

/* W x + b of all steps, and the states before the first. */
static void begin_layer(const cuda_layer *l)
{
    const cuda_plan *plan = l->c->plan;
    const assay_args *args = l->c->args;
    const assay_dialect *d = &plan->p.dialect;
    const int inside = d->cell == ASSAY_GRU && d->gru_reset == ASSAY_RESET_AFTER_INSIDE;
    const float *b_hh = cuda_weight(l, args->packed, ASSAY_B_HH);
    const gemm_args g = {.m = l->rows,
                         .n = l->gates,
                         .k = l->inputs,
                         .tb = 1,
                         .a = l->input,
                         .lda = l->inputs,
                         .b = cuda_weight(l, args->packed, ASSAY_W),
                         .ldb = l->inputs,
                         .bias = cuda_weight(l, args->packed, ASSAY_B_IH),
                         .bias2 = b_hh,
                         .bias2_n = inside ? 2 * l->h : l->gates,
                         .c = l->at_gates,
                         .ldc = l->pitch};
    cuda_gemm(plan->q, plan->p.arithmetic, &g);
    begin_state(l, args->h0, l->state, l->at_h);
    if (d->cell == ASSAY_LSTM) begin_state(l, args->c0, l->h, l->at_c);
}

/* Step t, with all that the way forward writes. */
static cell_args forward_cell(const cuda_layer *l, int64_t t)
{
    const cuda_plan *plan = l->c->plan;
    const assay_dialect *d = &plan->p.dialect;
    const int inside = d->cell == ASSAY_GRU && d->gru_reset == ASSAY_RESET_AFTER_INSIDE;
    const float *b_hh = cuda_weight(l, l->c->args->packed, ASSAY_B_HH);
    cell_args cell = cuda_cell_of(l, t);
    cell.y = cuda_kept_at(l->c, plan->kept.part[l->layer], t * plan->p.n * l->wide + l->direction * l->state);
    cell.bn = inside && b_hh ? b_hh + 2 * l->h : NULL;
    return cell;
}

static void steps(const cuda_layer *l)
{
    const cuda_plan *plan = l->c->plan;
    const assay_problem *p = &plan->p;
    const assay_dialect *d = &p->dialect;
    for (int64_t i = 0; i < p->t; i++) {
        cell_args cell = forward_cell(l, cuda_step_of(l, i));
        recurrent_product(l, &cell);
        if (d->cell == ASSAY_LSTM) lstm_step(l, &cell);
        if (d->cell == ASSAY_GRU) gru_step(l, &cell);
        if (d->cell == ASSAY_RNN_TANH || d->cell == ASSAY_RNN_RELU)
            cuda_over(plan->q, KERNEL_plain_forward, cell.n * l->h, &cell);
    }
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
        a.way[k] = (persistent_way){.cell = forward_cell(&l[k], 0),
                                    .r = cuda_weight(&l[k], l->c->args->packed, ASSAY_R),
                                    .reverse = l[k].direction};
    cuda_persistent_send(plan->q, &plan->layout, &plan->layout.forward, ways, &a);
}

static void end_layer(const cuda_layer *l)
{
    const assay_args *args = l->c->args;
    end_state(l, args->hn, l->state, l->at_h);
    if (l->c->plan->p.dialect.cell == ASSAY_LSTM) end_state(l, args->cn, l->h, l->at_c);
}

/* Each direction has a lane of its own, but for the steps where those of both take one launch. */
static void layer_forward(const cuda_call *c, int layer)
{
    const cuda_plan *plan = c->plan;
    const int at_once = plan->layout.ranks > 0, ways = plan->p.directions;
    cuda_layer l[2];
    queue_fork(plan->q);
    for (int k = 0; k < ways; k++) {
        l[k] = cuda_layer_of(c, layer, k);
        queue_lane(plan->q, k);
        begin_layer(&l[k]);
        if (at_once) continue;
        steps(&l[k]);
        end_layer(&l[k]);
    }
    queue_lane(plan->q, 0);
    queue_join(plan->q);
    if (at_once) persistent_steps(l, ways);
    for (int k = 0; at_once && k < ways; k++)
        end_layer(&l[k]);
}

const int32_t *cuda_order(const cuda_call *c)
{
    const cuda_plan *plan = c->plan;
    const order_args o = {
        .n = plan->p.n, .lens = c->args->lens_dev, .order = (int32_t *)cuda_work_at(c, plan->scratch.order, 0)};
    if (!o.lens || o.n == 0) return NULL;
    cuda_over(plan->q, KERNEL_order_rows, o.n, &o);
    return o.order;
}

void cuda_forward(const cuda_call *c)
{
    const cuda_plan *plan = c->plan;
    const assay_problem *p = &plan->p;
    const int64_t rows = (int64_t)p->t * p->n, wide = assay_output_width(p);
    cuda_gather(c);
    for (int layer = 0; layer < p->layers; layer++) {
        layer_forward(c, layer);
        const merge_args m = cuda_merge_of(c, layer);
        if (plan->between) cuda_over(plan->q, KERNEL_merge, rows * wide, &m);
    }
    cuda_emit(c);
}
