/* test_results.c: what a run showed reaches the table's counts, the JSON and the JUnit file unchanged.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/output.h"
#include "perf/cli/results.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct fixture {
    assay_results results;
    char path[64];
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (!f) return -1;
    snprintf(f->path, sizeof f->path, "test_results.%ld.tmp", (long)getpid());
    assay_results_start(&f->results, 0.5, 1);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    unlink(f->path);
    assay_results_free(&f->results);
    free(f);
    return 0;
}

static assay_finding finding(const char *what, double margin, assay_verdict verdict)
{
    assay_finding f = {.rule = "row", .error = margin, .floor = 0.25, .limit = 1, .margin = margin, .where = 3};
    snprintf(f.what, sizeof f.what, "%s", what);
    f.verdict = verdict;
    return f;
}

static void add(assay_results *r, const char *impl, const char *check, assay_verdict verdict, const assay_finding *f)
{
    assay_result x = {.impl = impl,
                      .plugin = "./x.so",
                      .case_id = "rnn/a<b>&\"c\"",
                      .check = check,
                      .arithmetic = ASSAY_FP32,
                      .seed = UINT64_MAX,
                      .verdict = verdict,
                      .margin = f ? f->margin : 0,
                      .findings = f,
                      .finding_count = f ? 1 : 0};
    snprintf(x.why, sizeof x.why, "because & so");
    assay_results_add(r, &x);
}

static void a_row_counts_one_implementation_under_one_check(void **state)
{
    assay_results *r = &((fixture *)*state)->results;
    assay_finding good = finding("y", 0.25, ASSAY_VERDICT_PASS);
    add(r, "one", "forward", ASSAY_VERDICT_PASS, &good);
    add(r, "one", "backward", ASSAY_VERDICT_UNSUPPORTED, NULL);
    add(r, "one", "forward", ASSAY_VERDICT_FAIL, NULL);
    assert_int_equal(r->tally_count, 2);
    assert_int_equal(r->tallies[0].counts[ASSAY_VERDICT_PASS], 1);
    assert_int_equal(r->tallies[0].counts[ASSAY_VERDICT_FAIL], 1);
    assert_int_equal(r->tallies[1].counts[ASSAY_VERDICT_UNSUPPORTED], 1);
}

/* What the table prints, in text. */
static void print_into(const assay_results *r, const char *path, char *text, size_t size)
{
    fflush(stdout);
    const int own = dup(STDOUT_FILENO);
    assert_true(own >= 0 && freopen(path, "w", stdout));
    assay_results_print_table(r);
    fflush(stdout);
    assert_true(dup2(own, STDOUT_FILENO) >= 0);
    close(own);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    text[fread(text, 1, size - 1, f)] = 0;
    fclose(f);
}

static void what_was_skipped_throughout_has_one_line_and_no_row(void **state)
{
    const fixture *f = *state;
    assay_results *r = &((fixture *)*state)->results;
    assay_verdicts counts = {0};
    char text[4096];
    add(r, "here", "forward", ASSAY_VERDICT_PASS, NULL);
    add(r, "here", "backward", ASSAY_VERDICT_SKIPPED, NULL);
    add(r, "absent", "forward", ASSAY_VERDICT_SKIPPED, NULL);
    add(r, "absent", "backward", ASSAY_VERDICT_SKIPPED, NULL);
    print_into(r, f->path, text, sizeof text);
    assert_non_null(strstr(text, "here           forward            1"));
    assert_non_null(strstr(text, "here           backward           0"));
    assert_non_null(strstr(text, "absent: SKIPPED 2: because & so\n"));
    assert_null(strstr(text, "absent         forward"));
    assert_int_equal(assay_results_count(r, &counts), 1);
    assert_true(counts.count == 4 && counts.at[0].pass == 1 && isnan(counts.at[0].margin) && counts.at[3].skipped == 1);
    assert_string_equal(counts.at[3].why, "because & so");
    assay_verdicts_free(&counts);
}

static void rows_of_one_implementation_stand_together(void **state)
{
    assay_results *r = &((fixture *)*state)->results;
    add(r, "one", "forward", ASSAY_VERDICT_PASS, NULL);
    add(r, "two", "forward", ASSAY_VERDICT_PASS, NULL);
    add(r, "one", "backward", ASSAY_VERDICT_PASS, NULL);
    assert_string_equal(r->tallies[1].impl, "one");
    assert_string_equal(r->tallies[1].check, "backward");
    assert_string_equal(r->tallies[2].impl, "two");
    assert_int_equal(r->tallies[2].counts[ASSAY_VERDICT_PASS], 1);
}

static void the_worst_passing_margin_is_kept_with_its_place(void **state)
{
    assay_results *r = &((fixture *)*state)->results;
    assay_finding low = finding("y", 0.125, ASSAY_VERDICT_PASS), high = finding("dx", 0.25, ASSAY_VERDICT_PASS),
                  bad = finding("dR", 9, ASSAY_VERDICT_FAIL);
    add(r, "one", "forward", ASSAY_VERDICT_PASS, &low);
    add(r, "one", "forward", ASSAY_VERDICT_PASS, &high);
    add(r, "one", "forward", ASSAY_VERDICT_FAIL, &bad);
    assert_true(r->tallies[0].margin == 0.25);
    assert_non_null(strstr(r->tallies[0].margin_at, "dx (row)"));
}

static void a_margin_above_the_limit_is_counted_and_nan_is_above(void **state)
{
    assay_results *r = &((fixture *)*state)->results;
    assay_finding low = finding("y", 0.5, ASSAY_VERDICT_PASS), high = finding("y", 0.75, ASSAY_VERDICT_PASS),
                  nan = finding("y", NAN, ASSAY_VERDICT_PASS);
    add(r, "one", "forward", ASSAY_VERDICT_PASS, &low);
    assert_int_equal(r->over_limit, 0);
    add(r, "one", "forward", ASSAY_VERDICT_PASS, &high);
    add(r, "one", "forward", ASSAY_VERDICT_PASS, &nan);
    assert_int_equal(r->over_limit, 2);
}

static void json_keeps_seeds_of_64_bits_and_writes_null_for_infinity(void **state)
{
    assay_results *r = &((fixture *)*state)->results;
    assay_finding bad = finding("y", INFINITY, ASSAY_VERDICT_FAIL);
    add(r, "one", "forward", ASSAY_VERDICT_FAIL, &bad);
    assert_int_equal(r->no_memory, 0);
    const json_t *x = json_array_get(r->all, 0);
    const json_t *f = json_array_get(json_object_get(x, "findings"), 0);
    assert_string_equal(json_string_value(json_object_get(x, "seed")), "0xffffffffffffffff");
    assert_true(json_is_null(json_object_get(x, "margin")));
    assert_true(json_is_null(json_object_get(f, "error")));
    assert_true(json_real_value(json_object_get(f, "floor")) == 0.25);
    assert_int_equal(json_integer_value(json_object_get(f, "where")), 3);
}

/* A night of fresh seeds must not fill the memory. */
static void without_files_only_the_tallies_are_kept(void **state)
{
    assay_results r;
    assay_finding good = finding("y", 0.25, ASSAY_VERDICT_PASS);
    (void)state;
    assay_results_start(&r, 0, 0);
    add(&r, "one", "forward", ASSAY_VERDICT_PASS, &good);
    assert_null(r.all);
    assert_int_equal(r.no_memory, 0);
    assert_int_equal(r.tallies[0].counts[ASSAY_VERDICT_PASS], 1);
    assay_results_free(&r);
}

static void add_refusal(assay_results *r, const char *impl, const char *check, const char *id, const char *why)
{
    assay_result x = {.impl = impl,
                      .plugin = "./x.so",
                      .case_id = id,
                      .check = check,
                      .arithmetic = ASSAY_FP64,
                      .verdict = ASSAY_VERDICT_UNSUPPORTED};
    snprintf(x.why, sizeof x.why, "%s", why);
    assay_results_add(r, &x);
}

static void printed_refusals(const assay_results *r, char *text, size_t size)
{
    FILE *f = fmemopen(text, size, "w");
    assert_non_null(f);
    assay_results_print_refusals(f, r);
    assert_int_equal(fclose(f), 0);
}

static void each_reason_of_each_implementation_is_one_line_with_its_count(void **state)
{
    assay_results *r = &((fixture *)*state)->results;
    char text[1024] = "";
    add_refusal(r, "one", "forward", "rnn/a", "fp32 only");
    add_refusal(r, "two", "forward", "rnn/a", "no peepholes");
    add_refusal(r, "one", "forward", "rnn/b", "no \033[2J");
    add_refusal(r, "one", "backward", "rnn/b", "no \033[2J");
    printed_refusals(r, text, sizeof text);
    assert_string_equal(text, "one UNSUPPORTED 3: 2 no ?[2J, e.g. rnn/b (forward, fp64)\n"
                              "one UNSUPPORTED 3: 1 fp32 only, e.g. rnn/a (forward, fp64)\n"
                              "two UNSUPPORTED 1: 1 no peepholes, e.g. rnn/a (forward, fp64)\n");
}

/* A plugin may write a new one for each case. */
static void reasons_beyond_a_number_are_counted_together(void **state)
{
    assay_results *r = &((fixture *)*state)->results;
    char text[16384] = "", why[32];
    for (int k = 0; k < ASSAY_REASONS + 5; k++) {
        snprintf(why, sizeof why, "reason %d", k);
        add_refusal(r, "one", "forward", "rnn/a", why);
    }
    printed_refusals(r, text, sizeof text);
    assert_non_null(strstr(text, "one UNSUPPORTED 69: 5 for other reasons, e.g. rnn/a (forward, fp64)\n"));
    assert_null(strstr(text, "reason 64"));
    assert_non_null(strstr(text, "reason 63"));
}

static void reasons_are_in_the_file_too(void **state)
{
    assay_results *r = &((fixture *)*state)->results;
    add_refusal(r, "one", "forward", "rnn/a", "fp32 only");
    add_refusal(r, "one", "backward", "rnn/b", "fp32 only");
    json_t *list = assay_results_refusals(r);
    assert_int_equal(json_array_size(list), 1);
    const json_t *x = json_array_get(list, 0);
    assert_string_equal(json_string_value(json_object_get(x, "impl")), "one");
    assert_string_equal(json_string_value(json_object_get(x, "why")), "fp32 only");
    assert_int_equal(json_integer_value(json_object_get(x, "count")), 2);
    assert_string_equal(json_string_value(json_object_get(x, "case")), "rnn/a");
    assert_string_equal(json_string_value(json_object_get(x, "check")), "forward");
    assert_string_equal(json_string_value(json_object_get(x, "arithmetic")), "fp64");
    json_decref(list);
}

static void read_back(const char *path, char *buffer, size_t size)
{
    FILE *f = fopen(path, "r");
    size_t length = f ? fread(buffer, 1, size - 1, f) : 0;
    buffer[length] = '\0';
    if (f) fclose(f);
}

static void junit_escapes_and_tells_failures_from_skips(void **state)
{
    fixture *f = *state;
    char text[4096];
    add(&f->results, "one", "forward", ASSAY_VERDICT_FAIL, NULL);
    add(&f->results, "two", "forward", ASSAY_VERDICT_UNSUPPORTED, NULL);
    add(&f->results, "two", "backward", ASSAY_VERDICT_CRASHED, NULL);
    assert_int_equal(assay_results_write_junit(&f->results, f->path), 0);
    read_back(f->path, text, sizeof text);
    assert_non_null(strstr(text, "name=\"rnn/a&lt;b&gt;&amp;&quot;c&quot; fp32\""));
    assert_non_null(strstr(text, "<failure message=\"FAIL: because &amp; so\">"));
    assert_non_null(strstr(text, "<skipped message=\"UNSUPPORTED: because &amp; so\">"));
    assert_non_null(strstr(text, "<error message=\"CRASHED"));
    assert_non_null(strstr(text, "<testsuite name=\"two\">"));
}

static void what_a_plugin_says_cannot_break_files_or_terminals(void **state)
{
    assay_results *r = &((fixture *)*state)->results;
    add(r, "evil\033[2J\xff", "forward", ASSAY_VERDICT_FAIL, NULL);
    assert_int_equal(r->no_memory, 0);
    assert_string_equal(json_string_value(json_object_get(json_array_get(r->all, 0), "impl")), "evil?[2J?");
}

static void a_file_that_cannot_be_written_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(assay_output_write("no/such/folder/file", "x", 1), 3);
    assert_int_equal(assay_output_json("no/such/folder/file", json_object()), 3);
}

static void a_file_is_replaced_whole(void **state)
{
    fixture *f = *state;
    char text[64];
    assert_int_equal(assay_output_write(f->path, "longer text", 11), 0);
    assert_int_equal(assay_output_write(f->path, "short", 5), 0);
    read_back(f->path, text, sizeof text);
    assert_string_equal(text, "short");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_row_counts_one_implementation_under_one_check),
        TEST(what_was_skipped_throughout_has_one_line_and_no_row),
        TEST(rows_of_one_implementation_stand_together),
        TEST(the_worst_passing_margin_is_kept_with_its_place),
        TEST(a_margin_above_the_limit_is_counted_and_nan_is_above),
        TEST(json_keeps_seeds_of_64_bits_and_writes_null_for_infinity),
        cmocka_unit_test(without_files_only_the_tallies_are_kept),
        TEST(each_reason_of_each_implementation_is_one_line_with_its_count),
        TEST(reasons_beyond_a_number_are_counted_together),
        TEST(reasons_are_in_the_file_too),
        TEST(junit_escapes_and_tells_failures_from_skips),
        TEST(what_a_plugin_says_cannot_break_files_or_terminals),
        TEST(a_file_that_cannot_be_written_leaves_nothing),
        TEST(a_file_is_replaced_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
