/* picky.c: an honest implementation that is asked for easy cases only: it refuses what has several layers, and the very
 * shapes of ragged cases, which it knows. SPDX-License-Identifier: MIT */
#include "conformance/mutants/entry.h"

static int is_hard(const assay_problem *p)
{
    /* Rows of conformance/cases/rnn.inc and network.inc whose samples have lengths of their own. */
    static const int32_t ragged[][2] = {{7, 5}, {6, 4}, {5, 3}, {9, 3}};
    for (size_t k = 0; k < sizeof ragged / sizeof *ragged; k++)
        if (p->op == ASSAY_OP_RNN && p->t == ragged[k][0] && p->n == ragged[k][1] && p->i == 3) return 1;
    return p->layers > 1;
}

static assay_status supports(assay_ctx *ctx, const assay_problem *p, assay_arithmetic *declared, const char **why)
{
    *why = "this one is hard";
    return is_hard(p) ? ASSAY_UNSUPPORTED : assay_honest_entry()->supports(ctx, p, declared, why);
}

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    static assay_impl self;
    self = *assay_honest_entry();
    self.name = "picky";
    self.supports = supports;
    return &self;
}
