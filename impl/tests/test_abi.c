/* test_abi.c: sizes, offsets and values of the plugin ABI are those that plugins were built with.
 * SPDX-License-Identifier: MIT */
#include "impl/impl.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

typedef struct row {
    const char *name;
    long long is, was, is_size, was_size;
} row;

#define VALUE(name, value) {#name, name, value, 0, 0},
#define SIZE(of, size)     {"sizeof(" #of ")", sizeof(of), size, 0, 0},
#define MEMBER(of, member, offset, size)                                                                               \
    {#of "." #member, offsetof(of, member), offset, sizeof(((of *)0)->member), size},
static const row rows[] = {
#include "impl/tests/abi.inc"
};

static void plugins_that_are_built_find_what_they_expect(void **state)
{
    (void)state;
    int changed = 0;
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        const row *r = &rows[k];
        if (r->is == r->was && r->is_size == r->was_size) continue;
        print_error(
            "%s: is %lld of %lld bytes, was %lld of %lld: raise ASSAY_ABI_VERSION and write impl/tests/abi.inc anew\n",
            r->name, r->is, r->is_size, r->was, r->was_size);
        changed++;
    }
    assert_int_equal(changed, 0);
}

/* What the harness tells from struct_size: members that a plugin of an earlier size lacks lie behind all that it has.
 */
static void sizes_come_first(void **state)
{
    (void)state;
    assert_int_equal(offsetof(assay_impl, struct_size), 0);
    assert_int_equal(offsetof(assay_args, struct_size), 0);
    assert_int_equal(offsetof(assay_open_args, struct_size), 0);
    assert_int_equal(offsetof(assay_impl, extension) + sizeof(((assay_impl *)0)->extension), sizeof(assay_impl));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(plugins_that_are_built_find_what_they_expect),
                                       cmocka_unit_test(sizes_come_first)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
