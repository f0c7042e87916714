/* test_bench_device.c: rows of a plugin whose memory is a device's, on stand-ins for the driver: they are timed under
 * the device's own roof and calibration, with its own clock beside the parent's, or they are not timed and it is said
 * why. SPDX-License-Identifier: MIT */
#include "perf/bench.h"

#include "perf/report.h"
#include "perf/scale.h"

#include <math.h>
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

enum { SKIPPED = 77 };

/* A gate that believes what it loads: that conformance comes first is the matter of other tests. */
static assay_status gate(void *user, const char *path, const assay_need *need, assay_certificate *out, char *why,
                         size_t why_size)
{
    (void)user;
    const assay_session_options options = {.threads = need->threads, .time_limit = 60, .worker = ASSAY_WORKER};
    assay_session *s;
    const assay_reply r = assay_session_start(path, &options, &s);
    snprintf(why, why_size, "%s", r.what);
    if (!s) return r.status;
    assay_session_libraries(s);
    assay_certificate_begin(assay_session_about(s), "a device", need->problem->arithmetic, ASSAY_LEVEL_QUICK,
                            need->threads, 7, out);
    assay_session_end(s);
    return ASSAY_OK;
}

static assay_judgement judge(void *user, const assay_kept *kept)
{
    (void)user, (void)kept;
    return (assay_judgement){ASSAY_VERDICT_PASS, 0.1, ""};
}

typedef struct bed {
    assay_records records;
    assay_bench_summary summary;
    int judged; /* 1: the first size has an end, the others are left out */
} bed;

static void on_line(void *user, const char *line)
{
    ((bed *)user)->judged |= strstr(line, "of the roof, margin") || strstr(line, " all: ");
}

static int stop(void *user)
{
    return ((bed *)user)->judged;
}

/* The smallest size of a small workload, on these plugins, with that driver. */
static void bench(bed *b, const char *driver, const char *roof, const char *const *plugins, int count)
{
    static const int32_t axes[] = {ASSAY_AXIS_T};
    char folder[512], why[256] = "";
    snprintf(folder, sizeof folder, "%s/%s", ASSAY_FAKE_DIR, driver);
    assert_int_equal(setenv("LD_LIBRARY_PATH", folder, 1), 0);
    const assay_bench_options o = {.plugins = plugins,
                                   .plugin_count = count,
                                   .globs = (const char *const[]){"c.emb-lstm.h128"},
                                   .glob_count = 1,
                                   .axes = axes,
                                   .axis_count = 1,
                                   .budget = 80,
                                   .threads = 1,
                                   .fixed_seed = 1,
                                   .seed = 7,
                                   .worker = ASSAY_WORKER,
                                   .device_roof = roof,
                                   .gate = gate,
                                   .judge = judge,
                                   .progress = on_line,
                                   .stop = stop,
                                   .user = b};
    assay_gbench *g = assay_gbench_begin();
    assert_non_null(g);
    memset(b, 0, sizeof *b);
    assert_int_equal(assay_bench_run(&o, g, &b->records, &b->summary, why, sizeof why), ASSAY_OK);
    assay_gbench_end(g);
}

static void bench_one(bed *b, const char *driver, const char *roof)
{
    const char *const plugins[] = {ASSAY_DISPLACED};
    bench(b, driver, roof, plugins, 1);
}

/* Why the first row that has no number has none; "" */
static const char *reason(const bed *b)
{
    return b->records.left_count ? b->records.left[0].why : "";
}

static void a_row_stands_under_the_devices_roof(void **state)
{
    (void)state;
    bed b;
    bench_one(&b, "whole", ASSAY_DEVICE_ROOF);
    assert_int_equal(b.summary.timed, 1);
    const assay_record *r = &b.records.at[0];
    assert_string_equal(r->device.name, "no GPU: memory of the host, compute 9.0, driver 13.0");
    assert_true(r->peak_gflop_per_s > 1600 && r->peak_gflop_per_s < 2040); /* fake/kernels.c: 2000 */
    assert_true(r->calibration_before > 1600 && r->calibration_after > 1600);
    assert_int_equal((int)r->device.temperature_c_after, 41);
    assert_string_equal(r->device.throttle_before, "power cap, thermal");
    assert_true(isnan(r->sgemm_gflop_per_s) && isnan(r->peak_mib));
    assert_true(r->worker_ms <= r->median_ms && r->worker_ms > 0.5 * r->median_ms);
    assay_records_free(&b.records);
}

/* Its work takes longer on this processor than on that device at its best, which no kernel can beat. */
static void a_time_that_the_device_cannot_reach_is_refused(void **state)
{
    (void)state;
    bed b;
    bench_one(&b, "slow", ASSAY_DEVICE_ROOF);
    assert_int_equal(b.summary.timed, 0);
    assert_int_equal(b.records.count, 0);
    assert_non_null(strstr(reason(&b), "MISTRUSTED: step: "));
    assert_int_equal(b.summary.failed, 1);
    assert_non_null(strstr(reason(&b), "is less than the declared work takes at this machine's peak"));
    assay_records_free(&b.records);
}

static void a_device_clock_that_disagrees_is_refused(void **state)
{
    (void)state;
    bed b;
    bench_one(&b, "halved", ASSAY_DEVICE_ROOF);
    assert_int_equal(b.summary.failed, 1);
    assert_non_null(strstr(reason(&b), "MISTRUSTED: step: the worker's clock says "));
    assay_records_free(&b.records);
}

static void without_a_roof_nothing_is_timed(void **state)
{
    (void)state;
    bed b;
    bench_one(&b, "whole", "/nowhere/assay-device-roof");
    assert_int_equal(b.summary.timed + b.summary.failed, 0);
    assert_non_null(strstr(reason(&b), "UNSUPPORTED: runs on a device whose roof was not measured, so that no time of "
                                       "it could be believed: /nowhere/assay-device-roof: is not there"));
    assay_records_free(&b.records);
}

static void without_a_device_it_is_skipped(void **state)
{
    (void)state;
    bed b;
    bench_one(&b, "ancient", ASSAY_DEVICE_ROOF);
    assert_int_equal(b.summary.timed + b.summary.failed, 0);
    assert_true(b.summary.skipped > 0);
    assert_non_null(strstr(reason(&b), "a GPU of compute capability 6.1: 7.5 or later is needed"));
    assay_records_free(&b.records);
}

#define LINE(device, fma)                                                                                              \
    "'{\"compute\":90,\"sms\":1,\"fma_fp32\":" fma                                                                     \
    ",\"tensor_tf32\":null,\"tensor_bf16\":null,\"copy_gb_per_s\":100.0,"                                              \
    "\"device\":\"" device ", compute 9.0, driver 13.0\",\"driver\":\"1\",\"throttle\":\"none\",\"tensor_by\":\"\","   \
    "\"nvml_missing\":\"no NVML\",\"sm_mhz\":null,\"sm_mhz_most\":null,\"memory_mhz\":null,\"temperature_c\":null,"    \
    "\"power_w\":null,\"power_limit_w\":null}'"

/* A program in the place of assay-device-roof; the caller removes it. */
static void write_program(char *path, const char *script)
{
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(dprintf(fd, "#!/bin/sh\n%s\n", script) > 0);
    assert_int_equal(fchmod(fd, 0700), 0);
    close(fd);
}

static void the_roof_of_another_device_does_not_count(void **state)
{
    (void)state;
    bed b;
    char path[] = "/tmp/assay-roof-XXXXXX";
    write_program(path, "echo " LINE("another", "1e9"));
    bench_one(&b, "whole", path);
    unlink(path);
    assert_int_equal(b.summary.timed, 0);
    assert_non_null(strstr(reason(&b), "the roof is that of 'another, compute 9.0, driver 13.0'"));
    assay_records_free(&b.records);
}

/* Each call finds the device slower than the one before. */
static void a_device_whose_rate_moves_is_unfit(void **state)
{
    (void)state;
    bed b;
    char path[] = "/tmp/assay-roof-XXXXXX", log[64];
    write_program(
        path, "echo >>$0.log; n=$(wc -l <$0.log); echo " LINE("no GPU: memory of the host", "'$((3000 - 500 * n)).0'"));
    snprintf(log, sizeof log, "%s.log", path);
    bench_one(&b, "whole", path);
    unlink(path);
    unlink(log);
    assert_int_equal(b.summary.timed, 1);
    assert_int_equal(b.records.at[0].fit, 0);
    assert_true(b.records.at[0].drift > 0.1);
    assert_true(b.records.at[0].peak_gflop_per_s >= 2500); /* the best that was seen */
    assert_string_equal(b.records.at[0].device.nvml_missing, "no NVML");
    assay_records_free(&b.records);
}

static void host_and_device_have_groups_of_their_own(void **state)
{
    (void)state;
    bed b;
    const char *const plugins[] = {ASSAY_DISPLACED, ASSAY_PLUGIN};
    bench(&b, "whole", ASSAY_DEVICE_ROOF, plugins, 2);
    assert_int_equal(b.summary.timed, 2);
    const assay_record *displaced = assay_records_find(&b.records, "c.emb-lstm.h128:t=8", "displaced", "fp32", "step");
    const assay_record *naive = assay_records_find(&b.records, "c.emb-lstm.h128:t=8", "naive", "fp32", "step");
    assert_non_null(displaced);
    assert_non_null(naive);
    assert_string_equal(naive->device.name, "");
    assert_true(isnan(naive->device.copy_gb_per_s));
    assert_true(naive->peak_gflop_per_s != displaced->peak_gflop_per_s);
    assert_true(isfinite(naive->sgemm_gflop_per_s));
    assay_records_free(&b.records);
}

int main(void)
{
    if (!ASSAY_HAS_KERNELS) {
        puts("SKIPPED: built without nvcc: assay-device-roof has no kernels");
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_stands_under_the_devices_roof),
        cmocka_unit_test(a_time_that_the_device_cannot_reach_is_refused),
        cmocka_unit_test(a_device_clock_that_disagrees_is_refused),
        cmocka_unit_test(without_a_roof_nothing_is_timed),
        cmocka_unit_test(without_a_device_it_is_skipped),
        cmocka_unit_test(the_roof_of_another_device_does_not_count),
        cmocka_unit_test(a_device_whose_rate_moves_is_unfit),
        cmocka_unit_test(host_and_device_have_groups_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
