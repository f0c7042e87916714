/* test_persistent_faults.c: one order taken out of a recurrence of one launch (persistent_edits.cmake): the
 * emulator names it.
 * SPDX-License-Identifier: MIT
 *
 * One program an edit, named by EDIT. That the same recurrences pass without an edit, test_persistent shows. */
#include "impl/cuda/emulator/queue.h"
#include "impl/cuda/emulator/tests/recurrence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

enum {
    TIMES = 24,
    RACE = 1 << EMULATOR_RACE,
    UNWRITTEN = 1 << EMULATOR_UNINITIALISED,
    STUCK = 1 << EMULATOR_DEADLOCK,
    GONE = 1 << EMULATOR_LEFT
};

static const struct {
    const char *edit;
    int32_t h, ranks;
    int faults; /* bits: any of them */
} rows[] = {
    {"states-wrong-phase", 32, 4, RACE | STUCK},
    {"states-not-expected", 32, 4, STUCK},
    {"states-too-few-bytes", 32, 4, RACE | STUCK},
    {"states-own-not-awaited", 32, 4, RACE},
    {"states-one-awaited", 32, 4, RACE},
    {"states-early-slot", 32, 4, RACE},
    {"states-other-slot", 32, 4, RACE},
    {"states-warp-not-met", 32, 4, RACE},
    {"states-idle-warps-read", 21, 4, RACE},
    {"states-sent-at-last", 32, 4, GONE},
    {"states-no-first-meeting", 32, 4, UNWRITTEN},
    {"states-alone-not-met", 32, 1, RACE},
    {"parts-wrong-phase", 32, 4, RACE | UNWRITTEN | STUCK | GONE},
    {"parts-not-expected", 32, 4, STUCK},
    {"parts-not-awaited", 32, 4, RACE | UNWRITTEN},
    {"parts-one-slot", 32, 4, RACE | UNWRITTEN},
    {"parts-last-not-awaited", 32, 4, GONE},
    {"parts-gates-not-met", 32, 4, RACE},
    {"parts-gates-one-slot", 32, 4, RACE},
    {"parts-no-first-meeting", 32, 4, UNWRITTEN},
    {"parts-alone-not-met", 32, 1, RACE | UNWRITTEN},
};

enum { ROWS = sizeof rows / sizeof *rows };

static void the_edit_is_named_in_every_order(void **state)
{
    (void)state;
    queue *q;
    int row = 0;
    while (strcmp(rows[row].edit, EDIT) != 0)
        assert_true(++row < ROWS);
    const int back = strncmp(EDIT, "parts-", 6) == 0;
    assert_int_equal(queue_open(0, &q), ASSAY_OK);
    recurrence *r = recurrence_make(q, ASSAY_LSTM, 0, rows[row].h, 3, 5, rows[row].ranks, 1, 0);
    assert_non_null(r);
    for (int k = 0; k < TIMES; k++) {
        queue_begin(q, NULL);
        recurrence_forward(r, q);
        if (back) {
            assert_int_equal(queue_end(q), ASSAY_OK);
            queue_begin(q, NULL);
            recurrence_backward(r, q);
        }
        assert_int_equal(queue_end(q), ASSAY_FAILED);
        if (k == 0) print_message("    %s\n", queue_why(q));
        assert_true(rows[row].faults >> queue_fault(q) & 1);
        assert_non_null(strstr(queue_why(q), back ? "lstm_backward" : "lstm_forward"));
    }
    queue_close(q);
    recurrence_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_edit_is_named_in_every_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
