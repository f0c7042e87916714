/* share.c: how the workloads of a run share what is left of its budget.
 * SPDX-License-Identifier: MIT */
#include "perf/share.h"

#include <math.h>
#include <stdlib.h>

#define STEP_SHARE_OF_PEAK 0.3       /* first guess of an implementation's rate */
#define LEAST_STEPS        14.       /* warming up, five steps, five times the phases, five times forward */
#define LEAST_STEPS_ALONE  7.        /* the same without what comes after the steps */
#define TRUTHS             (11 / 3.) /* of a step, for what is judged of one implementation: heat.c, time_all() */
#define TRUTHS_ALONE       1.
#define PLENTY             4.  /* so many times the fewest steps are wanted */
#define START_SECONDS      20. /* of one implementation: a framework that loads, tries its pools and half the threads */

double assay_share_of(const double *wanted, int count, double left)
{
    double sum = 0;
    for (int k = 0; k < count; k++)
        sum += wanted[k];
    return sum < left ? wanted[0] + (left - sum) / count : fmin(wanted[0], left / count);
}

static double rate_of(const assay_bench *b, int plugin)
{
    const double rate = b->rate[0][plugin];
    return rate > 0 ? rate : STEP_SHARE_OF_PEAK * b->peak;
}

double assay_share(const assay_bench *b, const assay_point *points, int count, double left)
{
    const int alone = b->o->axis_count > 0, plugins = b->o->plugin_count;
    const double steps = alone ? LEAST_STEPS_ALONE : LEAST_STEPS, truths = alone ? TRUTHS_ALONE : TRUTHS;
    double best = 0, each = 0, rest = left;
    int fitting = 0;
    for (int k = 0; k < plugins; k++) {
        best = fmax(best, rate_of(b, k));
        each += PLENTY * steps / rate_of(b, k) + truths / assay_bench_truth_rate(b);
    }
    double *wanted = malloc(((size_t)count + 1) * sizeof *wanted);
    if (!wanted) return left / count;
    for (; fitting < count; fitting++) {
        const assay_workload *w = &points[fitting].workload;
        const double work = assay_bench_gflop(w), floors = assay_bench_floor_seconds(b, w);
        wanted[fitting] = plugins * START_SECONDS + work * each + floors;
        rest -= work * steps / best + work / assay_bench_truth_rate(b) + floors;
        if (fitting > 0 && rest < 0) break;
    }
    const double share = assay_share_of(wanted, fitting, left);
    free(wanted);
    return share;
}
