/* test_convergence.c: training runs come back from their JSON as they were, and become a part of a page; what is none
 * is refused. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "perf/convergence.h"
#include "perf/report.h"

#define UPDATES 30

static void make(assay_convergence *c)
{
    memset(c, 0, sizeof *c);
    strcpy(c->task, "marks-lstm");
    strcpy(c->what, "LSTM <16>");
    c->seed = 0xfedcba9876543210;
    c->updates = UPDATES;
    c->test_rows = 64;
    c->right = 40;
    c->undecided = 2;
    c->loss = calloc(UPDATES, sizeof *c->loss);
    c->band = calloc(UPDATES, sizeof *c->band);
    c->pupil_count = 2;
    c->pupil[0].loss = calloc(UPDATES, sizeof *c->loss);
    strcpy(c->pupil[0].name, "honest & fast");
    strcpy(c->pupil[0].why, "leaves the band at update 3");
    c->pupil[0].verdict = ASSAY_VERDICT_FAIL;
    c->pupil[0].margin = INFINITY;
    c->pupil[0].worst = c->pupil[0].left = 3;
    strcpy(c->pupil[1].label, "refuses");
    strcpy(c->pupil[1].why, "rows of length T only");
    c->pupil[1].verdict = ASSAY_VERDICT_UNSUPPORTED;
    c->pupil[1].worst = c->pupil[1].left = -1;
    for (int k = 0; k < UPDATES; k++) {
        c->loss[k] = 2.0 / (k + 1);
        c->band[k] = 1e-6 * (k + 1);
        c->pupil[0].loss[k] = k == 3 ? NAN : c->loss[k] + 1e-7;
    }
}

static void they_come_back_as_they_were(void **state)
{
    assay_convergence a, b;
    char why[256];
    (void)state;
    make(&a);
    json_t *json = assay_convergence_json(&a);
    assert_int_equal(assay_convergence_parse(json, "file", &b, why, sizeof why), ASSAY_OK);
    assert_string_equal(b.task, a.task);
    assert_true(b.seed == a.seed && b.right == 40 && b.undecided == 2 && b.test_rows == 64);
    assert_memory_equal(b.loss, a.loss, UPDATES * sizeof *a.loss);
    assert_memory_equal(b.band, a.band, UPDATES * sizeof *a.band);
    assert_true(isnan(b.pupil[0].loss[3]) && b.pupil[0].loss[4] == a.pupil[0].loss[4]);
    assert_int_equal(b.pupil[0].left, 3);
    assert_int_equal(b.pupil[1].verdict, ASSAY_VERDICT_UNSUPPORTED);
    json_decref(json);
    assay_convergence_free(&a);
    assay_convergence_free(&b);
}

static void what_is_missing_is_named_in_one_line(void **state)
{
    static const char *const members[] = {"task",      "what", "seed", "test_samples", "right",
                                          "undecided", "loss", "band", "pupils"};
    assay_convergence a, b;
    (void)state;
    make(&a);
    for (size_t k = 0; k < sizeof members / sizeof *members; k++) {
        char why[256] = "";
        json_t *json = assay_convergence_json(&a);
        json_object_set_new(json, members[k], json_true());
        assert_int_equal(assay_convergence_parse(json, "file", &b, why, sizeof why), ASSAY_BAD_ARGUMENT);
        assert_true(strstr(why, members[k]) && strstr(why, "file"));
        assay_convergence_free(&b);
        json_decref(json);
    }
    assay_convergence_free(&a);
}

static void a_page_lays_the_curves_over_each_other(void **state)
{
    assay_convergence a;
    const assay_records none = {0};
    static assay_report_beside beside;
    (void)state;
    make(&a);
    beside.convergence[0] = &a;
    beside.convergence_count = 1;
    char *page = assay_report_text_with(&none, &beside, ASSAY_REPORT_HTML);
    assert_non_null(page);
    assert_non_null(strstr(page, "LSTM &lt;16&gt;"));
    assert_non_null(strstr(page, "honest &amp; fast"));
    assert_non_null(strstr(page, "rows of length T only"));
    assert_non_null(strstr(page, "leaves the band at update 3"));
    assert_non_null(strstr(page, "distance of a loss from the reference"));
    assert_null(strstr(page, "Mnan"));
    assert_null(strstr(page, "nan "));
    free(page);
    assay_convergence_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_come_back_as_they_were),
        cmocka_unit_test(what_is_missing_is_named_in_one_line),
        cmocka_unit_test(a_page_lays_the_curves_over_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
