/* share.h: how the workloads of a run share what is left of its budget. Private to perf: bench.h is the way in.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_SHARE_H
#define ASSAY_SHARE_H

#include "perf/heat.h"

/* Seconds for the first of `count` workloads, smallest work first, of `left` seconds. Those share it that it can hold
 * on the fastest implementation alone: without this the largest, which may never fit, would keep their shares from the
 * others. Rates are those seen so far, or a guess. */
double assay_share(const assay_bench *b, const assay_point *points, int count, double left);

/* The first's part where each of `count` needs least[k] seconds for the fewest steps: that and an equal part of the
 * rest, so that no small one takes what a large one cannot do without; where they do not all fit, in proportion. */
double assay_share_of(const double *least, int count, double left);

#endif
