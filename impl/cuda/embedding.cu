/* embedding.cu: the gradient of the table: ids sorted, then each id's rows added up in the order of (t, n). No atomics.
 * SPDX-License-Identifier: MIT */
#include "impl/cuda/rows.hpp"

#define DIGITS 16 /* values of the four bits that a pass sorts by */

/* One block sorts all, four bits a pass, stable: each thread has a piece of the rows, in order. */
KERNEL(sort_ids, sort_args, 256)
{
    SHARED(int32_t, counts, DIGITS * 256);
    SHARED(int32_t, sums, 256);
    const int64_t count = static_cast<int64_t>(a.rows.t) * a.rows.n;
    const int32_t me = static_cast<int32_t>(thread_index()), threads = static_cast<int32_t>(thread_count());
    const int64_t each = (count + threads - 1) / threads, lo = me * each < count ? me * each : count;
    const int64_t hi = lo + each < count ? lo + each : count;
    int32_t *keys = a.keys, *values = a.values, *keys2 = a.keys2, *values2 = a.values2;
    int32_t passes = 0;
    while (passes < 8 && a.vocab >> 4 * passes)
        passes++;
    passes += passes % 2; /* an even number ends where it began */
    for (int64_t row = lo; row < hi; row++) {
        const int64_t t = row / a.rows.n, n = row % a.rows.n;
        keys[row] = inside(a.rows.lens, t, n) ? a.ids[callers_row(a.rows, t, n)] : a.vocab;
        values[row] = static_cast<int32_t>(row);
    }
    for (int32_t pass = 0; pass < passes; pass++) {
        for (int32_t d = 0; d < DIGITS; d++)
            counts[d * threads + me] = 0;
        for (int64_t row = lo; row < hi; row++)
            counts[(keys[row] >> 4 * pass) % DIGITS * threads + me] += 1;
        block_sync();
        /* Where the first row of each digit of each thread goes: a sum over all before it, sixteen counts a thread. */
        int32_t sum = 0;
        for (int32_t k = 0; k < DIGITS; k++)
            sum += counts[me * DIGITS + k];
        sums[me] = sum;
        block_sync();
        int32_t at = 0;
        for (int32_t k = 0; k < me; k++)
            at += sums[k];
        for (int32_t k = 0; k < DIGITS; k++) {
            const int32_t here = counts[me * DIGITS + k];
            counts[me * DIGITS + k] = at;
            at += here;
        }
        block_sync();
        for (int64_t row = lo; row < hi; row++) {
            const int32_t place = (keys[row] >> 4 * pass) % DIGITS * threads + me, to = counts[place];
            keys2[to] = keys[row];
            values2[to] = values[row];
            counts[place] = to + 1;
        }
        block_sync();
        int32_t *const k = keys, *const v = values;
        keys = keys2;
        values = values2;
        keys2 = k;
        values2 = v;
    }
}

/* A block of one warp looks at sorted rows; where an id begins, its lanes add up the columns of all its rows. */
KERNEL(add_segments, segments_args, 32)
{
    for (int64_t first = block_x(); first < a.count; first += blocks_x()) {
        const int32_t key = a.keys[first];
        if (key == a.vocab || (first > 0 && a.keys[first - 1] == key)) continue;
        for (int64_t j = thread_index(); j < a.width; j += thread_count()) {
            float total = 0;
            for (int64_t row = first; row < a.count && a.keys[row] == key;) {
                float part = 0;
                for (int k = 0; k < FOLD && row < a.count && a.keys[row] == key; k++, row++)
                    part += a.from[a.values[row] * a.width + j];
                total += part;
            }
            float *to = a.table + key * a.width + j;
            *to = (a.accumulate ? *to : 0.0F) + total;
        }
    }
}
