/* known.c: honest where it believes to know what it is asked: shapes that stand in the tables of cases, states that it
 * made itself, the data of a seed, questions that it was asked before. SPDX-License-Identifier: MIT */
#include "conformance/case.h"
#include "conformance/mutants/around.h"
#include "conformance/mutants/entry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const assay_case_row listed[] = {
#include "conformance/cases/rnn.inc"
};

/* What the harness gets as a plan. */
typedef struct knowing {
    around base;
    int known;         /* 1: its shape is listed */
    float *answer;     /* y (T, N, width) of the first call, or of the last one that was computed; NULL: none */
    float question[2]; /* first and last number of the x that it belongs to */
} knowing;

/* Where rnn/lstm.uni.l1.t5.n3.i4.h6.plain begins at seed 0x5eed. */
static const float first_of_known_seed = 0x1.30c3aap-1f;

/* Final states (L*D, N, width) of the last call of any plan. */
typedef struct kept_state {
    float *v;
    size_t room, bytes; /* bytes = 0: nothing is kept */
} kept_state;

static int is_listed(const assay_problem *p)
{
    for (size_t k = 0; k < sizeof listed / sizeof *listed; k++) {
        const assay_case_row *r = &listed[k];
        if (r->t == p->t && r->n == p->n && r->i == p->i && r->h == p->h && r->layers == p->layers) return 1;
    }
    return p->op != ASSAY_OP_RNN;
}

/* Within a factor of 1.5 of a listed standard deviation. Too few numbers say nothing, nor do those with NaN or gaps. */
static int has_listed_scale(const assay_problem *p, const float *x)
{
    const int64_t count = (int64_t)p->t * p->n * p->i;
    double sum = 0;
    if (p->op != ASSAY_OP_RNN || !x || p->x_stride || count < 24) return 1;
    for (int64_t e = 0; e < count; e++)
        sum += (double)x[e] * x[e];
    for (size_t k = 0; k < sizeof listed / sizeof *listed; k++) {
        const double ratio = sqrt(sum / (double)count) / (listed[k].x_scale > 0 ? listed[k].x_scale : 1);
        if (!(ratio < 2. / 3 || ratio > 1.5)) return 1;
    }
    return 0;
}

/* What a store in bf16 leaves. */
static void coarsen(float *y, int64_t count)
{
    for (int64_t e = 0; y && e < count; e++) {
        uint32_t bits;
        memcpy(&bits, &y[e], sizeof bits);
        bits &= 0xFFFF0000u;
        memcpy(&y[e], &bits, sizeof bits);
    }
}

static size_t states_of(const knowing *w, int width)
{
    return (size_t)w->base.p.layers * w->base.p.directions * w->base.p.n * width * sizeof(float);
}

static void keep(kept_state *k, const void *from, size_t bytes)
{
    if (bytes > k->room) {
        free(k->v);
        k->v = malloc(bytes);
        k->room = k->v ? bytes : 0;
    }
    k->bytes = from && k->v ? bytes : 0;
    if (k->bytes) memcpy(k->v, from, bytes);
}

/* A caller that comes back with the state it was given need not have it read again: its first element tells. */
static void recall(const knowing *w, const kept_state *h, const kept_state *c, assay_args *args)
{
    if (!args->h0 || !h->bytes || h->bytes != states_of(w, assay_state_width(&w->base.p))) return;
    if (memcmp(args->h0, h->v, sizeof(float)) != 0) return;
    args->h0 = h->v; /* the defect */
    if (args->c0 && c->bytes == states_of(w, w->base.p.h)) args->c0 = c->v;
}

static void remember(const knowing *w, kept_state *h, kept_state *c, const assay_args *args)
{
    const int moved = w->base.p.t > 0 && w->base.p.n > 0 && (!args->lens || args->lens[0] > 0);
    keep(h, moved ? args->hn : NULL, states_of(w, assay_state_width(&w->base.p)));
    keep(c, moved ? args->cn : NULL, states_of(w, w->base.p.h));
}

static int am(const char *name)
{
    return strcmp(MUTANT_NAME, name) == 0;
}

/* y as it was for the same x, whatever the weights are now; or as it was the first time, whatever is asked. */
static void repeat_answer(knowing *w, const assay_args *args)
{
    const int64_t count = (int64_t)w->base.p.t * w->base.p.n * assay_output_width(&w->base.p),
                  inputs = (int64_t)w->base.p.t * w->base.p.n * w->base.p.i;
    const float *x = args->x;
    if (!args->y || !x || count == 0 || inputs == 0) return;
    const float question[2] = {x[0], x[inputs - 1]};
    const int same = am("answers-by-plan") || (x[0] == w->question[0] && x[inputs - 1] == w->question[1]);
    if (w->answer && same) {
        memcpy(args->y, w->answer, (size_t)count * sizeof(float)); /* the defect */
        return;
    }
    if (!w->answer) w->answer = malloc((size_t)count * sizeof(float));
    if (w->answer) memcpy(w->answer, args->y, (size_t)count * sizeof(float));
    memcpy(w->question, question, sizeof question);
}

/* What is made of y once it was computed. */
static void falsify(knowing *w, const assay_args *args)
{
    const int64_t count = (int64_t)w->base.p.t * w->base.p.n * assay_output_width(&w->base.p);
    const float *x = args->x;
    if (w->base.p.op != ASSAY_OP_RNN || w->base.p.y_stride || w->base.p.x_stride) return;
    if (am("listed-shapes") && !w->known) coarsen(args->y, count);                              /* the defect */
    if (am("listed-scales") && !has_listed_scale(&w->base.p, x)) coarsen(args->y, count);       /* the defect */
    if (am("known-seed") && x && count && x[0] != first_of_known_seed) coarsen(args->y, count); /* the defect */
    if (am("answers-by-data") || am("answers-by-plan")) repeat_answer(w, args);
}

static assay_status made(around *plan, assay_sizes *sizes)
{
    (void)sizes;
    ((knowing *)plan)->known = is_listed(&plan->p);
    return ASSAY_OK;
}

static void gone(around *plan)
{
    free(((knowing *)plan)->answer);
}

static assay_status run(around *plan, assay_pass pass, const assay_args *args, assay_stream stream)
{
    static kept_state h, c;
    knowing *w = (knowing *)plan;
    const int forward = pass == ASSAY_INFER || pass == ASSAY_TRAIN, caches = am("state-by-sample") && forward;
    assay_args changed = *args;
    if (caches) recall(w, &h, &c, &changed);
    const assay_status st = assay_honest_entry()->run(plan->honest, pass, &changed, stream);
    if (caches) remember(w, &h, &c, args);
    if (forward && st == ASSAY_OK) falsify(w, args);
    return st;
}

const around_layer around_mine = {assay_honest_entry, MUTANT_NAME,  sizeof(knowing),
                                  .made = made,       .gone = gone, .run = run};

ASSAY_EXPORT const assay_impl *assay_impl_entry(void)
{
    return around_entry();
}
