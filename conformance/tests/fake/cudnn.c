/* cudnn.c: descriptors and sizes of a stand-in for cuDNN, as strict as its documents say, in a layout of its own.
 * SPDX-License-Identifier: MIT
 *
 * It is no cuDNN and proves nothing about it: it shows that impl/cudnn asks for what cuDNN's headers and documents
 * offer. PERSIST_STATIC_SMALL_H takes up to 384 hidden units and rows of one length; PERSIST_STATIC nothing;
 * DYNAMIC what was built. */
#include "conformance/tests/fake/cudnn.h"

#include <stdlib.h>
#include <string.h>

#define MAKE(name, descriptor)                                                                                         \
    cudnnStatus_t cudnnCreate##name(descriptor *out)                                                                   \
    {                                                                                                                  \
        *out = calloc(1, sizeof **out);                                                                                \
        return *out ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_ALLOC_FAILED;                                                \
    }
#define UNMAKE(name, descriptor)                                                                                       \
    cudnnStatus_t cudnnDestroy##name(descriptor old)                                                                   \
    {                                                                                                                  \
        free(old);                                                                                                     \
        return CUDNN_STATUS_SUCCESS;                                                                                   \
    }

struct cudnnDropoutStruct {
    float share;
};
struct cudnnOpTensorStruct {
    cudnnOpTensorOp_t op;
};
struct cudnnContext {
    int made;
};

MAKE(, cudnnHandle_t)
UNMAKE(, cudnnHandle_t)
MAKE(DropoutDescriptor, cudnnDropoutDescriptor_t)
UNMAKE(DropoutDescriptor, cudnnDropoutDescriptor_t)
MAKE(TensorDescriptor, cudnnTensorDescriptor_t)
UNMAKE(TensorDescriptor, cudnnTensorDescriptor_t)
MAKE(RNNDescriptor, cudnnRNNDescriptor_t)
UNMAKE(RNNDescriptor, cudnnRNNDescriptor_t)
MAKE(RNNDataDescriptor, cudnnRNNDataDescriptor_t)
MAKE(CTCLossDescriptor, cudnnCTCLossDescriptor_t)
UNMAKE(CTCLossDescriptor, cudnnCTCLossDescriptor_t)
MAKE(OpTensorDescriptor, cudnnOpTensorDescriptor_t)
UNMAKE(OpTensorDescriptor, cudnnOpTensorDescriptor_t)

cudnnStatus_t cudnnDestroyRNNDataDescriptor(cudnnRNNDataDescriptor_t old)
{
    if (old) free(old->lens);
    free(old);
    return CUDNN_STATUS_SUCCESS;
}

size_t cudnnGetVersion(void)
{
    return CUDNN_VERSION;
}

cudnnStatus_t cudnnAdvVersionCheck(void)
{
    return CUDNN_STATUS_SUCCESS;
}

const char *cudnnGetErrorString(cudnnStatus_t status)
{
    return status == CUDNN_STATUS_BAD_PARAM       ? "CUDNN_STATUS_BAD_PARAM"
           : status == CUDNN_STATUS_NOT_SUPPORTED ? "CUDNN_STATUS_NOT_SUPPORTED"
                                                  : "CUDNN_STATUS_EXECUTION_FAILED";
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream)
{
    (void)stream;
    return handle ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}

cudnnStatus_t cudnnSetDropoutDescriptor(cudnnDropoutDescriptor_t d, cudnnHandle_t handle, float share, void *states,
                                        size_t bytes, unsigned long long seed)
{
    (void)handle, (void)states, (void)bytes, (void)seed;
    d->share = share;
    return share == 0 ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_NOT_SUPPORTED;
}

cudnnStatus_t cudnnSetTensorNdDescriptor(cudnnTensorDescriptor_t d, cudnnDataType_t type, int count, const int dims[],
                                         const int strides[])
{
    d->type = type;
    d->count = count;
    if (count < 3 || count > FAKE_DIMENSIONS) return CUDNN_STATUS_BAD_PARAM;
    for (int k = 0; k < count; k++) {
        d->dims[k] = dims[k];
        d->strides[k] = strides[k];
    }
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetTensorNdDescriptor(const cudnnTensorDescriptor_t d, int most, cudnnDataType_t *type, int *count,
                                         int dims[], int strides[])
{
    *type = d->type;
    *count = d->count;
    for (int k = 0; k < d->count && k < most; k++) {
        dims[k] = d->dims[k];
        strides[k] = d->strides[k];
    }
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetOpTensorDescriptor(cudnnOpTensorDescriptor_t d, cudnnOpTensorOp_t op, cudnnDataType_t type,
                                         cudnnNanPropagation_t nan)
{
    (void)type, (void)nan;
    d->op = op;
    return op == CUDNN_OP_TENSOR_MUL ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_NOT_SUPPORTED;
}

/* ---- stacks ---- */

cudnnStatus_t cudnnSetRNNDescriptor_v8(cudnnRNNDescriptor_t d, cudnnRNNAlgo_t algo, cudnnRNNMode_t cell,
                                       cudnnRNNBiasMode_t bias, cudnnDirectionMode_t direction,
                                       cudnnRNNInputMode_t input, cudnnDataType_t type, cudnnDataType_t precision,
                                       cudnnMathType_t math, int32_t i, int32_t h, int32_t proj, int32_t layers,
                                       cudnnDropoutDescriptor_t dropout, uint32_t flags)
{
    *d = (struct cudnnRNNStruct){algo, cell, bias, math, type, direction + 1, i, h, proj, layers, 0, 0};
    if (!dropout || input != CUDNN_LINEAR_INPUT || precision != type || proj > h || proj < 1 || i < 1)
        return CUDNN_STATUS_BAD_PARAM;
    if (flags != CUDNN_RNN_PADDED_IO_ENABLED) return CUDNN_STATUS_NOT_SUPPORTED;
    if (algo == CUDNN_RNN_ALGO_STANDARD) return CUDNN_STATUS_SUCCESS;
    if (algo == CUDNN_RNN_ALGO_PERSIST_STATIC || type == CUDNN_DATA_DOUBLE || proj != h)
        return CUDNN_STATUS_NOT_SUPPORTED;
    if (bias != CUDNN_RNN_DOUBLE_BIAS && bias != CUDNN_RNN_NO_BIAS) return CUDNN_STATUS_NOT_SUPPORTED;
    return algo == CUDNN_RNN_ALGO_PERSIST_DYNAMIC || h <= 384 ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_NOT_SUPPORTED;
}

cudnnStatus_t cudnnRNNSetClip_v9(cudnnRNNDescriptor_t d, cudnnRNNClipMode_t mode, double low, double high)
{
    if (mode != CUDNN_RNN_CLIP_MINMAX || !(low == -high) || d->cell != CUDNN_LSTM) return CUDNN_STATUS_BAD_PARAM;
    d->clip = high;
    return d->algo == CUDNN_RNN_ALGO_STANDARD ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_NOT_SUPPORTED;
}

cudnnStatus_t cudnnBuildRNNDynamic(cudnnHandle_t handle, cudnnRNNDescriptor_t d, int n)
{
    (void)handle;
    d->built = n;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetRNNDataDescriptor(cudnnRNNDataDescriptor_t d, cudnnDataType_t type, cudnnRNNDataLayout_t layout,
                                        int t, int n, int width, const int lens[], void *fill)
{
    free(d->lens);
    *d = (struct cudnnRNNDataStruct){type, layout, t, n, width, fill != NULL, malloc((size_t)n * sizeof(int32_t))};
    if (!d->lens) return CUDNN_STATUS_ALLOC_FAILED;
    for (int k = 0; k < n; k++) {
        if (lens[k] <= 0 || lens[k] > t) return CUDNN_STATUS_BAD_PARAM;
        d->lens[k] = lens[k];
    }
    return CUDNN_STATUS_SUCCESS;
}

static int gates_of(const struct cudnnRNNStruct *rnn)
{
    return rnn->cell == CUDNN_LSTM ? 4 : rnn->cell == CUDNN_GRU ? 3 : 1;
}

assay_problem fake_problem(const struct cudnnRNNStruct *rnn, const struct cudnnRNNDataStruct *x)
{
    static const int cells[] = {[CUDNN_RNN_RELU] = ASSAY_RNN_RELU,
                                [CUDNN_RNN_TANH] = ASSAY_RNN_TANH,
                                [CUDNN_LSTM] = ASSAY_LSTM,
                                [CUDNN_GRU] = ASSAY_GRU};
    static const int biases[] = {[CUDNN_RNN_NO_BIAS] = ASSAY_BIAS_NONE,
                                 [CUDNN_RNN_SINGLE_INP_BIAS] = ASSAY_BIAS_ONE_INPUT,
                                 [CUDNN_RNN_DOUBLE_BIAS] = ASSAY_BIAS_TWO,
                                 [CUDNN_RNN_SINGLE_REC_BIAS] = ASSAY_BIAS_ONE_RECURRENT};
    assay_problem p = {.op = ASSAY_OP_RNN,
                       .arithmetic = rnn->type == CUDNN_DATA_DOUBLE ? ASSAY_FP64 : ASSAY_FP32,
                       .t = x ? x->t : 1,
                       .n = x ? x->n : 1,
                       .i = rnn->i,
                       .h = rnn->h,
                       .proj = rnn->proj == rnn->h ? 0 : rnn->proj,
                       .layers = rnn->layers,
                       .directions = rnn->directions};
    p.dialect.cell = cells[rnn->cell];
    p.dialect.biases = biases[rnn->bias];
    p.dialect.gru_reset = ASSAY_RESET_AFTER_INSIDE;
    p.dialect.cell_clip = rnn->clip;
    p.dialect.layout =
        x && x->layout == CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED ? ASSAY_BATCH_MAJOR : ASSAY_TIME_MAJOR;
    return p;
}

void fake_weight_part(const struct cudnnRNNStruct *rnn, int pseudo, int id, int is_bias, int64_t *offset, int *rows,
                      int *columns)
{
    const int gates = gates_of(rnn), last = rnn->proj == rnn->h ? 2 * gates : 9;
    const size_t element = fake_element(rnn->type);
    int64_t at = 0;
    *offset = -1;
    for (int biases = 0; biases < 2; biases++)
        for (int q = 0; q < rnn->layers * rnn->directions; q++)
            for (int k = 0; k < last; k++) {
                const int is_projection = k == 8 && last == 9, recurrent = k >= gates;
                const int input = q < rnn->directions ? rnn->i : rnn->proj * rnn->directions;
                const int has_bias = !is_projection && rnn->bias != CUDNN_RNN_NO_BIAS &&
                                     rnn->bias != (recurrent ? CUDNN_RNN_SINGLE_INP_BIAS : CUDNN_RNN_SINGLE_REC_BIAS);
                const int r = is_projection ? rnn->proj : rnn->h;
                const int c = biases ? 1 : is_projection ? rnn->h : recurrent ? rnn->proj : input;
                const int there = biases ? has_bias : k < 2 * gates || is_projection;
                if (!there) continue;
                if (biases == is_bias && q == pseudo && k == id) {
                    *offset = at;
                    *rows = r;
                    *columns = c;
                }
                at += (int64_t)r * c * (int64_t)element;
            }
    if (pseudo < 0) *offset = at;
}

size_t fake_weight_bytes(const struct cudnnRNNStruct *rnn)
{
    int64_t bytes;
    fake_weight_part(rnn, -1, 0, 0, &bytes, NULL, NULL);
    return (size_t)bytes;
}

cudnnStatus_t cudnnGetRNNWeightSpaceSize(cudnnHandle_t handle, cudnnRNNDescriptor_t d, size_t *bytes)
{
    (void)handle;
    *bytes = fake_weight_bytes(d);
    return CUDNN_STATUS_SUCCESS;
}

static void tell_part(const struct cudnnRNNStruct *rnn, int pseudo, int id, int is_bias, char *space,
                      cudnnTensorDescriptor_t d, void **address)
{
    int64_t offset;
    int rows = 0, columns = 0;
    fake_weight_part(rnn, pseudo, id, is_bias, &offset, &rows, &columns);
    *address = offset < 0 ? NULL : space + offset;
    *d = (struct cudnnTensorStruct){rnn->type, 3, {1, rows, columns}, {rows * columns, columns, 1}};
}

cudnnStatus_t cudnnGetRNNWeightParams(cudnnHandle_t handle, cudnnRNNDescriptor_t d, int32_t pseudo, size_t bytes,
                                      const void *space, int32_t id, cudnnTensorDescriptor_t matrix, void **m,
                                      cudnnTensorDescriptor_t bias, void **b)
{
    (void)handle;
    if (!space || bytes != fake_weight_bytes(d) || pseudo >= d->layers * d->directions) return CUDNN_STATUS_BAD_PARAM;
    tell_part(d, pseudo, id, 0, (char *)(uintptr_t)space, matrix, m);
    tell_part(d, pseudo, id, 1, (char *)(uintptr_t)space, bias, b);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetRNNTempSpaceSizes(cudnnHandle_t handle, cudnnRNNDescriptor_t d, cudnnForwardMode_t mode,
                                        cudnnRNNDataDescriptor_t x, size_t *work, size_t *reserve)
{
    const assay_problem p = fake_problem(d, x);
    (void)handle;
    *work = 48;
    *reserve = mode == CUDNN_FWD_MODE_TRAINING ? fake_reserve_bytes(&p) : 0;
    return CUDNN_STATUS_SUCCESS;
}

/* ---- CTC ---- */

cudnnStatus_t cudnnSetCTCLossDescriptor_v9(cudnnCTCLossDescriptor_t d, cudnnDataType_t type,
                                           cudnnLossNormalizationMode_t norm, cudnnCTCGradMode_t gradient, int most)
{
    d->most = most;
    return type == CUDNN_DATA_FLOAT && norm == CUDNN_LOSS_NORMALIZATION_SOFTMAX &&
                   gradient == CUDNN_CTC_ZERO_OOB_GRADIENTS && most >= 1 && most <= 255
               ? CUDNN_STATUS_SUCCESS
               : CUDNN_STATUS_BAD_PARAM;
}

/* As much as the longest string asks for: who planned for shorter ones is found out. */
cudnnStatus_t cudnnGetCTCLossWorkspaceSize(cudnnHandle_t handle, const cudnnTensorDescriptor_t probs,
                                           const cudnnTensorDescriptor_t gradients, const int *labels,
                                           const int *label_lens, const int *lens, cudnnCTCLossAlgo_t algo,
                                           cudnnCTCLossDescriptor_t d, size_t *bytes)
{
    int longest = 0;
    (void)handle, (void)gradients, (void)algo;
    if (probs->count != 3 || !labels || !label_lens || !lens) return CUDNN_STATUS_BAD_PARAM;
    for (int n = 0; n < probs->dims[1]; n++) {
        if (label_lens[n] > d->most) return CUDNN_STATUS_BAD_PARAM;
        if (label_lens[n] > longest) longest = label_lens[n];
    }
    *bytes = 32 + 8 * (size_t)longest;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetCTCLossWorkspaceSize_v8(cudnnHandle_t handle, cudnnCTCLossAlgo_t algo, cudnnCTCLossDescriptor_t d,
                                              const cudnnTensorDescriptor_t probs,
                                              const cudnnTensorDescriptor_t gradients, size_t *bytes)
{
    (void)handle, (void)algo, (void)d, (void)gradients;
    *bytes = 32;
    return probs->count == 3 ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}
