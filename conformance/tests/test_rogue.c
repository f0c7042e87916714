/* test_rogue.c: every promise of impl.h that rogue.so breaks is noticed, named, and costs one session.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conformance/tests/rig.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const double patient = 60;

/* The run's reply is this one, and exactly this line. */
static void ends(int rogue, assay_placement placement, assay_outcome outcome, int signal, const char *what)
{
    assay_reply r = rig_try(rogue, placement, patient);
    assert_string_equal(r.what, what);
    assert_int_equal(r.outcome, outcome);
    assert_int_equal(r.signal, signal);
}

static void died(int rogue, assay_placement placement, int signal, const char *what)
{
    ends(rogue, placement, ASSAY_DIED, signal, what);
}

static void a_null_pointer_is_named(void **state)
{
    (void)state;
    died(ROGUE_NULL_WRITE, ASSAY_PLACE_END, SIGSEGV, "SIGSEGV in run (train): write at 0x0 (a null pointer)");
}

static void a_division_by_zero_is_named(void **state)
{
    (void)state;
#ifdef __x86_64__
    assay_reply r = rig_try(ROGUE_DIVIDE, ASSAY_PLACE_END, patient);
    assert_int_equal(r.signal, SIGFPE);
    assert_non_null(strstr(r.what, "SIGFPE in run (train): instruction at 0x"));
#else
    skip(); /* elsewhere a division by zero is no fault */
#endif
}

static void an_abort_is_a_death(void **state)
{
    (void)state;
    died(ROGUE_ABORT, ASSAY_PLACE_END, SIGABRT, "SIGABRT in run (train): abort() or an assertion");
}

static void a_stack_overflow_is_named(void **state)
{
    (void)state;
    assay_reply r = rig_try(ROGUE_STACK, ASSAY_PLACE_END, patient);
    assert_int_equal(r.signal, SIGSEGV);
    assert_non_null(strstr(r.what, "(the stack overflowed)"));
}

static void an_exit_is_a_death(void **state)
{
    (void)state;
    assay_reply r = rig_try(ROGUE_EXIT, ASSAY_PLACE_END, patient);
    assert_int_equal(r.outcome, ASSAY_DIED);
    assert_int_equal(r.signal, 0);
    assert_ptr_equal(strstr(r.what, "exited with code 0 in a run request"), r.what); /* exit handlers may print */
}

static void a_hang_ends_at_its_limit(void **state)
{
    (void)state;
    rig r;
    rig_start(&r, ROGUE_HANG, ASSAY_PLACE_END, patient);
    assay_session_limit(r.session, 0.2);
    assay_reply reply = rig_run(&r, NULL);
    assert_int_equal(reply.outcome, ASSAY_TIMED_OUT);
    assert_string_equal(reply.what, "no answer to a run request within 0.2 s");
    assert_false(assay_session_alive(r.session));
    rig_free(&r);
}

static void stopping_itself_is_a_hang(void **state)
{
    (void)state;
    rig r;
    rig_start(&r, ROGUE_STOP, ASSAY_PLACE_END, patient);
    assay_session_limit(r.session, 0.2);
    assert_int_equal(rig_run(&r, NULL).outcome, ASSAY_TIMED_OUT);
    assert_false(assay_session_alive(r.session));
    rig_free(&r);
}

static void killing_itself_is_a_death(void **state)
{
    (void)state;
    died(ROGUE_KILL_ITSELF, ASSAY_PLACE_END, SIGKILL, "SIGKILL in a run request");
}

static void an_input_cannot_be_written(void **state)
{
    (void)state;
    died(ROGUE_WRITE_INPUT, ASSAY_PLACE_END, SIGSEGV, "SIGSEGV in run (train): write to input x: offset 4 of 72 bytes");
}

static void an_input_stays_read_only(void **state)
{
    (void)state;
    ends(ROGUE_UNPROTECT_INPUT, ASSAY_PLACE_END, ASSAY_ANSWERED, 0, "");
}

static void writing_past_y_hits_the_guard(void **state)
{
    (void)state;
    died(ROGUE_PAST_Y, ASSAY_PLACE_END, SIGSEGV,
         "SIGSEGV in run (train): write past the end of y: offset 120 of 120 bytes");
}

static void writing_before_y_hits_the_guard(void **state)
{
    (void)state;
    died(ROGUE_BEFORE_Y, ASSAY_PLACE_START, SIGSEGV,
         "SIGSEGV in run (train): write before the start of y: offset -4 of 120 bytes");
}

static void reading_past_x_hits_the_guard(void **state)
{
    (void)state;
    died(ROGUE_READ_PAST_X, ASSAY_PLACE_END, SIGSEGV,
         "SIGSEGV in run (train): read past the end of x: offset 72 of 72 bytes");
}

static void the_other_placement_leaves_a_broken_canary(void **state)
{
    (void)state;
    rig r;
    rig_start(&r, ROGUE_PAST_Y, ASSAY_PLACE_START, patient);
    assert_int_equal(rig_run(&r, NULL).status, ASSAY_OK);
    assert_int_equal(assay_memory_canary_broken(&r.y), 120);
    rig_free(&r);
    rig_start(&r, ROGUE_BEFORE_Y, ASSAY_PLACE_END, patient);
    assert_int_equal(rig_run(&r, NULL).status, ASSAY_OK);
    assert_int_equal(assay_memory_canary_broken(&r.y), -1 - 4);
    rig_free(&r);
}

static void a_workspace_is_exact(void **state)
{
    (void)state;
    ends(ROGUE_PAST_WORKSPACE, ASSAY_PLACE_END, ASSAY_ANSWERED, 0,
         "workspace: wrote past its end: offset 100 of 100 bytes");
    ends(ROGUE_PAST_WORKSPACE, ASSAY_PLACE_START, ASSAY_ANSWERED, 0,
         "workspace: wrote past its end: offset 100 of 100 bytes");
}

static void writing_before_a_block_is_told(void **state)
{
    (void)state;
    ends(ROGUE_BEFORE_RESERVE, ASSAY_PLACE_END, ASSAY_ANSWERED, 0, "reserve: wrote before its start: offset -1");
    died(ROGUE_BEFORE_RESERVE, ASSAY_PLACE_START, SIGSEGV,
         "SIGSEGV in run (train): write before the start of reserve: offset -1 of 100 bytes");
}

static void writing_far_past_a_block_hits_the_guard(void **state)
{
    (void)state;
    died(ROGUE_FAR_PAST_PACKED, ASSAY_PLACE_START, SIGSEGV,
         "SIGSEGV in run (train): write past the end of packed: offset 4096 of 100 bytes");
}

static void a_broken_canary_is_told_once(void **state)
{
    (void)state;
    rig r;
    const assay_call nothing = {.kind = ASSAY_CALL_POISON, .what = 0};
    rig_start(&r, ROGUE_PAST_WORKSPACE, ASSAY_PLACE_END, patient);
    assert_int_equal(rig_run(&r, NULL).status, ASSAY_FAILED);
    assert_int_equal(assay_session_run(r.session, &nothing, 1, 1, 0, NULL, NULL).status, ASSAY_OK);
    rig_free(&r);
}

static void printing_is_counted_and_quoted(void **state)
{
    (void)state;
    rig r;
    assay_timing t;
    rig_start(&r, ROGUE_PRINT, ASSAY_PLACE_END, patient);
    assay_reply reply = rig_run(&r, &t);
    assert_int_equal(reply.status, ASSAY_OK);
    assert_string_equal(reply.what, "printed 15 bytes: \"" ROGUE_TEXT "\"");
    assert_int_equal(t.printed, 15);
    rig_free(&r);
}

static void printing_much_blocks_nobody(void **state)
{
    (void)state;
    rig r;
    assay_timing t;
    rig_start(&r, ROGUE_PRINT_MUCH, ASSAY_PLACE_END, patient);
    assert_int_equal(rig_run(&r, &t).outcome, ASSAY_ANSWERED);
    assert_int_equal(t.printed, 200000);
    rig_free(&r);
}

static assay_timing timing_of(int rogue)
{
    rig r;
    assay_timing t = {.seconds = -1};
    rig_start(&r, rogue, ASSAY_PLACE_END, patient);
    rig_run(&r, &t);
    rig_free(&r);
    return t;
}

static void allocations_are_counted(void **state)
{
    (void)state;
    int64_t counted = timing_of(ROGUE_ALLOCATE).allocations;
    if (counted < 0) skip(); /* a sanitizer's allocator */
    assert_int_equal(counted, 3);
}

static void another_rounding_mode_is_noticed(void **state)
{
    (void)state;
    assert_int_equal(timing_of(ROGUE_ROUND_UP).fp_changed, 1);
}

static void flushed_subnormals_are_noticed(void **state)
{
    (void)state;
    assert_int_equal(timing_of(ROGUE_FLUSH_SUBNORMALS).fp_changed, 1);
}

static void a_thread_left_behind_is_counted(void **state)
{
    (void)state;
    assert_int_equal(timing_of(ROGUE_LEAVE_THREAD).threads, 2);
}

static void a_worker_is_not_root_and_knows_nothing(void **state)
{
    (void)state;
    setenv(ROGUE_SECRET, "42", 1);
    ends(ROGUE_LOOK_AROUND, ASSAY_PLACE_END, ASSAY_ANSWERED, 0, "");
    unsetenv(ROGUE_SECRET);
}

static void a_status_that_is_none_is_a_failure(void **state)
{
    (void)state;
    ends(ROGUE_BAD_STATUS, ASSAY_PLACE_END, ASSAY_ANSWERED, 0, "run (train) returned 77, which is no assay_status");
}

static void garbage_on_the_socket_is_mute(void **state)
{
    (void)state;
    ends(ROGUE_GARBAGE, ASSAY_PLACE_END, ASSAY_MUTE, 0, "answered something else than was asked in a run request");
}

static void hanging_up_is_mute(void **state)
{
    (void)state;
    ends(ROGUE_HANG_UP, ASSAY_PLACE_END, ASSAY_MUTE, 0, "closed its connection in a run request and went on");
}

static void changed_arguments_are_gone_with_the_call(void **state)
{
    (void)state;
    rig r;
    rig_start(&r, ROGUE_CHANGE_ARGS, ASSAY_PLACE_END, patient);
    assert_int_equal(rig_run(&r, NULL).status, ASSAY_OK);
    assert_int_equal(rig_run(&r, NULL).status, ASSAY_OK);
    rig_free(&r);
}

static void a_workspace_that_cannot_be_is_no_memory(void **state)
{
    (void)state;
    assay_reply r = rig_try(ROGUE_HUGE, ASSAY_PLACE_END, patient);
    assert_string_equal(r.what, "no memory for a workspace of 1152921504606846976 bytes");
    assert_int_equal(r.status, ASSAY_NO_MEMORY);
}

static void a_plan_that_is_none_is_a_failure(void **state)
{
    (void)state;
    ends(ROGUE_NO_PLAN, ASSAY_PLACE_END, ASSAY_ANSWERED, 0, "plan returned ASSAY_OK and no plan");
}

static int open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void no_descriptor_is_left(void **state)
{
    (void)state;
    int before = open_descriptors();
    rig_try(ROGUE_HONEST, ASSAY_PLACE_END, patient);
    rig_try(ROGUE_NULL_WRITE, ASSAY_PLACE_END, patient);
    rig_try(ROGUE_EXIT, ASSAY_PLACE_END, patient);
    rig_try(ROGUE_GARBAGE, ASSAY_PLACE_END, patient);
    assert_int_equal(open_descriptors(), before);
}

/* Starts a worker that hangs, from a process that ends once it has asked for that: a worker that nobody has asked yet
 * may also see that its socket is closed, and leave. */
static void hang_and_die(void)
{
    rig r;
    rig_start(&r, ROGUE_HANG, ASSAY_PLACE_END, patient);
    alarm(1);
    rig_run(&r, NULL);
    _exit(1);
}

static void a_worker_dies_with_its_parent(void **state)
{
    (void)state;
    int status = 0;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); /* the worker comes here when its parent has gone */
    pid_t parent = fork();
    if (parent == 0) hang_and_die();
    assert_int_equal(waitpid(parent, &status, 0), parent);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
    assert_true(waitpid(-1, &status, 0) > 0); /* ctest's time limit ends this if the worker lives on */
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_null_pointer_is_named),
        cmocka_unit_test(a_division_by_zero_is_named),
        cmocka_unit_test(an_abort_is_a_death),
        cmocka_unit_test(a_stack_overflow_is_named),
        cmocka_unit_test(an_exit_is_a_death),
        cmocka_unit_test(a_hang_ends_at_its_limit),
        cmocka_unit_test(stopping_itself_is_a_hang),
        cmocka_unit_test(killing_itself_is_a_death),
        cmocka_unit_test(an_input_cannot_be_written),
        cmocka_unit_test(an_input_stays_read_only),
        cmocka_unit_test(writing_past_y_hits_the_guard),
        cmocka_unit_test(writing_before_y_hits_the_guard),
        cmocka_unit_test(reading_past_x_hits_the_guard),
        cmocka_unit_test(the_other_placement_leaves_a_broken_canary),
        cmocka_unit_test(a_workspace_is_exact),
        cmocka_unit_test(writing_before_a_block_is_told),
        cmocka_unit_test(writing_far_past_a_block_hits_the_guard),
        cmocka_unit_test(a_broken_canary_is_told_once),
        cmocka_unit_test(printing_is_counted_and_quoted),
        cmocka_unit_test(printing_much_blocks_nobody),
        cmocka_unit_test(allocations_are_counted),
        cmocka_unit_test(another_rounding_mode_is_noticed),
        cmocka_unit_test(flushed_subnormals_are_noticed),
        cmocka_unit_test(a_thread_left_behind_is_counted),
        cmocka_unit_test(a_worker_is_not_root_and_knows_nothing),
        cmocka_unit_test(a_status_that_is_none_is_a_failure),
        cmocka_unit_test(garbage_on_the_socket_is_mute),
        cmocka_unit_test(hanging_up_is_mute),
        cmocka_unit_test(changed_arguments_are_gone_with_the_call),
        cmocka_unit_test(a_workspace_that_cannot_be_is_no_memory),
        cmocka_unit_test(a_plan_that_is_none_is_a_failure),
        cmocka_unit_test(no_descriptor_is_left),
        cmocka_unit_test(a_worker_dies_with_its_parent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
