/* host.h: losses, linear layer, embedding and optimizer that host implementations share, in the real type of the
 * including file (precision.h).
 * SPDX-License-Identifier: MIT
 *
 * No function allocates, prints or keeps a pointer; the caller owns everything. `team` may be NULL: the calling thread
 * alone. Results do not depend on the size of the team. Equations: docs/semantics.md 1.7 to 1.9. */
#ifndef ASSAY_HOST_HOST_H
#define ASSAY_HOST_HOST_H

#include "impl/common/host/layout.h"
#include "impl/common/host/precision.h"
#include "impl/common/host/team.h"
#include "impl/impl.h"

/* Error of exp, sigmoid, tanh and log (vecmath.h): what users of this file declare. test_vecmath tries all floats; of
 * doubles nobody can, the check `arithmetic` draws some. */
#define HOST_ACTIVATION_ULP 2.

/* ---- losses ---- */

typedef struct HOST(loss_args) {
    const assay_problem *p;
    const int32_t *lens, *labels, *label_lens; /* as in problem.h; lens may be NULL */
    const real *logits;                        /* (T, N, V), or (N, V) with HEAD_LAST; rows as far apart
                                                  as those of x in ops xent and ctc */
    const real *class_weights;                 /* (V) with xent_weighted, else NULL */
    const real *dloss;                         /* upstream cotangent of op xent and ctc; NULL = zero */
    int one;                                   /* 1: dloss is 1 and isn't looked at */
    real *loss_rows;                           /* wanted or NULL */
    real *loss;                                /* wanted or NULL */
    real *grad;                                /* like logits: the gradient, 0 past the length; wanted or NULL */
    void *scratch;                             /* assay_host_loss_scratch() bytes, 64-byte aligned */
} HOST(loss_args);

/* Cross-entropy or CTC, as p says; nothing where a network has no loss. */
void HOST(loss)(const HOST(loss_args) * a, assay_host_team *team);

/* Op ctc: dx = kept, the gradient of the sum of what `loss` made with `one`, times dloss (NULL = zero). Both lie as x.
 */
void HOST(ctc_backward)(const assay_problem *p, const real *kept, const real *dloss, real *dx);

/* Bytes of scratch for teams of so many. */
uint64_t HOST(loss_scratch)(const assay_problem *p, int threads);

/* Sum of n terms in blocks of 64, so that the error of a long sum stays near that of its blocks. */
real HOST(sum)(int64_t n, const real *x);

/* ---- linear layer ---- */

/* C (m, n) <- (accumulate ? C : 0) + op(A) (m, k) op(B) (k, n), row-major, on the calling thread; several threads at
 * once. */
typedef void HOST(gemm)(int ta, int tb, int64_t m, int64_t n, int64_t k, const real *a, int64_t lda, const real *b,
                        int64_t ldb, int accumulate, real *c, int64_t ldc);

/* C (m, n) <- A (m, k) W (n, k)^T + bias (n) in each row; otherwise the same. */
typedef void HOST(biased)(int64_t m, int64_t n, int64_t k, const real *a, int64_t lda, const real *w, int64_t ldw,
                          const real *bias, real *c, int64_t ldc);

typedef struct HOST(linear) {
    const assay_problem *p;
    const int32_t *lens; /* may be NULL */
    const real *y;       /* (T, N, Y), 0 past the length; NULL with HEAD_LAST: `last` is there */
    const real *w, *b;   /* (V, Y), (V) or NULL */
    real *last;          /* (N, Y) HEAD_LAST: rows that the layer reads; kept from forward to backward */
    real *logits;        /* (T, N, V) or (N, V) */
    const real *dlogits; /* like logits */
    real *dw, *db;       /* added to; db may be NULL */
    real *dy;            /* (T, N, Y), or (N, Y) with HEAD_LAST: gradient of the rows that it read */
    HOST(gemm) * gemm;
    HOST(biased) * biased; /* NULL: the bias is copied, then gemm adds to it */
} HOST(linear);

void HOST(linear_forward)(const HOST(linear) * a, assay_host_team *team);
void HOST(linear_backward)(const HOST(linear) * a, assay_host_team *team);

/* ---- embedding ---- */

/* dtable (vocab, I) += rows of dx (T, N, I), in the order of (t, n). */
void HOST(embedding_backward)(const assay_problem *p, const int32_t *ids, const int32_t *lens, const real *dx,
                              real *dtable, assay_host_team *team);

/* ---- optimizer ---- */

/* One step on n parameters; m and v are Adam's and may be NULL for SGD. step = updates made before. */
void HOST(update)(const assay_problem *p, int64_t step, int64_t n, const real *g, real *w, real *m, real *v,
                  assay_host_team *team);

/* ---- passes, from the arguments of a call ---- */

/* LOSS_PASS of a network: args->loss and loss_rows as wanted, and dlogits (like logits) for an upstream gradient of 1.
 * scratch: HOST(loss_scratch)() bytes, 64-byte aligned. */
void HOST(loss_pass)(const assay_problem *p, const assay_args *args, const real *logits, real *dlogits, void *scratch,
                     assay_host_team *team);

/* Any pass of ops xent and ctc. kept: op ctc's gradient from TRAIN to BACKWARD, like x; unused with op xent.
 * ASSAY_BAD_ARGUMENT: these ops have no such pass. */
assay_status HOST(loss_op)(const assay_problem *p, assay_pass pass, const assay_args *args, real *kept, void *scratch,
                           assay_host_team *team);

/* UPDATE: args->packed by args->grads, both in this layout. */
void HOST(update_pass)(const assay_problem *p, const assay_host_layout *l, const assay_args *args,
                       assay_host_team *team);

#endif
