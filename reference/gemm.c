/* gemm.c: the one product of the reference and its long sums, in each of the five builds.
 * SPDX-License-Identifier: MIT
 *
 * F64 and NOISE go through gemm_blocked.c; NOISE adds to each element what the roundings of the declared arithmetic
 * would have added. F128, SR and DUAL are plain loops over rows of A and blocks of eight columns of B. */
#include "reference/gemm.h"

#include <stdlib.h>
#include <string.h>

#if defined(ASSAY_BUILD_SR) || defined(ASSAY_BUILD_F128) || defined(ASSAY_BUILD_DUAL)
#define PLAIN 1
#else
#define PLAIN 0
#include <omp.h>

#include "reference/gemm_blocked.h"
#include "reference/problem.h"
#if defined(ASSAY_BUILD_NOISE)
#include "reference/gemm_noise.h"
#endif
#endif

/* op(A) or op(B) as element (r, j) = at[r * down + j * across]. */
typedef struct view {
    const real *at;
    int64_t down, across;
} view;

static view view_of(int transposed, const real *at, int64_t ld)
{
    view v;
    v.at = at;
    v.down = transposed ? 1 : ld;
    v.across = transposed ? ld : 1;
    return v;
}

/* Local functions that differ from build to build are named through REF() too: coverage tools tell them apart by name.
 */

/* The definition, one multiply-add after the other: for when there is no memory for anything better. */
static void direct(int m, int n, int k, view a, view b, int accumulate, real *c, int64_t ldc)
{
    for (int r = 0; r < m; ++r) {
        for (int q = 0; q < n; ++q) {
            real s = accumulate ? c[r * ldc + q] : R(0);
            for (int i = 0; i < k; ++i) {
                const int64_t j = SUM_AT(i, k);
                s = MAC(s, OPERAND(a.at[r * a.down + j * a.across]), OPERAND(b.at[j * b.down + q * b.across]));
            }
            c[r * ldc + q] = s;
        }
    }
}

#if PLAIN

enum { LANES = 8 }; /* independent sums at a time: a chain of roundings is slow, eight beside each other are not */

struct REF(panels) {
    int n, k;
    int32_t *order; /* (k): the i-th term of each sum is this one */
    real *row;      /* (k): room for a row of A, operands rounded, in that order */
    real *b;        /* (ceil(n / LANES), k, LANES): the same of B, zeros past n */
};

/* The size of a row of A, where near values are looked for (rounding.h). */
#if defined(ASSAY_BUILD_SR)
static void REF(look_around)(const view *a, int r, int k)
{
    double squares = 0;
    if (!assay_state_sr.watched) return;
    for (int i = 0; a && i < k; ++i) {
        const double x = a->at[r * a->down + i * a->across].v;
        squares += x * x;
    }
    assay_state_sr.row_scale = a && k > 0 ? sqrt(squares / k) : 0;
}
#else
static void REF(look_around)(const view *a, int r, int k)
{
    (void)a;
    (void)r;
    (void)k;
}
#endif

static struct REF(panels) * pack(int n, int k, view b)
{
    struct REF(panels) *p = (struct REF(panels) *)calloc(1, sizeof *p);
    if (!p) return NULL;
    const int64_t blocks = ((int64_t)n + LANES - 1) / LANES;
    p->n = n;
    p->k = k;
    p->order = (int32_t *)malloc(((size_t)k + 1) * sizeof *p->order);
    p->row = (real *)malloc(((size_t)k + 1) * sizeof *p->row);
    p->b = (real *)malloc(((size_t)(blocks * LANES) * (size_t)k + 1) * sizeof *p->b);
    if (!p->order || !p->row || !p->b) {
        REF(gemm_pack_free)(p);
        return NULL;
    }
    for (int i = 0; i < k; ++i)
        p->order[i] = (int32_t)SUM_AT(i, k);
    for (int64_t q = 0; q < blocks * LANES; ++q) {
        real *to = p->b + q / LANES * LANES * k + q % LANES;
        for (int i = 0; i < k; ++i)
            to[(int64_t)i * LANES] = q < n ? OPERAND(b.at[p->order[i] * b.down + q * b.across]) : R(0);
    }
    return p;
}

static void REF(multiply)(int m, view a, const struct REF(panels) * p, int accumulate, real *c, int64_t ldc)
{
    for (int r = 0; r < m; ++r) {
        REF(look_around)(&a, r, p->k);
        for (int i = 0; i < p->k; ++i)
            p->row[i] = OPERAND(a.at[r * a.down + p->order[i] * a.across]);
        REF(look_around)(NULL, 0, 0);
        for (int q = 0; q < p->n; q += LANES) {
            const int lanes = p->n - q < LANES ? p->n - q : LANES;
            const real *b = p->b + (int64_t)q * p->k;
            real s[LANES];
            for (int l = 0; l < LANES; ++l)
                s[l] = accumulate && l < lanes ? c[r * ldc + q + l] : R(0);
            for (int i = 0; i < p->k; ++i, b += LANES)
                for (int l = 0; l < LANES; ++l)
                    s[l] = MAC(s[l], p->row[i], b[l]);
            for (int l = 0; l < lanes; ++l)
                c[r * ldc + q + l] = s[l];
        }
    }
}

void REF(gemm)(int ta, int tb, int m, int n, int k, const real *a, int64_t lda, const real *b, int64_t ldb,
               int accumulate, real *c, int64_t ldc, int sum)
{
    (void)sum; /* every term is rounded as it comes, whatever it stands for */
    struct REF(panels) *p = pack(n > 0 ? n : 0, k > 0 ? k : 0, view_of(tb, b, ldb));
    if (p)
        REF(multiply)(m, view_of(ta, a, lda), p, accumulate, c, ldc);
    else
        direct(m, n, k, view_of(ta, a, lda), view_of(tb, b, ldb), accumulate, c, ldc);
    REF(gemm_pack_free)(p);
}

REF(panels) * REF(gemm_pack)(int tb, int n, int k, const real *b, int64_t ldb)
{
    return pack(n, k, view_of(tb, b, ldb));
}

void REF(gemm_packed)(int m, const real *a, int64_t lda, const REF(panels) * b, int accumulate, real *c, int64_t ldc)
{
    REF(multiply)(m, view_of(0, a, lda), b, accumulate, c, ldc);
}

void REF(gemm_pack_free)(REF(panels) * b)
{
    if (!b) return;
    free(b->order);
    free(b->row);
    free(b->b);
    free(b);
}

real REF(sum)(int64_t n, const real *x, int64_t stride, int sum)
{
    (void)sum;
    real s = R(0);
    for (int64_t i = 0; i < n; ++i)
        s = s + x[SUM_AT(i, n) * stride];
    return s;
}

#else /* F64, NOISE */

struct REF(panels) {
    int n, k;
    double *b;       /* operands rounded, in gemm_blocked.c's layout */
    double *squares; /* their squares, for the noise; NULL where there's none */
};

/* The panel of a packed B that holds column q, a multiple of assay_gemm_packed_columns(). */
static view panel_of(const struct REF(panels) * p, int q)
{
    view v;
    v.at = p->b + (int64_t)q * p->k;
    v.down = assay_gemm_packed_columns();
    v.across = 1;
    return v;
}

#if defined(ASSAY_BUILD_NOISE)
static int REF(operand_format)(void)
{
    return assay_state_noise.r.operand;
}

static int REF(noisy)(void)
{
    return assay_state_noise.r.mode != ASSAY_ROUND_EXACT;
}

/* Terms of a sum over rows of the batch: those that are not zero throughout, times what the batch stands for. */
static double terms_of(int sum, int m, int k, view a)
{
    if (sum != ASSAY_SUM_ROWS) return k;
    int64_t count = 0;
    for (int j = 0; j < k; ++j) {
        int r = 0;
        while (r < m && a.at[r * a.down + j * a.across] == 0)
            ++r;
        count += r < m;
    }
    return (double)count * assay_state_noise.r.batch_scale;
}

/* The larger of the area in any order and in these two. What comes first is taken as it is, where a product rounds it:
 * p_1^2 less, or Q/n on the average. Zeros change nothing, and aren't counted. */
real REF(sum)(int64_t n, const real *x, int64_t stride, int sum)
{
    walk w = {0, 0, 0};
    double q = 0, terms = 0, first = 0, last = 0;
    for (int64_t i = 0; i < n; ++i) {
        const double term = x[i * stride];
        if (term == 0) continue;
        if (terms == 0) first = term;
        last = term;
        terms += 1;
        q += term * term;
        walk_on(&w, 1, term);
    }
    if (!REF(noisy)()) return w.s;
    const double scale = sum == ASSAY_SUM_ROWS ? assay_state_noise.r.batch_scale : 1, all = terms * scale;
    if (all < 2) return w.s;
    const noise e = noise_of(all);
    const double any = shuffled_area(all, w.s, q) - q / all;
    const double walked = scale * walked_area(&w, terms, q / 6, first, last);
    return noisy_sum(&e, 0, w.s, any > walked ? any : walked);
}
#else
static int REF(operand_format)(void)
{
    return ASSAY_FP64;
}

static int REF(noisy)(void)
{
    return 0;
}
#endif

static int blocked(int m, int n, int k, view a, view b, const double *packed, int square, int accumulate, double *c,
                   int64_t ldc)
{
    const assay_matrix am = {a.at, a.down, a.across}, bm = {b.at, b.down, b.across};
    const assay_factor how = {REF(operand_format)(), square};
    return assay_gemm_blocked(m, n, k, am, bm, packed, how, accumulate, c, ldc);
}

/* C = [C +] A B; from p if it is there, then b is not read. */
static void exact(int m, int n, int k, view a, view b, const struct REF(panels) * p, int accumulate, double *c,
                  int64_t ldc)
{
    if (blocked(m, n, k, a, b, p ? p->b : NULL, 0, accumulate, c, ldc)) return;
    const int step = p ? assay_gemm_packed_columns() : n;
    for (int q = 0; q < n; q += step)
        direct(m, n - q < step ? n - q : step, k, a, p ? panel_of(p, q) : b, accumulate, c + q, ldc);
}

#if defined(ASSAY_BUILD_NOISE)
/* Columns [from, to) of C by the definition; column q of C is column q - from of b. */
static void direct_noisy(const noise *e, double terms, int m, int n, int k, view a, view b, int from, int to,
                         int accumulate, double *c, int64_t ldc, int sum)
{
    for (int r = 0; r < m; ++r) {
        for (int q = from; q < to; ++q) {
            walk w = {0, 0, 0};
            double squares = 0;
            for (int j = 0; j < k; ++j) {
                const double term =
                    OPERAND(a.at[r * a.down + j * a.across]) * OPERAND(b.at[j * b.down + (q - from) * b.across]);
                walk_on(&w, terms / k, term);
                squares += term * term;
            }
            const double any = shuffled_area(terms, w.s, squares),
                         walked = sum == ASSAY_SUM_ROWS ? walked_area(&w, terms, terms / k * squares / 6, 0, 0) : 0;
            const double noised =
                noisy_sum(e, (uint64_t)r * (uint64_t)n + (uint64_t)q, w.s, any > walked ? any : walked);
            c[r * ldc + q] = (accumulate ? c[r * ldc + q] : 0) + noised;
        }
    }
}

/* Of a sum over rows the running sums are looked at so many times, at least so many rows apart. */
enum { STRETCHES = 16, STRETCH = 64 };

/* area (m, n), the squares of the terms summed up, becomes the area; s (m, n) the product. Returns 0 where there's no
 * memory: nothing has changed then but s. */
static int along_the_rows(double terms, int m, int n, int k, view a, view b, double *s, int64_t lds, double *area)
{
    const size_t count = (size_t)m * (size_t)n;
    const int apart = (k + STRETCHES - 1) / STRETCHES, step = apart < STRETCH ? STRETCH : apart;
    double *part = (double *)malloc(count * sizeof *part);
    walk *walks = (walk *)calloc(count, sizeof *walks);
    int done = part && walks;
    for (int from = 0; done && from < k; from += step) {
        const int rows = k - from < step ? k - from : step;
        view ahead = a, below = b;
        ahead.at += from * a.across;
        below.at += from * b.down;
        done = blocked(m, n, rows, ahead, below, NULL, 0, 0, part, n);
        for (size_t i = 0; done && i < count; ++i)
            walk_on(&walks[i], terms / k * rows, part[i]);
    }
    for (int r = 0; done && r < m; ++r) {
        for (int q = 0; q < n; ++q) {
            const walk *w = &walks[(size_t)r * (size_t)n + (size_t)q];
            double *to = &area[(size_t)r * (size_t)n + (size_t)q];
            const double any = shuffled_area(terms, w->s, *to),
                         walked = walked_area(w, terms, terms / k * (k < step ? k : step) * *to / 6, 0, 0);
            *to = any > walked ? any : walked;
            s[r * lds + q] = w->s;
        }
    }
    free(part);
    free(walks);
    return done;
}

static void REF(multiply)(int m, int n, int k, view a, view b, const struct REF(panels) * p, int accumulate, double *c,
                          int64_t ldc, int sum)
{
    if (!REF(noisy)() || m <= 0 || n <= 0 || k <= 0) {
        exact(m, n, k, a, b, p, accumulate, c, ldc);
        return;
    }
    const double terms = terms_of(sum, m, k, a);
    const noise e = noise_of(terms);
    const size_t count = (size_t)m * (size_t)n;
    double *memory = (double *)malloc((accumulate ? 2 : 1) * count * sizeof *memory);
    double *area = memory, *s = accumulate && memory ? memory + count : c;
    const int64_t lds = accumulate ? n : ldc;
    const int walked = sum == ASSAY_SUM_ROWS && k > STRETCH;
    if (memory && blocked(m, n, k, a, b, p ? p->squares : NULL, 1, 0, area, n) &&
        (walked ? along_the_rows(terms, m, n, k, a, b, s, lds, area)
                : blocked(m, n, k, a, b, p ? p->b : NULL, 0, 0, s, lds))) {
#pragma omp parallel for schedule(static) if (!omp_in_parallel() && count > 16384)
        for (int r = 0; r < m; ++r) {
            for (int q = 0; q < n; ++q) {
                const size_t i = (size_t)r * (size_t)n + (size_t)q;
                const double x = s[r * lds + q];
                const double noised = noisy_sum(&e, i, x, walked ? area[i] : shuffled_area(terms, x, area[i]));
                c[r * ldc + q] = (accumulate ? c[r * ldc + q] : 0) + noised;
            }
        }
    } else {
        const int step = p ? assay_gemm_packed_columns() : n;
        for (int q = 0; q < n; q += step)
            direct_noisy(&e, terms, m, n, k, a, p ? panel_of(p, q) : b, q, n - q < step ? n : q + step, accumulate, c,
                         ldc, sum);
    }
    free(memory);
}
#else
static void REF(multiply)(int m, int n, int k, view a, view b, const struct REF(panels) * p, int accumulate, double *c,
                          int64_t ldc, int sum)
{
    (void)sum;
    exact(m, n, k, a, b, p, accumulate, c, ldc);
}
#endif

void REF(gemm)(int ta, int tb, int m, int n, int k, const real *a, int64_t lda, const real *b, int64_t ldb,
               int accumulate, real *c, int64_t ldc, int sum)
{
    REF(multiply)(m, n, k, view_of(ta, a, lda), view_of(tb, b, ldb), NULL, accumulate, c, ldc, sum);
}

REF(panels) * REF(gemm_pack)(int tb, int n, int k, const real *b, int64_t ldb)
{
    const size_t count = (size_t)assay_gemm_packed_count(n, k);
    const view v = view_of(tb, b, ldb);
    const assay_matrix bm = {v.at, v.down, v.across};
    struct REF(panels) *p = (struct REF(panels) *)malloc(sizeof *p);
    double *room = (double *)aligned_alloc(64, ((REF(noisy)() ? 2 : 1) * count * sizeof *room + 64) / 64 * 64);
    if (!p || !room) {
        free(p);
        free(room);
        return NULL;
    }
    p->n = n;
    p->k = k;
    p->b = room;
    p->squares = REF(noisy)() ? room + count : NULL;
    for (int square = 0; square <= REF(noisy)(); ++square) {
        const assay_factor how = {REF(operand_format)(), square};
        assay_gemm_pack_b(n, k, bm, how, square ? p->squares : p->b);
    }
    return p;
}

void REF(gemm_packed)(int m, const real *a, int64_t lda, const REF(panels) * b, int accumulate, real *c, int64_t ldc)
{
    const view none = {NULL, 0, 0};
    REF(multiply)(m, b->n, b->k, view_of(0, a, lda), none, b, accumulate, c, ldc, ASSAY_SUM_FEATURES);
}

void REF(gemm_pack_free)(REF(panels) * b)
{
    if (b) free(b->b);
    free(b);
}

#if defined(ASSAY_BUILD_F64)
real REF(sum)(int64_t n, const real *x, int64_t stride, int sum)
{
    (void)sum;
    double s = 0;
    for (int64_t i = 0; i < n; ++i)
        s += x[i * stride];
    return s;
}

/* A line of memory at a time. */
void REF(sums)(int64_t n, int width, const real *a, int64_t lda, int sum, real *out)
{
    enum { BLOCK = 64 };
    (void)sum;
#pragma omp parallel for schedule(static) if (!omp_in_parallel() && n * width > 4096)
    for (int q = 0; q < width; q += BLOCK) {
        const int columns = width - q < BLOCK ? width - q : BLOCK;
        double s[BLOCK] = {0};
        for (int64_t i = 0; i < n; ++i)
            for (int j = 0; j < columns; ++j)
                s[j] += a[i * lda + q + j];
        for (int j = 0; j < columns; ++j)
            out[q + j] = s[j];
    }
}
#endif

#endif

#if !defined(ASSAY_BUILD_F64)
/* The roundings have their context on the calling thread, and stay there. */
void REF(sums)(int64_t n, int width, const real *a, int64_t lda, int sum, real *out)
{
    for (int j = 0; j < width; ++j)
        out[j] = REF(sum)(n, a + j, lda, sum);
}
#endif
