/* roof_sgemm.c: the rate of a large single-precision product, by the best of the BLAS libraries that are here.
 * SPDX-License-Identifier: MIT
 *
 * Both are opened at run time: they export the same names, and OpenBLAS chooses its kernels while it is loaded, by
 * variables of the environment if there are any. Workers have none of these, so here they are gone first: roof and rows
 * use the same kernels. OpenBLAS has threads of its own; the serial BLIS is cut into rows by threads of ours. */
#include "perf/roof.h"

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

/* cblas.h of OpenBLAS with 32-bit integers, as Debian's libopenblas.so.0 has it. */
enum { CBLAS_ROWS = 101, CBLAS_PLAIN = 111, CBLAS_TURNED = 112 };
typedef void (*openblas_sgemm)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a,
                               int lda, const float *b, int ldb, float beta, float *c, int ldc);

typedef struct blas {
    const char *name; /* static */
    char version[48];
    void *handle;
    openblas_sgemm openblas; /* one of the two; the other is NULL */
    blis_sgemm blis;
} blas;

static void multiply(const blas *l, int threads, const float *a, const float *b, float *c)
{
    static const float one = 1, zero = 0;
    if (!l->blis) {
        l->openblas(CBLAS_ROWS, CBLAS_PLAIN, CBLAS_TURNED, SIZE, SIZE, SIZE, 1, a, SIZE, b, SIZE, 0, c, SIZE);
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

/* 1 if it could be opened; then its threads are as many. It stays loaded: its threads would outlive its code. */
static int openblas(int threads, blas *l)
{
    const char *(*config)(void) = NULL, *(*core)(void) = NULL;
    void (*set_threads)(int) = NULL;
    char number[32];
    *l = (blas){.name = "OpenBLAS"};
    unsetenv("OPENBLAS_CORETYPE");
    unsetenv("OPENBLAS_L2_SIZE");
    l->handle = dlopen(ASSAY_OPENBLAS, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!l->handle) /* that name belongs to the files for developers, which an installed program does without */
        l->handle = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!l->handle) return 0;
    *(void **)&l->openblas = dlsym(l->handle, "cblas_sgemm");
    *(void **)&set_threads = dlsym(l->handle, "openblas_set_num_threads");
    *(void **)&config = dlsym(l->handle, "openblas_get_config");
    *(void **)&core = dlsym(l->handle, "openblas_get_corename");
    if (set_threads) set_threads(threads);
    if (config && core && sscanf(config(), "OpenBLAS %31s", number) == 1)
        snprintf(l->version, sizeof l->version, "%s %.15s", number, core());
    return l->openblas && set_threads;
}

static int blis(blas *l)
{
    *l = (blas){.name = "BLIS"};
#ifdef ASSAY_BLIS
    l->handle = dlopen(ASSAY_BLIS, RTLD_NOW | RTLD_LOCAL);
    if (!l->handle) return 0;
    const char *(*version)(void) = NULL;
    *(void **)&version = dlsym(l->handle, "bli_info_get_version_str");
    *(void **)&l->blis = dlsym(l->handle, "bli_sgemm");
    if (version) snprintf(l->version, sizeof l->version, "%s", version());
#endif
    return l->blis != NULL;
}

double assay_roof_sgemm(int threads, double seconds, char *by, size_t by_size)
{
    const size_t count = 3 * (size_t)SIZE * SIZE;
    blas libraries[2];
    if (by_size) by[0] = 0;
    if (threads < 1) return NAN;
    float *memory = malloc(count * sizeof *memory);
    if (!memory) return NAN;
    for (size_t i = 0; i < count; ++i)
        memory[i] = (float)(i % 17) - 8;
    const int have[] = {openblas(threads, &libraries[0]), blis(&libraries[1])}, found = have[0] + have[1];
    double best = 0;
    for (int l = 0; l < 2; ++l) {
        if (!have[l]) continue;
        const double rate = best_of(&libraries[l], threads, seconds / found, memory);
        if (rate > best) snprintf(by, by_size, "%s %s", libraries[l].name, libraries[l].version);
        best = fmax(best, rate);
    }
    for (int l = 0; l < 2; ++l)
        if (libraries[l].handle) dlclose(libraries[l].handle);
    free(memory);
    return found ? best : NAN;
}
