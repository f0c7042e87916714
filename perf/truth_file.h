/* truth_file.h: what `assay truth` proved, from its JSON, as a part of a report.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_TRUTH_FILE_H
#define ASSAY_TRUTH_FILE_H

#include "perf/truth_table.h"
#include "reference/problem.h"

#include <jansson.h>
#include <stdio.h>

#define ASSAY_TRUTH_SCHEMA "assay.truth/1"

/* Golden vectors of one source and version. */
typedef struct assay_truth_source {
    char name[72], worst_at[160];
    int32_t files, tensors, beyond;
    assay_truth_cell worst;
} assay_truth_source;

/* One run. */
typedef struct assay_truths {
    char version[32], time[32];
    int full, complete;
    int32_t proofs, broken;
    assay_truth_table table;
    assay_truth_source *source; /* owned */
    int32_t source_count;
} assay_truths;
void assay_truths_free(assay_truths *t); /* a zeroed one is fine */

/* A proof as JSON; NULL: no memory. */
json_t *assay_truth_proof_json(const assay_proof *p);
/* ASSAY_BAD_ARGUMENT or ASSAY_NO_MEMORY and one line in why; the caller frees *out in any case. `where` names the file.
 */
assay_status assay_truths_parse(const json_t *root, const char *where, assay_truths *out, char *why, size_t why_size);

/* Parts of a report. */
void assay_truths_table(FILE *f, const assay_truths *t);
void assay_truths_markdown(FILE *f, const assay_truths *t);
void assay_truths_html(FILE *f, const assay_truths *t);

#endif
