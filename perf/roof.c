/* roof.c: the machine's peaks, from short bursts on pinned threads; and how near to them the reference's product comes.
 * SPDX-License-Identifier: MIT */
#include "perf/roof.h"

#include <math.h>
#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/clock.h"
#include "perf/roof_kernel.h"
#include "reference/data.h"
#include "reference/gemm.h"

enum { MOST_THREADS = 1024, LEAST_BURSTS = 5, LEAST_PRODUCTS = 2 };
#define BURST_SECONDS 0.003 /* long beside the start of a thread, shorter than the turn that a scheduler gives */

static const assay_roof_kernel *pick(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return &assay_roof_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &assay_roof_avx2;
#endif
    return &assay_roof_baseline;
}

/* NULL: this processor has no multiply-adds of its own for operands in that format, or nobody has measured them. */
static const assay_roof_narrow *pick_narrow(int format)
{
#if defined(__x86_64__)
    if (format == ASSAY_BF16 && assay_roof_amx_usable()) return &assay_roof_amx;
    if (format == ASSAY_BF16 && __builtin_cpu_supports("avx512bf16")) return &assay_roof_bf16;
#endif
    (void)format;
    return NULL;
}

/* ---- bursts of multiply-adds ---- */

typedef struct crew {
    const assay_roof_kernel *kernel;
    const assay_roof_narrow *narrow; /* of a format narrower than fp32 */
    int format, threads;
    int64_t rounds;
    cpu_set_t allowed;
    atomic_int ready, cancelled;
} crew;

typedef struct worker {
    crew *crew;
    pthread_t thread;
    int number;
    double start, end, kept; /* `kept` uses the result */
} worker;

/* The thread's own processor: the number-th of those allowed, round and round where there are fewer. Where pinning is
 * refused the burst is still a burst. */
static void pin(const worker *w)
{
    int wanted = w->number % CPU_COUNT(&w->crew->allowed), cpu = 0;
    while (cpu < CPU_SETSIZE && !(CPU_ISSET(cpu, &w->crew->allowed) && wanted-- == 0))
        ++cpu;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    (void)pthread_setaffinity_np(pthread_self(), sizeof one, &one);
}

static void *work(void *argument)
{
    worker *w = argument;
    crew *c = w->crew;
    pin(w);
    atomic_fetch_add(&c->ready, 1);
    while (atomic_load(&c->ready) < c->threads && !atomic_load(&c->cancelled))
        sched_yield();
    w->start = assay_clock();
    if (c->narrow)
        w->kept = (double)c->narrow->run(c->rounds);
    else if (c->format == ASSAY_FP32)
        w->kept = (double)c->kernel->fp32(c->rounds, 0.5f, 1.0f);
    else
        w->kept = c->kernel->fp64(c->rounds, 0.5, 1.0);
    w->end = assay_clock();
    return NULL;
}

/* Seconds from the first start to the last end, or NaN where not all could be started. */
static double burst(crew *c, worker *workers)
{
    int started = 0;
    atomic_store(&c->ready, 0);
    atomic_store(&c->cancelled, 0);
    for (; started < c->threads; ++started) {
        workers[started].crew = c;
        workers[started].number = started;
        if (pthread_create(&workers[started].thread, NULL, work, &workers[started]) != 0) break;
    }
    if (started < c->threads) atomic_store(&c->cancelled, 1);
    double first = INFINITY, last = 0;
    for (int i = 0; i < started; ++i) {
        pthread_join(workers[i].thread, NULL);
        first = fmin(first, workers[i].start);
        last = fmax(last, workers[i].end);
    }
    return started == c->threads ? last - first : NAN;
}

double assay_roof_fma(int format, int threads, double seconds)
{
    const assay_roof_narrow *narrow = pick_narrow(format);
    if (threads < 1 || threads > MOST_THREADS || (format > ASSAY_FP32 && !narrow)) return NAN;
    worker *workers = calloc((size_t)threads, sizeof *workers);
    crew c = {.kernel = pick(), .narrow = narrow, .format = format, .threads = threads, .rounds = 20000};
    if (!workers || sched_getaffinity(0, sizeof c.allowed, &c.allowed) != 0) {
        free(workers);
        return NAN;
    }
    const double flop = narrow                 ? narrow->flop
                        : format == ASSAY_FP32 ? c.kernel->flop_fp32
                                               : c.kernel->flop_fp64,
                 end = assay_clock() + seconds;
    double best = 0;
    for (int i = 0; i < LEAST_BURSTS || assay_clock() < end; ++i) {
        const double took = burst(&c, workers);
        if (!(took > 0)) {
            best = NAN;
            break;
        }
        best = fmax(best, flop * (double)c.rounds * threads / took * 1e-9);
        c.rounds = (int64_t)(BURST_SECONDS * best * 1e9 / flop / threads) + 1;
    }
    free(workers);
    return best;
}

assay_status assay_roof_measure(int threads, double seconds, assay_roof *out)
{
    if (threads < 1 || threads > MOST_THREADS || !(seconds >= 0) || !out) return ASSAY_BAD_ARGUMENT;
    assay_roof r = {.threads = threads, .isa = pick()->isa};
    r.fma_gflops_fp32 = assay_roof_fma(ASSAY_FP32, threads, seconds / 3);
    r.fma_gflops_fp64 = assay_roof_fma(ASSAY_FP64, threads, seconds / 3);
    r.sgemm_gflops = assay_roof_sgemm(threads, seconds / 3, r.sgemm_by, sizeof r.sgemm_by);
    if (!isfinite(r.sgemm_gflops)) return ASSAY_NO_MEMORY;
    if (!isfinite(r.fma_gflops_fp32) || !isfinite(r.fma_gflops_fp64)) return ASSAY_FAILED;
    *out = r;
    return ASSAY_OK;
}

/* ---- the reference's products ---- */

/* A layer of the 4 x 320 network in one direction, as lstm.c calls for it: (rows, features). */
enum { STEPS = 50, SAMPLES = 32, ROWS = STEPS * SAMPLES, INPUT = 640, HIDDEN = 320, GATES = 4 * HIDDEN };

typedef struct layer {
    double *x, *dx; /* (ROWS, INPUT) */
    double *h, *dh; /* (ROWS, HIDDEN), (SAMPLES, HIDDEN) */
    double *g;      /* (ROWS, GATES) */
    double *w, *dw; /* (GATES, INPUT), dw of R too */
    double *r;      /* (GATES, HIDDEN) */
} layer;

enum { KINDS = 6 };

/* One of its six products. */
static void product_of(int kind, const layer *l, const assay_ref_panels_f64 *forward,
                       const assay_ref_panels_f64 *backward)
{
    switch (kind) {
    case 0:
        assay_ref_gemm_f64(0, 1, ROWS, GATES, INPUT, l->x, INPUT, l->w, INPUT, 0, l->g, GATES, ASSAY_SUM_FEATURES);
        break;
    case 1:
        for (int64_t t = 0; t < STEPS; ++t)
            assay_ref_gemm_packed_f64(SAMPLES, l->h + t * SAMPLES * HIDDEN, HIDDEN, forward, 0,
                                      l->g + t * SAMPLES * GATES, GATES);
        break;
    case 2:
        for (int64_t t = STEPS - 1; t >= 0; --t)
            assay_ref_gemm_packed_f64(SAMPLES, l->g + t * SAMPLES * GATES, GATES, backward, 0, l->dh, HIDDEN);
        break;
    case 3:
        assay_ref_gemm_f64(1, 0, GATES, HIDDEN, ROWS, l->g, GATES, l->h, HIDDEN, 0, l->dw, HIDDEN, ASSAY_SUM_ROWS);
        break;
    case 4:
        assay_ref_gemm_f64(1, 0, GATES, INPUT, ROWS, l->g, GATES, l->x, INPUT, 0, l->dw, INPUT, ASSAY_SUM_ROWS);
        break;
    default:
        assay_ref_gemm_f64(0, 0, ROWS, INPUT, GATES, l->g, GATES, l->w, INPUT, 0, l->dx, INPUT, ASSAY_SUM_FEATURES);
    }
}

/* Each kind's best time, one after the other until the seconds are over; their sum. */
static double best_of_products(const layer *l, double seconds)
{
    assay_ref_panels_f64 *forward = assay_ref_gemm_pack_f64(1, GATES, HIDDEN, l->r, HIDDEN);
    assay_ref_panels_f64 *backward = assay_ref_gemm_pack_f64(0, HIDDEN, GATES, l->r, HIDDEN);
    double best[KINDS], sum = 0;
    const double end = assay_clock() + seconds;
    for (int i = 0; forward && backward && (i < LEAST_PRODUCTS || assay_clock() < end); ++i) {
        for (int kind = 0; kind < KINDS; ++kind) {
            const double start = assay_clock();
            product_of(kind, l, forward, backward);
            const double took = assay_clock() - start;
            best[kind] = i == 0 ? took : fmin(best[kind], took);
        }
    }
    for (int kind = 0; kind < KINDS; ++kind)
        sum += forward && backward ? best[kind] : NAN;
    assay_ref_gemm_pack_free_f64(forward);
    assay_ref_gemm_pack_free_f64(backward);
    return sum;
}

double assay_ref_gemm_gflops(int threads, double seconds)
{
    layer l;
    double **part[] = {&l.x, &l.dx, &l.h, &l.dh, &l.g, &l.w, &l.dw, &l.r};
    const int64_t size[] = {(int64_t)ROWS * INPUT,  (int64_t)ROWS * INPUT,  (int64_t)ROWS * HIDDEN,
                            SAMPLES * HIDDEN,       (int64_t)ROWS * GATES,  (int64_t)GATES * INPUT,
                            (int64_t)GATES * INPUT, (int64_t)GATES * HIDDEN};
    size_t count = 0;
    for (int i = 0; i < (int)(sizeof size / sizeof *size); ++i)
        count += (size_t)size[i];
    double *memory = threads >= 1 ? malloc(count * sizeof *memory) : NULL;
    if (!memory) return NAN;
    double *at = memory;
    for (int i = 0; i < (int)(sizeof size / sizeof *size); at += size[i++])
        *part[i] = at;
    assay_random_fill_uniform(1, 0, -0.05, 0.05, memory, count);
    const int before = omp_get_max_threads();
    omp_set_num_threads(threads);
    const double took = best_of_products(&l, seconds);
    omp_set_num_threads(before);
    free(memory);
    return 2.0 * 3 * ROWS * GATES * (INPUT + HIDDEN) / took * 1e-9;
}
