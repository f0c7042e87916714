/* results.h: what a run of the suite showed: kept as verdicts come in, then printed as a table and written as JSON and
 * JUnit. SPDX-License-Identifier: MIT */
#ifndef ASSAY_RESULTS_H
#define ASSAY_RESULTS_H

#include "conformance/suite.h"
#include "perf/verdicts.h"

#include <jansson.h>
#include <stdio.h>

/* One row of the table: an implementation under a check. */
typedef struct assay_result_tally {
    char impl[48], check[32];
    int counts[ASSAY_VERDICT_COUNT];
    double margin;       /* worst of the PASS results */
    char margin_at[160]; /* "rnn/lstm... dR.l0.f (row)" */
    char skipped[192];   /* why the first one was SKIPPED */
} assay_result_tally;

/* Why an implementation answered UNSUPPORTED, in its own words. */
typedef struct assay_result_reason {
    char impl[48], why[256];
    int count;
    char case_id[96], check[32]; /* of the first */
    int32_t arithmetic;
} assay_result_reason;
#define ASSAY_REASONS 64 /* of one implementation; further ones are counted together */

typedef struct assay_results {
    assay_result_tally *tallies; /* owned */
    int tally_count;
    assay_result_reason *reasons; /* owned; those of one implementation stand together */
    int reason_count;
    json_t *all;         /* array of every result; owned. NULL: only the tallies are kept */
    int over_limit;      /* PASS results whose margin exceeds margin_limit */
    int no_memory;       /* 1: something is missing in here */
    double margin_limit; /* 0 = none */
} assay_results;

/* keep = 1: every result, for the files; some 5 KB each, so that long runs without files go without. */
void assay_results_start(assay_results *r, double margin_limit, int keep);
void assay_results_free(assay_results *r);

/* Counts an UNSUPPORTED of an implementation of that (clean) name by its reason. 0: no memory. */
int assay_results_add_reason(assay_results *r, const char *impl, const assay_result *x);

/* Counts one result and keeps it if asked to, whose strings and findings are the suite's. */
void assay_results_add(assay_results *r, const assay_result *result);

/* One result that isn't PASS, UNSUPPORTED or SKIPPED: verdict, why, worst findings, reproducer. */
void assay_results_print_failure(const assay_result *result);

/* The table: a row for each implementation and check, in order of first appearance; then the reasons of what was
 * refused, and for each implementation that was skipped one line that says why. */
void assay_results_print_table(const assay_results *r);

/* One line for each implementation and reason of an UNSUPPORTED, the most frequent first: its count, the first case. */
void assay_results_print_refusals(FILE *out, const assay_results *r);
/* The same as an array for a file; the caller's. NULL: no memory. */
json_t *assay_results_refusals(const assay_results *r);

/* The counts of the table, to be freed, all else of *out as it was. 0: no memory. */
int assay_results_count(const assay_results *r, assay_verdicts *out);

/* Both need every result. One testcase a result, one testsuite an implementation. 0 or 3. */
int assay_results_write_junit(const assay_results *r, const char *path);

/* docs/tolerances.md: floors of the documented shapes, margins of honest implementations. command: what wrote it, as a
 * user types it; NULL counts as no memory. 0 or 3. */
int assay_results_write_markdown(const assay_results *r, const char *command, const char *path);

#endif
