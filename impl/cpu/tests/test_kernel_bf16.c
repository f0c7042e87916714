/* test_kernel_bf16.c: pairs hold numbers rounded to nearest even, and the kernel in bf16 adds up the products of such
 * numbers as fp32 does. SPDX-License-Identifier: MIT */
#include "impl/cpu/kernel_bf16.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST_ROWS  49
#define MOST_TERMS 75 /* numbers: pairs are half as many */
#define PITCH      80

/* To nearest even by the bits; what is subnormal counts as 0. */
static float rounded(float x)
{
    uint32_t bits;
    if (isnan(x)) return x;
    if (fabsf(x) < FLT_MIN) return copysignf(0, x);
    memcpy(&bits, &x, sizeof bits);
    bits += 0x7fff + (bits >> 16 & 1);
    bits &= 0xffff0000u;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static float half_of(const float *pair, int high)
{
    uint32_t bits;
    float x;
    memcpy(&bits, pair, sizeof bits);
    bits = high ? bits & 0xffff0000u : bits << 16;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void expect_half(const float *pair, int high, float from)
{
    const float got = half_of(pair, high), want = rounded(from);
    if (isnan(want) ? isnan(got) : got == want && signbit(got) == signbit(want)) return;
    fail_msg("%a became %a, expected %a", (double)from, (double)got, (double)want);
}

/* Every number in bf16, and what lies just below, on and just above the tie that follows it. */
static void every_tie_goes_to_even(void **state)
{
    static const uint32_t low[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
    (void)state;
    for (uint32_t high = 0; high < 0x10000; high++) {
        float from[6], row[3], rows[6];
        for (int k = 0; k < 6; k++)
            from[k] = from_bits(high << 16 | low[k]);
        cpu_pairs_of_row(6, from, row);
        cpu_pairs_of_rows(6, from, from, rows);
        for (int k = 0; k < 6; k++) {
            expect_half(&row[k / 2], k % 2, from[k]);
            expect_half(&rows[k], 0, from[k]);
            expect_half(&rows[k], 1, from[k]);
        }
    }
}

/* Numbers whose last bits matter, some large and some small. */
static float number(size_t k, int salt)
{
    const uint32_t bits = (uint32_t)k * 2654435761u + (uint32_t)salt * 40503u;
    return ((float)(bits >> 8) * 0x1p-23f - 1) * (bits & 0x70 ? 1 : 64);
}

static void fill(float *x, size_t n, int salt)
{
    for (size_t k = 0; k < n; k++)
        x[k] = number(k * 977 + 5, salt);
}

static void a_row_ends_where_it_ends(void **state)
{
    float from[MOST_TERMS], below[MOST_TERMS], to[MOST_TERMS + 1];
    (void)state;
    fill(from, MOST_TERMS, 1);
    fill(below, MOST_TERMS, 2);
    for (int n = 0; n <= MOST_TERMS; n++) {
        const int pairs = (n + 1) / 2;
        to[pairs] = 7;
        cpu_pairs_of_row(n, from, to);
        for (int k = 0; k < n; k++)
            expect_half(&to[k / 2], k % 2, from[k]);
        if (n % 2) expect_half(&to[n / 2], 1, 0);
        assert_true(to[pairs] == 7);
        for (int both = 0; both < 2; both++) {
            to[n] = 7;
            cpu_pairs_of_rows(n, from, both ? below : NULL, to);
            for (int k = 0; k < n; k++) {
                expect_half(&to[k], 0, from[k]);
                expect_half(&to[k], 1, both ? below[k] : 0);
            }
            assert_true(to[n] == 7);
        }
    }
}

static void columns_become_rows_of_pairs(void **state)
{
    static float from[MOST_TERMS * PITCH], row[MOST_TERMS], want[MOST_TERMS], to[37 * PITCH];
    static const int rows[] = {1, 2, 31, 33, MOST_TERMS}, columns[] = {1, 16, 19, 37};
    (void)state;
    fill(from, MOST_TERMS * PITCH, 6);
    for (size_t m = 0; m < sizeof rows / sizeof *rows; m++)
        for (size_t n = 0; n < sizeof columns / sizeof *columns; n++) {
            const int pairs = (rows[m] + 1) / 2;
            for (int k = 0; k < 37 * PITCH; k++)
                to[k] = 7;
            cpu_pairs_of_columns(rows[m], columns[n], from, PITCH, to, PITCH);
            for (int c = 0; c < columns[n]; c++) {
                for (int r = 0; r < rows[m]; r++)
                    row[r] = from[r * PITCH + c];
                cpu_pairs_of_row(rows[m], row, want);
                assert_memory_equal(to + c * PITCH, want, (size_t)pairs * sizeof *want);
            }
            for (int c = 0; c < 37; c++)
                assert_true(to[c * PITCH + pairs] == 7 && (c < columns[n] || to[c * PITCH] == 7));
        }
}

/* A in rows of pairs, B in pairs of rows. */
typedef struct factors {
    float a[MOST_ROWS * MOST_TERMS], b[MOST_TERMS * CPU_COLUMNS];
    float a_pairs[MOST_ROWS * (MOST_TERMS + 1) / 2 + MOST_ROWS], b_pairs[(MOST_TERMS + 1) / 2 * CPU_COLUMNS];
} factors;

static void make_pairs(factors *f, int m, int terms, int columns)
{
    const int pairs = (terms + 1) / 2;
    fill(f->a, sizeof f->a / sizeof *f->a, 3);
    fill(f->b, sizeof f->b / sizeof *f->b, 4);
    for (int r = 0; r < m; r++)
        cpu_pairs_of_row(terms, f->a + r * MOST_TERMS, f->a_pairs + r * pairs);
    for (int i = 0; i < terms; i += 2) {
        const float *row = f->b + i * CPU_COLUMNS;
        cpu_pairs_of_rows(columns, row, i + 1 < terms ? row + CPU_COLUMNS : NULL, f->b_pairs + i / 2 * columns);
    }
}

/* Products of two numbers in bf16 are exact in double, and each of the sums may be off by one rounding to fp32. */
static void expect_product(const factors *f, int m, int terms, int valid, const float *c, const float *c_in)
{
    for (int r = 0; r < MOST_ROWS; r++)
        for (int j = 0; j < PITCH; j++) {
            const int inside = r < m && j < valid, at = r * PITCH + j;
            double want = inside ? (c_in ? (double)c_in[at] : 0) : 7, size = fabs(want);
            for (int i = 0; inside && i < terms; i++) {
                const double p = (double)rounded(f->a[r * MOST_TERMS + i]) * (double)rounded(f->b[i * CPU_COLUMNS + j]);
                want += p;
                size += fabs(p);
            }
            const double most = inside ? (terms + 1) * 0x1p-24 * size : 0;
            if (!(fabs((double)c[at] - want) <= most))
                fail_msg("m %d, %d terms, %d columns: C[%d][%d] is %a, expected %a within %g", m, terms, valid, r, j,
                         (double)c[at], want, most);
        }
}

static void adds_up_rounded_products(cpu_kernel *kernel)
{
    static const int rows[] = {1, 5, 6, 8, 13, 16, 33, MOST_ROWS}, count[] = {1, 2, 37, 64, MOST_TERMS};
    static factors f;
    static float c[MOST_ROWS * PITCH], before[MOST_ROWS * PITCH];
    fill(before, MOST_ROWS * PITCH, 5);
    for (size_t m = 0; m < sizeof rows / sizeof *rows; m++)
        for (size_t t = 0; t < sizeof count / sizeof *count; t++)
            for (int columns = CPU_GRAIN; columns <= CPU_COLUMNS; columns += CPU_GRAIN)
                for (int how = 0; how < 4; how++) {
                    const int pairs = (count[t] + 1) / 2, valid = columns - (how & 1 ? 3 : 0);
                    for (int k = 0; k < MOST_ROWS * PITCH; k++)
                        c[k] = how & 2 && k / PITCH < rows[m] && k % PITCH < valid ? before[k] : 7;
                    make_pairs(&f, rows[m], count[t], columns);
                    const int segments = pairs % 2 ? 1 : 2;
                    const cpu_block block = {.m = rows[m],
                                             .columns = columns,
                                             .valid = valid,
                                             .segments = segments,
                                             .terms = pairs / segments,
                                             .a = f.a_pairs,
                                             .row = pairs,
                                             .step = 1,
                                             .segment = pairs / segments,
                                             .b = f.b_pairs,
                                             .ldb = columns,
                                             .b_segment = (int64_t)pairs / segments * columns,
                                             .next = before,
                                             .nexts = 3,
                                             .next_lines = 2,
                                             .next_apart = PITCH,
                                             .c_in = how & 2 ? c : NULL,
                                             .ld_in = PITCH,
                                             .c = c,
                                             .ldc = PITCH};
                    kernel(&block);
                    expect_product(&f, rows[m], count[t], valid, c, how & 2 ? before : NULL);
                }
}

static void vectors_add_up_rounded_products(void **state)
{
    (void)state;
    adds_up_rounded_products(cpu_kernel_bf16);
}

static void tiles_add_up_rounded_products(void **state)
{
    (void)state;
    if (!cpu_has_amx()) {
        print_message("skipped: this processor has no AMX with BF16\n");
        skip(); /* that processor lacks the instructions */
    }
    adds_up_rounded_products(cpu_kernel_amx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tie_goes_to_even),        cmocka_unit_test(a_row_ends_where_it_ends),
        cmocka_unit_test(columns_become_rows_of_pairs),  cmocka_unit_test(vectors_add_up_rounded_products),
        cmocka_unit_test(tiles_add_up_rounded_products),
    };
    if (!cpu_has_bf16()) {
        printf("skipped: this processor has no AVX512-BF16\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
