/* test_publish.c: exit status and files of `assay publish`.
 * SPDX-License-Identifier: MIT */
#include "perf/baseline.h"
#include "perf/cli/baselines.h"
#include "perf/cli/command.h"

#include "conformance/tests/folder.h"
#include "perf/tests/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static char records[96], baselines[96], one_of_them[256];

/* The sample's records, as a run of this level from a commit would have left them, those of `slow` so many times as
 * long. */
static assay_records run_of(const char *level, double factor)
{
    assay_records list = assay_sample_records();
    for (int32_t k = 0; k < list.count; k++) {
        assay_record *r = &list.at[k];
        snprintf(r->certificate_level, sizeof r->certificate_level, "%s", level);
        snprintf(r->commit, sizeof r->commit, "0123456789ab");
        snprintf(r->data, sizeof r->data, "documented");
        if (strcmp(r->implementation, "slow")) continue;
        for (int32_t s = 0; s < r->n; s++)
            r->samples_ms[s] *= factor;
        r->median_ms *= factor;
    }
    return list;
}

static void put(const char *level)
{
    assay_records list = run_of(level, 1);
    char why[256];
    assert_int_equal(assay_records_write(&list, records, why, sizeof why), ASSAY_OK);
    assay_records_free(&list);
}

/* A folder of its own for each test. */
static int make(void **state)
{
    char folder[64];
    (void)state;
    snprintf(folder, sizeof folder, "%s/XXXXXX", test_folder());
    if (!mkdtemp(folder)) return -1;
    snprintf(records, sizeof records, "%s/records.json", folder);
    snprintf(baselines, sizeof baselines, "%s/baselines", folder);
    snprintf(one_of_them, sizeof one_of_them, "%s/an-invented-processor-2-cores/b1.lstm-ce-short.quick.fp32.json",
             baselines);
    return 0;
}

static int publish(char *a, char *b, char *c, char *d, char *e)
{
    char *argv[] = {"publish", a, b, c, d, e, NULL};
    int argc = 0;
    while (argv[argc])
        argc++;
    return assay_command_publish(argc, argv);
}

static void fit_records_become_baselines(void **state)
{
    (void)state;
    put("full");
    assert_int_equal(publish("--why", "the first", baselines, records, NULL), ASSAY_EXIT_HELD);
    assay_records list = {0};
    char why[256];
    assert_int_equal(assay_records_read(one_of_them, &list, why, sizeof why), ASSAY_OK);
    assert_int_equal(list.count, 7);
    assert_string_equal(list.at[5].reason, "the first");
    assay_records_free(&list);
}

static void unfit_records_do_not(void **state)
{
    (void)state;
    put("quick");
    assert_int_equal(publish("--why", "no reason", baselines, records, NULL), ASSAY_EXIT_BROKEN);
    assert_int_not_equal(access(one_of_them, F_OK), 0);
}

static void bad_input_is_bad_usage(void **state)
{
    (void)state;
    put("full");
    assert_int_equal(publish(baselines, records, NULL, NULL, NULL), ASSAY_EXIT_USAGE);
    assert_int_equal(publish("--why", "", baselines, records, NULL), ASSAY_EXIT_USAGE);
    assert_int_equal(publish("--why", "x", baselines, NULL, NULL), ASSAY_EXIT_USAGE);
    assert_int_equal(publish("--why", "x", baselines, "/no/such/file", NULL), ASSAY_EXIT_USAGE);
    assert_int_equal(publish("--why", "x", baselines, records, records), ASSAY_EXIT_USAGE);
    assert_int_equal(publish("--why", "x", "/no/such/folder", records, NULL), ASSAY_EXIT_USAGE);
    assert_int_not_equal(access(one_of_them, F_OK), 0);
}

static int judge(double factor)
{
    assay_records list = run_of("quick", factor);
    const int status = assay_baselines_judge("test", baselines, &list);
    assay_records_free(&list);
    return status;
}

static void only_slower_than_the_baseline_fails(void **state)
{
    (void)state;
    put("full");
    assert_int_equal(publish("--why", "x", baselines, records, NULL), ASSAY_EXIT_HELD);
    assert_int_equal(judge(1), ASSAY_EXIT_HELD);
    assert_int_equal(judge(0.8), ASSAY_EXIT_HELD);
    assert_int_equal(judge(1.2), ASSAY_EXIT_BROKEN);
    assert_int_equal(unlink(one_of_them), 0); /* of `quick`: the others are judged all the same */
    assert_int_equal(judge(1.2), ASSAY_EXIT_BROKEN);
}

static void no_baseline_is_no_failure_and_another_file_is_bad_input(void **state)
{
    (void)state;
    put("full");
    assert_int_equal(judge(1.2), ASSAY_EXIT_HELD);
    assert_int_equal(publish("--why", "x", baselines, records, NULL), ASSAY_EXIT_HELD);
    FILE *f = fopen(one_of_them, "w");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(judge(1), ASSAY_EXIT_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fit_records_become_baselines, make, NULL),
        cmocka_unit_test_setup_teardown(unfit_records_do_not, make, NULL),
        cmocka_unit_test_setup_teardown(bad_input_is_bad_usage, make, NULL),
        cmocka_unit_test_setup_teardown(only_slower_than_the_baseline_fails, make, NULL),
        cmocka_unit_test_setup_teardown(no_baseline_is_no_failure_and_another_file_is_bad_input, make, NULL),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
