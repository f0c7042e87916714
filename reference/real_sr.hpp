// real_sr.hpp: real as a class that rounds every operation as the thread's context says (rounding.h).
// SPDX-License-Identifier: MIT
#ifndef ASSAY_REAL_SR_HPP
#define ASSAY_REAL_SR_HPP

#include <cmath>

#include "reference/rounding_state.h"

// The layout of a double and no constructor that runs: malloc and casts from double * serve.
// What becomes a `real` from a double (constants, inputs) is taken as it is; the result of an operation is rounded.
// Accumulating in FP64, an operation keeps its rounding error (TwoSum, TwoProd: Dekker 1971, Knuth 1969), so that the
// one unit in the last place can fall either way.
struct assay_real_sr {
    double v;
    assay_real_sr() = default;
    assay_real_sr(double x) : v(x) {}
};
// A linker merges what is inline in classes of one name: each build has a name of its own.
typedef assay_real_sr real;
static_assert(sizeof(real) == sizeof(double), "arrays of double are arrays of real");

#include "reference/real_order.hpp"

static inline real assay_sr_wide(double r, double error)
{
    return real(assay_round_wide(&assay_state_sr, r, error));
}

static inline real assay_sr_narrow(double x)
{
    return real(assay_round_accumulate(&assay_state_sr, x));
}

static inline double assay_sum_error(double a, double b, double s)
{
    const double t = s - a;
    return (a - (s - t)) + (b - t);
}

static inline real operator+(real a, real b)
{
    const double s = a.v + b.v;
    if (__builtin_expect(assay_state_sr.wide, 0)) return assay_sr_wide(s, assay_sum_error(a.v, b.v, s));
    return assay_sr_narrow(s);
}

static inline real operator-(real a)
{
    return real(-a.v);
}

static inline real operator-(real a, real b)
{
    return a + -b;
}

static inline real operator*(real a, real b)
{
    const double p = a.v * b.v;
    if (__builtin_expect(assay_state_sr.wide, 0)) return assay_sr_wide(p, std::fma(a.v, b.v, -p));
    return assay_sr_narrow(p);
}

static inline real operator/(real a, real b)
{
    const double q = a.v / b.v;
    if (__builtin_expect(assay_state_sr.wide, 0)) return assay_sr_wide(q, std::fma(-q, b.v, a.v) / b.v);
    return assay_sr_narrow(q);
}

// One rounding for both, as a fused multiply-add has. Narrower than FP64 the double sum is as good as exact: its error
// is 2^-29 of a unit in the last place of the format.
static inline real assay_sr_mac(real s, real a, real b)
{
    const double p = a.v * b.v, t = s.v + p;
    if (__builtin_expect(assay_state_sr.wide, 0)) {
        const double rest = assay_sum_error(s.v, p, t) + std::fma(a.v, b.v, -p), r = t + rest;
        return assay_sr_wide(r, (t - r) + rest);
    }
    return assay_sr_narrow(t);
}

static inline real &operator+=(real &a, real b)
{
    return a = a + b;
}

static inline real &operator-=(real &a, real b)
{
    return a = a - b;
}

static inline real &operator*=(real &a, real b)
{
    return a = a * b;
}

static inline real &operator/=(real &a, real b)
{
    return a = a / b;
}

static inline real fabs(real a)
{
    return real(std::fabs(a.v));
}

// One rounding of the value, which long double holds to 2^-64; a declared activation error comes before it.
static inline real assay_sr_function(long double exact)
{
    assay_rounding_state *s = &assay_state_sr;
    const double r = (double)exact;
    if (s->blurs) return real(assay_round_accumulate(s, assay_round_blur(s, r)));
    if (s->wide) return assay_sr_wide(r, std::isfinite(r) ? (double)(exact - (long double)r) : 0);
    return assay_sr_narrow(r);
}

static inline real assay_sr_exp(real x)
{
    return assay_sr_function(assay_state_sr.wide ? std::exp((long double)x.v) : (long double)std::exp(x.v));
}

static inline real assay_sr_log(real x)
{
    return assay_sr_function(assay_state_sr.wide ? std::log((long double)x.v) : (long double)std::log(x.v));
}

static inline real assay_sr_tanh(real x)
{
    return assay_sr_function(assay_state_sr.wide ? std::tanh((long double)x.v) : (long double)std::tanh(x.v));
}

// A square root is rounded correctly everywhere: no activation error.
static inline real assay_sr_sqrt(real x)
{
    const double r = std::sqrt(x.v);
    if (assay_state_sr.wide && r > 0) return assay_sr_wide(r, std::fma(-r, r, x.v) / (2 * r));
    return assay_sr_narrow(r);
}

#define R_EXP(x)     assay_sr_exp(x)
#define R_LOG(x)     assay_sr_log(x)
#define R_TANH(x)    assay_sr_tanh(x)
#define R_SQRT(x)    assay_sr_sqrt(x)
#define OPERAND(x)   real(assay_round_operand(&assay_state_sr, real(x).v))
#define STORE(x)     real(assay_round_store(&assay_state_sr, real(x).v))
#define ROUNDED(x)   (x) // every operation has rounded already
#define MAC(s, a, b) assay_sr_mac(s, a, b)
#define SUM_AT(j, n) assay_order_at(&assay_state_sr, j, n)
#define TO_DOUBLE(x) (real(x).v)

#endif
