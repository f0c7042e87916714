/* sync.cc: barriers of a block, a warp, a cluster; shuffles and votes.
 * SPDX-License-Identifier: MIT */
#include "impl/cuda/emulator/machine.hpp"

namespace emulator
{

enum { MEET_BARRIER, MEET_SHUFFLE, MEET_BALLOT, MEET_MULTIPLY };

static fiber *thread_of(emulator_machine *m, uint32_t block, uint32_t thread)
{
    return m->fiber[block * m->launch->threads + thread];
}

/* All have come: what each has seen all have seen, and they go on. The last comer runs on by itself. */
static void release_block(fiber *last)
{
    emulator_machine *m = last->m;
    const uint32_t block = last->pos.rank, n = m->launch->threads;
    uint32_t *all = clock_of(m, last->index);
    for (uint32_t k = 0; k < n; k++)
        if (thread_of(m, block, k) != last) join(m, all, clock_of(m, block * n + k));
    for (uint32_t k = 0; k < n; k++) {
        fiber *f = thread_of(m, block, k);
        if (f != last) memcpy(clock_of(m, f->index), all, m->agents * sizeof *all);
        if (f != last) wake(f);
    }
    for (uint32_t k = 0; k < n; k++)
        tick(m, block * n + k);
    m->in_barrier[block] = 0;
}

void block_barrier()
{
    fiber *f = self();
    emulator_machine *m = f->m;
    const uint32_t block = f->pos.rank;
    if (m->alive[block] < m->launch->threads)
        FAIL(f, EMULATOR_LEFT, "thread %u of block %u comes to a barrier, and %u threads have left without it",
             f->pos.thread, f->pos.block[0], m->launch->threads - m->alive[block]);
    if (++m->in_barrier[block] == m->launch->threads) {
        release_block(f);
        wake(f); /* who goes first is drawn among all */
        sleep(f, wait::nothing);
    } else {
        sleep(f, wait::block);
    }
}

void cluster_arrive()
{
    fiber *f = self();
    emulator_machine *m = f->m;
    if (f->seen != m->cluster_phase)
        FAIL(f, EMULATOR_DEADLOCK, "thread %u of block %u arrives twice at one barrier of the cluster", f->pos.thread,
             f->pos.block[0]);
    join(m, m->cluster_clock, clock_of(m, f->index));
    tick(m, f->index);
    f->seen++;
    if (++m->cluster_here < m->fibers) return;
    memcpy(m->cluster_done, m->cluster_clock, m->agents * sizeof *m->cluster_done);
    m->cluster_here = 0;
    m->cluster_phase++;
    for (uint32_t k = 0; k < m->fibers; k++)
        if (m->fiber[k]->waits == wait::cluster) wake(m->fiber[k]);
}

void cluster_wait()
{
    fiber *f = self();
    emulator_machine *m = f->m;
    if (f->seen == 0)
        FAIL(f, EMULATOR_DEADLOCK, "thread %u of block %u waits for the cluster without having arrived", f->pos.thread,
             f->pos.block[0]);
    if (f->seen > m->cluster_phase) sleep(f, wait::cluster);
    join(m, clock_of(m, f->index), m->cluster_done);
}

/* The lanes of a warp come together; the last one does what they came for, for all. */
static uint32_t meet(int kind, uint32_t mask, uint32_t value, uint32_t source)
{
    fiber *f = self();
    emulator_machine *m = f->m;
    const uint32_t lane = f->pos.thread % 32, warp = f->index - lane;
    if (!(mask >> lane & 1))
        FAIL(f, EMULATOR_LANES, "lane %u takes part in a warp operation whose mask %08x leaves it out", lane, mask);
    if (kind == MEET_SHUFFLE && (source > 31 || !(mask >> source & 1)))
        FAIL(f, EMULATOR_LANES, "lane %u reads lane %u, which the mask %08x leaves out", lane, source, mask);
    for (uint32_t k = 0; k < 32; k++)
        if (mask >> k & 1 && m->fiber[warp + k]->waits == wait::gone)
            FAIL(f, EMULATOR_LANES, "lane %u meets lane %u, which has left the kernel", lane, k);
    warp_meeting *w = &m->meeting[warp + static_cast<uint32_t>(__builtin_ctz(mask))];
    if (w->here && (w->kind != kind || w->mask != mask))
        FAIL(f, EMULATOR_LANES, "lane %u comes to another warp operation than those it meets (masks %08x and %08x)",
             lane, mask, w->mask);
    *w = warp_meeting{mask, w->here | 1u << lane, kind};
    f->mask = mask;
    f->value = value;
    f->source = source;
    if (w->here != mask) {
        sleep(f, wait::warp);
        return f->value;
    }
    uint32_t given[32] = {0}, votes = 0;
    for (uint32_t k = 0; k < 32; k++)
        if (mask >> k & 1) {
            given[k] = m->fiber[warp + k]->value;
            votes |= (given[k] & 1) << k;
        }
    if (kind == MEET_MULTIPLY) multiply_fragments(m, warp);
    uint32_t *all = clock_of(m, f->index);
    for (uint32_t k = 0; kind == MEET_BARRIER && k < 32; k++)
        if (mask >> k & 1 && warp + k != f->index) join(m, all, clock_of(m, warp + k));
    for (uint32_t k = 0; k < 32; k++) {
        if (!(mask >> k & 1)) continue;
        fiber *other = m->fiber[warp + k];
        if (kind == MEET_BARRIER && other != f) memcpy(clock_of(m, warp + k), all, m->agents * sizeof *all);
        other->value = kind == MEET_SHUFFLE ? given[other->source] : votes;
        if (other != f) wake(other);
    }
    for (uint32_t k = 0; kind == MEET_BARRIER && k < 32; k++)
        if (mask >> k & 1) tick(m, warp + k);
    w->here = 0;
    wake(f);
    sleep(f, wait::nothing);
    return f->value;
}

void warp_barrier(uint32_t mask)
{
    meet(MEET_BARRIER, mask, 0, 0);
}

uint32_t warp_shuffle(uint32_t mask, uint32_t value, uint32_t source)
{
    return meet(MEET_SHUFFLE, mask, value, source);
}

uint32_t warp_ballot(uint32_t mask, bool vote)
{
    return meet(MEET_BALLOT, mask, vote, 0);
}

void warp_multiply(number kind, float *c, const uint32_t *a, const uint32_t *b)
{
    fiber *f = self();
    f->kind = kind;
    f->sum = c;
    f->left = a;
    f->right = b;
    meet(MEET_MULTIPLY, 0xffffffffu, 0, 0);
}

void left(fiber *f)
{
    emulator_machine *m = f->m;
    const uint32_t block = f->pos.rank, lane = f->pos.thread % 32;
    m->alive[block]--;
    if (m->in_barrier[block])
        FAIL(f, EMULATOR_LEFT, "thread %u of block %u leaves, and %u threads wait for it at a barrier", f->pos.thread,
             f->pos.block[0], m->in_barrier[block]);
    for (uint32_t k = 0; k < 32; k++) {
        const warp_meeting *w = &m->meeting[f->index - lane + k];
        if (w->here && w->mask >> lane & 1)
            FAIL(f, EMULATOR_LANES, "lane %u leaves, and lanes %08x wait for it in a warp operation", lane, w->here);
    }
    if (m->alive[block] == 0 && m->ranks > 1) check_block_end(m, block);
}

} // namespace emulator
