/* report.h: records as something to read: a table for the terminal, Markdown, one HTML page, entries for dashboards.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_REPORT_H
#define ASSAY_REPORT_H

#include "perf/record.h"

typedef enum assay_report_format {
    ASSAY_REPORT_TABLE, /* plain text, for a terminal */
    ASSAY_REPORT_MARKDOWN,
    ASSAY_REPORT_HTML,   /* one page, nothing loaded from elsewhere */
    ASSAY_REPORT_JSON,   /* the records themselves */
    ASSAY_REPORT_SMALLER /* "customSmallerIsBetter" of github-action-benchmark */
} assay_report_format;

/* The format of this name ("html"), or -1. */
int assay_report_format_by_name(const char *name);

/* The whole report as text, to be freed; NULL if there's no memory. */
char *assay_report_text(const assay_records *list, assay_report_format format);

#endif
