/* queue.cc: launches, copies and zeros on the emulator: each runs at once, each launch in an order of its own.
 * SPDX-License-Identifier: MIT */
#include "impl/cuda/emulator/queue.h"

#include "impl/cuda/device.hpp"
#include "impl/cuda/kernels.h"

#include <new>
#include <stdlib.h>
#include <string.h>

#define KERNEL_ROW(name, type, threads) KERNEL_DECLARE(name, type);
#include "impl/cuda/kernels.inc"
#undef KERNEL_ROW

struct queue {
    emulator_machine *machine;
    assay_status status;
    emulator_fault fault; /* of the last launch */
    uint64_t launches;
};

namespace
{

struct row {
    const char *name;
    void (*kernel)(const void *args);
    uint32_t threads;
};

const row table[KERNELS] = {
#define KERNEL_ROW(name, type, threads) {#name, KERNEL_ADDRESS(name), threads},
#include "impl/cuda/kernels.inc"
#undef KERNEL_ROW
};

} // namespace

const char *queue_plugin_name(void)
{
    return EMULATOR_PLUGIN;
}

const char *queue_version(void)
{
    return "1, kernels of impl/cuda on fibers: a test device, never timed";
}

int32_t queue_place(void)
{
    return ASSAY_HOST;
}

const char *queue_untimed(void)
{
    return "an emulator of a GPU: a test device, never timed";
}

assay_status queue_open(int32_t, queue **out)
{
    queue *q = static_cast<queue *>(calloc(1, sizeof *q));
    if (q) q->machine = emulator_open();
    if (!q || !q->machine) {
        queue_close(q);
        return ASSAY_NO_MEMORY;
    }
    *out = q;
    return ASSAY_OK;
}

void queue_close(queue *q)
{
    if (q) emulator_close(q->machine);
    free(q);
}

void queue_begin(queue *q, assay_stream)
{
    q->status = ASSAY_OK;
}

void queue_launch(queue *q, int kernel, const launch_shape *shape, const void *args)
{
    if (q->status != ASSAY_OK) return;
    const row *k = &table[kernel];
    const emulator_launch launch = {k->name,        k->kernel,      args,          {shape->x, shape->y, 1},
                                    shape->threads, shape->cluster, shape->shared, ++q->launches * 0x9e3779b97f4a7c15u};
    q->fault = shape->threads > k->threads ? EMULATOR_BOUNDS : emulator_run(q->machine, &launch);
    if (q->fault != EMULATOR_NONE) q->status = ASSAY_FAILED;
}

void queue_zero(queue *q, void *to, uint64_t bytes)
{
    if (q->status == ASSAY_OK && bytes) memset(to, 0, bytes);
}

void queue_copy(queue *q, void *to, const void *from, uint64_t bytes)
{
    if (q->status == ASSAY_OK && bytes) memcpy(to, from, bytes);
}

assay_status queue_end(queue *q)
{
    return q->status;
}

uint32_t queue_width(const queue *)
{
    return 2; /* blocks run one after another: more of them only cost more fibers */
}

uint32_t queue_shared(const queue *)
{
    return 227 * 1024;
}

emulator_fault queue_fault(const queue *q)
{
    return q->fault;
}

const char *queue_why(const queue *q)
{
    return emulator_why(q->machine);
}
