/* nvml.h: clocks, temperature, power and throttling of a GPU as NVIDIA's management library tells them: read, never
 * set. SPDX-License-Identifier: MIT */
#ifndef ASSAY_NVML_H
#define ASSAY_NVML_H

/* What is not known is NaN or "". */
typedef struct assay_nvml_facts {
    double sm_mhz, sm_mhz_most, memory_mhz; /* now, the most that it may have, now */
    double temperature_c, power_w, power_limit_w;
    char throttle[96]; /* why the clock is lower than it might be: "power cap, thermal"; "none" */
    char driver[48];   /* "580.65.06" */
    char missing[120]; /* "" where the library was there and knew the device, else what was missing */
} assay_nvml_facts;

/* Of the device at that address on the bus ("0000:07:00.0"). Cannot fail: what is missing is said. */
void assay_nvml_read(const char *bus_id, assay_nvml_facts *out);

#endif
