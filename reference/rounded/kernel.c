/* kernel.c: a tile of sums that are rounded term by term, in registers, by GCC's vector types; built once an
 * instruction set. SPDX-License-Identifier: MIT
 *
 * It contracts, as gemm_kernel.c does and for the same reason: operands are so narrow that their product is exact in
 * double, and what fusing spares the sum is a rounding to double before the one that counts. */
#include "reference/rounded/kernel.h"

#if defined(__AVX512F__)
enum { WIDTH = 8, ROWS = 8 };
#define KERNEL assay_rounded_avx512
#elif defined(__AVX2__)
enum { WIDTH = 4, ROWS = 4 };
#define KERNEL assay_rounded_avx2
#else
enum { WIDTH = 2, ROWS = 4 };
#define KERNEL assay_rounded_baseline
#endif
enum { VECTORS = 2 };

typedef double vector __attribute__((vector_size(WIDTH * 8), aligned(8), may_alias));
typedef uint64_t words __attribute__((vector_size(WIDTH * 8)));
_Static_assert((int)ROWS <= (int)ASSAY_ROUNDED_ROWS && WIDTH * VECTORS <= (int)ASSAY_ROUNDED_COLS,
               "tile beyond the declared");

/* Marsaglia's xorshift with 64 bits, a generator a lane: never 0. */
static inline words next(words x)
{
    x ^= x << 13;
    x ^= x >> 7;
    return x ^ x << 17;
}

/* Lanes that start from neighbours would walk side by side. */
static words start(uint64_t seed)
{
    words x;
    for (int l = 0; l < WIDTH; ++l) {
        uint64_t z = seed + (uint64_t)(l + 1) * UINT64_C(0x9E3779B97F4A7C15);
        z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
        x[l] = (z ^ z >> 31) | 1;
    }
    return x;
}

#define EACH_ROW    _Pragma("GCC unroll 8") for (int r = 0; r < ROWS; ++r)
#define EACH_VECTOR _Pragma("GCC unroll 2") for (int v = 0; v < VECTORS; ++v)

/* A draw serves both vectors of a row: from either half as many bits as a sum loses, which are 29 at fp32. */
static void tile(int64_t depth, const double *a, const double *b, double *c, int64_t ldc, int overwrite,
                 const assay_rounded_how *how)
{
    const words draw = (words){0} + how->draw, keep = (words){0} + how->keep;
    words random[2] = {start(how->seed), start(~how->seed)};
    vector s[ROWS][VECTORS];
    EACH_ROW
    {
        EACH_VECTOR s[r][v] = overwrite ? (vector){0} : *(const vector *)(c + r * ldc + v * WIDTH);
    }
    for (int64_t j = 0; j < depth; ++j, a += ROWS, b += WIDTH * VECTORS) {
        vector row[VECTORS];
        EACH_VECTOR row[v] = *(const vector *)(b + v * WIDTH);
        EACH_ROW
        {
            const words bits = random[r & 1] = next(random[r & 1]);
            EACH_VECTOR
            {
                s[r][v] += a[r] * row[v];
                s[r][v] = (vector)(((words)s[r][v] + ((v ? bits >> 32 : bits) & draw)) & keep);
            }
        }
    }
    EACH_ROW
    {
        EACH_VECTOR *(vector *)(c + r * ldc + v * WIDTH) = s[r][v];
    }
}

const assay_rounded_kernel KERNEL = {.rows = ROWS, .cols = WIDTH * VECTORS, .tile = tile};
