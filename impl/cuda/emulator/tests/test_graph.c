/* test_graph.c: what a call sends, sent again as a graph; two lanes, and the edges between them.
 * SPDX-License-Identifier: MIT */
#include "impl/cuda/emulator/queue.h"
#include "impl/common/cuda/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { TIMES = 64, N = 8 };

typedef struct bed {
    queue *q;
    graph *g;
    float w[N], gradient[N], m[N], v[N];
} bed;

static int begin(void **state)
{
    static bed b;
    b.g = queue_graph_make(sizeof(int));
    *state = &b;
    return !b.g || queue_open(0, &b.q) != ASSAY_OK;
}

static int end(void **state)
{
    queue_graph_free(((bed *)*state)->g);
    queue_close(((bed *)*state)->q);
    return 0;
}

/* w -= lr: by gradients of 1. */
static update_args step_by(bed *b, float lr)
{
    for (int k = 0; k < N; k++)
        b->gradient[k] = 1;
    return (update_args){.n = N, .lr = lr, .g = b->gradient, .w = b->w};
}

/* w after one call: w = 0, w -= 1, and, which may come anew, w -= lr. sent: 1 if it was before. */
static float call(bed *b, int key, int sent, float lr)
{
    const update_args one = step_by(b, 1), last = step_by(b, lr);
    queue_begin(b->q, NULL);
    assert_int_equal(queue_record(b->q, b->g, &key), sent);
    if (!sent) {
        queue_zero(b->q, b->w, sizeof b->w);
        cuda_over(b->q, KERNEL_sgd, N, &one);
    }
    cuda_over_anew(b->q, KERNEL_sgd, N, &last);
    assert_int_equal(queue_end(b->q), ASSAY_OK);
    return b->w[N - 1];
}

static void a_call_of_the_same_key_is_sent_again(void **state)
{
    bed *b = *state;
    assert_true(call(b, 5, 0, 2) == -3);
    assert_true(call(b, 5, 1, 2) == -3);
    assert_true(call(b, 5, 1, 4) == -5);
    assert_true(call(b, 6, 0, 7) == -8); /* another key: all of it comes anew */
    assert_true(call(b, 5, 0, 2) == -3); /* the last one alone is kept */
}

static void a_call_that_failed_is_not_sent_again(void **state)
{
    bed *b = *state;
    const int key = 9;
    const launch_shape wrong = {1, 1, 48, 1, 0};
    const update_args one = step_by(b, 1);
    for (int k = 0; k < 2; k++) {
        queue_begin(b->q, NULL);
        assert_int_equal(queue_record(b->q, b->g, &key), 0);
        queue_launch(b->q, KERNEL_sgd, &wrong, &one);
        assert_int_equal(queue_end(b->q), ASSAY_FAILED);
        assert_int_equal(queue_fault(b->q), EMULATOR_BOUNDS);
    }
}

static void nothing_new_may_come_into_a_call_that_is_sent_again(void **state)
{
    bed *b = *state;
    const int key = 11;
    const update_args one = step_by(b, 1);
    call(b, key, 0, 1);
    queue_begin(b->q, NULL);
    assert_int_equal(queue_record(b->q, b->g, &key), 1);
    cuda_over(b->q, KERNEL_sgd, N, &one);
    assert_int_equal(queue_end(b->q), ASSAY_FAILED);
    assert_string_equal(queue_reason(), "a call that is sent again sends something new");
}

enum { NO_FORK = 1, NO_JOIN = 2 };

/* w = 0 in lane 0, w -= 1 in lane 1, m = w in lane 0: how many of TIMES calls have another result than -1. */
static int wrong_with(bed *b, int missing)
{
    const update_args one = step_by(b, 1);
    int wrong = 0;
    for (int k = 0; k < TIMES; k++) {
        for (int i = 0; i < N; i++)
            b->w[i] = 100;
        queue_begin(b->q, NULL);
        queue_zero(b->q, b->w, sizeof b->w);
        if (!(missing & NO_FORK)) queue_fork(b->q);
        queue_lane(b->q, 1);
        cuda_over(b->q, KERNEL_sgd, N, &one);
        queue_lane(b->q, 0);
        if (!(missing & NO_JOIN)) queue_join(b->q);
        queue_copy(b->q, b->m, b->w, sizeof b->w);
        if (missing & NO_JOIN) queue_join(b->q); /* too late */
        assert_int_equal(queue_end(b->q), ASSAY_OK);
        wrong += b->m[0] != -1;
    }
    return wrong;
}

static void lanes_are_ordered_by_forks_and_joins_alone(void **state)
{
    bed *b = *state;
    assert_int_equal(wrong_with(b, 0), 0);
    assert_true(wrong_with(b, NO_FORK) > TIMES / 8);
    assert_true(wrong_with(b, NO_JOIN) > TIMES / 8);
}

static void a_lane_that_nobody_waits_for_is_named(void **state)
{
    bed *b = *state;
    const update_args one = step_by(b, 1);
    queue_begin(b->q, NULL);
    queue_fork(b->q);
    queue_lane(b->q, 1);
    cuda_over(b->q, KERNEL_sgd, N, &one);
    assert_int_equal(queue_end(b->q), ASSAY_FAILED);
    assert_string_equal(queue_reason(), "a call ends, and nobody waits for lane 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_of_the_same_key_is_sent_again),
        cmocka_unit_test(a_call_that_failed_is_not_sent_again),
        cmocka_unit_test(nothing_new_may_come_into_a_call_that_is_sent_again),
        cmocka_unit_test(lanes_are_ordered_by_forks_and_joins_alone),
        cmocka_unit_test(a_lane_that_nobody_waits_for_is_named),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
