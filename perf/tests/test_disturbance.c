/* test_disturbance.c: threads that wait for a processor are seen, and the rounds in which they did are measured again.
 * SPDX-License-Identifier: MIT */
#include "perf/disturbance.h"

#include "conformance/clock.h"
#include "conformance/worker/waiting.h"
#include "perf/stats.h"
#include "perf/tests/bed.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

enum { MOST_PROCESSORS = 1024 };

static void *spin(void *until)
{
    while (assay_clock() < *(double *)until) {
    }
    return NULL;
}

/* The first processor that this process may use, for the calling thread and those that it will start. */
static void stay_on_one(void)
{
    cpu_set_t all, one;
    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof all, &all)) _exit(1);
    for (int k = 0; k < CPU_SETSIZE && CPU_COUNT(&one) == 0; k++)
        if (CPU_ISSET(k, &all)) CPU_SET(k, &one);
    if (sched_setaffinity(0, sizeof one, &one)) _exit(1);
}

/* A child of so many threads that are busy on one processor for so long, and idle from then on. */
static assay_process start(int threads, double seconds)
{
    char folder[32];
    assay_process p = {.socket = -1, .ended = -1, .output = -1, .tasks = -1};
    p.pid = fork();
    if (p.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        stay_on_one();
        double until = assay_clock() + seconds;
        pthread_t other;
        for (int k = 1; k < threads; k++)
            if (pthread_create(&other, NULL, spin, &until)) _exit(1);
        spin(&until);
        for (;;)
            pause();
    }
    snprintf(folder, sizeof folder, "/proc/%d/task", p.pid);
    p.tasks = open(folder, O_PATH | O_CLOEXEC);
    return p;
}

static void finish(assay_process *p)
{
    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
    close(p->tasks);
}

static void two_busy_threads_on_one_processor_wait(void **state)
{
    (void)state;
    assay_process p = start(2, 0.3);
    usleep(280000);
    const double waited = assay_process_waited(&p);
    finish(&p);
    if (waited < 0) skip(); /* a kernel may be built without these counts */
    assert_true(waited > 0.1);
}

static void who_sleeps_does_not_wait(void **state)
{
    (void)state;
    assay_process p = start(1, 0);
    usleep(50000);
    const double before = assay_process_waited(&p);
    usleep(200000);
    const double after = assay_process_waited(&p);
    finish(&p);
    if (before < 0) skip(); /* a kernel without schedstat */
    assert_true(after - before < 0.01);
}

static void of_a_process_that_is_gone_nothing_is_known(void **state)
{
    (void)state;
    const assay_process nobody = {.tasks = -1};
    assay_process p = start(1, 0);
    kill(p.pid, SIGKILL);
    waitpid(p.pid, NULL, 0);
    assert_true(assay_process_waited(&p) == -1);
    assert_true(assay_process_waited(&nobody) == -1);
    close(p.tasks);
}

static void lost_is_what_it_had_a_right_to(void **state)
{
    (void)state;
    /* Two threads shared a core for the whole second. */
    assert_true(assay_disturbance_lost(&(assay_timing){.seconds = 1, .cpu_seconds = 1, .waited_seconds = 1}, 2) == 1);
    /* Four of its threads shared the two that it may use: nobody took anything from it. */
    assert_true(assay_disturbance_lost(&(assay_timing){.seconds = 1, .cpu_seconds = 2, .waited_seconds = 2}, 2) == 0);
    /* One slept, waiting for the other: that is no queue. */
    assert_true(assay_disturbance_lost(&(assay_timing){.seconds = 1, .cpu_seconds = 1, .waited_seconds = 0}, 2) == 0);
    assert_true(assay_disturbance_lost(&(assay_timing){.seconds = 1, .cpu_seconds = 1, .waited_seconds = -1}, 2) == 0);
    assert_true(assay_disturbance_lost(&(assay_timing){.seconds = 1, .cpu_seconds = -1, .waited_seconds = 1}, 2) == 0);
    assert_int_equal(assay_disturbance_counts(0.04, 1), 1);
    assert_int_equal(assay_disturbance_counts(0.02, 1), 0);
    assert_int_equal(assay_disturbance_counts(0.00009, 0.0001), 0);
}

static void a_round_is_taken_out_whole(void **state)
{
    (void)state;
    assay_entrant e = {.threads = 1};
    assay_series *s = &e.series[ASSAY_PHASE_STEP];
    assay_round_mark mark;
    assert_true(assay_series_add(s, 1, 1));
    s->cpu_seconds = 2;
    assay_round_begin(&e, &mark);
    assert_true(assay_series_add(s, 3, 3) && assay_series_add(s, 4, 4));
    s->cpu_seconds = 9;
    assert_int_equal(assay_round_disturbed(&e, &mark), 0);
    s->disturbed = 1;
    assert_int_equal(assay_round_disturbed(&e, &mark), 1);
    assay_round_set_aside(&e, &mark);
    assert_int_equal(s->count, 1);
    assert_int_equal(s->set_aside, 2);
    assert_int_equal(s->disturbed, 0);
    assert_true(s->cpu_seconds == 2 && s->seconds[0] == 1);
    assay_series_free(s);
}

/* Somebody else on every processor: whatever runs there meanwhile waits, this process and what it starts from now on
 * longest of all: a worker that was stopped is let in at once, and done before its turn is over, unless its turns are
 * as short as they get. */
static int crowd(pid_t others[MOST_PROCESSORS])
{
    cpu_set_t all;
    if (sched_getaffinity(0, sizeof all, &all)) return 0;
    const int count = CPU_COUNT(&all);
    for (int k = 0; k < count; k++) {
        others[k] = fork();
        if (others[k] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            double until = assay_clock() + 60;
            spin(&until);
            _exit(0);
        }
    }
    errno = 0;
    return nice(19) == -1 && errno ? 0 : count;
}

static void on_a_crowded_machine_rounds_are_measured_again(void **state)
{
    pid_t others[MOST_PROCESSORS];
    const int count = crowd(others);
    assert_true(count > 0);
    bed *b = bed_make(*state);
    assert_non_null(b);
    assay_measure_steps(&b->m, b->entrants, 1, 1);
    for (int k = 0; k < count; k++) {
        kill(others[k], SIGKILL);
        waitpid(others[k], NULL, 0);
    }
    const assay_series *s = &b->entrant.series[ASSAY_PHASE_STEP];
    const int32_t aside = s->set_aside, taken = s->count;
    const int unknown = s->lost_seconds == 0 && access("/proc/self/schedstat", R_OK);
    bed_free(b);
    if (unknown) skip(); /* a kernel without schedstat */
    assert_true(aside > 0);
    assert_true(taken >= ASSAY_SAMPLES_LEAST);
    assert_true(aside <= taken + 2 * ASSAY_BLOCK_SAMPLES);
}

int main(void)
{
    static char plugin[] = ASSAY_PLUGIN;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_busy_threads_on_one_processor_wait),
        cmocka_unit_test(who_sleeps_does_not_wait),
        cmocka_unit_test(of_a_process_that_is_gone_nothing_is_known),
        cmocka_unit_test(lost_is_what_it_had_a_right_to),
        cmocka_unit_test(a_round_is_taken_out_whole),
        cmocka_unit_test_prestate(on_a_crowded_machine_rounds_are_measured_again, plugin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
