/* planted.h: kernels that the emulator is tried on: honest ones, and the same with one fault each.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CUDA_PLANTED_H
#define ASSAY_CUDA_PLANTED_H

#include <stdint.h>

/* What is wrong with this run of a kernel; each kernel knows some of them. */
typedef enum planted {
    PLANTED_NOTHING,
    PLANTED_NO_BARRIER,        /* reverse: in the second round reads what others write without waiting for them */
    PLANTED_NO_BARRIER_BEHIND, /* reverse: overwrites what others may still read */
    PLANTED_UNINITIALISED,     /* reverse: one word more is read than was written */
    PLANTED_EARLY_RETURN,      /* reverse: threads without an element leave before a barrier */
    PLANTED_BARRIER_IN_BRANCH, /* reverse: only half of the block comes to a second barrier */
    PLANTED_LANES_GONE,        /* total: shuffles name lanes that have left */
    PLANTED_LANE_OUTSIDE,      /* total: a lane outside of the mask is read */
    PLANTED_NO_WARP_SYNC,      /* total: lanes exchange through shared memory, and only a shuffle stands between */
    PLANTED_UNORDERED_SUM,     /* total: blocks add to one number in whatever order they come */
    PLANTED_WRONG_PHASE,       /* exchange: waits for the phase before */
    PLANTED_STUCK_PHASE,       /* exchange: waits for a step more than there are */
    PLANTED_EARLY_SLOT,        /* exchange: one buffer for all steps: stores overtake readers */
    PLANTED_WRONG_PARITY,      /* exchange: reads the other buffer */
    PLANTED_LEAVES_EARLY,      /* exchange: stores once more, and nobody waits for that before the block leaves */
    PLANTED_NO_FIRST_MEETING,  /* exchange: stores to barriers that nobody may have initialised */
    PLANTED_TOO_FEW_BYTES      /* exchange: expects fewer bytes than come */
} planted;

typedef struct planted_args {
    int32_t fault; /* planted */
    int32_t n;     /* elements, or steps */
    const float *from;
    float *to;
} planted_args;

#endif
