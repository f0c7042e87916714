/* layout.h: the parameters of a problem side by side in one block, as host implementations keep them.
 * SPDX-License-Identifier: MIT
 *
 * `packed` holds the parameters, then (Adam) first and second moments, each as one such block; `grads` is one block.
 * Each parameter starts on 64 bytes; the gaps are never read. */
#ifndef ASSAY_HOST_LAYOUT_H
#define ASSAY_HOST_LAYOUT_H

#include "impl/impl.h"

typedef struct assay_host_layout {
    int32_t params;                   /* indices in use, assay_param_count() */
    int32_t moments;                  /* 2 for Adam, else 0 */
    int64_t element;                  /* bytes: 4, or 8 for ASSAY_FP64 */
    int64_t offset[ASSAY_MAX_PARAMS]; /* in elements from the start of a block */
    int64_t size[ASSAY_MAX_PARAMS];   /* in elements; 0: the problem lacks this parameter */
    int64_t total;                    /* elements of one block */
} assay_host_layout;

/* Any thread; cannot fail. */
void assay_host_layout_make(const assay_problem *p, assay_host_layout *out);

/* ASSAY_OK, or ASSAY_UNSUPPORTED with a static reason: what no host implementation here offers; for those that compute
 * plain cells on dense time-major tensors alone, what asks for more. Any thread. */
assay_status assay_host_supports(const assay_problem *p, const char **why);
assay_status assay_host_supports_plain(const assay_problem *p, const char **why);

/* args->param, m, v -> packed. Moments that aren't given become zero. ASSAY_BAD_ARGUMENT: a parameter is missing. */
assay_status assay_host_pack(const assay_host_layout *l, const assay_args *args);
/* grads -> dparam; packed -> param_1, m_1, v_1; what is NULL is left out. */
void assay_host_unpack(const assay_host_layout *l, const assay_args *args);

/* 1: this row of a tensor that begins with (T, N), in the problem's order, is inside its sequence. lens may be NULL. */
int assay_host_inside(const assay_problem *p, const int32_t *lens, int64_t row);

/* Elements from one row of logits to the next: those of x in ops xent and ctc. */
int64_t assay_host_logits_stride(const assay_problem *p);

/* Cuts a block into pieces that start on 64 bytes: returns where the next `bytes` begin and moves *at behind them. */
uint64_t assay_host_carve(uint64_t *at, uint64_t bytes);

#endif
