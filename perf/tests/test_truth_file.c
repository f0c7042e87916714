/* test_truth_file.c: proofs come back from JSON as the tables that they were, and stand in every readable format; what
 * is none is refused in one line. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "perf/report.h"
#include "perf/truth_file.h"

static const assay_proof proofs[] = {
    {"rnn", "lstm|<b>", "y", "double against quad", 2e-16, 1e-13},
    {"rnn", "lstm|<b>", "dW.l0.f", "double against quad", 3e-16, 1e-13},
    {"rnn", "lstm|<b>", "y", "double against quad, by rows", 4e-16, 1e-12},
    {"ctc", "sum", "loss", "double against quad", NAN, 1e-13},
    {"philox", "", "words", "published values", 0, 0},
};
#define PROOFS (sizeof proofs / sizeof *proofs)

static json_t *vector(const char *file, const char *version, double error)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:f, s:f, s:b}", "file", file, "source", "Some & framework",
                     "version", version, "why", "", "tensors", 5, "worst", "hn", "error", error, "bound", 1e-5, "holds",
                     error <= 1e-5);
}

static json_t *file(void)
{
    json_t *list = json_array(), *golden = json_array();
    for (size_t k = 0; k < PROOFS; k++)
        assert_int_equal(json_array_append_new(list, assay_truth_proof_json(&proofs[k])), 0);
    json_array_append_new(golden, vector("one.safetensors", "1", 1e-7));
    json_array_append_new(golden, vector("two.safetensors", "1", 2e-5));
    json_array_append_new(golden, vector("three.safetensors", "2", 0));
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:b, s:b, s:o, s:o}", "schema", ASSAY_TRUTH_SCHEMA, "version", "0.1", "time",
                  "2026-01-02T03:04:05Z", "full", 1, "complete", 1, "proofs", list, "golden", golden);
    assert_non_null(root);
    return root;
}

static void they_come_back_as_the_tables_that_they_were(void **state)
{
    assay_truth_table direct = {0};
    assay_truths t;
    char why[256];
    (void)state;
    for (size_t k = 0; k < PROOFS; k++)
        assert_true(assay_truth_note(&direct, &proofs[k]));
    json_t *json = file();
    assert_int_equal(assay_truths_parse(json, "file", &t, why, sizeof why), ASSAY_OK);
    assert_true(t.proofs == 5 && t.broken == 1 && t.full && t.complete);
    assert_int_equal(assay_truth_dialects(&t.table), 2);
    char *before = assay_truth_markdown(&direct, "x"), *after = assay_truth_markdown(&t.table, "x");
    assert_string_equal(before, after);
    free(before);
    free(after);
    assert_int_equal(t.source_count, 2);
    assert_true(t.source[0].files == 2 && t.source[0].tensors == 10 && t.source[0].beyond == 1);
    assert_string_equal(t.source[0].worst_at, "two.safetensors hn");
    json_decref(json);
    assay_truth_free(&direct);
    assay_truths_free(&t);
}

static void refused(json_t *json, const char *named)
{
    assay_truths t;
    char why[256] = "";
    assert_int_equal(assay_truths_parse(json, "file", &t, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_true(strstr(why, named) && strstr(why, "file:") && !strchr(why, '\n'));
    assay_truths_free(&t);
    json_decref(json);
}

static void what_is_missing_is_named_in_one_line(void **state)
{
    static const char *const heads[] = {"schema", "version", "time", "full", "complete", "proofs", "golden"};
    static const char *const of_proof[] = {"op", "dialect", "tensor", "what", "error", "bound", "holds"};
    static const char *const of_vector[] = {"file", "source", "version", "tensors", "worst", "error", "bound", "holds"};
    (void)state;
    for (size_t k = 0; k < sizeof heads / sizeof *heads; k++) {
        json_t *json = file();
        json_object_set_new(json, heads[k], json_integer(7));
        refused(json, heads[k]);
    }
    for (size_t k = 0; k < sizeof of_proof / sizeof *of_proof; k++) {
        json_t *json = file();
        json_object_del(json_array_get(json_object_get(json, "proofs"), 2), of_proof[k]);
        refused(json, "proofs[2]: ");
    }
    for (size_t k = 0; k < sizeof of_vector / sizeof *of_vector; k++) {
        json_t *json = file();
        json_object_del(json_array_get(json_object_get(json, "golden"), 1), of_vector[k]);
        refused(json, "golden[1]: ");
    }
}

static void that_it_holds_is_what_its_numbers_say(void **state)
{
    (void)state;
    json_t *json = file();
    json_object_set_new(json_array_get(json_object_get(json, "proofs"), 3), "holds", json_true()); /* error: null */
    refused(json, "proofs[3]: \"error\"");
    json = file();
    json_object_set_new(json_array_get(json_object_get(json, "golden"), 1), "holds", json_true()); /* 2e-5 of 1e-5 */
    refused(json, "golden[1]: \"error\"");
    json = file();
    json_object_set_new(json_array_get(json_object_get(json, "proofs"), 0), "error", json_real(-1));
    refused(json, "proofs[0]: \"error\"");
}

static void more_than_a_page_holds_is_refused(void **state)
{
    char name[100];
    (void)state;
    json_t *json = file();
    for (int k = 0; k < 1100; k++) {
        snprintf(name, sizeof name, "dialect %d", k);
        const assay_proof p = {"rnn", name, "y", "double against quad", 0, 1};
        json_array_append_new(json_object_get(json, "proofs"), assay_truth_proof_json(&p));
    }
    refused(json, "\"dialect\"");
    json = file();
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = 0;
    json_object_set_new(json_array_get(json_object_get(json, "proofs"), 1), "what", json_string(name));
    refused(json, "proofs[1]: \"what\"");
}

static char *document(const assay_truths *t, assay_report_format format)
{
    static assay_report_beside beside;
    const assay_records none = {0};
    memset(&beside, 0, sizeof beside);
    beside.truths[0] = *t;
    beside.truths_count = 1;
    char *text = assay_report_text_with(&none, &beside, format);
    assert_non_null(text);
    return text;
}

static void every_format_has_proofs_and_bounds(void **state)
{
    static const assay_report_format formats[] = {ASSAY_REPORT_TABLE, ASSAY_REPORT_MARKDOWN, ASSAY_REPORT_HTML};
    assay_truths t;
    char why[256];
    (void)state;
    json_t *json = file();
    assert_int_equal(assay_truths_parse(json, "file", &t, why, sizeof why), ASSAY_OK);
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
        char *text = document(&t, formats[f]);
        assert_non_null(
            strstr(text, "2 dialects of ops, 5 proofs, 1 do not hold; 3 golden vectors of 2 sources, 1 beyond"));
        assert_non_null(strstr(text, "3.0e-16"));
        assert_non_null(strstr(text, "1e-13"));
        assert_non_null(strstr(text, "published values"));
        assert_null(strstr(text, "nterrupted"));
        assert_true(formats[f] == ASSAY_REPORT_TABLE || !strstr(text, "|<b>"));
        assert_true(formats[f] == ASSAY_REPORT_TABLE || strstr(text, "&lt;b"));
        free(text);
    }
    t.complete = 0;
    char *page = document(&t, ASSAY_REPORT_HTML);
    assert_non_null(strstr(page, "Interrupted"));
    assert_non_null(strstr(page, "3.0e-16 <span class=\"soft\">of 1e-13</span>"));
    free(page);
    json_decref(json);
    assay_truths_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_come_back_as_the_tables_that_they_were),
        cmocka_unit_test(what_is_missing_is_named_in_one_line),
        cmocka_unit_test(that_it_holds_is_what_its_numbers_say),
        cmocka_unit_test(more_than_a_page_holds_is_refused),
        cmocka_unit_test(every_format_has_proofs_and_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
