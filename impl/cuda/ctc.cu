/* ctc.cu: connectionist temporal classification (docs/semantics.md 1.8), in the log domain: a block of two warps a
 * sample, one for alpha, one for beta. SPDX-License-Identifier: MIT
 *
 * Both start at their ends and meet in the middle: there the loss is known after half of the frames. Then each goes on
 * through the other's half, and makes the gradient of each frame from its own variables and those kept by the other.
 *
 * As in impl/common/host/ctc.inc, the largest variable of each frame is subtracted from all of that frame, so that the
 * error doesn't grow with the loss. No atomics: the states of equal labels are chained, and the lane that has the first
 * of them adds them up in order. */
#include "impl/cuda/math.hpp"
#include "impl/cuda/rows.hpp"

/* What a warp knows of its sample. */
struct sample {
    const float *x; /* frames `pitch` apart */
    int64_t pitch;
    int32_t frames, labels, states, middle;
    float *half, *top; /* (T, 2 max_label + 1): alpha before the middle, beta from there on; (T, 2) */
    float *occupancy;  /* of this warp */
    int32_t *chain;
};

DEVICE int32_t lane_of()
{
    return static_cast<int32_t>(thread_index() % 32);
}

DEVICE float frame_max(const ctc_args &a, const float *x)
{
    float m = -INFINITY;
    for (int64_t k = lane_of(); k < a.classes; k += 32)
        m = x[k] > m ? x[k] : m;
    return warp_max(m);
}

DEVICE float frame_sum(const ctc_args &a, const float *x, float top)
{
    float sum = 0;
    for (int64_t k = lane_of(); k < a.classes; k += 32)
        sum += exp_below(x[k] - top);
    return warp_sum(sum);
}

/* log(exp a + exp b + exp c); all three -inf give -inf. */
DEVICE float log_add(float a, float b, float c)
{
    const float ab = a > b ? a : b, m = ab > c ? ab : c, safe = m == -INFINITY ? 0.0F : m;
    const float sum = exp_below(a - safe) + exp_below(b - safe) + exp_below(c - safe);
    return m + log_above(sum < 1 ? 1.0F : sum);
}

/* Whether a path may come to state s from itself, and from s - 2. */
DEVICE bool stays(const ctc_args &a, int32_t s)
{
    return !(a.kept && s % 2 == 1);
}
DEVICE bool skips(const ctc_args &a, shared<int32_t> label, int32_t s, int32_t states)
{
    return s % 2 == 1 && s > 1 && s < states && (a.kept || label[s / 2] != label[s / 2 - 1]);
}

DEVICE float emission(const ctc_args &a, const sample &q, shared<int32_t> label, int32_t t, int32_t s)
{
    const int32_t k = s % 2 ? static_cast<int32_t>(label[s / 2]) : a.blank;
    return (q.x[t * q.pitch + k] - q.top[2 * t]) - q.top[2 * t + 1];
}

/* The labels of the sample, without equal neighbours if those are to be merged; how many. */
DEVICE int32_t read_labels(const ctc_args &a, int32_t n, shared<int32_t> label, shared<int32_t> count)
{
    const int32_t given = a.label_lens[n];
    int64_t start = static_cast<int64_t>(n) * a.max_label;
    if (!a.padded) {
        start = 0;
        for (int32_t k = 0; k < n; k++)
            start += a.label_lens[k];
    }
    if (thread_index() == 0) {
        int32_t used = 0;
        for (int32_t k = 0; k < given; k++)
            if (!a.collapse || k == 0 || a.labels[start + k] != a.labels[start + k - 1])
                label[used++] = a.labels[start + k];
        count[0] = used;
    }
    block_sync();
    return count[0];
}

/* Largest logit of frame t, and the logarithm of the sum of all less that. */
DEVICE void measure(const ctc_args &a, const sample &q, int32_t t)
{
    const float *x = q.x + t * q.pitch;
    const float top = a.log_probs ? 0.0F : frame_max(a, x),
                log_sum = a.log_probs ? 0.0F : log_above(frame_sum(a, x, top));
    if (lane_of() == 0) {
        q.top[2 * t] = top;
        q.top[2 * t + 1] = log_sum;
    }
    warp_sync(FULL_WARP);
}

/* Subtracts the largest variable of a frame, of which each lane knows that of its own. */
DEVICE float level(const sample &q, shared<float> now, float own)
{
    const float m = warp_max(own);
    for (int32_t s = lane_of(); s < q.states; s += 32)
        if (m != -INFINITY) now[s] = now[s] - m;
    warp_sync(FULL_WARP);
    return m;
}

/* alpha of frame t from that before it; returns what was subtracted. */
DEVICE float alpha_of(const ctc_args &a, const sample &q, shared<int32_t> label, int32_t t, shared<float> before,
                      shared<float> now)
{
    float m = -INFINITY;
    for (int32_t s = lane_of(); s < q.states; s += 32) {
        float v = s < 2 ? 0.0F : -INFINITY;
        if (t > 0)
            v = log_add(stays(a, s) ? static_cast<float>(before[s]) : -INFINITY,
                        s > 0 ? static_cast<float>(before[s - 1]) : -INFINITY,
                        skips(a, label, s, q.states) ? static_cast<float>(before[s - 2]) : -INFINITY);
        v += emission(a, q, label, t, s);
        now[s] = v;
        m = v > m ? v : m;
    }
    return level(q, now, m);
}

/* beta of frame t from that behind it, which is destroyed; returns what was subtracted. */
DEVICE float beta_of(const ctc_args &a, const sample &q, shared<int32_t> label, int32_t t, shared<float> later,
                     shared<float> now)
{
    float m = -INFINITY;
    for (int32_t s = lane_of(); t + 1 < q.frames && s < q.states; s += 32)
        later[s] = later[s] + emission(a, q, label, t + 1, s);
    warp_sync(FULL_WARP);
    for (int32_t s = lane_of(); s < q.states; s += 32) {
        float v = s >= q.states - 2 ? 0.0F : -INFINITY;
        if (t + 1 < q.frames)
            v = log_add(stays(a, s) ? static_cast<float>(later[s]) : -INFINITY,
                        s + 1 < q.states ? static_cast<float>(later[s + 1]) : -INFINITY,
                        skips(a, label, s + 2, q.states) ? static_cast<float>(later[s + 2]) : -INFINITY);
        now[s] = v;
        m = v > m ? v : m;
    }
    return level(q, now, m);
}

DEVICE void keep(const sample &q, int32_t t, shared<float> row)
{
    for (int32_t s = lane_of(); s < q.states; s += 32)
        q.half[static_cast<int64_t>(t) * q.states + s] = row[s];
}

/* Where the rows of a warp lie: that of frame t, and that of the frames beside it. */
DEVICE shared<float> row_of(const sample &q, shared<float> rows, int32_t t)
{
    return rows + (t % 2) * q.states;
}
DEVICE shared<float> row_beside(const sample &q, shared<float> rows, int32_t t)
{
    return rows + (1 - t % 2) * q.states;
}

/* A warp's way from its end to the middle, both included; returns the sum of all that was subtracted. Alpha of the
 * middle stays in shared memory alone: there beta's is kept. */
DEVICE float to_the_middle(const ctc_args &a, const sample &q, shared<int32_t> label, shared<float> rows, bool alpha)
{
    const int32_t steps = alpha ? q.middle + 1 : q.frames - q.middle;
    float total = 0, block = 0;
    for (int32_t k = 0; k < steps; k++) {
        const int32_t t = alpha ? k : q.frames - 1 - k;
        const shared<float> now = row_of(q, rows, t), beside = row_beside(q, rows, t);
        if (alpha || k > 0) measure(a, q, alpha ? t : t + 1);
        block += alpha ? alpha_of(a, q, label, t, beside, now) : beta_of(a, q, label, t, beside, now);
        if (!alpha || t < q.middle) keep(q, t, now);
        if (k % 32 == 31 || k == steps - 1) {
            total += block;
            block = 0;
        }
    }
    return total;
}

/* log p less what was subtracted on both ways, from both variables of one frame. */
DEVICE float where_they_meet(const sample &q, shared<float> alpha)
{
    const float *beta = q.half + static_cast<int64_t>(q.middle) * q.states;
    float m = -INFINITY, sum = 0;
    for (int32_t s = lane_of(); s < q.states; s += 32) {
        const float v = alpha[s] + beta[s];
        m = v > m ? v : m;
    }
    m = warp_max(m);
    if (m == -INFINITY) return m;
    for (int32_t s = lane_of(); s < q.states; s += 32)
        sum += exp_below(alpha[s] + beta[s] - m);
    return m + log_above(warp_sum(sum));
}

/* log p; both warps. `part` has room for two numbers. */
DEVICE float log_of_p(const ctc_args &a, const sample &q, shared<int32_t> label, shared<float> rows, bool alpha,
                      shared<float> part)
{
    const float total = to_the_middle(a, q, label, rows, alpha);
    if (!alpha && lane_of() == 0) part[1] = total;
    block_sync();
    if (alpha) {
        const float rest = where_they_meet(q, row_of(q, rows, q.middle));
        if (lane_of() == 0) part[0] = rest == -INFINITY ? rest : (total + part[1]) + rest;
    }
    block_sync();
    return part[0];
}

/* Links each label to where it comes again: chain[u], -1 at its end; -3 - that where it came before. */
DEVICE void link(const sample &q, shared<int32_t> label)
{
    for (int32_t u = static_cast<int32_t>(thread_index()); u < q.labels; u += static_cast<int32_t>(thread_count())) {
        int32_t next = u + 1, first = 1;
        while (next < q.labels && label[next] != label[u])
            next++;
        for (int32_t v = 0; v < u; v++)
            first &= label[v] != label[u];
        const int32_t to = next < q.labels ? next : -1;
        q.chain[u] = first ? to : -3 - to;
    }
}

/* The gradient of frame t from a warp's own variables and those kept by the other; `post` is room for a row. */
DEVICE void gradient(const ctc_args &a, const sample &q, shared<int32_t> label, shared<float> own, const float *other,
                     shared<float> post, int32_t t, float scale, float *g)
{
    const int32_t lane = lane_of();
    const float *x = q.x + t * q.pitch;
    float m = -INFINITY, all = 0, blank = 0;
    for (int32_t s = lane; s < q.states; s += 32) {
        const float v = own[s] + other[s];
        m = v > m ? v : m;
    }
    m = warp_max(m);
    for (int32_t s = lane; s < q.states; s += 32) {
        const float e = exp_below(own[s] + other[s] - m);
        post[s] = e;
        all += e;
        blank += s % 2 ? 0.0F : e;
    }
    all = warp_sum(all);
    blank = warp_sum(blank);
    warp_sync(FULL_WARP);
    for (int32_t u = lane; u < q.labels; u += 32) {
        if (q.chain[u] < -1) continue;
        float sum = 0;
        for (int32_t v = u; v >= 0; v = q.chain[v] < -1 ? -3 - q.chain[v] : q.chain[v])
            sum += post[2 * v + 1];
        q.occupancy[label[u]] = sum;
    }
    if (lane == 0) q.occupancy[a.blank] = blank;
    const float top = q.top[2 * t], share = a.log_probs ? (a.minus_softmax ? 1.0F : 0.0F) : 1 / frame_sum(a, x, top);
    warp_sync(FULL_WARP);
    for (int64_t k = lane; k < a.classes; k += 32)
        g[k] = scale * ((share == 0 ? 0.0F : share * exp_below(x[k] - top)) - q.occupancy[k] / all);
    warp_sync(FULL_WARP);
}

/* A warp's way from the middle to the other end. */
DEVICE void beyond_the_middle(const ctc_args &a, const sample &q, shared<int32_t> label, shared<float> rows, bool alpha,
                              float scale, float *g)
{
    for (int64_t k = lane_of(); k < a.classes; k += 32)
        q.occupancy[k] = 0;
    link(q, label);
    block_sync();
    const int32_t steps = alpha ? q.frames - q.middle : q.middle;
    for (int32_t k = 0; k < steps; k++) {
        const int32_t t = alpha ? q.middle + k : q.middle - 1 - k;
        const shared<float> now = row_of(q, rows, t), beside = row_beside(q, rows, t);
        if (alpha && k > 0) alpha_of(a, q, label, t, beside, now);
        if (!alpha) beta_of(a, q, label, t, beside, now);
        gradient(a, q, label, now, q.half + static_cast<int64_t>(t) * q.states, beside, t, scale, g + t * q.pitch);
    }
}

/* Frames that an alignment needs: the labels, and a blank between equal ones. */
DEVICE int32_t frames_needed(const ctc_args &a, const sample &q, shared<int32_t> label)
{
    float repeats = 0;
    for (int32_t u = 1 + lane_of(); u < q.labels; u += 32)
        repeats += !a.kept && label[u] == label[u - 1] ? 1.0F : 0.0F;
    return q.labels + static_cast<int32_t>(warp_sum(repeats));
}

/* A block of two warps a sample. Dynamic shared memory: two rows of states a warp, and the labels. */
KERNEL(ctc, ctc_args, 64)
{
    SHARED_DYNAMIC(float, rows);
    SHARED(int32_t, count, 1);
    SHARED(float, part, 2);
    const bool alpha = thread_index() < 32;
    const int32_t n = static_cast<int32_t>(block_x()), longest = 2 * a.max_label + 1;
    const shared<int32_t> label = shared_cast<int32_t>(rows + 4 * longest);
    const shared<float> mine = rows + (alpha ? 0 : 2 * longest);
    const int64_t first = callers_row(a.rows, 0, n) * a.stride, pitch = callers_row(a.rows, 1, 0) * a.stride;
    sample q;
    q.x = a.x + first;
    q.pitch = pitch;
    q.frames = a.rows.lens ? a.rows.lens[n] : a.rows.t;
    q.labels = read_labels(a, n, label, count);
    q.states = 2 * q.labels + 1;
    q.middle = q.frames / 2;
    q.half = a.half + static_cast<int64_t>(n) * a.rows.t * longest;
    q.top = a.frames + static_cast<int64_t>(n) * a.rows.t * 2;
    q.occupancy = a.occupancy + (2 * static_cast<int64_t>(n) + (alpha ? 0 : 1)) * a.classes;
    q.chain = a.chain + static_cast<int64_t>(n) * a.max_label;
    const float own = a.by_targets && a.label_lens[n] > 1 ? static_cast<float>(a.label_lens[n]) : 1.0F;
    float *g = a.grad ? a.grad + first : nullptr;
    const bool enough = q.frames >= frames_needed(a, q, label);
    const float log_p = enough && q.frames > 0 ? log_of_p(a, q, label, mine, alpha, part) : 0.0F;
    const bool possible = enough && log_p != -INFINITY;
    if (thread_index() == 0) a.loss_rows[n] = possible ? -log_p : a.infeasible_zero ? 0.0F : INFINITY;
    if (!g) return;
    if (possible && q.frames > 0) beyond_the_middle(a, q, label, mine, alpha, a.weight / own, g);
    for (int64_t t = possible ? q.frames : 0; t < a.rows.t; t++)
        for (int64_t k = thread_index(); k < a.classes; k += thread_count())
            g[t * pitch + k] = 0;
}

KERNEL(ctc_scale, ctc_scale_args, 256)
{
    const int64_t count = static_cast<int64_t>(a.rows.t) * a.rows.n * a.classes;
    for (int64_t e = grid_first(); e < count; e += grid_step()) {
        const int64_t row = e / a.classes, at = row * a.stride + e % a.classes;
        a.dx[at] = a.dloss ? a.dloss[a.apart ? callers_sample(a.rows, row) : 0] * a.kept[at] : 0.0F;
    }
}
