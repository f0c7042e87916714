/* twins.c: one stack in two dialects that mean the same, or with its tensors turned in a way that the function
 * follows. docs/semantics.md 1.10
 * SPDX-License-Identifier: MIT */
#include "reference/identities/identities.h"

#include <stdio.h>
#include <string.h>

enum { STEPS = 6, SAMPLES = 4, INPUTS = 2 };
#define FORGET 0.7 /* a constant expression: the table holds it too */
static const double sixth_by_fifth = 6.0 / 5.0, homogeneous = 2;

/* The twin b has a's tensors, turned before it runs; its results are turned back before they are compared. */
typedef struct twin {
    const char *what, *name;
    assay_dialect a, b;
    int h, proj, even; /* even: all lengths are T */
    double wide;       /* x is so many times as large */
    void (*turn)(assay_specimen *b, const assay_specimen *a);
    void (*back)(assay_specimen *b, const assay_specimen *a);
} twin;

/* Rows of one gate in a parameter of that kind: `size` elements; NULL where it has none. P holds i f o. */
static double *gate_of(const assay_specimen *s, int family, int q, int which, int gate, int64_t *size)
{
    double *at = assay_identity_parameter(s, family, q, which);
    const int gates = which == ASSAY_PEEPHOLE ? 3 : assay_gates(s->p.dialect.cell);
    if (!at || which == ASSAY_PROJECTION) return NULL;
    if (which == ASSAY_PEEPHOLE && gate == 2) return NULL;
    if (which == ASSAY_PEEPHOLE && gate == 3) gate = 2;
    *size = assay_identity_size(s, assay_tensor_id(family, ASSAY_RNN_PARAMS * q + which)) / gates;
    return at + gate * *size;
}

/* gate `to` of every parameter of a kind in `kinds` (mask of 1 << which) = keep itself + by times gate `from`. */
static void mix_gates(assay_specimen *s, int family, unsigned kinds, int to, double keep, int from, double by)
{
    for (int k = 0; k < assay_identity_stacked(s) * ASSAY_RNN_PARAMS; k++) {
        int64_t size = 0;
        const int q = k / ASSAY_RNN_PARAMS, which = k % ASSAY_RNN_PARAMS;
        double *a = kinds >> which & 1 ? gate_of(s, family, q, which, to, &size) : NULL;
        const double *b = a ? gate_of(s, family, q, which, from, &size) : NULL;
        for (int64_t j = 0; b && j < size; j++)
            a[j] = keep * a[j] + by * b[j];
    }
}

enum { EVERY_KIND = (1 << ASSAY_RNN_PARAMS) - 1 };

static void scale_gate(assay_specimen *s, int family, int gate, double by)
{
    mix_gates(s, family, EVERY_KIND, gate, by, gate, 0);
}

static void scale(assay_specimen *s, int id, double by)
{
    for (int64_t k = 0; k < assay_identity_size(s, id); k++)
        ((double *)s->d[id])[k] *= by;
}

static void scale_kind(assay_specimen *s, int family, int which, double by)
{
    for (int q = 0; q < assay_identity_stacked(s); q++)
        scale(s, assay_tensor_id(family, ASSAY_RNN_PARAMS * q + which), by);
}

/* ---- the turns ---- */

static void negate_z(assay_specimen *b, const assay_specimen *a)
{
    (void)a;
    scale_gate(b, ASSAY_PARAM, 1, -1);
}

static void negate_dz(assay_specimen *b, const assay_specimen *a)
{
    (void)a;
    scale_gate(b, ASSAY_DPARAM, 1, -1);
}

/* The one bias that b has takes a's other one, or both. */
static void join_biases(assay_specimen *b, const assay_specimen *a)
{
    for (int q = 0; q < assay_identity_stacked(b); q++) {
        double *to = assay_identity_parameter(b, ASSAY_PARAM, q, ASSAY_B_IH);
        const double *ih = assay_identity_parameter(a, ASSAY_PARAM, q, ASSAY_B_IH),
                     *hh = assay_identity_parameter(a, ASSAY_PARAM, q, ASSAY_B_HH);
        for (int64_t j = 0; j < assay_gates(b->p.dialect.cell) * b->p.h; j++)
            to[j] = (ih ? ih[j] : 0) + hh[j];
    }
}

/* The bias that a lacks. */
static void clear_bias(assay_specimen *b, const assay_specimen *a)
{
    scale_kind(b, ASSAY_PARAM, a->p.dialect.biases == ASSAY_BIAS_ONE_INPUT ? ASSAY_B_HH : ASSAY_B_IH, 0);
}

static void clear_peepholes(assay_specimen *b, const assay_specimen *a)
{
    (void)a;
    scale_kind(b, ASSAY_PARAM, ASSAY_PEEPHOLE, 0);
}

/* GRU: what r does not scale stands with the input's bias. */
static void move_inner_bias(assay_specimen *b, const assay_specimen *a)
{
    for (int q = 0; q < assay_identity_stacked(b); q++)
        for (int j = 2 * b->p.h; j < 3 * b->p.h; j++) {
            assay_identity_parameter(b, ASSAY_PARAM, q, ASSAY_B_IH)[j] +=
                assay_identity_parameter(a, ASSAY_PARAM, q, ASSAY_B_HH)[j];
            assay_identity_parameter(b, ASSAY_PARAM, q, ASSAY_B_HH)[j] = 0;
        }
}

static void copy_inner_gradient(assay_specimen *b, const assay_specimen *a)
{
    (void)a;
    for (int q = 0; q < assay_identity_stacked(b); q++)
        memcpy(assay_identity_parameter(b, ASSAY_DPARAM, q, ASSAY_B_HH) + 2 * b->p.h,
               assay_identity_parameter(b, ASSAY_DPARAM, q, ASSAY_B_IH) + 2 * b->p.h, (size_t)b->p.h * sizeof(double));
}

static void add_forget_bias(assay_specimen *b, const assay_specimen *a)
{
    (void)a;
    for (int q = 0; q < assay_identity_stacked(b); q++)
        for (int j = b->p.h; j < 2 * b->p.h; j++)
            assay_identity_parameter(b, ASSAY_PARAM, q, ASSAY_B_IH)[j] += FORGET;
}

/* s(-a) = 1 - s(a): the forget gate of a coupled LSTM is that of the negated input gate. */
static void negate_input_gate(assay_specimen *b, const assay_specimen *a)
{
    (void)a;
    mix_gates(b, ASSAY_PARAM, EVERY_KIND, 1, 0, 0, -1);
}

static void couple_gradients(assay_specimen *b, const assay_specimen *a)
{
    (void)a;
    mix_gates(b, ASSAY_DPARAM, EVERY_KIND, 0, 1, 1, -1);
    scale_gate(b, ASSAY_DPARAM, 1, 0);
}

static void other_forget_rows(assay_specimen *b, const assay_specimen *a)
{
    (void)a;
    scale_gate(b, ASSAY_PARAM, 1, -3);
}

/* a/5 = (6/5 a)/6: all gates but the candidate. */
static void scale_gates(assay_specimen *b, int family)
{
    scale_gate(b, family, 0, sixth_by_fifth);
    scale_gate(b, family, 1, sixth_by_fifth);
    if (b->p.dialect.cell == ASSAY_LSTM) scale_gate(b, family, 3, sixth_by_fifth);
}

static void harden(assay_specimen *b, const assay_specimen *a)
{
    (void)a;
    scale_gates(b, ASSAY_PARAM);
}

static void soften(assay_specimen *b, const assay_specimen *a)
{
    (void)a;
    scale_gates(b, ASSAY_DPARAM);
}

/* relu(s a) = s relu(a), s > 0; tanh(-a) = -tanh(a). */
static double factor_of(const assay_specimen *s)
{
    return s->p.dialect.cell == ASSAY_RNN_RELU ? homogeneous : -1;
}

static void scale_signal(assay_specimen *b, const assay_specimen *a)
{
    scale(b, ASSAY_X, factor_of(a));
    scale(b, ASSAY_H0, factor_of(a));
    scale_kind(b, ASSAY_PARAM, ASSAY_B_IH, factor_of(a));
    scale_kind(b, ASSAY_PARAM, ASSAY_B_HH, factor_of(a));
}

static void scale_signal_back(assay_specimen *b, const assay_specimen *a)
{
    scale(b, ASSAY_Y, 1 / factor_of(a));
    scale(b, ASSAY_HN, 1 / factor_of(a));
    scale_kind(b, ASSAY_DPARAM, ASSAY_W, 1 / factor_of(a));
    scale_kind(b, ASSAY_DPARAM, ASSAY_R, 1 / factor_of(a));
}

/* Where the output is held, the forward half of dy past the length counts at the last valid step. */
static void gather_held(assay_specimen *b, const assay_specimen *a)
{
    const int32_t *lens = a->d[ASSAY_LENS];
    const int width = assay_output_width(&b->p), half = b->p.h;
    const double *dy = a->d[ASSAY_DY];
    for (int n = 0; n < b->p.n; n++)
        for (int t = lens[n]; lens[n] > 0 && t < b->p.t; t++)
            for (int j = 0; j < half; j++)
                ((double *)b->d[ASSAY_DY])[((lens[n] - 1) * b->p.n + n) * width + j] +=
                    dy[(t * b->p.n + n) * width + j];
}

static void hold(assay_specimen *b, const assay_specimen *a)
{
    const int32_t *lens = a->d[ASSAY_LENS];
    const int width = assay_output_width(&b->p);
    double *y = b->d[ASSAY_Y];
    for (int n = 0; n < b->p.n; n++)
        for (int t = lens[n]; lens[n] > 0 && t < b->p.t; t++)
            memcpy(y + (t * b->p.n + n) * width, y + ((lens[n] - 1) * b->p.n + n) * width, (size_t)b->p.h * sizeof *y);
}

/* Rows of length 0 hand nothing on. */
static void empty_states(assay_specimen *b, const assay_specimen *a)
{
    static const int states[] = {ASSAY_HN, ASSAY_CN, ASSAY_DH0, ASSAY_DC0};
    for (int k = 0; k < 4 * assay_identity_stacked(b) * b->p.n; k++) {
        const int row = k / 4, n = row % b->p.n;
        double *at = b->d[states[k % 4]];
        if (at && ((const int32_t *)a->d[ASSAY_LENS])[n] == 0)
            memset(at + (int64_t)row * b->p.h, 0, (size_t)b->p.h * sizeof *at);
    }
}

enum { INSIDE = ASSAY_RESET_AFTER_INSIDE, BEFORE = ASSAY_RESET_BEFORE, OUTSIDE = ASSAY_RESET_AFTER_OUTSIDE };
enum { INPUT = ASSAY_BIAS_ONE_INPUT, TWO = ASSAY_BIAS_TWO, HIDDEN = ASSAY_BIAS_ONE_RECURRENT };
enum { FIFTH = ASSAY_GATE_HARD_FIFTH, SIXTH = ASSAY_GATE_HARD_SIXTH };
#define OF(cell_, ...)                                                                                                 \
    {                                                                                                                  \
        .cell = cell_, __VA_ARGS__                                                                                     \
    }
#define LSTM(...) OF(ASSAY_LSTM, .gru_reset = INSIDE, __VA_ARGS__)
#define TANH(...) OF(ASSAY_RNN_TANH, .gru_reset = INSIDE, __VA_ARGS__)
#define RELU(...) OF(ASSAY_RNN_RELU, .gru_reset = INSIDE, __VA_ARGS__)
#define GRU(...)  OF(ASSAY_GRU, __VA_ARGS__)

static const twin twins[] = {
#include "reference/identities/twins.inc"
};

static void certify_twin(assay_proofs *c, const twin *w)
{
    assay_problem p;
    assay_specimen a, b;
    memset(&p, 0, sizeof p);
    memset(&b, 0, sizeof b);
    p.op = ASSAY_OP_RNN;
    p.t = STEPS, p.n = SAMPLES, p.i = INPUTS, p.h = w->h, p.proj = w->proj;
    p.layers = p.directions = 2;
    p.dialect = w->a;
    snprintf(c->dialect, sizeof c->dialect, "%s", w->name);
    int made = assay_identity_make(c, &p, 700, &a);
    p.dialect = w->b;
    made = assay_identity_make(c, &p, 701, &b) && made;
    if (made) {
        scale(&a, ASSAY_X, w->wide);
        if (!w->even) assay_specimen_ragged(&a);
        assay_identity_share(&a, &b);
        if (w->turn) w->turn(&b, &a);
        made = assay_specimen_run(c, &a) && assay_specimen_run(c, &b);
        if (made && w->back) w->back(&b, &a);
        if (made) assay_identity_same(c, w->what, &a, &b);
    }
    assay_specimen_free(&a);
    assay_specimen_free(&b);
}

void assay_identities_twins(assay_proofs *c)
{
    c->op = "rnn";
    for (size_t k = 0; k < sizeof twins / sizeof *twins; k++)
        certify_twin(c, &twins[k]);
}
