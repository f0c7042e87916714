/* certify_problems.c: the problems whose every output and gradient is certified: tiny, so that each can be differenced
 * along each element.
 * SPDX-License-Identifier: MIT */
#include "reference/certify_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct cell {
    int cell, reset;
    double forget_bias;
    const char *name;
} cells[] = {
    {ASSAY_LSTM, ASSAY_RESET_AFTER_INSIDE, 0, "lstm"},
    {ASSAY_LSTM, ASSAY_RESET_AFTER_INSIDE, 1, "lstm-fb1"},
    {ASSAY_GRU, ASSAY_RESET_AFTER_INSIDE, 0, "gru-after"},
    {ASSAY_GRU, ASSAY_RESET_BEFORE, 0, "gru-before"},
    {ASSAY_RNN_TANH, ASSAY_RESET_AFTER_INSIDE, 0, "rnn-tanh"},
    {ASSAY_RNN_RELU, ASSAY_RESET_AFTER_INSIDE, 0, "rnn-relu"},
};
enum { CELLS = sizeof cells / sizeof *cells };

static assay_problem stack_of(const struct cell *cell, int biases, int directions, int layers)
{
    assay_problem p;
    memset(&p, 0, sizeof p);
    p.op = ASSAY_OP_RNN;
    p.t = 3, p.n = 3, p.i = 2, p.h = 3;
    p.layers = layers;
    p.directions = directions;
    p.dialect.cell = cell->cell;
    p.dialect.gru_reset = cell->reset;
    p.dialect.forget_bias = cell->forget_bias;
    p.dialect.biases = biases;
    return p;
}

/* Lengths 2, 0, 3: unsorted, an empty row, a full one. What lies past them is NaN. */
static void make_ragged(assay_specimen *s)
{
    static const int32_t lens[] = {2, 0, 3};
    memcpy(s->d[ASSAY_LENS], lens, sizeof lens);
    double *x = s->d[ASSAY_X];
    const int width = s->p.op == ASSAY_OP_XENT ? s->p.classes : s->p.i;
    for (int k = 0; x && k < s->p.t * s->p.n; k++)
        for (int j = 0; k / s->p.n >= lens[k % s->p.n] && j < width; j++)
            x[k * width + j] = NAN;
}

static void certify(assay_proofs *c, const assay_problem *p, uint64_t seed, int ragged)
{
    assay_specimen s;
    if (assay_specimen_make(c, p, &s)) {
        assay_specimen_draw(&s, seed);
        s.step = 3;
        if (ragged) make_ragged(&s);
        assay_specimen_widen(&s);
        assay_certify_one(c, &s);
    }
    assay_specimen_free(&s);
}

static void certify_stack(assay_proofs *c, int which, int biases, int directions, int layers, int ragged, int bptt)
{
    assay_problem p = stack_of(&cells[which], biases, directions, layers);
    p.dialect.bptt_steps = bptt;
    c->op = "rnn";
    snprintf(c->dialect, sizeof c->dialect, "%s.b%d.%s.l%d%s%s", cells[which].name, biases,
             directions == 2 ? "bi" : "uni", layers, ragged ? ".ragged" : "", bptt ? ".bptt" : "");
    certify(c, &p, 100 + (uint64_t)which, ragged);
}

static void certify_stacks(assay_proofs *c)
{
    for (int k = 0; k < CELLS; k++) {
        for (int biases = ASSAY_BIAS_NONE; biases <= ASSAY_BIAS_TWO; biases++)
            for (int shape = 0; shape < 8; shape++) {
                const int directions = 1 + shape % 2, layers = 1 + shape / 2 % 2, ragged = shape / 4;
                /* quick: the simplest with each kind of bias, and with two biases those that join several things */
                const int quick = shape == 0 || (biases == ASSAY_BIAS_TWO && (shape == 1 || shape == 4 || shape == 7));
                if (quick || c->full) certify_stack(c, k, biases, directions, layers, ragged, 0);
            }
        certify_stack(c, k, ASSAY_BIAS_TWO, 2, 2, 1, 2);
    }
}

static assay_problem loss_of(int op, int classes, int reduction)
{
    assay_problem p;
    memset(&p, 0, sizeof p);
    p.op = op;
    p.classes = classes;
    p.dialect.xent_reduction = reduction;
    p.dialect.ctc_reduction = reduction;
    return p;
}

static const char *const reductions[] = {"none", "sum", "mean"};

static void certify_xent(assay_proofs *c)
{
    c->op = "xent";
    for (int reduction = ASSAY_REDUCE_NONE; reduction <= ASSAY_REDUCE_MEAN; reduction++)
        for (int ragged = 0; ragged < 2; ragged++) {
            assay_problem p = loss_of(ASSAY_OP_XENT, 4, reduction);
            p.t = 3, p.n = 3;
            snprintf(c->dialect, sizeof c->dialect, "%s%s", reductions[reduction], ragged ? ".ragged" : "");
            certify(c, &p, 200, ragged);
        }
    assay_specimen s;
    assay_problem p = loss_of(ASSAY_OP_XENT, 4, ASSAY_REDUCE_MEAN);
    p.t = 1, p.n = 2;
    snprintf(c->dialect, sizeof c->dialect, "mean.minus-infinity");
    if (assay_specimen_make(c, &p, &s)) {
        assay_specimen_draw(&s, 201);
        ((int32_t *)s.d[ASSAY_LABELS])[0] = 1;
        ((double *)s.d[ASSAY_X])[0] = -INFINITY;
        assay_specimen_widen(&s);
        assay_certify_one(c, &s);
    }
    assay_specimen_free(&s);
}

/* Samples: several paths; empty target; equal neighbours; no room for the blank between them; no frames and no labels;
 * no frames but a label. Labels count from the class after the blank. */
static void certify_ctc_of(assay_proofs *c, int blank, int reduction, int infeasible)
{
    static const int32_t lens[] = {5, 4, 5, 2, 0, 0}, label_lens[] = {2, 0, 3, 2, 0, 1};
    static const int32_t labels[] = {1, 2, 1, 1, 2, 2, 2, 1};
    /* the sum of losses with an infinite one has no derivative: leave those samples out */
    const int feasible = infeasible == ASSAY_INFEASIBLE_INF && reduction != ASSAY_REDUCE_NONE;
    assay_problem p = loss_of(ASSAY_OP_CTC, 3, reduction);
    assay_specimen s;
    p.t = 5;
    p.n = feasible ? 3 : 6;
    p.max_label = 3;
    p.labels = feasible ? 5 : 8;
    p.dialect.ctc_blank = blank;
    p.dialect.ctc_infeasible = infeasible;
    c->op = "ctc";
    snprintf(c->dialect, sizeof c->dialect, "%s.blank%d.%s", reductions[reduction], blank,
             infeasible == ASSAY_INFEASIBLE_INF ? "inf" : "zero");
    if (assay_specimen_make(c, &p, &s)) {
        assay_specimen_draw(&s, 300);
        for (int n = 0; n < p.n; n++) {
            ((int32_t *)s.d[ASSAY_LENS])[n] = lens[n];
            ((int32_t *)s.d[ASSAY_LABEL_LENS])[n] = label_lens[n];
        }
        for (int k = 0; k < p.labels; k++)
            ((int32_t *)s.d[ASSAY_LABELS])[k] = (blank + labels[k]) % p.classes;
        assay_certify_one(c, &s);
    }
    assay_specimen_free(&s);
}

static void certify_ctc(assay_proofs *c)
{
    for (int blank = 0; blank < 3; blank++)
        for (int reduction = ASSAY_REDUCE_NONE; reduction <= ASSAY_REDUCE_MEAN; reduction++)
            for (int infeasible = ASSAY_INFEASIBLE_INF; infeasible <= ASSAY_INFEASIBLE_ZERO; infeasible++)
                certify_ctc_of(c, blank, reduction, infeasible);
}

/* Whole networks: what joins the parts. */
static const struct net {
    int cell, directions, layers, vocab, head, loss, dense_bias, optimizer, reduction, ragged;
    const char *name;
} nets[] = {
    {0, 1, 1, 0, ASSAY_HEAD_LAST, ASSAY_LOSS_XENT, 0, ASSAY_OPT_ADAM, ASSAY_REDUCE_MEAN, 1, "lstm.last.xent.adam"},
    {2, 1, 1, 5, ASSAY_HEAD_LAST, ASSAY_LOSS_XENT, 1, ASSAY_OPT_SGD, ASSAY_REDUCE_SUM, 0,
     "ids.gru-after.last.xent.sgd"},
    {0, 2, 2, 5, ASSAY_HEAD_EVERY, ASSAY_LOSS_XENT, 1, ASSAY_OPT_ADAM, ASSAY_REDUCE_MEAN, 1,
     "ids.lstm.bi.every.xent.adam"},
    {3, 2, 1, 0, ASSAY_HEAD_EVERY, ASSAY_LOSS_CTC, 0, ASSAY_OPT_ADAM, ASSAY_REDUCE_MEAN, 1,
     "gru-before.bi.every.ctc.adam"},
    {4, 1, 2, 0, ASSAY_HEAD_EVERY, ASSAY_LOSS_XENT, 1, ASSAY_OPT_NONE, ASSAY_REDUCE_NONE, 1,
     "rnn-tanh.every.xent-none"},
    {0, 2, 1, 0, ASSAY_HEAD_LAST, ASSAY_LOSS_NONE, 1, ASSAY_OPT_NONE, ASSAY_REDUCE_MEAN, 1, "lstm.bi.last.no-loss"},
};

static void certify_network(assay_proofs *c, const struct net *net)
{
    assay_problem p = stack_of(&cells[net->cell], ASSAY_BIAS_TWO, net->directions, net->layers);
    assay_specimen s;
    p.op = ASSAY_OP_NETWORK;
    p.vocab = net->vocab;
    p.head = net->head;
    p.loss = net->loss;
    p.classes = 4;
    p.dense_bias = net->dense_bias;
    p.optimizer = net->optimizer;
    p.lr = 0.01, p.beta1 = 0.9, p.beta2 = 0.999, p.epsilon = 1e-8;
    p.dialect.xent_reduction = net->reduction;
    p.dialect.ctc_reduction = net->reduction;
    if (net->loss == ASSAY_LOSS_CTC) p.labels = 2, p.max_label = 1;
    c->op = "network";
    snprintf(c->dialect, sizeof c->dialect, "%s%s", net->name, net->ragged ? ".ragged" : "");
    if (assay_specimen_make(c, &p, &s)) {
        assay_specimen_draw(&s, 400);
        s.step = 3;
        if (net->ragged) make_ragged(&s);
        if (net->loss == ASSAY_LOSS_CTC) {
            static const int32_t label_lens[] = {1, 0, 1};
            memcpy(s.d[ASSAY_LABEL_LENS], label_lens, sizeof label_lens);
            ((int32_t *)s.d[ASSAY_LABELS])[0] = 1;
            ((int32_t *)s.d[ASSAY_LABELS])[1] = 3;
        }
        assay_specimen_widen(&s);
        assay_certify_one(c, &s);
    }
    assay_specimen_free(&s);
}

void assay_certify_problems(assay_proofs *c)
{
    certify_xent(c);
    certify_ctc(c);
    certify_stacks(c);
    for (size_t k = 0; k < sizeof nets / sizeof *nets; k++)
        certify_network(c, &nets[k]);
}
