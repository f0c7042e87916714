/* pool.c: linked blocks; each piece lies behind a header of one cache line.
 * SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "reference/pool.h"

#include <stdlib.h>
#include <sys/mman.h>

typedef struct block {
    struct block *older, *newer;
    size_t mapped; /* bytes; 0 = from calloc() */
} block;

enum { HEADER = 64, LARGE = 8 << 20 };

/* Gigabytes in small pages cost a fault for each, and the products that stream through them a look-up as often: large
 * pieces ask for large pages, where the system has them to give on request. */
static block *room_for(size_t bytes)
{
    if (bytes < LARGE) return calloc(1, bytes);
    block *b = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (b == MAP_FAILED) return NULL;
#if defined(MADV_HUGEPAGE)
    madvise(b, bytes, MADV_HUGEPAGE);
#endif
    b->mapped = bytes;
    return b;
}

void *assay_pool_take(assay_pool *pool, int64_t count, size_t size)
{
    size_t bytes;
    block *b = NULL;
    if (count >= 0 && !__builtin_mul_overflow((size_t)count, size, &bytes) && bytes <= SIZE_MAX - HEADER)
        b = room_for(HEADER + bytes);
    if (!b) {
        pool->failed = 1;
        return NULL;
    }
    b->older = pool->last;
    if (b->older) b->older->newer = b;
    pool->last = b;
    return (char *)b + HEADER;
}

void assay_pool_drop(assay_pool *pool, void *piece)
{
    if (!piece) return;
    block *b = (block *)((char *)piece - HEADER);
    if (b->older) b->older->newer = b->newer;
    if (b->newer)
        b->newer->older = b->older;
    else
        pool->last = b->older;
    if (b->mapped)
        munmap(b, b->mapped);
    else
        free(b);
}

void assay_pool_free(assay_pool *pool)
{
    while (pool->last)
        assay_pool_drop(pool, (char *)pool->last + HEADER);
}
