/* emulator.cc: the order of things: clusters, fibers, who goes next.
 * SPDX-License-Identifier: MIT */
#include "impl/cuda/emulator/machine.hpp"

#include <new>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

namespace emulator
{

enum { PATIENCE = 96 }; /* accesses to shared memory, on average half of it, before a fiber gives way unasked */

uint32_t draw(emulator_machine *m, uint32_t bound)
{
    /* splitmix64 */
    uint64_t z = m->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return static_cast<uint32_t>(((z ^ z >> 31) >> 32) * bound >> 32);
}

void note(emulator_machine *m, emulator_fault fault, const char *format, ...)
{
    if (m->fault != EMULATOR_NONE) return;
    m->fault = fault;
    const int used = snprintf(m->why, sizeof m->why, "%s: %s: ", m->launch->name, emulator_fault_name(fault));
    va_list list;
    va_start(list, format);
    vsnprintf(m->why + used, sizeof m->why - used, format, list);
    va_end(list);
}

static void to_host(fiber *f, bool last)
{
    context_switch(&f->at, &f->m->host, last);
    context_arrived(&f->at, &f->m->host);
}

void stop(fiber *f)
{
    to_host(f, true);
    __builtin_trap();
}

void sleep(fiber *f, wait why)
{
    f->waits = why;
    to_host(f, false);
}

void wake(fiber *f)
{
    f->waits = wait::nothing;
    f->m->ready[f->m->ready_n++] = f->index;
}

void pause(fiber *f)
{
    if (--f->patience > 0) return;
    f->patience = 1 + static_cast<int32_t>(draw(f->m, PATIENCE));
    wake(f);
    to_host(f, false);
}

void join(emulator_machine *m, uint32_t *to, const uint32_t *from)
{
    for (uint32_t k = 0; k < m->agents; k++)
        to[k] = from[k] > to[k] ? from[k] : to[k];
}

void tick(emulator_machine *m, uint32_t index)
{
    clock_of(m, index)[index]++;
}

const position &here()
{
    return self()->pos;
}

static void enter(void *foot)
{
    fiber *f = static_cast<fiber *>(foot);
    context_arrived(&f->at, &f->m->host);
    f->m->launch->kernel(f->m->launch->args);
    f->waits = wait::gone;
    left(f);
    stop(f);
}

/* The fibers of one cluster, ready and without a past. */
static void begin_cluster(emulator_machine *m, const uint32_t first[3])
{
    const emulator_launch *l = m->launch;
    m->run++;
    m->ready_n = m->places = m->barriers = m->pendings = m->cluster_here = m->cluster_phase = 0;
    memset(m->clock, 0, static_cast<uint64_t>(m->fibers) * m->agents * sizeof *m->clock);
    memset(m->cluster_clock, 0, m->agents * sizeof *m->cluster_clock);
    memset(m->async_count, 0, sizeof m->async_count);
    memset(m->meeting, 0, m->fibers * sizeof *m->meeting);
    for (uint32_t block = 0; block < m->ranks; block++) {
        m->alive[block] = l->threads;
        m->in_barrier[block] = 0;
    }
    for (uint32_t k = 0; k < m->fibers; k++) {
        char *foot = m->stacks + static_cast<uint64_t>(k) * FIBER_BYTES;
        fiber *f = m->fiber[k] = new (foot) fiber{};
        f->m = m;
        f->index = k;
        f->patience = 1 + static_cast<int32_t>(draw(m, PATIENCE));
        f->pos = position{k % l->threads,
                          l->threads,
                          {first[0] + k / l->threads, first[1], first[2]},
                          {l->blocks[0], l->blocks[1], l->blocks[2]},
                          k / l->threads,
                          m->ranks};
        tick(m, k);
        context_make(&f->at, foot, enter);
        wake(f);
    }
}

/* Nobody can go on: says of one who waits what it waits for. */
static void tell_deadlock(emulator_machine *m)
{
    static const char *const what[] = {"nothing",           "a barrier of its block", "a barrier of its cluster",
                                       "lanes of its warp", "a memory barrier",       "nothing"};
    for (uint32_t k = 0; k < m->fibers; k++) {
        const fiber *f = m->fiber[k];
        if (f->waits == wait::gone) continue;
        note(m, EMULATOR_DEADLOCK, "thread %u of block %u waits for %s, and nobody can go on", f->pos.thread,
             f->pos.block[0], what[static_cast<int>(f->waits)]);
    }
}

static void run_cluster(emulator_machine *m)
{
    uint32_t left_n = m->fibers;
    while (m->fault == EMULATOR_NONE && left_n > 0) {
        /* A store that is on its way is late: it comes when nobody else can go on, or once in eight turns. */
        if (m->pendings > 0 && (m->ready_n == 0 || draw(m, 8) == 0)) {
            deliver(m);
            continue;
        }
        if (m->ready_n == 0) {
            tell_deadlock(m);
            return;
        }
        const uint32_t pick = draw(m, m->ready_n);
        fiber *f = m->fiber[m->ready[pick]];
        m->ready[pick] = m->ready[--m->ready_n];
        context_switch(&m->host, &f->at, false);
        context_arrived(&m->host, &f->at);
        left_n -= f->waits == wait::gone;
    }
    while (m->fault == EMULATOR_NONE && m->pendings > 0)
        deliver(m);
}

} // namespace emulator

using namespace emulator;

/* Pages that are there when they are touched. */
template <class T> static bool reserve(T **out, uint64_t count)
{
    void *got =
        mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    *out = got == MAP_FAILED ? nullptr : static_cast<T *>(got);
    return *out != nullptr;
}

template <class T> static void give_back(T *block, uint64_t count)
{
    if (block) munmap(block, count * sizeof(T));
}

emulator_machine *emulator_open(void)
{
    emulator_machine *m = static_cast<emulator_machine *>(calloc(1, sizeof *m));
    if (!m) return nullptr;
    bool ok = (m->stacks = stacks_open(MAX_FIBERS)) != nullptr;
    ok = ok && reserve(&m->clock, uint64_t{MAX_FIBERS} * MAX_AGENTS);
    ok = ok && reserve(&m->cluster_clock, 2 * MAX_AGENTS);
    ok = ok && reserve(&m->meeting, MAX_FIBERS);
    ok = ok && reserve(&m->word, uint64_t{MAX_BLOCKS} * MAX_WORDS);
    ok = ok && reserve(&m->state, uint64_t{MAX_BLOCKS} * MAX_WORDS);
    ok = ok && reserve(&m->readers, MAX_READS);
    ok = ok && reserve(&m->pending_clock, uint64_t{MAX_STORES} * MAX_AGENTS);
    ok = ok && reserve(&m->barrier[0].gathering, uint64_t{MAX_BARRIERS} * 2 * MAX_AGENTS);
    if (!ok) {
        emulator_close(m);
        return nullptr;
    }
    m->cluster_done = m->cluster_clock + MAX_AGENTS;
    for (uint32_t k = 0; k < MAX_BARRIERS; k++) {
        m->barrier[k].gathering = m->barrier[0].gathering + uint64_t{k} * 2 * MAX_AGENTS;
        m->barrier[k].done = m->barrier[k].gathering + MAX_AGENTS;
    }
    return m;
}

void emulator_close(emulator_machine *m)
{
    if (!m) return;
    stacks_close(m->stacks, MAX_FIBERS);
    give_back(m->clock, uint64_t{MAX_FIBERS} * MAX_AGENTS);
    give_back(m->cluster_clock, 2 * MAX_AGENTS);
    give_back(m->meeting, MAX_FIBERS);
    give_back(m->word, uint64_t{MAX_BLOCKS} * MAX_WORDS);
    give_back(m->state, uint64_t{MAX_BLOCKS} * MAX_WORDS);
    give_back(m->readers, MAX_READS);
    give_back(m->pending_clock, uint64_t{MAX_STORES} * MAX_AGENTS);
    give_back(m->barrier[0].gathering, uint64_t{MAX_BARRIERS} * 2 * MAX_AGENTS);
    free(m);
}

/* A launch that no device would take. */
static const char *refused(const emulator_launch *l)
{
    if (l->threads == 0 || l->threads % 32 || l->threads > 1024)
        return "threads of a block: a multiple of 32 up to 1024 expected";
    if (l->cluster == 0 || l->cluster > MAX_BLOCKS || l->cluster * l->threads > MAX_FIBERS)
        return "more in a cluster than can run at once";
    if (l->blocks[0] == 0 || l->blocks[1] == 0 || l->blocks[2] == 0) return "a grid without blocks";
    if (l->blocks[0] > 0x7fffffffu || l->blocks[1] > 65535 || l->blocks[2] > 65535)
        return "a grid of more than 2^31-1, 65535, 65535 blocks";
    if (l->blocks[0] % l->cluster) return "a grid that its clusters do not divide";
    if (l->shared > MAX_WORDS * 4) return "more dynamic shared memory than a block can have";
    return nullptr;
}

emulator_fault emulator_run(emulator_machine *m, const emulator_launch *l)
{
    m->fault = EMULATOR_NONE;
    m->why[0] = 0;
    m->launch = l;
    m->random = l->seed;
    const char *why = refused(l);
    if (why) {
        note(m, EMULATOR_BOUNDS, "%s", why);
        return m->fault;
    }
    m->ranks = l->cluster;
    m->fibers = l->cluster * l->threads;
    m->agents = l->cluster > 1 ? 2 * m->fibers : m->fibers;
    /* Every cluster once, in an order that a step coprime to their number gives. */
    const uint64_t wide = l->blocks[0] / l->cluster, count = wide * l->blocks[1] * l->blocks[2];
    uint64_t step = 1 + draw(m, 0xffffffffu) % count, at = draw(m, 0xffffffffu) % count;
    for (uint64_t a = step, b = count; b != 0 || a != 1;) {
        if (b == 0) {
            a = ++step;
            b = count;
        }
        const uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    for (uint64_t k = 0; k < count && m->fault == EMULATOR_NONE; k++, at = (at + step) % count) {
        const uint32_t first[3] = {static_cast<uint32_t>(at % wide * l->cluster),
                                   static_cast<uint32_t>(at / wide % l->blocks[1]),
                                   static_cast<uint32_t>(at / wide / l->blocks[1])};
        begin_cluster(m, first);
        run_cluster(m);
    }
    return m->fault;
}

const char *emulator_why(const emulator_machine *m)
{
    return m->why;
}

const char *emulator_fault_name(emulator_fault fault)
{
    static const char *const names[] = {"none",  "race",     "uninitialised", "left",
                                        "lanes", "deadlock", "bounds",        "no memory"};
    return names[fault];
}
