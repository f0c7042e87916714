/* wrapped.c: mutants whose fault lies around an honest call: before it, after it, or in the sizes that the plan states.
 * SPDX-License-Identifier: MIT */
#include "conformance/mutants/wrapped.h"

#include <stdlib.h>
#include <string.h>

typedef struct fault {
    const char *name;
    void (*sizes)(const wrapped *w, assay_sizes *sizes);
    int (*before)(wrapped *w, assay_pass pass, assay_args *args); /* may change args; 1: the honest call is left out */
    void (*after)(wrapped *w, assay_pass pass, const assay_args *args);
    void (*packed)(wrapped *w, const assay_args *args); /* after pack() */
    int wanders;                                        /* declared as not deterministic */
    double ulp;                                         /* declared of its activations; 0 = as it is */
} fault;

static int is_forward(assay_pass pass)
{
    return pass == ASSAY_INFER || pass == ASSAY_TRAIN;
}

static int64_t y_count(const wrapped *w)
{
    return (int64_t)w->base.p.t * w->base.p.n * w->base.p.directions * w->base.p.h;
}

/* ---- the faults; those of the data are in wrapped_data.c ---- */

static void write_past_y(wrapped *w, assay_pass pass, const assay_args *args)
{
    if (is_forward(pass) && args->y) ((float *)args->y)[y_count(w)] = 0; /* the defect: one element too far */
}

static void zero_x(wrapped *w, assay_pass pass, const assay_args *args)
{
    if (is_forward(pass) && args->x && w->base.p.t * w->base.p.n > 0)
        memset((void *)args->x, 0, sizeof(float)); /* the defect */
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

/* Grows its memory once, after the first request has shown what is needed. */
static void leak_once(wrapped *w, assay_pass pass, const assay_args *args)
{
    (void)pass, (void)args;
    w->calls++;
    if (w->calls > 2 && w->calls <= 4) w->last_x = malloc(4096); /* the defect: the second TRAIN and BACKWARD */
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

/* If NaN were a wildcard, as in a comparison that only asks whether a difference is above a limit. */
static void nothing_but_nan(wrapped *w, assay_pass pass, const assay_args *args)
{
    if (is_forward(pass) && args->y) memset(args->y, 0xFF, y_count(w) * sizeof(float)); /* the defect */
}

/* Where no initial state is given, the final one of the call before is used. */
static int carry_state(wrapped *w, assay_pass pass, assay_args *args)
{
    if (is_forward(pass) && !args->h0 && w->state) args->h0 = w->state; /* the defect */
    return 0;
}

static void keep_state(wrapped *w, assay_pass pass, const assay_args *args)
{
    const size_t bytes = (size_t)w->base.p.layers * w->base.p.directions * w->base.p.n * w->base.p.h * sizeof(float);
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

static size_t state_bytes(const wrapped *w)
{
    return (size_t)w->base.p.layers * w->base.p.directions * w->base.p.n * w->base.p.h * sizeof(float);
}

/* Where gradients are to be added, what is there is taken twice; the new ones go where nobody looks. */
static int double_gradients(wrapped *w, assay_pass pass, assay_args *args)
{
    float *grads = args->grads;
    if (pass != ASSAY_BACKWARD || !args->accumulate) return 0;
    for (size_t i = 0; i < w->base.sizes.grads / sizeof *grads; i++)
        grads[i] *= 2; /* the defect */
    wrapped_keep(&w->grads, NULL, w->base.sizes.grads);
    args->grads = w->grads;
    args->accumulate = 0;
    return 0;
}

/* One backward a forward: a second one gets the answers of the first, whatever its cotangents are. */
static int recall(wrapped *w, assay_pass pass, assay_args *args)
{
    float *grads = args->grads;
    const float *before = w->grads;
    if (pass == ASSAY_TRAIN) w->backwards = 0;
    if (pass != ASSAY_BACKWARD || !w->backwards++) return 0;
    if (args->dx) memcpy(args->dx, w->dx, wrapped_x_bytes(w)); /* the defect, and below */
    if (args->dh0) memcpy(args->dh0, w->dh0, state_bytes(w));
    if (args->dc0) memcpy(args->dc0, w->dc0, state_bytes(w));
    for (size_t i = 0; i < w->base.sizes.grads / sizeof *grads; i++)
        grads[i] = args->accumulate ? grads[i] + before[i] : before[i];
    return 1;
}

static void memoise(wrapped *w, assay_pass pass, const assay_args *args)
{
    if (pass != ASSAY_BACKWARD) return;
    wrapped_keep(&w->grads, args->grads, w->base.sizes.grads);
    wrapped_keep((void **)&w->dx, args->dx, wrapped_x_bytes(w));
    wrapped_keep((void **)&w->dh0, args->dh0, state_bytes(w));
    wrapped_keep((void **)&w->dc0, args->dc0, state_bytes(w));
}

/* A second backward on one reserve makes gradients of parameters only: dx, dh0, dc0 are there from the first. */
static int parameters_only(wrapped *w, assay_pass pass, assay_args *args)
{
    if (pass == ASSAY_TRAIN) w->backwards = 0;
    if (pass == ASSAY_BACKWARD && w->backwards++) args->dx = args->dh0 = args->dc0 = NULL; /* the defect */
    return 0;
}

/* A race that shows only where all is warm: the same call again, outputs and all. */
static void spoil_repeat(wrapped *w, assay_pass pass, const assay_args *args)
{
    if (pass != ASSAY_BACKWARD || !args->x || !args->dy || !args->y || w->base.p.t * w->base.p.n == 0) return;
    const float x = *(const float *)args->x, dy = *(const float *)args->dy;
    if (x == w->seen_x && dy == w->seen_dy) *(float *)args->grads *= 1.01f; /* the defect */
    w->seen_x = x;
    w->seen_dy = dy;
}

static void keep_packed(wrapped *w, const assay_args *args)
{
    wrapped_keep(&w->packed, args->packed, w->base.sizes.packed);
    w->backwards = 0;
}

/* An inference copy of the weights that only pack() renews. */
static int infer_from_copy(wrapped *w, assay_pass pass, assay_args *args)
{
    if (pass == ASSAY_INFER && w->packed) args->packed = w->packed; /* the defect */
    return 0;
}

/* The same in training by passes: UPDATE changes the weights, the panels stay. */
static int train_from_copy(wrapped *w, assay_pass pass, assay_args *args)
{
    if ((pass == ASSAY_TRAIN || pass == ASSAY_BACKWARD) && w->packed) args->packed = w->packed; /* the defect */
    return 0;
}

static void pass_of_step(wrapped *w, assay_pass pass, const assay_args *args)
{
    assay_honest_entry()->run(w->base.honest, pass, args, NULL);
}

/* The same in a whole step. */
static int step_from_copy(wrapped *w, assay_pass pass, assay_args *args)
{
    assay_args stale = *args;
    if (pass != ASSAY_STEP) return 0;
    stale.packed = w->packed; /* the defect */
    stale.accumulate = 0;
    pass_of_step(w, ASSAY_TRAIN, &stale);
    pass_of_step(w, ASSAY_LOSS_PASS, &stale);
    pass_of_step(w, ASSAY_BACKWARD, &stale);
    pass_of_step(w, ASSAY_UPDATE, args);
    return 1;
}

/* Later steps use the gradients of the first. */
static int step_from_first(wrapped *w, assay_pass pass, assay_args *args)
{
    if (pass != ASSAY_STEP) return 0;
    args->accumulate = 0;
    pass_of_step(w, ASSAY_TRAIN, args);
    pass_of_step(w, ASSAY_LOSS_PASS, args);
    pass_of_step(w, ASSAY_BACKWARD, args);
    if (w->backwards++)
        memcpy(args->grads, w->grads, w->base.sizes.grads); /* the defect */
    else
        wrapped_keep(&w->grads, args->grads, w->base.sizes.grads);
    pass_of_step(w, ASSAY_UPDATE, args);
    return 1;
}

/* Updates by the gradients as the last backward made them, before they were added to what was there. */
static int step_by_last(wrapped *w, assay_pass pass, assay_args *args)
{
    const size_t count = w->base.sizes.grads / sizeof(float);
    if (pass == ASSAY_BACKWARD) {
        w->calls = args->accumulate;
        if (args->accumulate) wrapped_keep(&w->grads, args->grads, w->base.sizes.grads);
    }
    if (pass != ASSAY_UPDATE || !w->calls) return 0;
    for (size_t i = 0; i < count; i++)
        ((float *)w->grads)[i] = ((float *)args->grads)[i] - ((float *)w->grads)[i];
    args->grads = w->grads; /* the defect */
    return 0;
}

/* Packing is skipped where the parameters look like those packed before: their first elements are the same. */
static void pack_if_changed(wrapped *w, const assay_args *args)
{
    double sample = 0;
    for (int k = 0; k < assay_param_count(&w->base.p); k++)
        if (args->param[k]) sample = 3 * sample + *(const float *)args->param[k];
    if (w->packed && sample == w->sample)
        memcpy(args->packed, w->packed, w->base.sizes.packed); /* the defect */
    else
        wrapped_keep(&w->packed, args->packed, w->base.sizes.packed);
    w->sample = sample;
}

/* A copy of dy that the fault may change; NULL where there is none. */
static float *own_dy(wrapped *w, assay_pass pass, assay_args *args)
{
    const size_t bytes = (size_t)y_count(w) * sizeof(float);
    if (pass != ASSAY_BACKWARD || !args->dy || w->base.p.y_stride || w->base.p.proj) return NULL;
    wrapped_keep((void **)&w->dy, args->dy, bytes);
    args->dy = w->dy;
    return w->dy;
}

static int clip_gradient(wrapped *w, assay_pass pass, assay_args *args)
{
    float *dy = own_dy(w, pass, args);
    for (int64_t e = 0; dy && e < y_count(w); e++)
        dy[e] = dy[e] > 16 ? 16 : dy[e] < -16 ? -16 : dy[e]; /* the defect */
    return 0;
}

static int drop_small_gradient(wrapped *w, assay_pass pass, assay_args *args)
{
    float *dy = own_dy(w, pass, args);
    for (int64_t e = 0; dy && e < y_count(w); e++)
        dy[e] = dy[e] > 1e-6f || dy[e] < -1e-6f ? dy[e] : 0; /* the defect */
    return 0;
}

/* Rows of y in the order of samples where the harness asked for that of steps. */
static void transpose_y(wrapped *w, assay_pass pass, const assay_args *args)
{
    const int64_t t = w->base.p.t, n = w->base.p.n, wide = n > 0 && t > 0 ? y_count(w) / (t * n) : 0;
    float *y = args->y;
    if (!is_forward(pass) || !y || w->base.p.y_stride || w->base.p.proj ||
        w->base.p.dialect.layout == ASSAY_BATCH_MAJOR || w->base.p.dialect.merge != ASSAY_MERGE_CONCAT)
        return;
    wrapped_keep((void **)&w->dy, y, (size_t)y_count(w) * sizeof *y);
    for (int64_t row = 0; row < t * n; row++)
        memcpy(y + (row % n * t + row / n) * wide, w->dy + row * wide, (size_t)wide * sizeof *y); /* the defect */
}

/* The fast path of full batches, taken whatever the lengths. */
static int no_lengths(wrapped *w, assay_pass pass, assay_args *args)
{
    (void)w, (void)pass;
    args->lens = NULL; /* the defect */
    return 0;
}

/* Lengths as a library takes them that wants the batch sorted, longest first. */
static int sorted_lengths(wrapped *w, assay_pass pass, assay_args *args)
{
    (void)pass;
    if (!args->lens) return 0;
    wrapped_keep((void **)&w->lens, args->lens, (size_t)w->base.p.n * sizeof *w->lens);
    for (int32_t n = 1; n < w->base.p.n; n++)
        for (int32_t k = n; k > 0 && w->lens[k - 1] < w->lens[k]; k--) {
            const int32_t longer = w->lens[k];
            w->lens[k] = w->lens[k - 1];
            w->lens[k - 1] = longer;
        }
    args->lens = w->lens; /* the defect */
    return 0;
}

static int loss_of_full_rows(wrapped *w, assay_pass pass, assay_args *args)
{
    (void)w;
    if (pass == ASSAY_LOSS_PASS) args->lens = NULL; /* the defect: the loss does not know the padding */
    return 0;
}

/* Nobody trains the input, so its gradient is left out. */
static void no_dx(wrapped *w, assay_pass pass, const assay_args *args)
{
    if (pass == ASSAY_BACKWARD && args->dx && !w->base.p.x_stride)
        memset(args->dx, 0, wrapped_x_bytes(w)); /* the defect */
}

static const fault faults[] = {
    {"write-past-y", .after = write_past_y},
    {"inputs-zeroed", .after = zero_x},
    {"workspace-short", .sizes = small_workspace},
    {"allocates", .after = leak},
    {"allocates-second-time", .after = leak_once},
    {"stale-result", .before = stale},
    {"one-percent", .after = one_in_a_hundred},
    {"all-zero", .after = zeros},
    {"all-nan", .after = nothing_but_nan},
    {"state-carried", .before = carry_state, .after = keep_state},
    {"state-ignored", .before = ignore_state},
    {"leaves-ftz", .after = flush_subnormals},
    {"flushes-subnormals", .before = wrapped_flush_now, .after = wrapped_flush_no_more},
    {"clips-outliers", .before = wrapped_clip_outliers},
    {"shared-exponent", .before = wrapped_share_exponent},
    {"backward-full-rows", .before = full_rows},
    {"gradients-doubled", .before = double_gradients},
    {"backward-memoised", .before = recall, .after = memoise},
    {"second-backward-partial", .before = parameters_only},
    {"repeat-wrong", .after = spoil_repeat, .wanders = 1},
    {"infer-stale-weights", .before = infer_from_copy, .packed = keep_packed},
    {"train-stale-weights", .before = train_from_copy, .packed = keep_packed},
    {"step-stale-weights", .before = step_from_copy, .packed = keep_packed},
    {"weights-by-sample", .packed = pack_if_changed},
    {"gradient-clipped", .before = clip_gradient},
    {"small-gradient-dropped", .before = drop_small_gradient},
    {"y-batch-first", .after = transpose_y},
    {"lengths-ignored", .before = no_lengths},
    {"lengths-sorted", .before = sorted_lengths},
    {"loss-on-padding", .before = loss_of_full_rows},
    {"dx-zero", .after = no_dx},
    {"activation-loose", .ulp = 5},
    {"update-of-last-backward", .before = step_by_last},
    {"step-first-gradients", .before = step_from_first, .packed = keep_packed},
};

static const fault *mine(void)
{
    const fault *found = NULL;
    for (size_t k = 0; k < sizeof faults / sizeof *faults; k++)
        if (strcmp(faults[k].name, MUTANT_NAME) == 0) found = &faults[k];
    return found;
}

/* ---- the table ---- */

static assay_status supports(assay_ctx *ctx, const assay_problem *p, assay_arithmetic *declared, const char **why)
{
    const assay_status st = assay_honest_entry()->supports(ctx, p, declared, why);
    if (mine()->wanders) declared->deterministic = 0;
    if (mine()->ulp > 0) declared->activation_ulp = mine()->ulp;
    return st;
}

static assay_status made(around *plan, assay_sizes *sizes)
{
    if (mine()->sizes) mine()->sizes((wrapped *)plan, sizes);
    return ASSAY_OK;
}

static void gone(around *plan)
{
    wrapped *w = (wrapped *)plan;
    free(w->state);
    free(w->packed);
    free(w->grads);
    free(w->x);
    free(w->dx);
    free(w->dh0);
    free(w->dc0);
    free(w->dy);
    free(w->lens);
}

static assay_status pack(around *plan, const assay_args *args, assay_stream stream)
{
    wrapped *w = (wrapped *)plan;
    const assay_status st = assay_honest_entry()->pack(w->base.honest, args, stream);
    if (st == ASSAY_OK && mine()->packed) mine()->packed(w, args);
    return st;
}

static assay_status run(around *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    wrapped *w = (wrapped *)plan;
    assay_args changed = *args;
    if (mine()->before && mine()->before(w, pass, &changed)) return ASSAY_OK;
    const assay_status st = assay_honest_entry()->run(w->base.honest, pass, &changed, stream);
    if (st == ASSAY_OK && mine()->after) mine()->after(w, pass, &changed);
    return st;
}

const around_layer around_mine = {.honest = assay_honest_entry,
                                  .name = MUTANT_NAME,
                                  .plan_bytes = sizeof(wrapped),
                                  .supports = supports,
                                  .made = made,
                                  .gone = gone,
                                  .pack = pack,
                                  .run = run};

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    return around_entry();
}
