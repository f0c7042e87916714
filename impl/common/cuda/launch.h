/* launch.h: where kernels are sent: what the host code asks of a device, or of the emulator.
 * SPDX-License-Identifier: MIT
 *
 * Two sources of impl/cuda implement this: runtime.cu by the CUDA runtime, emulator/queue.cc on fibers. Errors stick:
 * after the first one of a call nothing more is sent, and queue_end() returns it.
 *
 * There are two lanes, streams of their own on a device. What stands in one runs in order; between the two only
 * queue_fork() and queue_join() order anything. Lane 1 is empty, or joined, when a call ends. */
#ifndef ASSAY_COMMON_CUDA_LAUNCH_H
#define ASSAY_COMMON_CUDA_LAUNCH_H

#include "impl/impl.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct queue queue; /* one a context */

/* What the plugin is called, where its memory lies, and on what it stands; static. */
const char *queue_plugin_name(void);
const char *queue_version(void);
int32_t queue_place(void);
int queue_allocates(void); /* 1: on the host, in any call */
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

/* What one call sent, in one graph, to be sent again as a whole. `bytes`: size of its keys. NULL: no memory. */
typedef struct graph graph;
graph *queue_graph_make(uint64_t bytes);
void queue_graph_free(graph *g); /* NULL is fine */

void queue_begin(queue *q, assay_stream stream);
/* Right behind queue_begin(). 1: g holds what a call of the same key sent, and queue_end() sends that: nothing but
 * queue_launch_anew() may come. 0: what comes is kept in g. Whatever decides what is sent belongs into the key. */
int queue_record(queue *q, graph *g, const void *key);

/* What follows goes to lane 0, as after queue_begin(), or 1. */
void queue_lane(queue *q, int lane);
void queue_fork(queue *q); /* what follows in lane 1 comes after all that lane 0 has so far */
void queue_join(queue *q); /* what follows in lane 0 comes after all that lane 1 has so far */

/* Between begin and end. Sizes of 0 are fine; a shape without blocks is not. The arguments are copied. */
void queue_launch(queue *q, int kernel, const launch_shape *shape, const void *args);
/* The one launch of a call whose arguments differ between calls of the same key; its shape doesn't. */
void queue_launch_anew(queue *q, int kernel, const launch_shape *shape, const void *args);
void queue_zero(queue *q, void *to, uint64_t bytes);
void queue_copy(queue *q, void *to, const void *from, uint64_t bytes);
assay_status queue_end(queue *q);
/* Why the last call of any queue of this thread failed, or "". */
const char *queue_reason(void);

/* How many clusters of this shape, or blocks where cluster is 1, run side by side; 0: none can. */
uint32_t queue_resident(queue *q, int kernel, const launch_shape *shape);
/* Tests: the size of cluster that recurrences have to use where it can be had; 0: any. */
uint32_t queue_only_cluster(const queue *q);

/* The most blocks that a kernel which shares a range among all of them wants. */
uint32_t queue_width(const queue *q);
/* Bytes of shared memory that a block can have. */
uint32_t queue_shared(const queue *q);

#ifdef __cplusplus
}
#endif
#endif
