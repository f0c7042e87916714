/* nvml.c: a stand-in for NVIDIA's management library: one device, numbers that nobody measured.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

enum { OK, INVALID = 2, NOT_FOUND = 6 };

EXPORT int nvmlInit_v2(void);
EXPORT int nvmlShutdown(void);
EXPORT int nvmlSystemGetDriverVersion(char *text, unsigned size);
EXPORT int nvmlDeviceGetHandleByPciBusId_v2(const char *id, void **device);
EXPORT int nvmlDeviceGetClockInfo(void *device, int which, unsigned *mhz);
EXPORT int nvmlDeviceGetMaxClockInfo(void *device, int which, unsigned *mhz);
EXPORT int nvmlDeviceGetTemperature(void *device, int which, unsigned *celsius);
EXPORT int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatt);
EXPORT int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, unsigned long long *bits);

static int the_device;

static int tell(const void *device, unsigned value, unsigned *out)
{
    *out = value;
    return device == &the_device ? OK : INVALID;
}

int nvmlInit_v2(void)
{
    return OK;
}

int nvmlShutdown(void)
{
    return OK;
}

int nvmlSystemGetDriverVersion(char *text, unsigned size)
{
    static const char version[] = "0.0-stand-in";
    if (size < sizeof version) return INVALID;
    memcpy(text, version, sizeof version);
    return OK;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char *id, void **device)
{
    *device = &the_device;
    return strcmp(id, "0000:07:00.0") == 0 ? OK : NOT_FOUND;
}

int nvmlDeviceGetClockInfo(void *device, int which, unsigned *mhz)
{
    return tell(device, which == 1 ? 1410 : 877, mhz);
}

int nvmlDeviceGetMaxClockInfo(void *device, int which, unsigned *mhz)
{
    return tell(device, which == 1 ? 1980 : 877, mhz);
}

int nvmlDeviceGetTemperature(void *device, int which, unsigned *celsius)
{
    return which ? INVALID : tell(device, 41, celsius);
}

int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatt)
{
    return tell(device, 123456, milliwatt);
}

int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, unsigned long long *bits)
{
    *bits = 0x1 | 0x4 | 0x20; /* idle, power cap, thermal */
    return device == &the_device ? OK : INVALID;
}
