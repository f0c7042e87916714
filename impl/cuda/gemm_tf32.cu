/* gemm_tf32.cu: products whose operands are rounded to TF32, on tensor cores: mma.m16n8k8, sums in fp32.
 * SPDX-License-Identifier: MIT
 *
 * Each warp has 16 rows of a tile and all of its columns. Where in a fragment an element lies: PTX ISA, "Matrix
 * fragments for mma.m16n8k8", type .tf32: with g = lane / 4 and t = lane % 4, A is (g, t), (g + 8, t), (g, t + 4), (g +
 * 8, t + 4), B is (t, g), (t + 4, g), C is (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1). */
#include "impl/cuda/rows.hpp"

/* To nearest, ties to even, as the suite's oracle has it: cvt.rna.tf32 sends ties away from zero, and of a few thousand
 * operands one is a tie. */
DEVICE float to_tf32(float x)
{
    const uint32_t bits = static_cast<uint32_t>(bits_of(x)), rounded = bits + 0xfff + (bits >> 13 & 1);
    return x != x ? x : float_of(static_cast<int32_t>(rounded & ~0x1fffu));
}

#define DEPTH 16 /* of a tile along k */

template <int WARPS, int BN> DEVICE void product(const gemm_args &a)
{
    constexpr int BM = 16 * WARPS, threads = 32 * WARPS, ACROSS = BN / 8;
    SHARED(float, left, BM *(DEPTH + 4));
    SHARED(float, right, DEPTH *(BN + 8));
    const int64_t row0 = static_cast<int64_t>(block_x()) * BM, column0 = static_cast<int64_t>(block_y()) * BN;
    const int me = static_cast<int>(thread_index()), warp = me / 32, g = me % 32 / 4, t = me % 4;
    float total[ACROSS][4] = {};
    for (int64_t k0 = 0; k0 < a.k; k0 += DEPTH) {
        for (int e = me; e < BM * DEPTH; e += threads) {
            const int i = a.ta ? e % BM : e / DEPTH, k = a.ta ? e / BM : e % DEPTH;
            const int64_t row = row0 + i, at = k0 + k;
            const bool there = row < a.m && at < a.k;
            left[i * (DEPTH + 4) + k] = there ? to_tf32(a.a[a.ta ? at * a.lda + row : row * a.lda + at]) : 0.0F;
        }
        for (int e = me; e < BN * DEPTH; e += threads) {
            const int j = a.tb ? e / DEPTH : e % BN, k = a.tb ? e % DEPTH : e / BN;
            const int64_t column = column0 + j, at = k0 + k;
            const bool there = column < a.n && at < a.k;
            right[k * (BN + 8) + j] = there ? to_tf32(a.b[a.tb ? column * a.ldb + at : at * a.ldb + column]) : 0.0F;
        }
        block_sync();
        float part[ACROSS][4] = {};
        for (int k = 0; k < DEPTH; k += 8) {
            const shared<float> at = left + ((warp * 16 + g) * (DEPTH + 4) + k + t);
            const float x[4] = {at[0], at[8 * (DEPTH + 4)], at[4], at[8 * (DEPTH + 4) + 4]};
            for (int j = 0; j < ACROSS; j++) {
                const shared<float> of = right + ((k + t) * (BN + 8) + j * 8 + g);
                const float y[2] = {of[0], of[4 * (BN + 8)]};
                multiply_tf32(part[j], x, y);
            }
        }
        for (int j = 0; j < ACROSS; j++)
            for (int e = 0; e < 4; e++)
                total[j][e] += part[j][e];
        block_sync();
    }
    for (int j = 0; j < ACROSS; j++)
        for (int e = 0; e < 4; e++) {
            const int64_t row = row0 + warp * 16 + g + e / 2 * 8, column = column0 + j * 8 + 2 * t + e % 2;
            if (row < a.m && column < a.n) write_element(a, row, column, total[j][e]);
        }
}

KERNEL(gemm_tf32_small, gemm_args, 32)
{
    product<1, 32>(a);
}

KERNEL(gemm_tf32_large, gemm_args, 128)
{
    product<4, 64>(a);
}
