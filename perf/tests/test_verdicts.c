/* test_verdicts.c: the verdicts of a check come back from their JSON as they were, and stand in every readable format;
 * what is none is refused in one line. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "perf/report.h"
#include "perf/verdicts.h"

/* One implementation that passes, one that fails and refuses, one that could not be started. */
static const assay_verdicts_row rows[] = {
    {"good", "forward", 95, 0, 59, 0, 0.196, "rnn/<case>| y (tensor)", ""},
    {"good", "lengths", 7, 0, 0, 0, NAN, "", ""},
    {"wrong", "forward", 90, 5, 0, 0, 0.5, "ctc/x loss (row)", ""},
    {"wrong", "lengths", 0, 0, 7, 0, NAN, "", ""},
    {"absent", "forward", 0, 0, 0, 154, NAN, "", "no module named <absent>"},
    {"absent", "lengths", 0, 0, 0, 7, NAN, "", "no module named <absent>"},
};
enum { ROWS = sizeof rows / sizeof *rows };

static void make(assay_verdicts *v)
{
    *v = (assay_verdicts){
        .version = "0.1", .time = "2026-01-02T03:04:05Z", .level = "quick", .seed = 0xfedcba9876543210, .complete = 1};
    for (int k = 0; k < ROWS; k++)
        assert_true(assay_verdicts_add(v, &rows[k]));
}

static json_t *json_of(const assay_verdicts *v)
{
    json_t *head = json_pack("{s:s, s:s}", "version", v->version, "time", v->time);
    assert_non_null(head);
    assert_int_equal(assay_verdicts_put(v, head), 0);
    return head;
}

static void they_come_back_as_they_were(void **state)
{
    assay_verdicts a, b;
    int64_t all, skipped;
    char why[256];
    (void)state;
    make(&a);
    json_t *json = json_of(&a);
    assert_int_equal(assay_verdicts_parse(json, "file", &b, why, sizeof why), ASSAY_OK);
    assert_true(b.count == ROWS && b.seed == a.seed && b.complete);
    assert_string_equal(b.level, "quick");
    assert_string_equal(b.time, a.time);
    for (int k = 0; k < ROWS; k++) {
        const assay_verdicts_row *x = &a.at[k], *y = &b.at[k];
        assert_string_equal(x->impl, y->impl);
        assert_string_equal(x->check, y->check);
        assert_string_equal(x->margin_at, y->margin_at);
        assert_string_equal(x->why, y->why);
        assert_true(x->pass == y->pass && x->bad == y->bad && x->unsupported == y->unsupported);
        assert_true(x->skipped == y->skipped && (x->margin == y->margin || (isnan(x->margin) && isnan(y->margin))));
    }
    assay_verdicts_of(&b, "absent", &all, &skipped);
    assert_true(all == 161 && skipped == 161);
    assay_verdicts_of(&b, "wrong", &all, &skipped);
    assert_true(all == 102 && skipped == 0);
    json_decref(json);
    assay_verdicts_free(&a);
    assay_verdicts_free(&b);
}

static void refused(json_t *json, const char *named)
{
    assay_verdicts v;
    char why[256] = "";
    assert_int_equal(assay_verdicts_parse(json, "file", &v, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_true(strstr(why, named) && strstr(why, "file:") && !strchr(why, '\n'));
    assay_verdicts_free(&v);
    json_decref(json);
}

static void what_is_missing_is_named_in_one_line(void **state)
{
    static const char *const heads[] = {"schema", "version", "time", "level", "seed", "complete", "table"};
    static const char *const members[] = {"impl", "check", "pass", "bad", "unsupported", "skipped", "at", "why"};
    assay_verdicts v;
    (void)state;
    make(&v);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        json_t *json = json_of(&v);
        json_object_set_new(json, heads[i], json_integer(7));
        refused(json, heads[i]);
    }
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        json_t *json = json_of(&v);
        json_object_del(json_array_get(json_object_get(json, "table"), 2), members[i]);
        refused(json, members[i]);
    }
    assay_verdicts_free(&v);
}

static void what_could_not_be_is_refused(void **state)
{
    static const struct {
        const char *member;
        double number;
    } wrong[] = {{"pass", -1}, {"bad", 0.5}, {"skipped", 1e10}, {"margin", -1}};
    assay_verdicts v;
    (void)state;
    make(&v);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        json_t *json = json_of(&v), *row = json_array_get(json_object_get(json, "table"), 1);
        const double x = wrong[i].number;
        json_object_set_new(row, wrong[i].member, floor(x) == x ? json_integer((json_int_t)x) : json_real(x));
        refused(json, wrong[i].member);
    }
    json_t *json = json_of(&v);
    for (int i = 0; i < ASSAY_VERDICTS_CHECKS; i++) {
        json_t *more = json_deep_copy(json_array_get(json_object_get(json, "table"), 0));
        char name[8];
        snprintf(name, sizeof name, "n%d", i);
        json_object_set_new(more, "check", json_string(name));
        json_array_append_new(json_object_get(json, "table"), more);
    }
    refused(json, "different checks");
    assay_verdicts_free(&v);
}

static char *document(const assay_verdicts *v, assay_report_format format)
{
    static assay_report_beside beside;
    const assay_records none = {0};
    memset(&beside, 0, sizeof beside);
    beside.verdicts[0] = *v;
    beside.verdicts_count = 1;
    char *text = assay_report_text_with(&none, &beside, format);
    assert_non_null(text);
    return text;
}

static void every_format_has_passes_failures_and_what_was_skipped(void **state)
{
    static const struct {
        assay_report_format format;
        const char *says[5];
    } wanted[] = {
        {ASSAY_REPORT_TABLE, {"95 (0.2)", "5 of 95 bad", "SKIPPED: no module named <absent>", "seed 0xfedcba98", ""}},
        {ASSAY_REPORT_MARKDOWN,
         {"| good | 95 (0.2) | 7 |", "| wrong | 5 of 95 bad | - |", "Skipped: absent: ", "seed 0xfedcba98", ""}},
        {ASSAY_REPORT_HTML,
         {"<td>good<td data-h=\"forward\">95 <span class=\"soft\">0.2</span><td data-h=\"lengths\">7",
          "<td data-h=\"forward\"><b>5 of 95 bad</b><td data-h=\"lengths\">-",
          "absent: skipped: no module named &lt;absent&gt;", "Not all of them conform", "rnn/&lt;case&gt;| y"}}};
    assay_verdicts v;
    (void)state;
    make(&v);
    for (size_t f = 0; f < sizeof wanted / sizeof *wanted; f++) {
        char *text = document(&v, wanted[f].format);
        for (int s = 0; s < 5; s++)
            assert_non_null(strstr(text, wanted[f].says[s]));
        assert_null(strstr(text, "<td>absent"));
        assert_null(strstr(text, "| absent |"));
        assert_true(!strstr(text, "nterrupted") && !strstr(text, "INTERRUPTED") && !strstr(text, "Nothing was timed"));
        free(text);
        v.complete = 0;
        text = document(&v, wanted[f].format);
        assert_true(strstr(text, "nterrupted") || strstr(text, "INTERRUPTED"));
        free(text);
        v.complete = 1;
    }
    assay_verdicts_free(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_come_back_as_they_were),
        cmocka_unit_test(what_is_missing_is_named_in_one_line),
        cmocka_unit_test(what_could_not_be_is_refused),
        cmocka_unit_test(every_format_has_passes_failures_and_what_was_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
