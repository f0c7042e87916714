/* narrowed.c: blas, but what it is asked to compute in fp64 it reads through fp32: only data with all of a double's
 * bits can tell. SPDX-License-Identifier: MIT */
#include "impl/impl.h"

#include <stdlib.h>

const assay_impl *assay_blas_entry(void);

/* What the harness gets as a plan. */
typedef struct narrowed {
    assay_plan *honest;
    int64_t count; /* elements of x */
    double x[];
} narrowed;

static int64_t count_of(const assay_problem *p)
{
    const int stack = p->op == ASSAY_OP_RNN || p->op == ASSAY_OP_NETWORK;
    return p->arithmetic == ASSAY_FP64 ? (int64_t)p->t * p->n * (stack ? p->i : p->classes) : 0;
}

static assay_status plan_make(assay_ctx *ctx, const assay_problem *p, assay_plan **out, assay_sizes *sizes)
{
    const int64_t count = count_of(p);
    narrowed *w = calloc(1, sizeof *w + (size_t)count * sizeof *w->x);
    if (!w) return ASSAY_NO_MEMORY;
    w->count = count;
    const assay_status st = assay_blas_entry()->plan(ctx, p, &w->honest, sizes);
    if (st == ASSAY_OK)
        *out = (assay_plan *)w;
    else
        free(w);
    return st;
}

static void plan_free(assay_plan *plan)
{
    narrowed *w = (narrowed *)plan;
    if (w) assay_blas_entry()->plan_free(w->honest);
    free(w);
}

static assay_status pack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    return assay_blas_entry()->pack(((narrowed *)plan)->honest, args, stream);
}

static assay_status unpack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    return assay_blas_entry()->unpack(((narrowed *)plan)->honest, args, stream);
}

static assay_status run(assay_plan *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    narrowed *w = (narrowed *)plan;
    assay_args changed = *args;
    const double *x = args->x;
    for (int64_t i = 0; x && i < w->count; i++)
        w->x[i] = (float)x[i]; /* the defect */
    if (x && w->count) changed.x = w->x;
    return assay_blas_entry()->run(w->honest, pass, &changed, stream);
}

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    static assay_impl self;
    self = *assay_blas_entry();
    self.name = MUTANT_NAME;
    self.plan = plan_make;
    self.plan_free = plan_free;
    self.pack = pack;
    self.run = run;
    self.unpack = unpack;
    return &self;
}
