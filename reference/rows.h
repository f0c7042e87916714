/* rows.h: which (time, sample) pairs are inside their sequence, packed one after another. The whole reference works on
 * packed rows, so that what lies past a row's end can't matter: it isn't there.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_ROWS_H
#define ASSAY_ROWS_H

#include "reference/pool.h"
#include "reference/problem.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Packed rows are sorted by time, then by sample. The rows of one step form a block, and so do the rows that a layer
 * works on at once in either direction: in a reversed layer packed row (s, n) is step s of sample n counted from its
 * end, that is time lens[n]-1-s (docs/semantics.md 1.6), and `mirror` leads to it. */
typedef struct assay_rows {
    int32_t t, n;
    int64_t count;   /* valid pairs: the sum of the lengths */
    int32_t *lens;   /* (N) */
    int64_t *first;  /* (T + 1): step s has the rows first[s] .. first[s+1]-1 */
    int32_t *sample; /* (count) */
    int64_t *place;  /* (T, N): packed row of (t, n), -1 past the length */
    int64_t *mirror; /* (count): the packed row of the same sample at len-1-t; its own inverse */
} assay_rows;

/* Fills *out from p->t, p->n and lens (NULL = all T); memory comes from the pool and lives as long as it. */
assay_status assay_rows_make(const assay_problem *p, const int32_t *lens, assay_pool *pool, assay_rows *out);

#ifdef __cplusplus
}
#endif
#endif
