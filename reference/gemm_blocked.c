/* gemm_blocked.c: packing, blocking and threads around the inner kernel (gemm_kernel.c).
 * SPDX-License-Identifier: MIT
 *
 * The loops are those of Goto & van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34 (2008):
 * a slab of B (up to DEEP terms, all columns) is packed once for all threads; each task packs its block of rows of A,
 * which fits the second-level cache, and runs over its panels of B, of which `depth` terms fit the first-level cache.
 * DEEP terms stay between two visits of the same element of C, so that C's traffic is small beside the arithmetic. */
#include "reference/gemm_blocked.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "reference/gemm_kernel.h"
#include "reference/problem.h"
#include "reference/rounding.h"

enum {
    DEEP = 640,          /* terms of a slab */
    BLOCK_ROWS = 96,     /* 96 x 640 doubles = 480 KiB, half of a second-level cache of 1 MiB */
    TASKS_A_THREAD = 2,  /* so that a thread that lost its core for a while does not hold up the others */
    PANELS_A_TASK = 4,   /* below that, packing A again for each task costs too much */
    SERIAL_MACS = 100000 /* starting threads takes as long as so many multiply-adds */
};

const assay_gemm_kernel *assay_gemm_kernel_pick(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return &assay_gemm_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &assay_gemm_avx2;
#endif
    return &assay_gemm_baseline;
}

static int ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

static int lesser(int a, int b)
{
    return a < b ? a : b;
}

/* `lanes` rows or columns, `depth` terms each -> out (depth, width), width >= lanes, the rest zeros. Lane l, term j
 * is at[l * lane + j * step]. */
static void pack_panel(const double *at, int64_t lane, int64_t step, int lanes, int64_t depth, int width,
                       assay_factor how, double *out)
{
    if (lanes < width) memset(out, 0, (size_t)depth * (size_t)width * sizeof *out);
    if (lane == 1) {
        for (int64_t j = 0; j < depth; ++j)
            memcpy(out + j * width, at + j * step, (size_t)lanes * sizeof *out);
    } else {
        for (int64_t j = 0; j < depth; ++j)
            for (int l = 0; l < lanes; ++l)
                out[j * width + l] = at[l * lane + j * step];
    }
    if (how.operand != ASSAY_FP64)
        for (int64_t i = 0; i < depth * width; ++i)
            out[i] = assay_round_to(how.operand, out[i]);
    if (how.square)
        for (int64_t i = 0; i < depth * width; ++i)
            out[i] *= out[i];
}

int assay_gemm_packed_columns(void)
{
    return assay_gemm_kernel_pick()->cols;
}

int64_t assay_gemm_packed_count(int n, int k)
{
    const assay_gemm_kernel *g = assay_gemm_kernel_pick();
    return (int64_t)ceil_div(n, g->cols) * g->cols * k;
}

void assay_gemm_pack_b(int n, int k, assay_matrix b, assay_factor how, double *out)
{
    const assay_gemm_kernel *g = assay_gemm_kernel_pick();
    const int panels = ceil_div(n, g->cols);
#pragma omp parallel for schedule(static) if (!omp_in_parallel() && (int64_t)n * k > SERIAL_MACS)
    for (int p = 0; p < panels; ++p) {
        const int from = p * g->cols;
        pack_panel(b.at + from * b.across, b.across, b.down, lesser(g->cols, n - from), k, g->cols, how,
                   out + (int64_t)from * k);
    }
}

/* One product: what all its tasks share. */
typedef struct product {
    const assay_gemm_kernel *g;
    int m, n, k, accumulate;
    assay_matrix a;
    assay_factor how;
    int deep;                /* terms of a slab, the last may have fewer */
    int row_tasks, rows;     /* tasks along m, rows of each */
    int panel_tasks, panels; /* tasks along n, panels of each */
    double *c;
    int64_t ldc;
} product;

/* One panel of C's columns: rows x up to g->cols, over the terms [0, terms) of this slab. */
static void run_panel(const product *p, int rows, int columns, int terms, const double *a, const double *b, double *c,
                      int overwrite)
{
    const assay_gemm_kernel *g = p->g;
    const int passes = ceil_div(terms, g->depth), depth = ceil_div(terms, passes);
    for (int j = 0; j < terms; j += depth) {
        const int now = lesser(depth, terms - j), fresh = overwrite && j == 0;
        for (int r = 0; r < rows; r += g->rows) {
            const int height = lesser(g->rows, rows - r);
            const double *ar = a + (int64_t)r * terms + (int64_t)j * height, *bj = b + (int64_t)j * g->cols;
            double *cr = c + r * p->ldc;
            if (columns == g->cols) {
                g->tile(height, now, ar, bj, cr, p->ldc, fresh);
                continue;
            }
            double edge[ASSAY_GEMM_ROWS * ASSAY_GEMM_COLS];
            g->tile(height, now, ar, bj, edge, g->cols, 1);
            for (int i = 0; i < height; ++i)
                for (int q = 0; q < columns; ++q)
                    cr[i * p->ldc + q] = (fresh ? 0 : cr[i * p->ldc + q]) + edge[i * g->cols + q];
        }
    }
}

/* Task number `task` on the slab of terms [from, from + terms): b is that slab's first panel, `stride` doubles from
 * one panel to the next; room holds the packed rows of A. */
static void run_task(const product *p, int task, int from, int terms, const double *b, int64_t stride, double *room)
{
    const assay_gemm_kernel *g = p->g;
    const int row = task / p->panel_tasks * p->rows, rows = lesser(p->rows, p->m - row);
    const int first = task % p->panel_tasks * p->panels, column = first * g->cols;
    const int end = lesser(p->n, column + p->panels * g->cols);
    if (rows <= 0 || column >= end) return;
    for (int r = 0; r < rows; r += g->rows) {
        const int height = lesser(g->rows, rows - r);
        pack_panel(p->a.at + (row + r) * p->a.down + from * p->a.across, p->a.down, p->a.across, height, terms, height,
                   p->how, room + (int64_t)r * terms);
    }
    b += first * stride;
    for (int q = column; q < end; q += g->cols, b += stride)
        run_panel(p, rows, lesser(g->cols, end - q), terms, room, b, p->c + row * p->ldc + q,
                  !p->accumulate && from == 0);
}

/* Rows first, because a task along n packs the same rows of A again. */
static void divide(product *p, int threads)
{
    const int panels = ceil_div(p->n, p->g->cols), wanted = threads > 1 ? threads * TASKS_A_THREAD : 1;
    p->row_tasks = ceil_div(p->m, BLOCK_ROWS);
    p->rows = ceil_div(ceil_div(p->m, p->row_tasks), p->g->rows) * p->g->rows;
    p->panel_tasks = lesser(ceil_div(wanted, p->row_tasks), ceil_div(panels, PANELS_A_TASK));
    p->panels = ceil_div(panels, p->panel_tasks);
}

int assay_gemm_blocked(int m, int n, int k, assay_matrix a, assay_matrix b, const double *packed, assay_factor how,
                       int accumulate, double *c, int64_t ldc)
{
    if (m <= 0 || n <= 0) return 1;
    if (k <= 0) {
        for (int r = 0; r < m && !accumulate; ++r)
            memset(c + r * ldc, 0, (size_t)n * sizeof *c);
        return 1;
    }
    const int threads = omp_in_parallel() || (double)m * n * k < SERIAL_MACS ? 1 : omp_get_max_threads();
    product p = {.g = assay_gemm_kernel_pick(),
                 .m = m,
                 .n = n,
                 .k = k,
                 .accumulate = accumulate,
                 .a = a,
                 .how = how,
                 .deep = ceil_div(k, ceil_div(k, DEEP)),
                 .c = c,
                 .ldc = ldc};
    divide(&p, threads);
    const int64_t room = (int64_t)p.rows * p.deep, slab = packed ? 0 : assay_gemm_packed_count(n, p.deep);
    double *memory = aligned_alloc(64, ((size_t)(room * threads + slab) * sizeof(double) + 63) / 64 * 64);
    if (!memory) return 0;
    double *fresh = memory + room * threads;
    const int panels = ceil_div(n, p.g->cols), tasks = p.row_tasks * p.panel_tasks;

#pragma omp parallel num_threads(threads) if (threads > 1)
    for (int from = 0; from < k; from += p.deep) {
        const int terms = lesser(p.deep, k - from);
        const int64_t stride = (int64_t)(packed ? k : terms) * p.g->cols;
        if (!packed) {
#pragma omp for schedule(static)
            for (int q = 0; q < panels; ++q) {
                const int column = q * p.g->cols;
                pack_panel(b.at + from * b.down + column * b.across, b.across, b.down, lesser(p.g->cols, n - column),
                           terms, p.g->cols, how, fresh + q * stride);
            }
        }
#pragma omp for schedule(dynamic)
        for (int task = 0; task < tasks; ++task)
            run_task(&p, task, from, terms, packed ? packed + (int64_t)from * p.g->cols : fresh, stride,
                     memory + room * omp_get_thread_num());
    }
    free(memory);
    return 1;
}
