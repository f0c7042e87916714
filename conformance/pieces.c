/* pieces.c: a recurrent problem cut along its steps, and results of pieces put together again to those of the whole.
 * SPDX-License-Identifier: MIT */
#include "conformance/pieces.h"

#include <string.h>

static int32_t within(int32_t length, int32_t most)
{
    return length < 0 ? 0 : length < most ? length : most;
}

/* Row (t, n) of the piece is row (first + t, rows[n]) of the whole; rows NULL: the same samples. */
static void move_steps(const assay_problem *whole, const assay_problem *piece, int32_t first, const int32_t *rows,
                       int to_whole, const assay_tensor *x, const double *from, double *to)
{
    for (int32_t t = 0; t < piece->t; t++)
        for (int32_t n = 0; n < piece->n; n++) {
            const int64_t outer = assay_row_of(whole, first + t, rows ? rows[n] : n) * x->stride;
            const int64_t inner = assay_row_of(piece, t, n) * x->stride;
            memcpy(to + (to_whole ? outer : inner), from + (to_whole ? inner : outer), (size_t)x->row * sizeof *to);
        }
}

assay_status assay_piece_of_steps(const assay_problem *p, const assay_values *given, int32_t first, int32_t last,
                                  assay_problem *out_p, assay_values *out)
{
    assay_tensor list[ASSAY_TENSORS];
    *out_p = *p;
    out_p->t = last - first;
    assay_status st = assay_values_make(out_p, ASSAY_ROLES_GIVEN, out);
    if (st != ASSAY_OK) return st;
    int count = assay_tensors_of(out_p, list);
    for (int k = 0; k < count; k++) {
        const assay_tensor *x = &list[k];
        const void *from = given->at[x->id];
        if (!out->at[x->id]) continue;
        if (!from) {
            assay_values_drop(out, x->id);
        } else if (x->id == ASSAY_LENS) {
            for (int32_t n = 0; n < p->n; n++)
                ((int32_t *)out->at[x->id])[n] = within(((const int32_t *)from)[n] - first, out_p->t);
        } else if (x->id == ASSAY_X || x->id == ASSAY_DY) {
            move_steps(p, out_p, first, NULL, 0, x, from, out->at[x->id]);
        } else {
            memcpy(out->at[x->id], from, (size_t)x->count * sizeof(double));
        }
    }
    return ASSAY_OK;
}

static void add(int64_t count, const double *from, double *to)
{
    for (int64_t e = 0; e < count; e++)
        to[e] += from[e];
}

static void put_states(const assay_piece *q, const assay_tensor *x, const double *from, double *to)
{
    const int64_t width = x->dims[2];
    for (int64_t b = 0; b < x->dims[0]; b++)
        for (int32_t n = 0; n < q->p->n; n++)
            memcpy(to + (b * q->whole->n + q->rows[n]) * width, from + (b * q->p->n + n) * width,
                   (size_t)width * sizeof *to);
}

void assay_piece_put(const assay_piece *q, const assay_values *from, assay_values *to)
{
    const int begins = q->first == 0, ends = q->first + q->p->t == q->whole->t;
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(q->p, list);
    for (int k = 0; k < count; k++) {
        const assay_tensor *x = &list[k];
        const double *in = from->at[x->id];
        double *out = to->at[x->id];
        const int final = x->id == ASSAY_HN || x->id == ASSAY_CN, initial = x->id == ASSAY_DH0 || x->id == ASSAY_DC0;
        if (!in || !out || (final && !ends) || (initial && !begins)) continue;
        if (x->id >= ASSAY_SLOTS || x->id == ASSAY_LOSS)
            add(x->count, in, out);
        else if (final || initial)
            put_states(q, x, in, out);
        else if (x->id == ASSAY_LOSS_ROWS && x->rank == 1)
            for (int32_t n = 0; n < q->p->n; n++)
                out[q->rows[n]] = in[n];
        else
            move_steps(q->whole, q->p, q->first, q->rows, 1, x, in, out);
    }
}

void assay_states_reorder(const assay_problem *p, const int32_t *rows, int back, int64_t width, const double *from,
                          double *to)
{
    for (int64_t b = 0; b < (int64_t)p->layers * p->directions; b++)
        for (int32_t n = 0; n < p->n; n++) {
            const int64_t here = (b * p->n + n) * width, there = (b * p->n + rows[n]) * width;
            memcpy(to + (back ? there : here), from + (back ? here : there), (size_t)width * sizeof *to);
        }
}
