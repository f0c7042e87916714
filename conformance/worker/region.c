/* region.c: guard pages, placement and canaries.
 * SPDX-License-Identifier: MIT */
#include "conformance/worker/region.h"

#include "conformance/worker/canary.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_ALIGN = 64 }; /* impl.h promises it */

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

/* Takes addresses for room bytes and a guard page at each end; nothing of it can be touched yet. */
static assay_status reserve(assay_region *r, const char *name, size_t room)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    memset(r, 0, sizeof *r);
    void *base = mmap(NULL, room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) return ASSAY_NO_MEMORY;
    r->base = base;
    r->reserved = room + 2 * page;
    r->low = r->base + page;
    r->room = room;
    snprintf(r->name, sizeof r->name, "%s", name);
    return ASSAY_OK;
}

assay_status assay_region_block(assay_region *r, const char *name, uint64_t bytes, assay_placement placement)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    memset(r, 0, sizeof *r);
    if (bytes == 0) return ASSAY_OK;
    /* More than the machine has would not fail but wake the kernel's out-of-memory killer, when it is filled. */
    if (bytes / page >= (uint64_t)sysconf(_SC_PHYS_PAGES)) return ASSAY_NO_MEMORY;
    size_t room = round_up((size_t)bytes, page);
    assay_status st = reserve(r, name, room);
    if (st != ASSAY_OK) return st;
    if (mprotect(r->low, room, PROT_READ | PROT_WRITE) != 0) {
        assay_region_free(r);
        return ASSAY_NO_MEMORY;
    }
    r->bytes = (size_t)bytes;
    r->data = placement == ASSAY_PLACE_END ? r->low + room - round_up(r->bytes, BLOCK_ALIGN) : r->low;
    assay_region_poison(r);
    return ASSAY_OK;
}

assay_status assay_region_file(assay_region *r, int fd, const assay_wire_binding *b)
{
    struct stat st;
    memset(r, 0, sizeof *r);
    if (fd < 0 || fstat(fd, &st) != 0 || (uint64_t)st.st_size < b->map_bytes || b->offset > b->map_bytes ||
        b->bytes > b->map_bytes - b->offset)
        return ASSAY_BAD_ARGUMENT;
    assay_status status = reserve(r, b->name, (size_t)b->map_bytes);
    if (status != ASSAY_OK) return status;
    int protection = b->input ? PROT_READ : PROT_READ | PROT_WRITE;
    if (mmap(r->low, r->room, protection, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
        assay_region_free(r);
        return ASSAY_NO_MEMORY;
    }
    r->data = r->low + b->offset;
    r->bytes = (size_t)b->bytes;
    r->input = b->input;
    return ASSAY_OK;
}

void assay_region_free(assay_region *r)
{
    if (r->base) munmap(r->base, r->reserved);
    memset(r, 0, sizeof *r);
}

static size_t slack_in_front(const assay_region *r)
{
    return (size_t)(r->data - r->low);
}

void assay_region_poison(assay_region *r)
{
    if (!r->base) return;
    size_t front = slack_in_front(r);
    assay_canary_fill(r->low, front);
    memset(r->data, 0xFF, r->bytes);
    assay_canary_fill(r->data + r->bytes, r->room - front - r->bytes);
}

int assay_region_overrun(assay_region *r, char *what)
{
    if (!r->base) return 0;
    size_t front = slack_in_front(r), behind = r->room - front - r->bytes, at;
    if (assay_canary_broken(r->data + r->bytes, behind, 0, &at)) {
        snprintf(what, ASSAY_WIRE_WHAT, "%s: wrote past its end: offset %zu of %zu bytes", r->name, r->bytes + at,
                 r->bytes);
        assay_canary_fill(r->data + r->bytes, behind);
        return 1;
    }
    if (assay_canary_broken(r->low, front, 1, &at)) {
        snprintf(what, ASSAY_WIRE_WHAT, "%s: wrote before its start: offset -%zu", r->name, front - at);
        assay_canary_fill(r->low, front);
        return 1;
    }
    return 0;
}
