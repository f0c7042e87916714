/* persistent_gru_before.cu: all steps of a GRU layer in one launch, the reset before the product: two exchanges a step.
 * SPDX-License-Identifier: MIT
 *
 * Forward r h is sent first, of which the candidate is made, then the state; backward the parts of the gradient of r h,
 * then those of h. Sends are counted through, so that each kind has one of the two slots. */
#include "impl/cuda/persistent_backward.hpp"
#include "impl/cuda/persistent_forward.hpp"

/* One cell: a unit of a sample. */
struct reset_cell {
    enum { GATES = 3 };
    cell_place at;
    float in[GATES]; /* of the next step: W x + b */
    float h, z;
};

DEVICE void load_state(const cell_args &a, reset_cell &cell, int64_t at)
{
    cell.h = a.h_before[at];
}

DEVICE float *gates_of(const cell_args &a, const reset_cell &cell, int32_t t)
{
    return a.gates + step_at(a, t, 4 * a.h) + (cell.at.n * 4 * a.h + cell.at.j);
}

DEVICE void read_input(const cell_args &a, reset_cell &cell, int32_t t)
{
    if (t >= cell.at.length) return;
    const float *at = gates_of(a, cell, t);
    UNROLL
    for (int g = 0; g < reset_cell::GATES; g++)
        cell.in[g] = at[g * a.h];
}

/* h after step t, and what the layer gives there; r h of a step that isn't one is 0, as products of all rows need it.
 */
DEVICE void write_state(const cell_args &a, const reset_cell &cell, int32_t t)
{
    if (!cell.at.writes) return;
    const bool active = t < cell.at.length;
    a.h_after[step_at(a, t, a.h) + (cell.at.n * a.h + cell.at.j)] = cell.h;
    a.y[step_at(a, t, a.y_pitch) + (cell.at.n * static_cast<int32_t>(a.y_pitch) + cell.at.j)] = active ? cell.h : 0.0F;
    if (!active) gates_of(a, cell, t)[3 * a.h] = 0;
}

/* The equations of gru_gates (cells.cu): r h. */
DEVICE float reset(const cell_args &a, reset_cell &cell, int32_t t, const float (&in)[3], float sum_r, float sum_z)
{
    if (t >= cell.at.length) return 0;
    const float r = gate(a.gate, in[0] + sum_r), e = r * cell.h;
    cell.z = gate(a.gate, in[1] + sum_z);
    if (!cell.at.writes) return e;
    float *at = gates_of(a, cell, t);
    at[0] = r;
    at[a.h] = cell.z;
    at[3 * a.h] = e;
    return e;
}

/* And of gru_forward. */
DEVICE void advance(const cell_args &a, reset_cell &cell, int32_t t, const float (&in)[3], float sum)
{
    if (t >= cell.at.length) return;
    const float candidate = tangent(in[2] + sum), share = a.updates ? 1 - cell.z : cell.z;
    cell.h = (1 - share) * candidate + share * cell.h;
    if (cell.at.writes) gates_of(a, cell, t)[2 * a.h] = candidate;
}

template <int Q, int KR, int ROWS> DEVICE void forward_twice(const persistent_args &a)
{
    constexpr int GATES = 3, CELLS = Q * ROWS, MINE = lane_cells<CELLS>::count;
    SHARED_DYNAMIC(float, rows);
    SHARED_BARRIERS(full, 2 * MOST_RANKS);
    const persistent_way &way = a.way[block_y()];
    const cell_args &of = way.cell;
    const share s = share_of<ROWS>(a, of);
    const shared<float> rest = rows + 2 * s.padded * ROWS;
    float w[Q][GATES][KR], value[MINE];
    load_rows_of_r<Q, GATES, KR>(w, rest, a, way, s);
    first_rows<ROWS>(a, way, s, rows);
    reset_cell cell[MINE];
    UNROLL
    for (int m = 0; m < MINE; m++) {
        cell[m] = first_state<reset_cell, Q, ROWS>(a, way, s, m);
        if (way.reverse) keep_states(a, of, cell[m], s.steps);
        if (s.steps > 0) read_input(of, cell[m], way.reverse ? s.steps - 1 : 0);
    }
    meet_first(s, full);
    const bool idle = is_idle<Q>(s);
    for (int32_t i = 0; i < s.steps && !idle; i++) {
        const int32_t t = way.reverse ? s.steps - 1 - i : i, next = way.reverse ? t - 1 : t + 1;
        const bool goes_on = i + 1 < s.steps;
        float in[MINE][GATES], gates[2][CELLS] = {}, candidate[1][CELLS] = {};
        UNROLL
        for (int m = 0; m < MINE; m++) {
            UNROLL
            for (int g = 0; g < GATES; g++)
                in[m][g] = cell[m].in[g];
            if (goes_on) read_input(of, cell[m], next);
        }
        expect_rows<ROWS>(a, of, s, full, 2 * i);
        multiply_rows<0, Q, 2, GATES, KR, ROWS>(gates, w, rest, a, s, rows, full, 2 * i - 1);
        if (goes_on) expect_rows<ROWS>(a, of, s, full, 2 * i + 1); /* not before its slot's last send has come */
        fold<2, CELLS>(gates, s.lane);
        UNROLL
        for (int m = 0; m < MINE; m++)
            value[m] = reset(of, cell[m], t, in[m], gates[0][m], gates[1][m]);
        send_rows<Q, ROWS>(a, s, value, rows, full, 2 * i);
        multiply_rows<2, Q, 1, GATES, KR, ROWS>(candidate, w, rest, a, s, rows, full, 2 * i);
        fold<1, CELLS>(candidate, s.lane);
        UNROLL
        for (int m = 0; m < MINE; m++) {
            advance(of, cell[m], t, in[m], candidate[0][m]);
            write_state(of, cell[m], t);
            value[m] = cell[m].h;
        }
        if (goes_on) send_rows<Q, ROWS>(a, s, value, rows, full, 2 * i + 1);
    }
    UNROLL
    for (int m = 0; m < MINE; m++)
        if (!way.reverse) keep_states(a, of, cell[m], s.steps);
}

/* The same sizes as for an LSTM (persistent_lstm.cu). */
KERNEL(reset_forward_wide, persistent_args, 384)
{
    forward_twice<1, 16, 4>(a);
}

KERNEL(reset_forward_deep, persistent_args, 320)
{
    forward_twice<1, 32, 4>(a);
}

KERNEL(reset_forward_two, persistent_args, 384)
{
    forward_twice<2, 12, 4>(a);
}

/* ---- backward ---- */

/* One cell: a unit of a sample, and what its next step reads. */
struct reset_gradient {
    gradient_place at;
    float r, z, candidate, before, dy;
};

DEVICE void load_gradient(const cell_args &, reset_gradient &) {}

DEVICE void read_step(const cell_args &a, reset_gradient &cell, int32_t t)
{
    if (t >= cell.at.length) return;
    const float *at = a.gates + step_at(a, t, 4 * a.h) + (cell.at.n * 4 * a.h + cell.at.j);
    cell.r = at[0];
    cell.z = at[a.h];
    cell.candidate = at[2 * a.h];
    cell.before = a.h_before[step_at(a, t, a.h) + (cell.at.n * a.h + cell.at.j)];
    cell.dy = a.dy[step_at(a, t, a.y_pitch) + (cell.at.n * static_cast<int32_t>(a.y_pitch) + cell.at.j)];
}

DEVICE float *da_of(const cell_args &a, const reset_gradient &cell, int32_t t)
{
    return a.da + step_at(a, t, 4 * a.h) + (cell.at.n * 4 * a.h + cell.at.j);
}

/* The equations of gru_backward (cells.cu): dz and dn. dh: after the step; left of it: before the step, less what comes
 * by the products and by r. */
DEVICE void retreat(const cell_args &a, const reset_gradient &cell, int32_t t, float &dh, float *dz, float *dn)
{
    *dz = *dn = 0;
    if (t < cell.at.length) {
        const float share = a.updates ? 1 - cell.z : cell.z, all = dh + cell.dy;
        const float by_share = all * (cell.before - cell.candidate);
        *dn = all * (1 - share) * (1 - cell.candidate * cell.candidate);
        *dz = (a.updates ? -by_share : by_share) * slope(a.gate, cell.z);
        dh = all * share;
    }
    float *to = da_of(a, cell, t);
    to[a.h] = *dz;
    to[2 * a.h] = *dn;
}

/* And of gru_reset_backward: dr, from the gradient of r h. */
DEVICE float reset_back(const cell_args &a, const reset_gradient &cell, int32_t t, float de, float &dh)
{
    const bool active = t < cell.at.length;
    const float dr = active ? de * cell.before * slope(a.gate, cell.r) : 0.0F;
    if (active) dh += de * cell.r;
    da_of(a, cell, t)[0] = dr;
    return dr;
}

/* What a block sends next: its part of a gradient, of terms `first` to before `end`. */
template <int Q, int KR, int ROWS>
DEVICE void send_product(const persistent_args &a, const cell_args &of, const share &s, const float (&w)[Q][4][KR],
                         shared<float> rest, shared<float> sums, shared<float> parts, shared_barrier full,
                         int32_t first, int32_t end, int32_t send)
{
    constexpr int CELLS = Q * ROWS;
    float acc[4][CELLS] = {};
    const shared<float> mine = sums + s.lane * ROWS;
    product<0, Q, 4, 4, KR, ROWS>(acc, w, rest, first, end, [&](int j) { return mine + TEAM * j * ROWS; });
    fold<4, CELLS>(acc, s.lane);
    send_parts<Q, ROWS>(a, of, s, acc, parts, full, send);
}

/* MINE: cells of a thread. Gradients of gates lie in shared memory, (3, slice, ROWS), once: a barrier of the block
 * stands between any reading and the next writing of either product's. */
template <int Q, int KR, int ROWS, int MINE> DEVICE void backward_twice(const persistent_args &a)
{
    constexpr int GATES = 3;
    SHARED_DYNAMIC(float, sums);
    SHARED_BARRIERS(full, 2 * MOST_RANKS);
    const persistent_way &way = a.way[block_y()];
    const cell_args &of = way.cell;
    const share s = share_of<ROWS>(a, of);
    const int32_t each = a.slice / TEAM, me = static_cast<int32_t>(thread_index());
    const shared<float> parts = sums + GATES * a.slice * ROWS, rest = parts + 2 * s.padded * ROWS;
    float w[Q][4][KR], dh[MINE];
    load_columns_of_r<Q, KR>(w, rest, GATES * each, a, way, s);
    for (int32_t e = me; e < GATES * a.slice * ROWS; e += static_cast<int32_t>(thread_count()))
        sums[e] = 0.0F;
    reset_gradient cell[MINE];
    UNROLL
    for (int m = 0; m < MINE; m++) {
        float none[2];
        cell[m] = last_gradient<reset_gradient, ROWS>(a, way, s, m);
        dh[m] = cell[m].at.n < 0 ? 0.0F : of.dh[cell[m].at.n * of.h + cell[m].at.j];
        for (int32_t t = s.steps; cell[m].at.n >= 0 && t < a.t; t++) {
            retreat(of, cell[m], t, dh[m], none, none + 1);
            reset_back(of, cell[m], t, 0, dh[m]);
        }
        if (s.steps > 0) read_step(of, cell[m], way.reverse ? 0 : s.steps - 1);
    }
    meet_first(s, full);
    for (int32_t i = 0; i < s.steps; i++) {
        const int32_t t = way.reverse ? i : s.steps - 1 - i, next = way.reverse ? t + 1 : t - 1;
        float de[MINE] = {}, dz[MINE] = {}, dn;
        expect_parts<ROWS>(s, full, 2 * i);
        if (i > 0) receive<ROWS>(a, s, cell, dh, parts, full, 2 * i - 1);
        expect_parts<ROWS>(s, full, 2 * i + 1); /* not before its slot's last send has come */
        UNROLL
        for (int m = 0; m < MINE; m++) {
            if (cell[m].at.n < 0) continue;
            retreat(of, cell[m], t, dh[m], &dz[m], &dn);
            sums[(2 * a.slice + cell[m].at.unit) * ROWS + cell[m].at.row] = dn;
        }
        block_sync();
        send_product<Q, KR, ROWS>(a, of, s, w, rest, sums, parts, full, 2 * each, 3 * each, 2 * i);
        receive<ROWS>(a, s, cell, de, parts, full, 2 * i);
        UNROLL
        for (int m = 0; m < MINE; m++) {
            if (cell[m].at.n < 0) continue;
            sums[(a.slice + cell[m].at.unit) * ROWS + cell[m].at.row] = dz[m];
            sums[cell[m].at.unit * ROWS + cell[m].at.row] = reset_back(of, cell[m], t, de[m], dh[m]);
            if (i + 1 < s.steps) read_step(of, cell[m], next);
        }
        block_sync();
        send_product<Q, KR, ROWS>(a, of, s, w, rest, sums, parts, full, 0, 2 * each, 2 * i + 1);
    }
    if (s.steps > 0) receive<ROWS>(a, s, cell, dh, parts, full, 2 * s.steps - 1);
    UNROLL
    for (int m = 0; m < MINE; m++)
        if (cell[m].at.n >= 0) of.dh[cell[m].at.n * of.h + cell[m].at.j] = dh[m];
}

KERNEL(reset_backward_wide, persistent_args, 512)
{
    backward_twice<1, 16, 4, 1>(a);
}

KERNEL(reset_backward_deep, persistent_args, 320)
{
    backward_twice<2, 12, 4, 1>(a);
}

KERNEL(reset_backward_alone, persistent_args, 256)
{
    backward_twice<1, 40, 4, 2>(a);
}
