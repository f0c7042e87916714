/* spread.h: how far apart devices lie that should be equal: one row, measured on several nodes of one kind.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_SPREAD_H
#define ASSAY_SPREAD_H

#include "perf/record.h"

#include <stdio.h>

/* A training step (or, of what has none, inference) of one implementation, arithmetic and commit, on nodes whose
 * processor, cores and device have the same names. */
typedef struct assay_spread {
    const assay_record *fastest, *slowest; /* by their medians */
    int32_t nodes;                         /* two at least */
    double apart;                          /* slowest / fastest - 1 */
    const assay_record *unfit;             /* one whose rate drifted or whose threads waited, or NULL */
} assay_spread;

typedef struct assay_spreads {
    assay_spread *at;
    int32_t count;
} assay_spreads;

/* Pointers into `list`, which must stay. The caller frees *out. */
assay_status assay_spreads_make(const assay_records *list, assay_spreads *out);
void assay_spreads_free(assay_spreads *s);

/* One line, without its end: row, device, nodes, both ends, and what the calibrations of the two were. */
void assay_spread_print(FILE *f, const assay_spread *s);

#endif
