/* persistent_forward.hpp: all steps of a layer in one launch, forward; what a cell is, its kernel says.
 * SPDX-License-Identifier: MIT
 *
 * A team has Q units, and of each all gates, so that the state of a sample stays in the registers of a lane. h of
 * all units lies in shared memory, (2, padded, ROWS): a block sends its own to every block, itself too. A CELL is
 * one unit of one sample; it has GATES, and functions load_state(), read_input(), advance() and write_state(). */
#ifndef ASSAY_CUDA_PERSISTENT_FORWARD_HPP
#define ASSAY_CUDA_PERSISTENT_FORWARD_HPP

#include "impl/cuda/persistent.hpp"

/* Where a cell belongs. */
struct cell_place {
    int32_t n;      /* sample; -1: none */
    int32_t j;      /* unit of the layer */
    int32_t length; /* of the sample */
    bool writes;    /* or another lane has the same cell, and does */
};

/* Steps behind the longest of these samples. */
template <class CELL>
DEVICE void keep_states(const persistent_args &a, const cell_args &of, const CELL &cell, int32_t from)
{
    for (int32_t t = from; t < a.t; t++)
        write_state(of, cell, t);
}

/* The cell that a lane has after fold(), number m. */
template <class CELL, int Q, int ROWS>
DEVICE CELL first_state(const persistent_args &a, const persistent_way &way, const share &s, int m)
{
    constexpr int CELLS = Q * ROWS;
    const cell_args &of = way.cell;
    const int32_t number = (s.lane + TEAM * m) % CELLS, unit = s.team * Q + number / ROWS;
    CELL c = {};
    c.at = cell_place{unit < s.units ? sample_at(a, of, s.row0 + number % ROWS) : -1, s.first + unit, 0, false};
    if (c.at.n < 0) return c;
    c.at.length = length_of(a, of, c.at.n);
    c.at.writes = s.lane + TEAM * m < CELLS;
    load_state(of, c, step_at(of, way.reverse ? a.t - 1 : 0, of.h) + (c.at.n * of.h + c.at.j));
    return c;
}

/* h of all units before the first step; nothing in the places of units that aren't there. */
template <int ROWS>
DEVICE void first_rows(const persistent_args &a, const persistent_way &way, const share &s, shared<float> rows)
{
    const cell_args &of = way.cell;
    const int64_t step = step_at(of, way.reverse ? a.t - 1 : 0, of.h);
    for (int32_t e = static_cast<int32_t>(thread_index()); e < s.padded * ROWS;
         e += static_cast<int32_t>(thread_count())) {
        const int32_t k = unit_at(a, of, e / ROWS), n = sample_at(a, of, s.row0 + e % ROWS);
        rows[e] = k >= 0 && n >= 0 ? of.h_before[step + (n * of.h + k)] : 0.0F;
        rows[s.padded * ROWS + e] = 0.0F;
    }
}

/* One number of each cell, four rows of each unit of this lane's team, to every block. Send number k goes to slot
 * (k + 1) % 2: the first state stands in slot 0. */
template <int Q, int ROWS, int MINE>
DEVICE void send_rows(const persistent_args &a, const share &s, const float (&value)[MINE], shared<float> rows,
                      shared_barrier full, int32_t send)
{
    constexpr int CELLS = Q * ROWS, SENDERS = CELLS < TEAM ? TEAM : 4; /* lanes that have the same four rows */
    const int32_t who = s.lane % SENDERS;
    const uint32_t base = thread_index() % 32 / 4 * 4;
    warp_sync(FULL_WARP); /* what it has read of this slot is read now (persistent.hpp) */
    UNROLL
    for (int m = 0; m < MINE; m++) {
        const int32_t number = (s.lane / 4 * 4 + TEAM * m) % CELLS, unit = s.team * Q + number / ROWS;
        float four[4];
        UNROLL
        for (uint32_t r = 0; r < 4; r++)
            four[r] = warp_shuffle(FULL_WARP, value[m], base + r);
        if (unit >= s.units) continue;
        const shared<float> to = rows + (((send + 1) % 2 * s.padded + s.rank * a.slice + unit) * ROWS + number % ROWS);
        if (s.ranks == 1 && who == 0) store_four(to, four);
        for (int32_t rank = who; s.ranks > 1 && rank < s.ranks; rank += SENDERS)
            store_four_async_to(to, static_cast<uint32_t>(rank), four, full, barrier_of(s.rank, send));
    }
    if (s.ranks == 1) block_sync();
}

/* The rows of R that belong to a team's units, in the order in which their terms are taken: own units first. */
template <int Q, int GATES, int KR>
DEVICE void load_rows_of_r(float (&w)[Q][GATES][KR], shared<float> rest, const persistent_args &a,
                           const persistent_way &way, const share &s)
{
    const cell_args &of = way.cell;
    int32_t source = s.rank, place = s.lane;
    const auto term = [&] {
        const int32_t k = place < units_of(a, of, source) ? source * a.units + place : -1;
        place += TEAM;
        if (place < a.slice) return k;
        place = s.lane;
        source = source + 1 == s.ranks ? 0 : source + 1;
        return k;
    };
    load_weights<Q, GATES, KR>(w, rest, s.padded / TEAM, term, [&](int q, int o, int32_t k) {
        const int32_t unit = s.team * Q + q;
        return unit < s.units ? way.r[static_cast<int64_t>(o * of.h + s.first + unit) * of.h + k] : 0.0F;
    });
}

/* acc += the product of outputs FROM and on with the rows that send number `send` brought, or that stood there before
 * the first (-1). Sources are waited for one by one, own units first. */
template <int FROM, int Q, int O, int GATES, int KR, int ROWS>
DEVICE void multiply_rows(float (&acc)[O][Q * ROWS], const float (&w)[Q][GATES][KR], shared<float> rest,
                          const persistent_args &a, const share &s, shared<float> rows, shared_barrier full,
                          int32_t send)
{
    int32_t source = s.rank, left = 0;
    shared<float> at = rows;
    product<FROM, Q, O, GATES, KR, ROWS>(acc, w, rest, 0, s.padded / TEAM, [&](int) {
        if (left > 0) {
            at = at + TEAM * ROWS;
        } else {
            if (s.ranks > 1 && send >= 0) barrier_wait(full, barrier_of(source, send), parity_of(send));
            at = rows + ((send + 1) % 2 * s.padded + source * a.slice + s.lane) * ROWS;
            source = source + 1 == s.ranks ? 0 : source + 1;
            left = a.slice / TEAM;
        }
        left--;
        return at;
    });
}

/* Says how many bytes each source's send number `send` brings. */
template <int ROWS>
DEVICE void expect_rows(const persistent_args &a, const cell_args &of, const share &s, shared_barrier full,
                        int32_t send)
{
    const int32_t me = static_cast<int32_t>(thread_index());
    if (s.ranks > 1 && me < s.ranks)
        barrier_expect(full, barrier_of(me, send), static_cast<uint32_t>(units_of(a, of, me) * ROWS * 4));
}

/* A warp without a unit of its own sends nothing, so nobody would know when it has read: it doesn't. */
template <int Q> DEVICE bool is_idle(const share &s)
{
    return s.ranks > 1 && static_cast<int32_t>(thread_index()) / 32 * (32 / TEAM) * Q >= s.units;
}

template <class CELL, int Q, int KR, int ROWS> DEVICE void forward_steps(const persistent_args &a)
{
    constexpr int GATES = CELL::GATES, CELLS = Q * ROWS, MINE = lane_cells<CELLS>::count;
    SHARED_DYNAMIC(float, rows);
    SHARED_BARRIERS(full, 2 * MOST_RANKS);
    const persistent_way &way = a.way[block_y()];
    const cell_args &of = way.cell;
    const share s = share_of<ROWS>(a, of);
    const shared<float> rest = rows + 2 * s.padded * ROWS;
    float w[Q][GATES][KR];
    load_rows_of_r<Q, GATES, KR>(w, rest, a, way, s);
    first_rows<ROWS>(a, way, s, rows);
    CELL cell[MINE];
    UNROLL
    for (int m = 0; m < MINE; m++) {
        cell[m] = first_state<CELL, Q, ROWS>(a, way, s, m);
        if (way.reverse) keep_states(a, of, cell[m], s.steps);
        if (s.steps > 0) read_input(of, cell[m], way.reverse ? s.steps - 1 : 0);
    }
    meet_first(s, full);
    const bool idle = is_idle<Q>(s);
    for (int32_t i = 0; i < s.steps && !idle; i++) {
        const int32_t t = way.reverse ? s.steps - 1 - i : i, next = way.reverse ? t - 1 : t + 1;
        const bool sends = i + 1 < s.steps;
        if (sends) expect_rows<ROWS>(a, of, s, full, i);
        float in[MINE][GATES], acc[GATES][CELLS] = {};
        UNROLL
        for (int m = 0; m < MINE; m++) {
            UNROLL
            for (int g = 0; g < GATES; g++)
                in[m][g] = cell[m].in[g];
            if (sends) read_input(of, cell[m], next);
        }
        multiply_rows<0, Q, GATES, GATES, KR, ROWS>(acc, w, rest, a, s, rows, full, i - 1);
        fold<GATES, CELLS>(acc, s.lane);
        UNROLL
        for (int m = 0; m < MINE; m++) {
            float sum[GATES];
            UNROLL
            for (int g = 0; g < GATES; g++)
                sum[g] = acc[g][m];
            advance(of, cell[m], t, in[m], sum);
            write_state(of, cell[m], t);
        }
        if (!sends) break;
        float h[MINE];
        UNROLL
        for (int m = 0; m < MINE; m++)
            h[m] = cell[m].h;
        send_rows<Q, ROWS>(a, s, h, rows, full, i);
    }
    UNROLL
    for (int m = 0; m < MINE; m++)
        if (!way.reverse) keep_states(a, of, cell[m], s.steps);
}

#endif
