/* host_f64.c: the shared host code in double.
 * SPDX-License-Identifier: MIT */
#define HOST_F64
#include "impl/common/host/host.h"
#include "impl/common/host/layout.h"
#include "impl/common/host/vecmath.h"

#include "impl/common/host/sum.inc"
#include "impl/common/host/xent.inc"
#include "impl/common/host/ctc_sums.inc"
#include "impl/common/host/ctc_one.inc"
#include "impl/common/host/ctc.inc"
#include "impl/common/host/loss.inc"
#include "impl/common/host/linear.inc"
#include "impl/common/host/optimizer.inc"
#include "impl/common/host/passes.inc"
