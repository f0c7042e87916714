/* case_row.c: rows into problems and computed ids; the named dialects.
 * SPDX-License-Identifier: MIT */
#include "conformance/case_row.h"

#include <stdio.h>
#include <string.h>

static const assay_dialect_row dialects[] = {
#include "conformance/cases/dialects.inc"
};

#define COUNT(a) ((int)(sizeof(a) / sizeof *(a)))

int assay_dialect_count(void)
{
    return COUNT(dialects);
}

const assay_dialect_row *assay_dialect_get(int index)
{
    return index >= 0 && index < COUNT(dialects) ? &dialects[index] : NULL;
}

const assay_dialect_row *assay_dialect_by_name(const char *name)
{
    for (int k = 0; k < COUNT(dialects); k++)
        if (!strcmp(dialects[k].name, name)) return &dialects[k];
    return NULL;
}

void assay_dialect_key(const assay_problem *p, char *buffer, size_t size)
{
    static const char *const biases[] = {"b0", "b1", "b2", "bhh"}, *const resets[] = {"-before", "-after", "-outside"};
    const assay_dialect *d = &p->dialect;
    const char *cell = assay_cell_name(d->cell), *reset = "";
    if (p->op == ASSAY_OP_XENT || p->op == ASSAY_OP_CTC) {
        snprintf(buffer, size, "%s", assay_op_name(p->op));
        return;
    }
    if (d->cell == ASSAY_GRU) reset = resets[d->gru_reset];
    snprintf(buffer, size, "%s.%s%s.%s%s", assay_op_name(p->op), cell, reset, biases[d->biases],
             p->directions == 2 ? ".bi" : "");
}

/* The last sample is full, so that T is no longer than its longest row. */
int32_t assay_row_length(const assay_case_row *r, int32_t n)
{
    if (r->ragged == ASSAY_ROWS_SPELT) return n < ASSAY_ROW_LENS ? r->lens[n] : 0;
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

void assay_row_problem(const assay_case_row *r, assay_problem *p)
{
    const assay_dialect_row *d = assay_dialect_by_name(r->dialect);
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
    if (d) p->dialect = d->dialect;
    if (p->dialect.ctc_labels == ASSAY_LABELS_PADDED && p->max_label > 0) {
        p->labels = 0;
        p->max_label++; /* so that something follows every string */
    }
}

static void make_id(const assay_case_row *r, char *id, size_t size)
{
    static const char *const op[] = {"rnn", "xent", "ctc", "network"};
    char shape[56], projected[12] = "";
    if (r->proj) snprintf(projected, sizeof projected, ".p%d", r->proj);
    if (r->op == ASSAY_OP_RNN || r->op == ASSAY_OP_NETWORK)
        snprintf(shape, sizeof shape, "%s.l%d.t%d.n%d.i%d.h%d%s", r->directions == 2 ? "bi" : "uni", r->layers, r->t,
                 r->n, r->i, r->h, projected);
    else
        snprintf(shape, sizeof shape, "t%d.n%d.k%d", r->t, r->n, r->classes);
    snprintf(id, size, "%s/%s.%s.%s", op[r->op], r->dialect, shape, r->tag);
}

void assay_row_case(const assay_case_row *r, assay_case *out)
{
    memset(out, 0, sizeof *out);
    make_id(r, out->id, sizeof out->id);
    assay_row_problem(r, &out->problem);
    out->why = r->why;
    out->ungated = r->ungated ? r->ungated : "";
    out->flags = r->flags;
    out->ragged = r->ragged != ASSAY_ROWS_FULL;
    out->fill = assay_row_fill;
    out->source = r;
}
