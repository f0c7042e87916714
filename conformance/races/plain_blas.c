/* plain_blas.c: products in loops in the place of a BLAS library; ThreadSanitizer is told what they read and write.
 * SPDX-License-Identifier: MIT */
#include "impl/blas/library.h"

#include <cblas.h>

/* Of the sanitizer's runtime: what a compiler puts in front of an access, here once a row. */
void __tsan_read_range(const void *at, unsigned long bytes);
void __tsan_write_range(const void *at, unsigned long bytes);

const char blas_library_plugin[] = "blas";

const char *blas_library_version(void)
{
    return "loops";
}

void blas_library_use_one_thread(void) {}

int blas_library_has_small_kernels(void)
{
    return 0;
}

/* Of rows `pitch` elements apart. */
#define TELL(how, at, rows, columns, pitch)                                                                            \
    for (long r = 0; r < (rows); r++)                                                                                  \
    __tsan_##how##_range((at) + r * (pitch), (columns) * sizeof *(at))

/* Row-major, as `blas` calls it. C that is not asked for (beta 0) is not read. */
#define GEMM(name, real)                                                                                               \
    __attribute__((no_sanitize("thread"))) void name(                                                                  \
        OPENBLAS_CONST enum CBLAS_ORDER order, OPENBLAS_CONST enum CBLAS_TRANSPOSE ta,                                 \
        OPENBLAS_CONST enum CBLAS_TRANSPOSE tb, OPENBLAS_CONST blasint m, OPENBLAS_CONST blasint n,                    \
        OPENBLAS_CONST blasint k, OPENBLAS_CONST real alpha, OPENBLAS_CONST real *a, OPENBLAS_CONST blasint lda,       \
        OPENBLAS_CONST real *b, OPENBLAS_CONST blasint ldb, OPENBLAS_CONST real beta, real *c,                         \
        OPENBLAS_CONST blasint ldc)                                                                                    \
    {                                                                                                                  \
        const int at = ta == CblasTrans, bt = tb == CblasTrans;                                                        \
        (void)order;                                                                                                   \
        TELL(read, a, at ? k : m, at ? m : k, lda);                                                                    \
        TELL(read, b, bt ? n : k, bt ? k : n, ldb);                                                                    \
        TELL(write, c, m, n, ldc);                                                                                     \
        for (long i = 0; i < m; i++) {                                                                                 \
            real *row = c + i * ldc;                                                                                   \
            for (long j = 0; j < n; j++)                                                                               \
                row[j] = beta == 0 ? 0 : beta * row[j];                                                                \
            for (long l = 0; l < k; l++) {                                                                             \
                const real one = alpha * (at ? a[l * lda + i] : a[i * lda + l]), *from = bt ? b + l : b + l * ldb;     \
                const long step = bt ? ldb : 1;                                                                        \
                for (long j = 0; j < n; j++)                                                                           \
                    row[j] += one * from[j * step];                                                                    \
            }                                                                                                          \
        }                                                                                                              \
    }

GEMM(cblas_sgemm, float)
GEMM(cblas_dgemm, double)
