/* network.c: what is not recurrent: linear layer, losses, embedding, optimizer.
 * SPDX-License-Identifier: MIT */
#include "impl/common/cuda/plan.h"

#include <math.h>

/* ---- in and out of the recurrent layers ---- */

void cuda_gather(const cuda_call *c)
{
    const cuda_plan *plan = c->plan;
    const assay_problem *p = &plan->p;
    const gather_args input = {
        .rows = cuda_rows(c),
        .width = p->i,
        .stride = p->x_stride ? p->x_stride : p->i,
        .x = c->args->x,
        .table = p->vocab ? cuda_parameter(c, c->args->packed, assay_param_head(p, ASSAY_EMBEDDING)) : NULL,
        .ids = p->vocab ? c->args->ids_dev : NULL,
        .to = cuda_kept_at(c, plan->kept.input, 0)};
    cuda_over(plan->q, KERNEL_gather, (int64_t)p->t * p->n * p->i, &input);
}

void cuda_emit(const cuda_call *c)
{
    const cuda_plan *plan = c->plan;
    const assay_problem *p = &plan->p;
    const int64_t wide = assay_output_width(p);
    const emit_args out = {.rows = cuda_rows(c),
                           .width = assay_state_width(p),
                           .wide = wide,
                           .stride = p->y_stride ? p->y_stride : wide,
                           .held = p->dialect.pad_output,
                           .from = cuda_kept_at(c, plan->kept.out[p->layers - 1], 0),
                           .to = c->args->y};
    if (out.to) cuda_over(plan->q, KERNEL_emit, (int64_t)p->t * p->n * wide, &out);
}

/* ---- linear layer ---- */

/* The rows that the linear layer reads. */
static float *head_rows(const cuda_call *c)
{
    const assay_problem *p = &c->plan->p;
    if (p->head == ASSAY_HEAD_LAST) return cuda_kept_at(c, c->plan->kept.last, 0);
    if (p->dialect.layout == ASSAY_BATCH_MAJOR) return cuda_kept_at(c, c->plan->kept.rows, 0);
    return cuda_kept_at(c, c->plan->kept.out[p->layers - 1], 0);
}

void cuda_head_forward(const cuda_call *c)
{
    const cuda_plan *plan = c->plan;
    const assay_problem *p = &plan->p;
    const int64_t wide = assay_output_width(p), rows = cuda_logits_rows(p), classes = p->classes;
    const float *y = cuda_kept_at(c, plan->kept.out[p->layers - 1], 0);
    float *logits = cuda_kept_at(c, plan->kept.logits, 0);
    const last_rows_args last = {.rows = cuda_rows(c), .width = wide, .y = y, .to = head_rows(c)};
    const spread_args spread = {.rows = cuda_rows(c), .width = wide, .stride = wide, .from = y, .to = head_rows(c)};
    const gemm_args g = {.m = rows,
                         .n = classes,
                         .k = wide,
                         .tb = 1,
                         .a = head_rows(c),
                         .lda = wide,
                         .b = cuda_parameter(c, c->args->packed, assay_param_head(p, ASSAY_DENSE_W)),
                         .ldb = wide,
                         .bias = cuda_parameter(c, c->args->packed, assay_param_head(p, ASSAY_DENSE_B)),
                         .c = logits,
                         .ldc = classes};
    const clear_padding_args pad = {.rows = cuda_rows(c), .width = classes, .x = logits};
    if (p->head == ASSAY_HEAD_LAST)
        cuda_over(plan->q, KERNEL_last_rows, rows * wide, &last);
    else if (p->dialect.layout == ASSAY_BATCH_MAJOR)
        cuda_over(plan->q, KERNEL_spread, rows * wide, &spread);
    plan->product(c, &g);
    if (p->head == ASSAY_HEAD_EVERY && c->args->lens_dev)
        cuda_over(plan->q, KERNEL_clear_padding, rows * classes, &pad);
    if (c->args->logits) queue_copy(plan->q, c->args->logits, logits, (uint64_t)(rows * classes) * sizeof(float));
}

void cuda_head_backward(const cuda_call *c, int accumulate, float *dy)
{
    const cuda_plan *plan = c->plan;
    const assay_problem *p = &plan->p;
    const int64_t wide = assay_output_width(p), rows = cuda_logits_rows(p), classes = p->classes;
    const float *dlogits = cuda_kept_at(c, plan->kept.dlogits, 0);
    const int w = assay_param_head(p, ASSAY_DENSE_W);
    const gemm_args of_weight = {.m = classes,
                                 .n = wide,
                                 .k = rows,
                                 .ta = 1,
                                 .a = dlogits,
                                 .lda = classes,
                                 .b = head_rows(c),
                                 .ldb = wide,
                                 .c = cuda_parameter(c, c->args->grads, w),
                                 .ldc = wide,
                                 .accumulate = accumulate};
    const column_sums_args of_bias = {.rows = rows,
                                      .columns = classes,
                                      .a = dlogits,
                                      .a_pitch = classes,
                                      .out = cuda_parameter(c, c->args->grads, assay_param_head(p, ASSAY_DENSE_B)),
                                      .accumulate = accumulate};
    const gemm_args of_rows = {.m = rows,
                               .n = wide,
                               .k = classes,
                               .a = dlogits,
                               .lda = classes,
                               .b = cuda_parameter(c, c->args->packed, w),
                               .ldb = wide,
                               .c = dy,
                               .ldc = wide};
    plan->product(c, &of_weight);
    if (of_bias.out) cuda_column_sums(plan->q, &of_bias);
    plan->product(c, &of_rows);
}

/* ---- losses ---- */

static void xent(const cuda_call *c, const float *logits, float *grad, int one, float *loss_rows, float *loss)
{
    const assay_problem *p = &c->plan->p;
    const assay_dialect *d = &p->dialect;
    queue *q = c->plan->q;
    const int others = d->xent_smoothing_to == ASSAY_SMOOTH_OTHERS;
    const double share = d->xent_smoothing, each = share > 0 ? share / (p->classes - others) : 0;
    const xent_args a = {.rows = cuda_rows(c),
                         .count = cuda_logits_rows(p),
                         .classes = p->classes,
                         .stride = assay_host_logits_stride(p),
                         .last = p->head == ASSAY_HEAD_LAST,
                         .ignores = d->xent_ignores,
                         .ignore_index = d->xent_ignore_index,
                         .reduction = d->xent_reduction,
                         .apart = d->xent_reduction == ASSAY_REDUCE_NONE,
                         .one = one,
                         .own = (float)(1 - share + (others ? 0 : each)),
                         .other = (float)each,
                         .x = logits,
                         .weights = c->args->class_weights,
                         .dloss = c->args->dloss,
                         .labels = c->args->labels_dev,
                         .scale = cuda_work_at(c, c->plan->scratch.scale, 0),
                         .loss_rows = loss_rows,
                         .grad = grad};
    const loss_sum_args s = {.count = a.count, .loss_rows = loss_rows, .scale = a.scale, .factor = 1, .loss = loss};
    const uint32_t threads = p->classes <= 256 ? 32 : 256;
    cuda_blocks(q, KERNEL_xent_scale, 1, a.count <= 1024 ? 32 : 256, 0, &a);
    cuda_blocks(q, KERNEL_xent_rows, a.count, threads, 0, &a);
    if (loss) cuda_blocks(q, KERNEL_loss_sum, 1, a.count <= 1024 ? 32 : 256, 0, &s);
}

uint64_t cuda_ctc_shared(const assay_problem *p)
{
    const uint64_t longest = (uint64_t)p->max_label;
    return (4 * (2 * longest + 1) + longest) * sizeof(float);
}

static void ctc(const cuda_call *c, const float *logits, float *grad, float *loss_rows, float *loss)
{
    const assay_problem *p = &c->plan->p;
    const assay_dialect *d = &p->dialect;
    const cuda_scratch *at = &c->plan->scratch;
    const int by_targets = d->ctc_reduction == ASSAY_REDUCE_MEAN_TARGETS;
    const ctc_args a = {.rows = cuda_rows(c),
                        .classes = p->classes,
                        .stride = assay_host_logits_stride(p),
                        .max_label = p->max_label,
                        .blank = d->ctc_blank,
                        .padded = d->ctc_labels == ASSAY_LABELS_PADDED,
                        .collapse = d->ctc_collapse,
                        .kept = d->ctc_repeats == ASSAY_REPEATS_KEPT,
                        .log_probs = d->ctc_input == ASSAY_CTC_LOG_PROBS,
                        .minus_softmax = d->ctc_gradient == ASSAY_CTC_MINUS_SOFTMAX,
                        .infeasible_zero = d->ctc_infeasible == ASSAY_INFEASIBLE_ZERO,
                        .by_targets = by_targets,
                        .weight = d->ctc_reduction >= ASSAY_REDUCE_MEAN && p->n ? 1.0F / (float)p->n : 1,
                        .x = logits,
                        .labels = c->args->labels_dev,
                        .label_lens = c->args->label_lens_dev,
                        .half = cuda_work_at(c, at->half, 0),
                        .frames = cuda_work_at(c, at->frames, 0),
                        .occupancy = cuda_work_at(c, at->occupancy, 0),
                        .chain = (int32_t *)cuda_work_at(c, at->chain, 0),
                        .loss_rows = loss_rows,
                        .grad = grad};
    const loss_sum_args s = {.count = p->n,
                             .loss_rows = loss_rows,
                             .label_lens = by_targets ? a.label_lens : NULL,
                             .factor = a.weight,
                             .loss = loss};
    cuda_blocks(c->plan->q, KERNEL_ctc, p->n, 64, (uint32_t)cuda_ctc_shared(p), &a);
    if (loss) cuda_blocks(c->plan->q, KERNEL_loss_sum, 1, p->n <= 1024 ? 32 : 256, 0, &s);
}

void cuda_loss(const cuda_call *c, const float *logits, float *grad, int one)
{
    const int kind = cuda_loss_of(&c->plan->p);
    float *rows = one && c->args->loss_rows ? c->args->loss_rows : cuda_work_at(c, c->plan->scratch.losses, 0);
    float *loss = one ? c->args->loss : NULL;
    if (kind == ASSAY_LOSS_XENT) xent(c, logits, grad, one, rows, loss);
    if (kind == ASSAY_LOSS_CTC) ctc(c, logits, grad, rows, loss);
}

void cuda_ctc_backward(const cuda_call *c)
{
    const assay_problem *p = &c->plan->p;
    const ctc_scale_args a = {.rows = cuda_rows(c),
                              .classes = p->classes,
                              .stride = assay_host_logits_stride(p),
                              .apart = p->dialect.ctc_reduction == ASSAY_REDUCE_NONE,
                              .kept = cuda_kept_at(c, c->plan->kept.dlogits, 0),
                              .dloss = c->args->dloss,
                              .dx = c->args->dx};
    if (a.dx) cuda_over(c->plan->q, KERNEL_ctc_scale, (int64_t)p->t * p->n * p->classes, &a);
}

/* ---- the input ---- */

static void embedding_backward(const cuda_call *c, const float *d_input, int accumulate)
{
    const assay_problem *p = &c->plan->p;
    queue *q = c->plan->q;
    const int64_t rows = (int64_t)p->t * p->n;
    const int table = assay_param_head(p, ASSAY_EMBEDDING);
    float *to = cuda_parameter(c, c->args->grads, table);
    int32_t *keys = (int32_t *)cuda_work_at(c, c->plan->scratch.keys, 0),
            *keys2 = (int32_t *)cuda_work_at(c, c->plan->scratch.keys2, 0);
    const sort_args sort = {.rows = cuda_rows(c),
                            .vocab = p->vocab,
                            .ids = c->args->ids_dev,
                            .keys = keys,
                            .values = keys + rows,
                            .keys2 = keys2,
                            .values2 = keys2 + rows};
    const segments_args add = {.count = rows,
                               .width = p->i,
                               .vocab = p->vocab,
                               .accumulate = accumulate,
                               .keys = keys,
                               .values = keys + rows,
                               .from = d_input,
                               .table = to};
    if (!accumulate) queue_zero(q, to, (uint64_t)c->plan->params.size[table] * sizeof(float));
    cuda_blocks(q, KERNEL_sort_ids, 1, rows <= 1024 ? 32 : 256, 0, &sort);
    cuda_blocks(q, KERNEL_add_segments, rows < 0x7fffffff ? rows : 0x7fffffff, 32, 0, &add);
}

void cuda_input_backward(const cuda_call *c, const float *d_input, int accumulate)
{
    const cuda_plan *plan = c->plan;
    const assay_problem *p = &plan->p;
    const spread_args out = {.rows = cuda_rows(c),
                             .width = p->i,
                             .stride = p->x_stride ? p->x_stride : p->i,
                             .from = d_input,
                             .to = c->args->dx};
    if (c->args->dx && !p->vocab) cuda_over(plan->q, KERNEL_spread, (int64_t)p->t * p->n * p->i, &out);
    if (p->vocab) embedding_backward(c, d_input, accumulate);
}

/* ---- optimizer ---- */

void cuda_update(const cuda_call *c)
{
    const cuda_plan *plan = c->plan;
    const assay_problem *p = &plan->p;
    float *w = c->args->packed;
    update_args a = {.n = plan->params.total,
                     .lr = (float)p->lr,
                     .beta1 = (float)p->beta1,
                     .beta2 = (float)p->beta2,
                     .rest1 = (float)(1 - p->beta1),
                     .rest2 = (float)(1 - p->beta2),
                     .epsilon = (float)p->epsilon,
                     .g = c->args->grads,
                     .w = w};
    if (p->optimizer == ASSAY_OPT_SGD) cuda_over_anew(plan->q, KERNEL_sgd, a.n, &a);
    if (p->optimizer != ASSAY_OPT_ADAM) return;
    a.m = w + plan->params.total;
    a.v = a.m + plan->params.total;
    a.correct1 = (float)(1 / (1 - pow(p->beta1, (double)c->args->step + 1)));
    a.correct2 = (float)(1 / (1 - pow(p->beta2, (double)c->args->step + 1)));
    cuda_over_anew(plan->q, KERNEL_adam, a.n, &a);
}
