/* certify_losses.c: the dialects of cross-entropy and of CTC whose every output and gradient is certified.
 * SPDX-License-Identifier: MIT */
#include "reference/certify_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- cross-entropy ---- */

enum { NONE = ASSAY_REDUCE_NONE, SUM = ASSAY_REDUCE_SUM, MEAN = ASSAY_REDUCE_MEAN };

static const struct xent_variant {
    const char *name;
    assay_dialect dialect;
    int gap; /* elements between the rows of x */
} xents[] = {
    {"none", {.xent_reduction = NONE}, 0},
    {"sum", {.xent_reduction = SUM}, 0},
    {"mean", {.xent_reduction = MEAN}, 0},
    {"mean-all", {.xent_reduction = ASSAY_REDUCE_MEAN_ALL}, 0},
    {"mean-batch", {.xent_reduction = ASSAY_REDUCE_MEAN_BATCH}, 0},
    {"mean.ignore", {.xent_reduction = MEAN, .xent_ignores = 1, .xent_ignore_index = -100}, 0},
    {"none.ignore-class", {.xent_reduction = NONE, .xent_ignores = 1, .xent_ignore_index = 2}, 0},
    {"mean-all.ignore", {.xent_reduction = ASSAY_REDUCE_MEAN_ALL, .xent_ignores = 1, .xent_ignore_index = -1}, 0},
    {"sum.weights", {.xent_reduction = SUM, .xent_weighted = 1}, 0},
    {"mean.weights", {.xent_reduction = MEAN, .xent_weighted = 1}, 0},
    {"mean-weighted.ignore",
     {.xent_reduction = ASSAY_REDUCE_MEAN_WEIGHTED, .xent_weighted = 1, .xent_ignores = 1, .xent_ignore_index = -100},
     0},
    {"mean.smooth-all", {.xent_reduction = MEAN, .xent_smoothing = 0.1}, 0},
    {"mean.smooth-others",
     {.xent_reduction = MEAN, .xent_smoothing = 0.1, .xent_smoothing_to = ASSAY_SMOOTH_OTHERS},
     0},
    {"mean-weighted.smooth-all.ignore",
     {.xent_reduction = ASSAY_REDUCE_MEAN_WEIGHTED,
      .xent_weighted = 1,
      .xent_smoothing = 0.2,
      .xent_ignores = 1,
      .xent_ignore_index = 1},
     0},
    {"none.weights.smooth-others",
     {.xent_reduction = NONE, .xent_weighted = 1, .xent_smoothing = 0.2, .xent_smoothing_to = ASSAY_SMOOTH_OTHERS},
     0},
    {"mean.batch-major", {.xent_reduction = MEAN, .layout = ASSAY_BATCH_MAJOR}, 0},
    {"none.batch-major.strided", {.xent_reduction = NONE, .layout = ASSAY_BATCH_MAJOR}, 3},
};

static void certify_xent(assay_proofs *c, const struct xent_variant *v, int ragged)
{
    assay_problem p;
    assay_specimen s;
    memset(&p, 0, sizeof p);
    p.op = ASSAY_OP_XENT;
    p.t = 3, p.n = 3, p.classes = 4;
    p.dialect = v->dialect;
    if (v->gap) p.x_stride = p.classes + v->gap;
    snprintf(c->dialect, sizeof c->dialect, "%s", v->name);
    if (assay_specimen_make(c, &p, &s)) {
        assay_specimen_draw(&s, 200);
        /* two rows of each kind that counts, one of sample 0, one of sample 2 */
        if (v->dialect.xent_ignores)
            for (int k = 0; k < 2; k++)
                ((int32_t *)s.d[ASSAY_LABELS])[assay_row_of(&p, k, 2 * k)] = v->dialect.xent_ignore_index;
        if (ragged) assay_specimen_ragged(&s);
        assay_specimen_widen(&s);
        assay_certify_one(c, &s, 0);
    }
    assay_specimen_free(&s);
}

/* A class of probability 0. */
static void certify_infinite_logit(assay_proofs *c)
{
    assay_problem p;
    assay_specimen s;
    memset(&p, 0, sizeof p);
    p.op = ASSAY_OP_XENT;
    p.t = 1, p.n = 2, p.classes = 4;
    p.dialect.xent_reduction = MEAN;
    snprintf(c->dialect, sizeof c->dialect, "mean.minus-infinity");
    if (assay_specimen_make(c, &p, &s)) {
        assay_specimen_draw(&s, 201);
        ((int32_t *)s.d[ASSAY_LABELS])[0] = 1;
        ((double *)s.d[ASSAY_X])[0] = -INFINITY;
        assay_specimen_widen(&s);
        assay_certify_one(c, &s, 0);
    }
    assay_specimen_free(&s);
}

/* ---- CTC ---- */

enum { INF = ASSAY_INFEASIBLE_INF, ZERO = ASSAY_INFEASIBLE_ZERO, TARGETS = ASSAY_REDUCE_MEAN_TARGETS };

static const struct ctc_variant {
    const char *name;
    assay_dialect dialect;
} ctcs[] = {
    {"none.inf", {.ctc_reduction = NONE, .ctc_infeasible = INF}},
    {"none.zero", {.ctc_reduction = NONE, .ctc_infeasible = ZERO}},
    {"sum.blank1.inf", {.ctc_reduction = SUM, .ctc_blank = 1, .ctc_infeasible = INF}},
    {"sum.blank1.zero", {.ctc_reduction = SUM, .ctc_blank = 1, .ctc_infeasible = ZERO}},
    {"mean.blank2.inf", {.ctc_reduction = MEAN, .ctc_blank = 2, .ctc_infeasible = INF}},
    {"mean.blank2.zero", {.ctc_reduction = MEAN, .ctc_blank = 2, .ctc_infeasible = ZERO}},
    {"mean-targets.inf", {.ctc_reduction = TARGETS, .ctc_infeasible = INF}},
    {"mean-targets.zero.padded", {.ctc_reduction = TARGETS, .ctc_infeasible = ZERO, .ctc_labels = ASSAY_LABELS_PADDED}},
    {"none.padded.batch-major",
     {.ctc_reduction = NONE, .ctc_labels = ASSAY_LABELS_PADDED, .layout = ASSAY_BATCH_MAJOR}},
    {"none.log-probs", {.ctc_reduction = NONE, .ctc_input = ASSAY_CTC_LOG_PROBS}},
    {"mean.log-probs.zero", {.ctc_reduction = MEAN, .ctc_input = ASSAY_CTC_LOG_PROBS, .ctc_infeasible = ZERO}},
    {"none.log-probs.minus-softmax",
     {.ctc_reduction = NONE, .ctc_input = ASSAY_CTC_LOG_PROBS, .ctc_gradient = ASSAY_CTC_MINUS_SOFTMAX}},
    {"none.collapse", {.ctc_reduction = NONE, .ctc_collapse = 1}},
    {"none.repeats-kept", {.ctc_reduction = NONE, .ctc_repeats = ASSAY_REPEATS_KEPT}},
    {"mean.collapse.repeats-kept.zero",
     {.ctc_reduction = MEAN, .ctc_collapse = 1, .ctc_repeats = ASSAY_REPEATS_KEPT, .ctc_infeasible = ZERO}},
};

/* Samples: several paths; empty target; equal neighbours; no room for the blank between them; no frames and no labels;
 * no frames but a label. Labels count from the class after the blank. */
static void certify_ctc(assay_proofs *c, const struct ctc_variant *v)
{
    static const int32_t lens[] = {5, 4, 5, 2, 0, 0}, label_lens[] = {2, 0, 3, 2, 0, 1};
    static const int32_t labels[] = {1, 2, 1, 1, 2, 2, 2, 1};
    const assay_dialect *d = &v->dialect;
    const int padded = d->ctc_labels == ASSAY_LABELS_PADDED;
    /* the sum of losses with an infinite one has no derivative: leave those samples out */
    const int feasible = d->ctc_infeasible == INF && d->ctc_reduction != NONE;
    assay_problem p;
    assay_specimen s;
    memset(&p, 0, sizeof p);
    p.op = ASSAY_OP_CTC;
    p.classes = 3;
    p.t = 5;
    p.n = feasible ? 3 : 6;
    p.max_label = 3;
    p.labels = padded ? 0 : feasible ? 5 : 8;
    p.dialect = *d;
    snprintf(c->dialect, sizeof c->dialect, "%s", v->name);
    if (assay_specimen_make(c, &p, &s)) {
        int32_t *to = s.d[ASSAY_LABELS];
        assay_specimen_draw(&s, 300);
        for (int n = 0, from = 0; n < p.n; n++) {
            ((int32_t *)s.d[ASSAY_LENS])[n] = lens[n];
            ((int32_t *)s.d[ASSAY_LABEL_LENS])[n] = label_lens[n];
            for (int k = 0; k < label_lens[n]; k++, from++)
                to[padded ? n * p.max_label + k : from] = (d->ctc_blank + labels[from]) % p.classes;
        }
        assay_certify_one(c, &s, 0);
    }
    assay_specimen_free(&s);
}

/* PyTorch's gradient is the true one plus exp of the log-probabilities, in frames that count of samples that can be. */
static void certify_minus_softmax(assay_proofs *c)
{
    assay_problem p;
    assay_specimen s;
    memset(&p, 0, sizeof p);
    p.op = ASSAY_OP_CTC;
    p.classes = 4, p.t = 6, p.n = 1;
    p.max_label = 2, p.labels = 2;
    p.dialect.ctc_input = ASSAY_CTC_LOG_PROBS;
    snprintf(c->dialect, sizeof c->dialect, "none.log-probs.minus-softmax");
    if (assay_specimen_make(c, &p, &s)) {
        double *x = s.d[ASSAY_X], *dx = s.d[ASSAY_DX], truth[24];
        assay_specimen_draw(&s, 310);
        ((int32_t *)s.d[ASSAY_LENS])[0] = 5;
        ((int32_t *)s.d[ASSAY_LABEL_LENS])[0] = 2;
        ((int32_t *)s.d[ASSAY_LABELS])[0] = 1;
        ((int32_t *)s.d[ASSAY_LABELS])[1] = 3;
        double error = assay_specimen_run(c, &s) ? 0 : NAN;
        memcpy(truth, dx, sizeof truth);
        s.p.dialect.ctc_gradient = ASSAY_CTC_MINUS_SOFTMAX;
        if (!assay_specimen_run(c, &s)) error = NAN;
        for (int k = 0; k < 24; k++) {
            const double more = k < 5 * 4 ? ((double *)s.d[ASSAY_DLOSS])[0] * exp(x[k]) : 0;
            error = fmax(error, fabs(dx[k] - truth[k] - more));
        }
        assay_prove(c, "dx", "the true gradient plus exp(x), absolute", error, 1e-15);
    }
    assay_specimen_free(&s);
}

void assay_certify_losses(assay_proofs *c)
{
    c->op = "xent";
    for (size_t k = 0; k < sizeof xents / sizeof *xents; k++)
        for (int ragged = 0; ragged < 2; ragged++)
            certify_xent(c, &xents[k], ragged);
    certify_infinite_logit(c);
    c->op = "ctc";
    for (size_t k = 0; k < sizeof ctcs / sizeof *ctcs; k++)
        certify_ctc(c, &ctcs[k]);
    certify_minus_softmax(c);
}
