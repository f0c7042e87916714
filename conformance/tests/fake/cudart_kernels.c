/* cudart_kernels.c: the part of a stand-in for CUDA's runtime that launches: kernels of impl/cuda, known by the names
 * under which a plugin registers them, run late, on the emulator.
 *
 * SPDX-License-Identifier: MIT
 *
 * What nvcc made of them is never looked at. A launch that is no launch of one of them is refused; one that the
 * emulator finds a fault in ends the process. No graphs: who asks for one is told that there are none. */
#include "conformance/tests/fake/driver.h"
#include "impl/cuda/emulator/emulator.h"
#include "impl/common/cuda/kernels.h"

#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHARED = 227 * 1024, MULTIPROCESSORS = 1 };

#define KERNEL_ROW(name, type, threads) void kernel_##name(const void *args);
#include "impl/common/cuda/kernels.inc"
#undef KERNEL_ROW

typedef struct row {
    const char *name;
    void (*kernel)(const void *args);
    uint32_t threads;
    size_t bytes; /* of its argument */
} row;

static const row rows[KERNELS] = {
#define KERNEL_ROW(name, type, threads) {"kernel_" #name, kernel_##name, threads, sizeof(type)},
#include "impl/common/cuda/kernels.inc"
#undef KERNEL_ROW
};

/* A runtime has no argument in which its state could travel: by kernel, the address that stands for it in the plugin.
 */
static const void *registered[KERNELS];

static const row *find(const void *function)
{
    for (int k = 0; function && k < KERNELS; k++)
        if (registered[k] == function) return &rows[k];
    return NULL;
}

/* ---- what nvcc's objects call before main ---- */

void **__cudaRegisterFatBinary(void *image);
void __cudaRegisterFatBinaryEnd(void **handle);
void __cudaUnregisterFatBinary(void **handle);
void __cudaRegisterFunction(void **handle, const char *host, char *device, const char *name, int threads, void *tid,
                            void *bid, void *block, void *grid, int *warp);
cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared, void *stream);
cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *function);
cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void **args, size_t shared,
                               cudaStream_t stream);

void **__cudaRegisterFatBinary(void *image)
{
    static void *made;
    made = image;
    return &made;
}

void __cudaRegisterFatBinaryEnd(void **handle)
{
    (void)handle;
}

void __cudaUnregisterFatBinary(void **handle)
{
    (void)handle;
}

void __cudaRegisterFunction(void **handle, const char *host, char *device, const char *name, int threads, void *tid,
                            void *bid, void *block, void *grid, int *warp)
{
    (void)handle, (void)device, (void)threads, (void)tid, (void)bid, (void)block, (void)grid, (void)warp;
    for (int k = 0; k < KERNELS; k++)
        if (strcmp(rows[k].name, name) == 0) registered[k] = host;
}

/* Launches by <<<>>>: nobody here makes one. */
cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared, void *stream)
{
    (void)grid, (void)block, (void)shared, (void)stream;
    return cudaErrorNotSupported;
}

cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *function)
{
    (void)kernel, (void)function;
    return cudaErrorNotSupported;
}

cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void **args, size_t shared,
                               cudaStream_t stream)
{
    (void)kernel, (void)grid, (void)block, (void)args, (void)shared, (void)stream;
    return cudaErrorNotSupported;
}

/* ---- launches ---- */

typedef struct job {
    emulator_launch launch;
    unsigned char args[];
} job;

static void work(void *argument)
{
    static emulator_machine *machine;
    static uint64_t launches;
    job *j = argument;
    if (!machine) machine = emulator_open();
    j->launch.seed = ++launches * 0x9e3779b97f4a7c15u;
    if (!machine || emulator_run(machine, &j->launch) != EMULATOR_NONE) {
        fprintf(stderr, "kernel %s: %s\n", j->launch.name, machine ? emulator_why(machine) : "no memory");
        abort();
    }
    free(j);
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t *config, const void *function, void **args)
{
    const row *r = find(function);
    const dim3 grid = config->gridDim, block = config->blockDim;
    fake_enqueue *enqueue;
    void *driver = dlopen("libcuda.so.1", RTLD_NOW), *found = driver ? dlsym(driver, "fake_cuda_enqueue") : NULL;
    if (!r || !found) return cudaErrorInvalidDeviceFunction;
    if (!grid.x || !grid.y || grid.z != 1 || block.y != 1 || block.z != 1 || block.x > r->threads ||
        block.x % 32 != 0 || config->numAttrs || config->dynamicSmemBytes > SHARED)
        return cudaErrorInvalidConfiguration;
    job *j = malloc(sizeof *j + r->bytes);
    if (!j) return cudaErrorMemoryAllocation;
    memcpy(j->args, args[0], r->bytes);
    j->launch = (emulator_launch){.name = r->name,
                                  .kernel = r->kernel,
                                  .args = j->args,
                                  .blocks = {grid.x, grid.y, 1},
                                  .threads = block.x,
                                  .cluster = 1,
                                  .shared = (uint32_t)config->dynamicSmemBytes};
    memcpy(&enqueue, &found, sizeof enqueue);
    if (enqueue(work, j)) return cudaSuccess;
    free(j);
    return cudaErrorLaunchOutOfResources;
}

/* ---- what is asked of the device and of a kernel ---- */

cudaError_t cudaGetDeviceCount(int *count)
{
    *count = 1;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device)
{
    *value = attribute == cudaDevAttrMaxSharedMemoryPerBlockOptin ? SHARED : MULTIPROCESSORS;
    return device == 0 &&
                   (attribute == cudaDevAttrMaxSharedMemoryPerBlockOptin || attribute == cudaDevAttrMultiProcessorCount)
               ? cudaSuccess
               : cudaErrorInvalidValue;
}

cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *is, const void *function)
{
    *is = (struct cudaFuncAttributes){.sharedSizeBytes = 1024}; /* of a kernel here, that is more than any has */
    return find(function) ? cudaSuccess : cudaErrorInvalidDeviceFunction;
}

cudaError_t cudaFuncSetAttribute(const void *function, enum cudaFuncAttribute attribute, int value)
{
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value > SHARED - 1024) return cudaErrorInvalidValue;
    return find(function) ? cudaSuccess : cudaErrorInvalidDeviceFunction;
}

const char *cudaGetErrorString(cudaError_t error)
{
    return cudaGetErrorName(error);
}

/* ---- streams and events of the plugin's own: nothing goes through them here ---- */

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    static char place;
    *stream = (cudaStream_t)(void *)&place;
    return flags == cudaStreamNonBlocking ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    return stream ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
    static char place;
    *event = (cudaEvent_t)(void *)&place;
    return flags == cudaEventDisableTiming ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    return event ? cudaSuccess : cudaErrorInvalidValue;
}

/* ---- what is not there ---- */

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    (void)event, (void)stream;
    return cudaErrorNotSupported;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags)
{
    (void)stream, (void)event, (void)flags;
    return cudaErrorNotSupported;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    (void)stream, (void)mode;
    return cudaErrorNotSupported;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    (void)stream, (void)graph;
    return cudaErrorNotSupported;
}

#undef cudaStreamGetCaptureInfo
cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, enum cudaStreamCaptureStatus *status, unsigned long long *id,
                                     cudaGraph_t *graph, const cudaGraphNode_t **nodes, const cudaGraphEdgeData **edges,
                                     size_t *count)
{
    (void)stream, (void)status, (void)id, (void)graph, (void)nodes, (void)edges, (void)count;
    return cudaErrorNotSupported;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags)
{
    (void)exec, (void)graph, (void)flags;
    return cudaErrorNotSupported;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
    (void)exec, (void)stream;
    return cudaErrorNotSupported;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    (void)graph;
    return cudaErrorNotSupported;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    (void)exec;
    return cudaErrorNotSupported;
}

cudaError_t cudaGraphExecKernelNodeSetParams(cudaGraphExec_t exec, cudaGraphNode_t node,
                                             const struct cudaKernelNodeParams *params)
{
    (void)exec, (void)node, (void)params;
    return cudaErrorNotSupported;
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *function, int threads, size_t shared)
{
    (void)blocks, (void)function, (void)threads, (void)shared;
    return cudaErrorNotSupported;
}

cudaError_t cudaOccupancyMaxActiveClusters(int *clusters, const void *function, const cudaLaunchConfig_t *config)
{
    (void)clusters, (void)function, (void)config;
    return cudaErrorNotSupported;
}
