/* kernels.c: what the stand-in for the driver says of its device, and kernels that compute nothing: each takes as long
 * as its work would at the rates below, so that a program that measures rates is measured.
 *
 * SPDX-License-Identifier: MIT
 *
 * The work of a launch is worked out here from what the kernels of perf/device/kernels.cu are documented to do, apart
 * from the program that launches them. Defects: SLOW multiply-adds at a thousandth of the rate, TURING compute
 * capability 7.5, LATER 12.0, STRANGE refuses the image. */
#include "conformance/tests/fake/driver.h"

#include <stdint.h>
#include <string.h>
#include <time.h>

#define EXPORT __attribute__((visibility("default")))

enum { OK, INVALID = 1, NO_IMAGE = 209, UNKNOWN = 500, SMS = 10, WARP = 32 };

#if defined(FAKE_SLOW)
#define SCALE 1e-3
#else
#define SCALE 1.
#endif

static const struct {
    const char *name;
    double work, rate; /* of a thread and round: operations, or bytes; a second, all threads */
} kernels[] = {
    {"device_fma_fp32", 8 * 2, 2e12 * SCALE},
    {"device_mma_tf32", 4 * 2. * 16 * 8 * 8 / WARP, 4e12},
    {"device_mma_bf16", 4 * 2. * 16 * 8 * 16 / WARP, 8e12},
    {"device_wgmma_tf32", 8 * 2. * 64 * 128 * 8 / (4 * WARP), 5e12},
    {"device_wgmma_bf16", 8 * 2. * 64 * 128 * 16 / (4 * WARP), 10e12},
    {"device_copy", 2 * 16, 300e9},
};

EXPORT int cuModuleLoadData(void **module, const void *image);
EXPORT int cuModuleUnload(void *module);
EXPORT int cuModuleGetFunction(void **function, void *module, const char *name);
EXPORT int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                          unsigned shared, void *stream, void **parameters, void **extra);
EXPORT int cuDeviceGetPCIBusId(char *text, int size, int device);
EXPORT fake_enqueue fake_cuda_enqueue;

int fake_cuda_attribute(int *value, int attribute)
{
#if defined(FAKE_ANCIENT)
    const int major = 6, minor = 1;
#elif defined(FAKE_UNTOLD)
    const int major = 0, minor = 0;
#elif defined(FAKE_TURING)
    const int major = 7, minor = 5;
#elif defined(FAKE_LATER)
    const int major = 12, minor = 0;
#else
    const int major = 9, minor = 0;
#endif
    const int known[][2] = {{16, SMS}, {38, 4096}, {75, major}, {76, minor}};
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        if (known[k][0] != attribute) continue;
        *value = known[k][1];
        return OK;
    }
    return INVALID;
}

int cuDeviceGetPCIBusId(char *text, int size, int device)
{
    static const char id[] = "0000:07:00.0";
    if (device != 7 || size < (int)sizeof id) return INVALID;
    memcpy(text, id, sizeof id);
    return OK;
}

int cuModuleLoadData(void **module, const void *image)
{
    *module = (void *)(uintptr_t)kernels;
#ifdef FAKE_STRANGE
    return image ? NO_IMAGE : INVALID;
#else
    return image ? OK : INVALID;
#endif
}

int cuModuleUnload(void *module)
{
    return module == kernels ? OK : INVALID;
}

int cuModuleGetFunction(void **function, void *module, const char *name)
{
    for (size_t k = 0; module == kernels && k < sizeof kernels / sizeof *kernels; k++) {
        if (strcmp(kernels[k].name, name) != 0) continue;
        *function = (void *)(uintptr_t)&kernels[k];
        return OK;
    }
    return UNKNOWN;
}

typedef struct busy {
    double seconds;
} busy;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void pass_time(void *argument)
{
    const busy *b = argument;
    const double end = now() + b->seconds;
    while (now() < end)
        ;
}

/* The first parameter of each kernel is its number of rounds. The slot is free again long before it comes round. */
int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, void *stream, void **parameters, void **extra)
{
    static busy slots[64];
    static int next;
    const size_t at = (size_t)((char *)function - (char *)(uintptr_t)kernels) / sizeof *kernels;
    const double threads = (double)gx * gy * gz * bx * by * bz;
    if (at >= sizeof kernels / sizeof *kernels || !stream || extra || shared || bx * by * bz > 1024) return INVALID;
    busy *b = &slots[next++ % 64];
    b->seconds = *(const int *)parameters[0] * threads * kernels[at].work / kernels[at].rate;
    return fake_cuda_enqueue(pass_time, b) ? OK : INVALID;
}
