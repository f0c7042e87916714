/* baseline.h: published records of a machine: which records may be published, where they lie, and what a run is told
 * beside them. SPDX-License-Identifier: MIT
 *
 * <folder>/<device>/<workload>.<implementation>.<arithmetic>.json is a list of records (record.h), one a phase. */
#ifndef ASSAY_BASELINE_H
#define ASSAY_BASELINE_H

#include "perf/compare.h"
#include "perf/record.h"

/* Of each phase: with fewer the interval of a median reaches from one end of the samples to the other. */
#define ASSAY_BASELINE_SAMPLES 10
/* That a baseline counts: what moves a machine without changing its name (firmware, microcode, kernel) comes about
 * twice a year. */
#define ASSAY_BASELINE_DAYS   180
#define ASSAY_BASELINE_DEVICE 128

/* "an-invented-processor-2-cores": what baselines of a machine lie under; those of a device in it, "nvidia-h200-sm90",
 * under its own. */
void assay_baseline_device(const assay_machine *m, char *out, size_t size);
void assay_baseline_device_of(const assay_record *r, char *out, size_t size);

/* 1 if a and b have the same workload, implementation, arithmetic, phase and device (of that name). */
int assay_baseline_same_row(const assay_record *a, const assay_record *b);

/* 1: may be published. 0, and one line in why: a drifted calibration, a device slowed by heat, a certificate that is
 * not full, too few samples, a workload of another size or of the user's text, a commit that nobody else has, no name
 * that a file can have. */
int assay_baseline_is_fit(const assay_record *r, char *why, size_t why_size);

typedef struct assay_publication {
    const char *folder; /* there already */
    const char *reason; /* kept in every record */
    void (*refused)(void *user, const assay_record *r, const char *why);
    void (*wrote)(void *user, const char *path, int32_t records); /* may be NULL */
    void *user;
    int32_t records, files; /* published */
} assay_publication;

/* Writes each workload, implementation and arithmetic of the list that has fit records, the file of it whole or not at
 * all; other files, and other phases in it, stay. Refused are unfit records, and those older than what is there.
 * ASSAY_FAILED and one line in why: a file could not be written; what was written before it stays. */
assay_status assay_baseline_publish(assay_publication *p, const assay_records *list, char *why, size_t why_size);

/* Appends the baselines that there are for the workloads, implementations and arithmetics of `now`, on its machine.
 * ASSAY_BAD_ARGUMENT and one line in why, and nothing appended: a file that holds something else. */
assay_status assay_baseline_read(const char *folder, const assay_records *now, assay_records *out, char *why,
                                 size_t why_size);

/* assay_compare_lists() with what a baseline wants beyond it: UNDECIDED, with the reason, where the baseline is unfit
 * or too old, was measured later than `now`, with other libraries or another system, or on a device by another driver,
 * at other clocks or under another power limit. */
assay_status assay_baseline_judge(const assay_records *baseline, const assay_records *now, assay_comparisons *out,
                                  char *why, size_t why_size);

#endif
