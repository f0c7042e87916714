/* blas.h: what the parts of `blas` share.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_BLAS_BLAS_H
#define ASSAY_BLAS_BLAS_H

#include "impl/common/stack/stack.h"

typedef struct blas_library {
    int blocked; /* 1: it has kernels that do not pack small products */
} blas_library;

extern const stack_ops blas_ops_f32, blas_ops_f64;

#endif
