/* floor_validate.h: do the faster methods find the floors that rounding every operation finds? docs/tolerance.md 4.
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
    double operation, other; /* phi by either method, at these data; ratio = other / operation */
    double ratio;
    int counts; /* 1: gated, neither zero nor beyond its bound */
} assay_floor_ratio;

/* Floors of every output and gradient of a small case (at most ASSAY_FLOOR_MACS) by rounding every operation and by
 * `method`, ASSAY_FLOOR_BLOCK or ASSAY_FLOOR_ROUNDED. ratios has room for ASSAY_TENSORS; *count of them are filled.
 * ASSAY_NO_MEMORY, ASSAY_UNSUPPORTED (no oracle in this arithmetic, by this method). Main thread. */
assay_status assay_floor_validate(const assay_case *c, const assay_arithmetic_row *a, uint64_t seed, int method,
                                  assay_floor_ratio *ratios, int *count);

#endif
