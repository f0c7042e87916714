/* stack.c: recurrent layers of `cpu`.
 * SPDX-License-Identifier: MIT */
#include "impl/common/host/host.h"
#include "impl/common/host/vecmath.h"
#include "impl/cpu/cpu.h"

#include "impl/common/stack/cells.inc"
#include "impl/common/stack/lane.inc"
#include "impl/common/stack/between.inc"
#include "impl/cpu/products.inc"
#include "impl/cpu/product.inc"
#include "impl/common/stack/forward.inc"
#include "impl/common/stack/backward.inc"
#include "impl/common/stack/merge.inc"
#include "impl/common/stack/run.inc"

const stack_ops cpu_ops = {.describe = describe, .run = run};
