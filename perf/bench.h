/* bench.h: the measurement of documented workloads, in the order of docs/performance.md: certificate, worker, seed,
 * calibration, warm-up, timed blocks side by side, calibration again, everything that was kept compared with the truth,
 * roof, record. SPDX-License-Identifier: MIT */
#ifndef ASSAY_BENCH_H
#define ASSAY_BENCH_H

#include "conformance/certificate.h"
#include "conformance/session.h"
#include "conformance/values.h"
#include "conformance/verdict.h"
#include "perf/gbench.h"
#include "perf/machine.h"
#include "perf/record.h"
#include "perf/workload.h"

/* Formats in which rows are timed: fp32, and bf16 and tf32 beside it where an implementation offers them. */
enum { ASSAY_TIMED_FORMATS = 3 };
extern const int assay_timed_formats[ASSAY_TIMED_FORMATS]; /* assay_format */

/* What one timed step left behind, with the truth beside it. Arrays are doubles; tensors that were not asked for are
 * NULL in both. */
typedef struct assay_kept {
    const assay_workload *workload;
    const assay_problem *problem; /* the workload's, in the arithmetic that was timed */
    const assay_arithmetic *declared;
    const char *implementation;
    const char *phase; /* "step", "infer", "forward-loss", or "phases": forward, loss, backward, update one by one */
    uint64_t seed;
    int32_t state;                    /* the block's starting state, or -1: a later step, from its own parameters */
    int64_t step;                     /* updates made before it */
    const assay_values *given;        /* what the step started from: inputs, parameters, moments */
    const assay_values *got;          /* y, losses, gradients, updated parameters and moments; logits in infer */
    const assay_values *truth;        /* the same tensors by the reference */
    const assay_values *update_truth; /* param_1, m_1, v_1: the optimizer applied to got's own gradients; or NULL */
} assay_kept;

typedef struct assay_judgement {
    assay_verdict verdict; /* only PASS is one */
    double margin;         /* worst error / limit */
    char why[192];         /* one line; "" with PASS */
} assay_judgement;

typedef struct assay_bench_options {
    const char *const *plugins; /* paths of shared objects */
    int32_t plugin_count;
    const char *const *names; /* that records call them by; NULL = by their own */
    const char *const *globs; /* of workload ids, any of them; each matches one */
    int32_t glob_count;       /* 0 = all workloads */
    const int32_t *axes;      /* assay_axis, scale.h: training steps of the selected workloads at other sizes, too */
    int32_t axis_count;       /* 0: as documented, with all phases */
    double budget;            /* seconds for everything, conformance too; what does not fit is left out, by name; what
                                 was begun is brought to its five samples and judged, however slow the machine gets */
    double memory;            /* GiB for the plans of all implementations at once; who does not fit beside the others
                                 takes turns; 0: what is free */
    int32_t threads;          /* for each implementation; 0 = searched: all cores, half of them, ... one */
    int32_t fixed_seed;       /* 1: take `seed`; 0: draw one for each workload, after the plugins were loaded */
    uint64_t seed;
    const char *worker;      /* path of assay-worker; NULL = beside this program */
    const char *device_roof; /* path of assay-device-roof; NULL = beside this program */
    const char *text;        /* file for d.ptb-lm; NULL = the documented stream */
    const char *suite_version, *commit, *commit_time, *build; /* for the record */

    /* Is this plugin certified for this problem, with that number of threads? (assay_gate_open()) Anything but
     * ASSAY_OK, with one line in why: no number. Called before a worker is started for timing, and again if another
     * number of threads turns out to serve the implementation best. What is timed must be the very bytes that were
     * certified. */
    assay_status (*gate)(void *user, const char *plugin, const assay_need *need, assay_certificate *out, char *why,
                         size_t why_size);
    /* Is there a row for p, the workload in an arithmetic narrower than fp32? 1: yes, if the gate opens. 0: the plugin
     * does not compute it, which most don't: no word about it. -1: it can't be judged, with one line in why. NULL: no
     * such rows. */
    int (*offers)(void *user, const char *plugin, const assay_workload *w, const assay_problem *p, char *why,
                  size_t why_size);
    /* Compares in full. Called while nothing is timed. */
    assay_judgement (*judge)(void *user, const assay_kept *kept);
    void (*progress)(void *user, const char *line); /* may be NULL */
    int (*stop)(void *user);                        /* polled between blocks; may be NULL */
    void *user;
} assay_bench_options;

typedef struct assay_bench_summary {
    int32_t timed;    /* (implementation, workload) pairs that have a step time */
    int32_t left_out; /* no budget, unsupported, no device, stopped */
    int32_t skipped;  /* of those left out: no device, or nothing to run it with */
    int32_t failed;   /* not certified, wrong, crashed, timed out, or below the roof */
} assay_bench_summary;

/* The number of threads that timing starts from: those asked for, or one for each core. */
int32_t assay_bench_threads(int32_t asked, const assay_machine *machine);

/* Runs all, small workloads first, and appends to *out. `g` collects every sample for dashboards; may not be NULL.
 * ASSAY_OK even if rows failed. ASSAY_BAD_ARGUMENT and one line in why: nothing selected, a text that can't be read.
 * Main thread only; uses the machine alone: the truth is computed while nothing is timed. */
assay_status assay_bench_run(const assay_bench_options *o, assay_gbench *g, assay_records *out,
                             assay_bench_summary *summary, char *why, size_t why_size);

#endif
