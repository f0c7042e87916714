/* test_session.c: sessions with plugins that are none, that don't open, and with one that does what it should.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conformance/file.h"
#include "conformance/tests/rig.h"
#include "conformance/worker/protocol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Seconds that no machine exceeds unless something hangs. */
static const double patient = 60;

static void refused(const char *plugin, assay_outcome outcome, assay_status status, const char *reason)
{
    assay_session_options o = rig_options(patient);
    assay_session *s = NULL;
    assay_reply r = assay_session_start(plugin, &o, &s);
    char expected[512];
    snprintf(expected, sizeof expected, "%s: %s", plugin, reason);
    assert_null(s);
    assert_string_equal(r.what, expected);
    assert_int_equal(r.outcome, outcome);
    assert_int_equal(r.status, status);
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    refused(ROGUE("absent"), ASSAY_ANSWERED, ASSAY_BAD_ARGUMENT, "No such file or directory");
}

static void a_folder_is_no_plugin(void **state)
{
    (void)state;
    refused("/", ASSAY_ANSWERED, ASSAY_BAD_ARGUMENT, "Is a directory");
}

static void a_text_is_no_plugin(void **state)
{
    (void)state;
    refused(__FILE__, ASSAY_ANSWERED, ASSAY_BAD_ARGUMENT, "is no shared object");
}

static void a_library_without_entry_point_is_no_plugin(void **state)
{
    (void)state;
    refused(ROGUE("no_entry"), ASSAY_ANSWERED, ASSAY_BAD_ARGUMENT,
            "has no entry point assay_impl_entry, which every plugin exports");
}

static void put(const char *from, const char *to)
{
    char *bytes = NULL, why[256];
    size_t size = 0;
    assert_int_equal(assay_file_read(from, 1u << 26, &bytes, &size, why, sizeof why), ASSAY_OK);
    assert_int_equal(assay_file_write(to, bytes, size, why, sizeof why), ASSAY_OK);
    free(bytes);
}

/* What was hashed must be what runs: this one takes a second to load, and gets another file in its place meanwhile. */
static void a_file_that_is_replaced_while_it_is_loaded_is_refused(void **state)
{
    char folder[] = "/tmp/assay-session-XXXXXX", path[64];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/plugin.so", folder);
    put(ROGUE("slow_on_load"), path);
    assay_session_options o = rig_options(patient);
    assay_session *s = NULL;
    assay_reply r = assay_session_start(path, &o, &s);
    assert_non_null(s);
    assay_session_end(s);
    pid_t other = fork();
    if (other == 0) {
        usleep(400000);
        put(ROGUE("no_device"), path);
        _exit(0);
    }
    r = assay_session_start(path, &o, &s);
    waitpid(other, NULL, 0);
    unlink(path);
    rmdir(folder);
    assert_null(s);
    assert_int_equal(r.status, ASSAY_FAILED);
    assert_non_null(strstr(r.what, "plugin.so: was replaced while it was loaded"));
}

static void another_abi_version_is_refused(void **state)
{
    (void)state;
    refused(ROGUE("other_version"), ASSAY_ANSWERED, ASSAY_BAD_ARGUMENT, "ABI version 44, 3 expected");
}

static void a_short_table_is_refused(void **state)
{
    (void)state;
    refused(ROGUE("short_table"), ASSAY_ANSWERED, ASSAY_BAD_ARGUMENT, "its table has 24 bytes, 104 expected");
}

static void no_table_is_refused(void **state)
{
    (void)state;
    refused(ROGUE("null_table"), ASSAY_ANSWERED, ASSAY_BAD_ARGUMENT, "assay_impl_entry() returned NULL, not its table");
}

static void a_table_with_holes_is_refused(void **state)
{
    (void)state;
    refused(ROGUE("no_run"), ASSAY_ANSWERED, ASSAY_BAD_ARGUMENT,
            "its table lacks one of open, close, supports, plan, plan_free, run");
}

static void a_name_with_spaces_is_refused(void **state)
{
    (void)state;
    refused(ROGUE("bad_name"), ASSAY_ANSWERED, ASSAY_BAD_ARGUMENT, "its name is not of the form [a-z0-9-]+");
}

static void a_missing_device_is_no_fault(void **state)
{
    (void)state;
    refused(ROGUE("no_device"), ASSAY_ANSWERED, ASSAY_NO_DEVICE, "open returned ASSAY_NO_DEVICE");
}

static void a_place_that_is_none_is_refused(void **state)
{
    (void)state;
    refused(ROGUE("other_place"), ASSAY_ANSWERED, ASSAY_BAD_ARGUMENT, "its table has place 2, which is no assay_place");
}

static void a_failing_open_is_told(void **state)
{
    (void)state;
    refused(ROGUE("failed"), ASSAY_ANSWERED, ASSAY_FAILED, "open returned ASSAY_FAILED");
}

static void a_plugin_s_own_reason_is_told(void **state)
{
    (void)state;
    refused(ROGUE("explained"), ASSAY_ANSWERED, ASSAY_FAILED, "open returned ASSAY_FAILED: it rains");
}

static void printing_while_loading_is_told(void **state)
{
    (void)state;
    refused(ROGUE("print_on_load"), ASSAY_ANSWERED, ASSAY_NO_DEVICE,
            "open returned ASSAY_NO_DEVICE; printed 8 bytes: \"loading\"");
}

static void a_crash_while_loading_is_told(void **state)
{
    (void)state;
    refused(ROGUE("crash_on_load"), ASSAY_DIED, ASSAY_FAILED, "SIGSEGV in load: write at 0x0 (a null pointer)");
}

static void a_hang_while_loading_ends(void **state)
{
    (void)state;
    assay_session_options o = rig_options(0.2);
    assay_session *s = NULL;
    assay_reply r = assay_session_start(ROGUE("hang_on_load"), &o, &s);
    assert_null(s);
    assert_int_equal(r.outcome, ASSAY_TIMED_OUT);
    assert_string_equal(r.what, ROGUE("hang_on_load") ": no answer to load or open within 0.2 s");
}

static void a_missing_worker_is_named(void **state)
{
    (void)state;
    assay_session_options o = rig_options(patient);
    assay_session *s = NULL;
    o.worker = "/nowhere/assay-worker";
    assay_reply r = assay_session_start(ROGUE("rogue"), &o, &s);
    assert_null(s);
    assert_int_equal(r.outcome, ASSAY_UNSTARTED);
    assert_string_equal(r.what, "/nowhere/assay-worker: could not be started: No such file or directory");
}

static void a_program_that_is_no_worker_is_found_out(void **state)
{
    (void)state;
    assay_session_options o = rig_options(patient);
    assay_session *s = NULL;
    o.worker = "/bin/true";
    assay_reply r = assay_session_start(ROGUE("rogue"), &o, &s);
    assert_null(s);
    assert_int_equal(r.outcome, ASSAY_DIED);
    assert_non_null(strstr(r.what, "exited with code 0 in load or open"));
}

static void start_honest(void **state, assay_placement placement)
{
    rig *r = calloc(1, sizeof *r);
    *state = r;
    assay_reply reply = rig_start(r, ROGUE_HONEST, placement, patient);
    assert_string_equal(reply.what, "");
    assert_int_equal(reply.outcome, ASSAY_ANSWERED);
    assert_int_equal(reply.status, ASSAY_OK);
}

static int honest(void **state)
{
    start_honest(state, ASSAY_PLACE_END);
    return 0;
}

static int ended(void **state)
{
    rig_free(*state);
    free(*state);
    return 0;
}

static void a_plugin_introduces_itself(void **state)
{
    rig *r = *state;
    const assay_session_info *info = assay_session_about(r->session);
    assert_int_equal(info->allocates, 0);
    assert_string_equal(info->name, "rogue");
    assert_string_equal(info->version, "1");
    assert_string_equal(info->loss_by, "somebody");
    assert_string_equal(info->update_by, "own");
    assert_int_equal(info->place, ASSAY_HOST);
    assert_int_equal(strlen(info->plugin_hash), 64);
}

static void mapped_libraries_have_one_hash(void **state)
{
    rig *r = *state, again;
    assert_string_equal(assay_session_about(r->session)->mapped_hash, "");
    assert_int_equal(strlen(assay_session_libraries(r->session)), 64);
    rig_start(&again, ROGUE_HONEST, ASSAY_PLACE_END, patient);
    assert_string_equal(assay_session_libraries(again.session), assay_session_libraries(r->session));
    assert_string_not_equal(assay_session_libraries(r->session), assay_session_about(r->session)->plugin_hash);
    rig_free(&again);
}

static void results_come_through_shared_memory(void **state)
{
    rig *r = *state;
    assay_timing t;
    ((float *)assay_memory_data(&r->x))[0] = 7.0f;
    assay_reply reply = rig_run(r, &t);
    assert_string_equal(reply.what, "");
    assert_int_equal(reply.status, ASSAY_OK);
    assert_true(((float *)assay_memory_data(&r->y))[29] == 7.0f);
    assert_true(((float *)assay_memory_data(&r->hn))[9] == 1.0f);
    assert_int_equal(assay_memory_canary_broken(&r->y), -1);
    assert_int_equal(assay_memory_canary_broken(&r->x), -1);
}

static void an_honest_run_leaves_no_trace(void **state)
{
    rig *r = *state;
    assay_timing t;
    rig_run(r, &t);
    assert_true(t.seconds > 0 && t.worker_seconds > 0 && t.worker_seconds <= t.seconds);
    assert_true(t.allocations <= 0); /* -1 where they can't be counted */
    assert_int_equal(t.threads, 1);
    assert_int_equal(t.fp_changed, 0);
    assert_int_equal(t.printed, 0);
}

static void an_unbound_tensor_is_not_written(void **state)
{
    rig *r = *state;
    assert_int_equal(rig_bind(r, ASSAY_Y, NULL).status, ASSAY_OK);
    assert_int_equal(rig_run(r, NULL).status, ASSAY_OK);
    assert_int_equal(((unsigned char *)assay_memory_data(&r->y))[0], 0xFF);
    assert_true(((float *)assay_memory_data(&r->hn))[0] == 1.0f);
}

static void one_that_cant_be_bound_leaves_what_is_behind_it(void **state)
{
    rig *r = *state;
    const assay_binding list[] = {{ASSAY_Y, NULL}, {ASSAY_LOSS, NULL}, {ASSAY_HN, NULL}};
    assert_int_equal(assay_session_bind(r->session, list, 3).status, ASSAY_BAD_ARGUMENT);
    assert_int_equal(rig_run(r, NULL).status, ASSAY_OK);
    assert_true(((float *)assay_memory_data(&r->hn))[0] == 1.0f);
}

/* More than one request carries. */
static void many_bindings_are_one_after_the_other(void **state)
{
    rig *r = *state;
    assay_binding list[3 * ASSAY_WIRE_BINDS];
    const int count = (int)(sizeof list / sizeof *list);
    for (int k = 0; k < count; k++)
        list[k] = (assay_binding){k % 2 ? ASSAY_Y : ASSAY_HN, k < count - 1 ? (k % 2 ? &r->y : &r->hn) : NULL};
    assert_int_equal(assay_session_bind(r->session, list, count).status, ASSAY_OK);
    assert_int_equal(rig_run(r, NULL).status, ASSAY_OK);
    assert_int_equal(((unsigned char *)assay_memory_data(&r->y))[0], 0xFF);
    assert_true(((float *)assay_memory_data(&r->hn))[0] == 1.0f);
}

static void a_bound_memory_may_be_freed(void **state)
{
    rig *r = *state;
    assay_memory_free(&r->y);
    assert_int_equal(rig_run(r, NULL).status, ASSAY_OK);
}

static void memory_of_another_size_is_refused(void **state)
{
    rig *r = *state;
    assay_reply reply = rig_bind(r, ASSAY_Y, &r->x);
    assert_int_equal(reply.status, ASSAY_BAD_ARGUMENT);
    assert_string_equal(reply.what, "bind: memory is not of the tensor's size");
}

static void a_tensor_that_the_problem_lacks_is_refused(void **state)
{
    rig *r = *state;
    assay_reply reply = rig_bind(r, ASSAY_LOSS, &r->y);
    assert_int_equal(reply.status, ASSAY_BAD_ARGUMENT);
    assert_string_equal(reply.what, "bind: the plan's problem has no such tensor");
}

static void parameters_travel_through_the_packed_block(void **state)
{
    rig *r = *state;
    assay_memory given, wanted;
    const assay_call program[] = {{.kind = ASSAY_CALL_PACK}, {.kind = ASSAY_CALL_UNPACK}};
    assert_int_equal(assay_memory_make(60, ASSAY_PLACE_START, 1, &given), ASSAY_OK);
    assert_int_equal(assay_memory_make(60, ASSAY_PLACE_START, 0, &wanted), ASSAY_OK);
    ((float *)assay_memory_data(&given))[0] = 3.0f;
    assert_int_equal(rig_bind(r, assay_tensor_id(ASSAY_PARAM, 0), &given).status, ASSAY_OK);
    assert_int_equal(rig_bind(r, assay_tensor_id(ASSAY_DPARAM, 0), &wanted).status, ASSAY_OK);
    assert_int_equal(assay_session_run(r->session, program, 2, 3, 0, NULL, NULL).status, ASSAY_OK);
    assert_true(((float *)assay_memory_data(&wanted))[0] == 3.0f);
    assay_memory_free(&given);
    assay_memory_free(&wanted);
}

static void a_poisoned_block_holds_nan(void **state)
{
    rig *r = *state;
    assay_memory wanted;
    const assay_call program[] = {{.kind = ASSAY_CALL_POISON, .what = 1}, {.kind = ASSAY_CALL_UNPACK}};
    assert_int_equal(assay_memory_make(60, ASSAY_PLACE_START, 0, &wanted), ASSAY_OK);
    memset(assay_memory_data(&wanted), 0, 60);
    assert_int_equal(rig_bind(r, assay_tensor_id(ASSAY_DPARAM, 0), &wanted).status, ASSAY_OK);
    assert_int_equal(assay_session_run(r->session, program, 2, 1, 0, NULL, NULL).status, ASSAY_OK);
    assert_int_equal(((unsigned char *)assay_memory_data(&wanted))[3], 0xFF);
    assay_memory_free(&wanted);
}

static void the_failing_call_is_pointed_out(void **state)
{
    rig *r = *state;
    int failed = -1;
    const assay_call program[] = {{.kind = ASSAY_CALL_RUN, .pass = ASSAY_TRAIN}, {.kind = ASSAY_CALL_PACK}};
    assay_reply reply = assay_session_run(r->session, program, 2, 1, 0, &failed, NULL);
    assert_int_equal(reply.status, ASSAY_BAD_ARGUMENT); /* pack() without a parameter */
    assert_string_equal(reply.what, "pack returned ASSAY_BAD_ARGUMENT");
    assert_int_equal(failed, 1);
}

static void a_second_plan_replaces_the_first(void **state)
{
    rig *r = *state;
    const assay_problem p = rig_problem(ROGUE_HONEST);
    assay_sizes sizes;
    assert_int_equal(assay_session_plan(r->session, &p, ASSAY_PLACE_START, &sizes).status, ASSAY_OK);
    assert_int_equal(sizes.workspace, 100);
    assert_int_equal(rig_run(r, NULL).status, ASSAY_OK); /* nothing is bound any more, nothing is written */
    assert_int_equal(((unsigned char *)assay_memory_data(&r->y))[0], 0xFF);
}

static void without_a_plan_nothing_runs_until_the_next(void **state)
{
    rig *r = *state;
    const assay_problem p = rig_problem(ROGUE_HONEST);
    assert_int_equal(assay_session_unplan(r->session).status, ASSAY_OK);
    assert_int_equal(rig_run(r, NULL).status, ASSAY_BAD_ARGUMENT);
    assert_int_equal(assay_session_unplan(r->session).status, ASSAY_OK); /* twice is fine */
    assert_int_equal(assay_session_plan(r->session, &p, ASSAY_PLACE_START, NULL).status, ASSAY_OK);
}

static void unbind_all_leaves_nothing(void **state)
{
    rig *r = *state;
    const assay_call program[] = {{.kind = ASSAY_CALL_UNBIND_ALL}, {.kind = ASSAY_CALL_RUN, .pass = ASSAY_INFER}};
    assert_int_equal(assay_session_run(r->session, program, 2, 1, 0, NULL, NULL).status, ASSAY_OK);
    assert_int_equal(((unsigned char *)assay_memory_data(&r->y))[0], 0xFF);
}

static void an_impossible_program_is_refused(void **state)
{
    rig *r = *state;
    const assay_call unknown = {.kind = 99}, no_pass = {.kind = ASSAY_CALL_RUN, .pass = 99};
    assert_string_equal(assay_session_run(r->session, &unknown, 1, 1, 0, NULL, NULL).what, "not a program of calls");
    assert_string_equal(assay_session_run(r->session, &no_pass, 1, 1, 0, NULL, NULL).what, "not a program of calls");
    assert_int_equal(assay_session_run(r->session, &unknown, 17, 1, 0, NULL, NULL).status, ASSAY_BAD_ARGUMENT);
    assert_true(assay_session_alive(r->session));
}

static void support_is_declared(void **state)
{
    rig *r = *state;
    const assay_problem yes = rig_problem(ROGUE_HONEST), no = rig_problem(ROGUE_UNSUPPORTED);
    assay_arithmetic declared;
    char why[64] = "?";
    assert_int_equal(assay_session_supports(r->session, &yes, &declared, why, sizeof why).status, ASSAY_OK);
    assert_int_equal(declared.store, ASSAY_FP32);
    assert_string_equal(why, "");
    assert_int_equal(assay_session_supports(r->session, &no, &declared, why, sizeof why).status, ASSAY_UNSUPPORTED);
    assert_string_equal(why, "not ?[31mtoday"); /* nothing from a plugin steers a terminal */
}

static void a_dead_session_says_so(void **state)
{
    rig *r = *state;
    const assay_problem p = rig_problem(ROGUE_PLAN_CRASH);
    assay_reply first = assay_session_plan(r->session, &p, ASSAY_PLACE_END, NULL), second = rig_run(r, NULL);
    assert_int_equal(first.outcome, ASSAY_DIED);
    assert_string_equal(first.what, "SIGABRT in plan: abort() or an assertion");
    assert_false(assay_session_alive(r->session));
    assert_int_equal(second.outcome, ASSAY_MUTE);
    assert_string_equal(second.what, "the worker has ended before: start another session");
}

static void ending_nothing_is_fine(void **state)
{
    (void)state;
    assay_session_end(NULL);
    assert_false(assay_session_alive(NULL));
}

static void a_sealed_parent_cannot_be_looked_into(void **state)
{
    (void)state;
    struct rlimit core;
    assay_parent_seal();
    assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
    assert_int_equal(getrlimit(RLIMIT_CORE, &core), 0);
    assert_int_equal(core.rlim_cur, 0);
    a_missing_device_is_no_fault(NULL); /* and sessions still start */
}

#define HONEST(test) cmocka_unit_test_setup_teardown(test, honest, ended)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(a_folder_is_no_plugin),
        cmocka_unit_test(a_text_is_no_plugin),
        cmocka_unit_test(a_library_without_entry_point_is_no_plugin),
        cmocka_unit_test(a_file_that_is_replaced_while_it_is_loaded_is_refused),
        cmocka_unit_test(another_abi_version_is_refused),
        cmocka_unit_test(a_short_table_is_refused),
        cmocka_unit_test(no_table_is_refused),
        cmocka_unit_test(a_table_with_holes_is_refused),
        cmocka_unit_test(a_name_with_spaces_is_refused),
        cmocka_unit_test(a_missing_device_is_no_fault),
        cmocka_unit_test(a_place_that_is_none_is_refused),
        cmocka_unit_test(a_failing_open_is_told),
        cmocka_unit_test(a_plugin_s_own_reason_is_told),
        cmocka_unit_test(printing_while_loading_is_told),
        cmocka_unit_test(a_crash_while_loading_is_told),
        cmocka_unit_test(a_hang_while_loading_ends),
        cmocka_unit_test(a_missing_worker_is_named),
        cmocka_unit_test(a_program_that_is_no_worker_is_found_out),
        HONEST(a_plugin_introduces_itself),
        HONEST(mapped_libraries_have_one_hash),
        HONEST(results_come_through_shared_memory),
        HONEST(an_honest_run_leaves_no_trace),
        HONEST(an_unbound_tensor_is_not_written),
        HONEST(one_that_cant_be_bound_leaves_what_is_behind_it),
        HONEST(many_bindings_are_one_after_the_other),
        HONEST(a_bound_memory_may_be_freed),
        HONEST(memory_of_another_size_is_refused),
        HONEST(a_tensor_that_the_problem_lacks_is_refused),
        HONEST(parameters_travel_through_the_packed_block),
        HONEST(a_poisoned_block_holds_nan),
        HONEST(the_failing_call_is_pointed_out),
        HONEST(a_second_plan_replaces_the_first),
        HONEST(without_a_plan_nothing_runs_until_the_next),
        HONEST(unbind_all_leaves_nothing),
        HONEST(an_impossible_program_is_refused),
        HONEST(support_is_declared),
        HONEST(a_dead_session_says_so),
        cmocka_unit_test(ending_nothing_is_fine),
        cmocka_unit_test(a_sealed_parent_cannot_be_looked_into),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
