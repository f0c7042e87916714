/* test_kernel.c: every kernel of `cpu` that this processor can run computes the product that kernel.h states, and
 * writes nothing else; activations in its cells are as near as declared, and all cells agree.
 * SPDX-License-Identifier: MIT */
#include "impl/common/host/host.h"
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
    const cpu_cells *cells;
    int strips; /* 1: tiles are narrow enough for them */
} kernel;

static int all_kernels(kernel out[3])
{
    int count = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"))
        out[count++] = (kernel){"AVX-512", cpu_kernel_avx512, &cpu_cells_avx512, 0};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        out[count++] = (kernel){"AVX2", cpu_kernel_avx2, &cpu_cells_avx2, 1};
#endif
    out[count++] = (kernel){"plain C", cpu_kernel_plain, &cpu_cells_plain, 1};
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
    float sum = c_in ? c_in[r * x->ld_in + j] : 0;
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

/* What C begins with: 0, itself, one row for all. */
static void try_one(const kernel *k, cpu_block x, int start)
{
    static float c[MOST_ROWS * PITCH], before[MOST_ROWS * PITCH];
    fill(before, MOST_ROWS * PITCH, 3);
    memcpy(c, before, sizeof c);
    x.c = c;
    x.ldc = PITCH;
    x.c_in = start == 0 ? NULL : start == 1 ? c : before;
    x.ld_in = start == 1 ? PITCH : 0;
    k->run(&x);
    for (int64_t r = 0; r < MOST_ROWS; r++)
        for (int64_t j = 0; j < PITCH; j++) {
            const int inside = r < x.m && j < x.valid;
            const float want = inside ? expected(&x, start ? before : NULL, r, j) : before[r * PITCH + j];
            if (c[r * PITCH + j] == want) continue;
            fail_msg("%s: m %d, %d of %d columns, %d x %d terms: C[%d][%d] is %g, expected %g", k->name, (int)x.m,
                     x.valid, x.columns, (int)x.segments, (int)x.terms, (int)r, (int)j, (double)c[r * PITCH + j],
                     (double)want);
        }
}

/* The same numbers with B in strips, C side by side or in strips, too. What no column stands for stays. */
static void in_strips(const kernel *k, cpu_block x, int of_c)
{
    static float b[SEGMENTS * MOST_TERMS * CPU_COLUMNS], c[4 * MOST_ROWS * CPU_GRAIN + 1],
        before[4 * MOST_ROWS * CPU_GRAIN + 1];
    const cpu_block beside = x;
    const int64_t b_strip = (int64_t)MOST_TERMS * CPU_GRAIN,
                  c_strip = of_c ? (int64_t)MOST_ROWS * CPU_GRAIN : CPU_GRAIN;
    for (int64_t s = 0; s < x.segments; s++)
        for (int64_t i = 0; i < x.terms; i++)
            for (int j = 0; j < x.columns; j++)
                b[s * x.b_segment + j / CPU_GRAIN * b_strip + i * CPU_GRAIN + j % CPU_GRAIN] =
                    x.b[s * x.b_segment + i * x.ldb + j];
    fill(before, sizeof before / sizeof *before, 9);
    memcpy(c, before, sizeof c);
    x.b = b;
    x.ldb = CPU_GRAIN;
    x.b_strip = b_strip;
    x.c_strip = of_c ? c_strip : 0;
    x.c = c;
    x.ldc = x.ld_in = of_c ? CPU_GRAIN : x.columns;
    x.c_in = c;
    k->run(&x);
    for (int64_t at = 0; at < (int64_t)(sizeof c / sizeof *c); at++) {
        const int64_t r = of_c ? at % c_strip / CPU_GRAIN : at / x.columns,
                      j = of_c ? at / c_strip * CPU_GRAIN + at % CPU_GRAIN : at % x.columns;
        const float want = r < x.m && j < x.columns ? before[at] + expected(&beside, NULL, r, j) : before[at];
        if (c[at] == want) continue;
        fail_msg("%s: m %d, %d columns in strips, %d x %d terms: C[%d][%d] is %g, expected %g", k->name, (int)x.m,
                 x.columns, (int)x.segments, (int)x.terms, (int)r, (int)j, (double)c[at], (double)want);
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
                        for (int less = 0; less < 16; less += 5) {
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
                                           .nexts = less,
                                           .next_lines = 2,
                                           .next_c = less ? a : NULL,
                                           .ldb = columns,
                                           .b_segment = (int64_t)MOST_TERMS * columns};
                            lay(&x, how);
                            try_one(&kernels[k], x, (less + how) % 3);
                            if (less || !kernels[k].strips) continue;
                            in_strips(&kernels[k], x, 0);
                            in_strips(&kernels[k], x, 1);
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
                                 .ld_in = columns,
                                 .c = c,
                                 .ldc = columns};
            kernels[k].run(&x);
            for (int at = 0; at < CPU_ROWS * columns; at++)
                if (!(fabsf(c[at] - want) <= 0x1p-23f))
                    fail_msg("%s, %d columns: 1 and %d terms of 2^-25 are %.9g, expected %.9g", kernels[k].name,
                             columns, MOST_TERMS, (double)c[at], (double)want);
        }
}

/* |got - truth| in units of the last place of a float near the truth. */
static double ulps(float got, double truth)
{
    int e;
    if (isnan(truth)) return isnan(got) ? 0 : INFINITY;
    (void)frexp(truth, &e);
    const double error = fabs((double)got - truth) / ldexp(1, (e > -125 ? e : -125) - 24);
    return isnan(error) ? INFINITY : error;
}

static double sigmoid(double x)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

/* Some floats of all 2^32. Without biases and with u = 0 a GRU's gates are tanh(x), sigmoid(x), sigmoid(x). */
static void activations_of_every_kernel_are_near(void **state)
{
    static const float bias[4 * CPU_GRAIN] = {0}, before[CPU_GRAIN] = {0};
    kernel kernels[3];
    const int count = all_kernels(kernels);
    (void)state;
    for (int k = 0; k < count; k++) {
        double worst[2] = {0, 0};
        for (uint64_t first = 0; first >> 32 == 0; first += CPU_GRAIN * 4099) {
            float gates[4 * CPU_GRAIN] = {0}, x[CPU_GRAIN], h[CPU_GRAIN];
            for (uint32_t j = 0; j < CPU_GRAIN; j++) {
                const uint32_t bits = (uint32_t)first + j * 4099;
                memcpy(&x[j], &bits, sizeof bits);
                gates[j] = gates[CPU_GRAIN + j] = gates[2 * CPU_GRAIN + j] = x[j];
            }
            kernels[k].cells->gru(1, CPU_GRAIN, bias, before, gates, h);
            for (int j = 0; j < CPU_GRAIN; j++) {
                worst[0] = fmax(worst[0], ulps(gates[j], tanh((double)x[j])));
                worst[1] = fmax(worst[1], fmax(ulps(gates[CPU_GRAIN + j], sigmoid((double)x[j])),
                                               ulps(gates[2 * CPU_GRAIN + j], sigmoid((double)x[j]))));
            }
        }
        printf("  %s: tanh %.3f ulp, sigmoid %.3f\n", kernels[k].name, worst[0], worst[1]);
        assert_true(worst[0] <= HOST_ACTIVATION_ULP && worst[1] <= HOST_ACTIVATION_ULP);
    }
}

enum { ROWS = 5, WIDTH = 20 }; /* rows of states lie further apart than a panel is wide */

/* Everything that a kernel's cells write. */
typedef struct cells_made {
    float gates[2][ROWS * 4 * CPU_GRAIN], c[ROWS * WIDTH], h[2][ROWS * WIDTH], da[2][ROWS * 4 * CPU_GRAIN];
    float dc[ROWS * WIDTH], dh[ROWS * WIDTH], sum[2][4 * CPU_GRAIN], parts[2][ROWS * WIDTH];
} cells_made;

static void make(const cpu_cells *cells, cells_made *m)
{
    float bias[4 * CPU_GRAIN], before[ROWS * WIDTH], d[ROWS * WIDTH], part[3 * ROWS * WIDTH];
    fill((float *)m, sizeof *m / sizeof(float), 4);
    for (size_t k = 0; k < sizeof *m / sizeof(float); k++)
        ((float *)m)[k] *= 0.25F;
    fill(bias, 4 * CPU_GRAIN, 5);
    fill(before, ROWS * WIDTH, 6);
    fill(d, ROWS * WIDTH, 7);
    fill(part, 3 * ROWS * WIDTH, 8);
    cells->lstm(ROWS, WIDTH, bias, before, m->gates[0], m->c, m->h[0]);
    cells->lstm_back(ROWS, WIDTH, m->gates[0], before, m->c, d, m->dc, m->da[0], m->sum[0]);
    cells->gru(ROWS, WIDTH, bias, before, m->gates[1], m->h[1]);
    cells->gru_back(ROWS, WIDTH, m->gates[1], before, m->dh, m->da[1], m->sum[1]);
    cells->add_parts(ROWS, WIDTH, 3, ROWS * WIDTH, part, 0, m->parts[0]);
    cells->add_parts(ROWS, WIDTH, 3, ROWS * WIDTH, part, 1, m->parts[1]);
}

/* They round in the same places but for fused operations; what is not written stays. */
static void cells_of_all_kernels_agree(void **state)
{
    static cells_made first, other;
    kernel kernels[3];
    const int count = all_kernels(kernels);
    (void)state;
    make(kernels[0].cells, &first);
    for (int k = 1; k < count; k++) {
        make(kernels[k].cells, &other);
        for (size_t j = 0; j < sizeof first / sizeof(float); j++) {
            const float a = ((float *)&first)[j], b = ((float *)&other)[j];
            if (!(fabsf(a - b) <= 0x1p-20F * (1 + fabsf(a))))
                fail_msg("%s and %s: number %zu is %g and %g", kernels[0].name, kernels[k].name, j, (double)a,
                         (double)b);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_makes_every_product), cmocka_unit_test(what_c_held_is_added_last),
        cmocka_unit_test(activations_of_every_kernel_are_near), cmocka_unit_test(cells_of_all_kernels_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
