/* test_floor_table.c: the table of noises comes back as it was written, rows are replaced, damage is refused.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "conformance/arithmetic.h"
#include "conformance/case.h"
#include "conformance/file.h"
#include "conformance/floor_table.h"
#include "conformance/names.h"
#include "conformance/tests/folder.h"

static void add(assay_floor_table *t, const char *id, double noise)
{
    assay_noise_row *row = assay_floor_table_row(t, id, 4, 2);
    assert_non_null(row);
    strcpy(row->tensors[0].tensor, "y");
    row->tensors[0].noise = noise;
    row->tensors[0].phi = noise / 2;
    row->tensors[0].spread = 1.5;
    strcpy(row->tensors[1].tensor, "dR.l0.f");
}

static void a_table_comes_back_from_disk(void **state)
{
    char why[4400] = "";
    assay_floor_table t, back;
    (void)state;
    assay_floor_table_begin(ASSAY_FP32, 2.5, &t);
    add(&t, "rnn/a", 0.25);
    add(&t, "rnn/b", 0.5);
    add(&t, "rnn/a", 0.125);
    assert_int_equal(t.count, 2);
    assert_int_equal(assay_floor_table_write(&t, test_folder(), why, sizeof why), ASSAY_OK);
    assert_int_equal(assay_floor_table_read(test_folder(), ASSAY_FP32, &back, why, sizeof why), ASSAY_OK);
    assert_int_equal(back.count, 2);
    assert_true(back.activation_ulp == 2.5);
    assert_string_equal(back.date, t.date);
    assert_string_equal(back.generator, t.generator);
    const assay_noise_row *row = assay_floor_table_find(&back, "rnn/a");
    assert_non_null(row);
    assert_int_equal(row->seeds, 4);
    assert_int_equal(row->count, 2);
    const int y = strcmp(row->tensors[0].tensor, "y") != 0;
    assert_string_equal(row->tensors[y].tensor, "y");
    assert_true(row->tensors[y].noise == 0.125 && row->tensors[y].phi == 0.0625 && row->tensors[y].spread == 1.5);
    assert_null(assay_floor_table_find(&back, "rnn/c"));
    assay_floor_table_free(&t);
    assay_floor_table_free(&back);
}

static void a_noise_that_is_no_number_is_not_written(void **state)
{
    char why[4400] = "";
    assay_floor_table t;
    (void)state;
    assay_floor_table_begin(ASSAY_FP64, 1, &t);
    add(&t, "rnn/a", INFINITY);
    assert_int_equal(assay_floor_table_write(&t, test_folder(), why, sizeof why), ASSAY_FAILED);
    assay_floor_table_free(&t);
    assert_int_equal(assay_floor_table_read(test_folder(), ASSAY_FP64, &t, why, sizeof why), ASSAY_BAD_ARGUMENT);
}

static void a_damaged_table_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{\"assay_floor_table\": 1}",
        "{\"assay_floor_table\": 2, \"arithmetic\": \"fp32\", \"activation_ulp\": 1.0, \"measured\": \"d\", "
        "\"generator\": \"g\", \"cases\": {}}",
        "{\"assay_floor_table\": 1, \"arithmetic\": \"bf16\", \"activation_ulp\": 1.0, \"measured\": \"d\", "
        "\"generator\": \"g\", \"cases\": {}}",
        "{\"assay_floor_table\": 1, \"arithmetic\": \"fp32\", \"activation_ulp\": 1.0, \"measured\": \"d\", "
        "\"generator\": \"g\", \"cases\": {\"a\": {\"seeds\": 4, \"tensors\": {\"y\": [1.0]}}}}",
        "{\"assay_floor_table\": 1, \"arithmetic\": \"fp32\", \"activation_ulp\": 1.0, \"measured\": \"d\", "
        "\"generator\": \"g\", \"cases\": []}"};
    char path[4096], why[4400] = "";
    assay_floor_table t;
    (void)state;
    snprintf(path, sizeof path, "%s/cases.fp32.json", test_folder());
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        assert_int_equal(assay_file_write(path, texts[k], strlen(texts[k]), why, sizeof why), ASSAY_OK);
        assert_int_equal(assay_floor_table_read(test_folder(), ASSAY_FP32, &t, why, sizeof why), ASSAY_BAD_ARGUMENT);
        assert_non_null(strstr(why, "expected a table of floors"));
        assert_int_equal(t.count, 0);
    }
    assert_int_equal(assay_floor_table_read("/nowhere", ASSAY_FP32, &t, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_non_null(strstr(why, "/nowhere/cases.fp32.json"));
}

/* A limit of 0 fails everyone, one above 1 passes anything: of the noises that are kept none leads to either. */
static void stored_limits_lie_between_0_and_1(void **state)
{
    char why[4400] = "";
    assay_floor_table t;
    int judged = 0;
    (void)state;
    assert_int_equal(assay_floor_table_read(ASSAY_FLOORS, ASSAY_FP32, &t, why, sizeof why), ASSAY_OK);
    for (int r = 0; r < t.count; r++) {
        for (int k = 0; k < t.rows[r].count; k++, judged++) {
            const assay_noise *n = &t.rows[r].tensors[k];
            if (!(n->phi >= 0 && 4 * n->phi < 1)) fail_msg("%s: %s: phi %g", t.rows[r].case_id, n->tensor, n->phi);
        }
    }
    assert_true(judged > 1000);
    assay_floor_table_free(&t);
}

/* The count of ill-posed committed cases, at the noises that are kept: none. A new small case needs its row. */
static void no_committed_case_is_ill_posed(void **state)
{
    const assay_arithmetic fp32 = {ASSAY_FP32, ASSAY_FP32, ASSAY_FP32, 1, 4, 0, 0};
    char why[4400] = "";
    assay_floor_table t;
    int ill_posed = 0;
    (void)state;
    assert_int_equal(assay_floor_table_read(ASSAY_FLOORS, ASSAY_FP32, &t, why, sizeof why), ASSAY_OK);
    for (int i = 0; i < assay_case_count(); i++) {
        assay_case c;
        assay_case_get(i, &c);
        if (c.flags & (ASSAY_CASE_FULL | ASSAY_CASE_DIAGNOSTIC)) continue;
        const assay_noise_row *row = assay_floor_table_find(&t, c.id);
        int beyond = 0;
        if (!row) fail_msg("%s has no row: assay floor --table fixtures/floors", c.id);
        for (int k = 0; k < row->count; k++) {
            const int judged = !assay_names_hold(c.ungated, ' ', row->tensors[k].tensor);
            beyond |= judged && !(row->tensors[k].phi <= assay_floor_bound(&c.problem, &fp32));
        }
        ill_posed += beyond;
    }
    assert_int_equal(ill_posed, 0);
    assay_floor_table_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_comes_back_from_disk),   cmocka_unit_test(a_noise_that_is_no_number_is_not_written),
        cmocka_unit_test(a_damaged_table_is_refused),     cmocka_unit_test(stored_limits_lie_between_0_and_1),
        cmocka_unit_test(no_committed_case_is_ill_posed),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
