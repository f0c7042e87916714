/* test_share.c: no workload of a run takes what another cannot do without, and none that never fits takes anything.
 * SPDX-License-Identifier: MIT */
#include "perf/share.h"

#include <math.h>
#include <stdio.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static int near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fabs(b);
}

static void what_nobody_wants_is_divided_equally(void **state)
{
    const double wanted[] = {10, 20, 30}, nothing[] = {0, 0};
    (void)state;
    assert_true(near(assay_share_of(wanted, 3, 120), 30));
    assert_true(near(assay_share_of(wanted + 1, 2, 90), 40));
    assert_true(near(assay_share_of(wanted + 2, 1, 50), 50));
    assert_true(near(assay_share_of(nothing, 2, 30), 15));
}

static void where_too_much_is_wanted_nobody_gets_more_than_an_equal_part(void **state)
{
    const double wanted[] = {10, 20, 30};
    (void)state;
    assert_true(near(assay_share_of(wanted, 3, 45), 10));
    assert_true(near(assay_share_of(wanted, 3, 24), 8));
    assert_true(near(assay_share_of(wanted + 1, 2, 30), 15));
}

/* A run of b1 and b3, the larger of which has 80 times the work. */
static double first_of(const char *const *ids, int count, double left)
{
    static const assay_bench_options options = {.plugin_count = 2};
    const assay_bench b = {.o = &options, .peak = 200, .truth_rate = 40, .rate = {{150, 100}}};
    assay_point points[4];
    for (int k = 0; k < count; k++)
        points[k].workload = *assay_workload_by_id(ids[k]);
    return assay_share(&b, points, count, left);
}

static void a_large_one_gets_what_a_small_one_does_not_need(void **state)
{
    const char *const ids[] = {"b1.lstm-ce-short", "b3.blstm4-ce-long"};
    const double small = first_of(ids, 2, 600);
    (void)state;
    assert_true(small > 0 && small < 100);
    assert_true(near(first_of(ids + 1, 1, 600 - small), 600 - small));
}

static void who_never_fits_takes_nothing(void **state)
{
    const char *const ids[] = {"b1.lstm-ce-short", "b2.lstm-ce-long", "b3.blstm4-ce-long"};
    const double with = first_of(ids, 3, 20), without = first_of(ids, 2, 20);
    (void)state;
    assert_true(near(with, without));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nobody_wants_is_divided_equally),
        cmocka_unit_test(where_too_much_is_wanted_nobody_gets_more_than_an_equal_part),
        cmocka_unit_test(a_large_one_gets_what_a_small_one_does_not_need),
        cmocka_unit_test(who_never_fits_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
