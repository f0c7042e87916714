/* history.h: one row over commits, in the order of the commits, each point told apart from the one before by compare.h.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_HISTORY_H
#define ASSAY_HISTORY_H

#include "perf/compare.h"
#include "perf/record.h"

/* 1 if a comes after b: by the commit's time, or, of records that do not have it, by the measurement's; of one time by
 * the measurement's. */
int assay_record_is_later(const assay_record *a, const assay_record *b);

/* A training step (or, of what has none, inference) of one implementation and arithmetic on one device and node. */
typedef struct assay_history {
    const assay_record **at;  /* count of them, oldest first; owned */
    assay_comparison *change; /* of at[k] against at[k - 1]; the first is none; owned */
    int32_t count;            /* two at least, of two commits at least */
} assay_history;

typedef struct assay_histories {
    assay_history *at;
    int32_t count;
} assay_histories;

/* Pointers into `list`, which must stay. The caller frees *out, on failure too. */
assay_status assay_histories_make(const assay_records *list, assay_histories *out);
void assay_histories_free(assay_histories *h);

#endif
