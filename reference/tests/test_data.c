/* test_data.c: the generators give the published numbers, and our own streams are what they are called.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "reference/data.h"

#define COUNT(x) (int)(sizeof(x) / sizeof *(x))

/* Known answers of Random123 (kat_vectors, philox 4x32 10). */
static void philox_gives_the_known_answers(void **state)
{
    (void)state;
    static const uint32_t counter[3][4] = {{0, 0, 0, 0},
                                           {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                                           {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}};
    static const uint32_t key[3][2] = {{0, 0}, {0xffffffff, 0xffffffff}, {0xa4093822, 0x299f31d0}};
    static const uint32_t want[3][4] = {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
                                        {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
                                        {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
    for (int i = 0; i < 3; ++i) {
        uint32_t out[4];
        assay_philox(counter[i], key[i], out);
        assert_memory_equal(out, want[i], sizeof out);
    }
}

static int close_to(double got, double want, double within)
{
    return fabs(got - want) <= within;
}

static void twister_gives_numpys_doubles(void **state)
{
    (void)state;
    static const double first[] = {.18026969, .01947524, .46321853, .72493393, .4202036};
    assay_mt19937 g;
    assay_mt_seed(&g, 11);
    for (int i = 0; i < COUNT(first); ++i)
        assert_true(close_to(assay_mt_double(&g), first[i], 5e-9));
    assay_mt_seed(&g, 42);
    assert_true(assay_mt_double(&g) == 0.3745401188473625);
}

static void twister_gives_numpys_integers(void **state)
{
    (void)state;
    static const int32_t first[] = {5, 0, 3, 3, 7, 9, 3, 5, 2, 4};
    assay_mt19937 g;
    assay_mt_seed(&g, 0);
    for (int i = 0; i < COUNT(first); ++i)
        assert_int_equal(assay_mt_randint(&g, 0, 10), first[i]);
}

static void an_integer_of_one_value_draws_nothing(void **state)
{
    (void)state;
    assay_mt19937 g, untouched;
    assay_mt_seed(&g, 11);
    assay_mt_seed(&untouched, 11);
    assert_int_equal(assay_mt_randint(&g, 7, 8), 7);
    assert_int_equal(assay_mt_word(&g), assay_mt_word(&untouched));
}

/* docs/workloads.md 1.1: seed 11, X in C order over (N, T, C), then the labels from the same generator. */
typedef struct original {
    int n, t, c;
    double last, sum, squares;
    int32_t lo, hi; /* of the labels */
    int labels;
    int label_sum;   /* -1: not published */
    int32_t missing; /* a class in lo .. hi that never occurs, -1: all of lo .. hi-1 occur, -2: not published */
    int32_t head[32], tail[4];
    int heads, tails;
} original;

/* clang-format off */
static const original originals[] = {
    {25, 1000, 123, 0.30895612, -934.204804965, 1025953.562577, 0, 15, 25, -1, 12,
     {2, 3, 1, 9, 3, 11, 7, 0, 6, 1, 8, 7, 10, 5, 1, 5, 9, 0, 1, 2, 6, 5, 2, 0, 11}, {0}, 25, 0},
    {25, 1000, 123, 0.30895612, -934.204804965, 1025953.562577, 1, 58, 2500, 72518, -1,
     {32, 19, 4, 18, 10, 36, 40, 17, 39, 34}, {14, 55, 48, 14}, 10, 4},
    {64, 100, 123, 0.53806639, -732.329418364, 262550.683290, 0, 9, 64, 232, 9,
     {3, 0, 4, 2, 6, 5, 0, 8, 5, 1, 5, 4}, {2, 1, 4, 7}, 12, 4},
    {32, 1000, 123, 0.16128781, -746.260377718, 1312839.069905, 0, 9, 32, -1, 9,
     {5, 5, 1, 1, 2, 8, 6, 7, 5, 4, 2, 5, 5, 2, 0, 1, 8, 7, 7, 5, 7, 1, 6, 0, 4, 5, 5, 8, 4, 6, 0, 0}, {0}, 32, 0},
    {32, 1000, 123, 0.16128781, -746.260377718, 1312839.069905, 1, 58, 3200, 92103, -1,
     {22, 54, 18, 16, 45, 18, 35, 9, 43, 7, 8, 6, 45, 31}, {0}, 14, 0},
    /* The draw of a later version of the first one, given there for reading its results. */
    {25, 1000, 123, 0.30895612, -934.204804965, 1025953.562577, 0, 24, 25, -1, -2,
     {18, 3, 17, 9, 3, 7, 16, 6, 1, 8, 7, 10, 5, 1, 21, 16, 17, 18, 6, 21, 2, 16, 11, 2, 20}, {0}, 25, 0},
};
/* clang-format on */

static void check_inputs(const original *o, assay_mt19937 *g)
{
    static const float first[] = {-0.63946062f, -0.96104950f, -0.07356295f, 0.44986784f};
    const int count = o->n * o->t * o->c;
    double sum = 0, squares = 0;
    float x = 0;
    for (int i = 0; i < count; ++i) {
        x = assay_mt_uniform(g);
        if (i < COUNT(first)) assert_true(close_to(x, first[i], 5e-9));
        sum += (double)x;
        squares += (double)x * (double)x;
    }
    assert_true(close_to(x, o->last, 1e-8)); /* printed to 8 decimals, a float apart from the next by 3e-8 */
    assert_true(close_to(sum, o->sum, 6e-10));
    assert_true(close_to(squares, o->squares, 6e-7));
}

static int repeats(const int32_t *label, int count)
{
    int found = 0;
    for (int i = 1; i < count; ++i)
        found += label[i] == label[i - 1];
    return found;
}

static int occurs(const int32_t *label, int count, int32_t value)
{
    int found = 0;
    for (int i = 0; i < count; ++i)
        found += label[i] == value;
    return found;
}

static void check_labels(const original *o, const int32_t *label)
{
    int sum = 0, outside = 0, absent = 0;
    for (int i = 0; i < o->labels; ++i) {
        sum += label[i];
        outside += label[i] < o->lo || label[i] >= o->hi;
    }
    for (int32_t v = o->lo; v < o->hi; ++v)
        absent += occurs(label, o->labels, v) == 0;
    assert_int_equal(outside, 0);
    if (o->label_sum >= 0) assert_int_equal(sum, o->label_sum);
    if (o->missing == -1) assert_int_equal(absent, 0);
    if (o->missing >= 0) assert_int_equal(occurs(label, o->labels, o->missing), 0);
    assert_memory_equal(label, o->head, (size_t)o->heads * sizeof *label);
    assert_memory_equal(label + o->labels - o->tails, o->tail, (size_t)o->tails * sizeof *label);
}

static int32_t *labels_of(const original *o)
{
    int32_t *label = test_malloc((size_t)o->labels * sizeof *label);
    assay_mt19937 g;
    assay_mt_seed(&g, 11);
    check_inputs(o, &g);
    for (int i = 0; i < o->labels; ++i)
        label[i] = assay_mt_randint(&g, o->lo, o->hi);
    return label;
}

static void original_streams_come_out_to_the_last_digit(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(originals); ++i) {
        int32_t *label = labels_of(&originals[i]);
        check_labels(&originals[i], label);
        test_free(label);
    }
}

static void original_strings_repeat_where_they_should(void **state)
{
    (void)state;
    static const int a3[] = {1, 4, 3, 2, 2, 1, 0, 7, 0, 1, 3, 2, 1, 1, 1, 3, 2, 0, 0, 3, 0, 0, 3, 0, 3};
    static const int b4[] = {2, 2, 3, 2, 5, 2, 3, 2, 0, 1, 1, 2, 1, 1, 1, 3,
                             2, 2, 1, 4, 1, 4, 4, 1, 0, 2, 1, 0, 1, 2, 0, 3};
    int32_t *a = labels_of(&originals[1]), *b = labels_of(&originals[4]);
    for (int n = 0; n < COUNT(a3); ++n)
        assert_int_equal(repeats(a + 100 * n, 100), a3[n]);
    for (int n = 0; n < COUNT(b4); ++n)
        assert_int_equal(repeats(b + 100 * n, 100), b4[n]);
    test_free(a);
    test_free(b);
}

/* Frozen: another value here is another data set for every seed that was ever printed. */
static void our_streams_never_change(void **state)
{
    (void)state;
    assert_true(assay_stream_id("rnn/lstm.uni.t3.n7.i17.h35.tail", 4) == UINT64_C(0xf6ae01248731e170));
    assert_true(assay_random_bits(1, 2, 3) == UINT64_C(0x663eff4fde08bf52));
    assert_true(assay_random_uniform(1, 2, 3) == 0x1.98fbfd3f7822ep-2);
    assert_true(assay_random_normal(1, 2, 3) == -0x1.b73d8d85dcffp-5);
    assert_true(assay_random_normal(1, 2, 4) == 0x1.4c39027d37d03p-1);
    assert_true(assay_random_normal(UINT64_C(0xfedcba9876543210), 5, UINT64_C(1) << 40) == -0x1.5fb61e5038c66p+0);
}

static void streams_differ_in_each_part_of_their_name(void **state)
{
    (void)state;
    const uint64_t here = assay_random_bits(1, assay_stream_id("a", 1), 1);
    assert_true(here != assay_random_bits(2, assay_stream_id("a", 1), 1));
    assert_true(here != assay_random_bits(1 + (UINT64_C(1) << 32), assay_stream_id("a", 1), 1));
    assert_true(here != assay_random_bits(1, assay_stream_id("b", 1), 1));
    assert_true(here != assay_random_bits(1, assay_stream_id("a", 2), 1));
    assert_true(here != assay_random_bits(1, assay_stream_id("a", 1), 2));
    assert_true(here != assay_random_bits(1, assay_stream_id("a", 1), 1 + (UINT64_C(1) << 32)));
}

enum { DRAWS = 200000 };

/* Mean of x^p over the draws. */
static double moment(const double *x, int p)
{
    double sum = 0;
    for (int i = 0; i < DRAWS; ++i)
        sum += pow(x[i], p);
    return sum / DRAWS;
}

/* Five standard deviations of each moment's mean: the seed is fixed, so this holds or not for good. */
static void uniform_has_the_moments_of_a_uniform(void **state)
{
    (void)state;
    double *x = test_malloc(DRAWS * sizeof *x);
    assay_random_fill_uniform(11, 22, 0, 1, x, DRAWS);
    int outside = 0;
    for (int i = 0; i < DRAWS; ++i)
        outside += !(x[i] >= 0 && x[i] < 1);
    assert_int_equal(outside, 0);
    assert_true(close_to(moment(x, 1), 1 / 2.0, 5 * 0.289 / sqrt(DRAWS)));
    assert_true(close_to(moment(x, 2), 1 / 3.0, 5 * 0.298 / sqrt(DRAWS)));
    assert_true(close_to(moment(x, 3), 1 / 4.0, 5 * 0.283 / sqrt(DRAWS)));
    test_free(x);
}

static void normal_has_the_moments_of_a_normal(void **state)
{
    (void)state;
    double *x = test_malloc(DRAWS * sizeof *x);
    assay_random_fill_normal(11, 22, 1, x, DRAWS);
    assert_true(close_to(moment(x, 1), 0, 5 * 1 / sqrt(DRAWS)));
    assert_true(close_to(moment(x, 2), 1, 5 * sqrt(2) / sqrt(DRAWS)));
    assert_true(close_to(moment(x, 3), 0, 5 * sqrt(15) / sqrt(DRAWS)));
    assert_true(close_to(moment(x, 4), 3, 5 * sqrt(96) / sqrt(DRAWS)));
    test_free(x);
}

/* Our logarithm and cosine against the C library's. */
static void normal_is_box_and_mullers(void **state)
{
    (void)state;
    double worst = 0;
    for (uint32_t i = 0; i < 20000; ++i) {
        const uint32_t counter[4] = {i, 0, 9, 0}, key[2] = {8, 0};
        uint32_t w[4];
        assay_philox(counter, key, w);
        const double u = (double)((w[0] | (uint64_t)w[1] << 32) >> 11) * 0x1p-53;
        const double v = (double)((w[2] | (uint64_t)w[3] << 32) >> 11) * 0x1p-53;
        const double want = sqrt(-2 * log(1 - u)) * cos(6.283185307179586477 * v);
        const double error = fabs(assay_random_normal(8, 9, i) - want);
        if (!(error <= worst)) worst = error;
    }
    assert_true(worst <= 5e-15); /* of values up to 4.5: a few units in the last place */
}

static void a_fill_is_its_elements(void **state)
{
    (void)state;
    enum { MANY = 70000 }; /* beyond the size from which it is parallel */
    double *x = test_malloc(MANY * sizeof *x), *z = test_malloc(MANY * sizeof *z);
    assay_random_fill_uniform(3, 4, -2, 6, x, MANY);
    assay_random_fill_normal(3, 4, 0.5, z, MANY);
    int wrong = 0;
    for (uint64_t i = 0; i < MANY; ++i) {
        wrong += !(x[i] == -2 + 8 * assay_random_uniform(3, 4, i));
        wrong += !(z[i] == 0.5 * assay_random_normal(3, 4, i));
    }
    assert_int_equal(wrong, 0);
    test_free(x);
    test_free(z);
}

static void zipf_takes_the_first_sum_above(void **state)
{
    (void)state;
    double c[4];
    assay_zipf_cumulative(c, 4);
    assert_true(c[0] == 1 && c[1] == 1.5);
    assert_int_equal(assay_zipf(c, 4, 0), 0);
    assert_int_equal(assay_zipf(c, 2, nextafter(1 / 1.5, 0)), 0);
    c[1] = 2; /* so that u c[1] meets c[0] exactly */
    assert_int_equal(assay_zipf(c, 2, 0.5), 1);
    assert_int_equal(assay_zipf(c, 2, nextafter(0.5, 0)), 0);
    assert_int_equal(assay_zipf(c, 2, nextafter(1, 0)), 1);
    assert_int_equal(assay_zipf(c, 1, 0.99), 0);
}

static void zipf_falls_as_one_over_rank(void **state)
{
    (void)state;
    enum { WORDS = 10001 };
    double *c = test_malloc(WORDS * sizeof *c);
    int hits[3] = {0}, outside = 0;
    assay_zipf_cumulative(c, WORDS);
    for (uint64_t i = 0; i < DRAWS; ++i) {
        const int32_t k = assay_zipf(c, WORDS, assay_random_uniform(11, 0, i));
        outside += k < 0 || k >= WORDS;
        if (k < 3) ++hits[k];
    }
    assert_int_equal(outside, 0);
    for (int k = 0; k < 3; ++k) {
        const double p = 1 / ((k + 1) * c[WORDS - 1]);
        assert_true(close_to(hits[k], DRAWS * p, 5 * sqrt(DRAWS * p)));
    }
    test_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_known_answers),
        cmocka_unit_test(twister_gives_numpys_doubles),
        cmocka_unit_test(twister_gives_numpys_integers),
        cmocka_unit_test(an_integer_of_one_value_draws_nothing),
        cmocka_unit_test(original_streams_come_out_to_the_last_digit),
        cmocka_unit_test(original_strings_repeat_where_they_should),
        cmocka_unit_test(our_streams_never_change),
        cmocka_unit_test(streams_differ_in_each_part_of_their_name),
        cmocka_unit_test(uniform_has_the_moments_of_a_uniform),
        cmocka_unit_test(normal_has_the_moments_of_a_normal),
        cmocka_unit_test(normal_is_box_and_mullers),
        cmocka_unit_test(a_fill_is_its_elements),
        cmocka_unit_test(zipf_takes_the_first_sum_above),
        cmocka_unit_test(zipf_falls_as_one_over_rank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
