/* persistent.h: recurrences of one launch: which layout a layer gets, and how it is sent.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CUDA_PERSISTENT_H
#define ASSAY_CUDA_PERSISTENT_H

#include "impl/cuda/kernels.h"
#include "impl/cuda/launch.h"
#include "reference/problem.h"

/* One way of it, forward or backward. */
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

/* The layout with `ranks` blocks a cluster, of which each can have `shared` bytes of shared memory, if the kernels that
 * are there can do it: else ranks is 0. */
cuda_layout cuda_layout_of(const assay_problem *p, int32_t ranks, uint32_t shared);

/* The best one for this problem on this device, by the model in persistent.c. */
cuda_layout cuda_layout_choose(queue *q, const assay_problem *p);

void cuda_persistent_send(queue *q, const cuda_layout *layout, const cuda_persistent_pass *pass, int ways,
                          const persistent_args *args);

#endif
