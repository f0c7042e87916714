/* test_audit_file.c: an audit comes back from its JSON as it was, is drawn, and becomes a part of a page; what is none
 * is refused. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "perf/audit_file.h"
#include "perf/report.h"

#define STEPS 40

/* y of two implementations that part from step 7 on. */
static void make(assay_audit *a)
{
    memset(a, 0, sizeof *a);
    strcpy(a->what, "rnn/x<y>");
    strcpy(a->why, "1 of 1 tensors part");
    strcpy(a->side[0].name, "one");
    strcpy(a->side[1].name, "two & three");
    strcpy(a->side[1].cause, "y: not recognised");
    a->seed = 0x5eed;
    a->has_truth = 1;
    a->verdict = ASSAY_VERDICT_FAIL;
    a->problem.arithmetic = ASSAY_FP32;
    a->count = 1;
    a->at = calloc(1, sizeof *a->at);
    assay_audit_tensor *y = a->at;
    strcpy(y->name, "y");
    strcpy(y->where, "from t 7 on");
    strcpy(y->pair.rule, "tensor");
    y->pair.verdict = ASSAY_VERDICT_FAIL;
    y->pair.margin = INFINITY;
    y->floor = 1e-7;
    y->bias = NAN;
    y->steps = STEPS;
    y->halves = 1;
    y->wrong[0] = y->first_bit[0] = 7;
    y->curve = calloc(ASSAY_AUDIT_CURVES * STEPS, sizeof *y->curve);
    for (int k = 0; k < ASSAY_AUDIT_CURVES * STEPS; k++)
        y->curve[k] = k % STEPS < 7 ? 0 : 1e-6 * (k % STEPS);
}

static json_t *json_of(const assay_audit *a)
{
    json_t *head = json_object();
    assert_int_equal(assay_audit_put(a, head), 0);
    return head;
}

static void it_comes_back_as_it_was(void **state)
{
    assay_audit a, b;
    char why[256];
    (void)state;
    make(&a);
    json_t *root = json_of(&a);
    assert_int_equal(assay_audit_parse(root, "file", &b, why, sizeof why), ASSAY_OK);
    assert_string_equal(b.what, a.what);
    assert_int_equal(b.seed, a.seed);
    assert_int_equal(b.verdict, a.verdict);
    assert_string_equal(b.side[1].cause, a.side[1].cause);
    assert_string_equal(b.at[0].where, "from t 7 on");
    assert_int_equal(b.at[0].wrong[0], 7);
    assert_memory_equal(b.at[0].curve, a.at[0].curve, ASSAY_AUDIT_CURVES * STEPS * sizeof(double));
    assert_true(isnan(b.at[0].bias) && isnan(b.at[0].pair.margin));
    json_decref(root);
    assay_audit_free(&a);
    assay_audit_free(&b);
}

static void what_is_missing_is_named(void **state)
{
    static const char *const members[] = {"case", "verdict", "sides", "tensors", "worst", "seed", "why"};
    assay_audit a, b;
    (void)state;
    make(&a);
    for (size_t k = 0; k < sizeof members / sizeof *members; k++) {
        char why[256] = "";
        json_t *root = json_of(&a);
        json_object_set_new(root, members[k],
                            json_string("nonsense of a length that no name of this suite has, nor any other "
                                        "word that it writes, since all of them are short"));
        if (strcmp(members[k], "seed") && strcmp(members[k], "why"))
            assert_int_equal(assay_audit_parse(root, "file", &b, why, sizeof why), ASSAY_BAD_ARGUMENT);
        else {
            json_object_del(root, members[k]);
            assert_int_equal(assay_audit_parse(root, "file", &b, why, sizeof why), ASSAY_BAD_ARGUMENT);
        }
        assert_true(strstr(why, members[k]) && strstr(why, "file"));
        assay_audit_free(&b);
        json_decref(root);
    }
    json_t *root = json_of(&a);
    json_t *half = json_array_get(json_object_get(json_array_get(json_object_get(root, "tensors"), 0), "time"), 0);
    char why[256];
    json_array_append_new(json_object_get(json_object_get(half, "error"), "b_truth"), json_real(1));
    assert_int_equal(assay_audit_parse(root, "file", &b, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assay_audit_free(&b);
    json_decref(root);
    assay_audit_free(&a);
}

static char *page_of(const assay_audit *a)
{
    static assay_report_beside beside;
    const assay_records none = {0};
    beside.audit[0] = *a;
    beside.audit_count = 1;
    return assay_report_text_with(&none, &beside, ASSAY_REPORT_HTML);
}

static void a_page_shows_the_picture_and_says_where(void **state)
{
    assay_audit a;
    (void)state;
    make(&a);
    char *page = page_of(&a);
    assert_non_null(page);
    assert_non_null(strstr(page, "one and two &amp; three: not the same function"));
    assert_non_null(strstr(page, "rnn/x&lt;y&gt;"));
    assert_non_null(strstr(page, "<svg"));
    assert_non_null(strstr(page, "beyond the limits"));
    assert_non_null(strstr(page, "from t 7 on"));
    assert_null(strstr(page, "nan"));
    assert_null(strstr(page, "inf\""));
    free(page);
    assay_audit_free(&a);
}

static void without_time_there_is_nothing_to_draw(void **state)
{
    assay_audit a;
    (void)state;
    make(&a);
    a.at[0].steps = 0;
    assert_int_equal(assay_audit_draw(stdout, &a, 1), 0);
    assay_audit_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_comes_back_as_it_was),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(a_page_shows_the_picture_and_says_where),
        cmocka_unit_test(without_time_there_is_nothing_to_draw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
