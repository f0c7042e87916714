/* test_persistent.c: recurrences of one launch: every layout, in many orders of threads and stores: the truth, the
 * same bits.
 * SPDX-License-Identifier: MIT
 *
 * usage: test_persistent [ORDERS]: so many a layout; nightly takes 100. */
#include "impl/cuda/emulator/queue.h"
#include "impl/cuda/emulator/tests/recurrence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COARSE 200 /* roundoffs, relative to the norm, as in impl/tests: what is right is far below */

static int orders = 3;

static const struct {
    int32_t h, n, t;
    int even, reverse;
} shapes[] = {{16, 5, 5, 0, 0}, {16, 1, 3, 1, 1}, {32, 6, 4, 0, 1},
              {48, 3, 4, 0, 0}, {21, 9, 3, 0, 1}, {96, 3, 3, 0, 0}};

static const struct {
    const char *name;
    int cell, reset;
} kinds[] = {{"LSTM", ASSAY_LSTM, 0},
             {"GRU", ASSAY_GRU, ASSAY_RESET_AFTER_INSIDE},
             {"GRU, reset before,", ASSAY_GRU, ASSAY_RESET_BEFORE}};

static const int32_t sizes[] = {1, 2, 4, 8};

static void close_to(const float *got, const double *truth, int64_t count)
{
    double norm = 0, worst = 0;
    for (int64_t k = 0; k < count; k++) {
        norm += truth[k] * truth[k];
        worst = fmax(worst, isfinite(got[k]) ? fabs(got[k] - truth[k]) : INFINITY);
    }
    assert_true(worst <= COARSE * 0x1p-24 * sqrt(norm));
}

/* What a run makes, side by side. */
static void keep(const recurrence *r, float *to)
{
    const int64_t state = (int64_t)r->p.n * r->p.h, rows = r->p.t * state;
    const float *const from[] = {r->y, r->gates, r->h, r->da, r->dh, r->c, r->dc};
    const int64_t count[] = {rows, 4 * rows, rows + state, 4 * rows, state, rows + state, state};
    for (int k = 0; k < 7; k++) {
        memcpy(to, from[k], (size_t)count[k] * sizeof *to);
        to += count[k];
    }
}

static void one(queue *q, recurrence *r)
{
    const int64_t state = (int64_t)r->p.n * r->p.h, rows = r->p.t * state, all = 11 * rows + 4 * state;
    float *first = calloc((size_t)all, sizeof *first), *again = calloc((size_t)all, sizeof *again);
    assert_non_null(first);
    assert_non_null(again);
    recurrence_by_loop(r);
    for (int k = 0; k < orders; k++) {
        queue_begin(q, NULL);
        recurrence_forward(r, q);
        recurrence_backward(r, q);
        const assay_status st = queue_end(q);
        assert_string_equal(queue_why(q), "");
        assert_int_equal(st, ASSAY_OK);
        keep(r, k ? again : first);
        if (k) assert_memory_equal(first, again, (size_t)all * sizeof *first);
        if (k) continue;
        close_to(r->y, r->ref_y, rows);
        close_to(r->da, r->ref_da, 4 * rows);
        close_to(r->dh, r->ref_dh0, state);
    }
    free(first);
    free(again);
}

static void every_layout_is_right_in_every_order(void **state)
{
    (void)state;
    queue *q;
    assert_int_equal(queue_open(0, &q), ASSAY_OK);
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++)
        for (size_t c = 0; c < 3 * (sizeof sizes / sizeof *sizes); c++) {
            recurrence *r = recurrence_make(q, kinds[c % 3].cell, kinds[c % 3].reset, shapes[k].h, shapes[k].n,
                                            shapes[k].t, sizes[c / 3], shapes[k].even, shapes[k].reverse);
            assert_non_null(r);
            if (shapes[k].h % 16 == 0) assert_int_equal(r->layout.ranks, sizes[c / 3]);
            if (r->layout.ranks) {
                print_message("    %s %d, clusters of %d, %d orders\n", kinds[c % 3].name, shapes[k].h, r->layout.ranks,
                              orders);
                one(q, r);
            }
            recurrence_free(r);
        }
    queue_close(q);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_layout_is_right_in_every_order)};
    if (argc > 1) orders = atoi(argv[1]);
    if (orders < 1) return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
