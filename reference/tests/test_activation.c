/* test_activation.c: the activations of the double build against libc's in quad, and each instruction set against the
 * others. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "reference/activation.h"

enum { POINTS = 1 << 18, TAIL = 3 }; /* no whole number of vectors */

static _Float128 exact_sigmoid(double a)
{
    return 1 / (1 + expf128(-(_Float128)a));
}

static _Float128 exact_tanh(double a)
{
    return tanhf128(a);
}

/* Both signs, 1e-20 to 700: every size has its turn, and the neighbourhood of 0.55, where tanh changes its formula. */
static double point(int k)
{
    const double share = (k / 2 + 0.5) / (POINTS / 2);
    const double size = k % 8 < 6 ? 1e-20 * pow(7e22, share) : 0.55 + (share - 0.5) * 1e-3;
    return k % 2 ? -size : size;
}

static double ulps(double got, _Float128 exact)
{
    const double near = fabs((double)exact), ulp = nextafter(near, INFINITY) - near;
    return fabs((double)((_Float128)got - exact)) / ulp;
}

static void within_the_declared_ulp(void **state)
{
    static double s[POINTS + TAIL], t[POINTS + TAIL];
    const assay_activation *a = assay_activation_pick();
    double worst_s = 0, worst_t = 0;
    (void)state;
    for (int k = 0; k < POINTS + TAIL; k++)
        s[k] = t[k] = point(k % POINTS);
    a->sigmoid(POINTS + TAIL, s);
    a->tanh(POINTS + TAIL, t);
    for (int k = 0; k < POINTS + TAIL; k++) {
        const double es = ulps(s[k], exact_sigmoid(point(k % POINTS))), et = ulps(t[k], exact_tanh(point(k % POINTS)));
        if (!(es <= worst_s)) worst_s = es;
        if (!(et <= worst_t)) worst_t = et;
    }
    print_message("%s: sigmoid %.2f ulp, tanh %.2f ulp\n", a->name, worst_s, worst_t);
    assert_true(worst_s <= 2.5 && worst_t <= 2);
    assert_true(worst_s > 0.4 && worst_t > 0.4); /* a sweep that saw less has looked at nothing */
}

static void the_ends_are_those_of_libc(void **state)
{
    double s[] = {INFINITY, -INFINITY, NAN, 0.0, 1e300, -1e300, 710},
           t[] = {INFINITY, -INFINITY, NAN, -0.0, 20.5, -1e300};
    const assay_activation *a = assay_activation_pick();
    (void)state;
    a->sigmoid(sizeof s / sizeof *s, s);
    a->tanh(sizeof t / sizeof *t, t);
    assert_true(s[0] == 1 && s[1] >= 0 && s[1] < 1e-307 && isnan(s[2]) && s[3] == 0.5 && s[4] == 1);
    assert_true(s[5] >= 0 && s[5] < 1e-307 && s[6] == 1);
    assert_true(t[0] == 1 && t[1] == -1 && isnan(t[2]) && t[3] == 0 && signbit(t[3]) && t[4] == 1 && t[5] == -1);
}

static void every_instruction_set_gives_the_same_bits(void **state)
{
    static double one[2][POINTS], other[2][POINTS];
    const assay_activation *best = assay_activation_pick(), *all[] = {&assay_activation_baseline, best, NULL};
    (void)state;
#if defined(__x86_64__)
    if (best == &assay_activation_avx512) all[2] = &assay_activation_avx2;
#endif
    for (int k = 0; k < POINTS; k++)
        one[0][k] = one[1][k] = point(k);
    best->sigmoid(POINTS, one[0]);
    best->tanh(POINTS, one[1]);
    for (int i = 0; i < 3 && all[i]; i++) {
        for (int k = 0; k < POINTS; k++)
            other[0][k] = other[1][k] = point(k);
        all[i]->sigmoid(POINTS, other[0]);
        all[i]->tanh(POINTS, other[1]);
        assert_memory_equal(one, other, sizeof one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(within_the_declared_ulp),
        cmocka_unit_test(the_ends_are_those_of_libc),
        cmocka_unit_test(every_instruction_set_gives_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
