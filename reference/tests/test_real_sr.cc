// test_real_sr.cc: each operation of the rounding scalar rounds once, to the declared format, in the declared mode.
// SPDX-License-Identifier: MIT
#include <cmath>
#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <vector>

extern "C" {
#include <cmocka.h>
}

#include "reference/data.h"
#include "reference/real.h"

namespace
{

constexpr int DRAWS = 20000, VALUES = 40;

void context(int mode, int accumulate, double activation_ulp = 0.5, uint64_t seed = 3)
{
    const assay_rounding r = {mode, ASSAY_FP64, accumulate, ASSAY_FP64, activation_ulp, 1, seed, 0, 0, 0, 0};
    assay_rounding_sr(&r);
}

struct operation {
    const char *name;
    real (*rounded)(real x, real y);
    long double (*exact)(long double x, long double y);
};

const operation operations[] = {
    {"+", [](real x, real y) { return x + y; }, [](long double x, long double y) { return x + y; }},
    {"-", [](real x, real y) { return x - y; }, [](long double x, long double y) { return x - y; }},
    {"*", [](real x, real y) { return x * y; }, [](long double x, long double y) { return x * y; }},
    {"/", [](real x, real y) { return x / y; }, [](long double x, long double y) { return x / y; }},
    {"mac", [](real x, real y) { return MAC(x, y, real(1.25)); },
     [](long double x, long double y) { return x + y * 1.25L; }},
    {"exp", [](real x, real) { return R_EXP(x); }, [](long double x, long double) { return std::exp(x); }},
    {"log", [](real x, real) { return R_LOG(x); }, [](long double x, long double) { return std::log(x); }},
    {"tanh", [](real x, real) { return R_TANH(x); }, [](long double x, long double) { return std::tanh(x); }},
    {"sqrt", [](real x, real) { return R_SQRT(x); }, [](long double x, long double) { return std::sqrt(x); }},
};

// Arguments that every format holds, in 1 .. 3.
double argument(int format, uint64_t i)
{
    return assay_round_to(format, 1 + 2 * assay_random_uniform(1, 1, i));
}

const int fraction_bits[] = {52, 23, 10, 7, 10};

long double ulp_at(int format, long double x)
{
    int e;
    (void)std::frexp(x, &e);
    return std::ldexp(1.0L, e - 1 - fraction_bits[format]);
}

long double below(int format, long double x)
{
    const long double ulp = ulp_at(format, x);
    return std::floor(x / ulp) * ulp;
}

// Over many arguments and draws: the neighbours only, and no bias.
void stochastic_is_unbiased(int format)
{
    for (const operation &op : operations) {
        double bias = 0;
        int outside = 0, moved = 0;
        for (uint64_t i = 0; i < VALUES; ++i) {
            const double x = argument(format, 2 * i), y = argument(format, 2 * i + 1);
            const long double exact = op.exact(x, y), ulp = ulp_at(format, exact), low = below(format, exact);
            for (int draw = 0; draw < DRAWS / VALUES; ++draw) {
                const long double got = op.rounded(real(x), real(y)).v;
                outside += !(got == low || (got == low + ulp && exact > low));
                moved += got != low;
                bias += (double)((got - exact) / ulp) / DRAWS;
            }
        }
        if (outside || !(std::fabs(bias) < 5 * 0.5 / std::sqrt(DRAWS))) print_message("%s: bias %g\n", op.name, bias);
        assert_int_equal(outside, 0);
        assert_true(std::fabs(bias) < 5 * 0.5 / std::sqrt(DRAWS)); // an error of at most 1 ulp has deviation <= 1/2
        assert_true(moved > 0 || op.name[0] == '-' || op.name[0] == '+');
    }
}

void every_operation_is_unbiased_in_every_format(void **)
{
    for (int format = ASSAY_FP64; format <= ASSAY_FP16; ++format) {
        context(ASSAY_ROUND_STOCHASTIC, format);
        stochastic_is_unbiased(format);
    }
}

// The long double is itself rounded: fp64 tests may meet a tie that it cannot see, but not among these few.
void truncation_goes_toward_zero(void **)
{
    for (int format = ASSAY_FP64; format <= ASSAY_FP16; ++format) {
        context(ASSAY_ROUND_TRUNCATE, format);
        for (const operation &op : operations) {
            for (uint64_t i = 0; i < VALUES; ++i) {
                const double x = argument(format, 2 * i), y = argument(format, 2 * i + 1);
                const long double exact = op.exact(x, y), low = below(format, std::fabs(exact));
                assert_true((long double)op.rounded(real(x), real(y)).v == (exact < 0 ? -low : low));
            }
        }
    }
}

void nearest_is_the_nearest(void **)
{
    for (int format = ASSAY_FP64; format <= ASSAY_FP16; ++format) {
        context(ASSAY_ROUND_NEAREST, format);
        for (const operation &op : operations) {
            for (uint64_t i = 0; i < VALUES; ++i) {
                const double x = argument(format, 2 * i), y = argument(format, 2 * i + 1);
                const long double exact = op.exact(x, y), got = op.rounded(real(x), real(y)).v;
                // the narrow formats round a double, FP64 a long double: a little beyond one half
                const long double half = 0.5L + (format == ASSAY_FP64 ? 0x1p-10L : 0x1p-28L);
                assert_true(std::fabs(got - exact) <= ulp_at(format, exact) * half);
            }
        }
    }
}

void exact_is_double(void **)
{
    context(ASSAY_ROUND_EXACT, ASSAY_BF16, 4);
    const double x = 1.2345678901234567, y = 0.98765432109876543;
    assert_true((real(x) + real(y)).v == x + y);
    assert_true((real(x) * real(y)).v == x * y);
    assert_true((real(x) / real(y)).v == x / y);
    assert_true(MAC(real(x), real(y), real(y)).v == x + y * y);
    assert_true(R_EXP(real(x)).v == std::exp(x));
    assert_true(R_TANH(real(x)).v == std::tanh(x));
}

void operands_and_stores_round_to_nearest(void **)
{
    const assay_rounding r = {ASSAY_ROUND_STOCHASTIC, ASSAY_BF16, ASSAY_FP32, ASSAY_FP16, 0.5, 1, 3, 0, 0, 0, 0};
    assay_rounding_sr(&r);
    assert_true(OPERAND(real(1 + 0x1p-8 + 0x1p-30)).v == 1 + 0x1p-7);
    assert_true(STORE(real(1 + 0x1p-11 + 0x1p-30)).v == 1 + 0x1p-10);
}

// A draw of x + 0 in the accumulate format.
double drawn(double x)
{
    return (real(x) + real(0)).v;
}

void subnormals_round_to_the_last_place_that_exists(void **)
{
    context(ASSAY_ROUND_STOCHASTIC, ASSAY_FP32);
    const double unit = 0x1p-149;
    double mean = 0;
    for (int i = 0; i < DRAWS; ++i) {
        const double y = drawn(5.25 * unit) / unit;
        assert_true(y == 5 || y == 6);
        mean += y / DRAWS;
    }
    assert_true(std::fabs(mean - 5.25) < 5 * 0.44 / std::sqrt(DRAWS));
    int up = 0;
    for (int i = 0; i < DRAWS; ++i)
        up += drawn(0.25 * unit) != 0;
    assert_true(std::fabs(up / (double)DRAWS - 0.25) < 5 * 0.44 / std::sqrt(DRAWS));
}

void what_leaves_the_range_is_infinite(void **)
{
    const double largest = 65504; // fp16; the next step would be 65536
    context(ASSAY_ROUND_STOCHASTIC, ASSAY_FP16);
    int infinite = 0;
    for (int i = 0; i < DRAWS; ++i) {
        const double y = drawn(largest + 8);
        assert_true(y == largest || std::isinf(y));
        infinite += std::isinf(y) != 0;
    }
    assert_true(std::fabs(infinite / (double)DRAWS - 0.25) < 5 * 0.44 / std::sqrt(DRAWS));
    assert_true(std::isinf(drawn(-1e9)) && drawn(-1e9) < 0);
    context(ASSAY_ROUND_TRUNCATE, ASSAY_FP16);
    assert_true(drawn(1e9) == largest);
    context(ASSAY_ROUND_NEAREST, ASSAY_FP16);
    assert_true(drawn(65519) == largest && std::isinf(drawn(65520)));
}

void infinities_nan_and_zeros_stay(void **)
{
    for (int mode = ASSAY_ROUND_EXACT; mode <= ASSAY_ROUND_TRUNCATE; ++mode) {
        for (int format = ASSAY_FP64; format <= ASSAY_FP16; ++format) {
            context(mode, format, 4);
            assert_true(drawn(INFINITY) == INFINITY && drawn(-INFINITY) == -INFINITY);
            assert_true(std::isnan(drawn(NAN)));
            assert_true(drawn(0) == 0 && R_EXP(real(-INFINITY)).v == 0 && R_LOG(real(0)).v == -INFINITY);
            assert_true(R_SQRT(real(0)).v == 0);
        }
    }
}

// A uniform error of 4 ulp and a rounding: deviation sqrt(16/3 + 1/6), nothing beyond 5.
void a_declared_activation_error_is_made(void **)
{
    context(ASSAY_ROUND_STOCHASTIC, ASSAY_FP32, 4);
    const double x = 0.7, exact = std::tanh(x);
    double square = 0, worst = 0, mean = 0;
    for (int i = 0; i < DRAWS; ++i) {
        const double e = (R_TANH(real(x)).v - exact) * 0x1p24; // ulp at 0.6
        square += e * e / DRAWS;
        mean += e / DRAWS;
        worst = std::fmax(worst, std::fabs(e));
    }
    assert_true(worst <= 5 && worst > 4);
    assert_true(std::fabs(mean) < 5 * 2.4 / std::sqrt(DRAWS));
    assert_true(std::sqrt(square) > 2.27 && std::sqrt(square) < 2.42);
}

bool is_permutation(int64_t n)
{
    std::vector<char> seen((size_t)n, 0);
    for (int64_t j = 0; j < n; ++j) {
        const int64_t at = SUM_AT(j, n);
        if (at < 0 || at >= n || seen[(size_t)at]) return false;
        seen[(size_t)at] = 1;
    }
    return true;
}

void a_sums_order_is_a_permutation(void **)
{
    for (uint64_t seed = 0; seed < 5; ++seed) {
        context(ASSAY_ROUND_STOCHASTIC, ASSAY_FP32, 0.5, seed);
        for (int64_t n = 1; n < 400; ++n)
            assert_true(is_permutation(n));
        assert_true(is_permutation(INT64_C(5000011)));
    }
}

void orders_differ_between_runs_and_stay_within_one(void **)
{
    int same = 0;
    context(ASSAY_ROUND_STOCHASTIC, ASSAY_FP32, 0.5, 1);
    const int64_t first = SUM_AT(7, 1000), second = SUM_AT(8, 1000), other = SUM_AT(3, 77);
    assert_true(SUM_AT(7, 1000) == first && SUM_AT(8, 1000) == second && SUM_AT(3, 77) == other);
    for (uint64_t seed = 2; seed < 22; ++seed) {
        context(ASSAY_ROUND_STOCHASTIC, ASSAY_FP32, 0.5, seed);
        same += SUM_AT(7, 1000) == first && SUM_AT(8, 1000) == second;
    }
    assert_true(same <= 1);
}

void exact_and_nearest_sum_in_order(void **)
{
    context(ASSAY_ROUND_EXACT, ASSAY_FP32);
    assert_true(SUM_AT(7, 1000) == 7);
    context(ASSAY_ROUND_NEAREST, ASSAY_FP32);
    assert_true(SUM_AT(7, 1000) == 7);
}

void a_seed_repeats_its_run(void **)
{
    double first[50], again[50];
    for (int pass = 0; pass < 2; ++pass) {
        context(ASSAY_ROUND_STOCHASTIC, ASSAY_BF16, 2, 12);
        for (double &y : pass ? again : first)
            y = (R_EXP(real(0.3)) * real(1.7) + real(0.1)).v;
    }
    assert_memory_equal(first, again, sizeof first);
}

} // namespace

/* ---- near values ---- */

/* The context of the quantised oracle that looks for near values, and sends a share of them the other way. */
static void look(double window, int shares, int flip, int operands)
{
    const assay_rounding r = {ASSAY_ROUND_EXACT, ASSAY_TF32, ASSAY_FP64, ASSAY_FP16, 0.5, 1, 3, window, shares, flip,
                              operands};
    assay_rounding_sr(&r);
}

static const double tie = 1 + 0x1p-11, beyond = tie + 0x1p-30;

static void a_near_value_goes_the_other_way_in_its_share(void **)
{
    look(0x1p-20, 1, 1, 0);
    assert_true(OPERAND(beyond).v == 1);
    assert_true(OPERAND(-beyond).v == -1);
    assert_true(OPERAND(tie - 0x1p-30).v == 1 + 0x1p-10);
    assert_true(STORE(beyond).v == 1);
    assert_int_equal(assay_rounding_near(), 4);
    look(0x1p-20, 1, 0, 0);
    assert_true(OPERAND(beyond).v == 1 + 0x1p-10);
    assert_int_equal(assay_rounding_near(), 1);
}

static void what_is_not_near_or_was_given_rounds_to_nearest(void **)
{
    look(0x1p-40, 1, 1, 0);
    assert_true(OPERAND(beyond).v == 1 + 0x1p-10);
    look(0x1p-20, 1, 1, 0);
    assert_true(OPERAND(tie + 0x1p-20).v == 1 + 0x1p-10); /* fp32 holds it */
    assert_true(OPERAND(1.25).v == 1.25);
    assert_true(OPERAND(0.0).v == 0);
    assert_true(STORE(65520 - 0x1p-20).v == 65504); /* not to infinity */
    assert_int_equal(assay_rounding_near(), 0);
}

static void each_value_is_in_one_share(void **)
{
    int flips = 0;
    for (int flip = 1; flip <= 16; ++flip) {
        look(0x1p-20, 16, flip, 0);
        flips += OPERAND(beyond).v == 1;
    }
    assert_int_equal(flips, 1);
}

static void a_cut_operand_drops_bits(void **)
{
    look(0, 1, 0, ASSAY_OPERAND_CUT);
    assert_true(OPERAND(1 + 0x1p-10 - 0x1p-40).v == 1);
    assert_true(STORE(1 + 0x1p-10 - 0x1p-40).v == 1 + 0x1p-10);
}

static void a_tie_goes_away_from_zero_where_told(void **)
{
    look(0, 1, 0, ASSAY_OPERAND_AWAY);
    assert_true(OPERAND(tie).v == 1 + 0x1p-10 && OPERAND(-tie).v == -1 - 0x1p-10);
    assert_true(OPERAND(tie - 0x1p-30).v == 1); /* no tie: the nearer one */
    assert_true(OPERAND(1 + 0x3p-11).v == 1 + 0x1p-9);
    assert_true(OPERAND(1.25).v == 1.25);
    assert_true(STORE(tie).v == 1);
}

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_is_unbiased_in_every_format),
        cmocka_unit_test(truncation_goes_toward_zero),
        cmocka_unit_test(nearest_is_the_nearest),
        cmocka_unit_test(exact_is_double),
        cmocka_unit_test(operands_and_stores_round_to_nearest),
        cmocka_unit_test(subnormals_round_to_the_last_place_that_exists),
        cmocka_unit_test(what_leaves_the_range_is_infinite),
        cmocka_unit_test(infinities_nan_and_zeros_stay),
        cmocka_unit_test(a_declared_activation_error_is_made),
        cmocka_unit_test(a_sums_order_is_a_permutation),
        cmocka_unit_test(orders_differ_between_runs_and_stay_within_one),
        cmocka_unit_test(exact_and_nearest_sum_in_order),
        cmocka_unit_test(a_seed_repeats_its_run),
        cmocka_unit_test(a_near_value_goes_the_other_way_in_its_share),
        cmocka_unit_test(what_is_not_near_or_was_given_rounds_to_nearest),
        cmocka_unit_test(each_value_is_in_one_share),
        cmocka_unit_test(a_cut_operand_drops_bits),
        cmocka_unit_test(a_tie_goes_away_from_zero_where_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
