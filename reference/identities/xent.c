/* xent.c: what is known of cross-entropy without any stored value. docs/semantics.md 1.7, 1.10
 * SPDX-License-Identifier: MIT */
#include "reference/identities/identities.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { T = 5, N = 4, V = 5, ROWS = T * N, IGNORED = -100 };
enum {
    NONE = ASSAY_REDUCE_NONE,
    SUM = ASSAY_REDUCE_SUM,
    MEAN = ASSAY_REDUCE_MEAN,
    WEIGHTED = ASSAY_REDUCE_MEAN_WEIGHTED
};

static assay_problem loss_of(const assay_dialect *d, int t, int n)
{
    assay_problem p;
    memset(&p, 0, sizeof p);
    p.op = ASSAY_OP_XENT;
    p.t = t, p.n = n, p.classes = V;
    p.dialect = *d;
    return p;
}

static double *logits(const assay_specimen *s)
{
    return s->d[ASSAY_X];
}

static double *gradient(const assay_specimen *s)
{
    return s->d[ASSAY_DX];
}

static int32_t *labels(const assay_specimen *s)
{
    return s->d[ASSAY_LABELS];
}

/* A problem, of lengths 2, 0, T, 1 if `ragged`; where rows may be ignored, two are. */
static int make(assay_proofs *c, const assay_dialect *d, int t, int n, int ragged, assay_specimen *s)
{
    const assay_problem p = loss_of(d, t, n);
    if (!assay_identity_make(c, &p, 800, s)) return 0;
    if (ragged) assay_specimen_ragged(s);
    for (int k = 0; d->xent_ignores && k < 2; k++)
        labels(s)[assay_row_of(&p, k, n > 1 ? 2 * k : 0)] = d->xent_ignore_index;
    return 1;
}

/* ---- the same loss twice ---- */

static void shift(assay_specimen *b)
{
    for (int k = 0; k < ROWS * V; k++)
        logits(b)[k] += 3 - 0.25 * (k / V);
}

static int32_t next_class(int32_t k)
{
    return k < 0 ? k : (k + 1) % V;
}

static void rename_columns(double *rows, int count)
{
    for (int r = 0; r < count; r++) {
        double was[V];
        memcpy(was, rows + r * V, sizeof was);
        for (int k = 0; k < V; k++)
            rows[r * V + next_class(k)] = was[k];
    }
}

static void rename_classes(assay_specimen *b)
{
    rename_columns(logits(b), ROWS);
    if (b->d[ASSAY_CLASS_WEIGHTS]) rename_columns(b->d[ASSAY_CLASS_WEIGHTS], 1);
    for (int k = 0; k < ROWS; k++)
        labels(b)[k] = next_class(labels(b)[k]);
}

static void rename_back(assay_specimen *b, const assay_specimen *a)
{
    (void)a;
    for (int k = 0; k < V - 1; k++)
        rename_columns(gradient(b), ROWS);
}

static void equal_weights(assay_specimen *b)
{
    for (int k = 0; k < V; k++)
        ((double *)b->d[ASSAY_CLASS_WEIGHTS])[k] = 1;
}

/* A row's loss is times the weight of its label. */
static void weigh(assay_specimen *b, const assay_specimen *a)
{
    for (int k = 0; k < ROWS * V; k++) {
        const double weight = ((const double *)a->d[ASSAY_CLASS_WEIGHTS])[labels(a)[k / V]];
        gradient(b)[k] *= weight;
        if (k % V == 0) ((double *)b->d[ASSAY_LOSS_ROWS])[k / V] *= weight;
    }
}

/* A class that is ignored = rows of that class with a label that is no class. */
static void mark_ignored(assay_specimen *b)
{
    for (int k = 0; k < ROWS; k++)
        if (labels(b)[k] == 2) labels(b)[k] = IGNORED;
}

static const struct pair {
    const char *what, *name;
    assay_dialect a, b;
    void (*turn)(assay_specimen *b);
    void (*back)(assay_specimen *b, const assay_specimen *a);
} pairs[] = {
#include "reference/identities/xent_pairs.inc"
};

static void certify_pair(assay_proofs *c, const struct pair *pair)
{
    assay_specimen a, b;
    memset(&b, 0, sizeof b);
    snprintf(c->dialect, sizeof c->dialect, "%s", pair->name);
    if (make(c, &pair->a, T, N, 1, &a) && make(c, &pair->b, T, N, 1, &b)) {
        assay_identity_share(&a, &b);
        if (pair->turn) pair->turn(&b);
        const int ran = assay_specimen_run(c, &a) && assay_specimen_run(c, &b);
        if (ran && pair->back) pair->back(&b, &a);
        if (ran) assay_identity_same(c, pair->what, &a, &b);
    }
    assay_specimen_free(&a);
    assay_specimen_free(&b);
}

/* ---- smoothing ---- */

/* A smoothed loss is the sum over the classes k of q_k times the loss of label k: q = 1 - eps at the label, and eps
 * spread over all, or over the others. */
static void smoothed(assay_proofs *c, int to, const char *name)
{
    const double share = 0.2, others = to == ASSAY_SMOOTH_OTHERS;
    assay_dialect d = {.xent_reduction = NONE, .xent_weighted = 1, .xent_smoothing = share, .xent_smoothing_to = to};
    double rows[ROWS] = {0}, dx[ROWS * V] = {0};
    assay_specimen a, b;
    memset(&b, 0, sizeof b);
    snprintf(c->dialect, sizeof c->dialect, "%s", name);
    int made = make(c, &d, T, N, 1, &a);
    d.xent_smoothing = 0;
    d.xent_smoothing_to = ASSAY_SMOOTH_ALL;
    made = made && make(c, &d, T, N, 1, &b) && assay_specimen_run(c, &a);
    for (int k = 0; made && k < V; k++) {
        for (int r = 0; r < ROWS; r++)
            labels(&b)[r] = k;
        made = assay_specimen_run(c, &b);
        for (int j = 0; made && j < ROWS * V; j++) {
            const int mine = labels(&a)[j / V] == k;
            const double q = mine ? 1 - share + (others ? 0 : share / V) : share / (V - others);
            dx[j] += q * gradient(&b)[j];
            if (j % V == 0) rows[j / V] += q * ((const double *)b.d[ASSAY_LOSS_ROWS])[j / V];
        }
    }
    if (made) {
        const char *what = "identity: smoothed = sum over labels";
        assay_identity_prove(c, "loss_rows", what, assay_identity_distance(a.d[ASSAY_LOSS_ROWS], rows, ROWS));
        assay_identity_prove(c, "dx", what, assay_identity_distance(gradient(&a), dx, ROWS * V));
    }
    assay_specimen_free(&a);
    assay_specimen_free(&b);
}

/* ---- reductions ---- */

static const struct mean {
    const char *name;
    int reduction, weighted, ignores;
} means[] = {
    {"sum", SUM, 1, 1},
    {"mean", MEAN, 0, 1},
    {"mean.weights", MEAN, 1, 1},
    {"mean-all", ASSAY_REDUCE_MEAN_ALL, 0, 1},
    {"mean-weighted", WEIGHTED, 1, 1},
    {"mean-batch", ASSAY_REDUCE_MEAN_BATCH, 1, 0},
};

static assay_dialect mean_of(const struct mean *m, int reduction)
{
    return (assay_dialect){.xent_reduction = reduction,
                           .xent_weighted = m->weighted,
                           .xent_ignores = m->ignores,
                           .xent_ignore_index = m->ignores ? IGNORED : 0};
}

static double divisor_of(const struct mean *m, const assay_specimen *s)
{
    double count = 0, weight = 0;
    for (int n = 0; n < s->p.n; n++)
        for (int t = 0; t < assay_identity_length(s, n); t++) {
            const int32_t label = labels(s)[assay_row_of(&s->p, t, n)];
            if (m->ignores && label == IGNORED) continue;
            count += 1;
            if (m->weighted) weight += ((const double *)s->d[ASSAY_CLASS_WEIGHTS])[label];
        }
    if (m->reduction == ASSAY_REDUCE_MEAN_ALL) return s->p.t * s->p.n;
    if (m->reduction == ASSAY_REDUCE_MEAN_BATCH) return s->p.n;
    return m->reduction == MEAN ? count : m->reduction == WEIGHTED ? weight : 1;
}

/* Each reduction = the losses of all rows, added and divided by hand. */
static void reduced(assay_proofs *c, const struct mean *m)
{
    const char *what = "identity: reduced = rows added, divided";
    const assay_dialect whole = mean_of(m, m->reduction), rows = mean_of(m, NONE);
    assay_specimen a, b;
    memset(&b, 0, sizeof b);
    snprintf(c->dialect, sizeof c->dialect, "%s", m->name);
    if (make(c, &whole, T, N, 1, &a) && make(c, &rows, T, N, 1, &b)) {
        const double by = divisor_of(m, &a), up = *(const double *)a.d[ASSAY_DLOSS];
        double loss = 0;
        assay_identity_share(&a, &b);
        for (int k = 0; k < ROWS; k++)
            ((double *)b.d[ASSAY_DLOSS])[k] = up / by;
        if (assay_specimen_run(c, &a) && assay_specimen_run(c, &b)) {
            for (int k = 0; k < ROWS; k++)
                loss += ((const double *)b.d[ASSAY_LOSS_ROWS])[k] / by;
            assay_identity_prove(c, "loss", what, assay_identity_distance(a.d[ASSAY_LOSS], &loss, 1));
            assay_identity_prove(c, "dx", what, assay_identity_distance(gradient(&a), gradient(&b), ROWS * V));
        }
    }
    assay_specimen_free(&a);
    assay_specimen_free(&b);
}

/* Rows that are ignored, or past the length, might as well not be there: all that is divided by what counts. */
static void removed(assay_proofs *c, const struct mean *m)
{
    enum { FULL = 6, LEFT = 4, LENGTH = 5 };
    static const int kept[LEFT] = {0, 2, 3, 4}; /* row 1 is ignored, row 5 past the length */
    const char *what = "identity: ignored rows = rows removed";
    const assay_dialect d = mean_of(m, m->reduction);
    double dx[FULL * V] = {0};
    assay_specimen a, b;
    memset(&b, 0, sizeof b);
    snprintf(c->dialect, sizeof c->dialect, "%s", m->name);
    if (make(c, &d, FULL, 1, 0, &a) && make(c, &d, LEFT, 1, 0, &b)) {
        labels(&a)[0] = 1; /* `make` has ignored rows 0 and 1 */
        labels(&a)[1] = IGNORED;
        *(int32_t *)a.d[ASSAY_LENS] = LENGTH;
        for (int k = 0; k < LEFT; k++) {
            memcpy(logits(&b) + k * V, logits(&a) + kept[k] * V, V * sizeof(double));
            labels(&b)[k] = labels(&a)[kept[k]];
        }
        if (assay_specimen_run(c, &a) && assay_specimen_run(c, &b)) {
            for (int k = 0; k < LEFT; k++)
                memcpy(dx + kept[k] * V, gradient(&b) + k * V, V * sizeof(double));
            assay_identity_prove(c, "loss", what, assay_identity_distance(a.d[ASSAY_LOSS], b.d[ASSAY_LOSS], 1));
            assay_identity_prove(c, "dx", what, assay_identity_distance(gradient(&a), dx, FULL * V));
        }
    }
    assay_specimen_free(&a);
    assay_specimen_free(&b);
}

void assay_identities_xent(assay_proofs *c)
{
    c->op = "xent";
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++)
        certify_pair(c, &pairs[k]);
    smoothed(c, ASSAY_SMOOTH_ALL, "none.weights.smooth-all");
    smoothed(c, ASSAY_SMOOTH_OTHERS, "none.weights.smooth-others");
    for (size_t k = 0; k < sizeof means / sizeof *means; k++) {
        reduced(c, &means[k]);
        if (means[k].ignores && means[k].reduction != ASSAY_REDUCE_MEAN_ALL) removed(c, &means[k]);
    }
}
