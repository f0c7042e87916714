/* truth_table.h: proofs as two tables: each op and dialect with its errors, and each other method of proof.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_TRUTH_TABLE_H
#define ASSAY_TRUTH_TABLE_H

#include "reference/certify.h"

#include <stdio.h>

/* The methods that a dialect is proved by: columns of the first table. */
enum {
    ASSAY_TRUTH_DOUBLE,
    ASSAY_TRUTH_ROWS,
    ASSAY_TRUTH_DIFFERENCES,
    ASSAY_TRUTH_DUAL,
    ASSAY_TRUTH_OTHER,
    ASSAY_TRUTH_COLUMNS
};

typedef struct assay_truth_cell {
    int count;
    double error, bound; /* of the proof that came closest to its bound, or passed it */
} assay_truth_cell;

typedef struct assay_truth_row {
    char op[32], dialect[96];
    int proofs, broken;
    assay_truth_cell cell[ASSAY_TRUTH_COLUMNS];
} assay_truth_row;

/* All proofs of one op by one method. */
typedef struct assay_truth_line {
    char op[32], what[96], worst_at[128];
    int broken;
    assay_truth_cell cell;
} assay_truth_line;

typedef struct assay_truth_table {
    assay_truth_row *rows;
    assay_truth_line *lines;
    int row_count, line_count;
} assay_truth_table;

/* Counts one error. 1 if it is the one to show. */
int assay_truth_cell_note(assay_truth_cell *c, double error, double bound);
/* Counts one proof. 0 if there's no memory. */
int assay_truth_note(assay_truth_table *t, const assay_proof *p);
/* Both tables, for a terminal and as Markdown. */
void assay_truth_print(FILE *to, const assay_truth_table *t);
void assay_truth_rows_markdown(FILE *f, const assay_truth_table *t);
/* For docs/truth.md: to be freed; NULL if there's no memory. */
char *assay_truth_markdown(const assay_truth_table *t, const char *command);
/* Rows that are an op and dialect, proved by double against quad; others are generators and published values. */
int assay_truth_is_dialect(const assay_truth_row *r);
int assay_truth_dialects(const assay_truth_table *t);
void assay_truth_free(assay_truth_table *t);

#endif
