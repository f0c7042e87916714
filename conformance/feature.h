/* feature.h: what a problem uses, as a set: whoever passes cases without a feature has proved nothing about problems
 * that use it. SPDX-License-Identifier: MIT */
#ifndef ASSAY_FEATURE_H
#define ASSAY_FEATURE_H

#include "reference/problem.h"

#include <stdint.h>

typedef enum assay_feature {
#define FEATURE(id, text, used) ASSAY_FEATURE_##id,
#include "conformance/features.inc"
#undef FEATURE
    ASSAY_FEATURES
} assay_feature;

#define ASSAY_FEATURE_BIT(id) (UINT64_C(1) << ASSAY_FEATURE_##id)

/* Bit k: p uses feature k. ragged: 1 if some row is shorter than T. */
uint64_t assay_features_of(const assay_problem *p, int ragged);

/* "several layers"; "?" outside the table. */
const char *assay_feature_text(int feature);
/* The feature of that text, or -1. */
int assay_feature_by_text(const char *text);

/* The texts of a set, with commas between them; "nothing else" for none. Returns buffer. */
const char *assay_features_print(uint64_t features, char *buffer, size_t size);

#endif
