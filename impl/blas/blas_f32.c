/* blas_f32.c: `blas` in float.
 * SPDX-License-Identifier: MIT */
#include "impl/blas/blas.h"
#include "impl/blas/precision.h"
#include "impl/common/host/host.h"
#include "impl/common/host/vecmath.h"

#include "impl/common/stack/cells.inc"
#include "impl/common/stack/lane.inc"
#include "impl/common/stack/between.inc"
#include "impl/blas/product.inc"
#include "impl/blas/products.inc"
#include "impl/common/stack/forward.inc"
#include "impl/common/stack/backward.inc"
#include "impl/common/stack/merge.inc"
#include "impl/common/stack/run.inc"

const stack_ops BLAS(ops) = {.describe = describe, .run = run};
