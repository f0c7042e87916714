/* floor_rounded.h: floors of narrow formats at documented shapes, where neither the build that rounds every operation
 * nor block noise serves. docs/tolerance.md 4. SPDX-License-Identifier: MIT */
#ifndef ASSAY_FLOOR_ROUNDED_H
#define ASSAY_FLOOR_ROUNDED_H

#include "conformance/oracle.h"

/* Truth and floors of *q, the whole batch, by ASSAY_FLOOR_RUNS runs in which every addition of a product or sum is
 * rounded, and every elementwise result (reference/rounded); forced flips beside them up to ASSAY_FLOOR_MACS. *out is
 * made here; the caller frees it. ASSAY_NO_MEMORY; ASSAY_UNSUPPORTED where such runs are not what
 * assay_oracle_floor() measures at small sizes: stores or sums that are not fp32, truncating or opaque arithmetic.
 * About 0.2 ns a multiply-add, run and core. Main thread. */
assay_status assay_floor_rounded(const assay_question *q, assay_oracle *out);

#endif
