/* test_state.c: what a timed step starts from: three different states, offsets in place, tokens cut as documented.
 * SPDX-License-Identifier: MIT */
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

static assay_values make(const char *id, uint64_t seed, int state, int64_t *step)
{
    assay_values v;
    assert_int_equal(assay_state_make(assay_workload_by_id(id), seed, state, NULL, &v, step), ASSAY_OK);
    return v;
}

static double mean(const double *x, int count)
{
    double sum = 0;
    for (int k = 0; k < count; k++)
        sum += x[k];
    return sum / count;
}

static void the_forget_gate_alone_is_offset(void **state)
{
    (void)state;
    int64_t step;
    assay_values v = make("b1.lstm-ce-short", 1, 0, &step);
    const double *b_ih = v.at[assay_tensor_id(ASSAY_PARAM, ASSAY_B_IH)];
    const double *b_hh = v.at[assay_tensor_id(ASSAY_PARAM, ASSAY_B_HH)];
    assert_true(fabs(mean(b_ih, 320)) < 0.01);
    assert_true(fabs(mean(b_ih + 320, 320) - 2) < 0.01);
    assert_true(fabs(mean(b_ih + 640, 640)) < 0.01);
    assert_true(fabs(mean(b_hh, 1280)) < 0.01);
    assay_values_free(&v);
}

static void the_last_layer_of_a_deep_stack_has_its_own_offset(void **state)
{
    (void)state;
    const assay_workload *w = assay_workload_by_id("a2.blstm4-ce");
    int64_t step;
    assay_values v = make(w->id, 1, 0, &step);
    const double *third = v.at[assay_tensor_id(ASSAY_PARAM, assay_param_rnn(&w->problem, 2, 1, ASSAY_B_IH))];
    const double *last = v.at[assay_tensor_id(ASSAY_PARAM, assay_param_rnn(&w->problem, 3, 1, ASSAY_B_IH))];
    assert_true(fabs(mean(third + 320, 320) - 2.0) < 0.01);
    assert_true(fabs(mean(last + 320, 320) - 2.5) < 0.01);
    assay_values_free(&v);
}

static void the_update_gate_of_a_gru_is_offset(void **state)
{
    (void)state;
    int64_t step;
    assay_values v = make("f.imdb-gru", 1, 0, &step);
    const double *b_ih = v.at[assay_tensor_id(ASSAY_PARAM, ASSAY_B_IH)];
    assert_true(fabs(mean(b_ih + 100, 100) - 4.25) < 0.03);
    assert_true(fabs(mean(b_ih, 100)) < 0.03);
    assay_values_free(&v);
}

static void weights_stay_in_their_bound_and_fit_a_float(void **state)
{
    (void)state;
    int64_t step;
    assay_values v = make("c.emb-lstm.h128", 9, 1, &step);
    const double *w = v.at[assay_tensor_id(ASSAY_PARAM, ASSAY_W)];
    double bound = 1 / sqrt(128), largest = 0;
    int fits = 1;
    for (int k = 0; k < 512 * 128; k++) {
        largest = fmax(largest, fabs(w[k]));
        fits &= w[k] == (double)(float)w[k];
    }
    assert_true(largest <= bound && largest > 0.99 * bound);
    assert_true(fits);
    assay_values_free(&v);
}

static void states_differ_and_only_the_first_has_no_moments(void **state)
{
    (void)state;
    int64_t step0, step1, step2;
    assay_values a = make("b1.lstm-ce-short", 5, 0, &step0), b = make("b1.lstm-ce-short", 5, 1, &step1);
    assay_values c = make("b1.lstm-ce-short", 5, 2, &step2);
    int m = assay_tensor_id(ASSAY_M, ASSAY_R), s = assay_tensor_id(ASSAY_V, ASSAY_R);
    int r = assay_tensor_id(ASSAY_PARAM, ASSAY_R);
    assert_true(step0 == 0 && step1 >= 10 && step1 < 20 && step2 >= 1000 && step2 < 2000);
    assert_true(((double *)a.at[m])[7] == 0 && ((double *)a.at[s])[7] == 0);
    assert_true(((double *)b.at[m])[7] != 0 && ((double *)b.at[s])[7] > 0);
    assert_true(((double *)b.at[m])[7] != ((double *)c.at[m])[7]);
    assert_true(((double *)a.at[r])[7] != ((double *)b.at[r])[7]);
    assert_memory_equal(a.at[ASSAY_X], b.at[ASSAY_X], 1000);
    assay_values_free(&a);
    assay_values_free(&b);
    assay_values_free(&c);
}

static void blocks_differ_in_what_the_input_meets_first(void **state)
{
    (void)state;
    int64_t step;
    int w = assay_tensor_id(ASSAY_PARAM, ASSAY_W), r = assay_tensor_id(ASSAY_PARAM, ASSAY_R);
    assay_values start = make("b1.lstm-ce-short", 5, 1, &step), fresh = {{0}}, other = {{0}}, again = {{0}}, v1, v2, v3;
    const assay_workload *b1 = assay_workload_by_id("b1.lstm-ce-short");
    assert_int_equal(assay_state_block(b1, 5, 1, 1, &start, &fresh, &v1), ASSAY_OK);
    assert_int_equal(assay_state_block(b1, 5, 1, 2, &start, &other, &v2), ASSAY_OK);
    assert_int_equal(assay_state_block(b1, 5, 1, 1, &start, &again, &v3), ASSAY_OK);
    const double *a = v1.at[w], *b = v2.at[w], *s = start.at[w];
    int differ = 0, differ_from_start = 0;
    for (int k = 0; k < 1000; k++) {
        differ += a[k] != b[k];
        differ_from_start += a[k] != s[k];
    }
    assert_true(differ > 990 && differ_from_start > 990);
    assert_memory_equal(v1.at[w], v3.at[w], 1000 * sizeof(double));
    assert_ptr_equal(v1.at[r], start.at[r]);
    assert_true(a[7] == (double)(float)a[7]);
    assay_values_free(&fresh);
    assay_values_free(&other);
    assay_values_free(&again);
    assay_values_free(&start);
}

static void another_seed_is_other_weights_and_the_same_seed_the_same(void **state)
{
    (void)state;
    int64_t step;
    int r = assay_tensor_id(ASSAY_PARAM, ASSAY_R);
    assay_values a = make("b1.lstm-ce-short", 5, 1, &step), b = make("b1.lstm-ce-short", 6, 1, &step);
    assay_values c = make("b1.lstm-ce-short", 5, 1, &step);
    assert_true(((double *)a.at[r])[0] != ((double *)b.at[r])[0]);
    assert_memory_equal(a.at[r], c.at[r], 1280 * 320 * sizeof(double));
    assay_values_free(&a);
    assay_values_free(&b);
    assay_values_free(&c);
}

static void full_rows_come_without_lengths(void **state)
{
    (void)state;
    int64_t step;
    assay_values full = make("b1.lstm-ce-short", 1, 0, &step), ragged = make("a3.blstm4-ctc", 1, 0, &step);
    assert_null(full.at[ASSAY_LENS]);
    assert_int_equal(((int32_t *)ragged.at[ASSAY_LENS])[1], 520);
    assert_int_equal(((int32_t *)ragged.at[ASSAY_LABEL_LENS])[24], 100);
    assay_values_free(&full);
    assay_values_free(&ragged);
}

static int in_range(const assay_workload *w, const assay_values *v)
{
    char why[256];
    return assay_integers_check(&w->problem, v->at[ASSAY_IDS], v->at[ASSAY_LENS], v->at[ASSAY_LABELS],
                                v->at[ASSAY_LABEL_LENS], why, sizeof why) == ASSAY_OK;
}

static void integers_of_every_kind_of_data_are_possible(void **state)
{
    (void)state;
    static const char *const ids[] = {"b1.lstm-ce-short", "a3.blstm4-ctc", "c.emb-lstm.h128", "d.ptb-lm", "f.imdb-gru"};
    for (int k = 0; k < 5; k++) {
        int64_t step;
        assay_values v = make(ids[k], 1, 2, &step);
        assert_true(in_range(assay_workload_by_id(ids[k]), &v));
        assay_values_free(&v);
    }
}

/* ids floor(10000 u): 8,192 uniform draws out of 10,000 hold 10000 (1 - (1 - 1e-4)^8192) = 5,592 distinct ones. */
static void uniform_ids_repeat_as_often_as_chance_has_it(void **state)
{
    (void)state;
    int64_t step;
    assay_values v = make("c.emb-lstm.h128", 1, 0, &step);
    const int32_t *ids = v.at[ASSAY_IDS];
    static char seen[10000];
    int distinct = 0;
    for (int k = 0; k < 128 * 64; k++) {
        distinct += !seen[ids[k]];
        seen[ids[k]] = 1;
    }
    assert_in_range(distinct, 5592 - 180, 5592 + 180);
    assay_values_free(&v);
}

/* Window w starts at 3w: its token at t+3 is the next window's at t; the target is the token that follows. */
static void windows_overlap_and_targets_follow(void **state)
{
    (void)state;
    int64_t step;
    assay_values v = make("d.ptb-lm", 1, 0, &step), next = make("d.ptb-lm", 1, 1, &step);
    const int32_t *ids = v.at[ASSAY_IDS], *labels = v.at[ASSAY_LABELS], *ids_1 = next.at[ASSAY_IDS];
    assert_int_equal(ids[3 * 128 + 0], ids[0 * 128 + 1]);
    assert_int_equal(ids[49 * 128 + 5], ids[46 * 128 + 6]);
    assert_int_equal(labels[0 * 128 + 9], ids[1 * 128 + 9]);
    assert_int_equal(labels[49 * 128 + 0], ids[47 * 128 + 1]);
    assert_int_equal(ids[3 * 128 + 127], ids_1[0 * 128 + 0]);
    assay_values_free(&v);
    assay_values_free(&next);
}

static void the_commonest_word_comes_as_often_as_zipf_says(void **state)
{
    (void)state;
    int64_t step;
    assay_values v = make("f.imdb-gru", 1, 0, &step);
    const int32_t *ids = v.at[ASSAY_IDS];
    int commonest = 0, below = 0;
    for (int k = 0; k < 64 * 150; k++) {
        commonest += ids[k] == 3;
        below += ids[k] < 3;
    }
    assert_in_range(commonest, 751, 1026); /* 9600 / H(29997) = 884.9, sd 28.3: within 4.7 sd */
    assert_int_equal(below, 0);
    assay_values_free(&v);
}

static void a_text_too_short_for_one_batch_is_refused(void **state)
{
    (void)state;
    int32_t tokens[431] = {0};
    assay_text text = {.tokens = tokens, .count = 431};
    assay_values v;
    int64_t step;
    const assay_workload *w = assay_workload_by_id("d.ptb-lm");
    assert_int_equal(assay_state_make(w, 1, 0, &text, &v, &step), ASSAY_BAD_ARGUMENT);
}

static void a_text_of_one_batch_starts_over(void **state)
{
    (void)state;
    int32_t tokens[432]; /* 3 * 127 + 51 */
    for (int k = 0; k < 432; k++)
        tokens[k] = k;
    assay_text text = {.tokens = tokens, .count = 432};
    assay_values v;
    int64_t step;
    assert_int_equal(assay_state_make(assay_workload_by_id("d.ptb-lm"), 1, 2, &text, &v, &step), ASSAY_OK);
    assert_int_equal(((int32_t *)v.at[ASSAY_IDS])[0], 0);
    assert_int_equal(((int32_t *)v.at[ASSAY_LABELS])[49 * 128 + 127], 431);
    assay_values_free(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_forget_gate_alone_is_offset),
        cmocka_unit_test(the_last_layer_of_a_deep_stack_has_its_own_offset),
        cmocka_unit_test(the_update_gate_of_a_gru_is_offset),
        cmocka_unit_test(weights_stay_in_their_bound_and_fit_a_float),
        cmocka_unit_test(states_differ_and_only_the_first_has_no_moments),
        cmocka_unit_test(blocks_differ_in_what_the_input_meets_first),
        cmocka_unit_test(another_seed_is_other_weights_and_the_same_seed_the_same),
        cmocka_unit_test(full_rows_come_without_lengths),
        cmocka_unit_test(integers_of_every_kind_of_data_are_possible),
        cmocka_unit_test(uniform_ids_repeat_as_often_as_chance_has_it),
        cmocka_unit_test(windows_overlap_and_targets_follow),
        cmocka_unit_test(the_commonest_word_comes_as_often_as_zipf_says),
        cmocka_unit_test(a_text_too_short_for_one_batch_is_refused),
        cmocka_unit_test(a_text_of_one_batch_starts_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
