/* test_audit.c: a pair that was parted on purpose is said to part there: tensor, gate, step; an honest pair is one
 * function. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "conformance/audit.h"
#include "conformance/case_parse.h"

#define PARTED(name) ASSAY_TEST_DIR "/parted-" name ".so"

static const char plain[] = "rnn/lstm.uni.l1.t5.n3.i4.h6.plain";

static assay_status audit(const char *plugin, const char *case_id, int without_truth, assay_audit *out)
{
    static assay_case_spec spec;
    assay_case c;
    char why[256] = "";
    assert_int_equal(assay_case_parse(case_id, &spec, &c, why, sizeof why), ASSAY_OK);
    const assay_audit_request q = {.c = &c,
                                   .plugin = {ASSAY_NAIVE, plugin},
                                   .label = {"naive", plugin},
                                   .arithmetic = ASSAY_FP32,
                                   .seed = 0x5eed,
                                   .threads = 1,
                                   .without_truth = without_truth,
                                   .worker = ASSAY_WORKER};
    return assay_audit_make(&q, out, why, sizeof why);
}

static const assay_audit_tensor *tensor(const assay_audit *a, const char *name)
{
    for (int k = 0; k < a->count; k++)
        if (!strcmp(a->at[k].name, name)) return &a->at[k];
    fail_msg("no tensor %s", name);
    return NULL;
}

static int count_failed(const assay_audit *a)
{
    int failed = 0;
    for (int k = 0; k < a->count; k++)
        failed += a->at[k].pair.verdict == ASSAY_VERDICT_FAIL;
    return failed;
}

static double share_of(const assay_audit_tensor *x, const char *words)
{
    for (int k = 0; k < x->share_count; k++)
        if (!strcmp(x->share[k].words, words)) return x->share[k].share;
    return 0;
}

static void an_implementation_and_itself_are_one_function(void **state)
{
    assay_audit a;
    (void)state;
    assert_int_equal(audit(ASSAY_NAIVE, plain, 0, &a), ASSAY_OK);
    assert_int_equal(a.verdict, ASSAY_VERDICT_PASS);
    for (int k = 0; k < a.count; k++) {
        assert_int_equal(a.at[k].same, a.at[k].elements);
        assert_int_equal(a.at[k].ulps[0], a.at[k].elements);
        assert_true(a.at[k].error == 0 && a.at[k].error_side[0] > 0);
    }
    assert_string_equal(a.side[0].wanders, "");
    assert_true(a.side[1].fresh_alike);
    assay_audit_free(&a);
}

static void a_difference_that_starts_at_a_step_is_said_to_start_there(void **state)
{
    assay_audit a;
    (void)state;
    assert_int_equal(audit(PARTED("late"), plain, 0, &a), ASSAY_OK);
    const assay_audit_tensor *y = tensor(&a, "y");
    assert_int_equal(a.verdict, ASSAY_VERDICT_FAIL);
    assert_int_equal(count_failed(&a), 1);
    assert_string_equal(a.at[a.worst].name, "y");
    assert_int_equal(y->wrong[0], 3);
    assert_int_equal(y->first_bit[0], 3);
    assert_true(share_of(y, "unit 2") == 1);
    assert_string_equal(y->where, "from t 3 on, unit 2");
    assert_true(strstr(y->worst, "unit 2") != NULL);
    assert_int_equal(y->side[0].verdict, ASSAY_VERDICT_PASS);
    assert_int_equal(y->side[1].verdict, ASSAY_VERDICT_FAIL);
    assay_audit_free(&a);
}

static void a_gate_that_is_off_is_named(void **state)
{
    assay_audit a;
    (void)state;
    assert_int_equal(audit(PARTED("gate"), plain, 0, &a), ASSAY_OK);
    const assay_audit_tensor *x = tensor(&a, "dR.l0.f");
    assert_int_equal(a.verdict, ASSAY_VERDICT_FAIL);
    assert_int_equal(count_failed(&a), 1);
    assert_ptr_equal(&a.at[a.worst], x);
    assert_true(share_of(x, "gate f") > 0.999);
    assert_true(strstr(x->worst, "gate f") != NULL);
    assay_audit_free(&a);
}

static void what_grows_with_time_is_seen_to_grow(void **state)
{
    double first, last;
    assay_audit a;
    (void)state;
    assert_int_equal(audit(PARTED("grows"), plain, 0, &a), ASSAY_OK);
    const assay_audit_tensor *y = tensor(&a, "y");
    assay_audit_growth(y, ASSAY_AUDIT_PAIR, 0, &first, &last);
    assert_true(last / first > 15.5 && last / first < 16.5);
    assert_int_equal(y->worst_step, 4);
    assay_audit_free(&a);
}

static void a_bias_within_the_limits_is_told_from_noise(void **state)
{
    assay_audit a;
    (void)state;
    assert_int_equal(audit(PARTED("biased"), "rnn/lstm.uni.l1.t20.n3.i6.h8.held", 0, &a), ASSAY_OK);
    const assay_audit_tensor *y = tensor(&a, "y"), *hn = tensor(&a, "hn");
    assert_int_equal(a.verdict, ASSAY_VERDICT_PASS);
    assert_int_equal(y->pair.verdict, ASSAY_VERDICT_PASS);
    assert_true(y->bias > 8 && y->mean < 0);
    assert_true(hn->bias == 0 && hn->mean == 0);
    assay_audit_free(&a);
    assert_int_equal(audit(ASSAY_MUTANT_DIR "/sums-backwards.so", "rnn/lstm.uni.l1.t20.n3.i6.h8.held", 0, &a),
                     ASSAY_OK);
    assert_true(tensor(&a, "y")->same < tensor(&a, "y")->elements && tensor(&a, "y")->bias < 8);
    assay_audit_free(&a);
}

static void one_that_does_not_repeat_its_bits_is_named(void **state)
{
    assay_audit a;
    (void)state;
    assert_int_equal(audit(PARTED("wanders"), plain, 0, &a), ASSAY_OK);
    assert_string_equal(a.side[0].wanders, "");
    assert_string_equal(a.side[1].wanders, "y");
    assert_true(a.side[1].wander > 0 && a.side[1].wander < 1e-6);
    assay_audit_free(&a);
}

static void another_dialect_is_named_by_its_field(void **state)
{
    assay_audit a;
    (void)state;
    assert_int_equal(audit(ASSAY_MUTANT_DIR "/gru-reset-before.so", "rnn/gru.uni.l1.t5.n3.i4.h6.plain", 0, &a),
                     ASSAY_OK);
    assert_int_equal(a.verdict, ASSAY_VERDICT_FAIL);
    assert_string_equal(a.side[0].cause, "");
    assert_true(strstr(a.side[1].cause, "gru_reset is 0") != NULL);
    assay_audit_free(&a);
}

static void without_a_truth_the_other_side_is_the_measure(void **state)
{
    assay_audit a;
    (void)state;
    assert_int_equal(audit(PARTED("late"), plain, 1, &a), ASSAY_OK);
    const assay_audit_tensor *y = tensor(&a, "y");
    assert_int_equal(a.verdict, ASSAY_VERDICT_FAIL);
    assert_int_equal(y->wrong[0], 3);
    assert_true(isnan(y->error_side[0]) && isnan(assay_audit_at(y, ASSAY_AUDIT_A, 0, 0)));
    assay_audit_free(&a);
    assert_int_equal(audit(ASSAY_NAIVE, plain, 1, &a), ASSAY_OK);
    assert_int_equal(a.verdict, ASSAY_VERDICT_PASS);
    assay_audit_free(&a);
}

static void zeros_and_not_a_number_are_no_function(void **state)
{
    static const char *const mutants[] = {ASSAY_MUTANT_DIR "/all-zero.so", ASSAY_MUTANT_DIR "/all-nan.so"};
    (void)state;
    for (int k = 0; k < 4; k++) {
        assay_audit a;
        assert_int_equal(audit(mutants[k % 2], plain, k / 2, &a), ASSAY_OK);
        assert_int_equal(a.verdict, ASSAY_VERDICT_FAIL);
        assert_int_equal(tensor(&a, "y")->pair.verdict, ASSAY_VERDICT_FAIL);
        assay_audit_free(&a);
    }
}

static void a_side_that_crashes_or_is_none_is_said_so(void **state)
{
    assay_audit a;
    (void)state;
    assert_int_equal(audit(ASSAY_TEST_DIR "/fragile.so", "rnn/lstm.uni.l1.t3.n7.i2.h3", 0, &a), ASSAY_OK);
    assert_int_equal(a.verdict, ASSAY_VERDICT_CRASHED);
    assert_true(strstr(a.why, "SIGILL") != NULL);
    assay_audit_free(&a);
    assert_int_equal(audit(ASSAY_TEST_DIR "/no_entry.so", plain, 0, &a), ASSAY_BAD_ARGUMENT);
    assay_audit_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_implementation_and_itself_are_one_function),
        cmocka_unit_test(a_difference_that_starts_at_a_step_is_said_to_start_there),
        cmocka_unit_test(a_gate_that_is_off_is_named),
        cmocka_unit_test(what_grows_with_time_is_seen_to_grow),
        cmocka_unit_test(a_bias_within_the_limits_is_told_from_noise),
        cmocka_unit_test(one_that_does_not_repeat_its_bits_is_named),
        cmocka_unit_test(another_dialect_is_named_by_its_field),
        cmocka_unit_test(without_a_truth_the_other_side_is_the_measure),
        cmocka_unit_test(zeros_and_not_a_number_are_no_function),
        cmocka_unit_test(a_side_that_crashes_or_is_none_is_said_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
