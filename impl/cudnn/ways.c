/* ways.c: the algorithms and math types of cuDNN: which of them it takes for a problem, and which one is used.
 * SPDX-License-Identifier: MIT
 *
 * `cudnn` asks for all and takes the fastest; on small problems, where nothing is timed, the most special one that
 * works, so that checks reach it. `cudnn-pytorch` (CUDNN_AS_PYTORCH) takes what PyTorch 2 would:
 * aten/src/ATen/native/cudnn/RNN.cpp, get_algo. Rows shorter than T take STANDARD, as PyTorch's packed sequences do:
 * the others know no lengths. */
#include "impl/cudnn/parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 5 };

static const double worth_timing = 1e8; /* multiply-adds forward; below that a choice is noise, and a build of
                                           PERSIST_DYNAMIC, which compiles for seconds, would take all day */

static const struct {
    cudnnRNNAlgo_t algo;
    const char *name;
} algos[] = {{CUDNN_RNN_ALGO_STANDARD, "STANDARD"},
             {CUDNN_RNN_ALGO_PERSIST_STATIC, "PERSIST_STATIC"},
             {CUDNN_RNN_ALGO_PERSIST_DYNAMIC, "PERSIST_DYNAMIC"},
             {CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H, "PERSIST_STATIC_SMALL_H"}};

/* What an arithmetic allows: FMA alone is fp32 all through; the others may round operands, to tf32 or to half. */
static const struct {
    int asked;
    cudnnMathType_t math;
    const char *name;
} maths[] = {{ASSAY_FP64, CUDNN_FMA_MATH, "FMA"},
             {ASSAY_FP32, CUDNN_FMA_MATH, "FMA"},
             {ASSAY_TF32, CUDNN_DEFAULT_MATH, "DEFAULT"},
             {ASSAY_TF32, CUDNN_TENSOR_OP_MATH, "TENSOR_OP"},
             {ASSAY_FP16, CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION, "TENSOR_OP_ALLOW_CONVERSION"}};

enum { ALGOS = sizeof algos / sizeof *algos, MATHS = sizeof maths / sizeof *maths };

static double macs(const assay_problem *p)
{
    double sum = 0;
    for (int l = 0; l < p->layers; l++)
        sum += (double)assay_gates(p->dialect.cell) * p->h * (assay_layer_input(p, l) + assay_state_width(p));
    return sum * p->directions * p->t * p->n;
}

/* A GRU's recurrent bias alone: whether cuDNN's SINGLE_REC puts it inside of the reset is not documented; two biases,
 * of which one is zero, are. */
static cudnnRNNBiasMode_t bias_mode(const assay_dialect *d)
{
    switch (d->biases) {
    case ASSAY_BIAS_NONE:
        return CUDNN_RNN_NO_BIAS;
    case ASSAY_BIAS_ONE_INPUT:
        return CUDNN_RNN_SINGLE_INP_BIAS;
    case ASSAY_BIAS_ONE_RECURRENT:
        return d->cell == ASSAY_GRU ? CUDNN_RNN_DOUBLE_BIAS : CUDNN_RNN_SINGLE_REC_BIAS;
    default:
        return CUDNN_RNN_DOUBLE_BIAS;
    }
}

static assay_status describe(assay_plan *plan, cudnn_way *w)
{
    static const cudnnRNNMode_t cells[] = {[ASSAY_LSTM] = CUDNN_LSTM,
                                           [ASSAY_GRU] = CUDNN_GRU,
                                           [ASSAY_RNN_TANH] = CUDNN_RNN_TANH,
                                           [ASSAY_RNN_RELU] = CUDNN_RNN_RELU};
    const assay_problem *p = &plan->p;
    const double bound = p->dialect.cell_clip;
    assay_status st = CUDNN_TRY(cudnnCreateRNNDescriptor, &w->rnn);
    if (st == ASSAY_OK)
        st = CUDNN_TRY(cudnnSetRNNDescriptor_v8, w->rnn, w->algo, cells[p->dialect.cell], bias_mode(&p->dialect),
                       p->directions == 2 ? CUDNN_BIDIRECTIONAL : CUDNN_UNIDIRECTIONAL, CUDNN_LINEAR_INPUT, plan->type,
                       plan->type, w->math, p->i, p->h, assay_state_width(p), p->layers, plan->ctx->no_dropout,
                       CUDNN_RNN_PADDED_IO_ENABLED);
    if (st == ASSAY_OK && bound > 0) st = CUDNN_TRY(cudnnRNNSetClip_v9, w->rnn, CUDNN_RNN_CLIP_MINMAX, -bound, bound);
    if (st == ASSAY_OK && w->algo == CUDNN_RNN_ALGO_PERSIST_DYNAMIC)
        st = CUDNN_TRY(cudnnBuildRNNDynamic, plan->ctx->handle, w->rnn, p->n);
    return st;
}

static assay_status measure(assay_plan *plan, cudnn_way *w)
{
    cudnnHandle_t handle = plan->ctx->handle;
    size_t none = 0;
    assay_status st = CUDNN_TRY(cudnnGetRNNWeightSpaceSize, handle, w->rnn, &w->weights);
    if (st == ASSAY_OK)
        st = CUDNN_TRY(cudnnGetRNNTempSpaceSizes, handle, w->rnn, CUDNN_FWD_MODE_INFERENCE, plan->x, &w->work_infer,
                       &none);
    if (st == ASSAY_OK)
        st = CUDNN_TRY(cudnnGetRNNTempSpaceSizes, handle, w->rnn, CUDNN_FWD_MODE_TRAINING, plan->x, &w->work_train,
                       &w->reserve);
    return st;
}

/* Memory of a trial: x, y and their gradients, weights and theirs, what the way asks for; NaN nowhere. */
typedef struct scratch {
    char *block;
    uint64_t x, y, dx, dy, weights, gradients, work, reserve;
} scratch;

static assay_status make_scratch(const assay_plan *plan, const cudnn_way *w, scratch *s)
{
    const assay_problem *p = &plan->p;
    const uint64_t rows = (uint64_t)p->t * p->n * plan->element;
    uint64_t size = 0;
    memset(s, 0, sizeof *s);
    s->x = cudnn_carve(&size, rows * p->i);
    s->dx = cudnn_carve(&size, rows * p->i);
    s->y = cudnn_carve(&size, rows * assay_output_width(p));
    s->dy = cudnn_carve(&size, rows * assay_output_width(p));
    s->weights = cudnn_carve(&size, w->weights);
    s->gradients = cudnn_carve(&size, w->weights);
    s->work = cudnn_carve(&size, w->work_train > w->work_infer ? w->work_train : w->work_infer);
    s->reserve = cudnn_carve(&size, w->reserve);
    assay_status st = CUDA_TRY(cudaMalloc, (void **)&s->block, size);
    return st == ASSAY_OK ? CUDA_TRY(cudaMemset, s->block, 0, size) : st;
}

static assay_status pass_once(const assay_plan *plan, const cudnn_way *w, const scratch *s)
{
    cudnnHandle_t handle = plan->ctx->handle;
    char *b = s->block;
    assay_status st = CUDNN_TRY(cudnnRNNForward, handle, w->rnn, CUDNN_FWD_MODE_TRAINING, plan->full_dev, plan->x,
                                b + s->x, plan->y, b + s->y, plan->h, NULL, NULL, plan->c, NULL, NULL, w->weights,
                                b + s->weights, w->work_train, b + s->work, w->reserve, b + s->reserve);
    if (st == ASSAY_OK)
        st = CUDNN_TRY(cudnnRNNBackwardData_v8, handle, w->rnn, plan->full_dev, plan->y, b + s->y, b + s->dy, plan->x,
                       b + s->dx, plan->h, NULL, NULL, NULL, plan->c, NULL, NULL, NULL, w->weights, b + s->weights,
                       w->work_train, b + s->work, w->reserve, b + s->reserve);
    if (st == ASSAY_OK)
        st = CUDNN_TRY(cudnnRNNBackwardWeights_v8, handle, w->rnn, CUDNN_WGRAD_MODE_ADD, plan->full_dev, plan->x,
                       b + s->x, plan->h, NULL, plan->y, b + s->y, w->weights, b + s->gradients, w->work_train,
                       b + s->work, w->reserve, b + s->reserve);
    return st;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The first round is the trial; of the others the best counts, with everything that the host does. */
static assay_status time_rounds(const assay_plan *plan, cudnn_way *w, const scratch *s, int rounds)
{
    assay_status st = ASSAY_OK;
    for (int k = 0; k < rounds && st == ASSAY_OK; k++) {
        const double start = now();
        st = pass_once(plan, w, s);
        if (st == ASSAY_OK) st = CUDA_TRY(cudaDeviceSynchronize);
        const double seconds = now() - start;
        if (k && (w->seconds == 0 || seconds < w->seconds)) w->seconds = seconds;
    }
    return st;
}

static assay_status infer_once(const assay_plan *plan, const cudnn_way *w, const scratch *s)
{
    char *b = s->block;
    assay_status st = CUDNN_TRY(cudnnRNNForward, plan->ctx->handle, w->rnn, CUDNN_FWD_MODE_INFERENCE, plan->full_dev,
                                plan->x, b + s->x, plan->y, b + s->y, plan->h, NULL, NULL, plan->c, NULL, NULL,
                                w->weights, b + s->weights, w->work_infer, b + s->work, 0, NULL);
    return st == ASSAY_OK ? CUDA_TRY(cudaDeviceSynchronize) : st;
}

/* cuDNN may refuse in any of these calls. A layout of weights other than STANDARD's is refused here: one `packed`
 * serves every way. */
static assay_status attempt(assay_plan *plan, cudnn_way *w, int trains, int rounds)
{
    scratch s = {0};
    cudnn_weights found;
    assay_status st = describe(plan, w);
    if (st == ASSAY_OK) st = measure(plan, w);
    if (st == ASSAY_OK) st = make_scratch(plan, w, &s);
    if (st == ASSAY_OK) st = CUDNN_TRY(cudnnSetStream, plan->ctx->handle, NULL);
    if (st == ASSAY_OK) st = cudnn_weights_find(plan->ctx, &plan->p, w->rnn, s.block + s.weights, w->weights, &found);
    if (st == ASSAY_OK && w->algo == CUDNN_RNN_ALGO_STANDARD) {
        plan->weights = found;
    } else if (st == ASSAY_OK && !cudnn_weights_same(&plan->p, &plan->weights, &found)) {
        snprintf(cudnn_reason(), CUDNN_REASON, "its weights lie otherwise than those of STANDARD");
        st = ASSAY_UNSUPPORTED;
    }
    if (st == ASSAY_OK) st = trains ? time_rounds(plan, w, &s, rounds) : infer_once(plan, w, &s);
    cudaFree(s.block);
    return st;
}

static void drop(cudnn_way *w)
{
    if (w->rnn) cudnnDestroyRNNDescriptor(w->rnn);
    w->rnn = NULL;
}

static void __attribute__((format(printf, 2, 3))) note(assay_plan *plan, const char *format, ...)
{
    const size_t used = strlen(plan->notes);
    va_list list;
    va_start(list, format);
    vsnprintf(plan->notes + used, sizeof plan->notes - used, format, list);
    va_end(list);
}

static const char *algo_name(cudnnRNNAlgo_t algo)
{
    for (int k = 0; k < ALGOS; k++)
        if (algos[k].algo == algo) return algos[k].name;
    return "?";
}

static const char *math_name(cudnnMathType_t math)
{
    for (int k = 0; k < MATHS; k++)
        if (maths[k].math == math) return maths[k].name;
    return "?";
}

/* 1: taken into *kept, which it replaces if it is better. */
static int consider(assay_plan *plan, cudnnRNNAlgo_t algo, cudnnMathType_t math, int trains, cudnn_way *kept)
{
    const int timed = macs(&plan->p) >= worth_timing;
    cudnn_way w = {.algo = algo, .math = math};
    if (attempt(plan, &w, trains, timed ? ROUNDS : 1) != ASSAY_OK) {
        note(plan, "; not %s %s: %s", algo_name(algo), math_name(math), cudnn_reason());
        cudaGetLastError(); /* a refusal that the runtime remembers is no error of the next call */
        drop(&w);
        return 0;
    }
    if (timed && trains) note(plan, "; %s %s %.4g ms", algo_name(algo), math_name(math), w.seconds * 1e3);
    if (kept->rnn && timed && w.seconds >= kept->seconds) {
        drop(&w);
        return 1;
    }
    drop(kept);
    *kept = w;
    return 1;
}

#ifdef CUDNN_AS_PYTORCH
static assay_status choose(assay_plan *plan)
{
    const assay_problem *p = &plan->p;
    const int gated = p->dialect.cell == ASSAY_LSTM || p->dialect.cell == ASSAY_GRU;
    const cudnnMathType_t math = p->arithmetic == ASSAY_TF32 ? CUDNN_DEFAULT_MATH : CUDNN_FMA_MATH;
    const struct {
        cudnn_use use;
        int trains, most; /* hidden units that PERSIST_STATIC_SMALL_H gets */
    } uses[] = {
        {CUDNN_USE_RAGGED, 1, 0}, {CUDNN_USE_TRAIN, 1, gated ? 128 : 256}, {CUDNN_USE_INFER, 0, gated ? 192 : 384}};
    for (size_t k = 0; k < sizeof uses / sizeof *uses; k++) {
        const int is_small = p->h <= uses[k].most && !p->proj && p->arithmetic != ASSAY_FP64;
        cudnn_way *w = &plan->way[uses[k].use];
        if (!consider(plan, is_small ? CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H : CUDNN_RNN_ALGO_STANDARD, math,
                      uses[k].trains, w))
            return ASSAY_FAILED; /* so would PyTorch */
    }
    return ASSAY_OK;
}
#else
static assay_status choose(assay_plan *plan)
{
    cudnn_way *ragged = &plan->way[CUDNN_USE_RAGGED], *train = &plan->way[CUDNN_USE_TRAIN];
    const int build = macs(&plan->p) >= worth_timing;
    for (int a = 0; a < ALGOS; a++)
        for (int m = 0; m < MATHS; m++) {
            if (maths[m].asked != plan->p.arithmetic) continue;
            if (algos[a].algo == CUDNN_RNN_ALGO_PERSIST_DYNAMIC && !build) continue;
            if (algos[a].algo == CUDNN_RNN_ALGO_STANDARD) consider(plan, algos[a].algo, maths[m].math, 1, ragged);
            if (algos[a].algo == CUDNN_RNN_ALGO_STANDARD && !ragged->rnn) return ASSAY_FAILED; /* the reason is set */
            consider(plan, algos[a].algo, maths[m].math, 1, train);
        }
    return consider(plan, train->algo, train->math, 0, &plan->way[CUDNN_USE_INFER]) ? ASSAY_OK : ASSAY_FAILED;
}
#endif

assay_status cudnn_ways_make(assay_plan *plan)
{
    assay_status st = choose(plan);
    char refusals[sizeof plan->notes];
    if (st != ASSAY_OK) return st;
    memcpy(refusals, plan->notes, sizeof refusals);
    plan->notes[0] = '\0';
    const cudnn_way *w = plan->way;
    note(plan, "%s %s; infer %s, short rows %s", algo_name(w[CUDNN_USE_TRAIN].algo), math_name(w[CUDNN_USE_TRAIN].math),
         algo_name(w[CUDNN_USE_INFER].algo), algo_name(w[CUDNN_USE_RAGGED].algo));
    note(plan, "%s", refusals);
    return ASSAY_OK;
}

void cudnn_ways_free(assay_plan *plan)
{
    for (int k = 0; k < CUDNN_USES; k++)
        drop(&plan->way[k]);
}
