/* embedding.c: rows of a table by id, and the gradient of the table.
 * SPDX-License-Identifier: MIT */
#include "reference/ops.h"

#include <string.h>

void REF(embedding_forward)(const assay_problem *p, const assay_rows *rows, const int32_t *ids, const real *table,
                            real *x)
{
    for (int64_t r = 0; r < rows->count; r++)
        memcpy(x + r * p->i, table + (int64_t)ids[r] * p->i, (size_t)p->i * sizeof *x);
}

/* dtable[id] = sum of dx over the rows that read it: sorted by id first, so that each is one sum over rows. */
assay_status REF(embedding_backward)(const assay_problem *p, const assay_rows *rows, const int32_t *ids, const real *dx,
                                     real *dtable)
{
    assay_pool pool = {NULL, 0};
    const size_t width = (size_t)p->i;
    int64_t *end = (int64_t *)assay_pool_take(&pool, (int64_t)p->vocab + 1, sizeof *end);
    real *sorted = REF(take)(&pool, rows->count * p->i);
    if (!pool.failed) {
        for (int64_t r = 0; r < rows->count; r++)
            end[ids[r] + 1]++;
        for (int32_t v = 0; v < p->vocab; v++)
            end[v + 1] += end[v];
        /* end[v] is where the rows of v start, and moves to where they end */
        for (int64_t r = 0; r < rows->count; r++)
            memcpy(sorted + (size_t)end[ids[r]]++ * width, dx + (size_t)r * width, width * sizeof *dx);
        for (int32_t v = 0; v < p->vocab; v++) {
            const int64_t start = v ? end[v - 1] : 0, count = end[v] - start;
            for (size_t j = 0; j < width; j++)
                dtable[(size_t)v * width + j] =
                    count ? STORE(REF(sum)(count, sorted + (size_t)start * width + j, p->i, ASSAY_SUM_ROWS)) : R(0);
        }
    }
    assay_pool_free(&pool);
    return pool.failed ? ASSAY_NO_MEMORY : ASSAY_OK;
}
