/* gemm.c: the products and long sums of the noise build with every addition really rounded: its sixth variant.
 * SPDX-License-Identifier: MIT
 *
 * The sources of the noise build are compiled once more with this file in the place of ../gemm.c (REF() then ends in
 * _rounded; the context is the noise build's). Block noise supposes that each addition loses bits. Products of narrow
 * operands have so few that many additions lose none, and no variance says how many: so each sum is rounded to the
 * accumulate format at each of its terms, in an order drawn for it, as the build that rounds every operation does it
 * (docs/tolerance.md 3.3), a vector at a time. Below the smallest normal number of the accumulate format sums keep
 * bits that it would lose. */
#include "reference/gemm.h"

#include <stdlib.h>
#include <string.h>

#include "reference/rounded/kernel.h"
#include "reference/rounding_state.h"

enum { DEPTH = 512 }; /* terms between two visits of a tile of C: a panel of B stays in the first-level cache */

static const assay_rounded_kernel *pick(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return &assay_rounded_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &assay_rounded_avx2;
#endif
    return &assay_rounded_baseline;
}

/* op(A) or op(B) as element (r, j) = at[r * down + j * across]. */
typedef struct view {
    const double *at;
    int64_t down, across;
} view;

static view view_of(int transposed, const double *at, int64_t ld)
{
    view v;
    v.at = at;
    v.down = transposed ? 1 : ld;
    v.across = transposed ? ld : 1;
    return v;
}

struct REF(panels) {
    int n, k;
    int32_t *order; /* (k): the i-th term of each sum is this one */
    double *b;      /* panels (k, cols) one after the other, operands rounded, in that order; zeros past n */
};

static int64_t panels_of(int n)
{
    const int cols = pick()->cols;
    return ((int64_t)n + cols - 1) / cols;
}

static struct REF(panels) * pack(int n, int k, view b)
{
    const int cols = pick()->cols;
    struct REF(panels) *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->n = n;
    p->k = k;
    p->order = malloc(((size_t)k + 1) * sizeof *p->order);
    p->b = malloc((size_t)(panels_of(n) * cols) * (size_t)k * sizeof *p->b + 1);
    if (!p->order || !p->b) {
        REF(gemm_pack_free)(p);
        return NULL;
    }
    for (int i = 0; i < k; ++i)
        p->order[i] = (int32_t)assay_order_at(&assay_state_noise, i, k);
    for (int64_t panel = 0; panel < panels_of(n); ++panel) {
        double *to = p->b + panel * cols * k;
        for (int i = 0; i < k; ++i, to += cols)
            for (int q = 0; q < cols; ++q) {
                const int64_t column = panel * cols + q;
                to[q] = column < n ? OPERAND(b.at[p->order[i] * b.down + column * b.across]) : 0;
            }
    }
    return p;
}

/* A tile of C that does not exist in full, by way of one that does. */
static void edge_tile(const assay_rounded_kernel *g, int64_t depth, const double *a, const double *b, double *c,
                      int64_t ldc, int rows, int columns, int overwrite, const assay_rounded_how *how)
{
    double whole[ASSAY_ROUNDED_ROWS * ASSAY_ROUNDED_COLS] = {0};
    for (int r = 0; r < rows && !overwrite; ++r)
        memcpy(whole + r * g->cols, c + r * ldc, (size_t)columns * sizeof *c);
    g->tile(depth, a, b, whole, g->cols, overwrite, how);
    for (int r = 0; r < rows; ++r)
        memcpy(c + r * ldc, whole + r * g->cols, (size_t)columns * sizeof *c);
}

static void multiply(int m, view a, const struct REF(panels) * p, int accumulate, double *c, int64_t ldc)
{
    const assay_rounded_kernel *g = pick();
    const assay_masks *masks = &assay_state_noise.masks;
    const uint64_t key = assay_draw(&assay_state_noise);
    uint64_t tiles = 0;
    double left[DEPTH * ASSAY_ROUNDED_ROWS];
    if (p->k == 0 && !accumulate)
        for (int r = 0; r < m; ++r)
            memset(c + r * ldc, 0, (size_t)p->n * sizeof *c);
    for (int from = 0; from < p->k; from += DEPTH) {
        const int terms = p->k - from < DEPTH ? p->k - from : DEPTH, overwrite = !accumulate && from == 0;
        for (int r = 0; r < m; r += g->rows) {
            const int rows = m - r < g->rows ? m - r : g->rows;
            for (int i = 0; i < terms; ++i)
                for (int k = 0; k < g->rows; ++k)
                    left[i * g->rows + k] =
                        k < rows ? OPERAND(a.at[(r + k) * a.down + p->order[from + i] * a.across]) : 0;
            for (int q = 0; q < p->n; q += g->cols) {
                const assay_rounded_how how = {masks->draw, masks->keep, assay_mix(key ^ assay_mix(++tiles))};
                const int columns = p->n - q < g->cols ? p->n - q : g->cols;
                const double *right = p->b + (int64_t)q * p->k + (int64_t)from * g->cols;
                double *to = c + r * ldc + q;
                if (rows == g->rows && columns == g->cols)
                    g->tile(terms, left, right, to, ldc, overwrite, &how);
                else
                    edge_tile(g, terms, left, right, to, ldc, rows, columns, overwrite, &how);
            }
        }
    }
}

/* Where there is no memory for anything better. */
static void direct(int m, int n, int k, view a, view b, int accumulate, double *c, int64_t ldc)
{
    for (int r = 0; r < m; ++r)
        for (int q = 0; q < n; ++q) {
            double s = accumulate ? c[r * ldc + q] : 0;
            for (int i = 0; i < k; ++i) {
                const int64_t j = assay_order_at(&assay_state_noise, i, k);
                s += OPERAND(a.at[r * a.down + j * a.across]) * OPERAND(b.at[j * b.down + q * b.across]);
                s = assay_round_accumulate(&assay_state_noise, s);
            }
            c[r * ldc + q] = s;
        }
}

void REF(gemm)(int ta, int tb, int m, int n, int k, const double *a, int64_t lda, const double *b, int64_t ldb,
               int accumulate, double *c, int64_t ldc, int sum)
{
    struct REF(panels) *p = pack(n > 0 ? n : 0, k > 0 ? k : 0, view_of(tb, b, ldb));
    (void)sum; /* every term is rounded as it comes, whatever it stands for */
    if (p)
        multiply(m, view_of(ta, a, lda), p, accumulate, c, ldc);
    else
        direct(m, n, k, view_of(ta, a, lda), view_of(tb, b, ldb), accumulate, c, ldc);
    REF(gemm_pack_free)(p);
}

REF(panels) * REF(gemm_pack)(int tb, int n, int k, const double *b, int64_t ldb)
{
    return pack(n, k, view_of(tb, b, ldb));
}

void REF(gemm_packed)(int m, const double *a, int64_t lda, const REF(panels) * b, int accumulate, double *c,
                      int64_t ldc)
{
    multiply(m, view_of(0, a, lda), b, accumulate, c, ldc);
}

void REF(gemm_pack_free)(REF(panels) * b)
{
    if (!b) return;
    free(b->order);
    free(b->b);
    free(b);
}

double REF(sum)(int64_t n, const double *x, int64_t stride, int sum)
{
    double s = 0;
    (void)sum;
    for (int64_t i = 0; i < n; ++i)
        s = assay_round_accumulate(&assay_state_noise, s + x[assay_order_at(&assay_state_noise, i, n) * stride]);
    return s;
}

void REF(sums)(int64_t n, int width, const double *a, int64_t lda, int sum, double *out)
{
    for (int j = 0; j < width; ++j)
        out[j] = REF(sum)(n, a + j, lda, sum);
}
