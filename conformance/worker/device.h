/* device.h: a CUDA device as the worker needs it: memory, copies, a stream, waiting. Nothing of CUDA is linked: the
 * driver is found at run time. SPDX-License-Identifier: MIT
 *
 * Every function is for the thread that opened the device. `what` has room for ASSAY_WIRE_WHAT bytes and gets one line
 * where the status is not ASSAY_OK. ASSAY_FAILED: the context is lost, and with it all that was on the device; the
 * process can only end. */
#ifndef ASSAY_DEVICE_H
#define ASSAY_DEVICE_H

#include "reference/problem.h"

#include <stddef.h>

/* The driver's library, as every installation names it. */
#define ASSAY_DEVICE_LIBRARY "libcuda.so.1"

typedef struct assay_device assay_device;

/* Loads the driver and makes the device's primary context current, which is the one that CUDA's runtime uses, too.
 * ASSAY_NO_DEVICE: no driver, one that is too old, no such device. The caller closes it. */
assay_status assay_device_open(const char *library, int ordinal, assay_device **out, char *what);
void assay_device_close(assay_device *d); /* NULL is fine */

/* "NVIDIA H200, compute 9.0, driver 13.0"; lives as long as the device. */
const char *assay_device_about(const assay_device *d);

/* The stream that plugins get: one that does not wait for the default stream. */
void *assay_device_stream(const assay_device *d);

/* Memory on the device, aligned to 256 bytes. ASSAY_NO_MEMORY, or ASSAY_FAILED. */
assay_status assay_device_alloc(assay_device *d, size_t bytes, void **out, char *what);
void assay_device_free(assay_device *d, void *memory); /* NULL is fine */

/* Host to device, device to host, one byte everywhere. What is put or filled is there after the next wait. */
assay_status assay_device_put(assay_device *d, void *to, const void *from, size_t bytes, char *what);
assay_status assay_device_get(assay_device *d, void *to, const void *from, size_t bytes, char *what);
assay_status assay_device_fill(assay_device *d, void *to, int byte, size_t bytes, char *what);

/* Until all work on all streams is done. */
assay_status assay_device_wait(assay_device *d, char *what);

/* Writes over twice its L2 cache, so that what comes next finds nothing there; done at the next wait. */
assay_status assay_device_sweep(assay_device *d, char *what);

/* The device's own clock on the stream that plugins get: a mark before the work (end 0), one behind it (end 1), and
 * after a wait the seconds between the two. */
assay_status assay_device_mark(assay_device *d, int end, char *what);
assay_status assay_device_elapsed(assay_device *d, double *seconds, char *what);

/* Compute capability times ten: 90. */
int assay_device_compute(const assay_device *d);

/* A function of the driver by its symbol, NULL if it has none: for programs that launch kernels of their own. */
void *assay_device_symbol(const assay_device *d, const char *name);

#endif
