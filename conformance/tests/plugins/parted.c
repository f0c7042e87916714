/* parted.c: an honest implementation that parts from itself in one known way: what does an audit make of that?
 * SPDX-License-Identifier: MIT */
#include "conformance/mutants/around.h"
#include "conformance/mutants/entry.h"

#include <math.h>
#include <string.h>

#define LATE_STEP 3
#define LATE_UNIT 2
#define GATE      1 /* f of an LSTM */

typedef struct parted {
    around base;
    int calls;
} parted;

static int is(const char *what)
{
    return !strcmp(PARTED, what);
}

/* What becomes of y of step t, unit j. */
static double parts(const parted *w, int t, int j, double y)
{
    if (is("late")) return t >= LATE_STEP && j == LATE_UNIT ? 1.001 * y : y;
    if (is("grows")) return (1 + ldexp(1e-4, t)) * y;
    if (is("biased")) return y + 0x1p-26;
    if (is("wanders")) return w->calls % 2 && t == 1 && j == 0 ? (1 + 0x1p-22) * y : y;
    return y;
}

static assay_status run(around *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    parted *w = (parted *)plan;
    const assay_problem *p = &plan->p;
    const int width = assay_output_width(p);
    const assay_status st = assay_honest_entry()->run(plan->honest, pass, args, stream);
    if (st != ASSAY_OK || pass != ASSAY_TRAIN || !args->y) return st;
    for (int t = 0; t < p->t; t++)
        for (int n = 0; n < p->n; n++)
            for (int j = 0; j < width; j++) {
                float *y = (float *)args->y + assay_row_of(p, t, n) * width + j;
                *y = (float)parts(w, t, j, *y);
            }
    w->calls++;
    return st;
}

static assay_status unpack(around *plan, const assay_args *args, assay_stream stream)
{
    const assay_problem *p = &plan->p;
    const assay_status st = assay_honest_entry()->unpack(plan->honest, args, stream);
    float *dr = args->dparam[assay_param_rnn(p, 0, 0, ASSAY_R)];
    for (int k = 0; st == ASSAY_OK && is("gate") && dr && k < p->h * p->h; k++)
        dr[GATE * p->h * p->h + k] *= 1.001f;
    return st;
}

static const assay_impl *honest(void)
{
    return assay_honest_entry();
}

const around_layer around_mine = {
    .honest = honest, .name = "parted-" PARTED, .plan_bytes = sizeof(parted), .run = run, .unpack = unpack};

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    return around_entry();
}
