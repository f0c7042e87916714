/* test_locate.c: elements in words: every tensor of every case has axes that lead to each of its elements once.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/case.h"
#include "conformance/locate.h"

static assay_problem two_ways(void)
{
    return (assay_problem){
        .op = ASSAY_OP_RNN,
        .arithmetic = ASSAY_FP32,
        .t = 5,
        .n = 3,
        .i = 4,
        .h = 6,
        .layers = 2,
        .directions = 2,
        .dialect = {
            .cell = ASSAY_LSTM, .biases = ASSAY_BIAS_TWO, .gru_reset = ASSAY_RESET_AFTER_INSIDE, .peephole = 1}};
}

static const char *words(const assay_problem *p, const assay_values *given, const char *name, int64_t at)
{
    static char text[120];
    assay_tensor x;
    assert_true(assay_tensor_find(p, assay_tensor_by_name(p, name), &x));
    return assay_locate(p, given, &x, at, text, sizeof text);
}

static void outputs_have_step_sample_half_and_unit(void **state)
{
    assay_problem p = two_ways();
    (void)state;
    assert_string_equal(words(&p, NULL, "y", (3 * 3 + 1) * 12 + 10), "t 3, sample 1, reverse half, unit 4");
    assert_string_equal(words(&p, NULL, "dx", (3 * 3 + 1) * 4 + 2), "t 3, sample 1, input 2");
    p.dialect.layout = ASSAY_BATCH_MAJOR;
    assert_string_equal(words(&p, NULL, "y", (2 * 5 + 1) * 12 + 10), "sample 2, t 1, reverse half, unit 4");
    p.dialect.merge = ASSAY_MERGE_SUM;
    assert_string_equal(words(&p, NULL, "y", (2 * 5 + 1) * 6 + 5), "sample 2, t 1, unit 5");
}

static void rows_with_gaps_are_counted_by_their_stride(void **state)
{
    assay_problem p = two_ways();
    char text[120];
    assay_tensor x;
    (void)state;
    p.y_stride = 20;
    assert_string_equal(words(&p, NULL, "y", (3 * 3 + 1) * 20 + 10), "t 3, sample 1, reverse half, unit 4");
    assert_true(assay_tensor_find(&p, ASSAY_Y, &x));
    assert_string_equal(assay_locate_row(&p, NULL, &x, 3 * 3 + 1, text, sizeof text), "t 3, sample 1");
}

static void what_lies_past_a_length_is_said(void **state)
{
    const assay_problem p = two_ways();
    int32_t lens[] = {5, 2, 5};
    const assay_values given = {.at = {[ASSAY_LENS] = lens}};
    (void)state;
    assert_string_equal(words(&p, &given, "y", (3 * 3 + 1) * 12),
                        "t 3, sample 1 (past its length 2), forward half, unit 0");
    assert_string_equal(words(&p, &given, "y", (1 * 3 + 1) * 12), "t 1, sample 1, forward half, unit 0");
}

static void weights_have_gate_unit_and_column(void **state)
{
    assay_problem p = two_ways();
    char text[120];
    assay_tensor x;
    (void)state;
    assert_string_equal(words(&p, NULL, "dW.l0.f", (2 * 6 + 2) * 4 + 3), "gate g, unit 2, column 3");
    assert_string_equal(words(&p, NULL, "db_hh.l1.r", 6 + 5), "gate f, unit 5");
    assert_string_equal(words(&p, NULL, "dP.l0.f", 2 * 6), "gate o, unit 0");
    assert_true(assay_tensor_find(&p, assay_tensor_by_name(&p, "dR.l0.f"), &x));
    assert_string_equal(assay_locate_row(&p, NULL, &x, 3 * 6 + 1, text, sizeof text), "gate o, unit 1");
    p.dialect =
        (assay_dialect){.cell = ASSAY_RNN_TANH, .biases = ASSAY_BIAS_TWO, .gru_reset = ASSAY_RESET_AFTER_INSIDE};
    assert_string_equal(words(&p, NULL, "dW.l0.f", 2 * 4 + 3), "unit 2, column 3");
}

static void states_have_layer_and_direction(void **state)
{
    assay_problem p = two_ways();
    (void)state;
    assert_string_equal(words(&p, NULL, "hn", (3 * 3 + 2) * 6 + 4), "layer 1, reverse, sample 2, unit 4");
    p.layers = p.directions = 1;
    assert_string_equal(words(&p, NULL, "hn", 2 * 6 + 4), "sample 2, unit 4");
}

static void losses_have_classes_and_a_scalar_has_no_place(void **state)
{
    const assay_problem p = {.op = ASSAY_OP_XENT,
                             .arithmetic = ASSAY_FP32,
                             .t = 2,
                             .n = 3,
                             .classes = 5,
                             .dialect = {.xent_reduction = ASSAY_REDUCE_MEAN}};
    (void)state;
    assert_string_equal(words(&p, NULL, "dx", (1 * 3 + 2) * 5 + 4), "t 1, sample 2, class 4");
    assert_string_equal(words(&p, NULL, "loss_rows", 4), "t 1, sample 1");
    assert_string_equal(words(&p, NULL, "loss", 0), "");
    assert_string_equal(words(&p, NULL, "dx", -1), "");
}

static void one_tensor(const assay_problem *p, const assay_tensor *x, const char *id)
{
    unsigned char *seen = calloc((size_t)x->count + 1, 1);
    int64_t rows = x->count / (x->stride > 0 ? x->stride : 1);
    assay_axes a;
    assay_axes_of(p, x, &a);
    if (a.elements != rows * x->row)
        fail_msg("%s: %s has %lld elements by its axes", id, x->name, (long long)a.elements);
    for (int64_t k = 0; k < a.elements; k++) {
        const int64_t e = assay_axes_element(&a, k);
        if (e < 0 || e >= x->count || seen[e]++) fail_msg("%s: %s: element %lld", id, x->name, (long long)k);
    }
    free(seen);
}

static void axes_lead_to_every_element_once(void **state)
{
    (void)state;
    for (int k = 0; k < assay_case_count(); k++) {
        assay_case c;
        assay_tensor list[ASSAY_TENSORS];
        assay_case_get(k, &c);
        const int count = assay_tensors_of(&c.problem, list);
        for (int j = 0; j < count; j++)
            one_tensor(&c.problem, &list[j], c.id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_have_step_sample_half_and_unit),
        cmocka_unit_test(rows_with_gaps_are_counted_by_their_stride),
        cmocka_unit_test(what_lies_past_a_length_is_said),
        cmocka_unit_test(weights_have_gate_unit_and_column),
        cmocka_unit_test(states_have_layer_and_direction),
        cmocka_unit_test(losses_have_classes_and_a_scalar_has_no_place),
        cmocka_unit_test(axes_lead_to_every_element_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
