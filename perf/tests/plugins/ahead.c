/* ahead.c: a cheat that works on a step as soon as its numbers are in place, while the harness fills the plan's blocks,
 * of which it asks for one that takes long. SPDX-License-Identifier: MIT
 *
 * What a thread does ahead is the time that an honest call takes (cheat.h); the numbers are honest ones. */
#include "conformance/mutants/around.h"
#include "conformance/mutants/entry.h"
#include "perf/tests/plugins/cheat.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define ROOM (64u << 20)

typedef struct ahead {
    around base;
    pthread_t thread;
    _Atomic(const float *) weights; /* where the harness puts the first ones */
    atomic_int begun, done;         /* steps; 1: the next one's work is done */
    atomic_int inside, leaving;     /* 1: in a call, whose time counts anyway */
    float seen;                     /* by the thread alone: where the weights began the last time */
} ahead;

static void sleep_for(long nanoseconds)
{
    const struct timespec nap = {0, nanoseconds};
    nanosleep(&nap, NULL);
}

static double now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A nap's time of work, which being stopped does not shorten as it would a sleep. */
static void work(void)
{
    const double turn = 1e-5;
    double left = 1e-9 * CHEAT_NAP_NANOSECONDS;
    for (double last = now_seconds(); left > 0;) {
        const double now = now_seconds();
        left -= now - last < turn ? now - last : turn;
        last = now;
    }
}

static void *watch(void *user)
{
    ahead *a = user;
    while (!a->leaving) {
        const float *w = a->weights, now = w ? *w : NAN;
        const int begun = a->begun, fresh = !isnan(now) && now != a->seen && !a->inside;
        if (fresh)
            work();
        else
            sleep_for(20000);
        if (!isnan(now)) a->seen = now;
        if (fresh && a->begun == begun) a->done = 1;
    }
    return NULL;
}

static assay_status made(around *plan, assay_sizes *sizes)
{
    ahead *a = (ahead *)plan;
    sizes->workspace += ROOM;
    return pthread_create(&a->thread, NULL, watch, a) == 0 ? ASSAY_OK : ASSAY_FAILED;
}

static void gone(around *plan)
{
    ahead *a = (ahead *)plan;
    a->leaving = 1;
    if (a->thread) pthread_join(a->thread, NULL);
}

static assay_status pack(around *plan, const assay_args *args, assay_stream stream)
{
    ahead *a = (ahead *)plan;
    a->weights = args->param[ASSAY_W];
    return assay_honest_entry()->pack(a->base.honest, args, stream);
}

static assay_status run(around *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    ahead *a = (ahead *)plan;
    a->inside = 1;
    a->begun++;
    if (!atomic_exchange(&a->done, 0)) sleep_for(CHEAT_NAP_NANOSECONDS); /* else the cheat */
    const assay_status st = assay_honest_entry()->run(a->base.honest, pass, args, stream);
    a->inside = 0;
    return st;
}

const around_layer around_mine = {.honest = assay_honest_entry,
                                  .name = "ahead",
                                  .plan_bytes = sizeof(ahead),
                                  .made = made,
                                  .gone = gone,
                                  .pack = pack,
                                  .run = run};

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    return around_entry();
}
