/* ctc.cu: connectionist temporal classification (docs/semantics.md 1.8): one warp a sample, in the log domain.
 * SPDX-License-Identifier: MIT
 *
 * As in impl/common/host/ctc.inc, the largest variable of each frame is subtracted from all of that frame, so that the
 * error doesn't grow with the loss. No atomics: the states of equal labels are chained, and the lane that has the first
 * of them adds them up in order. */
#include "impl/cuda/math.hpp"
#include "impl/cuda/rows.hpp"

/* What a lane knows of its sample. */
struct sample {
    const float *x; /* frames `pitch` apart */
    int64_t pitch;
    int32_t frames, labels, states;
    float *alpha, *top; /* (T, 2 max_label + 1); (T, 2) */
    float *occupancy;
    int32_t *chain;
};

DEVICE float frame_max(const ctc_args &a, const float *x)
{
    float m = -INFINITY;
    for (int64_t k = thread_index(); k < a.classes; k += 32)
        m = x[k] > m ? x[k] : m;
    return warp_max(m);
}

DEVICE float frame_sum(const ctc_args &a, const float *x, float top)
{
    float sum = 0;
    for (int64_t k = thread_index(); k < a.classes; k += 32)
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

DEVICE float emission(const ctc_args &a, const sample &q, shared<int32_t> label, int32_t t, int32_t s, float top,
                      float log_sum)
{
    const int32_t k = s % 2 ? static_cast<int32_t>(label[s / 2]) : a.blank;
    return (q.x[t * q.pitch + k] - top) - log_sum;
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
    warp_sync(FULL_WARP);
    return count[0];
}

/* Fills alpha and top; returns log p. `row` has room for two rows of states. */
DEVICE float forward(const ctc_args &a, const sample &q, shared<int32_t> label, shared<float> row)
{
    const int32_t lane = static_cast<int32_t>(thread_index());
    float total = 0, block = 0;
    for (int32_t t = 0; t < q.frames; t++) {
        const float *x = q.x + t * q.pitch;
        const float top = a.log_probs ? 0.0F : frame_max(a, x),
                    log_sum = a.log_probs ? 0.0F : log_above(frame_sum(a, x, top));
        const shared<float> now = row + (t % 2) * q.states, before = row + (1 - t % 2) * q.states;
        float m = -INFINITY;
        for (int32_t s = lane; s < q.states; s += 32) {
            float v = s < 2 ? 0.0F : -INFINITY;
            if (t > 0)
                v = log_add(stays(a, s) ? static_cast<float>(before[s]) : -INFINITY,
                            s > 0 ? static_cast<float>(before[s - 1]) : -INFINITY,
                            skips(a, label, s, q.states) ? static_cast<float>(before[s - 2]) : -INFINITY);
            v += emission(a, q, label, t, s, top, log_sum);
            now[s] = v;
            m = v > m ? v : m;
        }
        m = warp_max(m);
        for (int32_t s = lane; s < q.states; s += 32) {
            if (m != -INFINITY) now[s] = now[s] - m;
            q.alpha[static_cast<int64_t>(t) * q.states + s] = now[s];
        }
        if (lane == 0) {
            q.top[2 * t] = top;
            q.top[2 * t + 1] = log_sum;
        }
        block += m;
        if (t % 32 == 31 || t == q.frames - 1) {
            total += block;
            block = 0;
        }
        warp_sync(FULL_WARP);
    }
    const shared<float> end = row + (1 - q.frames % 2) * q.states;
    const float last = end[q.states - 1], one_before = q.states > 1 ? static_cast<float>(end[q.states - 2]) : -INFINITY;
    const float hi = last > one_before ? last : one_before, lo = last > one_before ? one_before : last;
    warp_sync(FULL_WARP);
    return hi == -INFINITY ? hi : total + (hi + log_above(1 + exp_below(lo - hi)));
}

/* Links each label to where it comes again: chain[u], -1 at its end; -3 - that where it came before. */
DEVICE void link(const sample &q, shared<int32_t> label)
{
    for (int32_t u = static_cast<int32_t>(thread_index()); u < q.labels; u += 32) {
        int32_t next = u + 1, first = 1;
        while (next < q.labels && label[next] != label[u])
            next++;
        for (int32_t v = 0; v < u; v++)
            first &= label[v] != label[u];
        const int32_t to = next < q.labels ? next : -1;
        q.chain[u] = first ? to : -3 - to;
    }
}

/* The gradient of frame t from alpha and beta; `post` is room for a row of states. */
DEVICE void gradient(const ctc_args &a, const sample &q, shared<int32_t> label, shared<float> beta, shared<float> post,
                     int32_t t, float scale, float *g)
{
    const int32_t lane = static_cast<int32_t>(thread_index());
    const float *x = q.x + t * q.pitch, *alpha = q.alpha + static_cast<int64_t>(t) * q.states;
    float m = -INFINITY, all = 0, blank = 0;
    for (int32_t s = lane; s < q.states; s += 32) {
        const float v = alpha[s] + beta[s];
        m = v > m ? v : m;
    }
    m = warp_max(m);
    for (int32_t s = lane; s < q.states; s += 32) {
        const float e = exp_below(alpha[s] + beta[s] - m);
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

DEVICE void backward(const ctc_args &a, const sample &q, shared<int32_t> label, shared<float> row, float scale,
                     float *g)
{
    const int32_t lane = static_cast<int32_t>(thread_index());
    for (int64_t k = lane; k < a.classes; k += 32)
        q.occupancy[k] = 0;
    link(q, label);
    for (int32_t s = lane; s < q.states; s += 32)
        row[s] = s >= q.states - 2 ? 0.0F : -INFINITY;
    warp_sync(FULL_WARP);
    int32_t now = 0;
    for (int32_t t = q.frames - 1; t >= 0; t--) {
        if (t < q.frames - 1) {
            const shared<float> later = row + now * q.states, beta = row + (1 - now) * q.states;
            for (int32_t s = lane; s < q.states; s += 32)
                later[s] = later[s] + emission(a, q, label, t + 1, s, q.top[2 * t + 2], q.top[2 * t + 3]);
            warp_sync(FULL_WARP);
            float m = -INFINITY;
            for (int32_t s = lane; s < q.states; s += 32) {
                const float v =
                    log_add(stays(a, s) ? static_cast<float>(later[s]) : -INFINITY,
                            s + 1 < q.states ? static_cast<float>(later[s + 1]) : -INFINITY,
                            skips(a, label, s + 2, q.states) ? static_cast<float>(later[s + 2]) : -INFINITY);
                beta[s] = v;
                m = v > m ? v : m;
            }
            m = warp_max(m);
            for (int32_t s = lane; s < q.states; s += 32)
                if (m != -INFINITY) beta[s] = beta[s] - m;
            warp_sync(FULL_WARP);
            now = 1 - now;
        }
        gradient(a, q, label, row + now * q.states, row + (1 - now) * q.states, t, scale, g + t * q.pitch);
    }
}

/* Frames that an alignment needs: the labels, and a blank between equal ones. */
DEVICE int32_t frames_needed(const ctc_args &a, const sample &q, shared<int32_t> label)
{
    float repeats = 0;
    for (int32_t u = 1 + static_cast<int32_t>(thread_index()); u < q.labels; u += 32)
        repeats += !a.kept && label[u] == label[u - 1] ? 1.0F : 0.0F;
    return q.labels + static_cast<int32_t>(warp_sum(repeats));
}

/* A block of one warp a sample. Dynamic shared memory: two rows of states, the labels, their number. */
KERNEL(ctc, ctc_args, 32)
{
    SHARED_DYNAMIC(float, row);
    SHARED(int32_t, count, 1);
    const int32_t n = static_cast<int32_t>(block_x()), longest = 2 * a.max_label + 1;
    const shared<int32_t> label = shared_cast<int32_t>(row + 2 * longest);
    const int64_t first = callers_row(a.rows, 0, n) * a.stride, pitch = callers_row(a.rows, 1, 0) * a.stride;
    sample q;
    q.x = a.x + first;
    q.pitch = pitch;
    q.frames = a.rows.lens ? a.rows.lens[n] : a.rows.t;
    q.labels = read_labels(a, n, label, count);
    q.states = 2 * q.labels + 1;
    q.alpha = a.alpha + static_cast<int64_t>(n) * a.rows.t * longest;
    q.top = a.frames + static_cast<int64_t>(n) * a.rows.t * 2;
    q.occupancy = a.occupancy + n * a.classes;
    q.chain = a.chain + static_cast<int64_t>(n) * a.max_label;
    const float own = a.by_targets && a.label_lens[n] > 1 ? static_cast<float>(a.label_lens[n]) : 1.0F;
    float *g = a.grad ? a.grad + first : nullptr;
    const bool enough = q.frames >= frames_needed(a, q, label);
    const float log_p = enough && q.frames > 0 ? forward(a, q, label, row) : 0.0F;
    const bool possible = enough && log_p != -INFINITY;
    if (thread_index() == 0) a.loss_rows[n] = possible ? -log_p : a.infeasible_zero ? 0.0F : INFINITY;
    if (!g) return;
    if (possible && q.frames > 0) backward(a, q, label, row, a.weight / own, g);
    for (int64_t t = possible ? q.frames : 0; t < a.rows.t; t++)
        for (int64_t k = thread_index(); k < a.classes; k += 32)
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
