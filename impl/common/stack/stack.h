/* stack.h: recurrent layers as `blas` and `cpu` share them: the order of the samples, how the work is cut, where things
 * lie. SPDX-License-Identifier: MIT
 *
 * An implementation is a set of products (products.inc of each) around the walk through the steps that stands here
 * (lane.inc, forward.inc, backward.inc, run.inc; cells.inc has the elementwise part). Each includes these files once a
 * precision and gets functions of its own.
 *
 *   slice   a part of the batch                 lane   a layer, a direction and a slice: steps follow each other
 *   panel   `units` hidden units, all their     part   a share of the panels: what one thread of a lane works on; the
 *           gates side by side                         threads of a lane meet at a barrier in each step
 */
#ifndef ASSAY_STACK_STACK_H
#define ASSAY_STACK_STACK_H

#include "impl/common/host/layout.h"
#include "impl/common/host/team.h"
#include "impl/impl.h"

#define STACK_MAX_SLICES 64

/* The batch is cut into slices. In each, samples are sorted by falling length, so that those inside step t are the
 * first ones, in either direction; and the valid rows of a slice lie one step after the other without gaps: internal
 * row base + offset[t] + k is step t of the slice's k-th sample. So products over many steps see no padding. */
typedef struct stack_slice {
    int32_t n;             /* samples */
    const int32_t *sample; /* (n) */
    const int64_t *offset; /* (T + 1): rows of all steps before t */
    int64_t base;          /* internal row of step 0 */
    int32_t first;         /* samples of the slices before */
} stack_slice;

typedef struct stack_slices {
    int count;
    int identity; /* one slice, full rows, time-major: internal rows are the rows of (T, N) */
    stack_slice slice[STACK_MAX_SLICES];
    int32_t *order;  /* (N) samples, slice after slice; memory of the plan, as the next two */
    int32_t *bucket; /* (T + 2) */
    int64_t *offset; /* (slices, T + 1) */
} stack_slices;

/* Memory for a problem's slices. ASSAY_NO_MEMORY; then and later the caller frees it. */
assay_status stack_slices_open(const assay_problem *p, int count, stack_slices *out);
void stack_slices_close(stack_slices *s);

/* Fills all but count and the three pointers. lens may be NULL. No allocation. */
void stack_slices_make(const assay_problem *p, const int32_t *lens, stack_slices *s);

/* Samples of the slice that are inside step t: 0 for t outside 0 .. T-1. */
static inline int32_t stack_active(const stack_slice *s, const assay_problem *p, int32_t t)
{
    return t < 0 || t >= p->t ? 0 : (int32_t)(s->offset[t + 1] - s->offset[t]);
}

struct assay_ctx {
    assay_host_team *team;
    const void *products; /* what the products of the implementation need to know; static */
};

/* Offsets are in bytes from the start of reserve ("kept" here) or workspace. Units are padded to whole panels: Hp. */
typedef struct stack_room {
    uint64_t y;                     /* HEAD_EVERY: (T, N, Y), outputs of the last layer */
    uint64_t out[ASSAY_MAX_LAYERS]; /* (rows, Y) internal rows, layers below the last */
    uint64_t gates;                 /* (L*D, panels, rows, gate_width) */
    uint64_t h, c, c_first; /* (L*D, rows, Sp) h before each row, (L*D, rows, Hp) c after it; (L*D, N, Hp) first c */
    uint64_t m;             /* projection: (L*D, rows, Hp), what is projected */
    uint64_t part[ASSAY_MAX_LAYERS]; /* between.inc: (rows, D*S) internal rows, before directions are merged */
    uint64_t last, logits, dlogits;  /* network: (N, Y); (T, N, V) or (N, V) twice. ctc: dlogits */
    uint64_t end;
} stack_room;

/* One table a precision, made by the including file: run.inc's functions. */
typedef struct stack_ops {
    void (*describe)(assay_plan *plan); /* fills the offsets */
    assay_status (*run)(assay_plan *plan, assay_pass pass, const assay_args *args);
} stack_ops;

struct assay_plan {
    assay_ctx *ctx;
    const stack_ops *ops;
    assay_problem p;
    assay_host_layout params;                          /* of `packed` and `grads` */
    int width;                                         /* gates kept of a unit */
    int units, panels;                                 /* of a panel; in H */
    int grain, padded_state;                           /* Sp: S in whole grains where projected, else Hp */
    int parts;                                         /* threads of a lane */
    int64_t recurrent;                                 /* elements of a block of parameters that belong to the stack */
    int64_t chunk;                                     /* rows of the buffers of a lane */
    stack_room kept, infer;                            /* INFER keeps its few steps in the workspace */
    uint64_t lanes, lane_bytes, threads, thread_bytes; /* scratch: of lanes at work at once, of threads */
    uint64_t d_in[2][2];              /* (rows, max(I, Y)): gradient of a layer's input, by layer parity, direction */
    uint64_t d_part;                  /* between.inc: (rows, D*S): gradient of what a layer's directions gave */
    uint64_t partial;                 /* (slices - 1, recurrent): weight gradients of the slices after the first */
    uint64_t products;                /* what the products of the way back have prepared, (L*D, prepared_size()) */
    uint64_t dy, dx, loss, workspace; /* network: gradient of y; dx in (T, N, I); scratch of the losses; end */
    stack_slices slices;
};

/* How an implementation cuts a problem. parts is 1, or the size of the team; then slices is 1. */
typedef struct stack_shape {
    int units, grain, parts, slices;
} stack_shape;

/* A plan and its sizes. params: how `packed` and `grads` are laid out. ASSAY_NO_MEMORY leaves nothing behind. */
assay_status stack_plan_make(assay_ctx *ctx, const assay_problem *p, const stack_shape *shape,
                             const assay_host_layout *params, const stack_ops *ops, assay_plan **out,
                             assay_sizes *sizes);
void stack_plan_free(assay_plan *plan); /* NULL is fine */

/* Slices of at least so many samples, as many as a team of so many threads can work on, none sharing a direction. */
int stack_slices_wanted(const assay_problem *p, int threads, int least);

#endif
