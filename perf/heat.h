/* heat.h: one workload on all implementations, from certificates to records. Private to perf: bench.h is the way in.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_HEAT_H
#define ASSAY_HEAT_H

#include "perf/bench.h"
#include "perf/device_roof.h"
#include "perf/measure.h"
#include "perf/outcome.h"
#include "perf/scale.h"
#include "perf/text.h"

enum { ASSAY_MOST_PLUGINS = 64 };

/* What a whole run has: one a run, filled by bench.c. */
typedef struct assay_bench {
    const assay_bench_options *o;
    assay_gbench *gbench;
    assay_records *out;
    assay_bench_summary *summary;
    assay_machine machine;
    assay_text text;
    char data[96];
    int32_t threads;         /* that a search starts from */
    int waiting;             /* workloads that come after the one in hand */
    double end;              /* assay_clock() at which the budget is used up */
    double peak, truth_rate; /* GFLOP/s: best calibration of this run; the reference's, as last seen */
    double narrow_peak;      /* the same of operands in bf16; 0 = not measured yet, NaN = cannot be */
    /* GFLOP/s of an implementation's steps in a format, the best so far: what one workload is too slow for may be
     * fast in another, and is found out by its first call; 0 = not yet. 1 in refused: what it takes in fp32
     * it does not take in this one, and is not asked again. */
    double rate[ASSAY_TIMED_FORMATS][ASSAY_MOST_PLUGINS];
    int refused[ASSAY_TIMED_FORMATS][ASSAY_MOST_PLUGINS];
    assay_device_roof device; /* best rates of this run; device_known 0: not asked yet, -1: not to be had, why */
    int device_known;
    char device_why[192];
    double sgemm; /* GFLOP/s of a large product by the best BLAS library here */
    char sgemm_by[64];
} assay_bench;

/* One line of progress. */
void assay_bench_say(const assay_bench *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A row without a number, and why. */
void assay_bench_leave_out(assay_bench *b, const assay_workload *w, const char *plugin, const char *phase,
                           const char *format, ...) __attribute__((format(printf, 5, 6)));
int assay_bench_stopped(const assay_bench *b);
double assay_bench_gflop(const assay_workload *w);   /* of a training step */
double assay_bench_truth_rate(const assay_bench *b); /* GFLOP/s */
double assay_bench_calibrate(assay_bench *b);        /* GFLOP/s now; raises the peak */
void assay_bench_multiply(assay_bench *b);           /* a large product now; raises its rate */
void assay_bench_calibrate_narrow(assay_bench *b);   /* raises the peak of operands in bf16 */

/* ---- heat_device.c: where the place is a device ---- */

/* Measures the device now and raises the best of this run. Rates are NaN where that failed. */
void assay_heat_device_measure(assay_bench *b, assay_device_roof *now);

/* An entrant whose place is a device and whose worker has started: its verdict falls where the device has no roof in
 * the entrant's arithmetic, or is another than the one that was measured. */
void assay_heat_device_admit(assay_bench *b, assay_entrant *e);

/* What entrants on the device share, in place of what those on the host do. */
void assay_heat_device_outcome(const assay_bench *b, const assay_device_roof *before, const assay_device_roof *after,
                               assay_outcome_of *of);

/* Seconds for measuring floors that nobody has stored; 0 for a run on documented sizes, which have theirs. */
double assay_bench_floor_seconds(const assay_bench *b, const assay_workload *w);

/* Times and judges within so many seconds, the conformance checks not counted; where axes were asked for, training
 * steps alone. Fails only without memory or where data or truth can't be made. */
assay_status assay_heat_run(assay_bench *b, const assay_point *point, double seconds);

/* 1 where a measurement is worth another: the machine's rate moved by more than ASSAY_DRIFT_LIMIT, and of the seconds
 * left there are as many as it needs. */
int assay_heat_again(double drift, double left, double needed);

#endif
