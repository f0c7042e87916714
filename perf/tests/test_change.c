/* test_change.c: verdicts on two records with known answers, and when there is none.
 * SPDX-License-Identifier: MIT */
#include "perf/compare.h"

#include "perf/tests/sample.h"
#include "reference/data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

enum { N = 30 };

typedef struct sides {
    assay_record before, after;
    double a[N], b[N];
} sides;

static void set_samples(assay_record *r, double *samples, uint64_t stream, double ms, double spread)
{
    assay_random_fill_uniform(9, stream, ms * (1 - spread), ms * (1 + spread), samples, N);
    r->samples_ms = samples;
    r->n = N;
    r->median_ms = assay_stats_of(samples, N).median;
}

/* 100 ms, then `factor` times as long, each with so much spread. */
static sides *make(double factor, double spread)
{
    sides *s = calloc(1, sizeof *s);
    assert_non_null(s);
    snprintf(s->before.workload, sizeof s->before.workload, "b1");
    snprintf(s->before.implementation, sizeof s->before.implementation, "one");
    snprintf(s->before.machine.cpu, sizeof s->before.machine.cpu, "a processor");
    s->before.calibration_before = s->before.calibration_after = 200;
    s->before.fit = 1;
    s->before.round_trip_ms = 0.05;
    s->before.machine.cores = 2;
    s->before.seed = 1;
    s->after = s->before;
    s->after.seed = 2;
    set_samples(&s->before, s->a, 1, 100, spread);
    set_samples(&s->after, s->b, 2, 100 * factor, spread);
    return s;
}

static void expect(sides *s, assay_change change, const char *why)
{
    const assay_comparison c = assay_compare(&s->before, &s->after);
    assert_string_equal(assay_change_name(c.change), assay_change_name(change));
    assert_true(c.change == ASSAY_UNDECIDED ? c.why[0] != 0 : c.why[0] == 0);
    if (why) assert_non_null(strstr(c.why, why));
    free(s);
}

static void clear_changes_are_named(void **state)
{
    (void)state;
    expect(make(1.0, 0.01), ASSAY_SAME, NULL);
    expect(make(1.01, 0.005), ASSAY_SAME, NULL);
    expect(make(1.1, 0.01), ASSAY_SLOWER, NULL);
    expect(make(0.9, 0.01), ASSAY_FASTER, NULL);
}

static void what_the_spread_hides_is_undecided(void **state)
{
    (void)state;
    expect(make(1.0, 0.5), ASSAY_UNDECIDED, "more samples");
    expect(make(1.03, 0.02), ASSAY_UNDECIDED, "more samples");
}

static void the_interval_holds_the_ratio(void **state)
{
    (void)state;
    sides *s = make(1.25, 0.1);
    const assay_comparison c = assay_compare(&s->before, &s->after);
    assert_int_equal(c.paired, 0);
    assert_true(c.ratio.low < c.median && c.median < c.ratio.high);
    assert_true(c.ratio.low > 1.15 && c.ratio.high < 1.35);
    free(s);
}

static void other_machines_are_not_compared(void **state)
{
    (void)state;
    sides *s = make(2, 0.01);
    s->after.machine.cpu[0] = 'b';
    expect(s, ASSAY_UNDECIDED, "processor differ");
    s = make(2, 0.01);
    s->after.machine.cores = 4;
    expect(s, ASSAY_UNDECIDED, "cores differ: 2, then 4");
}

static void other_work_is_not_compared(void **state)
{
    (void)state;
    sides *s = make(2, 0.01);
    snprintf(s->after.work.logits, sizeof s->after.work.logits, "materialised");
    expect(s, ASSAY_UNDECIDED, "logits differ: '', then 'materialised'");
}

static void calibrations_must_agree(void **state)
{
    (void)state;
    sides *s = make(2, 0.01);
    s->after.calibration_before = s->after.calibration_after = 207;
    expect(s, ASSAY_UNDECIDED, "more than 3 % apart");
    s = make(2, 0.01);
    s->after.calibration_before = s->after.calibration_after = 205;
    expect(s, ASSAY_SLOWER, NULL);
    s = make(2, 0.01);
    s->after.calibration_after = NAN; /* of a file: null */
    expect(s, ASSAY_UNDECIDED, "apart");
    s = make(2, 0.01);
    s->before.fit = 0;
    s->before.drift = 0.05;
    expect(s, ASSAY_UNDECIDED, "the old run's calibration drifted by 5.0 %");
    s = make(2, 0.01);
    s->after.disturbed = s->after.n / 10 + 1;
    expect(s, ASSAY_UNDECIDED, "of the new run's");
}

static void few_samples_decide_nothing(void **state)
{
    (void)state;
    sides *s = make(2, 0.01);
    s->after.n = ASSAY_SAMPLES_LEAST - 1;
    expect(s, ASSAY_UNDECIDED, "at least 5 expected");
}

/* Two times may differ by what the clock itself has around them. */
static void less_than_a_round_trip_is_no_change(void **state)
{
    (void)state;
    sides *s = make(1.2, 0.01);
    s->after.round_trip_ms = 50;
    expect(s, ASSAY_UNDECIDED, "round trip");
}

/* Common drift of a run, far larger than the change, cancels in pairs and only there. */
static void one_run_is_compared_in_pairs(void **state)
{
    (void)state;
    for (int paired = 0; paired < 2; paired++) {
        sides *s = make(1, 0);
        snprintf(s->after.implementation, sizeof s->after.implementation, "another");
        for (int k = 0; k < N; k++) {
            s->a[k] = 100 + 10 * k;
            s->b[k] = 1.1 * s->a[k];
        }
        s->after.seed = paired ? 1 : 2;
        s->before.median_ms = assay_stats_of(s->a, N).median;
        s->after.median_ms = assay_stats_of(s->b, N).median;
        assert_int_equal(assay_compare(&s->before, &s->after).paired, paired);
        expect(s, paired ? ASSAY_SLOWER : ASSAY_UNDECIDED, NULL);
    }
}

static void lists_are_matched_by_name(void **state)
{
    (void)state;
    assay_records a = assay_sample_records(), b = assay_sample_records();
    assay_comparisons c;
    char why[256] = "";
    b.count--; /* its c.emb-lstm.h128 */
    assert_int_equal(assay_compare_lists(&a, &b, NULL, NULL, &c, why, sizeof why), ASSAY_OK);
    assert_int_equal(c.count, 14);
    assert_true(c.counts[ASSAY_SAME] == 14 && c.only_before == 1 && c.only_after == 0);
    assay_comparisons_free(&c);
    assert_int_equal(assay_compare_lists(&a, &b, "quick", "slow", &c, why, sizeof why), ASSAY_OK);
    assert_int_equal(c.count, 7);
    assert_true(c.counts[ASSAY_SLOWER] == 7 && c.at[0].paired && c.only_before == 1 && c.only_after == 0);
    assay_comparisons_free(&c);
    b.count++;
    assay_records_free(&a);
    assay_records_free(&b);
}

static void what_cannot_be_matched_is_refused(void **state)
{
    (void)state;
    assay_records a = assay_sample_records(), b = assay_sample_records(), none = {0};
    assay_comparisons c;
    char why[256] = "";
    assert_int_equal(assay_compare_lists(&a, &none, NULL, NULL, &c, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_non_null(strstr(why, "no record in common"));
    assert_int_equal(assay_compare_lists(&a, &b, "quick", "slwo", &c, why, sizeof why), ASSAY_BAD_ARGUMENT);
    const assay_record second = b.at[1];
    b.at[1] = b.at[0];
    assert_int_equal(assay_compare_lists(&a, &b, NULL, NULL, &c, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_string_equal(why, "NEW has two records of b1.lstm-ce-short slow fp32 pack: expected one");
    b.at[1] = second; /* whose samples are its own */
    assay_records_free(&a);
    assay_records_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clear_changes_are_named),           cmocka_unit_test(what_the_spread_hides_is_undecided),
        cmocka_unit_test(the_interval_holds_the_ratio),      cmocka_unit_test(other_machines_are_not_compared),
        cmocka_unit_test(other_work_is_not_compared),        cmocka_unit_test(calibrations_must_agree),
        cmocka_unit_test(few_samples_decide_nothing),        cmocka_unit_test(less_than_a_round_trip_is_no_change),
        cmocka_unit_test(one_run_is_compared_in_pairs),      cmocka_unit_test(lists_are_matched_by_name),
        cmocka_unit_test(what_cannot_be_matched_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
