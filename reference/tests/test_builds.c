/* test_builds.c: the rounding builds are the same mathematics: exact they equal the double build, in fp32 they differ
 * by its roundings; and an evaluation that runs out of memory says so. SPDX-License-Identifier: MIT */
#include "reference/tests/specimen.h"

#include "reference/pool.h"
#include "reference/rounding.h"

#include <stdlib.h>

typedef assay_status evaluate(const assay_problem *p, void *const at[ASSAY_TENSORS], int64_t step);

/* Allocations that still succeed; negative = all. The linker sends calloc here. */
static int allowed = -1;
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    if (allowed == 0) return NULL;
    if (allowed > 0) allowed--;
    return __real_calloc(count, size);
}

static assay_problem problem(int which)
{
    assay_problem p = a_stack(6, 3, 4, 5);
    p.dialect.xent_reduction = p.dialect.ctc_reduction = ASSAY_REDUCE_MEAN;
    p.classes = 4;
    p.lr = 0.01, p.beta1 = 0.9, p.beta2 = 0.999, p.epsilon = 1e-8;
    if (which == 0 || which == 1) p.layers = p.directions = 2;
    if (which == 1 || which == 2) p.dialect.cell = ASSAY_GRU;
    if (which == 2) p.dialect.gru_reset = ASSAY_RESET_BEFORE;
    if (which == 3) p.dialect.cell = ASSAY_RNN_TANH;
    if (which == 4) p.op = ASSAY_OP_XENT;
    if (which == 5) p.op = ASSAY_OP_CTC;
    if (which >= 6) p.op = ASSAY_OP_NETWORK, p.head = ASSAY_HEAD_EVERY, p.loss = ASSAY_LOSS_XENT, p.dense_bias = 1;
    if (which == 6) p.optimizer = ASSAY_OPT_ADAM, p.vocab = 5, p.head = ASSAY_HEAD_LAST;
    if (which == 7) p.optimizer = ASSAY_OPT_SGD, p.loss = ASSAY_LOSS_CTC;
    if (which == 5 || which == 7) p.labels = 5, p.max_label = 2;
    return p;
}
enum { PROBLEMS = 8 };

static assay_specimen specimen(int which)
{
    static const int32_t lens[] = {6, 4, 5}, label_lens[] = {2, 1, 2}, labels[] = {1, 1, 2, 3, 2};
    const assay_problem p = problem(which);
    assay_specimen s = drawn(&p, 7);
    memcpy(s.d[ASSAY_LENS], lens, sizeof lens);
    if (s.d[ASSAY_LABEL_LENS]) memcpy(s.d[ASSAY_LABEL_LENS], label_lens, sizeof label_lens);
    if (s.d[ASSAY_LABEL_LENS]) memcpy(s.d[ASSAY_LABELS], labels, sizeof labels);
    return s;
}

/* The largest distance of a wanted tensor from the double build's. */
static double distance(int which, evaluate *other)
{
    assay_tensor list[ASSAY_TENSORS];
    assay_specimen truth = specimen(which), got = specimen(which);
    const int count = assay_tensors_of(&truth.p, list);
    double worst = 0;
    run(&truth);
    assert_int_equal(other(&got.p, got.d, 0), ASSAY_OK);
    for (int k = 0; k < count; k++)
        if (list[k].role >= ASSAY_ROLE_FORWARD)
            worst = fmax(worst, apart(got.d[list[k].id], truth.d[list[k].id], list[k].count));
    assay_specimen_free(&truth);
    assay_specimen_free(&got);
    return worst;
}

static void round_as(int mode, int operand, int accumulate, int store)
{
    const assay_rounding r = {mode, operand, accumulate, store, 0.5, 1, 11, 0, 0, 0, 0};
    assay_rounding_sr(&r);
    assay_rounding_noise(&r);
}

static void exact_builds_equal_the_double_build(void **state)
{
    (void)state;
    for (int which = 0; which < PROBLEMS; which++) {
        round_as(ASSAY_ROUND_EXACT, ASSAY_FP64, ASSAY_FP64, ASSAY_FP64);
        assert_true(distance(which, assay_ref_evaluate_sr) <= 4e-15);
        assert_true(distance(which, assay_ref_evaluate_noise) <= 4e-15);
    }
}

static void single_precision_errs_by_its_roundings(void **state)
{
    (void)state;
    for (int which = 0; which < PROBLEMS; which++)
        for (int mode = ASSAY_ROUND_NEAREST; mode <= ASSAY_ROUND_STOCHASTIC; mode++) {
            round_as(mode, ASSAY_FP32, ASSAY_FP32, ASSAY_FP32);
            const double sr = distance(which, assay_ref_evaluate_sr);
            const double noise = distance(which, assay_ref_evaluate_noise);
            assert_true(sr > 1e-8 && sr < 5e-6);
            assert_true(noise > 1e-8 && noise < 5e-6);
        }
}

static void stochastic_runs_follow_their_seed(void **state)
{
    (void)state;
    round_as(ASSAY_ROUND_STOCHASTIC, ASSAY_FP32, ASSAY_FP32, ASSAY_FP32);
    const double first = distance(0, assay_ref_evaluate_sr), second = distance(0, assay_ref_evaluate_sr);
    round_as(ASSAY_ROUND_STOCHASTIC, ASSAY_FP32, ASSAY_FP32, ASSAY_FP32);
    assert_true(distance(0, assay_ref_evaluate_sr) == first);
    assert_false(first == second);
}

/* The quantised oracle: every kept value is representable, whatever the accumulation. */
static void everything_kept_is_stored_in_the_store_format(void **state)
{
    (void)state;
    evaluate *const builds[] = {assay_ref_evaluate_sr, assay_ref_evaluate_noise};
    for (int which = 0; which < PROBLEMS; which++)
        for (int b = 0; b < 2; b++) {
            assay_tensor list[ASSAY_TENSORS];
            assay_specimen s = specimen(which);
            const int count = assay_tensors_of(&s.p, list);
            if (s.d[ASSAY_H0]) memset(s.d[ASSAY_H0], 0, (size_t)size_of(&s, "h0") * 8);
            round_as(ASSAY_ROUND_EXACT, ASSAY_BF16, ASSAY_FP32, ASSAY_BF16);
            assert_int_equal(builds[b](&s.p, s.d, 0), ASSAY_OK);
            for (int k = 0; k < count; k++)
                for (int64_t j = 0; list[k].role >= ASSAY_ROLE_FORWARD && j < list[k].count; j++) {
                    const double x = ((double *)s.d[list[k].id])[j];
                    assert_true(assay_round_to(ASSAY_BF16, x) == x);
                }
            assay_specimen_free(&s);
        }
}

/* Fails the first allocation, then the second ... until there are enough: each time a clean answer. */
static void running_out_of_memory_is_reported(void **state)
{
    (void)state;
    for (int which = 0; which < PROBLEMS; which++) {
        assay_specimen s = specimen(which);
        assay_status st = ASSAY_NO_MEMORY;
        int failures = 0;
        for (; st == ASSAY_NO_MEMORY && failures < 1000; failures++) {
            allowed = failures;
            st = assay_ref_evaluate_f64(&s.p, s.d, 0);
            allowed = -1;
        }
        assert_int_equal(st, ASSAY_OK);
        assert_true(failures > 5);
        assay_specimen_free(&s);
    }
}

static void an_update_without_memory_is_reported(void **state)
{
    (void)state;
    assay_specimen s = specimen(6);
    assay_status st = ASSAY_NO_MEMORY;
    int failures = 0;
    for (; st == ASSAY_NO_MEMORY && failures < 1000; failures++) {
        allowed = failures;
        st = assay_ref_update_f64(&s.p, s.d, 0);
        allowed = -1;
    }
    assert_int_equal(st, ASSAY_OK);
    assert_true(failures > 5);
    assay_specimen_free(&s);
}

static void impossible_sizes_are_no_memory(void **state)
{
    (void)state;
    assay_pool pool = {NULL, 0};
    assert_non_null(assay_pool_take(&pool, 0, 8));
    assert_int_equal(pool.failed, 0);
    assert_null(assay_pool_take(&pool, -1, 8));
    assert_null(assay_pool_take(&pool, INT64_MAX, 8));
    assert_int_equal(pool.failed, 1);
    assay_pool_free(&pool);
    assert_null(pool.last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_builds_equal_the_double_build),
        cmocka_unit_test(single_precision_errs_by_its_roundings),
        cmocka_unit_test(stochastic_runs_follow_their_seed),
        cmocka_unit_test(everything_kept_is_stored_in_the_store_format),
        cmocka_unit_test(running_out_of_memory_is_reported),
        cmocka_unit_test(an_update_without_memory_is_reported),
        cmocka_unit_test(impossible_sizes_are_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
