/* onednn.c: recurrent layers by oneDNN's primitives: what frameworks on Intel's and other x86 processors use inside.
 * SPDX-License-Identifier: MIT
 *
 * fp32, all rows of length T, on as many threads of OpenMP as are given. The library allocates in each call, which it
 * declares. Losses, linear layer and optimizer are those of impl/common/host, on one thread, with oneDNN's product.
 *
 *   describe_v*.c   what 2.x and 3.x call differently   layer.c    primitives, layouts
 *   stack.c         layers, directions, memory          onednn.c   the plugin, networks; ONEDNN_NAME: onednn, onednn-v3
 */
#include "impl/common/host/host.h"
#include "impl/onednn/stack.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `assay check --impl onednn --check arithmetic --full --seed 0x5eed --json FILE`: tanh 1.21, sigmoid 4.55 ulp. */
#define ACTIVATION_ULP 5

struct assay_ctx {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    int threads;
};

struct assay_plan {
    assay_ctx *ctx;
    assay_problem p;
    onednn_stack stack;
    /* bytes from the start of reserve (kept), of the workspace */
    uint64_t embedded, last, logits, dlogits, trained, reserve;
    uint64_t dy, loss, infer, workspace;
};

static void close_ctx(assay_ctx *ctx)
{
    if (!ctx) return;
    dnnl_stream_destroy(ctx->stream);
    dnnl_engine_destroy(ctx->engine);
    free(ctx);
}

static assay_status open_ctx(const assay_open_args *args, assay_ctx **out)
{
    assay_ctx *ctx = calloc(1, sizeof *ctx);
    if (!ctx) return ASSAY_NO_MEMORY;
    ctx->threads = args->threads;
    if (dnnl_engine_create(&ctx->engine, dnnl_cpu, 0) != dnnl_success ||
        dnnl_stream_create(&ctx->stream, ctx->engine, dnnl_stream_default_flags) != dnnl_success) {
        close_ctx(ctx);
        return ASSAY_FAILED;
    }
    *out = ctx;
    return ASSAY_OK;
}

static int has_stack(const assay_problem *p)
{
    return p->op == ASSAY_OP_RNN || p->op == ASSAY_OP_NETWORK;
}

static assay_status supports(assay_ctx *ctx, const assay_problem *p, assay_arithmetic *declared, const char **why)
{
    (void)ctx;
    const struct {
        int asked;
        const char *why;
    } lacks[] = {
        {p->arithmetic != ASSAY_FP32, "computes in fp32 only"},
        {has_stack(p) && (p->t < 1 || p->n < 1), "at least one step and one sample: oneDNN makes no primitive without"},
    };
    for (size_t k = 0; k < sizeof lacks / sizeof *lacks; k++) {
        if (!lacks[k].asked) continue;
        *why = lacks[k].why;
        return ASSAY_UNSUPPORTED;
    }
    *declared = (assay_arithmetic){.operand = ASSAY_FP32,
                                   .accumulate = ASSAY_FP32,
                                   .store = ASSAY_FP32,
                                   .deterministic = 1,
                                   .activation_ulp = ACTIVATION_ULP};
    const assay_status st = assay_host_supports(p, why);
    return st == ASSAY_OK && has_stack(p) ? assay_host_supports_plain(p, why) : st;
}

static uint64_t head_rows(const assay_problem *p)
{
    return (p->head == ASSAY_HEAD_LAST ? 1 : (uint64_t)p->t) * p->n;
}

static uint64_t output_size(const assay_problem *p)
{
    return (uint64_t)p->t * p->n * p->directions * p->h;
}

static void describe(assay_plan *plan)
{
    const assay_problem *p = &plan->p;
    const uint64_t unit = sizeof(float), logits = head_rows(p) * assay_host_logits_stride(p) * unit;
    plan->reserve = plan->stack.kept;
    plan->workspace = plan->stack.scratch;
    if (p->op == ASSAY_OP_NETWORK) {
        const uint64_t last = p->head == ASSAY_HEAD_LAST ? (uint64_t)p->n * p->directions * p->h : 0;
        plan->embedded = assay_host_carve(&plan->reserve, p->vocab ? (uint64_t)p->t * p->n * p->i * unit : 0);
        plan->last = assay_host_carve(&plan->reserve, last * unit);
        plan->logits = assay_host_carve(&plan->reserve, logits);
        plan->dy = assay_host_carve(&plan->workspace, output_size(p) * unit);
    }
    if (p->op != ASSAY_OP_RNN) {
        plan->dlogits = assay_host_carve(&plan->reserve, logits);
        plan->loss = assay_host_carve(&plan->workspace, HOST(loss_scratch)(p, 1));
    }
    plan->infer = assay_host_carve(&plan->workspace, has_stack(p) ? plan->reserve : 0);
    plan->trained = assay_host_carve(&plan->reserve, plan->stack.trained);
}

static void plan_free(assay_plan *plan)
{
    if (plan) onednn_stack_close(&plan->stack);
    free(plan);
}

static assay_status plan_make(assay_ctx *ctx, const assay_problem *p, assay_plan **out, assay_sizes *sizes)
{
    assay_plan *plan = calloc(1, sizeof *plan);
    if (!plan) return ASSAY_NO_MEMORY;
    plan->ctx = ctx;
    plan->p = *p;
    omp_set_num_threads(ctx->threads);
    const assay_status st = has_stack(p) ? onednn_stack_open(p, ctx->engine, ctx->stream, &plan->stack) : ASSAY_OK;
    if (st != ASSAY_OK) {
        plan_free(plan);
        return st;
    }
    describe(plan);
    *sizes = (assay_sizes){.packed = plan->stack.packed,
                           .grads = plan->stack.grads,
                           .workspace = plan->workspace,
                           .reserve = plan->reserve};
    *out = plan;
    return ASSAY_OK;
}

/* r z n to z r n, and back: the same exchange. */
static void exchange_gates(int64_t third, float *x)
{
    for (int64_t k = 0; k < third; k++) {
        const float r = x[k];
        x[k] = x[third + k];
        x[third + k] = r;
    }
}

static int is_exchanged(const assay_plan *plan, int param)
{
    return plan->p.dialect.cell == ASSAY_GRU && param < assay_param_head(&plan->p, 0) && plan->stack.params.size[param];
}

static assay_status pack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    const assay_host_layout *l = &plan->stack.params;
    (void)stream;
    const assay_status st = assay_host_pack(l, args);
    if (st != ASSAY_OK) return st;
    omp_set_num_threads(plan->ctx->threads);
    for (int which = 0; which <= l->moments; which++)
        for (int i = 0; i < l->params; i++)
            if (is_exchanged(plan, i))
                exchange_gates(l->size[i] / 3, (float *)args->packed + which * l->total + l->offset[i]);
    return onednn_stack_load(&plan->stack, args->packed);
}

static assay_status unpack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    const assay_host_layout *l = &plan->stack.params;
    (void)stream;
    assay_host_unpack(l, args);
    void *const *const families[] = {args->dparam, args->param_1, args->m_1, args->v_1};
    for (int f = 0; f < 4; f++)
        for (int i = 0; i < l->params; i++)
            if (is_exchanged(plan, i) && families[f][i] && (f < 2 || l->moments))
                exchange_gates(l->size[i] / 3, families[f][i]);
    return ASSAY_OK;
}

static float *in(void *block, uint64_t offset)
{
    return (float *)((char *)block + offset);
}

static float *parameter(const assay_plan *plan, void *block, int which)
{
    const int i = assay_param_head(&plan->p, which);
    return plan->stack.params.size[i] ? (float *)block + plan->stack.params.offset[i] : NULL;
}

/* oneDNN's, with as many threads. What fails leaves NaN, for lack of another way to say so. */
static void product(int ta, int tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b,
                    int64_t ldb, int accumulate, float *c, int64_t ldc)
{
    if (m <= 0 || n <= 0) return;
    const dnnl_status_t st =
        dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', m, n, k, 1, a, lda, b, ldb, accumulate ? 1 : 0, c, ldc);
    for (int64_t r = 0; st != dnnl_success && r < m; r++)
        for (int64_t j = 0; j < n; j++)
            c[r * ldc + j] = NAN;
}

static onednn_stack_args stack_args(const assay_plan *plan, const assay_args *args, void *kept)
{
    return (onednn_stack_args){.packed = args->packed,
                               .grads = args->grads,
                               .kept = kept,
                               .trained = kept == args->reserve ? in(kept, plan->trained) : NULL,
                               .workspace = args->workspace,
                               .x = plan->p.vocab ? in(kept, plan->embedded) : args->x,
                               .h0 = args->h0,
                               .c0 = args->c0,
                               .dy = args->dy,
                               .dhn = args->dhn,
                               .dcn = args->dcn,
                               .hn = args->hn,
                               .cn = args->cn,
                               .dx = args->dx,
                               .dh0 = args->dh0,
                               .dc0 = args->dc0};
}

static HOST(linear) linear_of(const assay_plan *plan, const assay_args *args, void *kept)
{
    return (HOST(linear)){.p = &plan->p,
                          .lens = args->lens,
                          .y = onednn_stack_y(&plan->stack, kept),
                          .w = parameter(plan, args->packed, ASSAY_DENSE_W),
                          .b = parameter(plan, args->packed, ASSAY_DENSE_B),
                          .last = in(kept, plan->last),
                          .logits = in(kept, plan->logits),
                          .gemm = product};
}

static void embed(const assay_plan *plan, const assay_args *args, void *kept)
{
    const assay_problem *p = &plan->p;
    const float *table = parameter(plan, args->packed, ASSAY_EMBEDDING);
    float *to = in(kept, plan->embedded);
    for (int64_t row = 0; row < (int64_t)p->t * p->n; row++)
        memcpy(to + row * p->i, table + (int64_t)args->ids[row] * p->i, p->i * sizeof *to);
}

static assay_status forward(assay_plan *plan, assay_pass pass, const assay_args *args)
{
    const assay_problem *p = &plan->p;
    void *kept = pass == ASSAY_INFER ? in(args->workspace, plan->infer) : args->reserve;
    const onednn_stack_args a = stack_args(plan, args, kept);
    if (p->vocab) embed(plan, args, kept);
    const assay_status st = onednn_stack_forward(&plan->stack, pass, &a);
    if (st != ASSAY_OK) return st;
    if (args->y) memcpy(args->y, onednn_stack_y(&plan->stack, kept), output_size(p) * sizeof(float));
    if (p->op != ASSAY_OP_NETWORK) return ASSAY_OK;
    const HOST(linear) head = linear_of(plan, args, kept);
    HOST(linear_forward)(&head, NULL);
    if (args->logits) memcpy(args->logits, head.logits, head_rows(p) * p->classes * sizeof(float));
    return ASSAY_OK;
}

/* Back through the linear layer: the gradient of y. */
static float *head_backward(const assay_plan *plan, const assay_args *args)
{
    const assay_problem *p = &plan->p;
    const uint64_t step = (uint64_t)p->n * p->directions * p->h;
    float *dy = in(args->workspace, plan->dy);
    HOST(linear) head = linear_of(plan, args, args->reserve);
    head.dlogits = in(args->reserve, plan->dlogits);
    head.dw = parameter(plan, args->grads, ASSAY_DENSE_W);
    head.db = parameter(plan, args->grads, ASSAY_DENSE_B);
    head.dy = p->head == ASSAY_HEAD_LAST ? dy + (p->t - 1) * step : dy;
    if (p->head == ASSAY_HEAD_LAST) memset(dy, 0, (p->t - 1) * step * sizeof *dy);
    HOST(linear_backward)(&head, NULL);
    return dy;
}

static assay_status backward(assay_plan *plan, const assay_args *args, int accumulate)
{
    const assay_problem *p = &plan->p;
    const assay_host_layout *l = &plan->stack.params;
    onednn_stack_args a = stack_args(plan, args, args->reserve);
    if (!accumulate) memset(args->grads, 0, l->total * l->element);
    if (p->op == ASSAY_OP_NETWORK) a.dy = head_backward(plan, args);
    if (p->vocab) a.dx = in(args->workspace, plan->stack.between[0]);
    const assay_status st = onednn_stack_backward(&plan->stack, &a, accumulate);
    if (st == ASSAY_OK && p->vocab)
        HOST(embedding_backward)(p, args->ids, args->lens, a.dx, parameter(plan, args->grads, ASSAY_EMBEDDING), NULL);
    return st;
}

static assay_status update(assay_plan *plan, const assay_args *args)
{
    HOST(update_pass)(&plan->p, &plan->stack.params, args, NULL);
    return onednn_stack_load(&plan->stack, args->packed);
}

static int all_rows_full(const assay_problem *p, const int32_t *lens)
{
    for (int32_t n = 0; lens && n < p->n; n++)
        if (lens[n] != p->t) return 0;
    return 1;
}

static assay_status run(assay_plan *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    const int net = plan->p.op == ASSAY_OP_NETWORK, step = pass == ASSAY_STEP;
    void *scratch = in(args->workspace, plan->loss);
    float *dlogits = in(args->reserve, plan->dlogits);
    assay_status st = ASSAY_OK;
    (void)stream;
    if (!has_stack(&plan->p)) return HOST(loss_op)(&plan->p, pass, args, dlogits, scratch, NULL);
    if (!net && pass != ASSAY_INFER && pass != ASSAY_TRAIN && pass != ASSAY_BACKWARD) return ASSAY_BAD_ARGUMENT;
    if (!all_rows_full(&plan->p, args->lens)) return ASSAY_UNSUPPORTED;
    omp_set_num_threads(plan->ctx->threads);
    if (pass == ASSAY_INFER) return forward(plan, ASSAY_INFER, args);
    if (pass == ASSAY_TRAIN || step) st = forward(plan, ASSAY_TRAIN, args);
    if (st == ASSAY_OK && (pass == ASSAY_LOSS_PASS || step))
        HOST(loss_pass)(&plan->p, args, in(args->reserve, plan->logits), dlogits, scratch, NULL);
    if (st == ASSAY_OK && (pass == ASSAY_BACKWARD || step)) st = backward(plan, args, args->accumulate && !step);
    if (st == ASSAY_OK && (pass == ASSAY_UPDATE || step)) st = update(plan, args);
    return st;
}

static const void *extension(const char *id)
{
    static const assay_made_of made_of = {.loss_by = "impl/common/host", .update_by = "impl/common/host"};
    static const assay_waives waives = {.allocations = 1};
    if (strcmp(id, ASSAY_EXT_WAIVES) == 0) return &waives;
    if (strcmp(id, ASSAY_EXT_FULL_ROWS) == 0) return "rows of length T only: oneDNN's primitives know no lengths";
    return strcmp(id, ASSAY_EXT_MADE_OF) == 0 ? &made_of : NULL;
}

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    static char version[80]; /* asked of the library that was loaded */
    static const assay_impl self = {
        .struct_size = sizeof self,
        .abi_version = ASSAY_ABI_VERSION,
        .name = ONEDNN_NAME,
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
    const dnnl_version_t *library = dnnl_version();
    snprintf(version, sizeof version, "1, oneDNN %d.%d.%d %.12s", library->major, library->minor, library->patch,
             library->hash);
    return &self;
}
