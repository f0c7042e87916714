/* cudart.c: a stand-in for CUDA's runtime over the stand-in for its driver: what is asynchronous there is late here.
 * SPDX-License-Identifier: MIT */
#include "conformance/tests/fake/driver.h"

#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct copy {
    char *to, *from;
    size_t to_pitch, from_pitch, width, height;
    int value, owned; /* of a fill: from is NULL; 1: `from` is ours */
} copy;

static void *symbol(const char *name)
{
    void *driver = dlopen("libcuda.so.1", RTLD_NOW), *found = driver ? dlsym(driver, name) : NULL;
    if (!found) abort(); /* a test without the other half */
    return found;
}

static void work(void *argument)
{
    copy *c = argument;
    for (size_t r = 0; r < c->height; r++) {
        if (c->from)
            memcpy(c->to + r * c->to_pitch, c->from + r * c->from_pitch, c->width);
        else
            memset(c->to + r * c->to_pitch, c->value, c->width);
    }
    if (c->owned) free(c->from);
    free(c);
}

static int owned(const void *memory, size_t pitch, size_t width, size_t height)
{
    fake_owns *owns;
    void *found = symbol("fake_cuda_owns");
    memcpy(&owns, &found, sizeof owns);
    return width == 0 || height == 0 || owns(memory, (height - 1) * pitch + width);
}

static cudaError_t put_off(copy c)
{
    fake_enqueue *enqueue;
    void *found = symbol("fake_cuda_enqueue");
    copy *kept = malloc(sizeof *kept);
    memcpy(&enqueue, &found, sizeof enqueue);
    if (!kept) return cudaErrorMemoryAllocation;
    if (!owned(c.to, c.to_pitch, c.width, c.height)) return cudaErrorInvalidValue;
    *kept = c;
    return enqueue(work, kept) ? cudaSuccess : cudaErrorLaunchOutOfResources;
}

cudaError_t cudaSetDevice(int device)
{
    return device == 0 ? cudaSuccess : cudaErrorInvalidDevice;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return cudaSuccess;
}

const char *cudaGetErrorName(cudaError_t error)
{
    return error == cudaErrorMemoryAllocation ? "cudaErrorMemoryAllocation" : "cudaErrorInvalidValue";
}

cudaError_t cudaGetLastError(void)
{
    return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize(void)
{
    int (*wait)(void);
    void *found = symbol("cuCtxSynchronize");
    memcpy(&wait, &found, sizeof wait);
    return wait() ? cudaErrorIllegalAddress : cudaSuccess;
}

cudaError_t cudaMalloc(void **memory, size_t bytes)
{
    int (*alloc)(unsigned long long *, size_t);
    unsigned long long made = 0;
    void *found = symbol("cuMemAlloc_v2");
    memcpy(&alloc, &found, sizeof alloc);
    const int error = alloc(&made, bytes ? bytes : 1);
    *memory = (void *)(uintptr_t)made;
    return error ? cudaErrorMemoryAllocation : cudaSuccess;
}

cudaError_t cudaFree(void *memory)
{
    int (*release)(unsigned long long);
    void *found = symbol("cuMemFree_v2");
    memcpy(&release, &found, sizeof release);
    return memory && release((uintptr_t)memory) ? cudaErrorInvalidValue : cudaSuccess;
}

cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width,
                              size_t height, enum cudaMemcpyKind kind, cudaStream_t stream)
{
    (void)stream;
    if (width > to_pitch || width > from_pitch || kind != cudaMemcpyDeviceToDevice) return cudaErrorInvalidValue;
    if (!owned(from, from_pitch, width, height)) return cudaErrorInvalidValue;
    return put_off((copy){to, (char *)(uintptr_t)from, to_pitch, from_pitch, width, height, 0, 0});
}

cudaError_t cudaMemset2DAsync(void *to, size_t pitch, int value, size_t width, size_t height, cudaStream_t stream)
{
    (void)stream;
    if (width > pitch) return cudaErrorInvalidValue;
    return put_off((copy){to, NULL, pitch, 0, width, height, value, 0});
}

/* Pageable memory of the host is read before the call returns, that of the device when its turn comes. */
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t stream)
{
    char *source = (char *)(uintptr_t)from;
    (void)stream;
    if (kind == cudaMemcpyDeviceToDevice && !owned(from, bytes, bytes, 1)) return cudaErrorInvalidValue;
    if (kind == cudaMemcpyHostToDevice) {
        source = malloc(bytes ? bytes : 1);
        if (!source) return cudaErrorMemoryAllocation;
        memcpy(source, from, bytes);
    }
    return put_off((copy){to, source, bytes, bytes, bytes, 1, 0, kind == cudaMemcpyHostToDevice});
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream)
{
    (void)stream;
    return put_off((copy){to, NULL, bytes, 0, bytes, 1, value, 0});
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    const cudaError_t error = cudaMemcpyAsync(to, from, bytes, kind, NULL);
    return error ? error : cudaDeviceSynchronize();
}

cudaError_t cudaMemset(void *to, int value, size_t bytes)
{
    return cudaMemsetAsync(to, value, bytes, NULL);
}
