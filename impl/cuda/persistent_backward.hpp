/* persistent_backward.hpp: all steps of a layer in one launch, backward; what a cell is, its kernel says.
 * SPDX-License-Identifier: MIT
 *
 * A block has the gradients of its own gates and the same rows of R as on the way forward: of these it makes its
 * part of the gradient of every h, and sends it to the block whose that is, which adds up the parts in the order of
 * their sources. Gradients of gates lie in shared memory, (2, GATES slice, ROWS), parts in (2, ranks, ROWS, slice).
 * A CELL is one unit of one sample; it has GATES and functions load_gradient(), read_step(), retreat(),
 * write_gradient(). */
#ifndef ASSAY_CUDA_PERSISTENT_BACKWARD_HPP
#define ASSAY_CUDA_PERSISTENT_BACKWARD_HPP

#include "impl/cuda/persistent.hpp"

/* Where a cell belongs. */
struct gradient_place {
    int32_t n; /* sample; -1: none */
    int32_t j; /* unit of the layer */
    int32_t length;
    int32_t unit, row; /* of the block, of the group */
};

template <class CELL, int ROWS>
DEVICE CELL last_gradient(const persistent_args &a, const persistent_way &way, const share &s, int m)
{
    const cell_args &of = way.cell;
    const int32_t e = static_cast<int32_t>(thread_index()) + m * static_cast<int32_t>(thread_count());
    CELL c = {};
    c.at = gradient_place{-1, s.first + e / ROWS, 0, e / ROWS, e % ROWS};
    if (c.at.unit < s.units) c.at.n = sample_at(a, of, s.row0 + c.at.row);
    if (c.at.n < 0) return c;
    c.at.length = length_of(a, of, c.at.n);
    load_gradient(of, c);
    return c;
}

/* Waits for send number `send` of all blocks, and adds what it brought for each cell. */
template <int ROWS, class CELL, int MINE>
DEVICE void receive(const persistent_args &a, const share &s, const CELL (&cell)[MINE], float (&sum)[MINE],
                    shared<float> parts, shared_barrier full, int32_t send)
{
    for (int32_t source = 0; source < s.ranks; source++) {
        if (s.ranks > 1) barrier_wait(full, barrier_of(source, send), parity_of(send));
        UNROLL
        for (int m = 0; m < MINE; m++)
            if (cell[m].at.unit < s.units)
                sum[m] += parts[((send % 2 * s.ranks + source) * ROWS + cell[m].at.row) * a.slice + cell[m].at.unit];
    }
}

/* Its sums of four units of one sample each, to the block that has the units. */
template <int Q, int ROWS>
DEVICE void send_parts(const persistent_args &a, const cell_args &of, const share &s, const float (&acc)[4][Q * ROWS],
                       shared<float> parts, shared_barrier full, int32_t send)
{
    constexpr int CELLS = Q * ROWS, MINE = lane_cells<CELLS>::count;
    UNROLL
    for (int m = 0; m < MINE; m++) {
        const int32_t number = s.lane + TEAM * m, k = (s.team * Q + number / ROWS) * 4, rank = k / a.slice;
        if (number >= CELLS || k >= s.padded || k % a.slice >= units_of(a, of, rank)) continue;
        const float four[4] = {acc[0][m], acc[1][m], acc[2][m], acc[3][m]};
        const shared<float> to =
            parts + (((send % 2 * s.ranks + s.rank) * ROWS + number % ROWS) * a.slice + k % a.slice);
        if (s.ranks == 1)
            store_four(to, four);
        else
            store_four_async_to(to, static_cast<uint32_t>(rank), four, full, barrier_of(s.rank, send));
    }
    if (s.ranks == 1) block_sync();
}

/* Of the same rows of R as forward the columns of a team's quads: terms are its block's gates, gate by gate. */
template <int Q, int KR>
DEVICE void load_columns_of_r(float (&w)[Q][4][KR], shared<float> rest, int32_t depth, const persistent_args &a,
                              const persistent_way &way, const share &s)
{
    const cell_args &of = way.cell;
    int32_t gate = 0, unit = s.lane;
    const auto term = [&] {
        const int32_t k = unit < s.units ? gate * of.h + s.first + unit : -1;
        unit += TEAM;
        if (unit < a.slice) return k;
        unit = s.lane;
        gate++;
        return k;
    };
    load_weights<Q, 4, KR>(w, rest, depth, term, [&](int q, int o, int32_t k) {
        const int32_t column = (s.team * Q + q) * 4 + o < s.padded ? unit_at(a, of, (s.team * Q + q) * 4 + o) : -1;
        return column >= 0 ? way.r[static_cast<int64_t>(k) * of.h + column] : 0.0F;
    });
}

/* Says how many bytes each source's send number `send` brings. */
template <int ROWS> DEVICE void expect_parts(const share &s, shared_barrier full, int32_t send)
{
    const int32_t me = static_cast<int32_t>(thread_index());
    if (s.ranks > 1 && me < s.ranks)
        barrier_expect(full, barrier_of(me, send), static_cast<uint32_t>((s.units + 3) / 4 * 4 * ROWS * 4));
}

/* MINE: cells of a thread. */
template <class CELL, int Q, int KR, int ROWS, int MINE> DEVICE void backward_steps(const persistent_args &a)
{
    constexpr int GATES = CELL::GATES, CELLS = Q * ROWS;
    SHARED_DYNAMIC(float, sums);
    SHARED_BARRIERS(full, 2 * MOST_RANKS);
    const persistent_way &way = a.way[block_y()];
    const cell_args &of = way.cell;
    const share s = share_of<ROWS>(a, of);
    const int32_t depth = GATES * a.slice / TEAM, me = static_cast<int32_t>(thread_index());
    const shared<float> parts = sums + 2 * GATES * a.slice * ROWS, rest = parts + 2 * s.padded * ROWS;
    float w[Q][4][KR];
    load_columns_of_r<Q, KR>(w, rest, depth, a, way, s);
    for (int32_t e = me; e < 2 * GATES * a.slice * ROWS; e += static_cast<int32_t>(thread_count()))
        sums[e] = 0.0F;
    CELL cell[MINE];
    float dh[MINE]; /* of the state after a step */
    UNROLL
    for (int m = 0; m < MINE; m++) {
        float none[GATES];
        cell[m] = last_gradient<CELL, ROWS>(a, way, s, m);
        dh[m] = cell[m].at.n < 0 ? 0.0F : of.dh[cell[m].at.n * of.h + cell[m].at.j];
        for (int32_t t = s.steps; cell[m].at.n >= 0 && t < a.t; t++)
            retreat(of, cell[m], t, dh[m], none);
        if (s.steps > 0) read_step(of, cell[m], way.reverse ? 0 : s.steps - 1);
    }
    meet_first(s, full);
    for (int32_t i = 0; i < s.steps; i++) {
        const int32_t t = way.reverse ? i : s.steps - 1 - i, next = way.reverse ? t + 1 : t - 1;
        expect_parts<ROWS>(s, full, i);
        if (i > 0) receive<ROWS>(a, s, cell, dh, parts, full, i - 1);
        UNROLL
        for (int m = 0; m < MINE; m++) {
            float da[GATES];
            if (cell[m].at.n < 0) continue;
            retreat(of, cell[m], t, dh[m], da);
            UNROLL
            for (int g = 0; g < GATES; g++)
                sums[((i % 2 * GATES + g) * a.slice + cell[m].at.unit) * ROWS + cell[m].at.row] = da[g];
            if (i + 1 < s.steps) read_step(of, cell[m], next);
        }
        block_sync();
        float acc[4][CELLS] = {};
        const shared<float> mine = sums + (i % 2 * GATES * a.slice + s.lane) * ROWS;
        product<0, Q, 4, 4, KR, ROWS>(acc, w, rest, 0, depth, [&](int j) { return mine + TEAM * j * ROWS; });
        fold<4, CELLS>(acc, s.lane);
        send_parts<Q, ROWS>(a, of, s, acc, parts, full, i);
    }
    if (s.steps > 0) receive<ROWS>(a, s, cell, dh, parts, full, s.steps - 1);
    UNROLL
    for (int m = 0; m < MINE; m++)
        if (cell[m].at.n >= 0) {
            of.dh[cell[m].at.n * of.h + cell[m].at.j] = dh[m];
            write_gradient(of, cell[m]);
        }
}

#endif
