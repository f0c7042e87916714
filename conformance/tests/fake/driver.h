/* driver.h: what a stand-in for the CUDA driver tells plugins of the tests, which find it by dlsym: it is no driver.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_FAKE_DRIVER_H
#define ASSAY_FAKE_DRIVER_H

#include <stddef.h>

/* Puts work behind all that was put, filled and enqueued before; done when somebody waits. 0 if there is no room. */
typedef int fake_enqueue(void (*work)(void *), void *argument);

/* 1 if so many bytes from there lie in one piece of memory that was allocated and not yet freed. */
typedef int fake_owns(const void *memory, size_t bytes);

/* Every call from the next wait on returns CUDA_ERROR_ILLEGAL_ADDRESS, as after a kernel that faulted. */
typedef void fake_lose(void);

/* Pieces of memory, and streams, that are there. */
typedef int fake_alive(void);

/* Between the files of the stand-in: an attribute of its device, as cuDeviceGetAttribute() answers. */
int fake_cuda_attribute(int *value, int attribute);

#endif
