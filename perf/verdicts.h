/* verdicts.h: what `assay check` said of each implementation under each check, as JSON and back, as a part of a report.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_VERDICTS_H
#define ASSAY_VERDICTS_H

#include "reference/problem.h"

#include <jansson.h>
#include <stdio.h>

#define ASSAY_VERDICTS_SCHEMA "assay.check/1"
#define ASSAY_VERDICTS_CHECKS 32 /* different ones in one table */

/* One implementation under one check: numbers of verdicts. */
typedef struct assay_verdicts_row {
    char impl[48], check[32];
    int32_t pass, bad, unsupported, skipped; /* bad: all others */
    double margin;                           /* worst of those that passed; NaN: none passed */
    char margin_at[160];                     /* its case, tensor and rule */
    char why[256];                           /* why the first one was skipped; "" */
} assay_verdicts_row;

/* One run. */
typedef struct assay_verdicts {
    char version[32], time[32], level[16]; /* "quick", "ordinary", "full" */
    uint64_t seed;
    int complete;
    assay_verdicts_row *at; /* owned; rows of one implementation stand together */
    int32_t count;
} assay_verdicts;
void assay_verdicts_free(assay_verdicts *v); /* a zeroed one is fine */

/* Appends a copy. 0: no memory. */
int assay_verdicts_add(assay_verdicts *v, const assay_verdicts_row *row);
/* All results of one implementation, and those that were skipped. */
void assay_verdicts_of(const assay_verdicts *v, const char *impl, int64_t *all, int64_t *skipped);

/* Adds all but version and time to the members that our files begin with. 0, or -1: no memory. */
int assay_verdicts_put(const assay_verdicts *v, json_t *head);
/* Back: ASSAY_BAD_ARGUMENT or ASSAY_NO_MEMORY and one line in why; the caller frees *out in any case. `where` names the
 * file. */
assay_status assay_verdicts_parse(const json_t *root, const char *where, assay_verdicts *out, char *why,
                                  size_t why_size);

/* Parts of a report. */
void assay_verdicts_table(FILE *f, const assay_verdicts *v);
void assay_verdicts_markdown(FILE *f, const assay_verdicts *v);
void assay_verdicts_html(FILE *f, const assay_verdicts *v);

#endif
