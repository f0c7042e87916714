/* test_gemm.c: the product is the product, in every build, size, transposition, thread and with no memory left.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <omp.h>
#include <sys/mman.h>
#include <unistd.h>

#include "reference/data.h"
#include "reference/gemm_kernel.h"
#include "reference/problem.h"
#include "reference/rounding.h"

/* gemm.h declares one build a translation unit. Here all are wanted; `real` is double in two of them and a struct of
 * one double in _sr, which a C caller may take for a double behind a pointer. */
#define DECLARE(build, real)                                                                                           \
    typedef struct panels_##build panels_##build;                                                                      \
    void assay_ref_gemm_##build(int, int, int, int, int, const real *, int64_t, const real *, int64_t, int, real *,    \
                                int64_t, int);                                                                         \
    panels_##build *assay_ref_gemm_pack_##build(int, int, int, const real *, int64_t);                                 \
    void assay_ref_gemm_packed_##build(int, const real *, int64_t, const panels_##build *, int, real *, int64_t);      \
    void assay_ref_gemm_pack_free_##build(panels_##build *);
DECLARE(f64, double)
DECLARE(noise, double)
DECLARE(sr, double)
DECLARE(f128, _Float128)

/* Linked with --wrap: the test decides when there is no memory. */
static int memory_left = 1, refusals;
void *__real_malloc(size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_malloc(size_t size)
{
    refusals += !memory_left;
    return memory_left ? __real_malloc(size) : NULL;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    refusals += !memory_left;
    return memory_left ? __real_aligned_alloc(alignment, size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    refusals += !memory_left;
    return memory_left ? __real_calloc(count, size) : NULL;
}

typedef struct sizes {
    int ta, tb, m, n, k, accumulate, packed;
    int spare; /* by how much each leading dimension exceeds the row */
} sizes;

typedef void product_fn(const sizes *z, const double *a, const double *b, double *c);

static int lda_of(const sizes *z)
{
    return (z->ta ? z->m : z->k) + z->spare;
}

static int ldb_of(const sizes *z)
{
    return (z->tb ? z->k : z->n) + z->spare;
}

static int ldc_of(const sizes *z)
{
    return z->n + z->spare;
}

#define PRODUCT(build)                                                                                                 \
    static void product_##build(const sizes *z, const double *a, const double *b, double *c)                           \
    {                                                                                                                  \
        if (z->packed) {                                                                                               \
            const int left = memory_left;                                                                              \
            memory_left = 1;                                                                                           \
            panels_##build *p = assay_ref_gemm_pack_##build(z->tb, z->n, z->k, b, ldb_of(z));                          \
            memory_left = left;                                                                                        \
            assert_non_null(p);                                                                                        \
            assay_ref_gemm_packed_##build(z->m, a, lda_of(z), p, z->accumulate, c, ldc_of(z));                         \
            assay_ref_gemm_pack_free_##build(p);                                                                       \
        } else {                                                                                                       \
            assay_ref_gemm_##build(z->ta, z->tb, z->m, z->n, z->k, a, lda_of(z), b, ldb_of(z), z->accumulate, c,       \
                                   ldc_of(z), 0);                                                                      \
        }                                                                                                              \
    }
PRODUCT(f64)
PRODUCT(noise)
PRODUCT(sr)

static _Float128 *widened(const double *x, size_t count)
{
    _Float128 *w = test_malloc((count + 1) * sizeof *w);
    for (size_t i = 0; i < count; ++i)
        w[i] = x[i];
    return w;
}

static size_t count_a(const sizes *z)
{
    return (size_t)lda_of(z) * (size_t)(z->ta ? z->k : z->m);
}

static size_t count_b(const sizes *z)
{
    return (size_t)ldb_of(z) * (size_t)(z->tb ? z->n : z->k);
}

static size_t count_c(const sizes *z)
{
    return (size_t)ldc_of(z) * (size_t)z->m;
}

static void product_f128(const sizes *z, const double *a, const double *b, double *c)
{
    _Float128 *wa = widened(a, count_a(z)), *wb = widened(b, count_b(z)), *wc = widened(c, count_c(z));
    if (z->packed) {
        panels_f128 *p = assay_ref_gemm_pack_f128(z->tb, z->n, z->k, wb, ldb_of(z));
        assay_ref_gemm_packed_f128(z->m, wa, lda_of(z), p, z->accumulate, wc, ldc_of(z));
        assay_ref_gemm_pack_free_f128(p);
    } else {
        assay_ref_gemm_f128(z->ta, z->tb, z->m, z->n, z->k, wa, lda_of(z), wb, ldb_of(z), z->accumulate, wc, ldc_of(z),
                            0);
    }
    for (size_t i = 0; i < count_c(z); ++i)
        c[i] = (double)wc[i];
    test_free(wa);
    test_free(wb);
    test_free(wc);
}

static double a_at(const sizes *z, const double *a, int r, int j)
{
    return z->ta ? a[(size_t)j * (size_t)lda_of(z) + (size_t)r] : a[(size_t)r * (size_t)lda_of(z) + (size_t)j];
}

static double b_at(const sizes *z, const double *b, int j, int c)
{
    return z->tb ? b[(size_t)c * (size_t)ldb_of(z) + (size_t)j] : b[(size_t)j * (size_t)ldb_of(z) + (size_t)c];
}

/* Integers of at most 8: every sum is exact in any order, so that not a bit may differ. */
static void fill_integers(double *x, size_t count, uint64_t stream)
{
    for (size_t i = 0; i < count; ++i)
        x[i] = (double)(assay_random_bits(1, stream, i) % 17) - 8;
}

/* Elements of C that differ from the definition, those between its rows included. */
static int wrong_elements(const sizes *z, product_fn *product)
{
    double *a = test_malloc((count_a(z) + 1) * sizeof *a), *b = test_malloc((count_b(z) + 1) * sizeof *b);
    double *c = test_malloc((count_c(z) + 1) * sizeof *c), *before = test_malloc((count_c(z) + 1) * sizeof *c);
    fill_integers(a, count_a(z), 1);
    fill_integers(b, count_b(z), 2);
    fill_integers(before, count_c(z), 3);
    memcpy(c, before, count_c(z) * sizeof *c);
    product(z, a, b, c);
    int wrong = 0;
    for (int r = 0; r < z->m; ++r) {
        for (int q = 0; q < ldc_of(z); ++q) {
            const size_t i = (size_t)r * (size_t)ldc_of(z) + (size_t)q;
            double want = z->accumulate || q >= z->n ? before[i] : 0;
            for (int j = 0; q < z->n && j < z->k; ++j)
                want += a_at(z, a, r, j) * b_at(z, b, j, q);
            wrong += !(c[i] == want);
        }
    }
    test_free(a);
    test_free(b);
    test_free(c);
    test_free(before);
    return wrong;
}

static const int every_size[] = {0, 1, 2, 3, 5, 7, 17, 31, 33, 64, 65, 129};
static const int few_sizes[] = {0, 1, 3, 9, 33};

static int wrong_over(const int *size, int count, product_fn *product, int spare)
{
    int wrong = 0;
    for (int i = 0; i < count * count * count; ++i) {
        const int m = size[i % count], n = size[i / count % count], k = size[i / count / count];
        for (int t = 0; t < 4; ++t) {
            const sizes z = {t & 1, t >> 1, m, n, k, (i + t) % 3 == 0, 0, spare};
            const sizes packed = {0, t >> 1, m, n, k, t & 1, 1, spare};
            wrong += wrong_elements(&z, product) + wrong_elements(&packed, product);
        }
    }
    return wrong;
}

#define COUNT(x) (int)(sizeof(x) / sizeof *(x))

static void double_product_is_exact_on_integers(void **state)
{
    (void)state;
    assert_int_equal(wrong_over(every_size, COUNT(every_size), product_f64, 0), 0);
    assert_int_equal(wrong_over(few_sizes, COUNT(few_sizes), product_f64, 3), 0);
}

static void quad_product_is_exact_on_integers(void **state)
{
    (void)state;
    assert_int_equal(wrong_over(few_sizes, COUNT(few_sizes), product_f128, 2), 0);
}

static void rounding_builds_are_exact_in_mode_exact(void **state)
{
    (void)state;
    const assay_rounding exact = {ASSAY_ROUND_EXACT, ASSAY_FP64, ASSAY_FP32, ASSAY_FP64, 0.5, 1, 7, 0, 0, 0, 0};
    assay_rounding_sr(&exact);
    assay_rounding_noise(&exact);
    assert_int_equal(wrong_over(few_sizes, COUNT(few_sizes), product_sr, 2), 0);
    assert_int_equal(wrong_over(few_sizes, COUNT(few_sizes), product_noise, 2), 0);
}

/* With integers that fp32 holds, stochastic rounding has nothing to round, whatever the order of the sum. */
static void random_order_sums_every_term_once(void **state)
{
    (void)state;
    const assay_rounding random = {ASSAY_ROUND_STOCHASTIC, ASSAY_BF16, ASSAY_FP32, ASSAY_FP32, 0.5, 1, 7, 0, 0, 0, 0};
    assay_rounding_sr(&random);
    assert_int_equal(wrong_over(every_size, COUNT(every_size) - 1, product_sr, 0), 0);
}

static void long_sums_pass_several_slabs(void **state)
{
    (void)state;
    const sizes z[] = {{1, 0, 97, 50, 1999, 0, 0, 0}, {0, 1, 200, 25, 1281, 1, 0, 1}, {0, 0, 9, 49, 2000, 1, 1, 0}};
    assert_int_equal(wrong_elements(&z[0], product_f64), 0);
    assert_int_equal(wrong_elements(&z[1], product_f64), 0);
    assert_int_equal(wrong_elements(&z[2], product_f64), 0);
}

static void without_memory_the_product_is_the_same(void **state)
{
    (void)state;
    const sizes z = {1, 1, 33, 65, 129, 1, 0, 1}, packed = {0, 1, 33, 65, 129, 0, 1, 1};
    double *a = test_malloc(count_a(&z) * sizeof *a), *b = test_malloc(count_b(&z) * sizeof *b);
    double *c = test_malloc(count_c(&z) * sizeof *c);
    fill_integers(a, count_a(&z), 1);
    fill_integers(b, count_b(&z), 2);
    for (int build = 0; build < 3; ++build) {
        product_fn *product = build == 0 ? product_f64 : build == 1 ? product_sr : product_noise;
        for (int p = 0; p < 2; ++p) {
            if (p && build == 1) continue; /* needs none beyond its panels */
            const sizes *s = p ? &packed : &z;
            memset(c, 0, count_c(&z) * sizeof *c);
            refusals = 0;
            memory_left = 0;
            product(s, a, b, c);
            memory_left = 1;
            assert_true(refusals > 0);
            int wrong = 0;
            for (int r = 0; r < s->m; ++r) {
                for (int q = 0; q < s->n; ++q) {
                    double want = 0;
                    for (int j = 0; j < s->k; ++j)
                        want += a_at(s, a, r, j) * b_at(s, b, j, q);
                    wrong += !(c[(size_t)r * (size_t)ldc_of(s) + (size_t)q] == want);
                }
            }
            assert_int_equal(wrong, 0);
        }
    }
    test_free(a);
    test_free(b);
    test_free(c);
}

/* |C - A B| <= (k + 2) u |A| |B| for any order with or without fused multiply-adds (Higham, ch. 3). */
static void double_product_keeps_to_the_bound(void **state)
{
    (void)state;
    const sizes z = {0, 1, 37, 53, 1300, 0, 0, 0};
    double *a = test_malloc(count_a(&z) * sizeof *a), *b = test_malloc(count_b(&z) * sizeof *b);
    double *c = test_malloc(count_c(&z) * sizeof *c);
    assay_random_fill_normal(3, 1, 1, a, count_a(&z));
    assay_random_fill_normal(3, 2, 1, b, count_b(&z));
    product_f64(&z, a, b, c);
    int wrong = 0, inexact = 0;
    for (int r = 0; r < z.m; ++r) {
        for (int q = 0; q < z.n; ++q) {
            _Float128 exact = 0, size = 0;
            for (int j = 0; j < z.k; ++j) {
                const _Float128 term = (_Float128)a_at(&z, a, r, j) * b_at(&z, b, j, q);
                exact += term;
                size += term < 0 ? -term : term;
            }
            _Float128 error = c[r * z.n + q] - exact;
            if (error < 0) error = -error;
            wrong += !(error <= (z.k + 2) * (_Float128)0x1p-53 * size);
            inexact += error > 0;
        }
    }
    assert_int_equal(wrong, 0);
    assert_true(inexact > 1000);
    test_free(a);
    test_free(b);
    test_free(c);
}

enum { THREAD_M = 130, THREAD_N = 70, THREAD_K = 700 };

static void threads_change_no_bit(void **state)
{
    (void)state;
    const sizes z = {0, 0, THREAD_M, THREAD_N, THREAD_K, 0, 0, 0};
    double *a = test_malloc(count_a(&z) * sizeof *a), *b = test_malloc(count_b(&z) * sizeof *b);
    double *c[3];
    assay_random_fill_normal(4, 1, 1, a, count_a(&z));
    assay_random_fill_normal(4, 2, 1, b, count_b(&z));
    for (int i = 0; i < 3; ++i)
        c[i] = test_malloc(count_c(&z) * sizeof *c[i]);
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    product_f64(&z, a, b, c[0]);
    omp_set_num_threads(3);
    product_f64(&z, a, b, c[1]);
    int nested = 0;
#pragma omp parallel num_threads(2)
    {
#pragma omp single
        {
            nested = omp_in_parallel();
            product_f64(&z, a, b, c[2]);
        }
    }
    omp_set_num_threads(threads);
    assert_int_equal(nested, 1);
    assert_memory_equal(c[0], c[1], count_c(&z) * sizeof *c[0]);
    assert_memory_equal(c[0], c[2], count_c(&z) * sizeof *c[0]);
    for (int i = 0; i < 3; ++i)
        test_free(c[i]);
    test_free(a);
    test_free(b);
}

/* count doubles that end where no page is: a kernel that reads one too many dies. */
static double *before_a_guard(size_t count)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (count * sizeof(double) + page - 1) / page * page;
    char *memory = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    assert_int_equal(mprotect(memory + size, page, PROT_NONE), 0);
    return (double *)(memory + size) - count;
}

static int wrong_in_kernel(const assay_gemm_kernel *g)
{
    enum { DEPTH = 37, LDC = ASSAY_GEMM_COLS + 1 };
    double *b = before_a_guard((size_t)(DEPTH * g->cols));
    int wrong = 0;
    fill_integers(b, (size_t)(DEPTH * g->cols), 2);
    for (int rows = 1; rows <= g->rows; ++rows) {
        double *a = before_a_guard((size_t)(DEPTH * rows)), c[ASSAY_GEMM_ROWS * LDC];
        fill_integers(a, (size_t)(DEPTH * rows), 1);
        for (int overwrite = 0; overwrite < 2; ++overwrite) {
            for (int i = 0; i < ASSAY_GEMM_ROWS * LDC; ++i)
                c[i] = 1000;
            g->tile(rows, DEPTH, a, b, c, LDC, overwrite, b, 1);
            for (int i = 0; i < ASSAY_GEMM_ROWS * LDC; ++i) {
                const int r = i / LDC, q = i % LDC, inside = r < rows && q < g->cols;
                double want = inside && overwrite ? 0 : 1000;
                for (int j = 0; inside && j < DEPTH; ++j)
                    want += a[j * rows + r] * b[j * g->cols + q];
                wrong += !(c[i] == want);
            }
        }
    }
    return wrong; /* the few pages go with the process */
}

static void every_kernel_of_this_processor_multiplies(void **state)
{
    (void)state;
    assert_int_equal(wrong_in_kernel(&assay_gemm_baseline), 0);
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        assert_int_equal(wrong_in_kernel(&assay_gemm_avx2), 0);
    if (__builtin_cpu_supports("avx512f")) assert_int_equal(wrong_in_kernel(&assay_gemm_avx512), 0);
#endif
    assert_int_equal(wrong_in_kernel(assay_gemm_kernel_pick()), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(double_product_is_exact_on_integers),
        cmocka_unit_test(quad_product_is_exact_on_integers),
        cmocka_unit_test(rounding_builds_are_exact_in_mode_exact),
        cmocka_unit_test(random_order_sums_every_term_once),
        cmocka_unit_test(long_sums_pass_several_slabs),
        cmocka_unit_test(without_memory_the_product_is_the_same),
        cmocka_unit_test(double_product_keeps_to_the_bound),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(every_kernel_of_this_processor_multiplies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
