/* blas_f64.c: `blas` in double.
 * SPDX-License-Identifier: MIT */
#define HOST_F64
#include "impl/blas/blas.h"
#include "impl/blas/precision.h"
#include "impl/common/host/host.h"
#include "impl/common/host/vecmath.h"

#include "impl/blas/cells.inc"
#include "impl/blas/product.inc"
#include "impl/blas/lane.inc"
#include "impl/blas/forward.inc"
#include "impl/blas/backward.inc"
#include "impl/blas/run.inc"
