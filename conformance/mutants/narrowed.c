/* narrowed.c: blas, but what it is asked to compute in fp64 it reads through fp32: only data with all of a double's
 * bits can tell. SPDX-License-Identifier: MIT */
#include "conformance/mutants/around.h"

#include <stdlib.h>

const assay_impl *assay_blas_entry(void);

/* What the harness gets as a plan. */
typedef struct narrowed {
    around base;
    int64_t count; /* elements of x */
    double *x;
} narrowed;

static int64_t count_of(const assay_problem *p)
{
    const int stack = p->op == ASSAY_OP_RNN || p->op == ASSAY_OP_NETWORK;
    return p->arithmetic == ASSAY_FP64 ? (int64_t)p->t * p->n * (stack ? p->i : p->classes) : 0;
}

static assay_status made(around *plan, assay_sizes *sizes)
{
    narrowed *w = (narrowed *)plan;
    (void)sizes;
    w->count = count_of(&plan->p);
    w->x = calloc((size_t)w->count + 1, sizeof *w->x);
    return w->x ? ASSAY_OK : ASSAY_NO_MEMORY;
}

static void gone(around *plan)
{
    free(((narrowed *)plan)->x);
}

static assay_status run(around *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    narrowed *w = (narrowed *)plan;
    assay_args changed = *args;
    const double *x = args->x;
    for (int64_t i = 0; x && i < w->count; i++)
        w->x[i] = (float)x[i]; /* the defect */
    if (x && w->count) changed.x = w->x;
    return assay_blas_entry()->run(plan->honest, pass, &changed, stream);
}

const around_layer around_mine = {assay_blas_entry, MUTANT_NAME,  sizeof(narrowed),
                                  .made = made,     .gone = gone, .run = run};

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    return around_entry();
}
