/* slices.c: cuts the batch into slices of nearly equal work, each sorted by falling length.
 * SPDX-License-Identifier: MIT */
#include "impl/common/stack/stack.h"

#include <stdlib.h>
#include <string.h>

assay_status stack_slices_open(const assay_problem *p, int count, stack_slices *out)
{
    *out = (stack_slices){.count = count,
                          .order = calloc(2 * (size_t)p->n + 1, sizeof *out->order),
                          .bucket = calloc((size_t)p->t + 2, sizeof *out->bucket),
                          .offset = calloc(count * ((size_t)p->t + 1), sizeof *out->offset)};
    return out->order && out->bucket && out->offset ? ASSAY_OK : ASSAY_NO_MEMORY;
}

void stack_slices_close(stack_slices *s)
{
    free(s->order);
    free(s->bucket);
    free(s->offset);
}

/* Counting sort, stable: the longest first. */
static void sort(const assay_problem *p, const int32_t *lens, int32_t *bucket, int32_t *out)
{
    memset(bucket, 0, ((size_t)p->t + 2) * sizeof *bucket);
    for (int n = 0; n < p->n; n++)
        bucket[p->t - lens[n] + 1]++;
    for (int k = 0; k <= p->t; k++)
        bucket[k + 1] += bucket[k];
    for (int n = 0; n < p->n; n++)
        out[bucket[p->t - lens[n]]++] = n;
}

/* Position in the sorted order of the k-th sample of slice s: dealt out to and fro, so that the sums of lengths agree.
 */
static int dealt(const stack_slices *all, int s, int k)
{
    return k * all->count + (k % 2 ? all->count - 1 - s : s);
}

void stack_slices_make(const assay_problem *p, const int32_t *lens, stack_slices *all)
{
    int32_t *next = all->order, *sorted = all->order + p->n;
    int64_t base = 0;
    if (lens) sort(p, lens, all->bucket, sorted);
    for (int s = 0; s < all->count; s++) {
        stack_slice *slice = &all->slice[s];
        int64_t *offset = all->offset + s * ((int64_t)p->t + 1);
        *slice = (stack_slice){.sample = next, .offset = offset, .base = base, .first = (int32_t)(next - all->order)};
        const int lo = (int)((int64_t)p->n * s / all->count), hi = (int)((int64_t)p->n * (s + 1) / all->count);
        for (int n = lo; !lens && n < hi; n++)
            next[slice->n++] = n;
        for (int k = 0; lens && k * all->count < p->n; k++)
            if (dealt(all, s, k) < p->n) next[slice->n++] = sorted[dealt(all, s, k)];
        int32_t active = slice->n;
        offset[0] = 0;
        for (int t = 0; t < p->t; t++) {
            while (active > 0 && lens && lens[next[active - 1]] <= t)
                active--;
            offset[t + 1] = offset[t] + active;
        }
        base += offset[p->t];
        next += slice->n;
    }
    all->identity = all->count == 1 && !lens && p->dialect.layout == ASSAY_TIME_MAJOR;
}
