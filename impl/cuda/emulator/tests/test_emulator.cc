/* test_emulator.cc: the emulator finds what is wrong with a kernel, by name, on every seed; and nothing in honest ones.
 * SPDX-License-Identifier: MIT */
#include "impl/cuda/device.hpp"
#include "impl/cuda/emulator/emulator.h"
#include "impl/cuda/emulator/tests/planted.h"
#include "reference/problem.h"
#include "reference/rounding.h"

#include <setjmp.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
extern "C" {
#include <cmocka.h>
}

KERNEL_DECLARE(planted_reverse, planted_args);
KERNEL_DECLARE(planted_total, planted_args);
KERNEL_DECLARE(planted_exchange, planted_args);
KERNEL_DECLARE(planted_fragments, planted_args);

enum { SEEDS = 32, STEPS = 6, RANKS = 4, UNITS = 32 };

struct bed {
    emulator_machine *m;
    float from[256], to[256];
};

static int begin(void **state)
{
    static bed b;
    b.m = emulator_open();
    for (int k = 0; k < 256; k++)
        b.from[k] = static_cast<float>((k * 37) % 101) / 7 - 3.3F;
    *state = &b;
    return b.m == nullptr;
}

static int end(void **state)
{
    emulator_close(static_cast<bed *>(*state)->m);
    return 0;
}

static emulator_fault reverse(bed *b, planted fault, int32_t n, uint64_t seed)
{
    const planted_args args = {fault, n, b->from, b->to};
    const emulator_launch l = {"reverse", KERNEL_ADDRESS(planted_reverse), &args, {3, 1, 1}, 64, 1, 0, seed};
    return emulator_run(b->m, &l);
}

static emulator_fault total(bed *b, planted fault, uint64_t seed)
{
    const planted_args args = {fault, 0, b->from, b->to};
    const emulator_launch l = {"total", KERNEL_ADDRESS(planted_total), &args, {8, 1, 1}, 32, 1, 0, seed};
    return emulator_run(b->m, &l);
}

static emulator_fault exchange(bed *b, planted fault, uint64_t seed)
{
    const planted_args args = {fault, STEPS, b->from, b->to};
    const emulator_launch l = {"exchange", KERNEL_ADDRESS(planted_exchange), &args, {RANKS, 1, 1}, UNITS, RANKS, 0,
                               seed};
    return emulator_run(b->m, &l);
}

/* ---- honest kernels ---- */

static void honest_kernels_pass_in_every_order(void **state)
{
    bed *b = static_cast<bed *>(*state);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        assert_int_equal(reverse(b, PLANTED_NOTHING, 50, seed), EMULATOR_NONE);
        for (int k = 0; k < 100; k++)
            assert_true(b->to[k] == b->from[k / 50 * 50 + 49 - k % 50]);
        assert_int_equal(total(b, PLANTED_NOTHING, seed), EMULATOR_NONE);
        assert_int_equal(exchange(b, PLANTED_NOTHING, seed), EMULATOR_NONE);
        assert_string_equal(emulator_why(b->m), "");
    }
}

static void a_cluster_computes_what_a_loop_does(void **state)
{
    bed *b = static_cast<bed *>(*state);
    const int all = RANKS * UNITS;
    float now[RANKS * UNITS], next[RANKS * UNITS];
    memcpy(now, b->from, sizeof now);
    for (int step = 0; step < STEPS; step++) {
        for (int i = 0; i < all; i++) {
            float sum = 0;
            for (int k = 0; k < all; k++)
                sum += now[(i + k) % all] * (1 + static_cast<float>(k));
            next[i] = sum / static_cast<float>(all * all);
        }
        memcpy(now, next, sizeof now);
    }
    assert_int_equal(exchange(b, PLANTED_NOTHING, 7), EMULATOR_NONE);
    assert_memory_equal(b->to, now, sizeof now);
}

/* ---- tensor cores ---- */

static float rounded(int format, float x)
{
    using emulator::number;
    if (format == NARROW_TF32) return emulator::value_of(number::tf32, emulator::round_tf32(x), 0);
    if (format == NARROW_BF16) return emulator::value_of(number::bf16, emulator::round_bf16(x), 0);
    return emulator::value_of(number::fp16, emulator::round_fp16(x), 0);
}

/* The product of the matrices whose fragments the lanes hold, as PTX says where their elements lie. */
static float element(const float *from, int format, int row, int column)
{
    const int each = format == NARROW_TF32 ? 1 : 2;
    double sum = from[12 * (row % 8 * 4 + column / 2) + row / 8 * 2 + column % 2];
    for (int k = 0; k < 8 * each; k++) {
        const int word = k / each, lane = word % 4;
        const float *a = from + 12 * (row % 8 * 4 + lane) + 2 * (row / 8 + word / 4 * 2) + k % each;
        const float *b = from + 12 * (column * 4 + lane) + 2 * (4 + word / 4) + k % each;
        sum += static_cast<double>(rounded(format, *a)) * rounded(format, *b);
    }
    return static_cast<float>(sum);
}

static void fragments_multiply_as_their_matrices_do(void **state)
{
    bed *b = static_cast<bed *>(*state);
    static float from[12 * 32], to[8 * 32];
    for (int k = 0; k < 12 * 32; k++)
        from[k] = static_cast<float>((k * 53) % 97) / 31 - 1.5F;
    for (int format = NARROW_TF32; format <= NARROW_FP16; format++) {
        const planted_args args = {PLANTED_NOTHING, format, from, to};
        const emulator_launch l = {"fragments", KERNEL_ADDRESS(planted_fragments), &args, {1, 1, 1}, 32, 1, 0, 5};
        assert_int_equal(emulator_run(b->m, &l), EMULATOR_NONE);
        for (int lane = 0; lane < 32; lane++)
            for (int e = 0; e < 8; e++) {
                const float want = element(from, format, lane / 4 + e % 4 / 2 * 8, 2 * (lane % 4) + e % 2);
                assert_true(fabsf(to[8 * lane + e] - want) < 4e-6F);
            }
    }
}

static void narrow_numbers_are_those_of_the_oracle(void **state)
{
    (void)state;
    uint64_t random = 1;
    for (int k = 0; k < 1000000; k++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        const float x = emulator::from_bits<float>(static_cast<uint32_t>(random >> 32));
        if (x != x) continue;
        const float bf16 = static_cast<float>(assay_round_to(ASSAY_BF16, x)), got_bf16 = rounded(NARROW_BF16, x);
        const float fp16 = static_cast<float>(assay_round_to(ASSAY_FP16, x)), got_fp16 = rounded(NARROW_FP16, x);
        assert_memory_equal(&bf16, &got_bf16, sizeof bf16);
        assert_memory_equal(&fp16, &got_fp16, sizeof fp16);
    }
    assert_true(rounded(NARROW_TF32, 0x1.002p0f) == 0x1.004p0f); /* a tie goes away from zero... */
    assert_true(rounded(NARROW_BF16, 0x1.01p0f) == 1);           /* ...or to even */
    assert_true(rounded(NARROW_BF16, 0x1.03p0f) == 0x1.04p0f);
    assert_true(emulator::value_of(emulator::number::tf32, emulator::to_bits(0x1.003ffep0f), 0) == 0x1p0f);
}

static void the_seed_repeats_the_order(void **state)
{
    bed *b = static_cast<bed *>(*state);
    char first[512];
    reverse(b, PLANTED_NO_BARRIER, 50, 3);
    snprintf(first, sizeof first, "%s", emulator_why(b->m));
    reverse(b, PLANTED_NO_BARRIER, 50, 3);
    assert_string_equal(emulator_why(b->m), first);
}

/* ---- planted faults: found on every seed, and called what they are ---- */

static void names(bed *b, emulator_fault got, emulator_fault fault, const char *text, uint64_t seed)
{
    if (seed == 0) print_message("    %s\n", emulator_why(b->m));
    if (got != fault || !strstr(emulator_why(b->m), text))
        print_message("    seed %d: %s\n", static_cast<int>(seed), emulator_why(b->m));
    assert_int_equal(got, fault);
    assert_non_null(strstr(emulator_why(b->m), text));
}

#define FINDS(test, kernel_call, fault, text)                                                                          \
    static void test(void **state)                                                                                     \
    {                                                                                                                  \
        bed *b = static_cast<bed *>(*state);                                                                           \
        for (uint64_t seed = 0; seed < SEEDS; seed++)                                                                  \
            names(b, kernel_call, fault, text, seed);                                                                  \
    }

FINDS(a_missing_barrier_is_a_race, reverse(b, PLANTED_NO_BARRIER, 50, seed), EMULATOR_RACE, "nothing orders the two")
FINDS(a_missing_barrier_behind_is_a_race, reverse(b, PLANTED_NO_BARRIER_BEHIND, 50, seed), EMULATOR_RACE,
      "nothing orders the two")
FINDS(unwritten_shared_memory_is_named, reverse(b, PLANTED_UNINITIALISED, 50, seed), EMULATOR_UNINITIALISED,
      "word 50, which nobody")
FINDS(a_thread_that_returns_before_a_barrier_is_named, reverse(b, PLANTED_EARLY_RETURN, 50, seed), EMULATOR_LEFT,
      "barrier")
FINDS(a_barrier_in_a_branch_is_named, reverse(b, PLANTED_BARRIER_IN_BRANCH, 50, seed), EMULATOR_LEFT, "barrier")
FINDS(a_shuffle_with_lanes_that_left_is_named, total(b, PLANTED_LANES_GONE, seed), EMULATOR_LANES, "lane")
FINDS(a_shuffle_past_its_mask_is_named, total(b, PLANTED_LANE_OUTSIDE, seed), EMULATOR_LANES, "reads lane 16")
FINDS(a_shuffle_is_no_fence, total(b, PLANTED_NO_WARP_SYNC, seed), EMULATOR_RACE, "nothing orders the two")
FINDS(one_buffer_for_two_steps_is_a_race, exchange(b, PLANTED_EARLY_SLOT, seed), EMULATOR_RACE, "asynchronous store")
FINDS(a_phase_that_never_comes_is_a_deadlock, exchange(b, PLANTED_STUCK_PHASE, seed), EMULATOR_DEADLOCK,
      "memory barrier")
FINDS(a_block_that_leaves_its_peers_is_named, exchange(b, PLANTED_LEAVES_EARLY, seed), EMULATOR_LEFT, "left")
FINDS(a_barrier_used_before_its_initialisation_is_named, exchange(b, PLANTED_NO_FIRST_MEETING, seed),
      EMULATOR_UNINITIALISED, "memory barrier")

/* What it shows as depends on what comes first. */
static void found(bed *b, planted fault)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        const emulator_fault got = exchange(b, fault, seed);
        if (seed == 0) print_message("    %s\n", emulator_why(b->m));
        assert_true(got == EMULATOR_RACE || got == EMULATOR_UNINITIALISED || got == EMULATOR_DEADLOCK);
    }
}

static void a_wait_for_the_phase_before_is_found(void **state)
{
    found(static_cast<bed *>(*state), PLANTED_WRONG_PHASE);
}

static void the_other_buffer_is_found(void **state)
{
    found(static_cast<bed *>(*state), PLANTED_WRONG_PARITY);
}

static void bytes_that_nobody_expects_are_found(void **state)
{
    found(static_cast<bed *>(*state), PLANTED_TOO_FEW_BYTES);
}

static int distinct_sums(bed *b, planted fault)
{
    float seen[SEEDS];
    int n = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        b->to[0] = 0;
        assert_int_equal(total(b, fault, seed), EMULATOR_NONE);
        int k = 0;
        while (k < n && memcmp(&seen[k], &b->to[0], sizeof seen[k]) != 0)
            k++;
        if (k == n) seen[n++] = b->to[0];
    }
    return n;
}

static void a_sum_in_the_order_of_blocks_changes_with_the_seed(void **state)
{
    bed *b = static_cast<bed *>(*state);
    assert_int_equal(distinct_sums(b, PLANTED_NOTHING), 1);
    assert_true(distinct_sums(b, PLANTED_UNORDERED_SUM) > 1);
}

static void a_launch_that_no_device_takes_is_refused(void **state)
{
    bed *b = static_cast<bed *>(*state);
    const planted_args args = {PLANTED_NOTHING, 50, b->from, b->to};
    emulator_launch l = {"reverse", KERNEL_ADDRESS(planted_reverse), &args, {1, 65536, 1}, 64, 1, 0, 0};
    assert_int_equal(emulator_run(b->m, &l), EMULATOR_BOUNDS);
    l.blocks[1] = 1;
    l.threads = 48;
    assert_int_equal(emulator_run(b->m, &l), EMULATOR_BOUNDS);
    l.threads = 64;
    l.shared = 300000;
    assert_int_equal(emulator_run(b->m, &l), EMULATOR_BOUNDS);
    l.shared = 0;
    assert_int_equal(emulator_run(b->m, &l), EMULATOR_NONE);
}

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(honest_kernels_pass_in_every_order),
        cmocka_unit_test(a_cluster_computes_what_a_loop_does),
        cmocka_unit_test(fragments_multiply_as_their_matrices_do),
        cmocka_unit_test(narrow_numbers_are_those_of_the_oracle),
        cmocka_unit_test(the_seed_repeats_the_order),
        cmocka_unit_test(a_missing_barrier_is_a_race),
        cmocka_unit_test(a_missing_barrier_behind_is_a_race),
        cmocka_unit_test(unwritten_shared_memory_is_named),
        cmocka_unit_test(a_thread_that_returns_before_a_barrier_is_named),
        cmocka_unit_test(a_barrier_in_a_branch_is_named),
        cmocka_unit_test(a_shuffle_with_lanes_that_left_is_named),
        cmocka_unit_test(a_shuffle_past_its_mask_is_named),
        cmocka_unit_test(a_shuffle_is_no_fence),
        cmocka_unit_test(one_buffer_for_two_steps_is_a_race),
        cmocka_unit_test(a_phase_that_never_comes_is_a_deadlock),
        cmocka_unit_test(a_block_that_leaves_its_peers_is_named),
        cmocka_unit_test(a_barrier_used_before_its_initialisation_is_named),
        cmocka_unit_test(a_wait_for_the_phase_before_is_found),
        cmocka_unit_test(the_other_buffer_is_found),
        cmocka_unit_test(bytes_that_nobody_expects_are_found),
        cmocka_unit_test(a_sum_in_the_order_of_blocks_changes_with_the_seed),
        cmocka_unit_test(a_launch_that_no_device_takes_is_refused),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
