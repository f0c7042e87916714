/* test_names.c: a name is in a list only as a whole item of it.
 * SPDX-License-Identifier: MIT */
#include "conformance/names.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

static void first_last_and_only_items_are_found(void **state)
{
    (void)state;
    assert_true(assay_names_hold("dx dW.l0.f hn", ' ', "dx"));
    assert_true(assay_names_hold("dx dW.l0.f hn", ' ', "dW.l0.f"));
    assert_true(assay_names_hold("dx dW.l0.f hn", ' ', "hn"));
    assert_true(assay_names_hold("dx", ' ', "dx"));
    assert_true(assay_names_hold("forward,backward", ',', "backward"));
    assert_true(assay_names_hold("forward,,backward", ',', "backward"));
}

static void a_part_of_an_item_is_not_found(void **state)
{
    (void)state;
    assert_false(assay_names_hold("dx dW.l0.f", ' ', "dW.l0"));
    assert_false(assay_names_hold("dx dW.l0.f", ' ', "l0.f"));
    assert_false(assay_names_hold("adx", ' ', "dx"));
    assert_false(assay_names_hold("forward backward", ',', "backward"));
}

static void an_empty_or_absent_list_holds_nothing(void **state)
{
    (void)state;
    assert_false(assay_names_hold(NULL, ' ', "dx"));
    assert_false(assay_names_hold("", ' ', "dx"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_last_and_only_items_are_found),
        cmocka_unit_test(a_part_of_an_item_is_not_found),
        cmocka_unit_test(an_empty_or_absent_list_holds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
