/* plan.h: what a plan holds: where everything lies, in bytes from the start of reserve ("kept") or workspace.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_COMMON_CUDA_PLAN_H
#define ASSAY_COMMON_CUDA_PLAN_H

#include "impl/common/host/layout.h"
#include "impl/common/cuda/kernels.h"
#include "impl/common/cuda/launch.h"

/* Recurrences of one launch: one way of it, forward or backward. */
typedef struct cuda_persistent_pass {
    int32_t kernel, in_registers; /* weights of an output that a thread keeps there, of `depth` */
    int32_t depth;
    uint32_t threads, shared;
} cuda_persistent_pass;

typedef struct cuda_layout {
    int32_t ranks;              /* blocks of a cluster; 0: none fits, each step has launches of its own */
    int32_t rows, units, slice; /* samples of a cluster, units of a block, those rounded up to whole eights */
    double cycles;              /* predicted, of a step both ways, times the turns that the clusters take */
    cuda_persistent_pass forward, backward;
} cuda_layout;

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

typedef struct cuda_call cuda_call;

/* What one problem needs. */
typedef struct cuda_plan {
    queue *q;
    /* The products of the linear layer; user: whatever that needs. */
    void (*product)(const cuda_call *c, const gemm_args *args);
    void *user;
    assay_problem p;
    assay_host_layout params;
    int32_t width;      /* blocks of H that are kept of the gates */
    int32_t between;    /* 1: what is read of a layer isn't simply what its directions made, side by side */
    cuda_layout layout; /* of the recurrence */
    cuda_kept kept;
    cuda_scratch scratch;
} cuda_plan;

/* One call. */
struct cuda_call {
    const cuda_plan *plan;
    const assay_args *args;
    char *kept, *work;
};

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

/* Fills the offsets of what lies behind the recurrent layers, at the end of what is there. */
void cuda_plan_describe_behind(cuda_plan *plan);

/* network.c: what is not recurrent. dy: gradient of what the linear layer read. */
void cuda_gather(const cuda_call *c);
void cuda_emit(const cuda_call *c);
void cuda_head_forward(const cuda_call *c);
void cuda_loss(const cuda_call *c, const float *logits, float *grad, int one);
void cuda_head_backward(const cuda_call *c, int accumulate, float *dy);
void cuda_input_backward(const cuda_call *c, const float *d_input, int accumulate);
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
