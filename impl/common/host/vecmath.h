/* vecmath.h: exp of arguments <= 0, sigmoid, tanh and log without branches, so that loops over them vectorise.
 * SPDX-License-Identifier: MIT
 *
 * Range reduction by powers of two (Cody and Waite, two-part ln 2), then a polynomial. HOST_ACTIVATION_ULP bounds the
 * error of each; test_vecmath sweeps all floats. Requires round to nearest, as the rest of the project. NaN gives NaN.
 */
#ifndef ASSAY_HOST_VECMATH_H
#define ASSAY_HOST_VECMATH_H

#include "impl/common/host/precision.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef HOST_F64
typedef int64_t host_bits;
typedef uint64_t host_word;
#define HOST_MANTISSA       52
#define HOST_BIAS           1023
#define HOST_ROUNDER        0x1.8p52 /* x + this - this rounds x to an integer, which stands in the low bits of the sum */
#define HOST_LOWEST         (-746)   /* exp of it is 0 */
#define HOST_SIGMOID_IS_ONE 60
#define HOST_TANH_IS_ONE    (-60) /* of twice the argument, negated */
#define HOST_LN2_HI         0x1.62e42fee00000p-1
#define HOST_LN2_LO         0x1.a39ef35793c76p-33
#define HOST_SQRT_HALF_BITS 0x3fe6a09e667f3bcd
#define HOST_ABS(x)         fabs(x)
#define HOST_COPYSIGN(x, s) copysign(x, s)
#define HOST_SQRT(x)        sqrt(x)
#else
typedef int32_t host_bits;
typedef uint32_t host_word;
#define HOST_MANTISSA       23
#define HOST_BIAS           127
#define HOST_ROUNDER        0x1.8p23f
#define HOST_LOWEST         (-104)
#define HOST_SIGMOID_IS_ONE 30
#define HOST_TANH_IS_ONE    (-30)
#define HOST_LN2_HI         0x1.62ep-1f
#define HOST_LN2_LO         0x1.0bfbe8p-15f
#define HOST_SQRT_HALF_BITS 0x3f3504f3
#define HOST_ABS(x)         fabsf(x)
#define HOST_COPYSIGN(x, s) copysignf(x, s)
#define HOST_SQRT(x)        sqrtf(x)
#endif

static inline host_bits host_to_bits(real x)
{
    host_bits b;
    memcpy(&b, &x, sizeof b);
    return b;
}

static inline real host_from_bits(host_bits b)
{
    real x;
    memcpy(&x, &b, sizeof x);
    return x;
}

/* 2^n, -HOST_BIAS < n <= HOST_BIAS; beyond (a NaN was reduced) any number. */
static inline real host_power_of_two(host_bits n)
{
    return host_from_bits((host_bits)((host_word)(n + HOST_BIAS) << HOST_MANTISSA));
}

/* exp(r) - 1, |r| <= ln2/2: r + r^2 q(r). In double the plain series; in float its best approximation of one degree
 * less, which errs by 0.22 u of the result. */
static inline real host_expm1_reduced(real r)
{
#ifdef HOST_F64
#define F(n) (1.0 / (n))
    real q = F(6227020800.);
    q = q * r + F(479001600);
    q = q * r + F(39916800);
    q = q * r + F(3628800);
    q = q * r + F(362880);
    q = q * r + F(40320);
    q = q * r + F(5040);
    q = q * r + F(720);
    q = q * r + F(120);
    q = q * r + F(24);
    q = q * r + F(6);
    q = q * r + F(2);
#undef F
#else
    real q = 0x1.6bebfep-10f;
    q = q * r + 0x1.1227bp-7f;
    q = q * r + 0x1.555674p-5f;
    q = q * r + 0x1.5554bp-3f;
    q = q * r + 0x1.fffffep-2f;
#endif
    return r + r * r * q;
}

/* x = n ln2 + r; |x| <= -HOST_LOWEST. */
static inline host_bits host_reduce(real x, real *r)
{
    const real shifted = x * (real)1.4426950408889634074 + HOST_ROUNDER, n = shifted - HOST_ROUNDER;
    *r = (x - n * HOST_LN2_HI) - n * HOST_LN2_LO;
    return host_to_bits(shifted) - host_to_bits(HOST_ROUNDER);
}

/* exp(x), x <= 0; -inf gives 0. Scaled in two steps, since the result may be subnormal. */
static inline real host_exp(real x)
{
    real r;
    const host_bits n = host_reduce(x < HOST_LOWEST ? HOST_LOWEST : x, &r), half = n >> 1;
    return (1 + host_expm1_reduced(r)) * host_power_of_two(half) * host_power_of_two(n - half);
}

/* 1 / (1 + exp(-x)), exp(-x) = 2^n (1 + p), as s / (s + 1 + p) with s = 2^-n, which is exact, as s + 1 is for
 * s from 1 to 2^23; else the smaller ones are added first. s is subnormal for the lowest x, so it comes in two steps;
 * from HOST_SIGMOID_IS_ONE on 1 is nearest. */
static inline real host_sigmoid(real x)
{
    real r, low = -x < -HOST_SIGMOID_IS_ONE ? -HOST_SIGMOID_IS_ONE : -x;
    low = low > -HOST_LOWEST ? -HOST_LOWEST : low;
    const host_bits n = host_reduce(low, &r), half = n >> 1;
    const real s = host_power_of_two(-half) * host_power_of_two(half - n), p = host_expm1_reduced(r);
    return s / ((s < 1 ? 1 : s + 1) + (s < 1 ? s + p : p));
}

/* (1 - e) / (1 + e) with e = exp(-2|x|) = s (1 + p), s = 2^n: 1 - s is exact where it is not 1, and near 0, where s is
 * 1, p alone is left. */
static inline real host_tanh(real x)
{
    real r;
    const real a = -2 * HOST_ABS(x);
    const host_bits n = host_reduce(a < HOST_TANH_IS_ONE ? HOST_TANH_IS_ONE : a, &r);
    const real s = host_power_of_two(n), p = host_expm1_reduced(r);
    return HOST_COPYSIGN(((1 - s) - s * p) / ((1 + s) + s * p), x);
}

/* log(x), x >= 1; what isn't finite gives NaN: x = 2^k f, f in [sqrt(1/2), sqrt(2)), log f = 2 artanh((f-1) / (f+1)).
 */
static inline real host_log(real x)
{
    const host_bits b = host_to_bits(x) - HOST_SQRT_HALF_BITS, k = b >> HOST_MANTISSA;
    const real f = host_from_bits(host_to_bits(x) - k * ((host_bits)1 << HOST_MANTISSA)), s = (f - 1) / (f + 1),
               z = s * s;
    real q = (real)(1.0 / 9);
#ifdef HOST_F64
    q = (real)(1.0 / 21);
    q = q * z + (real)(1.0 / 19);
    q = q * z + (real)(1.0 / 17);
    q = q * z + (real)(1.0 / 15);
    q = q * z + (real)(1.0 / 13);
    q = q * z + (real)(1.0 / 11);
    q = q * z + (real)(1.0 / 9);
#endif
    q = q * z + (real)(1.0 / 7);
    q = q * z + (real)(1.0 / 5);
    q = q * z + (real)(1.0 / 3);
    return (real)k * HOST_LN2_HI + (2 * s + (2 * s * z * q + (real)k * HOST_LN2_LO)) + (x - x);
}

#endif
