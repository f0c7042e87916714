/* probe_bits.c: gpu-probe-bits: dropout descriptors and masks, bits from run to run and from batch to batch, and what
 * DEFAULT math costs in accuracy, asked of cuDNN itself: one line an answer. SPDX-License-Identifier: MIT
 *
 * Not yet run on a GPU. Probes P7, P9, P10; the rows are those of docs/gpu-limits.md. cuBLASLt, which cuDNN calls,
 * reads CUBLAS_WORKSPACE_CONFIG: ci/gpu.sh runs this program without it and with it. Exit status 77 without a device.
 */
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SKIPPED = 77, T = 50, I = 64, H = 128, MOST_N = 32 };

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        const int status_ = (int)(call);                                                                               \
        if (status_) return failed(#call, status_);                                                                    \
    } while (0)

/* A stack, its memory on the device, and what a pass left, on the host. */
typedef struct stack {
    cudnnHandle_t handle;
    cudnnDropoutDescriptor_t dropout;
    cudnnRNNMode_t cell;
    cudnnMathType_t math;
    int n, layers, input;
    cudnnRNNDescriptor_t rnn;
    cudnnRNNDataDescriptor_t x, y;
    cudnnTensorDescriptor_t state;
    size_t weights, work, reserve;
    char *w, *dw, *space, *kept;
    float *gx, *gy, *gdx, *gdy;
    int *lens;
    float *hy, *hdx, *hdw;
} stack;

static int failed(const char *call, int status)
{
    printf("  %.60s: status %d (%s)\n", call, status, cudnnGetErrorString((cudnnStatus_t)status));
    return 0;
}

static void release(stack *s)
{
    void *const memory[] = {s->w, s->dw, s->space, s->kept, s->gx, s->gy, s->gdx, s->gdy, s->lens};
    for (size_t k = 0; k < sizeof memory / sizeof *memory; k++)
        cudaFree(memory[k]);
    if (s->rnn) cudnnDestroyRNNDescriptor(s->rnn);
    if (s->x) cudnnDestroyRNNDataDescriptor(s->x);
    if (s->y) cudnnDestroyRNNDataDescriptor(s->y);
    if (s->state) cudnnDestroyTensorDescriptor(s->state);
    free(s->hy);
    free(s->hdx);
    free(s->hdw);
    cudaGetLastError();
}

/* The same numbers at the same place in every batch, in -0.5 .. 0.5. */
static float number(uint32_t stream, uint32_t at)
{
    uint32_t z = stream * 0x9e3779b9u + at * 0x85ebca6bu;
    z = (z ^ z >> 16) * 0x7feb352du;
    z = (z ^ z >> 15) * 0x846ca68bu;
    return (float)((z ^ z >> 16) >> 8) * 0x1p-24f - 0.5f;
}

static int upload(float *to, size_t count, uint32_t stream, float scale)
{
    float *numbers = malloc(count * sizeof *numbers);
    if (!numbers) return failed("malloc", 0);
    for (size_t k = 0; k < count; k++)
        numbers[k] = scale * number(stream, (uint32_t)k);
    const cudaError_t error = cudaMemcpy(to, numbers, count * sizeof *numbers, cudaMemcpyHostToDevice);
    free(numbers);
    TRY(error);
    return 1;
}

/* x and dy of sample n are those of sample n in every other batch: the last index but one is n. */
static int upload_rows(float *to, int n, int width, uint32_t stream)
{
    float *numbers = malloc(sizeof(float) * T * (size_t)n * (size_t)width);
    if (!numbers) return failed("malloc", 0);
    for (int t = 0; t < T; t++)
        for (int k = 0; k < n; k++)
            for (int j = 0; j < width; j++)
                numbers[((size_t)t * n + k) * width + j] = number(stream, (uint32_t)((t * MOST_N + k) * width + j));
    const cudaError_t error =
        cudaMemcpy(to, numbers, sizeof(float) * T * (size_t)n * (size_t)width, cudaMemcpyHostToDevice);
    free(numbers);
    TRY(error);
    return 1;
}

static int describe(stack *s)
{
    int lens[MOST_N];
    const int dims[] = {s->layers, s->n, H}, strides[] = {s->n * H, H, 1};
    for (int k = 0; k < MOST_N; k++)
        lens[k] = T;
    TRY(cudnnCreateRNNDescriptor(&s->rnn));
    TRY(cudnnSetRNNDescriptor_v8(s->rnn, CUDNN_RNN_ALGO_STANDARD, s->cell, CUDNN_RNN_DOUBLE_BIAS, CUDNN_UNIDIRECTIONAL,
                                 CUDNN_LINEAR_INPUT, CUDNN_DATA_FLOAT, CUDNN_DATA_FLOAT, s->math, s->input, H, H,
                                 s->layers, s->dropout, CUDNN_RNN_PADDED_IO_ENABLED));
    TRY(cudnnCreateRNNDataDescriptor(&s->x));
    TRY(cudnnCreateRNNDataDescriptor(&s->y));
    TRY(cudnnCreateTensorDescriptor(&s->state));
    TRY(cudnnSetRNNDataDescriptor(s->x, CUDNN_DATA_FLOAT, CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED, T, s->n, s->input,
                                  lens, NULL));
    TRY(cudnnSetRNNDataDescriptor(s->y, CUDNN_DATA_FLOAT, CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED, T, s->n, H, lens,
                                  NULL));
    TRY(cudnnSetTensorNdDescriptor(s->state, CUDNN_DATA_FLOAT, 3, dims, strides));
    TRY(cudnnGetRNNWeightSpaceSize(s->handle, s->rnn, &s->weights));
    TRY(cudnnGetRNNTempSpaceSizes(s->handle, s->rnn, CUDNN_FWD_MODE_TRAINING, s->x, &s->work, &s->reserve));
    TRY(cudaMalloc((void **)&s->lens, sizeof lens));
    TRY(cudaMemcpy(s->lens, lens, sizeof lens, cudaMemcpyHostToDevice));
    return 1;
}

static size_t count_of(const stack *s, int width)
{
    return (size_t)T * (size_t)s->n * (size_t)width;
}

static int begin(stack *s)
{
    if (!describe(s)) return 0;
    TRY(cudaMalloc((void **)&s->w, s->weights));
    TRY(cudaMalloc((void **)&s->dw, s->weights));
    TRY(cudaMalloc((void **)&s->space, s->work + 1));
    TRY(cudaMalloc((void **)&s->kept, s->reserve + 1));
    TRY(cudaMalloc((void **)&s->gx, count_of(s, s->input) * sizeof(float)));
    TRY(cudaMalloc((void **)&s->gdx, count_of(s, s->input) * sizeof(float)));
    TRY(cudaMalloc((void **)&s->gy, count_of(s, H) * sizeof(float)));
    TRY(cudaMalloc((void **)&s->gdy, count_of(s, H) * sizeof(float)));
    s->hy = malloc(count_of(s, H) * sizeof(float));
    s->hdx = malloc(count_of(s, s->input) * sizeof(float));
    s->hdw = malloc(s->weights);
    if (!s->hy || !s->hdx || !s->hdw) return failed("malloc", 0);
    return upload((float *)(void *)s->w, s->weights / sizeof(float), 1, 0.3f) &&
           upload_rows(s->gx, s->n, s->input, 2) && upload_rows(s->gdy, s->n, H, 3);
}

static int pass(stack *s)
{
    TRY(cudaMemset(s->dw, 0, s->weights));
    TRY(cudnnRNNForward(s->handle, s->rnn, CUDNN_FWD_MODE_TRAINING, s->lens, s->x, s->gx, s->y, s->gy, s->state, NULL,
                        NULL, s->state, NULL, NULL, s->weights, s->w, s->work, s->space, s->reserve, s->kept));
    TRY(cudnnRNNBackwardData_v8(s->handle, s->rnn, s->lens, s->y, s->gy, s->gdy, s->x, s->gdx, s->state, NULL, NULL,
                                NULL, s->state, NULL, NULL, NULL, s->weights, s->w, s->work, s->space, s->reserve,
                                s->kept));
    TRY(cudnnRNNBackwardWeights_v8(s->handle, s->rnn, CUDNN_WGRAD_MODE_ADD, s->lens, s->x, s->gx, s->state, NULL, s->y,
                                   s->gy, s->weights, s->dw, s->work, s->space, s->reserve, s->kept));
    TRY(cudaDeviceSynchronize());
    TRY(cudaMemcpy(s->hy, s->gy, count_of(s, H) * sizeof(float), cudaMemcpyDeviceToHost));
    TRY(cudaMemcpy(s->hdx, s->gdx, count_of(s, s->input) * sizeof(float), cudaMemcpyDeviceToHost));
    TRY(cudaMemcpy(s->hdw, s->dw, s->weights, cudaMemcpyDeviceToHost));
    return 1;
}

static stack fresh(const stack *base, int n)
{
    return (stack){.handle = base->handle,
                   .dropout = base->dropout,
                   .cell = CUDNN_LSTM,
                   .math = CUDNN_FMA_MATH,
                   .n = n,
                   .layers = 2,
                   .input = I};
}

/* ---- P9 ---- */

static void same_from_run_to_run(const stack *base)
{
    enum { RUNS = 10 };
    stack s = fresh(base, MOST_N);
    int differ[3] = {0};
    if (begin(&s) && pass(&s)) {
        const size_t bytes[] = {count_of(&s, H) * sizeof(float), count_of(&s, I) * sizeof(float), s.weights};
        float *const now[] = {s.hy, s.hdx, s.hdw};
        void *first[3];
        int ok = 1;
        for (int k = 0; k < 3; k++) {
            first[k] = malloc(bytes[k]);
            ok = ok && first[k];
            if (first[k]) memcpy(first[k], now[k], bytes[k]);
        }
        for (int run = 1; run < RUNS && ok && (ok = pass(&s)); run++)
            for (int k = 0; k < 3; k++)
                differ[k] += memcmp(first[k], now[k], bytes[k]) != 0;
        if (ok)
            printf("  of %d runs after the first, other bits in y %d, dx %d, dW %d\n", RUNS - 1, differ[0], differ[1],
                   differ[2]);
        for (int k = 0; k < 3; k++)
            free(first[k]);
    }
    release(&s);
}

/* Sample 0 alone, among 8, among 32. */
static void same_in_every_batch(const stack *base)
{
    static const int sizes[] = {1, 8};
    stack all = fresh(base, MOST_N);
    if (begin(&all) && pass(&all))
        for (int k = 0; k < 2; k++) {
            stack s = fresh(base, sizes[k]);
            int steps = 0;
            if (begin(&s) && pass(&s)) {
                for (int t = 0; t < T; t++)
                    steps +=
                        memcmp(s.hy + (size_t)t * s.n * H, all.hy + (size_t)t * MOST_N * H, H * sizeof(float)) != 0;
                printf("  sample 0 of %d against sample 0 of %d: other bits in y at %d of %d steps\n", sizes[k], MOST_N,
                       steps, T);
            }
            release(&s);
        }
    release(&all);
}

/* ---- P10 ---- */

static double distance(const float *a, const float *b, size_t count)
{
    double apart = 0, size = 0;
    for (size_t k = 0; k < count; k++) {
        apart += ((double)a[k] - b[k]) * ((double)a[k] - b[k]);
        size += (double)b[k] * b[k];
    }
    return sqrt(apart / size);
}

static void what_default_math_costs(const stack *base)
{
    static const struct {
        cudnnMathType_t math;
        const char *name;
    } maths[] = {{CUDNN_DEFAULT_MATH, "DEFAULT"},
                 {CUDNN_TENSOR_OP_MATH, "TENSOR_OP"},
                 {CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION, "ALLOW_CONVERSION"}};
    stack exact = fresh(base, MOST_N);
    if (begin(&exact) && pass(&exact))
        for (int k = 0; k < 3; k++) {
            stack s = fresh(base, MOST_N);
            s.math = maths[k].math;
            if (begin(&s) && pass(&s))
                printf("  %s against FMA: normwise %.3g in y, %.3g in dx, %.3g in dW\n", maths[k].name,
                       distance(s.hy, exact.hy, count_of(&s, H)), distance(s.hdx, exact.hdx, count_of(&s, I)),
                       distance(s.hdw, exact.hdw, s.weights / sizeof(float)));
            release(&s);
        }
    release(&exact);
}

/* ---- P7 ---- */

static void no_dropout_descriptor(const stack *base)
{
    stack s = fresh(base, 1);
    s.dropout = NULL;
    if (begin(&s) && pass(&s)) printf("  NULL is taken\n");
    release(&s);
}

/* One gate of a plain cell: id 0 the input's matrix and bias, 1 the recurrent ones. */
static int set_part(stack *s, int layer, int id, const float *matrix, const float *bias)
{
    cudnnTensorDescriptor_t m, b;
    void *to_matrix = NULL, *to_bias = NULL;
    TRY(cudnnCreateTensorDescriptor(&m));
    TRY(cudnnCreateTensorDescriptor(&b));
    TRY(cudnnGetRNNWeightParams(s->handle, s->rnn, layer, s->weights, s->w, id, m, &to_matrix, b, &to_bias));
    if (matrix) TRY(cudaMemcpy(to_matrix, matrix, H * H * sizeof(float), cudaMemcpyHostToDevice));
    if (bias) TRY(cudaMemcpy(to_bias, bias, H * sizeof(float), cudaMemcpyHostToDevice));
    cudnnDestroyTensorDescriptor(m);
    cudnnDestroyTensorDescriptor(b);
    return 1;
}

/* The lower layer says 1 everywhere; the upper one repeats what it hears, which is the mask: 0, or 2 where half is
 * dropped. */
static void masks(const stack *base)
{
    static float same[H * H], ones[H];
    stack s = fresh(base, 4);
    void *states = NULL;
    size_t bytes = 0;
    int zeros = 0, moved = 0;
    s.cell = CUDNN_RNN_RELU;
    s.input = H;
    s.dropout = NULL;
    for (int k = 0; k < H; k++)
        same[k * H + k] = ones[k] = 1;
    int ok = cudnnDropoutGetStatesSize(s.handle, &bytes) == CUDNN_STATUS_SUCCESS &&
             cudaMalloc(&states, bytes) == cudaSuccess &&
             cudnnCreateDropoutDescriptor(&s.dropout) == CUDNN_STATUS_SUCCESS &&
             cudnnSetDropoutDescriptor(s.dropout, s.handle, 0.5f, states, bytes, 7) == CUDNN_STATUS_SUCCESS &&
             begin(&s) && cudaMemset(s.w, 0, s.weights) == cudaSuccess && set_part(&s, 0, 0, NULL, ones) &&
             set_part(&s, 1, 0, same, NULL) && pass(&s);
    for (int t = 0; t < T && ok; t++)
        for (int k = 0; k < s.n * H; k++) {
            zeros += s.hy[(size_t)t * s.n * H + k] == 0;
            moved += s.hy[(size_t)t * s.n * H + k] != s.hy[k];
        }
    if (ok)
        printf("  share dropped %.3f; places that differ from step 0: %.3f (0: one mask a sequence, near 0.5: one a "
               "step)\n",
               (double)zeros / ((double)T * s.n * H), (double)moved / ((double)(T - 1) * s.n * H));
    else
        printf("  the masks were not told\n");
    if (s.dropout) cudnnDestroyDropoutDescriptor(s.dropout);
    release(&s);
    cudaFree(states);
}

int main(void)
{
    stack base = {0};
    const char *config = getenv("CUBLAS_WORKSPACE_CONFIG");
    int count = 0;
    if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0) {
        printf("gpu-probe-bits: no GPU\n");
        return SKIPPED;
    }
    if (cudnnCreate(&base.handle) || cudnnCreateDropoutDescriptor(&base.dropout) ||
        cudnnSetDropoutDescriptor(base.dropout, base.handle, 0, NULL, 0, 0)) {
        printf("gpu-probe-bits: cuDNN %zu does not begin\n", cudnnGetVersion());
        return 1;
    }
    printf("cuDNN %zu, CUBLAS_WORKSPACE_CONFIG %s\nequal bits from run to run:\n", cudnnGetVersion(),
           config ? config : "not set");
    same_from_run_to_run(&base);
    printf("equal bits across batches:\n");
    same_in_every_batch(&base);
    printf("math types:\n");
    what_default_math_costs(&base);
    printf("dropout descriptor:\n");
    no_dropout_descriptor(&base);
    printf("dropout masks:\n");
    masks(&base);
    cudnnDestroyDropoutDescriptor(base.dropout);
    cudnnDestroy(base.handle);
    return 0;
}
