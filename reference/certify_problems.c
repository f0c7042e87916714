/* certify_problems.c: the stacks and networks whose every output and gradient is certified: tiny, so that each can be
 * differenced along each element, and in full also of medium size, along random directions.
 * SPDX-License-Identifier: MIT */
#include "reference/certify_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { INSIDE = ASSAY_RESET_AFTER_INSIDE, BEFORE = ASSAY_RESET_BEFORE, OUTSIDE = ASSAY_RESET_AFTER_OUTSIDE };
enum {
    NO_BIAS = ASSAY_BIAS_NONE,
    INPUT = ASSAY_BIAS_ONE_INPUT,
    TWO = ASSAY_BIAS_TWO,
    HIDDEN = ASSAY_BIAS_ONE_RECURRENT
};
#define LSTM(...)                                                                                                      \
    {                                                                                                                  \
        .cell = ASSAY_LSTM, .gru_reset = INSIDE, __VA_ARGS__                                                           \
    }
#define GRU(...)                                                                                                       \
    {                                                                                                                  \
        .cell = ASSAY_GRU, __VA_ARGS__                                                                                 \
    }
#define TANH(...)                                                                                                      \
    {                                                                                                                  \
        .cell = ASSAY_RNN_TANH, .gru_reset = INSIDE, __VA_ARGS__                                                       \
    }
#define RELU(...)                                                                                                      \
    {                                                                                                                  \
        .cell = ASSAY_RNN_RELU, .gru_reset = INSIDE, __VA_ARGS__                                                       \
    }

/* Dialects of stacks, one row each. x is drawn `wide` times as large, so that clips and hard gates are met. */
static const struct variant {
    const char *name;
    assay_dialect dialect;
    int proj, x_gap, y_gap; /* gaps: elements between the rows of x, of y */
    double wide;
} variants[] = {
    {"lstm", LSTM(.biases = TWO), 0, 0, 0, 1},
    {"lstm.b0", LSTM(.biases = NO_BIAS), 0, 0, 0, 1},
    {"lstm.b-ih", LSTM(.biases = INPUT), 0, 0, 0, 1},
    {"lstm.b-hh", LSTM(.biases = HIDDEN), 0, 0, 0, 1},
    {"lstm.forget-bias", LSTM(.biases = INPUT, .forget_bias = 1), 0, 0, 0, 1},
    {"lstm.peephole", LSTM(.biases = INPUT, .peephole = 1), 0, 0, 0, 1},
    {"lstm.projection", LSTM(.biases = TWO), 2, 0, 0, 1},
    {"lstm.peephole.projection", LSTM(.biases = INPUT, .peephole = 1, .forget_bias = 1), 2, 0, 0, 1},
    {"lstm.clip", LSTM(.biases = INPUT, .cell_clip = 0.3), 0, 0, 0, 3},
    {"lstm.clip.peephole", LSTM(.biases = INPUT, .cell_clip = 0.3, .peephole = 1), 0, 0, 0, 3},
    {"lstm.clip.straight-through", LSTM(.biases = INPUT, .cell_clip = 0.3, .clip_gradient = ASSAY_CLIP_PASSES), 0, 0, 0,
     3},
    {"lstm.coupled", LSTM(.biases = TWO, .coupled = 1), 0, 0, 0, 1},
    {"lstm.coupled.peephole", LSTM(.biases = TWO, .coupled = 1, .peephole = 1), 0, 0, 0, 1},
    {"lstm.hard-fifth", LSTM(.biases = INPUT, .gate_activation = ASSAY_GATE_HARD_FIFTH), 0, 0, 0, 5},
    {"lstm.hard-sixth", LSTM(.biases = INPUT, .gate_activation = ASSAY_GATE_HARD_SIXTH, .forget_bias = 1), 0, 0, 0, 5},
    {"lstm.all-options",
     LSTM(.biases = HIDDEN, .peephole = 1, .cell_clip = 0.4, .forget_bias = 1, .gate_activation = ASSAY_GATE_HARD_FIFTH,
          .empty_state = ASSAY_EMPTY_ZERO, .layout = ASSAY_BATCH_MAJOR),
     2, 1, 2, 3},
    {"lstm.held-output", LSTM(.biases = TWO, .pad_output = ASSAY_PAD_HELD), 0, 0, 0, 1},
    {"lstm.empty-zero", LSTM(.biases = TWO, .empty_state = ASSAY_EMPTY_ZERO), 0, 0, 0, 1},
    {"lstm.batch-major", LSTM(.biases = TWO, .layout = ASSAY_BATCH_MAJOR), 0, 0, 0, 1},
    {"lstm.strided", LSTM(.biases = TWO), 0, 3, 1, 1},
    {"lstm.bptt", LSTM(.biases = TWO, .bptt_steps = 2), 0, 0, 0, 1},
    {"gru.after", GRU(.biases = TWO, .gru_reset = INSIDE), 0, 0, 0, 1},
    {"gru.after.b0", GRU(.biases = NO_BIAS, .gru_reset = INSIDE), 0, 0, 0, 1},
    {"gru.after.b-ih", GRU(.biases = INPUT, .gru_reset = INSIDE), 0, 0, 0, 1},
    {"gru.after.b-hh", GRU(.biases = HIDDEN, .gru_reset = INSIDE), 0, 0, 0, 1},
    {"gru.after.updates", GRU(.biases = TWO, .gru_reset = INSIDE, .gru_mix = ASSAY_MIX_UPDATES), 0, 0, 0, 1},
    {"gru.after.hard-fifth", GRU(.biases = TWO, .gru_reset = INSIDE, .gate_activation = ASSAY_GATE_HARD_FIFTH), 0, 0, 0,
     5},
    {"gru.before", GRU(.biases = TWO, .gru_reset = BEFORE), 0, 0, 0, 1},
    {"gru.before.b0", GRU(.biases = NO_BIAS, .gru_reset = BEFORE), 0, 0, 0, 1},
    {"gru.before.b-ih", GRU(.biases = INPUT, .gru_reset = BEFORE), 0, 0, 0, 1},
    {"gru.before.b-hh", GRU(.biases = HIDDEN, .gru_reset = BEFORE), 0, 0, 0, 1},
    {"gru.before.updates", GRU(.biases = INPUT, .gru_reset = BEFORE, .gru_mix = ASSAY_MIX_UPDATES), 0, 0, 0, 1},
    {"gru.before.hard-sixth", GRU(.biases = INPUT, .gru_reset = BEFORE, .gate_activation = ASSAY_GATE_HARD_SIXTH), 0, 0,
     0, 5},
    {"gru.outside", GRU(.biases = TWO, .gru_reset = OUTSIDE), 0, 0, 0, 1},
    {"gru.outside.b-hh", GRU(.biases = HIDDEN, .gru_reset = OUTSIDE), 0, 0, 0, 1},
    {"gru.outside.updates", GRU(.biases = INPUT, .gru_reset = OUTSIDE, .gru_mix = ASSAY_MIX_UPDATES), 0, 0, 0, 1},
    {"gru.held-output", GRU(.biases = TWO, .gru_reset = INSIDE, .pad_output = ASSAY_PAD_HELD), 0, 0, 0, 1},
    {"gru.batch-major.strided", GRU(.biases = TWO, .gru_reset = INSIDE, .layout = ASSAY_BATCH_MAJOR), 0, 1, 2, 1},
    {"gru.bptt", GRU(.biases = TWO, .gru_reset = BEFORE, .bptt_steps = 2), 0, 0, 0, 1},
    {"tanh", TANH(.biases = TWO), 0, 0, 0, 1},
    {"tanh.b0", TANH(.biases = NO_BIAS), 0, 0, 0, 1},
    {"tanh.b-ih", TANH(.biases = INPUT), 0, 0, 0, 1},
    {"tanh.b-hh", TANH(.biases = HIDDEN), 0, 0, 0, 1},
    {"tanh.empty-zero", TANH(.biases = TWO, .empty_state = ASSAY_EMPTY_ZERO), 0, 0, 0, 1},
    {"relu", RELU(.biases = TWO), 0, 0, 0, 1},
    {"relu.b0", RELU(.biases = NO_BIAS), 0, 0, 0, 1},
    {"relu.b-ih", RELU(.biases = INPUT), 0, 0, 0, 1},
    {"relu.held-output", RELU(.biases = TWO, .pad_output = ASSAY_PAD_HELD), 0, 0, 0, 1},
};

/* The sizes that each is certified at: t n i h, layers, directions; lengths 2, 0, T ... or full. */
static const struct shape {
    const char *name;
    int t, n, i, h, layers, directions, ragged;
    int full, medium;
} shapes[] = {
    {"uni.l1", 3, 3, 2, 3, 1, 1, 0, 0, 0},        {"bi.l2.ragged", 3, 3, 2, 3, 2, 2, 1, 0, 0},
    {"bi.l1", 3, 3, 2, 3, 1, 2, 0, 1, 0},         {"uni.l2", 3, 3, 2, 3, 2, 1, 0, 1, 0},
    {"uni.l1.ragged", 3, 3, 2, 3, 1, 1, 1, 1, 0}, {"bi.l1.ragged", 3, 3, 2, 3, 1, 2, 1, 1, 0},
    {"uni.l3.ragged", 3, 3, 2, 3, 3, 1, 1, 1, 0}, {"medium", 9, 4, 7, 9, 2, 2, 1, 1, 1},
};

/* What needs two directions or several layers: joined to a few cells. */
static const struct joint {
    const char *name;
    int merge;
    double dropout;
} joints[] = {
    {"sum", ASSAY_MERGE_SUM, 0},
    {"average", ASSAY_MERGE_AVERAGE, 0},
    {"multiply", ASSAY_MERGE_MULTIPLY, 0},
    {"dropout", ASSAY_MERGE_CONCAT, 0.25},
    {"multiply.dropout", ASSAY_MERGE_MULTIPLY, 0.5},
};

static assay_problem stack_of(const assay_dialect *dialect, const struct shape *s)
{
    assay_problem p;
    memset(&p, 0, sizeof p);
    p.op = ASSAY_OP_RNN;
    p.t = s->t, p.n = s->n, p.i = s->i, p.h = s->h;
    p.layers = s->layers;
    p.directions = s->directions;
    p.dialect = *dialect;
    return p;
}

static void certify_stack(assay_proofs *c, const struct shape *shape, const assay_problem *p, double wide,
                          uint64_t seed)
{
    assay_specimen s;
    if (assay_specimen_make(c, p, &s)) {
        assay_specimen_draw(&s, seed);
        assay_tensor x;
        (void)assay_tensor_find(p, ASSAY_X, &x);
        for (int64_t k = 0; k < x.count; k++)
            ((double *)s.d[ASSAY_X])[k] *= wide;
        if (shape->ragged) assay_specimen_ragged(&s);
        assay_specimen_widen(&s);
        /* every element of two bidirectional layers is the longest part: only in full */
        assay_certify_one(c, &s, shape->medium || (!c->full && shape->layers * shape->directions > 2));
    }
    assay_specimen_free(&s);
}

/* A row of the table is one dialect: its shapes share the name. */
static void certify_variant(assay_proofs *c, const struct variant *v, uint64_t seed)
{
    c->op = "rnn";
    snprintf(c->dialect, sizeof c->dialect, "%s", v->name);
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        assay_problem p = stack_of(&v->dialect, &shapes[k]);
        if (shapes[k].full && !c->full) continue;
        p.proj = v->proj;
        if (v->x_gap) p.x_stride = p.i + v->x_gap;
        if (v->y_gap) p.y_stride = assay_output_width(&p) + v->y_gap;
        certify_stack(c, &shapes[k], &p, v->wide, seed);
    }
}

static void certify_joints(assay_proofs *c)
{
    static const assay_dialect cells[] = {LSTM(.biases = TWO), GRU(.biases = INPUT, .gru_reset = BEFORE)};
    static const char *const names[] = {"lstm", "gru.before"};
    c->op = "rnn";
    for (size_t k = 0; k < sizeof joints / sizeof *joints; k++)
        for (size_t cell = 0; cell < 2; cell++)
            for (size_t j = 0; j < sizeof shapes / sizeof *shapes; j++) {
                assay_problem p = stack_of(&cells[cell], &shapes[j]);
                p.dialect.merge = joints[k].merge;
                p.dialect.dropout = joints[k].dropout;
                const int fits = (p.directions == 2 || !p.dialect.merge) && (p.layers > 1 || !(p.dialect.dropout > 0));
                snprintf(c->dialect, sizeof c->dialect, "%s.%s", names[cell], joints[k].name);
                if (fits && (c->full || !shapes[j].full)) certify_stack(c, &shapes[j], &p, 1, 150 + k);
            }
}

/* Whole networks: what joins the parts. */
static const struct net {
    const char *name;
    assay_dialect dialect;
    int proj, directions, layers, vocab, head, loss, dense_bias, optimizer, ragged;
} nets[] = {
    {"lstm.last.xent.adam", LSTM(.biases = TWO, .xent_reduction = ASSAY_REDUCE_MEAN), 0, 1, 1, 0, ASSAY_HEAD_LAST,
     ASSAY_LOSS_XENT, 0, ASSAY_OPT_ADAM, 1},
    {"ids.gru.last.xent.sgd", GRU(.biases = TWO, .gru_reset = INSIDE, .xent_reduction = ASSAY_REDUCE_SUM), 0, 1, 1, 5,
     ASSAY_HEAD_LAST, ASSAY_LOSS_XENT, 1, ASSAY_OPT_SGD, 0},
    {"ids.lstm.bi.every.xent.adam", LSTM(.biases = TWO, .xent_reduction = ASSAY_REDUCE_MEAN), 0, 2, 2, 5,
     ASSAY_HEAD_EVERY, ASSAY_LOSS_XENT, 1, ASSAY_OPT_ADAM, 1},
    {"gru.bi.every.ctc.adam", GRU(.biases = TWO, .gru_reset = BEFORE, .ctc_reduction = ASSAY_REDUCE_MEAN), 0, 2, 1, 0,
     ASSAY_HEAD_EVERY, ASSAY_LOSS_CTC, 0, ASSAY_OPT_ADAM, 1},
    {"tanh.every.xent-none", TANH(.biases = TWO), 0, 1, 2, 0, ASSAY_HEAD_EVERY, ASSAY_LOSS_XENT, 1, ASSAY_OPT_NONE, 1},
    {"lstm.bi.last.no-loss", LSTM(.biases = TWO), 0, 2, 1, 0, ASSAY_HEAD_LAST, ASSAY_LOSS_NONE, 1, ASSAY_OPT_NONE, 1},
    {"ids.lstm.all-options.every.xent.adam",
     LSTM(.biases = INPUT, .peephole = 1, .cell_clip = 0.4, .merge = ASSAY_MERGE_SUM, .dropout = 0.25,
          .layout = ASSAY_BATCH_MAJOR, .xent_reduction = ASSAY_REDUCE_MEAN_WEIGHTED, .xent_weighted = 1,
          .xent_smoothing = 0.1),
     2, 2, 2, 5, ASSAY_HEAD_EVERY, ASSAY_LOSS_XENT, 1, ASSAY_OPT_ADAM, 1},
    {"gru.padded-labels.ctc.sgd",
     GRU(.biases = TWO, .gru_reset = INSIDE, .layout = ASSAY_BATCH_MAJOR, .ctc_reduction = ASSAY_REDUCE_MEAN_TARGETS,
         .ctc_labels = ASSAY_LABELS_PADDED),
     0, 1, 1, 0, ASSAY_HEAD_EVERY, ASSAY_LOSS_CTC, 1, ASSAY_OPT_SGD, 1},
};

static void certify_network(assay_proofs *c, const struct net *net)
{
    static const int32_t label_lens[] = {1, 0, 1};
    const struct shape shape = {"", 3, 3, 2, 3, net->layers, net->directions, net->ragged, 0, 0};
    assay_problem p = stack_of(&net->dialect, &shape);
    assay_specimen s;
    const int padded = net->dialect.ctc_labels == ASSAY_LABELS_PADDED;
    p.op = ASSAY_OP_NETWORK;
    p.proj = net->proj;
    p.vocab = net->vocab;
    p.head = net->head;
    p.loss = net->loss;
    p.classes = 4;
    p.dense_bias = net->dense_bias;
    p.optimizer = net->optimizer;
    p.lr = 0.01, p.beta1 = 0.9, p.beta2 = 0.999, p.epsilon = 1e-8;
    if (net->loss == ASSAY_LOSS_CTC) p.labels = padded ? 0 : 2, p.max_label = 1;
    c->op = "network";
    snprintf(c->dialect, sizeof c->dialect, "%s", net->name);
    if (assay_specimen_make(c, &p, &s)) {
        assay_specimen_draw(&s, 400);
        s.step = 3;
        if (net->ragged) assay_specimen_ragged(&s);
        if (net->loss == ASSAY_LOSS_CTC) {
            int32_t *labels = s.d[ASSAY_LABELS];
            memcpy(s.d[ASSAY_LABEL_LENS], label_lens, sizeof label_lens);
            labels[0] = 1;
            labels[padded ? 2 : 1] = 3;
        }
        assay_specimen_widen(&s);
        assay_certify_one(c, &s, 0);
    }
    assay_specimen_free(&s);
}

void assay_certify_problems(assay_proofs *c)
{
    for (size_t k = 0; k < sizeof variants / sizeof *variants; k++)
        certify_variant(c, &variants[k], 100 + k);
    certify_joints(c);
    for (size_t k = 0; k < sizeof nets / sizeof *nets; k++)
        certify_network(c, &nets[k]);
}
