/* xent.cu: softmax cross-entropy (docs/semantics.md 1.7), a block a row, whatever the vocabulary; and sums of losses.
 * SPDX-License-Identifier: MIT */
#include "impl/cuda/math.hpp"
#include "impl/cuda/rows.hpp"
#include "reference/problem.h"

DEVICE bool counts(const xent_args &a, int64_t row)
{
    if (!a.last && !inside(a.rows.lens, callers_step(a.rows, row), callers_sample(a.rows, row))) return false;
    return !a.ignores || a.labels[row] != a.ignore_index;
}

/* One block: scale = 1 / what the sum of all losses is divided by, 0 where that is 0. */
KERNEL(xent_scale, xent_args, 256)
{
    SHARED(float, part, 8);
    float own = 0;
    for (int64_t row = thread_index(); row < a.count;) {
        float block = 0;
        for (int k = 0; k < FOLD && row < a.count; k++, row += thread_count())
            if (counts(a, row))
                block += a.reduction == ASSAY_REDUCE_MEAN_WEIGHTED && a.weights ? a.weights[a.labels[row]] : 1.0F;
        own += block;
    }
    float divisor = block_sum(own, part);
    if (a.reduction == ASSAY_REDUCE_MEAN_ALL) divisor = static_cast<float>(a.count);
    if (a.reduction == ASSAY_REDUCE_MEAN_BATCH) divisor = static_cast<float>(a.rows.n);
    if (a.reduction == ASSAY_REDUCE_NONE || a.reduction == ASSAY_REDUCE_SUM) divisor = 1;
    if (a.reduction == ASSAY_REDUCE_MEAN_WEIGHTED && !a.weights) divisor = 0;
    if (thread_index() == 0) a.scale[0] = divisor > 0 ? 1 / divisor : 0.0F;
}

/* What class k's log-probability counts in the loss of a row. */
DEVICE float target(const xent_args &a, int32_t label, int64_t k)
{
    const float share = k == label ? a.own : a.other;
    return a.weights ? a.weights[k] * share : share;
}

/* The largest and the sum of exp(x - largest) of one row, in one pass: the sum follows the maximum. */
DEVICE float largest_and_sum(const xent_args &a, const float *x, shared<float> part, float *sum)
{
    float m = -INFINITY, s = 0;
    for (int64_t k = thread_index(); k < a.classes; k += thread_count()) {
        const float v = x[k];
        if (v > m) {
            s = s * exp_below(m - v) + 1;
            m = v;
        } else if (v != -INFINITY) {
            s += exp_below(v - m);
        }
    }
    const float top = block_max(m, part);
    *sum = block_sum(m == -INFINITY && s == 0 ? 0.0F : s * exp_below(m - top), part + 8);
    return top;
}

KERNEL(xent_rows, xent_args, 256)
{
    SHARED(float, part, 32);
    for (int64_t row = block_x(); row < a.count; row += blocks_x()) {
        const float *x = a.x + row * a.stride;
        float *g = a.grad ? a.grad + row * a.stride : nullptr;
        const bool counting = counts(a, row);
        const float upstream = a.one ? 1.0F : a.dloss ? a.dloss[a.apart ? row : 0] : 0.0F;
        if (counting) {
            const int32_t label = a.labels[row];
            float sum;
            const float top = largest_and_sum(a, x, part, &sum), log_sum = log_above(sum),
                        of_label = target(a, label, label);
            float all = of_label, loss = of_label * ((top - x[label]) + log_sum);
            if (a.other != 0) {
                float terms = 0, shares = 0;
                for (int64_t k = thread_index(); k < a.classes; k += thread_count()) {
                    const float of_k = target(a, label, k);
                    shares += of_k;
                    if (of_k != 0) terms += of_k * ((top - x[k]) + log_sum);
                }
                loss = block_sum(terms, part + 16);
                all = block_sum(shares, part + 24);
            }
            if (thread_index() == 0) a.loss_rows[row] = loss;
            const float scale = upstream * a.scale[0];
            for (int64_t k = thread_index(); g && k < a.classes; k += thread_count())
                g[k] = upstream == 0 ? 0.0F
                                     : scale * all / sum * exp_below(x[k] - top) -
                                           scale * (k == label || a.other != 0 ? target(a, label, k) : 0.0F);
        } else {
            if (thread_index() == 0) a.loss_rows[row] = 0;
            for (int64_t k = thread_index(); g && k < a.classes; k += thread_count())
                g[k] = 0;
        }
    }
}

/* One block. */
KERNEL(loss_sum, loss_sum_args, 256)
{
    SHARED(float, part, 8);
    float own = 0;
    for (int64_t row = thread_index(); row < a.count;) {
        float block = 0;
        for (int k = 0; k < FOLD && row < a.count; k++, row += thread_count()) {
            const float by = a.label_lens && a.label_lens[row] > 1 ? static_cast<float>(a.label_lens[row]) : 1.0F;
            block += a.loss_rows[row] / by;
        }
        own += block;
    }
    const float sum = block_sum(own, part);
    if (thread_index() == 0) a.loss[0] = sum * a.factor * (a.scale ? a.scale[0] : 1.0F);
}
