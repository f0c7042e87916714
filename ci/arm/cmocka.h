/* cmocka.h: as much of cmocka as the tests need that ci/arm.sh runs, for a machine that has no library of it.
 * SPDX-License-Identifier: MIT
 *
 * A test that fails says where and ends the program: no longjmp, no fixtures, no mocks. */
#ifndef ASSAY_ARM_CMOCKA_H
#define ASSAY_ARM_CMOCKA_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*run)(void **state);
};

#define cmocka_unit_test(f)                                                                                            \
    {                                                                                                                  \
#f, f                                                                                                          \
    }
#define fail_msg(...)                                                                                                  \
    do {                                                                                                               \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                                                \
        fprintf(stderr, __VA_ARGS__);                                                                                  \
        fputc('\n', stderr);                                                                                           \
        exit(1);                                                                                                       \
    } while (0)
#define assert_true(x)                                                                                                 \
    do {                                                                                                               \
        if (!(x)) fail_msg("expected %s", #x);                                                                         \
    } while (0)
#define assert_non_null(x) assert_true((x) != NULL)
#define assert_int_equal(a, b)                                                                                         \
    do {                                                                                                               \
        const intmax_t left_ = (intmax_t)(a), right_ = (intmax_t)(b);                                                  \
        if (left_ != right_) fail_msg("%s is %jd, expected %jd", #a, left_, right_);                                   \
    } while (0)
#define assert_memory_equal(a, b, n) assert_true(memcmp(a, b, n) == 0)

static inline int run_group(const struct CMUnitTest *tests, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        printf("[ RUN      ] %s\n", tests[k].name);
        tests[k].run(&(void *){NULL});
        printf("[       OK ] %s\n", tests[k].name);
    }
    return 0;
}
#define cmocka_run_group_tests(tests, setup, teardown)                                                                 \
    ((void)(setup), (void)(teardown), run_group(tests, sizeof(tests) / sizeof *(tests)))

#endif
