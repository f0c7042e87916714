/* device.c: the driver's functions as one table, filled by dlopen: the only file of the worker that knows CUDA.
 * SPDX-License-Identifier: MIT
 *
 * The driver's own interface and not the runtime's: it comes with the driver, in one version, whatever toolkit a plugin
 * was built with. Types and numbers are those of cuda.h, which a machine without the toolkit lacks. */
#include "conformance/worker/device.h"

#include "conformance/worker/protocol.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, OUT_OF_MEMORY = 2, NON_BLOCKING = 1, L2_BYTES = 38, MAJOR = 75, MINOR = 76, NAME = 64 };

/* Compute capability, times ten: below it nvcc 13 makes no code, and cuDNN of the same year has no kernels. */
enum { OLDEST_COMPUTE = 75 };

/* cuDevicePrimaryCtxRelease_v2 is the youngest function of the table: CUDA 11.0. */
enum { OLDEST = 11000 };

typedef unsigned long long address; /* CUdeviceptr */

/* One line a function: its member, its symbol, its arguments. All return a CUresult. */
#define FUNCTIONS(X)                                                                                                   \
    X(init, cuInit, (unsigned flags))                                                                                  \
    X(version, cuDriverGetVersion, (int *version))                                                                     \
    X(count, cuDeviceGetCount, (int *count))                                                                           \
    X(device, cuDeviceGet, (int *device, int ordinal))                                                                 \
    X(name, cuDeviceGetName, (char *name, int size, int device))                                                       \
    X(attribute, cuDeviceGetAttribute, (int *value, int attribute, int device))                                        \
    X(retain, cuDevicePrimaryCtxRetain, (void **context, int device))                                                  \
    X(release, cuDevicePrimaryCtxRelease_v2, (int device))                                                             \
    X(enter, cuCtxSetCurrent, (void *context))                                                                         \
    X(wait, cuCtxSynchronize, (void))                                                                                  \
    X(stream, cuStreamCreate, (void **stream, unsigned flags))                                                         \
    X(unstream, cuStreamDestroy_v2, (void *stream))                                                                    \
    X(alloc, cuMemAlloc_v2, (address * memory, size_t bytes))                                                          \
    X(release_memory, cuMemFree_v2, (address memory))                                                                  \
    X(put, cuMemcpyHtoD_v2, (address to, const void *from, size_t bytes))                                              \
    X(get, cuMemcpyDtoH_v2, (void *to, address from, size_t bytes))                                                    \
    X(event, cuEventCreate, (void **event, unsigned flags))                                                            \
    X(unevent, cuEventDestroy_v2, (void *event))                                                                       \
    X(record, cuEventRecord, (void *event, void *stream))                                                              \
    X(elapsed, cuEventElapsedTime, (float *milliseconds, void *from, void *to))                                        \
    X(fill, cuMemsetD8_v2, (address to, unsigned char byte, size_t bytes))                                             \
    X(error_name, cuGetErrorName, (int error, const char **text))                                                      \
    X(error_text, cuGetErrorString, (int error, const char **text))

typedef struct driver {
#define MEMBER(member, symbol, arguments) int(*member) arguments;
    FUNCTIONS(MEMBER)
#undef MEMBER
} driver;

struct assay_device {
    void *library, *context, *stream, *event[2];
    void *sweep; /* twice the size of its L2 cache, written before a request, so that nothing lies in there */
    size_t sweep_bytes;
    int device, retained, compute;
    driver cu;
    char about[NAME + 48];
};

/* ASSAY_OK, or what the driver calls it. */
static assay_status judge(const assay_device *d, int error, const char *doing, char *what)
{
    const char *name = NULL, *text = NULL;
    if (error == SUCCESS) return ASSAY_OK;
    d->cu.error_name(error, &name);
    d->cu.error_text(error, &text);
    if (name && text)
        snprintf(what, ASSAY_WIRE_WHAT, "%s: %s (%s)", doing, name, text);
    else
        snprintf(what, ASSAY_WIRE_WHAT, "%s: error %d of the driver", doing, error);
    return error == OUT_OF_MEMORY ? ASSAY_NO_MEMORY : ASSAY_FAILED;
}

static assay_status find(assay_device *d, const char *library, char *what)
{
    const struct {
        const char *symbol;
        size_t at;
    } rows[] = {
#define ROW(member, symbol, arguments) {#symbol, offsetof(driver, member)},
        FUNCTIONS(ROW)
#undef ROW
    };
    d->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!d->library) {
        const char *why = dlerror();
        snprintf(what, ASSAY_WIRE_WHAT, "no CUDA driver: %s", why ? why : library);
        return ASSAY_NO_DEVICE;
    }
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        void *symbol = dlsym(d->library, rows[k].symbol);
        if (!symbol) {
            snprintf(what, ASSAY_WIRE_WHAT, "the CUDA driver has no %s: one of CUDA %d.%d or later is needed",
                     rows[k].symbol, OLDEST / 1000, OLDEST % 1000 / 10);
            return ASSAY_NO_DEVICE;
        }
        memcpy((char *)&d->cu + rows[k].at, &symbol, sizeof symbol);
    }
    return ASSAY_OK;
}

/* Nothing to run on, for whatever reason: SKIPPED and no failure of a plugin. */
static assay_status absent(const assay_device *d, int error, const char *doing, char *what)
{
    return judge(d, error, doing, what) == ASSAY_OK ? ASSAY_OK : ASSAY_NO_DEVICE;
}

static assay_status choose(assay_device *d, int ordinal, int *version, char *what)
{
    int count = 0;
    assay_status st = absent(d, d->cu.init(0), "cuInit", what);
    if (st == ASSAY_OK) st = absent(d, d->cu.version(version), "cuDriverGetVersion", what);
    if (st == ASSAY_OK && *version < OLDEST) {
        snprintf(what, ASSAY_WIRE_WHAT, "the CUDA driver is of CUDA %d.%d: %d.%d or later is needed", *version / 1000,
                 *version % 1000 / 10, OLDEST / 1000, OLDEST % 1000 / 10);
        return ASSAY_NO_DEVICE;
    }
    if (st == ASSAY_OK) st = absent(d, d->cu.count(&count), "cuDeviceGetCount", what);
    if (st == ASSAY_OK && (ordinal < 0 || ordinal >= count)) {
        snprintf(what, ASSAY_WIRE_WHAT, "no CUDA device %d: the driver sees %d", ordinal, count);
        return ASSAY_NO_DEVICE;
    }
    if (st == ASSAY_OK) st = absent(d, d->cu.device(&d->device, ordinal), "cuDeviceGet", what);
    return st;
}

/* A driver that does not know the device cannot run on it either. */
static assay_status judge_age(assay_device *d, char *what)
{
    int major = 0, minor = 0;
    if (d->cu.attribute(&major, MAJOR, d->device) != SUCCESS || d->cu.attribute(&minor, MINOR, d->device) != SUCCESS ||
        major <= 0) {
        snprintf(what, ASSAY_WIRE_WHAT,
                 "a GPU whose compute capability the driver does not tell: %d.%d or later is needed",
                 OLDEST_COMPUTE / 10, OLDEST_COMPUTE % 10);
        return ASSAY_NO_DEVICE;
    }
    d->compute = 10 * major + minor;
    if (d->compute >= OLDEST_COMPUTE) return ASSAY_OK;
    snprintf(what, ASSAY_WIRE_WHAT, "a GPU of compute capability %d.%d: %d.%d or later is needed", major, minor,
             OLDEST_COMPUTE / 10, OLDEST_COMPUTE % 10);
    return ASSAY_NO_DEVICE;
}

static assay_status begin(assay_device *d, char *what)
{
    int l2 = 0;
    assay_status st = absent(d, d->cu.retain(&d->context, d->device), "cuDevicePrimaryCtxRetain", what);
    d->retained = st == ASSAY_OK;
    if (st == ASSAY_OK) st = absent(d, d->cu.enter(d->context), "cuCtxSetCurrent", what);
    if (st == ASSAY_OK) st = absent(d, d->cu.stream(&d->stream, NON_BLOCKING), "cuStreamCreate", what);
    for (int k = 0; k < 2 && st == ASSAY_OK; k++)
        st = absent(d, d->cu.event(&d->event[k], 0), "cuEventCreate", what);
    if (st == ASSAY_OK) st = absent(d, d->cu.attribute(&l2, L2_BYTES, d->device), "cuDeviceGetAttribute", what);
    if (st != ASSAY_OK || l2 <= 0) return st;
    d->sweep_bytes = 2 * (size_t)l2;
    return absent(d, d->cu.alloc((address *)(void *)&d->sweep, d->sweep_bytes), "cuMemAlloc of twice its L2 cache",
                  what);
}

static void describe(assay_device *d, int version)
{
    char name[NAME] = "a device";
    if (d->cu.name(name, NAME, d->device) != SUCCESS) strcpy(name, "a device");
    snprintf(d->about, sizeof d->about, "%s, compute %d.%d, driver %d.%d", name, d->compute / 10, d->compute % 10,
             version / 1000, version % 1000 / 10);
}

assay_status assay_device_open(const char *library, int ordinal, assay_device **out, char *what)
{
    assay_device *d = calloc(1, sizeof *d);
    int version = 0;
    if (!d) {
        snprintf(what, ASSAY_WIRE_WHAT, "no memory to open a device");
        return ASSAY_NO_MEMORY;
    }
    assay_status st = find(d, library, what);
    if (st == ASSAY_OK) st = choose(d, ordinal, &version, what);
    if (st == ASSAY_OK) st = judge_age(d, what);
    if (st == ASSAY_OK) st = begin(d, what);
    if (st != ASSAY_OK) {
        assay_device_close(d);
        return st;
    }
    describe(d, version);
    *out = d;
    return ASSAY_OK;
}

/* The driver stays loaded: a library that starts threads of its own is not taken from under them. */
void assay_device_close(assay_device *d)
{
    if (!d) return;
    if (d->sweep) d->cu.release_memory((uintptr_t)d->sweep);
    for (int k = 0; k < 2; k++)
        if (d->event[k]) d->cu.unevent(d->event[k]);
    if (d->stream) d->cu.unstream(d->stream);
    if (d->retained) d->cu.release(d->device);
    free(d);
}

const char *assay_device_about(const assay_device *d)
{
    return d->about;
}

void *assay_device_stream(const assay_device *d)
{
    return d->stream;
}

/* A plugin may have left another context current. */
static assay_status enter(assay_device *d, char *what)
{
    return judge(d, d->cu.enter(d->context), "cuCtxSetCurrent", what);
}

assay_status assay_device_alloc(assay_device *d, size_t bytes, void **out, char *what)
{
    address memory = 0;
    assay_status st = enter(d, what);
    if (st == ASSAY_OK) st = judge(d, d->cu.alloc(&memory, bytes), "cuMemAlloc", what);
    *out = (void *)(uintptr_t)memory;
    return st;
}

void assay_device_free(assay_device *d, void *memory)
{
    char what[ASSAY_WIRE_WHAT];
    if (memory && enter(d, what) == ASSAY_OK) d->cu.release_memory((uintptr_t)memory);
}

/* After these an error other than success leaves nothing to go on with, memory short or not. */
static assay_status done(const assay_device *d, int error, const char *doing, char *what)
{
    return judge(d, error, doing, what) == ASSAY_OK ? ASSAY_OK : ASSAY_FAILED;
}

assay_status assay_device_put(assay_device *d, void *to, const void *from, size_t bytes, char *what)
{
    if (enter(d, what) != ASSAY_OK) return ASSAY_FAILED;
    return bytes ? done(d, d->cu.put((uintptr_t)to, from, bytes), "cuMemcpyHtoD", what) : ASSAY_OK;
}

assay_status assay_device_get(assay_device *d, void *to, const void *from, size_t bytes, char *what)
{
    if (enter(d, what) != ASSAY_OK) return ASSAY_FAILED;
    return bytes ? done(d, d->cu.get(to, (uintptr_t)from, bytes), "cuMemcpyDtoH", what) : ASSAY_OK;
}

assay_status assay_device_fill(assay_device *d, void *to, int byte, size_t bytes, char *what)
{
    if (enter(d, what) != ASSAY_OK) return ASSAY_FAILED;
    return bytes ? done(d, d->cu.fill((uintptr_t)to, (unsigned char)byte, bytes), "cuMemsetD8", what) : ASSAY_OK;
}

assay_status assay_device_wait(assay_device *d, char *what)
{
    if (enter(d, what) != ASSAY_OK) return ASSAY_FAILED;
    return done(d, d->cu.wait(), "cuCtxSynchronize", what);
}

assay_status assay_device_sweep(assay_device *d, char *what)
{
    return d->sweep_bytes ? assay_device_fill(d, d->sweep, 0, d->sweep_bytes, what) : ASSAY_OK;
}

assay_status assay_device_mark(assay_device *d, int end, char *what)
{
    if (enter(d, what) != ASSAY_OK) return ASSAY_FAILED;
    return done(d, d->cu.record(d->event[end != 0], d->stream), "cuEventRecord", what);
}

assay_status assay_device_elapsed(assay_device *d, double *seconds, char *what)
{
    float milliseconds = 0;
    if (enter(d, what) != ASSAY_OK) return ASSAY_FAILED;
    const assay_status st = done(d, d->cu.elapsed(&milliseconds, d->event[0], d->event[1]), "cuEventElapsedTime", what);
    *seconds = (double)milliseconds * 1e-3;
    return st;
}

int assay_device_compute(const assay_device *d)
{
    return d->compute;
}

void *assay_device_symbol(const assay_device *d, const char *name)
{
    return dlsym(d->library, name);
}
