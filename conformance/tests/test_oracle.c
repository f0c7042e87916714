/* test_oracle.c: floors are of the size that rounding has, the two methods agree, and what is kept on disk is what was
 * measured. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/floors.h"
#include "conformance/subject.h"
#include "conformance/tests/folder.h"

static const assay_arithmetic fp32 = {ASSAY_FP32, ASSAY_FP32, ASSAY_FP32, 1, 1, 0, 0};
static const assay_arithmetic fp64 = {ASSAY_FP64, ASSAY_FP64, ASSAY_FP64, 1, 1, 0, 0};
static const unsigned roles = 1u << ASSAY_ROLE_FORWARD | 1u << ASSAY_ROLE_GRADIENT;

static void named(const char *tag, assay_case *out)
{
    for (int k = 0; k < assay_case_count(); k++) {
        assay_case_get(k, out);
        if (strstr(out->id, tag)) return;
    }
    fail_msg("no case has %s in its name", tag);
}

static void floors_of_fp32_are_a_few_roundings(void **state)
{
    assay_case c;
    assay_subject s;
    assay_status st = ASSAY_OK;
    (void)state;
    named("rnn/lstm.uni.l1.t5.n3.i4.h6.plain", &c);
    assert_int_equal(assay_subject_make(&c, ASSAY_FP32, 3, NULL, NULL, &s), ASSAY_OK);
    const assay_oracle *o = assay_subject_oracle(&s, ASSAY_WITH_ALL, roles, &fp32, &st);
    assert_non_null(o);
    assert_true(o->floor[ASSAY_Y].phi > 1e-8 && o->floor[ASSAY_Y].phi < 1e-6);
    assert_true(o->floor[ASSAY_DX].phi > 1e-8 && o->floor[ASSAY_DX].phi < 2e-6);
    assert_int_equal(o->method, ASSAY_FLOOR_OPERATION);
    assert_ptr_equal(o, assay_subject_oracle(&s, ASSAY_WITH_ALL, roles, &fp32, &st));
    assert_ptr_not_equal(o, assay_subject_oracle(&s, ASSAY_WITH_DY, roles, &fp32, &st));
    assay_subject_free(&s);
}

/* Both sides compute on the same numbers: the truth is that of the data that a plugin is handed. */
static void the_truth_is_of_the_data_that_are_handed_over(void **state)
{
    assay_case c;
    assay_subject s;
    assay_oracle own;
    assay_tensor y;
    assay_status st = ASSAY_OK;
    (void)state;
    named("rnn/lstm.uni.l1.t5.n3.i4.h6.plain", &c);
    assert_int_equal(assay_subject_make(&c, ASSAY_FP32, 3, NULL, NULL, &s), ASSAY_OK);
    assay_values handed = assay_subject_variant(&s, ASSAY_WITH_ALL);
    assay_question q = {&s.p, &handed, s.step, roles, &fp32, 9, NULL};
    assert_int_equal(assay_oracle_truth(&q, &own), ASSAY_OK);
    assert_true(assay_tensor_find(&s.p, ASSAY_Y, &y));
    const assay_oracle *o = assay_subject_oracle(&s, ASSAY_WITH_ALL, roles, &fp32, &st);
    assert_non_null(o);
    assert_memory_equal(o->truth.at[ASSAY_Y], own.truth.at[ASSAY_Y], (size_t)y.count * sizeof(double));
    assay_oracle_free(&own);
    assay_subject_free(&s);
}

static void floors_of_fp64_are_far_smaller_and_its_truth_is_quad(void **state)
{
    assay_case c;
    assay_subject s;
    assay_status st = ASSAY_OK;
    (void)state;
    named("rnn/gru.uni.l1.t5.n3.i4.h6.plain", &c);
    assert_int_equal(assay_subject_make(&c, ASSAY_FP64, 3, NULL, NULL, &s), ASSAY_OK);
    const assay_oracle *o = assay_subject_oracle(&s, ASSAY_WITH_ALL, roles, &fp64, &st);
    assert_non_null(o);
    assert_true(o->floor[ASSAY_Y].phi > 1e-17 && o->floor[ASSAY_Y].phi < 1e-14);
    assay_subject_free(&s);
}

/* One loss out of four makes up the norm: it has one rounding at least, and not a share of it. */
static void a_floor_is_one_rounding_of_the_largest_element_at_least(void **state)
{
    assay_case c;
    (void)state;
    named("ctc/ctc-kept.t8.n4.k5.repeats", &c);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        assay_subject s;
        assay_status st = ASSAY_OK;
        assay_tensor x, loss;
        double largest = 0, *logits;
        assert_int_equal(assay_subject_make(&c, ASSAY_FP32, seed, NULL, NULL, &s), ASSAY_OK);
        assert_true(assay_tensor_find(&s.p, ASSAY_X, &x) && assay_tensor_find(&s.p, ASSAY_LOSS_ROWS, &loss));
        logits = s.given.at[ASSAY_X];
        for (int32_t t = 0; t < s.p.t; t++)
            for (int64_t k = 0; k < x.row; k++)
                logits[assay_row_of(&s.p, t, 2) * x.stride + k] *= 256;
        const assay_oracle *o = assay_subject_oracle(&s, ASSAY_WITH_ALL, roles, &fp32, &st);
        assert_non_null(o);
        const double *losses = o->truth.at[ASSAY_LOSS_ROWS];
        for (int64_t n = 0; n < loss.count; n++)
            largest = fmax(largest, fabs(losses[n]));
        assert_true(largest > 0);
        const double share = largest / assay_norm(losses, loss.count);
        assert_true(o->floor[ASSAY_LOSS_ROWS].phi >= 0.9999 * share * 0x1p-24);
        assay_subject_free(&s);
    }
}

/* docs/tolerance.md 4: per tensor within a factor of 2 where both can be had; the batch of 3 is taken whole. */
static void block_noise_agrees_with_rounding_every_operation(void **state)
{
    assay_case c;
    assay_subject s;
    assay_oracle by_operation, by_block;
    assay_tensor list[ASSAY_TENSORS];
    (void)state;
    named("rnn/lstm.uni.l1.t100.n2.i3.h8.long", &c);
    assert_int_equal(assay_subject_make(&c, ASSAY_FP32, 3, NULL, NULL, &s), ASSAY_OK);
    assay_question q = {&s.p, &s.given, 0, roles, &fp32, 9, NULL};
    assert_int_equal(assay_oracle_make(&q, &by_operation), ASSAY_OK);
    assert_int_equal(assay_oracle_floor_by_block(&q, &by_block), ASSAY_OK);
    int count = assay_tensors_of(&s.p, list);
    for (int k = 0; k < count; k++) {
        if (!(roles >> list[k].role & 1u) || list[k].id == ASSAY_DH0 || list[k].id == ASSAY_DC0) continue;
        double ratio = by_block.floor[list[k].id].phi / by_operation.floor[list[k].id].phi;
        if (!(ratio > 0.5 && ratio < 2)) fail_msg("%s: block over operation %.3g", list[k].name, ratio);
    }
    assay_oracle_free(&by_operation);
    assay_oracle_free(&by_block);
    assay_subject_free(&s);
}

static void a_cached_answer_is_the_same_answer(void **state)
{
    assay_case c;
    assay_subject s;
    assay_oracle first, again;
    (void)state;
    named("ctc/ctc-mean.t8.n3.k6.plain", &c);
    assert_int_equal(assay_subject_make(&c, ASSAY_FP32, 3, test_folder(), NULL, &s), ASSAY_OK);
    assert_int_equal(assay_subject_ask(&s, &s.p, &s.given, roles, &fp32, &first), ASSAY_OK);
    assert_int_equal(assay_subject_ask(&s, &s.p, &s.given, roles, &fp32, &again), ASSAY_OK);
    assert_false(first.from_cache);
    assert_true(again.from_cache);
    assert_memory_equal(first.floor, again.floor, sizeof first.floor);
    assert_memory_equal(first.truth.at[ASSAY_DX], again.truth.at[ASSAY_DX], 8 * 3 * 6 * sizeof(double));
    assay_oracle_free(&first);
    assay_oracle_free(&again);
    ((double *)s.given.at[ASSAY_X])[0] += 1;
    assert_int_equal(assay_subject_ask(&s, &s.p, &s.given, roles, &fp32, &again), ASSAY_OK);
    assert_false(again.from_cache);
    assay_oracle_free(&again);
    assay_subject_free(&s);
}

static void flip_a_bit(const char *path)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, -100, SEEK_END), 0);
    const int byte = fgetc(f);
    assert_int_equal(fseek(f, -100, SEEK_END), 0);
    fputc(byte ^ 16, f);
    assert_int_equal(fclose(f), 0);
}

/* All that is kept. */
static void damage(void)
{
    char path[512];
    int files = 0;
    DIR *folder = opendir(test_folder());
    assert_non_null(folder);
    for (struct dirent *e; (e = readdir(folder));) {
        if (!strstr(e->d_name, ".truth")) continue;
        snprintf(path, sizeof path, "%s/%s", test_folder(), e->d_name);
        flip_a_bit(path);
        files++;
    }
    closedir(folder);
    assert_true(files > 0);
}

static void a_damaged_answer_is_none(void **state)
{
    assay_case c;
    assay_subject s;
    assay_oracle first, again;
    (void)state;
    named("xent/xent-mean.t1.n6.k5.plain", &c);
    assert_int_equal(assay_subject_make(&c, ASSAY_FP32, 3, test_folder(), NULL, &s), ASSAY_OK);
    assert_int_equal(assay_subject_ask(&s, &s.p, &s.given, roles, &fp32, &first), ASSAY_OK);
    damage();
    assert_int_equal(assay_subject_ask(&s, &s.p, &s.given, roles, &fp32, &again), ASSAY_OK);
    assert_false(again.from_cache);
    assert_memory_equal(first.floor, again.floor, sizeof first.floor);
    assert_memory_equal(first.truth.at[ASSAY_DX], again.truth.at[ASSAY_DX], 6 * 5 * sizeof(double));
    assay_oracle_free(&first);
    assay_oracle_free(&again);
    assay_subject_free(&s);
}

static void stored_floors_come_back_for_the_same_problem_only(void **state)
{
    assay_case c;
    assay_floor floor[ASSAY_TENSORS] = {{0}};
    assay_oracle back;
    assay_arithmetic other = fp32;
    char why[256];
    (void)state;
    named("rnn/tanh.uni.l1.t5.n3.i4.h6.plain", &c);
    floor[ASSAY_Y].phi = 1.5e-7;
    floor[ASSAY_DX].phi_row = 2.5e-7;
    memset(&back, 0, sizeof back);
    assert_int_equal(assay_floors_write(test_folder(), c.id, &c.problem, &fp32, floor, 4, 1.5, why, sizeof why),
                     ASSAY_OK);
    assert_true(assay_floors_read(test_folder(), c.id, &c.problem, &fp32, &back));
    assert_true(back.floor[ASSAY_Y].phi == 1.5e-7);
    assert_true(back.floor[ASSAY_DX].phi_row == 2.5e-7);
    assert_int_equal(back.method, ASSAY_FLOOR_STORED);
    other.activation_ulp = fp32.activation_ulp * 2;
    assert_true(assay_floors_read(test_folder(), c.id, &c.problem, &other, &back));
    assert_true(back.activation_ulp == fp32.activation_ulp);
    floor[ASSAY_Y].phi = 3.5e-7; /* and another set, for more: it serves those who declare as much */
    assert_int_equal(assay_floors_write(test_folder(), c.id, &c.problem, &other, floor, 4, 1.5, why, sizeof why),
                     ASSAY_OK);
    assert_true(assay_floors_read(test_folder(), c.id, &c.problem, &other, &back));
    assert_true(back.floor[ASSAY_Y].phi == 3.5e-7 && back.activation_ulp == other.activation_ulp);
    assert_true(assay_floors_read(test_folder(), c.id, &c.problem, &fp32, &back));
    assert_true(back.floor[ASSAY_Y].phi == 1.5e-7);
    other.activation_ulp = fp32.activation_ulp / 2;
    assert_false(assay_floors_read(test_folder(), c.id, &c.problem, &other, &back));
    c.problem.n++;
    assert_false(assay_floors_read(test_folder(), c.id, &c.problem, &fp32, &back));
    assert_false(assay_floors_read("/nowhere", c.id, &c.problem, &fp32, &back));
    floor[ASSAY_Y].phi = NAN;
    assert_int_not_equal(assay_floors_write(test_folder(), c.id, &c.problem, &fp32, floor, 4, 1.5, why, sizeof why),
                         ASSAY_OK);
}

/* At documented shapes truths are dear: implementations with different activations share them and the stored floors. */
static void a_stored_floor_serves_all_that_declare_as_much(void **state)
{
    assay_case c;
    assay_subject s;
    assay_floor floor[ASSAY_TENSORS] = {{0}};
    assay_arithmetic looser = fp32, stricter = fp32;
    char why[256];
    assay_status st = ASSAY_OK;
    (void)state;
    looser.activation_ulp = fp32.activation_ulp * 2;
    stricter.activation_ulp = fp32.activation_ulp / 2;
    named("rnn/tanh.uni.l1.t5.n3.i4.h6.plain", &c);
    c.documented = 1;
    floor[ASSAY_Y].phi = 1.5e-7;
    assert_int_equal(assay_floors_write(test_folder(), c.id, &c.problem, &fp32, floor, 4, 1.5, why, sizeof why),
                     ASSAY_OK);
    assert_int_equal(assay_subject_make(&c, ASSAY_FP32, 3, NULL, test_folder(), &s), ASSAY_OK);
    const assay_oracle *o = assay_subject_oracle(&s, ASSAY_WITH_ALL, roles, &fp32, &st);
    assert_non_null(o);
    assert_int_equal(o->method, ASSAY_FLOOR_STORED);
    assert_ptr_equal(o, assay_subject_oracle(&s, ASSAY_WITH_ALL, roles, &looser, &st));
    const assay_oracle *own = assay_subject_oracle(&s, ASSAY_WITH_ALL, roles, &stricter, &st);
    assert_ptr_not_equal(o, own);
    assert_int_equal(own->method, ASSAY_FLOOR_OPERATION);
    assay_subject_free(&s);
}

static void a_truncated_backward_differs_until_it_holds_every_step(void **state)
{
    assay_case c;
    assay_subject s;
    assay_status st = ASSAY_OK;
    (void)state;
    named("rnn/tanh.uni.l1.t5.n3.i4.h6.plain", &c);
    assert_int_equal(assay_subject_make(&c, ASSAY_FP32, 3, NULL, NULL, &s), ASSAY_OK);
    const int id = assay_tensor_id(ASSAY_DPARAM, ASSAY_R);
    const assay_oracle *o = assay_subject_oracle(&s, ASSAY_WITH_ALL, roles, &fp32, &st);
    const assay_values *cut = assay_subject_truncated(&s, 2, &st);
    assert_non_null(cut);
    assert_ptr_equal(cut, assay_subject_truncated(&s, 2, &st));
    assert_memory_not_equal(cut->at[id], o->truth.at[id], 6 * 6 * sizeof(double));
    assert_memory_equal(assay_subject_truncated(&s, c.problem.t, &st)->at[id], o->truth.at[id], 6 * 6 * sizeof(double));
    assay_subject_free(&s);
}

static void a_subset_of_samples_is_a_problem_of_its_own(void **state)
{
    assay_case c;
    assay_subject s;
    assay_problem p;
    assay_values sub;
    assay_oracle whole, part;
    const int32_t rows[] = {2, 0};
    (void)state;
    named("ctc/ctc-mean.t9.n5.k5.ragged", &c);
    assert_int_equal(assay_subject_make(&c, ASSAY_FP32, 3, NULL, NULL, &s), ASSAY_OK);
    assert_int_equal(assay_values_subset(&s.p, &s.given, rows, 2, &p, &sub), ASSAY_OK);
    assert_int_equal(p.labels, 4);
    assay_question a = {&s.p, &s.given, 0, roles, &fp32, 9, NULL}, b = {&p, &sub, 0, roles, &fp32, 9, NULL};
    assert_int_equal(assay_oracle_truth(&a, &whole), ASSAY_OK);
    assert_int_equal(assay_oracle_truth(&b, &part), ASSAY_OK);
    const double *lw = whole.truth.at[ASSAY_LOSS_ROWS], *lp = part.truth.at[ASSAY_LOSS_ROWS];
    assert_true(lp[0] == lw[2] && lp[1] == lw[0]);
    assay_oracle_free(&whole);
    assay_oracle_free(&part);
    assay_values_free(&sub);
    assay_subject_free(&s);
}

static void nobody_buys_a_wider_limit_by_declaring_a_looser_arithmetic(void **state)
{
    const assay_arithmetic loose = {ASSAY_FP32, ASSAY_FP32, ASSAY_FP32, 1, 100, 0, 0},
                           nan = {ASSAY_FP32, ASSAY_FP32, ASSAY_FP32, 1, NAN, 0, 0};
    const assay_arithmetic tf32 = {ASSAY_TF32, ASSAY_FP32, ASSAY_FP32, 1, 1, 0, 0},
                           bf16 = {ASSAY_BF16, ASSAY_BF16, ASSAY_BF16, 1, 1, 0, 0};
    char why[256] = "";
    (void)state;
    assert_true(assay_arithmetic_honours(ASSAY_FP32, &fp32, why, sizeof why));
    assert_true(assay_arithmetic_honours(ASSAY_FP64, &fp64, why, sizeof why));
    assert_true(assay_arithmetic_honours(ASSAY_TF32, &tf32, why, sizeof why));
    assert_false(assay_arithmetic_honours(ASSAY_FP32, &loose, why, sizeof why));
    assert_non_null(strstr(why, "100 ulp"));
    assert_false(assay_arithmetic_honours(ASSAY_FP32, &nan, why, sizeof why));
    assert_false(assay_arithmetic_honours(ASSAY_FP32, &tf32, why, sizeof why));
    assert_non_null(strstr(why, "fp32 was asked for; it declares operands tf32"));
    assert_false(assay_arithmetic_honours(ASSAY_FP64, &fp32, why, sizeof why));
    assert_false(assay_arithmetic_honours(ASSAY_BF16, &bf16, why, sizeof why));
}

/* The whole table of what may be declared for what was asked: no operand and no store looser than the format asked for.
 */
static void a_narrow_format_bounds_what_may_be_declared(void **state)
{
    static const struct {
        int asked, operand, store, holds;
    } rows[] = {
        {ASSAY_FP16, ASSAY_FP16, ASSAY_FP16, 1},     {ASSAY_FP16, ASSAY_TF32, ASSAY_FP32, 1},
        {ASSAY_FP16, ASSAY_FP32, ASSAY_FP32, 1},     {ASSAY_FP16, ASSAY_BF16, ASSAY_FP16, 0},
        {ASSAY_FP16, ASSAY_FP16, ASSAY_BF16, 0},     {ASSAY_FP16, ASSAY_BF16, ASSAY_BF16, 0},
        {ASSAY_TF32, ASSAY_BF16, ASSAY_FP32, 0},     {ASSAY_TF32, ASSAY_TF32, ASSAY_BF16, 0},
        {ASSAY_TF32, ASSAY_TF32, ASSAY_FP32, 1},     {ASSAY_BF16, ASSAY_BF16, ASSAY_BF16, 1},
        {ASSAY_BF16, ASSAY_FP16, ASSAY_BF16, 1},     {ASSAY_BF16, ASSAY_FP64, ASSAY_FP64, 1},
        {ASSAY_BF16, ASSAY_FP16 + 1, ASSAY_BF16, 0}, {ASSAY_BF16, ASSAY_BF16, -1, 0},
    };
    (void)state;
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        const assay_arithmetic a = {rows[k].operand, ASSAY_FP32, rows[k].store, 1, 1, 0, 0};
        char why[256] = "";
        if (assay_arithmetic_honours(rows[k].asked, &a, why, sizeof why) != rows[k].holds)
            fail_msg("asked %s, declared operands %s, stores %s: expected %s", assay_format_name(rows[k].asked),
                     assay_format_name(rows[k].operand), assay_format_name(rows[k].store),
                     rows[k].holds ? "to hold" : "a refusal");
        assert_int_equal(why[0] == '\0', rows[k].holds);
    }
}

static void truncated_sums_and_opaque_roundings_are_for_narrow_formats(void **state)
{
    assay_arithmetic a = fp32, tf32 = {ASSAY_TF32, ASSAY_FP32, ASSAY_FP32, 1, 1, 1, 1};
    char why[256] = "";
    (void)state;
    assert_true(assay_arithmetic_honours(ASSAY_TF32, &tf32, why, sizeof why));
    tf32.operand = ASSAY_FP32;
    tf32.truncates = 0;
    assert_false(assay_arithmetic_honours(ASSAY_TF32, &tf32, why, sizeof why));
    assert_non_null(strstr(why, "opaque roundings of fp32 operands"));
    a.truncates = 1;
    assert_false(assay_arithmetic_honours(ASSAY_FP32, &a, why, sizeof why));
    assert_non_null(strstr(why, "truncated sums of fp32 operands"));
    a = fp64;
    a.opaque = 1;
    assert_false(assay_arithmetic_honours(ASSAY_FP64, &a, why, sizeof why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floors_of_fp32_are_a_few_roundings),
        cmocka_unit_test(the_truth_is_of_the_data_that_are_handed_over),
        cmocka_unit_test(floors_of_fp64_are_far_smaller_and_its_truth_is_quad),
        cmocka_unit_test(a_floor_is_one_rounding_of_the_largest_element_at_least),
        cmocka_unit_test(block_noise_agrees_with_rounding_every_operation),
        cmocka_unit_test(a_cached_answer_is_the_same_answer),
        cmocka_unit_test(a_damaged_answer_is_none),
        cmocka_unit_test(stored_floors_come_back_for_the_same_problem_only),
        cmocka_unit_test(nobody_buys_a_wider_limit_by_declaring_a_looser_arithmetic),
        cmocka_unit_test(a_narrow_format_bounds_what_may_be_declared),
        cmocka_unit_test(a_stored_floor_serves_all_that_declare_as_much),
        cmocka_unit_test(a_truncated_backward_differs_until_it_holds_every_step),
        cmocka_unit_test(a_subset_of_samples_is_a_problem_of_its_own),
        cmocka_unit_test(truncated_sums_and_opaque_roundings_are_for_narrow_formats),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
