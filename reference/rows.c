/* rows.c: packs the valid (time, sample) pairs.
 * SPDX-License-Identifier: MIT */
#include "reference/rows.h"

assay_status assay_rows_make(const assay_problem *p, const int32_t *lens, assay_pool *pool, assay_rows *out)
{
    out->t = p->t;
    out->n = p->n;
    out->count = 0;
    out->lens = assay_pool_take(pool, p->n, sizeof *out->lens);
    out->first = assay_pool_take(pool, (int64_t)p->t + 1, sizeof *out->first);
    out->place = assay_pool_take(pool, (int64_t)p->t * p->n, sizeof *out->place);
    if (pool->failed) return ASSAY_NO_MEMORY;
    for (int32_t n = 0; n < p->n; n++) {
        out->lens[n] = lens ? lens[n] : p->t;
        out->count += out->lens[n];
    }
    out->sample = assay_pool_take(pool, out->count, sizeof *out->sample);
    out->mirror = assay_pool_take(pool, out->count, sizeof *out->mirror);
    if (pool->failed) return ASSAY_NO_MEMORY;

    int64_t row = 0;
    for (int32_t t = 0; t < p->t; t++) {
        out->first[t] = row;
        for (int32_t n = 0; n < p->n; n++) {
            int64_t *place = &out->place[(int64_t)t * p->n + n];
            *place = -1;
            if (t >= out->lens[n]) continue;
            out->sample[row] = n;
            *place = row++;
        }
    }
    out->first[p->t] = row;
    for (int32_t t = 0; t < p->t; t++)
        for (int64_t r = out->first[t]; r < out->first[t + 1]; r++) {
            const int32_t n = out->sample[r];
            out->mirror[r] = out->place[(int64_t)(out->lens[n] - 1 - t) * p->n + n];
        }
    return ASSAY_OK;
}
