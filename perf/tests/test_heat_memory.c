/* test_heat_memory.c: who stays in memory side by side, and who takes turns.
 * SPDX-License-Identifier: MIT */
#include "perf/heat_memory.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

enum { MOST = 5 };

static void the_smallest_stay_as_long_as_each_other_one_fits_beside_them(void **state)
{
    static const struct {
        int64_t room, needs[MOST];
        int count, turns[MOST];
    } rows[] = {
        {100, {20, 30, 50}, 3, {0, 0, 0}},     /* all of it */
        {99, {20, 30, 50}, 3, {0, 1, 1}},      /* 20 and 30 leave 49 for 50 */
        {19, {3, 3, 11, 8}, 4, {0, 0, 1, 1}},  /* beside 3 + 3 there is room for 11 or for 8 */
        {19, {11, 8, 3, 3}, 4, {1, 1, 0, 0}},  /* whatever the order */
        {16, {3, 3, 11, 8}, 4, {0, 1, 1, 1}},  /* beside 3 + 3 there is none for 11 */
        {10, {3, 3, 11, 8}, 4, {1, 1, -1, 1}}, /* 11 is too much; one of the others at a time */
        {14, {3, 3, 20, 8}, 4, {0, 0, -1, 0}}, /* 20 is too much, and nobody waits for it */
        {50, {50}, 1, {0}},                    /* alone */
        {49, {50}, 1, {-1}},                   /* too much alone */
        {-1, {1000, 1000}, 2, {0, 0}},         /* nothing is known of this system */
        {100, {-1, 90, 50}, 3, {0, 1, 1}},     /* nor of one of them */
    };
    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        int turns[MOST];
        assay_heat_seat(rows[r].needs, rows[r].count, rows[r].room, turns);
        for (int k = 0; k < rows[r].count; k++)
            if (turns[k] != rows[r].turns[k])
                fail_msg("row %zu: footprint %lld: %d, expected %d", r, (long long)rows[r].needs[k], turns[k],
                         rows[r].turns[k]);
    }
}

static void room_is_what_is_free_less_what_is_kept_of_outputs(void **state)
{
    const assay_problem small = {.op = ASSAY_OP_RNN,
                                 .t = 1,
                                 .n = 1,
                                 .i = 1,
                                 .h = 1,
                                 .layers = 1,
                                 .directions = 1,
                                 .arithmetic = ASSAY_FP32,
                                 .dialect = {.cell = ASSAY_LSTM}};
    assay_problem large = small;
    (void)state;
    large.t = 1 << 10;
    large.n = 1 << 10;
    large.h = 1 << 5;
    const int64_t free_now = assay_heat_free_bytes(), some = assay_heat_room(0, &large, 1);
    assert_true(free_now > 1 << 20);
    assert_true(assay_heat_room(0, &small, 1) > free_now / 2); /* it moves while others work */
    assert_true(some == 0 || some < free_now - ((int64_t)1 << 30) / 2);
    assert_int_equal(assay_heat_room(2.5, &large, 7), (int64_t)5 << 29);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_stay_as_long_as_each_other_one_fits_beside_them),
        cmocka_unit_test(room_is_what_is_free_less_what_is_kept_of_outputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
