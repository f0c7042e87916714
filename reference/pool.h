/* pool.h: working memory of the reference: taken piece by piece, dropped early where it pays, freed in one call.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_POOL_H
#define ASSAY_POOL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Starts as {NULL, 0}. One thread at a time. */
typedef struct assay_pool {
    void *last; /* the newest block; they are linked */
    int failed; /* 1 once there was no memory: ask after taking all that a stage needs */
} assay_pool;

/* count elements of size bytes, all bits zero; never NULL for a count of 0. NULL and `failed` where there's no memory.
 */
void *assay_pool_take(assay_pool *pool, int64_t count, size_t size);
/* Gives back one piece before its time; NULL is fine. */
void assay_pool_drop(assay_pool *pool, void *piece);
/* Gives back all of them. */
void assay_pool_free(assay_pool *pool);

#ifdef __cplusplus
}
#endif
#endif
