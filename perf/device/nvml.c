/* nvml.c: the dozen functions of NVML that are read, found at run time: a machine without a GPU has none, and a toolkit
 * may lack the header, so types and numbers are written down here. SPDX-License-Identifier: MIT */
#include "perf/device/nvml.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define LIBRARY "libnvidia-ml.so.1"

enum { SUCCESS = 0, CLOCK_SM = 1, CLOCK_MEMORY = 2, TEMPERATURE_GPU = 0 };

/* Reasons that make a time worth less; idle, application clocks and display are none of these. */
static const struct {
    unsigned long long bit;
    const char *name;
} reasons[] = {{0x4, "power cap"},
               {0x8, "hardware slowdown"},
               {0x20, "thermal"},
               {0x40, "hardware thermal"},
               {0x80, "power brake"}};

static int find(void *library, const char *name, void *out)
{
    void *symbol = dlsym(library, name);
    memcpy(out, &symbol, sizeof symbol);
    return symbol != NULL;
}

static double number(void *library, const char *name, void *device, int which, double unit)
{
    int (*with)(void *, int, unsigned *);
    int (*without)(void *, unsigned *);
    unsigned value = 0;
    if (which < 0) {
        if (!find(library, name, &without) || without(device, &value) != SUCCESS) return NAN;
    } else if (!find(library, name, &with) || with(device, which, &value) != SUCCESS) {
        return NAN;
    }
    return value * unit;
}

static void read_throttle(void *library, void *device, char *out, size_t size)
{
    int (*ask)(void *, unsigned long long *);
    unsigned long long bits = 0;
    /* The second is what drivers before 535 call it. */
    if (!find(library, "nvmlDeviceGetCurrentClocksEventReasons", &ask) &&
        !find(library, "nvmlDeviceGetCurrentClocksThrottleReasons", &ask))
        return;
    if (ask(device, &bits) != SUCCESS) return;
    snprintf(out, size, "none");
    for (size_t k = 0, used = 0; k < sizeof reasons / sizeof *reasons && used < size; k++)
        if (bits & reasons[k].bit)
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", reasons[k].name);
}

static void read_device(void *library, void *device, assay_nvml_facts *f)
{
    f->sm_mhz = number(library, "nvmlDeviceGetClockInfo", device, CLOCK_SM, 1);
    f->sm_mhz_most = number(library, "nvmlDeviceGetMaxClockInfo", device, CLOCK_SM, 1);
    f->memory_mhz = number(library, "nvmlDeviceGetClockInfo", device, CLOCK_MEMORY, 1);
    f->temperature_c = number(library, "nvmlDeviceGetTemperature", device, TEMPERATURE_GPU, 1);
    f->power_w = number(library, "nvmlDeviceGetPowerUsage", device, -1, 1e-3);
    f->power_limit_w = number(library, "nvmlDeviceGetEnforcedPowerLimit", device, -1, 1e-3);
    read_throttle(library, device, f->throttle, sizeof f->throttle);
}

void assay_nvml_read(const char *bus_id, assay_nvml_facts *out)
{
    int (*begin)(void), (*end)(void), (*by_bus)(const char *, void **), (*driver)(char *, unsigned);
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL), *device = NULL;
    *out = (assay_nvml_facts){NAN, NAN, NAN, NAN, NAN, NAN, "", "", ""};
    if (!library) {
        snprintf(out->missing, sizeof out->missing, "no %s here", LIBRARY);
        return;
    }
    if (!find(library, "nvmlInit_v2", &begin) || !find(library, "nvmlShutdown", &end) ||
        !find(library, "nvmlDeviceGetHandleByPciBusId_v2", &by_bus)) {
        snprintf(out->missing, sizeof out->missing, "%s lacks a function", LIBRARY);
        return;
    }
    int error = begin();
    if (error != SUCCESS) {
        snprintf(out->missing, sizeof out->missing, "nvmlInit: error %d", error);
        return;
    }
    if (find(library, "nvmlSystemGetDriverVersion", &driver) && driver(out->driver, sizeof out->driver) != SUCCESS)
        out->driver[0] = '\0';
    error = by_bus(bus_id, &device);
    if (error == SUCCESS)
        read_device(library, device, out);
    else
        snprintf(out->missing, sizeof out->missing, "NVML knows no device at %s: error %d", bus_id, error);
    end();
}
