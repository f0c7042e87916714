/* plan.c: plans of recurrent stacks: how much is kept of a unit, how the work is cut.
 * SPDX-License-Identifier: MIT */
#include "impl/common/stack/stack.h"

#include <stdlib.h>

/* Gates of which gradients need more than the gates: a GRU that resets after the product keeps that, too. */
static int gates_kept(const assay_dialect *d)
{
    return d->cell == ASSAY_GRU && d->gru_reset != ASSAY_RESET_BEFORE ? 4 : assay_gates(d->cell);
}

int stack_slices_wanted(const assay_problem *p, int threads, int least)
{
    const int most = (p->n + least - 1) / least, each = threads / (p->directions > 1 ? 2 : 1);
    int count = each < most ? each : most;
    if (count > STACK_MAX_SLICES) count = STACK_MAX_SLICES;
    return count > 0 ? count : 1;
}

assay_status stack_plan_make(assay_ctx *ctx, const assay_problem *p, const stack_shape *shape,
                             const assay_host_layout *params, const stack_ops *ops, assay_plan **out,
                             assay_sizes *sizes)
{
    assay_plan *plan = calloc(1, sizeof *plan);
    if (!plan) return ASSAY_NO_MEMORY;
    const int panels = shape->units ? (p->h + shape->units - 1) / shape->units : 0;
    *plan = (assay_plan){
        .ctx = ctx,
        .ops = ops,
        .p = *p,
        .params = *params,
        .width = gates_kept(&p->dialect),
        .units = shape->units,
        .panels = panels,
        .grain = shape->grain,
        .padded_state = p->proj ? (p->proj + shape->grain - 1) / shape->grain * shape->grain : panels * shape->units,
        .parts = shape->parts,
        .recurrent = p->op == ASSAY_OP_NETWORK ? params->offset[assay_param_head(p, ASSAY_EMBEDDING)] : params->total};
    if (assay_param_count(p) && stack_slices_open(p, shape->slices, &plan->slices) != ASSAY_OK) {
        stack_plan_free(plan);
        return ASSAY_NO_MEMORY;
    }
    ops->describe(plan);
    const uint64_t block = params->total * params->element;
    *sizes = (assay_sizes){.packed = block * (1 + params->moments),
                           .grads = block,
                           .workspace = plan->workspace,
                           .reserve = plan->kept.end};
    *out = plan;
    return ASSAY_OK;
}

void stack_plan_free(assay_plan *plan)
{
    if (!plan) return;
    stack_slices_close(&plan->slices);
    free(plan);
}
