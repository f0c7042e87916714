/* test_escape.c: a plugin that tries to get out of its worker: into the parent, its inputs, other programs, the
 * network. SPDX-License-Identifier: MIT
 *
 * Each attack at three levels: the filter of native plugins, that of drivers and interpreters, none at all; the last
 * one shows that the attack is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conformance/tests/rig.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REFUSED         "" /* and the plugin went on */
#define ENDED           "SIGSYS in a run request"
#define FORBIDDEN(call) "SIGSYS in run (train): system call " call " is forbidden"

static const double patient = 60;

/* What the reply says at level 2 and at level 1; NULL: there it may. */
static const struct {
    int rogue;
    const char *native, *hosted;
    int works; /* with no level it succeeds, whatever the machine */
} attacks[] = {
    {ROGUE_FORK, FORBIDDEN("clone"), REFUSED, 1},
    {ROGUE_EXEC, FORBIDDEN("execve"), REFUSED, 0},
    {ROGUE_SOCKET, FORBIDDEN("socket"), REFUSED, 1},
    {ROGUE_TRACE, FORBIDDEN("ptrace"), FORBIDDEN("ptrace"), 0},
    {ROGUE_KILL_PARENT, FORBIDDEN("kill"), REFUSED, 1},
    {ROGUE_TIMER, FORBIDDEN("setitimer"), NULL, 0},
    {ROGUE_READ_PARENT, FORBIDDEN("process_vm_readv"), FORBIDDEN("process_vm_readv"), 0},
    {ROGUE_PARENT_MEMORY, REFUSED, REFUSED, 0},
    {ROGUE_REOPEN_INPUT, REFUSED, REFUSED, 0},
    {ROGUE_MAP_INPUT, REFUSED, REFUSED, 0},
    {ROGUE_RAISE_LIMIT, REFUSED, REFUSED, 0},
    {ROGUE_LEAVE_GROUP, REFUSED, REFUSED, 1},
#ifdef __x86_64__
    {ROGUE_OTHER_ABI, ENDED, ENDED, 0},
#endif
    {ROGUE_RING, REFUSED, REFUSED, 0},
    {ROGUE_QUEUE, REFUSED, REFUSED, 1},
    {ROGUE_HANDLER, REFUSED, REFUSED, 1},
    {ROGUE_OPEN_FILE, REFUSED, NULL, 1},
};
enum { ATTACKS = sizeof attacks / sizeof *attacks };

/* One attack in a worker of its own; program NULL: assay-worker. *level: what the worker says of itself. */
static assay_reply attacked(int rogue, const char *program, int *level)
{
    rig r;
    assay_session_options o = rig_options(patient);
    memset(&r, 0, sizeof r);
    o.worker = program;
    assay_reply reply = assay_session_start(ROGUE("rogue"), &o, &r.session);
    *level = r.session ? assay_session_about(r.session)->sandbox : -1;
    if (reply.status == ASSAY_OK) reply = rig_plan(&r, rogue, ASSAY_PLACE_END);
    if (reply.status == ASSAY_OK) reply = rig_run(&r, NULL);
    rig_free(&r);
    return reply;
}

static void held(int rogue, const char *program, int wanted, const char *expected)
{
    int level;
    assay_reply r = attacked(rogue, program, &level);
    if (level == 0) skip(); /* no seccomp here, or a sanitizer that needs what it forbids */
    assert_int_equal(level, wanted);
    if (strcmp(r.what, expected) != 0 || (!*expected && r.status != ASSAY_OK))
        fail_msg("attack %d at level %d: \"%s\", status %d", rogue, wanted, r.what, (int)r.status);
    assert_int_equal(r.outcome, *expected ? ASSAY_DIED : ASSAY_ANSWERED);
    assert_int_equal(r.signal, *expected ? SIGSYS : 0);
}

static void a_native_plugin_gets_nowhere(void **state)
{
    (void)state;
    for (int k = 0; k < ATTACKS; k++)
        held(attacks[k].rogue, NULL, 2, attacks[k].native);
}

static void a_hosted_plugin_gets_no_further_than_files_and_timers(void **state)
{
    (void)state;
    for (int k = 0; k < ATTACKS; k++)
        if (attacks[k].hosted) held(attacks[k].rogue, ASSAY_TEST_HOST, 1, attacks[k].hosted);
}

static void what_is_allowed_to_a_host_works(void **state)
{
    int level;
    (void)state;
    assert_int_equal(attacked(ROGUE_HONEST, ASSAY_TEST_HOST, &level).status, ASSAY_OK);
    assert_int_equal(attacked(ROGUE_OPEN_FILE, ASSAY_TEST_HOST, &level).status, ASSAY_FAILED); /* it could */
    assert_int_equal(attacked(ROGUE_TIMER, ASSAY_TEST_HOST, &level).status, ASSAY_FAILED);
}

static void without_a_filter_they_succeed(void **state)
{
    (void)state;
    for (int k = 0; k < ATTACKS; k++) {
        int level;
        if (!attacks[k].works) continue;
        if (attacked(attacks[k].rogue, ASSAY_TEST_UNGUARDED, &level).status != ASSAY_FAILED)
            fail_msg("attack %d harms nobody where nothing is defended", attacks[k].rogue);
        assert_int_equal(level, 0);
    }
}

/* 2 x + 1 stands in for the truth: the plugin finds it where a test puts it into the worker, and not where it is. */
static assay_status searched(int shown)
{
    rig r;
    float truth[18];
    rig_start(&r, ROGUE_SEARCH_MEMORY, ASSAY_PLACE_END, patient);
    float *x = assay_memory_data(&r.x);
    for (int k = 0; k < 18; k++) {
        x[k] = 0.25f * (float)k + 3;
        truth[k] = 2 * x[k] + 1;
    }
    if (shown) memcpy(assay_memory_data(&r.y), truth, sizeof truth);
    assay_status st = rig_run(&r, NULL).status;
    rig_free(&r);
    return st;
}

static void the_truth_is_not_in_the_worker(void **state)
{
    (void)state;
    assert_int_equal(searched(1), ASSAY_FAILED); /* it could */
    assert_int_equal(searched(0), ASSAY_OK);
}

/* What the filter doesn't see: another program of the same user that is started beside it. */
static void workers_of_root_have_users_of_their_own(void **state)
{
    rig a, b;
    (void)state;
    if (geteuid() != 0) skip(); /* only root can give a process away */
    rig_start(&a, ROGUE_USER, ASSAY_PLACE_END, patient);
    rig_start(&b, ROGUE_USER, ASSAY_PLACE_END, patient);
    assert_int_equal(rig_run(&a, NULL).status, ASSAY_OK);
    assert_int_equal(rig_run(&b, NULL).status, ASSAY_OK);
    float one = *(float *)assay_memory_data(&a.y), other = *(float *)assay_memory_data(&b.y);
    rig_free(&a);
    rig_free(&b);
    assert_true(one >= 1000 && other >= 1000 && one != other);
}

/* The parent of all: what only its own seal keeps out, it keeps out. */
static int seal(void **state)
{
    (void)state;
    assay_parent_seal();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_native_plugin_gets_nowhere),
        cmocka_unit_test(a_hosted_plugin_gets_no_further_than_files_and_timers),
        cmocka_unit_test(what_is_allowed_to_a_host_works),
        cmocka_unit_test(without_a_filter_they_succeed),
        cmocka_unit_test(the_truth_is_not_in_the_worker),
        cmocka_unit_test(workers_of_root_have_users_of_their_own),
    };
    return cmocka_run_group_tests(tests, seal, NULL);
}
