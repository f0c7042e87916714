/* silent.c: an honest implementation that refuses some problems without a word: in fp64, CTC, GRUs that reset before
 * the product, and two directions that are summed. SPDX-License-Identifier: MIT */
#include "conformance/mutants/entry.h"

static int refuses(const assay_problem *p)
{
    const assay_dialect *d = &p->dialect;
    const int stack = p->op == ASSAY_OP_RNN || p->op == ASSAY_OP_NETWORK;
    if (p->arithmetic == ASSAY_FP64 || p->op == ASSAY_OP_CTC) return 1;
    if (stack && d->cell == ASSAY_GRU && d->gru_reset == ASSAY_RESET_BEFORE) return 1;
    return stack && p->directions == 2 && d->merge == ASSAY_MERGE_SUM;
}

static assay_status supports(assay_ctx *ctx, const assay_problem *p, assay_arithmetic *declared, const char **why)
{
    return refuses(p) ? ASSAY_UNSUPPORTED : assay_honest_entry()->supports(ctx, p, declared, why);
}

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    static assay_impl self;
    self = *assay_honest_entry();
    self.name = "silent";
    self.supports = supports;
    return &self;
}
