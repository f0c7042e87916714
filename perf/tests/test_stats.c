/* test_stats.c: order statistics and verdicts with known answers; what the bootstrap must and must not claim.
 * SPDX-License-Identifier: MIT */
#include "perf/stats.h"

#include "reference/data.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static int near(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fabs(b);
}

/* Not evenly spaced: or each quantile would lie on the line through the two smallest. */
static void quartiles_interpolate(void **state)
{
    (void)state;
    const double samples[] = {8, 1, 4, 2};
    assay_stats s = assay_stats_of(samples, 4);
    assert_true(near(s.q1, 1.75) && near(s.median, 3) && near(s.q3, 5));
    assert_true(near(s.p95, 7.4) && near(s.mean, 3.75));
    assert_true(s.min == 1 && s.max == 8 && s.n == 4);
}

static void one_sample_is_every_quantile(void **state)
{
    (void)state;
    const double sample = 7;
    assay_stats s = assay_stats_of(&sample, 1);
    assert_true(s.min == 7 && s.q1 == 7 && s.median == 7 && s.p95 == 7 && s.max == 7);
}

static void nothing_measured_is_not_a_number(void **state)
{
    (void)state;
    assert_true(isnan(assay_stats_of(NULL, 0).median));
    assert_true(isnan(assay_stats_median_interval(NULL, 0, 1).low));
}

static void equal_samples_have_no_width(void **state)
{
    (void)state;
    const double samples[] = {3, 3, 3, 3, 3, 3};
    assay_interval i = assay_stats_median_interval(samples, 6, 1);
    assert_true(i.low == 3 && i.high == 3);
}

/* Of many sets of 40 draws from U(0,1) the interval must hold the true median, 0.5, in about 95 %: 5 sigma either way.
 */
static void interval_covers_the_median(void **state)
{
    (void)state;
    enum { SETS = 200, N = 40 };
    int covered = 0;
    for (uint64_t set = 0; set < SETS; set++) {
        double samples[N];
        assay_random_fill_uniform(5, set, 0, 1, samples, N);
        assay_interval i = assay_stats_median_interval(samples, N, set);
        covered += i.low <= 0.5 && 0.5 <= i.high;
    }
    assert_in_range(covered, 175, SETS);
}

/* Drift that hits both sides alike must not widen the ratio. */
static void pairs_cancel_common_drift(void **state)
{
    (void)state;
    double a[32], b[32];
    for (int k = 0; k < 32; k++) {
        b[k] = 1 + 0.5 * k;
        a[k] = 1.25 * b[k];
    }
    assay_interval i = assay_stats_ratio_interval(a, b, 32, 3);
    assert_true(near(i.low, 1.25) && near(i.high, 1.25));
}

/* Sides that were taken apart: of many sets with medians 1 and 2 the interval must hold 2 in about 95 %, and a side's
 * own spread must widen it. */
static void sides_apart_are_drawn_apart(void **state)
{
    (void)state;
    enum { SETS = 200, A = 40, B = 25 };
    int covered = 0;
    for (uint64_t set = 0; set < SETS; set++) {
        double a[A], b[B];
        assay_random_fill_uniform(6, 2 * set, 1, 3, a, A);
        assay_random_fill_uniform(6, 2 * set + 1, 0.5, 1.5, b, B);
        assay_interval i = assay_stats_ratio_apart(a, A, b, B, set);
        covered += i.low <= 2 && 2 <= i.high;
    }
    assert_in_range(covered, 175, SETS);
    const double still[] = {2, 2, 2}, moved[] = {1, 2, 4, 8};
    assay_interval none = assay_stats_ratio_apart(still, 3, still, 2, 1),
                   wide = assay_stats_ratio_apart(moved, 4, still, 3, 1);
    assert_true(none.low == 1 && none.high == 1);
    assert_true(wide.low < 0.8 && wide.high > 2);
    assert_true(isnan(assay_stats_ratio_apart(still, 3, NULL, 0, 1).low));
}

static void five_samples_are_never_settled(void **state)
{
    (void)state;
    const double samples[] = {1, 1, 1, 1, 1};
    assert_false(assay_stats_settled(samples, 5, 1));
}

static void quiet_samples_settle_at_thirty(void **state)
{
    (void)state;
    double samples[30];
    assay_random_fill_uniform(1, 1, 1.000, 1.005, samples, 30);
    assert_false(assay_stats_settled(samples, 29, 1));
    assert_true(assay_stats_settled(samples, 30, 1));
}

static void noisy_samples_do_not_settle_until_the_most(void **state)
{
    (void)state;
    double samples[ASSAY_SAMPLES_MOST];
    assay_random_fill_uniform(1, 2, 1, 3, samples, ASSAY_SAMPLES_MOST);
    assert_false(assay_stats_settled(samples, 40, 1));
    assert_true(assay_stats_settled(samples, ASSAY_SAMPLES_MOST, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quartiles_interpolate),
        cmocka_unit_test(one_sample_is_every_quantile),
        cmocka_unit_test(nothing_measured_is_not_a_number),
        cmocka_unit_test(equal_samples_have_no_width),
        cmocka_unit_test(interval_covers_the_median),
        cmocka_unit_test(pairs_cancel_common_drift),
        cmocka_unit_test(sides_apart_are_drawn_apart),
        cmocka_unit_test(five_samples_are_never_settled),
        cmocka_unit_test(quiet_samples_settle_at_thirty),
        cmocka_unit_test(noisy_samples_do_not_settle_until_the_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
