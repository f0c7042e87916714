/* case_row.h: what a row of cases/ means: the problem that it describes and the data that go with it.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CASE_ROW_H
#define ASSAY_CASE_ROW_H

#include "conformance/case.h"

/* The row as a case; it must outlive the case. */
void assay_row_case(const assay_case_row *r, assay_case *out);

#endif
