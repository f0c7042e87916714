/* ops.h: the operations of the reference between themselves. Private to the reference; compiled in all five builds.
 * SPDX-License-Identifier: MIT
 *
 * All real tensors here are packed (rows.h): (R, width) stands for one row per valid (t, n), R = rows->count.
 *
 * Where an arithmetic rounds (docs/tolerance.md 3.2): every value that is kept is rounded by STORE as it is made, and
 * the stored value is what everything after it reads, within the step too: gates, h, c, dG, y, dx, logits, gradients of
 * parameters, updated parameters and moments. dh and dc, which are handed from step to step, are ROUNDED only. */
#ifndef ASSAY_OPS_H
#define ASSAY_OPS_H

#include "reference/activation.h"
#include "reference/gemm.h"
#include "reference/pool.h"
#include "reference/problem.h"
#include "reference/real.h"
#include "reference/rows.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Element of the caller's tensors, and a real as one. */
#if defined(ASSAY_BUILD_F128)
typedef _Float128 REF(element);
#define ELEMENT(x) (x)
#elif defined(ASSAY_BUILD_DUAL)
typedef real REF(element);
#define ELEMENT(x) (x)
#else
typedef double REF(element);
#define ELEMENT(x) TO_DOUBLE(x)
#endif

/* Loops over elements are parallel in the double build only: the rounding builds' context is the calling thread's.
 * `work` = elements; below a few thousand a parallel region costs more than it saves. */
#define ASSAY_PRAGMA(text) _Pragma(#text)
#if defined(ASSAY_BUILD_F64)
#define PARALLEL(work) ASSAY_PRAGMA(omp parallel for schedule(static) if ((work) > 4096))
#define PARALLEL_2(work) ASSAY_PRAGMA(omp parallel for collapse(2) schedule(static) if ((work) > 4096))
#define PARALLEL_UNEVEN ASSAY_PRAGMA(omp parallel for schedule(dynamic, 1))
#define ATOMIC_WRITE ASSAY_PRAGMA(omp atomic write)
#else
#define PARALLEL(work)
#define PARALLEL_2(work)
#define PARALLEL_UNEVEN
#define ATOMIC_WRITE
#endif

/* Every element as it is kept. */
static inline void REF(store_all)(int64_t count, real *a)
{
    for (int64_t k = 0; k < count; k++)
        a[k] = STORE(a[k]);
}

/* count reals of working memory, zero. */
static inline real *REF(take)(assay_pool *pool, int64_t count)
{
    return (real *)assay_pool_take(pool, count, sizeof(real));
}

/* A gate's activation, docs/semantics.md 1. */
static inline real REF(gate)(const assay_dialect *d, real a)
{
    if (d->gate_activation == ASSAY_GATE_SIGMOID) return R(1) / (R(1) + R_EXP(-a));
    const real s = a / (d->gate_activation == ASSAY_GATE_HARD_FIFTH ? R(5) : R(6)) + R(0.5);
    return s < R(0) ? R(0) : s > R(1) ? R(1) : s; /* NaN stays NaN */
}

/* The same of many, and tanh, in place; nothing is rounded to a store yet. The double build does them side by side. */
static inline void REF(gate_all)(const assay_dialect *d, int64_t count, real *a)
{
#if defined(ASSAY_BUILD_F64)
    if (d->gate_activation == ASSAY_GATE_SIGMOID) {
        assay_activation_pick()->sigmoid(count, a);
        return;
    }
#endif
    for (int64_t k = 0; k < count; k++)
        a[k] = REF(gate)(d, a[k]);
}

static inline void REF(tanh_all)(int64_t count, real *a)
{
#if defined(ASSAY_BUILD_F64)
    assay_activation_pick()->tanh(count, a);
#else
    for (int64_t k = 0; k < count; k++)
        a[k] = R_TANH(a[k]);
#endif
}

/* The derivative of a gate's activation, from its value. */
static inline real REF(gate_slope)(const assay_dialect *d, real s)
{
    if (d->gate_activation == ASSAY_GATE_SIGMOID) return s * (R(1) - s);
    if (s <= R(0) || s >= R(1)) return R(0);
    return R(1) / (d->gate_activation == ASSAY_GATE_HARD_FIFTH ? R(5) : R(6));
}

/* ---- rnn: one layer in one direction (lstm.c gru.c rnn.c) ---- */

/* Rows first .. first+m-1 are one step of the layer, in processing order: a reversed layer's step s is time len-1-s. */
typedef struct REF(layer) {
    const assay_problem *p;
    const assay_rows *rows;
    int reverse, input;                /* width of what it reads */
    const real *w, *r, *b_ih, *b_hh;   /* (G*H, input), (G*H, S), (G*H); NULL where there's no such bias */
    const real *peephole, *projection; /* (3*H), (S, H); NULL where there's none */
    const real *h0, *c0;               /* (N, S), (N, H); NULL = zeros */
    /* kept from forward to backward, rows in processing order */
    real *gates;    /* (R, G*H): products, then activations, then in backward dG, all in place */
    real *before_h; /* (R, S): h(t-1) */
    real *before_c; /* (R, H): c(t-1), LSTM */
    real *extra;    /* (R, H). GRU, reset after: u = Rn h' (+ b_hh inside), in backward du. Reset before: e = r*h'. LSTM
                       with a projection: m */
    real *raw_c;    /* (R, H), with a clipped cell whose derivative is cut: the cell before clipping */
    real *after_c;  /* (R, H), with peepholes, from backward: c(t) */
    real *kept_dh;  /* (R, S), with a projection, from backward: the whole cotangent of h(t) */
    real *h, *c;    /* (N, S), (N, H): state of each sample; backward takes c back step by step */
    /* of one pass */
    REF(panels) * panels[2]; /* R packed: all of it, or for the GRU rows r z and rows n */
    real *dh, *dc;           /* (N, S), (N, H): cotangents of the state, from step to step */
    real *work;              /* (N, (G+1)*H) */
} REF(layer);

/* What a cell does at one step. Forward: gates hold W x on entry, activations afterwards; before_h and before_c are
 * filled; writes the new state to h and c. Backward: dh holds the whole cotangent of h(t) on entry, dc that of c(t)
 * from the step after; leaves dG in gates, and in dh and dc the cotangents of the state before. */
typedef struct REF(cell) {
    void (*pack)(REF(layer) * l, int backward); /* R for a pass, into panels */
    void (*forward)(REF(layer) * l, int64_t first, int m);
    void (*backward)(REF(layer) * l, int64_t first, int m);
    /* What backward left becomes gradients of all parameters but W: d[which], NULL where there's no such parameter. */
    assay_status (*gradients)(const REF(layer) * l, assay_pool *pool, real *const d[ASSAY_RNN_PARAMS]);
} REF(cell);

extern const REF(cell) REF(lstm);
extern const REF(cell) REF(gru);
extern const REF(cell) REF(vanilla);

/* Parts that cells share (stack.c). a + b_ih[j] + b_hh[j]. */
static inline real REF(biased)(const REF(layer) * l, real a, int j)
{
    if (l->b_ih) a = ROUNDED(a + l->b_ih[j]);
    if (l->b_hh) a = ROUNDED(a + l->b_hh[j]);
    return a;
}
void REF(pack_whole)(REF(layer) * l, int backward); /* R as one: lstm, vanilla */
/* dh of the samples of these rows = work (m, S), plus dh itself if `keep`. */
void REF(carry_back)(REF(layer) * l, int64_t first, int m, int keep);
/* dR and the biases where all gates see the same h' and both biases the same argument. */
assay_status REF(gradients_whole)(const REF(layer) * l, assay_pool *pool, real *const d[ASSAY_RNN_PARAMS]);
/* The biases alone: db_ih and db_hh (G*H), each NULL where there's none. */
void REF(bias_gradients)(const REF(layer) * l, real *db_ih, real *db_hh);
/* sums[j] = sum over the rows of a[row*width + j], stored; j < width. */
void REF(column_sums)(int64_t rows, int width, const real *a, int64_t lda, real *sums);

/* ---- rnn: the stack (stack.c) ---- */

typedef struct REF(stack) {
    const assay_problem *p;
    const assay_rows *rows;
    assay_pool *pool;
    int keep;                            /* 1: backward will follow */
    int need_dx;                         /* 1: dx of layer 0 is wanted */
    const real *x;                       /* (R, I) */
    const real *h0, *c0;                 /* (L*D, N, S), (L*D, N, H) or NULL */
    const real *mask[ASSAY_MAX_LAYERS];  /* (R, Y) of layers 0 .. L-2 with dropout */
    const real *param[ASSAY_MAX_PARAMS]; /* as problem.h numbers them, NULL where the dialect has none */
    real *dparam[ASSAY_MAX_PARAMS];      /* backward writes the recurrent ones, where there's a parameter */
    real *y[ASSAY_MAX_LAYERS];           /* (R, Y) of each layer as the next one reads it, behind the mask; lower ones
                                            are dropped where nothing follows */
    real *part[2 * ASSAY_MAX_LAYERS];    /* (R, S) of each direction, while directions are merged element by element */
    real *hn, *cn;                       /* (L*D, N, S), (L*D, N, H) */
    real *dh, *dc; /* as hn, cn; backward: cotangents of hn and cn on entry, of h0 and c0 on return */
    real *dx;      /* (R, I) if need_dx */
    REF(layer) layer[2 * ASSAY_MAX_LAYERS];
} REF(stack);

/* Memory comes from s->pool. */
assay_status REF(stack_forward)(REF(stack) * s);
/* dy (R, Y) is a piece of the pool that this drops. s->dh, s->dc must be there (s->dc for LSTM). */
assay_status REF(stack_backward)(REF(stack) * s, real *dy);

/* ---- the other operations ---- */

/* y (m, out) = x (m, in) w^T + b; w (out, in), b (out) or NULL. */
void REF(linear_forward)(int m, int in, int out, const real *x, const real *w, const real *b, real *y);
/* dw, db are sums over the m rows; db may be NULL. */
void REF(linear_backward)(int m, int in, int out, const real *x, const real *w, const real *dy, real *dx, real *dw,
                          real *db);

/* x (R, I) = rows of the table (vocab, I); ids (R). */
void REF(embedding_forward)(const assay_problem *p, const assay_rows *rows, const int32_t *ids, const real *table,
                            real *x);
/* dtable (vocab, I): every row is written. */
assay_status REF(embedding_backward)(const assay_problem *p, const assay_rows *rows, const int32_t *ids, const real *dx,
                                     real *dtable);

/* Softmax cross-entropy of m rows of logits: loss (m); grad (m, V) = up[row] * d loss / d logits. weights (V) or NULL.
 * up may be NULL; grad is then scratch. docs/semantics.md 1.7 */
void REF(xent)(const assay_problem *p, int m, const real *logits, const int32_t *labels, const real *weights,
               const real *up, real *loss, real *grad);
/* 1: a row with this label does not count. */
static inline int REF(ignores)(const assay_problem *p, int32_t label)
{
    return p->dialect.xent_ignores && label == p->dialect.xent_ignore_index;
}

/* CTC of N samples, x (R, V) packed: loss (N); grad (R, V) = up[n] * d loss / d x, where up is not NULL.
 * docs/semantics.md 1.8 */
assay_status REF(ctc)(const assay_problem *p, const assay_rows *rows, const real *x, const int32_t *labels,
                      const int32_t *label_lens, const real *up, real *loss, real *grad);

/* One parameter of `count` elements: w1, m1, v1 after the step, each NULL where unwanted. step = updates made before.
 * Adam reads m and v; SGD doesn't. */
void REF(optimize)(const assay_problem *p, int64_t step, int64_t count, const real *w, const real *g, const real *m,
                   const real *v, real *w1, real *m1, real *v1);

#ifdef __cplusplus
}
#endif
#endif
