/* test_spread.c: which rows are of equal devices, and how far apart they are.
 * SPDX-License-Identifier: MIT */
#include "perf/spread.h"

#include "perf/tests/sample.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

enum { B1_QUICK_STEP = 12, C_QUICK_STEP = 14, RECORDS = 15 }; /* places in the sample */

/* The sample as three nodes measured it; b1 of `quick` takes 130.52, 143.572 and 137.046 ms. */
static assay_records three_nodes(void)
{
    static const char *const nodes[] = {"one", "two", "three"};
    static const double factors[] = {1, 1.1, 1.05};
    assay_records list = {0};
    for (int k = 0; k < 3; k++) {
        assay_records one = assay_sample_records();
        one.at[B1_QUICK_STEP].median_ms *= factors[k];
        for (int32_t r = 0; r < one.count; r++) {
            snprintf(one.at[r].machine.node, sizeof one.at[r].machine.node, "%s", nodes[k]);
            assert_int_equal(assay_records_add(&list, &one.at[r]), ASSAY_OK);
        }
        free(one.at); /* samples are the list's now */
        free(one.left);
    }
    return list;
}

static char *first_line_of(const assay_records *list, int32_t expected)
{
    assay_spreads s;
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(assay_spreads_make(list, &s), ASSAY_OK);
    assert_int_equal(s.count, expected);
    FILE *f = open_memstream(&text, &size);
    assert_non_null(f);
    if (s.count > 1) assay_spread_print(f, &s.at[1]); /* b1, quick */
    fclose(f);
    assay_spreads_free(&s);
    return text;
}

static void the_two_ends_are_named(void **state)
{
    (void)state;
    assay_records list = three_nodes();
    char *text = first_line_of(&list, 3);
    assert_string_equal(text,
                        "b1.lstm-ce-short quick fp32 step on 3 of an-invented-processor-2-cores: 130.5 ms at one to "
                        "143.6 ms at two, 10.0 % apart; calibrated at 200 and 200 GFLOP/s");
    free(text);
    assay_records_free(&list);
}

static void a_node_that_drifted_or_waited_is_named(void **state)
{
    (void)state;
    assay_records list = three_nodes();
    list.at[RECORDS + B1_QUICK_STEP].fit = 0;
    char *text = first_line_of(&list, 3);
    assert_non_null(strstr(text, "; two drifted or was disturbed"));
    free(text);
    list.at[RECORDS + B1_QUICK_STEP].fit = 1;
    list.at[2 * RECORDS + B1_QUICK_STEP].disturbed = 30;
    text = first_line_of(&list, 3);
    assert_non_null(strstr(text, "; three drifted or was disturbed"));
    free(text);
    assay_records_free(&list);
}

/* Another processor, number of cores, device or commit is no equal; neither is a record that names no node. */
static void what_is_not_equal_has_no_spread(void **state)
{
    (void)state;
    assay_records list = three_nodes();
    assay_record *at[] = {&list.at[RECORDS + C_QUICK_STEP], &list.at[2 * RECORDS + C_QUICK_STEP]};
    snprintf(at[0]->machine.cpu, sizeof at[0]->machine.cpu, "Another processor");
    at[1]->machine.cores = 4;
    free(first_line_of(&list, 2));
    snprintf(at[0]->machine.cpu, sizeof at[0]->machine.cpu, "%s", list.at[0].machine.cpu);
    snprintf(at[0]->commit, sizeof at[0]->commit, "0123456789ab");
    free(first_line_of(&list, 2));
    at[0]->commit[0] = 0;
    snprintf(at[0]->device.name, sizeof at[0]->device.name, "a device, compute 9.0, driver 13.0");
    free(first_line_of(&list, 2));
    at[0]->device.name[0] = 0;
    at[0]->machine.node[0] = 0;
    free(first_line_of(&list, 2));
    assay_records_free(&list);
}

/* Twice on one node is no spread between nodes. */
static void one_node_alone_has_none(void **state)
{
    (void)state;
    assay_records list = three_nodes();
    for (int32_t k = 0; k < list.count; k++)
        snprintf(list.at[k].machine.node, sizeof list.at[k].machine.node, "one");
    free(first_line_of(&list, 0));
    assay_records_free(&list);
}

static void what_has_no_step_is_seen_by_its_inference(void **state)
{
    (void)state;
    assay_records list = three_nodes();
    for (int32_t k = 0; k < list.count; k++)
        if (!strcmp(list.at[k].implementation, "slow") && !strcmp(list.at[k].phase, "step"))
            snprintf(list.at[k].phase, sizeof list.at[k].phase, "another");
    char *text = first_line_of(&list, 3);
    free(text);
    assay_spreads s;
    assert_int_equal(assay_spreads_make(&list, &s), ASSAY_OK);
    assert_string_equal(s.at[0].fastest->implementation, "slow");
    assert_string_equal(s.at[0].fastest->phase, "infer");
    assay_spreads_free(&s);
    assay_records_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_two_ends_are_named),
        cmocka_unit_test(a_node_that_drifted_or_waited_is_named),
        cmocka_unit_test(what_is_not_equal_has_no_spread),
        cmocka_unit_test(one_node_alone_has_none),
        cmocka_unit_test(what_has_no_step_is_seen_by_its_inference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
