/* test_device_roof.c: what a stand-in for a device can do at most is found out by the program that measures one, and by
 * nobody else; what it says wrong, or does not say, is told. No GPU is needed, and none is used.
 * SPDX-License-Identifier: MIT */
#include "perf/device_roof.h"

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

#define LINE                                                                                                           \
    "{\"compute\":90,\"sms\":132,\"fma_fp32\":50.0,\"tensor_tf32\":400.0,\"tensor_bf16\":null,\"copy_gb_per_s\":3.0,"  \
    "\"device\":\"NVIDIA H200, compute 9.0, driver 13.0\",\"driver\":\"1\",\"throttle\":\"none\",\"tensor_by\":"       \
    "\"wgmma\",\"nvml_missing\":\"\",\"sm_mhz\":1000.0,\"sm_mhz_most\":null,\"memory_mhz\":null,"                      \
    "\"temperature_c\":null,\"power_w\":null,\"power_limit_w\":null}"

static assay_status measure_on(const char *driver, assay_device_roof *out, char *why, size_t why_size)
{
    char folder[512];
    snprintf(folder, sizeof folder, "%s/%s", ASSAY_FAKE_DIR, driver);
    assert_int_equal(setenv("LD_LIBRARY_PATH", folder, 1), 0);
    return assay_device_roof_measure(ASSAY_DEVICE_ROOF, 0, 0.1, out, why, why_size);
}

static int is_near(double got, double expected)
{
    return got > 0.8 * expected && got < 1.02 * expected;
}

/* The rates of conformance/tests/fake/kernels.c, which knows the work of a launch by itself. */
static void rates_of_a_device_are_found(void **state)
{
    (void)state;
    char why[192] = "";
    assay_device_roof r;
    assert_int_equal(measure_on("whole", &r, why, sizeof why), ASSAY_OK);
    assert_true(is_near(r.fma_fp32, 2000));
    assert_true(is_near(r.tensor_tf32, 5000));
    assert_true(is_near(r.tensor_bf16, 10000));
    assert_true(is_near(r.copy_gb_per_s, 300));
    assert_string_equal(r.tensor_by, "wgmma");
    assert_int_equal(r.compute, 90);
}

static void clocks_and_throttling_are_read(void **state)
{
    (void)state;
    char why[192] = "";
    assay_device_roof r;
    assert_int_equal(measure_on("whole", &r, why, sizeof why), ASSAY_OK);
    assert_string_equal(r.throttle, "power cap, thermal");
    assert_string_equal(r.driver, "0.0-stand-in");
    assert_string_equal(r.nvml_missing, "");
    assert_int_equal((int)r.sm_mhz, 1410);
    assert_int_equal((int)r.sm_mhz_most, 1980);
    assert_int_equal((int)r.temperature_c, 41);
    assert_true(isnan(r.power_limit_w)); /* this library lacks the function */
}

static void a_missing_nvml_is_said(void **state)
{
    (void)state;
    char why[192] = "";
    assay_device_roof r;
    assert_int_equal(measure_on("turing", &r, why, sizeof why), ASSAY_OK);
    assert_string_equal(r.nvml_missing, "no libnvidia-ml.so.1 here");
    assert_true(isnan(r.sm_mhz) && isnan(r.temperature_c));
    assert_string_equal(r.throttle, "");
}

static void units_that_no_kernel_reaches_have_no_peak(void **state)
{
    (void)state;
    char why[192] = "";
    assay_device_roof old, later;
    assert_int_equal(measure_on("turing", &old, why, sizeof why), ASSAY_OK);
    assert_int_equal(measure_on("later", &later, why, sizeof why), ASSAY_OK);
    assert_true(isnan(assay_device_roof_of(&old, ASSAY_BF16)) && isnan(assay_device_roof_of(&old, ASSAY_TF32)));
    assert_true(isnan(assay_device_roof_of(&later, ASSAY_BF16)) && isnan(assay_device_roof_of(&later, ASSAY_TF32)));
    assert_true(assay_device_roof_of(&old, ASSAY_FP32) > 0 && assay_device_roof_of(&later, ASSAY_FP32) > 0);
    assert_true(isnan(assay_device_roof_of(&old, ASSAY_FP64)));
}

static void refused(const char *driver, assay_status expected, const char *words)
{
    char why[192] = "";
    assay_device_roof r;
    assert_int_equal(measure_on(driver, &r, why, sizeof why), expected);
    assert_string_equal(why, words);
}

static void a_machine_without_a_device_has_no_roof(void **state)
{
    (void)state;
    refused("none", ASSAY_NO_DEVICE, "assay-device-roof: cuInit: CUDA_ERROR_NO_DEVICE (as a test asked for)");
    refused("old", ASSAY_NO_DEVICE, "assay-device-roof: the CUDA driver is of CUDA 10.2: 11.0 or later is needed");
    refused("ancient", ASSAY_NO_DEVICE, "assay-device-roof: a GPU of compute capability 6.1: 7.5 or later is needed");
    refused("strange", ASSAY_FAILED,
            "assay-device-roof: cuModuleLoadData: error 209 of the driver: no kernels of this build run on no GPU: "
            "memory of the host, compute 9.0, driver 13.0");
}

static void memory_that_is_short_is_told(void **state)
{
    (void)state;
    refused("small", ASSAY_FAILED, "assay-device-roof: cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (as a test asked for)");
}

static void a_device_lost_meanwhile_is_told(void **state)
{
    (void)state;
    refused(
        "lost", ASSAY_FAILED,
        "assay-device-roof: cuCtxSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS (an illegal memory access was encountered)");
}

/* A program that says what it is told to. */
static assay_status measure_by(const char *script, char *why, size_t why_size)
{
    char path[] = "/tmp/assay-roof-XXXXXX";
    assay_device_roof r;
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(dprintf(fd, "#!/bin/sh\n%s\n", script) > 0);
    assert_int_equal(fchmod(fd, 0700), 0);
    close(fd);
    const assay_status st = assay_device_roof_measure(path, 0, 0.1, &r, why, why_size);
    unlink(path);
    return st;
}

static void programs_that_fail_are_told(void **state)
{
    (void)state;
    char why[192] = "";
    assay_device_roof r;
    assert_int_equal(assay_device_roof_measure("/nowhere/x", 0, 0.1, &r, why, sizeof why), ASSAY_NO_DEVICE);
    assert_string_equal(why, "/nowhere/x: is not there");
    assert_int_equal(measure_by("kill -9 $$", why, sizeof why), ASSAY_FAILED);
    assert_string_equal(why, "assay-device-roof: ended by signal 9");
    assert_int_equal(measure_by("exit 3", why, sizeof why), ASSAY_FAILED);
    assert_string_equal(why, "assay-device-roof failed without a word");
    assert_int_equal(measure_by("echo '{}'", why, sizeof why), ASSAY_FAILED);
    assert_string_equal(why, "assay-device-roof: its line lacks fma_fp32");
    assert_int_equal(measure_by("head -c 100000 /dev/zero | tr '\\0' x", why, sizeof why), ASSAY_FAILED);
    assert_string_equal(why, "assay-device-roof: its line lacks a line of JSON");
    assert_int_equal(measure_by("echo no GPU; exit 77", why, sizeof why), ASSAY_NO_DEVICE);
    assert_string_equal(why, "no GPU");
}

static void a_line_is_read_and_a_rate_below_zero_refused(void **state)
{
    (void)state;
    char why[192] = "", line[] = LINE;
    assay_device_roof r;
    assert_int_equal(assay_device_roof_parse(line, &r, why, sizeof why), ASSAY_OK);
    assert_int_equal((int)assay_device_roof_of(&r, ASSAY_TF32), 400);
    assert_true(isnan(r.tensor_bf16));
    memcpy(strstr(line, "50.0"), "-1.0", 4);
    assert_int_equal(assay_device_roof_parse(line, &r, why, sizeof why), ASSAY_FAILED);
    assert_string_equal(why, "assay-device-roof: its line lacks fma_fp32");
}

/* The slower unit is no roof of the format. */
static void the_faster_unit_is_the_roof(void **state)
{
    (void)state;
    char why[192] = "";
    assay_device_roof r;
    assert_int_equal(assay_device_roof_parse(LINE, &r, why, sizeof why), ASSAY_OK);
    r.tensor_tf32 = 40;
    assert_int_equal((int)assay_device_roof_of(&r, ASSAY_TF32), 50);
}

static void the_best_of_a_run_only_rises(void **state)
{
    (void)state;
    char why[192] = "";
    assay_device_roof best, now;
    assert_int_equal(assay_device_roof_parse(LINE, &best, why, sizeof why), ASSAY_OK);
    now = best;
    now.fma_fp32 = 49;
    now.tensor_tf32 = 401;
    now.temperature_c = 60;
    assay_device_roof_raise(&best, &now);
    assert_int_equal((int)best.fma_fp32, 50);
    assert_int_equal((int)best.tensor_tf32, 401);
    assert_true(isnan(best.tensor_bf16));
    assert_int_equal((int)best.temperature_c, 60);
}

static void a_device_has_a_name_for_files(void **state)
{
    (void)state;
    char name[64], little[24];
    assay_device_name("NVIDIA H200, compute 9.0, driver 13.0", name, sizeof name);
    assert_string_equal(name, "nvidia-h200-sm90");
    assay_device_name("NVIDIA RTX 5000 (Ada), compute 8.9, driver 12.4", little, sizeof little);
    assert_string_equal(little, "nvidia-rtx-5000-sm89");
    assay_device_name("", name, sizeof name);
    assert_string_equal(name, "");
}

int main(void)
{
    if (!ASSAY_HAS_KERNELS) {
        puts("SKIPPED: built without nvcc: assay-device-roof has no kernels");
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_of_a_device_are_found),
        cmocka_unit_test(clocks_and_throttling_are_read),
        cmocka_unit_test(a_missing_nvml_is_said),
        cmocka_unit_test(units_that_no_kernel_reaches_have_no_peak),
        cmocka_unit_test(a_machine_without_a_device_has_no_roof),
        cmocka_unit_test(memory_that_is_short_is_told),
        cmocka_unit_test(a_device_lost_meanwhile_is_told),
        cmocka_unit_test(programs_that_fail_are_told),
        cmocka_unit_test(a_line_is_read_and_a_rate_below_zero_refused),
        cmocka_unit_test(the_faster_unit_is_the_roof),
        cmocka_unit_test(the_best_of_a_run_only_rises),
        cmocka_unit_test(a_device_has_a_name_for_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
