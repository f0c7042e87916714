/* state.c: data of the documented workloads, parameters of the three starting states, and the truth of one step.
 * SPDX-License-Identifier: MIT */
#include "perf/state.h"

#include "conformance/arithmetic.h"
#include "conformance/floor_runs.h"
#include "perf/text.h"
#include "reference/data.h"
#include "reference/reference.h"
#include "reference/tensors.h"

#include <math.h>
#include <stdlib.h>

#define DATA_SEED     11   /* of the original benchmarks and of everything that is the same in every run */
#define STRING_LENGTH 100  /* labels a sample, CTC */
#define FIRST_WORD    3    /* f: ids 0..2 are padding, start and unknown in the original's data */
#define WINDOW_STRIDE 3    /* d: window w starts at token 3w */
#define MOMENT_SCALE  1e-3 /* typical gradient of these networks: moments look like those of a running optimizer */

/* ---- inputs and labels ---- */

/* docs/workloads.md 1.1: one generator draws X in C order over (N, T, C), then the labels. */
static void fill_stream(const assay_workload *w, const assay_values *v)
{
    const assay_problem *p = &w->problem;
    double *x = v->at[ASSAY_X];
    int32_t *labels = v->at[ASSAY_LABELS];
    int count = w->data == ASSAY_DATA_STRINGS ? p->labels : p->n;
    assay_mt19937 g;
    assay_mt_seed(&g, DATA_SEED);
    for (int n = 0; n < p->n; n++)
        for (int t = 0; t < p->t; t++)
            for (int i = 0; i < p->i; i++)
                x[((size_t)t * p->n + n) * p->i + i] = (double)assay_mt_uniform(&g);
    for (int k = 0; k < count; k++)
        labels[k] = assay_mt_randint(&g, w->label_low, w->label_high);
}

/* One label a sample: floor(high u). */
static void fill_labels(const assay_workload *w, const char *family, const assay_values *v)
{
    int32_t *labels = v->at[ASSAY_LABELS];
    uint64_t stream = assay_stream_id(family, ASSAY_LABELS);
    for (int n = 0; n < w->problem.n; n++)
        labels[n] = (int32_t)(w->label_high * assay_random_uniform(DATA_SEED, stream, (uint64_t)n));
}

/* Position of (t, n) in a stream of samples: drawn in the order (N, T), as groups a and b are. */
static uint64_t position(const assay_problem *p, int t, int n)
{
    return (uint64_t)n * (uint64_t)p->t + (uint64_t)t;
}

static void fill_uniform(const assay_workload *w, const assay_values *v)
{
    const assay_problem *p = &w->problem;
    int32_t *ids = v->at[ASSAY_IDS];
    uint64_t stream = assay_stream_id("c.emb-lstm", ASSAY_IDS);
    for (int t = 0; t < p->t; t++)
        for (int n = 0; n < p->n; n++)
            ids[t * p->n + n] = (int32_t)(p->vocab * assay_random_uniform(DATA_SEED, stream, position(p, t, n)));
    fill_labels(w, "c.emb-lstm", v);
}

static assay_status fill_reviews(const assay_workload *w, const assay_values *v)
{
    const assay_problem *p = &w->problem;
    int32_t *ids = v->at[ASSAY_IDS], words = p->vocab - FIRST_WORD;
    uint64_t stream = assay_stream_id("f.imdb-gru", ASSAY_IDS);
    double *cumulative = malloc((size_t)words * sizeof *cumulative);
    if (!cumulative) return ASSAY_NO_MEMORY;
    assay_zipf_cumulative(cumulative, words);
    for (int t = 0; t < p->t; t++)
        for (int n = 0; n < p->n; n++)
            ids[t * p->n + n] =
                FIRST_WORD + assay_zipf(cumulative, words, assay_random_uniform(DATA_SEED, stream, position(p, t, n)));
    free(cumulative);
    fill_labels(w, "f.imdb-gru", v);
    return ASSAY_OK;
}

/* docs/workloads.md 6: window k is the T+1 tokens from 3k on: T ids and, one further, T labels. State s takes batch s;
 * a text starts over when its complete batches are used up. */
static assay_status fill_windows(const assay_workload *w, int state, const assay_text *text, const assay_values *v)
{
    const assay_problem *p = &w->problem;
    int32_t *ids = v->at[ASSAY_IDS], *labels = v->at[ASSAY_LABELS];
    int64_t batch = state;
    double *cumulative = NULL;
    if (text) {
        int64_t windows = text->count > p->t ? (text->count - p->t - 1) / WINDOW_STRIDE + 1 : 0;
        if (windows < p->n) return ASSAY_BAD_ARGUMENT;
        batch %= windows / p->n;
    } else {
        cumulative = malloc((size_t)p->vocab * sizeof *cumulative);
        if (!cumulative) return ASSAY_NO_MEMORY;
        assay_zipf_cumulative(cumulative, p->vocab);
    }
    uint64_t stream = assay_stream_id("d.ptb-lm", ASSAY_IDS);
    for (int n = 0; n < p->n; n++) {
        int64_t first = WINDOW_STRIDE * (batch * p->n + n);
        for (int t = 0; t <= p->t; t++) {
            int64_t at = first + t;
            int32_t token =
                text ? text->tokens[at]
                     : assay_zipf(cumulative, p->vocab, assay_random_uniform(DATA_SEED, stream, (uint64_t)at));
            if (t < p->t) ids[t * p->n + n] = token;
            if (t > 0) labels[(t - 1) * p->n + n] = token;
        }
    }
    free(cumulative);
    return ASSAY_OK;
}

static assay_status fill_inputs(const assay_workload *w, int state, const assay_text *text, assay_values *v)
{
    if (w->ragged)
        assay_workload_lengths(w, v->at[ASSAY_LENS]);
    else
        assay_values_drop(v, ASSAY_LENS);
    assay_values_drop(v, ASSAY_H0); /* the initial state is zero in each batch */
    assay_values_drop(v, ASSAY_C0);
    int32_t *label_lens = v->at[ASSAY_LABEL_LENS];
    for (int n = 0; label_lens && n < w->problem.n; n++)
        label_lens[n] = STRING_LENGTH;
    switch (w->data) {
    case ASSAY_DATA_UNIFORM:
        fill_uniform(w, v);
        return ASSAY_OK;
    case ASSAY_DATA_REVIEWS:
        return fill_reviews(w, v);
    case ASSAY_DATA_WINDOWS:
        return fill_windows(w, state, text, v);
    default:
        fill_stream(w, v);
        return ASSAY_OK;
    }
}

/* ---- parameters and moments ---- */

/* A stream of its own for each (state, tensor). */
static uint64_t stream_of(const assay_workload *w, int state, int id)
{
    return assay_stream_id(w->id, (uint64_t)state * ASSAY_TENSORS + (uint64_t)id);
}

/* The forget gate of an LSTM (i f g o) and the update gate of a GRU (r z n) are both the second. */
static void add_offsets(const assay_workload *w, const assay_values *v)
{
    const assay_problem *p = &w->problem;
    for (int layer = 0; layer < p->layers; layer++)
        for (int direction = 0; direction < p->directions; direction++) {
            int which = assay_param_rnn(p, layer, direction, ASSAY_B_IH);
            double *b_ih = v->at[assay_tensor_id(ASSAY_PARAM, which)];
            for (int k = p->h; k < 2 * p->h; k++)
                b_ih[k] += layer == p->layers - 1 ? w->offset_last : w->offset;
        }
}

static void fill_parameters(const assay_workload *w, uint64_t seed, int state, const assay_values *v)
{
    const assay_problem *p = &w->problem;
    double bound = 1 / sqrt((double)p->h);
    assay_tensor x;
    for (int param = 0; param < ASSAY_MAX_PARAMS; param++) {
        int id = assay_tensor_id(ASSAY_PARAM, param);
        if (!v->at[id] || !assay_tensor_find(p, id, &x)) continue;
        assay_random_fill_uniform(seed, stream_of(w, state, id), -bound, bound, v->at[id], (size_t)x.count);
        double *m = v->at[assay_tensor_id(ASSAY_M, param)], *s = v->at[assay_tensor_id(ASSAY_V, param)];
        if (!m || !s || state == 0) continue;
        assay_random_fill_normal(seed, stream_of(w, state, assay_tensor_id(ASSAY_M, param)), MOMENT_SCALE, m,
                                 (size_t)x.count);
        /* never near zero, as v of a running optimizer is not: lowest 1/4, highest 5/4 of the scale squared */
        assay_random_fill_uniform(seed, stream_of(w, state, assay_tensor_id(ASSAY_V, param)),
                                  0.25 * MOMENT_SCALE * MOMENT_SCALE, 1.25 * MOMENT_SCALE * MOMENT_SCALE, s,
                                  (size_t)x.count);
    }
    add_offsets(w, v);
}

static int64_t steps_before(const assay_workload *w, uint64_t seed, int state)
{
    static const int64_t scale[ASSAY_STATES] = {0, 10, 1000};
    uint64_t bits = assay_random_bits(seed, stream_of(w, state, ASSAY_TENSORS - 1), 0);
    return state == 0 ? 0 : scale[state] + (int64_t)(bits % (uint64_t)scale[state]);
}

assay_status assay_state_make(const assay_workload *w, uint64_t seed, int state, const assay_text *text,
                              assay_values *out, int64_t *step)
{
    if (state < 0 || state >= ASSAY_STATES) return ASSAY_BAD_ARGUMENT;
    assay_status st = assay_values_make(&w->problem, 1u << ASSAY_ROLE_INPUT, out);
    if (st == ASSAY_OK) st = fill_inputs(w, state, text, out);
    if (st != ASSAY_OK) {
        assay_values_free(out);
        return st;
    }
    fill_parameters(w, seed, state, out);
    assay_values_quantise(&w->problem, ASSAY_FP32, out);
    *step = steps_before(w, seed, state);
    return ASSAY_OK;
}

/* Streams of blocks follow those of the states and their step counts. */
static uint64_t stream_of_block(const assay_workload *w, int state, int64_t block, int id)
{
    uint64_t own = assay_stream_id(w->id, (uint64_t)(ASSAY_STATES + state) * ASSAY_TENSORS + (uint64_t)id);
    return own + (uint64_t)block;
}

assay_status assay_state_block(const assay_workload *w, uint64_t seed, int state, int64_t block,
                               const assay_values *start, assay_values *fresh, assay_values *view)
{
    const assay_problem *p = &w->problem;
    double bound = 1 / sqrt((double)p->h);
    *view = *start;
    for (int direction = 0; direction < p->directions; direction++) {
        int id = assay_tensor_id(ASSAY_PARAM, assay_param_rnn(p, 0, direction, ASSAY_W));
        size_t count = (size_t)assay_gates(p->dialect.cell) * (size_t)p->h * (size_t)p->i;
        if (!fresh->at[id]) fresh->at[id] = malloc(count * sizeof(double));
        if (!fresh->at[id]) return ASSAY_NO_MEMORY;
        assay_random_fill_uniform(seed, stream_of_block(w, state, block, id), -bound, bound, fresh->at[id], count);
        view->at[id] = fresh->at[id];
    }
    assay_values_quantise(p, ASSAY_FP32, fresh);
    return ASSAY_OK;
}

/* ---- truth ---- */

/* 1 where the truth has operands and stores rounded, as the context that this sets says (docs/tolerance.md 3.2). */
static int quantised(const assay_arithmetic *declared)
{
    if (!declared || !assay_arithmetic_is_narrow(declared) || declared->opaque) return 0;
    const assay_arithmetic judged = assay_arithmetic_judged(declared);
    const assay_rounding exact = assay_floor_exact(&judged);
    assay_rounding_noise(&exact);
    return 1;
}

assay_status assay_state_truth(const assay_problem *p, const assay_values *given, int64_t step, unsigned roles,
                               const assay_arithmetic *declared, assay_values *out)
{
    static const int unwanted[] = {ASSAY_HN, ASSAY_CN, ASSAY_DX, ASSAY_DH0, ASSAY_DC0};
    void *at[ASSAY_TENSORS];
    assay_status st = assay_values_make(p, roles & (1u << ASSAY_ROLE_FORWARD | 1u << ASSAY_ROLE_GRADIENT), out);
    if (st != ASSAY_OK) return st;
    for (size_t k = 0; k < sizeof unwanted / sizeof *unwanted; k++)
        assay_values_drop(out, unwanted[k]);
    assay_values_join(given, out, at);
    st = quantised(declared) ? assay_ref_evaluate_noise(p, at, step) : assay_ref_evaluate_f64(p, at, step);
    if (st != ASSAY_OK) assay_values_free(out);
    return st;
}

assay_status assay_state_update(const assay_problem *p, const assay_values *given, const assay_values *grads,
                                int64_t step, const assay_arithmetic *declared, assay_values *out)
{
    void *at[ASSAY_TENSORS];
    assay_status st = assay_values_make(p, 1u << ASSAY_ROLE_UPDATED, out);
    if (st != ASSAY_OK) return st;
    assay_values_join(given, out, at);
    for (int param = 0; param < ASSAY_MAX_PARAMS; param++)
        at[assay_tensor_id(ASSAY_DPARAM, param)] = grads->at[assay_tensor_id(ASSAY_DPARAM, param)];
    st = quantised(declared) ? assay_ref_update_noise(p, at, step) : assay_ref_update_f64(p, at, step);
    if (st != ASSAY_OK) assay_values_free(out);
    return st;
}

/* ---- the workload as a case ---- */

static assay_status fill_case(const assay_case *c, uint64_t seed, int state, assay_values *out, int64_t *step)
{
    return assay_state_make(c->source, seed, state, NULL, out, step);
}

void assay_workload_case(const assay_workload *w, assay_case *out)
{
    assay_case c = {
        .why = w->what, .problem = w->problem, .fill = fill_case, .source = w, .ragged = w->ragged, .documented = 1};
    size_t k = 0;
    for (; w->id[k] && k + 1 < sizeof c.id; k++)
        c.id[k] = w->id[k];
    *out = c;
}
