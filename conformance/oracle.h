/* oracle.h: the truth of one computation and the floor of each of its tensors, measured, and cached on disk by content.
 * SPDX-License-Identifier: MIT
 *
 * docs/tolerance.md 3.2, 3.3, 4. The oracle is the reference with operands and stores rounded as declared. The floor is
 * the worst error of ASSAY_FLOOR_RUNS runs of the same sources in which every operation is rounded at random: per
 * operation up to ASSAY_FLOOR_MACS multiply-adds, above that as noise after each product, on 4 samples of the batch or
 * on as many as stay cheap. */
#ifndef ASSAY_ORACLE_H
#define ASSAY_ORACLE_H

#include "conformance/arithmetic.h"
#include "conformance/compare.h"
#include "conformance/values.h"

#include <stdint.h>

#define ASSAY_FLOOR_RUNS 16 /* of each kind of rounding: floor_runs.h */
#define ASSAY_FLOOR_MACS 3e6

typedef enum assay_floor_method {
    ASSAY_FLOOR_OPERATION,
    ASSAY_FLOOR_BLOCK,
    ASSAY_FLOOR_STORED,
    ASSAY_FLOOR_ROUNDED /* floor_rounded.h */
} assay_floor_method;

typedef struct assay_oracle {
    assay_values truth; /* the wanted tensors; owned */
    assay_floor floor[ASSAY_TENSORS];
    int32_t method, runs;  /* assay_floor_method */
    double activation_ulp; /* of a stored floor: that it was measured with, as declared or less; else 0 */
    double macs;           /* of the computation, forward and backward */
    double seconds_truth, seconds_floor;
    int from_cache;
} assay_oracle;

/* What is to be computed: everything there in `given`, the wanted tensors by role. */
typedef struct assay_question {
    const assay_problem *p;
    const assay_values *given; /* quantised already (values.h) */
    int64_t step;
    unsigned wanted; /* roles; FORWARD and GRADIENT only */
    const assay_arithmetic *declared;
    uint64_t seed;     /* of the floor's roundings: any fixed number */
    const char *cache; /* folder, or NULL */
} assay_question;

/* Answers. *out is made here; the caller frees it. ASSAY_NO_MEMORY, or ASSAY_UNSUPPORTED where this arithmetic has no
 * oracle at this size (above ASSAY_FLOOR_MACS: assay_arithmetic_has_block). Uses all cores; main thread. */
assay_status assay_oracle_make(const assay_question *q, assay_oracle *out);

/* Truth alone, floors alone (same rules; out->truth resp. out->floor is left zero). */
assay_status assay_oracle_truth(const assay_question *q, assay_oracle *out);
assay_status assay_oracle_floor(const assay_question *q, assay_oracle *out);

/* Floors by block noise at any size: to validate that method against the other (docs/tolerance.md 4). */
assay_status assay_oracle_floor_by_block(const assay_question *q, assay_oracle *out);

/* The optimizer's step from given param, m, v and the gradients in `grads`: truth of the UPDATED tensors, their floors.
 */
assay_status assay_oracle_update(const assay_question *q, const assay_values *grads, assay_oracle *out);

void assay_oracle_free(assay_oracle *o); /* an empty one is fine */

#endif
