/* plan.h: what a plan holds: where everything lies, in bytes from the start of reserve ("kept") or workspace.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CUDA_PLAN_H
#define ASSAY_CUDA_PLAN_H

#include "impl/common/host/layout.h"
#include "impl/cuda/kernels.h"
#include "impl/cuda/launch.h"
#include "impl/cuda/persistent.h"

/* From TRAIN to BACKWARD; q counts layers and directions, S and Y as in problem.h. Rows (t, n) are time-major. */
typedef struct cuda_kept {
    uint64_t input;                  /* (T, N, I): what layer 0 reads */
    uint64_t part[ASSAY_MAX_LAYERS]; /* (T, N, D*S): what the directions of a layer made */
    uint64_t out[ASSAY_MAX_LAYERS];  /* (T, N, Y): what is read of it; the same where nothing stands between */
    uint64_t gates;                  /* (q, T, N, width*H) */
    uint64_t h, c;                   /* (q, T + 1, N, S), (q, T + 1, N, H): states before and after each step */
    uint64_t m;                      /* (q, T, N, H): what is projected */
    uint64_t last, rows;      /* networks: (N, Y) rows that the linear layer reads; (T, N, Y) in the caller's order */
    uint64_t logits, dlogits; /* networks; ctc: dlogits alone, like x */
    uint64_t end;
} cuda_kept;

/* What one direction of a layer needs, while the other runs beside it. */
typedef struct cuda_lane {
    uint64_t product, second;    /* (N, G*H), (N, max(H, S)): R h of one step; a second product */
    uint64_t dh, dc, de, dm, da; /* (N, S), (N, H), (N, H), (N, H); (T, N, width*H) */
    uint64_t d_state;            /* (T, N, S) with a projection */
} cuda_lane;

typedef struct cuda_scratch {
    cuda_lane lane[2];        /* by direction */
    uint64_t d_part, d_in[2]; /* (T, N, D*S); (T, N, max(I, Y)): gradient of a layer's input */
    uint64_t dy;              /* networks: gradient of what the linear layer read */
    uint64_t keys, keys2;     /* embedding: (2, T, N) int each */
    uint64_t losses, scale;   /* rows of losses; (1) */
    uint64_t half, frames, occupancy, chain;
    uint64_t order; /* (N) samples, longest first */
    uint64_t infer; /* INFER keeps here what TRAIN keeps in reserve */
    uint64_t end;
} cuda_scratch;

struct assay_plan {
    queue *q;
    graph *sent[ASSAY_STEP + 1]; /* by pass: its last call */
    assay_problem p;
    assay_host_layout params;
    int32_t width;      /* blocks of H that are kept of the gates */
    int32_t between;    /* 1: what is read of a layer isn't simply what its directions made, side by side */
    cuda_layout layout; /* of the recurrence */
    cuda_kept kept;
    cuda_scratch scratch;
};

/* One call. */
typedef struct cuda_call {
    const assay_plan *plan;
    const assay_args *args;
    char *kept, *work;
} cuda_call;

static inline float *cuda_kept_at(const cuda_call *c, uint64_t offset, int64_t element)
{
    return (float *)(c->kept + offset) + element;
}
static inline float *cuda_work_at(const cuda_call *c, uint64_t offset, int64_t element)
{
    return (float *)(c->work + offset) + element;
}
/* A parameter in `packed`, or its gradient in `grads`; NULL where there is none. */
static inline float *cuda_parameter(const cuda_call *c, void *block, int index)
{
    const assay_host_layout *l = &c->plan->params;
    return block && l->size[index] ? (float *)block + l->offset[index] : NULL;
}

/* A stack has layers; networks have more behind them. */
int cuda_has_stack(const assay_problem *p);
int cuda_loss_of(const assay_problem *p); /* assay_loss */
int64_t cuda_logits_rows(const assay_problem *p);
kernel_rows cuda_rows(const cuda_call *c);

/* Fills the offsets. */
void cuda_plan_describe(assay_plan *plan);

/* forward.c, backward.c: the recurrent layers. d_input: gradient of the input (T, N, I), or NULL. */
void cuda_forward(const cuda_call *c);
void cuda_backward(const cuda_call *c, const float *dy, int callers, int64_t pitch, const float *dlast, int accumulate,
                   float *d_input);
/* Samples in the order in which persistent kernels take them; NULL: as they are. */
const int32_t *cuda_order(const cuda_call *c);

/* network.c: everything else. */
void cuda_head_forward(const cuda_call *c);
void cuda_loss(const cuda_call *c, const float *logits, float *grad, int one);
void cuda_network_backward(const cuda_call *c, int accumulate);
void cuda_ctc_backward(const cuda_call *c);
void cuda_update(const cuda_call *c);
/* Bytes of shared memory that a sample's states and labels take. */
uint64_t cuda_ctc_shared(const assay_problem *p);

/* send.c: kernels over ranges, products, sums. */
void cuda_over(queue *q, int kernel, int64_t count, const void *args);
void cuda_over_anew(queue *q, int kernel, int64_t count, const void *args); /* launch.h */
void cuda_blocks(queue *q, int kernel, int64_t blocks, uint32_t threads, uint32_t shared, const void *args);
/* format: assay_format of the operands. */
void cuda_gemm(queue *q, int32_t format, const gemm_args *args);
void cuda_column_sums(queue *q, const column_sums_args *args);

#endif
