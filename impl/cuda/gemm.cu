/* gemm.cu: products of matrices, and sums of columns.
 * SPDX-License-Identifier: MIT */
#include "impl/cuda/rows.hpp"

#define DEPTH 16 /* of a tile along k: the block in which a sum runs before it joins the rest */

/* Each thread has TM x TN elements of a tile, its rows and columns as far apart as threads lie side by side. */
template <int BM, int BN, int TM, int TN> DEVICE void product(const gemm_args &a)
{
    constexpr int down = BM / TM, across = BN / TN, threads = down * across;
    SHARED(float, left, DEPTH *(BM + 1));
    SHARED(float, right, DEPTH *(BN + 1));
    const int64_t row0 = static_cast<int64_t>(block_x()) * BM, column0 = static_cast<int64_t>(block_y()) * BN;
    const int me = static_cast<int>(thread_index()), r = me / across, c = me % across;
    float total[TM][TN] = {};
    for (int64_t k0 = 0; k0 < a.k; k0 += DEPTH) {
        const int depth = a.k - k0 < DEPTH ? static_cast<int>(a.k - k0) : DEPTH;
        for (int e = me; e < BM * DEPTH; e += threads) {
            const int i = a.ta ? e % BM : e / DEPTH, k = a.ta ? e / BM : e % DEPTH;
            const int64_t row = row0 + i, at = k0 + k;
            if (k >= depth) continue;
            left[k * (BM + 1) + i] = row < a.m ? a.a[a.ta ? at * a.lda + row : row * a.lda + at] : 0.0F;
        }
        for (int e = me; e < BN * DEPTH; e += threads) {
            const int j = a.tb ? e / DEPTH : e % BN, k = a.tb ? e % DEPTH : e / BN;
            const int64_t column = column0 + j, at = k0 + k;
            if (k >= depth) continue;
            right[k * (BN + 1) + j] = column < a.n ? a.b[a.tb ? column * a.ldb + at : at * a.ldb + column] : 0.0F;
        }
        block_sync();
        float part[TM][TN] = {};
        for (int k = 0; k < depth; k++) {
            float x[TM], y[TN];
            for (int i = 0; i < TM; i++)
                x[i] = left[k * (BM + 1) + r + i * down];
            for (int j = 0; j < TN; j++)
                y[j] = right[k * (BN + 1) + c + j * across];
            for (int i = 0; i < TM; i++)
                for (int j = 0; j < TN; j++)
                    part[i][j] += x[i] * y[j];
        }
        for (int i = 0; i < TM; i++)
            for (int j = 0; j < TN; j++)
                total[i][j] += part[i][j];
        block_sync();
    }
    for (int i = 0; i < TM; i++)
        for (int j = 0; j < TN; j++) {
            const int64_t row = row0 + r + i * down, column = column0 + c + j * across;
            if (row < a.m && column < a.n) write_element(a, row, column, total[i][j]);
        }
}

/* Few rows: a step of a small batch. */
KERNEL(gemm_few, gemm_args, 32)
{
    product<8, 32, 2, 4>(a);
}

KERNEL(gemm_small, gemm_args, 32)
{
    product<16, 32, 4, 4>(a);
}

KERNEL(gemm_large, gemm_args, 256)
{
    product<64, 64, 4, 4>(a);
}

/* A block has 32 columns, and its warps share the rows. */
KERNEL(column_sums, column_sums_args, 256)
{
    SHARED(float, sums, 256);
    const uint32_t lane = thread_index() % 32, warp = thread_index() / 32, warps = thread_count() / 32;
    const int64_t column = static_cast<int64_t>(block_x()) * 32 + lane;
    float total = 0;
    for (int64_t row = warp; column < a.columns && row < a.rows;) {
        float part = 0;
        for (int k = 0; k < FOLD && row < a.rows; k++, row += warps)
            part += a.a[row * a.a_pitch + column] * (a.b ? a.b[row * a.b_pitch + column] : 1.0F);
        total += part;
    }
    sums[thread_index()] = total;
    block_sync();
    if (warp > 0 || column >= a.columns) return;
    total = 0;
    for (uint32_t k = 0; k < warps; k++)
        total += sums[k * 32 + lane];
    a.out[column] = (a.accumulate ? a.out[column] : 0.0F) + total;
}
