/* stats.c: order statistics and bootstrap.
 * SPDX-License-Identifier: MIT */
#include "perf/stats.h"

#include "reference/data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RESAMPLES 1000

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const double *sorted, int32_t n, double q)
{
    double at = q * (n - 1);
    int32_t below = (int32_t)at;
    double above = sorted[below + 1 < n ? below + 1 : below];
    return sorted[below] + (at - below) * (above - sorted[below]);
}

assay_stats assay_stats_of(const double *samples, int32_t n)
{
    assay_stats s = {n, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    double *sorted = n > 0 ? malloc((size_t)n * sizeof *sorted) : NULL;
    if (!sorted) return s;
    memcpy(sorted, samples, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, ascending);
    double sum = 0;
    for (int32_t k = 0; k < n; k++)
        sum += sorted[k];
    s = (assay_stats){.n = n,
                      .min = sorted[0],
                      .q1 = quantile(sorted, n, 0.25),
                      .median = quantile(sorted, n, 0.5),
                      .q3 = quantile(sorted, n, 0.75),
                      .p95 = quantile(sorted, n, 0.95),
                      .max = sorted[n - 1],
                      .mean = sum / n};
    free(sorted);
    return s;
}

/* Median of n draws with replacement into draw[]; `round` names the draws. */
static double resampled_median(const double *samples, int32_t n, uint64_t seed, uint64_t round, double *draw)
{
    for (int32_t k = 0; k < n; k++)
        draw[k] = samples[(int32_t)(n * assay_random_uniform(seed, round, (uint64_t)k))];
    qsort(draw, (size_t)n, sizeof *draw, ascending);
    return quantile(draw, n, 0.5);
}

/* Their 2.5 % and 97.5 % quantiles. */
static assay_interval middle(double results[RESAMPLES])
{
    qsort(results, RESAMPLES, sizeof *results, ascending);
    return (assay_interval){quantile(results, RESAMPLES, 0.025), quantile(results, RESAMPLES, 0.975)};
}

assay_interval assay_stats_median_interval(const double *samples, int32_t n, uint64_t seed)
{
    assay_interval i = {NAN, NAN};
    double medians[RESAMPLES], *draw = n > 0 ? malloc((size_t)n * sizeof *draw) : NULL;
    if (!draw) return i;
    for (int r = 0; r < RESAMPLES; r++)
        medians[r] = resampled_median(samples, n, seed, (uint64_t)r, draw);
    free(draw);
    return middle(medians);
}

assay_interval assay_stats_ratio_apart(const double *a, int32_t a_count, const double *b, int32_t b_count,
                                       uint64_t seed)
{
    assay_interval i = {NAN, NAN};
    int32_t most = a_count > b_count ? a_count : b_count;
    double ratios[RESAMPLES], *draw = a_count > 0 && b_count > 0 ? malloc((size_t)most * sizeof *draw) : NULL;
    if (!draw) return i;
    for (int r = 0; r < RESAMPLES; r++) {
        double above = resampled_median(a, a_count, seed, 2 * (uint64_t)r, draw);
        ratios[r] = above / resampled_median(b, b_count, seed, 2 * (uint64_t)r + 1, draw);
    }
    free(draw);
    return middle(ratios);
}

assay_interval assay_stats_ratio_interval(const double *a, const double *b, int32_t n, uint64_t seed)
{
    assay_interval i = {NAN, NAN};
    double *ratio = n > 0 ? malloc((size_t)n * sizeof *ratio) : NULL;
    if (!ratio) return i;
    for (int32_t k = 0; k < n; k++)
        ratio[k] = a[k] / b[k];
    i = assay_stats_median_interval(ratio, n, seed);
    free(ratio);
    return i;
}

int assay_stats_settled(const double *samples, int32_t n, uint64_t seed)
{
    if (n >= ASSAY_SAMPLES_MOST) return 1;
    if (n < ASSAY_SAMPLES_ENOUGH) return 0;
    double median = assay_stats_of(samples, n).median;
    assay_interval i = assay_stats_median_interval(samples, n, seed);
    return i.low >= 0.99 * median && i.high <= 1.01 * median;
}
