/* step.h: a plan of `blas-step`, and the walk of a layer through its steps.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_BLAS_STEP_STEP_H
#define ASSAY_BLAS_STEP_STEP_H

#include "impl/common/host/layout.h"
#include "impl/impl.h"

/* Bytes from the start of reserve, or of the workspace for INFER, which keeps two layers and the gates of a step. */
typedef struct step_room {
    uint64_t rows[2 * ASSAY_MAX_LAYERS];  /* (T + 1, N, pitch) */
    uint64_t gates[2 * ASSAY_MAX_LAYERS]; /* (T, N, width), or (N, width) */
    uint64_t y, last, logits, dlogits;    /* network: (T, N, Y); (N, Y); (T, N, V) or (N, V) twice. ctc: dlogits */
} step_room;

struct assay_plan {
    assay_problem p;
    int threads;              /* of each product */
    assay_host_layout params; /* of packed and grads: what stands there as W is [W R] (G*H, I+H), and R is empty */
    int64_t width;            /* gates kept of a sample and step: cells.inc says which */
    step_room kept, infer;
    uint64_t reserve, bias, da, e, d, d_e, below[2], dx, dy, loss, workspace; /* of the workspace, but for the first */
    int32_t *active;                                                          /* (T) samples inside a step */
    int32_t sample[];                                                         /* (N) in falling length; then active */
};

/* 1: a GRU that resets so (assay_gru_reset). */
static inline int step_resets(const assay_problem *p, int how)
{
    return p->dialect.cell == ASSAY_GRU && p->dialect.gru_reset == how;
}

/* Elements from one row of [x h c] to the next. */
static inline int64_t step_pitch(const assay_problem *p, int layer)
{
    return assay_layer_input(p, layer) + p->h * (p->dialect.cell == ASSAY_LSTM ? 2 : 1);
}

static inline float *step_in(void *block, uint64_t offset)
{
    return (float *)((char *)block + offset);
}

/* One product by the library, on its own threads: as HOST(gemm) of host.h. */
void step_product(int ta, int tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b,
                  int64_t ldb, int accumulate, float *c, int64_t ldc);

/* One layer in one direction forward, samples sorted. keep: TRAIN, else INFER. Reads what the layer below left in its
 * rows; leaves its outputs in those of the layer above, or y. Writes hn, cn where args want them. */
void step_forward(const assay_plan *plan, const assay_args *args, int keep, int index, int direction);

/* What is given of the gradient of a layer's output: (T, N, Y), and (N, Y) at each sample's last step; or NULL. */
typedef struct step_upstream {
    const float *dy, *last;
} step_upstream;

/* And back, after TRAIN: adds to the gradients of its parameters, and to dx (T, N, I_l) unless that is NULL: not
 * wanted. Writes dh0, dc0 where args want them. */
void step_backward(const assay_plan *plan, const assay_args *args, int index, int direction, const step_upstream *given,
                   float *dx);

#endif
