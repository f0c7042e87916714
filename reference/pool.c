/* pool.c: linked blocks; each piece lies behind a header of one cache line.
 * SPDX-License-Identifier: MIT */
#include "reference/pool.h"

#include <stdlib.h>

typedef struct block {
    struct block *older, *newer;
} block;

enum { HEADER = 64 };

void *assay_pool_take(assay_pool *pool, int64_t count, size_t size)
{
    size_t bytes;
    block *b = NULL;
    if (count >= 0 && !__builtin_mul_overflow((size_t)count, size, &bytes) && bytes <= SIZE_MAX - HEADER)
        b = calloc(1, HEADER + bytes);
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
    free(b);
}

void assay_pool_free(assay_pool *pool)
{
    while (pool->last)
        assay_pool_drop(pool, (char *)pool->last + HEADER);
}
