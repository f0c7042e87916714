/* call.h: one call of the reference: its tensors outside, its memory inside. Private to the reference.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CALL_H
#define ASSAY_CALL_H

#include "reference/ops.h"
#include "reference/tensors.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct REF(call) {
    const assay_problem *p;
    void *const *at;
    int64_t step;
    assay_pool pool;
    assay_rows rows;
    const int32_t *ids; /* (R), of a network that reads ids */
} REF(call);

/* 1 if a tensor of one of these roles (mask of 1 << assay_role) is there. */
int REF(wants)(const REF(call) * c, unsigned roles);
/* ASSAY_BAD_ARGUMENT if a tensor that the result depends on isn't there. */
assay_status REF(complete)(const REF(call) * c);

/* A tensor of the caller's as reals in the pool; NULL if it isn't there, or with pool.failed. */
real *REF(load)(REF(call) * c, int id);
/* The same, its valid rows only: (T, N, width) -> (R, width). */
real *REF(load_rows)(REF(call) * c, int id, int width);
/* Like load(), zeros where it isn't there. */
real *REF(load_or_zeros)(REF(call) * c, int id, int64_t count);
/* Labels or ids (T, N) of the valid rows; NULL with pool.failed. */
int32_t *REF(load_integers)(REF(call) * c, int id);

/* Packed row of the last valid step of sample n; -1 if it has none. */
static inline int64_t REF(last_row)(const REF(call) * c, int32_t n)
{
    const int32_t len = c->rows.lens[n];
    return len ? c->rows.place[(int64_t)(len - 1) * c->p->n + n] : -1;
}
/* The mask of layer k's output (R, Y). */
real *REF(load_mask)(REF(call) * c, int k);
/* dy (R, Y): where the output past a row's length repeats the last valid one, what stands there counts there. */
real *REF(load_dy)(REF(call) * c);

/* To the caller, where wanted. save_rows writes zeros past the lengths, save_y what pad_output says. Gaps between rows
 * are left alone. */
void REF(save_y)(const REF(call) * c, const real *y);
void REF(save)(const REF(call) * c, int id, const real *from);
void REF(save_rows)(const REF(call) * c, int id, int width, const real *from);

/* Losses of m rows of logits (R or N) and what follows from them to the caller. With want_grad *grad (m, V) is d loss /
 * d logits in the pool. */
assay_status REF(loss)(REF(call) * c, int m, const real *logits, int want_grad, real **grad);

#ifdef __cplusplus
}
#endif
#endif
