/* xent.c: softmax cross-entropy with class weights, label smoothing and ignored rows. docs/semantics.md 1.7
 * SPDX-License-Identifier: MIT */
#include "reference/ops.h"

/* q_k: what class k's log-probability counts in the loss of a row with this label. */
static real target(const assay_problem *p, const real *weights, int32_t label, int k)
{
    const real share = R(p->dialect.xent_smoothing);
    real q = k == label ? R(1) : R(0);
    if (p->dialect.xent_smoothing > 0) {
        const int others = p->dialect.xent_smoothing_to == ASSAY_SMOOTH_OTHERS;
        if (k == label) q = R(1) - share;
        if (k != label || !others) q = ROUNDED(q + share / R((double)(p->classes - others)));
    }
    return weights ? ROUNDED(q * weights[k]) : q;
}

/* Sum over k of q_k (lse - x_k), and of q_k itself; `terms` is scratch. Only the label counts where nothing is
 * smoothed. */
static real row_loss(const assay_problem *p, const real *weights, int32_t label, const real *x, real lse, real *terms,
                     real *sum)
{
    const int v = p->classes;
    *sum = target(p, weights, label, label);
    if (p->dialect.xent_smoothing == 0) return STORE(weights ? *sum * (lse - x[label]) : lse - x[label]);
    for (int k = 0; k < v; k++)
        terms[k] = target(p, weights, label, k);
    *sum = ROUNDED(REF(sum)(v, terms, 1, ASSAY_SUM_FEATURES));
    for (int k = 0; k < v; k++) /* a class that does not count may have any logit */
        terms[k] = terms[k] == R(0) ? R(0) : ROUNDED(terms[k] * (lse - x[k]));
    return STORE(REF(sum)(v, terms, 1, ASSAY_SUM_FEATURES));
}

/* A class with logit -inf has probability 0 and costs nothing, as long as one logit is finite. */
void REF(xent)(const assay_problem *p, int m, const real *logits, const int32_t *labels, const real *weights,
               const real *up, real *loss, real *grad)
{
    const int v = p->classes;
    PARALLEL((int64_t)m * v)
    for (int row = 0; row < m; row++) {
        const real *x = logits + (int64_t)row * v;
        real *g = grad + (int64_t)row * v, max = x[0], sum;
        loss[row] = R(0);
        for (int k = 0; k < v; k++)
            g[k] = R(0);
        if (REF(ignores)(p, labels[row])) continue;
        for (int k = 1; k < v; k++)
            if (x[k] > max) max = x[k];
        for (int k = 0; k < v; k++)
            g[k] = ROUNDED(R_EXP(x[k] - max));
        const real lse = ROUNDED(max + R_LOG(REF(sum)(v, g, 1, ASSAY_SUM_FEATURES)));
        loss[row] = row_loss(p, weights, labels[row], x, lse, g, &sum);
        for (int k = 0; up && k < v; k++) {
            const real share = R_EXP(x[k] - lse), q = target(p, weights, labels[row], k);
            g[k] = STORE(up[row] * (sum * share - q));
        }
    }
}
