/* report_parts.h: the writers behind report.h, one a format; each prints a whole document.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_REPORT_PARTS_H
#define ASSAY_REPORT_PARTS_H

#include "perf/report.h"
#include "perf/report_group.h"
#include "perf/scale.h"

#include <stdio.h>

/* What a document is made of. */
typedef struct assay_report_parts {
    const assay_records *list;
    assay_report_groups groups;
    assay_scalings scalings;
    const assay_report_beside *beside; /* NULL: nothing */
} assay_report_parts;

void assay_report_table(FILE *f, const assay_report_parts *p);
void assay_report_markdown(FILE *f, const assay_report_parts *p);
void assay_report_html(FILE *f, const assay_report_parts *p);

/* The part of each that tells of other sizes; nothing where there are none. */
void assay_report_scaling_table(FILE *f, const assay_scalings *all);
void assay_report_scaling_markdown(FILE *f, const assay_scalings *all);
void assay_report_scaling_html(FILE *f, const assay_scalings *all);

#endif
