/* report_parts.h: the writers behind report.h, one a format; each prints a whole document.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_REPORT_PARTS_H
#define ASSAY_REPORT_PARTS_H

#include "perf/history.h"
#include "perf/report.h"
#include "perf/report_group.h"
#include "perf/scale.h"
#include "perf/spread.h"

#include <stdio.h>

/* Of a line or path in a chart that is stretched to the page: the stroke is not. */
#define ASSAY_THIN "vector-effect=\"non-scaling-stroke\""

/* What a document is made of. */
typedef struct assay_report_parts {
    const assay_records *list;
    assay_report_groups groups;
    assay_scalings scalings;
    assay_histories histories;
    assay_spreads spreads;
    const assay_report_beside *beside; /* NULL: nothing */
} assay_report_parts;

/* Whether records are what it is about: that nothing was timed is no news where only other files were given. */
int assay_report_is_of_times(const assay_report_parts *p);

void assay_report_table(FILE *f, const assay_report_parts *p);
void assay_report_markdown(FILE *f, const assay_report_parts *p);
void assay_report_html(FILE *f, const assay_report_parts *p);

/* Of one workload, folded: times of others; what was inside the timed calls. */
void assay_report_published_html(FILE *f, const char *id);
void assay_report_work_html(FILE *f, const assay_report_group *g);
/* Of one workload; nothing where there is one row alone. */
void assay_report_ratios_html(FILE *f, const assay_report_group *g);

/* The part of each that tells of other sizes; nothing where there are none. */
void assay_report_scaling_table(FILE *f, const assay_scalings *all);
void assay_report_scaling_markdown(FILE *f, const assay_scalings *all);
void assay_report_scaling_html(FILE *f, const assay_scalings *all);

/* The part of each that tells of several commits and several nodes; nothing where there is one of each. */
void assay_report_history_table(FILE *f, const assay_report_parts *p);
void assay_report_history_markdown(FILE *f, const assay_report_parts *p);
void assay_report_history_html(FILE *f, const assay_report_parts *p);

#endif
