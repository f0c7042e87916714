/* changes.h: comparisons as a table on the terminal.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CHANGES_H
#define ASSAY_CHANGES_H

#include "perf/compare.h"

/* On stdout: a row for each comparison, then how many of each verdict, and how many records on either side have no
 * partner. named: each row has the implementations of both sides, else that of the first. before, after: what the last
 * line calls the sides. */
void assay_changes_print(const assay_comparisons *c, int named, const char *before, const char *after);

#endif
