/* report_group.h: records in the order in which a reader wants them: by workload and arithmetic, then by
 * implementation, fastest first. SPDX-License-Identifier: MIT */
#ifndef ASSAY_REPORT_GROUP_H
#define ASSAY_REPORT_GROUP_H

#include "perf/record.h"
#include "perf/stats.h"
#include "perf/timer.h"
#include "perf/workload.h"

/* One implementation in one arithmetic on one workload. */
typedef struct assay_report_row {
    const assay_record *any;                 /* one of the phases: what all of them share */
    const assay_record *phase[ASSAY_PHASES]; /* NULL = not measured */
    assay_interval ratio; /* step: its time over the fastest row's, paired; NaN where there is none */
} assay_report_row;

typedef struct assay_report_group {
    /* whose peak and work all rows share: formats, and devices ("" = the host), are never compared with each other */
    const char *id, *arithmetic, *device;
    const assay_record *any;        /* of whose machine all rows are */
    char title[160];                /* "b1.lstm-ce-short", "b1.lstm-ce-short in bf16 on nvidia-h200-sm90" */
    const assay_workload *workload; /* NULL if the record names one that this program doesn't know */
    assay_report_row *rows;
    int32_t row_count;
} assay_report_group;

typedef struct assay_report_groups {
    assay_report_group *at;
    int32_t count;
} assay_report_groups;

/* Time of a step of the one over that of the other, paired; NaN where they are not of one run. */
assay_interval assay_report_ratio(const assay_report_row *row, const assay_report_row *other);

/* "cpu", "cpu @ node-7". Returns buffer, at least 128 bytes. */
const char *assay_report_row_name(const assay_report_row *row, char *buffer);

/* The latest record by history.h, or NULL. */
const assay_record *assay_report_newest(const assay_records *list);

/* A row is of one implementation and node, and of its newest commit alone. Points of other sizes (scale.h) are no rows.
 * Pointers into `list`, which must stay. The caller frees *out. */
assay_status assay_report_groups_make(const assay_records *list, assay_report_groups *out);
void assay_report_groups_free(assay_report_groups *g);

/* "12.3", "1234", "0.045": three figures where they mean something. Returns buffer, at least 24 bytes. */
const char *assay_report_number(double x, char *buffer);

/* The peers that a comparison needs and this list lacks ("PyTorch, oneDNN"), "" if none. */
const char *assay_report_missing_peers(const assay_records *list);

#endif
