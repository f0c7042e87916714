/* test_mutation.c: how a mutant may die: by a fault only where the device names one, and not by one where numbers are
 * asked for. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "conformance/mutation.h"

/* What a row with these checks and this death makes of a plugin in one case. */
static assay_mutation_result judged_by(const char *checks, int all, const char *plugin, assay_death death)
{
    static const char one_case[] = "rnn/lstm.uni.l1.t5.n3.i4.h6.plain";
    const assay_mutant row = {.name = "nobody", .death = death, .checks = checks, .glob = one_case};
    const assay_suite_options o = {.seed = 0x5eed, .level = ASSAY_LEVEL_QUICK, .threads = 1, .worker = ASSAY_WORKER};
    assay_mutation_result r;
    char why[256] = "";
    const assay_status st = assay_mutation_run(&row, plugin, &o, all, &r, why, sizeof why);
    if (st != ASSAY_OK) fail_msg("%s: %s", plugin, why);
    assert_true(r.results > 0);
    return r;
}

static assay_mutation_result judged(const char *plugin, assay_death death)
{
    return judged_by("forward", 1, plugin, death);
}

/* Index of the check `forward` among those that have results. */
static int forward_of(const assay_mutation_result *r)
{
    for (int k = 0; k < r->by_count; k++)
        if (strcmp(r->by[k].check, "forward") == 0) return k;
    fail_msg("no result of forward");
    return 0;
}

static void a_named_fault_kills_where_one_is_expected(void **state)
{
    (void)state;
    const assay_mutation_result r = judged(ASSAY_TEST_DIR "/faulty.so", ASSAY_DEATH_FAULT);
    const int k = forward_of(&r);
    assert_true(r.held);
    assert_int_equal(r.by[k].kills, 1);
    assert_true(isinf(r.weakest) && isinf(r.by[k].margin));
    assert_non_null(strstr(r.by[k].what, "ASSAY_FAILED"));
}

static void a_failure_without_a_reason_is_no_fault(void **state)
{
    (void)state;
    const assay_mutation_result r = judged(ASSAY_TEST_DIR "/faulty-silent.so", ASSAY_DEATH_FAULT);
    assert_false(r.held);
    assert_int_equal(r.by[forward_of(&r)].kills, 0);
    assert_non_null(strstr(r.why, "did not kill"));
}

static void wrong_numbers_are_no_fault(void **state)
{
    (void)state;
    const assay_mutation_result r = judged(ASSAY_MUTANT_DIR "/lstm-if-swapped.so", ASSAY_DEATH_FAULT);
    assert_false(r.held);
    assert_int_equal(r.by[forward_of(&r)].kills, 0);
    assert_true(judged(ASSAY_MUTANT_DIR "/lstm-if-swapped.so", ASSAY_DEATH_NUMBERS).held);
}

/* Each dies in its way alone: a mutant whose numbers shall be wrong, and which stops, has shown nothing. */
static void a_fault_is_no_death_by_numbers_or_crash(void **state)
{
    (void)state;
    assert_false(judged(ASSAY_TEST_DIR "/faulty.so", ASSAY_DEATH_NUMBERS).held);
    assert_false(judged(ASSAY_TEST_DIR "/faulty.so", ASSAY_DEATH_CRASH).held);
    assert_false(judged(ASSAY_TEST_DIR "/faulty.so", ASSAY_DEATH_NONE).held);
}

static void a_crash_is_no_fault(void **state)
{
    (void)state;
    assert_false(judged(ASSAY_TEST_DIR "/faulty-dies.so", ASSAY_DEATH_FAULT).held);
    assert_true(judged(ASSAY_TEST_DIR "/faulty-dies.so", ASSAY_DEATH_CRASH).held);
}

/* Others are asked where all are: what they say can't be missed by then. */
static void the_checks_of_the_row_run_and_all_where_asked(void **state)
{
    static const char wrong[] = ASSAY_MUTANT_DIR "/lstm-if-swapped.so";
    (void)state;
    const assay_mutation_result named = judged_by("contract forward", 0, wrong, ASSAY_DEATH_NUMBERS);
    const assay_mutation_result all = judged_by("contract forward", 1, wrong, ASSAY_DEATH_NUMBERS);
    assert_int_equal(named.by_count, 2);
    assert_int_equal(named.results, 2);
    assert_true(named.held && all.held && all.by_count > 2);
    assert_false(judged_by("contract update", 0, wrong, ASSAY_DEATH_NUMBERS).held); /* update can't run there */
}

/* An honest variant has no checks of its own: all run. */
static void an_honest_variant_meets_all_checks(void **state)
{
    (void)state;
    const assay_mutation_result r = judged_by("", 0, ASSAY_MUTANT_DIR "/sums-backwards.so", ASSAY_DEATH_NONE);
    assert_true(r.held && r.results > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_named_fault_kills_where_one_is_expected),
        cmocka_unit_test(a_failure_without_a_reason_is_no_fault),
        cmocka_unit_test(wrong_numbers_are_no_fault),
        cmocka_unit_test(a_fault_is_no_death_by_numbers_or_crash),
        cmocka_unit_test(a_crash_is_no_fault),
        cmocka_unit_test(the_checks_of_the_row_run_and_all_where_asked),
        cmocka_unit_test(an_honest_variant_meets_all_checks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
