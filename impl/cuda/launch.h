/* launch.h: where kernels are sent: what the host code asks of a device, or of the emulator.
 * SPDX-License-Identifier: MIT
 *
 * Two sources implement this: runtime.cu by the CUDA runtime, emulator/queue.cc on fibers. Errors stick: after the
 * first one of a call nothing more is sent, and queue_end() returns it. */
#ifndef ASSAY_CUDA_LAUNCH_H
#define ASSAY_CUDA_LAUNCH_H

#include "impl/impl.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct queue queue; /* one a context */

/* What the plugin is called, where its memory lies, and on what it stands; static. */
const char *queue_plugin_name(void);
const char *queue_version(void);
int32_t queue_place(void);
/* Why it is never timed, or NULL. */
const char *queue_untimed(void);

/* ASSAY_NO_DEVICE, ASSAY_NO_MEMORY. */
assay_status queue_open(int32_t device, queue **out);
void queue_close(queue *q); /* NULL is fine */

typedef struct launch_shape {
    uint32_t x, y;    /* blocks */
    uint32_t threads; /* of a block, a multiple of 32 */
    uint32_t cluster; /* blocks, along x; 1: none */
    uint32_t shared;  /* bytes of dynamic shared memory */
} launch_shape;

/* Between begin and end, in order, on the stream. Sizes of 0 are fine; a shape without blocks is not. */
void queue_begin(queue *q, assay_stream stream);
void queue_launch(queue *q, int kernel, const launch_shape *shape, const void *args);
void queue_zero(queue *q, void *to, uint64_t bytes);
void queue_copy(queue *q, void *to, const void *from, uint64_t bytes);
assay_status queue_end(queue *q);

/* The most blocks that a kernel which shares a range among all of them wants. */
uint32_t queue_width(const queue *q);
/* Bytes of shared memory that a block can have. */
uint32_t queue_shared(const queue *q);

#ifdef __cplusplus
}
#endif
#endif
