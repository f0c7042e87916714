/* fragile.c: an honest implementation that dies in one case and hangs in another: what happens to the rest of a run?
 * SPDX-License-Identifier: MIT */
#include "conformance/mutants/entry.h"

#include <signal.h>
#include <unistd.h>

/* Rows of conformance/cases/rnn.inc: 7 samples of 3 steps; 5 samples of 7 steps in one direction. */
static assay_status plan_make(assay_ctx *ctx, const assay_problem *p, assay_plan **out, assay_sizes *sizes)
{
    if (p->op == ASSAY_OP_RNN && p->n == 7 && p->t == 3) raise(SIGILL);
    while (p->op == ASSAY_OP_RNN && p->n == 5 && p->t == 7 && p->directions == 1)
        usleep(1000);
    return assay_honest_entry()->plan(ctx, p, out, sizes);
}

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    static assay_impl self;
    self = *assay_honest_entry();
    self.name = "fragile";
    self.plan = plan_make;
    return &self;
}
