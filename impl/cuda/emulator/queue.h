/* queue.h: what a queue on the emulator tells beside its status; for tests.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CUDA_EMULATOR_QUEUE_H
#define ASSAY_CUDA_EMULATOR_QUEUE_H

#include "impl/cuda/emulator/emulator.h"
#include "impl/common/cuda/launch.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of the last call that ended. */
emulator_fault queue_fault(const queue *q);
const char *queue_why(const queue *q);

#ifdef __cplusplus
}
#endif
#endif
