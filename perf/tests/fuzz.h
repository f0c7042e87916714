/* fuzz.h: everything that reads bytes from outside, as functions of bytes: for the fuzzer and for its kept findings.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_TEST_FUZZ_H
#define ASSAY_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>

typedef struct test_target {
    const char *name; /* of the target and of its folder of inputs, fixtures/corpora/<name> */
    /* A valid input of this build as a file: what mutations start from. folder: one that it may write into. */
    void (*make)(const char *folder, const char *path);
    /* Reads these bytes the way the program would. Any result is right but a crash, a leak or a broken promise: those
     * end the process. folder: one that it may write into. One thread. */
    void (*read)(const char *folder, const uint8_t *bytes, size_t size);
} test_target;

int test_target_count(void);
const test_target *test_target_get(int index);
const test_target *test_target_by_name(const char *name); /* NULL if there is none */

#endif
