/* test_measure.c: a small network timed for real in a worker: samples, kept blocks, judgement, roof, records.
 * SPDX-License-Identifier: MIT */
#include "perf/tests/bed.h"

#include "perf/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static int set_up(void **state)
{
    *state = bed_make(ASSAY_PLUGIN);
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    bed_free(*state);
    return 0;
}

static void every_phase_has_five_samples_even_without_time(void **state)
{
    bed *b = *state;
    bed_measure_all(b);
    assert_string_equal(b->entrant.rig.why, "");
    for (int phase = 0; phase < ASSAY_PHASES; phase++) {
        assert_true(b->entrant.series[phase].count >= ASSAY_SAMPLES_LEAST);
        assert_true(b->entrant.series[phase].seconds[0] > 0);
    }
}

static void what_the_timed_calls_left_behind_is_right(void **state)
{
    bed *b = *state;
    double margin, seconds;
    bed_measure_all(b);
    assert_int_equal(assay_outcome_judge(&b->of, b->entrants, 1, &margin, &seconds), ASSAY_OK);
    assert_int_equal(b->court.steps, 1);
    assert_int_equal(b->court.later, 1);
    assert_int_equal(b->court.phases, 1);
    assert_int_equal(b->court.infer, 1);
    assert_int_equal(b->court.forward_loss, 1);
    assert_true(b->court.worst < 1e-4); /* the suite's own limits are tighter, and are not at stake here */
    assert_true(margin == 0.5);
}

static void what_was_not_kept_leaves_no_number(void **state)
{
    bed *b = *state;
    double margin, seconds;
    bed_measure_all(b);
    b->entrant.first.held = 0;
    assert_int_equal(assay_outcome_judge(&b->of, b->entrants, 1, &margin, &seconds), ASSAY_OK);
    assert_int_equal(b->entrant.rig.verdict, ASSAY_VERDICT_BROKEN);
}

static void a_wrong_result_leaves_no_number(void **state)
{
    bed *b = *state;
    double margin, seconds;
    assay_records records = {0};
    b->court.verdict = ASSAY_VERDICT_FAIL;
    bed_measure_all(b);
    assert_int_equal(assay_outcome_judge(&b->of, b->entrants, 1, &margin, &seconds), ASSAY_OK);
    assert_int_equal(b->entrant.rig.verdict, ASSAY_VERDICT_FAIL);
    assert_non_null(strstr(b->entrant.rig.why, "as told"));
    assert_int_equal(assay_outcome_record(&b->of, &b->entrant, margin, &records), 0);
    assert_int_equal(records.count, 0);
}

static void a_time_below_the_roof_leaves_no_number(void **state)
{
    bed *b = *state;
    double margin, seconds;
    assay_records records = {0};
    bed_measure_all(b);
    b->of.peak = 1e-6; /* GFLOP/s: then no step of this network can take less than 30 s */
    assert_int_equal(assay_outcome_judge(&b->of, b->entrants, 1, &margin, &seconds), ASSAY_OK);
    assert_int_equal(b->entrant.rig.verdict, ASSAY_VERDICT_MISTRUSTED);
    assert_non_null(strstr(b->entrant.rig.why, "less than the declared work takes"));
    assert_int_equal(assay_outcome_record(&b->of, &b->entrant, margin, &records), 0);
}

static void a_right_result_has_a_record_for_every_phase(void **state)
{
    bed *b = *state;
    double margin, seconds;
    assay_records records = {0};
    bed_measure_all(b);
    b->of.calibration_after = 96; /* 4 % slower than before */
    assert_int_equal(assay_outcome_judge(&b->of, b->entrants, 1, &margin, &seconds), ASSAY_OK);
    assert_int_equal(assay_outcome_record(&b->of, &b->entrant, margin, &records), ASSAY_PHASES);
    const assay_record *r = assay_records_find(&records, "test.small", b->entrant.rig.about.name, "fp32", "step");
    assert_non_null(r);
    assert_true(r->n >= ASSAY_SAMPLES_LEAST && r->median_ms > 0 && r->low_ms <= r->high_ms);
    assert_true(r->worker_ms > 0 && r->worker_ms <= r->median_ms * 1.5);
    assert_int_equal(r->fit, 0);
    assert_true(r->seed == 7 && r->kept_block == b->entrant.first.block && r->kept_block > 0);
    assay_records_free(&records);
}

static int always(void *user)
{
    (void)user;
    return 1;
}

static void a_stop_ends_the_rounds(void **state)
{
    bed *b = *state;
    b->m.stop = always;
    bed_measure_all(b);
    assert_int_equal(b->entrant.series[ASSAY_PHASE_STEP].count, 0);
}

/* The other entrant's worker is stopped while one is timed, and answers again afterwards. */
static void two_entrants_take_turns(void **state)
{
    const assay_session_options so = {.threads = 1, .time_limit = 60, .worker = ASSAY_WORKER};
    bed *b = *state;
    assay_entrant *other = calloc(1, sizeof *other), *both[] = {&b->entrant, other};
    assert_non_null(other);
    assert_true(assay_rig_start(&other->rig, ASSAY_PLUGIN, &so, &bed_small.problem));
    assert_true(assay_rig_plan(&other->rig, &b->states[0]) && assay_measure_warm_up(&b->m, other));
    assay_measure_steps(&b->m, both, 2, 0);
    assert_int_equal(b->entrant.rig.resting, 1);
    assert_int_equal(other->rig.resting, 1);
    assert_true(other->series[ASSAY_PHASE_STEP].count >= ASSAY_SAMPLES_LEAST);
    assert_int_equal(other->series[ASSAY_PHASE_STEP].count, b->entrant.series[ASSAY_PHASE_STEP].count);
    assay_measure_infer(&b->m, both, 2, 0);
    assert_string_equal(other->rig.why, "");
    assay_entrant_free(other);
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_phase_has_five_samples_even_without_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_timed_calls_left_behind_is_right, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_not_kept_leaves_no_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_result_leaves_no_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_time_below_the_roof_leaves_no_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_right_result_has_a_record_for_every_phase, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stop_ends_the_rounds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_entrants_take_turns, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
