/* stack_bf16.c: recurrent layers of `cpu` whose products take operands in bf16.
 * SPDX-License-Identifier: MIT */
#include "impl/common/host/host.h"
#include "impl/common/host/vecmath.h"
#include "impl/cpu/cpu.h"
#include "impl/cpu/kernel_bf16.h"

#include "impl/common/stack/cells.inc"
#include "impl/common/stack/lane.inc"
#include "impl/common/stack/between.inc"
#include "impl/cpu/scratch_bf16.inc"
#include "impl/cpu/products_bf16.inc"
#include "impl/cpu/product_bf16.inc"
#include "impl/common/stack/forward.inc"
#include "impl/common/stack/backward.inc"
#include "impl/common/stack/merge.inc"
#include "impl/common/stack/run.inc"

const stack_ops cpu_ops_bf16 = {.describe = describe, .run = run};
