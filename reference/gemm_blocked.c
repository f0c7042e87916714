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
    DEEP = 640,            /* terms of a slab */
    BLOCK_ROWS = 96,       /* 96 x 640 doubles = 480 KiB, half of a second-level cache of 1 MiB */
    TASKS_A_THREAD = 2,    /* so that a thread that lost its core for a while does not hold up the others */
    PANELS_A_TASK = 4,     /* below that, packing A again for each task costs too much */
    TERMS_A_UNIT = 16,     /* 16 x 24 doubles = 3 KiB of each panel at a time */
    SERIAL_MACS = 2000000, /* 30 to 60 us: two threads gain nothing on less, and a busy machine makes them lose */
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

/* A factor on its way into panels of `width` lanes (rows of A, columns of B), each (depth, width). The last panel has
 * the lanes that are left: padded with zeros if `pads`, else narrower. Lane l, term j is at[l * lane + j * step]. */
typedef struct packing {
    const double *at;
    int64_t lane, step;
    int lanes, depth, width, pads;
    assay_factor how;
    double *out;
} packing;

/* Inlined with a constant number of lanes, so that a term is a few moves. */
static inline __attribute__((always_inline)) void copy(const double *at, int64_t lane, int64_t step, int lanes,
                                                       int depth, int width, double *out)
{
    for (int j = 0; j < depth; ++j, at += step, out += width)
        for (int l = 0; l < lanes; ++l)
            out[l] = at[l * lane];
}

/* Eight lanes at a time: eight streams are what the processor can foresee, and a line of memory that is written whole.
 */
static void copy_lanes(const packing *p, const double *at, int lanes, int depth, int width, double *out)
{
    int l = 0;
    for (; l + 8 <= lanes; l += 8) {
        if (p->lane == 1)
            copy(at + l, 1, p->step, 8, depth, width, out + l);
        else
            copy(at + l * p->lane, p->lane, p->step, 8, depth, width, out + l);
    }
    if (l < lanes) copy(at + l * p->lane, p->lane, p->step, lanes - l, depth, width, out + l);
}

/* Terms [from, to) of panel q. */
static void pack_piece(const packing *p, int q, int from, int to)
{
    const int first = q * p->width, lanes = lesser(p->width, p->lanes - first), width = p->pads ? p->width : lanes;
    const double *at = p->at + first * p->lane + from * p->step;
    double *out = p->out + (int64_t)first * p->depth + (int64_t)from * width;
    const int64_t count = (int64_t)(to - from) * width;
    if (lanes < width) memset(out, 0, (size_t)count * sizeof *out);
    copy_lanes(p, at, lanes, to - from, width, out);
    if (p->how.operand != ASSAY_FP64)
        for (int64_t i = 0; i < count; ++i)
            out[i] = assay_round_to(p->how.operand, out[i]);
    if (p->how.square)
        for (int64_t i = 0; i < count; ++i)
            out[i] *= out[i];
}

/* Packing is done in units, in the order in which memory lies: by panels where the terms are neighbours, else by a few
 * terms of all panels. */
static int units(const packing *p)
{
    return p->lane == 1 ? ceil_div(p->depth, TERMS_A_UNIT) : ceil_div(p->lanes, p->width);
}

static void pack_unit(const packing *p, int unit)
{
    if (p->lane != 1) {
        pack_piece(p, unit, 0, p->depth);
        return;
    }
    const int from = unit * TERMS_A_UNIT, to = lesser(p->depth, from + TERMS_A_UNIT);
    for (int q = 0; q * p->width < p->lanes; ++q)
        pack_piece(p, q, from, to);
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
    const packing p = {b.at, b.across, b.down, n, k, g->cols, 1, how, out};
    const int count = units(&p);
#pragma omp parallel for schedule(static) if (!omp_in_parallel() && (int64_t)n * k > SERIAL_MACS / 16)
    for (int unit = 0; unit < count; ++unit)
        pack_unit(&p, unit);
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

/* One panel of C's columns: rows x up to g->cols, over the terms [0, terms) of this slab. `after` is the panel of B
 * that comes next: the tiles of a pass share the work of fetching what the next pass will read. */
static void run_panel(const product *p, int rows, int columns, int terms, const double *a, const double *b,
                      const double *after, double *c, int overwrite)
{
    const assay_gemm_kernel *g = p->g;
    const int passes = ceil_div(terms, g->depth), depth = ceil_div(terms, passes);
    const int share = ceil_div(g->cols, ceil_div(rows, g->rows));
    for (int j = 0; j < terms; j += depth) {
        const int now = lesser(depth, terms - j), fresh = overwrite && j == 0;
        const double *ahead = j + depth < terms ? b + (int64_t)(j + depth) * g->cols : after;
        for (int r = 0; r < rows; r += g->rows, ahead += now * share) {
            const int height = lesser(g->rows, rows - r);
            const double *ar = a + (int64_t)r * terms + (int64_t)j * height, *bj = b + (int64_t)j * g->cols;
            double *cr = c + r * p->ldc;
            if (columns == g->cols) {
                g->tile(height, now, ar, bj, cr, p->ldc, fresh, ahead, share);
                continue;
            }
            double edge[ASSAY_GEMM_ROWS * ASSAY_GEMM_COLS];
            g->tile(height, now, ar, bj, edge, g->cols, 1, ahead, share);
            for (int i = 0; i < height; ++i)
                for (int q = 0; q < columns; ++q)
                    cr[i * p->ldc + q] = (fresh ? 0 : cr[i * p->ldc + q]) + edge[i * g->cols + q];
        }
    }
}

/* One block of rows for several tasks: packed once for all of them. */
static int is_shared(const product *p)
{
    return p->row_tasks == 1 && p->panel_tasks > 1;
}

/* Rows [row, row + rows) of A, terms [from, from + terms), on their way into room. */
static packing rows_of(const product *p, int row, int rows, int from, int terms, double *room)
{
    const packing pa = {p->a.at + row * p->a.down + from * p->a.across,
                        p->a.down,
                        p->a.across,
                        rows,
                        terms,
                        p->g->rows,
                        0,
                        p->how,
                        room};
    return pa;
}

/* Task number `task` on the slab of terms [from, from + terms): b is that slab's first panel, `stride` doubles from
 * one panel to the next; room holds the packed rows of A, or takes them. */
static void run_task(const product *p, int task, int from, int terms, const double *b, int64_t stride, double *room)
{
    const assay_gemm_kernel *g = p->g;
    const int row = task / p->panel_tasks * p->rows, rows = lesser(p->rows, p->m - row);
    const int first = task % p->panel_tasks * p->panels, column = first * g->cols;
    const int end = lesser(p->n, column + p->panels * g->cols);
    if (rows <= 0 || column >= end) return;
    const packing pa = rows_of(p, row, rows, from, terms, room);
    for (int unit = 0; !is_shared(p) && unit < units(&pa); ++unit)
        pack_unit(&pa, unit);
    b += first * stride;
    for (int q = column; q < end; q += g->cols, b += stride)
        run_panel(p, rows, lesser(g->cols, end - q), terms, room, b, b + stride, p->c + row * p->ldc + q,
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
    const int tasks = p.row_tasks * p.panel_tasks;

#pragma omp parallel num_threads(threads) if (threads > 1)
    for (int from = 0; from < k; from += p.deep) {
        const int terms = lesser(p.deep, k - from);
        const int64_t stride = (int64_t)(packed ? k : terms) * p.g->cols;
        if (!packed) {
            const packing pb = {b.at + from * b.down, b.across, b.down, n, terms, p.g->cols, 1, how, fresh};
            const int count = units(&pb);
#pragma omp for schedule(static)
            for (int unit = 0; unit < count; ++unit)
                pack_unit(&pb, unit);
        }
        const packing pa = rows_of(&p, 0, m, from, terms, memory);
        const int shared = is_shared(&p) ? units(&pa) : 0;
#pragma omp for schedule(static)
        for (int unit = 0; unit < shared; ++unit)
            pack_unit(&pa, unit);
#pragma omp for schedule(dynamic)
        for (int task = 0; task < tasks; ++task)
            run_task(&p, task, from, terms, packed ? packed + (int64_t)from * p.g->cols : fresh, stride,
                     memory + (shared ? 0 : room * omp_get_thread_num()));
    }
    free(memory);
    return 1;
}
