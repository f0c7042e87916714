// real_order.hpp: comparisons of the two classes of real: they look at the value alone. Included behind the class.
// SPDX-License-Identifier: MIT
#ifndef ASSAY_REAL_ORDER_HPP
#define ASSAY_REAL_ORDER_HPP

static inline bool operator<(real a, real b)
{
    return a.v < b.v;
}

static inline bool operator>(real a, real b)
{
    return a.v > b.v;
}

static inline bool operator<=(real a, real b)
{
    return a.v <= b.v;
}

static inline bool operator>=(real a, real b)
{
    return a.v >= b.v;
}

static inline bool operator==(real a, real b)
{
    return a.v == b.v;
}

static inline bool operator!=(real a, real b)
{
    return a.v != b.v;
}

#endif
