/* runtime.cu: launches, copies and zeros on a device, by the CUDA runtime; a call that is kept is captured into a
 * graph. Compiled where nvcc is; not yet run on a GPU. SPDX-License-Identifier: MIT */
#include "impl/common/cuda/launch.h"

#include "impl/cuda/device.hpp"
#include "impl/common/cuda/kernels.h"

#include <cuda_runtime_api.h>
#include <stdlib.h>
#include <string.h>

#define KERNEL_ROW(name, type, threads) KERNEL_DECLARE(name, type);
#include "impl/common/cuda/kernels.inc"
#undef KERNEL_ROW

struct queue {
    int device;
    uint32_t width, shared;
    assay_status status;
    cudaStream_t stream, own[2]; /* the caller's; own ones, which are recorded and on which lane 1 runs */
    cudaEvent_t event[2];        /* lane 0, lane 1 has come so far */
    graph *records, *replays;    /* of this call, or NULL */
    int lane;
};

struct graph {
    cudaGraph_t made;
    cudaGraphExec_t exec;
    cudaGraphNode_t anew;
    uint64_t key_bytes;
    unsigned char key[];
};

static const void *const table[KERNELS] = {
#define KERNEL_ROW(name, type, threads) KERNEL_ADDRESS(name),
#include "impl/common/cuda/kernels.inc"
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

/* What CUDA calls the first error of the last call that had one. */
static const char **reason()
{
    static thread_local const char *text = "";
    return &text;
}

const char *queue_reason(void)
{
    return *reason();
}

static void read(queue *q, cudaError_t error)
{
    if (error == cudaSuccess || q->status != ASSAY_OK) return;
    q->status = ASSAY_FAILED;
    *reason() = cudaGetErrorString(error);
}

int queue_allocates(void)
{
    return 1; /* the driver, where a graph is made */
}

graph *queue_graph_make(uint64_t bytes)
{
    graph *g = static_cast<graph *>(calloc(1, sizeof *g + bytes));
    if (g) g->key_bytes = bytes;
    return g;
}

static void forget(graph *g)
{
    if (g->exec) cudaGraphExecDestroy(g->exec);
    if (g->made) cudaGraphDestroy(g->made);
    g->exec = nullptr;
    g->made = nullptr;
    g->anew = nullptr;
}

void queue_graph_free(graph *g)
{
    if (g) forget(g);
    free(g);
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
    for (int k = 0; k < 2; k++) {
        read(q, cudaStreamCreateWithFlags(&q->own[k], cudaStreamNonBlocking));
        read(q, cudaEventCreateWithFlags(&q->event[k], cudaEventDisableTiming));
    }
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
    for (int k = 0; q && k < 2; k++) {
        if (q->own[k]) cudaStreamDestroy(q->own[k]);
        if (q->event[k]) cudaEventDestroy(q->event[k]);
    }
    free(q);
}

void queue_begin(queue *q, assay_stream stream)
{
    q->stream = static_cast<cudaStream_t>(stream);
    q->status = ASSAY_OK;
    *reason() = "";
    q->records = q->replays = nullptr;
    q->lane = 0;
    read(q, cudaSetDevice(q->device));
}

int queue_record(queue *q, graph *g, const void *key)
{
    if (g->exec && memcmp(g->key, key, g->key_bytes) == 0) {
        q->replays = g;
        return 1;
    }
    forget(g);
    memcpy(g->key, key, g->key_bytes);
    if (q->status != ASSAY_OK) return 0;
    read(q, cudaStreamBeginCapture(q->own[0], cudaStreamCaptureModeThreadLocal));
    if (q->status == ASSAY_OK) q->records = g;
    return 0;
}

static cudaStream_t stream_of(const queue *q, int lane)
{
    return lane || q->records ? q->own[lane] : q->stream;
}

void queue_lane(queue *q, int lane)
{
    q->lane = lane;
}

/* What follows in lane `to` comes after all that lane `from` has so far. */
static void order(queue *q, int from, int to)
{
    if (q->status == ASSAY_OK) read(q, cudaEventRecord(q->event[from], stream_of(q, from)));
    if (q->status == ASSAY_OK) read(q, cudaStreamWaitEvent(stream_of(q, to), q->event[from], 0));
}

void queue_fork(queue *q)
{
    order(q, 0, 1);
}

void queue_join(queue *q)
{
    order(q, 1, 0);
}

static cudaLaunchConfig_t config_of(const launch_shape *shape, cudaStream_t stream, cudaLaunchAttribute *cluster)
{
    cluster->id = cudaLaunchAttributeClusterDimension;
    cluster->val.clusterDim.x = shape->cluster;
    cluster->val.clusterDim.y = cluster->val.clusterDim.z = 1;
    return {dim3(shape->x, shape->y, 1), dim3(shape->threads, 1, 1), shape->shared, stream, cluster,
            shape->cluster > 1};
}

void queue_launch(queue *q, int kernel, const launch_shape *shape, const void *args)
{
    if (q->status != ASSAY_OK) return;
    void *list[] = {const_cast<void *>(args)};
    cudaLaunchAttribute cluster;
    const cudaLaunchConfig_t config = config_of(shape, stream_of(q, q->lane), &cluster);
    read(q, cudaLaunchKernelExC(&config, table[kernel], list));
}

/* The node that the last launch became: what the next one of its stream would come after. */
static cudaGraphNode_t last_node(queue *q)
{
    cudaStreamCaptureStatus capturing = cudaStreamCaptureStatusNone;
    const cudaGraphNode_t *nodes = nullptr;
    size_t count = 0;
    read(q, cudaStreamGetCaptureInfo(stream_of(q, q->lane), &capturing, nullptr, nullptr, &nodes, nullptr, &count));
    return count == 1 ? nodes[0] : nullptr;
}

void queue_launch_anew(queue *q, int kernel, const launch_shape *shape, const void *args)
{
    if (!q->replays) {
        queue_launch(q, kernel, shape, args);
        if (q->records && q->status == ASSAY_OK) q->records->anew = last_node(q);
        return;
    }
    if (q->status != ASSAY_OK) return;
    void *list[] = {const_cast<void *>(args)};
    const cudaKernelNodeParams params = {const_cast<void *>(table[kernel]),
                                         dim3(shape->x, shape->y, 1),
                                         dim3(shape->threads, 1, 1),
                                         shape->shared,
                                         list,
                                         nullptr};
    read(q, cudaGraphExecKernelNodeSetParams(q->replays->exec, q->replays->anew, &params));
}

uint32_t queue_resident(queue *q, int kernel, const launch_shape *shape)
{
    int clusters = 0, blocks = 0, taken = 0;
    cudaLaunchAttribute cluster;
    const cudaLaunchConfig_t config = config_of(shape, q->own[0], &cluster);
    read(q, cudaSetDevice(q->device));
    if (shape->cluster == 1) {
        read(q, cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, table[kernel], static_cast<int>(shape->threads),
                                                              shape->shared));
        return static_cast<uint32_t>(blocks) * (q->width / 8);
    }
    read(q, cudaDeviceGetAttribute(&taken, cudaDevAttrClusterLaunch, q->device));
    if (taken) read(q, cudaOccupancyMaxActiveClusters(&clusters, table[kernel], &config));
    return static_cast<uint32_t>(clusters);
}

uint32_t queue_only_cluster(const queue *)
{
    return 0;
}

void queue_zero(queue *q, void *to, uint64_t bytes)
{
    if (q->status == ASSAY_OK && bytes) read(q, cudaMemsetAsync(to, 0, bytes, stream_of(q, q->lane)));
}

void queue_copy(queue *q, void *to, const void *from, uint64_t bytes)
{
    if (q->status == ASSAY_OK && bytes)
        read(q, cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream_of(q, q->lane)));
}

assay_status queue_end(queue *q)
{
    graph *g = q->replays ? q->replays : q->records;
    if (q->records) { /* a recording that was begun is ended, whatever went wrong in it */
        read(q, cudaStreamEndCapture(q->own[0], &g->made));
        if (q->status == ASSAY_OK) read(q, cudaGraphInstantiate(&g->exec, g->made, 0));
        if (q->status != ASSAY_OK) forget(g);
    }
    if (g && q->status == ASSAY_OK) read(q, cudaGraphLaunch(g->exec, q->stream));
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
