/* losses.c: what is known of both losses: rows laid out otherwise, samples alone, cotangents added.
 * docs/semantics.md 1.10
 * SPDX-License-Identifier: MIT */
#include "reference/identities/identities.h"

#include <stdio.h>
#include <string.h>

enum { T = 6, N = 4, V = 4, LABELS = 4 };

static const assay_dialect dialects[] = {
    {.xent_smoothing = 0.1, .xent_weighted = 1, .xent_reduction = ASSAY_REDUCE_NONE},
    {.ctc_reduction = ASSAY_REDUCE_NONE, .ctc_blank = 1},
};

static int is_ctc(const assay_specimen *s)
{
    return s->p.op == ASSAY_OP_CTC;
}

static const int32_t frames[N] = {6, 3, 2, 5}, counts[N] = {1, 2, 0, 1}, labels[LABELS] = {2, 0, 3, 3};

/* All samples, or from `first` one, as long as it is. */
static int make(assay_proofs *c, int op, int first, int n, int layout, int gap, assay_specimen *s)
{
    assay_problem p;
    memset(&p, 0, sizeof p);
    p.op = op;
    p.t = n == N ? T : frames[first], p.n = n, p.classes = V;
    p.dialect = dialects[op == ASSAY_OP_CTC];
    p.dialect.layout = layout;
    if (gap) p.x_stride = V + gap;
    if (op == ASSAY_OP_CTC) p.labels = n == N ? LABELS : counts[first], p.max_label = LABELS;
    if (!assay_identity_make(c, &p, 820, s)) return 0;
    memcpy(s->d[ASSAY_LENS], frames + first, (size_t)n * sizeof(int32_t));
    if (!is_ctc(s)) return 1;
    memcpy(s->d[ASSAY_LABEL_LENS], counts + first, (size_t)n * sizeof(int32_t));
    memcpy(s->d[ASSAY_LABELS], labels + assay_label_start(&p, counts, first), (size_t)p.labels * sizeof(int32_t));
    return 1;
}

/* Losses of CTC are one a sample, whatever the layout. */
static void prove(assay_proofs *c, const char *what, const assay_view *got, const assay_view *want)
{
    assay_view_prove(c, what, got, want, ASSAY_DX);
    if (is_ctc(got->s))
        assay_identity_prove(c, "loss_rows", what,
                             assay_identity_distance((double *)got->s->d[ASSAY_LOSS_ROWS] + got->sample[0],
                                                     (double *)want->s->d[ASSAY_LOSS_ROWS] + want->sample[0],
                                                     got->samples));
    else
        assay_view_prove(c, what, got, want, ASSAY_LOSS_ROWS);
}

static void laid_out(assay_proofs *c, const assay_specimen *a, int layout, int gap, const char *what)
{
    assay_specimen b;
    if (make(c, a->p.op, 0, N, layout, gap, &b)) {
        const assay_view from = assay_view_whole(a), to = assay_view_whole(&b);
        assay_view_copy(&from, &to, ASSAY_X);
        if (!is_ctc(a)) assay_view_copy(&from, &to, ASSAY_DLOSS);
        for (int k = 0; !is_ctc(a) && k < T * N; k++)
            ((int32_t *)b.d[ASSAY_LABELS])[assay_row_of(&b.p, k / N, k % N)] =
                ((const int32_t *)a->d[ASSAY_LABELS])[assay_row_of(&a->p, k / N, k % N)];
        if (assay_specimen_run(c, &b)) prove(c, what, &to, &from);
    }
    assay_specimen_free(&b);
}

/* Each sample without the others and without padding. */
static void alone(assay_proofs *c, const assay_specimen *a)
{
    for (int n = 0; n < N; n++) {
        assay_specimen b;
        if (make(c, a->p.op, n, 1, ASSAY_TIME_MAJOR, 0, &b)) {
            const assay_view to = assay_view_whole(&b);
            assay_view from = assay_view_valid(a);
            from.samples = 1, from.sample[0] = n, from.count[0] = frames[n];
            assay_view_copy(&from, &to, ASSAY_X);
            if (!is_ctc(a)) assay_view_copy(&from, &to, ASSAY_DLOSS);
            if (is_ctc(a)) *(double *)b.d[ASSAY_DLOSS] = ((const double *)a->d[ASSAY_DLOSS])[n];
            for (int t = 0; !is_ctc(a) && t < frames[n]; t++)
                ((int32_t *)b.d[ASSAY_LABELS])[t] = ((const int32_t *)a->d[ASSAY_LABELS])[t * N + n];
            if (assay_specimen_run(c, &b)) prove(c, "identity: a sample alone = in its batch", &to, &from);
        }
        assay_specimen_free(&b);
    }
}

/* Gradients of a dloss that is doubled and negated are so too, and losses are what they were. */
static void doubled(assay_proofs *c, const assay_specimen *a)
{
    assay_specimen b;
    if (make(c, a->p.op, 0, N, ASSAY_TIME_MAJOR, 0, &b)) {
        const assay_view got = assay_view_whole(&b), want = assay_view_whole(a);
        for (int64_t k = 0; k < assay_identity_size(&b, ASSAY_DLOSS); k++)
            ((double *)b.d[ASSAY_DLOSS])[k] *= -2;
        if (assay_specimen_run(c, &b)) {
            for (int64_t k = 0; k < assay_identity_size(&b, ASSAY_DX); k++)
                ((double *)b.d[ASSAY_DX])[k] /= -2;
            prove(c, "identity: gradients are linear", &got, &want);
        }
    }
    assay_specimen_free(&b);
}

void assay_identities_losses(assay_proofs *c)
{
    static const int ops[] = {ASSAY_OP_XENT, ASSAY_OP_CTC};
    for (int k = 0; k < 2; k++) {
        assay_specimen a;
        c->op = assay_op_name(ops[k]);
        snprintf(c->dialect, sizeof c->dialect, "none");
        if (make(c, ops[k], 0, N, ASSAY_TIME_MAJOR, 0, &a) && assay_specimen_run(c, &a)) {
            laid_out(c, &a, ASSAY_BATCH_MAJOR, 0, "identity: batch-major is transposed");
            laid_out(c, &a, ASSAY_TIME_MAJOR, 3, "identity: gaps between rows change nothing");
            laid_out(c, &a, ASSAY_BATCH_MAJOR, 2, "identity: batch-major, gaps between rows");
            alone(c, &a);
            doubled(c, &a);
        }
        assay_specimen_free(&a);
    }
}
