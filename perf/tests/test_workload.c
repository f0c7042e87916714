/* test_workload.c: the table says what docs/workloads.md says: parameters, work, lengths, data.
 * SPDX-License-Identifier: MIT */
#include "perf/workload.h"

#include "perf/state.h"
#include "reference/tensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

/* docs/workloads.md section 2 and 5: parameters with the row's biases, with one bias; GFLOP forward, training; and
 * half a unit of the last printed digit. */
static const struct printed {
    const char *id;
    int64_t parameters, one_bias;
    double forward, training, forward_digit, training_digit;
} summary[] = {
    {"a1.gru-ce", 432015, 431055, 21.26, 57.9, .005, .05},
    {"a1.gru-ce.reset-before", 431055, 431055, 21.26, 57.9, .005, .05},
    {"a2.blstm4-ce", 8536975, 8526735, 425.3, 1260.3, .05, .05},
    {"a3.blstm4-ctc", 8565179, 8554939, 320.3, 949.0, .05, .05},
    {"b1.lstm-ce-short", 572800, 571520, 7.26, 19.76, .005, .005},
    {"b2.lstm-ce-long", 572800, 571520, 36.3, 98.8, .05, .05},
    {"b3.blstm4-ce-long", 8533760, 8523520, 544.4, 1613.2, .05, .05},
    {"b4.blstm4-ctc-long", 8565120, 8554880, 409.9, 1214.6, .05, .05},
    {"c.emb-lstm.h128", 1412741, 1412229, 2.15, 6.44, .005, .005},
    {"c.emb-lstm.h256", 3087621, 3086597, 8.59, 25.8, .005, .05},
    {"c.emb-lstm.h512", 7223813, 7221765, 34.4, 103.1, .05, .05},
    {"c.emb-lstm.h1024", 18641925, 18637829, 137.4, 412.3, .05, .05},
    {"c.emb-lstm.h2048", 54061061, 54052869, 549.8, 1649.3, .05, .05},
    {"d.ptb-lm", 5298321, 5295249, 51.2, 153.7, .05, .05},
    {"f.imdb-gru", 3818302, 3818002, 1.30, 3.89, .005, .005},
    {"g.lstm-one", 572800, 571520, 0.113, 0.309, .0005, .0005},
};
#define ROWS (int)(sizeof summary / sizeof *summary)

static void every_row_is_documented_and_possible(void **state)
{
    (void)state;
    char why[256];
    assert_int_equal(assay_workload_count(), ROWS);
    for (int k = 0; k < ROWS; k++) {
        const assay_workload *w = assay_workload_by_id(summary[k].id);
        assert_non_null(w);
        assert_int_equal(assay_problem_check(&w->problem, why, sizeof why), ASSAY_OK);
        assert_true(w->problem.n <= ASSAY_WORKLOAD_ROWS);
    }
}

static void parameters_are_those_of_the_document(void **state)
{
    (void)state;
    for (int k = 0; k < ROWS; k++) {
        assay_problem p = assay_workload_by_id(summary[k].id)->problem;
        assert_int_equal(assay_problem_parameters(&p), summary[k].parameters);
        p.dialect.biases = ASSAY_BIAS_ONE_INPUT;
        assert_int_equal(assay_problem_parameters(&p), summary[k].one_bias);
    }
}

/* Counts that the originals printed for other numbers of classes, without peepholes or trained initial states. */
static void parameters_of_the_originals_come_out(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        int classes, biases, dense_bias;
        int64_t parameters;
    } published[] = {
        {"a1.gru-ce", 25, ASSAY_BIAS_ONE_INPUT, 1, 434265},        {"a1.gru-ce", 25, ASSAY_BIAS_TWO, 1, 435225},
        {"a2.blstm4-ce", 25, ASSAY_BIAS_ONE_INPUT, 1, 8533145},    {"a2.blstm4-ce", 25, ASSAY_BIAS_TWO, 1, 8543385},
        {"a3.blstm4-ctc", 58, ASSAY_BIAS_ONE_INPUT, 1, 8554298},   {"a3.blstm4-ctc", 58, ASSAY_BIAS_TWO, 1, 8564538},
        {"b1.lstm-ce-short", 25, ASSAY_BIAS_ONE_INPUT, 1, 576345}, {"b1.lstm-ce-short", 25, ASSAY_BIAS_TWO, 1, 577625},
    };
    for (size_t k = 0; k < sizeof published / sizeof *published; k++) {
        assay_problem p = assay_workload_by_id(published[k].id)->problem;
        p.classes = published[k].classes;
        p.dense_bias = published[k].dense_bias;
        p.dialect.biases = published[k].biases;
        assert_int_equal(assay_problem_parameters(&p), published[k].parameters);
    }
}

/* The document counts the head only where it reads every step; a head on the last step is below its last digit. */
static void work_is_that_of_the_document(void **state)
{
    (void)state;
    for (int k = 0; k < ROWS; k++) {
        const assay_workload *w = assay_workload_by_id(summary[k].id);
        double forward = assay_workload_flop_forward(w) * 1e-9;
        double training = forward + assay_workload_flop_backward(w) * 1e-9;
        if (fabs(forward - summary[k].forward) > summary[k].forward_digit + 1e-3 ||
            fabs(training - summary[k].training) > summary[k].training_digit + 2e-3)
            fail_msg("%s: %.4f forward, %.4f in training, documented %.2f and %.2f", w->id, forward, training,
                     summary[k].forward, summary[k].training);
    }
}

static void lengths_are_the_original_ones(void **state)
{
    (void)state;
    static const int32_t a3[25] = {500, 520, 541, 562, 583, 604, 625, 645, 666, 687, 708, 729, 750,
                                   770, 791, 812, 833, 854, 875, 895, 916, 937, 958, 979, 1000};
    static const int32_t b4[32] = {500, 516, 532, 548, 564, 580, 596, 612, 629, 645, 661, 677, 693, 709, 725, 741,
                                   758, 774, 790, 806, 822, 838, 854, 870, 887, 903, 919, 935, 951, 967, 983, 1000};
    int32_t lens[ASSAY_WORKLOAD_ROWS];
    assay_workload_lengths(assay_workload_by_id("a3.blstm4-ctc"), lens);
    assert_memory_equal(lens, a3, sizeof a3);
    assay_workload_lengths(assay_workload_by_id("b4.blstm4-ctc-long"), lens);
    assert_memory_equal(lens, b4, sizeof b4);
    assay_workload_lengths(assay_workload_by_id("b1.lstm-ce-short"), lens);
    assert_int_equal(lens[0], 100);
    assert_int_equal(lens[63], 100);
}

/* docs/workloads.md 1.1: the last x in the order of drawing, sums of all x, labels. */
static void stream_is(const char *id, double last, double sum, double squares, const int32_t *first_labels, int labels,
                      int32_t label_count, int32_t label_sum)
{
    const assay_workload *w = assay_workload_by_id(id);
    const assay_problem *p = &w->problem;
    assay_values v;
    int64_t step;
    assert_int_equal(assay_state_make(w, 1, 0, NULL, &v, &step), ASSAY_OK);
    const double *x = v.at[ASSAY_X];
    const int32_t *y = v.at[ASSAY_LABELS];
    double s = 0, q = 0;
    int32_t total = 0;
    for (int n = 0; n < p->n; n++)
        for (int t = 0; t < p->t; t++)
            for (int i = 0; i < p->i; i++) {
                double value = x[((size_t)t * p->n + n) * p->i + i];
                s += value;
                q += value * value;
            }
    for (int k = 0; k < label_count; k++)
        total += y[k];
    assert_true(x[0] == (double)-0.63946062f && x[3] == (double)0.44986784f);
    assert_true(x[(size_t)p->t * p->n * p->i - 1] == (double)(float)last);
    assert_true(fabs(s - sum) < 1e-8 && fabs(q - squares) < 1e-5);
    assert_memory_equal(y, first_labels, (size_t)labels * sizeof *y);
    assert_int_equal(total, label_sum);
    assay_values_free(&v);
}

static void group_a_has_the_original_stream(void **state)
{
    (void)state;
    static const int32_t classes[25] = {2, 3, 1, 9, 3, 11, 7, 0, 6, 1, 8, 7, 10, 5, 1, 5, 9, 0, 1, 2, 6, 5, 2, 0, 11};
    static const int32_t strings[] = {32, 19, 4, 18, 10, 36, 40, 17, 39, 34};
    stream_is("a1.gru-ce", 0.30895612, -934.204804965, 1025953.562577, classes, 25, 25, 115);
    stream_is("a3.blstm4-ctc", 0.30895612, -934.204804965, 1025953.562577, strings, 10, 2500, 72518);
}

static void group_b_has_the_original_stream(void **state)
{
    (void)state;
    static const int32_t b1[] = {3, 0, 4, 2, 6, 5, 0, 8, 5, 1, 5, 4};
    static const int32_t b2[32] = {5, 5, 1, 1, 2, 8, 6, 7, 5, 4, 2, 5, 5, 2, 0, 1,
                                   8, 7, 7, 5, 7, 1, 6, 0, 4, 5, 5, 8, 4, 6, 0, 0};
    static const int32_t b4[] = {22, 54, 18, 16, 45, 18, 35, 9, 43, 7, 8, 6, 45, 31};
    stream_is("b1.lstm-ce-short", 0.53806639, -732.329418364, 262550.683290, b1, 12, 64, 232);
    stream_is("b2.lstm-ce-long", 0.16128781, -746.260377718, 1312839.069905, b2, 32, 32, 132);
    stream_is("b4.blstm4-ctc-long", 0.16128781, -746.260377718, 1312839.069905, b4, 14, 3200, 92103);
}

static void glob_selects(void **state)
{
    (void)state;
    const assay_workload *w = assay_workload_by_id("b1.lstm-ce-short");
    assert_true(assay_workload_matches(w, NULL));
    assert_true(assay_workload_matches(w, "b?.*"));
    assert_false(assay_workload_matches(w, "b1"));
}

static void every_published_number_belongs_to_a_workload(void **state)
{
    (void)state;
    for (int k = 0; k < assay_published_count(); k++) {
        const assay_published *p = assay_published_get(k);
        assert_non_null(assay_workload_by_id(p->workload));
        assert_true(p->ms > 0 && p->hardware && p->source);
        assert_true(!strcmp(p->phase, "step") || !strcmp(p->phase, "forward"));
    }
}

/* What an implementation that refuses short rows must be told beforehand. */
static void as_a_case_it_says_whether_rows_are_short(void **state)
{
    (void)state;
    for (int k = 0; k < assay_workload_count(); k++) {
        const assay_workload *w = assay_workload_get(k);
        assay_case c;
        assay_workload_case(w, &c);
        assert_string_equal(c.id, w->id);
        assert_int_equal(c.ragged, w->ragged);
        assert_true(c.documented);
    }
    assert_true(assay_workload_by_id("b4.blstm4-ctc-long")->ragged);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_documented_and_possible),
        cmocka_unit_test(parameters_are_those_of_the_document),
        cmocka_unit_test(parameters_of_the_originals_come_out),
        cmocka_unit_test(work_is_that_of_the_document),
        cmocka_unit_test(lengths_are_the_original_ones),
        cmocka_unit_test(group_a_has_the_original_stream),
        cmocka_unit_test(group_b_has_the_original_stream),
        cmocka_unit_test(glob_selects),
        cmocka_unit_test(as_a_case_it_says_whether_rows_are_short),
        cmocka_unit_test(every_published_number_belongs_to_a_workload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
