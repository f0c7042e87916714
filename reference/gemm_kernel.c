/* gemm_kernel.c: C += A B on one tile that stays in registers, by GCC's vector types; built once an instruction set.
 * SPDX-License-Identifier: MIT
 *
 * The one file of the reference that contracts: each element of C is a single chain s = s + a b, so all that
 * -ffp-contract=fast can do is fuse that one pair, and an error is removed, none added. Vector types have no portable
 * spelling of a fused multiply-add. */
#include "reference/gemm_kernel.h"

#if defined(__AVX512F__)
enum { WIDTH = 8, VECTORS = 3, ROWS = 8, DEPTH = 160 }; /* 24 accumulators, 3 of B, 1 of A: 28 of 32 registers */
#define KERNEL      assay_gemm_avx512
#define KERNEL_NAME "avx512"
#elif defined(__AVX2__)
enum { WIDTH = 4, VECTORS = 3, ROWS = 4, DEPTH = 256 }; /* 12 + 3 + 1 = 16 of 16 */
#define KERNEL      assay_gemm_avx2
#define KERNEL_NAME "avx2"
#else
enum { WIDTH = 2, VECTORS = 2, ROWS = 4, DEPTH = 384 }; /* 8 + 2 + 1 of 16: SSE2 needs one more for the product */
#define KERNEL      assay_gemm_baseline
#define KERNEL_NAME "baseline"
#endif

typedef double vector __attribute__((vector_size(WIDTH * 8), aligned(8), may_alias));
_Static_assert((int)ROWS <= (int)ASSAY_GEMM_ROWS && WIDTH * VECTORS <= (int)ASSAY_GEMM_COLS,
               "tile beyond the declared");

#define EACH_ROW    _Pragma("GCC unroll 8") for (int r = 0; r < rows; ++r)
#define EACH_VECTOR _Pragma("GCC unroll 3") for (int v = 0; v < VECTORS; ++v)

/* Inlined once for each number of rows, so that `rows` is a constant and s lies in registers. */
static inline __attribute__((always_inline)) void tile_of(int rows, int64_t depth, const double *a, const double *b,
                                                          double *c, int64_t ldc, int overwrite, const double *ahead,
                                                          int stride)
{
    vector s[ROWS][VECTORS] = {{{0}}};
    for (int64_t j = 0; j < depth; ++j, a += rows, b += WIDTH * VECTORS, ahead += stride) {
        __builtin_prefetch(ahead, 0, 2);
        vector row[VECTORS];
        EACH_VECTOR row[v] = *(const vector *)(b + v * WIDTH);
        EACH_ROW
        {
            EACH_VECTOR s[r][v] += a[r] * row[v];
        }
    }
    EACH_ROW
    {
        EACH_VECTOR
        {
            vector *to = (vector *)(c + r * ldc + v * WIDTH);
            if (!overwrite) s[r][v] += *to;
            *to = s[r][v];
        }
    }
}

static void tile(int rows, int64_t depth, const double *a, const double *b, double *c, int64_t ldc, int overwrite,
                 const double *ahead, int stride)
{
    switch (rows) {
    case 1:
        tile_of(1, depth, a, b, c, ldc, overwrite, ahead, stride);
        break;
    case 2:
        tile_of(2, depth, a, b, c, ldc, overwrite, ahead, stride);
        break;
    case 3:
        tile_of(3, depth, a, b, c, ldc, overwrite, ahead, stride);
        break;
    case 4:
        tile_of(4, depth, a, b, c, ldc, overwrite, ahead, stride);
        break;
#if defined(__AVX512F__)
    case 5:
        tile_of(5, depth, a, b, c, ldc, overwrite, ahead, stride);
        break;
    case 6:
        tile_of(6, depth, a, b, c, ldc, overwrite, ahead, stride);
        break;
    case 7:
        tile_of(7, depth, a, b, c, ldc, overwrite, ahead, stride);
        break;
    default:
        tile_of(8, depth, a, b, c, ldc, overwrite, ahead, stride);
        break;
#endif
    }
}

const assay_gemm_kernel KERNEL = {
    .name = KERNEL_NAME, .rows = ROWS, .cols = WIDTH * VECTORS, .depth = DEPTH, .tile = tile};
