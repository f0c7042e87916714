/* activation.c: sigmoid and tanh by one exponential in plain C that a compiler turns into vectors, built once an
 * instruction set. SPDX-License-Identifier: MIT
 *
 * Nothing here may be contracted (reference/CMakeLists.txt): every operation rounds as IEEE 754 says, so each build
 * gives the same bits. Choices are written as a ? b : c of values already computed, so that lanes need not part. */
#include "reference/activation.h"

#include <math.h>

#if defined(__AVX512F__)
#define TABLE      assay_activation_avx512
#define TABLE_NAME "avx512"
#elif defined(__AVX2__)
#define TABLE      assay_activation_avx2
#define TABLE_NAME "avx2"
#else
#define TABLE      assay_activation_baseline
#define TABLE_NAME "baseline"
#endif

typedef union word {
    double value;
    uint64_t bits;
} word;

/* e^x for |x| <= 709: 2^k e^r, |r| <= ln(2)/2, ln(2) in two parts of which the first times k is exact; Taylor's
 * polynomial of degree 13 leaves 4e-18. k is read from the last bits of a sum with 1.5 * 2^52. */
static inline double exponential(double x)
{
    word k, scale;
    k.value = x * 0x1.71547652b82fep+0 + 0x1.8p52;
    const double whole = k.value - 0x1.8p52;
    const double r = (x - whole * 0x1.62e42fee00000p-1) - whole * 0x1.a39ef35793c76p-33;
    double p = 1.0 / 6227020800;
    p = p * r + 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    p = p * r + 1;
    p = p * r + 1;
    scale.bits = (k.bits + 1023) << 52;
    return p * scale.value;
}

static void sigmoid(int64_t n, double *a)
{
    for (int64_t i = 0; i < n; i++) {
        const double x = -a[i], low = x < -708 ? -708 : x, within = low > 708 ? 708 : low;
        a[i] = 1 / (1 + exponential(within));
    }
}

/* 1 - 2 / (e^2x + 1); below artanh(1/2), where that would cancel, eight terms of Lambert's continued fraction
 * x / (1 + z / (3 + z / (5 + ...))), z = x^2 (NIST DLMF 4.39.1), as x less a small part of it: 1e-18 off at most. From
 * 20 on tanh rounds to 1. */
static void hyperbolic(int64_t n, double *a)
{
    for (int64_t i = 0; i < n; i++) {
        const double size = fabs(a[i]), x = size > 20 ? 20 : size, z = x * x;
        const double over = 675675 + z * (45045 + z * (594 + z));
        const double under = 2027025 + z * (945945 + z * (51975 + z * (630 + z)));
        const double small = x - x * z * over / under, large = 1 - 2 / (exponential(2 * x) + 1);
        a[i] = copysign(x < 0.55 ? small : large, a[i]);
    }
}

const assay_activation TABLE = {TABLE_NAME, sigmoid, hyperbolic};
