/* floor_table.h: the noise of every conformance case as it was once measured (fixtures/floors/cases.<format>.json), to
 * see whether it still is. No verdict reads it: those use floors of their own seed. SPDX-License-Identifier: MIT */
#ifndef ASSAY_FLOOR_TABLE_H
#define ASSAY_FLOOR_TABLE_H

#include "conformance/oracle.h"

/* The largest noise of one tensor over several seeds, as a norm (phi times the norm of the truth): how much of the
 * truth cancels differs from seed to seed, its noise does not. */
typedef struct assay_noise {
    char tensor[24];
    double noise, phi, spread; /* spread: largest by smallest noise of the seeds */
} assay_noise;

typedef struct assay_noise_row {
    char case_id[96];
    int seeds, count;
    assay_noise *tensors; /* (count) */
} assay_noise_row;

typedef struct assay_floor_table {
    int format; /* assay_format */
    double activation_ulp;
    char date[16], generator[65]; /* when it was measured (2026-11-21), and the hash of the reference's sources then */
    assay_noise_row *rows;
    int count;
} assay_floor_table;

/* An empty table of today. */
void assay_floor_table_begin(int format, double activation_ulp, assay_floor_table *out);
/* Adds a row, or replaces the one of the same case; returns it with room for `count` tensors, or NULL: no memory. */
assay_noise_row *assay_floor_table_row(assay_floor_table *t, const char *case_id, int seeds, int count);
const assay_noise_row *assay_floor_table_find(const assay_floor_table *t,
                                              const char *case_id); /* NULL if there is none */

/* <folder>/cases.<format>.json, whole or not at all. One line in why otherwise. */
assay_status assay_floor_table_write(const assay_floor_table *t, const char *folder, char *why, size_t why_size);
/* ASSAY_BAD_ARGUMENT: no such file, or it is damaged; one line in why. */
assay_status assay_floor_table_read(const char *folder, int format, assay_floor_table *out, char *why, size_t why_size);
void assay_floor_table_free(assay_floor_table *t); /* an empty one is fine */

#endif
