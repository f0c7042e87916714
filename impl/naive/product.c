/* product.c: three loops, the innermost over memory that lies side by side.
 * SPDX-License-Identifier: MIT */
#include "impl/naive/product.h"

#include "impl/common/host/precision.h"

#include <string.h>

#define LANES 16 /* partial sums of a dot product */
#define BLOCK 40 /* terms of a long sum that are added up before they join the rest */

/* C[r][j] += <A[r], B[j]>: a row of weights is read once for all rows of the step. */
HOST_CLONES static void dots(int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b, int64_t ldb,
                             float *c, int64_t ldc)
{
    for (int64_t j = 0; j < n; j++)
        for (int64_t r = 0; r < m; r++) {
            const float *x = a + r * lda, *w = b + j * ldb;
            float lane[LANES] = {0}, sum = 0;
            int64_t i = 0;
            for (; i + LANES <= k; i += LANES)
                for (int q = 0; q < LANES; q++)
                    lane[q] += x[i + q] * w[i + q];
            for (; i < k; i++)
                sum += x[i] * w[i];
            for (int q = 0; q < LANES; q++)
                sum += lane[q];
            c[r * ldc + j] += sum;
        }
}

/* C[r] += A[r][j] B[j], A[r][j] at a[r * row + j * col]; each BLOCK of terms apart. */
HOST_CLONES static void sums(int64_t m, int64_t n, int64_t k, const float *a, int64_t row, int64_t col, const float *b,
                             int64_t ldb, float *c, int64_t ldc)
{
    float sum[256];
    for (int64_t r = 0; r < m; r++)
        for (int64_t first = 0; first < n; first += 256) {
            const int64_t width = n - first < 256 ? n - first : 256;
            for (int64_t block = 0; block < k; block += BLOCK) {
                memset(sum, 0, width * sizeof *sum);
                for (int64_t j = block; j < k && j < block + BLOCK; j++) {
                    const float x = a[r * row + j * col], *w = b + j * ldb + first;
                    for (int64_t i = 0; i < width; i++)
                        sum[i] += x * w[i];
                }
                for (int64_t i = 0; i < width; i++)
                    c[r * ldc + first + i] += sum[i];
            }
        }
}

void naive_product(int ta, int tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda, const float *b,
                   int64_t ldb, int accumulate, float *c, int64_t ldc)
{
    for (int64_t r = 0; r < m && !accumulate; r++)
        memset(c + r * ldc, 0, n * sizeof *c);
    if (tb)
        dots(m, n, k, a, lda, b, ldb, c, ldc);
    else
        sums(m, n, k, a, ta ? 1 : lda, ta ? lda : 1, b, ldb, c, ldc);
}
