/* test_shrink.c: what fails is made as small as it can be and still fails; what passes is left alone.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "conformance/shrink.h"

static int shrink(const char *plugin, const char *case_id, const char *check, double seconds, assay_shrunk *out)
{
    const assay_suite_options base = {.seed = 0x5eed, .level = ASSAY_LEVEL_QUICK, .threads = 1, .worker = ASSAY_WORKER};
    const assay_shrink_job j = {.base = &base,
                                .plugin = plugin,
                                .label = "it",
                                .case_id = case_id,
                                .check = check,
                                .arithmetic = ASSAY_FP32,
                                .seconds = seconds};
    return assay_shrink(&j, out);
}

/* Layers above the first are what it takes: two of them stay, all else goes. */
static void what_the_fault_needs_stays_and_the_rest_goes(void **state)
{
    assay_shrunk out;
    (void)state;
    assert_true(shrink(ASSAY_MUTANT_DIR "/bias-gradient-first-layer-only.so", "rnn/lstm.uni.l3.t5.n3.i2.h3.stack",
                       "backward", 100, &out));
    assert_true(out.whole);
    assert_string_equal(out.case_id, "rnn/lstm.uni.l2.t1.n1.i1.h1.stack");
    assert_non_null(strstr(out.cause, "zero: everywhere"));
    assert_non_null(strstr(out.reproducer, "--case 'rnn/lstm.uni.l2.t1.n1.i1.h1.stack' --check backward"));
}

static void a_case_on_which_nothing_fails_has_no_smaller_one(void **state)
{
    assay_shrunk out;
    (void)state;
    assert_false(shrink(ASSAY_NAIVE, "rnn/tanh.uni.l1.t2.n2.i1.h2", "forward", 100, &out));
    assert_true(out.tries > 1);
}

static void without_time_nothing_is_tried(void **state)
{
    assay_shrunk out;
    (void)state;
    assert_false(shrink(ASSAY_NAIVE, "rnn/tanh.uni.l1.t2.n2.i1.h2", "forward", 0, &out));
    assert_int_equal(out.tries, 0);
    assert_false(out.whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_fault_needs_stays_and_the_rest_goes),
        cmocka_unit_test(a_case_on_which_nothing_fails_has_no_smaller_one),
        cmocka_unit_test(without_time_nothing_is_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
