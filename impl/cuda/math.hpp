/* math.hpp: exp, log, sigmoid and tanh in fp32, by additions, multiplications and one division: the same bounds
 * everywhere. SPDX-License-Identifier: MIT
 *
 * The device's own intrinsics are faster and less exact; strict fp32 does without them. Range reduction by powers of
 * two with ln 2 in two parts, then the Taylor series, as in impl/common/host/vecmath.h. */
#ifndef ASSAY_CUDA_MATH_HPP
#define ASSAY_CUDA_MATH_HPP

#include "impl/cuda/device.hpp"

#include <math.h>

/* 2^n, -127 < n < 128; beyond (a NaN was reduced) any number. */
DEVICE float power_of_two(int32_t n)
{
    return float_of(static_cast<int32_t>(static_cast<uint32_t>(n + 127) << 23));
}

/* exp(x) = the result + *rest, x <= 0. */
DEVICE float exp_and_rest(float x, float *rest)
{
    const float rounder = 12582912.0F; /* 1.5 * 2^23: adding it leaves an integer in the low bits */
    const float bounded = x < -104.0F ? -104.0F : x, shifted = fmaf(bounded, 1.44269504F, rounder),
                n = shifted - rounder;
    const float r = fmaf(n, -1.42860677e-6F, fmaf(n, -0.693145752F, bounded));
    float q = 1.0F / 5040;
    q = fmaf(q, r, 1.0F / 720);
    q = fmaf(q, r, 1.0F / 120);
    q = fmaf(q, r, 1.0F / 24);
    q = fmaf(q, r, 1.0F / 6);
    q = fmaf(q, r, 0.5F);
    const float m = fmaf(r * r, q, r), sum = 1 + m;
    const int32_t k = bits_of(shifted) - bits_of(rounder),
                  half = k >> 1; /* in two steps: the result may be subnormal */
    const float first = power_of_two(half), second = power_of_two(k - half);
    *rest = ((1 - sum) + m) * first * second;
    return sum * first * second;
}

/* x <= 0; -inf gives 0. */
DEVICE float exp_below(float x)
{
    float rest;
    const float e = exp_and_rest(x, &rest);
    return x != x ? x : e;
}

/* e / (1 + e) with e = exp(-|x|) for x < 0, where what rounding took from e and from 1 + e counts, else 1 / (1 + e). */
DEVICE float sigmoid(float x)
{
    float rest;
    const float e = exp_and_rest(-fabsf(x), &rest), sum = 1 + e, y = (x < 0 ? e : 1) / sum;
    const float exact = x < 0 ? y + (rest - y * (e - (sum - 1) + rest)) * (1 - y) : y;
    return x != x ? x : exact;
}

/* Near 0 the continued fraction x / (1 + z / (3 + z / (5 + ...))), z = x^2; else 1 - 2 e / (1 + e), e = exp(-2|x|). */
DEVICE float tangent(float x)
{
    const float a = fabsf(x), z = a * a, e = exp_below(-2 * a);
    const bool small = a < 0.55F;
    const float m = 315 + z * 14, d = 945 + z * (420 + z * 15);
    const float q = (small ? z * m : e) / (small ? d : 1 + e);
    return copysignf((small ? a : 1) - (small ? a : 2) * q, x);
}

/* log(x), x >= 1: x = 2^k f, f in [sqrt(1/2), sqrt(2)), log f = 2 artanh((f - 1) / (f + 1)). */
DEVICE float log_above(float x)
{
    if (!(x < INFINITY)) return x;
    const int32_t k = (bits_of(x) - 0x3f3504f3) >> 23;
    const float f = float_of(bits_of(x) - k * (1 << 23)), s = (f - 1) / (f + 1), z = s * s;
    float q = 1.0F / 9;
    q = fmaf(q, z, 1.0F / 7);
    q = fmaf(q, z, 1.0F / 5);
    q = fmaf(q, z, 1.0F / 3);
    const float n = static_cast<float>(k);
    return fmaf(n, 0.693145752F, 2 * s + fmaf(2 * s * z, q, n * 1.42860677e-6F));
}

#endif
