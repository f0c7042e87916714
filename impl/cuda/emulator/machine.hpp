/* machine.hpp: what a machine holds; for its own files.
 * SPDX-License-Identifier: MIT
 *
 * Time is a vector: each fiber counts its own steps between two synchronisations, and knows of every other how far it
 * has seen it. An event is (fiber, count); it lies before what a fiber does now if the fiber has seen that count.
 * Stores that are on their way are agents of their own: nobody has seen them before a memory barrier hands them over.
 */
#ifndef ASSAY_CUDA_MACHINE_HPP
#define ASSAY_CUDA_MACHINE_HPP

#include "impl/cuda/emulator/emulator.h"
#include "impl/cuda/emulator/fiber.hpp"
#include "impl/cuda/emulator/thread.hpp"

namespace emulator
{

enum : uint32_t {
    MAX_FIBERS = 2048,
    MAX_AGENTS = 2 * MAX_FIBERS, /* each fiber, and what it has stored and not yet seen arrive */
    MAX_BLOCKS = 16,             /* of a cluster */
    MAX_WORDS = 228 * 256,       /* of shared memory, a block */
    MAX_READS = 1u << 24,        /* words that several fibers have read, times fibers */
    MAX_BARRIERS = 256,
    MAX_STORES = 4096,
    MANY = 0x80000000u
};

struct event {
    uint32_t agent, count;
};

/* What is known of one word. */
struct word_state {
    uint32_t run;      /* of the cluster it belongs to; another: nobody has touched it yet */
    uint32_t written;  /* 1: somebody has */
    event write, read; /* read.agent = MANY + place: readers[place * agents ...] holds the count of each */
};

enum class wait { nothing, block, cluster, warp, mbarrier, gone };

struct fiber {
    struct emulator_machine *m;
    context at;
    position pos;
    uint32_t index;  /* in the cluster */
    uint32_t pieces; /* words of static shared memory asked for so far */
    wait waits;
    uint32_t barrier;     /* waiting for: memory barrier */
    uint32_t phase;       /* waiting for: its phase to end */
    uint32_t mask, value; /* of a warp operation; afterwards its result */
    uint32_t source;
    float *sum; /* fragments of a product */
    const uint32_t *left, *right;
    number kind;
    uint32_t seen;    /* cluster barriers arrived at */
    int32_t patience; /* accesses until it lets others go first */
};

struct warp_meeting {
    uint32_t mask, here; /* lanes expected, lanes that have come; 0: nobody */
    int kind;
};

struct memory_barrier {
    uint32_t block, word, arrivals, pending, phase;
    int64_t bytes;
    event init;
    uint32_t *gathering, *done; /* [MAX_AGENTS]: what was seen by those who came; by those of the phase that ended */
};

struct store {
    uint32_t from, block, word, value, barrier;
    event is;
};

} // namespace emulator

struct emulator_machine {
    emulator::context host;
    char *stacks;
    const emulator_launch *launch;
    uint64_t random;
    uint32_t run;                   /* clusters so far */
    uint32_t fibers, agents, ranks; /* of the present cluster */
    uint32_t cluster_id[3];
    emulator::fiber *fiber[emulator::MAX_FIBERS];
    uint32_t ready[emulator::MAX_FIBERS], ready_n; /* fibers that can go on */
    uint32_t alive[emulator::MAX_BLOCKS], in_barrier[emulator::MAX_BLOCKS];
    uint32_t cluster_here, cluster_phase;
    uint32_t *clock;         /* (fibers, agents) */
    uint32_t *cluster_clock; /* [MAX_AGENTS]: seen by those who have arrived at the cluster's barrier */
    uint32_t *cluster_done;
    uint32_t async_count[emulator::MAX_FIBERS];
    emulator::warp_meeting *meeting; /* [MAX_FIBERS]: by the lowest lane of the mask */
    uint32_t *word;                  /* (blocks, MAX_WORDS) */
    emulator::word_state *state;
    uint32_t *readers, places;
    emulator::memory_barrier barrier[emulator::MAX_BARRIERS];
    uint32_t barriers;
    emulator::store pending[emulator::MAX_STORES];
    uint32_t *pending_clock, pendings; /* [MAX_STORES][agents]: what the sender had seen */
    emulator_fault fault;
    char why[320];
};

namespace emulator
{

inline fiber *self()
{
    return static_cast<fiber *>(fiber_foot());
}

inline uint32_t *clock_of(emulator_machine *m, uint32_t index)
{
    return m->clock + static_cast<uint64_t>(index) * m->agents;
}

/* Numbers below `bound`. */
uint32_t draw(emulator_machine *m, uint32_t bound);

/* Keeps the first fault. */
void note(emulator_machine *m, emulator_fault fault, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* On a fiber: notes it and ends the launch; does not return. */
#define FAIL(f, kind, ...) (emulator::note((f)->m, kind, __VA_ARGS__), emulator::stop(f))
[[noreturn]] void stop(fiber *f);

/* Lets others run until someone makes it ready. */
void sleep(fiber *f, wait why);
void wake(fiber *f);
/* Now and then lets others go first. */
void pause(fiber *f);

/* to = the later of both, agent by agent. */
void join(emulator_machine *m, uint32_t *to, const uint32_t *from);
/* What has been handed over is the past: own steps from now on are later. */
void tick(emulator_machine *m, uint32_t index);

/* A fiber has left: whoever waits for it hears of that. */
void left(fiber *f);

/* fragments.cc: the product of the fragments that the lanes of a warp have brought. */
void multiply_fragments(emulator_machine *m, uint32_t warp);

/* memory.cc */
uint32_t load_word(fiber *f, uint32_t block, uint32_t word);
void store_word(emulator_machine *m, uint32_t block, uint32_t word, uint32_t value, event by, const uint32_t *seen);
/* Nobody may have touched this block's memory without its threads knowing, once they all have left. */
void check_block_end(emulator_machine *m, uint32_t block);
/* One store that is on its way arrives. */
void deliver(emulator_machine *m);
void wake_waiting(emulator_machine *m, uint32_t barrier);

} // namespace emulator

#endif
