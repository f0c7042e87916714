/* persistent.h: recurrences of one launch: which layout a layer gets, and how it is sent.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CUDA_PERSISTENT_H
#define ASSAY_CUDA_PERSISTENT_H

#include "impl/common/cuda/plan.h"

/* The layout with `ranks` blocks a cluster, of which each can have `shared` bytes of shared memory, if the kernels that
 * are there can do it: else ranks is 0. */
cuda_layout cuda_layout_of(const assay_problem *p, int32_t ranks, uint32_t shared);

/* The best one for this problem on this device, by the model in persistent.c. */
cuda_layout cuda_layout_choose(queue *q, const assay_problem *p);

void cuda_persistent_send(queue *q, const cuda_layout *layout, const cuda_persistent_pass *pass, int ways,
                          const persistent_args *args);

#endif
