/* roof_sgemm.c: the rate of a large single-precision product, by the best of the BLAS libraries that are here.
 * SPDX-License-Identifier: MIT
 *
 * OpenBLAS is linked, with threads of its own. BLIS (the serial one, cut into rows by threads of ours) exports the same
 * names and is opened at run time; its bli_sgemm() no other library has. */
#include "perf/roof.h"

#include <cblas.h>
#include <dlfcn.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "conformance/clock.h"

enum { LEAST_PRODUCTS = 2, SIZE = 2048 };

/* Typed interface of BLIS 0.9 and newer, blis.h: dim_t and inc_t are 64 bits wide on 64-bit machines, as trans_t an
 * int. */
typedef void (*blis_sgemm)(int trans_a, int trans_b, int64_t m, int64_t n, int64_t k, const float *alpha,
                           const float *a, int64_t rs_a, int64_t cs_a, const float *b, int64_t rs_b, int64_t cs_b,
                           const float *beta, float *c, int64_t rs_c, int64_t cs_c);

typedef struct blas {
    const char *name; /* static */
    char version[48];
    blis_sgemm blis; /* NULL: OpenBLAS */
} blas;

static void multiply(const blas *l, int threads, const float *a, const float *b, float *c)
{
    static const float one = 1, zero = 0;
    if (!l->blis) {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, SIZE, SIZE, SIZE, 1, a, SIZE, b, SIZE, 0, c, SIZE);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int part = 0; part < threads; ++part) {
        const int64_t from = (int64_t)SIZE * part / threads, to = (int64_t)SIZE * (part + 1) / threads;
        if (to > from)
            l->blis(0, 0, to - from, SIZE, SIZE, &one, a + from * SIZE, SIZE, 1, b, 1, SIZE, &zero, c + from * SIZE,
                    SIZE, 1);
    }
}

static double best_of(const blas *l, int threads, double seconds, float *memory)
{
    const size_t count = (size_t)SIZE * SIZE;
    double best = 0;
    const double end = assay_clock() + seconds;
    for (int i = 0; i < LEAST_PRODUCTS || assay_clock() < end; ++i) {
        const double start = assay_clock();
        multiply(l, threads, memory, memory + count, memory + 2 * count);
        best = fmax(best, 2.0 * SIZE * SIZE * SIZE / (assay_clock() - start) * 1e-9);
    }
    return best;
}

/* "OpenBLAS 0.3.21" of what it says about its build. */
static void openblas(blas *l)
{
    *l = (blas){.name = "OpenBLAS"};
    if (sscanf(openblas_get_config(), "OpenBLAS %47s", l->version) != 1) l->version[0] = 0;
}

/* 1 if it could be opened; *handle is to be closed. */
static int blis(blas *l, void **handle)
{
    *l = (blas){.name = "BLIS"};
    *handle = NULL;
#ifdef ASSAY_BLIS
    *handle = dlopen(ASSAY_BLIS, RTLD_NOW | RTLD_LOCAL);
    if (!*handle) return 0;
    const char *(*version)(void) = NULL;
    *(void **)&version = dlsym(*handle, "bli_info_get_version_str");
    *(void **)&l->blis = dlsym(*handle, "bli_sgemm");
    if (version) snprintf(l->version, sizeof l->version, "%s", version());
#endif
    return l->blis != NULL;
}

double assay_roof_sgemm(int threads, double seconds, char *by, size_t by_size)
{
    const size_t count = 3 * (size_t)SIZE * SIZE;
    const int before = openblas_get_num_threads();
    blas libraries[2];
    void *handle;
    if (by_size) by[0] = 0;
    if (threads < 1) return NAN;
    float *memory = malloc(count * sizeof *memory);
    if (!memory) return NAN;
    for (size_t i = 0; i < count; ++i)
        memory[i] = (float)(i % 17) - 8;
    openblas(&libraries[0]);
    const int found = 1 + blis(&libraries[1], &handle);
    double best = 0;
    openblas_set_num_threads(threads);
    for (int l = 0; l < found; ++l) {
        const double rate = best_of(&libraries[l], threads, seconds / found, memory);
        if (rate > best) snprintf(by, by_size, "%s %s", libraries[l].name, libraries[l].version);
        best = fmax(best, rate);
    }
    openblas_set_num_threads(before);
    if (handle) dlclose(handle);
    free(memory);
    return best;
}
