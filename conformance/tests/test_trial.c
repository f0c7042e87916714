/* test_trial.c: whatever goes wrong in a call of a plugin ends the trial with a verdict that says so.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "conformance/tests/rig.h"
#include "conformance/trial.h"

static const double patient = 60;

/* One forward pass of rogue.so, which misbehaves as asked. */
static assay_trial tried(int rogue, double limit)
{
    rig r;
    assay_subject s;
    assay_values got;
    assay_trial t;
    memset(&s, 0, sizeof s);
    memset(&t, 0, sizeof t);
    rig_start(&r, ROGUE_HONEST, ASSAY_PLACE_END, patient);
    assay_session_limit(r.session, limit);
    s.p = rig_problem(rogue);
    t.subject = &s;
    t.session = r.session;
    assay_trial_run(&t, ASSAY_ROUTINE_INFER_ON, &s.given, 0, NULL, &got);
    assay_values_free(&got);
    assay_trial_release(&t);
    rig_free(&r);
    return t;
}

static void an_answer_is_no_verdict_yet(void **state)
{
    (void)state;
    assay_trial t = tried(ROGUE_HONEST, patient);
    assert_int_equal(t.verdict, ASSAY_VERDICT_PASS);
    assert_int_equal(t.over, 0);
}

static void an_error_becomes_a_verdict(void **state)
{
    (void)state;
    assay_trial t = tried(ROGUE_BAD_STATUS, patient);
    assert_int_equal(t.verdict, ASSAY_VERDICT_FAIL);
    assert_int_equal(t.over, 1);
    assert_non_null(strstr(t.why, "run (infer) returned 77"));
}

static void a_death_becomes_a_verdict(void **state)
{
    (void)state;
    assay_trial t = tried(ROGUE_ABORT, patient);
    assert_int_equal(t.verdict, ASSAY_VERDICT_CRASHED);
    assert_non_null(strstr(t.why, "SIGABRT"));
}

static void a_hang_becomes_a_verdict(void **state)
{
    (void)state;
    assay_trial t = tried(ROGUE_HANG, 0.3);
    assert_int_equal(t.verdict, ASSAY_VERDICT_TIMEOUT);
    assert_non_null(strstr(t.why, "within 0.3 s"));
}

static void a_plan_that_fails_becomes_a_verdict(void **state)
{
    (void)state;
    assay_trial t = tried(ROGUE_HUGE, patient);
    assert_int_equal(t.verdict, ASSAY_VERDICT_FAIL);
    assert_non_null(strstr(t.why, "plan: returned ASSAY_NO_MEMORY"));
}

/* Its words are the failure's, not those of the case that could not decide something else afterwards. */
static void a_lighter_end_leaves_the_reason_of_a_failure(void **state)
{
    (void)state;
    assay_finding kept;
    assay_trial t = {.findings = &kept};
    const assay_finding failure = assay_finding_exact("y", "bits", 0, 3);
    assay_trial_add(&t, &failure);
    assay_trial_end(&t, ASSAY_VERDICT_ILL_POSED, "nothing can be decided");
    assert_int_equal(t.verdict, ASSAY_VERDICT_FAIL);
    assert_int_equal(t.over, 1);
    assert_non_null(strstr(t.why, "y: bits error"));
}

/* What ends nothing is a verdict, too, and the second plan's is the whole trial's. */
static void what_a_second_plan_does_has_its_reason(void **state)
{
    (void)state;
    assay_finding kept;
    assay_trial t = {.findings = &kept}, second = t;
    const assay_finding failure = assay_finding_exact("y", "canary", 0, 3);
    assay_trial_add(&second, &failure);
    assay_trial_take_back(&t, &second);
    assert_int_equal(t.verdict, ASSAY_VERDICT_FAIL);
    assert_int_equal(t.finding_count, 1);
    assert_int_equal(t.over, 0);
    assert_non_null(strstr(t.why, "a second plan: y: canary error"));
    assay_trial_end(&second, ASSAY_VERDICT_ILL_POSED, "nothing can be decided");
    assay_trial_take_back(&t, &second);
    assert_int_equal(t.over, 1);
    assert_non_null(strstr(t.why, "a second plan: y: canary error"));
}

static void a_second_plan_that_is_refused_ends_the_trial(void **state)
{
    (void)state;
    assay_trial t = {.verdict = ASSAY_VERDICT_PASS}, second = t;
    assay_trial_end(&second, ASSAY_VERDICT_UNSUPPORTED, "not this one");
    assay_trial_take_back(&t, &second);
    assert_int_equal(t.verdict, ASSAY_VERDICT_UNSUPPORTED);
    assert_int_equal(t.over, 1);
    assert_non_null(strstr(t.why, "a second plan: not this one"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_no_verdict_yet),
        cmocka_unit_test(an_error_becomes_a_verdict),
        cmocka_unit_test(a_death_becomes_a_verdict),
        cmocka_unit_test(a_hang_becomes_a_verdict),
        cmocka_unit_test(a_plan_that_fails_becomes_a_verdict),
        cmocka_unit_test(a_lighter_end_leaves_the_reason_of_a_failure),
        cmocka_unit_test(what_a_second_plan_does_has_its_reason),
        cmocka_unit_test(a_second_plan_that_is_refused_ends_the_trial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
