/* report_parts.h: the writers behind report.h, one a format; each prints a whole document.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_REPORT_PARTS_H
#define ASSAY_REPORT_PARTS_H

#include "perf/report_group.h"

#include <stdio.h>

void assay_report_table(FILE *f, const assay_records *list, const assay_report_groups *g);
void assay_report_markdown(FILE *f, const assay_records *list, const assay_report_groups *g);
void assay_report_html(FILE *f, const assay_records *list, const assay_report_groups *g);

#endif
