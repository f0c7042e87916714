/* fragments.cc: what a tensor core does: numbers of narrow formats, and the product of a warp's fragments.
 * SPDX-License-Identifier: MIT */
#include "impl/cuda/emulator/machine.hpp"

#include <math.h>

namespace emulator
{

uint32_t round_tf32(float x)
{
    const uint32_t bits = to_bits(x);
    if (x != x) return bits | 0x400000;
    return (bits + 0x1000) & ~0x1fffu;
}

uint32_t round_bf16(float x)
{
    const uint32_t bits = to_bits(x);
    if (x != x) return 0x7fff;
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

uint32_t round_fp16(float x)
{
    const uint32_t sign = to_bits(x) >> 16 & 0x8000;
    const float a = fabsf(x);
    if (x != x) return 0x7fff;
    if (a >= 65520) return sign | 0x7c00;
    /* Below 2^-14 the last bit is worth 2^-24 throughout: rintf() rounds to it, and a carry becomes the first normal.
     */
    if (a < 0x1p-14f) return sign | static_cast<uint32_t>(rintf(a * 0x1p24f));
    const uint32_t bits = to_bits(a), rounded = (bits + 0xfff + (bits >> 13 & 1)) >> 13;
    return sign | (rounded - (112u << 10));
}

static float from_fp16(uint32_t half)
{
    const uint32_t exponent = half >> 10 & 31, rest = half & 0x3ff;
    const float size = exponent == 0    ? static_cast<float>(rest) * 0x1p-24f
                       : exponent == 31 ? from_bits<float>(0x7f800000 | rest << 13)
                                        : from_bits<float>((exponent + 112) << 23 | rest << 13);
    return half & 0x8000 ? -size : size;
}

float value_of(number kind, uint32_t word, uint32_t which)
{
    const uint32_t half = which ? word >> 16 : word & 0xffff;
    if (kind == number::tf32) return from_bits<float>(word & ~0x1fffu);
    return kind == number::bf16 ? from_bits<float>(half << 16) : from_fp16(half);
}

/* Toward zero. */
static float cut(double exact)
{
    const float near = static_cast<float>(exact);
    return fabs(static_cast<double>(near)) > fabs(exact) ? nextafterf(near, 0) : near;
}

void multiply_fragments(emulator_machine *m, uint32_t warp)
{
    const number kind = m->fiber[warp]->kind;
    const uint32_t each = kind == number::tf32 ? 1 : 2;
    /* In numbers, line by line: rows of a, columns of b. */
    float rows[16][16], columns[8][16];
    for (uint32_t lane = 0; lane < 32; lane++) {
        const fiber *f = m->fiber[warp + lane];
        for (uint32_t e = 0; e < 4 * each; e++) {
            const uint32_t word = e / each, k = (lane % 4 + word / 2 * 4) * each + e % each;
            rows[lane / 4 + word % 2 * 8][k] = value_of(kind, f->left[word], e % each);
        }
        for (uint32_t e = 0; e < 2 * each; e++)
            columns[lane / 4][(lane % 4 + e / each * 4) * each + e % each] =
                value_of(kind, f->right[e / each], e % each);
    }
    for (uint32_t lane = 0; lane < 32; lane++)
        for (uint32_t e = 0; e < 4; e++) {
            const float *row = rows[lane / 4 + e / 2 * 8], *column = columns[2 * (lane % 4) + e % 2];
            float *sum = m->fiber[warp + lane]->sum + e;
            double exact = *sum;
            for (uint32_t k = 0; k < 8 * each; k++)
                exact += static_cast<double>(row[k]) * column[k];
            *sum = cut(exact);
        }
}

} // namespace emulator
