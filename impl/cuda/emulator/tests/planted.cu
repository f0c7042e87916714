/* planted.cu: small kernels in the style of the real ones, and the faults that can be planted in each.
 * SPDX-License-Identifier: MIT */
#include "impl/cuda/emulator/tests/planted.h"

#include "impl/cuda/device.hpp"

/* to = from backwards, tile by tile of one block, twice through the same shared memory. */
KERNEL(planted_reverse, planted_args, 64)
{
    SHARED(float, tile, 64);
    const int32_t i = static_cast<int32_t>(thread_index()), n = a.n;
    if (a.fault == PLANTED_EARLY_RETURN && i >= n) return;
    for (int32_t round = 0; round < 2; round++) {
        if (i < n) tile[i] = a.from[round * n + i];
        if (a.fault != PLANTED_NO_BARRIER || round == 0) block_sync();
        if (i < n) a.to[round * n + i] = tile[a.fault == PLANTED_UNINITIALISED ? n - i : n - 1 - i];
        if (a.fault != PLANTED_NO_BARRIER_BEHIND) block_sync();
    }
    if (a.fault == PLANTED_BARRIER_IN_BRANCH && i < 32) block_sync();
}

/* to[block] = sum of 32 elements a block, through shuffles and through shared memory. */
KERNEL(planted_total, planted_args, 32)
{
    SHARED(float, half, 16);
    const uint32_t lane = thread_index();
    float x = a.from[block_x() * 32 + lane];
    if (a.fault == PLANTED_LANES_GONE && lane >= 24) return;
    if (lane >= 16) half[lane - 16] = x;
    if (a.fault == PLANTED_NO_WARP_SYNC)
        warp_shuffle_xor(FULL_WARP, x, 1);
    else if (a.fault != PLANTED_LANES_GONE)
        warp_sync(FULL_WARP);
    if (a.fault != PLANTED_LANES_GONE) x = lane < 16 ? x + half[lane] : 0;
    for (uint32_t bits = 8; bits > 0; bits /= 2)
        x += warp_shuffle_xor(FULL_WARP, x, bits);
    if (a.fault == PLANTED_LANE_OUTSIDE && lane < 16) x += warp_shuffle(0xffffu, x, 16);
    if (lane != 0) return;
    if (a.fault == PLANTED_UNORDERED_SUM)
        a.to[0] += x; /* blocks run one after another here: an atomic addition, in the order of their coming */
    else
        a.to[block_x()] = x;
}

/* to = a product of fragments, by the instruction and by shuffles: 4 numbers a lane each. n: narrow_format. */
KERNEL(planted_fragments, planted_args, 32)
{
    const uint32_t lane = thread_index();
    const float *x = a.from + 12 * lane;
    uint32_t left[4], right[2];
    float sum[4] = {x[0], x[1], x[2], x[3]}, by_shuffles[4] = {x[0], x[1], x[2], x[3]};
    for (int32_t k = 0; k < 6; k++) {
        uint32_t *to = k < 4 ? &left[k] : &right[k - 4];
        *to = a.n == NARROW_TF32   ? round_tf32(x[2 * k])
              : a.n == NARROW_BF16 ? pack_bf16(x[2 * k], x[2 * k + 1])
                                   : pack_fp16(x[2 * k], x[2 * k + 1]);
    }
    if (a.n == NARROW_TF32) multiply_tf32(sum, left, right);
    if (a.n == NARROW_BF16) multiply_bf16(sum, left, right);
    if (a.n == NARROW_FP16) multiply_fp16(sum, left, right);
    multiply_by_shuffles(a.n == NARROW_TF32   ? NARROW_TF32
                         : a.n == NARROW_BF16 ? NARROW_BF16
                                              : NARROW_FP16,
                         by_shuffles, left, right);
    for (int32_t k = 0; k < 4; k++) {
        a.to[8 * lane + k] = sum[k];
        a.to[8 * lane + 4 + k] = by_shuffles[k];
    }
}

#define PLANTED_UNITS 32 /* threads of a block: each owns one unit */

/* Each block owns 32 numbers; in each step every block hands its own to all others, double-buffered by the parity of
 * the step, and replaces each by a mean of what came: the skeleton of a recurrence whose states travel between the
 * blocks of a cluster. */
KERNEL(planted_exchange, planted_args, PLANTED_UNITS)
{
    const uint32_t ranks = cluster_size(), rank = cluster_rank(), unit = thread_index(), all = ranks * PLANTED_UNITS;
    SHARED(float, buffer, 2 * 8 * PLANTED_UNITS);
    SHARED_BARRIERS(full, 2);
    const uint32_t bytes = all * 4;
    if (unit == 0) {
        for (uint32_t k = 0; k < 2; k++)
            barrier_init(full, k, 1);
        barrier_init_done();
    }
    if (a.fault == PLANTED_NO_FIRST_MEETING) {
        block_sync();
    } else {
        cluster_arrive();
        cluster_wait();
    }
    const int32_t expected =
        a.fault == PLANTED_TOO_FEW_BYTES ? static_cast<int32_t>(bytes) - 4 : static_cast<int32_t>(bytes);
    float x = a.from[rank * PLANTED_UNITS + unit];
    for (int32_t step = 0; step < a.n; step++) {
        const uint32_t now = static_cast<uint32_t>(step) & 1, phase = static_cast<uint32_t>(step / 2) & 1;
        const uint32_t place = a.fault == PLANTED_EARLY_SLOT ? 0 : now,
                       seen = a.fault == PLANTED_WRONG_PARITY ? 1 - now : place;
        if (unit == 0) barrier_expect(full, now, static_cast<uint32_t>(expected));
        for (uint32_t to = 0; to < ranks; to++)
            store_async_to(buffer + place * all + rank * PLANTED_UNITS + unit, to, x, full, now);
        barrier_wait(full, now, a.fault == PLANTED_WRONG_PHASE ? 1 - phase : phase);
        float sum = 0;
        for (uint32_t k = 0; k < all; k++)
            sum += buffer[seen * all + (rank * PLANTED_UNITS + unit + k) % all] * (1 + static_cast<float>(k));
        x = sum / static_cast<float>(all * all);
    }
    a.to[rank * PLANTED_UNITS + unit] = x;
    const uint32_t next = static_cast<uint32_t>(a.n) & 1;
    if (a.fault == PLANTED_STUCK_PHASE) barrier_wait(full, next, static_cast<uint32_t>(a.n / 2) & 1);
    if (a.fault == PLANTED_LEAVES_EARLY) {
        store_async_to(buffer + next * all + rank * PLANTED_UNITS + unit, (rank + 1) % ranks, x, full, next);
        return;
    }
    cluster_arrive();
    cluster_wait();
}
