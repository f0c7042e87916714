/* test_merge.c: exit status and file of `assay merge`.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/command.h"
#include "perf/record.h"

#include "conformance/file.h"
#include "conformance/tests/folder.h"
#include "perf/tests/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static char a[96], b[96], out[96], merged[128];

static int make(void **state)
{
    char folder[64];
    (void)state;
    snprintf(folder, sizeof folder, "%s/XXXXXX", test_folder());
    if (!mkdtemp(folder)) return -1;
    snprintf(a, sizeof a, "%s/a", folder);
    snprintf(b, sizeof b, "%s/b", folder);
    snprintf(out, sizeof out, "%s/out", folder);
    snprintf(merged, sizeof merged, "%s/records.json", out);
    return mkdir(a, 0755) || mkdir(b, 0755);
}

/* The sample's records, their implementations with a letter before their names. */
static assay_records run_of(char letter)
{
    assay_records list = assay_sample_records();
    for (int32_t k = 0; k < list.count; k++) {
        char name[40];
        snprintf(name, sizeof name, "%s", list.at[k].implementation);
        snprintf(list.at[k].implementation, sizeof list.at[k].implementation, "%c-%s", letter, name);
        snprintf(list.at[k].commit, sizeof list.at[k].commit, "0123456789ab");
    }
    return list;
}

static void put(const char *folder, const char *name, const assay_records *list)
{
    char path[160], why[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(assay_records_write(list, path, why, sizeof why), ASSAY_OK);
}

static void put_text(const char *folder, const char *name, const char *text)
{
    char path[160], why[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(assay_file_write(path, text, strlen(text), why, sizeof why), ASSAY_OK);
}

static int merge(void)
{
    char *const argv[] = {"merge", a, b, "--out", out, NULL};
    return assay_command_merge(5, (char **)(uintptr_t)argv);
}

static assay_records written(void)
{
    assay_records list = {0};
    char why[256];
    assert_int_equal(assay_records_read(merged, &list, why, sizeof why), ASSAY_OK);
    return list;
}

static void two_runs_become_one_list(void **state)
{
    (void)state;
    assay_records x = run_of('x'), y = run_of('y');
    put(a, "records.json", &x);
    put(b, "records.json", &y);
    assert_int_equal(merge(), ASSAY_EXIT_HELD);
    assay_records both = written();
    assert_int_equal(both.count, x.count + y.count);
    assay_records_free(&x);
    assay_records_free(&y);
    assay_records_free(&both);
}

static void the_same_record_twice_counts_once(void **state)
{
    (void)state;
    assay_records x = run_of('x');
    put(a, "records.json", &x);
    put(a, "again.json", &x);
    put(b, "records.json", &x);
    assert_int_equal(merge(), ASSAY_EXIT_HELD);
    assay_records both = written();
    assert_int_equal(both.count, x.count);
    assay_records_free(&x);
    assay_records_free(&both);
}

static void two_measurements_of_one_row_are_refused(void **state)
{
    (void)state;
    assay_records x = run_of('x'), y = run_of('x');
    y.at[0].samples_ms[3] *= 1.5;
    put(a, "records.json", &x);
    put(b, "records.json", &y);
    assert_int_equal(merge(), ASSAY_EXIT_USAGE);
    assert_int_not_equal(access(merged, F_OK), 0);
    assay_records_free(&x);
    assay_records_free(&y);
}

static void the_same_row_on_two_devices_is_two_records(void **state)
{
    (void)state;
    assay_records x = run_of('x'), y = run_of('x');
    for (int32_t k = 0; k < y.count; k++)
        snprintf(y.at[k].device.name, sizeof y.at[k].device.name, "a device, compute 9.0, driver 13.0");
    put(a, "records.json", &x);
    put(b, "records.json", &y);
    assert_int_equal(merge(), ASSAY_EXIT_HELD);
    assay_records both = written();
    assert_int_equal(both.count, x.count + y.count);
    assay_records_free(&x);
    assay_records_free(&y);
    assay_records_free(&both);
}

/* Equal processors, told apart by their nodes' names alone. */
static void the_same_row_on_two_nodes_is_two_records(void **state)
{
    (void)state;
    assay_records x = run_of('x'), y = run_of('x');
    for (int32_t k = 0; k < y.count; k++)
        snprintf(y.at[k].machine.node, sizeof y.at[k].machine.node, "two");
    y.at[0].samples_ms[3] *= 1.5;
    put(a, "records.json", &x);
    put(b, "records.json", &y);
    assert_int_equal(merge(), ASSAY_EXIT_HELD);
    assay_records both = written();
    assert_int_equal(both.count, x.count + y.count);
    assert_string_equal(both.at[0].machine.node, "");
    assert_string_equal(both.at[x.count].machine.node, "two");
    assay_records_free(&x);
    assay_records_free(&y);
    assay_records_free(&both);
}

static void mixed_suites_are_refused(void **state)
{
    (void)state;
    assay_records x = run_of('x'), y = run_of('y');
    snprintf(y.at[1].suite_version, sizeof y.at[1].suite_version, "9.9.9");
    put(a, "records.json", &x);
    put(b, "records.json", &y);
    assert_int_equal(merge(), ASSAY_EXIT_USAGE);
    snprintf(y.at[1].suite_version, sizeof y.at[1].suite_version, "%s", x.at[1].suite_version);
    snprintf(y.at[1].commit, sizeof y.at[1].commit, "ba9876543210");
    put(b, "records.json", &y);
    assert_int_equal(merge(), ASSAY_EXIT_USAGE);
    assay_records_free(&x);
    assay_records_free(&y);
}

static void other_files_are_passed_over_and_broken_ones_refused(void **state)
{
    (void)state;
    assay_records x = run_of('x');
    put(a, "records.json", &x);
    put_text(b, "check.json", "{\"schema\": \"assay.check/1\"}");
    put_text(b, "notes.txt", "{");
    assert_int_equal(merge(), ASSAY_EXIT_HELD);
    put_text(b, "broken.json", "{\"records\": [");
    assert_int_equal(merge(), ASSAY_EXIT_USAGE);
    assay_records_free(&x);
}

static void without_records_there_is_nothing_to_merge(void **state)
{
    (void)state;
    char *const missing[] = {"merge", "/nowhere", "--out", out, NULL}, *const bare[] = {"merge", a, NULL};
    assert_int_equal(merge(), ASSAY_EXIT_USAGE);
    assert_int_equal(assay_command_merge(4, (char **)(uintptr_t)missing), ASSAY_EXIT_USAGE);
    assert_int_equal(assay_command_merge(2, (char **)(uintptr_t)bare), ASSAY_EXIT_USAGE);
}

/* What had no time in one run and was timed in the other has a number. */
static void rows_without_budget_are_settled_by_the_other_run(void **state)
{
    (void)state;
    assay_records x = run_of('x'), y = run_of('y');
    assert_int_equal(
        assay_records_leave_out(&y, x.at[0].workload, x.at[0].implementation, "all", "budget: 3 s are left for it"),
        ASSAY_OK);
    assert_int_equal(assay_records_leave_out(&y, x.at[0].workload, x.at[0].implementation, "all", "not certified"),
                     ASSAY_OK);
    const int32_t left = x.left_count + y.left_count;
    put(a, "records.json", &x);
    put(b, "records.json", &y);
    assert_int_equal(merge(), ASSAY_EXIT_HELD);
    assay_records both = written();
    assert_int_equal(both.left_count, left - 1);
    assay_records_free(&x);
    assay_records_free(&y);
    assay_records_free(&both);
}

#define TEST(name) cmocka_unit_test_setup(name, make)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(two_runs_become_one_list),
        TEST(the_same_record_twice_counts_once),
        TEST(two_measurements_of_one_row_are_refused),
        TEST(the_same_row_on_two_devices_is_two_records),
        TEST(the_same_row_on_two_nodes_is_two_records),
        TEST(mixed_suites_are_refused),
        TEST(other_files_are_passed_over_and_broken_ones_refused),
        TEST(without_records_there_is_nothing_to_merge),
        TEST(rows_without_budget_are_settled_by_the_other_run),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
