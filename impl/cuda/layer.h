/* layer.h: one layer in one direction: its sizes, parameters and places; for forward.c and backward.c.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CUDA_LAYER_H
#define ASSAY_CUDA_LAYER_H

#include "impl/common/cuda/plan.h"
#include "impl/cuda/persistent.h"

typedef struct cuda_layer {
    const cuda_call *c;
    const cuda_lane *lane;
    int layer, direction, param;                    /* param: index of its W */
    int64_t q, inputs, h, state, wide, rows, pitch; /* I, H, S, D*S, T*N; columns of gates and da */
    int64_t gates;                                  /* rows of W and R: G*H */
    const float *input;                             /* (T, N, I) */
    float *at_gates, *at_h, *at_c, *at_m;           /* of step 0; states: slot 0 */
} cuda_layer;

/* Where the states lie: before and after step t, and those of all steps before them, in one piece. */
static inline int64_t cuda_slot_before(const cuda_layer *l, int64_t t)
{
    return t + l->direction;
}
static inline int64_t cuda_slot_after(const cuda_layer *l, int64_t t)
{
    return t + 1 - l->direction;
}
/* The slot of the initial states, and of the last ones. */
static inline int64_t cuda_slot_first(const cuda_layer *l)
{
    return l->direction ? l->c->plan->p.t : 0;
}
static inline int64_t cuda_slot_last(const cuda_layer *l)
{
    return l->direction ? 0 : l->c->plan->p.t;
}

static inline int64_t cuda_step_of(const cuda_layer *l, int64_t i)
{
    return l->direction ? l->c->plan->p.t - 1 - i : i;
}

static inline int cuda_is_gru_before(const assay_dialect *d)
{
    return d->cell == ASSAY_GRU && d->gru_reset == ASSAY_RESET_BEFORE;
}

static inline float *cuda_weight(const cuda_layer *l, void *block, int which)
{
    return cuda_parameter(l->c, block, l->param + which);
}

/* plan.c: fills the offsets. */
void cuda_plan_describe(cuda_plan *plan);

/* forward.c, backward.c: the recurrent layers. d_input: gradient of the input (T, N, I), or NULL. */
void cuda_forward(const cuda_call *c);
void cuda_backward(const cuda_call *c, const float *dy, int callers, int64_t pitch, const float *dlast, int accumulate,
                   float *d_input);
/* Samples in the order in which persistent kernels take them; NULL: as they are. */
const int32_t *cuda_order(const cuda_call *c);

cuda_layer cuda_layer_of(const cuda_call *c, int layer, int direction);

/* What both ways of a step have in common. */
cell_args cuda_cell_of(const cuda_layer *l, int64_t t);

/* Samples that lose their states: those of length 0, where these end in zero. NULL: none does. *all: every one. */
const int32_t *cuda_states_lost(const cuda_call *c, int *all);

/* What is read of a layer, or of the directions side by side, becomes what is given to the next. */
merge_args cuda_merge_of(const cuda_call *c, int layer);

#endif
