/* ctc.c: what is known of CTC without any stored value, I2 to I6 among it. docs/semantics.md 1.8, 1.10
 * SPDX-License-Identifier: MIT */
#include "reference/identities/identities.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { T = 7, N = 4, V = 4, LONGEST = 3 };
enum { NONE = ASSAY_REDUCE_NONE, SUM = ASSAY_REDUCE_SUM, MEAN = ASSAY_REDUCE_MEAN };

/* A batch of label strings, and how many frames each has. */
typedef struct batch {
    int32_t frames[N], count[N], labels[N][LONGEST];
} batch;

/* Several alignments, a repeat, one label, none. */
static const batch plain = {{7, 5, 6, 3}, {3, 2, 1, 0}, {{1, 2, 1}, {2, 2}, {3}, {0}}};
static const batch repeating = {{7, 5, 6, 3}, {3, 2, 3, 0}, {{1, 1, 2}, {3, 3}, {2, 1, 1}, {0}}};
static const batch merged = {{7, 5, 6, 3}, {2, 1, 2, 0}, {{1, 2}, {3}, {2, 1}, {0}}};
/* The second has no room for the blank between its labels. */
static const batch crowded = {{7, 2, 6, 3}, {3, 2, 1, 0}, {{1, 2, 1}, {2, 2}, {3}, {0}}};

static double *logits(const assay_specimen *s)
{
    return s->d[ASSAY_X];
}

static double *gradient(const assay_specimen *s)
{
    return s->d[ASSAY_DX];
}

static int64_t frame(int t, int n)
{
    return ((int64_t)t * N + n) * V;
}

/* NaN past the frames that count. */
static int make(assay_proofs *c, const assay_dialect *d, const batch *from, assay_specimen *s)
{
    const int padded = d->ctc_labels == ASSAY_LABELS_PADDED;
    assay_problem p;
    memset(&p, 0, sizeof p);
    p.op = ASSAY_OP_CTC;
    p.t = T, p.n = N, p.classes = V, p.max_label = LONGEST;
    p.dialect = *d;
    for (int n = 0; n < N && !padded; n++)
        p.labels += from->count[n];
    if (!assay_identity_make(c, &p, 810, s)) return 0;
    memcpy(s->d[ASSAY_LENS], from->frames, sizeof from->frames);
    memcpy(s->d[ASSAY_LABEL_LENS], from->count, sizeof from->count);
    for (int n = 0; n < N; n++) {
        memcpy((int32_t *)s->d[ASSAY_LABELS] + assay_label_start(&p, from->count, n), from->labels[n],
               (size_t)from->count[n] * sizeof(int32_t));
        for (int64_t k = frame(from->frames[n], n); k < frame(T, n); k += N * V)
            for (int j = 0; j < V; j++)
                logits(s)[k + j] = NAN;
    }
    return 1;
}

/* ---- the same loss twice ---- */

static void shift(assay_specimen *b)
{
    for (int k = 0; k < T * N * V; k++)
        logits(b)[k] += 3 - 0.25 * (k / V);
}

/* Log-probabilities are taken as they are: what is added to a frame, the loss loses. */
static void shift_back(assay_specimen *b)
{
    for (int n = 0; n < N; n++)
        for (int t = 0; t < assay_identity_length(b, n); t++)
            ((double *)b->d[ASSAY_LOSS_ROWS])[n] += 3 - 0.25 * (t * N + n);
}

static int32_t next_class(int32_t k)
{
    return (k + 1) % V;
}

static void rename_columns(double *rows)
{
    for (int r = 0; r < T * N; r++) {
        double was[V];
        memcpy(was, rows + r * V, sizeof was);
        for (int k = 0; k < V; k++)
            rows[r * V + next_class(k)] = was[k];
    }
}

static void rename_classes(assay_specimen *b)
{
    rename_columns(logits(b));
    for (int k = 0; k < b->p.labels; k++)
        ((int32_t *)b->d[ASSAY_LABELS])[k] = next_class(((int32_t *)b->d[ASSAY_LABELS])[k]);
}

static void rename_back(assay_specimen *b)
{
    for (int k = 0; k < V - 1; k++)
        rename_columns(gradient(b));
}

static void reverse_frames(const assay_specimen *b, double *rows)
{
    for (int n = 0; n < N; n++)
        for (int t = 0, last = assay_identity_length(b, n) - 1; t < last; t++, last--) {
            double was[V];
            memcpy(was, rows + frame(t, n), sizeof was);
            memcpy(rows + frame(t, n), rows + frame(last, n), sizeof was);
            memcpy(rows + frame(last, n), was, sizeof was);
        }
}

static void reverse(assay_specimen *b)
{
    const int32_t *count = b->d[ASSAY_LABEL_LENS];
    reverse_frames(b, logits(b));
    for (int n = 0; n < N; n++) {
        int32_t *string = (int32_t *)b->d[ASSAY_LABELS] + assay_label_start(&b->p, count, n), was[LONGEST];
        memcpy(was, string, (size_t)count[n] * sizeof *was);
        for (int k = 0; k < count[n]; k++)
            string[k] = was[count[n] - 1 - k];
    }
}

static void reverse_back(assay_specimen *b)
{
    reverse_frames(b, gradient(b));
}

static void normalise(assay_specimen *b)
{
    for (int r = 0; r < T * N; r++) {
        double sum = 0, *z = logits(b) + r * V;
        for (int k = 0; k < V; k++)
            sum += exp(z[k]);
        for (int k = 0; k < V; k++)
            z[k] -= log(sum);
    }
}

/* Through the log-softmax: dz = G - softmax times the sum of G. */
static void through_softmax(assay_specimen *b)
{
    for (int n = 0; n < N; n++)
        for (int t = 0; t < assay_identity_length(b, n); t++) {
            double sum = 0, *g = gradient(b) + frame(t, n);
            for (int k = 0; k < V; k++)
                sum += g[k];
            for (int k = 0; k < V; k++)
                g[k] -= exp(logits(b)[frame(t, n) + k]) * sum;
        }
}

/* What stands instead of an infinite loss. */
static void never(assay_specimen *b)
{
    double *loss = (double *)b->d[ASSAY_LOSS_ROWS] + 1;
    *loss = *loss == 0 ? INFINITY : NAN;
}

static const struct pair {
    const char *what, *name;
    assay_dialect a, b;
    const batch *of_a, *of_b;
    void (*turn)(assay_specimen *b);
    void (*back)(assay_specimen *b);
} pairs[] = {
#include "reference/identities/ctc_pairs.inc"
};

static void certify_pair(assay_proofs *c, const struct pair *pair)
{
    assay_specimen a, b;
    memset(&b, 0, sizeof b);
    snprintf(c->dialect, sizeof c->dialect, "%s", pair->name);
    if (make(c, &pair->a, pair->of_a, &a) && make(c, &pair->b, pair->of_b, &b)) {
        if (pair->turn) pair->turn(&b);
        const int ran = assay_specimen_run(c, &a) && assay_specimen_run(c, &b);
        if (ran && pair->back) pair->back(&b);
        if (ran) assay_identity_same(c, pair->what, &a, &b);
    }
    assay_specimen_free(&a);
    assay_specimen_free(&b);
}

/* ---- reductions ---- */

static void reduced(assay_proofs *c, int reduction, const char *name)
{
    const char *what = "identity: reduced = rows added, divided";
    const assay_dialect whole = {.ctc_reduction = reduction}, rows = {.ctc_reduction = NONE};
    assay_specimen a, b;
    memset(&b, 0, sizeof b);
    snprintf(c->dialect, sizeof c->dialect, "%s", name);
    if (make(c, &whole, &plain, &a) && make(c, &rows, &plain, &b)) {
        double loss = 0, by[N];
        for (int n = 0; n < N; n++) {
            by[n] = reduction == SUM ? 1 : N;
            if (reduction == ASSAY_REDUCE_MEAN_TARGETS && plain.count[n] > 0) by[n] *= plain.count[n];
            ((double *)b.d[ASSAY_DLOSS])[n] = *(const double *)a.d[ASSAY_DLOSS] / by[n];
        }
        if (assay_specimen_run(c, &a) && assay_specimen_run(c, &b)) {
            for (int n = 0; n < N; n++)
                loss += ((const double *)b.d[ASSAY_LOSS_ROWS])[n] / by[n];
            assay_identity_prove(c, "loss", what, assay_identity_distance(a.d[ASSAY_LOSS], &loss, 1));
            assay_identity_prove(c, "dx", what, assay_identity_distance(gradient(&a), gradient(&b), T * N * V));
        }
    }
    assay_specimen_free(&a);
    assay_specimen_free(&b);
}

/* ---- closed forms ---- */

static double log_choose(int n, int k)
{
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}

/* Equal logits: of K^T paths C(T + U - R, 2U) mean a string of U labels with R repeats; where repeats are kept, its
 * labels take any U of the T frames. */
static void uniform(assay_proofs *c, int kept, const char *name)
{
    static const int32_t repeats[N] = {0, 1, 0, 0};
    const assay_dialect d = {.ctc_reduction = NONE, .ctc_repeats = kept ? ASSAY_REPEATS_KEPT : ASSAY_REPEATS_MERGED};
    assay_specimen s;
    snprintf(c->dialect, sizeof c->dialect, "%s", name);
    if (make(c, &d, &plain, &s)) {
        double want[N];
        for (int n = 0; n < N; n++) {
            const int t = plain.frames[n], u = plain.count[n];
            want[n] = t * log(V) - (kept ? log_choose(t, u) : log_choose(t + u - repeats[n], 2 * u));
        }
        for (int k = 0; k < T * N * V; k++)
            logits(&s)[k] = 1;
        if (assay_specimen_run(c, &s))
            assay_identity_prove(c, "loss_rows", "identity: equal logits, paths counted",
                                 assay_identity_distance(s.d[ASSAY_LOSS_ROWS], want, N));
    }
    assay_specimen_free(&s);
}

/* Softmax and occupancy both sum to 1: the gradient of a frame sums to 0. By the norm of the whole gradient. */
static void balanced(assay_proofs *c)
{
    const assay_dialect d = {.ctc_reduction = NONE};
    assay_specimen s;
    snprintf(c->dialect, sizeof c->dialect, "none");
    if (make(c, &d, &plain, &s) && assay_specimen_run(c, &s)) {
        double error = 0, size = 0;
        for (int r = 0; r < T * N; r++) {
            double sum = 0;
            for (int k = 0; k < V; k++) {
                sum += gradient(&s)[r * V + k];
                size += gradient(&s)[r * V + k] * gradient(&s)[r * V + k];
            }
            error += sum * sum;
        }
        assay_identity_prove(c, "dx", "identity: gradient of a frame sums to 0", sqrt(error / size));
    }
    assay_specimen_free(&s);
}

void assay_identities_ctc(assay_proofs *c)
{
    c->op = "ctc";
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++)
        certify_pair(c, &pairs[k]);
    reduced(c, SUM, "sum");
    reduced(c, MEAN, "mean");
    reduced(c, ASSAY_REDUCE_MEAN_TARGETS, "mean-targets");
    uniform(c, 0, "none");
    uniform(c, 1, "none.repeats-kept");
    balanced(c);
}
