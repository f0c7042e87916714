/* report.h: records as something to read: a table for the terminal, Markdown, one HTML page, entries for dashboards.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_REPORT_H
#define ASSAY_REPORT_H

#include "conformance/audit.h"
#include "perf/convergence.h"
#include "perf/kills.h"
#include "perf/record.h"
#include "perf/truth_file.h"
#include "perf/verdicts.h"

typedef enum assay_report_format {
    ASSAY_REPORT_TABLE, /* plain text, for a terminal */
    ASSAY_REPORT_MARKDOWN,
    ASSAY_REPORT_HTML,   /* one page, nothing loaded from elsewhere */
    ASSAY_REPORT_JSON,   /* the records themselves */
    ASSAY_REPORT_SMALLER /* "customSmallerIsBetter" of github-action-benchmark */
} assay_report_format;

/* The format of this name ("html"), or -1. */
int assay_report_format_by_name(const char *name);

#define ASSAY_MOST_BESIDE 64
#define ASSAY_MOST_PROOFS 8 /* files of mutants; files of proofs; files of checks */

/* What stands beside the times, and is no record. */
typedef struct assay_report_beside {
    assay_audit audit[ASSAY_MOST_BESIDE]; /* owned */
    int audit_count;
    assay_convergence *convergence[ASSAY_MOST_BESIDE]; /* owned */
    int convergence_count;
    assay_kills kills[ASSAY_MOST_PROOFS]; /* owned */
    int kills_count;
    assay_truths truths[ASSAY_MOST_PROOFS]; /* owned */
    int truths_count;
    assay_verdicts verdicts[ASSAY_MOST_PROOFS]; /* owned */
    int verdicts_count;
} assay_report_beside;
void assay_report_beside_free(assay_report_beside *b); /* a zeroed one is fine */

/* Reads a file of records, or of something that stands beside them. As assay_records_read(). */
assay_status assay_report_read(const char *path, assay_records *list, assay_report_beside *beside, char *why,
                               size_t why_size);

/* 1 if the format shows all of it: pages do, tables and Markdown show checks, mutants and proofs, entries for
 * dashboards nothing. */
int assay_report_has_room(assay_report_format format, const assay_report_beside *beside);

/* The whole report as text, to be freed; NULL if there's no memory. */
char *assay_report_text(const assay_records *list, assay_report_format format);
/* The same with what stands beside the records: pages show all of it, table and Markdown checks, mutants and proofs;
 * entries for dashboards have no room for it. */
char *assay_report_text_with(const assay_records *list, const assay_report_beside *beside, assay_report_format format);

#endif
