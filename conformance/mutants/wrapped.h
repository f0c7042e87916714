/* wrapped.h: what the files of wrapped mutants share.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_MUTANTS_WRAPPED_H
#define ASSAY_MUTANTS_WRAPPED_H

#include "conformance/mutants/around.h"
#include "conformance/mutants/entry.h"

/* What the harness gets as a plan. */
typedef struct wrapped {
    around base;
    const void *last_x, *last_y; /* of the call before */
    float *state;                /* (L*D, N, H) left from the call before, or NULL */
    void *packed, *grads;        /* copies of these blocks as they were once, or NULL */
    float *dx, *dh0, *dc0, *dy;  /* copies of these tensors, or NULL */
    int backwards;               /* since the last forward */
    int calls;                   /* of run() on this plan, as far as a fault counts them */
    int32_t *lens;               /* (N), a copy, or NULL */
    float seen_x, seen_dy;       /* where the last backward's x and dy began */
    double sample;               /* of the parameters that `packed` was made from */
    float *x;                    /* the inputs as a fault changed them, or NULL */
} wrapped;

/* A copy of something that the harness owns, made at the first call and renewed by later ones. */
void wrapped_keep(void **copy, const void *from, size_t bytes);

/* Bytes of x. */
size_t wrapped_x_bytes(const wrapped *w);

/* Faults of wrapped_data.c, as `before` and `after` of a fault (wrapped.c). */
int wrapped_flush_now(wrapped *w, assay_pass pass, assay_args *args);
void wrapped_flush_no_more(wrapped *w, assay_pass pass, const assay_args *args);
int wrapped_clip_outliers(wrapped *w, assay_pass pass, assay_args *args);
int wrapped_share_exponent(wrapped *w, assay_pass pass, assay_args *args);

#endif
