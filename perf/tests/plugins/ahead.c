/* ahead.c: cheats that work on a step as soon as its numbers are there, before it is asked for. CHEAT names which.
 * SPDX-License-Identifier: MIT
 *
 * "ahead" works in a thread, whenever the worker runs, and states a workspace that takes long to fill with NaN;
 * "ahead-in-pack" has two, and pack() waits for them. An honest call burns processor time (cheat.h) before it computes,
 * and here takes what is left of that; the numbers are honest ones. */
#include "conformance/mutants/around.h"
#include "conformance/mutants/entry.h"
#include "perf/tests/plugins/cheat.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum { MOST_THREADS = 2, ROOM = 64 << 20 };

typedef struct ahead ahead;

typedef struct hand {
    ahead *a;
    pthread_t thread;
    int started;
} hand;

struct ahead {
    around base;
    hand hands[MOST_THREADS];
    _Atomic(const float *) weights; /* where the harness puts the first ones */
    atomic_int call;                /* the one to work on: counts up with new numbers, and when a call is over */
    _Atomic float seen;             /* the numbers that it counted last */
    atomic_int done[MOST_THREADS];  /* the last call for which a hand has done its share */
    atomic_int leaving;
};

static int hand_count(void)
{
    return strcmp(CHEAT, "ahead-in-pack") == 0 ? MOST_THREADS : 1;
}

static double own_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void nap(void)
{
    const struct timespec moment = {0, 10000};
    nanosleep(&moment, NULL);
}

static float first_weight(const ahead *a)
{
    const float *w = a->weights;
    return w ? *(const volatile float *)w : NAN;
}

/* A hand's share of an honest call. 0 if there is another call to work on before it is done. */
static int burn(const ahead *a, int call, float first)
{
    const double end = own_seconds() + 1e-9 * CHEAT_AHEAD_NANOSECONDS / hand_count();
    while (own_seconds() < end) {
        const float now = first_weight(a);
        if (a->call != call || a->leaving || (!isnan(now) && now != first)) return 0;
    }
    return 1;
}

static void *watch(void *user)
{
    const hand *me = user;
    ahead *a = me->a;
    const int mine = (int)(me - a->hands);
    while (!a->leaving) {
        const float now = first_weight(a);
        if (mine == 0 && !isnan(now) && now != a->seen) {
            a->call++;
            a->seen = now;
        }
        const int call = a->call;
        const float seen = a->seen;
        if (a->done[mine] == call)
            nap();
        else if (burn(a, call, seen))
            a->done[mine] = call;
    }
    return NULL;
}

static void wait_for_hands(ahead *a)
{
    for (int k = 0; k < hand_count(); k++)
        while (a->done[k] != a->call)
            nap();
}

static assay_status made(around *plan, assay_sizes *sizes)
{
    ahead *a = (ahead *)plan;
    if (hand_count() == 1) sizes->workspace += ROOM;
    a->call = 1;
    a->seen = NAN;
    for (int k = 0; k < hand_count(); k++) {
        a->hands[k].a = a;
        a->hands[k].started = pthread_create(&a->hands[k].thread, NULL, watch, &a->hands[k]) == 0;
        if (!a->hands[k].started) return ASSAY_FAILED;
    }
    return ASSAY_OK;
}

static void gone(around *plan)
{
    ahead *a = (ahead *)plan;
    a->leaving = 1;
    for (int k = 0; k < MOST_THREADS; k++)
        if (a->hands[k].started) pthread_join(a->hands[k].thread, NULL);
}

static assay_status pack(around *plan, const assay_args *args, assay_stream stream)
{
    ahead *a = (ahead *)plan;
    a->weights = args->param[ASSAY_W];
    /* Numbers that no hand has seen yet are work that is still to be done, however soon the call comes. */
    for (const float now = first_weight(a); !isnan(now) && a->seen != now;)
        nap();
    if (hand_count() > 1) wait_for_hands(a); /* the cheat */
    return assay_honest_entry()->pack(a->base.honest, args, stream);
}

static assay_status run(around *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    ahead *a = (ahead *)plan;
    wait_for_hands(a); /* what they have not done before; the cheat is what they have */
    const assay_status st = assay_honest_entry()->run(a->base.honest, pass, args, stream);
    a->call++;
    return st;
}

const around_layer around_mine = {.honest = assay_honest_entry,
                                  .name = CHEAT,
                                  .plan_bytes = sizeof(ahead),
                                  .made = made,
                                  .gone = gone,
                                  .pack = pack,
                                  .run = run};

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    return around_entry();
}
