/* test_compare.c: the comparer: what passes, what fails, and that nothing that is no number ever passes.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/compare.h"

static const assay_floor tight = {1e-7, 1e-7, 1e-7, 1e-7, 0};

static assay_finding judged(const double *got, const double *truth, int64_t count, int64_t row,
                            const unsigned char *zero)
{
    assay_metric m = {count, row, 0, 0, zero, 0};
    assay_distance d;
    assay_distance_measure(&m, got, truth, &d);
    return assay_finding_judge("v", &m, &d, &tight, ASSAY_FP32, 1e-3);
}

static void equal_values_pass_with_margin_0(void **state)
{
    const double v[] = {1, -2, 3, 0};
    (void)state;
    assay_finding f = judged(v, v, 4, 2, NULL);
    assert_int_equal(f.verdict, ASSAY_VERDICT_PASS);
    assert_true(f.margin == 0);
}

static void a_negative_difference_fails_like_a_positive_one(void **state)
{
    const double truth[] = {1, 2, 3, 4}, low[] = {0, 2, 3, 4}, high[] = {2, 2, 3, 4};
    (void)state;
    assay_finding a = judged(low, truth, 4, 2, NULL), b = judged(high, truth, 4, 2, NULL);
    assert_int_equal(a.verdict, ASSAY_VERDICT_FAIL);
    assert_int_equal(b.verdict, ASSAY_VERDICT_FAIL);
    assert_true(a.margin == b.margin);
}

/* One element of many, where the norms of tensor and row hardly move; and a row whose errors cancel in a plain sum. */
static void what_is_too_low_counts_by_itself_too(void **state)
{
    enum { N = 40000 };
    double *truth = calloc(N, sizeof *truth), *got = calloc(N, sizeof *got);
    const double row[] = {1, 1}, off[] = {1 - 1e-5, 1 + 1e-5};
    assay_metric m = {N, N, 0, 0, NULL, 0}, sums = {2, 2, 1, 0, NULL, 0};
    assay_distance d;
    (void)state;
    for (int k = 0; k < N; k++)
        truth[k] = got[k] = 1;
    got[5] -= 2e-5;
    assay_distance_measure(&m, got, truth, &d);
    assay_finding f = assay_finding_judge("v", &m, &d, &tight, ASSAY_FP32, 1e-3);
    assert_int_equal(f.verdict, ASSAY_VERDICT_FAIL);
    assert_string_equal(f.rule, "element");
    assay_distance_measure(&sums, off, row, &d);
    assert_true(fabs(d.row_ratio - 2e-5 / 2.2) < 1e-10);
    free(truth);
    free(got);
}

static void nan_fails_with_infinite_margin_and_its_place(void **state)
{
    const double truth[] = {1, 2, 3, 4}, got[] = {1, 2, NAN, 4};
    (void)state;
    assay_finding f = judged(got, truth, 4, 2, NULL);
    assert_int_equal(f.verdict, ASSAY_VERDICT_FAIL);
    assert_true(isinf(f.margin));
    assert_string_equal(f.rule, "finite");
    assert_int_equal(f.where, 2);
}

static void all_nan_fails(void **state)
{
    const double truth[] = {0, 0}, got[] = {NAN, NAN};
    (void)state;
    assert_int_equal(judged(got, truth, 2, 1, NULL).verdict, ASSAY_VERDICT_FAIL);
}

static void an_infinity_passes_only_where_the_truth_is_the_same_infinity(void **state)
{
    const double truth[] = {INFINITY, 1}, same[] = {INFINITY, 1}, other[] = {-INFINITY, 1}, finite[] = {1e30, 1};
    const double plain[] = {2, 1};
    (void)state;
    assert_int_equal(judged(same, truth, 2, 1, NULL).verdict, ASSAY_VERDICT_PASS);
    assert_int_equal(judged(other, truth, 2, 1, NULL).verdict, ASSAY_VERDICT_FAIL);
    assert_int_equal(judged(finite, truth, 2, 1, NULL).verdict, ASSAY_VERDICT_FAIL);
    assert_int_equal(judged(same, plain, 2, 1, NULL).verdict, ASSAY_VERDICT_FAIL);
}

static void nan_in_the_truth_is_the_suites_fault(void **state)
{
    const double truth[] = {NAN, 1}, got[] = {NAN, 1};
    (void)state;
    assert_int_equal(judged(got, truth, 2, 1, NULL).verdict, ASSAY_VERDICT_BROKEN);
}

static void a_zero_truth_leaves_no_room(void **state)
{
    const double truth[] = {0, 0}, got[] = {0, 1e-30}, exact[] = {0, -0.0};
    (void)state;
    assert_int_equal(judged(got, truth, 2, 1, NULL).verdict, ASSAY_VERDICT_FAIL);
    assert_int_equal(judged(exact, truth, 2, 1, NULL).verdict, ASSAY_VERDICT_PASS);
}

static void the_contracts_zero_is_exact(void **state)
{
    const double truth[] = {1, 0}, got[] = {1, 1e-30};
    const unsigned char zero[] = {0, 1};
    (void)state;
    assert_int_equal(judged(got, truth, 2, 1, NULL).verdict, ASSAY_VERDICT_PASS);
    assay_finding f = judged(got, truth, 2, 1, zero);
    assert_int_equal(f.verdict, ASSAY_VERDICT_FAIL);
    assert_string_equal(f.rule, "zero");
    assert_int_equal(f.where, 1);
}

/* One row of many, wrong by much: the norm of the whole hardly moves, the row rule sees it. */
static void one_wrong_row_of_many_fails(void **state)
{
    enum { N = 40000 };
    double *truth = calloc(N, sizeof *truth), *got = calloc(N, sizeof *got);
    (void)state;
    for (int k = 0; k < N; k++)
        truth[k] = got[k] = 1 + (k % 7);
    got[777] *= 1 + 1e-5;
    assay_finding f = judged(got, truth, N, 4, NULL);
    assert_int_equal(f.verdict, ASSAY_VERDICT_FAIL);
    assert_string_not_equal(f.rule, "tensor");
    free(truth);
    free(got);
}

static void the_limit_scales_with_the_floor(void **state)
{
    const double truth[] = {1, 1}, got[] = {1 + 1e-6, 1};
    assay_metric m = {2, 1, 0, 0, NULL, 0};
    assay_floor loose = {1e-5, 1e-5, 1e-5, 0, 0};
    assay_distance d;
    (void)state;
    assay_distance_measure(&m, got, truth, &d);
    assert_int_equal(assay_finding_judge("v", &m, &d, &tight, ASSAY_FP32, 1e-3).verdict, ASSAY_VERDICT_FAIL);
    assert_int_equal(assay_finding_judge("v", &m, &d, &loose, ASSAY_FP32, 1e-3).verdict, ASSAY_VERDICT_PASS);
}

/* Noise that was measured on a truth of norm 10 stays what it is where the truth has a norm of 1 only. */
static void a_truth_that_cancels_is_held_to_the_same_noise(void **state)
{
    const double truth[] = {1}, got[] = {1 + 2e-6};
    assay_metric m = {1, 1, 0, 0, NULL, 0};
    assay_floor f = {1e-7, 1e-7, 1e-7, 0, 10};
    assay_distance d;
    (void)state;
    assay_distance_measure(&m, got, truth, &d);
    assay_finding a = assay_finding_judge("v", &m, &d, &f, ASSAY_FP32, 1e-3);
    assert_int_equal(a.verdict, ASSAY_VERDICT_PASS);
    assert_true(fabs(a.margin - 0.5) < 1e-6);
    f.scale = 0.1; /* against a larger truth the ratio holds: noise may grow with what it belongs to */
    assert_int_equal(assay_finding_judge("v", &m, &d, &f, ASSAY_FP32, 1e-3).verdict, ASSAY_VERDICT_FAIL);
    f.scale = 1e5; /* so much cancels that honest noise exceeds the bound */
    assert_int_equal(assay_finding_judge("v", &m, &d, &f, ASSAY_FP32, 1e-3).verdict, ASSAY_VERDICT_ILL_POSED);
}

static void the_tensor_rule_is_four_floors(void **state)
{
    const double truth[] = {1}, got[] = {1 + 2e-7};
    (void)state;
    assay_finding f = judged(got, truth, 1, 1, NULL);
    assert_string_equal(f.rule, "tensor");
    assert_true(fabs(f.margin - 0.5) < 1e-6);
    assert_true(fabs(f.limit - 4e-7) < 1e-12);
}

/* An element that is worse conditioned than its tensor is held to the floor that was measured for elements. */
static void a_measured_element_floor_counts_where_it_is_the_wider(void **state)
{
    enum { N = 10000 };
    double *truth = calloc(N, sizeof *truth), *got = calloc(N, sizeof *got);
    assay_metric m = {N, N, 0, 0, NULL, 0};
    assay_floor narrow = {1e-7, 1, 1e-7, 0, 0}, wide = {1e-7, 1, 1e-5, 0, 0};
    assay_distance d;
    (void)state;
    for (int k = 0; k < N; k++)
        truth[k] = got[k] = 1;
    got[5] += 2e-5;
    assay_distance_measure(&m, got, truth, &d);
    assert_int_equal(assay_finding_judge("v", &m, &d, &narrow, ASSAY_FP32, 1e-3).verdict, ASSAY_VERDICT_FAIL);
    assert_int_equal(assay_finding_judge("v", &m, &d, &wide, ASSAY_FP32, 1e-3).verdict, ASSAY_VERDICT_PASS);
    free(truth);
    free(got);
}

static void an_error_orthogonal_to_ones_fails(void **state)
{
    const double truth[] = {1, 1}, got[] = {1.5, 0.5};
    (void)state;
    assert_int_equal(judged(got, truth, 2, 2, NULL).verdict, ASSAY_VERDICT_FAIL);
}

/* What one unit in the largest element alone would be: the least floor of a tensor that few elements make up. */
static void the_largest_element_has_a_share_of_the_norm(void **state)
{
    const double truth[] = {12, 4, 0, 3, 0, 0};
    assay_metric m = {6, 3, 0, 0, NULL, 0};
    assay_distance d;
    (void)state;
    assay_distance_measure(&m, truth, truth, &d);
    const double rms_row = sqrt((160 + 9) / 2.);
    assert_true(fabs(d.unit - 12 / 13.) < 1e-15);
    assert_true(fabs(d.unit_row - 12 / (sqrt(160) + 0.1 * rms_row)) < 1e-15);
    m.one_norm = 1;
    assay_distance_measure(&m, truth, truth, &d);
    assert_true(fabs(d.unit_row - 3 / (3 + 0.1 * sqrt((256 + 9) / 2.))) < 1e-15);
}

static void row_sums_that_do_not_vanish_fail(void **state)
{
    const double truth[] = {0.5, -0.5}, got[] = {0.5 + 1e-7, -0.5 + 1e-7};
    assay_metric m = {2, 2, 1, 1, NULL, 0};
    assay_floor f = {1e-3, 1e-3, 1e-3, 1e-9, 0};
    assay_distance d;
    (void)state;
    assay_distance_measure(&m, got, truth, &d);
    assay_finding a = assay_finding_judge("dx", &m, &d, &f, ASSAY_FP64, 1e-3);
    assert_int_equal(a.verdict, ASSAY_VERDICT_FAIL);
    assert_string_equal(a.rule, "rowsum");
}

static void an_empty_tensor_passes(void **state)
{
    (void)state;
    assert_int_equal(judged(NULL, NULL, 0, 1, NULL).verdict, ASSAY_VERDICT_PASS);
}

/* What lies between rows is not compared, and rows are found by their distance. */
static void gaps_between_rows_do_not_count(void **state)
{
    const double truth[] = {1, 2, 0, 3, 4, 0}, got[] = {1, 2, NAN, 3, 4, 9}, bad[] = {1, 2, 0, 3, NAN, 0};
    const unsigned char zero[] = {0, 1};
    assay_metric m = {4, 2, 0, 0, NULL, 3};
    assay_distance d;
    (void)state;
    assay_distance_measure(&m, got, truth, &d);
    assert_int_equal(d.not_finite, -1);
    assert_true(d.norm_d == 0 && d.row_ratio == 0 && d.element_ratio == 0);
    assert_true(fabs(d.norm_truth - sqrt(30)) < 1e-15);
    assay_distance_measure(&m, bad, truth, &d);
    assert_int_equal(d.not_finite, 4);
    m.zero = zero;
    assay_distance_measure(&m, got, truth, &d);
    assert_int_equal(d.not_zero, 3);
}

/* Only what a plugin writes between rows shows; a value that is there goes neither in nor out. */
static void gaps_between_rows_stay_as_they_are(void **state)
{
    assay_tensor x = {.count = 6, .row = 2, .stride = 3};
    const double given[] = {1, 2, 7, 3, 4, 7};
    double back[] = {0, 0, 0, 0, 0, 0};
    float memory[6];
    (void)state;
    memset(memory, 0xFF, sizeof memory);
    assay_values_store(&x, ASSAY_FP32, given, memory);
    assert_int_equal(assay_values_gap_written(&x, ASSAY_FP32, memory), -1);
    assert_true(memory[1] == 2 && memory[3] == 3 && isnan(memory[2]) && isnan(memory[5]));
    assay_values_load(&x, ASSAY_FP32, memory, back);
    assert_true(back[0] == 1 && back[2] == 0 && back[4] == 4 && back[5] == 0);
    memory[5] = 0;
    assert_int_equal(assay_values_gap_written(&x, ASSAY_FP32, memory), 5);
    x.stride = 2;
    x.count = 4;
    assert_int_equal(assay_values_gap_written(&x, ASSAY_FP32, memory), -1);
}

static void an_exact_contract_knows_no_degree(void **state)
{
    (void)state;
    assay_finding ok = assay_finding_exact("y", "bits", 1, 3), bad = assay_finding_exact("y", "bits", 0, 3);
    assert_int_equal(ok.verdict, ASSAY_VERDICT_PASS);
    assert_int_equal(ok.where, -1);
    assert_int_equal(bad.verdict, ASSAY_VERDICT_FAIL);
    assert_true(isinf(bad.margin));
    assert_int_equal(bad.where, 3);
}

static assay_metric metric(const assay_problem *p, const assay_values *in, int id, unsigned char **zero)
{
    assay_tensor x;
    assay_metric m;
    assert_true(assay_tensor_find(p, id, &x));
    assert_int_equal(assay_metric_make(p, in, &x, &m, zero), ASSAY_OK);
    return m;
}

static void padding_of_y_must_be_zero(void **state)
{
    assay_problem p = {.op = ASSAY_OP_RNN,
                       .arithmetic = ASSAY_FP32,
                       .t = 3,
                       .n = 2,
                       .i = 1,
                       .h = 1,
                       .layers = 1,
                       .directions = 1,
                       .dialect = {.cell = ASSAY_RNN_TANH}};
    int32_t lens[] = {1, 3};
    assay_values in = {{0}};
    unsigned char *zero;
    const unsigned char want[] = {0, 0, 1, 0, 1, 0};
    (void)state;
    in.at[ASSAY_LENS] = lens;
    metric(&p, &in, ASSAY_Y, &zero);
    assert_memory_equal(zero, want, sizeof want);
    free(zero);
}

static void an_infeasible_samples_gradient_must_be_zero(void **state)
{
    assay_problem p = {
        .op = ASSAY_OP_CTC, .arithmetic = ASSAY_FP32, .t = 2, .n = 2, .classes = 3, .max_label = 2, .labels = 4};
    int32_t lens[] = {2, 2}, label_lens[] = {2, 2}, labels[] = {1, 1, 1, 2};
    assay_values in = {{0}};
    unsigned char *zero;
    const unsigned char want[] = {1, 0, 1, 0};
    (void)state;
    in.at[ASSAY_LENS] = lens;
    in.at[ASSAY_LABEL_LENS] = label_lens;
    in.at[ASSAY_LABELS] = labels;
    metric(&p, &in, ASSAY_DX, &zero);
    assert_memory_equal(zero, want, sizeof want);
    free(zero);
}

/* Padded strings, of which the rest is not read; with repeats kept [1 1] needs two frames, collapsed one. */
static void what_is_infeasible_depends_on_the_dialect(void **state)
{
    assay_problem p = {.op = ASSAY_OP_CTC, .arithmetic = ASSAY_FP32, .t = 2, .n = 2, .classes = 3, .max_label = 3};
    int32_t lens[] = {2, 1}, label_lens[] = {2, 2}, labels[] = {1, 1, 2, 1, 1, 1};
    assay_values in = {{0}};
    unsigned char *zero;
    const unsigned char kept[] = {0, 1, 0, 1}, collapsed[] = {0, 0, 0, 1};
    (void)state;
    in.at[ASSAY_LENS] = lens;
    in.at[ASSAY_LABEL_LENS] = label_lens;
    in.at[ASSAY_LABELS] = labels;
    p.dialect.ctc_labels = ASSAY_LABELS_PADDED;
    p.dialect.ctc_repeats = ASSAY_REPEATS_KEPT;
    assert_int_equal(metric(&p, &in, ASSAY_DX, &zero).row_sums, 1);
    assert_memory_equal(zero, kept, sizeof kept);
    free(zero);
    p.dialect.ctc_repeats = ASSAY_REPEATS_MERGED;
    p.dialect.ctc_collapse = 1;
    p.dialect.ctc_input = ASSAY_CTC_LOG_PROBS;
    assert_int_equal(metric(&p, &in, ASSAY_DX, &zero).row_sums, 0);
    assert_memory_equal(zero, collapsed, sizeof collapsed);
    free(zero);
}

static void ignored_rows_must_be_zero(void **state)
{
    assay_problem p = {.op = ASSAY_OP_XENT, .arithmetic = ASSAY_FP32, .t = 2, .n = 2, .classes = 3};
    int32_t lens[] = {2, 1}, labels[] = {0, -100, -100, 1};
    assay_values in = {{0}};
    unsigned char *zero;
    const unsigned char want[] = {0, 1, 1, 1};
    (void)state;
    in.at[ASSAY_LENS] = lens;
    in.at[ASSAY_LABELS] = labels;
    p.dialect.xent_ignores = 1;
    p.dialect.xent_ignore_index = -100;
    for (int k = 0; k < 2; k++) {
        metric(&p, &in, k ? ASSAY_DX : ASSAY_LOSS_ROWS, &zero);
        assert_memory_equal(zero, want, sizeof want);
        free(zero);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_values_pass_with_margin_0),
        cmocka_unit_test(a_negative_difference_fails_like_a_positive_one),
        cmocka_unit_test(what_is_too_low_counts_by_itself_too),
        cmocka_unit_test(nan_fails_with_infinite_margin_and_its_place),
        cmocka_unit_test(all_nan_fails),
        cmocka_unit_test(an_infinity_passes_only_where_the_truth_is_the_same_infinity),
        cmocka_unit_test(nan_in_the_truth_is_the_suites_fault),
        cmocka_unit_test(a_zero_truth_leaves_no_room),
        cmocka_unit_test(the_contracts_zero_is_exact),
        cmocka_unit_test(one_wrong_row_of_many_fails),
        cmocka_unit_test(the_limit_scales_with_the_floor),
        cmocka_unit_test(a_truth_that_cancels_is_held_to_the_same_noise),
        cmocka_unit_test(the_tensor_rule_is_four_floors),
        cmocka_unit_test(a_measured_element_floor_counts_where_it_is_the_wider),
        cmocka_unit_test(an_error_orthogonal_to_ones_fails),
        cmocka_unit_test(the_largest_element_has_a_share_of_the_norm),
        cmocka_unit_test(row_sums_that_do_not_vanish_fail),
        cmocka_unit_test(an_empty_tensor_passes),
        cmocka_unit_test(gaps_between_rows_do_not_count),
        cmocka_unit_test(gaps_between_rows_stay_as_they_are),
        cmocka_unit_test(an_exact_contract_knows_no_degree),
        cmocka_unit_test(padding_of_y_must_be_zero),
        cmocka_unit_test(an_infeasible_samples_gradient_must_be_zero),
        cmocka_unit_test(what_is_infeasible_depends_on_the_dialect),
        cmocka_unit_test(ignored_rows_must_be_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
