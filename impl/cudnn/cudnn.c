/* cudnn.c: recurrent layers and CTC by cuDNN 9, and networks around them by cuBLAS and the kernels of impl/cuda: the
 * plugins cudnn (the best that cuDNN has) and cudnn-pytorch (what PyTorch would take of it).
 * SPDX-License-Identifier: MIT
 *
 * Not yet run on a GPU: what stands here was compiled against the headers of cuDNN and cuBLAS, and tried on stand-ins
 * for them (conformance/tests/fake), which prove the way around them and nothing about either. The activation error and
 * the determinism that it declares are guesses until a GPU has measured them.
 *
 *   ways.c     algorithms and math types      stack.c   passes          ctc.c     CTC
 *   weights.c  pack and unpack                cudnn.c   the plugin; CUDNN_NAME, CUDNN_AS_PYTORCH
 *   network.c  all around the recurrent layers
 */
#include "impl/cudnn/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACTIVATION_ULP 2

/* cuDNN 9 is the first with the calls that are used here. */
_Static_assert(CUDNN_MAJOR >= 9, "cuDNN 9 or later");

char *cudnn_reason(void)
{
    static char text[CUDNN_REASON];
    return text;
}

assay_status cudnn_judge_cuda(cudaError_t error, const char *call)
{
    if (error == cudaSuccess) return ASSAY_OK;
    snprintf(cudnn_reason(), CUDNN_REASON, "%s: %s", call, cudaGetErrorName(error));
    return error == cudaErrorMemoryAllocation ? ASSAY_NO_MEMORY : ASSAY_FAILED;
}

assay_status cudnn_judge(cudnnStatus_t status, const char *call)
{
    if (status == CUDNN_STATUS_SUCCESS) return ASSAY_OK;
    snprintf(cudnn_reason(), CUDNN_REASON, "%s: %s", call, cudnnGetErrorString(status));
    return status == CUDNN_STATUS_ALLOC_FAILED ? ASSAY_NO_MEMORY : ASSAY_FAILED;
}

assay_status cudnn_judge_blas(cublasStatus_t status, const char *call)
{
    if (status == CUBLAS_STATUS_SUCCESS) return ASSAY_OK;
    snprintf(cudnn_reason(), CUDNN_REASON, "%s: %s", call, cublasGetStatusName(status));
    return status == CUBLAS_STATUS_ALLOC_FAILED ? ASSAY_NO_MEMORY : ASSAY_FAILED;
}

assay_status cudnn_judge_kernels(assay_status status)
{
    if (status != ASSAY_OK) snprintf(cudnn_reason(), CUDNN_REASON, "a kernel of impl/cuda: %s", queue_reason());
    return status;
}

static void close_ctx(assay_ctx *ctx)
{
    if (!ctx) return;
    queue_close(ctx->q);
    if (ctx->blas) cublasDestroy(ctx->blas);
    if (ctx->no_dropout) cudnnDestroyDropoutDescriptor(ctx->no_dropout);
    if (ctx->handle) cudnnDestroy(ctx->handle);
    free(ctx);
}

static assay_status open_ctx(const assay_open_args *args, assay_ctx **out)
{
    assay_ctx *ctx = calloc(1, sizeof *ctx);
    if (!ctx) return ASSAY_NO_MEMORY;
    ctx->device = args->device;
    assay_status st = CUDA_TRY(cudaSetDevice, args->device);
    /* Loads the library behind the library now: the certificate's hash covers what is mapped after open(). */
    if (st == ASSAY_OK) st = CUDNN_TRY(cudnnAdvVersionCheck);
    if (st == ASSAY_OK) st = CUDNN_TRY(cudnnCreate, &ctx->handle);
    if (st == ASSAY_OK) st = CUDNN_TRY(cudnnCreateDropoutDescriptor, &ctx->no_dropout);
    if (st == ASSAY_OK) st = CUDNN_TRY(cudnnSetDropoutDescriptor, ctx->no_dropout, ctx->handle, 0, NULL, 0, 0);
    if (st == ASSAY_OK) st = CUBLAS_TRY(cublasCreate, &ctx->blas);
    if (st == ASSAY_OK) st = queue_open(args->device, &ctx->q);
    if (st == ASSAY_OK) {
        *out = ctx;
        return ASSAY_OK;
    }
    close_ctx(ctx);
    /* A driver that is there but too old for this build's CUDA or cuDNN is a device that is not. */
    return st == ASSAY_NO_MEMORY ? st : ASSAY_NO_DEVICE;
}

typedef struct lack {
    int asked;
    const char *why;
} lack;

static assay_status stack_supports(const assay_problem *p, const char **why)
{
    const assay_dialect *d = &p->dialect;
    const int gru = d->cell == ASSAY_GRU, inside = d->gru_reset == ASSAY_RESET_AFTER_INSIDE;
    /* Without a recurrent bias the two are one function. */
    const int outside = d->gru_reset == ASSAY_RESET_AFTER_OUTSIDE &&
                        (d->biases == ASSAY_BIAS_NONE || d->biases == ASSAY_BIAS_ONE_INPUT);
    const lack lacks[] = {
        {p->arithmetic == ASSAY_BF16, "no bf16 for recurrent layers"},
        {p->t < 1 || p->n < 1, "at least one step and one sample"},
        {gru && !inside && !outside, "a GRU resets after the product, its recurrent bias inside"},
        {d->gru_mix != ASSAY_MIX_KEEPS, "the update gate keeps the old state"},
        {d->gate_activation != ASSAY_GATE_SIGMOID, "no hard gates"},
        {d->peephole, "no peepholes"},
        {d->coupled, "no coupled gates"},
        {d->forget_bias != 0, "no forget bias at run time"},
        {d->merge != ASSAY_MERGE_CONCAT, "directions are concatenated, never merged"},
        {d->pad_output != ASSAY_PAD_ZERO, "output past the length is zero"},
        {d->empty_state != ASSAY_EMPTY_INITIAL, "empty rows end in their initial state"},
        {d->dropout != 0, "dropout with masks of its own only, which nobody can compare"},
        {d->bptt_steps != 0, "backward runs all steps"},
        {d->cell_clip != 0 && d->clip_gradient != ASSAY_CLIP_CUTS, "a clipped cell's derivative is 0 beyond the bound"},
#ifdef CUDNN_AS_PYTORCH
        {p->arithmetic == ASSAY_FP16, "PyTorch takes half only with tensors of half"},
        {d->biases != ASSAY_BIAS_NONE && d->biases != ASSAY_BIAS_TWO, "PyTorch has two biases or none"},
        {d->cell_clip != 0, "PyTorch clips no cells"},
#endif
    };
    for (size_t k = 0; k < sizeof lacks / sizeof *lacks; k++) {
        if (!lacks[k].asked) continue;
        *why = lacks[k].why;
        return ASSAY_UNSUPPORTED;
    }
    return ASSAY_OK;
}

/* The operand as asked for: TF32 and half are up to cuDNN, and where it rounds is its own affair. */
static assay_arithmetic declare(int asked)
{
    const int narrow = asked == ASSAY_TF32 || asked == ASSAY_FP16;
    const int wide = narrow ? ASSAY_FP32 : asked;
    return (assay_arithmetic){.operand = asked,
                              .accumulate = wide,
                              .store = wide,
                              .deterministic = 1,
                              .activation_ulp = ACTIVATION_ULP,
                              .opaque = narrow};
}

static assay_status supports(assay_ctx *ctx, const assay_problem *p, assay_arithmetic *declared, const char **why)
{
    const int has_stack = p->op == ASSAY_OP_RNN || p->op == ASSAY_OP_NETWORK;
    assay_status st = p->op == ASSAY_OP_CTC ? cudnn_ctc_supports(p, why) : ASSAY_OK;
    if (has_stack) st = stack_supports(p, why);
    if (st == ASSAY_OK && (p->op == ASSAY_OP_NETWORK || p->op == ASSAY_OP_XENT))
        st = cudnn_network_supports(ctx, p, why);
    *declared = declare(p->arithmetic);
    return st;
}

static void plan_free(assay_plan *plan)
{
    if (!plan) return;
    if (plan->p.op == ASSAY_OP_CTC) cudnn_ctc_free(plan);
    if (plan->p.op == ASSAY_OP_RNN) cudnn_stack_free(plan);
    cudnn_network_free(plan);
    free(plan);
}

static assay_status plan_make(assay_ctx *ctx, const assay_problem *p, assay_plan **out, assay_sizes *sizes)
{
    assay_plan *plan = calloc(1, sizeof *plan);
    if (!plan) return ASSAY_NO_MEMORY;
    plan->ctx = ctx;
    plan->p = *p;
    plan->type = p->arithmetic == ASSAY_FP64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT;
    plan->element = p->arithmetic == ASSAY_FP64 ? sizeof(double) : sizeof(float);
    assay_status st;
    if (p->op == ASSAY_OP_CTC)
        st = cudnn_ctc_make(plan, sizes);
    else
        st = p->op == ASSAY_OP_RNN ? cudnn_stack_make(plan, sizes) : cudnn_network_make(plan, p, sizes);
    if (st != ASSAY_OK) {
        plan_free(plan);
        return st;
    }
    *out = plan;
    return ASSAY_OK;
}

static assay_status pack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    if (plan->network) return cudnn_network_pack(plan, args, stream);
    return cudnn_weights_in(plan, args->param, 1, cudnn_aligned(args->packed), stream);
}

static assay_status unpack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    if (plan->network) return cudnn_network_unpack(plan, args, stream);
    assay_status st = ASSAY_OK;
    if (args->packed) st = cudnn_weights_out(plan, cudnn_aligned(args->packed), args->param_1, stream);
    if (args->grads && st == ASSAY_OK) st = cudnn_weights_out(plan, cudnn_aligned(args->grads), args->dparam, stream);
    return st;
}

static assay_status run(assay_plan *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    if (plan->network) return cudnn_network_run(plan, pass, args, stream);
    return plan->p.op == ASSAY_OP_CTC ? cudnn_ctc_run(plan, pass, args, stream)
                                      : cudnn_stack_run(plan, pass, args, stream);
}

static const char *last(void)
{
    return cudnn_reason();
}

static const char *notes(const assay_plan *plan)
{
    return plan->notes;
}

static const void *extension(const char *id)
{
    static const assay_made_of made_of = {.loss_by = "impl/cuda, CTC alone cudnn", .update_by = "impl/cuda"};
    static const assay_waives waives = {.allocations = 1};
    static const assay_explains explains = {.last = last, .notes = notes};
    if (strcmp(id, ASSAY_EXT_EXPLAINS) == 0) return &explains;
    if (strcmp(id, ASSAY_EXT_WAIVES) == 0) return &waives;
    return strcmp(id, ASSAY_EXT_MADE_OF) == 0 ? &made_of : NULL;
}

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    static char version[112]; /* asked of the libraries that were loaded */
    static const assay_impl self = {
        .struct_size = sizeof self,
        .abi_version = ASSAY_ABI_VERSION,
        .name = CUDNN_NAME,
        .version = version,
        .place = ASSAY_CUDA,
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
    const size_t library = cudnnGetVersion();
    int runtime = 0, blas[3] = {0};
    if (cudaRuntimeGetVersion(&runtime) != cudaSuccess) runtime = 0;
    for (int k = 0; k < 3; k++)
        cublasGetProperty((libraryPropertyType)(MAJOR_VERSION + k), &blas[k]);
    snprintf(version, sizeof version, "2, cuDNN %zu.%zu.%zu, cuBLAS %d.%d.%d, CUDA %d.%d", library / 10000,
             library % 10000 / 100, library % 100, blas[0], blas[1], blas[2], runtime / 1000, runtime % 1000 / 10);
    return &self;
}
