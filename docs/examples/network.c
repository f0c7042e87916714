/* network.c: networks around a recurrent stack or a loss that is a plugin of its own, to time it where it is used.
 * SPDX-License-Identifier: MIT
 *
 * assay bench times training steps of whole networks. Of one, this plugin takes the recurrent stack from the plugin
 * STACK, the loss from the plugin LOSS (paths, given to the compiler; docs/adding-an-implementation.md), and has a
 * linear layer and an optimizer in plain loops. All that it asks of either is the ABI. */
#include "impl/impl.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef LOSS_BY
#define LOSS_BY "own" /* who wrote the loss, for the record */
#endif

/* A plugin inside this one. */
typedef struct guest {
    void *library;
    const assay_impl *impl;
    assay_ctx *ctx;
} guest;

struct assay_ctx {
    guest stack, loss;
};

/* Offsets into the four blocks, in floats; what is the stack's own stands first in each. */
typedef struct offsets {
    uint64_t w, m, v;                                 /* packed: parameters and moments as they came */
    uint64_t dense;                                   /* grads: of the linear layer */
    uint64_t y, logits, dlogits, loss_kept;           /* reserve; the last is the loss's own */
    uint64_t loss_work, y_now, logits_now, dy, grads; /* workspace; gradients as parameters lie */
} offsets;

struct assay_plan {
    assay_problem p;
    const assay_impl *stack_impl, *loss_impl;
    assay_plan *stack, *loss;
    int64_t start[ASSAY_MAX_PARAMS + 1]; /* where each parameter begins in a block of them, and their end */
    offsets at;
    float one[]; /* dloss */
};

static assay_status open_guest(const char *path, const assay_open_args *args, guest *g)
{
    const assay_impl *(*entry)(void) = NULL;
    g->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!g->library) fprintf(stderr, "%s\n", dlerror()); /* the verdict quotes it */
    if (g->library) *(void **)&entry = dlsym(g->library, "assay_impl_entry");
    g->impl = entry ? entry() : NULL;
    if (!g->impl || g->impl->abi_version != ASSAY_ABI_VERSION) return ASSAY_FAILED;
    return g->impl->open(args, &g->ctx);
}

static assay_status open_context(const assay_open_args *args, assay_ctx **out)
{
    assay_ctx *c = (assay_ctx *)calloc(1, sizeof *c);
    if (!c) return ASSAY_NO_MEMORY;
    assay_status st = open_guest(STACK, args, &c->stack);
    if (st == ASSAY_OK) st = open_guest(LOSS, args, &c->loss);
    if (st == ASSAY_OK) *out = c;
    return st; /* a worker whose open() fails ends */
}

static void close_context(assay_ctx *c)
{
    if (!c) return;
    c->stack.impl->close(c->stack.ctx);
    c->loss.impl->close(c->loss.ctx);
    free(c);
}

/* The stack of a network as a problem of its own; its output is dense. */
static assay_problem stack_of(const assay_problem *p)
{
    assay_problem q = *p;
    assay_dialect *d = &q.dialect;
    if (p->op == ASSAY_OP_RNN) return q;
    q.op = ASSAY_OP_RNN;
    q.classes = q.max_label = q.labels = q.head = q.loss = q.dense_bias = q.optimizer = q.y_stride = 0;
    q.lr = q.beta1 = q.beta2 = q.epsilon = 0;
    d->xent_reduction = d->xent_ignores = d->xent_ignore_index = d->xent_weighted = d->xent_smoothing_to = 0;
    d->ctc_reduction = d->ctc_blank = d->ctc_infeasible = d->ctc_labels = d->ctc_input = d->ctc_gradient = 0;
    d->ctc_collapse = d->ctc_repeats = 0;
    d->xent_smoothing = 0;
    return q;
}

/* Its loss likewise. One row a sample (HEAD_LAST) is one step. */
static assay_problem loss_of(const assay_problem *p)
{
    const assay_dialect *from = &p->dialect;
    assay_problem q = {.op = p->loss == ASSAY_LOSS_CTC ? ASSAY_OP_CTC : ASSAY_OP_XENT,
                       .arithmetic = p->arithmetic,
                       .t = p->head == ASSAY_HEAD_LAST ? 1 : p->t,
                       .n = p->n,
                       .classes = p->classes,
                       .max_label = p->max_label,
                       .labels = p->labels};
    assay_dialect *d = &q.dialect;
    if (p->op != ASSAY_OP_NETWORK) return *p;
    d->layout = p->head == ASSAY_HEAD_LAST ? ASSAY_TIME_MAJOR : from->layout;
    d->xent_reduction = from->xent_reduction, d->xent_ignores = from->xent_ignores;
    d->xent_ignore_index = from->xent_ignore_index, d->xent_weighted = from->xent_weighted;
    d->xent_smoothing_to = from->xent_smoothing_to, d->xent_smoothing = from->xent_smoothing;
    d->ctc_reduction = from->ctc_reduction, d->ctc_blank = from->ctc_blank;
    d->ctc_infeasible = from->ctc_infeasible, d->ctc_labels = from->ctc_labels;
    d->ctc_input = from->ctc_input, d->ctc_gradient = from->ctc_gradient;
    d->ctc_collapse = from->ctc_collapse, d->ctc_repeats = from->ctc_repeats;
    return q;
}

static assay_status supports(assay_ctx *c, const assay_problem *p, assay_arithmetic *declared, const char **why)
{
    const assay_problem loss = loss_of(p), rnn = stack_of(p);
    if (p->op == ASSAY_OP_RNN) return c->stack.impl->supports(c->stack.ctx, p, declared, why);
    if (p->op != ASSAY_OP_NETWORK) return c->loss.impl->supports(c->loss.ctx, p, declared, why);
    *why = "networks of numbers in fp32 that end in a loss, alone";
    if (p->arithmetic != ASSAY_FP32 || p->loss == ASSAY_LOSS_NONE || p->vocab) return ASSAY_UNSUPPORTED;
    const assay_status st = c->loss.impl->supports(c->loss.ctx, &loss, declared, why);
    /* What the stack declares is declared: its gates err by more than expf and logf. */
    return st == ASSAY_OK ? c->stack.impl->supports(c->stack.ctx, &rnn, declared, why) : st;
}

static int64_t size_of(const assay_problem *p, int k)
{
    const int first = assay_param_head(p, 0), which = k < first ? k % ASSAY_RNN_PARAMS : -1;
    const int64_t rows = (int64_t)assay_gates(p->dialect.cell) * p->h, y = assay_output_width(p);
    const int biases = p->dialect.biases;
    if (which == ASSAY_W) return rows * assay_layer_input(p, k / (ASSAY_RNN_PARAMS * p->directions));
    if (which == ASSAY_R) return rows * assay_state_width(p);
    if (which == ASSAY_B_IH) return biases == ASSAY_BIAS_ONE_INPUT || biases == ASSAY_BIAS_TWO ? rows : 0;
    if (which == ASSAY_B_HH) return biases == ASSAY_BIAS_ONE_RECURRENT || biases == ASSAY_BIAS_TWO ? rows : 0;
    if (which == ASSAY_PEEPHOLE) return p->dialect.peephole ? 3 * (int64_t)p->h : 0;
    if (which == ASSAY_PROJECTION) return p->proj ? (int64_t)p->proj * p->h : 0;
    if (k == first + ASSAY_DENSE_W) return p->classes * y;
    return k == first + ASSAY_DENSE_B && p->dense_bias ? p->classes : 0;
}

/* Puts `floats` behind what `bytes` hold already, on a boundary of 64 bytes. */
static uint64_t carve(uint64_t *bytes, uint64_t floats)
{
    const uint64_t at = (*bytes + 63) / 64 * 64;
    *bytes = at + floats * sizeof(float);
    return at / sizeof(float);
}

static void free_plan(assay_plan *plan)
{
    if (!plan) return;
    if (plan->stack) plan->stack_impl->plan_free(plan->stack);
    if (plan->loss) plan->loss_impl->plan_free(plan->loss);
    free(plan);
}

/* Rows of logits. */
static int64_t logit_rows(const assay_problem *p)
{
    return p->head == ASSAY_HEAD_LAST ? p->n : (int64_t)p->t * p->n;
}

static void lay_out(assay_plan *plan, const assay_sizes *loss, assay_sizes *sizes)
{
    const assay_problem *p = &plan->p;
    const uint64_t width = assay_output_width(p), y = (uint64_t)p->t * p->n * width, v = logit_rows(p) * p->classes;
    for (int k = 0; k < assay_param_count(p); k++)
        plan->start[k + 1] = plan->start[k] + size_of(p, k);
    const uint64_t all = plan->start[assay_param_count(p)];
    plan->at.w = carve(&sizes->packed, all), plan->at.m = carve(&sizes->packed, all);
    plan->at.v = carve(&sizes->packed, all);
    plan->at.dense = carve(&sizes->grads, p->classes * (width + 1));
    plan->at.y = carve(&sizes->reserve, y);
    plan->at.logits = carve(&sizes->reserve, v), plan->at.dlogits = carve(&sizes->reserve, v);
    plan->at.loss_kept = carve(&sizes->reserve, loss->reserve / sizeof(float) + 1);
    plan->at.loss_work = carve(&sizes->workspace, loss->workspace / sizeof(float) + 1);
    plan->at.y_now = carve(&sizes->workspace, y), plan->at.logits_now = carve(&sizes->workspace, v);
    plan->at.dy = carve(&sizes->workspace, y), plan->at.grads = carve(&sizes->workspace, all);
}

static assay_status make_plan(assay_ctx *c, const assay_problem *p, assay_plan **out, assay_sizes *sizes)
{
    const int64_t ones = (int64_t)p->t * p->n + p->n;
    assay_plan *plan = (assay_plan *)calloc(1, sizeof *plan + (size_t)ones * sizeof(float));
    const assay_problem loss = loss_of(p), rnn = stack_of(p);
    const int network = p->op == ASSAY_OP_NETWORK;
    assay_sizes inner = {0};
    assay_status st = plan ? ASSAY_OK : ASSAY_NO_MEMORY;
    memset(sizes, 0, sizeof *sizes);
    if (st == ASSAY_OK) plan->p = *p, plan->stack_impl = c->stack.impl, plan->loss_impl = c->loss.impl;
    if (st == ASSAY_OK && (network || p->op == ASSAY_OP_RNN))
        st = c->stack.impl->plan(c->stack.ctx, &rnn, &plan->stack, sizes);
    if (st == ASSAY_OK && !plan->stack) st = c->loss.impl->plan(c->loss.ctx, &loss, &plan->loss, sizes);
    if (st == ASSAY_OK && network) st = c->loss.impl->plan(c->loss.ctx, &loss, &plan->loss, &inner);
    if (st != ASSAY_OK) {
        free_plan(plan);
        return st;
    }
    *out = plan;
    for (int64_t k = 0; k < ones; k++)
        plan->one[k] = 1;
    if (network) lay_out(plan, &inner, sizes);
    return ASSAY_OK;
}

static float *in(void *block, uint64_t at)
{
    return (float *)block + at;
}

static assay_status pack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    for (int k = 0; plan->p.op == ASSAY_OP_NETWORK && k < assay_param_count(&plan->p); k++) {
        const int64_t begin = plan->start[k], bytes = (plan->start[k + 1] - begin) * (int64_t)sizeof(float);
        const void *const from[] = {args->param[k], args->m[k], args->v[k]};
        const uint64_t to[] = {plan->at.w, plan->at.m, plan->at.v};
        for (int j = 0; j < 3 && bytes; j++) {
            if (from[j])
                memcpy(in(args->packed, to[j] + begin), from[j], bytes);
            else
                memset(in(args->packed, to[j] + begin), 0, bytes);
        }
    }
    return plan->stack_impl->pack(plan->stack, args, stream);
}

/* What the stack has in its own layout, into dparam; what is ours lies as it came. */
static assay_status unpack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    const int first = assay_param_head(&plan->p, 0);
    for (int k = 0; plan->p.op == ASSAY_OP_NETWORK && k < assay_param_count(&plan->p); k++) {
        const int64_t begin = plan->start[k], bytes = (plan->start[k + 1] - begin) * (int64_t)sizeof(float);
        void *const to[] = {args->param_1[k], args->m_1[k], args->v_1[k]};
        const uint64_t from[] = {plan->at.w, plan->at.m, plan->at.v};
        for (int j = 0; j < 3 && bytes; j++)
            if (to[j]) memcpy(to[j], in(args->packed, from[j] + begin), bytes);
        if (k >= first && args->dparam[k] && bytes)
            memcpy(args->dparam[k], in(args->grads, plan->at.dense + begin - plan->start[first]), bytes);
    }
    assay_args q = *args;
    for (int k = 0; plan->p.op == ASSAY_OP_NETWORK && k < ASSAY_MAX_PARAMS; k++)
        q.param_1[k] = q.m_1[k] = q.v_1[k] = NULL;
    return plan->stack_impl->unpack(plan->stack, &q, stream);
}

/* In 16 sums side by side, so that the compiler has something for its vectors. */
static float dot(int64_t n, const float *x, const float *y)
{
    float sums[16] = {0}, sum = 0;
    int64_t k = 0;
    for (; k + 16 <= n; k += 16)
        for (int j = 0; j < 16; j++)
            sums[j] += x[k + j] * y[k + j];
    for (; k < n; k++)
        sum += x[k] * y[k];
    for (int j = 0; j < 16; j++)
        sum += sums[j];
    return sum;
}

static void add(int64_t n, float a, const float *x, float *y)
{
    for (int64_t k = 0; k < n; k++)
        y[k] += a * x[k];
}

/* Which row of y a row of logits is made from; -1: none, since it is past its sequence, or that is empty. */
static int64_t source(const assay_problem *p, const assay_args *args, int64_t row)
{
    const int by_sample = p->dialect.layout == ASSAY_BATCH_MAJOR;
    const int64_t n = p->head == ASSAY_HEAD_LAST ? row : by_sample ? row / p->t : row % p->n;
    const int64_t len = args->lens ? args->lens[n] : p->t;
    if (p->head == ASSAY_HEAD_LAST) return len ? (by_sample ? n * p->t + len - 1 : (len - 1) * p->n + n) : -1;
    return (by_sample ? row % p->t : row / p->n) < len ? row : -1;
}

static assay_status forward(assay_plan *plan, assay_pass pass, const assay_args *args, float *y, float *logits)
{
    const assay_problem *p = &plan->p;
    const int64_t rows = (int64_t)p->t * p->n, width = assay_output_width(p), v = p->classes;
    const int64_t stride = p->y_stride ? p->y_stride : width;
    const float *w = in(args->packed, plan->at.w + plan->start[assay_param_head(p, ASSAY_DENSE_W)]);
    const float *b = in(args->packed, plan->at.w + plan->start[assay_param_head(p, ASSAY_DENSE_B)]);
    assay_args q = *args;
    q.y = y;
    const assay_status st = plan->stack_impl->run(plan->stack, pass, &q, NULL);
    if (st != ASSAY_OK) return st;
    for (int64_t row = 0; row < logit_rows(p); row++) {
        const int64_t from = source(p, args, row);
        const int counts = from >= 0 || p->head == ASSAY_HEAD_LAST; /* of an empty sequence the last output is zeros */
        for (int64_t k = 0; k < v; k++)
            logits[row * v + k] =
                (from < 0 ? 0 : dot(width, y + from * width, w + k * width)) + (counts && p->dense_bias ? b[k] : 0);
    }
    for (int64_t row = 0; args->y && row < rows; row++)
        memcpy((float *)args->y + row * stride, y + row * width, width * sizeof(float));
    if (args->logits && v) memcpy(args->logits, logits, logit_rows(p) * v * sizeof(float));
    return ASSAY_OK;
}

/* Losses of the logits that are in the reserve, and their gradient. */
static assay_status losses(assay_plan *plan, const assay_args *args)
{
    assay_args q = *args;
    q.workspace = in(args->workspace, plan->at.loss_work);
    q.reserve = in(args->reserve, plan->at.loss_kept);
    q.x = in(args->reserve, plan->at.logits);
    q.accumulate = 0;
    if (plan->p.head == ASSAY_HEAD_LAST) q.lens = q.lens_dev = NULL;
    const assay_status st = plan->loss_impl->run(plan->loss, ASSAY_TRAIN, &q, NULL);
    q.dx = in(args->reserve, plan->at.dlogits);
    q.dloss = plan->one;
    return st == ASSAY_OK ? plan->loss_impl->run(plan->loss, ASSAY_BACKWARD, &q, NULL) : st;
}

static assay_status backward(assay_plan *plan, const assay_args *args, int accumulate)
{
    const assay_problem *p = &plan->p;
    const int64_t rows = (int64_t)p->t * p->n, width = assay_output_width(p), v = p->classes;
    const float *w = in(args->packed, plan->at.w + plan->start[assay_param_head(p, ASSAY_DENSE_W)]);
    const float *y = in(args->reserve, plan->at.y), *dlogits = in(args->reserve, plan->at.dlogits);
    float *dw = in(args->grads, plan->at.dense), *db = dw + v * width, *dy = in(args->workspace, plan->at.dy);
    if (!accumulate) memset(dw, 0, v * (width + 1) * sizeof(float));
    memset(dy, 0, rows * width * sizeof(float));
    for (int64_t row = 0; row < logit_rows(p); row++) {
        const int64_t from = source(p, args, row);
        for (int64_t k = 0; k < v; k++) {
            const float d = dlogits[row * v + k]; /* past a sequence it is 0 */
            db[k] += d;
            if (from < 0) continue;
            add(width, d, w + k * width, dy + from * width);
            add(width, d, y + from * width, dw + k * width);
        }
    }
    assay_args q = *args;
    q.accumulate = accumulate;
    q.dy = dy;
    for (int k = 0; k < assay_param_head(p, 0); k++) /* UPDATE wants all of them */
        q.dparam[k] = plan->start[k + 1] > plan->start[k] ? dy : NULL;
    return plan->stack_impl->run(plan->stack, ASSAY_BACKWARD, &q, NULL);
}

static assay_status update(assay_plan *plan, const assay_args *args)
{
    const assay_problem *p = &plan->p;
    const int64_t all = plan->start[assay_param_count(p)], first = plan->start[assay_param_head(p, 0)];
    const double steps = (double)args->step + 1;
    const float c1 = (float)(1 / (1 - pow(p->beta1, steps))), c2 = (float)(1 / (1 - pow(p->beta2, steps)));
    float *w = in(args->packed, plan->at.w), *m = in(args->packed, plan->at.m), *v = in(args->packed, plan->at.v);
    float *g = in(args->workspace, plan->at.grads);
    assay_args q = *args;
    for (int k = 0; k < ASSAY_MAX_PARAMS; k++) {
        const int there = k < assay_param_head(p, 0) && plan->start[k + 1] > plan->start[k];
        q.dparam[k] = there ? g + plan->start[k] : NULL;
        q.param[k] = there ? w + plan->start[k] : NULL;
        q.param_1[k] = q.m_1[k] = q.v_1[k] = NULL;
    }
    const assay_status st = plan->stack_impl->unpack(plan->stack, &q, NULL);
    memcpy(g + first, in(args->grads, plan->at.dense), (all - first) * sizeof(float));
    for (int64_t k = 0; k < all && p->optimizer == ASSAY_OPT_SGD; k++)
        w[k] -= (float)p->lr * g[k];
    for (int64_t k = 0; k < all && p->optimizer == ASSAY_OPT_ADAM; k++) {
        m[k] = (float)p->beta1 * m[k] + (float)(1 - p->beta1) * g[k];
        v[k] = (float)p->beta2 * v[k] + (float)(1 - p->beta2) * (g[k] * g[k]);
        w[k] -= (float)p->lr * (m[k] * c1) / (sqrtf(v[k] * c2) + (float)p->epsilon);
    }
    return st == ASSAY_OK ? plan->stack_impl->pack(plan->stack, &q, NULL) : st;
}

static assay_status run(assay_plan *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    const int step = pass == ASSAY_STEP;
    assay_status st = ASSAY_OK;
    if (plan->p.op == ASSAY_OP_RNN) return plan->stack_impl->run(plan->stack, pass, args, stream);
    if (plan->p.op != ASSAY_OP_NETWORK) return plan->loss_impl->run(plan->loss, pass, args, stream);
    if (pass == ASSAY_INFER)
        return forward(plan, pass, args, in(args->workspace, plan->at.y_now), in(args->workspace, plan->at.logits_now));
    if (pass == ASSAY_TRAIN || step)
        st = forward(plan, ASSAY_TRAIN, args, in(args->reserve, plan->at.y), in(args->reserve, plan->at.logits));
    if (st == ASSAY_OK && (pass == ASSAY_LOSS_PASS || step)) st = losses(plan, args);
    if (st == ASSAY_OK && (pass == ASSAY_BACKWARD || step)) st = backward(plan, args, args->accumulate && !step);
    if (st == ASSAY_OK && (pass == ASSAY_UPDATE || step)) st = update(plan, args);
    return st;
}

static const void *extension(const char *id)
{
    static const assay_made_of made_of = {.loss_by = LOSS_BY, .update_by = "own"};
    return strcmp(id, ASSAY_EXT_MADE_OF) == 0 ? &made_of : NULL;
}

static const assay_impl self = {
    .struct_size = sizeof(assay_impl),
    .abi_version = ASSAY_ABI_VERSION,
    .name = "network-around",
    .version = "1",
    .place = ASSAY_HOST,
    .open = open_context,
    .close = close_context,
    .supports = supports,
    .plan = make_plan,
    .plan_free = free_plan,
    .pack = pack,
    .run = run,
    .unpack = unpack,
    .extension = extension,
};

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    return &self;
}
