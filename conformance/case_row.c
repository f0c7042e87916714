/* case_row.c: rows into problems and computed ids; the named dialects.
 * SPDX-License-Identifier: MIT */
#include "conformance/case_row.h"

#include <stdio.h>
#include <string.h>

static const assay_dialect_row dialects[] = {
#include "conformance/cases/dialects.inc"
#include "conformance/mix_dialects.inc" /* written by the build: mixes_make.c */
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

void assay_row_problem(const assay_case_row *r, assay_problem *p)
{
    const assay_dialect_row *d = assay_dialect_by_name(r->dialect);
    assay_row_problem_of(r, d ? &d->dialect : NULL, p);
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
