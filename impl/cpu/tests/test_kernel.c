/* test_kernel.c: every kernel of `cpu` that this processor can run computes the product that kernel.h states, and
 * writes nothing else. SPDX-License-Identifier: MIT */
#include "impl/cpu/kernel.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST_ROWS  21
#define MOST_TERMS 37
#define SEGMENTS   3
#define PITCH      80 /* of C: wider than its columns */

typedef struct kernel {
    const char *name;
    cpu_kernel *run;
} kernel;

static int all_kernels(kernel out[3])
{
    int count = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"))
        out[count++] = (kernel){"AVX-512", cpu_kernel_avx512};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        out[count++] = (kernel){"AVX2", cpu_kernel_avx2};
#endif
    out[count++] = (kernel){"plain C", cpu_kernel_plain};
    return count;
}

/* Small whole numbers: every order of sums gives the same. */
static void fill(float *x, size_t n, int salt)
{
    for (size_t k = 0; k < n; k++)
        x[k] = (float)((int)((k * 2654435761u + (unsigned)salt * 40503u) >> 13 & 15) - 8);
}

static float expected(const cpu_block *x, const float *c_in, int64_t r, int64_t j)
{
    const int64_t at = x->group ? r / CPU_ROWS * x->group + r % CPU_ROWS * x->row : r * x->row;
    float sum = c_in ? c_in[r * x->ldc + j] : 0;
    for (int64_t s = 0; s < x->segments; s++)
        for (int64_t i = 0; i < x->terms; i++)
            sum += x->a[at + s * x->segment + i * x->step] * x->b[s * x->b_segment + i * x->ldb + j];
    return sum;
}

/* How A lies: rows one after the other, in segments of terms; columns one after the other; groups of columns. */
static void lay(cpu_block *x, int how)
{
    if (how == 0) return;
    x->segments = 1;
    x->row = 1;
    x->step = how == 1 ? MOST_ROWS : CPU_ROWS;
    x->group = how == 1 ? 0 : CPU_ROWS * MOST_TERMS;
}

static void try_one(const kernel *k, cpu_block x, int accumulate)
{
    static float c[MOST_ROWS * PITCH], before[MOST_ROWS * PITCH];
    fill(before, MOST_ROWS * PITCH, 3);
    memcpy(c, before, sizeof c);
    x.c = c;
    x.ldc = PITCH;
    x.c_in = accumulate ? c : NULL;
    k->run(&x);
    for (int64_t r = 0; r < MOST_ROWS; r++)
        for (int64_t j = 0; j < PITCH; j++) {
            const int inside = r < x.m && j < x.valid;
            const float want = inside ? expected(&x, accumulate ? before : NULL, r, j) : before[r * PITCH + j];
            if (c[r * PITCH + j] == want) continue;
            fail_msg("%s: m %d, %d of %d columns, %d x %d terms: C[%d][%d] is %g, expected %g", k->name, (int)x.m,
                     x.valid, x.columns, (int)x.segments, (int)x.terms, (int)r, (int)j, (double)c[r * PITCH + j],
                     (double)want);
        }
}

static void every_kernel_makes_every_product(void **state)
{
    static float a[SEGMENTS * (MOST_ROWS + CPU_ROWS) * MOST_TERMS], b[SEGMENTS * MOST_TERMS * CPU_COLUMNS + 7];
    static const int rows[] = {0, 1, 2, 5, 6, 7, 8, 9, 13, 16, MOST_ROWS}, terms[] = {0, 1, 2, MOST_TERMS};
    kernel kernels[3];
    const int count = all_kernels(kernels);
    (void)state;
    fill(a, sizeof a / sizeof *a, 1);
    fill(b, sizeof b / sizeof *b, 2);
    for (int k = 0; k < count; k++) {
        printf("  %s\n", kernels[k].name);
        for (size_t m = 0; m < sizeof rows / sizeof *rows; m++)
            for (size_t t = 0; t < sizeof terms / sizeof *terms; t++)
                for (int columns = CPU_GRAIN; columns <= CPU_COLUMNS; columns += CPU_GRAIN)
                    for (int how = 0; how < 3; how++)
                        for (int less = 0; less < (how == 2 ? 1 : 16); less += 5) {
                            cpu_block x = {.m = rows[m],
                                           .columns = columns,
                                           .valid = columns - less,
                                           .segments = SEGMENTS,
                                           .terms = terms[t],
                                           .a = a,
                                           .row = MOST_TERMS,
                                           .step = 1,
                                           .segment = MOST_ROWS * MOST_TERMS,
                                           .b = b + 7, /* aligned to its element only */
                                           .next = less ? a : NULL,
                                           .ldb = columns,
                                           .b_segment = (int64_t)MOST_TERMS * columns};
                            lay(&x, how);
                            try_one(&kernels[k], x, (less + how) & 1);
                        }
    }
}

/* A running sum that starts at a C far above its terms loses each of them alone. */
static void what_c_held_is_added_last(void **state)
{
    static float a[CPU_ROWS * MOST_TERMS], b[MOST_TERMS * CPU_COLUMNS];
    const float tiny = 0x1p-25f, want = 1 + MOST_TERMS / 2 * 0x1p-24f;
    kernel kernels[3];
    const int count = all_kernels(kernels);
    (void)state;
    for (size_t k = 0; k < sizeof a / sizeof *a; k++)
        a[k] = tiny;
    for (size_t k = 0; k < sizeof b / sizeof *b; k++)
        b[k] = 1;
    for (int k = 0; k < count; k++)
        for (int columns = CPU_GRAIN; columns <= CPU_COLUMNS; columns += CPU_GRAIN) {
            float c[CPU_ROWS * CPU_COLUMNS];
            for (size_t at = 0; at < sizeof c / sizeof *c; at++)
                c[at] = 1;
            const cpu_block x = {.m = CPU_ROWS,
                                 .columns = columns,
                                 .valid = columns,
                                 .segments = 1,
                                 .terms = MOST_TERMS,
                                 .a = a,
                                 .row = MOST_TERMS,
                                 .step = 1,
                                 .b = b,
                                 .ldb = columns,
                                 .c_in = c,
                                 .c = c,
                                 .ldc = columns};
            kernels[k].run(&x);
            for (int at = 0; at < CPU_ROWS * columns; at++)
                if (!(fabsf(c[at] - want) <= 0x1p-23f))
                    fail_msg("%s, %d columns: 1 and %d terms of 2^-25 are %.9g, expected %.9g", kernels[k].name,
                             columns, MOST_TERMS, (double)c[at], (double)want);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_kernel_makes_every_product),
                                       cmocka_unit_test(what_c_held_is_added_last)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
