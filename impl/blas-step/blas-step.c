/* blas-step.c: recurrent layers as frameworks without a fused kernel compute them on a CPU: a product for each step.
 * SPDX-License-Identifier: MIT
 *
 * fp32. A step is one product of [x h] with [W R], of a GRU two, and one pass over its gates. Its way back is one
 * product for the gradients of x and h, and one that adds to the gradient of [W R]; of a GRU two of each. No product
 * runs over several steps, nothing is packed. Threads are those of OpenBLAS, in products alone; it allocates in a
 * product on several threads, which is declared. The cell is that of impl/common/stack; losses, linear layer and
 * optimizer are those of impl/common/host, all on one thread.
 *
 * A row holds what a step of a sample starts from, [x h c], and the c and h that it makes go into the row of the next
 * step: forward, step t starts from row t, in the reverse direction from row t + 1. Samples are sorted by falling
 * length, so that those inside a step are the first ones. */
#include "impl/blas-step/step.h"
#include "impl/common/host/host.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct assay_ctx {
    int threads;
};

static void close_ctx(assay_ctx *ctx)
{
    free(ctx);
}

static assay_status open_ctx(const assay_open_args *args, assay_ctx **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return ASSAY_NO_MEMORY;
    (*out)->threads = args->threads;
    openblas_set_num_threads(args->threads); /* starts them: here, not in some later run() */
    return ASSAY_OK;
}

static int has_stack(const assay_problem *p)
{
    return p->op == ASSAY_OP_RNN || p->op == ASSAY_OP_NETWORK;
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
                                   .activation_ulp = HOST_ACTIVATION_ULP};
    const assay_status st = assay_host_supports(p, why);
    return st == ASSAY_OK && has_stack(p) ? assay_host_supports_plain(p, why) : st;
}

/* ---- parameters ---- */

/* In impl/common/host's layout R follows W: [W R] takes the place of both. */
static void make_layout(const assay_problem *p, assay_host_layout *l)
{
    assay_host_layout_make(p, l);
    for (int q = 0; q < p->layers * p->directions; q++) {
        const int w = ASSAY_RNN_PARAMS * q + ASSAY_W;
        l->size[w] += l->size[w + 1];
        l->size[w + 1] = 0;
    }
}

/* A tensor into its place in a block, or out of it. Where a GRU resets after the product, W's rows are turned to n r z:
 * then those that meet x lie together, n r z, and those that meet h, r z u. 1: the problem has this parameter. */
static int move(const assay_plan *plan, float *block, int i, float *tensor, int out)
{
    const assay_problem *p = &plan->p;
    const int which = i < assay_param_head(p, 0) ? i % ASSAY_RNN_PARAMS : ASSAY_RNN_PARAMS;
    const int64_t size = plan->params.size[i];
    float *at = block + plan->params.offset[i];
    if (which != ASSAY_W && which != ASSAY_R) {
        if (size && tensor) memcpy(out ? tensor : at, out ? at : tensor, size * sizeof *at);
        return size > 0;
    }
    const int64_t rows = (int64_t)assay_gates(p->dialect.cell) * p->h,
                  inputs = assay_layer_input(p, i / (ASSAY_RNN_PARAMS * p->directions)),
                  columns = which == ASSAY_W ? inputs : p->h,
                  turn = which == ASSAY_W && step_resets(p, ASSAY_RESET_AFTER_INSIDE) ? p->h : 0;
    if (which == ASSAY_R) at = block + plan->params.offset[i - 1] + inputs;
    for (int64_t j = 0; tensor && j < rows; j++) {
        float *inside = at + (j + turn) % rows * (inputs + p->h), *outside = tensor + j * columns;
        memcpy(out ? outside : inside, out ? inside : outside, columns * sizeof *at);
    }
    return 1;
}

static assay_status pack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    const assay_host_layout *l = &plan->params;
    const void *const *const from[] = {args->param, args->m, args->v};
    (void)stream;
    memset(args->packed, 0, l->total * (1 + l->moments) * l->element); /* moments that are not given are zero */
    for (int family = 0; family <= l->moments; family++)
        for (int i = 0; i < l->params; i++)
            if (move(plan, (float *)args->packed + family * l->total, i, (float *)from[family][i], 0) && family == 0 &&
                !from[0][i])
                return ASSAY_BAD_ARGUMENT;
    return ASSAY_OK;
}

static assay_status unpack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    const assay_host_layout *l = &plan->params;
    void *const *const to[] = {args->param_1, args->m_1, args->v_1, args->dparam};
    (void)stream;
    for (int family = 0; family < 4; family++) {
        float *block = family < 3 ? args->packed : args->grads;
        if (!block || (family < 3 && family > l->moments)) continue;
        for (int i = 0; i < l->params; i++)
            move(plan, family < 3 ? block + family * l->total : block, i, to[family][i], 1);
    }
    return ASSAY_OK;
}

/* ---- plan ---- */

static uint64_t carve(uint64_t *at, uint64_t elements)
{
    return assay_host_carve(at, elements * sizeof(float));
}

static uint64_t logits_size(const assay_problem *p)
{
    return (p->head == ASSAY_HEAD_LAST ? 1 : (uint64_t)p->t) * p->n * assay_host_logits_stride(p);
}

/* Layers that share a room, of INFER, are two apart: only the first may be wider or narrower than the others. */
static void make_room(const assay_plan *plan, int keep, step_room *r, uint64_t *end)
{
    const assay_problem *p = &plan->p;
    const uint64_t n = p->n, wide = assay_output_width(p), gates = (keep ? p->t : 1) * n * plan->width;
    const int net = p->op == ASSAY_OP_NETWORK;
    for (int q = 0; has_stack(p) && q < p->layers * p->directions; q++) {
        const int layer = q / p->directions, same = q - 2 * p->directions, shares = !keep && layer + 2 < p->layers;
        const int64_t own = step_pitch(p, layer), other = shares ? step_pitch(p, layer + 2) : 0;
        const int has_own = keep || same < 0;
        r->rows[q] = has_own ? carve(end, (p->t + 1) * n * (own > other ? own : other)) : r->rows[same];
        r->gates[q] = has_own ? carve(end, gates) : r->gates[same];
    }
    r->y = carve(end, net ? p->t * n * wide : 0);
    r->last = carve(end, net && p->head == ASSAY_HEAD_LAST ? n * wide : 0);
    r->logits = carve(end, net ? logits_size(p) : 0);
    r->dlogits = carve(end, net || p->op == ASSAY_OP_CTC ? logits_size(p) : 0);
}

static void describe(assay_plan *plan)
{
    const assay_problem *p = &plan->p;
    const uint64_t n = p->n, wide = assay_output_width(p), rows = p->t * n;
    uint64_t *end = &plan->workspace;
    make_room(plan, 1, &plan->kept, &plan->reserve);
    plan->loss = assay_host_carve(end, HOST(loss_scratch)(p, 1));
    if (!has_stack(p)) return;
    const int64_t first = step_pitch(p, 0), other = step_pitch(p, p->layers - 1), pitch = first > other ? first : other;
    make_room(plan, 0, &plan->infer, end);
    plan->bias = carve(end, 2 * plan->width);
    plan->da = carve(end, n * plan->width);
    plan->e = carve(end, n * pitch);
    plan->d = carve(end, n * pitch);
    plan->d_e = carve(end, n * pitch);
    for (int k = 0; k < 2; k++)
        plan->below[k] = carve(end, p->layers > 1 ? rows * wide : 0);
    plan->dx = carve(end, p->vocab ? rows * p->i : 0);
    plan->dy = carve(end, p->op == ASSAY_OP_NETWORK ? (p->head == ASSAY_HEAD_LAST ? n : rows) * wide : 0);
}

static assay_status plan_make(assay_ctx *ctx, const assay_problem *p, assay_plan **out, assay_sizes *sizes)
{
    assay_plan *plan = calloc(1, sizeof *plan + ((size_t)p->n + p->t) * sizeof *plan->sample);
    if (!plan) return ASSAY_NO_MEMORY;
    plan->p = *p;
    plan->threads = ctx->threads;
    plan->active = plan->sample + p->n;
    plan->width = (int64_t)p->h * (step_resets(p, ASSAY_RESET_AFTER_INSIDE) ? 4 : assay_gates(p->dialect.cell));
    make_layout(p, &plan->params);
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

/* ---- passes ---- */

static float *head_parameter(const assay_plan *plan, void *block, int which)
{
    const int i = assay_param_head(&plan->p, which);
    return plan->params.size[i] ? (float *)block + plan->params.offset[i] : NULL;
}

/* Samples by falling length, and how many are inside each step. */
static void sort(assay_plan *plan, const int32_t *lens)
{
    const assay_problem *p = &plan->p;
    int32_t count = 0;
    for (int32_t t = p->t; t >= 0; t--) {
        if (t < p->t) plan->active[t] = count;
        for (int32_t n = 0; n < p->n; n++)
            if ((lens ? lens[n] : p->t) == t) plan->sample[count++] = n;
    }
}

static HOST(linear) linear_of(const assay_plan *plan, const assay_args *args, int keep)
{
    const step_room *r = keep ? &plan->kept : &plan->infer;
    void *kept = keep ? args->reserve : args->workspace;
    return (HOST(linear)){.p = &plan->p,
                          .lens = args->lens,
                          .y = step_in(kept, r->y),
                          .w = head_parameter(plan, args->packed, ASSAY_DENSE_W),
                          .b = head_parameter(plan, args->packed, ASSAY_DENSE_B),
                          .last = step_in(kept, r->last),
                          .logits = step_in(kept, r->logits),
                          .gemm = step_product};
}

static void forward(assay_plan *plan, const assay_args *args, int keep)
{
    const assay_problem *p = &plan->p;
    const uint64_t output = (uint64_t)p->t * p->n * assay_output_width(p) * sizeof(float);
    const HOST(linear) head = linear_of(plan, args, keep);
    sort(plan, args->lens);
    if (args->y && args->lens) memset(args->y, 0, output); /* what is past the length stays so */
    if (p->op == ASSAY_OP_NETWORK && args->lens) memset((float *)head.y, 0, output);
    for (int q = 0; q < p->layers * p->directions; q++)
        step_forward(plan, args, keep, q / p->directions, q % p->directions);
    if (p->op != ASSAY_OP_NETWORK) return;
    HOST(linear_forward)(&head, NULL);
    if (args->logits) memcpy(args->logits, head.logits, logits_size(p) * sizeof(float));
}

static void backward(assay_plan *plan, const assay_args *args, int accumulate)
{
    const assay_problem *p = &plan->p;
    const int net = p->op == ASSAY_OP_NETWORK;
    step_upstream up = {.dy = args->dy};
    float *dx = p->vocab ? step_in(args->workspace, plan->dx) : args->dx;
    sort(plan, args->lens);
    if (!accumulate) memset(args->grads, 0, plan->params.total * plan->params.element);
    if (net) {
        HOST(linear) head = linear_of(plan, args, 1);
        head.dlogits = step_in(args->reserve, plan->kept.dlogits);
        head.dw = head_parameter(plan, args->grads, ASSAY_DENSE_W);
        head.db = head_parameter(plan, args->grads, ASSAY_DENSE_B);
        head.dy = step_in(args->workspace, plan->dy);
        HOST(linear_backward)(&head, NULL);
        up.dy = p->head == ASSAY_HEAD_EVERY ? head.dy : NULL;
        up.last = p->head == ASSAY_HEAD_LAST ? head.dy : NULL;
    }
    for (int l = p->layers - 1; l >= 0; l--) {
        float *below = l > 0 ? step_in(args->workspace, plan->below[l % 2]) : dx;
        if (below) memset(below, 0, (uint64_t)p->t * p->n * assay_layer_input(p, l) * sizeof *below);
        for (int d = 0; d < p->directions; d++)
            step_backward(plan, args, l, d, &up, below);
        up = (step_upstream){.dy = below};
    }
    if (net && p->vocab) HOST(embedding_backward)
    (p, args->ids, args->lens, dx, head_parameter(plan, args->grads, ASSAY_EMBEDDING), NULL);
}

static assay_status run(assay_plan *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    const assay_problem *p = &plan->p;
    const int step = pass == ASSAY_STEP;
    void *scratch = step_in(args->workspace, plan->loss);
    float *dlogits = step_in(args->reserve, plan->kept.dlogits);
    (void)stream;
    if (!has_stack(p)) return HOST(loss_op)(p, pass, args, dlogits, scratch, NULL);
    if (p->op == ASSAY_OP_RNN && pass != ASSAY_INFER && pass != ASSAY_TRAIN && pass != ASSAY_BACKWARD)
        return ASSAY_BAD_ARGUMENT;
    /* The number is the process's: contexts with others of their own, at the same time, would share the last one. */
    if (openblas_get_num_threads() != plan->threads) openblas_set_num_threads(plan->threads);
    if (pass == ASSAY_INFER) forward(plan, args, 0);
    if (pass == ASSAY_TRAIN || step) forward(plan, args, 1);
    if (pass == ASSAY_LOSS_PASS || step)
        HOST(loss_pass)(p, args, step_in(args->reserve, plan->kept.logits), dlogits, scratch, NULL);
    if (pass == ASSAY_BACKWARD || step) backward(plan, args, args->accumulate && !step);
    if (pass == ASSAY_UPDATE || step) HOST(update_pass)(p, &plan->params, args, NULL);
    return ASSAY_OK;
}

static const void *extension(const char *id)
{
    static const assay_made_of made_of = {.loss_by = "impl/common/host", .update_by = "impl/common/host"};
    static const assay_waives waives = {.allocations = 1};
    if (strcmp(id, ASSAY_EXT_WAIVES) == 0) return &waives;
    return strcmp(id, ASSAY_EXT_MADE_OF) == 0 ? &made_of : NULL;
}

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    static char version[160]; /* asked of the library that was loaded */
    static const assay_impl self = {
        .struct_size = sizeof self,
        .abi_version = ASSAY_ABI_VERSION,
        .name = "blas-step",
        .version = version,
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
    snprintf(version, sizeof version, "1, %s", openblas_get_config());
    return &self;
}
