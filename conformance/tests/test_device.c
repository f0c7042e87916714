/* test_device.c: the worker's device on stand-ins for the driver: what it opens, what it refuses and in which words,
 * what becomes of memory there. No GPU is needed, and none is used. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conformance/tests/fake/driver.h"
#include "conformance/worker/mirror.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#ifdef ASSAY_CUDA_STUB
#include <cuda.h>

/* device.c writes these types and numbers down, since a machine without the toolkit lacks cuda.h. */
_Static_assert(sizeof(CUresult) == sizeof(int) && sizeof(CUdevice) == sizeof(int), "results and devices are int");
_Static_assert(sizeof(CUdeviceptr) == sizeof(unsigned long long), "addresses");
_Static_assert(CUDA_SUCCESS == 0 && CUDA_ERROR_OUT_OF_MEMORY == 2 && CU_STREAM_NON_BLOCKING == 1, "numbers");
_Static_assert(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR == 75, "attribute");
_Static_assert(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR == 76, "attribute");
#endif

#define FAKE(name) ASSAY_FAKE_DIR "/" name "/libcuda.so.1"

typedef struct bed {
    assay_device *device;
    char what[ASSAY_WIRE_WHAT];
} bed;

static void refused(const char *library, int ordinal, const char *expected)
{
    assay_device *d = NULL;
    char what[ASSAY_WIRE_WHAT] = "";
    assert_int_equal(assay_device_open(library, ordinal, &d, what), ASSAY_NO_DEVICE);
    assert_null(d);
    assert_string_equal(what, expected);
}

static void a_machine_without_driver_has_no_device(void **state)
{
    (void)state;
    refused("/nowhere/libcuda.so.1", 0,
            "no CUDA driver: /nowhere/libcuda.so.1: cannot open shared object file: No such file or directory");
}

static void a_driver_that_is_too_old_is_named(void **state)
{
    (void)state;
    refused(FAKE("old"), 0, "the CUDA driver is of CUDA 10.2: 11.0 or later is needed");
}

static void a_driver_that_lacks_a_function_is_named(void **state)
{
    (void)state;
    refused(FAKE("hole"), 0, "the CUDA driver has no cuMemsetD8_v2: one of CUDA 11.0 or later is needed");
}

static void a_driver_without_devices_has_none(void **state)
{
    (void)state;
    refused(FAKE("none"), 0, "cuInit: CUDA_ERROR_NO_DEVICE (as a test asked for)");
}

static void an_ordinal_beyond_the_last_is_refused(void **state)
{
    (void)state;
    refused(FAKE("whole"), 1, "no CUDA device 1: the driver sees 1");
}

static void a_gpu_that_is_too_old_is_named(void **state)
{
    (void)state;
    refused(FAKE("ancient"), 0, "a GPU of compute capability 6.1: 7.5 or later is needed");
}

static void a_gpu_that_the_driver_does_not_know_is_refused(void **state)
{
    (void)state;
    refused(FAKE("untold"), 0, "a GPU whose compute capability the driver does not tell: 7.5 or later is needed");
}

#ifdef ASSAY_CUDA_STUB
/* NVIDIA's own library for linking, which has every function of a driver and no device. */
static void the_toolkit_has_every_function(void **state)
{
    (void)state;
    assay_device *d = NULL;
    char what[ASSAY_WIRE_WHAT] = "";
    assert_int_equal(assay_device_open(ASSAY_CUDA_STUB, 0, &d, what), ASSAY_NO_DEVICE);
    assert_null(strstr(what, "has no"));
    assert_int_equal(strncmp(what, "cuInit: ", 8), 0);
}
#endif

static int open_on(void **state, bed *b, const char *library)
{
    memset(b, 0, sizeof *b);
    *state = b;
    return assay_device_open(library, 0, &b->device, b->what) == ASSAY_OK ? 0 : -1;
}

static int whole(void **state)
{
    static bed b;
    return open_on(state, &b, FAKE("whole"));
}

static int small(void **state)
{
    static bed b;
    return open_on(state, &b, FAKE("small"));
}

static int closed(void **state)
{
    bed *b = *state;
    assay_device_close(b->device);
    return 0;
}

static void a_device_introduces_itself(void **state)
{
    bed *b = *state;
    assert_string_equal(assay_device_about(b->device), "no GPU: memory of the host, compute 9.0, driver 13.0");
    assert_non_null(assay_device_stream(b->device));
}

static void what_was_put_is_there_after_a_wait(void **state)
{
    bed *b = *state;
    void *memory = NULL;
    unsigned char seen[4] = {0};
    assert_int_equal(assay_device_alloc(b->device, 4, &memory, b->what), ASSAY_OK);
    assert_int_equal(assay_device_fill(b->device, memory, 7, 4, b->what), ASSAY_OK);
    assert_int_equal(assay_device_put(b->device, memory, "ab", 2, b->what), ASSAY_OK);
    assert_int_equal(assay_device_wait(b->device, b->what), ASSAY_OK);
    assert_int_equal(assay_device_get(b->device, seen, memory, 4, b->what), ASSAY_OK);
    assert_memory_equal(seen, "ab\a\a", 4);
    assay_device_free(b->device, memory);
}

static void put_off(void *pause)
{
    nanosleep(pause, NULL);
}

/* Work between the marks counts, work before and behind them does not. */
static void the_device_has_a_clock(void **state)
{
    bed *b = *state;
    struct timespec pause = {.tv_nsec = 40000000};
    void *library = dlopen(FAKE("whole"), RTLD_NOW | RTLD_NOLOAD), *symbol = dlsym(library, "fake_cuda_enqueue");
    fake_enqueue *enqueue = NULL;
    double seconds = 0;
    memcpy(&enqueue, &symbol, sizeof enqueue);
    assert_true(enqueue(put_off, &pause));
    assert_int_equal(assay_device_mark(b->device, 0, b->what), ASSAY_OK);
    assert_true(enqueue(put_off, &pause));
    assert_int_equal(assay_device_mark(b->device, 1, b->what), ASSAY_OK);
    assert_true(enqueue(put_off, &pause));
    assert_int_equal(assay_device_elapsed(b->device, &seconds, b->what), ASSAY_FAILED); /* before a wait */
    assert_int_equal(assay_device_wait(b->device, b->what), ASSAY_OK);
    assert_int_equal(assay_device_elapsed(b->device, &seconds, b->what), ASSAY_OK);
    assert_true(seconds >= 0.04 && seconds < 0.075);
}

static void what_does_not_fit_is_told_with_its_size(void **state)
{
    bed *b = *state;
    assay_region r;
    assert_int_equal(assay_mirror_block(&r, b->device, "workspace", 1 << 20, ASSAY_PLACE_START, b->what),
                     ASSAY_NO_MEMORY);
    assert_string_equal(b->what, "no memory on the device for a workspace of 1048576 bytes");
    assert_null(r.device);
}

static void a_block_of_no_bytes_is_none(void **state)
{
    bed *b = *state;
    assay_region r;
    assert_int_equal(assay_mirror_block(&r, b->device, "grads", 0, ASSAY_PLACE_START, b->what), ASSAY_OK);
    assert_null(r.device);
    assert_null(r.device_data);
    assay_mirror_free(&r, b->device);
}

static void blocks_arrive_full_of_nan(void **state)
{
    bed *b = *state;
    assay_region r;
    float seen[25];
    assert_int_equal(assay_mirror_block(&r, b->device, "reserve", 100, ASSAY_PLACE_END, b->what), ASSAY_OK);
    assert_int_equal((uintptr_t)r.device_data % 64, 0);
    assert_int_not_equal((uintptr_t)r.device_data % 256, 0); /* END: no more alignment than was promised */
    assert_int_equal(assay_device_get(b->device, seen, r.device_data, 100, b->what), ASSAY_OK);
    for (int k = 0; k < 25; k++)
        assert_true(seen[k] != seen[k]);
    assay_mirror_free(&r, b->device);
}

/* Writes one byte at an offset from the data of a block of 100 bytes; what the look afterwards says. */
static const char *after_a_stray_write(bed *b, assay_region *r, long offset)
{
    int found = 0;
    b->what[0] = '\0';
    assert_int_equal(assay_device_put(b->device, r->device_data + offset, "x", 1, b->what), ASSAY_OK);
    assert_int_equal(assay_device_wait(b->device, b->what), ASSAY_OK);
    assert_int_equal(assay_mirror_take(r, b->device, &found, b->what), ASSAY_OK);
    assert_int_equal(found, b->what[0] != '\0');
    return b->what;
}

static void stray_writes_are_found_and_mended(void **state)
{
    bed *b = *state;
    assay_region r;
    assert_int_equal(assay_mirror_block(&r, b->device, "packed", 100, ASSAY_PLACE_END, b->what), ASSAY_OK);
    assert_string_equal(after_a_stray_write(b, &r, 99), "");
    assert_string_equal(after_a_stray_write(b, &r, 100),
                        "packed: wrote past its end on the device: offset 100 of 100 bytes");
    assert_string_equal(after_a_stray_write(b, &r, 4195),
                        "packed: wrote past its end on the device: offset 4195 of 100 bytes");
    assert_string_equal(after_a_stray_write(b, &r, -1), "packed: wrote before its start on the device: offset -1");
    assert_string_equal(after_a_stray_write(b, &r, -4160),
                        "packed: wrote before its start on the device: offset -4160");
    assert_string_equal(after_a_stray_write(b, &r, 0), "");
    assay_mirror_free(&r, b->device);
}

static void a_lost_device_fails_in_every_call(void **state)
{
    bed *b = *state;
    void *memory = NULL, *library = dlopen(FAKE("whole"), RTLD_NOW | RTLD_NOLOAD);
    fake_lose *lose = NULL;
    void *symbol = dlsym(library, "fake_cuda_lose");
    memcpy(&lose, &symbol, sizeof lose);
    assert_int_equal(assay_device_alloc(b->device, 4, &memory, b->what), ASSAY_OK);
    lose();
    assert_int_equal(assay_device_wait(b->device, b->what), ASSAY_FAILED);
    assert_string_equal(b->what,
                        "cuCtxSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS (an illegal memory access was encountered)");
    assert_int_equal(assay_device_put(b->device, memory, "a", 1, b->what), ASSAY_FAILED);
    assert_int_equal(assay_device_get(b->device, b->what, memory, 1, b->what), ASSAY_FAILED);
    assert_int_equal(assay_device_fill(b->device, memory, 0, 1, b->what), ASSAY_FAILED);
    assert_int_equal(assay_device_alloc(b->device, 4, &memory, b->what), ASSAY_FAILED);
}

/* Behind all others that use this stand-in: everything that they opened and allocated was given back. */
static void nothing_is_left_on_the_device(void **state)
{
    (void)state;
    void *library = dlopen(FAKE("whole"), RTLD_NOW | RTLD_NOLOAD),
         *symbol = library ? dlsym(library, "fake_cuda_alive") : NULL;
    fake_alive *alive = NULL;
    assert_non_null(symbol);
    memcpy(&alive, &symbol, sizeof alive);
    assert_int_equal(alive(), 0);
}

#define ON(test, device) cmocka_unit_test_setup_teardown(test, device, closed)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_without_driver_has_no_device),
        cmocka_unit_test(a_driver_that_is_too_old_is_named),
        cmocka_unit_test(a_driver_that_lacks_a_function_is_named),
        cmocka_unit_test(a_driver_without_devices_has_none),
        cmocka_unit_test(an_ordinal_beyond_the_last_is_refused),
        cmocka_unit_test(a_gpu_that_is_too_old_is_named),
        cmocka_unit_test(a_gpu_that_the_driver_does_not_know_is_refused),
#ifdef ASSAY_CUDA_STUB
        cmocka_unit_test(the_toolkit_has_every_function),
#endif
        ON(a_device_introduces_itself, whole),
        ON(what_was_put_is_there_after_a_wait, whole),
        ON(the_device_has_a_clock, whole),
        ON(what_does_not_fit_is_told_with_its_size, small),
        ON(a_block_of_no_bytes_is_none, whole),
        ON(blocks_arrive_full_of_nan, whole),
        ON(stray_writes_are_found_and_mended, whole),
        cmocka_unit_test(nothing_is_left_on_the_device),
        ON(a_lost_device_fails_in_every_call, whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
