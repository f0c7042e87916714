/* around.c: plan, pack, run and unpack of a wrapper: its own where it has one, else the honest implementation's.
 * SPDX-License-Identifier: MIT */
#include "conformance/mutants/around.h"

#include <stdlib.h>

static void plan_free(assay_plan *plan)
{
    around *w = (around *)plan;
    if (!w) return;
    if (around_mine.gone) around_mine.gone(w);
    around_mine.honest()->plan_free(w->honest);
    free(w);
}

static assay_status plan_make(assay_ctx *ctx, const assay_problem *p, assay_plan **out, assay_sizes *sizes)
{
    around *w = calloc(1, around_mine.plan_bytes);
    if (!w) return ASSAY_NO_MEMORY;
    assay_status st = around_mine.honest()->plan(ctx, p, &w->honest, sizes);
    if (st != ASSAY_OK) {
        free(w);
        return st;
    }
    w->p = *p;
    w->sizes = *sizes;
    if (around_mine.made) st = around_mine.made(w, sizes);
    w->sizes = *sizes;
    if (st == ASSAY_OK)
        *out = (assay_plan *)w;
    else
        plan_free((assay_plan *)w);
    return st;
}

static assay_status pack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    around *w = (around *)plan;
    if (around_mine.pack) return around_mine.pack(w, args, stream);
    return around_mine.honest()->pack(w->honest, args, stream);
}

static assay_status run(assay_plan *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    around *w = (around *)plan;
    if (around_mine.run) return around_mine.run(w, pass, args, stream);
    return around_mine.honest()->run(w->honest, pass, args, stream);
}

static assay_status unpack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    around *w = (around *)plan;
    if (around_mine.unpack) return around_mine.unpack(w, args, stream);
    return around_mine.honest()->unpack(w->honest, args, stream);
}

const assay_impl *around_entry(void)
{
    static assay_impl self;
    self = *around_mine.honest();
    self.name = around_mine.name;
    if (around_mine.open) self.open = around_mine.open;
    if (around_mine.supports) self.supports = around_mine.supports;
    self.plan = plan_make;
    self.plan_free = plan_free;
    self.pack = pack;
    self.run = run;
    self.unpack = unpack;
    return &self;
}
