/* cudnn_work.c: what the stand-in for cuDNN computes, late, by the honest implementation `blas`.
 * SPDX-License-Identifier: MIT
 *
 * As the documents say, and no kinder: backward destroys the reserve space, dx past a row's length and gradients of CTC
 * past it are not written, y there is junk without a fill, weight gradients are added, lengths on the device have to be
 * those of the descriptor. A call whose work can't be done ends the process. */
#include "conformance/tests/fake/cudnn.h"
#include "conformance/tests/fake/driver.h"
#include "reference/tensors.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

const assay_impl *assay_blas_entry(void);

enum { FORWARD, BACKWARD_DATA, BACKWARD_WEIGHTS, CTC, TIMES, JUNK = 0xAB };

typedef struct job {
    int what, trains;
    struct cudnnRNNStruct rnn;
    struct cudnnRNNDataStruct x; /* its lens are the job's */
    const int32_t *lens_dev, *labels, *label_lens;
    int32_t *copied;      /* the three, where they came from the host: read when the call is made */
    const char *given[8]; /* x y dy hx cx dhy dcy w */
    char *made[7];        /* y hy cy dx dhx dcx dw */
    char *reserve;
    struct cudnnTensorStruct a, b;
    float scale;
    int most;
} job;

enum { X, Y, DY, HX, CX, DHY, DCY, W };
enum { MY, HY, CY, DX, DHX, DCX, DW };

static const assay_impl *honest(assay_ctx **ctx)
{
    static assay_ctx *made;
    static const assay_open_args one = {.struct_size = sizeof one, .threads = 1};
    const assay_impl *impl = assay_blas_entry();
    if (!made && impl->open(&one, &made) != ASSAY_OK) abort();
    *ctx = made;
    return impl;
}

static size_t rounded(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static void *memory(size_t bytes)
{
    void *got = aligned_alloc(64, rounded(bytes ? bytes : 1));
    if (!got) abort();
    memset(got, 0xFF, rounded(bytes ? bytes : 1));
    return got;
}

static size_t element_of(const assay_problem *p)
{
    return p->arithmetic == ASSAY_FP64 ? 8 : 4;
}

static size_t x_bytes(const assay_problem *p)
{
    return (size_t)p->t * p->n * p->i * element_of(p);
}

static assay_plan *plan_of(const assay_problem *p, assay_sizes *sizes)
{
    assay_ctx *ctx;
    assay_plan *plan = NULL;
    const assay_impl *impl = honest(&ctx);
    if (impl->plan(ctx, p, &plan, sizes) != ASSAY_OK) abort();
    return plan;
}

size_t fake_reserve_bytes(const assay_problem *p)
{
    assay_sizes sizes;
    assay_ctx *ctx;
    honest(&ctx)->plan_free(plan_of(p, &sizes));
    return rounded(sizes.reserve) + rounded(sizes.grads) + x_bytes(p);
}

/* Pointers into a weight space, in the canonical order. */
static void point(const job *j, const assay_problem *p, char *space, void **params)
{
    const int gates = assay_gates(p->dialect.cell);
    const struct {
        int id, is_bias, which;
    } parts[] = {
        {0, 0, ASSAY_W}, {gates, 0, ASSAY_R}, {0, 1, ASSAY_B_IH}, {gates, 1, ASSAY_B_HH}, {8, 0, ASSAY_PROJECTION}};
    for (int q = 0; q < p->layers * p->directions; q++)
        for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
            int64_t offset;
            int rows, columns;
            if (parts[k].which == ASSAY_PROJECTION && !p->proj) continue;
            fake_weight_part(&j->rnn, q, parts[k].id, parts[k].is_bias, &offset, &rows, &columns);
            if (offset >= 0) params[ASSAY_RNN_PARAMS * q + parts[k].which] = space + offset;
        }
}

typedef struct session {
    const assay_impl *impl;
    assay_problem p;
    assay_plan *plan;
    assay_sizes sizes;
    assay_args args;
} session;

static session begin(const job *j)
{
    session s = {.p = fake_problem(&j->rnn, &j->x)};
    assay_ctx *ctx;
    s.impl = honest(&ctx);
    s.plan = plan_of(&s.p, &s.sizes);
    s.args = (assay_args){.struct_size = sizeof s.args, .lens = j->x.lens, .lens_dev = j->x.lens};
    s.args.workspace = memory(s.sizes.workspace);
    s.args.packed = memory(s.sizes.packed);
    s.args.reserve = s.sizes.reserve ? j->reserve : NULL;
    s.args.grads = j->reserve + rounded(s.sizes.reserve);
    if (j->given[W]) point(j, &s.p, (char *)(uintptr_t)j->given[W], (void **)(uintptr_t)s.args.param);
    if (j->given[W] && s.impl->pack(s.plan, &s.args, NULL) != ASSAY_OK) abort();
    return s;
}

static void end(session *s)
{
    s->impl->plan_free(s->plan);
    free(s->args.workspace);
    free(s->args.packed);
}

/* Copies the rows inside their lengths; the others stay as they are, or become junk. */
static void copy_inside(const job *j, const assay_problem *p, char *to, const char *from, int width, int junk)
{
    const size_t bytes = (size_t)width * element_of(p);
    for (int t = 0; t < p->t; t++)
        for (int n = 0; n < p->n; n++) {
            const size_t at = (size_t)assay_row_of(p, t, n) * bytes;
            if (t < j->x.lens[n])
                memcpy(to + at, from + at, bytes);
            else if (junk)
                memset(to + at, JUNK, bytes);
        }
}

static void forward(const job *j)
{
    session s = begin(j);
    const size_t bytes = (size_t)s.p.t * s.p.n * assay_output_width(&s.p) * element_of(&s.p);
    s.args.x = j->given[X];
    s.args.h0 = j->given[HX];
    s.args.c0 = j->given[CX];
    s.args.y = memory(bytes);
    s.args.hn = j->made[HY];
    s.args.cn = j->made[CY];
    if (!j->trains) s.args.reserve = memory(s.sizes.reserve);
    if (s.impl->run(s.plan, j->trains ? ASSAY_TRAIN : ASSAY_INFER, &s.args, NULL) != ASSAY_OK) abort();
    memcpy(j->made[MY], s.args.y, bytes);
    if (!j->x.fills) copy_inside(j, &s.p, j->made[MY], s.args.y, assay_output_width(&s.p), 1);
    if (j->trains)
        memcpy(j->reserve + rounded(s.sizes.reserve) + rounded(s.sizes.grads), j->given[X], x_bytes(&s.p));
    else
        free(s.args.reserve);
    free(s.args.y);
    end(&s);
}

static void backward_data(const job *j)
{
    session s = begin(j);
    s.args.x = j->reserve + rounded(s.sizes.reserve) + rounded(s.sizes.grads);
    s.args.h0 = j->given[HX];
    s.args.c0 = j->given[CX];
    s.args.dy = j->given[DY];
    s.args.dhn = j->given[DHY];
    s.args.dcn = j->given[DCY];
    s.args.dx = memory(x_bytes(&s.p));
    s.args.dh0 = j->made[DHX];
    s.args.dc0 = j->made[DCX];
    void *unread = memory(fake_weight_bytes(&j->rnn)); /* every gradient is wanted */
    point(j, &s.p, unread, s.args.dparam);
    if (s.impl->run(s.plan, ASSAY_BACKWARD, &s.args, NULL) != ASSAY_OK) abort();
    copy_inside(j, &s.p, j->made[DX], s.args.dx, s.p.i, 0);
    memset(j->reserve, JUNK, s.sizes.reserve);
    free(unread);
    free(s.args.dx);
    end(&s);
}

static void add(const assay_problem *p, void *to, const void *from, size_t bytes)
{
    for (size_t k = 0; k < bytes / element_of(p); k++) {
        if (p->arithmetic == ASSAY_FP64)
            ((double *)to)[k] += ((const double *)from)[k];
        else
            ((float *)to)[k] += ((const float *)from)[k];
    }
}

static void backward_weights(const job *j)
{
    session s = begin(j);
    const size_t bytes = fake_weight_bytes(&j->rnn);
    char *made = memory(bytes);
    point(j, &s.p, made, s.args.dparam);
    if (s.impl->unpack(s.plan, &s.args, NULL) != ASSAY_OK) abort();
    add(&s.p, j->made[DW], made, bytes);
    free(made);
    end(&s);
}

static void ctc(const job *j)
{
    assay_problem p = {
        .op = ASSAY_OP_CTC, .t = j->a.dims[0], .n = j->a.dims[1], .classes = j->a.dims[2], .max_label = j->most};
    assay_sizes sizes;
    assay_ctx *ctx;
    const assay_impl *impl = honest(&ctx);
    const size_t row = (size_t)p.classes * sizeof(float), bytes = (size_t)p.t * p.n * row;
    p.arithmetic = ASSAY_FP32;
    p.dialect.ctc_infeasible = ASSAY_INFEASIBLE_ZERO;
    for (int n = 0; n < p.n; n++)
        p.labels += j->label_lens[n];
    assay_plan *plan = plan_of(&p, &sizes);
    float *ones = memory((size_t)p.n * sizeof(float));
    for (int n = 0; n < p.n; n++)
        ones[n] = 1;
    assay_args a = {.struct_size = sizeof a, .x = j->given[X], .lens = j->lens_dev, .labels = j->labels};
    a.label_lens = j->label_lens;
    a.workspace = memory(sizes.workspace);
    a.reserve = memory(sizes.reserve);
    a.loss_rows = j->made[MY];
    a.dloss = ones;
    a.dx = memory(bytes);
    if (impl->run(plan, ASSAY_TRAIN, &a, NULL) != ASSAY_OK) abort();
    if (j->made[DX] && impl->run(plan, ASSAY_BACKWARD, &a, NULL) != ASSAY_OK) abort();
    for (int t = 0; j->made[DX] && t < p.t; t++)
        for (int n = 0; n < p.n; n++)
            if (t < j->lens_dev[n])
                memcpy(j->made[DX] + ((size_t)t * p.n + n) * row, (char *)a.dx + ((size_t)t * p.n + n) * row, row);
    impl->plan_free(plan);
    free(ones);
    free(a.workspace);
    free(a.reserve);
    free(a.dx);
}

static void times(const job *j)
{
    const float *a = (const float *)(const void *)j->given[X], *b = (const float *)(const void *)j->given[Y];
    float *c = (float *)(void *)j->made[MY];
    for (int t = 0; t < j->a.dims[0]; t++)
        for (int n = 0; n < j->a.dims[1]; n++)
            for (int k = 0; k < j->a.dims[2]; k++) {
                const int at = t * j->a.strides[0] + n * j->a.strides[1] + k;
                c[at] = a[at] * (j->scale * b[j->b.dims[1] == 1 ? 0 : n]);
            }
}

static void work(void *argument)
{
    static void (*const works[])(const job *) = {forward, backward_data, backward_weights, ctc, times};
    job *j = argument;
    for (int n = 0; j->x.lens && n < j->x.n; n++)
        if (j->lens_dev[n] != j->x.lens[n]) abort();
    works[j->what](j);
    free(j->x.lens);
    free(j->copied);
    free(j);
}

static void *symbol(const char *name)
{
    void *driver = dlopen("libcuda.so.1", RTLD_NOW), *found = driver ? dlsym(driver, name) : NULL;
    if (!found) abort();
    return found;
}

/* All pointers are the device's, and as aligned as a kernel may want them. */
static cudnnStatus_t put_off(const job *given)
{
    fake_owns *owns;
    fake_enqueue *enqueue;
    void *found = symbol("fake_cuda_owns");
    job *j = malloc(sizeof *j);
    memcpy(&owns, &found, sizeof owns);
    found = symbol("fake_cuda_enqueue");
    memcpy(&enqueue, &found, sizeof enqueue);
    if (!j) return CUDNN_STATUS_ALLOC_FAILED;
    *j = *given;
    int good = !j->reserve || owns(j->reserve, 1);
    for (size_t k = 0; k < sizeof j->given / sizeof *j->given; k++)
        good = good && (!j->given[k] || (owns(j->given[k], 1) && (uintptr_t)j->given[k] % FAKE_ALIGN == 0));
    for (size_t k = 0; k < sizeof j->made / sizeof *j->made; k++)
        good = good && (!j->made[k] || (owns(j->made[k], 1) && (uintptr_t)j->made[k] % FAKE_ALIGN == 0));
    if (j->lens_dev) good = good && !owns(j->lens_dev, 4) == (j->copied != NULL);
    if (good && enqueue(work, j)) return CUDNN_STATUS_SUCCESS;
    free(j->x.lens);
    free(j->copied);
    free(j);
    return CUDNN_STATUS_BAD_PARAM;
}

static cudnnStatus_t stack_job(const struct cudnnRNNStruct *rnn, const struct cudnnRNNDataStruct *x, const int32_t *dev,
                               job *j)
{
    int ragged = 0;
    for (int n = 0; n < x->n; n++)
        ragged |= x->lens[n] != x->t;
    if (ragged && rnn->algo != CUDNN_RNN_ALGO_STANDARD) return CUDNN_STATUS_NOT_SUPPORTED;
    if (rnn->algo == CUDNN_RNN_ALGO_PERSIST_DYNAMIC && rnn->built != x->n) return CUDNN_STATUS_NOT_SUPPORTED;
    j->rnn = *rnn;
    j->x = *x;
    j->lens_dev = dev;
    j->x.lens = malloc((size_t)x->n * sizeof(int32_t));
    if (!j->x.lens) return CUDNN_STATUS_ALLOC_FAILED;
    memcpy(j->x.lens, x->lens, (size_t)x->n * sizeof(int32_t));
    return CUDNN_STATUS_SUCCESS;
}

static int is_size(const struct cudnnRNNStruct *rnn, const struct cudnnRNNDataStruct *x, size_t weights, size_t work,
                   size_t reserve)
{
    const assay_problem p = fake_problem(rnn, x);
    return weights == fake_weight_bytes(rnn) && work >= 48 && reserve >= fake_reserve_bytes(&p);
}

cudnnStatus_t cudnnRNNForward(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnForwardMode_t mode,
                              const int32_t lens[], cudnnRNNDataDescriptor_t xd, const void *x,
                              cudnnRNNDataDescriptor_t yd, void *y, cudnnTensorDescriptor_t hd, const void *hx,
                              void *hy, cudnnTensorDescriptor_t cd, const void *cx, void *cy, size_t weights,
                              const void *w, size_t work_bytes, void *space, size_t reserve_bytes, void *reserve)
{
    const int trains = mode == CUDNN_FWD_MODE_TRAINING;
    job j = {.what = FORWARD,
             .trains = trains,
             .given = {[X] = x, [HX] = hx, [CX] = cx, [W] = w},
             .made = {[MY] = y, [HY] = hy, [CY] = cy},
             .reserve = reserve};
    cudnnStatus_t st = CUDNN_STATUS_BAD_PARAM;
    if (!handle || !x || !y || !lens || !hd || !cd || !space || !yd->fills) return st;
    if (!is_size(rnn, xd, weights, work_bytes, trains ? reserve_bytes : SIZE_MAX)) return st;
    st = stack_job(rnn, xd, lens, &j);
    j.x.fills = yd->fills;
    return st == CUDNN_STATUS_SUCCESS ? put_off(&j) : st;
}

cudnnStatus_t cudnnRNNBackwardData_v8(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, const int32_t lens[],
                                      cudnnRNNDataDescriptor_t yd, const void *y, const void *dy,
                                      cudnnRNNDataDescriptor_t xd, void *dx, cudnnTensorDescriptor_t hd, const void *hx,
                                      const void *dhy, void *dhx, cudnnTensorDescriptor_t cd, const void *cx,
                                      const void *dcy, void *dcx, size_t weights, const void *w, size_t work_bytes,
                                      void *space, size_t reserve_bytes, void *reserve)
{
    job j = {.what = BACKWARD_DATA,
             .given = {[Y] = y, [DY] = dy, [HX] = hx, [CX] = cx, [DHY] = dhy, [DCY] = dcy, [W] = w},
             .made = {[DX] = dx, [DHX] = dhx, [DCX] = dcx},
             .reserve = reserve};
    if (!handle || !y || !dy || !dx || !hd || !cd || !yd || !space) return CUDNN_STATUS_BAD_PARAM;
    if (!is_size(rnn, xd, weights, work_bytes, reserve_bytes)) return CUDNN_STATUS_BAD_PARAM;
    const cudnnStatus_t st = stack_job(rnn, xd, lens, &j);
    return st == CUDNN_STATUS_SUCCESS ? put_off(&j) : st;
}

cudnnStatus_t cudnnRNNBackwardWeights_v8(cudnnHandle_t handle, cudnnRNNDescriptor_t rnn, cudnnWgradMode_t mode,
                                         const int32_t lens[], cudnnRNNDataDescriptor_t xd, const void *x,
                                         cudnnTensorDescriptor_t hd, const void *hx, cudnnRNNDataDescriptor_t yd,
                                         const void *y, size_t weights, void *dw, size_t work_bytes, void *space,
                                         size_t reserve_bytes, void *reserve)
{
    job j = {.what = BACKWARD_WEIGHTS, .given = {[X] = x, [Y] = y, [HX] = hx}, .made = {[DW] = dw}, .reserve = reserve};
    if (!handle || !x || !y || !hd || !yd || !space) return CUDNN_STATUS_BAD_PARAM;
    if (!is_size(rnn, xd, weights, work_bytes, reserve_bytes)) return CUDNN_STATUS_BAD_PARAM;
    if (mode != CUDNN_WGRAD_MODE_ADD) return CUDNN_STATUS_NOT_SUPPORTED;
    const cudnnStatus_t st = stack_job(rnn, xd, lens, &j);
    return st == CUDNN_STATUS_SUCCESS ? put_off(&j) : st;
}

cudnnStatus_t cudnnCTCLoss_v8(cudnnHandle_t handle, cudnnCTCLossAlgo_t algo, cudnnCTCLossDescriptor_t d,
                              const cudnnTensorDescriptor_t probs, const void *x, const int labels[],
                              const int label_lens[], const int lens[], void *costs,
                              const cudnnTensorDescriptor_t gradients_of, void *gradients, size_t work_bytes,
                              void *space)
{
    const job j = {.what = CTC,
                   .a = *probs,
                   .most = d->most,
                   .lens_dev = lens,
                   .labels = labels,
                   .label_lens = label_lens,
                   .given = {[X] = x},
                   .made = {[MY] = costs, [DX] = gradients}};
    if (!handle || !space || work_bytes < 32 || !gradients_of || !costs || algo != CUDNN_CTC_LOSS_ALGO_DETERMINISTIC)
        return CUDNN_STATUS_BAD_PARAM;
    return put_off(&j);
}

/* Lengths and labels of the host: those of the device would be a crash there, and are refused here. */
cudnnStatus_t cudnnCTCLoss(cudnnHandle_t handle, const cudnnTensorDescriptor_t probs, const void *x, const int labels[],
                           const int label_lens[], const int lens[], void *costs,
                           const cudnnTensorDescriptor_t gradients_of, void *gradients, cudnnCTCLossAlgo_t algo,
                           cudnnCTCLossDescriptor_t d, void *space, size_t work_bytes)
{
    const int n = probs->dims[1];
    size_t needed = 0, count = 0;
    fake_owns *owns;
    void *found = symbol("fake_cuda_owns");
    memcpy(&owns, &found, sizeof owns);
    if (owns(labels, 1) || owns(label_lens, 1) || owns(lens, 1)) return CUDNN_STATUS_BAD_PARAM;
    if (cudnnGetCTCLossWorkspaceSize(handle, probs, gradients_of, labels, label_lens, lens, algo, d, &needed) ||
        work_bytes < needed || !space || algo != CUDNN_CTC_LOSS_ALGO_DETERMINISTIC)
        return CUDNN_STATUS_BAD_PARAM;
    for (int k = 0; k < n; k++)
        count += (size_t)label_lens[k];
    int32_t *own = malloc((2 * (size_t)n + count) * sizeof *own);
    if (!own) return CUDNN_STATUS_ALLOC_FAILED;
    memcpy(own, lens, (size_t)n * sizeof *own);
    memcpy(own + n, label_lens, (size_t)n * sizeof *own);
    memcpy(own + 2 * n, labels, count * sizeof *own);
    const job j = {.what = CTC,
                   .a = *probs,
                   .most = d->most,
                   .copied = own,
                   .lens_dev = own,
                   .label_lens = own + n,
                   .labels = own + 2 * n,
                   .given = {[X] = x},
                   .made = {[MY] = costs, [DX] = gradients}};
    return put_off(&j);
}

cudnnStatus_t cudnnOpTensor(cudnnHandle_t handle, const cudnnOpTensorDescriptor_t d, const void *alpha1,
                            const cudnnTensorDescriptor_t ad, const void *a, const void *alpha2,
                            const cudnnTensorDescriptor_t bd, const void *b, const void *beta,
                            const cudnnTensorDescriptor_t cd, void *c)
{
    const float *one = alpha1, *scale = alpha2, *none = beta;
    const job j = {
        .what = TIMES, .a = *ad, .b = *bd, .scale = *one * *scale, .given = {[X] = a, [Y] = b}, .made = {[MY] = c}};
    if (!handle || !d || ad != cd || *none != 0 || ad->count != 4 || bd->dims[0] != 1) return CUDNN_STATUS_BAD_PARAM;
    return put_off(&j);
}
