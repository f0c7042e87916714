/* blas.h: what the parts of `blas` share: the order in which samples are worked on, and where things lie.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_BLAS_BLAS_H
#define ASSAY_BLAS_BLAS_H

#include "impl/common/host/layout.h"
#include "impl/common/host/team.h"
#include "impl/impl.h"

#define BLAS_MAX_SLICES 64

/* The batch is cut into slices. In each, samples are sorted by falling length, so that those inside step t are the
 * first ones, in either direction; and the valid rows of a slice lie one step after the other without gaps: internal
 * row base + offset[t] + k is step t of the slice's k-th sample. So products over many steps see no padding. */
typedef struct blas_slice {
    int32_t n;             /* samples */
    const int32_t *sample; /* (n) */
    const int64_t *offset; /* (T + 1): rows of all steps before t */
    int64_t base;          /* internal row of step 0 */
} blas_slice;

typedef struct blas_slices {
    int count;
    int identity; /* one slice, full rows: internal rows are the rows of (T, N) */
    blas_slice slice[BLAS_MAX_SLICES];
    int32_t *order;  /* (N) samples, slice after slice; memory of the plan, as the next two */
    int32_t *bucket; /* (T + 2) */
    int64_t *offset; /* (slices, T + 1) */
} blas_slices;

/* How many slices a team of so many threads works on. */
int blas_slices_wanted(const assay_problem *p, int threads);

/* Fills all but count and the three pointers. lens may be NULL. No allocation. */
void blas_slices_make(const assay_problem *p, const int32_t *lens, blas_slices *s);

/* Samples of the slice that are inside step t: 0 for t outside 0 .. T-1. */
static inline int32_t blas_active(const blas_slice *s, const assay_problem *p, int32_t t)
{
    return t < 0 || t >= p->t ? 0 : (int32_t)(s->offset[t + 1] - s->offset[t]);
}

struct assay_ctx {
    assay_host_team *team;
    int blocked; /* 1: the library has kernels that do not pack small products */
};

/* Offsets are in bytes from the start of reserve ("kept" here) or workspace. */
typedef struct blas_room {
    uint64_t y;                     /* network: (T, N, D*H), outputs of the last layer */
    uint64_t out[ASSAY_MAX_LAYERS]; /* (rows, D*H) internal rows, layers below the last */
    uint64_t gates, h, c;           /* (L*D, rows, width*H), (L*D, rows, H) states before each row; c: after it */
    uint64_t last, logits, dlogits; /* network: (N, D*H); (T, N, V) or (N, V) twice. ctc: dlogits */
    uint64_t end;
} blas_room;

struct assay_plan {
    assay_ctx *ctx;
    assay_problem p;
    assay_host_layout params;
    int width;                        /* gates kept, in units of H */
    int64_t recurrent;                /* elements of a block of parameters that belong to the stack */
    int64_t chunk;                    /* rows of the buffers of a thread */
    blas_room kept, infer;            /* INFER keeps its few steps in the workspace */
    uint64_t threads, thread_bytes;   /* scratch, one piece a thread */
    uint64_t d_in[2][2];              /* (rows, max(I, D*H)): gradient of a layer's input, by layer parity, direction */
    uint64_t partial;                 /* (slices - 1, recurrent): weight gradients of the slices after the first */
    uint64_t dy, dx, loss, workspace; /* network: gradient of y; dx in (T, N, I); scratch of the losses; end */
    blas_slices slices;
};

/* One table a precision. */
typedef struct blas_ops {
    void (*describe)(assay_plan *plan); /* fills the offsets */
    assay_status (*run)(assay_plan *plan, assay_pass pass, const assay_args *args);
} blas_ops;
extern const blas_ops blas_ops_f32, blas_ops_f64;

#endif
