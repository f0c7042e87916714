/* case.c: rows into cases: the computed id, and the data of a case from (seed, id, tensor, index).
 * SPDX-License-Identifier: MIT */
#include "conformance/case_row.h"

#include "reference/data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const assay_dialect_row dialects[] = {
#include "conformance/cases/dialects.inc"
};

static const assay_case_row rows[] = {
#include "conformance/cases/rnn.inc"
#include "conformance/cases/loss.inc"
#include "conformance/cases/network.inc"
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

/* ---- data ---- */

/* Distribution of one given tensor: normal or uniform, scale, mean. */
typedef struct recipe {
    int normal;
    double scale, mean;
} recipe;

static recipe recipe_of(const assay_problem *p, const assay_case_row *row, const assay_tensor *x, int state)
{
    double weight = p->h > 0 ? 1 / sqrt(p->h) : 1;
    int family = x->id < ASSAY_SLOTS ? -1 : (x->id - ASSAY_SLOTS) / ASSAY_MAX_PARAMS;
    recipe r = {1, 1, 0};
    if (x->id == ASSAY_X) r.scale = row->x_scale > 0 ? row->x_scale : 1;
    if (x->id == ASSAY_X && (p->op == ASSAY_OP_XENT || p->op == ASSAY_OP_CTC)) r.mean = row->offset;
    if (x->id == ASSAY_H0) r = (recipe){0, 0.9, 0};
    if (x->id == ASSAY_CLASS_WEIGHTS) r = (recipe){0, 0.5, 1};
    if (x->id == ASSAY_DLOSS) r = (recipe){0, 0.5, 1};
    if (family == ASSAY_PARAM) r = (recipe){0, weight, 0};
    if (family == ASSAY_M) r = (recipe){1, state ? 1e-2 : 0, 0};
    if (family == ASSAY_V) r = (recipe){0, state ? 5e-5 : 0, state ? 1e-4 : 0};
    return r;
}

static void fill_real(const assay_tensor *x, recipe r, uint64_t seed, uint64_t stream, double *out)
{
    size_t count = (size_t)x->count;
    if (r.normal) {
        assay_random_fill_normal(seed, stream, r.scale, out, count);
        for (size_t k = 0; r.mean != 0 && k < count; k++)
            out[k] += r.mean;
    } else
        assay_random_fill_uniform(seed, stream, r.mean - r.scale, r.mean + r.scale, out, count);
}

/* Zeros and ones, so that the share of zeros is `dropped`. */
static void fill_mask(const assay_tensor *x, double dropped, uint64_t seed, uint64_t stream, double *out)
{
    for (int64_t k = 0; k < x->count; k++)
        out[k] = assay_random_uniform(seed, stream, (uint64_t)k) >= dropped;
}

static int32_t below(uint64_t seed, uint64_t stream, uint64_t index, int32_t count)
{
    return (int32_t)(assay_random_uniform(seed, stream, index) * count);
}

/* CTC labels: any class but the blank, also behind padded strings, where one too many does not show by itself. With
 * repeats one of two classes; with distinct neighbours none equals the one before it. */
static void fill_ctc_labels(const assay_problem *p, int64_t count, int repeats, uint64_t seed, uint64_t stream,
                            int32_t *out)
{
    int32_t classes = p->classes - 1, usable = repeats > 0 && classes > 2 ? 2 : classes;
    for (int64_t k = 0; k < count; k++) {
        out[k] = below(seed, stream, (uint64_t)k, usable);
        if (repeats < 0 && k > 0) out[k] = (out[k - 1] + 1 + below(seed, stream, (uint64_t)k, classes - 1)) % classes;
    }
    for (int64_t k = 0; k < count; k++)
        if (out[k] >= p->dialect.ctc_blank) out[k]++;
}

static void fill_integers(const assay_case_row *row, const assay_problem *p, const assay_tensor *x, uint64_t seed,
                          uint64_t stream, int32_t *out)
{
    int ctc = p->op == ASSAY_OP_CTC || p->loss == ASSAY_LOSS_CTC;
    for (int64_t k = 0; k < x->count; k++) {
        if (x->id == ASSAY_LENS) out[k] = row->ragged ? row->lens[k] : p->t;
        if (x->id == ASSAY_LABEL_LENS) out[k] = row->label_lens[k];
        if (x->id == ASSAY_IDS) out[k] = below(seed, stream, (uint64_t)k, p->vocab);
        if (x->id == ASSAY_LABELS && !ctc) out[k] = below(seed, stream, (uint64_t)k, p->classes);
    }
    for (int64_t k = 1; x->id == ASSAY_LABELS && !ctc && p->dialect.xent_ignores && k < x->count; k += 3)
        out[k] = p->dialect.xent_ignore_index;
    if (x->id == ASSAY_LABELS && ctc) fill_ctc_labels(p, x->count, row->repeats, seed, stream, out);
}

/* Keeps the gradient alive over many steps: docs/workloads.md 1.4. */
static void add_offset(const assay_problem *p, double offset, assay_values *v)
{
    int slice = 1; /* f of i f g o, z of r z n */
    for (int q = 0; offset != 0 && q < p->layers * p->directions; q++) {
        double *b = v->at[assay_tensor_id(ASSAY_PARAM, ASSAY_RNN_PARAMS * q + ASSAY_B_IH)];
        for (int j = 0; b && j < p->h; j++)
            b[slice * p->h + j] += offset;
    }
}

/* Every step sees the first one's input with a tenth of its own: at a fixed point every step would make the same
 * rounding error, and errors that add up like that are no honest arithmetic's noise. */
static void hold(const assay_problem *p, double *x)
{
    int64_t step = (int64_t)p->n * p->i;
    for (int64_t k = step; k < p->t * step; k++)
        x[k] = x[k % step] + 0.1 * x[k];
}

static assay_status fill(const assay_case *c, uint64_t seed, int state, assay_values *out, int64_t *step)
{
    const assay_case_row *row = c->source;
    const assay_problem *p = &c->problem;
    assay_tensor list[ASSAY_TENSORS];
    assay_status st = assay_values_make(p, ASSAY_ROLES_GIVEN, out);
    if (st != ASSAY_OK) return st;
    int count = assay_tensors_of(p, list);
    for (int k = 0; k < count; k++) {
        const assay_tensor *x = &list[k];
        char name[160];
        if (!out->at[x->id]) continue;
        snprintf(name, sizeof name, "%s/%d", c->id, x->id >= ASSAY_SLOTS ? state : 0);
        uint64_t stream = assay_stream_id(name, (uint64_t)x->id);
        if (x->integer)
            fill_integers(row, p, x, seed, stream, out->at[x->id]);
        else if (x->id == ASSAY_MASK)
            fill_mask(x, p->dialect.dropout, seed, stream, out->at[x->id]);
        else
            fill_real(x, recipe_of(p, row, x, state), seed, stream, out->at[x->id]);
    }
    add_offset(p, row->offset, out);
    if (c->flags & ASSAY_CASE_HELD) hold(p, out->at[ASSAY_X]);
    if (c->flags & ASSAY_CASE_NO_STATE) {
        assay_values_drop(out, ASSAY_H0);
        assay_values_drop(out, ASSAY_C0);
    }
    if (c->flags & ASSAY_CASE_NO_LENS) assay_values_drop(out, ASSAY_LENS);
    assay_values_quantise(p, p->arithmetic, out);
    *step = state ? 3 : 0;
    return ASSAY_OK;
}

/* ---- rows into cases ---- */

static void make_problem(const assay_case_row *r, assay_problem *p)
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
    p->lr = r->optimizer == ASSAY_OPT_NONE ? 0 : 1e-3;
    if (r->optimizer == ASSAY_OPT_ADAM) {
        p->beta1 = 0.9;
        p->beta2 = 0.999;
        p->epsilon = 1e-8;
    }
    for (int k = 0; k < r->n && k < ASSAY_ROW_LENS; k++) {
        p->labels += r->label_lens[k];
        if (r->label_lens[k] > p->max_label) p->max_label = r->label_lens[k];
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
    make_problem(r, &out->problem);
    out->why = r->why;
    out->ungated = r->ungated ? r->ungated : "";
    out->flags = r->flags;
    out->ragged = r->ragged;
    out->fill = fill;
    out->source = r;
}

int assay_case_count(void)
{
    return COUNT(rows);
}

void assay_case_get(int index, assay_case *out)
{
    assay_row_case(&rows[index], out);
}
