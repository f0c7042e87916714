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

/* To the caller, where wanted. save_rows writes zeros past the lengths. */
void REF(save)(const REF(call) * c, int id, const real *from);
void REF(save_rows)(const REF(call) * c, int id, int width, const real *from);

/* Losses of m rows of logits (R or N) and what follows from them to the caller. With want_grad *grad (m, V) is d loss /
 * d logits in the pool. */
assay_status REF(loss)(REF(call) * c, int m, const real *logits, int want_grad, real **grad);

#ifdef __cplusplus
}
#endif
#endif
