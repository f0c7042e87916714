/* test_scale.c: points along an axis, lines with known answers, and where times bend.
 * SPDX-License-Identifier: MIT */
#include "perf/scale.h"

#include "perf/report.h"
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

enum { N = 6 };

static int near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fabs(b);
}

static void points_keep_all_but_the_size(void **state)
{
    (void)state;
    const assay_workload *b2 = assay_workload_by_id("b2.lstm-ce-long");
    assay_point p[ASSAY_MOST_POINTS];
    assert_int_equal(assay_scale_points(b2, ASSAY_AXIS_T, 2, p), 5);
    assert_string_equal(p[0].id, "b2.lstm-ce-long:t=125");
    assert_ptr_equal(p[0].workload.id, p[0].id);
    assert_true(p[0].workload.problem.t == 125 && p[0].workload.problem.n == 32 && p[0].threads == 0);
    assert_string_equal(p[4].id, "b2.lstm-ce-long");
    assert_int_equal(assay_scale_points(b2, ASSAY_AXIS_H, 2, p), 6);
    assert_string_equal(p[5].id, "b2.lstm-ce-long:h=480");
    assert_true(assay_scale_is_point(p[5].id) && !assay_scale_is_point(p[4].id));
}

static void threads_go_up_to_the_cores(void **state)
{
    (void)state;
    const assay_workload *b1 = assay_workload_by_id("b1.lstm-ce-short");
    assay_point p[ASSAY_MOST_POINTS];
    assert_int_equal(assay_scale_points(b1, ASSAY_AXIS_THREADS, 2, p), 2);
    assert_true(p[0].threads == 1 && p[1].threads == 2 && p[1].workload.problem.t == 100);
    assert_string_equal(p[1].id, "b1.lstm-ce-short:threads=2");
    assert_int_equal(assay_scale_points(b1, ASSAY_AXIS_THREADS, 16, p), 7); /* 1 2 3 4 6 8 16 */
    assert_int_equal(p[6].threads, 16);
}

/* 100 labels of CTC, all equal, take 199 frames; b4's shortest row has T/2. */
static void strings_that_do_not_fit_are_left_out(void **state)
{
    (void)state;
    const assay_workload *b4 = assay_workload_by_id("b4.blstm4-ctc-long");
    assay_point p[ASSAY_MOST_POINTS];
    assert_int_equal(assay_scale_points(b4, ASSAY_AXIS_T, 2, p), 3);
    assert_int_equal(p[0].workload.problem.t, 500);
    assert_int_equal(assay_scale_points(b4, ASSAY_AXIS_N, 2, p), 5);
    assert_true(p[0].workload.problem.n == 4 && p[0].workload.problem.labels == 400);
    for (int k = 0; k < 5; k++)
        assert_ptr_equal(p[k].workload.id, p[k].id);
}

static void a_line_is_found_again(void **state)
{
    (void)state;
    const double x[N] = {1, 2, 4, 8, 12, 16};
    double y[N];
    for (int k = 0; k < N; k++)
        y[k] = 3 + 0.5 * x[k];
    const assay_fit f = assay_fit_of(x, y, NULL, N);
    assert_true(near(f.all.a, 3) && near(f.all.b, 0.5) && f.all.worst < 1e-12 && f.bend == 0);
}

/* Weights are relative: an error of 10 % of the largest does not drown the smallest. */
static void small_times_count_as_much_as_large_ones(void **state)
{
    (void)state;
    const double x[] = {1, 2, 100}, y[] = {1, 2, 110};
    const assay_fit f = assay_fit_of(x, y, NULL, 3);
    assert_true(fabs(f.all.a + f.all.b - 1) < 0.1 && f.all.worst < 0.1);
}

static void a_bend_is_found_where_it_is(void **state)
{
    (void)state;
    const double x[N] = {1, 2, 3, 4, 5, 6};
    const double cache[N] = {1, 2, 3, 6, 9, 12}; /* slope 1 up to 3, slope 3 from there on */
    const assay_fit f = assay_fit_of(x, cache, NULL, N);
    assert_true(f.bend == 3 || f.bend == 2); /* the point at the bend lies on both lines */
    assert_true(near(f.after.b, 3));
    const double wide[N] = {1, 1, 1, 1, 1, 1};
    assert_int_equal(assay_fit_of(x, cache, wide, N).bend, 0); /* may be chance */
    const double noisy[N] = {1.01, 1.98, 3.02, 3.97, 5.03, 5.98};
    assert_int_equal(assay_fit_of(x, noisy, NULL, N).bend, 0);
    const double scattered[N] = {1, 2.4, 2.7, 4.6, 4.5, 6.6}; /* far off, but no two lines are better */
    assert_int_equal(assay_fit_of(x, scattered, NULL, N).bend, 0);
}

static void few_points_have_no_bend(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4}, y[] = {1, 5, 6, 20};
    assert_true(isnan(assay_fit_of(x, y, NULL, 1).all.a) && assay_fit_of(x, y, NULL, 1).bend == 0);
    assert_true(near(assay_fit_of(x, y, NULL, 2).all.b, 4));
    assert_int_equal(assay_fit_of(x, y, NULL, 3).bend, 0);
    assert_int_equal(assay_fit_of(x, y, NULL, 4).bend, 0);
}

/* The sample's two implementations, b1's step at `size` of the axis taking size * ms. */
static void add_points(assay_records *list, const char *axis, const double *sizes, int count)
{
    for (int k = 0; k < count; k++) {
        assay_records one = assay_sample_records();
        for (int32_t r = 0; r < one.count; r++) {
            assay_record *x = &one.at[r];
            if (strcmp(x->phase, "step") || x->workload[0] != 'b') {
                free(x->samples_ms);
                continue;
            }
            snprintf(x->workload, sizeof x->workload, "b1.lstm-ce-short:%s=%g", axis, sizes[k]);
            x->median_ms = !strcmp(axis, "t") ? x->median_ms * sizes[k] / 100 : x->median_ms * (1 + 1 / sizes[k]);
            assert_int_equal(assay_records_add(list, x), ASSAY_OK);
        }
        one.count = 0;
        assay_records_free(&one);
    }
}

static void records_make_one_table_an_implementation_and_axis(void **state)
{
    (void)state;
    const double t[] = {75, 25, 50}, threads[] = {1, 2};
    assay_records list = assay_sample_records();
    add_points(&list, "t", t, 3);
    add_points(&list, "threads", threads, 2);
    assay_scalings s;
    assert_int_equal(assay_scalings_make(&list, &s), ASSAY_OK);
    assert_int_equal(s.count, 4);
    assert_int_equal(s.at[0].count, 4); /* the documented size is one of them */
    for (int k = 0; k < 4; k++)
        assert_true(s.at[0].size[k] == 25 * (k + 1));
    assert_true(s.at[0].fit.bend == 0 && fabs(s.at[0].fit.all.a) < 1e-6 && s.at[0].fit.all.worst < 1e-9);
    assert_int_equal(s.at[2].axis, ASSAY_AXIS_THREADS);
    assert_int_equal(s.at[2].count, 2);
    assert_true(near(s.at[2].x[1], 0.5) && near(s.at[2].fit.all.a, s.at[2].fit.all.b));
    assay_scalings_free(&s);
    assay_records_free(&list);
}

static void reports_have_the_tables_apart(void **state)
{
    (void)state;
    const double t[] = {25, 50};
    assay_records list = assay_sample_records();
    add_points(&list, "t", t, 2);
    static const struct {
        assay_report_format format;
        const char *head, *verdict;
    } expected[] = {
        {ASSAY_REPORT_TABLE, "scaling: b1.lstm-ce-short, a training step against steps T, slow fp32", "ms = "},
        {ASSAY_REPORT_MARKDOWN, "## b1.lstm-ce-short: a training step against steps T, quick fp32", "ms = "},
        {ASSAY_REPORT_HTML, "<h2>b1.lstm-ce-short against steps T</h2>", "ms = "}};
    for (int k = 0; k < 3; k++) {
        char *text = assay_report_text(&list, expected[k].format);
        assert_non_null(text);
        assert_non_null(strstr(text, expected[k].head));
        assert_non_null(strstr(text, expected[k].verdict));
        assert_null(strstr(text, "b1.lstm-ce-short:t="));
        if (expected[k].format == ASSAY_REPORT_HTML) {
            const char *svg = strstr(text, expected[k].head), *end = strstr(svg, "</svg>");
            int marks = 0;
            for (const char *at = svg; (at = strstr(at, "<rect class=\"part")) && at < end; at++)
                marks++;
            assert_int_equal(marks, 6); /* three sizes of two implementations, inside the chart */
        }
        free(text);
    }
    assay_records_free(&list);
}

static void ids_of_others_are_no_points(void **state)
{
    (void)state;
    static const char *const ids[] = {"b1.lstm-ce-short:t=", "b1.lstm-ce-short:q=5", "nothing:t=5",
                                      "b1.lstm-ce-short:t=5x", "b1.lstm-ce-short:t=-5"};
    for (size_t k = 0; k < sizeof ids / sizeof *ids; k++) {
        assay_records list = assay_sample_records();
        assay_scalings s;
        snprintf(list.at[5].workload, sizeof list.at[5].workload, "%s", ids[k]);
        assert_int_equal(assay_scalings_make(&list, &s), ASSAY_OK);
        assert_int_equal(s.count, 0);
        assay_scalings_free(&s);
        assay_records_free(&list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_keep_all_but_the_size),
        cmocka_unit_test(threads_go_up_to_the_cores),
        cmocka_unit_test(strings_that_do_not_fit_are_left_out),
        cmocka_unit_test(a_line_is_found_again),
        cmocka_unit_test(small_times_count_as_much_as_large_ones),
        cmocka_unit_test(a_bend_is_found_where_it_is),
        cmocka_unit_test(few_points_have_no_bend),
        cmocka_unit_test(records_make_one_table_an_implementation_and_axis),
        cmocka_unit_test(reports_have_the_tables_apart),
        cmocka_unit_test(ids_of_others_are_no_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
