/* test_measure.c: a small network timed for real in a worker: samples, kept blocks, judgement, roof, records.
 * SPDX-License-Identifier: MIT */
#include "perf/outcome.h"

#include "perf/stats.h"
#include "reference/tensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static const assay_workload small = {.id = "test.small",
                                     .what = "1 x LSTM 8, 4 x 6 x 5, 3 classes on the last step, Adam",
                                     .problem = {.op = ASSAY_OP_NETWORK,
                                                 .arithmetic = ASSAY_FP32,
                                                 .t = 6,
                                                 .n = 4,
                                                 .i = 5,
                                                 .h = 8,
                                                 .layers = 1,
                                                 .directions = 1,
                                                 .classes = 3,
                                                 .head = ASSAY_HEAD_LAST,
                                                 .loss = ASSAY_LOSS_XENT,
                                                 .dense_bias = 1,
                                                 .optimizer = ASSAY_OPT_ADAM,
                                                 .lr = 1e-3,
                                                 .beta1 = 0.9,
                                                 .beta2 = 0.999,
                                                 .epsilon = 1e-8,
                                                 .dialect = {.cell = ASSAY_LSTM,
                                                             .biases = ASSAY_BIAS_TWO,
                                                             .gru_reset = ASSAY_RESET_AFTER_INSIDE,
                                                             .xent_reduction = ASSAY_REDUCE_MEAN}},
                                     .data = ASSAY_DATA_STREAM,
                                     .label_high = 3,
                                     .offset = 2,
                                     .offset_last = 2,
                                     .source = "this test"};

/* What the judge saw, and what it shall say. */
typedef struct court {
    int steps, later, phases, infer;
    double worst; /* largest difference from the truth, in units of the tensor's largest element */
    assay_verdict verdict;
} court;

static void compare(const assay_kept *k, const assay_values *truth, double *worst)
{
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(k->problem, list);
    for (int t = 0; t < count; t++) {
        const double *got = k->got->at[list[t].id], *want = truth->at[list[t].id];
        double largest = 1e-30, difference = 0;
        if (!got || !want || list[t].integer) continue;
        for (int64_t e = 0; e < list[t].count; e++) {
            largest = fmax(largest, fabs(want[e]));
            difference = isnan(got[e]) ? INFINITY : fmax(difference, fabs(got[e] - want[e]));
        }
        *worst = fmax(*worst, difference / largest);
    }
}

static assay_judgement judge(void *user, const assay_kept *k)
{
    court *c = user;
    c->later += k->state < 0;
    c->steps += !strcmp(k->phase, "step") && k->state >= 0;
    c->phases += !strcmp(k->phase, "phases");
    c->infer += !strcmp(k->phase, "infer");
    compare(k, k->truth, &c->worst);
    if (k->update_truth) compare(k, k->update_truth, &c->worst);
    return (assay_judgement){.verdict = c->verdict, .margin = 0.5, .why = "as told"};
}

/* One implementation set up on `small`. */
typedef struct bed {
    court court;
    assay_bench_options options;
    assay_values states[ASSAY_STATES];
    int64_t steps[ASSAY_STATES];
    assay_entrant entrant, *entrants[1];
    assay_machine machine;
    assay_measurement m;
    assay_outcome_of of;
} bed;

static int set_up(void **state)
{
    const assay_session_options so = {.threads = 1, .time_limit = 60, .worker = ASSAY_WORKER};
    bed *b = calloc(1, sizeof *b);
    if (!b) return -1;
    *state = b;
    b->options = (assay_bench_options){.judge = judge, .user = &b->court};
    b->m = (assay_measurement){.workload = &small,
                               .gbench = assay_gbench_begin(),
                               .seed = 7,
                               .schedule = 8,
                               .judged = 1,
                               .states = b->states,
                               .steps = b->steps};
    for (int s = 0; s < ASSAY_STATES; s++)
        if (assay_state_make(&small, 7, s, NULL, &b->states[s], &b->steps[s]) != ASSAY_OK) return -1;
    b->entrants[0] = &b->entrant;
    b->entrant.plugin = ASSAY_PLUGIN;
    b->entrant.threads = 1;
    if (!assay_rig_start(&b->entrant.rig, ASSAY_PLUGIN, &so, &small.problem) ||
        !assay_rig_plan(&b->entrant.rig, &b->states[0]) || !assay_measure_warm_up(&b->m, &b->entrant))
        fprintf(stderr, "%s\n", b->entrant.rig.why);
    b->of = (assay_outcome_of){.options = &b->options,
                               .measurement = &b->m,
                               .problem = &small.problem,
                               .machine = &b->machine,
                               .data = "documented",
                               .calibration_before = 100,
                               .calibration_after = 100,
                               .peak = 1e6};
    return b->entrant.rig.verdict == ASSAY_VERDICT_PASS ? 0 : -1;
}

static int tear_down(void **state)
{
    bed *b = *state;
    assay_entrant_free(&b->entrant);
    for (int s = 0; s < ASSAY_STATES; s++)
        assay_values_free(&b->states[s]);
    assay_gbench_end(b->m.gbench);
    free(b);
    return 0;
}

static void measure_all(bed *b)
{
    assay_measure_steps(&b->m, b->entrants, 1, 0);
    assay_measure_phases(&b->m, b->entrants, 1, 0);
    assay_measure_infer(&b->m, b->entrants, 1, 0);
}

static void every_phase_has_five_samples_even_without_time(void **state)
{
    bed *b = *state;
    measure_all(b);
    assert_string_equal(b->entrant.rig.why, "");
    for (int phase = 0; phase < ASSAY_PHASES; phase++) {
        assert_true(b->entrant.series[phase].count >= ASSAY_SAMPLES_LEAST);
        assert_true(b->entrant.series[phase].calls >= 1);
        assert_true(b->entrant.series[phase].seconds[0] > 0);
    }
    assert_int_equal(b->entrant.series[ASSAY_PHASE_LOSS].calls, 1);
}

static void what_the_timed_calls_left_behind_is_right(void **state)
{
    bed *b = *state;
    double margin, seconds;
    measure_all(b);
    assert_int_equal(assay_outcome_judge(&b->of, b->entrants, 1, &margin, &seconds), ASSAY_OK);
    assert_int_equal(b->court.steps, 1);
    assert_int_equal(b->court.later, 1);
    assert_int_equal(b->court.phases, 1);
    assert_int_equal(b->court.infer, 1);
    assert_true(b->court.worst < 1e-4); /* the suite's own limits are tighter, and are not at stake here */
    assert_true(margin == 0.5);
}

static void what_was_not_kept_leaves_no_number(void **state)
{
    bed *b = *state;
    double margin, seconds;
    measure_all(b);
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
    measure_all(b);
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
    measure_all(b);
    b->of.peak = 1e-6; /* GFLOP/s: then no step of this network can take less than 30 s */
    assert_int_equal(assay_outcome_judge(&b->of, b->entrants, 1, &margin, &seconds), ASSAY_OK);
    assert_int_equal(b->entrant.rig.verdict, ASSAY_VERDICT_MISTRUSTED);
    assert_int_equal(assay_outcome_record(&b->of, &b->entrant, margin, &records), 0);
}

static void a_right_result_has_a_record_for_every_phase(void **state)
{
    bed *b = *state;
    double margin, seconds;
    assay_records records = {0};
    measure_all(b);
    b->of.calibration_after = 96; /* 4 % slower than before */
    assert_int_equal(assay_outcome_judge(&b->of, b->entrants, 1, &margin, &seconds), ASSAY_OK);
    assert_int_equal(assay_outcome_record(&b->of, &b->entrant, margin, &records), ASSAY_PHASES);
    const assay_record *r = assay_records_find(&records, "test.small", b->entrant.rig.about.name, "fp32", "step");
    assert_non_null(r);
    assert_true(r->n >= ASSAY_SAMPLES_LEAST && r->median_ms > 0 && r->low_ms <= r->high_ms);
    assert_true(r->worker_ms > 0 && r->worker_ms <= r->median_ms * 1.5);
    assert_int_equal(r->fit, 0);
    assert_true(r->seed == 7 && r->kept_state == 1);
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
    measure_all(b);
    assert_int_equal(b->entrant.series[ASSAY_PHASE_STEP].count, 0);
}

/* The other entrant's worker is stopped while one is timed, and answers again afterwards. */
static void two_entrants_take_turns(void **state)
{
    const assay_session_options so = {.threads = 1, .time_limit = 60, .worker = ASSAY_WORKER};
    bed *b = *state;
    assay_entrant *other = calloc(1, sizeof *other), *both[] = {&b->entrant, other};
    assert_non_null(other);
    assert_true(assay_rig_start(&other->rig, ASSAY_PLUGIN, &so, &small.problem));
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

static void a_sample_holds_at_least_twenty_milliseconds(void **state)
{
    (void)state;
    assert_int_equal(assay_timer_calls(ASSAY_PHASE_STEP, 0.001), 20);
    assert_int_equal(assay_timer_calls(ASSAY_PHASE_STEP, 0.003), 7);
    assert_int_equal(assay_timer_calls(ASSAY_PHASE_STEP, 0.5), 1);
    assert_int_equal(assay_timer_calls(ASSAY_PHASE_STEP, 0), 1000);
    assert_int_equal(assay_timer_calls(ASSAY_PHASE_LOSS, 0.001), 1);
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
        cmocka_unit_test(a_sample_holds_at_least_twenty_milliseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
