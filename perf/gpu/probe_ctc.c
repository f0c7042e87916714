/* probe_ctc.c: gpu-probe-ctc: what cuDNN's CTC does where its documents are silent, through both of its entry points:
 * one line an answer. SPDX-License-Identifier: MIT
 *
 * Not yet run on a GPU. Probe P8; the rows are those of docs/gpu-limits.md. Outputs begin as a number that no loss has
 * by itself, 0.25 or NaN, so that what is not written shows. Exit status 77 without a device. */
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SKIPPED = 77, N = 2, A = 5, MOST_T = 600, MOST_LABELS = 2 * 257 };

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        const int status_ = (int)(call);                                                                               \
        if (status_) return failed(#call, status_);                                                                    \
    } while (0)

typedef struct question {
    const char *what;
    int t, most, device, strided; /* device: the second entry point; strided: stored as (N,T,A) */
    int lens[N], label_lens[N], first_label;
    float before; /* in every output */
    cudnnDataType_t type;
    cudnnCTCLossAlgo_t algo;
    cudnnLossNormalizationMode_t norm;
    cudnnCTCGradMode_t mode;
    float row_sum; /* of the probabilities, where norm is NONE */
} question;

static int failed(const char *call, int status)
{
    printf("    %.70s: %s\n", call, cudnnGetErrorString((cudnnStatus_t)status));
    return 0;
}

/* Memory of one question, on the host and on the device. */
typedef struct memory {
    cudnnCTCLossDescriptor_t loss;
    cudnnTensorDescriptor_t rows;
    float x[MOST_T * N * A], gradient[MOST_T * N * A], costs[N];
    int labels[MOST_LABELS];
    void *gx, *gg, *gc, *space;
    int *glabels, *glabel_lens, *glens;
    size_t bytes;
} memory;

static void fill(const question *q, memory *m)
{
    for (int k = 0; k < q->t * N * A; k++) {
        m->x[k] = q->norm == CUDNN_LOSS_NORMALIZATION_NONE ? q->row_sum / A : 0.1f * (float)(k % 7);
        m->gradient[k] = q->before;
    }
    for (int n = 0; n < N; n++)
        m->costs[n] = q->before;
    for (int k = 0; k < MOST_LABELS; k++)
        m->labels[k] = k == 0 ? q->first_label : 1 + k % (A - 1);
}

static int describe(const question *q, memory *m, cudnnHandle_t handle)
{
    const int dims[] = {q->t, N, A}, plain[] = {N * A, A, 1}, turned[] = {A, q->t * A, 1};
    TRY(cudnnCreateCTCLossDescriptor(&m->loss));
    TRY(cudnnCreateTensorDescriptor(&m->rows));
    TRY(cudnnSetTensorNdDescriptor(m->rows, q->type, 3, dims, q->strided ? turned : plain));
    TRY(cudnnSetCTCLossDescriptor_v9(m->loss, q->type, q->norm, q->mode, q->most));
    if (q->device)
        TRY(cudnnGetCTCLossWorkspaceSize_v8(handle, q->algo, m->loss, m->rows, m->rows, &m->bytes));
    else
        TRY(cudnnGetCTCLossWorkspaceSize(handle, m->rows, m->rows, m->labels, q->label_lens, q->lens, q->algo, m->loss,
                                         &m->bytes));
    return 1;
}

static int put(void **to, const void *from, size_t bytes)
{
    TRY(cudaMalloc(to, bytes));
    TRY(cudaMemcpy(*to, from, bytes, cudaMemcpyHostToDevice));
    return 1;
}

static int compute(const question *q, memory *m, cudnnHandle_t handle)
{
    if (!put(&m->gx, m->x, sizeof m->x) || !put(&m->gg, m->gradient, sizeof m->gradient) ||
        !put(&m->gc, m->costs, sizeof m->costs) || !put((void **)&m->glabels, m->labels, sizeof m->labels) ||
        !put((void **)&m->glabel_lens, q->label_lens, sizeof q->label_lens) ||
        !put((void **)&m->glens, q->lens, sizeof q->lens))
        return 0;
    TRY(cudaMalloc(&m->space, m->bytes + 1));
    if (q->device)
        TRY(cudnnCTCLoss_v8(handle, q->algo, m->loss, m->rows, m->gx, m->glabels, m->glabel_lens, m->glens, m->gc,
                            m->rows, m->gg, m->bytes, m->space));
    else
        TRY(cudnnCTCLoss(handle, m->rows, m->gx, m->labels, q->label_lens, q->lens, m->gc, m->rows, m->gg, q->algo,
                         m->loss, m->space, m->bytes));
    TRY(cudaDeviceSynchronize());
    TRY(cudaMemcpy(m->costs, m->gc, sizeof m->costs, cudaMemcpyDeviceToHost));
    TRY(cudaMemcpy(m->gradient, m->gg, sizeof m->gradient, cudaMemcpyDeviceToHost));
    return 1;
}

static void ask(const question *q, memory *m, cudnnHandle_t handle)
{
    memset(m, 0, sizeof *m);
    fill(q, m);
    printf("  %s, %s labels, algorithm %d, mode %d:\n", q->what, q->device ? "device" : "host", (int)q->algo,
           (int)q->mode);
    if (describe(q, m, handle) && compute(q, m, handle)) {
        const int sample = q->strided ? q->t * A : A, step = q->strided ? A : N * A;
        const float *last = m->gradient + sample + (q->t - 1) * step;
        double sum = 0;
        for (int k = 0; k < A; k++)
            sum += m->gradient[k];
        printf(
            "    costs %.7g %.7g; first gradient of sample 0 %.7g, its row sums to %.3g; last row of sample 1 %.7g\n",
            m->costs[0], m->costs[1], m->gradient[0], sum, last[0]);
    }
    void *const memories[] = {m->gx, m->gg, m->gc, m->space, m->glabels, m->glabel_lens, m->glens};
    for (size_t k = 0; k < sizeof memories / sizeof *memories; k++)
        cudaFree(memories[k]);
    if (m->rows) cudnnDestroyTensorDescriptor(m->rows);
    if (m->loss) cudnnDestroyCTCLossDescriptor(m->loss);
    cudaGetLastError();
}

/* Each question through both entry points, both algorithms and both modes for what lies out of bounds. */
static void ask_all(cudnnHandle_t handle, memory *m)
{
    const question plain = {.what = "plain",
                            .t = 8,
                            .most = 3,
                            .lens = {8, 8},
                            .label_lens = {3, 2},
                            .first_label = 1,
                            .before = 0.25f,
                            .type = CUDNN_DATA_FLOAT,
                            .norm = CUDNN_LOSS_NORMALIZATION_SOFTMAX,
                            .row_sum = 1};
    question asked[12];
    int count = 0;
#define ASK(...)                                                                                                       \
    do {                                                                                                               \
        question *q = &asked[count++];                                                                                 \
        *q = plain;                                                                                                    \
        __VA_ARGS__;                                                                                                   \
    } while (0)
    ASK((void)q);
    ASK(q->what = "no alignment: 3 labels, 2 frames", q->lens[0] = 2);
    ASK(q->what = "past a length, outputs 0.25", q->lens[1] = 4);
    ASK(q->what = "past a length, outputs NaN", q->lens[1] = 4, q->before = NAN);
    ASK(q->what = "an empty string", q->label_lens[0] = 0);
    ASK(q->what = "a row of no frames", q->lens[0] = 0);
    ASK(q->what = "a label that is the blank", q->first_label = 0);
    ASK(q->what = "stored as (N,T,A)", q->strided = 1);
    ASK(q->what = "fp64", q->type = CUDNN_DATA_DOUBLE);
    ASK(q->what = "probabilities that sum to 1", q->norm = CUDNN_LOSS_NORMALIZATION_NONE);
    ASK(q->what = "probabilities that sum to 2", q->norm = CUDNN_LOSS_NORMALIZATION_NONE, q->row_sum = 2);
#undef ASK
    for (int k = 0; k < count; k++)
        for (int way = 0; way < 8; way++) {
            asked[k].device = way & 1;
            asked[k].algo = way & 2 ? CUDNN_CTC_LOSS_ALGO_NON_DETERMINISTIC : CUDNN_CTC_LOSS_ALGO_DETERMINISTIC;
            asked[k].mode = way & 4 ? CUDNN_CTC_SKIP_OOB_GRADIENTS : CUDNN_CTC_ZERO_OOB_GRADIENTS;
            ask(&asked[k], m, handle);
        }
    for (int labels = 255; labels <= 257; labels++)
        for (int way = 0; way < 4; way++) {
            question q = plain;
            char what[32];
            snprintf(what, sizeof what, "%d labels", labels);
            q.what = what;
            q.t = q.lens[0] = q.lens[1] = MOST_T;
            q.most = q.label_lens[0] = labels;
            q.device = way & 1;
            q.algo = way & 2 ? CUDNN_CTC_LOSS_ALGO_NON_DETERMINISTIC : CUDNN_CTC_LOSS_ALGO_DETERMINISTIC;
            ask(&q, m, handle);
        }
}

int main(void)
{
    cudnnHandle_t handle = NULL;
    memory *m = NULL;
    int count = 0;
    if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0) {
        printf("gpu-probe-ctc: no GPU\n");
        return SKIPPED;
    }
    m = malloc(sizeof *m);
    if (!m || cudnnCreate(&handle)) {
        printf("gpu-probe-ctc: cuDNN %zu does not begin\n", cudnnGetVersion());
        free(m);
        return 1;
    }
    printf("cuDNN %zu\n", cudnnGetVersion());
    ask_all(handle, m);
    cudnnDestroy(handle);
    free(m);
    return 0;
}
