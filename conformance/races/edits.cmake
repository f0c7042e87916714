# edits.cmake: meetings of threads, left out one at a time: edit(NAME FILE TEXT-BEFORE TEXT-AFTER), as in ../mutants/edits.cmake.
# SPDX-License-Identifier: MIT
set(lane impl/common/stack/lane.inc)
set(forward impl/common/stack/forward.inc)
set(backward impl/common/stack/backward.inc)
set(run impl/common/stack/run.inc)
set(products impl/cpu/products.inc)

edit(gathered-too-early ${lane} [=[meet(a); /* who has arrived at a step may still]=] [=[/* who has arrived at a step may still]=])
edit(gathered-unseen ${lane} [=[    meet(a);
    return (matrix){a->x, width};]=] [=[    return (matrix){a->x, width};]=])
edit(state-unseen ${forward} [=[if (panel == a->panel_lo) wait_for_all(a, pass);]=] [=[]=])
edit(reset-state-unseen ${forward} [=[    if (resets_before(a)) {
        meet(a);]=] [=[    if (resets_before(a)) {]=])
edit(projected-unseen ${forward} [=[meet(a); /* all that is projected is there */]=] [=[]=])
edit(gradient-of-projected-unseen ${backward} [=[    meet(a);
    project_back(]=] [=[    project_back(]=])
edit(chunk-overwritten ${backward} [=[meet(a); /* da is free for the next chunk */]=] [=[]=])
edit(turned-unseen ${products} [=[turn_left(a, (matrix){a->e, a->sp}, s, rows, reset);
    meet(a);]=] [=[turn_left(a, (matrix){a->e, a->sp}, s, rows, reset);]=])
edit(turned-too-early ${products} [=[meet(a); /* the scratch is free */]=] [=[]=])
edit(parts-unseen ${products} [=[if (!alone) meet(a);]=] [=[]=])
edit(below-unseen ${run} [=[        if (p->directions == 2 || between) assay_host_team_barrier(plan->ctx->team);
        if (!between) continue;]=] [=[        if (!between) continue;]=])
edit(prepared-unseen ${run} [=[    prepare_back(plan, job->args, rank, size);
    assay_host_team_barrier(plan->ctx->team);]=] [=[    prepare_back(plan, job->args, rank, size);]=])
edit(slices-unseen ${run} [=[    assay_host_team_barrier(plan->ctx->team);
    assay_host_share(plan->recurrent, 16,]=] [=[    assay_host_share(plan->recurrent, 16,]=])
