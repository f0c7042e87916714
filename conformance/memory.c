/* memory.c: tensors as sealed memory files that parent and worker share.
 * SPDX-License-Identifier: MIT */
#include "conformance/session.h"
#include "conformance/worker/canary.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

static const assay_memory nothing = {.fd = -1};

/* The parent's mapping comes first: it stays writable, every later one of a sealed input is not. */
static assay_status share(assay_memory *m)
{
    int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    m->fd = memfd_create("tensor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (m->fd < 0 || ftruncate(m->fd, (off_t)m->map_bytes) != 0) return ASSAY_NO_MEMORY;
    void *map = mmap(NULL, m->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
    if (map == MAP_FAILED) return ASSAY_NO_MEMORY;
    m->map = map;
    if (m->input) seals |= F_SEAL_FUTURE_WRITE;
    return fcntl(m->fd, F_ADD_SEALS, seals) == 0 ? ASSAY_OK : ASSAY_FAILED;
}

assay_status assay_memory_make(size_t bytes, assay_placement place, int input, assay_memory *out)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    *out = nothing;
    if (bytes / page >= (size_t)sysconf(_SC_PHYS_PAGES)) return ASSAY_NO_MEMORY;
    assay_memory m = nothing;
    m.bytes = bytes;
    m.input = input;
    const size_t odd = place == ASSAY_PLACE_ODD_4 ? 4 : place == ASSAY_PLACE_ODD_8 ? 8 : 0;
    m.map_bytes = bytes + odd == 0 ? page : (bytes + odd + page - 1) / page * page;
    m.offset = place == ASSAY_PLACE_END ? m.map_bytes - bytes : odd;
    assay_status st = share(&m);
    if (st != ASSAY_OK) {
        assay_memory_free(&m);
        return st;
    }
    assay_memory_poison(&m);
    *out = m;
    return ASSAY_OK;
}

void assay_memory_free(assay_memory *m)
{
    if (m->map) munmap(m->map, m->map_bytes);
    if (m->map || m->fd > 0) close(m->fd); /* a zeroed struct is empty too: 0 without a mapping is no descriptor */
    *m = nothing;
}

void *assay_memory_data(const assay_memory *m)
{
    return m->map ? m->map + m->offset : NULL;
}

void assay_memory_poison(assay_memory *m)
{
    if (!m->map) return;
    size_t end = m->offset + m->bytes;
    assay_canary_fill(m->map, m->offset);
    memset(m->map + m->offset, 0xFF, m->bytes);
    assay_canary_fill(m->map + end, m->map_bytes - end);
}

int64_t assay_memory_canary_broken(const assay_memory *m)
{
    size_t end = m->offset + m->bytes, at;
    if (!m->map) return -1;
    if (assay_canary_broken(m->map + end, m->map_bytes - end, 0, &at)) return (int64_t)(m->bytes + at);
    if (assay_canary_broken(m->map, m->offset, 1, &at)) return -1 - (int64_t)(m->offset - at);
    return -1;
}
