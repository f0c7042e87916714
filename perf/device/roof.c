/* roof.c: assay-device-roof: what a CUDA device can do at most, measured, as one line of JSON: multiply-adds, products
 * of tensor cores, a copy, and the clocks meanwhile. SPDX-License-Identifier: MIT
 *
 * A program of its own, so that who times implementations loads no driver. Everything goes through the driver, found at
 * run time: a machine without one gets exit status 77 and a line that says so. Not yet run on a GPU.
 * Usage: assay-device-roof [ORDINAL [SECONDS]] */
#include "conformance/worker/device.h"
#include "conformance/worker/protocol.h"
#include "perf/device/image.h"
#include "perf/device/nvml.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SKIPPED = 77, THREADS = 256, LEAST_BURSTS = 6, SM_COUNT = 16, L2_BYTES = 38, NAME = 32 };

static const double burst_seconds = 5e-3;       /* the clock has settled by then, and nothing has grown hot */
static const size_t copied = (size_t)128 << 20; /* at least, and four times the L2 cache at least */

/* Work of a thread and round as kernels.cu has it. A device of compute capability below `from` or above `to` lacks the
 * instruction, or has a faster one that no kernel here uses: then this rate would be no roof. */
static const struct rate {
    const char *key, *kernel, *by;
    double work;
    int from, to, blocks; /* an SM */
} rates[] = {
    {"fma_fp32", "device_fma_fp32", "fma", 8 * 2, 75, 999, 4},
    {"tensor_tf32", "device_mma_tf32", "mma.sync", 4 * 2. * 16 * 8 * 8 / 32, 80, 89, 4},
    {"tensor_bf16", "device_mma_bf16", "mma.sync", 4 * 2. * 16 * 8 * 16 / 32, 80, 89, 4},
    {"tensor_tf32", "device_wgmma_tf32", "wgmma", 8 * 2. * 64 * 128 * 8 / 128, 90, 90, 2},
    {"tensor_bf16", "device_wgmma_bf16", "wgmma", 8 * 2. * 64 * 128 * 16 / 128, 90, 90, 2},
};

typedef struct machine {
    assay_device *device;
    void *module, *sink;
    int sms, l2;
    char bus_id[NAME], what[ASSAY_WIRE_WHAT];
    int (*launch)(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **,
                  void **);
    int (*function)(void **, void *, const char *);
} machine;

static int find(machine *m, const char *name, void *out)
{
    void *symbol = assay_device_symbol(m->device, name);
    memcpy(out, &symbol, sizeof symbol);
    if (!symbol) snprintf(m->what, sizeof m->what, "the CUDA driver has no %s", name);
    return symbol != NULL;
}

static int judge(machine *m, int error, const char *call)
{
    if (error) snprintf(m->what, sizeof m->what, "%s: error %d of the driver", call, error);
    return error == 0;
}

/* 1, or why not in m->what. */
static int begin(machine *m, int ordinal)
{
    int (*load)(void **, const void *), (*get)(int *, int), (*attribute)(int *, int, int), (*bus)(char *, int, int);
    int device = 0;
    if (!assay_device_image()) {
        snprintf(m->what, sizeof m->what, "built without nvcc: it has no kernels");
        return 0;
    }
    if (!find(m, "cuModuleLoadData", &load) || !find(m, "cuDeviceGet", &get) ||
        !find(m, "cuLaunchKernel", &m->launch) || !find(m, "cuDeviceGetAttribute", &attribute) ||
        !find(m, "cuModuleGetFunction", &m->function) || !find(m, "cuDeviceGetPCIBusId", &bus))
        return 0;
    if (!judge(m, get(&device, ordinal), "cuDeviceGet") ||
        !judge(m, attribute(&m->sms, SM_COUNT, device), "cuDeviceGetAttribute") ||
        !judge(m, attribute(&m->l2, L2_BYTES, device), "cuDeviceGetAttribute") ||
        !judge(m, bus(m->bus_id, NAME, device), "cuDeviceGetPCIBusId"))
        return 0;
    const int error = load(&m->module, assay_device_image());
    if (error)
        snprintf(m->what, sizeof m->what,
                 "cuModuleLoadData: error %d of the driver: no kernels of this build run on %s", error,
                 assay_device_about(m->device));
    return !error && assay_device_alloc(m->device, 256, &m->sink, m->what) == ASSAY_OK;
}

static int launch(machine *m, const char *kernel, int blocks, void **parameters)
{
    void *function = NULL;
    return judge(m, m->function(&function, m->module, kernel), kernel) &&
           judge(m,
                 m->launch(function, (unsigned)blocks, 1, 1, THREADS, 1, 1, 0, assay_device_stream(m->device),
                           parameters, NULL),
                 kernel);
}

/* Seconds by the device's clock; NaN, and why in m->what. */
static double burst(machine *m, const char *kernel, int blocks, void **parameters)
{
    double seconds = NAN;
    if (assay_device_mark(m->device, 0, m->what) != ASSAY_OK || !launch(m, kernel, blocks, parameters) ||
        assay_device_mark(m->device, 1, m->what) != ASSAY_OK || assay_device_wait(m->device, m->what) != ASSAY_OK ||
        assay_device_elapsed(m->device, &seconds, m->what) != ASSAY_OK)
        return NAN;
    if (seconds > 0) return seconds;
    snprintf(m->what, sizeof m->what, "%s: took no time", kernel);
    return NAN;
}

/* Best rate of bursts of a fitting length: what else runs there can only slow one down. */
static double best_rate(machine *m, const struct rate *r, double seconds)
{
    int rounds = 16; /* too few to tell: the next burst has as many as fill its time */
    double best = 0, spent = 0;
    void *parameters[] = {&rounds, &m->sink};
    for (int k = 0; k < LEAST_BURSTS || spent < seconds; k++) {
        const double work = (double)rounds * r->blocks * m->sms * THREADS * r->work;
        const double took = burst(m, r->kernel, r->blocks * m->sms, parameters);
        if (isnan(took)) return NAN;
        spent += took;
        best = fmax(best, work / took);
        rounds = (int)fmin(fmax(burst_seconds * best * rounds / work, 1), 1e8);
    }
    return best;
}

/* Bytes a second, read and written, of a copy that no cache holds. */
static double copy_rate(machine *m, double seconds)
{
    const int blocks = 8 * m->sms;
    const size_t threads = (size_t)blocks * THREADS, l2 = 4 * (size_t)m->l2;
    int rounds = (int)((copied > l2 ? copied : l2) / (threads * 16)) + 1;
    const size_t bytes = threads * 16 * (size_t)rounds;
    void *from = NULL, *to = NULL;
    double best = 0, spent = 0;
    if (assay_device_alloc(m->device, bytes, &from, m->what) != ASSAY_OK ||
        assay_device_alloc(m->device, bytes, &to, m->what) != ASSAY_OK ||
        assay_device_fill(m->device, from, 1, bytes, m->what) != ASSAY_OK)
        best = NAN;
    void *parameters[] = {&rounds, &from, &to};
    for (int k = 0; !isnan(best) && (k < LEAST_BURSTS || spent < seconds); k++) {
        const double took = burst(m, "device_copy", blocks, parameters);
        spent += took;
        best = isnan(took) ? NAN : fmax(best, 2 * (double)bytes / took);
    }
    assay_device_free(m->device, from);
    assay_device_free(m->device, to);
    return best;
}

/* Clocks and power under work: half a tenth of a second of it is under way while they are read. */
static int read_clocks(machine *m, double fma_rate, assay_nvml_facts *facts)
{
    const struct rate *r = &rates[0];
    int rounds = (int)fmin(10 * burst_seconds * fma_rate / (r->blocks * m->sms * THREADS * r->work), 1e8);
    void *parameters[] = {&rounds, &m->sink};
    if (!launch(m, r->kernel, r->blocks * m->sms, parameters)) return 0;
    assay_nvml_read(m->bus_id, facts);
    return assay_device_wait(m->device, m->what) == ASSAY_OK;
}

static json_t *real(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static void put_facts(json_t *out, const machine *m, const assay_nvml_facts *f)
{
    json_object_set_new(out, "device", json_string(assay_device_about(m->device)));
    json_object_set_new(out, "compute", json_integer(assay_device_compute(m->device)));
    json_object_set_new(out, "sms", json_integer(m->sms));
    json_object_set_new(out, "driver", json_string(f->driver));
    json_object_set_new(out, "sm_mhz", real(f->sm_mhz));
    json_object_set_new(out, "sm_mhz_most", real(f->sm_mhz_most));
    json_object_set_new(out, "memory_mhz", real(f->memory_mhz));
    json_object_set_new(out, "temperature_c", real(f->temperature_c));
    json_object_set_new(out, "power_w", real(f->power_w));
    json_object_set_new(out, "power_limit_w", real(f->power_limit_w));
    json_object_set_new(out, "throttle", json_string(f->throttle));
    json_object_set_new(out, "nvml_missing", json_string(f->missing));
}

/* 1, or why not in m->what. A rate that this device has no kernel for is null. */
static int measure(machine *m, double seconds, json_t *out)
{
    enum { RATES = sizeof rates / sizeof *rates };
    const int compute = assay_device_compute(m->device);
    assay_nvml_facts facts;
    double fma = NAN;
    json_object_set_new(out, "tensor_tf32", json_null());
    json_object_set_new(out, "tensor_bf16", json_null());
    json_object_set_new(out, "tensor_by", json_string(""));
    for (int k = 0; k < RATES; k++) {
        if (compute < rates[k].from || compute > rates[k].to) continue;
        const double rate = best_rate(m, &rates[k], seconds / 4);
        if (isnan(rate)) return 0;
        if (k == 0) fma = rate;
        if (k > 0) json_object_set_new(out, "tensor_by", json_string(rates[k].by));
        json_object_set_new(out, rates[k].key, json_real(rate * 1e-9));
    }
    const double bytes = copy_rate(m, seconds / 4);
    if (isnan(bytes) || !read_clocks(m, fma, &facts)) return 0;
    json_object_set_new(out, "copy_gb_per_s", json_real(bytes * 1e-9));
    put_facts(out, m, &facts);
    return 1;
}

static int refuse(const char *what, int status)
{
    printf("assay-device-roof: %s\n", what);
    return status;
}

static int run(machine *m, int ordinal, double seconds)
{
    json_t *out = json_object();
    int status = 0;
    if (!begin(m, ordinal) || !measure(m, seconds, out))
        status = refuse(m->what, assay_device_image() ? 1 : SKIPPED);
    else if (json_dumpf(out, stdout, JSON_SORT_KEYS | JSON_REAL_PRECISION(6)) || putchar('\n') == EOF)
        status = 1;
    json_decref(out);
    return status;
}

int main(int argc, char **argv)
{
    char *end_ordinal = NULL, *end_seconds = NULL;
    const long ordinal = argc > 1 ? strtol(argv[1], &end_ordinal, 10) : 0;
    const double seconds = argc > 2 ? strtod(argv[2], &end_seconds) : 0.4;
    machine m = {0};
    if (argc > 3 || (argc > 1 && (*end_ordinal || ordinal < 0 || ordinal > 1023)) ||
        (argc > 2 && (*end_seconds || !(seconds > 0 && seconds < 60))))
        return refuse("expected [ORDINAL [SECONDS]], a device from 0 on and less than 60 seconds", 2);
    if (assay_device_open(ASSAY_DEVICE_LIBRARY, (int)ordinal, &m.device, m.what) != ASSAY_OK)
        return refuse(m.what, SKIPPED);
    const int status = run(&m, (int)ordinal, seconds);
    assay_device_free(m.device, m.sink);
    assay_device_close(m.device);
    return status;
}
