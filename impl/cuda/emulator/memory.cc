/* memory.cc: shared memory, who wrote and who read each word of it; memory barriers and stores that arrive late.
 * SPDX-License-Identifier: MIT */
#include "impl/cuda/emulator/machine.hpp"

namespace emulator
{

static bool before(event e, const uint32_t *seen)
{
    return e.count <= seen[e.agent];
}

static const char *kind_of(const emulator_machine *m, uint32_t agent)
{
    return agent >= m->fibers ? "an asynchronous store of thread" : "thread";
}

static uint32_t thread_in(const emulator_machine *m, uint32_t agent)
{
    return agent % m->fibers % m->launch->threads;
}

static uint32_t block_in(const emulator_machine *m, uint32_t agent)
{
    return m->fiber[agent % m->fibers]->pos.block[0];
}

static word_state *state_of(emulator_machine *m, uint32_t block, uint32_t word)
{
    word_state *s = &m->state[static_cast<uint64_t>(block) * MAX_WORDS + word];
    if (s->run != m->run) *s = word_state{m->run, 0, {0, 0}, {0, 0}};
    return s;
}

static void race(emulator_machine *m, uint32_t word, event now, const char *did, event then, const char *had)
{
    note(m, EMULATOR_RACE, "%s %u of block %u %s shared word %u, which %s %u of block %u %s; nothing orders the two",
         kind_of(m, now.agent), thread_in(m, now.agent), block_in(m, now.agent), did, word, kind_of(m, then.agent),
         thread_in(m, then.agent), block_in(m, then.agent), had);
}

/* Checks rank and word; the caller is a fiber. */
static void within(fiber *f, uint32_t block, uint32_t word)
{
    emulator_machine *m = f->m;
    if (block >= m->ranks) FAIL(f, EMULATOR_BOUNDS, "block %u of a cluster of %u", block, m->ranks);
    if (word >= f->pieces + (m->launch->shared + 3) / 4)
        FAIL(f, EMULATOR_BOUNDS, "thread %u of block %u: word %u of %u in shared memory", f->pos.thread,
             f->pos.block[0], word, f->pieces + (m->launch->shared + 3) / 4);
    if (m->alive[block] == 0)
        FAIL(f, EMULATOR_LEFT, "thread %u of block %u reaches into a block of its cluster that has left", f->pos.thread,
             f->pos.block[0]);
}

/* One reader is kept as it is; of more, the last time of each. */
static void keep_read(fiber *f, word_state *s)
{
    emulator_machine *m = f->m;
    const event now = {f->index, clock_of(m, f->index)[f->index]};
    if (!(s->read.agent & MANY)) {
        if (s->read.count == 0 || s->read.agent == now.agent || before(s->read, clock_of(m, f->index))) {
            s->read = now;
            return;
        }
        const uint32_t place = m->places++;
        if (static_cast<uint64_t>(m->places) * m->fibers > MAX_READS)
            FAIL(f, EMULATOR_NO_MEMORY, "too many words of shared memory are read by many threads");
        uint32_t *counts = m->readers + static_cast<uint64_t>(place) * m->fibers;
        memset(counts, 0, m->fibers * sizeof *counts);
        counts[s->read.agent] = s->read.count;
        s->read.agent = MANY + place;
    }
    m->readers[static_cast<uint64_t>(s->read.agent - MANY) * m->fibers + now.agent] = now.count;
}

uint32_t load_word(fiber *f, uint32_t block, uint32_t word)
{
    emulator_machine *m = f->m;
    within(f, block, word);
    word_state *s = state_of(m, block, word);
    const event now = {f->index, clock_of(m, f->index)[f->index]};
    if (!s->written)
        FAIL(f, EMULATOR_UNINITIALISED, "thread %u of block %u reads shared word %u, which nobody has written",
             f->pos.thread, f->pos.block[0], word);
    if (!before(s->write, clock_of(m, f->index))) {
        race(m, word, now, "reads", s->write, "wrote");
        stop(f);
    }
    keep_read(f, s);
    return m->word[static_cast<uint64_t>(block) * MAX_WORDS + word];
}

/* A reader that `seen` does not know of; count 0: all are known. */
static event unseen_read(const emulator_machine *m, const word_state *s, const uint32_t *seen)
{
    if (!(s->read.agent & MANY)) return s->read.count && !before(s->read, seen) ? s->read : event{0, 0};
    const uint32_t *counts = m->readers + static_cast<uint64_t>(s->read.agent - MANY) * m->fibers;
    for (uint32_t k = 0; k < m->fibers; k++)
        if (counts[k] > seen[k]) return event{k, counts[k]};
    return event{0, 0};
}

void store_word(emulator_machine *m, uint32_t block, uint32_t word, uint32_t value, event by, const uint32_t *seen)
{
    word_state *s = state_of(m, block, word);
    const event reader = unseen_read(m, s, seen);
    if (s->written && !before(s->write, seen)) {
        race(m, word, by, "writes", s->write, "wrote");
        return;
    }
    if (reader.count && reader.agent != by.agent) {
        race(m, word, by, "writes", reader, "reads");
        return;
    }
    if (s->read.agent & MANY)
        memset(m->readers + static_cast<uint64_t>(s->read.agent - MANY) * m->fibers, 0, m->fibers * sizeof *m->readers);
    else
        s->read = event{0, 0};
    s->written = 1;
    s->write = by;
    m->word[static_cast<uint64_t>(block) * MAX_WORDS + word] = value;
}

uint32_t shared_piece(uint32_t words)
{
    fiber *f = self();
    const uint32_t at = (f->m->launch->shared + 3) / 4 + f->pieces; /* behind the dynamic part */
    f->pieces += words;
    if (f->pieces + (f->m->launch->shared + 3) / 4 > MAX_WORDS)
        FAIL(f, EMULATOR_BOUNDS, "%u words of shared memory, at most %u expected", f->pieces,
             static_cast<uint32_t>(MAX_WORDS));
    return at;
}

uint32_t shared_dynamic()
{
    return 0;
}

uint32_t shared_load(uint32_t rank, uint32_t word)
{
    fiber *f = self();
    pause(f);
    return load_word(f, rank, word);
}

void shared_store(uint32_t rank, uint32_t word, uint32_t value)
{
    fiber *f = self();
    pause(f);
    within(f, rank, word);
    const uint32_t *seen = clock_of(f->m, f->index);
    store_word(f->m, rank, word, value, event{f->index, seen[f->index]}, seen);
    if (f->m->fault != EMULATOR_NONE) stop(f);
}

void aligned(uint32_t word, uint32_t words)
{
    fiber *f = self();
    if (word % words)
        FAIL(f, EMULATOR_BOUNDS,
             "thread %u of block %u: %u words at once at word %u of shared memory, a multiple expected", f->pos.thread,
             f->pos.block[0], words, word);
}

void check_block_end(emulator_machine *m, uint32_t block)
{
    uint32_t *all = m->cluster_done; /* free: the cluster's barrier needs every thread, and these come no more */
    const uint32_t first = block * m->launch->threads;
    memcpy(all, clock_of(m, first), m->agents * sizeof *all);
    for (uint32_t k = 1; k < m->launch->threads; k++)
        join(m, all, clock_of(m, first + k));
    for (uint32_t word = 0; word < MAX_WORDS; word++) {
        const word_state *s = &m->state[static_cast<uint64_t>(block) * MAX_WORDS + word];
        if (s->run != m->run) continue;
        const event reader = unseen_read(m, s, all);
        if (s->written && !before(s->write, all))
            note(m, EMULATOR_LEFT, "block %u leaves, and %s %u of block %u may not have written its shared word %u yet",
                 m->fiber[first]->pos.block[0], kind_of(m, s->write.agent), thread_in(m, s->write.agent),
                 block_in(m, s->write.agent), word);
        if (reader.count)
            note(m, EMULATOR_LEFT,
                 "block %u leaves, and thread %u of block %u may not have read its shared word %u yet",
                 m->fiber[first]->pos.block[0], thread_in(m, reader.agent), block_in(m, reader.agent), word);
    }
}

/* ---- memory barriers ---- */

static memory_barrier *barrier_at(emulator_machine *m, uint32_t block, uint32_t word, const uint32_t *seen)
{
    for (uint32_t k = 0; k < m->barriers; k++) {
        memory_barrier *b = &m->barrier[k];
        if (b->block == block && b->word == word && before(b->init, seen)) return b;
    }
    note(m, EMULATOR_UNINITIALISED,
         "word %u of shared memory is used as a memory barrier before its initialisation is known", word);
    return nullptr;
}

void mbarrier_init(uint32_t word, uint32_t arrivals)
{
    fiber *f = self();
    emulator_machine *m = f->m;
    within(f, f->pos.rank, word + 1);
    if (m->barriers == MAX_BARRIERS) FAIL(f, EMULATOR_NO_MEMORY, "too many memory barriers");
    memory_barrier *b = &m->barrier[m->barriers++];
    uint32_t *gathering = b->gathering, *done = b->done;
    *b = memory_barrier{f->pos.rank, word, arrivals, arrivals, 0, 0, {f->index, clock_of(m, f->index)[f->index]},
                        gathering,   done};
    memset(gathering, 0, m->agents * sizeof *gathering);
    memset(done, 0, m->agents * sizeof *done);
}

/* The phase ends when all have arrived and no byte is outstanding. */
static void settle(emulator_machine *m, memory_barrier *b)
{
    if (b->pending > 0 || b->bytes != 0) return;
    memcpy(b->done, b->gathering, m->agents * sizeof *b->done);
    b->phase++;
    b->pending = b->arrivals;
    wake_waiting(m, static_cast<uint32_t>(b - m->barrier));
}

void wake_waiting(emulator_machine *m, uint32_t barrier)
{
    for (uint32_t k = 0; k < m->fibers; k++) {
        fiber *f = m->fiber[k];
        if (f->waits == wait::mbarrier && f->barrier == barrier && (m->barrier[barrier].phase & 1) != f->phase) wake(f);
    }
}

void mbarrier_arrive(uint32_t rank, uint32_t word, uint32_t expected_bytes)
{
    fiber *f = self();
    pause(f);
    within(f, rank, word + 1);
    memory_barrier *b = barrier_at(f->m, rank, word, clock_of(f->m, f->index));
    if (!b) stop(f);
    if (b->pending == 0) FAIL(f, EMULATOR_DEADLOCK, "more arrivals at a memory barrier than it was made for");
    join(f->m, b->gathering, clock_of(f->m, f->index));
    tick(f->m, f->index);
    b->bytes += expected_bytes;
    b->pending--;
    settle(f->m, b);
}

void mbarrier_wait(uint32_t word, uint32_t parity)
{
    fiber *f = self();
    pause(f);
    within(f, f->pos.rank, word + 1);
    memory_barrier *b = barrier_at(f->m, f->pos.rank, word, clock_of(f->m, f->index));
    if (!b) stop(f);
    f->barrier = static_cast<uint32_t>(b - f->m->barrier);
    f->phase = parity & 1;
    if ((b->phase & 1) == f->phase) sleep(f, wait::mbarrier);
    join(f->m, clock_of(f->m, f->index), b->done);
}

void store_async(uint32_t rank, uint32_t word, uint32_t value, uint32_t barrier)
{
    fiber *f = self();
    emulator_machine *m = f->m;
    pause(f);
    within(f, rank, word);
    if (m->ranks == 1) FAIL(f, EMULATOR_BOUNDS, "an asynchronous store outside of a cluster");
    while (m->pendings == MAX_STORES)
        deliver(m);
    if (m->fault != EMULATOR_NONE) stop(f);
    uint32_t *seen = clock_of(m, f->index);
    store *s = &m->pending[m->pendings];
    *s = store{f->index, rank, word, value, barrier, {m->fibers + f->index, ++m->async_count[f->index]}};
    memcpy(m->pending_clock + static_cast<uint64_t>(m->pendings) * m->agents, seen, m->agents * sizeof *seen);
    tick(m, f->index);
    m->pendings++;
}

void deliver(emulator_machine *m)
{
    const uint32_t k = draw(m, m->pendings), last = --m->pendings;
    const store s = m->pending[k];
    uint32_t *seen = m->pending_clock + static_cast<uint64_t>(k) * m->agents;
    if (m->alive[s.block] == 0) {
        note(m, EMULATOR_LEFT, "an asynchronous store of thread %u of block %u arrives in a block that has left",
             thread_in(m, s.from), block_in(m, s.from));
        return;
    }
    memory_barrier *b = barrier_at(m, s.block, s.barrier, seen);
    if (!b) return;
    store_word(m, s.block, s.word, s.value, s.is, seen);
    join(m, b->gathering, seen);
    if (b->gathering[s.is.agent] < s.is.count) b->gathering[s.is.agent] = s.is.count;
    b->bytes -= 4;
    settle(m, b);
    m->pending[k] = m->pending[last];
    memmove(seen, m->pending_clock + static_cast<uint64_t>(last) * m->agents, m->agents * sizeof *seen);
}

} // namespace emulator
