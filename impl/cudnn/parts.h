/* parts.h: what the files of cudnn and cudnn-pytorch share: context, plan, one way to run a stack, errors.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CUDNN_PARTS_H
#define ASSAY_CUDNN_PARTS_H

#include "impl/common/cuda/launch.h"
#include "impl/impl.h"

#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>

/* What kernels of cuDNN may expect of a pointer; tensors of the harness are aligned to their element and no more. */
#define CUDNN_ALIGN 256u

struct assay_ctx {
    cudnnHandle_t handle;
    cudnnDropoutDescriptor_t no_dropout; /* every stack needs one */
    cublasHandle_t blas;
    queue *q; /* of the kernels of impl/cuda */
    int device;
};

/* ---- errors: what CUDA, cuDNN or cuBLAS said last, for the message of whoever called ---- */

enum { CUDNN_REASON = 192 };
char *cudnn_reason(void); /* a line of CUDNN_REASON bytes; the worker's one thread */

/* ASSAY_OK; else the reason is set and ASSAY_NO_MEMORY or ASSAY_FAILED returned. `call` names the function. */
assay_status cudnn_judge_cuda(cudaError_t error, const char *call);
assay_status cudnn_judge(cudnnStatus_t status, const char *call);
assay_status cudnn_judge_blas(cublasStatus_t status, const char *call);
assay_status cudnn_judge_kernels(assay_status status); /* of queue_end() */
#define CUDA_TRY(function, ...)   cudnn_judge_cuda(function(__VA_ARGS__), #function)
#define CUDNN_TRY(function, ...)  cudnn_judge(function(__VA_ARGS__), #function)
#define CUBLAS_TRY(function, ...) cudnn_judge_blas(function(__VA_ARGS__), #function)

/* ---- one way to run a stack ---- */

typedef struct cudnn_way {
    cudnnRNNAlgo_t algo;
    cudnnMathType_t math;
    cudnnRNNDescriptor_t rnn; /* NULL: none */
    size_t work_infer, work_train, reserve, weights;
    double seconds; /* of a training pass and its backward; 0: not timed */
} cudnn_way;

/* Rows of length T only, without and with a backward; shorter ones too. */
typedef enum cudnn_use { CUDNN_USE_INFER, CUDNN_USE_TRAIN, CUDNN_USE_RAGGED, CUDNN_USES } cudnn_use;

/* Tensors that may have to lie elsewhere for cuDNN: aligned, dense, without what empty rows hold. */
typedef enum cudnn_slot {
    CUDNN_X,
    CUDNN_Y,
    CUDNN_H0,
    CUDNN_C0,
    CUDNN_HN,
    CUDNN_CN,
    CUDNN_DY,
    CUDNN_DHN,
    CUDNN_DCN,
    CUDNN_DX,
    CUDNN_DH0,
    CUDNN_DC0,
    CUDNN_SLOTS
} cudnn_slot;

enum { CUDNN_LINEAR = 9 }; /* ids of the parts of a pseudo-layer's weights */

typedef struct cudnn_part {
    int64_t matrix, bias; /* bytes from the start of the weight space; -1: absent */
    int64_t matrix_bytes, bias_bytes;
} cudnn_part;

typedef struct cudnn_weights {
    cudnn_part part[2 * ASSAY_MAX_LAYERS][CUDNN_LINEAR];
} cudnn_weights;

struct assay_plan {
    assay_ctx *ctx;
    assay_problem p; /* of a network: its recurrent layers alone */
    size_t element;  /* bytes */
    cudnnDataType_t type;
    cudnn_way way[CUDNN_USES];
    cudnn_weights weights;
    cudnnRNNDataDescriptor_t x, y;
    cudnnTensorDescriptor_t h, c;
    int32_t *lens, *full_dev; /* (N): those of the call, no row empty; T for each row, on the device */
    /* bytes from the aligned start of the workspace, of the reserve */
    uint64_t staged[CUDNN_SLOTS], lens_dev, reserve_copy, work, workspace;
    uint64_t kept_y, kept, reserve;
    struct cudnn_ctc *ctc;
    struct cudnn_network *network; /* op network and op xent */
    char notes[400];               /* which way was taken, and what cuDNN said of the others */
};

/* ways.c: makes plan->way and plan->notes. plan->type, element, weights of the first way are set by it, too. */
assay_status cudnn_ways_make(assay_plan *plan);
void cudnn_ways_free(assay_plan *plan);

/* stack.c: sizes, passes. */
assay_status cudnn_stack_make(assay_plan *plan, assay_sizes *sizes);
void cudnn_stack_free(assay_plan *plan);
assay_status cudnn_stack_run(assay_plan *plan, assay_pass pass, const assay_args *args, cudaStream_t stream);
int64_t cudnn_state_elements(const assay_problem *p, int width); /* of h (width S) or c (width H) */

/* weights.c: where cuDNN has each parameter, and copies there and back. */
assay_status cudnn_weights_find(assay_ctx *ctx, const assay_problem *p, cudnnRNNDescriptor_t rnn, void *space,
                                size_t bytes, cudnn_weights *out);
int cudnn_weights_same(const assay_problem *p, const cudnn_weights *a, const cudnn_weights *b);
/* From canonical tensors into a weight space: what is NULL is missing, or zero where nothing is `needed`; and back,
 * what is not NULL. */
assay_status cudnn_weights_in(const assay_plan *plan, const void *const *from, int needed, char *space,
                              cudaStream_t stream);
assay_status cudnn_weights_out(const assay_plan *plan, char *space, void *const *to, cudaStream_t stream);
/* Zero for the gradients of what cuDNN has and the problem lacks: an optimizer would move it. */
assay_status cudnn_weights_clear_absent(const assay_plan *plan, char *space, cudaStream_t stream);

/* ctc.c */
assay_status cudnn_ctc_supports(const assay_problem *p, const char **why);
assay_status cudnn_ctc_make(assay_plan *plan, assay_sizes *sizes);
void cudnn_ctc_free(assay_plan *plan);
assay_status cudnn_ctc_run(assay_plan *plan, assay_pass pass, const assay_args *args, cudaStream_t stream);

/* network.c: recurrent layers, and all that stands around them; cross-entropy alone. */
assay_status cudnn_network_supports(const assay_ctx *ctx, const assay_problem *p, const char **why);
assay_problem cudnn_network_stack(const assay_problem *p); /* the recurrent layers as a problem of their own */
assay_status cudnn_network_make(assay_plan *plan, const assay_problem *p, assay_sizes *sizes);
void cudnn_network_free(assay_plan *plan);
assay_status cudnn_network_pack(const assay_plan *plan, const assay_args *args, cudaStream_t stream);
assay_status cudnn_network_run(assay_plan *plan, assay_pass pass, const assay_args *args, cudaStream_t stream);
assay_status cudnn_network_unpack(const assay_plan *plan, const assay_args *args, cudaStream_t stream);

/* Where a block's aligned part begins; blocks are asked for with CUDNN_ALIGN bytes more. */
static inline char *cudnn_aligned(void *block)
{
    return block ? (char *)(((uintptr_t)block + CUDNN_ALIGN - 1) / CUDNN_ALIGN * CUDNN_ALIGN) : NULL;
}

static inline int cudnn_is_aligned(const void *p)
{
    return (uintptr_t)p % CUDNN_ALIGN == 0;
}

/* Cuts a block into aligned pieces: returns where the next `bytes` begin. */
static inline uint64_t cudnn_carve(uint64_t *at, uint64_t bytes)
{
    const uint64_t here = *at;
    *at += (bytes + CUDNN_ALIGN - 1) / CUDNN_ALIGN * CUDNN_ALIGN;
    return here;
}

#endif
