/* test_text.c: a text becomes ranks of its words.
 * SPDX-License-Identifier: MIT */
#include "perf/text.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void words_are_ranked_by_frequency_then_appearance(void **state)
{
    (void)state;
    const char text[] = "b a c\n a c a\td\n";
    const int32_t expected[] = {2, 0, 1, ASSAY_TEXT_END, 0, 1, 0, 3, ASSAY_TEXT_END};
    assay_text t;
    assert_int_equal(assay_text_parse(text, strlen(text), &t), ASSAY_OK);
    assert_int_equal(t.count, 9);
    assert_memory_equal(t.tokens, expected, sizeof expected);
    assay_text_free(&t);
}

static void rare_words_beyond_the_vocabulary_are_unknown(void **state)
{
    (void)state;
    enum { WORDS = 12000 };
    char *text = malloc(WORDS * 8);
    size_t size = 0;
    for (int k = 0; k < WORDS; k++)
        size += (size_t)sprintf(text + size, "w%05d ", k);
    assay_text t;
    assert_int_equal(assay_text_parse(text, size, &t), ASSAY_OK);
    assert_int_equal(t.count, WORDS);
    assert_int_equal(t.tokens[ASSAY_TEXT_WORDS - 1], ASSAY_TEXT_WORDS - 1);
    assert_int_equal(t.tokens[ASSAY_TEXT_WORDS], ASSAY_TEXT_UNKNOWN);
    assert_int_equal(t.tokens[WORDS - 1], ASSAY_TEXT_UNKNOWN);
    assay_text_free(&t);
    free(text);
}

static void the_hash_is_that_of_the_bytes(void **state)
{
    (void)state;
    assay_text t;
    assert_int_equal(assay_text_parse("abc", 3, &t), ASSAY_OK);
    assert_string_equal(t.hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); /* FIPS 180-2 */
    assay_text_free(&t);
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    assay_text t;
    char why[128];
    assert_int_not_equal(assay_text_read("/nonexistent/text", &t, why, sizeof why), ASSAY_OK);
    assert_non_null(strstr(why, "/nonexistent/text"));
    assay_text_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_ranked_by_frequency_then_appearance),
        cmocka_unit_test(rare_words_beyond_the_vocabulary_are_unknown),
        cmocka_unit_test(the_hash_is_that_of_the_bytes),
        cmocka_unit_test(a_missing_file_is_named),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
