/* smallest.h: first failures of a run, and the smallest cases on which they still show.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CLI_SMALLEST_H
#define ASSAY_CLI_SMALLEST_H

#include "conformance/suite.h"

#include <jansson.h>

#define ASSAY_SMALLEST_MOST 16

/* The first FAIL of each implementation and check. */
typedef struct assay_smallest {
    struct {
        char plugin[512], case_id[96], check[32];
        int arithmetic;
        uint64_t seed;
    } first[ASSAY_SMALLEST_MOST];
    int count;
    json_t *all; /* what was found; owned */
} assay_smallest;

void assay_smallest_note(assay_smallest *s, const assay_result *r);

/* Makes each of them smaller, for `seconds` in all, prints what was found, and keeps it in s->all. */
void assay_smallest_find(assay_smallest *s, const assay_suite_options *base, double seconds);
void assay_smallest_free(assay_smallest *s);

#endif
