/* optimizer.c: one step of SGD or of Adam. docs/workloads.md 1.5
 * SPDX-License-Identifier: MIT */
#include "reference/ops.h"

/* 1 - beta^count. The quad build multiplies it out; in double that would cancel where beta is near 1, so it goes by
 * expm1. A scalar of the step, not an operation of the arithmetic: never rounded. */
static real correction(double beta, int64_t count)
{
#if defined(ASSAY_BUILD_F128)
    real power = R(1), square = R(beta);
    for (; count > 0; count /= 2, square *= square)
        if (count % 2) power *= square;
    return R(1) - power;
#else
    return R(-expm1((double)count * log(beta)));
#endif
}

static void sgd(const assay_problem *p, int64_t count, const real *w, const real *g, real *w1)
{
    PARALLEL(count)
    for (int64_t k = 0; k < count; k++)
        w1[k] = STORE(w[k] - R(p->lr) * g[k]);
}

/* Kingma & Ba, arXiv:1412.6980, algorithm 1: epsilon is added to sqrt(v hat). */
static void adam(const assay_problem *p, int64_t step, int64_t count, const real *w, const real *g, const real *m,
                 const real *v, real *w1, real *m1, real *v1)
{
    const real b1 = R(p->beta1), b2 = R(p->beta2), fix1 = correction(p->beta1, step + 1);
    const real fix2 = correction(p->beta2, step + 1);
    PARALLEL(count)
    for (int64_t k = 0; k < count; k++) {
        const real mk = STORE(b1 * m[k] + (R(1) - b1) * g[k]);
        const real vk = STORE(b2 * v[k] + (R(1) - b2) * (g[k] * g[k]));
        if (m1) m1[k] = mk;
        if (v1) v1[k] = vk;
        if (w1) w1[k] = STORE(w[k] - R(p->lr) * (mk / fix1) / (R_SQRT(vk / fix2) + R(p->epsilon)));
    }
}

void REF(optimize)(const assay_problem *p, int64_t step, int64_t count, const real *w, const real *g, const real *m,
                   const real *v, real *w1, real *m1, real *v1)
{
    if (p->optimizer == ASSAY_OPT_SGD && w1) sgd(p, count, w, g, w1);
    if (p->optimizer == ASSAY_OPT_ADAM) adam(p, step, count, w, g, m, v, w1, m1, v1);
}
