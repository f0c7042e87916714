/* persistent.hpp: a recurrence whose weights stay on chip: how a cluster shares units, sums and states.
 * SPDX-License-Identifier: MIT
 *
 * A cluster has ROWS samples and all units of a layer; each block of it has some units, and of R the rows that
 * belong to them: in registers, as far as those go, the rest in shared memory. Eight threads, a team, make 4 Q sums
 * of a product together (three of a GRU): each takes every eighth term of them. States and partial sums travel by
 * asynchronous stores, and arrive at memory barriers, one a source and a parity, so that nobody waits for the whole
 * cluster within the loop.
 *
 * A slot of a buffer is free when it is written again, two sends later: before a block sends for the (k+2)th time
 * it has got all that its peer sent for the (k+1)th time, and the peer, all threads of it, had read what came at
 * the kth by then. After the last step nothing is on its way: what is sent is waited for by whom it is sent to, so
 * blocks leave when they are done. Consumed in a fixed order: results repeat bitwise. Not yet run on a GPU. */
#ifndef ASSAY_CUDA_PERSISTENT_HPP
#define ASSAY_CUDA_PERSISTENT_HPP

#include "impl/cuda/gates.hpp"
#include "impl/cuda/rows.hpp"

#define TEAM       8
#define MOST_RANKS 16 /* blocks of a cluster */

/* What a block has of a layer. */
struct share {
    int32_t rank, ranks;
    int32_t first, units; /* its own units */
    int32_t padded;       /* units of all blocks, each block's rounded up to `slice` */
    int32_t team, lane;   /* of this thread */
    int32_t row0;         /* first of its samples, in their order */
    int32_t steps;        /* of the longest of them */
};

DEVICE int32_t sample_at(const persistent_args &a, const cell_args &cell, int32_t row)
{
    return row >= cell.n ? -1 : a.order ? a.order[row] : row;
}

DEVICE int32_t length_of(const persistent_args &a, const cell_args &cell, int32_t n)
{
    return n < 0 ? 0 : cell.lens ? cell.lens[n] : a.t;
}

template <int ROWS> DEVICE share share_of(const persistent_args &a, const cell_args &cell)
{
    share s;
    s.ranks = a.ranks;
    s.rank = a.ranks > 1 ? static_cast<int32_t>(cluster_rank()) : 0;
    s.first = s.rank * a.units;
    s.units = cell.h - s.first < a.units ? cell.h - s.first : a.units;
    s.padded = a.ranks * a.slice;
    s.team = static_cast<int32_t>(thread_index()) / TEAM;
    s.lane = static_cast<int32_t>(thread_index()) % TEAM;
    s.row0 = static_cast<int32_t>(block_x()) / a.ranks * ROWS;
    s.steps = length_of(a, cell, sample_at(a, cell, s.row0));
    return s;
}

/* Where a step begins in a tensor (steps, N, width). */
DEVICE int64_t step_at(const cell_args &a, int32_t t, int64_t width)
{
    return static_cast<int64_t>(t) * a.n * width;
}

/* The real units of block `rank`. */
DEVICE int32_t units_of(const persistent_args &a, const cell_args &cell, int32_t rank)
{
    const int32_t rest = cell.h - rank * a.units;
    return rest < a.units ? rest : a.units;
}

/* The unit that stands at k of a buffer in which each block's are rounded up; -1: none. */
DEVICE int32_t unit_at(const persistent_args &a, const cell_args &cell, int32_t k)
{
    const int32_t rank = k / a.slice, local = k % a.slice;
    return local < units_of(a, cell, rank) ? rank * a.units + local : -1;
}

/* Before the loop: memory barriers are there, and all that was written is seen by the block, or the whole cluster. */
DEVICE void meet_first(const share &s, shared_barrier full)
{
    if (s.ranks == 1) {
        block_sync();
        return;
    }
    if (thread_index() == 0) {
        for (int32_t k = 0; k < 2 * s.ranks; k++)
            barrier_init(full, static_cast<uint32_t>(k), 1);
        barrier_init_done();
    }
    cluster_arrive();
    cluster_wait();
}

/* Send number k goes to slot k % 2, and ends the phase k / 2 of the barrier of its source there. */
DEVICE uint32_t barrier_of(int32_t source, int32_t send)
{
    return static_cast<uint32_t>(2 * source + (send & 1));
}
DEVICE uint32_t parity_of(int32_t send)
{
    return static_cast<uint32_t>(send >> 1) & 1;
}

/* The weights of a thread: term j of output o of quad q, those before KR in registers. term(): what the next term is,
 * called once each, in order; at(q, o, k): the weight of term k. */
template <int Q, int O, int KR, class G, class F>
DEVICE void load_weights(float (&w)[Q][O][KR], shared<float> rest, int32_t depth, G term, F at)
{
    UNROLL
    for (int j = 0; j < KR; j++) {
        const int32_t k = j < depth ? term() : -1;
        UNROLL
        for (int q = 0; q < Q; q++) {
            UNROLL
            for (int o = 0; o < O; o++)
                w[q][o][j] = k < 0 ? 0.0F : at(q, o, k);
        }
    }
    for (int j = KR; j < depth; j++) {
        const int32_t k = term();
        UNROLL
        for (int q = 0; q < Q; q++) {
            float four[4];
            UNROLL
            for (int o = 0; o < 4; o++)
                four[o] = k < 0 || o >= O ? 0.0F : at(q, o, k);
            store_four(rest + (((j - KR) * Q + q) * thread_count() + thread_index()) * 4, four);
        }
    }
}

/* acc += the outer product of the weights of a quad and the rows of one term. */
template <int O, int ROWS, int CELLS>
DEVICE void add_term(float (&acc)[O][CELLS], int q, const float (&w)[O], const float (&x)[ROWS])
{
    UNROLL
    for (int o = 0; o < O; o++) {
        UNROLL
        for (int r = 0; r < ROWS; r++)
            acc[o][q * ROWS + r] += w[o] * x[r];
    }
}

template <int ROWS> DEVICE void load_rows(float (&x)[ROWS], shared<float> from)
{
    UNROLL
    for (int r = 0; r < ROWS; r += 4)
        load_four(x + r, from + r);
}

/* This thread's part of O sums, those of outputs FROM and on, over terms from `first` to before `end`; row(j): where
 * the rows of term j lie, asked for in order. */
template <int FROM, int Q, int O, int ALL, int KR, int ROWS, class F>
DEVICE void product(float (&acc)[O][Q * ROWS], const float (&w)[Q][ALL][KR], shared<float> rest, int32_t first,
                    int32_t end, F row)
{
    float x[ROWS];
    UNROLL
    for (int j = 0; j < KR; j++)
        if (j >= first && j < end) {
            load_rows<ROWS>(x, row(j));
            UNROLL
            for (int q = 0; q < Q; q++) {
                float some[O];
                UNROLL
                for (int o = 0; o < O; o++)
                    some[o] = w[q][FROM + o][j];
                add_term<O, ROWS>(acc, q, some, x);
            }
        }
    for (int j = first > KR ? first : KR; j < end; j++) {
        load_rows<ROWS>(x, row(j));
        UNROLL
        for (int q = 0; q < Q; q++) {
            float four[4], some[O];
            load_four(four, rest + (((j - KR) * Q + q) * thread_count() + thread_index()) * 4);
            UNROLL
            for (int o = 0; o < O; o++)
                some[o] = four[FROM + o];
            add_term<O, ROWS>(acc, q, some, x);
        }
    }
}

/* The sums of a team: lane l ends with those of cells l, l + 8, ... in acc[o][0], acc[o][1], ...; of fewer than eight
 * cells with that of l % CELLS, in the same bits wherever it is. Cell c: row c % ROWS of quad c / ROWS. */
template <int O, int CELLS> DEVICE void fold(float (&acc)[O][CELLS], int32_t lane)
{
    UNROLL
    for (int level = 0; level < 3; level++) {
        const int width = CELLS >> level;
        const uint32_t bit = 1u << level;
        const bool odd = static_cast<uint32_t>(lane) & bit;
        UNROLL
        for (int o = 0; o < O; o++) {
            if (width < 2) acc[o][0] += warp_shuffle_xor(FULL_WARP, acc[o][0], bit);
            UNROLL
            for (int m = 0; m < width / 2; m++) {
                const float kept = odd ? acc[o][2 * m + 1] : acc[o][2 * m];
                const float given = odd ? acc[o][2 * m] : acc[o][2 * m + 1];
                acc[o][m] = kept + warp_shuffle_xor(FULL_WARP, given, bit);
            }
        }
    }
}

/* Cells that a lane ends with. */
template <int CELLS> struct lane_cells {
    static constexpr int count = CELLS > TEAM ? CELLS / TEAM : 1;
};

#endif
