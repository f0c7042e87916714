/* mirror.h: the memory of a region on a device: the twin of a tensor's file, or a private block that only lies there.
 * SPDX-License-Identifier: MIT
 *
 * No page of a device can be taken away from a kernel alone, so what guard pages are on the host, fences are here: 4096
 * bytes of canaries at each end, looked at after each request. A read beyond them, or a write that leaps over them, is
 * not noticed. Status: as in device.h; ASSAY_FAILED means that the device is lost. */
#ifndef ASSAY_MIRROR_H
#define ASSAY_MIRROR_H

#include "conformance/worker/device.h"
#include "conformance/worker/region.h"

/* Memory on the device for a tensor that is mapped already, pages and all: its data lies in it as in the file. */
assay_status assay_mirror_file(assay_region *r, assay_device *d, char *what);

/* A block: 64-byte aligned and no more with END, 256-byte aligned with START; filled with NaN. No bytes: no region. */
assay_status assay_mirror_block(assay_region *r, assay_device *d, const char *name, uint64_t bytes,
                                assay_placement placement, char *what);

void assay_mirror_free(assay_region *r, assay_device *d); /* one without memory there is fine */

/* A block back to NaN, its fences back to canaries. */
assay_status assay_mirror_poison(assay_region *r, assay_device *d, char *what);

/* The file's pages to the device, all of them: data, what the parent put around it, NaN in what is to be written. */
assay_status assay_mirror_give(assay_region *r, assay_device *d, char *what);

/* Back: an output's pages to its file, where the parent finds its own canaries or not; an input is compared with its
 * file, which nobody can have written. *found is 1 and `what` a line on it where a fence is broken (it is mended) or an
 * input was written. */
assay_status assay_mirror_take(assay_region *r, assay_device *d, int *found, char *what);

#endif
