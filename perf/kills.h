/* kills.h: what `assay mutants` found, as JSON and back, as a part of a report.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_KILLS_H
#define ASSAY_KILLS_H

#include "conformance/mutation.h"

#include <jansson.h>
#include <stdio.h>

#define ASSAY_KILLS_SCHEMA "assay.mutants/2"
#define ASSAY_KILLS_CHECKS 32 /* different ones in one table */

/* What one check found of one mutant. */
typedef struct assay_killer {
    char check[24], case_id[96], what[64];
    int32_t kills;
    double margin; /* largest; infinite where no number came */
} assay_killer;

/* One mutant, or one honest variant. */
typedef struct assay_kill {
    char name[64], id[16], what[256], checks[160], why[256], cause[400];
    int held;                     /* killed by each of its checks; an honest one: passed */
    int cause_asked, cause_named; /* of the diagnosis */
    double margin;                /* smallest of its checks' largest; an honest one: the worst */
    assay_killer by[ASSAY_MUTATION_CHECKS];
    int32_t by_count;
} assay_kill;

/* One run. */
typedef struct assay_kills {
    char version[32], time[32];
    uint64_t seed;
    int honest, complete;
    int all;        /* every check ran on each, not only those that its row names */
    assay_kill *at; /* owned */
    int32_t count;
} assay_kills;
void assay_kills_free(assay_kills *k); /* a zeroed one is fine */

/* Appends what was found of one. 0: no memory. */
int assay_kills_add(assay_kills *k, const assay_mutation_result *r);
int assay_kills_held(const assay_kills *k);
/* Those that this check killed, and how many of them nothing else killed: of meaning where all checks ran. */
int assay_kills_by(const assay_kills *k, const char *check, int *alone);
/* Those whose cause is asked for, and how many of them the diagnosis named. */
int assay_kills_causes(const assay_kills *k, int *named);
/* The killed one with the smallest margin; NULL where none was killed, and among honest variants. */
const assay_kill *assay_kills_weakest(const assay_kills *k);

/* Adds all but version and time to the members that our files begin with. 0, or -1: no memory. */
int assay_kills_put(const assay_kills *k, json_t *head);
/* Back: ASSAY_BAD_ARGUMENT or ASSAY_NO_MEMORY and one line in why; the caller frees *out in any case. `where` names the
 * file. */
assay_status assay_kills_parse(const json_t *root, const char *where, assay_kills *out, char *why, size_t why_size);

/* Parts of a report. */
void assay_kills_table(FILE *f, const assay_kills *k);
void assay_kills_markdown(FILE *f, const assay_kills *k);
void assay_kills_html(FILE *f, const assay_kills *k);

#endif
