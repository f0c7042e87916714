/* scale.h: workloads of other sizes along one axis (steps, batch, hidden units, threads), and what their times say: a
 * straight line, and where it bends. SPDX-License-Identifier: MIT */
#ifndef ASSAY_SCALE_H
#define ASSAY_SCALE_H

#include "perf/record.h"
#include "perf/workload.h"

typedef enum assay_axis { ASSAY_AXIS_T, ASSAY_AXIS_N, ASSAY_AXIS_H, ASSAY_AXIS_THREADS, ASSAY_AXES } assay_axis;
const char *assay_axis_name(assay_axis axis); /* "t"; static */
int assay_axis_by_name(const char *name);     /* or -1 */

#define ASSAY_MOST_POINTS 16 /* along one axis */

/* A workload of another size. Its id is "b1.lstm-ce-short:t=25"; where the size is the documented one it is the
 * documented workload, by its own id. */
typedef struct assay_point {
    assay_workload workload; /* .id points to `id` of this very point */
    char id[64];
    int32_t threads; /* that it runs with; 0 = those that serve best */
} assay_point;

/* Points along an axis into out[ASSAY_MOST_POINTS]; returns how many. t, n and h: an eighth, a quarter, a half, three
 * quarters of the documented size, that size, and of h one and a half of it; those that the workload's data do not
 * allow (labels of CTC that no longer fit into the steps) are left out. Threads: 1 to `cores`. */
int assay_scale_points(const assay_workload *w, assay_axis axis, int32_t cores, assay_point *out);

/* 1 for ids that assay_scale_points() made, those of documented workloads excepted. */
int assay_scale_is_point(const char *id);

/* y = a + b x by least squares of relative residuals, since times differ by orders of magnitude. */
typedef struct assay_line {
    double a, b;
    double worst; /* largest |a + b x - y| / y */
} assay_line;

typedef struct assay_fit {
    assay_line all;
    int bend;                 /* index of the first point that belongs to another line than those before it; 0 = none */
    assay_line before, after; /* where it bends */
} assay_fit;

/* x ascending, at least two values; noise[k]: half the width of y[k]'s interval as a share of it, or NULL for none. It
 * bends where one line misses some point by more than 5 % and by more than its noise, and two lines, together of five
 * points or more and of two or more each, leave less than half of its squared residuals' root. NaN below two points. */
assay_fit assay_fit_of(const double *x, const double *y, const double *noise, int count);

/* One implementation along one axis, from records of training steps. */
typedef struct assay_scaling {
    const assay_workload *base;
    assay_axis axis;
    const assay_record *any; /* implementation, arithmetic, machine */
    const assay_record *at[ASSAY_MOST_POINTS];
    double size[ASSAY_MOST_POINTS]; /* T, N, H or threads; ascending */
    double x[ASSAY_MOST_POINTS];    /* of the line: size; for h GFLOP of a step; for threads 1 / size */
    int count;
    assay_fit fit; /* y in milliseconds */
} assay_scaling;

typedef struct assay_scalings {
    assay_scaling *at; /* owned */
    int32_t count;
} assay_scalings;

/* Pointers into `list`, which must stay. ASSAY_NO_MEMORY. */
assay_status assay_scalings_make(const assay_records *list, assay_scalings *out);
void assay_scalings_free(assay_scalings *s);

#endif
