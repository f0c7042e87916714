/* rows.hpp: the order of rows in the caller's tensors, and sums that all threads of a warp or block share.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CUDA_ROWS_HPP
#define ASSAY_CUDA_ROWS_HPP

#include "impl/cuda/device.hpp"
#include "impl/common/cuda/kernels.h"

#include <math.h>

#define FOLD 64 /* terms that are summed apart before they join the rest: keeps long sums accurate */

DEVICE bool inside(const int32_t *lens, int64_t t, int64_t n)
{
    return !lens || t < lens[n];
}

/* Where the caller has row (t, n). */
DEVICE int64_t callers_row(const kernel_rows &rows, int64_t t, int64_t n)
{
    return rows.batch_major ? n * rows.t + t : t * rows.n + n;
}

/* Step and sample of a row in the caller's order. */
DEVICE int64_t callers_step(const kernel_rows &rows, int64_t row)
{
    return rows.batch_major ? row % rows.t : row / rows.n;
}
DEVICE int64_t callers_sample(const kernel_rows &rows, int64_t row)
{
    return rows.batch_major ? row / rows.t : row % rows.n;
}

/* One element of a product: biases, and what it is added to, come last. */
DEVICE void write_element(const gemm_args &a, int64_t row, int64_t column, float sum)
{
    if (a.bias) sum += a.bias[column];
    if (a.bias2 && column < a.bias2_n) sum += a.bias2[column];
    if (a.accumulate) sum += a.c[row * a.ldc + column];
    a.c[row * a.ldc + column] = sum;
}

DEVICE float warp_max(float x)
{
    for (uint32_t bits = 16; bits > 0; bits /= 2) {
        const float other = warp_shuffle_xor(FULL_WARP, x, bits);
        x = other > x ? other : x;
    }
    return x;
}

/* The same bits in every lane: each addition has the same two terms on both sides. */
DEVICE float warp_sum(float x)
{
    for (uint32_t bits = 16; bits > 0; bits /= 2)
        x += warp_shuffle_xor(FULL_WARP, x, bits);
    return x;
}

/* The same over all warps of a block, in the order of the warps. `part` holds 8; the caller has a barrier before it
 * writes there again. */
DEVICE float block_max(float x, shared<float> part)
{
    const uint32_t warps = thread_count() / 32;
    x = warp_max(x);
    if (warps == 1) return x;
    if (thread_index() % 32 == 0) part[thread_index() / 32] = x;
    block_sync();
    for (uint32_t k = 0; k < warps; k++) {
        const float other = part[k];
        x = other > x ? other : x;
    }
    return x;
}

DEVICE float block_sum(float x, shared<float> part)
{
    const uint32_t warps = thread_count() / 32;
    x = warp_sum(x);
    if (warps == 1) return x;
    if (thread_index() % 32 == 0) part[thread_index() / 32] = x;
    block_sync();
    float sum = 0;
    for (uint32_t k = 0; k < warps; k++)
        sum += part[k];
    return sum;
}

#endif
