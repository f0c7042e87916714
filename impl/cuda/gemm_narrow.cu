/* gemm_narrow.cu: products whose operands are rounded to TF32, BF16 or FP16, on tensor cores, sums in fp32.
 * SPDX-License-Identifier: MIT
 *
 * Tiles are kept in words of 32 bits along k: one number of TF32, or two of 16 bits. In words the fragments of
 * mma.m16n8k8 (.tf32) and mma.m16n8k16 (.bf16, .f16) are alike: with g = lane / 4 and t = lane % 4, A is (g, t), (g +
 * 8, t), (g, t + 4), (g + 8, t + 4), B is (t, g), (t + 4, g), C is (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1):
 * PTX ISA, "Matrix fragments". Each warp has 16 rows of a tile and all of its columns. */
#include "impl/cuda/rows.hpp"

#define WORDS 16 /* of a tile along k */
#define STEP  8  /* words that one instruction takes */

struct tf32 {
    static constexpr int each = 1; /* numbers of a word */
    static DEVICE_MEMBER uint32_t pack(const float *x)
    {
        return round_tf32(x[0]);
    }
    static DEVICE_MEMBER void multiply(float *c, const uint32_t *a, const uint32_t *b)
    {
        multiply_tf32(c, a, b);
    }
};

struct bf16 {
    static constexpr int each = 2;
    static DEVICE_MEMBER uint32_t pack(const float *x)
    {
        return pack_bf16(x[0], x[1]);
    }
    static DEVICE_MEMBER void multiply(float *c, const uint32_t *a, const uint32_t *b)
    {
        multiply_bf16(c, a, b);
    }
};

struct fp16 {
    static constexpr int each = 2;
    static DEVICE_MEMBER uint32_t pack(const float *x)
    {
        return pack_fp16(x[0], x[1]);
    }
    static DEVICE_MEMBER void multiply(float *c, const uint32_t *a, const uint32_t *b)
    {
        multiply_fp16(c, a, b);
    }
};

/* The word of numbers k, k + 1 ... of a row or column `line`, which are `step` apart; 0 outside. */
template <class Format>
DEVICE uint32_t word_of(const float *from, int64_t line, int64_t lines, int64_t pitch, int64_t k, int64_t depth,
                        int64_t step)
{
    float x[2] = {0, 0};
    for (int e = 0; e < Format::each; e++)
        if (line < lines && k + e < depth) x[e] = from[line * pitch + (k + e) * step];
    return Format::pack(x);
}

template <class Format, int WARPS, int BN> DEVICE void product(const gemm_args &a)
{
    constexpr int BM = 16 * WARPS, threads = 32 * WARPS, ACROSS = BN / 8, DEPTH = WORDS * Format::each;
    SHARED(uint32_t, left, BM * (WORDS + 4));
    SHARED(uint32_t, right, WORDS * (BN + 8));
    const int64_t row0 = static_cast<int64_t>(block_x()) * BM, column0 = static_cast<int64_t>(block_y()) * BN;
    const int64_t a_pitch = a.ta ? 1 : a.lda, a_step = a.ta ? a.lda : 1, b_pitch = a.tb ? a.ldb : 1,
                  b_step = a.tb ? 1 : a.ldb;
    const int me = static_cast<int>(thread_index()), warp = me / 32, g = me % 32 / 4, t = me % 4;
    float total[ACROSS][4] = {};
    for (int64_t k0 = 0; k0 < a.k; k0 += DEPTH) {
        for (int e = me; e < BM * WORDS; e += threads) {
            const int i = a.ta ? e % BM : e / WORDS, k = a.ta ? e / BM : e % WORDS;
            left[i * (WORDS + 4) + k] =
                word_of<Format>(a.a, row0 + i, a.m, a_pitch, k0 + k * Format::each, a.k, a_step);
        }
        for (int e = me; e < BN * WORDS; e += threads) {
            const int j = a.tb ? e / WORDS : e % BN, k = a.tb ? e % WORDS : e / BN;
            right[k * (BN + 8) + j] =
                word_of<Format>(a.b, column0 + j, a.n, b_pitch, k0 + k * Format::each, a.k, b_step);
        }
        block_sync();
        float part[ACROSS][4] = {};
        for (int k = 0; k < WORDS; k += STEP) {
            const shared<uint32_t> at = left + ((warp * 16 + g) * (WORDS + 4) + k + t);
            const uint32_t x[4] = {at[0], at[8 * (WORDS + 4)], at[4], at[8 * (WORDS + 4) + 4]};
            for (int j = 0; j < ACROSS; j++) {
                const shared<uint32_t> of = right + ((k + t) * (BN + 8) + j * 8 + g);
                const uint32_t y[2] = {of[0], of[4 * (BN + 8)]};
                Format::multiply(part[j], x, y);
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
    product<tf32, 1, 32>(a);
}

KERNEL(gemm_tf32_large, gemm_args, 128)
{
    product<tf32, 4, 64>(a);
}

KERNEL(gemm_bf16_small, gemm_args, 32)
{
    product<bf16, 1, 32>(a);
}

KERNEL(gemm_bf16_large, gemm_args, 128)
{
    product<bf16, 4, 64>(a);
}

KERNEL(gemm_fp16_small, gemm_args, 32)
{
    product<fp16, 1, 32>(a);
}

KERNEL(gemm_fp16_large, gemm_args, 128)
{
    product<fp16, 4, 64>(a);
}
