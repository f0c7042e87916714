/* stats.h: what samples say: order statistics, bootstrap intervals, and when to stop.
 * SPDX-License-Identifier: MIT
 *
 * Pure functions of their arguments; random draws of the bootstrap come from `seed`. No samples at all gives NaN. */
#ifndef ASSAY_STATS_H
#define ASSAY_STATS_H

#include <stdint.h>

/* Quantiles by linear interpolation between order statistics (Hyndman and Fan 1996, type 7). */
typedef struct assay_stats {
    int32_t n;
    double min, q1, median, q3, p95, max, mean;
} assay_stats;
assay_stats assay_stats_of(const double *samples, int32_t n);

typedef struct assay_interval {
    double low, high;
} assay_interval;

/* 95 % percentile-bootstrap interval of the median, 1,000 resamples. */
assay_interval assay_stats_median_interval(const double *samples, int32_t n, uint64_t seed);

/* The same of median(a[k] / b[k]), where a[k] and b[k] were taken side by side. */
assay_interval assay_stats_ratio_interval(const double *a, const double *b, int32_t n, uint64_t seed);

/* The same of median(a) / median(b), where the samples were taken apart: each side is drawn on its own. */
assay_interval assay_stats_ratio_apart(const double *a, int32_t a_count, const double *b, int32_t b_count,
                                       uint64_t seed);

enum { ASSAY_SAMPLES_LEAST = 5, ASSAY_SAMPLES_ENOUGH = 30, ASSAY_SAMPLES_MOST = 400 };

/* 1: no more samples are needed: at least 30, and the interval of the median lies within 1 % of it; or 400. */
int assay_stats_settled(const double *samples, int32_t n, uint64_t seed);

#endif
