/* test_record.c: what was written is what is read, to the last bit; what is no record is refused with its place.
 * SPDX-License-Identifier: MIT */
#include "perf/record.h"

#include "perf/tests/sample.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void a_list_survives_its_text(void **state)
{
    (void)state;
    char why[256] = "";
    assay_records list = assay_sample_records(), back = {0};
    char *text = assay_records_text(&list);
    assert_int_equal(assay_records_parse(text, "text", &back, why, sizeof why), ASSAY_OK);
    assert_int_equal(back.count, list.count);
    assert_int_equal(back.left_count, 1);
    assert_string_equal(back.left[0].why, list.left[0].why);
    char *again = assay_records_text(&back);
    assert_string_equal(text, again);
    free(text);
    free(again);
    assay_records_free(&list);
    assay_records_free(&back);
}

static void samples_and_seed_keep_every_bit(void **state)
{
    (void)state;
    char why[256] = "";
    assay_records list = assay_sample_records(), back = {0};
    char *text = assay_records_text(&list);
    assert_int_equal(assay_records_parse(text, "text", &back, why, sizeof why), ASSAY_OK);
    const assay_record *a = assay_records_find(&list, "b1.lstm-ce-short", "slow", "fp32", "step");
    const assay_record *b = assay_records_find(&back, "b1.lstm-ce-short", "slow", "fp32", "step");
    assert_true(a->seed == b->seed && b->seed == 0xfedcba9876543210u);
    assert_int_equal(b->n, 30);
    assert_memory_equal(a->samples_ms, b->samples_ms, 30 * sizeof(double));
    free(text);
    assay_records_free(&list);
    assay_records_free(&back);
}

static void an_unknown_number_is_null_and_comes_back_as_nan(void **state)
{
    (void)state;
    char why[256] = "";
    assay_records list = assay_sample_records(), back = {0};
    char *text = assay_records_text(&list);
    assert_non_null(strstr(text, "\"roof_ms\": null"));
    assert_null(strstr(text, "nan"));
    assert_int_equal(assay_records_parse(text, "text", &back, why, sizeof why), ASSAY_OK);
    assert_true(isnan(assay_records_find(&back, "b1.lstm-ce-short", "slow", "fp32", "pack")->roof_ms));
    free(text);
    assay_records_free(&list);
    assay_records_free(&back);
}

/* Records of earlier suites stay readable. */
static void numbers_that_came_later_may_lack(void **state)
{
    (void)state;
    char why[256] = "";
    assay_records list = assay_sample_records(), back = {0};
    snprintf(list.at[1].machine.node, sizeof list.at[1].machine.node, "node-7");
    snprintf(list.at[1].commit_time, sizeof list.at[1].commit_time, "2026-01-01T00:00:00Z");
    char *text = assay_records_text(&list);
    json_t *root = json_loads(text, 0, NULL), *one = json_array_get(json_object_get(root, "records"), 0);
    json_object_del(one, "memory");
    json_object_del(json_object_get(one, "roof"), "sgemm_gflop_per_s");
    json_object_del(json_object_get(one, "roof"), "sgemm_by");
    json_object_del(json_object_get(one, "calibration"), "repeats");
    json_object_del(json_object_get(one, "machine"), "node");
    json_object_del(one, "commit_at");
    free(text);
    text = json_dumps(root, 0);
    json_decref(root);
    assert_int_equal(assay_records_parse(text, "text", &back, why, sizeof why), ASSAY_OK);
    assert_true(isnan(back.at[0].peak_mib) && isnan(back.at[0].sgemm_gflop_per_s) && back.at[0].repeats == 0);
    assert_true(back.at[1].peak_mib == 320 && back.at[1].reserve_mib == 250 && back.at[1].sgemm_gflop_per_s == 180);
    assert_string_equal(back.at[0].sgemm_by, "");
    assert_string_equal(back.at[1].sgemm_by, "OpenBLAS 0.1");
    assert_string_equal(back.at[0].machine.node, "");
    assert_string_equal(back.at[1].machine.node, "node-7");
    assert_string_equal(back.at[0].commit_time, "");
    assert_string_equal(back.at[1].commit_time, "2026-01-01T00:00:00Z");
    free(text);
    assay_records_free(&list);
    assay_records_free(&back);
}

static void broken_text_is_refused_with_line_and_column(void **state)
{
    (void)state;
    char why[256] = "";
    assay_records list = {0};
    assert_int_equal(assay_records_parse("{\n  \"schema\": ]", "x.json", &list, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_int_equal(strncmp(why, "x.json:2:", 9), 0);
    assert_int_equal(list.count, 0);
}

/* What the reader quotes of it has no second line, and nothing that a terminal acts on. */
static void a_refusal_is_one_line(void **state)
{
    (void)state;
    char why[256] = "";
    assay_records list = {0};
    assert_int_equal(assay_records_parse("{\"a \\\n\": 1}", "x.json", &list, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_non_null(strstr(why, "\"a \\?"));
    assert_null(strchr(why, '\n'));
}

static void another_document_is_refused(void **state)
{
    (void)state;
    char why[256] = "";
    assay_records list = {0};
    assert_int_equal(assay_records_parse("{\"benchmarks\": []}", "x.json", &list, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_non_null(strstr(why, "x.json: is no list of records"));
}

/* The second record lacks a field: the first one must not stay behind. */
static void a_bad_record_adds_nothing(void **state)
{
    (void)state;
    char why[256] = "";
    assay_records list = assay_sample_records(), back = {0};
    char *text = assay_records_text(&list), *first = strstr(text, "\"margin\"");
    memcpy(strstr(first + 1, "\"margin\""), "\"nigram\"", 8);
    assert_int_equal(assay_records_parse(text, "x.json", &back, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_string_equal(why, "x.json: record 1: \"margin\" is missing or not what was expected");
    assert_int_equal(back.count, 0);
    free(text);
    assay_records_free(&list);
    assay_records_free(&back);
}

/* The first value after `name` becomes `value`, which is no longer than what stands there: is that refused? */
static void refused(const char *name, const char *value, const char *what)
{
    char why[256] = "", expected[128];
    assay_records list = assay_sample_records(), back = {0};
    char *text = assay_records_text(&list), *at = strstr(text, name);
    assert_non_null(at);
    at = strpbrk(strchr(at, ':') + 1, "-0123456789\"");
    memcpy(at + (*at == '"'), value, strlen(value));
    assert_int_equal(assay_records_parse(text, "x.json", &back, why, sizeof why), ASSAY_BAD_ARGUMENT);
    snprintf(expected, sizeof expected, "x.json: %s is %snot what was expected", what,
             *what == 'r' ? "missing or " : "");
    assert_string_equal(why, expected);
    free(text);
    assay_records_free(&list);
    assay_records_free(&back);
}

static void what_no_run_writes_is_refused(void **state)
{
    (void)state;
    refused("\"median_ms\"", "-1", "record 0: \"median_ms\"");
    refused("\"samples_ms\"", "-1", "record 0: \"samples_ms\"");
    refused("\"version\"", "\\u001b", "record 0: \"version\"");
    refused("\"workload\"", "\\u001b", "left_out 0: \"workload\"");
}

static void a_file_that_is_not_there_is_named(void **state)
{
    (void)state;
    char why[256] = "";
    assay_records list = {0};
    assert_int_not_equal(assay_records_read("/nonexistent/records.json", &list, why, sizeof why), ASSAY_OK);
    assert_non_null(strstr(why, "/nonexistent/records.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_survives_its_text),
        cmocka_unit_test(samples_and_seed_keep_every_bit),
        cmocka_unit_test(an_unknown_number_is_null_and_comes_back_as_nan),
        cmocka_unit_test(numbers_that_came_later_may_lack),
        cmocka_unit_test(broken_text_is_refused_with_line_and_column),
        cmocka_unit_test(a_refusal_is_one_line),
        cmocka_unit_test(another_document_is_refused),
        cmocka_unit_test(a_bad_record_adds_nothing),
        cmocka_unit_test(what_no_run_writes_is_refused),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
