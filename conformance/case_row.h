/* case_row.h: what a row of cases/ means: the problem that it describes and the data that go with it.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CASE_ROW_H
#define ASSAY_CASE_ROW_H

#include "conformance/case.h"

/* Frames, and labels of a CTC string, of sample n. */
int32_t assay_row_length(const assay_case_row *r, int32_t n);
int32_t assay_row_label_length(const assay_case_row *r, int32_t n);

/* The problem of a row, its dialect looked up by name, or given (NULL: all 0). */
void assay_row_problem(const assay_case_row *r, assay_problem *out);
void assay_row_problem_of(const assay_case_row *r, const assay_dialect *d, assay_problem *out);

/* The row as a case; it must outlive the case. */
void assay_row_case(const assay_case_row *r, assay_case *out);

/* assay_case.fill of such a case. */
assay_status assay_row_fill(const assay_case *c, uint64_t seed, int state, assay_values *out, int64_t *step);

#endif
