/* convergence.h: loss curves laid over each other: as a table, as JSON and back, as a chart, as a part of a report.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CONVERGENCE_H
#define ASSAY_CONVERGENCE_H

#include "conformance/learning.h"

#include <jansson.h>
#include <stdio.h>

#define ASSAY_CONVERGENCE_SCHEMA "assay.convergence/1"
#define ASSAY_MOST_PUPILS        32

/* One task, learnt by several. */
typedef struct assay_convergence {
    char task[32], what[128];
    uint64_t seed;
    int32_t updates, test_rows, right, undecided, threads;
    double *loss, *band; /* [updates]; owned */
    assay_pupil pupil[ASSAY_MOST_PUPILS];
    int32_t pupil_count;
} assay_convergence;
void assay_convergence_free(assay_convergence *c); /* a zeroed one is fine */

/* One task as JSON; NULL: no memory. Back: ASSAY_BAD_ARGUMENT and one line in why; the caller frees *out in any case.
 */
json_t *assay_convergence_json(const assay_convergence *c);
assay_status assay_convergence_parse(const json_t *from, const char *where, assay_convergence *out, char *why,
                                     size_t why_size);

void assay_convergence_print(FILE *to, const assay_convergence *c);
/* Two charts each: the losses with their band, and how far each is from the reference's. */
void assay_convergence_draw(FILE *f, const assay_convergence *const *all, int count, int alone);
void assay_convergence_html(FILE *f, const assay_convergence *c);

#endif
