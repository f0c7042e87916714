/* floor_validate.h: does block noise find the floors that rounding every operation finds? docs/tolerance.md 4.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_FLOOR_VALIDATE_H
#define ASSAY_FLOOR_VALIDATE_H

#include "conformance/arithmetic.h"
#include "conformance/case.h"

/* Beyond this factor, either way, the model is wrong for a tensor. */
#define ASSAY_BLOCK_FACTOR 2.0

typedef struct assay_floor_ratio {
    int id; /* of the tensor */
    char tensor[32];
    double operation, block; /* phi by either method, at these data; ratio = block / operation */
    double ratio;
    int counts; /* 1: gated, neither zero nor beyond its bound */
} assay_floor_ratio;

/* Both floors of every output and gradient of a small case (at most ASSAY_FLOOR_MACS). ratios has room for
 * ASSAY_TENSORS; *count of them are filled. ASSAY_NO_MEMORY, ASSAY_UNSUPPORTED (no oracle in this arithmetic). Main
 * thread. */
assay_status assay_floor_validate(const assay_case *c, const assay_arithmetic_row *a, uint64_t seed,
                                  assay_floor_ratio *ratios, int *count);

#endif
