/* rounded.h: the reference in the noise build, with products and sums that are really rounded at each of their terms.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_ROUNDED_H
#define ASSAY_ROUNDED_H

#include "reference/problem.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As those of ../reference.h, under the context of assay_rounding_noise(), on the calling thread alone. batch_scale
 * changes nothing: what is computed is the whole. Meant for operands of at most 16 significant bits together, whose
 * product is exact. */
assay_status assay_ref_evaluate_rounded(const assay_problem *p, void *const at[ASSAY_TENSORS], int64_t step);
assay_status assay_ref_update_rounded(const assay_problem *p, void *const at[ASSAY_TENSORS], int64_t step);

#ifdef __cplusplus
}
#endif
#endif
