/* test_compare_files.c: exit status and JSON of `assay compare` on files of records.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/command.h"
#include "perf/record.h"

#include "conformance/tests/folder.h"
#include "perf/tests/sample.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static char old_file[96], new_file[96], verdicts[96];

/* The sample's records, those of `impl` so many times as long. */
static void put(const char *path, const char *impl, double factor)
{
    assay_records list = assay_sample_records();
    char why[256];
    for (int32_t k = 0; k < list.count; k++) {
        assay_record *r = &list.at[k];
        for (int32_t s = 0; s < r->n && !strcmp(r->implementation, impl); s++)
            r->samples_ms[s] *= factor;
        r->median_ms *= strcmp(r->implementation, impl) ? 1 : factor;
    }
    assert_int_equal(assay_records_write(&list, path, why, sizeof why), ASSAY_OK);
    assay_records_free(&list);
}

static int make(void **state)
{
    if (test_folder_make(state) != 0) return -1;
    snprintf(old_file, sizeof old_file, "%s/old.json", test_folder());
    snprintf(new_file, sizeof new_file, "%s/new.json", test_folder());
    snprintf(verdicts, sizeof verdicts, "%s/verdicts.json", test_folder());
    put(old_file, "none", 1);
    return 0;
}

static int compare(char *a, char *b, char *c, char *d, char *e, char *f)
{
    char *argv[] = {"compare", a, b, c, d, e, f, NULL};
    int argc = 0;
    while (argv[argc])
        argc++;
    return assay_command_compare(argc, argv);
}

static void only_slower_fails(void **state)
{
    (void)state;
    put(new_file, "slow", 1.5);
    assert_int_equal(compare(old_file, new_file, NULL, NULL, NULL, NULL), ASSAY_EXIT_BROKEN);
    put(new_file, "slow", 0.5);
    assert_int_equal(compare(old_file, new_file, NULL, NULL, NULL, NULL), ASSAY_EXIT_HELD);
    put(new_file, "none", 1);
    assert_int_equal(compare(old_file, new_file, NULL, NULL, NULL, NULL), ASSAY_EXIT_HELD);
}

static void implementations_of_one_run_are_compared(void **state)
{
    (void)state;
    char *b = "--old", *c = "slow", *d = "--new", *e = "quick";
    assert_int_equal(compare(old_file, old_file, b, c, d, e), ASSAY_EXIT_HELD);
    assert_int_equal(compare(old_file, old_file, b, e, d, c), ASSAY_EXIT_BROKEN);
}

static void bad_input_is_bad_usage(void **state)
{
    (void)state;
    FILE *f = fopen(new_file, "w");
    assert_non_null(f);
    fputs("{\"schema\": \"another\"}", f);
    fclose(f);
    assert_int_equal(compare(old_file, new_file, NULL, NULL, NULL, NULL), ASSAY_EXIT_USAGE);
    assert_int_equal(compare(old_file, "/no/such/file", NULL, NULL, NULL, NULL), ASSAY_EXIT_USAGE);
    assert_int_equal(compare(old_file, NULL, NULL, NULL, NULL, NULL), ASSAY_EXIT_USAGE);
    assert_int_equal(compare(old_file, old_file, old_file, NULL, NULL, NULL), ASSAY_EXIT_USAGE);
    assert_int_equal(compare(old_file, old_file, "--old", "slow", NULL, NULL), ASSAY_EXIT_USAGE);
    assert_int_equal(compare(old_file, old_file, "--old", "slow", "--new", "slwo"), ASSAY_EXIT_USAGE);
}

static void the_file_has_every_verdict(void **state)
{
    (void)state;
    put(new_file, "slow", 1.5);
    assert_int_equal(compare(old_file, new_file, "--json", verdicts, NULL, NULL), ASSAY_EXIT_BROKEN);
    json_t *root = json_load_file(verdicts, JSON_REJECT_DUPLICATES, NULL);
    const json_t *rows = json_object_get(root, "comparisons"), *row = json_array_get(rows, 5);
    assert_int_equal(json_array_size(rows), 15);
    assert_string_equal(json_string_value(json_object_get(row, "phase")), "step");
    assert_string_equal(json_string_value(json_object_get(row, "verdict")), "SLOWER");
    assert_true(json_number_value(json_object_get(row, "low")) > 1.4);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_slower_fails),
        cmocka_unit_test(implementations_of_one_run_are_compared),
        cmocka_unit_test(bad_input_is_bad_usage),
        cmocka_unit_test(the_file_has_every_verdict),
    };
    return cmocka_run_group_tests(tests, make, test_folder_remove);
}
