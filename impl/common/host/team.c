/* team.c: generation counter to start, arrival counter to end; waiting spins, then yields, then sleeps in the kernel.
 * SPDX-License-Identifier: MIT */
#include "impl/common/host/team.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* 20 to 40 us of pauses, by processor: longer than a start or a barrier takes where each member has a core, short
 * enough not to hold a core that another member needs. Then that member is let go first, some times: to sleep at once
 * costs a wake-up, which on a virtual machine takes longer than most members come late. */
#define SPINS  800
#define YIELDS 100

typedef struct event {
    _Alignas(64) atomic_uint value;
    atomic_uint sleepers;
} event;

typedef struct member {
    assay_host_team *team;
    pthread_t thread;
    int rank;
} member;

struct assay_host_team {
    event go, done, pass;         /* a new call; the call's end; the barrier's generation */
    _Alignas(64) atomic_int left; /* members still at work */
    _Alignas(64) atomic_int here; /* members at the barrier */
    int size, stop;
    assay_host_work *work;
    void *arg;
    member members[];
};

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Returns once the event's value is another than `old`. */
static void await(event *e, unsigned old)
{
    for (int spin = 0; spin < SPINS; spin++) {
        if (atomic_load_explicit(&e->value, memory_order_acquire) != old) return;
        relax();
    }
    for (int turn = 0; turn < YIELDS; turn++) {
        if (atomic_load_explicit(&e->value, memory_order_acquire) != old) return;
        sched_yield();
        relax();
    }
    atomic_fetch_add(&e->sleepers, 1);
    while (atomic_load(&e->value) == old)
        syscall(SYS_futex, &e->value, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0); /* EAGAIN, EINTR: look again */
    atomic_fetch_sub(&e->sleepers, 1);
}

/* Sequentially consistent on both sides: either the sleeper sees the new value or we see the sleeper. */
static void signal_event(event *e)
{
    atomic_fetch_add(&e->value, 1);
    if (atomic_load(&e->sleepers)) syscall(SYS_futex, &e->value, FUTEX_WAKE_PRIVATE, 1 << 30, NULL, NULL, 0);
}

static void *serve(void *arg)
{
    const member *me = arg;
    assay_host_team *t = me->team;
    for (unsigned seen = 0;; seen++) {
        await(&t->go, seen);
        if (t->stop) return NULL;
        t->work(t->arg, me->rank, t->size);
        if (atomic_fetch_sub(&t->left, 1) == 1) signal_event(&t->done);
    }
}

assay_status assay_host_team_open(int threads, assay_host_team **out)
{
    if (threads < 1) threads = 1;
    const size_t bytes = (sizeof(assay_host_team) + (size_t)threads * sizeof(member) + 63) / 64 * 64;
    assay_host_team *t = aligned_alloc(64, bytes);
    if (!t) return ASSAY_NO_MEMORY;
    *t = (assay_host_team){.size = 1};
    for (int rank = 1; rank < threads; rank++) {
        t->members[rank] = (member){.team = t, .rank = rank};
        if (pthread_create(&t->members[rank].thread, NULL, serve, &t->members[rank]) != 0) {
            assay_host_team_close(t);
            return ASSAY_NO_MEMORY;
        }
        t->size = rank + 1; /* read by members only after the first go */
    }
    *out = t;
    return ASSAY_OK;
}

void assay_host_team_close(assay_host_team *t)
{
    if (!t) return;
    t->stop = 1;
    signal_event(&t->go);
    for (int rank = 1; rank < t->size; rank++)
        pthread_join(t->members[rank].thread, NULL);
    free(t);
}

int assay_host_team_size(const assay_host_team *t)
{
    return t ? t->size : 1;
}

void assay_host_team_run(assay_host_team *t, assay_host_work *work, void *arg)
{
    if (!t || t->size == 1) {
        work(arg, 0, 1);
        return;
    }
    const unsigned done = atomic_load(&t->done.value);
    t->work = work;
    t->arg = arg;
    atomic_store(&t->left, t->size);
    signal_event(&t->go);
    work(arg, 0, t->size);
    if (atomic_fetch_sub(&t->left, 1) == 1)
        signal_event(&t->done);
    else
        await(&t->done, done);
}

unsigned assay_host_team_arrive(assay_host_team *t)
{
    if (!t || t->size == 1) return 0;
    const unsigned pass = atomic_load(&t->pass.value);
    if (atomic_fetch_add(&t->here, 1) == t->size - 1) {
        atomic_store(&t->here, 0);
        signal_event(&t->pass);
    }
    return pass;
}

void assay_host_team_await(assay_host_team *t, unsigned pass)
{
    if (t && t->size > 1) await(&t->pass, pass);
}

void assay_host_team_barrier(assay_host_team *t)
{
    if (!t || t->size == 1) return;
    const unsigned pass = assay_host_team_arrive(t);
    assay_host_team_await(t, pass);
}

void assay_host_share(int64_t count, int64_t grain, int rank, int size, int64_t *lo, int64_t *hi)
{
    const int64_t grains = (count + grain - 1) / grain;
    *lo = grains * rank / size * grain;
    *hi = grains * (rank + 1) / size * grain;
    if (*lo > count) *lo = count;
    if (*hi > count) *hi = count;
}
