/* weights.c: the weight space of cuDNN, which is opaque: each part's place is asked for.
 * SPDX-License-Identifier: MIT
 *
 * Ids of parts (spec of cudnnGetRNNWeightParams): first the gates' input matrices and biases, then the recurrent ones,
 * in the order LSTM i f g o, GRU r z n, which is the canonical one; 8 is the projection. docs/semantics.md. */
#include "impl/cudnn/parts.h"

#include <stddef.h>
#include <string.h>

/* Bytes of a part that a descriptor speaks of; 0 where there is none. */
static assay_status measure(cudnnTensorDescriptor_t d, const void *address, int64_t *bytes)
{
    enum { MOST = 8 };
    int dims[MOST], strides[MOST], count = 0;
    cudnnDataType_t type;
    *bytes = 0;
    if (!address) return ASSAY_OK;
    assay_status st = CUDNN_TRY(cudnnGetTensorNdDescriptor, d, MOST, &type, &count, dims, strides);
    if (st != ASSAY_OK) return st;
    *bytes = type == CUDNN_DATA_DOUBLE ? 8 : 4;
    for (int k = 0; k < count && k < MOST; k++)
        *bytes *= dims[k];
    return ASSAY_OK;
}

static int64_t offset_of(const void *address, const void *space)
{
    return address ? (const char *)address - (const char *)space : -1;
}

assay_status cudnn_weights_find(assay_ctx *ctx, const assay_problem *p, cudnnRNNDescriptor_t rnn, void *space,
                                size_t bytes, cudnn_weights *out)
{
    cudnnTensorDescriptor_t matrix = NULL, bias = NULL;
    const int parts = p->proj ? CUDNN_LINEAR : 2 * assay_gates(p->dialect.cell);
    assay_status st = CUDNN_TRY(cudnnCreateTensorDescriptor, &matrix);
    if (st == ASSAY_OK) st = CUDNN_TRY(cudnnCreateTensorDescriptor, &bias);
    memset(out, 0, sizeof *out);
    for (int q = 0; q < p->layers * p->directions; q++)
        for (int id = 0; id < parts && st == ASSAY_OK; id++) {
            cudnn_part *part = &out->part[q][id];
            void *m = NULL, *b = NULL;
            st = CUDNN_TRY(cudnnGetRNNWeightParams, ctx->handle, rnn, q, bytes, space, id, matrix, &m, bias, &b);
            if (st == ASSAY_OK) st = measure(matrix, m, &part->matrix_bytes);
            if (st == ASSAY_OK) st = measure(bias, b, &part->bias_bytes);
            part->matrix = offset_of(m, space);
            part->bias = offset_of(b, space);
        }
    if (matrix) cudnnDestroyTensorDescriptor(matrix);
    if (bias) cudnnDestroyTensorDescriptor(bias);
    return st;
}

int cudnn_weights_same(const assay_problem *p, const cudnn_weights *a, const cudnn_weights *b)
{
    const size_t used = sizeof a->part[0] * (size_t)(p->layers * p->directions);
    return memcmp(a->part, b->part, used) == 0;
}

/* One gate of one parameter: `bytes` at `tensor` in its canonical tensor, and at `space` in the weight space. */
typedef struct piece {
    int64_t tensor, space, bytes;
    int param;
} piece;

/* Calls `move` for every piece of a pseudo-layer. A bias that the problem lacks but cuDNN has (a GRU with b_hh alone
 * runs with both) gives a piece with param -1. */
static assay_status each(const assay_plan *plan, int q, assay_status (*move)(const piece *, void *), void *user)
{
    const assay_problem *p = &plan->p;
    const int gates = assay_gates(p->dialect.cell), first = ASSAY_RNN_PARAMS * q, biases = p->dialect.biases;
    assay_status st = ASSAY_OK;
    for (int id = 0; id < 2 * gates && st == ASSAY_OK; id++) {
        const cudnn_part *part = &plan->weights.part[q][id];
        const int recurrent = id >= gates, gate = id % gates;
        const int lacks = recurrent ? biases == ASSAY_BIAS_NONE || biases == ASSAY_BIAS_ONE_INPUT
                                    : biases == ASSAY_BIAS_NONE || biases == ASSAY_BIAS_ONE_RECURRENT;
        const piece m = {gate * part->matrix_bytes, part->matrix, part->matrix_bytes,
                         first + (recurrent ? ASSAY_R : ASSAY_W)};
        const piece b = {gate * part->bias_bytes, part->bias, part->bias_bytes,
                         lacks ? -1 : first + (recurrent ? ASSAY_B_HH : ASSAY_B_IH)};
        if (m.bytes) st = move(&m, user);
        if (b.bytes && st == ASSAY_OK) st = move(&b, user);
    }
    if (!p->proj || st != ASSAY_OK) return st;
    const cudnn_part *part = &plan->weights.part[q][CUDNN_LINEAR - 1];
    const piece projection = {0, part->matrix, part->matrix_bytes, first + ASSAY_PROJECTION};
    return projection.bytes ? move(&projection, user) : st;
}

typedef struct journey {
    const void *const *from; /* canonical tensors; or NULL */
    void *const *to;
    int needed; /* what is not there is an error */
    char *space;
    cudaStream_t stream;
} journey;

static assay_status copy(void *to, const void *from, int64_t bytes, cudaStream_t stream)
{
    return CUDA_TRY(cudaMemcpyAsync, to, from, (size_t)bytes, cudaMemcpyDeviceToDevice, stream);
}

static assay_status clear_absent(const piece *x, void *user)
{
    const journey *j = user;
    if (x->param >= 0) return ASSAY_OK;
    return CUDA_TRY(cudaMemsetAsync, j->space + x->space, 0, (size_t)x->bytes, j->stream);
}

static assay_status move_in(const piece *x, void *user)
{
    const journey *j = user;
    if (x->param < 0) return ASSAY_OK;
    if (!j->from[x->param]) return j->needed ? ASSAY_BAD_ARGUMENT : ASSAY_OK;
    return copy(j->space + x->space, (const char *)j->from[x->param] + x->tensor, x->bytes, j->stream);
}

static assay_status move_out(const piece *x, void *user)
{
    const journey *j = user;
    if (x->param < 0 || !j->to[x->param]) return ASSAY_OK;
    return copy((char *)j->to[x->param] + x->tensor, j->space + x->space, x->bytes, j->stream);
}

static assay_status each_layer(const assay_plan *plan, assay_status (*move)(const piece *, void *), journey *j)
{
    assay_status st = ASSAY_OK;
    for (int q = 0; q < plan->p.layers * plan->p.directions && st == ASSAY_OK; q++)
        st = each(plan, q, move, j);
    return st;
}

/* The gaps between parts are cleared: what cuDNN does with them is its own affair. */
assay_status cudnn_weights_in(const assay_plan *plan, const void *const *from, int needed, char *space,
                              cudaStream_t stream)
{
    journey j = {.from = from, .needed = needed, .space = space, .stream = stream};
    const assay_status st = CUDA_TRY(cudaMemsetAsync, space, 0, plan->way[CUDNN_USE_TRAIN].weights, stream);
    return st == ASSAY_OK ? each_layer(plan, move_in, &j) : st;
}

assay_status cudnn_weights_out(const assay_plan *plan, char *space, void *const *to, cudaStream_t stream)
{
    journey j = {.to = to, .space = space, .stream = stream};
    return each_layer(plan, move_out, &j);
}

assay_status cudnn_weights_clear_absent(const assay_plan *plan, char *space, cudaStream_t stream)
{
    journey j = {.space = space, .stream = stream};
    return each_layer(plan, clear_absent, &j);
}
