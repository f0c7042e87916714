/* stack.c: one call of cuDNN for a whole stack: memory for what it can't take as it comes, passes.
 * SPDX-License-Identifier: MIT
 *
 * What stands between the ABI and cuDNN, each with copies on the stream, and none where the workloads' tensors are as
 * cuDNN wants them: alignment, rows with gaps, rows of length 0 (illegal there: they run as one step of zeros, and what
 * comes of it is replaced). Always: y is copied from the reserve, where backward finds it, and backward works on a copy
 * of cuDNN's reserve space, which it destroys, since the ABI lets it come twice. */
#include "impl/cudnn/parts.h"

#include <stdlib.h>
#include <string.h>

static const double zero; /* the fill of rows past their length, in either precision */

int64_t cudnn_state_elements(const assay_problem *p, int width)
{
    return (int64_t)p->layers * p->directions * p->n * width;
}

/* ---- sizes ---- */

static int is_state(int slot)
{
    return slot != CUDNN_X && slot != CUDNN_DX && slot != CUDNN_Y && slot != CUDNN_DY;
}

static int is_cell(int slot)
{
    return slot == CUDNN_C0 || slot == CUDNN_CN || slot == CUDNN_DCN || slot == CUDNN_DC0;
}

static int width_of(const assay_problem *p, int slot)
{
    if (is_state(slot)) return is_cell(slot) ? p->h : assay_state_width(p);
    return slot == CUDNN_X || slot == CUDNN_DX ? p->i : assay_output_width(p);
}

static int64_t rows_of(const assay_problem *p, int slot)
{
    return is_state(slot) ? (int64_t)p->layers * p->directions * p->n : (int64_t)p->t * p->n;
}

static uint64_t bytes_of(const assay_plan *plan, int slot)
{
    return (uint64_t)rows_of(&plan->p, slot) * width_of(&plan->p, slot) * plan->element;
}

static int64_t stride_of(const assay_problem *p, int slot)
{
    const int stride = slot == CUDNN_X || slot == CUDNN_DX ? p->x_stride : is_state(slot) ? 0 : p->y_stride;
    return stride ? stride : width_of(p, slot);
}

static uint64_t most(const assay_plan *plan, size_t offset)
{
    uint64_t best = 0;
    for (int k = 0; k < CUDNN_USES; k++) {
        size_t bytes;
        memcpy(&bytes, (const char *)&plan->way[k] + offset, sizeof bytes);
        best = bytes > best ? bytes : best;
    }
    return best;
}

static void state_sizes(assay_plan *plan, assay_sizes *sizes)
{
    const uint64_t train = most(plan, offsetof(cudnn_way, work_train)),
                   infer = most(plan, offsetof(cudnn_way, work_infer));
    const uint64_t reserve = most(plan, offsetof(cudnn_way, reserve)),
                   weights = most(plan, offsetof(cudnn_way, weights));
    for (int k = 0; k < CUDNN_SLOTS; k++)
        plan->staged[k] = cudnn_carve(&plan->workspace, bytes_of(plan, k));
    plan->lens_dev = cudnn_carve(&plan->workspace, (uint64_t)plan->p.n * sizeof(int32_t));
    plan->work = cudnn_carve(&plan->workspace, train > infer ? train : infer);
    plan->reserve_copy = cudnn_carve(&plan->workspace, reserve);
    plan->kept_y = cudnn_carve(&plan->reserve, bytes_of(plan, CUDNN_Y));
    plan->kept = cudnn_carve(&plan->reserve, reserve);
    *sizes = (assay_sizes){weights + CUDNN_ALIGN, weights + CUDNN_ALIGN, plan->workspace + CUDNN_ALIGN,
                           plan->reserve + CUDNN_ALIGN};
}

/* ---- descriptors ---- */

static assay_status set_lengths(assay_plan *plan)
{
    const assay_problem *p = &plan->p;
    const cudnnRNNDataLayout_t layout = p->dialect.layout == ASSAY_BATCH_MAJOR
                                            ? CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED
                                            : CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED;
    assay_status st =
        CUDNN_TRY(cudnnSetRNNDataDescriptor, plan->x, plan->type, layout, p->t, p->n, p->i, plan->lens, (void *)&zero);
    if (st == ASSAY_OK)
        st = CUDNN_TRY(cudnnSetRNNDataDescriptor, plan->y, plan->type, layout, p->t, p->n, assay_output_width(p),
                       plan->lens, (void *)&zero);
    return st;
}

static assay_status describe_states(assay_plan *plan)
{
    const assay_problem *p = &plan->p;
    const int widths[] = {assay_state_width(p), p->h};
    cudnnTensorDescriptor_t *const made[] = {&plan->h, &plan->c};
    assay_status st = ASSAY_OK;
    for (int k = 0; k < 2 && st == ASSAY_OK; k++) {
        const int dims[] = {p->layers * p->directions, p->n, widths[k]}, strides[] = {p->n * widths[k], widths[k], 1};
        st = CUDNN_TRY(cudnnCreateTensorDescriptor, made[k]);
        if (st == ASSAY_OK) st = CUDNN_TRY(cudnnSetTensorNdDescriptor, *made[k], plan->type, 3, dims, strides);
    }
    return st;
}

static assay_status make_full_lengths(assay_plan *plan)
{
    const size_t bytes = (size_t)plan->p.n * sizeof(int32_t);
    plan->lens = malloc(bytes);
    if (!plan->lens) return ASSAY_NO_MEMORY;
    for (int n = 0; n < plan->p.n; n++)
        plan->lens[n] = plan->p.t;
    assay_status st = CUDA_TRY(cudaMalloc, (void **)&plan->full_dev, bytes);
    return st == ASSAY_OK ? CUDA_TRY(cudaMemcpy, plan->full_dev, plan->lens, bytes, cudaMemcpyHostToDevice) : st;
}

assay_status cudnn_stack_make(assay_plan *plan, assay_sizes *sizes)
{
    assay_status st = make_full_lengths(plan);
    if (st == ASSAY_OK) st = CUDNN_TRY(cudnnCreateRNNDataDescriptor, &plan->x);
    if (st == ASSAY_OK) st = CUDNN_TRY(cudnnCreateRNNDataDescriptor, &plan->y);
    if (st == ASSAY_OK) st = set_lengths(plan);
    if (st == ASSAY_OK) st = describe_states(plan);
    if (st == ASSAY_OK) st = cudnn_ways_make(plan);
    if (st == ASSAY_OK) state_sizes(plan, sizes);
    return st;
}

void cudnn_stack_free(assay_plan *plan)
{
    cudnn_ways_free(plan);
    if (plan->x) cudnnDestroyRNNDataDescriptor(plan->x);
    if (plan->y) cudnnDestroyRNNDataDescriptor(plan->y);
    if (plan->h) cudnnDestroyTensorDescriptor(plan->h);
    if (plan->c) cudnnDestroyTensorDescriptor(plan->c);
    cudaFree(plan->full_dev);
    free(plan->lens);
}

/* ---- one call ---- */

typedef struct call {
    assay_plan *plan;
    const assay_args *args;
    cudaStream_t stream;
    char *workspace, *reserve;
    const int32_t *lens_dev;
    int empties; /* some row has length 0 */
    const cudnn_way *way;
    assay_status st; /* of everything so far: what comes behind a failure does nothing */
} call;

static void copy_rows(call *c, void *to, int64_t to_stride, const void *from, int64_t from_stride, int64_t width,
                      int64_t rows)
{
    const size_t e = c->plan->element;
    if (c->st == ASSAY_OK && rows && width)
        c->st = CUDA_TRY(cudaMemcpy2DAsync, to, (size_t)to_stride * e, from, (size_t)from_stride * e, (size_t)width * e,
                         (size_t)rows, cudaMemcpyDeviceToDevice, c->stream);
}

static void clear_rows(call *c, void *at, int64_t stride, int64_t width, int64_t rows)
{
    const size_t e = c->plan->element;
    if (c->st == ASSAY_OK && rows && width)
        c->st = CUDA_TRY(cudaMemset2DAsync, at, (size_t)stride * e, 0, (size_t)width * e, (size_t)rows, c->stream);
}

static char *row(const call *c, void *tensor, int slot, int64_t index)
{
    return (char *)tensor + (size_t)(index * width_of(&c->plan->p, slot)) * c->plan->element;
}

/* All of sample n in a dense tensor: its states in each pseudo-layer, or its steps. */
static void clear_sample(call *c, void *tensor, int slot, int n)
{
    const assay_problem *p = &c->plan->p;
    const int64_t width = width_of(p, slot);
    if (!is_state(slot) && p->dialect.layout == ASSAY_BATCH_MAJOR)
        clear_rows(c, row(c, tensor, slot, (int64_t)n * p->t), width, width, p->t);
    else
        clear_rows(c, row(c, tensor, slot, n), p->n * width, width, rows_of(p, slot) / p->n);
}

static int is_empty(const call *c, int n)
{
    return c->args->lens && c->args->lens[n] <= 0;
}

static void *stage(const call *c, int slot)
{
    return c->workspace + c->plan->staged[slot];
}

/* An input as cuDNN takes it. NULL stays NULL. */
static const void *fetch(call *c, int slot, const void *given)
{
    const assay_problem *p = &c->plan->p;
    const int64_t stride = stride_of(p, slot), width = width_of(p, slot);
    const int cleared = c->empties && slot != CUDNN_H0 && slot != CUDNN_C0;
    if (!given || (cudnn_is_aligned(given) && stride == width && !cleared)) return given;
    copy_rows(c, stage(c, slot), width, given, stride, width, rows_of(p, slot));
    for (int n = 0; cleared && n < p->n; n++)
        if (is_empty(c, n)) clear_sample(c, stage(c, slot), slot, n);
    return stage(c, slot);
}

/* Where an output goes first: its own place, or one that is staged. `needed`: cuDNN wants one, the caller may not. */
static void *room(const call *c, int slot, void *wanted, int needed)
{
    const assay_problem *p = &c->plan->p;
    if (!wanted) return needed ? stage(c, slot) : NULL;
    return cudnn_is_aligned(wanted) && stride_of(p, slot) == width_of(p, slot) ? wanted : stage(c, slot);
}

static void deliver(call *c, int slot, const void *made, void *wanted)
{
    const assay_problem *p = &c->plan->p;
    if (wanted && made != wanted)
        copy_rows(c, wanted, stride_of(p, slot), made, width_of(p, slot), width_of(p, slot), rows_of(p, slot));
}

/* A state of the empty rows is what it was before: `from`, or zero. */
static void pass_states(call *c, int slot, void *made, const void *from)
{
    const assay_problem *p = &c->plan->p;
    const int64_t width = width_of(p, slot), layers = rows_of(p, slot) / p->n;
    for (int n = 0; c->empties && made && n < p->n; n++) {
        if (!is_empty(c, n)) continue;
        if (from)
            copy_rows(c, row(c, made, slot, n), p->n * width, row(c, (void *)from, slot, n), p->n * width, width,
                      layers);
        else
            clear_sample(c, made, slot, n);
    }
}

static void begin(call *c, assay_pass pass)
{
    const assay_problem *p = &c->plan->p;
    int ragged = 0, changed = 0;
    for (int n = 0; n < p->n; n++) {
        const int32_t given = c->args->lens ? c->args->lens[n] : p->t, length = given > 0 ? given : 1;
        c->empties |= given <= 0;
        ragged |= given < p->t;
        changed |= c->plan->lens[n] != length;
        c->plan->lens[n] = length;
    }
    c->way = &c->plan->way[ragged ? CUDNN_USE_RAGGED : pass == ASSAY_INFER ? CUDNN_USE_INFER : CUDNN_USE_TRAIN];
    c->lens_dev = c->args->lens ? c->args->lens_dev : c->plan->full_dev;
    if (changed) c->st = set_lengths(c->plan);
    if (c->st == ASSAY_OK) c->st = CUDNN_TRY(cudnnSetStream, c->plan->ctx->handle, c->stream);
    if (!c->empties || c->st != ASSAY_OK) return;
    int32_t *dev = (int32_t *)(c->workspace + c->plan->lens_dev);
    c->st =
        CUDA_TRY(cudaMemcpyAsync, dev, c->plan->lens, (size_t)p->n * sizeof *dev, cudaMemcpyHostToDevice, c->stream);
    c->lens_dev = dev;
}

static void forward(call *c, assay_pass pass)
{
    const assay_plan *plan = c->plan;
    const assay_args *a = c->args;
    const int trains = pass == ASSAY_TRAIN;
    const void *x = fetch(c, CUDNN_X, a->x), *h0 = fetch(c, CUDNN_H0, a->h0), *c0 = fetch(c, CUDNN_C0, a->c0);
    void *y = trains ? c->reserve + plan->kept_y : room(c, CUDNN_Y, a->y, 1);
    void *hn = room(c, CUDNN_HN, a->hn, 0), *cn = room(c, CUDNN_CN, a->cn, 0);
    if (c->st == ASSAY_OK)
        c->st = CUDNN_TRY(cudnnRNNForward, plan->ctx->handle, c->way->rnn,
                          trains ? CUDNN_FWD_MODE_TRAINING : CUDNN_FWD_MODE_INFERENCE, c->lens_dev, plan->x, x, plan->y,
                          y, plan->h, h0, hn, plan->c, c0, cn, c->way->weights, cudnn_aligned(a->packed),
                          trains ? c->way->work_train : c->way->work_infer, c->workspace + plan->work,
                          trains ? c->way->reserve : 0, trains ? c->reserve + plan->kept : NULL);
    pass_states(c, CUDNN_HN, hn, h0);
    pass_states(c, CUDNN_CN, cn, c0);
    for (int n = 0; c->empties && a->y && n < plan->p.n; n++)
        if (is_empty(c, n)) clear_sample(c, y, CUDNN_Y, n);
    deliver(c, CUDNN_Y, y, a->y);
    deliver(c, CUDNN_HN, hn, a->hn);
    deliver(c, CUDNN_CN, cn, a->cn);
}

/* A gradient that is absent is zero; where cuDNN wants one all the same it gets zeros. */
static const void *cotangent_of_y(call *c)
{
    const void *dy = fetch(c, CUDNN_DY, c->args->dy);
    if (dy || c->st != ASSAY_OK) return dy;
    c->st = CUDA_TRY(cudaMemsetAsync, stage(c, CUDNN_DY), 0, bytes_of(c->plan, CUDNN_DY), c->stream);
    return stage(c, CUDNN_DY);
}

static void backward(call *c)
{
    assay_plan *plan = c->plan;
    const assay_args *a = c->args;
    const cudnn_way *w = c->way;
    const void *x = fetch(c, CUDNN_X, a->x), *h0 = fetch(c, CUDNN_H0, a->h0), *c0 = fetch(c, CUDNN_C0, a->c0);
    const void *dy = cotangent_of_y(c), *dhn = fetch(c, CUDNN_DHN, a->dhn), *dcn = fetch(c, CUDNN_DCN, a->dcn);
    void *dx = room(c, CUDNN_DX, a->dx, 1), *dh0 = room(c, CUDNN_DH0, a->dh0, 0), *dc0 = room(c, CUDNN_DC0, a->dc0, 0);
    const void *y = c->reserve + plan->kept_y;
    void *kept = c->workspace + plan->reserve_copy, *work = c->workspace + plan->work, *grads = cudnn_aligned(a->grads);
    /* dx past a row's length is zero here; what cuDNN leaves there is not documented. */
    if (c->st == ASSAY_OK) c->st = CUDA_TRY(cudaMemsetAsync, dx, 0, bytes_of(plan, CUDNN_DX), c->stream);
    if (c->st == ASSAY_OK && !a->accumulate) c->st = CUDA_TRY(cudaMemsetAsync, grads, 0, w->weights, c->stream);
    if (c->st == ASSAY_OK)
        c->st =
            CUDA_TRY(cudaMemcpyAsync, kept, c->reserve + plan->kept, w->reserve, cudaMemcpyDeviceToDevice, c->stream);
    if (c->st == ASSAY_OK)
        c->st = CUDNN_TRY(cudnnRNNBackwardData_v8, plan->ctx->handle, w->rnn, c->lens_dev, plan->y, y, dy, plan->x, dx,
                          plan->h, h0, dhn, dh0, plan->c, c0, dcn, dc0, w->weights, cudnn_aligned(a->packed),
                          w->work_train, work, w->reserve, kept);
    if (c->st == ASSAY_OK)
        c->st =
            CUDNN_TRY(cudnnRNNBackwardWeights_v8, plan->ctx->handle, w->rnn, CUDNN_WGRAD_MODE_ADD, c->lens_dev, plan->x,
                      x, plan->h, h0, plan->y, y, w->weights, grads, w->work_train, work, w->reserve, kept);
    pass_states(c, CUDNN_DH0, dh0, a->dhn);
    pass_states(c, CUDNN_DC0, dc0, a->dcn);
    deliver(c, CUDNN_DX, dx, a->dx);
    deliver(c, CUDNN_DH0, dh0, a->dh0);
    deliver(c, CUDNN_DC0, dc0, a->dc0);
}

assay_status cudnn_stack_run(assay_plan *plan, assay_pass pass, const assay_args *args, cudaStream_t stream)
{
    call c = {.plan = plan,
              .args = args,
              .stream = stream,
              .workspace = cudnn_aligned(args->workspace),
              .reserve = cudnn_aligned(args->reserve)};
    if (pass != ASSAY_INFER && pass != ASSAY_TRAIN && pass != ASSAY_BACKWARD) return ASSAY_BAD_ARGUMENT;
    begin(&c, pass);
    if (c.st == ASSAY_OK && pass == ASSAY_BACKWARD)
        backward(&c);
    else if (c.st == ASSAY_OK)
        forward(&c, pass);
    return c.st;
}
