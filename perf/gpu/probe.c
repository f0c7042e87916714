/* probe.c: gpu-probe: what cuDNN's documents leave open, asked of cuDNN itself: one line an answer.
 * SPDX-License-Identifier: MIT
 *
 * Not yet run on a GPU. Each probe makes a stack or losses so small that the answer can be told from the numbers; the
 * rows are those of docs/gpu-limits.md. Exit status 77 without a device. */
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SKIPPED = 77, T = 4, N = 2, H = 2, MOST = 256, SPACE = 1 << 22 };

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        const int status_ = (int)(call);                                                                               \
        if (status_) return failed(p, #call, status_);                                                                 \
    } while (0)

/* One stack: T steps, N samples, H units, as wide an input; memory that all of its calls share. */
typedef struct probe {
    cudnnHandle_t handle;
    cudnnDropoutDescriptor_t dropout;
    cudnnRNNDescriptor_t rnn;
    cudnnRNNDataDescriptor_t x, y;
    cudnnTensorDescriptor_t state;
    cudnnRNNMode_t cell;
    cudnnRNNBiasMode_t bias;
    cudnnMathType_t math;
    cudnnDataType_t type;
    cudnnRNNAlgo_t algo;
    cudnnDirectionMode_t directions;
    int layers, lens[N];
    double clip;
    int fills, lacks_lens;
    int other_lens; /* the device's lengths are these, whatever the descriptor says; 0: the same */
    int *lens_dev;
    size_t weights, work, reserve;
    char *w, *dw, *space, *kept;
    float *gx, *gy, *gdx, *gdy, *h0, *c0, *hn, *cn, *dh0, *dc0; /* on the device */
    float hx[MOST], hy[MOST], hcn[MOST], hdx[MOST], hdc0[MOST], hdw[4096];
} probe;

static int failed(const probe *p, const char *call, int status)
{
    (void)p;
    printf("  %.60s: %s\n", call, cudnnGetErrorString((cudnnStatus_t)status));
    return 0;
}

static void release(probe *p)
{
    if (p->rnn) cudnnDestroyRNNDescriptor(p->rnn);
    if (p->x) cudnnDestroyRNNDataDescriptor(p->x);
    if (p->y) cudnnDestroyRNNDataDescriptor(p->y);
    if (p->state) cudnnDestroyTensorDescriptor(p->state);
    void *const memory[] = {p->w,        p->dw, p->space, p->kept, p->gx, p->gy,  p->gdx, p->gdy,
                            p->lens_dev, p->h0, p->c0,    p->hn,   p->cn, p->dh0, p->dc0};
    for (size_t k = 0; k < sizeof memory / sizeof *memory; k++)
        cudaFree(memory[k]);
    cudaGetLastError();
}

static int describe(probe *p)
{
    static const float zero;
    const int d = p->directions == CUDNN_BIDIRECTIONAL ? 2 : 1;
    const int dims[] = {p->layers * d, N, H}, strides[] = {N * H, H, 1};
    void *fill = p->fills ? (void *)&zero : NULL;
    TRY(cudnnCreateRNNDescriptor(&p->rnn));
    TRY(cudnnSetRNNDescriptor_v8(p->rnn, p->algo, p->cell, p->bias, p->directions, CUDNN_LINEAR_INPUT, p->type, p->type,
                                 p->math, H, H, H, p->layers, p->dropout, CUDNN_RNN_PADDED_IO_ENABLED));
    if (p->clip > 0) TRY(cudnnRNNSetClip_v9(p->rnn, CUDNN_RNN_CLIP_MINMAX, -p->clip, p->clip));
    if (p->algo == CUDNN_RNN_ALGO_PERSIST_DYNAMIC) TRY(cudnnBuildRNNDynamic(p->handle, p->rnn, N));
    TRY(cudnnCreateRNNDataDescriptor(&p->x));
    TRY(cudnnCreateRNNDataDescriptor(&p->y));
    TRY(cudnnCreateTensorDescriptor(&p->state));
    TRY(cudnnSetRNNDataDescriptor(p->x, p->type, CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED, T, N, H, p->lens, fill));
    TRY(cudnnSetRNNDataDescriptor(p->y, p->type, CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED, T, N, d * H, p->lens, fill));
    TRY(cudnnSetTensorNdDescriptor(p->state, p->type, 3, dims, strides));
    TRY(cudnnGetRNNWeightSpaceSize(p->handle, p->rnn, &p->weights));
    TRY(cudnnGetRNNTempSpaceSizes(p->handle, p->rnn, CUDNN_FWD_MODE_TRAINING, p->x, &p->work, &p->reserve));
    if (p->work > SPACE || p->reserve > SPACE || p->weights > sizeof p->hdw) return failed(p, "sizes", 1);
    return 1;
}

/* Outputs begin as 0.25, a number that no probe makes by itself. */
static int allocate(probe *p)
{
    float junk[MOST];
    float **const floats[] = {&p->gx, &p->gy, &p->gdx, &p->gdy, &p->h0, &p->c0, &p->hn, &p->cn, &p->dh0, &p->dc0};
    for (int k = 0; k < MOST; k++)
        junk[k] = 0.25f;
    TRY(cudaMalloc((void **)&p->w, p->weights));
    TRY(cudaMalloc((void **)&p->dw, p->weights));
    TRY(cudaMalloc((void **)&p->space, SPACE));
    TRY(cudaMalloc((void **)&p->kept, SPACE));
    TRY(cudaMemset(p->w, 0, p->weights));
    TRY(cudaMemset(p->dw, 0, p->weights));
    for (size_t k = 0; k < sizeof floats / sizeof *floats; k++) {
        TRY(cudaMalloc((void **)floats[k], sizeof junk));
        TRY(cudaMemcpy(*floats[k], junk, sizeof junk, cudaMemcpyHostToDevice));
    }
    if (!p->lacks_lens) {
        TRY(cudaMalloc((void **)&p->lens_dev, sizeof p->lens));
        const int other[N] = {p->other_lens, p->other_lens};
        TRY(cudaMemcpy(p->lens_dev, p->other_lens ? other : p->lens, sizeof p->lens, cudaMemcpyHostToDevice));
    }
    TRY(cudaMemset(p->h0, 0, sizeof junk));
    TRY(cudaMemset(p->c0, 0, sizeof junk));
    TRY(cudaMemset(p->gdy, 0, sizeof junk));
    for (int k = 0; k < T * N * H; k++)
        p->hx[k] = 0.1f * (float)(k % 7) - 0.2f;
    return 1;
}

static int begin(probe *p)
{
    return describe(p) && allocate(p);
}

/* Fills one part of the weights with a number: id as in cudnnGetRNNWeightParams. */
static int set_part(probe *p, int id, int is_bias, float value)
{
    cudnnTensorDescriptor_t m, b;
    void *matrix = NULL, *bias = NULL;
    float values[H * H];
    for (int k = 0; k < H * H; k++)
        values[k] = value;
    TRY(cudnnCreateTensorDescriptor(&m));
    TRY(cudnnCreateTensorDescriptor(&b));
    TRY(cudnnGetRNNWeightParams(p->handle, p->rnn, 0, p->weights, p->w, id, m, &matrix, b, &bias));
    void *to = is_bias ? bias : matrix;
    if (to) TRY(cudaMemcpy(to, values, (is_bias ? H : H * H) * sizeof(float), cudaMemcpyHostToDevice));
    cudnnDestroyTensorDescriptor(m);
    cudnnDestroyTensorDescriptor(b);
    return 1;
}

static int forward(probe *p)
{
    TRY(cudaMemcpy(p->gx, p->hx, sizeof p->hx, cudaMemcpyHostToDevice));
    TRY(cudnnRNNForward(p->handle, p->rnn, CUDNN_FWD_MODE_TRAINING, p->lens_dev, p->x, p->gx, p->y, p->gy, p->state,
                        p->h0, p->hn, p->state, p->c0, p->cn, p->weights, p->w, p->work, p->space, p->reserve,
                        p->kept));
    TRY(cudaDeviceSynchronize());
    TRY(cudaMemcpy(p->hy, p->gy, sizeof p->hy, cudaMemcpyDeviceToHost));
    TRY(cudaMemcpy(p->hcn, p->cn, sizeof p->hcn, cudaMemcpyDeviceToHost));
    return 1;
}

static int backward(probe *p, cudnnWgradMode_t mode)
{
    TRY(cudnnRNNBackwardData_v8(p->handle, p->rnn, p->lens_dev, p->y, p->gy, p->gdy, p->x, p->gdx, p->state, p->h0,
                                NULL, p->dh0, p->state, p->c0, p->hn, p->dc0, p->weights, p->w, p->work, p->space,
                                p->reserve, p->kept));
    TRY(cudnnRNNBackwardWeights_v8(p->handle, p->rnn, mode, p->lens_dev, p->x, p->gx, p->state, p->h0, p->y, p->gy,
                                   p->weights, p->dw, p->work, p->space, p->reserve, p->kept));
    TRY(cudaDeviceSynchronize());
    TRY(cudaMemcpy(p->hdx, p->gdx, sizeof p->hdx, cudaMemcpyDeviceToHost));
    TRY(cudaMemcpy(p->hdc0, p->dc0, sizeof p->hdc0, cudaMemcpyDeviceToHost));
    TRY(cudaMemcpy(p->hdw, p->dw, p->weights, cudaMemcpyDeviceToHost));
    return 1;
}

static probe fresh(const probe *base)
{
    probe p = {.handle = base->handle,
               .dropout = base->dropout,
               .cell = CUDNN_LSTM,
               .bias = CUDNN_RNN_DOUBLE_BIAS,
               .math = CUDNN_FMA_MATH,
               .type = CUDNN_DATA_FLOAT,
               .directions = CUDNN_UNIDIRECTIONAL,
               .layers = 1,
               .lens = {T, T},
               .fills = 1};
    return p;
}

/* All weights 0 but the recurrent bias of r and n: then r = s(1), n = tanh(r*0 + 2) outside, tanh(r*2) inside. */
static void recurrent_bias(const probe *base)
{
    probe p = fresh(base);
    p.cell = CUDNN_GRU;
    p.bias = CUDNN_RNN_SINGLE_REC_BIAS;
    if (begin(&p) && set_part(&p, 3, 1, 1) && set_part(&p, 5, 1, 2) && forward(&p)) {
        const double z = 0.5, r = 1 / (1 + exp(-1.0));
        printf("  y %.7g; inside %.7g, outside %.7g\n", p.hy[0], (1 - z) * tanh(2 * r), (1 - z) * tanh(2));
    }
    release(&p);
}

/* i and g near 1, f near 1: the cell grows by about 1 a step, bound 0.5. cn shows what is kept, dc0 what the bound
 * does. */
static void clipped_cell(const probe *base)
{
    probe p = fresh(base);
    float ones[MOST];
    for (int k = 0; k < MOST; k++)
        ones[k] = 1;
    p.clip = 0.5;
    if (begin(&p) && set_part(&p, 0, 1, 5) && set_part(&p, 1, 1, 5) && set_part(&p, 2, 1, 5) && set_part(&p, 3, 1, 5) &&
        forward(&p) && cudaMemcpy(p.hn, ones, sizeof ones, cudaMemcpyHostToDevice) == cudaSuccess &&
        backward(&p, CUDNN_WGRAD_MODE_ADD))
        printf("  cn %.7g (bound 0.5), dc0 for dcn = 1: %.7g (0: cut beyond the bound; near 0.97: passed)\n", p.hcn[0],
               p.hdc0[0]);
    release(&p);
}

/* c0 on the bound, f exactly 1 by saturation, nothing added: is that place cut? */
static void on_the_bound(const probe *base)
{
    probe p = fresh(base);
    float ones[MOST], halves[MOST];
    for (int k = 0; k < MOST; k++) {
        ones[k] = 1;
        halves[k] = 0.5f;
    }
    p.clip = 0.5;
    if (begin(&p) && set_part(&p, 1, 1, 100) &&
        cudaMemcpy(p.c0, halves, sizeof halves, cudaMemcpyHostToDevice) == cudaSuccess && forward(&p) &&
        cudaMemcpy(p.hn, ones, sizeof ones, cudaMemcpyHostToDevice) == cudaSuccess &&
        backward(&p, CUDNN_WGRAD_MODE_ADD))
        printf("  on the bound: cn %.7g, dc0 for dcn = 1: %.7g (0: cut, 1: passed)\n", p.hcn[0], p.hdc0[0]);
    release(&p);
}

static void nan_in_padded_dy(const probe *base)
{
    probe p = fresh(base);
    float dy[MOST] = {0};
    p.lens[1] = 2;
    for (int t = 2; t < T; t++)
        for (int h = 0; h < H; h++)
            dy[(t * N + 1) * H + h] = NAN;
    if (begin(&p) && set_part(&p, 2, 0, 0.5f) && forward(&p) &&
        cudaMemcpy(p.gdy, dy, sizeof dy, cudaMemcpyHostToDevice) == cudaSuccess && backward(&p, CUDNN_WGRAD_MODE_ADD))
        printf("  NaN in padded dy: dx inside %g, dx there %g, first dW %g\n", p.hdx[N * H], p.hdx[(2 * N + 1) * H],
               p.hdw[0]);
    release(&p);
}

static void lengths_that_disagree(const probe *base)
{
    probe p = fresh(base);
    p.lens[1] = 2;
    p.other_lens = 3;
    if (begin(&p) && set_part(&p, 2, 0, 0.5f) && forward(&p))
        printf("  host 4 and 2, device 3 and 3: y of row 0 at step 3 %g, of row 1 at step 2 %g (0: past the length)\n",
               p.hy[3 * N * H], p.hy[(2 * N + 1) * H]);
    release(&p);
}

static void padding(const probe *base, int fills)
{
    probe p = fresh(base);
    p.lens[1] = 2;
    p.fills = fills;
    if (begin(&p)) {
        for (int t = 2; t < T; t++)
            for (int h = 0; h < H; h++)
                p.hx[(t * N + 1) * H + h] = NAN;
        if (set_part(&p, 2, 0, 0.5f) && forward(&p) && backward(&p, CUDNN_WGRAD_MODE_ADD))
            printf(
                "  fill %d, NaN in padded x: y there %g, y inside %g, dx there %g, first dW %g (0.25: not written)\n",
                fills, p.hy[(2 * N + 1) * H], p.hy[N * H], p.hdx[(2 * N + 1) * H], p.hdw[0]);
    }
    release(&p);
}

static void no_lengths(const probe *base)
{
    probe p = fresh(base);
    p.lacks_lens = 1;
    p.lens[1] = 2;
    if (begin(&p) && set_part(&p, 2, 0, 0.5f) && forward(&p) && backward(&p, CUDNN_WGRAD_MODE_ADD))
        printf("  NULL is taken; y inside %g, past the length %g\n", p.hy[N * H], p.hy[(2 * N + 1) * H]);
    release(&p);
}

static void gradient_mode(const probe *base)
{
    probe p = fresh(base);
    if (begin(&p) && set_part(&p, 2, 0, 0.5f) && forward(&p) && backward(&p, CUDNN_WGRAD_MODE_SET))
        printf("  SET is taken\n");
    release(&p);
}

static void algorithms(const probe *base)
{
    static const char *const names[] = {"STANDARD", "PERSIST_STATIC", "PERSIST_DYNAMIC", "PERSIST_STATIC_SMALL_H"};
    for (int a = 0; a < CUDNN_RNN_ALGO_COUNT; a++) {
        for (int what = 0; what < 6; what++) {
            static const char *const asked[] = {"plain",      "fp64",    "two directions",
                                                "two layers", "clipped", "no biases"};
            probe p = fresh(base);
            p.algo = (cudnnRNNAlgo_t)a;
            if (what == 1) p.type = CUDNN_DATA_DOUBLE;
            if (what == 2) p.directions = CUDNN_BIDIRECTIONAL;
            if (what == 3) p.layers = 2;
            if (what == 4) p.clip = 1;
            if (what == 5) p.bias = CUDNN_RNN_NO_BIAS;
            printf("  %s, %s:\n", names[a], asked[what]);
            if (begin(&p) && forward(&p) && backward(&p, CUDNN_WGRAD_MODE_ADD)) printf("  taken\n");
            release(&p);
        }
    }
}

/* Two samples of T frames, three classes. The first has a string that needs more frames than there are. */
static int ctc(const probe *p, cudnnCTCGradMode_t mode)
{
    enum { A = 3, ROWS = T * N * A };
    const int labels[] = {1, 1, 1, 2}, label_lens[] = {3, 1}, lens[] = {T, 2};
    const int dims[] = {T, N, A}, strides[] = {N * A, A, 1};
    cudnnCTCLossDescriptor_t loss;
    cudnnTensorDescriptor_t d;
    float x[ROWS], costs[N] = {0.25f, 0.25f}, gradient[ROWS], *gx, *gc, *gg;
    char *space;
    size_t bytes = 0;
    for (int k = 0; k < ROWS; k++) {
        x[k] = 0.1f * (float)(k % 5);
        gradient[k] = 0.25f;
    }
    TRY(cudnnCreateCTCLossDescriptor(&loss));
    TRY(cudnnCreateTensorDescriptor(&d));
    TRY(cudnnSetTensorNdDescriptor(d, CUDNN_DATA_FLOAT, 3, dims, strides));
    TRY(cudnnSetCTCLossDescriptor_v9(loss, CUDNN_DATA_FLOAT, CUDNN_LOSS_NORMALIZATION_SOFTMAX, mode, 3));
    TRY(cudnnGetCTCLossWorkspaceSize(p->handle, d, d, labels, label_lens, lens, CUDNN_CTC_LOSS_ALGO_DETERMINISTIC, loss,
                                     &bytes));
    TRY(cudaMalloc((void **)&gx, sizeof x));
    TRY(cudaMalloc((void **)&gc, sizeof costs));
    TRY(cudaMalloc((void **)&gg, sizeof gradient));
    TRY(cudaMalloc((void **)&space, bytes + 1));
    TRY(cudaMemcpy(gx, x, sizeof x, cudaMemcpyHostToDevice));
    TRY(cudaMemcpy(gc, costs, sizeof costs, cudaMemcpyHostToDevice));
    TRY(cudaMemcpy(gg, gradient, sizeof gradient, cudaMemcpyHostToDevice));
    TRY(cudnnCTCLoss(p->handle, d, gx, labels, label_lens, lens, gc, d, gg, CUDNN_CTC_LOSS_ALGO_DETERMINISTIC, loss,
                     space, bytes));
    TRY(cudaDeviceSynchronize());
    TRY(cudaMemcpy(costs, gc, sizeof costs, cudaMemcpyDeviceToHost));
    TRY(cudaMemcpy(gradient, gg, sizeof gradient, cudaMemcpyDeviceToHost));
    printf("  mode %d: cost without alignment %g, its gradient %g; past the length %g (0.25: not written)\n", (int)mode,
           costs[0], gradient[0], gradient[(2 * N + 1) * A]);
    cudaFree(gx);
    cudaFree(gc);
    cudaFree(gg);
    cudaFree(space);
    cudnnDestroyTensorDescriptor(d);
    cudnnDestroyCTCLossDescriptor(loss);
    return 1;
}

int main(void)
{
    probe base = {0}, *p = &base;
    int count = 0;
    if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0) {
        printf("gpu-probe: no GPU\n");
        return SKIPPED;
    }
    if (cudnnCreate(&base.handle) || cudnnCreateDropoutDescriptor(&base.dropout) ||
        cudnnSetDropoutDescriptor(base.dropout, base.handle, 0, NULL, 0, 0)) {
        printf("gpu-probe: cuDNN %zu does not begin\n", cudnnGetVersion());
        return 1;
    }
    printf("cuDNN %zu\nGRU, SINGLE_REC_BIAS:\n", cudnnGetVersion());
    recurrent_bias(p);
    printf("clipped cell:\n");
    clipped_cell(p);
    on_the_bound(p);
    printf("padding:\n");
    padding(p, 0);
    padding(p, 1);
    nan_in_padded_dy(p);
    printf("devSeqLengths:\n");
    no_lengths(p);
    lengths_that_disagree(p);
    printf("CUDNN_WGRAD_MODE_SET:\n");
    gradient_mode(p);
    printf("algorithms:\n");
    algorithms(p);
    printf("CTC:\n");
    ctc(p, CUDNN_CTC_ZERO_OOB_GRADIENTS);
    ctc(p, CUDNN_CTC_SKIP_OOB_GRADIENTS);
    cudnnDestroyDropoutDescriptor(base.dropout);
    cudnnDestroy(base.handle);
    return 0;
}
