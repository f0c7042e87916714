/* ctc.c: connectionist temporal classification by cuDNN, with the limits that it has.
 * SPDX-License-Identifier: MIT
 *
 * Softmax inside (logits), blank 0, concatenated labels of at most 255, fp32. It writes no gradient past a row's
 * length, so that buffer is cleared first. What it gives for a row without an alignment is not documented: 0 by report,
 * and declared so. One loss a sample, as cuDNN has it; upstream gradients are one of its tensor operations.
 *
 * cuDNN has two entry points: with lengths and labels on the device, which `cudnn` takes, and with both on the host,
 * which PyTorch takes where its targets lie there, and `cudnn-pytorch` so. */
#include "impl/cudnn/parts.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST_LABELS = 255 };

struct cudnn_ctc {
    cudnnCTCLossDescriptor_t loss;
    cudnnTensorDescriptor_t rows, four, upstream; /* (T,N,V); the same in four dimensions; (N) */
    cudnnOpTensorDescriptor_t times;
    size_t work_bytes;
    uint64_t x, dx, cost, dloss, work, gradient; /* places in the workspace; the last in the reserve */
};

assay_status cudnn_ctc_supports(const assay_problem *p, const char **why)
{
    const assay_dialect *d = &p->dialect;
    const struct {
        int asked;
        const char *why;
    } lacks[] = {
        {p->arithmetic != ASSAY_FP32, "CTC in fp32 only"},
        {p->t < 1 || p->n < 1, "at least one step and one sample"},
        {p->classes < 2, "at least two classes"},
        {p->max_label > MOST_LABELS, "label strings of at most 255"},
        {d->ctc_blank != 0, "the blank is class 0"},
        {d->ctc_input != ASSAY_CTC_LOGITS, "logits only: of log-probabilities the gradient would be another"},
        {d->ctc_labels != ASSAY_LABELS_CONCATENATED, "concatenated labels only"},
        {d->ctc_infeasible != ASSAY_INFEASIBLE_ZERO, "the loss without an alignment is 0"},
        {d->ctc_collapse != 0, "label strings as they are"},
        {d->ctc_repeats != ASSAY_REPEATS_MERGED, "equal frames are one label"},
        {d->ctc_reduction != ASSAY_REDUCE_NONE, "one loss a sample, not reduced"},
        {d->layout != ASSAY_TIME_MAJOR, "time-major only"},
    };
    for (size_t k = 0; k < sizeof lacks / sizeof *lacks; k++) {
        if (!lacks[k].asked) continue;
        *why = lacks[k].why;
        return ASSAY_UNSUPPORTED;
    }
    return ASSAY_OK;
}

/* ---- the two entry points ---- */

#ifdef CUDNN_AS_PYTORCH

/* This one's workspace depends on the labels, which come later: strings as long as they may be stand for them. */
static assay_status ask_workspace(const assay_plan *plan, struct cudnn_ctc *c)
{
    const assay_problem *p = &plan->p;
    const int most = p->max_label;
    int32_t *labels = malloc(((size_t)p->n * (size_t)(most + 1) + 1) * sizeof *labels);
    int32_t *lens = malloc((size_t)p->n * sizeof *lens);
    assay_status st = labels && lens ? ASSAY_OK : ASSAY_NO_MEMORY;
    for (int n = 0; st == ASSAY_OK && n < p->n; n++)
        lens[n] = most;
    for (int k = 0; st == ASSAY_OK && k < p->n * most; k++)
        labels[k] = 1 + (p->classes > 2 ? k % 2 : 0);
    if (st == ASSAY_OK)
        st = CUDNN_TRY(cudnnGetCTCLossWorkspaceSize, plan->ctx->handle, c->rows, c->rows, labels, lens, plan->lens,
                       CUDNN_CTC_LOSS_ALGO_DETERMINISTIC, c->loss, &c->work_bytes);
    free(labels);
    free(lens);
    return st;
}

static assay_status compute(const assay_plan *plan, const assay_args *a, const void *x, char *cost, char *gradient,
                            char *work)
{
    const struct cudnn_ctc *c = plan->ctc;
    const int32_t *lens = a->lens ? a->lens : plan->lens;
    size_t needed = 0;
    assay_status st = CUDNN_TRY(cudnnGetCTCLossWorkspaceSize, plan->ctx->handle, c->rows, c->rows, a->labels,
                                a->label_lens, lens, CUDNN_CTC_LOSS_ALGO_DETERMINISTIC, c->loss, &needed);
    if (st == ASSAY_OK && needed > c->work_bytes) {
        snprintf(cudnn_reason(), CUDNN_REASON, "cudnnGetCTCLossWorkspaceSize: %zu bytes for these labels, %zu planned",
                 needed, c->work_bytes);
        return ASSAY_FAILED;
    }
    return st == ASSAY_OK
               ? CUDNN_TRY(cudnnCTCLoss, plan->ctx->handle, c->rows, x, a->labels, a->label_lens, lens, cost, c->rows,
                           gradient, CUDNN_CTC_LOSS_ALGO_DETERMINISTIC, c->loss, work, c->work_bytes)
               : st;
}

#else

static assay_status ask_workspace(const assay_plan *plan, struct cudnn_ctc *c)
{
    return CUDNN_TRY(cudnnGetCTCLossWorkspaceSize_v8, plan->ctx->handle, CUDNN_CTC_LOSS_ALGO_DETERMINISTIC, c->loss,
                     c->rows, c->rows, &c->work_bytes);
}

static assay_status compute(const assay_plan *plan, const assay_args *a, const void *x, char *cost, char *gradient,
                            char *work)
{
    const struct cudnn_ctc *c = plan->ctc;
    return CUDNN_TRY(cudnnCTCLoss_v8, plan->ctx->handle, CUDNN_CTC_LOSS_ALGO_DETERMINISTIC, c->loss, c->rows, x,
                     a->labels_dev, a->label_lens_dev, a->lens ? a->lens_dev : plan->full_dev, cost, c->rows, gradient,
                     c->work_bytes, work);
}

#endif

static assay_status make_tensor(cudnnTensorDescriptor_t *out, int dimensions, int a, int b, int c)
{
    const int dims[] = {a, b, c, 1}, strides[] = {b * c, c, 1, 1};
    assay_status st = CUDNN_TRY(cudnnCreateTensorDescriptor, out);
    return st == ASSAY_OK ? CUDNN_TRY(cudnnSetTensorNdDescriptor, *out, CUDNN_DATA_FLOAT, dimensions, dims, strides)
                          : st;
}

static assay_status describe(const assay_problem *p, struct cudnn_ctc *c)
{
    assay_status st = make_tensor(&c->rows, 3, p->t, p->n, p->classes);
    if (st == ASSAY_OK) st = make_tensor(&c->four, 4, p->t, p->n, p->classes);
    if (st == ASSAY_OK) st = make_tensor(&c->upstream, 4, 1, p->n, 1);
    if (st == ASSAY_OK) st = CUDNN_TRY(cudnnCreateCTCLossDescriptor, &c->loss);
    if (st == ASSAY_OK)
        st = CUDNN_TRY(cudnnSetCTCLossDescriptor_v9, c->loss, CUDNN_DATA_FLOAT, CUDNN_LOSS_NORMALIZATION_SOFTMAX,
                       CUDNN_CTC_ZERO_OOB_GRADIENTS, p->max_label > 0 ? p->max_label : 1);
    if (st == ASSAY_OK) st = CUDNN_TRY(cudnnCreateOpTensorDescriptor, &c->times);
    if (st == ASSAY_OK)
        st =
            CUDNN_TRY(cudnnSetOpTensorDescriptor, c->times, CUDNN_OP_TENSOR_MUL, CUDNN_DATA_FLOAT, CUDNN_PROPAGATE_NAN);
    return st;
}

assay_status cudnn_ctc_make(assay_plan *plan, assay_sizes *sizes)
{
    const assay_problem *p = &plan->p;
    struct cudnn_ctc *c = plan->ctc = calloc(1, sizeof *c);
    const uint64_t samples = (uint64_t)p->n * sizeof(float), rows = samples * p->t * p->classes;
    const size_t lens = (size_t)p->n * sizeof(int32_t);
    plan->lens = malloc(lens);
    if (!c || !plan->lens) return ASSAY_NO_MEMORY;
    for (int n = 0; n < p->n; n++)
        plan->lens[n] = p->t;
    assay_status st = CUDA_TRY(cudaMalloc, (void **)&plan->full_dev, lens);
    if (st == ASSAY_OK) st = CUDA_TRY(cudaMemcpy, plan->full_dev, plan->lens, lens, cudaMemcpyHostToDevice);
    if (st == ASSAY_OK) st = describe(p, c);
    if (st == ASSAY_OK) st = ask_workspace(plan, c);
    if (st != ASSAY_OK) return st;
    c->x = cudnn_carve(&plan->workspace, rows);
    c->dx = cudnn_carve(&plan->workspace, rows);
    c->cost = cudnn_carve(&plan->workspace, samples);
    c->dloss = cudnn_carve(&plan->workspace, samples);
    c->work = cudnn_carve(&plan->workspace, c->work_bytes);
    c->gradient = cudnn_carve(&plan->reserve, rows);
    *sizes = (assay_sizes){0, 0, plan->workspace + CUDNN_ALIGN, plan->reserve + CUDNN_ALIGN};
    return ASSAY_OK;
}

void cudnn_ctc_free(assay_plan *plan)
{
    struct cudnn_ctc *c = plan->ctc;
    if (!c) return;
    cudnnTensorDescriptor_t const tensors[] = {c->rows, c->four, c->upstream};
    for (size_t k = 0; k < sizeof tensors / sizeof *tensors; k++)
        if (tensors[k]) cudnnDestroyTensorDescriptor(tensors[k]);
    if (c->loss) cudnnDestroyCTCLossDescriptor(c->loss);
    if (c->times) cudnnDestroyOpTensorDescriptor(c->times);
    cudaFree(plan->full_dev);
    free(plan->lens);
    free(c);
}

static assay_status copy_rows(const assay_problem *p, void *to, int64_t to_stride, const void *from,
                              int64_t from_stride, cudaStream_t stream)
{
    const size_t e = sizeof(float);
    return CUDA_TRY(cudaMemcpy2DAsync, to, (size_t)to_stride * e, from, (size_t)from_stride * e, (size_t)p->classes * e,
                    (size_t)p->t * (size_t)p->n, cudaMemcpyDeviceToDevice, stream);
}

static int64_t stride_of(const assay_problem *p)
{
    return p->x_stride ? p->x_stride : p->classes;
}

static assay_status copy(void *to, const void *from, uint64_t bytes, cudaStream_t stream)
{
    return to ? CUDA_TRY(cudaMemcpyAsync, to, from, bytes, cudaMemcpyDeviceToDevice, stream) : ASSAY_OK;
}

/* Losses, and in training the gradient of their sum. */
static assay_status losses(assay_plan *plan, const assay_args *a, int trains, cudaStream_t stream)
{
    const assay_problem *p = &plan->p;
    const struct cudnn_ctc *c = plan->ctc;
    char *w = cudnn_aligned(a->workspace), *gradient = trains ? cudnn_aligned(a->reserve) + c->gradient : NULL;
    const void *x = a->x;
    assay_status st = ASSAY_OK;
    if (!cudnn_is_aligned(x) || stride_of(p) != p->classes) {
        st = copy_rows(p, w + c->x, p->classes, x, stride_of(p), stream);
        x = w + c->x;
    }
    if (st == ASSAY_OK && trains)
        st = CUDA_TRY(cudaMemsetAsync, gradient, 0, (size_t)p->t * p->n * p->classes * sizeof(float), stream);
    if (st == ASSAY_OK) st = compute(plan, a, x, w + c->cost, gradient, w + c->work);
    return st == ASSAY_OK ? copy(a->loss_rows, w + c->cost, (uint64_t)p->n * sizeof(float), stream) : st;
}

static assay_status backward(assay_plan *plan, const assay_args *a, cudaStream_t stream)
{
    const assay_problem *p = &plan->p;
    const struct cudnn_ctc *c = plan->ctc;
    const float one = 1, none = 0;
    const int dense = cudnn_is_aligned(a->dx) && stride_of(p) == p->classes;
    char *w = cudnn_aligned(a->workspace);
    void *dx = dense ? a->dx : w + c->dx;
    assay_status st;
    if (!a->dx) return ASSAY_OK;
    if (!a->dloss) {
        st = CUDA_TRY(cudaMemsetAsync, dx, 0, (size_t)p->t * p->n * p->classes * sizeof(float), stream);
    } else {
        st = copy(w + c->dloss, a->dloss, (uint64_t)p->n * sizeof(float), stream);
        if (st == ASSAY_OK)
            st =
                CUDNN_TRY(cudnnOpTensor, plan->ctx->handle, c->times, &one, c->four,
                          cudnn_aligned(a->reserve) + c->gradient, &one, c->upstream, w + c->dloss, &none, c->four, dx);
    }
    return st == ASSAY_OK && !dense ? copy_rows(p, a->dx, stride_of(p), dx, p->classes, stream) : st;
}

assay_status cudnn_ctc_run(assay_plan *plan, assay_pass pass, const assay_args *args, cudaStream_t stream)
{
    assay_status st = CUDNN_TRY(cudnnSetStream, plan->ctx->handle, stream);
    if (st != ASSAY_OK) return st;
    if (pass == ASSAY_INFER || pass == ASSAY_TRAIN) return losses(plan, args, pass == ASSAY_TRAIN, stream);
    return pass == ASSAY_BACKWARD ? backward(plan, args, stream) : ASSAY_BAD_ARGUMENT;
}
