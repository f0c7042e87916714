/* reference.h: the ground truth as one call: every op, forward, every gradient, the optimizer step.
 * SPDX-License-Identifier: MIT
 *
 * at[id] is the tensor with that id (tensors.h) or NULL: a given one that is absent, or one that isn't wanted.
 * Integers are int32_t; reals are double for _f64, _sr and _noise, _Float128 for _f128, assay_dual for
 * _dual. The caller owns all of them;
 * working memory is allocated and freed inside. p and the integers must have passed assay_problem_check() and
 * assay_integers_check(). Everything that is there among the outputs is written, overwriting.
 * network: dloss is 1. `step` = optimizer updates made before this one.
 * Any thread; _f64 uses OpenMP inside, and so does _noise, whose context is the calling thread's (rounding.h); _sr,
 * _f128 and _dual stay on the calling thread. Returns ASSAY_OK, ASSAY_NO_MEMORY or ASSAY_BAD_ARGUMENT (a needed tensor
 * is NULL).
 */
#ifndef ASSAY_REFERENCE_H
#define ASSAY_REFERENCE_H

#include "reference/problem.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A value and its derivative along the direction that the given tensors carry. */
typedef struct assay_dual {
    double value, derivative;
} assay_dual;

assay_status assay_ref_evaluate_f64(const assay_problem *p, void *const at[ASSAY_TENSORS], int64_t step);
assay_status assay_ref_evaluate_f128(const assay_problem *p, void *const at[ASSAY_TENSORS], int64_t step);
assay_status assay_ref_evaluate_sr(const assay_problem *p, void *const at[ASSAY_TENSORS], int64_t step);
assay_status assay_ref_evaluate_noise(const assay_problem *p, void *const at[ASSAY_TENSORS], int64_t step);
assay_status assay_ref_evaluate_dual(const assay_problem *p, void *const at[ASSAY_TENSORS], int64_t step);

/* Only the optimizer: reads param, m, v and, as given, dparam; writes param_1, m_1, v_1. */
assay_status assay_ref_update_f64(const assay_problem *p, void *const at[ASSAY_TENSORS], int64_t step);
assay_status assay_ref_update_f128(const assay_problem *p, void *const at[ASSAY_TENSORS], int64_t step);
assay_status assay_ref_update_sr(const assay_problem *p, void *const at[ASSAY_TENSORS], int64_t step);
assay_status assay_ref_update_noise(const assay_problem *p, void *const at[ASSAY_TENSORS], int64_t step);

#ifdef __cplusplus
}
#endif
#endif
