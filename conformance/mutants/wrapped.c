/* wrapped.c: mutants whose fault lies around an honest call: before it, after it, or in the sizes that the plan states.
 * SPDX-License-Identifier: MIT */
#include "conformance/mutants/entry.h"

#include <stdlib.h>
#include <string.h>

/* What the harness gets as a plan. */
typedef struct wrapped {
    assay_plan *honest;
    assay_problem p;
    const void *last_x, *last_y; /* of the call before */
    float *state;                /* (L*D, N, H) left from the call before, or NULL */
} wrapped;

typedef struct fault {
    const char *name;
    void (*sizes)(const wrapped *w, assay_sizes *sizes);
    int (*before)(wrapped *w, assay_pass pass, assay_args *args); /* may change args; 1: the honest call is left out */
    void (*after)(wrapped *w, assay_pass pass, const assay_args *args);
} fault;

static int is_forward(assay_pass pass)
{
    return pass == ASSAY_INFER || pass == ASSAY_TRAIN;
}

static int64_t y_count(const wrapped *w)
{
    return (int64_t)w->p.t * w->p.n * w->p.directions * w->p.h;
}

/* ---- the faults ---- */

static void write_past_y(wrapped *w, assay_pass pass, const assay_args *args)
{
    if (is_forward(pass) && args->y) ((float *)args->y)[y_count(w)] = 0; /* the defect: one element too far */
}

static void zero_x(wrapped *w, assay_pass pass, const assay_args *args)
{
    if (is_forward(pass) && args->x && w->p.t * w->p.n > 0) memset((void *)args->x, 0, sizeof(float)); /* the defect */
}

static void small_workspace(const wrapped *w, assay_sizes *sizes)
{
    (void)w;
    if (sizes->workspace >= 64) sizes->workspace -= 64; /* the defect: the plan uses all of what it stated before */
}

static void leak(wrapped *w, assay_pass pass, const assay_args *args)
{
    (void)pass, (void)args;
    w->last_x = malloc(4096); /* the defect: every call, and it is lost */
}

/* Results of the call before are taken for those of this one, since the buffers are the same. */
static int stale(wrapped *w, assay_pass pass, assay_args *args)
{
    const int same = is_forward(pass) && args->x == w->last_x && args->y == w->last_y && args->x;
    if (is_forward(pass)) w->last_x = args->x, w->last_y = args->y;
    return same && pass == ASSAY_INFER; /* the defect */
}

static void one_in_a_hundred(wrapped *w, assay_pass pass, const assay_args *args)
{
    float *y = args->y;
    for (int64_t i = 7; is_forward(pass) && y && i < y_count(w); i += 100)
        y[i] *= 1.01f; /* the defect: a share of the elements that a quantile does not see */
}

static void zeros(wrapped *w, assay_pass pass, const assay_args *args)
{
    if (is_forward(pass) && args->y) memset(args->y, 0, y_count(w) * sizeof(float)); /* the defect */
}

/* Where no initial state is given, the final one of the call before is used. */
static int carry_state(wrapped *w, assay_pass pass, assay_args *args)
{
    if (is_forward(pass) && !args->h0 && w->state) args->h0 = w->state; /* the defect */
    return 0;
}

static void keep_state(wrapped *w, assay_pass pass, const assay_args *args)
{
    const size_t bytes = (size_t)w->p.layers * w->p.directions * w->p.n * w->p.h * sizeof(float);
    if (!is_forward(pass) || !args->hn || bytes == 0) return;
    if (!w->state) w->state = malloc(bytes);
    if (w->state) memcpy(w->state, args->hn, bytes);
}

static int ignore_state(wrapped *w, assay_pass pass, assay_args *args)
{
    (void)w;
    if (pass == ASSAY_INFER) args->h0 = NULL; /* the defect */
    return 0;
}

static void flush_subnormals(wrapped *w, assay_pass pass, const assay_args *args)
{
    (void)w, (void)pass, (void)args;
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040); /* the defect: FTZ and DAZ, and nobody restores them */
#endif
}

static int full_rows(wrapped *w, assay_pass pass, assay_args *args)
{
    (void)w;
    if (pass == ASSAY_BACKWARD) args->lens = NULL; /* the defect: backward takes every row as T steps long */
    return 0;
}

static const fault faults[] = {
    {"write-past-y", NULL, NULL, write_past_y},
    {"inputs-zeroed", NULL, NULL, zero_x},
    {"workspace-short", small_workspace, NULL, NULL},
    {"allocates", NULL, NULL, leak},
    {"stale-result", NULL, stale, NULL},
    {"one-percent", NULL, NULL, one_in_a_hundred},
    {"all-zero", NULL, NULL, zeros},
    {"state-carried", NULL, carry_state, keep_state},
    {"state-ignored", NULL, ignore_state, NULL},
    {"leaves-ftz", NULL, NULL, flush_subnormals},
    {"backward-full-rows", NULL, full_rows, NULL},
};

static const fault *mine(void)
{
    const fault *found = NULL;
    for (size_t k = 0; k < sizeof faults / sizeof *faults; k++)
        if (strcmp(faults[k].name, MUTANT_NAME) == 0) found = &faults[k];
    return found;
}

/* ---- the table ---- */

static assay_status plan_make(assay_ctx *ctx, const assay_problem *p, assay_plan **out, assay_sizes *sizes)
{
    wrapped *w = calloc(1, sizeof *w);
    if (!w) return ASSAY_NO_MEMORY;
    w->p = *p;
    const assay_status st = assay_honest_entry()->plan(ctx, p, &w->honest, sizes);
    if (st != ASSAY_OK) {
        free(w);
        return st;
    }
    if (mine()->sizes) mine()->sizes(w, sizes);
    *out = (assay_plan *)w;
    return ASSAY_OK;
}

static void plan_free(assay_plan *plan)
{
    wrapped *w = (wrapped *)plan;
    if (!w) return;
    assay_honest_entry()->plan_free(w->honest);
    free(w->state);
    free(w);
}

static assay_status pack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    return assay_honest_entry()->pack(((wrapped *)plan)->honest, args, stream);
}

static assay_status unpack(assay_plan *plan, const assay_args *args, assay_stream stream)
{
    return assay_honest_entry()->unpack(((wrapped *)plan)->honest, args, stream);
}

static assay_status run(assay_plan *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    wrapped *w = (wrapped *)plan;
    assay_args changed = *args;
    if (mine()->before && mine()->before(w, pass, &changed)) return ASSAY_OK;
    const assay_status st = assay_honest_entry()->run(w->honest, pass, &changed, stream);
    if (st == ASSAY_OK && mine()->after) mine()->after(w, pass, &changed);
    return st;
}

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    static assay_impl self;
    self = *assay_honest_entry();
    self.name = MUTANT_NAME;
    self.plan = plan_make;
    self.plan_free = plan_free;
    self.pack = pack;
    self.run = run;
    self.unpack = unpack;
    return &self;
}
