/* network.c: networks: recurrent layers by cuDNN, the linear layer by cuBLAS, embedding, losses and optimizer by the
 * kernels of impl/cuda; and cross-entropy alone, by these.
 * SPDX-License-Identifier: MIT
 *
 * All parameters of a network are one block: cuDNN's weight space, then embedding and linear layer. So one launch
 * updates them all, and what cuDNN has beyond the problem is kept at zero. The recurrent layers work time-major on rows
 * without gaps: what comes otherwise is gathered by a kernel. Not yet run on a GPU. */
#include "impl/common/cuda/plan.h"
#include "impl/cudnn/parts.h"

#include <limits.h>
#include <stdlib.h>

enum { SMALL = 64 }; /* bytes of shared memory that a kernel has beside what its launch asks for */

struct cudnn_network {
    cuda_plan cuda;                  /* of the whole network; kept.out: the output of the last recurrent layer */
    float *ones;                     /* on the device, one a row of logits: a bias is added as a product with them */
    uint64_t d_rows, d_input;        /* (T,N,Y), (T,N,I) in the workspace: gradients of the recurrent layers' ends */
    uint64_t stack_kept, stack_work; /* where the blocks of the recurrent layers begin, in reserve and workspace */
    assay_status st;                 /* of the products of this call */
};

assay_problem cudnn_network_stack(const assay_problem *p)
{
    assay_problem s = *p;
    s.op = ASSAY_OP_RNN;
    s.dialect.layout = ASSAY_TIME_MAJOR;
    s.x_stride = s.y_stride = s.vocab = s.classes = 0;
    s.head = ASSAY_HEAD_NONE;
    s.loss = ASSAY_LOSS_NONE;
    s.optimizer = ASSAY_OPT_NONE;
    return s;
}

assay_status cudnn_network_supports(const assay_ctx *ctx, const assay_problem *p, const char **why)
{
    const int is_network = p->op == ASSAY_OP_NETWORK;
    const int is_ctc = is_network && p->loss == ASSAY_LOSS_CTC;
    *why = NULL;
    if (is_network && p->arithmetic == ASSAY_FP64) *why = "networks in fp32, and with operands in tf32 or fp16";
    if (!is_network && p->arithmetic != ASSAY_FP32) *why = "cross-entropy in fp32 only";
    if ((int64_t)p->t * p->n > INT_MAX) *why = "rows that cuBLAS can count in an int";
    if (is_ctc && cuda_ctc_shared(p) + SMALL > queue_shared(ctx->q))
        *why = "label strings whose states fit into this device's shared memory: 36 bytes a label";
    return *why ? ASSAY_UNSUPPORTED : ASSAY_OK;
}

/* ---- products by cuBLAS ---- */

static void multiply(struct cudnn_network *net, cublasHandle_t blas, cublasComputeType_t by, const gemm_args *g,
                     float beta)
{
    const float one = 1;
    if (net->st != ASSAY_OK || g->m <= 0 || g->n <= 0) return;
    /* Rows here are columns there, so the factors change places and nothing is turned. */
    net->st = CUBLAS_TRY(cublasGemmEx, blas, g->tb ? CUBLAS_OP_T : CUBLAS_OP_N, g->ta ? CUBLAS_OP_T : CUBLAS_OP_N,
                         (int)g->n, (int)g->m, (int)g->k, &one, g->b, CUDA_R_32F, (int)g->ldb, g->a, CUDA_R_32F,
                         (int)g->lda, &beta, g->c, CUDA_R_32F, (int)g->ldc, by, CUBLAS_GEMM_DEFAULT);
}

static void product(const cuda_call *c, const gemm_args *g)
{
    const assay_plan *plan = c->plan->user;
    const int arithmetic = c->plan->p.arithmetic;
    const cublasComputeType_t by = arithmetic == ASSAY_TF32   ? CUBLAS_COMPUTE_32F_FAST_TF32
                                   : arithmetic == ASSAY_FP16 ? CUBLAS_COMPUTE_32F_FAST_16F
                                                              : CUBLAS_COMPUTE_32F_PEDANTIC;
    const gemm_args bias = {.m = g->m,
                            .n = g->n,
                            .k = 1,
                            .a = plan->network->ones,
                            .lda = 1,
                            .b = g->bias,
                            .ldb = g->n,
                            .c = g->c,
                            .ldc = g->ldc};
    if (g->bias) multiply(plan->network, plan->ctx->blas, CUBLAS_COMPUTE_32F_PEDANTIC, &bias, (float)g->accumulate);
    multiply(plan->network, plan->ctx->blas, by, g, g->bias ? 1 : (float)g->accumulate);
}

/* ---- plan ---- */

/* cuDNN's weight space, then what only networks have, as impl/common/host would place it. */
static void place_parameters(struct cudnn_network *net, uint64_t weights)
{
    const assay_problem *p = &net->cuda.p;
    assay_host_layout *l = &net->cuda.params;
    const int first = assay_param_head(p, 0);
    assay_host_layout_make(p, l);
    const int64_t space = (int64_t)((weights + CUDNN_ALIGN - 1) / CUDNN_ALIGN * CUDNN_ALIGN / sizeof(float));
    const int64_t moved = space - l->offset[first];
    for (int i = first; i < l->params; i++)
        l->offset[i] += moved;
    l->total += moved;
}

static assay_status make_ones(struct cudnn_network *net)
{
    const int64_t rows = cuda_logits_rows(&net->cuda.p);
    const size_t bytes = (size_t)rows * sizeof(float);
    float *ones = malloc(bytes);
    if (!ones) return ASSAY_NO_MEMORY;
    for (int64_t k = 0; k < rows; k++)
        ones[k] = 1;
    assay_status st = CUDA_TRY(cudaMalloc, (void **)&net->ones, bytes);
    if (st == ASSAY_OK) st = CUDA_TRY(cudaMemcpy, net->ones, ones, bytes, cudaMemcpyHostToDevice);
    free(ones);
    return st;
}

/* 1: the recurrent layers read what a kernel wrote, not the caller's x. */
static int gathers(const assay_problem *p)
{
    return p->vocab || p->dialect.layout == ASSAY_BATCH_MAJOR || (p->x_stride && p->x_stride != p->i);
}

static void place_tensors(assay_plan *plan, const assay_sizes *stack)
{
    struct cudnn_network *net = plan->network;
    const assay_problem *p = &net->cuda.p;
    cuda_kept *k = &net->cuda.kept;
    cuda_scratch *s = &net->cuda.scratch;
    const uint64_t rows = (uint64_t)p->t * p->n * sizeof(float), y = rows * assay_output_width(p);
    k->input = cudnn_carve(&k->end, gathers(p) ? rows * p->i : 0);
    net->d_rows = cudnn_carve(&s->end, y);
    net->d_input = cudnn_carve(&s->end, rows * p->i);
    cuda_plan_describe_behind(&net->cuda);
    k->end = (k->end + CUDNN_ALIGN - 1) / CUDNN_ALIGN * CUDNN_ALIGN;
    s->end = (s->end + CUDNN_ALIGN - 1) / CUDNN_ALIGN * CUDNN_ALIGN;
    net->stack_kept = k->end;
    k->out[p->layers - 1] = net->stack_kept + plan->kept_y;
    s->infer = cudnn_carve(&s->end, k->out[p->layers - 1] + y);
    net->stack_work = cudnn_carve(&s->end, stack->workspace);
    k->end += stack->reserve;
}

assay_status cudnn_network_make(assay_plan *plan, const assay_problem *p, assay_sizes *sizes)
{
    struct cudnn_network *net = plan->network = calloc(1, sizeof *net);
    assay_sizes stack;
    if (!net) return ASSAY_NO_MEMORY;
    net->cuda.q = plan->ctx->q;
    net->cuda.p = *p;
    net->cuda.product = product;
    net->cuda.user = plan;
    if (p->op == ASSAY_OP_XENT) {
        cuda_plan_describe_behind(&net->cuda);
        *sizes = (assay_sizes){.workspace = net->cuda.scratch.end + CUDNN_ALIGN};
        return ASSAY_OK;
    }
    plan->p = cudnn_network_stack(p);
    assay_status st = cudnn_stack_make(plan, &stack);
    if (st == ASSAY_OK) st = make_ones(net);
    if (st != ASSAY_OK) return st;
    place_parameters(net, plan->way[CUDNN_USE_TRAIN].weights);
    place_tensors(plan, &stack);
    const uint64_t block = (uint64_t)net->cuda.params.total * sizeof(float);
    *sizes = (assay_sizes){.packed = block * (1 + (uint64_t)net->cuda.params.moments) + CUDNN_ALIGN,
                           .grads = block + CUDNN_ALIGN,
                           .workspace = net->cuda.scratch.end + CUDNN_ALIGN,
                           .reserve = net->cuda.kept.end + CUDNN_ALIGN};
    return ASSAY_OK;
}

void cudnn_network_free(assay_plan *plan)
{
    if (!plan->network) return;
    cudaFree(plan->network->ones);
    free(plan->network);
}

/* ---- parameters in and out ---- */

static float *block_of(const assay_plan *plan, void *memory, int which)
{
    float *start = (float *)(void *)cudnn_aligned(memory);
    return start ? start + which * plan->network->cuda.params.total : NULL;
}

assay_status cudnn_network_pack(const assay_plan *plan, const assay_args *args, cudaStream_t stream)
{
    const cuda_plan *cuda = &plan->network->cuda;
    const assay_host_layout *l = &cuda->params;
    const void *const *from[3] = {args->param, args->m, args->v};
    assay_status st = ASSAY_OK;
    queue_begin(cuda->q, stream);
    for (int which = 0; which <= l->moments && st == ASSAY_OK; which++) {
        float *block = block_of(plan, args->packed, which);
        st = cudnn_weights_in(plan, from[which], which == 0, (char *)block, stream);
        for (int i = assay_param_head(&cuda->p, 0); i < l->params && st == ASSAY_OK; i++) {
            const uint64_t bytes = (uint64_t)l->size[i] * sizeof(float);
            if (bytes && !from[which][i] && which == 0) return ASSAY_BAD_ARGUMENT;
            if (from[which][i])
                queue_copy(cuda->q, block + l->offset[i], from[which][i], bytes);
            else
                queue_zero(cuda->q, block + l->offset[i], bytes);
        }
    }
    return st == ASSAY_OK ? cudnn_judge_kernels(queue_end(cuda->q)) : st;
}

assay_status cudnn_network_unpack(const assay_plan *plan, const assay_args *args, cudaStream_t stream)
{
    const cuda_plan *cuda = &plan->network->cuda;
    const assay_host_layout *l = &cuda->params;
    void *const *to[4] = {args->param_1, args->m_1, args->v_1, args->dparam};
    assay_status st = ASSAY_OK;
    queue_begin(cuda->q, stream);
    for (int which = 0; which < 4 && st == ASSAY_OK; which++) {
        const int gradients = which == 3;
        float *block = gradients ? block_of(plan, args->grads, 0) : block_of(plan, args->packed, which);
        if (!block || (!gradients && which > l->moments)) continue;
        st = cudnn_weights_out(plan, (char *)block, to[which], stream);
        for (int i = assay_param_head(&cuda->p, 0); i < l->params; i++)
            if (to[which][i])
                queue_copy(cuda->q, to[which][i], block + l->offset[i], (uint64_t)l->size[i] * sizeof(float));
    }
    return st == ASSAY_OK ? cudnn_judge_kernels(queue_end(cuda->q)) : st;
}

/* ---- passes ---- */

typedef struct call {
    assay_plan *plan;
    cuda_call c;
    cudaStream_t stream;
} call;

static void run_stack(call *c, assay_pass pass, const void *x, void *y, const void *dy, void *dx, int accumulate)
{
    struct cudnn_network *net = c->plan->network;
    assay_args a = *c->c.args;
    a.x = x;
    a.y = y;
    a.dy = dy;
    a.dx = dx;
    a.accumulate = accumulate;
    a.workspace = c->c.work + net->stack_work;
    a.reserve = c->c.kept + net->stack_kept;
    if (net->st == ASSAY_OK) net->st = cudnn_stack_run(c->plan, pass, &a, c->stream);
}

static const void *input_of(const call *c)
{
    const cuda_plan *cuda = c->c.plan;
    return gathers(&cuda->p) ? cuda_kept_at(&c->c, cuda->kept.input, 0) : c->c.args->x;
}

static void forward(call *c, assay_pass pass)
{
    const cuda_plan *cuda = c->c.plan;
    const int infers = pass == ASSAY_INFER;
    if (infers) c->c.kept = c->c.work + cuda->scratch.infer;
    if (gathers(&cuda->p)) cuda_gather(&c->c);
    float *y = cuda_kept_at(&c->c, cuda->kept.out[cuda->p.layers - 1], 0);
    run_stack(c, infers ? ASSAY_INFER : ASSAY_TRAIN, input_of(c), infers ? y : NULL, NULL, NULL, 0);
    cuda_emit(&c->c);
    cuda_head_forward(&c->c);
}

/* The gradient of the recurrent layers' output, from that of the rows which the linear layer read. */
static const float *output_gradient(const call *c, const float *dy)
{
    const assay_problem *p = &c->c.plan->p;
    const int last = p->head == ASSAY_HEAD_LAST;
    const int64_t wide = assay_output_width(p);
    const merge_args merge = {.rows = cuda_rows(&c->c),
                              .width = assay_state_width(p),
                              .wide = wide,
                              .parts = p->directions,
                              .how = ASSAY_MERGE_CONCAT};
    const upstream_args up = {.merge = merge,
                              .callers = 1,
                              .held = ASSAY_PAD_ZERO,
                              .pitch = wide,
                              .dy = last ? NULL : dy,
                              .dlast = last ? dy : NULL,
                              .to = cuda_work_at(&c->c, c->plan->network->d_rows, 0)};
    if (!last && p->dialect.layout == ASSAY_TIME_MAJOR) return dy;
    cuda_over(c->c.plan->q, KERNEL_upstream, (int64_t)p->t * p->n * wide, &up);
    return up.to;
}

static void backward(call *c, int accumulate)
{
    struct cudnn_network *net = c->plan->network;
    const assay_problem *p = &net->cuda.p;
    float *dy = cuda_work_at(&c->c, net->cuda.scratch.dy, 0);
    float *d_input = p->vocab || c->c.args->dx ? cuda_work_at(&c->c, net->d_input, 0) : NULL;
    cuda_head_backward(&c->c, accumulate, dy);
    run_stack(c, ASSAY_BACKWARD, input_of(c), NULL, output_gradient(c, dy), d_input, accumulate);
    if (net->st == ASSAY_OK) net->st = cudnn_weights_clear_absent(c->plan, c->c.args->grads, c->stream);
    cuda_input_backward(&c->c, d_input, accumulate);
}

static void run_network(call *c, assay_pass pass)
{
    const cuda_plan *cuda = c->c.plan;
    const int step = pass == ASSAY_STEP;
    if (pass == ASSAY_INFER || pass == ASSAY_TRAIN || step) forward(c, pass);
    if (pass == ASSAY_LOSS_PASS || step)
        cuda_loss(&c->c, cuda_kept_at(&c->c, cuda->kept.logits, 0), cuda_kept_at(&c->c, cuda->kept.dlogits, 0), 1);
    if (pass == ASSAY_BACKWARD || step) backward(c, c->c.args->accumulate && !step);
    if (pass == ASSAY_UPDATE || step) cuda_update(&c->c);
}

static void run_xent(call *c, assay_pass pass)
{
    const assay_args *args = c->c.args;
    if (pass != ASSAY_BACKWARD)
        cuda_loss(&c->c, args->x, NULL, 1);
    else if (args->dx)
        cuda_loss(&c->c, args->x, args->dx, 0);
}

assay_status cudnn_network_run(assay_plan *plan, assay_pass pass, const assay_args *args, cudaStream_t stream)
{
    struct cudnn_network *net = plan->network;
    const int is_network = net->cuda.p.op == ASSAY_OP_NETWORK;
    assay_args a = *args; /* blocks where their aligned parts begin */
    if ((unsigned)pass > ASSAY_STEP || (!is_network && (pass == ASSAY_LOSS_PASS || pass > ASSAY_BACKWARD)))
        return ASSAY_BAD_ARGUMENT;
    a.packed = cudnn_aligned(args->packed);
    a.grads = cudnn_aligned(args->grads);
    a.workspace = cudnn_aligned(args->workspace);
    a.reserve = cudnn_aligned(args->reserve);
    call c = {
        .plan = plan, .c = {.plan = &net->cuda, .args = &a, .kept = a.reserve, .work = a.workspace}, .stream = stream};
    queue_begin(net->cuda.q, stream);
    net->st = CUBLAS_TRY(cublasSetStream, plan->ctx->blas, stream);
    if (net->st == ASSAY_OK && is_network) run_network(&c, pass);
    if (net->st == ASSAY_OK && !is_network) run_xent(&c, pass);
    const assay_status kernels = cudnn_judge_kernels(queue_end(net->cuda.q));
    return net->st == ASSAY_OK ? kernels : net->st;
}
