/* test_rounding.c: rounding to each format is right on every tie, and the block noise is that of the roundings it
 * stands for.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <omp.h>

#include "reference/data.h"
#include "reference/gemm.h" /* the noise build's */

/* The stochastic build's product; its scalar is a struct of one double. */
void assay_ref_gemm_sr(int ta, int tb, int m, int n, int k, const double *a, int64_t lda, const double *b, int64_t ldb,
                       int accumulate, double *c, int64_t ldc, int sum);

/* ---- formats ---- */

typedef struct shape {
    int format, fraction, top; /* bits after the point, exponent of the last binade */
} shape;

static const shape half = {ASSAY_FP16, 10, 15}, brain = {ASSAY_BF16, 7, 127}, tensor = {ASSAY_TF32, 10, 127};

/* The finite value with this code: exponent and fraction as in an IEEE number, no sign. The code after the last finite
 * one gives the power of two that would follow. */
static double decoded(const shape *f, uint32_t code)
{
    const int exponent = (int)(code >> f->fraction);
    const double fraction = (double)(code & ((1u << f->fraction) - 1));
    if (exponent == 0) return ldexp(fraction, 1 - f->top - f->fraction);
    return ldexp(fraction + ldexp(1, f->fraction), exponent - f->top - f->fraction);
}

static int rounds_to(const shape *f, double x, double want)
{
    return assay_round_to(f->format, x) == want && assay_round_to(f->format, -x) == -want;
}

/* Every finite value, every middle between two, and the doubles on both sides of the middle. */
static int wrong_codes(const shape *f)
{
    const uint32_t end = (uint32_t)(2 * f->top + 1) << f->fraction;
    int wrong = 0;
    for (uint32_t code = 0; code < end; ++code) {
        const double here = decoded(f, code), next = decoded(f, code + 1), middle = (here + next) / 2;
        const double up = code + 1 == end ? INFINITY : next;
        wrong += !rounds_to(f, here, here);
        wrong += !rounds_to(f, middle, code % 2 ? up : here);
        wrong += !rounds_to(f, nextafter(middle, 0), here);
        wrong += !rounds_to(f, nextafter(middle, INFINITY), up);
    }
    return wrong;
}

static void nearest_even_holds_at_every_tie(void **state)
{
    (void)state;
    assert_int_equal(wrong_codes(&half), 0);
    assert_int_equal(wrong_codes(&brain), 0);
    assert_int_equal(wrong_codes(&tensor), 0);
}

static void fp32_is_the_compilers_float(void **state)
{
    (void)state;
    int wrong = 0;
    for (uint64_t i = 0; i < 200000; ++i) {
        const uint64_t bits = assay_random_bits(5, 6, i);
        double x;
        memcpy(&x, &bits, sizeof x);
        x = isfinite(x) ? frexp(x, &(int){0}) * ldexp(1, (int)(i % 290) - 155) : 1;
        const float want = (float)x;
        wrong += !(assay_round_to(ASSAY_FP32, x) == want);
    }
    assert_int_equal(wrong, 0);
}

static void fp64_is_untouched(void **state)
{
    (void)state;
    assert_true(assay_round_to(ASSAY_FP64, 0x1.fffffffffffffp-1060) == 0x1.fffffffffffffp-1060);
}

static int keeps(int format)
{
    return isnan(assay_round_to(format, NAN)) && assay_round_to(format, INFINITY) == INFINITY &&
           assay_round_to(format, -INFINITY) == -INFINITY && signbit(assay_round_to(format, -0.0)) &&
           assay_round_to(format, 0.0) == 0 && assay_round_to(format, 1e300) == (format ? INFINITY : 1e300) &&
           assay_round_to(format, -1e-300) == (format ? 0 : -1e-300);
}

static void infinities_nan_and_zeros_stay(void **state)
{
    (void)state;
    for (int format = ASSAY_FP64; format <= ASSAY_FP16; ++format)
        assert_true(keeps(format));
}

/* ---- hooks of the noise build ---- */

static assay_rounding context(int mode, int operand, int accumulate, int store, uint64_t seed)
{
    const assay_rounding r = {mode, operand, accumulate, store, 0.5, 1, seed, 0, 0, 0, 0};
    return r;
}

static void operands_and_stores_round_to_nearest_in_mode_exact(void **state)
{
    (void)state;
    const assay_rounding r = context(ASSAY_ROUND_EXACT, ASSAY_BF16, ASSAY_FP32, ASSAY_FP16, 1);
    assay_rounding_noise(&r);
    assert_true(OPERAND(1 + 0x1p-8 + 0x1p-30) == 1 + 0x1p-7);
    assert_true(STORE(1 + 0x1p-11 + 0x1p-30) == 1 + 0x1p-10);
    assert_true(ROUNDED(1 + 0x1p-40) == 1 + 0x1p-40);
    assert_true(R_EXP(0.3) == exp(0.3));
}

/* Elementwise noise: the two neighbours, in the right proportion. */
static void rounded_is_one_unbiased_rounding(void **state)
{
    (void)state;
    enum { DRAWS = 40000 };
    const assay_rounding r = context(ASSAY_ROUND_STOCHASTIC, ASSAY_FP64, ASSAY_FP32, ASSAY_FP64, 2);
    assay_rounding_noise(&r);
    int up = 0, other = 0;
    for (int i = 0; i < DRAWS; ++i) {
        const double y = ROUNDED(1 + 0.3 * 0x1p-23);
        up += y == 1 + 0x1p-23;
        other += y != 1 + 0x1p-23 && y != 1;
    }
    assert_int_equal(other, 0);
    assert_true(fabs(up - 0.3 * DRAWS) < 5 * sqrt(0.21 * DRAWS));
}

static void fp64_results_are_spread_by_one_rounding(void **state)
{
    (void)state;
    enum { DRAWS = 40000 };
    const assay_rounding r = context(ASSAY_ROUND_STOCHASTIC, ASSAY_FP64, ASSAY_FP64, ASSAY_FP64, 2);
    assay_rounding_noise(&r);
    double mean = 0, square = 0;
    for (int i = 0; i < DRAWS; ++i) {
        const double d = (ROUNDED(1.9) - 1.9) * 0x1p53;
        mean += d / DRAWS;
        square += d * d / DRAWS;
    }
    assert_true(fabs(mean) < 0.1 && square > 0.5 && square < 4); /* one unit here is 2 u */
}

/* ---- block noise ---- */

enum { COPIES = 160 }; /* of one row and of one column, so that COPIES^2 elements share S and Q */

typedef struct statistics {
    double mean, deviation; /* of C - S */
    double predicted;       /* docs/tolerance.md 4 */
} statistics;

/* Terms of the dot products under test: normal plus `shift`, so that from mean zero to all but positive. */
static void make_terms(int k, double shift, double *a, double *b)
{
    assay_random_fill_normal(9, 1, 1, a, (size_t)k);
    assay_random_fill_normal(9, 2, 1, b, (size_t)k);
    for (int j = 0; j < k; ++j) {
        a[j] = assay_round_to(ASSAY_FP32, a[j] + shift);
        b[j] = assay_round_to(ASSAY_FP32, b[j] + shift);
    }
}

static double exact_sum(int k, const double *a, const double *b)
{
    double s = 0;
    for (int j = 0; j < k; ++j)
        s += a[j] * b[j];
    return s;
}

static double predicted(int k, double terms, double kappa2, const double *a, const double *b)
{
    double q = 0;
    for (int j = 0; j < k; ++j)
        q += a[j] * b[j] * a[j] * b[j];
    const double s = exact_sum(k, a, b);
    return 0x1p-24 * sqrt(kappa2 * (terms + 1) * (q / 6 + s * s / 3));
}

static void moments(const double *c, int count, double s, statistics *out)
{
    double sum = 0, square = 0;
    for (int i = 0; i < count; ++i) {
        sum += c[i] - s;
        square += (c[i] - s) * (c[i] - s);
    }
    out->mean = sum / count;
    out->deviation = sqrt(square / count - out->mean * out->mean);
}

/* The noise of gemm(), or of gemm_packed(), over COPIES^2 equal elements. */
static statistics emitted(int k, double shift, int mode, int packed)
{
    double *a = test_malloc((size_t)k * COPIES * sizeof *a), *b = test_malloc((size_t)k * COPIES * sizeof *b);
    double *c = test_malloc(COPIES * COPIES * sizeof *c);
    make_terms(k, shift, a, b);
    for (int i = 1; i < COPIES; ++i) {
        memcpy(a + (size_t)i * (size_t)k, a, (size_t)k * sizeof *a);
        memcpy(b + (size_t)i * (size_t)k, b, (size_t)k * sizeof *b);
    }
    const assay_rounding r = context(mode, ASSAY_FP64, ASSAY_FP32, ASSAY_FP64, 77);
    assay_rounding_noise(&r);
    if (packed) {
        REF(panels) *p = REF(gemm_pack)(1, COPIES, k, b, k);
        REF(gemm_packed)(COPIES, a, k, p, 0, c, COPIES);
        REF(gemm_pack_free)(p);
    } else {
        REF(gemm)(0, 1, COPIES, COPIES, k, a, k, b, k, 0, c, COPIES, ASSAY_SUM_FEATURES);
    }
    statistics out = {0, 0, predicted(k, k, mode == ASSAY_ROUND_STOCHASTIC ? 0.36 : 0.18, a, b)};
    moments(c, COPIES * COPIES, exact_sum(k, a, b), &out);
    test_free(a);
    test_free(b);
    test_free(c);
    return out;
}

/* The same dot product with each multiply-add rounded stochastically, in a new order each run. */
static statistics emulated(int k, double shift)
{
    enum { RUNS = 1500 };
    double *a = test_malloc((size_t)k * sizeof *a), *b = test_malloc((size_t)k * sizeof *b);
    double *c = test_malloc(RUNS * sizeof *c);
    make_terms(k, shift, a, b);
    for (int run = 0; run < RUNS; ++run) {
        const assay_rounding r = context(ASSAY_ROUND_STOCHASTIC, ASSAY_FP64, ASSAY_FP32, ASSAY_FP64, (uint64_t)run);
        assay_rounding_sr(&r);
        assay_ref_gemm_sr(0, 1, 1, 1, k, a, k, b, k, 0, c + run, 1, 0);
    }
    statistics out = {0, 0, predicted(k, k, 0.36, a, b)};
    moments(c, RUNS, exact_sum(k, a, b), &out);
    test_free(a);
    test_free(b);
    test_free(c);
    return out;
}

static int within(double ratio, double low, double high)
{
    return ratio >= low && ratio <= high;
}

/* 25,600 samples: the deviation is known to 0.5 %, the mean to 0.006 of it. */
static void noise_is_what_the_formula_says(void **state)
{
    (void)state;
    for (int packed = 0; packed < 2; ++packed) {
        const statistics e = emitted(300, 0, ASSAY_ROUND_STOCHASTIC, packed);
        assert_true(within(e.deviation / e.predicted, 0.98, 1.02));
        assert_true(fabs(e.mean) < 0.03 * e.predicted);
    }
}

static void truncation_shifts_the_mean(void **state)
{
    (void)state;
    const statistics e = emitted(300, 2, ASSAY_ROUND_TRUNCATE, 0);
    double a[300], b[300];
    make_terms(300, 2, a, b);
    assert_true(within(e.mean / (-0.36 * 0x1p-24 * 301 * exact_sum(300, a, b)), 0.99, 1.01));
    assert_true(within(e.deviation / e.predicted, 0.98, 1.02));
}

/* 1500 runs know a deviation to 2 %; the formula itself held within 0.91 .. 1.06 when it was found. */
static void noise_is_that_of_rounded_dot_products(void **state)
{
    (void)state;
    static const int k[] = {48, 300, 1000};
    static const double shift[] = {0, 0.5, 3};
    for (int i = 0; i < 9; ++i) {
        const statistics e = emulated(k[i % 3], shift[i / 3]);
        print_message("k %4d, terms N(%g, 1): emulated / predicted %.3f\n", k[i % 3], shift[i / 3],
                      e.deviation / e.predicted);
        assert_true(within(e.deviation / e.predicted, 0.85, 1.15));
    }
}

enum { M = 40, N = 30, K = 400 };

static void product(const double *a, const double *b, int accumulate, int sum, double batch_scale, uint64_t seed,
                    double *c)
{
    assay_rounding r = context(ASSAY_ROUND_STOCHASTIC, ASSAY_FP64, ASSAY_FP32, ASSAY_FP64, seed);
    r.batch_scale = batch_scale;
    assay_rounding_noise(&r);
    REF(gemm)(1, 0, M, N, K, a, M, b, N, accumulate, c, N, sum);
}

static void noise_is_the_seeds_and_not_the_threads(void **state)
{
    (void)state;
    static double a[K * M], b[K * N], c[4][M * N];
    assay_random_fill_normal(1, 1, 1, a, K * M);
    assay_random_fill_normal(1, 2, 1, b, K * N);
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    product(a, b, 0, ASSAY_SUM_FEATURES, 1, 5, c[0]);
    omp_set_num_threads(3);
    product(a, b, 0, ASSAY_SUM_FEATURES, 1, 5, c[1]);
    omp_set_num_threads(threads);
    product(a, b, 0, ASSAY_SUM_FEATURES, 1, 6, c[2]);
    assert_memory_equal(c[0], c[1], sizeof c[0]);
    assert_memory_not_equal(c[0], c[2], sizeof c[0]);
    REF(gemm)(1, 0, M, N, K, a, M, b, N, 0, c[3], N, ASSAY_SUM_FEATURES); /* the next product of the same run */
    assert_memory_not_equal(c[2], c[3], sizeof c[2]);
}

static void what_is_accumulated_onto_has_no_noise(void **state)
{
    (void)state;
    static double a[K * M], b[K * N], alone[M * N], onto[M * N];
    assay_random_fill_normal(1, 1, 1, a, K * M);
    assay_random_fill_normal(1, 2, 1, b, K * N);
    for (int i = 0; i < M * N; ++i)
        onto[i] = 1e6;
    product(a, b, 0, ASSAY_SUM_FEATURES, 1, 5, alone);
    product(a, b, 1, ASSAY_SUM_FEATURES, 1, 5, onto);
    int wrong = 0;
    for (int i = 0; i < M * N; ++i)
        wrong += !(onto[i] == 1e6 + alone[i]);
    assert_int_equal(wrong, 0);
}

/* The same z: variance goes with the rows that are not zero, times what each stands for. */
static void sums_over_the_batch_stand_for_the_whole_batch(void **state)
{
    (void)state;
    static double a[K * M], b[K * N], exact[M * N], noised[M * N];
    double variance[3];
    static const double scale[] = {8, 16, 8};
    assay_random_fill_normal(1, 1, 1, a, K * M);
    assay_random_fill_normal(1, 2, 1, b, K * N);
    const assay_rounding plain = context(ASSAY_ROUND_EXACT, ASSAY_FP64, ASSAY_FP32, ASSAY_FP64, 5);
    for (int i = 0; i < 3; ++i) {
        if (i == 2) memset(a + K / 2 * M, 0, K / 2 * M * sizeof *a);
        assay_rounding_noise(&plain);
        REF(gemm)(1, 0, M, N, K, a, M, b, N, 0, exact, N, ASSAY_SUM_ROWS);
        product(a, b, 0, ASSAY_SUM_ROWS, scale[i], 5, noised);
        variance[i] = 0;
        for (int e = 0; e < M * N; ++e)
            variance[i] += (noised[e] - exact[e]) * (noised[e] - exact[e]);
    }
    assert_true(variance[0] > 0);
    assert_true(within(variance[1] / variance[0], 1.99, 2.01));
    assert_true(within(variance[2] / variance[0], 0.2, 0.3)); /* half the terms, of half the square each */
}

/* Terms that go one way for a while and then the other leave partial sums far larger than what comes out. */
static void sums_over_rows_are_as_noisy_as_in_the_order_of_time(void **state)
{
    (void)state;
    static double a[K * M], b[K * N], exact[M * N], noised[M * N];
    assay_random_fill_uniform(1, 1, 0.5, 1.5, a, K * M);
    assay_random_fill_uniform(1, 2, 0.5, 1.5, b, K * N);
    for (int64_t i = K / 2 * M; i < K * M; ++i)
        a[i] = -a[i];
    const assay_rounding plain = context(ASSAY_ROUND_EXACT, ASSAY_FP64, ASSAY_FP32, ASSAY_FP64, 5);
    assay_rounding_noise(&plain);
    REF(gemm)(1, 0, M, N, K, a, M, b, N, 0, exact, N, ASSAY_SUM_ROWS);
    for (int sum = ASSAY_SUM_FEATURES; sum <= ASSAY_SUM_ROWS; ++sum) {
        double got = 0, want = 0;
        product(a, b, 0, sum, 1, 5, noised);
        for (int e = 0; e < M * N; ++e) {
            double s = 0;
            for (int k = 0; k < K; ++k) {
                s += a[k * M + e / N] * b[k * N + e % N];
                want += 0.36 * 0x1p-48 * s * s;
            }
            got += (noised[e] - exact[e]) * (noised[e] - exact[e]);
        }
        if (sum == ASSAY_SUM_ROWS)
            assert_true(within(got / want, 0.9, 1.2));
        else
            assert_true(got / want < 0.1);
    }
}

/* Over seeds: a sum of two rounds once; a sum of n as its formula says. */
static double sum_deviation(int n, const double *x)
{
    enum { SEEDS = 20000 };
    double *c = test_malloc(SEEDS * sizeof *c), exact = 0;
    for (int i = 0; i < n; ++i)
        exact += x[i];
    for (int seed = 0; seed < SEEDS; ++seed) {
        const assay_rounding r = context(ASSAY_ROUND_STOCHASTIC, ASSAY_FP64, ASSAY_FP32, ASSAY_FP64, (uint64_t)seed);
        assay_rounding_noise(&r);
        c[seed] = REF(sum)(n, x, 1, ASSAY_SUM_FEATURES);
    }
    statistics e = {0};
    moments(c, SEEDS, exact, &e);
    test_free(c);
    return e.deviation;
}

static void sums_outside_products_are_noisy_too(void **state)
{
    (void)state;
    double x[500], q = 0, s = 0;
    assay_random_fill_uniform(4, 4, 0, 1, x, 500);
    for (int i = 0; i < 500; ++i) {
        s += x[i];
        q += x[i] * x[i];
    }
    const double want = 0.6 * 0x1p-24 * sqrt(501 * (q / 6 + s * s / 3) - q / 500);
    assert_true(within(sum_deviation(500, x) / want, 0.97, 1.03));
    assert_true(within(sum_deviation(2, x) / (0.6 * 0x1p-24 * (x[0] + x[1])), 0.97, 1.03));
    assert_true(sum_deviation(1, x) == 0);
    double along = 0, against = 0, area[2] = {0, 0}; /* up and down again */
    for (int i = 250; i < 500; ++i)
        x[i] = -x[i];
    for (int i = 0; i < 500; ++i) {
        along += x[i];
        against += x[499 - i];
        area[0] += i ? along * along : 0;
        area[1] += i ? against * against : 0;
    }
    assert_true(within(sum_deviation(500, x) / (0.6 * 0x1p-24 * sqrt(fmax(area[0], area[1]))), 0.97, 1.03));
}

static void operands_are_rounded_before_they_are_squared(void **state)
{
    (void)state;
    const double a = 1 + 0x1p-9, b = 3; /* a is 1 in bf16 */
    const assay_rounding r = context(ASSAY_ROUND_EXACT, ASSAY_BF16, ASSAY_FP32, ASSAY_FP64, 1);
    assay_rounding_noise(&r);
    double c;
    REF(gemm)(0, 0, 1, 1, 1, &a, 1, &b, 1, 0, &c, 1, ASSAY_SUM_FEATURES);
    assert_true(c == 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearest_even_holds_at_every_tie),
        cmocka_unit_test(fp32_is_the_compilers_float),
        cmocka_unit_test(fp64_is_untouched),
        cmocka_unit_test(infinities_nan_and_zeros_stay),
        cmocka_unit_test(operands_and_stores_round_to_nearest_in_mode_exact),
        cmocka_unit_test(rounded_is_one_unbiased_rounding),
        cmocka_unit_test(fp64_results_are_spread_by_one_rounding),
        cmocka_unit_test(noise_is_what_the_formula_says),
        cmocka_unit_test(truncation_shifts_the_mean),
        cmocka_unit_test(noise_is_that_of_rounded_dot_products),
        cmocka_unit_test(noise_is_the_seeds_and_not_the_threads),
        cmocka_unit_test(what_is_accumulated_onto_has_no_noise),
        cmocka_unit_test(sums_over_the_batch_stand_for_the_whole_batch),
        cmocka_unit_test(sums_over_rows_are_as_noisy_as_in_the_order_of_time),
        cmocka_unit_test(sums_outside_products_are_noisy_too),
        cmocka_unit_test(operands_are_rounded_before_they_are_squared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
