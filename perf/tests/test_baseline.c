/* test_baseline.c: which records may become a baseline, where it lies, and what a later run is told beside it.
 * SPDX-License-Identifier: MIT */
#include "perf/baseline.h"

#include "conformance/tests/folder.h"
#include "perf/tests/sample.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define SET(to, from) snprintf(to, sizeof(to), "%s", from)

/* The sample's records, as a full run from a commit would have left them. */
static assay_records published(void)
{
    assay_records list = assay_sample_records();
    for (int32_t k = 0; k < list.count; k++) {
        SET(list.at[k].certificate_level, "full");
        SET(list.at[k].commit, "0123456789ab");
        SET(list.at[k].data, "documented");
    }
    return list;
}

static void expect_unfit(assay_record *r, const char *pattern)
{
    char why[192] = "";
    assert_int_equal(assay_baseline_is_fit(r, why, sizeof why), 0);
    assert_non_null(strstr(why, pattern));
}

static void only_fit_records_are_published(void **state)
{
    (void)state;
    assay_records list = published();
    assay_record *r = &list.at[0];
    const assay_record fit = *r;
    char why[192] = "";
    assert_int_equal(assay_baseline_is_fit(r, why, sizeof why), 1);
    r->fit = 0, r->drift = 0.05;
    expect_unfit(r, "drifted by 5.0 %");
    *r = fit, r->disturbed = r->n / 10 + 1;
    expect_unfit(r, "threads waited for a processor");
    *r = fit, r->calibration_after = NAN;
    expect_unfit(r, "calibration");
    *r = fit, SET(r->certificate_level, "quick");
    expect_unfit(r, "certificate is quick: expected full");
    *r = fit, SET(r->certificate_level, "");
    expect_unfit(r, "certificate is of unknown level");
    *r = fit, r->n = ASSAY_BASELINE_SAMPLES - 1;
    expect_unfit(r, "samples");
    *r = fit, SET(r->workload, "b1.lstm-ce-short:t=25");
    expect_unfit(r, "no documented workload");
    *r = fit, SET(r->workload, "../b1");
    expect_unfit(r, "no documented workload");
    *r = fit, SET(r->data, "text sha256:00");
    expect_unfit(r, "text sha256:00");
    *r = fit, SET(r->commit, "0123456789ab-changed");
    expect_unfit(r, "commit");
    *r = fit, SET(r->commit, "");
    expect_unfit(r, "commit");
    *r = fit, SET(r->implementation, "../slow");
    expect_unfit(r, "name");
    *r = fit, SET(r->arithmetic, "fp/32");
    expect_unfit(r, "name");
    *r = fit, SET(r->machine.cpu, "");
    expect_unfit(r, "processor");
    *r = fit, SET(r->time, "yesterday");
    expect_unfit(r, "yesterday");
    *r = fit;
    assay_records_free(&list);
}

static void a_folder_is_named_after_its_machine(void **state)
{
    (void)state;
    const assay_machine machine = {.cpu = "Intel(R) Xeon(R) CPU @ 2.50GHz", .cores = 2},
                        odd = {.cpu = "../a  b/", .cores = 64};
    char name[ASSAY_BASELINE_DEVICE];
    assay_baseline_device(&machine, name, sizeof name);
    assert_string_equal(name, "intel-r-xeon-r-cpu-2.50ghz-2-cores");
    assay_baseline_device(&odd, name, sizeof name);
    assert_string_equal(name, "a-b-64-cores");
}

/* ---- files ---- */

static char folder[128];
static int refused;

static void count_refused(void *user, const assay_record *r, const char *why)
{
    (void)user, (void)r, (void)why;
    refused++;
}

static int publish(const assay_records *list)
{
    assay_publication p = {.folder = folder, .reason = "a new kernel", .refused = count_refused};
    char why[256] = "";
    refused = 0;
    assert_int_equal(assay_baseline_publish(&p, list, why, sizeof why), ASSAY_OK);
    assert_int_equal(p.records + refused, list->count);
    return p.files;
}

static assay_records read_for(const assay_records *now)
{
    assay_records found = {0};
    char why[256] = "";
    assert_int_equal(assay_baseline_read(folder, now, &found, why, sizeof why), ASSAY_OK);
    return found;
}

static void what_was_published_is_found_again(void **state)
{
    (void)state;
    assay_records list = published();
    SET(list.at[0].certificate_level, "quick"); /* b1, slow, pack */
    assert_int_equal(publish(&list), 3);
    assert_int_equal(refused, 1);
    assay_records found = read_for(&list);
    assert_int_equal(found.count, list.count - 1);
    assert_string_equal(found.at[0].reason, "a new kernel");
    assay_records_free(&found);
    SET(list.at[14].workload, "c.emb-lstm.h256"); /* which nobody has published */
    found = read_for(&list);
    assert_int_equal(found.count, list.count - 2);
    assay_records_free(&found);
    assay_records_free(&list);
}

/* The rest of the folder stays as it was. */
static void publishing_replaces_only_what_it_brings(void **state)
{
    (void)state;
    assay_records list = published();
    publish(&list);
    assay_records one = {.at = list.at + 14, .count = 1};
    one.at[0].median_ms = 1;
    assert_int_equal(publish(&one), 1);
    assay_records found = read_for(&list);
    assert_int_equal(found.count, list.count);
    assert_true(found.at[14].median_ms == 1);
    assay_records_free(&found);
    assay_records_free(&list);
}

static void a_phase_that_is_not_brought_stays(void **state)
{
    (void)state;
    assay_records list = published();
    publish(&list);
    assay_records one = {.at = list.at + 12, .count = 1}; /* b1, quick, step */
    one.at[0].median_ms = 1;
    assert_int_equal(publish(&one), 1);
    SET(one.at[0].certificate_level, "quick");
    assert_int_equal(publish(&one), 0);
    assay_records found = read_for(&one);
    assert_int_equal(found.count, 7);
    const assay_record *step = assay_records_find(&found, "b1.lstm-ce-short", "quick", "fp32", "step");
    assert_true(step && step->median_ms == 1);
    assay_records_free(&found);
    assay_records_free(&list);
}

static void an_older_run_does_not_replace_a_newer_one(void **state)
{
    (void)state;
    assay_records list = published();
    publish(&list);
    for (int32_t k = 0; k < list.count; k++)
        SET(list.at[k].time, "2025-12-31T23:59:59Z");
    assert_int_equal(publish(&list), 0);
    assert_int_equal(refused, list.count);
    assay_records_free(&list);
}

static void a_folder_without_the_device_has_no_baselines(void **state)
{
    (void)state;
    assay_records list = published();
    publish(&list);
    for (int32_t k = 0; k < list.count; k++)
        list.at[k].machine.cores = 4;
    assay_records found = read_for(&list);
    assert_int_equal(found.count, 0);
    assay_records_free(&found);
    assay_records_free(&list);
}

static void a_damaged_or_misplaced_file_is_refused(void **state)
{
    (void)state;
    assay_records list = published(), found = {0};
    char path[256], other[300], why[256] = "";
    publish(&list);
    snprintf(path, sizeof path, "%s/an-invented-processor-2-cores/b1.lstm-ce-short.slow.fp32.json", folder);
    snprintf(other, sizeof other, "%s/an-invented-processor-2-cores/b1.lstm-ce-short.quick.fp32.json", folder);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(assay_baseline_read(folder, &list, &found, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_non_null(strstr(why, "b1.lstm-ce-short.quick.fp32.json"));
    assert_non_null(strstr(why, "slow"));
    assert_int_equal(found.count, 0);
    FILE *f = fopen(other, "w");
    assert_non_null(f);
    fputs("{", f);
    fclose(f);
    assert_int_equal(assay_baseline_read(folder, &list, &found, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_int_equal(unlink(other), 0);
    assay_records_free(&found);
    assay_records_free(&list);
}

/* ---- verdicts ---- */

/* The verdict on b1, quick, step, after `change` was made to the record of the new run. */
static void expect_verdict(void (*change)(assay_record *before, assay_record *now), assay_change verdict,
                           const char *why)
{
    assay_records before = published(), now = published();
    assay_comparisons c;
    char text[256] = "";
    before.at[12].seed = 1; /* another run's */
    if (change) change(&before.at[12], &now.at[12]);
    assert_int_equal(assay_baseline_judge(&before, &now, &c, text, sizeof text), ASSAY_OK);
    assert_int_equal(c.count, now.count);
    assert_string_equal(c.at[12].before->phase, "step");
    assert_string_equal(assay_change_name(c.at[12].change), assay_change_name(verdict));
    assert_true(why ? strstr(c.at[12].why, why) != NULL : !c.at[12].why[0]);
    assert_int_equal(c.counts[ASSAY_SAME] + c.counts[ASSAY_FASTER] + c.counts[ASSAY_SLOWER] + c.counts[ASSAY_UNDECIDED],
                     c.count);
    assert_int_equal(c.counts[ASSAY_SAME], verdict == ASSAY_SAME ? now.count : now.count - 1);
    assay_comparisons_free(&c);
    assay_records_free(&before);
    assay_records_free(&now);
}

static void make_slower(assay_record *before, assay_record *now)
{
    (void)before;
    for (int32_t k = 0; k < now->n; k++)
        now->samples_ms[k] *= 1.2;
    now->median_ms *= 1.2;
}

static void change_library(assay_record *before, assay_record *now)
{
    make_slower(before, now);
    SET(now->version, "1.0, another library 2");
}

static void change_system(assay_record *before, assay_record *now)
{
    make_slower(before, now);
    SET(now->machine.os, "Another system");
}

static void change_calibration(assay_record *before, assay_record *now)
{
    make_slower(before, now);
    now->calibration_before = now->calibration_after = 220;
}

static void make_old(assay_record *before, assay_record *now)
{
    make_slower(before, now);
    SET(before->time, "2025-01-02T03:04:05Z");
}

static void make_later(assay_record *before, assay_record *now)
{
    make_slower(before, now);
    SET(before->time, "2026-01-02T03:04:06Z");
}

static void make_unfit(assay_record *before, assay_record *now)
{
    make_slower(before, now);
    SET(before->certificate_level, "quick");
}

/* Both on the same device, at the same clocks. */
static void be_on_a_device(assay_record *r)
{
    SET(r->device.name, "NVIDIA H200, compute 9.0, driver 13.0");
    SET(r->device.driver, "580.65.06");
    SET(r->device.throttle_before, "none");
    SET(r->device.throttle_after, "power cap");
    r->device.sm_mhz_before = r->device.sm_mhz_after = 1980;
    r->device.memory_mhz = 3201;
    r->device.power_limit_w = 700;
}

static void be_on_one_device(assay_record *before, assay_record *now)
{
    make_slower(before, now);
    be_on_a_device(before);
    be_on_a_device(now);
}

static void change_device(assay_record *before, assay_record *now)
{
    be_on_one_device(before, now);
    SET(now->device.name, "NVIDIA H100, compute 9.0, driver 13.0");
}

static void change_driver(assay_record *before, assay_record *now)
{
    be_on_one_device(before, now);
    SET(now->device.driver, "590.10");
}

/* Within 3 % at one end, 6 % lower at the other. */
static void change_clock(assay_record *before, assay_record *now)
{
    be_on_one_device(before, now);
    now->device.sm_mhz_after = 1860;
}

static void change_clock_a_little(assay_record *before, assay_record *now)
{
    be_on_one_device(before, now);
    now->device.sm_mhz_before = 1950;
}

static void change_memory_clock(assay_record *before, assay_record *now)
{
    be_on_one_device(before, now);
    now->device.memory_mhz = 2619;
}

static void change_power_limit(assay_record *before, assay_record *now)
{
    be_on_one_device(before, now);
    now->device.power_limit_w = 500;
}

static void get_hot(assay_record *before, assay_record *now)
{
    be_on_one_device(before, now);
    SET(now->device.throttle_after, "power cap, thermal");
}

static void do_not_know_the_clocks(assay_record *before, assay_record *now)
{
    be_on_one_device(before, now);
    now->device.sm_mhz_before = now->device.sm_mhz_after = now->device.memory_mhz = now->device.power_limit_w = NAN;
    SET(now->device.throttle_before, "");
}

static void change_governor(assay_record *before, assay_record *now)
{
    make_slower(before, now);
    SET(before->machine.governor, "performance");
    SET(now->machine.governor, "powersave");
}

static void devices_are_judged_at_one_driver_and_clock(void **state)
{
    (void)state;
    expect_verdict(be_on_one_device, ASSAY_SLOWER, NULL);
    expect_verdict(change_device, ASSAY_UNDECIDED, "device differ: 'NVIDIA H200, compute 9.0, driver 13.0', then");
    expect_verdict(change_driver, ASSAY_UNDECIDED, "drivers differ: '580.65.06', then '590.10'");
    expect_verdict(change_clock, ASSAY_UNDECIDED, "clocks differ: 1980 MHz, then 1860 MHz: more than 3 % apart");
    expect_verdict(change_clock_a_little, ASSAY_SLOWER, NULL);
    expect_verdict(change_memory_clock, ASSAY_UNDECIDED, "memory clocks differ: 3201 MHz, then 2619 MHz");
    expect_verdict(change_power_limit, ASSAY_UNDECIDED, "power limits differ: 700 W, then 500 W");
    expect_verdict(get_hot, ASSAY_UNDECIDED, "this run's device was slowed down: power cap, thermal");
    expect_verdict(do_not_know_the_clocks, ASSAY_SLOWER, NULL); /* the calibrations agree */
    expect_verdict(change_governor, ASSAY_UNDECIDED, "governor differ: 'performance', then 'powersave'");
}

/* A cap on power is how devices run at their limit; heat and faults are not. */
static void a_device_that_was_slowed_down_makes_no_baseline(void **state)
{
    (void)state;
    assay_records list = published();
    assay_record *r = &list.at[0];
    char why[192] = "";
    be_on_a_device(r);
    assert_int_equal(assay_baseline_is_fit(r, why, sizeof why), 1);
    SET(r->device.throttle_before, "hardware slowdown");
    expect_unfit(r, "its device was slowed down: hardware slowdown");
    SET(r->device.throttle_before, "");
    SET(r->device.throttle_after, "thermal");
    expect_unfit(r, "its device was slowed down: thermal");
    assay_records_free(&list);
}

static void only_like_is_judged_beside_like(void **state)
{
    (void)state;
    expect_verdict(NULL, ASSAY_SAME, NULL);
    expect_verdict(make_slower, ASSAY_SLOWER, NULL);
    expect_verdict(change_library, ASSAY_UNDECIDED,
                   "libraries differ: '1.0 <beta> & \"co\"', then '1.0, another library 2'");
    expect_verdict(change_system, ASSAY_UNDECIDED, "systems differ");
    expect_verdict(change_calibration, ASSAY_UNDECIDED, "more than 3 % apart");
    expect_verdict(make_old, ASSAY_UNDECIDED, "365 days old");
    expect_verdict(make_later, ASSAY_UNDECIDED, "later than this run");
    expect_verdict(make_unfit, ASSAY_UNDECIDED, "the baseline is unfit: its certificate is quick");
}

/* A folder of its own for each test. */
static int make(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s/XXXXXX", test_folder());
    return mkdtemp(folder) ? 0 : -1;
}

static void a_device_has_a_folder_of_its_own(void **state)
{
    (void)state;
    assay_record r;
    char name[ASSAY_BASELINE_DEVICE], why[256] = "";
    memset(&r, 0, sizeof r);
    snprintf(r.machine.cpu, sizeof r.machine.cpu, "An invented processor");
    r.machine.cores = 2;
    assay_baseline_device_of(&r, name, sizeof name);
    assert_string_equal(name, "an-invented-processor-2-cores");
    snprintf(r.device.name, sizeof r.device.name, "NVIDIA H200, compute 9.0, driver 13.0");
    assay_baseline_device_of(&r, name, sizeof name);
    assert_string_equal(name, "nvidia-h200-sm90");
    assay_records list = published();
    SET(list.at[0].device.name, "NVIDIA H200, compute 9.0, driver 13.0");
    assert_int_equal(assay_baseline_is_fit(&list.at[0], why, sizeof why), 1);
    SET(list.at[0].device.name, "a device that nobody described");
    expect_unfit(&list.at[0], "no name that a folder can have");
    assay_records_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_fit_records_are_published),
        cmocka_unit_test(a_folder_is_named_after_its_machine),
        cmocka_unit_test_setup_teardown(what_was_published_is_found_again, make, NULL),
        cmocka_unit_test_setup_teardown(publishing_replaces_only_what_it_brings, make, NULL),
        cmocka_unit_test_setup_teardown(a_phase_that_is_not_brought_stays, make, NULL),
        cmocka_unit_test_setup_teardown(an_older_run_does_not_replace_a_newer_one, make, NULL),
        cmocka_unit_test_setup_teardown(a_folder_without_the_device_has_no_baselines, make, NULL),
        cmocka_unit_test_setup_teardown(a_damaged_or_misplaced_file_is_refused, make, NULL),
        cmocka_unit_test(only_like_is_judged_beside_like),
        cmocka_unit_test(devices_are_judged_at_one_driver_and_clock),
        cmocka_unit_test(a_device_that_was_slowed_down_makes_no_baseline),
        cmocka_unit_test(a_device_has_a_folder_of_its_own),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
