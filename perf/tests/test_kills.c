/* test_kills.c: the kill table comes back from its JSON as it was, and stands in every readable format; what is none is
 * refused in one line. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "perf/kills.h"
#include "perf/report.h"

static assay_mutation_result result(const char *name, int held, double weakest)
{
    assay_mutation_result r = {.mutant = assay_mutant_by_name(name), .held = held, .weakest = weakest};
    assert_non_null(r.mutant);
    return r;
}

static void killer(assay_mutation_result *r, const char *check, int kills, double margin)
{
    const int k = r->by_count++;
    r->by[k].check = check;
    r->by[k].kills = kills;
    r->by[k].margin = margin;
    strcpy(r->by[k].case_id, "rnn/<case>|");
    strcpy(r->by[k].what, "dW & \"db\"");
}

/* Of four mutants one survives; one is killed by a crash; one by forward alone. */
static void make(assay_kills *k)
{
    memset(k, 0, sizeof *k);
    strcpy(k->version, "0.1");
    strcpy(k->time, "2026-01-02T03:04:05Z");
    k->seed = 0xfedcba9876543210;
    k->complete = k->all = 1;
    assay_mutation_result one = result("lstm-if-swapped", 1, 5.25), two = result("hn-at-last-step", 1, INFINITY);
    assay_mutation_result three = result("tile-tail", 1, 1e12), four = result("state-ignored", 0, 1.5);
    killer(&one, "forward", 3, 70);
    killer(&one, "backward", 1, 5.25);
    killer(&one, "lengths", 0, 0);
    killer(&two, "forward", 1, INFINITY);
    killer(&three, "backward", 2, 1e12);
    strcpy(four.why, "forward did not kill it");
    assert_true(assay_kills_add(k, &one) && assay_kills_add(k, &two) && assay_kills_add(k, &three) &&
                assay_kills_add(k, &four));
}

static json_t *json_of(const assay_kills *k)
{
    json_t *head = json_pack("{s:s, s:s}", "version", k->version, "time", k->time);
    assert_non_null(head);
    assert_int_equal(assay_kills_put(k, head), 0);
    return head;
}

static void what_was_killed_is_counted(void **state)
{
    assay_kills k;
    int alone, named;
    (void)state;
    make(&k);
    assert_int_equal(assay_kills_held(&k), 3);
    assert_int_equal(assay_kills_by(&k, "forward", &alone), 2);
    assert_int_equal(alone, 1);
    assert_int_equal(assay_kills_by(&k, "backward", &alone), 2);
    assert_int_equal(alone, 1);
    assert_int_equal(assay_kills_by(&k, "lengths", &alone), 0);
    assert_string_equal(assay_kills_weakest(&k)->name, "lstm-if-swapped"); /* the survivor's 1.5 is no kill */
    k.at[1].cause_asked = k.at[2].cause_asked = k.at[2].cause_named = 1;
    k.at[0].cause_asked = k.at[3].cause_asked = 0;
    assert_int_equal(assay_kills_causes(&k, &named), 2);
    assert_int_equal(named, 1);
    k.honest = 1;
    assert_null(assay_kills_weakest(&k));
    assay_kills_free(&k);
}

static void it_comes_back_as_it_was(void **state)
{
    assay_kills a, b;
    char why[256];
    (void)state;
    make(&a);
    json_t *json = json_of(&a);
    assert_int_equal(assay_kills_parse(json, "file", &b, why, sizeof why), ASSAY_OK);
    assert_true(b.count == 4 && b.seed == a.seed && b.complete && b.all && !b.honest);
    assert_string_equal(b.time, a.time);
    assert_memory_equal(a.at, b.at, 4 * sizeof *a.at); /* an infinite margin, too */
    json_decref(json);
    assay_kills_free(&a);
    assay_kills_free(&b);
}

static void refused(json_t *json, const char *named)
{
    assay_kills k;
    char why[256] = "";
    assert_int_equal(assay_kills_parse(json, "file", &k, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_true(strstr(why, named) && strstr(why, "file:") && !strchr(why, '\n'));
    assay_kills_free(&k);
    json_decref(json);
}

static void what_is_missing_is_named_in_one_line(void **state)
{
    static const char *const heads[] = {"schema", "version", "time", "seed", "honest", "complete", "all", "mutants"};
    static const char *const rows[] = {"name", "id",          "what",        "named",  "why",
                                       "held", "cause_asked", "cause_named", "margin", "by"};
    static const char *const killers[] = {"check", "kills", "margin", "case", "what"};
    assay_kills k;
    (void)state;
    make(&k);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        json_t *json = json_of(&k);
        json_object_set_new(json, heads[i], json_integer(7));
        refused(json, heads[i]);
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *json = json_of(&k), *row = json_array_get(json_object_get(json, "mutants"), 2);
        json_object_del(row, rows[i]);
        refused(json, rows[i]);
    }
    for (size_t i = 0; i < sizeof killers / sizeof *killers; i++) {
        json_t *json = json_of(&k);
        json_t *by = json_object_get(json_array_get(json_object_get(json, "mutants"), 0), "by");
        json_object_set_new(json_array_get(by, 1), killers[i], json_array());
        refused(json, "mutants[0]: \"by\"");
    }
    assay_kills_free(&k);
}

static void what_could_not_be_is_refused(void **state)
{
    assay_kills k;
    char longer[400];
    (void)state;
    make(&k);
    json_t *json = json_of(&k), *row = json_array_get(json_object_get(json, "mutants"), 1);
    json_object_set_new(row, "margin", json_real(-1));
    refused(json, "mutants[1]: \"margin\"");
    json = json_of(&k);
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = 0;
    json_object_set_new(json_array_get(json_object_get(json, "mutants"), 1), "what", json_string(longer));
    refused(json, "mutants[1]: \"what\"");
    json = json_of(&k);
    json_object_set_new(json, "seed", json_string("fedcba987654321g"));
    refused(json, "seed");
    json = json_of(&k);
    for (int i = 0; i < ASSAY_KILLS_CHECKS; i++) {
        json_t *more = json_deep_copy(json_array_get(json_object_get(json, "mutants"), 2));
        char name[8];
        snprintf(name, sizeof name, "n%d", i);
        json_object_set_new(json_array_get(json_object_get(more, "by"), 0), "check", json_string(name));
        json_array_append_new(json_object_get(json, "mutants"), more);
    }
    refused(json, "different checks");
    assay_kills_free(&k);
}

static char *document(assay_kills *k, assay_report_format format)
{
    static assay_report_beside beside;
    const assay_records none = {0};
    memset(&beside, 0, sizeof beside);
    beside.kills[0] = *k;
    beside.kills_count = 1;
    char *text = assay_report_text_with(&none, &beside, format);
    assert_non_null(text);
    return text;
}

static void every_format_has_the_rate_and_the_killers(void **state)
{
    static const assay_report_format formats[] = {ASSAY_REPORT_TABLE, ASSAY_REPORT_MARKDOWN, ASSAY_REPORT_HTML};
    assay_kills k;
    (void)state;
    make(&k);
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
        char *text = document(&k, formats[f]);
        assert_non_null(strstr(text, "4 mutants, 3 killed (75.0 %), weakest margin 5.25 at lstm-if-swapped"));
        assert_non_null(strstr(text, "SURVIVES"));
        assert_non_null(strstr(text, "forward did not kill it"));
        assert_non_null(strstr(text, "inf"));
        assert_non_null(strstr(text, "1e+12"));
        assert_null(strstr(text, "INTERRUPTED"));
        assert_null(strstr(text, "nterrupted"));
        assert_null(strstr(text, "Nothing was timed"));
        free(text);
    }
    k.complete = 0;
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
        char *text = document(&k, formats[f]);
        assert_true(strstr(text, "nterrupted") || strstr(text, "INTERRUPTED"));
        free(text);
    }
    char *page = document(&k, ASSAY_REPORT_HTML);
    assert_non_null(strstr(page, "forward on rnn/&lt;case&gt;|: dW &amp; &quot;db&quot;"));
    assert_null(strstr(page, "backward on")); /* no row names it: the margin is not from there */
    free(page);
    assay_kills_free(&k);
}

/* What nothing else kills is known where everything else ran. */
static void alone_is_said_where_all_checks_ran(void **state)
{
    static const struct {
        assay_report_format format;
        const char *words;
    } says[] = {{ASSAY_REPORT_TABLE, "of them alone"},
                {ASSAY_REPORT_MARKDOWN, "| alone |"},
                {ASSAY_REPORT_HTML, "<th>alone"},
                {ASSAY_REPORT_HTML, "by this check alone"},
                {ASSAY_REPORT_HTML, "All checks ran on it."}};
    assay_kills k;
    (void)state;
    make(&k);
    for (k.all = 0; k.all < 2; k.all++)
        for (size_t s = 0; s < sizeof says / sizeof *says; s++) {
            char *text = document(&k, says[s].format);
            assert_int_equal(strstr(text, says[s].words) != NULL, k.all);
            free(text);
        }
    assay_kills_free(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_killed_is_counted),
        cmocka_unit_test(it_comes_back_as_it_was),
        cmocka_unit_test(what_is_missing_is_named_in_one_line),
        cmocka_unit_test(what_could_not_be_is_refused),
        cmocka_unit_test(every_format_has_the_rate_and_the_killers),
        cmocka_unit_test(alone_is_said_where_all_checks_ran),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
