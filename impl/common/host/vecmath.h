/* vecmath.h: exp of arguments <= 0, sigmoid, tanh and log without branches, so that loops over them vectorise.
 * SPDX-License-Identifier: MIT
 *
 * Range reduction by powers of two (Cody and Waite, two-part ln 2), then the plain Taylor series: on |r| <= ln2/2 the
 * first term left out is below 0.05 ulp. HOST_ACTIVATION_ULP bounds the error of each; test_vecmath sweeps all floats.
 * Requires round to nearest, as the rest of the project. NaN gives NaN. */
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

/* exp(r) - 1, |r| <= ln2/2. */
static inline real host_expm1_reduced(real r)
{
#define F(n) ((real)(1.0 / (n)))
    real q = F(5040);
#ifdef HOST_F64
    q = F(6227020800.);
    q = q * r + F(479001600);
    q = q * r + F(39916800);
    q = q * r + F(3628800);
    q = q * r + F(362880);
    q = q * r + F(40320);
    q = q * r + F(5040);
#endif
    q = q * r + F(720);
    q = q * r + F(120);
    q = q * r + F(24);
    q = q * r + F(6);
    q = q * r + F(2);
#undef F
    return r + r * r * q;
}

/* x = n ln2 + r for x <= 0; below HOST_LOWEST x counts as that. */
static inline host_bits host_reduce(real x, real *r)
{
    x = x < HOST_LOWEST ? HOST_LOWEST : x;
    const real shifted = x * (real)1.4426950408889634074 + HOST_ROUNDER, n = shifted - HOST_ROUNDER;
    *r = (x - n * HOST_LN2_HI) - n * HOST_LN2_LO;
    return host_to_bits(shifted) - host_to_bits(HOST_ROUNDER);
}

/* exp(x) = the result + *rest, x <= 0; -inf gives 0. Scaled in two steps, since the result may be subnormal. */
static inline real host_exp_and_rest(real x, real *rest)
{
    real r;
    const host_bits n = host_reduce(x, &r), half = n >> 1;
    const real first = host_power_of_two(half), second = host_power_of_two(n - half), m = host_expm1_reduced(r),
               sum = 1 + m;
    *rest = ((1 - sum) + m) * first * second;
    return sum * first * second;
}

static inline real host_exp(real x)
{
    real rest;
    return host_exp_and_rest(x, &rest);
}

/* e / (1 + e) with e = exp(-|x|) for x < 0, whose last place counts for up to two of the result's: so what rounding
 * took from e and from 1 + e comes along. 1 / (1 + e) is 1 - y. */
static inline real host_sigmoid(real x)
{
    real rest;
    const real e = host_exp_and_rest(-HOST_ABS(x), &rest), sum = 1 + e, y = (x < 0 ? e : 1) / sum;
    return x < 0 ? y + (rest - y * (e - (sum - 1) + rest)) * (1 - y) : y;
}

/* |x| below 0.55: x - x z M(z) / D(z), z = x^2, from the continued fraction x / (1 + z / (3 + z / (5 + ...))), cut
 * where what follows is below a hundredth of an ulp; else 1 - 2 e / (1 + e) with e = exp(-2|x|). One division serves
 * both. */
static inline real host_tanh(real x)
{
    const real a = HOST_ABS(x), z = a * a, e = host_exp(-2 * a);
#ifdef HOST_F64
    const real m = 675675 + z * (45045 + z * (594 + z)), d = 2027025 + z * (945945 + z * (51975 + z * (630 + z)));
#else
    const real m = 315 + z * 14, d = 945 + z * (420 + z * 15);
#endif
    const int small = a < (real)0.55;
    const real q = (small ? z * m : e) / (small ? d : 1 + e);
    return HOST_COPYSIGN((small ? a : 1) - (small ? a : 2) * q, x);
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
