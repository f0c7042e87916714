/* region.h: memory that a plugin is given in the worker: a tensor's file or a private block, between two guard pages.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_REGION_H
#define ASSAY_REGION_H

#include "conformance/worker/protocol.h"

#include <stddef.h>

typedef struct assay_region {
    unsigned char *base; /* the first guard page; NULL when there is no region */
    size_t reserved;     /* bytes from there to the end of the last guard page */
    unsigned char *low;  /* what may be touched: whole pages between the guards */
    size_t room;
    unsigned char *data; /* what the plugin is given, inside `room`; the rest is slack */
    size_t bytes;
    int input; /* mapped for reading only */
    char name[ASSAY_WIRE_NAME];
    /* On a device (mirror.h); NULL where the place is the host. A block there has no memory here: base is NULL. */
    unsigned char *device, *device_data; /* what was allocated; what the plugin is given */
    size_t device_room, device_front;    /* bytes of it; bytes of the fence in front */
} assay_region;

/* A private block: 64-byte aligned, filled with NaN, canaries in its slack. START: at the low end of its pages. END:
 * less than 64 bytes before the guard page. No bytes: no region. ASSAY_NO_MEMORY if the kernel gives none. */
assay_status assay_region_block(assay_region *r, const char *name, uint64_t bytes, assay_placement placement);

/* The memory file fd, which stays the caller's, mapped at the offset that the parent has it at. */
assay_status assay_region_file(assay_region *r, int fd, const assay_wire_binding *b);

void assay_region_free(assay_region *r); /* an empty one is fine */

/* Block back to NaN, slack back to canaries. */
void assay_region_poison(assay_region *r);

/* 1 and one line in what[ASSAY_WIRE_WHAT] if the block's slack was written; then the canaries are put back. */
int assay_region_overrun(assay_region *r, char *what);

#endif
