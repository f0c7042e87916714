/* test_tensors.c: the tensors of a problem, and what is refused.
 * SPDX-License-Identifier: MIT */
#include "reference/tensors.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const assay_problem blstm = {.op = ASSAY_OP_NETWORK,
                                    .arithmetic = ASSAY_FP32,
                                    .t = 1000,
                                    .n = 32,
                                    .i = 123,
                                    .h = 320,
                                    .layers = 4,
                                    .directions = 2,
                                    .classes = 59,
                                    .max_label = 100,
                                    .labels = 3200,
                                    .head = ASSAY_HEAD_EVERY,
                                    .loss = ASSAY_LOSS_CTC,
                                    .optimizer = ASSAY_OPT_ADAM,
                                    .lr = 1e-3,
                                    .beta1 = .9,
                                    .beta2 = .999,
                                    .epsilon = 1e-8,
                                    .dialect = {.cell = ASSAY_LSTM,
                                                .biases = ASSAY_BIAS_TWO,
                                                .gru_reset = ASSAY_RESET_AFTER_INSIDE,
                                                .ctc_reduction = ASSAY_REDUCE_MEAN}};

static const assay_problem gru = {.op = ASSAY_OP_NETWORK,
                                  .arithmetic = ASSAY_FP32,
                                  .t = 1000,
                                  .n = 25,
                                  .i = 123,
                                  .h = 320,
                                  .layers = 1,
                                  .directions = 1,
                                  .classes = 15,
                                  .head = ASSAY_HEAD_LAST,
                                  .loss = ASSAY_LOSS_XENT,
                                  .dense_bias = 1,
                                  .optimizer = ASSAY_OPT_ADAM,
                                  .lr = 1e-3,
                                  .beta1 = .9,
                                  .beta2 = .999,
                                  .epsilon = 1e-8,
                                  .dialect = {.cell = ASSAY_GRU,
                                              .biases = ASSAY_BIAS_TWO,
                                              .gru_reset = ASSAY_RESET_AFTER_INSIDE,
                                              .xent_reduction = ASSAY_REDUCE_MEAN}};

static int64_t parameters(const assay_problem *p)
{
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(p, list);
    int64_t sum = 0;
    for (int k = 0; k < count; k++)
        if (list[k].id >= assay_tensor_id(ASSAY_PARAM, 0) && list[k].id < assay_tensor_id(ASSAY_M, 0))
            sum += list[k].count;
    return sum;
}

/* docs/workloads.md 2: two biases. */
static void documented_networks_have_the_documented_parameters(void **state)
{
    (void)state;
    assay_problem c = gru;
    c.dialect.cell = ASSAY_LSTM;
    c.vocab = 10000;
    c.i = c.h = 128;
    c.classes = 5;
    assert_int_equal(parameters(&blstm), 8565120);
    assert_int_equal(parameters(&gru), 432015);
    assert_int_equal(parameters(&c), 1412741);
}

static int rounds_to(double value, double documented, double unit)
{
    return fabs(value - documented) <= unit / 2;
}

/* docs/workloads.md 2: GFLOP forward, and in training without dx of layer 1. */
static void documented_networks_have_the_documented_work(void **state)
{
    (void)state;
    int32_t lens[32];
    for (int n = 0; n < 32; n++)
        lens[n] = n == 31 ? 1000 : (int32_t)(500 + n * (500.0 / 31));
    const double forward = 2e-9 * assay_macs_forward(&blstm, lens), full = 2e-9 * assay_macs_forward(&blstm, NULL);
    assert_true(rounds_to(forward, 409.9, .1));
    assert_true(rounds_to(full, 546.9, .1));
    assert_true(rounds_to(forward + 2e-9 * assay_macs_backward(&blstm, lens, 0), 1214.6, .1));
    assert_true(rounds_to(2e-9 * assay_macs_forward(&gru, NULL), 21.26, .01));
    assert_true(rounds_to(2e-9 * (assay_macs_forward(&gru, NULL) + assay_macs_backward(&gru, NULL, 0)), 57.9, .1));
    assert_true(rounds_to(2e-9 * assay_macs_backward(&gru, NULL, 1), 2 * 21.26, .02));
}

static void truncated_backward_counts_fewer_steps(void **state)
{
    (void)state;
    assay_problem p = gru;
    p.op = ASSAY_OP_RNN;
    const double whole = assay_macs_backward(&p, NULL, 1);
    p.dialect.bptt_steps = 100;
    assert_true(assay_macs_backward(&p, NULL, 1) == whole / 10);
    p.op = ASSAY_OP_XENT;
    assert_true(assay_macs_forward(&p, NULL) == 0);
    assert_true(assay_macs_backward(&p, NULL, 1) == 0);
}

static void each_tensor_is_found_by_id_and_by_name(const assay_problem *p)
{
    assay_tensor list[ASSAY_TENSORS], x;
    const int count = assay_tensors_of(p, list);
    for (int k = 0; k < count; k++) {
        assert_true(k == 0 || list[k - 1].id < list[k].id);
        assert_int_equal(assay_tensor_find(p, list[k].id, &x), 1);
        assert_memory_equal(&x, &list[k], sizeof x);
        assert_int_equal(assay_tensor_by_name(p, list[k].name), list[k].id);
        assert_int_equal(x.count, (int64_t)x.dims[0] * x.dims[1] * x.dims[2]);
        assert_int_equal(x.row ? x.count % x.row : x.count, 0);
    }
    for (int id = 0, found = 0; id < ASSAY_TENSORS; id++) {
        found += assay_tensor_find(p, id, &x);
        assert_true(id < ASSAY_TENSORS - 1 || found == count);
    }
}

static void tensors_are_found_by_id_and_by_name(void **state)
{
    (void)state;
    assay_problem p = gru;
    each_tensor_is_found_by_id_and_by_name(&blstm);
    each_tensor_is_found_by_id_and_by_name(&gru);
    p.vocab = 7;
    p.optimizer = ASSAY_OPT_SGD;
    each_tensor_is_found_by_id_and_by_name(&p);
    p.op = ASSAY_OP_RNN;
    each_tensor_is_found_by_id_and_by_name(&p);
    p.op = ASSAY_OP_XENT;
    p.head = ASSAY_HEAD_NONE;
    each_tensor_is_found_by_id_and_by_name(&p);
    p.op = ASSAY_OP_CTC;
    each_tensor_is_found_by_id_and_by_name(&p);
}

static assay_tensor named(const assay_problem *p, const char *name)
{
    assay_tensor x;
    memset(&x, 0, sizeof x);
    x.id = -1;
    const int id = assay_tensor_by_name(p, name);
    if (id >= 0) assert_int_equal(assay_tensor_find(p, id, &x), 1);
    return x;
}

static void shapes_are_those_of_the_header(void **state)
{
    (void)state;
    const assay_tensor w = named(&blstm, "W.l1.r"), y = named(&blstm, "y"), logits = named(&gru, "logits");
    const assay_tensor b = named(&blstm, "db_hh.l3.f"), v = named(&gru, "v.dense_W+"), rows = named(&gru, "loss_rows");
    assert_int_equal(w.dims[0], 1280);
    assert_int_equal(w.dims[1], 640);
    assert_int_equal(w.row, 640);
    assert_int_equal(w.id, assay_tensor_id(ASSAY_PARAM, assay_param_rnn(&blstm, 1, 1, ASSAY_W)));
    assert_int_equal(y.row, 640);
    assert_int_equal(y.rank, 3);
    assert_int_equal(logits.rank, 2);
    assert_int_equal(logits.dims[0], 25);
    assert_int_equal(logits.row, 15);
    assert_int_equal(b.role, ASSAY_ROLE_GRADIENT);
    assert_int_equal(b.row, 1);
    assert_int_equal(v.role, ASSAY_ROLE_UPDATED);
    assert_int_equal(rows.rank, 1);
}

static const assay_problem ctc = {.op = ASSAY_OP_CTC, .t = 3, .n = 2, .classes = 4, .max_label = 2, .labels = 3};
static const assay_problem xent = {.op = ASSAY_OP_XENT, .t = 2, .n = 2, .classes = 4};
static const assay_problem one_class = {
    .op = ASSAY_OP_XENT, .t = 2, .n = 2, .classes = 1, .dialect.xent_smoothing_to = ASSAY_SMOOTH_OTHERS};

static void what_a_dialect_lacks_has_no_tensor(void **state)
{
    (void)state;
    assay_problem p = blstm;
    p.dialect.biases = ASSAY_BIAS_ONE_INPUT;
    assert_int_equal(assay_tensor_by_name(&p, "b_ih.l0.f") >= 0, 1);
    assert_int_equal(assay_tensor_by_name(&p, "b_hh.l0.f"), -1);
    assert_int_equal(assay_tensor_by_name(&p, "dense_b"), -1);
    assert_int_equal(assay_tensor_by_name(&p, "hn"), -1);
    assert_int_equal(assay_tensor_by_name(&gru, "c0"), -1);
    assert_int_equal(assay_tensor_by_name(&gru, "label_lens"), -1);
    p.loss = ASSAY_LOSS_NONE;
    p.optimizer = ASSAY_OPT_NONE;
    assert_int_equal(assay_tensor_by_name(&p, "dW.l0.f"), -1);
    assert_int_equal(assay_tensor_by_name(&p, "loss"), -1);
    p = blstm;
    p.dialect.ctc_reduction = ASSAY_REDUCE_NONE;
    assert_int_equal(assay_tensor_by_name(&p, "loss"), -1);
}

static int64_t row_of(const assay_problem *p, const char *name, int64_t count)
{
    assay_tensor x;
    assert_int_equal(assay_tensor_find(p, assay_tensor_by_name(p, name), &x), 1);
    assert_int_equal(x.count, count);
    return x.row;
}

static void what_a_dialect_adds_has_its_shape(void **state)
{
    (void)state;
    assay_problem p = {.op = ASSAY_OP_RNN, .t = 5, .n = 3, .i = 2, .h = 7, .proj = 4, .layers = 3, .directions = 2};
    p.dialect.gru_reset = ASSAY_RESET_AFTER_INSIDE;
    p.dialect.biases = ASSAY_BIAS_ONE_RECURRENT;
    p.dialect.peephole = 1;
    p.dialect.dropout = 0.5;
    p.y_stride = 10;
    assert_int_equal(assay_problem_check(&p, NULL, 0), ASSAY_OK);
    assert_int_equal(row_of(&p, "P.l1.r", 3 * 7), 1);
    assert_int_equal(row_of(&p, "WP.l2.f", 4 * 7), 7);
    assert_int_equal(row_of(&p, "R.l0.f", 28 * 4), 4);
    assert_int_equal(row_of(&p, "W.l1.f", 28 * 8), 8);
    assert_int_equal(row_of(&p, "h0", 6 * 3 * 4), 4);
    assert_int_equal(row_of(&p, "c0", 6 * 3 * 7), 7);
    assert_int_equal(row_of(&p, "mask", 2 * 5 * 3 * 8), 8);
    assert_int_equal(row_of(&p, "y", 5 * 3 * 10), 8);
    assert_int_equal(assay_tensor_by_name(&p, "b_ih.l0.f"), -1);
    p.dialect.merge = ASSAY_MERGE_SUM;
    p.y_stride = 0;
    assert_int_equal(row_of(&p, "y", 5 * 3 * 4), 4);
    p.dialect.layout = ASSAY_BATCH_MAJOR;
    assay_tensor mask;
    assert_int_equal(assay_tensor_find(&p, ASSAY_MASK, &mask), 1);
    assert_int_equal(mask.dims[0], 2 * 3);
    assert_int_equal(mask.dims[1], 5);
    assay_problem padded = ctc;
    padded.dialect.ctc_labels = ASSAY_LABELS_PADDED;
    assert_int_equal(row_of(&padded, "labels", 2 * 2), 2);
    assay_problem weighted = xent;
    weighted.dialect.xent_weighted = 1;
    assert_int_equal(row_of(&weighted, "class_weights", 4), 1);
}

/* One field wrong; the message must name it and what was expected. */
static void refuse(assay_problem p, const char *message)
{
    char why[160] = "";
    assert_int_equal(assay_problem_check(&p, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_string_equal(why, message);
    assert_int_equal(assay_problem_check(&p, NULL, 0), ASSAY_BAD_ARGUMENT);
}

#define REFUSE(base, change, message)                                                                                  \
    do {                                                                                                               \
        assay_problem p = base;                                                                                        \
        p.change;                                                                                                      \
        refuse(p, message);                                                                                            \
    } while (0)

static void impossible_problems_are_refused_by_name(void **state)
{
    (void)state;
    char why[160];
    assert_int_equal(assay_problem_check(&blstm, why, sizeof why), ASSAY_OK);
    assert_int_equal(assay_problem_check(&gru, why, sizeof why), ASSAY_OK);
    REFUSE(gru, op = 4, "problem.op: 4, expected 0 to 3 for op ?");
    REFUSE(gru, op = -1, "problem.op: -1, expected 0 to 3 for op ?");
    REFUSE(gru, arithmetic = 5, "problem.arithmetic: 5, expected 0 to 4 for op network");
    REFUSE(gru, t = -1, "problem.t: -1, expected 0 to 2147483647 for op network");
    REFUSE(gru, h = 0, "problem.h: 0, expected 1 to 536870911 for op network");
    REFUSE(gru, layers = 9, "problem.layers: 9, expected 1 to 8 for op network");
    REFUSE(gru, directions = 3, "problem.directions: 3, expected 1 to 2 for op network");
    REFUSE(gru, head = ASSAY_HEAD_NONE, "problem.head: 0, expected 1 to 2 for op network");
    REFUSE(gru, op = ASSAY_OP_XENT, "problem.head: 1, expected 0 to 0 for op xent");
    REFUSE(gru, dialect.cell = 4, "problem.dialect.cell: 4, expected 0 to 3 for op network");
    REFUSE(gru, dialect.forget_bias = 1, "problem.dialect.forget_bias: 1, expected 0 but in a stack of lstm");
    REFUSE(blstm, dialect.gru_reset = ASSAY_RESET_BEFORE,
           "problem.dialect.gru_reset: 0, expected 1 but in a stack of gru");
    REFUSE(blstm, dialect.gru_mix = 1, "problem.dialect.gru_mix: 1, expected 0 but in a stack of gru");
    REFUSE(gru, dialect.peephole = 1, "problem.dialect.peephole: 1, expected 0 but in a stack of lstm");
    REFUSE(gru, dialect.merge = 1, "problem.dialect.merge: 1, expected 0 but in a stack of two directions");
    REFUSE(gru, dialect.dropout = 0.5, "problem.dialect.dropout: 0.5, expected 0 but in a stack of several layers");
    REFUSE(gru, dialect.pad_output = 1, "problem.dialect.pad_output: 1, expected 0 but in op rnn");
    REFUSE(blstm, dialect.dropout = 1, "problem.dialect.dropout: 1, expected a number from 0, below 1");
    REFUSE(blstm, dialect.cell_clip = -1, "problem.dialect.cell_clip: -1, expected a number from 0, below inf");
    REFUSE(blstm, dialect.forget_bias = NAN, "problem.dialect.forget_bias: nan, expected a number from 0, below inf");
    REFUSE(blstm, dialect.clip_gradient = 1, "problem.dialect.clip_gradient: 1 without a clip, expected 0");
    REFUSE(blstm, dialect.layout = 2, "problem.dialect.layout: 2, expected 0 to 1 for op network");
    REFUSE(blstm, proj = 320, "problem.proj: 320 with cell lstm of 320, expected below that, 0 if no lstm");
    REFUSE(gru, proj = 2, "problem.proj: 2 with cell gru of 320, expected below that, 0 if no lstm");
    REFUSE(blstm, x_stride = 122, "problem.x_stride: 122, expected 0 or at least 123");
    REFUSE(blstm, y_stride = 639, "problem.y_stride: 639, expected 0 or at least 640");
    REFUSE(blstm, reserved = 1, "problem.reserved: 1, expected 0 to 0 for op network");
    REFUSE(blstm, dialect.ctc_reduction = ASSAY_REDUCE_MEAN_ALL,
           "problem.dialect.ctc_reduction: 3, expected none, sum, mean or mean by targets (0, 1, 2, 6)");
    REFUSE(blstm, dialect.ctc_gradient = 1, "problem.dialect.ctc_gradient: 1 with logits, expected 0");
    REFUSE(blstm, dialect.ctc_input = 1, "problem.dialect.ctc_input: 1 in a network, expected 0");
    REFUSE(blstm, dialect.ctc_labels = ASSAY_LABELS_PADDED, "problem.labels: 3200 with padded labels, expected 0");
    REFUSE(gru, dialect.xent_reduction = ASSAY_REDUCE_MEAN_WEIGHTED,
           "problem.dialect.xent_weighted: 0 with a mean by weights, expected 1");
    REFUSE(xent, dialect.xent_reduction = ASSAY_REDUCE_MEAN_TARGETS,
           "problem.dialect.xent_reduction: 6, expected 0 to 5 for op xent");
    REFUSE(one_class, dialect.xent_smoothing = 0.5,
           "problem.classes: 1 with smoothing to the others, expected 2 or more");
    REFUSE(blstm, dialect.ctc_blank = 59, "problem.dialect.ctc_blank: 59, expected 0 to 58");
    REFUSE(blstm, head = ASSAY_HEAD_LAST, "problem.head: 1 with a CTC loss, expected every step (2)");
    REFUSE(blstm, loss = ASSAY_LOSS_NONE, "problem.optimizer: 2 without a loss, expected none (0)");
    REFUSE(blstm, lr = NAN, "problem.lr: nan, expected a finite number");
    REFUSE(blstm, beta1 = 1, "problem.beta1: 1, expected 0 <= beta1 < 1");
    REFUSE(blstm, beta2 = -1, "problem.beta2: -1, expected 0 <= beta2 < 1");
    REFUSE(blstm, epsilon = 0, "problem.epsilon: 0, expected a positive number");
    REFUSE(blstm, t = 2000000000, "problem.t * problem.n: 64000000000, expected at most 2^31 - 1");
    REFUSE(blstm, t = 60000000, "tensor y: 1.23e+12 elements (60000000 x 32 x 640), expected at most 2^40");
}

static void refuse_integers(const assay_problem *p, const int32_t *ids, const int32_t *lens, const int32_t *labels,
                            const int32_t *label_lens, const char *message)
{
    char why[160] = "";
    assert_int_equal(assay_integers_check(p, ids, lens, labels, label_lens, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_string_equal(why, message);
}

static void impossible_integers_are_refused_by_place(void **state)
{
    (void)state;
    const int32_t lens[] = {3, 4}, negative[] = {-1, 0}, two[] = {1, 2}, labels[] = {1, 2, 3}, long_labels[] = {1, 3};
    const int32_t blank[] = {1, 0, 2}, beyond[] = {1, 4, 2}, few[] = {1, 1};
    const int32_t rows[] = {1, 99, 2, 3}, bad_rows[] = {1, 99, 2, 0}, ignored[] = {1, -100, 2, 3};
    refuse_integers(&ctc, NULL, lens, labels, two, "lens[1]: 4, expected 0 to 3");
    refuse_integers(&ctc, NULL, negative, labels, two, "lens[0]: -1, expected 0 to 3");
    refuse_integers(&ctc, NULL, NULL, labels, long_labels, "label_lens[1]: 3, expected 0 to 2");
    refuse_integers(&ctc, NULL, NULL, labels, few, "label_lens: their sum is 2, expected problem.labels = 3");
    refuse_integers(&ctc, NULL, NULL, blank, two, "labels[1]: 0 is the blank, expected another class");
    refuse_integers(&ctc, NULL, NULL, beyond, two, "labels[1]: 4, expected 0 to 3");
    /* Padded: what follows a string is not read, what stands in it is. */
    assay_problem padded = ctc;
    char why[160] = "";
    padded.labels = 0;
    padded.dialect.ctc_labels = ASSAY_LABELS_PADDED;
    assert_int_equal(assay_integers_check(&padded, NULL, NULL, rows, two, why, sizeof why), ASSAY_OK);
    refuse_integers(&padded, NULL, NULL, bad_rows, two, "labels[3]: 0 is the blank, expected another class");
    /* A label that means that its row does not count. */
    assay_problem ignoring = xent;
    ignoring.dialect.xent_ignores = 1;
    ignoring.dialect.xent_ignore_index = -100;
    assert_int_equal(assay_integers_check(&ignoring, NULL, NULL, ignored, NULL, why, sizeof why), ASSAY_OK);
    refuse_integers(&xent, NULL, NULL, ignored, NULL, "labels[0][1]: -100, expected 0 to 3");
}

static void integers_past_the_length_are_not_read(void **state)
{
    (void)state;
    char why[160] = "";
    assay_problem ids = {.op = ASSAY_OP_NETWORK,
                         .t = 2,
                         .n = 2,
                         .vocab = 4,
                         .classes = 4,
                         .head = ASSAY_HEAD_LAST,
                         .loss = ASSAY_LOSS_XENT};
    const int32_t lens[] = {1, 2}, wild[] = {0, 1, 99, 3}, bad[] = {0, 1, 2, 4}, last[] = {0, 3}, bad_last[] = {0, 4};
    assert_int_equal(assay_integers_check(&xent, NULL, lens, wild, NULL, why, sizeof why), ASSAY_OK);
    refuse_integers(&xent, NULL, NULL, wild, NULL, "labels[1][0]: 99, expected 0 to 3");
    assert_int_equal(assay_integers_check(&ids, wild, lens, last, NULL, why, sizeof why), ASSAY_OK);
    refuse_integers(&ids, bad, lens, last, NULL, "ids[1][1]: 4, expected 0 to 3");
    refuse_integers(&ids, wild, lens, bad_last, NULL, "labels[1]: 4, expected 0 to 3");
    ids.loss = ASSAY_LOSS_NONE;
    assert_int_equal(assay_integers_check(&ids, wild, lens, bad_last, NULL, why, sizeof why), ASSAY_OK);
}

static void names_outside_the_tables_are_a_question_mark(void **state)
{
    (void)state;
    assert_string_equal(assay_op_name(ASSAY_OP_CTC), "ctc");
    assert_string_equal(assay_cell_name(ASSAY_RNN_RELU), "relu");
    assert_string_equal(assay_format_name(ASSAY_BF16), "bf16");
    assert_string_equal(assay_format_name(5), "?");
    assert_string_equal(assay_cell_name(-1), "?");
    assert_true(assay_unit_roundoff(ASSAY_FP32) == 0x1p-24);
    assert_true(assay_unit_roundoff(7) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documented_networks_have_the_documented_parameters),
        cmocka_unit_test(documented_networks_have_the_documented_work),
        cmocka_unit_test(truncated_backward_counts_fewer_steps),
        cmocka_unit_test(tensors_are_found_by_id_and_by_name),
        cmocka_unit_test(shapes_are_those_of_the_header),
        cmocka_unit_test(what_a_dialect_lacks_has_no_tensor),
        cmocka_unit_test(what_a_dialect_adds_has_its_shape),
        cmocka_unit_test(impossible_problems_are_refused_by_name),
        cmocka_unit_test(impossible_integers_are_refused_by_place),
        cmocka_unit_test(integers_past_the_length_are_not_read),
        cmocka_unit_test(names_outside_the_tables_are_a_question_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
