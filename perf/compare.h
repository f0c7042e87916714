/* compare.h: did a time change from one record to another, and can that be told at all.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_COMPARE_H
#define ASSAY_COMPARE_H

#include "perf/record.h"
#include "perf/stats.h"

/* Share of the time below which a change counts as none: what a calibration may differ by (docs/performance.md). */
#define ASSAY_CHANGE_SHARE 0.03

typedef enum assay_change { ASSAY_SAME, ASSAY_FASTER, ASSAY_SLOWER, ASSAY_UNDECIDED, ASSAY_CHANGES } assay_change;
const char *assay_change_name(assay_change change); /* "SLOWER"; static */

typedef struct assay_comparison {
    const assay_record *before, *after;
    int paired;           /* 1: k-th samples were taken side by side, in one run */
    double median;        /* time after over time before; NaN where they can't be compared */
    assay_interval ratio; /* its 95 % bootstrap interval */
    assay_change change;
    char why[192]; /* one line with UNDECIDED, else "" */
} assay_comparison;

/* Two records of the same workload and phase. FASTER and SLOWER: the interval lies beyond ASSAY_CHANGE_SHARE, and the
 * medians are further apart than the longer round trip. SAME: it lies within. UNDECIDED: neither, or the records are
 * not to be compared: another device or text, work inside the call that differs, a calibration that drifted or differs
 * by more than 3 %, fewer than five samples. Both stay the caller's. */
assay_comparison assay_compare(const assay_record *before, const assay_record *after);

/* For each record of `before` the one of `after` with the same workload, implementation, arithmetic and phase. Where
 * before_impl and after_impl are not NULL, of these two implementations, in place of the same one. */
typedef struct assay_comparisons {
    assay_comparison *at; /* owned; in the order of `before` */
    int32_t count;
    int32_t only_before, only_after; /* records without a partner */
    int32_t counts[ASSAY_CHANGES];
} assay_comparisons;

/* ASSAY_BAD_ARGUMENT and one line in why: a list has a record twice, or they have none in common. Pointers into the
 * lists, which must stay. */
assay_status assay_compare_lists(const assay_records *before, const assay_records *after, const char *before_impl,
                                 const char *after_impl, assay_comparisons *out, char *why, size_t why_size);
void assay_comparisons_free(assay_comparisons *c);

#endif
