/* runtime.cu: launches, copies and zeros on a device, by the CUDA runtime. Compiled where nvcc is; not yet run on a
 * GPU. SPDX-License-Identifier: MIT */
#include "impl/cuda/launch.h"

#include "impl/cuda/device.hpp"
#include "impl/cuda/kernels.h"

#include <cuda_runtime_api.h>
#include <stdlib.h>

#define KERNEL_ROW(name, type, threads) KERNEL_DECLARE(name, type);
#include "impl/cuda/kernels.inc"
#undef KERNEL_ROW

struct queue {
    int device;
    uint32_t width, shared;
    cudaStream_t stream;
    assay_status status;
};

static const void *const table[KERNELS] = {
#define KERNEL_ROW(name, type, threads) KERNEL_ADDRESS(name),
#include "impl/cuda/kernels.inc"
#undef KERNEL_ROW
};

const char *queue_plugin_name(void)
{
    return "cuda";
}

const char *queue_version(void)
{
    return "1, kernels of impl/cuda, fp32, tf32, bf16, fp16";
}

int32_t queue_place(void)
{
    return ASSAY_CUDA;
}

const char *queue_untimed(void)
{
    return nullptr;
}

static void read(queue *q, cudaError_t error)
{
    if (error != cudaSuccess && q->status == ASSAY_OK) q->status = ASSAY_FAILED;
}

/* Kernels may use all the shared memory that a block of this device can have, and not only what every device has. */
static void allow_shared(queue *q)
{
    int most = 0;
    read(q, cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, q->device));
    q->shared = static_cast<uint32_t>(most);
    for (int k = 0; k < KERNELS && q->status == ASSAY_OK; k++) {
        cudaFuncAttributes is;
        read(q, cudaFuncGetAttributes(&is, table[k]));
        if (q->status != ASSAY_OK) return;
        const int rest = most - static_cast<int>(is.sharedSizeBytes);
        read(q, cudaFuncSetAttribute(table[k], cudaFuncAttributeMaxDynamicSharedMemorySize, rest));
    }
}

assay_status queue_open(int32_t device, queue **out)
{
    int devices = 0, processors = 0;
    if (cudaGetDeviceCount(&devices) != cudaSuccess || device < 0 || device >= devices) return ASSAY_NO_DEVICE;
    queue *q = static_cast<queue *>(calloc(1, sizeof *q));
    if (!q) return ASSAY_NO_MEMORY;
    q->device = device;
    read(q, cudaSetDevice(device));
    read(q, cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device));
    allow_shared(q);
    q->width = static_cast<uint32_t>(processors) * 8;
    if (q->status != ASSAY_OK) {
        const assay_status st = q->status;
        queue_close(q);
        return st;
    }
    *out = q;
    return ASSAY_OK;
}

void queue_close(queue *q)
{
    free(q);
}

void queue_begin(queue *q, assay_stream stream)
{
    q->stream = static_cast<cudaStream_t>(stream);
    q->status = ASSAY_OK;
    read(q, cudaSetDevice(q->device));
}

void queue_launch(queue *q, int kernel, const launch_shape *shape, const void *args)
{
    if (q->status != ASSAY_OK) return;
    void *list[] = {const_cast<void *>(args)};
    cudaLaunchAttribute cluster;
    cluster.id = cudaLaunchAttributeClusterDimension;
    cluster.val.clusterDim.x = shape->cluster;
    cluster.val.clusterDim.y = cluster.val.clusterDim.z = 1;
    const cudaLaunchConfig_t config = {
        dim3(shape->x, shape->y, 1), dim3(shape->threads, 1, 1), shape->shared, q->stream, &cluster,
        shape->cluster > 1};
    read(q, cudaLaunchKernelExC(&config, table[kernel], list));
}

void queue_zero(queue *q, void *to, uint64_t bytes)
{
    if (q->status == ASSAY_OK && bytes) read(q, cudaMemsetAsync(to, 0, bytes, q->stream));
}

void queue_copy(queue *q, void *to, const void *from, uint64_t bytes)
{
    if (q->status == ASSAY_OK && bytes) read(q, cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, q->stream));
}

assay_status queue_end(queue *q)
{
    return q->status;
}

uint32_t queue_width(const queue *q)
{
    return q->width;
}

uint32_t queue_shared(const queue *q)
{
    return q->shared;
}
