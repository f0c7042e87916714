/* kinds.c: the stacks that each identity of rows, time and units is proved of. docs/semantics.md 1.10
 * SPDX-License-Identifier: MIT */
#include "reference/identities/identities.h"

#include <stdio.h>
#include <string.h>

/* Each identity is proved of each of these. */
static const assay_kind kinds[] = {
    {"lstm", {.cell = ASSAY_LSTM, .biases = ASSAY_BIAS_TWO, .gru_reset = ASSAY_RESET_AFTER_INSIDE}, 0},
    {"lstm.peephole.clip.projection",
     {.cell = ASSAY_LSTM,
      .biases = ASSAY_BIAS_ONE_RECURRENT,
      .gru_reset = ASSAY_RESET_AFTER_INSIDE,
      .peephole = 1,
      .cell_clip = 0.3,
      .forget_bias = 1},
     2},
    {"lstm.coupled.hard-fifth.clip-passes",
     {.cell = ASSAY_LSTM,
      .biases = ASSAY_BIAS_TWO,
      .gru_reset = ASSAY_RESET_AFTER_INSIDE,
      .coupled = 1,
      .gate_activation = ASSAY_GATE_HARD_FIFTH,
      .cell_clip = 0.3,
      .clip_gradient = ASSAY_CLIP_PASSES},
     0},
    {"gru.after", {.cell = ASSAY_GRU, .biases = ASSAY_BIAS_TWO, .gru_reset = ASSAY_RESET_AFTER_INSIDE}, 0},
    {"gru.before.updates",
     {.cell = ASSAY_GRU, .biases = ASSAY_BIAS_TWO, .gru_reset = ASSAY_RESET_BEFORE, .gru_mix = ASSAY_MIX_UPDATES},
     0},
    {"gru.outside.hard-sixth",
     {.cell = ASSAY_GRU,
      .biases = ASSAY_BIAS_TWO,
      .gru_reset = ASSAY_RESET_AFTER_OUTSIDE,
      .gate_activation = ASSAY_GATE_HARD_SIXTH},
     0},
    {"tanh", {.cell = ASSAY_RNN_TANH, .biases = ASSAY_BIAS_ONE_INPUT, .gru_reset = ASSAY_RESET_AFTER_INSIDE}, 0},
    {"relu", {.cell = ASSAY_RNN_RELU, .biases = ASSAY_BIAS_NONE, .gru_reset = ASSAY_RESET_AFTER_INSIDE}, 0},
};

assay_problem assay_kind_stack(const assay_kind *k, int t, int n, int layers, int directions)
{
    assay_problem p;
    memset(&p, 0, sizeof p);
    p.op = ASSAY_OP_RNN;
    p.t = t, p.n = n, p.i = 2, p.h = ASSAY_KIND_CELLS, p.proj = k->proj;
    p.layers = layers;
    p.directions = directions;
    p.dialect = k->dialect;
    if (layers > 1) p.dialect.dropout = 0.25;
    return p;
}

int assay_identity_stacked(const assay_specimen *s)
{
    return s->p.layers * s->p.directions;
}

int32_t assay_identity_length(const assay_specimen *s, int n)
{
    return ((const int32_t *)s->d[ASSAY_LENS])[n];
}

/* Lengths 2, 0, T, 1 and NaN past them. */
int assay_kind_ragged(assay_proofs *c, const assay_problem *p, assay_specimen *s)
{
    if (!assay_identity_make(c, p, 710, s)) return 0;
    assay_specimen_ragged(s);
    return assay_specimen_run(c, s);
}

/* The parameters of a, in a problem of other sizes. */
int assay_kind_like(assay_proofs *c, const assay_problem *p, const assay_specimen *a, assay_specimen *s)
{
    if (!assay_identity_make(c, p, 711, s)) return 0;
    assay_identity_parameters(a, 0, s, 0, assay_identity_stacked(a));
    return 1;
}

void assay_identities_kinds(assay_proofs *c)
{
    static void (*const parts[])(assay_proofs *, const assay_kind *) = {assay_identities_rows, assay_identities_time,
                                                                        assay_identities_units};
    c->op = "rnn";
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        snprintf(c->dialect, sizeof c->dialect, "%s", kinds[k].name);
        for (size_t j = 0; j < sizeof parts / sizeof *parts; j++)
            parts[j](c, &kinds[k]);
    }
}
