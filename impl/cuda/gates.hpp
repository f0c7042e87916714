/* gates.hpp: activations of gates, their slopes, and the bound of a cell: docs/semantics.md 1.1 to 1.5.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CUDA_GATES_HPP
#define ASSAY_CUDA_GATES_HPP

#include "impl/cuda/math.hpp"
#include "reference/problem.h"

/* Of i, f, o, r, z. */
DEVICE float gate(int32_t kind, float x)
{
    if (kind == ASSAY_GATE_SIGMOID) return sigmoid(x);
    const float y = x / (kind == ASSAY_GATE_HARD_FIFTH ? 5.0F : 6.0F) + 0.5F;
    return y < 0 ? 0.0F : y > 1 ? 1.0F : y;
}

/* Its derivative, from its value. */
DEVICE float slope(int32_t kind, float y)
{
    if (kind == ASSAY_GATE_SIGMOID) return y * (1 - y);
    if (y <= 0 || y >= 1) return 0;
    return 1 / (kind == ASSAY_GATE_HARD_FIFTH ? 5.0F : 6.0F);
}

DEVICE float clipped(float bound, float q)
{
    return bound == 0 ? q : q > bound ? bound : q < -bound ? -bound : q;
}

#endif
