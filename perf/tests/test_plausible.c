/* test_plausible.c: what no honest time can be is an accusation, and what a crowd can make of one is none.
 * SPDX-License-Identifier: MIT
 *
 * Entrants of ten samples each, made up: a time that a rule does not allow, and so many samples in which threads
 * waited. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "perf/plausible.h"
#include "perf/tests/bed.h"

#define SAMPLES 10
#define STEP    0.1 /* seconds, of each call */

static const assay_measurement measurement = {.workload = &bed_small};
static const assay_outcome_of court = {.measurement = &measurement, .problem = &bed_small.problem, .peak = 1e6};

static void fill(assay_series *s, double seconds, double worker)
{
    for (int k = 0; k < SAMPLES; k++)
        assert_true(assay_series_add(s, seconds, worker));
}

/* Honest in everything: pack and unpack take no time, and the clocks agree. */
static void make(assay_entrant *e)
{
    memset(e, 0, sizeof *e);
    e->threads = 2;
    e->rig.problem = bed_small.problem;
    for (int phase = 0; phase < ASSAY_PHASES; phase++) {
        fill(&e->series[phase], STEP, STEP);
        fill(&e->packing[phase], 1e-6, 1e-6);
        fill(&e->unpacking[phase], 1e-6, 1e-6);
        fill(&e->ahead[phase], 0, 0);
    }
}

static void again(assay_series *s, double seconds, double worker)
{
    assay_series_free(s);
    fill(s, seconds, worker);
}

static void early(assay_entrant *e)
{
    again(&e->packing[ASSAY_PHASE_FORWARD], STEP, STEP);
}

static void late(assay_entrant *e)
{
    again(&e->unpacking[ASSAY_PHASE_BACKWARD], STEP, STEP);
}

static void two_clocks(assay_entrant *e)
{
    again(&e->series[ASSAY_PHASE_INFER], STEP, STEP / 2);
}

static void too_fast(assay_entrant *e)
{
    again(&e->series[ASSAY_PHASE_STEP], 1e-15, 1e-15);
}

static void more_processors(assay_entrant *e)
{
    e->series[ASSAY_PHASE_STEP].cpu_seconds = 4 * SAMPLES * STEP;
}

static void ahead(assay_entrant *e)
{
    again(&e->ahead[ASSAY_PHASE_STEP], STEP, STEP);
}

typedef void (*fault)(assay_entrant *e);

static void judge(fault made, int32_t waited, assay_entrant *e)
{
    make(e);
    if (made) made(e);
    for (int phase = 0; phase < ASSAY_PHASES; phase++)
        e->series[phase].disturbed = e->packing[phase].disturbed = e->unpacking[phase].disturbed = waited;
    assay_plausible_judge(&court, e);
}

static void done(assay_entrant *e)
{
    assay_records none = {0};
    if (e->rig.verdict != ASSAY_VERDICT_PASS) assert_int_equal(assay_outcome_record(&court, e, 0, &none), 0);
    assert_int_equal(none.count, 0);
    assay_entrant_forget(e);
}

static void who_is_honest_is_not_accused(void **state)
{
    static const int32_t waited[] = {0, 1, 2, SAMPLES};
    assay_entrant e;
    (void)state;
    for (size_t k = 0; k < sizeof waited / sizeof *waited; k++) {
        judge(NULL, waited[k], &e);
        assert_string_equal(e.rig.why, "");
        assert_int_equal(e.rig.verdict, ASSAY_VERDICT_PASS);
        assay_entrant_forget(&e);
    }
}

/* Up to a tenth of the samples a median is still the implementation's. */
static void what_is_slow_around_a_call_is_an_accusation(void **state)
{
    static const struct {
        fault made;
        const char *why;
    } rows[] = {{early, "pack before it"}, {late, "unpack after it"}, {two_clocks, "must agree"}};
    assay_entrant e;
    (void)state;
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
        for (int32_t waited = 0; waited <= SAMPLES / 10; waited++) {
            judge(rows[k].made, waited, &e);
            assert_int_equal(e.rig.verdict, ASSAY_VERDICT_MISTRUSTED);
            assert_non_null(strstr(e.rig.why, rows[k].why));
            done(&e);
        }
}

/* Waiting makes a call slow, and the parent's clock longer than the worker's: nothing is said, and nothing is timed. */
static void among_samples_that_waited_it_is_none_and_there_is_no_number(void **state)
{
    static const fault slow[] = {early, late, two_clocks};
    assay_entrant e;
    (void)state;
    for (size_t k = 0; k < sizeof slow / sizeof *slow; k++) {
        judge(slow[k], 2, &e);
        assert_int_equal(e.rig.verdict, ASSAY_VERDICT_BROKEN);
        assert_non_null(strstr(e.rig.why, "waited for a processor in 2 of 10"));
        done(&e);
    }
}

/* Nobody hides behind a crowd of his own in one place what is plain in another. */
static void of_both_in_one_row_the_accusation_counts(void **state)
{
    assay_entrant e;
    (void)state;
    make(&e);
    early(&e);
    e.packing[ASSAY_PHASE_FORWARD].disturbed = SAMPLES;
    two_clocks(&e);
    assay_plausible_judge(&court, &e);
    assert_int_equal(e.rig.verdict, ASSAY_VERDICT_MISTRUSTED);
    assert_non_null(strstr(e.rig.why, "must agree"));
    done(&e);
}

/* No crowd makes a call faster than the machine, nor gives it processor time. */
static void what_waiting_cannot_cause_is_an_accusation_in_any_crowd(void **state)
{
    static const fault other[] = {too_fast, more_processors, ahead};
    assay_entrant e;
    (void)state;
    for (size_t k = 0; k < sizeof other / sizeof *other; k++) {
        judge(other[k], SAMPLES, &e);
        assert_int_equal(e.rig.verdict, ASSAY_VERDICT_MISTRUSTED);
        done(&e);
    }
}

/* The worker's clock runs inside the parent's, whoever waits. */
static void a_clock_that_is_ahead_is_one_of_them(void **state)
{
    assay_entrant e;
    (void)state;
    make(&e);
    again(&e.series[ASSAY_PHASE_INFER], STEP, 2 * STEP);
    e.series[ASSAY_PHASE_INFER].disturbed = SAMPLES;
    assay_plausible_judge(&court, &e);
    assert_int_equal(e.rig.verdict, ASSAY_VERDICT_MISTRUSTED);
    done(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_honest_is_not_accused),
        cmocka_unit_test(what_is_slow_around_a_call_is_an_accusation),
        cmocka_unit_test(among_samples_that_waited_it_is_none_and_there_is_no_number),
        cmocka_unit_test(of_both_in_one_row_the_accusation_counts),
        cmocka_unit_test(what_waiting_cannot_cause_is_an_accusation_in_any_crowd),
        cmocka_unit_test(a_clock_that_is_ahead_is_one_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
