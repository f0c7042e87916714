/* test_report.c: the report says what the records say, keeps others' numbers apart, and loads nothing.
 * SPDX-License-Identifier: MIT */
#include "perf/report.h"

#include "perf/escape.h"
#include "perf/report_group.h"
#include "perf/seeds.h"
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

static char *report(assay_report_format format)
{
    assay_records list = assay_sample_records();
    char *text = assay_report_text(&list, format);
    assay_records_free(&list);
    assert_non_null(text);
    return text;
}

static void rows_are_grouped_and_the_fastest_comes_first(void **state)
{
    (void)state;
    assay_records list = assay_sample_records();
    assay_report_groups g;
    assert_int_equal(assay_report_groups_make(&list, &g), ASSAY_OK);
    assert_int_equal(g.count, 2);
    assert_string_equal(g.at[0].id, "b1.lstm-ce-short");
    assert_int_equal(g.at[0].row_count, 2);
    assert_string_equal(g.at[0].rows[0].any->implementation, "quick");
    assay_report_groups_free(&g);
    assay_records_free(&list);
}

/* Whose work another peak bounds is not beside it, and no ratio says what a narrower format gains. */
static void formats_are_groups_of_their_own(void **state)
{
    (void)state;
    assay_records list = assay_sample_records();
    assay_report_groups g;
    for (int32_t k = 0; k < list.count; k++)
        if (!strcmp(list.at[k].implementation, "quick")) strcpy(list.at[k].arithmetic, "bf16");
    assert_int_equal(assay_report_groups_make(&list, &g), ASSAY_OK);
    assert_string_equal(g.at[0].title, "b1.lstm-ce-short");
    assert_string_equal(g.at[0].rows[0].any->implementation, "slow");
    assert_string_equal(g.at[1].title, "b1.lstm-ce-short in bf16");
    assert_string_equal(g.at[1].rows[0].any->implementation, "quick");
    assert_true(g.at[0].row_count == 1 && g.at[1].row_count == 1 && isnan(g.at[1].rows[0].ratio.low));
    assay_report_groups_free(&g);
    assay_records_free(&list);
}

static void the_ratio_is_paired(void **state)
{
    (void)state;
    assay_records list = assay_sample_records();
    assay_report_groups g;
    assert_int_equal(assay_report_groups_make(&list, &g), ASSAY_OK);
    assert_true(isnan(g.at[0].rows[0].ratio.low));
    assert_true(fabs(g.at[0].rows[1].ratio.low - 2) < 1e-12 && fabs(g.at[0].rows[1].ratio.high - 2) < 1e-12);
    assay_report_groups_free(&g);
    assay_records_free(&list);
}

static void samples_of_two_runs_are_no_pairs(void **state)
{
    (void)state;
    assay_records list = assay_sample_records();
    for (int32_t k = 0; k < list.count; k++)
        if (!strcmp(list.at[k].implementation, "slow")) list.at[k].seed = 1;
    assay_report_groups g;
    assert_int_equal(assay_report_groups_make(&list, &g), ASSAY_OK);
    assert_true(isnan(g.at[0].rows[1].ratio.low));
    assay_report_groups_free(&g);
    assay_records_free(&list);
}

/* Run k of `count`, measured at day 1 + k by commit k. */
static assay_records runs_of(int count)
{
    assay_records all = {0};
    for (int k = 0; k < count; k++) {
        assay_records one = assay_sample_records();
        for (int32_t r = 0; r < one.count; r++) {
            snprintf(one.at[r].commit, sizeof one.at[r].commit, "%d23456789abc", k);
            snprintf(one.at[r].time, sizeof one.at[r].time, "2026-02-0%dT00:00:00Z", 1 + k);
            one.at[r].seed = (uint64_t)k;
            assert_int_equal(assay_records_add(&all, &one.at[r]), ASSAY_OK);
        }
        free(one.at); /* samples are the list's now */
        free(one.left);
    }
    return all;
}

/* Whatever the order of the files; earlier ones are history. */
static void a_row_is_of_its_newest_commit(void **state)
{
    (void)state;
    assay_records list = runs_of(2);
    assay_report_groups g;
    for (int32_t k = 0; k < list.count; k++) /* only the old commit has it */
        if (list.at[k].commit[0] == '1' && !strcmp(list.at[k].phase, "infer"))
            snprintf(list.at[k].phase, sizeof list.at[k].phase, "another");
    for (int order = 0; order < 2; order++) {
        assert_int_equal(assay_report_groups_make(&list, &g), ASSAY_OK);
        assert_true(g.count == 2 && g.at[0].row_count == 2);
        for (int r = 0; r < 2; r++)
            for (int phase = 0; phase < ASSAY_PHASES; phase++)
                if (g.at[0].rows[r].phase[phase]) assert_true(g.at[0].rows[r].phase[phase]->commit[0] == '1');
        assert_string_equal(assay_report_newest(&list)->commit, "123456789abc");
        assay_report_groups_free(&g);
        for (int32_t k = 0; k < list.count / 2; k++) { /* back to front */
            const assay_record r = list.at[k];
            list.at[k] = list.at[list.count - 1 - k];
            list.at[list.count - 1 - k] = r;
        }
    }
    assay_records_free(&list);
}

static void nodes_are_rows_of_one_group(void **state)
{
    (void)state;
    char name[128];
    assay_records list = runs_of(2);
    assay_report_groups g;
    for (int32_t k = 0; k < list.count; k++)
        snprintf(list.at[k].machine.node, sizeof list.at[k].machine.node, "node-%c", list.at[k].commit[0]);
    assert_int_equal(assay_report_groups_make(&list, &g), ASSAY_OK);
    assert_true(g.count == 2 && g.at[0].row_count == 4);
    assert_non_null(strstr(assay_report_row_name(&g.at[0].rows[0], name), "quick @ node-"));
    assert_true(isnan(g.at[0].rows[1].ratio.low)); /* of two runs */
    assay_report_groups_free(&g);
    assay_records_free(&list);
}

/* Two processors, or two numbers of cores, are no rows of one chart. */
static void hosts_are_groups_of_their_own(void **state)
{
    (void)state;
    assay_records list = runs_of(2);
    assay_report_groups g;
    for (int32_t k = 0; k < list.count; k++)
        if (list.at[k].commit[0] == '1') list.at[k].machine.cores = 64;
    assert_int_equal(assay_report_groups_make(&list, &g), ASSAY_OK);
    assert_int_equal(g.count, 4);
    assert_string_equal(g.at[0].title, "b1.lstm-ce-short on an-invented-processor-2-cores");
    assert_string_equal(g.at[1].title, "b1.lstm-ce-short on an-invented-processor-64-cores");
    assay_report_groups_free(&g);
    assay_records_free(&list);
}

static void several_commits_are_a_history_in_every_format(void **state)
{
    (void)state;
    static const assay_report_format formats[] = {ASSAY_REPORT_TABLE, ASSAY_REPORT_MARKDOWN, ASSAY_REPORT_HTML};
    for (int k = 0; k < 3; k++) {
        assay_records list = runs_of(2);
        char *text = assay_report_text(&list, formats[k]);
        assert_non_null(strstr(text, "b1.lstm-ce-short, quick fp32: a training step over commits"));
        assert_non_null(strstr(text, "c.emb-lstm.h128, quick fp32: a training step over commits"));
        assert_non_null(strstr(text, "023456789abc"));
        assert_non_null(strstr(text, "2026-02-01 00:00"));
        assert_non_null(strstr(text, "SAME "));
        assert_null(strstr(text, "equal devices"));
        free(text);
        assay_records_free(&list);
        text = report(formats[k]); /* of one commit */
        assert_null(strstr(text, "over commits"));
        free(text);
    }
}

static void equal_devices_are_set_against_each_other_in_every_format(void **state)
{
    (void)state;
    static const assay_report_format formats[] = {ASSAY_REPORT_TABLE, ASSAY_REPORT_MARKDOWN, ASSAY_REPORT_HTML};
    for (int k = 0; k < 3; k++) {
        assay_records list = runs_of(2);
        for (int32_t r = 0; r < list.count; r++) {
            snprintf(list.at[r].machine.node, sizeof list.at[r].machine.node, "node-%c", list.at[r].commit[0]);
            list.at[r].commit[0] = '0';
        }
        char *text = assay_report_text(&list, formats[k]);
        assert_non_null(strstr(text, "equal devices"));
        assert_non_null(strstr(text, "b1.lstm-ce-short slow fp32 step on 2 of an-invented-processor-2-cores"));
        assert_non_null(strstr(text, "quick @ node-1"));
        free(text);
        assay_records_free(&list);
    }
}

static void each_is_over_each_on_the_page(void **state)
{
    (void)state;
    char *text = report(ASSAY_REPORT_HTML);
    assert_non_null(strstr(text, "<tr><td>quick<td>1<td>0.500 to 0.500</tr>"));
    assert_non_null(strstr(text, "<tr><td>slow<td>2.00 to 2.00<td>1</tr>"));
    free(text);
}

static void numbers_have_three_figures(void **state)
{
    (void)state;
    char b[24];
    assert_string_equal(assay_report_number(12345.6, b), "12346");
    assert_string_equal(assay_report_number(99.96, b), "100");
    assert_string_equal(assay_report_number(12.345, b), "12.3");
    assert_string_equal(assay_report_number(1.2345, b), "1.23");
    assert_string_equal(assay_report_number(0.01234, b), "0.012");
    assert_string_equal(assay_report_number(NAN, b), "-");
}

static void every_format_names_seed_reason_and_missing_peers(void **state)
{
    (void)state;
    static const assay_report_format formats[] = {ASSAY_REPORT_TABLE, ASSAY_REPORT_MARKDOWN, ASSAY_REPORT_HTML};
    for (int k = 0; k < 3; k++) {
        char *text = report(formats[k]);
        assert_non_null(strstr(text, "0xfedcba9876543210"));
        assert_non_null(strstr(text, "budget: 6 steps"));
        assert_non_null(strstr(text, "PyTorch, oneDNN"));
        free(text);
    }
}

/* 19.76 GFLOP in 130.52 ms: 151 GFLOP/s, which is 84 % of 180. */
static void both_roofs_and_the_memory_are_shown(void **state)
{
    (void)state;
    char *text = report(ASSAY_REPORT_TABLE);
    assert_non_null(strstr(text, "200 GFLOP/s at the multiply-add peak, 180 in sgemm by OpenBLAS 0.1"));
    assert_non_null(strstr(text, "76 %  84 %"));
    assert_non_null(strstr(text, " 320 "));
    free(text);
    text = report(ASSAY_REPORT_MARKDOWN);
    assert_non_null(strstr(text, "| 76 % | 84 % |"));
    assert_non_null(strstr(text, "| 30 | 320 |"));
    free(text);
    text = report(ASSAY_REPORT_HTML);
    assert_non_null(strstr(text, "200 GFLOP/s multiply-add peak, 180 in sgemm"));
    assert_non_null(strstr(text, "<th>peak MiB"));
    free(text);
}

static void the_page_loads_nothing_and_escapes_what_it_prints(void **state)
{
    (void)state;
    char *text = report(ASSAY_REPORT_HTML);
    assert_null(strstr(text, "http://"));
    assert_null(strstr(text, "https://"));
    assert_null(strstr(text, "<script"));
    assert_null(strstr(text, "<link"));
    assert_null(strstr(text, "url("));
    assert_null(strstr(text, "<beta>"));
    assert_non_null(strstr(text, "1.0 &lt;beta&gt; &amp; &quot;co&quot;"));
    assert_non_null(strstr(text, "published, other hardware"));
    assert_non_null(strstr(text, "distinct tokens not known;"));
    free(text);
}

/* Records come from files: no word of them may become a part of the page. */
static void no_word_of_a_record_becomes_markup(void **state)
{
    (void)state;
    assay_records list = assay_sample_records();
    for (int32_t k = 0; k < list.count; k++) {
        assay_record *r = &list.at[k];
        char *const words[] = {r->implementation,
                               r->version,
                               r->arithmetic,
                               r->commit,
                               r->time,
                               r->suite_version,
                               r->loss_by,
                               r->update_by,
                               r->certificate,
                               r->machine.cpu,
                               r->machine.isa,
                               r->machine.os,
                               r->machine.kernel,
                               r->machine.node,
                               r->work.dx_layer1,
                               r->work.bptt_steps,
                               r->work.logits,
                               r->work.padding_frames,
                               r->work.embedding_update,
                               r->work.distinct_tokens,
                               r->work.dead_reverse_top,
                               r->commit_time};
        for (size_t w = 0; w < sizeof words / sizeof *words; w++)
            strcpy(words[w], "<u>&");
        if (k % 7 == 6) r->commit[3] = '-'; /* some history */
        r->fit = 0;
        r->disturbed = r->n;
    }
    snprintf(list.left[0].workload, sizeof list.left[0].workload, "<u>&");
    strcpy(list.at[14].workload, "c.emb-lstm.h128:h=64"); /* a point of --scale */
    char *text = assay_report_text(&list, ASSAY_REPORT_HTML);
    assert_non_null(strstr(text, "&lt;u&gt;&amp;"));
    assert_null(strstr(text, "<u>"));
    assert_null(strstr(text, "&lt;u&gt;& "));
    free(text);
    assay_records_free(&list);
}

/* Whose function it was, what stands for it here, and what was wrong: beside each time of others, in either format. */
static void published_times_have_their_defects_beside_them(void **state)
{
    const assay_defect *d = assay_defect_of("b1.lstm-ce-short", 0);
    const assay_seed *s = assay_seed_find("b1.lstm-ce-short", "TF LSTMCell");
    char row[512];
    (void)state;
    char *text = report(ASSAY_REPORT_MARKDOWN);
    snprintf(row, sizeof row, "| %s | %s | %s | %s |\n", s->defects, s->function, s->ours, s->today);
    assert_non_null(strstr(text, row));
    snprintf(row, sizeof row, "\n%d. %s\n", d->number, d->text);
    assert_non_null(strstr(text, row));
    assert_null(strstr(text, assay_defect_of("f.imdb-gru", 0)->text)); /* another group's */
    free(text);
    text = report(ASSAY_REPORT_HTML);
    snprintf(row, sizeof row, "<li>%s</li>", d->text);
    assert_non_null(strstr(text, row));
    assert_non_null(strstr(text, "frameworks of today"));
    free(text);
}

static void escaped_text_ends_no_element_no_attribute_and_no_line(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    assert_non_null(f);
    assay_escape(f, "a<b> & \"c\"\n\033[2J");
    fclose(f);
    assert_string_equal(text, "a&lt;b&gt; &amp; &quot;c&quot;  [2J");
    free(text);
}

static void a_bar_in_a_reason_does_not_end_a_markdown_cell(void **state)
{
    (void)state;
    char *text = report(ASSAY_REPORT_MARKDOWN);
    assert_non_null(strstr(text, "6 steps \\| would"));
    free(text);
}

static void dashboards_get_a_name_a_unit_and_a_value(void **state)
{
    (void)state;
    char *text = report(ASSAY_REPORT_SMALLER);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *one = json_array_get(root, 5);
    assert_int_equal(json_array_size(root), 15);
    assert_string_equal(json_string_value(json_object_get(one, "name")), "b1.lstm-ce-short/slow/fp32/step");
    assert_string_equal(json_string_value(json_object_get(one, "unit")), "ms");
    assert_true(fabs(json_number_value(json_object_get(one, "value")) - 261.04) < 1e-9);
    json_decref(root);
    free(text);
}

static void nothing_timed_is_said(void **state)
{
    (void)state;
    assay_records none = {0};
    char *text = assay_report_text(&none, ASSAY_REPORT_HTML);
    assert_non_null(strstr(text, "Nothing was timed."));
    free(text);
}

static void what_a_format_would_drop_it_has_no_room_for(void **state)
{
    static assay_report_beside b;
    (void)state;
    b.kills_count = 1;
    assert_true(assay_report_has_room(ASSAY_REPORT_HTML, &b) && assay_report_has_room(ASSAY_REPORT_TABLE, &b) &&
                assay_report_has_room(ASSAY_REPORT_MARKDOWN, &b));
    assert_false(assay_report_has_room(ASSAY_REPORT_JSON, &b) || assay_report_has_room(ASSAY_REPORT_SMALLER, &b));
    b.audit_count = 1;
    assert_true(assay_report_has_room(ASSAY_REPORT_HTML, &b));
    assert_false(assay_report_has_room(ASSAY_REPORT_TABLE, &b) || assay_report_has_room(ASSAY_REPORT_MARKDOWN, &b));
}

static void formats_have_names(void **state)
{
    (void)state;
    assert_int_equal(assay_report_format_by_name("html"), ASSAY_REPORT_HTML);
    assert_int_equal(assay_report_format_by_name("customSmallerIsBetter"), ASSAY_REPORT_SMALLER);
    assert_int_equal(assay_report_format_by_name("pdf"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_grouped_and_the_fastest_comes_first),
        cmocka_unit_test(formats_are_groups_of_their_own),
        cmocka_unit_test(the_ratio_is_paired),
        cmocka_unit_test(samples_of_two_runs_are_no_pairs),
        cmocka_unit_test(a_row_is_of_its_newest_commit),
        cmocka_unit_test(nodes_are_rows_of_one_group),
        cmocka_unit_test(hosts_are_groups_of_their_own),
        cmocka_unit_test(several_commits_are_a_history_in_every_format),
        cmocka_unit_test(equal_devices_are_set_against_each_other_in_every_format),
        cmocka_unit_test(each_is_over_each_on_the_page),
        cmocka_unit_test(numbers_have_three_figures),
        cmocka_unit_test(every_format_names_seed_reason_and_missing_peers),
        cmocka_unit_test(both_roofs_and_the_memory_are_shown),
        cmocka_unit_test(the_page_loads_nothing_and_escapes_what_it_prints),
        cmocka_unit_test(no_word_of_a_record_becomes_markup),
        cmocka_unit_test(published_times_have_their_defects_beside_them),
        cmocka_unit_test(escaped_text_ends_no_element_no_attribute_and_no_line),
        cmocka_unit_test(a_bar_in_a_reason_does_not_end_a_markdown_cell),
        cmocka_unit_test(dashboards_get_a_name_a_unit_and_a_value),
        cmocka_unit_test(nothing_timed_is_said),
        cmocka_unit_test(what_a_format_would_drop_it_has_no_room_for),
        cmocka_unit_test(formats_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
