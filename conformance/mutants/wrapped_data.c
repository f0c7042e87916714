/* wrapped_data.c: wrapped mutants that do not take numbers as they are: subnormal, far out, or of many sizes.
 * SPDX-License-Identifier: MIT */
#include "conformance/mutants/wrapped.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void wrapped_keep(void **copy, const void *from, size_t bytes)
{
    if (!*copy) *copy = malloc(bytes + 1);
    if (*copy && from) memcpy(*copy, from, bytes);
}

size_t wrapped_x_bytes(const wrapped *w)
{
    return (size_t)w->base.p.t * w->base.p.n * w->base.p.i * sizeof(float);
}

/* What leaves-ftz leaves behind, and taken back before anyone looks. */
int wrapped_flush_now(wrapped *w, assay_pass pass, assay_args *args)
{
    (void)w, (void)pass, (void)args;
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040); /* the defect: FTZ and DAZ */
#endif
    return 0;
}

void wrapped_flush_no_more(wrapped *w, assay_pass pass, const assay_args *args)
{
    (void)w, (void)pass, (void)args;
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() & ~0x8040u);
#endif
}

/* A copy of x that the honest call gets in its place; NULL if there is none. *count: its elements. */
static float *own_x(wrapped *w, assay_args *args, int64_t *count)
{
    *count = (int64_t)(wrapped_x_bytes(w) / sizeof(float));
    if (!args->x) return NULL;
    wrapped_keep((void **)&w->x, args->x, wrapped_x_bytes(w));
    if (w->x) args->x = w->x;
    return w->x;
}

/* Thresholds that fit normal data. */
int wrapped_clip_outliers(wrapped *w, assay_pass pass, assay_args *args)
{
    int64_t count;
    double sum = 0;
    float *x = own_x(w, args, &count);
    (void)pass;
    for (int64_t k = 0; x && k < count; k++)
        sum += (double)x[k] * x[k];
    const float most = 6 * (float)sqrt(sum / (double)(count + !count));
    for (int64_t k = 0; x && k < count; k++)
        x[k] = x[k] > most ? most : x[k] < -most ? -most : x[k]; /* the defect */
    return 0;
}

/* Block floating point with the batch as its block. */
int wrapped_share_exponent(wrapped *w, assay_pass pass, assay_args *args)
{
    int64_t count;
    int exponent;
    float *x = own_x(w, args, &count), most = 0;
    (void)pass;
    for (int64_t k = 0; x && k < count; k++)
        most = fmaxf(most, fabsf(x[k]));
    frexpf(most, &exponent);
    for (int64_t k = 0; x && k < count; k++)
        x[k] = ldexpf(rintf(ldexpf(x[k], 22 - exponent)), exponent - 22); /* the defect */
    return 0;
}
