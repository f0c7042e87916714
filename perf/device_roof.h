/* device_roof.h: what a device can do at most, as the program assay-device-roof measures it: the parent loads no
 * driver. SPDX-License-Identifier: MIT */
#ifndef ASSAY_DEVICE_ROOF_H
#define ASSAY_DEVICE_ROOF_H

#include "reference/problem.h"

#include <stddef.h>
#include <stdint.h>

/* NaN and "": not known there. */
typedef struct assay_device_roof {
    double fma_fp32, tensor_tf32, tensor_bf16; /* 1e9 operations a second, a multiply-add counts two */
    double copy_gb_per_s;                      /* read and written, by a copy that no cache holds */
    double sm_mhz, sm_mhz_most, memory_mhz, temperature_c, power_w, power_limit_w; /* while it computed */
    int32_t compute, sms;                                                          /* compute capability times ten */
    char device[112];       /* the driver's words, as a worker's (session.h) */
    char driver[48];        /* version of NVIDIA's driver */
    char throttle[96];      /* "none", or why the clock was lower than it might be */
    char tensor_by[16];     /* "wgmma", "mma.sync": the instruction of the tensor rates */
    char nvml_missing[120]; /* why clocks, temperature and power are not known; "" */
} assay_device_roof;

/* Runs the program (NULL: assay-device-roof beside this one), which computes for about so many seconds, and reads its
 * line. ASSAY_NO_DEVICE: it is not there, or has no device; ASSAY_FAILED: anything else; why has one line. Children of
 * the caller are left alone but for this one. */
assay_status assay_device_roof_measure(const char *program, int ordinal, double seconds, assay_device_roof *out,
                                       char *why, size_t why_size);

/* The line itself; ASSAY_FAILED where it is not such a line. */
assay_status assay_device_roof_parse(const char *line, assay_device_roof *out, char *why, size_t why_size);

/* The peak of operands in an assay_format with sums in fp32: multiply-adds for fp32, and for tf32 and bf16 the faster
 * of these and the tensor cores. NaN: no kernel of ours reaches the units that this device has for it. */
double assay_device_roof_of(const assay_device_roof *r, int format);

/* Each rate of *best to that of *now where that is higher; what a device is, and its clocks, are those of now. */
void assay_device_roof_raise(assay_device_roof *best, const assay_device_roof *now);

/* "NVIDIA H200, compute 9.0, driver 13.0" -> "nvidia-h200-sm90", for names of files; "" if it is none of these. */
void assay_device_name(const char *about, char *out, size_t size);

#endif
