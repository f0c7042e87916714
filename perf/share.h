/* share.h: how the workloads of a run share what is left of its budget. Private to perf: bench.h is the way in.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_SHARE_H
#define ASSAY_SHARE_H

#include "perf/heat.h"

/* Seconds for the first of `count` workloads, smallest work first, of `left` seconds. Those share it that it can hold
 * on the fastest implementation alone: without this the largest, which may never fit, would keep their shares from the
 * others. Rates are those seen so far, or a guess. */
double assay_share(const assay_bench *b, const assay_point *points, int count, double left);

/* The first's part where `count` of them want so many seconds each: that and an equal part of the rest; where they want
 * more than there is, that or an equal part of it all, whichever is less: what a small one does not want is the larger
 * ones'. */
double assay_share_of(const double *wanted, int count, double left);

#endif
