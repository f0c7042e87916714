/* driver.c: a stand-in for libcuda.so.1 that serves memory of the host, late: what is put, filled or enqueued happens
 * when somebody waits. It computes nothing by itself and is no GPU. SPDX-License-Identifier: MIT
 *
 * Built once a defect (FAKE_...): OLD a driver of CUDA 10.2, HOLE one without cuMemsetD8_v2, NONE no device, SMALL one
 * with 256 KiB, LOST one that fails at the third wait; ANCIENT a GPU of compute capability 6.1, UNTOLD one of which
 * nobody knows, HALVED one whose clock goes at half the speed; those of kernels.c. */
#include "conformance/tests/fake/driver.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EXPORT __attribute__((visibility("default")))

enum { OK, INVALID = 1, NO_MEMORY = 2, NO_DEVICE = 100, ILLEGAL = 700, PIECES = 2048, QUEUE = 8192, JUNK = 0xAB };

typedef struct piece {
    unsigned char *start;
    size_t bytes;
} piece;

typedef struct job {
    void (*work)(void *); /* or NULL: a copy of `from`, or a byte where that is NULL */
    void *argument;
    unsigned char *to, *from, byte;
    size_t bytes;
} job;

/* A driver has no argument in which its state could travel. */
static piece pieces[PIECES];
static job queue[QUEUE];
static int queued, waits, lost, losing, streams, events;
static size_t used;

EXPORT fake_enqueue fake_cuda_enqueue;
EXPORT fake_owns fake_cuda_owns;
EXPORT fake_lose fake_cuda_lose;
EXPORT fake_alive fake_cuda_alive;

int fake_cuda_owns(const void *memory, size_t bytes)
{
    const uintptr_t at = (uintptr_t)memory;
    for (int k = 0; k < PIECES; k++) {
        const uintptr_t start = (uintptr_t)pieces[k].start;
        if (start && at >= start && at - start <= pieces[k].bytes && bytes <= pieces[k].bytes - (at - start)) return 1;
    }
    return 0;
}

int fake_cuda_alive(void)
{
    int count = streams + events;
    for (int k = 0; k < PIECES; k++)
        count += pieces[k].start != NULL;
    return count;
}

void fake_cuda_lose(void)
{
    losing = 1;
}

static int enqueue(const job *j)
{
    if (queued == QUEUE) return 0;
    queue[queued++] = *j;
    return 1;
}

int fake_cuda_enqueue(void (*work)(void *), void *argument)
{
    const job j = {.work = work, .argument = argument};
    return enqueue(&j);
}

static int work_off(void)
{
    waits++;
#ifdef FAKE_LOST
    losing |= waits == 3;
#endif
    lost |= losing;
    for (int k = 0; k < queued; k++) {
        job *j = &queue[k];
        if (lost)
            ;
        else if (j->work)
            j->work(j->argument);
        else if (j->from)
            memcpy(j->to, j->from, j->bytes);
        else
            memset(j->to, j->byte, j->bytes);
        free(j->from);
    }
    queued = 0;
    lost |= losing; /* by the work itself */
    return lost ? ILLEGAL : OK;
}

/* ---- the driver's interface ---- */

typedef unsigned long long address;

EXPORT int cuInit(unsigned flags);
EXPORT int cuDriverGetVersion(int *version);
EXPORT int cuDeviceGetCount(int *count);
EXPORT int cuDeviceGet(int *device, int ordinal);
EXPORT int cuDeviceGetName(char *name, int size, int device);
EXPORT int cuDeviceGetAttribute(int *value, int attribute, int device);
EXPORT int cuDevicePrimaryCtxRetain(void **context, int device);
EXPORT int cuDevicePrimaryCtxRelease_v2(int device);
EXPORT int cuCtxSetCurrent(void *context);
EXPORT int cuCtxSynchronize(void);
EXPORT int cuStreamCreate(void **stream, unsigned flags);
EXPORT int cuStreamDestroy_v2(void *stream);
EXPORT int cuMemAlloc_v2(address *memory, size_t bytes);
EXPORT int cuMemFree_v2(address memory);
EXPORT int cuMemcpyHtoD_v2(address to, const void *from, size_t bytes);
EXPORT int cuMemcpyDtoH_v2(void *to, address from, size_t bytes);
EXPORT int cuMemsetD8_v2(address to, unsigned char byte, size_t bytes);
EXPORT int cuEventCreate(void **event, unsigned flags);
EXPORT int cuEventDestroy_v2(void *event);
EXPORT int cuEventRecord(void *event, void *stream);
EXPORT int cuEventElapsedTime(float *milliseconds, void *from, void *to);
EXPORT int cuGetErrorName(int error, const char **text);
EXPORT int cuGetErrorString(int error, const char **text);

int cuInit(unsigned flags)
{
#ifdef FAKE_NONE
    return flags ? INVALID : NO_DEVICE;
#else
    return flags ? INVALID : OK;
#endif
}

int cuDriverGetVersion(int *version)
{
#ifdef FAKE_OLD
    *version = 10020;
#else
    *version = 13000;
#endif
    return OK;
}

int cuDeviceGetCount(int *count)
{
    *count = 1;
    return OK;
}

int cuDeviceGet(int *device, int ordinal)
{
    *device = 7;
    return ordinal ? INVALID : OK;
}

int cuDeviceGetName(char *name, int size, int device)
{
    static const char text[] = "no GPU: memory of the host";
    if (device != 7 || size < (int)sizeof text) return INVALID;
    memcpy(name, text, sizeof text);
    return OK;
}

int cuDeviceGetAttribute(int *value, int attribute, int device)
{
    return device == 7 ? fake_cuda_attribute(value, attribute) : INVALID;
}

int cuDevicePrimaryCtxRetain(void **context, int device)
{
    *context = pieces;
    return device == 7 ? OK : INVALID;
}

int cuDevicePrimaryCtxRelease_v2(int device)
{
    return device == 7 ? OK : INVALID;
}

int cuCtxSetCurrent(void *context)
{
    return context != pieces ? INVALID : lost ? ILLEGAL : OK;
}

int cuCtxSynchronize(void)
{
    return work_off();
}

int cuStreamCreate(void **stream, unsigned flags)
{
    *stream = queue;
    streams++;
    return flags == 1 ? OK : INVALID;
}

int cuStreamDestroy_v2(void *stream)
{
    streams--;
    return stream == queue ? OK : INVALID;
}

/* When the queue came to it. */
static void stamp(void *event)
{
    clock_gettime(CLOCK_MONOTONIC, event);
}

int cuEventCreate(void **event, unsigned flags)
{
    *event = calloc(1, sizeof(struct timespec));
    events += *event != NULL;
    return flags ? INVALID : *event ? OK : NO_MEMORY;
}

int cuEventDestroy_v2(void *event)
{
    events--;
    free(event);
    return OK;
}

int cuEventRecord(void *event, void *stream)
{
    return lost || stream != queue || !fake_cuda_enqueue(stamp, event) ? ILLEGAL : OK;
}

int cuEventElapsedTime(float *milliseconds, void *from, void *to)
{
    const struct timespec *a = from, *b = to;
    if (lost || queued) return ILLEGAL; /* nobody waited for them */
    *milliseconds = (float)((double)(b->tv_sec - a->tv_sec) * 1e3 + (double)(b->tv_nsec - a->tv_nsec) * 1e-6);
#ifdef FAKE_HALVED
    *milliseconds /= 2;
#endif
    return OK;
}

int cuMemAlloc_v2(address *memory, size_t bytes)
{
    int k = 0;
    while (k < PIECES && pieces[k].start)
        k++;
    if (lost) return ILLEGAL;
    if (k == PIECES || bytes == 0) return INVALID;
#ifdef FAKE_SMALL
    if (bytes > ((size_t)256 << 10) - used) return NO_MEMORY;
#endif
    const size_t rounded = (bytes + 255) / 256 * 256;
    unsigned char *start = rounded < bytes ? NULL : aligned_alloc(256, rounded);
    if (!start) return NO_MEMORY;
    memset(start, JUNK, rounded < ((size_t)1 << 28) ? rounded : 0);
    pieces[k] = (piece){start, bytes};
    used += bytes;
    *memory = (uintptr_t)start;
    return OK;
}

int cuMemFree_v2(address memory)
{
    work_off();
    for (int k = 0; k < PIECES; k++) {
        if ((uintptr_t)pieces[k].start != memory) continue;
        used -= pieces[k].bytes;
        free(pieces[k].start);
        pieces[k].start = NULL;
        return OK;
    }
    return INVALID;
}

int cuMemcpyHtoD_v2(address to, const void *from, size_t bytes)
{
    job j = {.to = (unsigned char *)(uintptr_t)to, .bytes = bytes, .from = malloc(bytes)};
    if (lost || !fake_cuda_owns(j.to, bytes) || !j.from) {
        free(j.from);
        return ILLEGAL;
    }
    memcpy(j.from, from, bytes);
    return enqueue(&j) ? OK : ILLEGAL;
}

int cuMemcpyDtoH_v2(void *to, address from, size_t bytes)
{
    const void *there = (const void *)(uintptr_t)from;
    if (lost || !fake_cuda_owns(there, bytes)) return ILLEGAL;
    memcpy(to, there, bytes); /* of what was waited for: a copy that waits would hide a worker that doesn't */
    return OK;
}

#ifndef FAKE_HOLE
int cuMemsetD8_v2(address to, unsigned char byte, size_t bytes)
{
    const job j = {.to = (unsigned char *)(uintptr_t)to, .byte = byte, .bytes = bytes};
    if (lost || !fake_cuda_owns(j.to, bytes) || !enqueue(&j)) return ILLEGAL;
    return OK;
}
#endif

int cuGetErrorName(int error, const char **text)
{
    *text = error == NO_DEVICE   ? "CUDA_ERROR_NO_DEVICE"
            : error == NO_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY"
            : error == ILLEGAL   ? "CUDA_ERROR_ILLEGAL_ADDRESS"
                                 : "CUDA_ERROR_INVALID_VALUE";
    return OK;
}

int cuGetErrorString(int error, const char **text)
{
    *text = error == ILLEGAL ? "an illegal memory access was encountered" : "as a test asked for";
    return OK;
}
