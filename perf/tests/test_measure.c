/* test_measure.c: a small network timed for real in a worker: samples, kept blocks, judgement, roof, records.
 * SPDX-License-Identifier: MIT */
#include "perf/tests/bed.h"

#include "perf/heat.h"
#include "perf/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
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

/* Its plan is given up after each block: the next has a new one, whose first calls are over when the clock starts. */
static void who_takes_turns_in_memory_is_measured_as_the_others(void **state)
{
    bed *b = *state;
    double margin, seconds;
    assay_records records = {0};
    b->court.strict = 1;
    b->entrant.turns = 1;
    assert_true(assay_rig_park(&b->entrant.rig));
    bed_measure_all(b);
    assert_string_equal(b->entrant.rig.why, "");
    assert_false(b->entrant.rig.planned);
    assert_true(b->entrant.rig.plans > 4 * ASSAY_SAMPLES_LEAST / ASSAY_BLOCK_SAMPLES);
    for (int phase = 0; phase < ASSAY_PHASES; phase++)
        assert_true(b->entrant.series[phase].count >= ASSAY_SAMPLES_LEAST);
    assert_int_equal(assay_outcome_judge(&b->of, b->entrants, 1, &margin, &seconds), ASSAY_OK);
    const int recorded = assay_outcome_record(&b->of, &b->entrant, margin, &records);
    if (recorded != ASSAY_PHASES) fail_msg("%d phases: %s", recorded, b->entrant.rig.why);
    assert_int_equal(records.at[0].turns, 1);
    assert_true(records.at[0].peak_mib > 0);
    assay_records_free(&records);
}

static void a_plan_that_was_given_up_runs_nothing(void **state)
{
    static const assay_call call = {.kind = ASSAY_CALL_RUN, .pass = ASSAY_STEP};
    bed *b = *state;
    assert_true(assay_rig_park(&b->entrant.rig));
    assert_false(assay_rig_run(&b->entrant.rig, &call, 1, NULL));
    assert_int_equal(b->entrant.rig.verdict, ASSAY_VERDICT_FAIL);
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

static void work_ahead_of_the_calls_leaves_no_number(void **state)
{
    bed *b = *state;
    double margin, seconds;
    assay_records records = {0};
    bed_measure_all(b);
    assay_series *ahead = &b->entrant.ahead[ASSAY_PHASE_STEP];
    assert_true(ahead->count >= ASSAY_SAMPLES_LEAST);
    for (int32_t k = 0; k < ahead->count; k++)
        ahead->seconds[k] = 100; /* of processor time: no copy and no tenth of a step of this network takes that */
    assert_int_equal(assay_outcome_judge(&b->of, b->entrants, 1, &margin, &seconds), ASSAY_OK);
    assert_int_equal(b->entrant.rig.verdict, ASSAY_VERDICT_MISTRUSTED);
    assert_non_null(strstr(b->entrant.rig.why, "ahead of the timed calls"));
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
    const int recorded = assay_outcome_record(&b->of, &b->entrant, margin, &records);
    if (recorded != ASSAY_PHASES) fail_msg("%d phases: %s", recorded, b->entrant.rig.why);
    const assay_record *r = assay_records_find(&records, "test.small", b->entrant.rig.about.name, "fp32", "step");
    assert_non_null(r);
    assert_true(r->n >= ASSAY_SAMPLES_LEAST && r->median_ms > 0 && r->low_ms <= r->high_ms);
    assert_true(r->worker_ms > 0 && r->worker_ms <= r->median_ms * 1.5);
    assert_int_equal(r->fit, 0);
    assert_true(r->seed == 7 && r->kept_block == b->entrant.first.block && r->kept_block > 0);
    assay_records_free(&records);
}

/* Blocks and tensors of the small network, all of which the harness fills, and far less than a framework takes. */
static void the_memory_holds_the_blocks(void **state)
{
    bed *b = *state;
    bed_measure_all(b);
    const assay_rig *r = &b->entrant.rig;
    const int64_t blocks = (int64_t)(r->sizes.packed + r->sizes.grads + r->sizes.workspace + r->sizes.reserve);
    assert_true(blocks > 0 && r->start > 0 && r->most == -1);
    assay_rig_end(&b->entrant.rig);
    assert_true(r->most - r->start >= blocks);
    assert_true(r->most - r->start < (int64_t)256 << 20);
}

static void what_was_forgotten_is_measured_again(void **state)
{
    bed *b = *state;
    double margin, seconds;
    bed_measure_all(b);
    assay_entrant_forget(&b->entrant);
    assert_int_equal(b->entrant.series[ASSAY_PHASE_STEP].count, 0);
    assert_int_equal(b->entrant.first.held, 0);
    bed_measure_all(b);
    assert_int_equal(assay_outcome_judge(&b->of, b->entrants, 1, &margin, &seconds), ASSAY_OK);
    assert_int_equal(b->court.steps, 1);
    assert_true(b->court.worst < 1e-4);
}

static void only_drift_and_time_to_spare_measure_again(void **state)
{
    (void)state;
    assert_int_equal(assay_heat_again(assay_drift(100, 102), 10, 5), 0);
    assert_int_equal(assay_heat_again(assay_drift(100, 104), 10, 5), 1);
    assert_int_equal(assay_heat_again(assay_drift(100, 96), 10, 5), 1);
    assert_int_equal(assay_heat_again(assay_drift(100, 96), 4, 5), 0);
    assert_int_equal(assay_heat_again(assay_drift(100, NAN), 10, 5), 1);
}

/* Two files of one implementation are told apart by names that are not theirs. */
static void a_record_has_the_name_that_was_given(void **state)
{
    bed *b = *state;
    double margin, seconds;
    assay_records records = {0};
    b->entrant.name = "OLD";
    bed_measure_all(b);
    assert_int_equal(assay_outcome_judge(&b->of, b->entrants, 1, &margin, &seconds), ASSAY_OK);
    b->entrant.rig.verdict = ASSAY_VERDICT_PASS; /* a busy machine may have broken the clock's rules */
    assert_int_equal(assay_outcome_record(&b->of, &b->entrant, margin, &records), ASSAY_PHASES);
    assert_string_equal(records.at[0].implementation, "OLD");
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

/* Workers that do not stand still, as the kernel says; they are this thread's children. */
static int running_children(void)
{
    char path[64];
    int pid, running = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)gettid());
    FILE *children = fopen(path, "r");
    if (!children) return -1;
    while (fscanf(children, "%d", &pid) == 1) {
        char state = 0;
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        FILE *f = fopen(path, "r");
        if (f && fscanf(f, "%*d (%*[^)]) %c", &state) == 1) running += state != 'T' && state != 'Z';
        if (f) fclose(f);
    }
    fclose(children);
    return running;
}

/* Asked before every block, when all stand still. */
static int nobody_runs(void *user)
{
    int *broken = user;
    *broken += running_children() != 0;
    return 0;
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
    int broken = 0;
    if (running_children() >= 0) { /* a kernel may be built without that list */
        assert_true(assay_session_still(other->rig.session, 0));
        assert_int_equal(running_children(), 1);
        assert_true(assay_session_still(other->rig.session, 1));
        b->m.stop = nobody_runs;
        b->m.user = &broken;
    }
    assay_measure_steps(&b->m, both, 2, 0);
    assert_int_equal(broken, 0);
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
        cmocka_unit_test_setup_teardown(who_takes_turns_in_memory_is_measured_as_the_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_plan_that_was_given_up_runs_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_not_kept_leaves_no_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_result_leaves_no_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_time_below_the_roof_leaves_no_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(work_ahead_of_the_calls_leaves_no_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_right_result_has_a_record_for_every_phase, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_memory_holds_the_blocks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_forgotten_is_measured_again, set_up, tear_down),
        cmocka_unit_test(only_drift_and_time_to_spare_measure_again),
        cmocka_unit_test_setup_teardown(a_record_has_the_name_that_was_given, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stop_ends_the_rounds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_entrants_take_turns, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
