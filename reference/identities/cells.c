/* cells.c: one cell or two, one step, four samples: outputs and gradients in closed form, above all of what difference
 * quotients can't show: a clip that gradients pass. docs/semantics.md 1.10
 * SPDX-License-Identifier: MIT */
#include "reference/identities/identities.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N = 4, UNITS = 2 }; /* units: of a GRU */

/* One parameter of the one cell: its rows are its gates. */
static double *parameter(const assay_specimen *s, int which)
{
    return assay_identity_parameter(s, ASSAY_PARAM, 0, which);
}

static double at(const assay_specimen *s, int id, int n)
{
    return s->d[id] ? ((const double *)s->d[id])[n] : 0;
}

static double gate_of(const assay_dialect *d, double a)
{
    if (d->gate_activation == ASSAY_GATE_SIGMOID) return 1 / (1 + exp(-a));
    return fmin(1, fmax(0, 0.5 + a / (d->gate_activation == ASSAY_GATE_HARD_FIFTH ? 5 : 6)));
}

static double slope_of(const assay_dialect *d, double s)
{
    if (d->gate_activation == ASSAY_GATE_SIGMOID) return s * (1 - s);
    if (s == 0 || s == 1) return 0;
    return d->gate_activation == ASSAY_GATE_HARD_FIFTH ? 0.2 : 1.0 / 6;
}

/* w x + r h + b of one gate. */
static double argument(const assay_specimen *s, int gate, int n)
{
    return parameter(s, ASSAY_W)[gate] * at(s, ASSAY_X, n) + parameter(s, ASSAY_R)[gate] * at(s, ASSAY_H0, n) +
           parameter(s, ASSAY_B_IH)[gate];
}

static void expect(assay_proofs *c, const char *what, const assay_specimen *s, int id, const double *want)
{
    assay_tensor x;
    if (!assay_tensor_find(&s->p, id, &x)) return;
    assay_identity_prove(c, x.name, what, assay_identity_distance(s->d[id], want, x.count));
}

/* What one step of the LSTM does, sample by sample. */
typedef struct step {
    double y[N], c[N], dx[N], dh0[N], dc0[N], dw[4], dr[4], db[4], dp[3];
    int bounded, free; /* how many cells were clipped or gates saturated, how many not */
} step;

static void take_step(const assay_specimen *s, int n, step *w)
{
    static const double none[3] = {0};
    const assay_dialect *d = &s->p.dialect;
    const double *p = d->peephole ? parameter(s, ASSAY_PEEPHOLE) : none;
    const double h0 = at(s, ASSAY_H0, n), c0 = at(s, ASSAY_C0, n), x = at(s, ASSAY_X, n);
    const double i = gate_of(d, argument(s, 0, n) + p[0] * c0);
    const double f = d->coupled ? 1 - i : gate_of(d, argument(s, 1, n) + p[1] * c0 + d->forget_bias);
    const double g = tanh(argument(s, 2, n)), q = f * c0 + i * g;
    const int over = d->cell_clip > 0 && fabs(q) > d->cell_clip;
    const double c = over ? copysign(d->cell_clip, q) : q, o = gate_of(d, argument(s, 3, n) + p[2] * c);
    const double dh = at(s, ASSAY_DY, n) + at(s, ASSAY_DHN, n), dao = dh * tanh(c) * slope_of(d, o);
    const double dc = at(s, ASSAY_DCN, n) + dh * o * (1 - tanh(c) * tanh(c)) + p[2] * dao;
    const double dq = over && d->clip_gradient == ASSAY_CLIP_CUTS ? 0 : dc;
    const double da[] = {dq * (d->coupled ? g - c0 : g) * slope_of(d, i), d->coupled ? 0 : dq * c0 * slope_of(d, f),
                         dq * i * (1 - g * g), dao};
    w->y[n] = o * tanh(c);
    w->c[n] = c;
    w->dc0[n] = dq * f + p[0] * da[0] + p[1] * da[1];
    for (int k = 0; k < 4; k++) {
        w->dx[n] += parameter(s, ASSAY_W)[k] * da[k];
        w->dh0[n] += parameter(s, ASSAY_R)[k] * da[k];
        w->dw[k] += da[k] * x;
        w->dr[k] += da[k] * h0;
        w->db[k] += da[k];
    }
    w->dp[0] += da[0] * c0, w->dp[1] += da[1] * c0, w->dp[2] += dao * c;
    const double gates[] = {i, f, o};
    for (int k = 0; k < 3; k++)
        *(gates[k] == 0 || gates[k] == 1 ? &w->bounded : &w->free) += d->cell_clip == 0;
    *(over ? &w->bounded : &w->free) += d->cell_clip > 0;
}

#define LSTM(...)                                                                                                      \
    {                                                                                                                  \
        .cell = ASSAY_LSTM, .biases = ASSAY_BIAS_ONE_INPUT, .gru_reset = ASSAY_RESET_AFTER_INSIDE, __VA_ARGS__         \
    }

static const struct row {
    const char *name;
    assay_dialect dialect;
    double wide; /* x is so many times as large */
} lstms[] = {
    {"lstm.peephole.forget-bias", LSTM(.peephole = 1, .forget_bias = 1), 1},
    {"lstm.coupled", LSTM(.coupled = 1), 1},
    {"lstm.coupled.peephole", LSTM(.coupled = 1, .peephole = 1), 1},
    {"lstm.hard-fifth", LSTM(.gate_activation = ASSAY_GATE_HARD_FIFTH), 1},
    {"lstm.hard-sixth.peephole", LSTM(.gate_activation = ASSAY_GATE_HARD_SIXTH, .peephole = 1), 1},
    {"lstm.hard-fifth.saturated", LSTM(.gate_activation = ASSAY_GATE_HARD_FIFTH), 12},
    {"lstm.hard-sixth.saturated.peephole", LSTM(.gate_activation = ASSAY_GATE_HARD_SIXTH, .peephole = 1), 12},
    {"lstm.clip", LSTM(.cell_clip = 0.25), 1},
    {"lstm.clip.straight-through", LSTM(.cell_clip = 0.25, .clip_gradient = ASSAY_CLIP_PASSES), 1},
    {"lstm.clip.straight-through.peephole", LSTM(.cell_clip = 0.25, .clip_gradient = ASSAY_CLIP_PASSES, .peephole = 1),
     1},
};

static assay_problem cell_of(const assay_dialect *d)
{
    assay_problem p;
    memset(&p, 0, sizeof p);
    p.op = ASSAY_OP_RNN;
    p.t = p.i = p.h = p.layers = p.directions = 1;
    p.n = N;
    p.dialect = *d;
    return p;
}

static void lstm_cell(assay_proofs *c, const struct row *row)
{
    const char *what = "identity: one LSTM cell in closed form";
    const assay_problem p = cell_of(&row->dialect);
    assay_specimen s;
    snprintf(c->dialect, sizeof c->dialect, "%s", row->name);
    int made = assay_identity_make(c, &p, 784, &s);
    for (int n = 0; made && n < N; n++)
        ((double *)s.d[ASSAY_X])[n] *= row->wide;
    if (made && assay_specimen_run(c, &s)) {
        step w;
        memset(&w, 0, sizeof w);
        for (int n = 0; n < N; n++)
            take_step(&s, n, &w);
        const double *const wanted[] = {w.y, w.y, w.c, w.dx, w.dh0, w.dc0, w.dw, w.dr, w.db, w.dp};
        const int ids[] = {ASSAY_Y,
                           ASSAY_HN,
                           ASSAY_CN,
                           ASSAY_DX,
                           ASSAY_DH0,
                           ASSAY_DC0,
                           assay_tensor_id(ASSAY_DPARAM, ASSAY_W),
                           assay_tensor_id(ASSAY_DPARAM, ASSAY_R),
                           assay_tensor_id(ASSAY_DPARAM, ASSAY_B_IH),
                           assay_tensor_id(ASSAY_DPARAM, ASSAY_PEEPHOLE)};
        for (size_t k = 0; k < sizeof ids / sizeof *ids; k++)
            expect(c, what, &s, ids[k], wanted[k]);
        if (p.dialect.cell_clip > 0 || row->wide > 1)
            assay_prove(c, "cn", "identity: a bound is met, but not always", w.bounded == 0 || w.free == 0, 0);
    }
    assay_specimen_free(&s);
}

/* Row `gate` of unit j: the part of x, and with b_hh and R h where that is not scaled. */
static double gru_gate(const assay_specimen *s, int gate, int j, int n)
{
    const int row = gate * UNITS + j;
    double a = parameter(s, ASSAY_W)[row] * at(s, ASSAY_X, n) + parameter(s, ASSAY_B_IH)[row];
    if (gate == 2) return a;
    for (int k = 0; k < UNITS; k++)
        a += parameter(s, ASSAY_R)[row * UNITS + k] * at(s, ASSAY_H0, n * UNITS + k);
    return gate_of(&s->p.dialect, a + parameter(s, ASSAY_B_HH)[row]);
}

/* y of two units, which tell R (r * h) from r * (R h). */
static void gru_cells(assay_proofs *c, int reset, int mix, int gate, const char *name)
{
    const assay_dialect d = {
        .cell = ASSAY_GRU, .biases = ASSAY_BIAS_TWO, .gru_reset = reset, .gru_mix = mix, .gate_activation = gate};
    assay_problem p = cell_of(&d);
    assay_specimen s;
    p.h = UNITS;
    snprintf(c->dialect, sizeof c->dialect, "%s", name);
    if (assay_identity_make(c, &p, 790, &s) && assay_specimen_run(c, &s)) {
        double y[N * UNITS];
        for (int row = 0; row < N * UNITS; row++) {
            const int n = row / UNITS, j = row % UNITS;
            const double bias = parameter(&s, ASSAY_B_HH)[2 * UNITS + j], z = gru_gate(&s, 1, j, n);
            const double scaled = reset == ASSAY_RESET_AFTER_INSIDE ? gru_gate(&s, 0, j, n) : 1;
            double a = gru_gate(&s, 2, j, n) + scaled * bias;
            for (int k = 0; k < UNITS; k++)
                a += gru_gate(&s, 0, reset == ASSAY_RESET_BEFORE ? k : j, n) *
                     parameter(&s, ASSAY_R)[(2 * UNITS + j) * UNITS + k] * at(&s, ASSAY_H0, n * UNITS + k);
            const double keep = mix == ASSAY_MIX_KEEPS ? z : 1 - z;
            y[row] = (1 - keep) * tanh(a) + keep * at(&s, ASSAY_H0, row);
        }
        expect(c, "identity: GRU cells in closed form", &s, ASSAY_Y, y);
    }
    assay_specimen_free(&s);
}

void assay_identities_cells(assay_proofs *c)
{
    c->op = "rnn";
    for (size_t k = 0; k < sizeof lstms / sizeof *lstms; k++)
        lstm_cell(c, &lstms[k]);
    gru_cells(c, ASSAY_RESET_BEFORE, ASSAY_MIX_KEEPS, ASSAY_GATE_HARD_FIFTH, "gru.before.hard-fifth");
    gru_cells(c, ASSAY_RESET_AFTER_INSIDE, ASSAY_MIX_KEEPS, ASSAY_GATE_HARD_SIXTH, "gru.after.hard-sixth");
    gru_cells(c, ASSAY_RESET_AFTER_OUTSIDE, ASSAY_MIX_UPDATES, ASSAY_GATE_SIGMOID, "gru.outside.updates");
}
