/* test_displaced.c: the whole way of a plugin whose place is a device, on stand-ins for the driver: honest ones pass,
 * what they do wrong is found, a device that is missing skips, one that fails costs one case.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conformance/session.h"
#include "conformance/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLUGIN(name) ASSAY_TEST_DIR "/" name ".so"

typedef struct seen {
    char why[256], crashed[96];
} seen;

/* The first that is not as it should be. */
static void on_result(void *user, const assay_result *r)
{
    seen *s = user;
    if (r->verdict == ASSAY_VERDICT_CRASHED) snprintf(s->crashed, sizeof s->crashed, "%s", r->case_id);
    if (r->verdict != ASSAY_VERDICT_PASS && r->verdict != ASSAY_VERDICT_UNSUPPORTED && !s->why[0])
        snprintf(s->why, sizeof s->why, "%s", r->why);
}

/* A worker looks for the driver where LD_LIBRARY_PATH says, as it does for any library. */
static assay_summary try(const char *plugin, const char *driver, const char *check, const char *glob, seen *s)
{
    char folder[512], why[256] = "";
    assay_summary sum;
    assay_suite_options o;
    snprintf(folder, sizeof folder, "%s/%s", ASSAY_FAKE_DIR, driver);
    assert_int_equal(setenv("LD_LIBRARY_PATH", folder, 1), 0);
    memset(s, 0, sizeof *s);
    memset(&o, 0, sizeof o);
    o.plugins = &plugin;
    o.plugin_count = 1;
    o.seed = 0x5eed;
    o.level = ASSAY_LEVEL_QUICK;
    o.within_level = 1;
    o.threads = 1;
    o.worker = ASSAY_WORKER;
    o.check = check;
    o.glob = glob;
    o.on_result = on_result;
    o.user = s;
    assert_int_equal(assay_suite_run(&o, &sum, why, sizeof why), ASSAY_OK);
    return sum;
}

static void an_honest_one_passes_every_check(void **state)
{
    (void)state;
    seen s;
    assay_summary sum = try(PLUGIN("displaced"), "whole", NULL, "*.l1.t7.n*", &s);
    assert_string_equal(s.why, "");
    assert_true(sum.counts[ASSAY_VERDICT_PASS] > 20);
    assert_int_equal(assay_summary_exit(&sum), 0);
}

/* Drivers need what the full filter forbids; under a sanitizer there is none. */
static void its_worker_is_filtered_as_a_driver_needs_it(void **state)
{
    (void)state;
    const assay_session_options o = {.threads = 1, .time_limit = 60, .worker = ASSAY_WORKER};
    assay_session *session = NULL;
    assert_int_equal(setenv("LD_LIBRARY_PATH", ASSAY_FAKE_DIR "/whole", 1), 0);
    assert_string_equal(assay_session_start(PLUGIN("displaced"), &o, &session).what, "");
    assert_int_equal(assay_session_about(session)->place, ASSAY_CUDA);
    assert_true(assay_session_about(session)->sandbox <= 1);
    assert_string_equal(assay_session_about(session)->device, "no GPU: memory of the host, compute 9.0, driver 13.0");
    assay_session_end(session);
}

static void writes_past_a_block_are_found(void **state)
{
    (void)state;
    seen s;
    assay_summary sum = try(PLUGIN("displaced-past-workspace"), "whole", "forward", "rnn/lstm*.plain", &s);
    assert_true(sum.counts[ASSAY_VERDICT_FAIL] > 0);
    assert_int_equal(sum.counts[ASSAY_VERDICT_PASS], 0);
    assert_non_null(strstr(s.why, "workspace: wrote past its end on the device: offset "));
    sum = try(PLUGIN("displaced-before-reserve"), "whole", "backward", "rnn/lstm*.plain", &s);
    assert_true(sum.counts[ASSAY_VERDICT_FAIL] > 0);
    assert_int_equal(sum.counts[ASSAY_VERDICT_PASS], 0);
    assert_non_null(strstr(s.why, "reserve: wrote before its start on the device: offset -2"));
}

static void writes_past_an_output_are_found_by_the_parent(void **state)
{
    (void)state;
    seen s;
    assay_summary sum = try(PLUGIN("displaced-past-y"), "whole", "forward", "rnn/lstm*.plain", &s);
    assert_true(sum.counts[ASSAY_VERDICT_FAIL] > 0);
    assert_int_equal(sum.counts[ASSAY_VERDICT_PASS], 0);
    assert_non_null(strstr(s.why, "y (outside)"));
}

static void written_inputs_are_found(void **state)
{
    (void)state;
    seen s;
    assay_summary sum = try(PLUGIN("displaced-writes-input"), "whole", "forward", "rnn/lstm*.plain", &s);
    assert_true(sum.counts[ASSAY_VERDICT_FAIL] > 0);
    assert_int_equal(sum.counts[ASSAY_VERDICT_PASS], 0);
    assert_non_null(strstr(s.why, "input x was written on the device: offset "));
}

static void a_lost_device_costs_its_case_only(void **state)
{
    (void)state;
    seen s;
    assay_summary sum = try(PLUGIN("displaced-loses"), "whole", "forward", "rnn/lstm*", &s);
    assert_non_null(strstr(s.crashed, ".t7."));
    assert_non_null(strstr(s.why, "run: the device failed in run (infer): cuCtxSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS "
                                  "(an illegal memory access was encountered)"));
    assert_true(sum.counts[ASSAY_VERDICT_CRASHED] > 0);
    assert_true(sum.counts[ASSAY_VERDICT_PASS] > 5);
    assert_int_equal(sum.counts[ASSAY_VERDICT_FAIL] + sum.counts[ASSAY_VERDICT_SKIPPED], 0);
    assert_int_equal(assay_summary_exit(&sum), 1);
}

static void a_device_that_fails_while_data_are_copied_is_told(void **state)
{
    (void)state;
    seen s;
    assay_summary sum = try(PLUGIN("displaced"), "lost", "forward", "rnn/lstm.uni.l1.t1.n1.i1.h1.one", &s);
    assert_int_equal(sum.counts[ASSAY_VERDICT_CRASHED], 1);
    assert_non_null(strstr(s.why, "the device failed in plan: cuCtxSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS"));
}

static void memory_of_the_device_that_is_short_is_told(void **state)
{
    (void)state;
    seen s;
    assay_summary sum = try(PLUGIN("displaced"), "small", "forward", "*", &s);
    assert_true(sum.counts[ASSAY_VERDICT_PASS] > 0);
    assert_non_null(strstr(s.why, "no memory on the device for "));
    assert_int_equal(sum.counts[ASSAY_VERDICT_CRASHED], 0);
    assert_true(assay_summary_exit(&sum) != 0);
}

static void skips_plugin(const char *plugin, const char *driver, const char *reason)
{
    seen s;
    assay_summary sum = try(plugin, driver, "forward", "rnn/lstm*.plain", &s);
    assert_non_null(strstr(s.why, reason));
    assert_true(sum.counts[ASSAY_VERDICT_SKIPPED] > 0);
    assert_int_equal(assay_summary_exit(&sum), 77);
}

static void skips(const char *driver, const char *reason)
{
    skips_plugin(PLUGIN("displaced"), driver, reason);
}

static void a_library_of_another_major_version_skips(void **state)
{
    (void)state;
    skips_plugin(PLUGIN("unlinked"), "whole",
                 "unlinked.so: libcudnn.so.0 is needed, in this major version, and is not here (LD_LIBRARY_PATH)");
}

static void a_missing_device_skips_with_its_reason(void **state)
{
    (void)state;
    skips("none", "displaced.so: cuInit: CUDA_ERROR_NO_DEVICE");
    skips("old", "displaced.so: the CUDA driver is of CUDA 10.2: 11.0 or later is needed");
    skips("hole", "displaced.so: the CUDA driver has no cuMemsetD8_v2");
    skips("ancient", "displaced.so: a GPU of compute capability 6.1: 7.5 or later is needed");
    skips("untold", "displaced.so: a GPU whose compute capability the driver does not tell");
    skips("broken", "displaced.so: no CUDA driver: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_one_passes_every_check),
        cmocka_unit_test(its_worker_is_filtered_as_a_driver_needs_it),
        cmocka_unit_test(writes_past_a_block_are_found),
        cmocka_unit_test(writes_past_an_output_are_found_by_the_parent),
        cmocka_unit_test(written_inputs_are_found),
        cmocka_unit_test(a_lost_device_costs_its_case_only),
        cmocka_unit_test(a_device_that_fails_while_data_are_copied_is_told),
        cmocka_unit_test(memory_of_the_device_that_is_short_is_told),
        cmocka_unit_test(a_missing_device_skips_with_its_reason),
        cmocka_unit_test(a_library_of_another_major_version_skips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
