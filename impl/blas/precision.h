/* precision.h: names and products of `blas` in the real type of the including file.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_BLAS_PRECISION_H
#define ASSAY_BLAS_PRECISION_H

#include "impl/common/host/precision.h"

#include <cblas.h>

#ifdef HOST_F64
#define BLAS(name) blas_##name##_f64
#define GEMM       cblas_dgemm
#else
#define BLAS(name) blas_##name##_f32
#define GEMM       cblas_sgemm
#endif

#endif
