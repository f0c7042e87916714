/* test_golden.c: golden vectors are compared as they are, and files with anything wrong in them are refused.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conformance/file.h"
#include "conformance/golden.h"
#include "conformance/tests/folder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Cross-entropy of one row of two equal logits: the loss is log 2, the gradient -1/2 and 1/2. */
static const char header[] =
    "{\"__metadata__\":{\"source\":\"Some\",\"version\":\"1\",\"why\":\"two classes\",\"bound\":\"1e-14\","
    "\"problem\":\"{\\\"op\\\":1,\\\"t\\\":1,\\\"n\\\":1,\\\"classes\\\":2}\"},"
    "\"dloss\":{\"dtype\":\"F64\",\"shape\":[1,1],\"data_offsets\":[0,8]},"
    "\"x\":{\"dtype\":\"F64\",\"shape\":[1,1,2],\"data_offsets\":[8,24]},"
    "\"dx\":{\"dtype\":\"F64\",\"shape\":[1,1,2],\"data_offsets\":[24,40]},"
    "\"loss_rows\":{\"dtype\":\"F64\",\"shape\":[1,1],\"data_offsets\":[40,48]},"
    "\"labels\":{\"dtype\":\"I32\",\"shape\":[1,1],\"data_offsets\":[48,52]}}";

typedef struct content {
    double dloss, x[2], dx[2], loss;
    int32_t label;
} content;

enum { BLOB = 52, ROOM = 4096 };

static content good(void)
{
    const content c = {1, {0, 0}, {-0.5, 0.5}, log(2), 0};
    return c;
}

static char why[512];

/* The file's bytes, the header with `from` replaced by `to` in one place; returns how many. */
static size_t bytes_of(const char *from, const char *to, const content *c, char bytes[ROOM])
{
    const char *at = strstr(header, from);
    assert_non_null(at);
    const int length =
        snprintf(bytes + 8, ROOM - 8 - BLOB, "%.*s%s%s", (int)(at - header), header, to, at + strlen(from));
    for (int k = 0; k < 8; k++)
        bytes[k] = (char)((uint64_t)length >> 8 * k);
    memcpy(bytes + 8 + length, c, BLOB);
    return (size_t)length + 8 + BLOB;
}

static assay_status read_bytes(const char *bytes, size_t size, assay_golden *g)
{
    char path[512];
    snprintf(path, sizeof path, "%s/golden", test_folder());
    assert_int_equal(assay_file_write(path, bytes, size, why, sizeof why), ASSAY_OK);
    why[0] = 0;
    return assay_golden_read(path, g, why, sizeof why);
}

static assay_status read_with(const char *from, const char *to, const content *c, assay_golden *g)
{
    char bytes[ROOM];
    return read_bytes(bytes, bytes_of(from, to, c, bytes), g);
}

/* The file is refused, by a line that says `said`. */
static void refused(const char *from, const char *to, const char *said)
{
    assay_golden g;
    const content c = good();
    assert_int_equal(read_with(from, to, &c, &g), ASSAY_BAD_ARGUMENT);
    if (!strstr(why, said)) fail_msg("'%s' does not say '%s'", why, said);
    assert_null(g.values.at[ASSAY_X]);
}

/* What the comparison saw. */
typedef struct seen {
    int count, beyond;
    double error;
    char names[64];
} seen;

static void on_tensor(void *user, const assay_golden_difference *d)
{
    seen *s = user;
    s->count++;
    s->beyond += !(d->error <= d->bound);
    if (!(d->error <= s->error)) s->error = d->error;
    strcat(strcat(s->names, d->tensor), " ");
}

static seen compare(const char *from, const char *to, const content *c, assay_status expected)
{
    assay_golden g;
    seen s;
    memset(&s, 0, sizeof s);
    assert_int_equal(read_with(from, to, c, &g), ASSAY_OK);
    assert_int_equal(assay_golden_compare(&g, on_tensor, &s, why, sizeof why), expected);
    assay_golden_free(&g);
    return s;
}

static void a_right_file_agrees(void **state)
{
    (void)state;
    const content c = good();
    const seen s = compare("Some", "Some", &c, ASSAY_OK);
    assert_string_equal(s.names, "loss_rows dx ");
    assert_int_equal(s.beyond, 0);
}

static void one_wrong_number_is_beyond_the_bound(void **state)
{
    (void)state;
    content c = good();
    c.dx[1] += 1e-13;
    const seen s = compare("Some", "Some", &c, ASSAY_OK);
    assert_int_equal(s.beyond, 1);
    assert_true(fabs(s.error / (1e-13 / sqrt(0.5)) - 1) < 0.01);
}

static void a_golden_zero_must_be_met(void **state)
{
    (void)state;
    content c = good();
    c.dx[0] = c.dx[1] = 0;
    assert_int_equal(compare("Some", "Some", &c, ASSAY_OK).beyond, 1);
}

static void the_same_infinity_agrees_and_no_other(void **state)
{
    (void)state;
    content c = good();
    c.x[1] = 1e308, c.x[0] = -1e308, c.loss = INFINITY, c.dx[0] = -1, c.dx[1] = 1;
    assert_int_equal(compare("Some", "Some", &c, ASSAY_OK).beyond, 0);
    c.loss = -INFINITY;
    assert_int_equal(compare("Some", "Some", &c, ASSAY_OK).beyond, 1);
    c = good();
    c.loss = INFINITY;
    assert_int_equal(compare("Some", "Some", &c, ASSAY_OK).beyond, 1);
}

static void what_the_problem_needs_must_be_there(void **state)
{
    (void)state;
    const content c = good();
    /* without labels nothing can be computed: their bytes go to a tensor that may be there as well */
    assay_golden g;
    assert_int_equal(
        read_with("\"labels\":{\"dtype\":\"I32\",\"shape\":[1,1]", "\"lens\":{\"dtype\":\"I32\",\"shape\":[1]", &c, &g),
        ASSAY_OK);
    assert_int_equal(assay_golden_compare(&g, on_tensor, &(seen){0}, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_non_null(strstr(why, "not there"));
    assay_golden_free(&g);
}

static void a_source_in_float_is_held_to_a_measured_floor(void **state)
{
    (void)state;
    content c = good();
    c.loss = (double)(float)c.loss;
    assay_golden g;
    seen s;
    memset(&s, 0, sizeof s);
    assert_int_equal(read_with("\"1e-14\",\"problem\":\"{", "\"floor\",\"problem\":\"{\\\"arithmetic\\\":1,", &c, &g),
                     ASSAY_OK);
    assert_int_equal(assay_golden_compare(&g, on_tensor, &s, why, sizeof why), ASSAY_OK);
    assert_int_equal(s.beyond, 0);
    ((double *)g.values.at[ASSAY_LOSS_ROWS])[0] *= 1 + 1e-5;
    assert_int_equal(assay_golden_compare(&g, on_tensor, &s, why, sizeof why), ASSAY_OK);
    assert_int_equal(s.beyond, 1);
    assay_golden_free(&g);
}

static void what_the_program_does_not_know_is_refused(void **state)
{
    (void)state;
    refused("\\\"op\\\":1", "\\\"op\\\":1,\\\"new_field\\\":0", "problem.new_field: no such member");
    refused("\"why\"", "\"wherefore\"", "__metadata__.wherefore: no such member");
    refused("\"dx\"", "\"dW.l0.f\"", "dW.l0.f: the problem has no such tensor");
}

static void a_problem_that_cannot_be_is_refused(void **state)
{
    (void)state;
    refused("\\\"op\\\":1", "\\\"op\\\":9", "problem.op: 9");
    refused("\\\"op\\\":1", "\\\"op\\\":1.5", "expected a whole number");
    refused("\\\"op\\\":1", "\\\"op\\\":4294967297", "expected a whole number");
    refused("\\\"op\\\":1", "\\\"op\\\":1,\\\"lr\\\":\\\"x\\\"", "problem.lr: expected a number");
    refused("\"{\\\"op\\\":1", "\"[\\\"op\\\":1", "expected a JSON object");
    refused("\\\"op\\\":1", "\\\"op\\\":1,\\\"op\\\":1", "expected a JSON object");
    refused("\"problem\":\"{\\\"op\\\":1,\\\"t\\\":1,\\\"n\\\":1,\\\"classes\\\":2}\"", "\"problem\":3",
            "expected the text");
}

static void a_bound_that_bounds_nothing_is_refused(void **state)
{
    (void)state;
    refused("\"1e-14\"", "\"0\"", "__metadata__.bound");
    refused("\"1e-14\"", "\"-1\"", "__metadata__.bound");
    refused("\"1e-14\"", "\"inf\"", "__metadata__.bound");
    refused("\"1e-14\"", "\"nan\"", "__metadata__.bound");
    refused("\"1e-14\"", "\"1e-14 or so\"", "__metadata__.bound");
    refused("\"1e-14\"", "\"\"", "__metadata__.bound");
    refused("\"1e-14\"", "\"floor\"", "with arithmetic fp64");
    refused("\"1e-14\"", "\"1e-14\",\"step\":\"-1\"", "__metadata__.step");
}

static void tensors_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    refused("\"F64\",\"shape\":[1,1]", "\"F32\",\"shape\":[1,1]", "dloss: dtype F32, expected F64");
    refused("\"I32\"", "\"F64\"", "labels: dtype F64, expected I32");
    refused("[1,1,2],\"data_offsets\":[8", "[1,2,1],\"data_offsets\":[8", "x: another shape");
    refused("[1,1,2],\"data_offsets\":[8", "[1,1],\"data_offsets\":[8", "x: another shape");
    refused("[1,1,2],\"data_offsets\":[8", "[1,1,\\\"2\\\"],\"data_offsets\":[8", "header");
    refused("[0,8]", "[0]", "expected dtype, shape and two data_offsets");
    refused("\"data_offsets\":[0,8]", "\"offsets\":[0,8]", "expected dtype, shape and two data_offsets");
    refused("\"labels\":{", "\"labels\":7,\"lens\":{", "expected dtype, shape and two data_offsets");
}

static void offsets_outside_the_file_are_refused(void **state)
{
    (void)state;
    refused("[24,40]", "[40,56]", "dx: bytes 40 to 56, expected 16 within 52");
    refused("[24,40]", "[-8,8]", "dx: bytes -8 to 8");
    refused("[24,40]", "[40,24]", "dx: bytes 40 to 24");
    refused("[24,40]", "[24,32]", "dx: bytes 24 to 32, expected 16");
    refused("[24,40]", "[9223372036854775800,9223372036854775807]", "dx: bytes");
    refused("\"loss_rows\":{\"dtype\":\"F64\",\"shape\":[1,1],\"data_offsets\":[40,48]},", "", "52 bytes of tensors");
}

static void numbers_that_are_none_are_refused(void **state)
{
    (void)state;
    assay_golden g;
    content c = good();
    c.dx[1] = NAN;
    assert_int_equal(read_with("Some", "Some", &c, &g), ASSAY_BAD_ARGUMENT);
    assert_non_null(strstr(why, "dx[1]: not a number"));
    c = good();
    c.label = 2;
    assert_int_equal(read_with("Some", "Some", &c, &g), ASSAY_BAD_ARGUMENT);
    assert_non_null(strstr(why, "labels[0][0]: 2"));
}

static void a_file_that_ends_too_early_is_refused(void **state)
{
    (void)state;
    char bytes[ROOM];
    const content c = good();
    const size_t size = bytes_of("Some", "Some", &c, bytes);
    assay_golden g;
    for (size_t cut = 0; cut < size; cut++)
        assert_int_equal(read_bytes(bytes, cut, &g), ASSAY_BAD_ARGUMENT);
    assert_int_equal(read_bytes(bytes, size + 1, &g), ASSAY_BAD_ARGUMENT);
}

/* Whatever it is taken for, it is taken or refused: the sanitizers watch. */
static void a_file_with_a_flipped_bit_does_no_harm(void **state)
{
    (void)state;
    char bytes[ROOM];
    const content c = good();
    const size_t size = bytes_of("Some", "Some", &c, bytes);
    for (size_t bit = 0; bit < 8 * size; bit += 5) {
        assay_golden g;
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        if (read_bytes(bytes, size, &g) != ASSAY_OK) assert_true(why[0] != 0);
        assay_golden_free(&g);
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    }
}

static void a_header_longer_than_the_file_is_refused(void **state)
{
    (void)state;
    assay_golden g;
    char bytes[ROOM];
    const content c = good();
    const size_t size = bytes_of("Some", "Some", &c, bytes);
    memset(bytes, 0xff, 8);
    assert_int_equal(read_bytes(bytes, size, &g), ASSAY_BAD_ARGUMENT);
    assert_non_null(strstr(why, "18446744073709551615"));
}

static void no_file_is_no_golden_vector(void **state)
{
    (void)state;
    assay_golden g;
    assert_int_equal(assay_golden_read("no/such/file", &g, why, sizeof why), ASSAY_FAILED);
    assert_non_null(strstr(why, "no/such/file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_file_agrees),
        cmocka_unit_test(one_wrong_number_is_beyond_the_bound),
        cmocka_unit_test(a_golden_zero_must_be_met),
        cmocka_unit_test(the_same_infinity_agrees_and_no_other),
        cmocka_unit_test(what_the_problem_needs_must_be_there),
        cmocka_unit_test(a_source_in_float_is_held_to_a_measured_floor),
        cmocka_unit_test(what_the_program_does_not_know_is_refused),
        cmocka_unit_test(a_problem_that_cannot_be_is_refused),
        cmocka_unit_test(a_bound_that_bounds_nothing_is_refused),
        cmocka_unit_test(tensors_that_do_not_fit_are_refused),
        cmocka_unit_test(offsets_outside_the_file_are_refused),
        cmocka_unit_test(numbers_that_are_none_are_refused),
        cmocka_unit_test(a_file_that_ends_too_early_is_refused),
        cmocka_unit_test(a_file_with_a_flipped_bit_does_no_harm),
        cmocka_unit_test(a_header_longer_than_the_file_is_refused),
        cmocka_unit_test(no_file_is_no_golden_vector),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
