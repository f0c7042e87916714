/* layers.cu: what stands before, between and behind the recurrent layers: order of rows, padding, merged directions.
 * SPDX-License-Identifier: MIT */
#include "impl/cuda/rows.hpp"
#include "reference/problem.h"

KERNEL(gather, gather_args, 256)
{
    const int64_t count = static_cast<int64_t>(a.rows.t) * a.rows.n * a.width;
    for (int64_t e = grid_first(); e < count; e += grid_step()) {
        const int64_t row = e / a.width, j = e % a.width, t = row / a.rows.n, n = row % a.rows.n;
        const int64_t from = callers_row(a.rows, t, n);
        float x = 0;
        if (inside(a.rows.lens, t, n)) x = a.ids ? a.table[a.ids[from] * a.width + j] : a.x[from * a.stride + j];
        a.to[e] = x;
    }
}

KERNEL(spread, spread_args, 256)
{
    const int64_t count = static_cast<int64_t>(a.rows.t) * a.rows.n * a.width;
    for (int64_t e = grid_first(); e < count; e += grid_step()) {
        const int64_t row = e / a.width, j = e % a.width, t = row / a.rows.n, n = row % a.rows.n;
        a.to[callers_row(a.rows, t, n) * a.stride + j] = inside(a.rows.lens, t, n) ? a.from[e] : 0.0F;
    }
}

KERNEL(states, states_args, 256)
{
    for (int64_t e = grid_first(); e < a.n * a.width; e += grid_step())
        a.to[e] = a.from && !(a.lens && a.lens[e / a.width] == 0) ? a.from[e] : 0.0F;
}

/* What dropout makes of element j of the row that the caller has at `row`. */
DEVICE float kept(const merge_args &a, int64_t row, int64_t j)
{
    return a.mask ? a.mask[row * a.wide + j] * a.factor : 1.0F;
}

/* Each sample is behind those that are longer, and behind those as long before it. */
KERNEL(order_rows, order_args, 256)
{
    for (int64_t n = grid_first(); n < a.n; n += grid_step()) {
        int32_t place = 0;
        for (int32_t m = 0; m < a.n; m++)
            place += a.lens[m] > a.lens[n] || (a.lens[m] == a.lens[n] && m < n);
        a.order[place] = static_cast<int32_t>(n);
    }
}

KERNEL(merge, merge_args, 256)
{
    const int64_t count = static_cast<int64_t>(a.rows.t) * a.rows.n * a.wide;
    for (int64_t e = grid_first(); e < count; e += grid_step()) {
        const int64_t row = e / a.wide, j = e % a.wide, t = row / a.rows.n, n = row % a.rows.n;
        const float *part = a.part + row * a.parts * a.width;
        float y = part[j];
        if (a.how == ASSAY_MERGE_SUM) y += part[a.width + j];
        if (a.how == ASSAY_MERGE_AVERAGE) y = (y + part[a.width + j]) / 2;
        if (a.how == ASSAY_MERGE_MULTIPLY) y *= part[a.width + j];
        a.y[e] = inside(a.rows.lens, t, n) ? y * kept(a, callers_row(a.rows, t, n), j) : 0.0F;
    }
}

KERNEL(emit, emit_args, 256)
{
    const int64_t count = static_cast<int64_t>(a.rows.t) * a.rows.n * a.wide;
    for (int64_t e = grid_first(); e < count; e += grid_step()) {
        const int64_t row = e / a.wide, j = e % a.wide, t = row / a.rows.n, n = row % a.rows.n;
        const int64_t last = a.rows.lens ? a.rows.lens[n] - 1 : a.rows.t - 1;
        float y = t <= last ? a.from[e] : 0.0F;
        if (t > last && last >= 0 && a.held == ASSAY_PAD_HELD && j < a.width)
            y = a.from[(last * a.rows.n + n) * a.wide + j];
        a.to[callers_row(a.rows, t, n) * a.stride + j] = y;
    }
}

/* All that is given of element j of a layer's output at (t, n), a step inside the length. */
DEVICE float given(const upstream_args &a, int64_t t, int64_t n, int64_t j)
{
    const kernel_rows &rows = a.merge.rows;
    const int64_t row = a.callers ? callers_row(rows, t, n) : t * rows.n + n,
                  length = rows.lens ? rows.lens[n] : rows.t;
    float sum = a.dy ? a.dy[row * a.pitch + j] : 0.0F;
    if (t != length - 1) return sum;
    if (a.dlast) sum += a.dlast[n * a.merge.wide + j];
    const bool held = a.held == ASSAY_PAD_HELD && j < a.merge.width && a.dy;
    for (int64_t past = length; held && past < rows.t; past++)
        sum += a.dy[callers_row(rows, past, n) * a.pitch + j];
    return sum;
}

KERNEL(upstream, upstream_args, 256)
{
    const merge_args &m = a.merge;
    const int64_t wide = m.parts * m.width, count = static_cast<int64_t>(m.rows.t) * m.rows.n * wide;
    for (int64_t e = grid_first(); e < count; e += grid_step()) {
        const int64_t row = e / wide, i = e % wide, t = row / m.rows.n, n = row % m.rows.n;
        const int64_t j = m.how == ASSAY_MERGE_CONCAT ? i : i % m.width;
        float d = 0;
        if (inside(m.rows.lens, t, n)) d = given(a, t, n, j) * kept(m, callers_row(m.rows, t, n), j);
        if (m.how == ASSAY_MERGE_AVERAGE) d /= 2;
        if (m.how == ASSAY_MERGE_MULTIPLY) d *= m.part[row * wide + (i < m.width ? i + m.width : i - m.width)];
        a.to[e] = d;
    }
}

KERNEL(last_rows, last_rows_args, 256)
{
    for (int64_t e = grid_first(); e < a.rows.n * a.width; e += grid_step()) {
        const int64_t n = e / a.width, last = a.rows.lens ? a.rows.lens[n] - 1 : a.rows.t - 1;
        a.to[e] = last < 0 ? 0.0F : a.y[(last * a.rows.n + n) * a.width + e % a.width];
    }
}

KERNEL(clear_padding, clear_padding_args, 256)
{
    const int64_t count = static_cast<int64_t>(a.rows.t) * a.rows.n * a.width;
    for (int64_t e = grid_first(); e < count; e += grid_step()) {
        const int64_t row = e / a.width;
        if (!inside(a.rows.lens, callers_step(a.rows, row), callers_sample(a.rows, row))) a.x[e] = 0;
    }
}
