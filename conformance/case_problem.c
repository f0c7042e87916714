/* case_problem.c: lengths and sizes of a row, and the problem that it and a dialect are.
 * SPDX-License-Identifier: MIT */
#include "conformance/case_row.h"

#include <string.h>

/* The last sample is full, so that T is no longer than its longest row. */
int32_t assay_row_length(const assay_case_row *r, int32_t n)
{
    if (r->ragged == ASSAY_ROWS_SPELT) return n < ASSAY_ROW_LENS ? r->lens[n] : 0;
    if (r->ragged == ASSAY_ROWS_ALIKE) return (r->t + 1) / 2;
    if (r->ragged == ASSAY_ROWS_EMPTY && n == (r->n - 1) / 2) return 0;
    if (r->ragged == ASSAY_ROWS_FULL || n == r->n - 1 || r->t == 0) return r->t;
    return 1 + (5 * n + (r->t - 1) / 2) % r->t;
}

/* By the rule no string is longer than its frames: an alignment exists where neighbours differ. */
int32_t assay_row_label_length(const assay_case_row *r, int32_t n)
{
    if (r->longest == 0) return n < ASSAY_ROW_LENS ? r->label_lens[n] : 0;
    const int32_t frames = assay_row_length(r, n), wanted = n == r->n - 1 ? r->longest : (3 * n + 1) % (r->longest + 1);
    return wanted < frames ? wanted : frames;
}

static double or_usual(double own, double usual)
{
    if (own == ASSAY_ROW_NOUGHT) return 0;
    return own > 0 ? own : usual;
}

void assay_row_problem_of(const assay_case_row *r, const assay_dialect *d, assay_problem *p)
{
    memset(p, 0, sizeof *p);
    p->op = r->op;
    p->arithmetic = ASSAY_FP32;
    p->t = r->t;
    p->n = r->n;
    p->i = r->i;
    p->h = r->h;
    p->proj = r->proj;
    p->x_stride = r->x_stride;
    p->y_stride = r->y_stride;
    p->layers = r->layers;
    p->directions = r->directions;
    p->vocab = r->vocab;
    p->classes = r->classes;
    p->head = r->head;
    p->loss = r->loss;
    p->dense_bias = r->dense_bias;
    p->optimizer = r->optimizer;
    p->lr = r->optimizer == ASSAY_OPT_NONE ? 0 : or_usual(r->lr, 1e-3);
    if (r->optimizer == ASSAY_OPT_ADAM) {
        p->beta1 = or_usual(r->beta1, 0.9);
        p->beta2 = or_usual(r->beta2, 0.999);
        p->epsilon = or_usual(r->epsilon, 1e-8);
    }
    for (int k = 0; k < r->n; k++) {
        const int32_t length = assay_row_label_length(r, k);
        p->labels += length;
        if (length > p->max_label) p->max_label = length;
    }
    if (d) p->dialect = *d;
    if (p->dialect.ctc_labels == ASSAY_LABELS_PADDED && p->max_label > 0) {
        p->labels = 0;
        p->max_label++; /* so that something follows every string */
    }
}
