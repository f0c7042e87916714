// real_dual.hpp: real as a dual number: a value and its derivative along one direction, carried forward together.
// SPDX-License-Identifier: MIT
#ifndef ASSAY_REAL_DUAL_HPP
#define ASSAY_REAL_DUAL_HPP

#include <cmath>

// Constants have derivative 0. malloc, calloc and casts serve: no constructor that runs.
struct assay_real_dual {
    double v, d;
    assay_real_dual() = default;
    assay_real_dual(double x) : v(x), d(0) {}
    assay_real_dual(double x, double dx) : v(x), d(dx) {}
};
// A linker merges what is inline in classes of one name: each build has a name of its own.
typedef assay_real_dual real;

#include "reference/real_order.hpp"

static inline real operator+(real a, real b)
{
    return real(a.v + b.v, a.d + b.d);
}

static inline real operator-(real a)
{
    return real(-a.v, -a.d);
}

static inline real operator-(real a, real b)
{
    return real(a.v - b.v, a.d - b.d);
}

static inline real operator*(real a, real b)
{
    return real(a.v * b.v, a.v * b.d + a.d * b.v);
}

static inline real operator/(real a, real b)
{
    const double q = a.v / b.v;
    return real(q, (a.d - q * b.d) / b.v);
}

static inline real assay_dual_exp(real x)
{
    const double e = std::exp(x.v);
    return real(e, e * x.d);
}

static inline real assay_dual_log(real x)
{
    return real(std::log(x.v), x.d / x.v);
}

static inline real assay_dual_tanh(real x)
{
    const double t = std::tanh(x.v);
    return real(t, (1 - t * t) * x.d);
}

static inline real assay_dual_sqrt(real x)
{
    const double r = std::sqrt(x.v);
    return real(r, x.d / (2 * r));
}

#define R_EXP(x)  assay_dual_exp(x)
#define R_LOG(x)  assay_dual_log(x)
#define R_TANH(x) assay_dual_tanh(x)
#define R_SQRT(x) assay_dual_sqrt(x)

#endif
