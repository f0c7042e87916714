/* update.cu: SGD and Adam (docs/semantics.md 1.9) on parameters that lie in one piece.
 * SPDX-License-Identifier: MIT */
#include "impl/cuda/rows.hpp"

KERNEL(sgd, update_args, 256)
{
    for (int64_t i = grid_first(); i < a.n; i += grid_step())
        a.w[i] -= a.lr * a.g[i];
}

KERNEL(adam, update_args, 256)
{
    for (int64_t i = grid_first(); i < a.n; i += grid_step()) {
        const float g = a.g[i], m = a.beta1 * a.m[i] + a.rest1 * g, v = a.beta2 * a.v[i] + a.rest2 * (g * g);
        a.m[i] = m;
        a.v[i] = v;
        a.w[i] -= a.lr * (m * a.correct1) / (sqrtf(v * a.correct2) + a.epsilon);
    }
}
