/* certify_published_rnn.c: recurrent layers against numbers that other frameworks published, and their recomputation in
 * double by an independent program. docs/semantics.md 13.3, 13.5, 13.7
 * SPDX-License-Identifier: MIT */
#include "reference/certify_parts.h"

#include <math.h>
#include <string.h>

static const double bound = 1e-13;

static assay_problem layer_of(int cell, int t, int n, int i, int h, int directions, int biases, double forget_bias)
{
    assay_problem p;
    memset(&p, 0, sizeof p);
    p.op = ASSAY_OP_RNN;
    p.t = t, p.n = n, p.i = i, p.h = h;
    p.layers = 1;
    p.directions = directions;
    p.dialect.cell = cell;
    p.dialect.gru_reset = ASSAY_RESET_AFTER_INSIDE;
    p.dialect.biases = biases;
    p.dialect.forget_bias = forget_bias;
    return p;
}

static double *parameter(assay_specimen *s, int direction, int which)
{
    return s->d[assay_tensor_id(ASSAY_PARAM, assay_param_rnn(&s->p, 0, direction, which))];
}

/* Largest |got - want|; values here are of the order of one. */
static void expect(assay_proofs *c, const char *tensor, const char *what, const double *got, const double *want,
                   int count, double limit)
{
    double error = 0;
    for (int k = 0; k < count; k++) {
        const double e = fabs(got[k] - want[k]);
        if (!(e <= error)) error = e;
    }
    assay_prove(c, tensor, what, error, limit);
}

/* ONNX Runtime packs i o f c, we i f g o (g is its c); the four are `size` numbers each. */
static void from_iofc(const double *packed, int size, double *to)
{
    static const int place[] = {0, 3, 1, 2};
    for (int gate = 0; gate < 4; gate++)
        memcpy(to + place[gate] * size, packed + gate * size, (size_t)size * sizeof *to);
}

/* 13.3: one input, three units, both directions. y is (T, N, D*H). */
static void onnx_symmetric(assay_proofs *c)
{
    static const double w[] = {.1, .2, .3, .4, 1, 2, 3, 4, 10, 11, 12, 13}, x[] = {1, 2, 10, 11};
    static const double y[] = {0.288288350978474,  0.3658186314864087, 0.4567940566831757, 0.553916029917383,
                               0.6920149292313981, 0.8269601899228359, 0.3452603222786195, 0.4722085933104855,
                               0.5585091080352146, 0.6404641217722684, 0.8230336260757558, 0.916107104383374,
                               0.8419671932488153, 0.8940252608028267, 0.9107304803533934, 0.6124943249487159,
                               0.7067863210924708, 0.7409461935728671, 0.8588282810367105, 0.9070377693951751,
                               0.92382452403663,   0.6275988575618015, 0.7164073744447898, 0.746245843656783};
    static const double cn[] = {1.2773114718300338, 1.4418104118065165, 1.5317904068981856, 1.3249795975413994,
                                1.510631033224003,  1.6145154266336543, 1.278505519630753,  1.467994954365680,
                                1.576412570158664,  1.349608332254156,  1.547722949012709,  1.656330552167151};
    static const double short_c[] = {0.52497918718605752, 0.54983399727096394, 0.57444251680578928}, zero[3] = {0};
    const assay_problem p = layer_of(ASSAY_LSTM, 2, 2, 1, 3, 2, ASSAY_BIAS_NONE, 0);
    assay_specimen s;
    if (assay_specimen_make(c, &p, &s)) {
        for (int e = 0; e < 2; e++) {
            from_iofc(w, 3, parameter(&s, e, ASSAY_W));
            for (int k = 0; k < 36; k++)
                parameter(&s, e, ASSAY_R)[k] = .1;
        }
        memcpy(s.d[ASSAY_X], x, sizeof x);
        const double *out = s.d[ASSAY_Y], *last = s.d[ASSAY_HN], *cell = s.d[ASSAY_CN];
        if (assay_specimen_run(c, &s)) {
            expect(c, "y", "ONNX Runtime, recomputed, absolute", out, y, 24, bound);
            expect(c, "cn", "ONNX Runtime, recomputed, absolute", cell, cn, 12, bound);
        }
        ((int32_t *)s.d[ASSAY_LENS])[0] = 1;
        if (assay_specimen_run(c, &s)) {
            expect(c, "y", "ONNX Runtime, lengths 1 2, absolute", out + 12, zero, 3, 0);
            expect(c, "hn", "ONNX Runtime, lengths 1 2, absolute", last, y, 3, bound);
            expect(c, "cn", "ONNX Runtime, lengths 1 2, absolute", cell, short_c, 3, bound);
        }
    }
    assay_specimen_free(&s);
}

/* 13.4, 13.5: every weight different. One row a dialect; y at the last step of the direction, c after it. */
static void onnx_asymmetric(assay_proofs *c)
{
    static const double x[] = {-0.455351, -0.276391, -0.185934, -0.269585};
    static const double w[] = {-0.494659,  0.0453352, -0.487793, 0.417264,  -0.0175329, 0.489074,  -0.446013, 0.414029,
                               -0.0091708, -0.255364, -0.106952, -0.266717, -0.0888852, -0.428709, -0.283349, 0.208792};
    static const double r[] = {0.146626,  -0.0620289, -0.0815302, 0.100482, -0.219535, -0.306635, -0.28515,  -0.314112,
                               -0.228172, 0.405972,   0.31576,    0.281487, -0.394864, 0.42111,   -0.386624, -0.390225};
    static const double b[] = {.381619, .0323954, -.14449, .420804, -.258721, .45056, -.250755, .0967895};
    static const double h0[] = {.34, .72}, c0[] = {.63, .21};
    static const struct {
        const char *dialect;
        int reverse, with_h0, with_c0;
        double forget_bias, y[2], c[2];
    } rows[] = {
#include "reference/published_onnx.inc"
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        const int e = rows[k].reverse;
        const assay_problem p = layer_of(ASSAY_LSTM, 2, 1, 2, 2, 2, ASSAY_BIAS_ONE_INPUT, rows[k].forget_bias);
        assay_specimen s;
        strcpy(c->dialect, rows[k].dialect);
        if (assay_specimen_make(c, &p, &s)) {
            from_iofc(w, 4, parameter(&s, e, ASSAY_W));
            from_iofc(r, 4, parameter(&s, e, ASSAY_R));
            from_iofc(b, 2, parameter(&s, e, ASSAY_B_IH));
            memcpy(s.d[ASSAY_X], x, sizeof x);
            if (rows[k].with_h0) memcpy(s.d[ASSAY_H0], h0, sizeof h0);
            if (rows[k].with_c0) memcpy(s.d[ASSAY_C0], c0, sizeof c0);
            if (assay_specimen_run(c, &s)) {
                expect(c, "hn", "ONNX Runtime, recomputed, absolute", (double *)s.d[ASSAY_HN] + 2 * e, rows[k].y, 2,
                       bound);
                expect(c, "cn", "ONNX Runtime, recomputed, absolute", (double *)s.d[ASSAY_CN] + 2 * e, rows[k].c, 2,
                       bound);
            }
        }
        assay_specimen_free(&s);
    }
}

/* 13.7: x counts up from 0 in batch-major order; every kernel weight .01, recurrent .02, bias .03 but the LSTM's forget
 * bias where it starts as 1. `first_units`: only unit 0 of each sample is published. */
static void keras(assay_proofs *c)
{
    static const struct {
        const char *dialect;
        int cell, t, n, i, h, reverse, initial, first_units;
        double forget, limit, hn[4];
    } rows[] = {
#include "reference/published_keras.inc"
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        const int gru = rows[k].cell == ASSAY_GRU, e = rows[k].reverse, h = rows[k].h;
        const assay_problem p = layer_of(rows[k].cell, rows[k].t, rows[k].n, rows[k].i, h, 2,
                                         gru ? ASSAY_BIAS_TWO : ASSAY_BIAS_ONE_INPUT, 0);
        const int gates = assay_gates(rows[k].cell);
        assay_specimen s;
        strcpy(c->dialect, rows[k].dialect);
        if (assay_specimen_make(c, &p, &s)) {
            double *x = s.d[ASSAY_X], got[4];
            for (int j = 0; j < gates * h * p.i; j++)
                parameter(&s, e, ASSAY_W)[j] = .01;
            for (int j = 0; j < gates * h * h; j++)
                parameter(&s, e, ASSAY_R)[j] = .02;
            for (int j = 0; j < gates * h; j++) {
                parameter(&s, e, ASSAY_B_IH)[j] = !gru && j / h == 1 ? rows[k].forget : .03;
                if (gru) parameter(&s, e, ASSAY_B_HH)[j] = .03;
            }
            for (int t = 0; t < p.t; t++)
                for (int n = 0; n < p.n; n++)
                    for (int j = 0; j < p.i; j++)
                        x[(t * p.n + n) * p.i + j] = (n * p.t + t) * p.i + j;
            for (int j = 0; rows[k].initial && j < p.n * h; j++) {
                ((double *)s.d[ASSAY_H0])[e * p.n * h + j] = j;
                if (!gru) ((double *)s.d[ASSAY_C0])[e * p.n * h + j] = j;
            }
            if (assay_specimen_run(c, &s)) {
                const double *hn = (double *)s.d[ASSAY_HN] + e * p.n * h;
                const int count = rows[k].first_units ? p.n : p.n * h;
                for (int j = 0; j < count; j++)
                    got[j] = hn[rows[k].first_units ? j * h : j];
                expect(c, "hn", "Keras, absolute", got, rows[k].hn, count, rows[k].limit);
            }
        }
        assay_specimen_free(&s);
    }
}

void assay_certify_published_rnn(assay_proofs *c)
{
    c->op = "rnn";
    strcpy(c->dialect, "onnx.constant-r");
    onnx_symmetric(c);
    onnx_asymmetric(c);
    keras(c);
}
