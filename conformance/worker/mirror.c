/* mirror.c: fences, copies and comparisons of memory on a device.
 * SPDX-License-Identifier: MIT */
#include "conformance/worker/mirror.h"

#include "conformance/worker/canary.h"

#include <stdio.h>
#include <string.h>

enum { FENCE = 4096, ALIGN = 64, MOST = FENCE + ALIGN, PIECE = 1 << 16 };

static assay_status allocate(assay_region *r, assay_device *d, size_t front, size_t bytes, char *what)
{
    void *memory = NULL;
    assay_status st = assay_device_alloc(d, front + bytes + FENCE, &memory, what);
    if (st != ASSAY_OK) return st;
    r->device = memory;
    r->device_room = front + bytes + FENCE;
    r->device_front = front;
    return ASSAY_OK;
}

static assay_status raise_fences(const assay_region *r, assay_device *d, char *what)
{
    unsigned char canaries[MOST];
    assay_canary_fill(canaries, sizeof canaries);
    assay_status st = assay_device_put(d, r->device, canaries, r->device_front, what);
    if (st == ASSAY_OK) st = assay_device_put(d, r->device + r->device_room - FENCE, canaries, FENCE, what);
    return st == ASSAY_OK ? assay_device_wait(d, what) : st; /* the canaries are this function's */
}

assay_status assay_mirror_file(assay_region *r, assay_device *d, char *what)
{
    assay_status st = allocate(r, d, FENCE, r->room, what);
    if (st == ASSAY_OK) {
        r->device_data = r->device + FENCE + (r->data - r->low);
        st = raise_fences(r, d, what);
    }
    if (st == ASSAY_NO_MEMORY)
        snprintf(what, ASSAY_WIRE_WHAT, "%s: no memory on the device for %zu bytes", r->name, r->bytes);
    return st;
}

assay_status assay_mirror_block(assay_region *r, assay_device *d, const char *name, uint64_t bytes,
                                assay_placement placement, char *what)
{
    memset(r, 0, sizeof *r);
    if (bytes == 0) return ASSAY_OK;
    size_t front = placement == ASSAY_PLACE_END ? FENCE + ALIGN : FENCE;
    assay_status st = bytes > SIZE_MAX / 2 ? ASSAY_NO_MEMORY : allocate(r, d, front, (size_t)bytes, what);
    if (st != ASSAY_OK) {
        snprintf(what, ASSAY_WIRE_WHAT, "no memory on the device for a %s of %llu bytes", name,
                 (unsigned long long)bytes);
        return st;
    }
    snprintf(r->name, sizeof r->name, "%s", name);
    r->bytes = (size_t)bytes;
    r->device_data = r->device + front;
    return assay_mirror_poison(r, d, what);
}

void assay_mirror_free(assay_region *r, assay_device *d)
{
    if (r->device) assay_device_free(d, r->device);
    r->device = r->device_data = NULL;
}

assay_status assay_mirror_poison(assay_region *r, assay_device *d, char *what)
{
    if (!r->device) return ASSAY_OK;
    assay_status st = assay_device_fill(d, r->device_data, 0xFF, r->bytes, what);
    return st == ASSAY_OK ? raise_fences(r, d, what) : st; /* which waits for both */
}

assay_status assay_mirror_give(assay_region *r, assay_device *d, char *what)
{
    return r->base ? assay_device_put(d, r->device + FENCE, r->low, r->room, what) : ASSAY_OK;
}

/* The place of a byte of the device's memory, as seen from the data. */
static void tell(const assay_region *r, size_t at, char *what)
{
    const size_t data = (size_t)(r->device_data - r->device);
    if (at < data)
        snprintf(what, ASSAY_WIRE_WHAT, "%s: wrote before its start on the device: offset -%zu", r->name, data - at);
    else
        snprintf(what, ASSAY_WIRE_WHAT, "%s: wrote past its end on the device: offset %zu of %zu bytes", r->name,
                 at - data, r->bytes);
}

static assay_status look_at_fences(const assay_region *r, assay_device *d, int *found, char *what)
{
    const size_t starts[] = {r->device_room - FENCE, 0}, lengths[] = {FENCE, r->device_front};
    unsigned char seen[MOST];
    size_t at;
    int broken = 0;
    for (int front = 0; front < 2; front++) {
        assay_status st = assay_device_get(d, seen, r->device + starts[front], lengths[front], what);
        if (st != ASSAY_OK) return st;
        if (!assay_canary_broken(seen, lengths[front], front, &at)) continue;
        if (!broken) tell(r, starts[front] + at, what);
        *found = broken = 1;
    }
    return broken ? raise_fences(r, d, what) : ASSAY_OK;
}

static size_t first_difference(const unsigned char *a, const unsigned char *b, size_t n)
{
    size_t k = 0;
    while (k < n && a[k] == b[k])
        k++;
    return k;
}

static assay_status compare(const assay_region *r, assay_device *d, int *found, char *what)
{
    unsigned char seen[PIECE];
    for (size_t at = 0; at < r->room; at += PIECE) {
        const size_t n = r->room - at < PIECE ? r->room - at : PIECE;
        assay_status st = assay_device_get(d, seen, r->device + FENCE + at, n, what);
        if (st != ASSAY_OK) return st;
        if (memcmp(seen, r->low + at, n) == 0) continue;
        const long long offset =
            (long long)(at + first_difference(seen, r->low + at, n)) - (long long)(r->data - r->low);
        snprintf(what, ASSAY_WIRE_WHAT, "input %s was written on the device: offset %lld of %zu bytes", r->name, offset,
                 r->bytes);
        *found = 1;
        return ASSAY_OK;
    }
    return ASSAY_OK;
}

assay_status assay_mirror_take(assay_region *r, assay_device *d, int *found, char *what)
{
    *found = 0;
    if (!r->device) return ASSAY_OK;
    assay_status st = look_at_fences(r, d, found, what);
    if (st != ASSAY_OK || !r->base) return st;
    if (!r->input) return assay_device_get(d, r->low, r->device + FENCE, r->room, what);
    return *found ? ASSAY_OK : compare(r, d, found, what);
}
