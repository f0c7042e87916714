/* only.c: of a unit test's program the one test that has to notice the change that it is linked with.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void __attribute__((constructor)) only_this(void)
{
    cmocka_set_test_filter(HARNESS_TEST);
}
