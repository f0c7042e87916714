/* plugin.c: the plugin around the kernels of this folder: `cuda-emu` on fibers, and what shall become `cuda` on a
 * device. SPDX-License-Identifier: MIT
 *
 * Strict fp32; or products with operands rounded to tf32, bf16 or fp16, and all else in fp32. W x, dW, dR and dx of all
 * steps are single products. All steps of a layer take one launch where persistent.c has a layout for it, else each a
 * product and a fused cell. Samples past their length keep their state. No atomics: results repeat bitwise. Not yet run
 * on a GPU.
 *
 *   *.cu        kernels                         device.hpp  all that CUDA and the emulator spell differently
 *   forward.c backward.c                        the order of launches, written once for both
 *   impl/common/cuda                            the same of what is not recurrent; launch.h: where launches go
 *   emulator/                                   fibers instead of a device */
#include "impl/common/untimed.h"
#include "impl/cuda/layer.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define KEY   offsetof(assay_args, param) /* what decides what a call sends: all that comes before what pack() reads */
#define SMALL 64                          /* bytes of shared memory that a kernel has beside what its launch asks for */

struct assay_ctx {
    queue *q;
};

struct assay_plan {
    cuda_plan cuda;
    graph *sent[ASSAY_STEP + 1]; /* by pass: its last call */
};

static void close_ctx(assay_ctx *ctx)
{
    if (ctx) queue_close(ctx->q);
    free(ctx);
}

static assay_status open_ctx(const assay_open_args *args, assay_ctx **out)
{
    assay_ctx *ctx = calloc(1, sizeof *ctx);
    const assay_status st = ctx ? queue_open(args->device, &ctx->q) : ASSAY_NO_MEMORY;
    if (st == ASSAY_OK) {
        *out = ctx;
        return st;
    }
    free(ctx);
    return st;
}

static assay_status supports(assay_ctx *ctx, const assay_problem *p, assay_arithmetic *declared, const char **why)
{
    *declared = (assay_arithmetic){.operand = p->arithmetic,
                                   .accumulate = ASSAY_FP32,
                                   .store = ASSAY_FP32,
                                   .deterministic = 1,
                                   .activation_ulp = 2};
    declared->truncates = p->arithmetic > ASSAY_FP32;
    if (p->arithmetic == ASSAY_FP64) {
        *why = "computes in fp32, and with operands in tf32, bf16 or fp16";
        return ASSAY_UNSUPPORTED;
    }
    if (cuda_loss_of(p) == ASSAY_LOSS_CTC && cuda_ctc_shared(p) + SMALL > queue_shared(ctx->q)) {
        *why = "label strings whose states fit into this device's shared memory: 36 bytes a label";
        return ASSAY_UNSUPPORTED;
    }
    assay_problem wide = *p;
    wide.arithmetic = ASSAY_FP32; /* what is asked below doesn't depend on it */
    return assay_host_supports(&wide, why);
}

static void product(const cuda_call *c, const gemm_args *args)
{
    cuda_gemm(c->plan->q, c->plan->p.arithmetic, args);
}

static void plan_free(assay_plan *plan)
{
    for (int pass = 0; plan && pass <= ASSAY_STEP; pass++)
        queue_graph_free(plan->sent[pass]);
    free(plan);
}

static assay_status plan_make(assay_ctx *ctx, const assay_problem *p, assay_plan **out, assay_sizes *sizes)
{
    assay_plan *plan = calloc(1, sizeof *plan);
    if (!plan) return ASSAY_NO_MEMORY;
    plan->cuda.q = ctx->q;
    plan->cuda.p = *p;
    plan->cuda.product = product;
    assay_host_layout_make(p, &plan->cuda.params);
    cuda_plan_describe(&plan->cuda);
    for (int pass = 0; pass <= ASSAY_STEP; pass++) {
        plan->sent[pass] = queue_graph_make(KEY);
        if (!plan->sent[pass]) {
            plan_free(plan);
            return ASSAY_NO_MEMORY;
        }
    }
    const uint64_t block = (uint64_t)(plan->cuda.params.total * plan->cuda.params.element);
    *sizes = (assay_sizes){.packed = block * (1 + (uint64_t)plan->cuda.params.moments),
                           .grads = block,
                           .workspace = plan->cuda.scratch.end,
                           .reserve = plan->cuda.kept.end};
    *out = plan;
    return ASSAY_OK;
}

static char *piece(const assay_plan *plan, void *block, int which, int param)
{
    return (char *)block +
           (which * plan->cuda.params.total + plan->cuda.params.offset[param]) * plan->cuda.params.element;
}

static assay_status pack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    const assay_host_layout *l = &plan->cuda.params;
    const void *const *from[3] = {args->param, args->m, args->v};
    queue_begin(plan->cuda.q, stream);
    for (int which = 0; which <= l->moments; which++)
        for (int i = 0; i < l->params; i++) {
            const uint64_t bytes = (uint64_t)(l->size[i] * l->element);
            if (bytes == 0) continue;
            if (which == 0 && !from[0][i]) return ASSAY_BAD_ARGUMENT;
            if (from[which][i])
                queue_copy(plan->cuda.q, piece(plan, args->packed, which, i), from[which][i], bytes);
            else
                queue_zero(plan->cuda.q, piece(plan, args->packed, which, i), bytes);
        }
    return queue_end(plan->cuda.q);
}

static assay_status unpack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    const assay_host_layout *l = &plan->cuda.params;
    void *const *to[4] = {args->param_1, args->m_1, args->v_1, args->dparam};
    queue_begin(plan->cuda.q, stream);
    for (int which = 0; which < 4; which++) {
        void *block = which == 3 ? args->grads : args->packed;
        if (!block || (which < 3 && which > l->moments)) continue;
        for (int i = 0; i < l->params; i++)
            if (l->size[i] && to[which][i])
                queue_copy(plan->cuda.q, to[which][i], piece(plan, block, which == 3 ? 0 : which, i),
                           (uint64_t)(l->size[i] * l->element));
    }
    return queue_end(plan->cuda.q);
}

static void forward(cuda_call *c, void *kept)
{
    c->kept = kept;
    cuda_forward(c);
    if (c->plan->p.op == ASSAY_OP_NETWORK) cuda_head_forward(c);
}

static void network_backward(const cuda_call *c, int accumulate)
{
    const cuda_plan *plan = c->plan;
    const assay_problem *p = &plan->p;
    const int64_t wide = assay_output_width(p);
    float *d_input = p->vocab || c->args->dx ? cuda_work_at(c, plan->scratch.d_in[0], 0) : NULL;
    if (p->op == ASSAY_OP_NETWORK) {
        float *dy = cuda_work_at(c, plan->scratch.dy, 0);
        const int last = p->head == ASSAY_HEAD_LAST;
        cuda_head_backward(c, accumulate, dy);
        cuda_backward(c, last ? NULL : dy, 1, wide, last ? dy : NULL, accumulate, d_input);
    } else {
        cuda_backward(c, c->args->dy, 1, p->y_stride ? p->y_stride : wide, NULL, accumulate, d_input);
    }
    cuda_input_backward(c, d_input, accumulate);
}

/* Ops xent and ctc. */
static void run_loss(cuda_call *c, assay_pass pass)
{
    const assay_args *args = c->args;
    const int is_ctc = c->plan->p.op == ASSAY_OP_CTC;
    if (pass == ASSAY_INFER) cuda_loss(c, args->x, NULL, 1);
    if (pass == ASSAY_TRAIN) cuda_loss(c, args->x, is_ctc ? cuda_kept_at(c, c->plan->kept.dlogits, 0) : NULL, 1);
    if (pass == ASSAY_BACKWARD && is_ctc) cuda_ctc_backward(c);
    if (pass == ASSAY_BACKWARD && !is_ctc && args->dx) cuda_loss(c, args->x, args->dx, 0);
}

static void run_stack(cuda_call *c, assay_pass pass)
{
    const cuda_plan *plan = c->plan;
    const int step = pass == ASSAY_STEP;
    if (pass == ASSAY_INFER) forward(c, c->work + plan->scratch.infer);
    if (pass == ASSAY_TRAIN || step) forward(c, c->args->reserve);
    if (pass == ASSAY_LOSS_PASS || step)
        cuda_loss(c, cuda_kept_at(c, plan->kept.logits, 0), cuda_kept_at(c, plan->kept.dlogits, 0), 1);
    if (pass == ASSAY_BACKWARD || step) network_backward(c, c->args->accumulate && !step);
    if (pass == ASSAY_UPDATE || step) cuda_update(c);
}

static int has_pass(const assay_problem *p, assay_pass pass)
{
    if (p->op == ASSAY_OP_NETWORK) return (unsigned)pass <= ASSAY_STEP;
    return pass == ASSAY_INFER || pass == ASSAY_TRAIN || pass == ASSAY_BACKWARD;
}

static assay_status run(assay_plan *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    cuda_call c = {.plan = &plan->cuda, .args = args, .kept = args->reserve, .work = args->workspace};
    assay_args key = *args;
    key.step = 0; /* the one thing that a call which is sent again has anew */
    if (!has_pass(&plan->cuda.p, pass)) return ASSAY_BAD_ARGUMENT;
    queue_begin(plan->cuda.q, stream);
    if (queue_record(plan->cuda.q, plan->sent[pass], &key)) {
        if (pass == ASSAY_UPDATE || pass == ASSAY_STEP) cuda_update(&c);
    } else if (cuda_has_stack(&plan->cuda.p)) {
        run_stack(&c, pass);
    } else {
        run_loss(&c, pass);
    }
    return queue_end(plan->cuda.q);
}

static const void *extension(const char *id)
{
    static const assay_made_of made_of = {.loss_by = "own", .update_by = "own"};
    static const assay_waives waives = {.allocations = 1};
    static const assay_explains explains = {.last = queue_reason};
    if (strcmp(id, ASSAY_EXT_UNTIMED) == 0) return queue_untimed();
    if (strcmp(id, ASSAY_EXT_EXPLAINS) == 0) return &explains;
    if (strcmp(id, ASSAY_EXT_WAIVES) == 0) return queue_allocates() ? &waives : NULL;
    return strcmp(id, ASSAY_EXT_MADE_OF) == 0 ? &made_of : NULL;
}

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    static assay_impl self = {
        .struct_size = sizeof self,
        .abi_version = ASSAY_ABI_VERSION,
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
    self.name = queue_plugin_name();
    self.version = queue_version();
    self.place = queue_place();
    return &self;
}
