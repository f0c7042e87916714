/* record.h: one timed result with everything that a reader needs to trust and repeat it, and its JSON.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_RECORD_H
#define ASSAY_RECORD_H

#include "perf/machine.h"
#include "reference/problem.h"

#include <stddef.h>
#include <stdint.h>

/* Work that was inside a timed call, so that two times can be compared (docs/workloads.md 1.7). Short words. */
typedef struct assay_equal_work {
    char dx_layer1[16];        /* "requested", "not requested" */
    char bptt_steps[16];       /* "all" or a number */
    char dead_reverse_top[16]; /* "executed", "none" where the network has none */
    char padding_frames[16];   /* "none" where no row is padded; else unknown: computing or skipping both stand */
    char distinct_tokens[16];  /* "no" where the input is no token; else unknown: products may be shared or not */
    char embedding_update[16]; /* "none"; "dense" with Adam; with SGD unknown: all rows or touched ones, both exact */
    char logits[16];           /* "materialised", "not requested" */
    char wx_included[8];       /* "yes" */
    char saved_state[16];      /* "inside": what backward needs is kept inside the timed call */
    char optimizer[8];         /* "sgd", "adam" */
    char h2d[16];              /* "none" on a CPU */
} assay_equal_work;

/* The device that computed, and its clocks while the calibrations ran, before and after; on the host all is NaN and "".
 */
typedef struct assay_record_device {
    char name[112], driver[48]; /* the driver's words, "NVIDIA H200, compute 9.0, driver 13.0"; NVIDIA's version */
    char tensor_by[16];         /* the instruction by which its tensor cores were measured */
    char nvml_missing[120];     /* why clocks, temperature and power are not known; "" */
    char throttle_before[96], throttle_after[96]; /* "none", or why the clock was lower than it might be */
    double copy_gb_per_s;                         /* read and written: best of the run */
    double sm_mhz_before, sm_mhz_after, sm_mhz_most, memory_mhz;
    double temperature_c_before, temperature_c_after, power_w, power_limit_w;
} assay_record_device;

/* Times are milliseconds of one call. Unknown numbers are NaN (null in JSON), unknown words "". */
typedef struct assay_record {
    char workload[64], implementation[48], version[192], arithmetic[16];
    char operand[8], accumulate[8], store[8]; /* formats, as declared */
    double activation_ulp;                    /* declared error of its activations */
    int32_t deterministic;                    /* declared: 1 = the same call gives the same bits */
    int32_t allocates;                        /* declared: 1 = run() allocates in every call */
    char sandbox[8];                          /* what its worker got: "full", "weaker", "none" */
    char phase[16];                           /* pack forward loss backward update step infer */
    int32_t threads;

    double median_ms, q1_ms, q3_ms, min_ms, mean_ms, p95_ms;
    double low_ms, high_ms; /* 95 % bootstrap interval of the median */
    int32_t n, calls;       /* samples; calls in each sample: 1, see timer.h */
    double *samples_ms;     /* n of them; owned */
    double round_trip_ms;   /* of an empty request: inside every sample once */
    double worker_ms;       /* median by the worker's own clock, on a device by the device's: a cross-check, never the
                               result */

    double gflop; /* declared work of a call */
    double gflop_per_s;
    double peak_gflop_per_s;    /* best multiply-add rate seen in this run, all threads */
    double roof_ms, roof_share; /* declared work at that rate; roof_ms / median_ms */
    double sgemm_gflop_per_s;   /* of a large product in this run, by the best BLAS library here; NaN: not measured */
    char sgemm_by[64];          /* whose that is: "OpenBLAS 0.3.21"; "" */
    char limit[16];             /* which limit binds: "multiply-add", or "none declared" */

    double packed_mib, grads_mib, workspace_mib, reserve_mib; /* MiB of the plan's blocks, as it stated them */
    double peak_mib; /* the most that the worker had above what it had before the plan: blocks, tensors, its own */

    int32_t turns; /* 1: planned anew for each block, since there was no memory for it beside the others */

    assay_equal_work work;
    char loss_by[48], update_by[48];

    uint64_t seed;
    int32_t kept_state, kept_block;                      /* starting state and number of the kept block */
    double margin;                                       /* worst error / limit of what the timed calls left behind */
    double calibration_before, calibration_after, drift; /* GFLOP/s; |after/before - 1| */
    int32_t disturbed;                                   /* of the n samples, those that waited for a processor */
    int32_t set_aside; /* samples that are not among the n: somebody waited for a processor in their round */
    double lost_share; /* processor time that the n waited for and did not get, over their time; NaN: not known */
    int32_t repeats;   /* measurements thrown away before this one: drift */
    int32_t fit;       /* 0: drift above 3 %: no baseline, no verdict */

    char data[96]; /* "documented", or the hash of the user's text */
    char certificate[65], plugin_hash[65], libraries_hash[65];
    char certificate_level[12]; /* "quick", "ordinary", "full"; "" in records of earlier suites */
    char reason[160];           /* of a baseline: why it was published; else "" */
    char suite_version[24], commit[48], build[96], time[32]; /* time: ISO 8601, UTC, end of the measurement */
    char commit_time[32];                                    /* of the commit, in the same form; "": not known */
    assay_machine machine;
    assay_record_device device;
} assay_record;

#define ASSAY_DISTURBED_SHARE 0.1 /* of the samples: with more of them the median is no longer the implementation's */
int assay_record_is_disturbed(const assay_record *r);
int assay_samples_are_disturbed(int32_t disturbed, int32_t n); /* the same of any samples */

/* A row that has no number, and why: budget, not certified, wrong result. Never silent. */
typedef struct assay_left_out {
    char workload[64], implementation[48], phase[16], why[256];
} assay_left_out;

typedef struct assay_records {
    assay_record *at; /* owned */
    int32_t count, room;
    assay_left_out *left; /* owned */
    int32_t left_count, left_room;
} assay_records;

/* Copies *r in; its samples become the list's. ASSAY_NO_MEMORY leaves both as they were. */
assay_status assay_records_add(assay_records *list, const assay_record *r);
assay_status assay_records_leave_out(assay_records *list, const char *workload, const char *implementation,
                                     const char *phase, const char *why);
void assay_records_free(assay_records *list); /* an empty one is fine */

/* The document as text (sorted keys, two blanks), to be freed; NULL if there's no memory. */
char *assay_records_text(const assay_records *list);
/* Parses it and appends to *list. On ASSAY_BAD_ARGUMENT why has one line with line and column, and nothing was added.
 */
assay_status assay_records_parse(const char *text, const char *where, assay_records *list, char *why, size_t why_size);

/* Whole or not at all. why: one line. */
assay_status assay_records_write(const assay_records *list, const char *path, char *why, size_t why_size);
assay_status assay_records_read(const char *path, assay_records *list, char *why, size_t why_size);

/* The record of this workload, implementation, arithmetic and phase; NULL if there is none. */
const assay_record *assay_records_find(const assay_records *list, const char *workload, const char *implementation,
                                       const char *arithmetic, const char *phase);

/* 1 if r, one of the list, is what its row is known by: a training step or, of a row that has none, inference. */
int assay_records_is_headline(const assay_records *list, const assay_record *r);

#endif
