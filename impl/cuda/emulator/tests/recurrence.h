/* recurrence.h: one layer in one direction, with all that its kernels read and write, and the same by a loop in
 * double.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CUDA_RECURRENCE_H
#define ASSAY_CUDA_RECURRENCE_H

#include "impl/cuda/persistent.h"

typedef struct recurrence {
    assay_problem p;
    cuda_layout layout; /* ranks is 0 where the kernels have none of that size */
    int reverse;
    int32_t *lens, *order;
    float *r;                                 /* (4H, H) */
    float *x, *h0, *c0, *dy, *dhn, *dcn;      /* given: (T, N, 4H), (N, H), (N, H), (T, N, H), ... */
    float *gates, *h, *c, *y;                 /* made: (T, N, 4H), (T + 1, N, H) twice, (T, N, H) */
    float *da, *dh, *dc;                      /* (T, N, 4H), (N, H), (N, H) */
    double *ref_y, *ref_c, *ref_da, *ref_dh0; /* by the loop: (T, N, H), (T + 1, N, H) for itself, as above */
} recurrence;

/* cell: ASSAY_LSTM or ASSAY_GRU; reset: assay_gru_reset. Lengths of T, less, and 0, unless even. NULL: no memory. */
recurrence *recurrence_make(const queue *q, int cell, int reset, int32_t h, int32_t n, int32_t t, int32_t ranks,
                            int even, int reverse);
void recurrence_free(recurrence *r); /* NULL is fine */

/* The truth, once. */
void recurrence_by_loop(recurrence *r);

/* Between queue_begin and queue_end. Backward reads what forward made. */
void recurrence_forward(recurrence *r, queue *q);
void recurrence_backward(recurrence *r, queue *q);

#endif
