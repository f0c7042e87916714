/* network.c: networks that end in the CTC of docs/adding-an-implementation.md, to time it where it is used.
 * SPDX-License-Identifier: MIT
 *
 * assay bench times training steps of whole networks. Of one, this plugin takes the recurrent stack from a plugin that
 * is there already (STACK, a path), the loss from mine.c, and has a linear layer and an optimizer in plain loops. All
 * that it asks of either is the ABI, so any other stack or loss will do. */
#include "impl/impl.h"

#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const assay_impl *mine_entry(void); /* assay_impl_entry() of mine.c, which the command line renames */

struct assay_ctx {
    void *library;
    const assay_impl *stack;
    assay_ctx *inner;
};

/* Offsets into the four blocks, in floats; what is the stack's own stands first in each. */
typedef struct offsets {
    uint64_t w, m, v;                     /* packed: parameters and moments as they came */
    uint64_t dense;                       /* grads: of the linear layer */
    uint64_t y, logits, dlogits;          /* reserve */
    uint64_t loss, y_now, now, dy, grads; /* workspace: mine.c's; y and logits of INFER; gradients as parameters lie */
} offsets;

struct assay_plan {
    assay_problem p;
    const assay_impl *stack; /* of ops rnn and network */
    assay_plan *rnn, *ctc;
    int64_t start[ASSAY_MAX_PARAMS + 1]; /* where each parameter begins in a block of them, and their end */
    offsets at;
    float one[]; /* (N) */
};

static assay_status open_context(const assay_open_args *args, assay_ctx **out)
{
    assay_ctx *c = (assay_ctx *)calloc(1, sizeof *c);
    const assay_impl *(*entry)(void) = NULL;
    if (!c) return ASSAY_NO_MEMORY;
    c->library = dlopen(STACK, RTLD_NOW | RTLD_LOCAL);
    if (c->library) *(void **)&entry = dlsym(c->library, "assay_impl_entry");
    c->stack = entry ? entry() : NULL;
    *out = c;
    if (c->stack && c->stack->abi_version == ASSAY_ABI_VERSION && c->stack->open(args, &c->inner) == ASSAY_OK)
        return ASSAY_OK;
    *out = NULL;
    free(c);
    return ASSAY_FAILED;
}

static void close_context(assay_ctx *c)
{
    if (!c) return;
    c->stack->close(c->inner);
    dlclose(c->library);
    free(c);
}

/* The stack of a network as a problem of its own; its output is dense. */
static assay_problem stack_of(const assay_problem *p)
{
    assay_problem q = *p;
    q.op = ASSAY_OP_RNN;
    q.classes = q.max_label = q.labels = q.head = q.loss = q.dense_bias = q.optimizer = q.y_stride = 0;
    return q;
}

static assay_problem loss_of(const assay_problem *p)
{
    assay_problem q = *p;
    q.op = ASSAY_OP_CTC;
    q.x_stride = 0;
    return q;
}

static assay_status supports(assay_ctx *c, const assay_problem *p, assay_arithmetic *declared, const char **why)
{
    const assay_problem ctc = loss_of(p), rnn = stack_of(p);
    if (p->op == ASSAY_OP_CTC) return mine_entry()->supports(NULL, p, declared, why);
    if (p->op == ASSAY_OP_RNN) return c->stack->supports(c->inner, p, declared, why);
    *why = "networks of numbers with CTC on every step alone";
    if (p->op != ASSAY_OP_NETWORK || p->loss != ASSAY_LOSS_CTC || p->head != ASSAY_HEAD_EVERY || p->vocab)
        return ASSAY_UNSUPPORTED;
    const assay_status st = mine_entry()->supports(NULL, &ctc, declared, why);
    /* What the stack declares is declared: its gates err by more than expf and logf. */
    return st == ASSAY_OK ? c->stack->supports(c->inner, &rnn, declared, why) : st;
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
    if (plan->rnn) plan->stack->plan_free(plan->rnn);
    if (plan->ctc) mine_entry()->plan_free(plan->ctc);
    free(plan);
}

static assay_status make_plan(assay_ctx *c, const assay_problem *p, assay_plan **out, assay_sizes *sizes)
{
    assay_plan *plan = (assay_plan *)calloc(1, sizeof *plan + (size_t)p->n * sizeof(float));
    const assay_problem ctc = p->op == ASSAY_OP_CTC ? *p : loss_of(p), rnn = p->op == ASSAY_OP_RNN ? *p : stack_of(p);
    const uint64_t rows = (uint64_t)p->t * p->n, y = rows * assay_output_width(p), v = rows * p->classes;
    assay_sizes loss = {0};
    assay_status st = plan ? ASSAY_OK : ASSAY_NO_MEMORY;
    memset(sizes, 0, sizeof *sizes);
    if (st == ASSAY_OK) plan->p = *p, plan->stack = c->stack;
    if (st == ASSAY_OK && p->op != ASSAY_OP_CTC) st = c->stack->plan(c->inner, &rnn, &plan->rnn, sizes);
    if (st == ASSAY_OK && p->op != ASSAY_OP_RNN) st = mine_entry()->plan(NULL, &ctc, &plan->ctc, &loss);
    if (st != ASSAY_OK) {
        free_plan(plan);
        return st;
    }
    *out = plan;
    for (int32_t n = 0; n < p->n; n++)
        plan->one[n] = 1;
    for (int k = 0; p->op == ASSAY_OP_NETWORK && k < assay_param_count(p); k++)
        plan->start[k + 1] = plan->start[k] + size_of(p, k);
    plan->at.loss = carve(&sizes->workspace, loss.workspace / sizeof(float));
    if (p->op != ASSAY_OP_NETWORK) return ASSAY_OK;
    const uint64_t all = plan->start[assay_param_count(p)], dense = (uint64_t)p->classes * (assay_output_width(p) + 1);
    plan->at.w = carve(&sizes->packed, all), plan->at.m = carve(&sizes->packed, all);
    plan->at.v = carve(&sizes->packed, all);
    plan->at.dense = carve(&sizes->grads, dense);
    plan->at.y = carve(&sizes->reserve, y);
    plan->at.logits = carve(&sizes->reserve, v), plan->at.dlogits = carve(&sizes->reserve, v);
    plan->at.y_now = carve(&sizes->workspace, y), plan->at.now = carve(&sizes->workspace, v);
    plan->at.dy = carve(&sizes->workspace, y), plan->at.grads = carve(&sizes->workspace, all);
    return ASSAY_OK;
}

static float *in(void *block, uint64_t at)
{
    return (float *)block + at;
}

/* The arguments of the stack, of mine.c: their blocks begin ours. */
static assay_args of_loss(const assay_plan *plan, const assay_args *args)
{
    assay_args q = *args;
    q.workspace = in(args->workspace, plan->at.loss);
    return q;
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
    return plan->stack->pack(plan->rnn, args, stream);
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
    return plan->stack->unpack(plan->rnn, &q, stream);
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

static int inside(const assay_problem *p, const assay_args *args, int64_t row)
{
    const int by_sample = p->dialect.layout == ASSAY_BATCH_MAJOR;
    const int64_t t = by_sample ? row % p->t : row / p->n, n = by_sample ? row / p->t : row % p->n;
    return !args->lens || t < args->lens[n];
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
    const assay_status st = plan->stack->run(plan->rnn, pass, &q, NULL);
    for (int64_t row = 0; st == ASSAY_OK && row < rows; row++) {
        const int there = inside(p, args, row);
        for (int64_t k = 0; k < v; k++)
            logits[row * v + k] = there ? dot(width, y + row * width, w + k * width) + (p->dense_bias ? b[k] : 0) : 0;
        if (args->y) memcpy((float *)args->y + row * stride, y + row * width, width * sizeof(float));
    }
    if (st == ASSAY_OK && args->logits && rows) memcpy(args->logits, logits, rows * v * sizeof(float));
    return st;
}

/* mine.c's losses of the logits that are in the reserve, and their gradient. */
static assay_status losses(assay_plan *plan, const assay_args *args)
{
    assay_args q = of_loss(plan, args);
    q.x = in(args->reserve, plan->at.logits);
    const assay_status st = mine_entry()->run(plan->ctc, ASSAY_TRAIN, &q, NULL);
    q.dx = in(args->reserve, plan->at.dlogits);
    q.dloss = plan->one;
    return st == ASSAY_OK ? mine_entry()->run(plan->ctc, ASSAY_BACKWARD, &q, NULL) : st;
}

static assay_status backward(assay_plan *plan, const assay_args *args, int accumulate)
{
    const assay_problem *p = &plan->p;
    const int64_t rows = (int64_t)p->t * p->n, width = assay_output_width(p), v = p->classes;
    const float *w = in(args->packed, plan->at.w + plan->start[assay_param_head(p, ASSAY_DENSE_W)]);
    const float *y = in(args->reserve, plan->at.y), *dlogits = in(args->reserve, plan->at.dlogits);
    float *dw = in(args->grads, plan->at.dense), *db = dw + v * width, *dy = in(args->workspace, plan->at.dy);
    if (!accumulate) memset(dw, 0, v * (width + 1) * sizeof(float));
    for (int64_t row = 0; row < rows; row++) {
        memset(dy + row * width, 0, width * sizeof(float));
        for (int64_t k = 0; k < v && inside(p, args, row); k++) {
            const float d = dlogits[row * v + k];
            add(width, d, w + k * width, dy + row * width);
            add(width, d, y + row * width, dw + k * width);
            db[k] += d;
        }
    }
    assay_args q = *args;
    q.accumulate = accumulate;
    q.dy = dy;
    for (int k = 0; k < assay_param_head(p, 0); k++) /* UPDATE wants all of them */
        q.dparam[k] = plan->start[k + 1] > plan->start[k] ? dy : NULL;
    return plan->stack->run(plan->rnn, ASSAY_BACKWARD, &q, NULL);
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
    const assay_status st = plan->stack->unpack(plan->rnn, &q, NULL);
    memcpy(g + first, in(args->grads, plan->at.dense), (all - first) * sizeof(float));
    for (int64_t k = 0; k < all && p->optimizer == ASSAY_OPT_SGD; k++)
        w[k] -= (float)p->lr * g[k];
    for (int64_t k = 0; k < all && p->optimizer == ASSAY_OPT_ADAM; k++) {
        m[k] = (float)p->beta1 * m[k] + (float)(1 - p->beta1) * g[k];
        v[k] = (float)p->beta2 * v[k] + (float)(1 - p->beta2) * (g[k] * g[k]);
        w[k] -= (float)p->lr * (m[k] * c1) / (sqrtf(v[k] * c2) + (float)p->epsilon);
    }
    return st == ASSAY_OK ? plan->stack->pack(plan->rnn, &q, NULL) : st;
}

static assay_status run(assay_plan *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    const int step = pass == ASSAY_STEP;
    assay_status st = ASSAY_OK;
    if (plan->p.op == ASSAY_OP_RNN) return plan->stack->run(plan->rnn, pass, args, stream);
    if (plan->p.op == ASSAY_OP_CTC) {
        const assay_args q = of_loss(plan, args);
        return mine_entry()->run(plan->ctc, pass, &q, stream);
    }
    if (pass == ASSAY_INFER)
        return forward(plan, pass, args, in(args->workspace, plan->at.y_now), in(args->workspace, plan->at.now));
    if (pass == ASSAY_TRAIN || step)
        st = forward(plan, ASSAY_TRAIN, args, in(args->reserve, plan->at.y), in(args->reserve, plan->at.logits));
    if (st == ASSAY_OK && (pass == ASSAY_LOSS_PASS || step)) st = losses(plan, args);
    if (st == ASSAY_OK && (pass == ASSAY_BACKWARD || step)) st = backward(plan, args, args->accumulate && !step);
    if (st == ASSAY_OK && (pass == ASSAY_UPDATE || step)) st = update(plan, args);
    return st;
}

static const void *extension(const char *id)
{
    static const assay_made_of made_of = {.loss_by = "own", .update_by = "own"};
    return strcmp(id, ASSAY_EXT_MADE_OF) == 0 ? &made_of : NULL;
}

static const assay_impl self = {
    .struct_size = sizeof(assay_impl),
    .abi_version = ASSAY_ABI_VERSION,
    .name = "mine-network",
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
