/* test_history.c: which records are one line over commits, and in which order.
 * SPDX-License-Identifier: MIT */
#include "perf/history.h"

#include "perf/tests/sample.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

enum { B1_QUICK_STEP = 12, RECORDS = 15, LINES = 3 }; /* of the sample: b1 by two, c by one */

/* Three commits, given as b, c, a; each measured in the order a, b, c, a day apart. */
static assay_records three_commits(void)
{
    static const char order[] = {'b', 'c', 'a'};
    assay_records list = {0};
    for (int k = 0; k < 3; k++) {
        assay_records one = assay_sample_records();
        for (int32_t r = 0; r < one.count; r++) {
            snprintf(one.at[r].commit, sizeof one.at[r].commit, "%c23456789abc", order[k]);
            snprintf(one.at[r].time, sizeof one.at[r].time, "2026-02-0%dT00:00:00Z", 1 + order[k] - 'a');
            one.at[r].seed = (uint64_t)k;
            assert_int_equal(assay_records_add(&list, &one.at[r]), ASSAY_OK);
        }
        free(one.at); /* samples are the list's now */
        free(one.left);
    }
    return list;
}

static void expect_order(const assay_records *list, int32_t lines, const char *commits)
{
    assay_histories h;
    assert_int_equal(assay_histories_make(list, &h), ASSAY_OK);
    assert_int_equal(h.count, lines);
    for (int32_t k = 0; h.count && k < (int32_t)strlen(commits); k++)
        assert_int_equal(h.at[0].at[k]->commit[0], commits[k]);
    if (h.count) assert_int_equal(h.at[0].count, strlen(commits));
    assay_histories_free(&h);
}

static void without_their_commits_times_the_measurements_order_them(void **state)
{
    (void)state;
    assay_records list = three_commits();
    expect_order(&list, LINES, "abc");
    assay_records_free(&list);
}

/* An old commit that was measured again stands where it was made. */
static void the_commits_time_comes_before_the_measurements(void **state)
{
    (void)state;
    assay_records list = three_commits();
    for (int32_t k = 0; k < list.count; k++)
        snprintf(list.at[k].commit_time, sizeof list.at[k].commit_time, "2026-01-0%dT00:00:00Z",
                 1 + 'c' - list.at[k].commit[0]);
    expect_order(&list, LINES, "cba");
    assay_records_free(&list);
}

static void one_commit_has_no_history(void **state)
{
    (void)state;
    assay_records list = three_commits();
    for (int32_t k = 0; k < list.count; k++)
        list.at[k].commit[0] = 'a';
    expect_order(&list, 0, "");
    assay_records_free(&list);
}

static void another_device_or_node_is_another_line(void **state)
{
    (void)state;
    assay_records list = three_commits();
    for (int32_t k = 0; k < RECORDS; k++) /* b */
        snprintf(list.at[k].machine.node, sizeof list.at[k].machine.node, "node-7");
    expect_order(&list, LINES, "ac");
    for (int32_t k = RECORDS; k < 2 * RECORDS; k++) /* c */
        list.at[k].machine.cores = 64;
    expect_order(&list, 0, "");
    assay_records_free(&list);
}

static void a_change_is_told_from_one_commit_to_the_next(void **state)
{
    (void)state;
    assay_records list = three_commits();
    assay_record *c = &list.at[RECORDS + B1_QUICK_STEP];
    for (int32_t k = 0; k < c->n; k++)
        c->samples_ms[k] *= 1.2;
    c->median_ms *= 1.2;
    list.at[B1_QUICK_STEP].calibration_before = list.at[B1_QUICK_STEP].calibration_after = 201;
    assay_histories h;
    assert_int_equal(assay_histories_make(&list, &h), ASSAY_OK);
    assert_string_equal(h.at[1].at[0]->implementation, "quick");
    assert_int_equal(h.at[1].change[1].change, ASSAY_SAME);
    assert_int_equal(h.at[1].change[2].change, ASSAY_SLOWER);
    assay_histories_free(&h);
    c->calibration_before = c->calibration_after = 220; /* another clock */
    assert_int_equal(assay_histories_make(&list, &h), ASSAY_OK);
    assert_int_equal(h.at[1].change[2].change, ASSAY_UNDECIDED);
    assert_non_null(strstr(h.at[1].change[2].why, "more than 3 % apart"));
    assay_histories_free(&h);
    assay_records_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_their_commits_times_the_measurements_order_them),
        cmocka_unit_test(the_commits_time_comes_before_the_measurements),
        cmocka_unit_test(one_commit_has_no_history),
        cmocka_unit_test(another_device_or_node_is_another_line),
        cmocka_unit_test(a_change_is_told_from_one_commit_to_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
