/* test_reference.c: identities of the recurrent layers that hold whatever the cell. docs/semantics.md 1.6
 * SPDX-License-Identifier: MIT */
#include "reference/tests/specimen.h"

#include <stdlib.h>

enum { CELLS = 5 };
static const double same = 1e-14; /* another order of a sum is allowed, no more */

static assay_problem of_cell(int k, int t, int n, int i, int h)
{
    static const int cells[] = {ASSAY_LSTM, ASSAY_GRU, ASSAY_GRU, ASSAY_RNN_TANH, ASSAY_RNN_RELU};
    assay_problem p = a_stack(t, n, i, h);
    p.dialect.cell = cells[k];
    if (k == 2) p.dialect.gru_reset = ASSAY_RESET_BEFORE;
    return p;
}

/* Columns n of (rows, n, width): row r, sample a of one is sample b of the other. */
static double sample_apart(const double *one, int n1, int a, const double *two, int n2, int b, int rows, int width)
{
    double worst = 0;
    for (int r = 0; r < rows; r++)
        worst = fmax(worst, apart(one + ((int64_t)r * n1 + a) * width, two + ((int64_t)r * n2 + b) * width, width));
    return worst;
}

/* Seven steps = four, then three that start from where the four ended; backward the other way round. */
static void time_splits_where_state_is_carried(void **state)
{
    (void)state;
    for (int k = 0; k < CELLS; k++) {
        const assay_problem p = of_cell(k, 7, 3, 2, 5), p1 = of_cell(k, 4, 3, 2, 5), p2 = of_cell(k, 3, 3, 2, 5);
        assay_specimen whole = drawn(&p, 1), one = drawn(&p1, 2), two = drawn(&p2, 3);
        const int lstm = p.dialect.cell == ASSAY_LSTM, x4 = 4 * 3 * 2, y4 = 4 * 3 * 5, states = 3 * 5;
        share_parameters(&whole, &one);
        share_parameters(&whole, &two);
        memcpy(one.d[ASSAY_X], whole.d[ASSAY_X], (size_t)x4 * 8);
        memcpy(one.d[ASSAY_DY], whole.d[ASSAY_DY], (size_t)y4 * 8);
        memcpy(two.d[ASSAY_X], (double *)whole.d[ASSAY_X] + x4, 3 * 3 * 2 * 8);
        memcpy(two.d[ASSAY_DY], (double *)whole.d[ASSAY_DY] + y4, 3 * 3 * 5 * 8);
        memcpy(one.d[ASSAY_H0], whole.d[ASSAY_H0], (size_t)states * 8);
        memcpy(two.d[ASSAY_DHN], whole.d[ASSAY_DHN], (size_t)states * 8);
        if (lstm) memcpy(one.d[ASSAY_C0], whole.d[ASSAY_C0], (size_t)states * 8);
        if (lstm) memcpy(two.d[ASSAY_DCN], whole.d[ASSAY_DCN], (size_t)states * 8);
        run(&whole);
        run(&one);
        memcpy(two.d[ASSAY_H0], one.d[ASSAY_HN], (size_t)states * 8);
        if (lstm) memcpy(two.d[ASSAY_C0], one.d[ASSAY_CN], (size_t)states * 8);
        run(&two);
        memcpy(one.d[ASSAY_DHN], two.d[ASSAY_DH0], (size_t)states * 8);
        if (lstm) memcpy(one.d[ASSAY_DCN], two.d[ASSAY_DC0], (size_t)states * 8);
        run(&one);

        assert_true(apart(tensor(&one, "y"), tensor(&whole, "y"), y4) <= same);
        assert_true(apart(tensor(&two, "y"), tensor(&whole, "y") + y4, 3 * 3 * 5) <= same);
        assert_true(apart(tensor(&two, "hn"), tensor(&whole, "hn"), states) <= same);
        assert_true(apart(tensor(&one, "dx"), tensor(&whole, "dx"), x4) <= same);
        assert_true(apart(tensor(&two, "dx"), tensor(&whole, "dx") + x4, 3 * 3 * 2) <= same);
        assert_true(apart(tensor(&one, "dh0"), tensor(&whole, "dh0"), states) <= same);
        for (int64_t j = 0; j < size_of(&one, "dR.l0.f"); j++)
            tensor(&one, "dR.l0.f")[j] += tensor(&two, "dR.l0.f")[j];
        assert_true(apart(tensor(&one, "dR.l0.f"), tensor(&whole, "dR.l0.f"), size_of(&one, "dR.l0.f")) <= same);
        assay_specimen_free(&whole);
        assay_specimen_free(&one);
        assay_specimen_free(&two);
    }
}

static const int32_t ragged[] = {4, 0, 6, 1};

/* flipped[len-1-t][n] = from[t][n] */
static void flip(const double *from, double *flipped, int n, int width)
{
    for (int k = 0; k < n; k++)
        for (int t = 0; t < ragged[k]; t++)
            memcpy(flipped + ((ragged[k] - 1 - t) * n + k) * width, from + (t * n + k) * width, (size_t)width * 8);
}

/* The reverse direction is the forward one on each sample turned round, not on the padded tensor. */
static void the_reverse_direction_starts_at_each_samples_own_end(void **state)
{
    (void)state;
    for (int k = 0; k < CELLS; k++) {
        const assay_problem p = of_cell(k, 6, 4, 2, 3);
        assay_problem p2 = p;
        p2.directions = 2;
        assay_specimen one = drawn(&p, 1), two = drawn(&p2, 2);
        double turned[6 * 4 * 3] = {0};
        memcpy(one.d[ASSAY_LENS], ragged, sizeof ragged);
        memcpy(two.d[ASSAY_LENS], ragged, sizeof ragged);
        for (int which = 0; which < 4; which++)
            memcpy(two.d[assay_tensor_id(ASSAY_PARAM, ASSAY_RNN_PARAMS + which)],
                   one.d[assay_tensor_id(ASSAY_PARAM, which)],
                   (size_t)size_of(&one, (const char *[]){"W.l0.f", "R.l0.f", "b_ih.l0.f", "b_hh.l0.f"}[which]) * 8);
        flip(one.d[ASSAY_X], two.d[ASSAY_X], 4, 2);
        memcpy((double *)two.d[ASSAY_H0] + 4 * 3, one.d[ASSAY_H0], 4 * 3 * 8);
        if (k == 0) memcpy((double *)two.d[ASSAY_C0] + 4 * 3, one.d[ASSAY_C0], 4 * 3 * 8);
        run(&one);
        run(&two);
        double y[6 * 4 * 3];
        for (int r = 0; r < 6 * 4; r++)
            memcpy(y + r * 3, tensor(&two, "y") + r * 6 + 3, 3 * 8);
        flip(y, turned, 4, 3);
        assert_true(apart(turned, tensor(&one, "y"), 6 * 4 * 3) <= same);
        assert_true(apart(tensor(&two, "hn") + 4 * 3, tensor(&one, "hn"), 4 * 3) <= same);
        assay_specimen_free(&one);
        assay_specimen_free(&two);
    }
}

/* A sample's results are its own: alone, without its neighbours and without padding, it gives the same. */
static void a_row_alone_equals_the_row_in_its_batch(void **state)
{
    (void)state;
    for (int k = 0; k < CELLS; k++)
        for (int n = 0; n < 4; n++) {
            assay_problem p = of_cell(k, 6, 4, 2, 3);
            p.layers = p.directions = 2;
            assay_problem q = p;
            q.n = 1;
            q.t = ragged[n];
            assay_specimen batch = drawn(&p, 1), alone = drawn(&q, 2);
            memcpy(batch.d[ASSAY_LENS], ragged, sizeof ragged);
            share_parameters(&batch, &alone);
            static const struct {
                const char *name;
                int by_step, width;
            } given[] = {{"x", 1, 2}, {"dy", 1, 6}, {"h0", 0, 3}, {"dhn", 0, 3}, {"c0", 0, 3}, {"dcn", 0, 3}},
              wanted[] = {{"y", 1, 6}, {"dx", 1, 2}, {"hn", 0, 3}, {"dh0", 0, 3}, {"cn", 0, 3}, {"dc0", 0, 3}};
            for (int j = 0; j < (k ? 4 : 6); j++)
                for (int r = 0; r < (given[j].by_step ? q.t : 4); r++)
                    memcpy(tensor(&alone, given[j].name) + r * given[j].width,
                           tensor(&batch, given[j].name) + (r * 4 + n) * given[j].width, (size_t)given[j].width * 8);
            run(&batch);
            run(&alone);
            for (int j = 0; j < (k ? 4 : 6); j++)
                assert_true(sample_apart(tensor(&alone, wanted[j].name), 1, 0, tensor(&batch, wanted[j].name), 4, n,
                                         wanted[j].by_step ? q.t : 4, wanted[j].width) <= same);
            assay_specimen_free(&batch);
            assay_specimen_free(&alone);
        }
}

static void an_empty_row_hands_its_states_through(void **state)
{
    (void)state;
    assay_problem p = of_cell(0, 6, 4, 2, 3);
    p.directions = 2;
    assay_specimen s = drawn(&p, 1);
    memcpy(s.d[ASSAY_LENS], ragged, sizeof ragged);
    run(&s);
    for (int q = 0; q < 2; q++) {
        const size_t at = (size_t)(q * 4 + 1) * 3;
        assert_memory_equal(tensor(&s, "hn") + at, tensor(&s, "h0") + at, 3 * 8);
        assert_memory_equal(tensor(&s, "cn") + at, tensor(&s, "c0") + at, 3 * 8);
        assert_memory_equal(tensor(&s, "dh0") + at, tensor(&s, "dhn") + at, 3 * 8);
        assert_memory_equal(tensor(&s, "dc0") + at, tensor(&s, "dcn") + at, 3 * 8);
    }
    assay_specimen_free(&s);
}

/* NaN past the length: y and dx there are zeros, bit for bit, and nothing else changes. */
static void what_lies_past_the_length_does_not_matter(void **state)
{
    (void)state;
    const assay_problem p = of_cell(1, 6, 4, 2, 3);
    assay_specimen clean = drawn(&p, 1), dirty = drawn(&p, 1);
    static const double zero[3] = {0};
    memcpy(clean.d[ASSAY_LENS], ragged, sizeof ragged);
    memcpy(dirty.d[ASSAY_LENS], ragged, sizeof ragged);
    for (int t = 0; t < 6; t++)
        for (int n = 0; n < 4; n++)
            for (int j = 0; t >= ragged[n] && j < 3; j++) {
                if (j < 2) tensor(&dirty, "x")[(t * 4 + n) * 2 + j] = NAN;
                tensor(&dirty, "dy")[(t * 4 + n) * 3 + j] = NAN;
                tensor(&dirty, "y")[(t * 4 + n) * 3 + j] = NAN;
            }
    run(&clean);
    run(&dirty);
    agree(&dirty, &clean, WANTED, 0);
    assert_memory_equal(tensor(&dirty, "y") + (5 * 4 + 3) * 3, zero, sizeof zero);
    assert_memory_equal(tensor(&dirty, "dx") + (5 * 4 + 3) * 2, zero, 2 * 8);
    assay_specimen_free(&clean);
    assay_specimen_free(&dirty);
}

static void permuting_the_batch_permutes_the_results(void **state)
{
    (void)state;
    const assay_problem p = of_cell(2, 5, 3, 2, 4);
    assay_specimen a = drawn(&p, 1), b = drawn(&p, 1);
    for (int t = 0; t < 5; t++)
        for (int n = 0; n < 3; n++) {
            memcpy(tensor(&b, "x") + (t * 3 + (n + 1) % 3) * 2, tensor(&a, "x") + (t * 3 + n) * 2, 2 * 8);
            memcpy(tensor(&b, "dy") + (t * 3 + (n + 1) % 3) * 4, tensor(&a, "dy") + (t * 3 + n) * 4, 4 * 8);
            memcpy(tensor(&b, "h0") + (n + 1) % 3 * 4, tensor(&a, "h0") + n * 4, 4 * 8);
            memcpy(tensor(&b, "dhn") + (n + 1) % 3 * 4, tensor(&a, "dhn") + n * 4, 4 * 8);
        }
    run(&a);
    run(&b);
    assert_true(sample_apart(tensor(&b, "y"), 3, 1, tensor(&a, "y"), 3, 0, 5, 4) <= same);
    assert_true(sample_apart(tensor(&b, "dx"), 3, 0, tensor(&a, "dx"), 3, 2, 5, 2) <= same);
    assert_true(apart(tensor(&b, "dR.l0.f"), tensor(&a, "dR.l0.f"), size_of(&a, "dR.l0.f")) <= same);
    assay_specimen_free(&a);
    assay_specimen_free(&b);
}

/* Absent states and cotangents are zeros; absent lengths are T. */
static void absent_tensors_are_zeros(void **state)
{
    (void)state;
    assay_problem p = of_cell(0, 4, 3, 2, 3);
    p.directions = 2;
    assay_specimen zeros = drawn(&p, 1), absent = drawn(&p, 1);
    static const int ids[] = {ASSAY_H0, ASSAY_C0, ASSAY_DHN, ASSAY_DCN, ASSAY_DY};
    for (int k = 0; k < 5; k++) {
        memset(zeros.d[ids[k]], 0, (size_t)size_of(&zeros, (const char *[]){"h0", "c0", "dhn", "dcn", "dy"}[k]) * 8);
        if (k == 4) tensor(&zeros, "dhn")[0] = ((double *)absent.d[ASSAY_H0])[0] = 1;
    }
    void *at[ASSAY_TENSORS];
    memcpy(at, absent.d, sizeof at);
    at[ASSAY_H0] = at[ASSAY_C0] = at[ASSAY_DCN] = at[ASSAY_DY] = at[ASSAY_LENS] = NULL;
    memset(at[ASSAY_DHN], 0, 6 * 3 * 8);
    ((double *)at[ASSAY_DHN])[0] = 1;
    assert_int_equal(assay_ref_evaluate_f64(&p, at, 0), ASSAY_OK);
    run(&zeros);
    agree(&absent, &zeros, WANTED, 0);
    at[ASSAY_DHN] = NULL;
    assert_int_equal(assay_ref_evaluate_f64(&p, at, 0), ASSAY_OK);
    assert_true(apart(tensor(&absent, "dW.l0.f"), (double[24]){0}, 24) == 0);
    assay_specimen_free(&zeros);
    assay_specimen_free(&absent);
}

/* Backward cut to the last two steps of each row = backward of a problem that starts there. */
static void a_truncated_backward_is_that_of_the_last_steps(void **state)
{
    (void)state;
    for (int k = 0; k < CELLS; k++) {
        assay_problem p = of_cell(k, 5, 2, 2, 3);
        p.dialect.bptt_steps = 2;
        const assay_problem head = of_cell(k, 3, 2, 2, 3), tail = of_cell(k, 2, 2, 2, 3);
        assay_specimen whole = drawn(&p, 1), one = drawn(&head, 1), two = drawn(&tail, 1);
        share_parameters(&whole, &one);
        share_parameters(&whole, &two);
        memcpy(one.d[ASSAY_X], whole.d[ASSAY_X], 3 * 4 * 8);
        memcpy(one.d[ASSAY_H0], whole.d[ASSAY_H0], 6 * 8);
        memcpy(two.d[ASSAY_X], tensor(&whole, "x") + 3 * 4, 2 * 4 * 8);
        memcpy(two.d[ASSAY_DY], tensor(&whole, "dy") + 3 * 6, 2 * 6 * 8);
        memcpy(two.d[ASSAY_DHN], whole.d[ASSAY_DHN], 6 * 8);
        if (k == 0) memcpy(one.d[ASSAY_C0], whole.d[ASSAY_C0], 6 * 8);
        if (k == 0) memcpy(two.d[ASSAY_DCN], whole.d[ASSAY_DCN], 6 * 8);
        run(&whole);
        run(&one);
        memcpy(two.d[ASSAY_H0], one.d[ASSAY_HN], 6 * 8);
        if (k == 0) memcpy(two.d[ASSAY_C0], one.d[ASSAY_CN], 6 * 8);
        run(&two);
        for (int j = 0; j < 4; j++) {
            const char *name = (const char *[]){"dW.l0.f", "dR.l0.f", "db_ih.l0.f", "db_hh.l0.f"}[j];
            assert_true(apart(tensor(&whole, name), tensor(&two, name), size_of(&two, name)) <= same);
        }
        assert_true(apart(tensor(&whole, "dx") + 3 * 4, tensor(&two, "dx"), 2 * 4) <= same);
        assert_true(apart(tensor(&whole, "dx"), (double[12]){0}, 12) == 0);
        assert_true(apart(tensor(&whole, "dh0"), (double[6]){0}, 6) == 0);
        if (k == 0) assert_true(apart(tensor(&whole, "dc0"), (double[6]){0}, 6) == 0);
        whole.p.dialect.bptt_steps = 5;
        run(&whole);
        assert_false(apart(tensor(&whole, "dh0"), (double[6]){0}, 6) == 0);
        assay_specimen_free(&whole);
        assay_specimen_free(&one);
        assay_specimen_free(&two);
    }
}

static void relu_has_derivative_zero_at_zero(void **state)
{
    (void)state;
    const assay_problem p = of_cell(4, 1, 1, 1, 2);
    assay_specimen s = drawn(&p, 1);
    tensor(&s, "x")[0] = 1;
    memset(tensor(&s, "h0"), 0, 2 * 8);
    memset(tensor(&s, "b_ih.l0.f"), 0, 2 * 8);
    memset(tensor(&s, "b_hh.l0.f"), 0, 2 * 8);
    tensor(&s, "W.l0.f")[0] = 0;
    tensor(&s, "W.l0.f")[1] = 0x1p-1060; /* subnormal, but positive */
    run(&s);
    assert_true(tensor(&s, "db_ih.l0.f")[0] == 0);
    assert_true(tensor(&s, "db_ih.l0.f")[1] == tensor(&s, "dy")[1] + tensor(&s, "dhn")[1]);
    assay_specimen_free(&s);
}

static void problems_without_elements_run(void **state)
{
    (void)state;
    for (int k = 0; k < CELLS; k++) {
        assay_problem no_time = of_cell(k, 0, 3, 2, 3), no_samples = of_cell(k, 4, 0, 2, 3);
        no_time.layers = no_time.directions = 2;
        assay_specimen a = drawn(&no_time, 1), b = drawn(&no_samples, 1);
        run(&a);
        run(&b);
        assert_memory_equal(tensor(&a, "hn"), tensor(&a, "h0"), 4 * 9 * 8);
        assert_memory_equal(tensor(&a, "dh0"), tensor(&a, "dhn"), 4 * 9 * 8);
        assert_true(apart(tensor(&a, "dW.l0.f"), (double[24]){0}, 6) == 0);
        assert_true(apart(tensor(&b, "dR.l0.f"), (double[36]){0}, 9) == 0);
        assay_specimen_free(&a);
        assay_specimen_free(&b);
    }
}

static void a_missing_input_is_refused(void **state)
{
    (void)state;
    const assay_problem p = of_cell(0, 2, 2, 2, 2);
    assay_specimen s = drawn(&p, 1);
    static const int ids[] = {ASSAY_X, ASSAY_SLOTS + ASSAY_W, ASSAY_SLOTS + ASSAY_B_HH};
    for (int k = 0; k < 3; k++) {
        void *at[ASSAY_TENSORS];
        memcpy(at, s.d, sizeof at);
        at[ids[k]] = NULL;
        assert_int_equal(assay_ref_evaluate_f64(&p, at, 0), ASSAY_BAD_ARGUMENT);
        assert_int_equal(assay_ref_evaluate_sr(&p, at, 0), ASSAY_BAD_ARGUMENT);
    }
    assay_specimen_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_splits_where_state_is_carried),
        cmocka_unit_test(the_reverse_direction_starts_at_each_samples_own_end),
        cmocka_unit_test(a_row_alone_equals_the_row_in_its_batch),
        cmocka_unit_test(an_empty_row_hands_its_states_through),
        cmocka_unit_test(what_lies_past_the_length_does_not_matter),
        cmocka_unit_test(permuting_the_batch_permutes_the_results),
        cmocka_unit_test(absent_tensors_are_zeros),
        cmocka_unit_test(a_truncated_backward_is_that_of_the_last_steps),
        cmocka_unit_test(relu_has_derivative_zero_at_zero),
        cmocka_unit_test(problems_without_elements_run),
        cmocka_unit_test(a_missing_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
