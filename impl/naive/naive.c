/* naive.c: the recurrent cell in a loop, as a textbook writes it: what the field calls "LSTMCell, python loop".
 * SPDX-License-Identifier: MIT
 *
 * One thread, fp32, plain C. Each step of each layer and direction multiplies the samples that are inside it with W and
 * R, applies the gates and keeps them; backward goes the same way back and adds to the weight gradients step by step,
 * in blocks of 40 steps. Nothing is merged over time and nothing is packed: parameters lie as they came, side by side.
 * Losses, linear layer and optimizer are those of impl/common/host, on one thread.
 *
 *   product.c  three loops                    cell.c  LSTM, GRU, plain: one step
 *   stack.c    layers, directions, steps      merge.c between layers: directions merged, dropout, held output
 *   naive.c    the plugin */
#include "impl/common/host/host.h"
#include "impl/naive/product.h"
#include "impl/naive/stack.h"

#include <stdlib.h>
#include <string.h>

struct assay_ctx {
    int nothing;
};

struct assay_plan {
    assay_problem p;
    assay_host_layout params;
    naive_stack stack;
    /* bytes from the start of reserve, of the workspace */
    uint64_t last, logits, dlogits, reserve;
    uint64_t dy, dx, loss, infer, workspace;
    int32_t active[];
};

static assay_status open_ctx(const assay_open_args *args, assay_ctx **out)
{
    (void)args;
    *out = calloc(1, sizeof **out);
    return *out ? ASSAY_OK : ASSAY_NO_MEMORY;
}

static void close_ctx(assay_ctx *ctx)
{
    free(ctx);
}

static assay_status supports(assay_ctx *ctx, const assay_problem *p, assay_arithmetic *declared, const char **why)
{
    (void)ctx;
    if (p->arithmetic != ASSAY_FP32) {
        *why = "computes in fp32 only";
        return ASSAY_UNSUPPORTED;
    }
    *declared = (assay_arithmetic){.operand = ASSAY_FP32,
                                   .accumulate = ASSAY_FP32,
                                   .store = ASSAY_FP32,
                                   .deterministic = 1,
                                   .activation_ulp = 2.5}; /* the C library's tanhf, and sigmoid from its expf */
    return assay_host_supports(p, why);
}

static int has_stack(const assay_problem *p)
{
    return p->op == ASSAY_OP_RNN || p->op == ASSAY_OP_NETWORK;
}

static uint64_t logits_size(const assay_problem *p)
{
    return (p->head == ASSAY_HEAD_LAST ? 1 : (uint64_t)p->t) * p->n * assay_host_logits_stride(p);
}

/* Lays out reserve and workspace. INFER keeps nothing: what TRAIN keeps goes into the workspace there. */
static void describe(assay_plan *plan)
{
    const assay_problem *p = &plan->p;
    const uint64_t unit = sizeof(float), wide = assay_output_width(p), logits = logits_size(p) * unit;
    const int net = p->op == ASSAY_OP_NETWORK;
    if (has_stack(p)) {
        naive_stack_make(p, &plan->params, &plan->stack);
        plan->stack.active = plan->active;
        plan->reserve = plan->stack.kept;
        plan->workspace = plan->stack.scratch;
    }
    if (net) {
        const uint64_t rows = (p->head == ASSAY_HEAD_LAST ? 1 : (uint64_t)p->t) * p->n;
        plan->last = assay_host_carve(&plan->reserve, p->head == ASSAY_HEAD_LAST ? p->n * wide * unit : 0);
        plan->logits = assay_host_carve(&plan->reserve, logits);
        plan->dy = assay_host_carve(&plan->workspace, rows * wide * unit);
        plan->dx = assay_host_carve(&plan->workspace, p->vocab ? (uint64_t)p->t * p->n * p->i * unit : 0);
    }
    if (net || p->op == ASSAY_OP_CTC) plan->dlogits = assay_host_carve(&plan->reserve, logits);
    plan->loss = assay_host_carve(&plan->workspace, HOST(loss_scratch)(p, 1));
    plan->infer = assay_host_carve(&plan->workspace, has_stack(p) ? plan->reserve : 0);
}

static assay_status plan_make(assay_ctx *ctx, const assay_problem *p, assay_plan **out, assay_sizes *sizes)
{
    (void)ctx;
    assay_plan *plan = calloc(1, sizeof *plan + p->n * sizeof *plan->active);
    if (!plan) return ASSAY_NO_MEMORY;
    plan->p = *p;
    assay_host_layout_make(&plan->p, &plan->params);
    describe(plan);
    const uint64_t block = plan->params.total * plan->params.element;
    *sizes = (assay_sizes){.packed = block * (1 + plan->params.moments),
                           .grads = block,
                           .workspace = plan->workspace,
                           .reserve = plan->reserve};
    *out = plan;
    return ASSAY_OK;
}

static void plan_free(assay_plan *plan)
{
    free(plan);
}

static assay_status pack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    (void)stream;
    return assay_host_pack(&plan->params, args);
}

static assay_status unpack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    (void)stream;
    assay_host_unpack(&plan->params, args);
    return ASSAY_OK;
}

static float *in(void *block, uint64_t offset)
{
    return (float *)((char *)block + offset);
}

static float *parameter(const assay_plan *plan, void *block, int which)
{
    const int i = assay_param_head(&plan->p, which);
    return plan->params.size[i] ? (float *)block + plan->params.offset[i] : NULL;
}

static HOST(linear) linear_of(const assay_plan *plan, const assay_args *args, char *kept)
{
    const assay_problem *p = &plan->p;
    const int64_t y = (int64_t)p->t * p->n * assay_output_width(p);
    return (HOST(linear)){.p = p,
                          .lens = args->lens,
                          .y = in(kept, plan->stack.y) + (p->layers - 1) * y,
                          .w = parameter(plan, args->packed, ASSAY_DENSE_W),
                          .b = parameter(plan, args->packed, ASSAY_DENSE_B),
                          .last = in(kept, plan->last),
                          .logits = in(kept, plan->logits),
                          .gemm = naive_product};
}

static void forward(const assay_plan *plan, const assay_args *args, char *kept)
{
    naive_stack_forward(&plan->stack, args, kept, args->workspace);
    if (plan->p.op != ASSAY_OP_NETWORK) return;
    const HOST(linear) head = linear_of(plan, args, kept);
    HOST(linear_forward)(&head, NULL);
    if (args->logits) memcpy(args->logits, head.logits, logits_size(&plan->p) * sizeof(float));
}

static void backward(const assay_plan *plan, const assay_args *args, int accumulate)
{
    const assay_problem *p = &plan->p;
    naive_upstream up = {.dy = args->dy, .pitch = p->y_stride ? p->y_stride : assay_output_width(p)};
    float *dx = p->vocab ? in(args->workspace, plan->dx) : args->dx;
    if (!accumulate) memset(args->grads, 0, plan->params.total * plan->params.element);
    if (p->op == ASSAY_OP_NETWORK) {
        HOST(linear) head = linear_of(plan, args, args->reserve);
        head.dlogits = in(args->reserve, plan->dlogits);
        head.dw = parameter(plan, args->grads, ASSAY_DENSE_W);
        head.db = parameter(plan, args->grads, ASSAY_DENSE_B);
        head.dy = in(args->workspace, plan->dy);
        HOST(linear_backward)(&head, NULL);
        up = (naive_upstream){.dy = p->head == ASSAY_HEAD_EVERY ? head.dy : NULL,
                              .pitch = assay_output_width(p),
                              .last = p->head == ASSAY_HEAD_LAST ? head.dy : NULL};
    }
    naive_stack_backward(&plan->stack, args, args->reserve, args->workspace, &up, dx);
    if (p->op == ASSAY_OP_NETWORK && p->vocab)
        HOST(embedding_backward)(p, args->ids, args->lens, dx, parameter(plan, args->grads, ASSAY_EMBEDDING), NULL);
}

static assay_status run(assay_plan *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    const int net = plan->p.op == ASSAY_OP_NETWORK, step = pass == ASSAY_STEP;
    void *scratch = in(args->workspace, plan->loss);
    float *dlogits = in(args->reserve, plan->dlogits);
    (void)stream;
    if (!has_stack(&plan->p)) return HOST(loss_op)(&plan->p, pass, args, dlogits, scratch, NULL);
    if (!net && pass != ASSAY_INFER && pass != ASSAY_TRAIN && pass != ASSAY_BACKWARD) return ASSAY_BAD_ARGUMENT;
    if (pass == ASSAY_INFER) forward(plan, args, (char *)args->workspace + plan->infer);
    if (pass == ASSAY_TRAIN || step) forward(plan, args, args->reserve);
    if (pass == ASSAY_LOSS_PASS || step)
        HOST(loss_pass)(&plan->p, args, in(args->reserve, plan->logits), dlogits, scratch, NULL);
    if (pass == ASSAY_BACKWARD || step) backward(plan, args, args->accumulate && !step);
    if (pass == ASSAY_UPDATE || step) HOST(update_pass)(&plan->p, &plan->params, args, NULL);
    return ASSAY_OK;
}

static const void *extension(const char *id)
{
    static const assay_made_of made_of = {.loss_by = "impl/common/host", .update_by = "impl/common/host"};
    return strcmp(id, ASSAY_EXT_MADE_OF) == 0 ? &made_of : NULL;
}

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    static const assay_impl self = {
        .struct_size = sizeof self,
        .abi_version = ASSAY_ABI_VERSION,
        .name = "naive",
        .version = "1",
        .place = ASSAY_HOST,
        .open = open_ctx,
        .close = close_ctx,
        .supports = supports,
        .plan = plan_make,
        .plan_free = plan_free,
        .pack = pack,
        .run = run,
        .unpack = unpack,
        .extension = extension,
    };
    return &self;
}
