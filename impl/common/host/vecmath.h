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

/* Always: a loop that still calls one of these when its turn comes is not vectorised, and GCC counts what a function
 * has grown by. */
#define HOST_INLINE static inline __attribute__((always_inline))

HOST_INLINE host_bits host_to_bits(real x)
{
    host_bits b;
    memcpy(&b, &x, sizeof b);
    return b;
}

HOST_INLINE real host_from_bits(host_bits b)
{
    real x;
    memcpy(&x, &b, sizeof x);
    return x;
}

/* 2^(n + lift) for the n that stands in the low bits of HOST_ROUNDER + n; the exponent may not leave its range (a NaN
 * was reduced: any number). */
HOST_INLINE real host_power_of_two(real shifted, int lift)
{
    return host_from_bits((host_bits)(((host_word)host_to_bits(shifted) << HOST_MANTISSA) +
                                      ((host_word)(HOST_BIAS + lift) << HOST_MANTISSA)));
}

/* which ? a : b, by bits: a compiler that sees a choice of two quotients divides twice. */
HOST_INLINE real host_pick(int which, real a, real b)
{
    const host_bits mask = -(host_bits)which;
    return host_from_bits((host_to_bits(a) & mask) | (host_to_bits(b) & ~mask));
}

/* exp(r) - 1 - r + first, |r| <= ln2/2. */
HOST_INLINE real host_expm1_reduced(real r, real first)
{
#define F(n) ((real)(1.0 / (n)))
    const real z = r * r;
    real q = F(720) + r * F(5040);
#ifdef HOST_F64
    const real high = F(3628800) + r * F(39916800) + z * (F(479001600) + r * F(6227020800.));
    q += z * (F(40320) + r * F(362880) + z * high);
#endif
    q = F(2) + r * F(6) + z * (F(24) + r * F(120) + z * q);
#undef F
    return first + z * q;
}

/* x = n ln2 + r; returns HOST_ROUNDER + n. |x| is at most -HOST_LOWEST. */
HOST_INLINE real host_reduce(real x, real *r)
{
    const real shifted = x * (real)1.4426950408889634074 + HOST_ROUNDER, n = shifted - HOST_ROUNDER;
    *r = (x - n * HOST_LN2_HI) - n * HOST_LN2_LO;
    return shifted;
}

/* Results may be subnormal where powers of two are not: they are made so many times larger first, which is exact. */
#define HOST_LIFT    (HOST_MANTISSA + 1)
#define HOST_LOWERED ((real)1 / (real)((host_word)1 << HOST_LIFT))

/* exp(x), x <= 0; -inf gives 0. */
HOST_INLINE real host_exp(real x)
{
    real r;
    const real shifted = host_reduce(x < HOST_LOWEST ? HOST_LOWEST : x, &r);
    return (1 + host_expm1_reduced(r, r)) * host_power_of_two(shifted, HOST_LIFT) * HOST_LOWERED;
}

/* For x <= 0, t / (1 + t + (exp(r) - 1)) with x = n ln2 - r, t = 2^n. What 1 + t rounds away, all of a small t, is
 * added to the last term; so the denominator is rounded once, and where that counts most, just above 1, the last term
 * is -t or nearly: small, and so are its errors. Both stay below 1.4 units in the last place, the quotient's own below
 * half of one. For x > 0, 1 less that. */
HOST_INLINE real host_sigmoid(real x)
{
    real r;
    const real a = -HOST_ABS(x), t = host_power_of_two(host_reduce(a < HOST_LOWEST ? HOST_LOWEST : a, &r), HOST_LIFT),
               low = t * HOST_LOWERED, sum = 1 + low, rest = low - (sum - 1),
               y = t / (sum + host_expm1_reduced(-r, rest - r)) * HOST_LOWERED;
    return host_pick(x < 0, y, 1 - y);
}

/* |x| below 0.55: x - x z M(z) / D(z), z = x^2, from the continued fraction x / (1 + z / (3 + z / (5 + ...))), cut
 * where what follows is below a hundredth of an ulp; else 1 - 2 / (1 + exp(2|x|)). One division serves both. From 32
 * on 1 is nearest. */
HOST_INLINE real host_tanh(real x)
{
    real r;
    const real a = HOST_ABS(x), z = a * a, s = host_power_of_two(host_reduce(2 * (a > 32 ? 32 : a), &r), 0);
#ifdef HOST_F64
    const real m = 675675 + z * (45045 + z * (594 + z)), d = 2027025 + z * (945945 + z * (51975 + z * (630 + z)));
#else
    const real m = 315 + z * 14, d = 945 + z * (420 + z * 15);
#endif
    const int small = a < (real)0.55;
    const real q = host_pick(small, a * z * m, 2) / host_pick(small, d, (1 + s) + s * host_expm1_reduced(r, r));
    return HOST_COPYSIGN(host_pick(small, a, 1) - q, x);
}

/* log(x), x >= 1; what isn't finite gives NaN: x = 2^k f, f in [sqrt(1/2), sqrt(2)), log f = 2 artanh((f-1) / (f+1)).
 */
HOST_INLINE real host_log(real x)
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
