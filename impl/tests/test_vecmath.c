/* test_vecmath.c: exp, sigmoid, tanh and log of the host implementations are as near as they declare, float by float.
 * SPDX-License-Identifier: MIT
 *
 * test_vecmath [STRIDE]: every STRIDE-th float of all 2^32, the first at random; 1 = all of them; default 1021. The
 * truth is the C library's in double, whose own error is below 1e-8 ulp of a float. */
#include "impl/common/host/vecmath.h"
#include "impl/common/host/host.h"

#include <float.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct function {
    const char *name;
    void (*many)(const float *x, float *y, int n);
    double (*truth)(double x);
    float low, high; /* arguments that it is made for */
} function;

#define MANY(name)                                                                                                     \
    HOST_CLONES static void many_##name(const float *x, float *y, int n)                                               \
    {                                                                                                                  \
        for (int k = 0; k < n; k++)                                                                                    \
            y[k] = host_##name(x[k]);                                                                                  \
    }
MANY(exp)
MANY(sigmoid)
MANY(tanh)
MANY(log)

static double sigmoid(double x)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

static const function functions[] = {{"exp", many_exp, exp, -INFINITY, 0},
                                     {"sigmoid", many_sigmoid, sigmoid, -INFINITY, INFINITY},
                                     {"tanh", many_tanh, tanh, -INFINITY, INFINITY},
                                     {"log", many_log, log, 1, FLT_MAX}};

/* |got - truth| in units of the last place of a float near the truth; subnormals have one spacing. */
static double ulps(float got, double truth)
{
    int e;
    if (isinf(truth) || isnan(truth)) return (double)got == truth ? 0 : INFINITY;
    (void)frexp(truth, &e);
    const double place = ldexp(1, (e > -125 ? e : -125) - 24), error = fabs((double)got - truth) / place;
    return isnan(error) ? INFINITY : error;
}

/* Largest error over the floats with bits first, first + stride, ...; *at = where. */
static double sweep(const function *f, uint32_t first, uint64_t stride, float *at, uint64_t *tried)
{
    enum { BLOCK = 4096 };
    double worst = 0;
    uint64_t count = 0;
    const int64_t blocks = (int64_t)(((UINT64_C(1) << 32) / stride + BLOCK - 1) / BLOCK);
#pragma omp parallel for schedule(dynamic, 16) reduction(+ : count)
    for (int64_t block = 0; block < blocks; block++) {
        float x[BLOCK], y[BLOCK];
        int n = 0;
        for (uint64_t k = 0; k < BLOCK; k++) {
            const uint64_t bits = first + ((uint64_t)block * BLOCK + k) * stride;
            const uint32_t low = (uint32_t)bits;
            float v;
            if (bits >> 32) break;
            memcpy(&v, &low, sizeof v);
            if (v >= f->low && v <= f->high) x[n++] = v;
        }
        f->many(x, y, n);
        count += (uint64_t)n;
        for (int k = 0; k < n; k++) {
            const double e = ulps(y[k], f->truth((double)x[k]));
            if (e <= worst) continue;
#pragma omp critical
            if (!(e <= worst)) {
                worst = e;
                *at = x[k];
            }
        }
    }
    *tried = count;
    return worst;
}

/* NaN in, NaN out; the ends of the range. */
static int edges_hold(const function *f)
{
    const float x[] = {NAN, -NAN, f->low, f->high};
    float y[4];
    f->many(x, y, 4);
    int ok = isnan(y[0]) && isnan(y[1]) && ulps(y[2], f->truth((double)x[2])) <= HOST_ACTIVATION_ULP &&
             ulps(y[3], f->truth((double)x[3])) <= HOST_ACTIVATION_ULP;
    if (!ok) printf("%s: NaN, NaN, %g, %g give %g, %g, %g, %g\n", f->name, f->low, f->high, y[0], y[1], y[2], y[3]);
    return ok;
}

int main(int argc, char **argv)
{
    const long stride = argc > 1 ? strtol(argv[1], NULL, 10) : 1021;
    int held = 1;
    if (argc > 2 || stride < 1) {
        fprintf(stderr, "usage: test_vecmath [STRIDE]: expected a number from 1 on\n");
        return 2;
    }
    const uint32_t first = (uint32_t)((uint64_t)time(NULL) % (uint64_t)stride);
    for (size_t k = 0; k < sizeof functions / sizeof *functions; k++) {
        const function *f = &functions[k];
        float at = 0;
        uint64_t tried;
        const double worst = sweep(f, first, (uint64_t)stride, &at, &tried);
        const int ok = worst <= HOST_ACTIVATION_ULP && tried > 0;
        printf("%-8s worst error %.3f ulp at %a of %" PRIu64 " floats, declared %g: %s\n", f->name, worst, (double)at,
               tried, HOST_ACTIVATION_ULP, ok ? "holds" : "BROKEN");
        held &= ok & edges_hold(f);
    }
    return held ? 0 : 1;
}
