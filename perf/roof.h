/* roof.h: what this machine can do at most, measured: multiply-adds in registers, and the product of its best BLAS.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_ROOF_H
#define ASSAY_ROOF_H

#include "reference/problem.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_roof {
    double fma_gflops_fp32; /* 1e9 floating-point operations a second, a multiply-add counts two; all threads */
    double fma_gflops_fp64;
    double sgemm_gflops; /* 2048 x 2048 x 2048, by the best BLAS library that is here */
    char sgemm_by[64];   /* "OpenBLAS 0.3.21 SkylakeX" */
    int threads;
    const char *isa; /* "avx512", "avx2", "baseline"; static */
} assay_roof;

/* Measures for about `seconds`, a third for each rate; each is the best of many bursts of some milliseconds, because
 * whatever else runs on the machine can only slow one down. threads >= 1: that many pinned to one processor each, of
 * those that the caller may use. The caller's affinity is left as it was; assay_roof_sgemm() says what is not.
 * ASSAY_BAD_ARGUMENT, ASSAY_NO_MEMORY, or ASSAY_FAILED where threads can't be started. */
assay_status assay_roof_measure(int threads, double seconds, assay_roof *out);

/* One of the multiply-add rates alone, of operands in that assay_format: ASSAY_FP32, ASSAY_FP64, or ASSAY_BF16 with
 * sums in fp32 where the processor has instructions for it; NaN where it can't be measured. */
double assay_roof_fma(int format, int threads, double seconds);

/* The product alone, each library (OpenBLAS; BLIS where the build found a serial one) for its share of the seconds, at
 * least twice; the best rate, and whose it is in by[], with the processor that OpenBLAS takes this one for. NaN without
 * memory or a library. OpenBLAS stays loaded, and its variables OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE leave the
 * environment: workers have none. One thread at a time. */
double assay_roof_sgemm(int threads, double seconds, char *by, size_t by_size);

/* The reference's own product, double, over the six products of a layer of the 4 x 320 network in one direction (input
 * 640, 50 steps of 32 samples), the recurrent ones step by step: 1e9 operations a second, from the best time of each
 * in as many rounds as fit into `seconds`, at least two. NaN where there's no memory. */
double assay_ref_gemm_gflops(int threads, double seconds);

#ifdef __cplusplus
}
#endif
#endif
