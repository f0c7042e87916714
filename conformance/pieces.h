/* pieces.h: a recurrent problem cut along its steps, and results of pieces put together again to those of the whole.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_PIECES_H
#define ASSAY_PIECES_H

#include "conformance/values.h"

/* Steps [first, last) of an rnn problem without mask, as a problem of their own: *out_p, and its given tensors, freshly
 * made: states and their cotangents are those of the whole, for the caller to replace. The caller frees *out.
 * ASSAY_NO_MEMORY: nothing is kept. */
assay_status assay_piece_of_steps(const assay_problem *p, const assay_values *given, int32_t first, int32_t last,
                                  assay_problem *out_p, assay_values *out);

/* Where a piece lies in the whole. */
typedef struct assay_piece {
    const assay_problem *whole, *p;
    const int32_t *rows; /* [p->n]: the piece's samples as samples of the whole */
    int32_t first;       /* its first step */
} assay_piece;

/* Results of a piece go to their places in the whole's (assay_values_make of the same roles, zeroed): final states from
 * the piece with the last step, gradients of initial ones from that with the first. Gradients of parameters and the
 * losses' sum are added up. */
void assay_piece_put(const assay_piece *q, const assay_values *from, assay_values *to);

/* The samples of `from` (layers and directions, N, width) in the order of rows[0..p->n): out[k] = in[rows[k]], or
 * back: out[rows[k]] = in[k]. to != from. */
void assay_states_reorder(const assay_problem *p, const int32_t *rows, int back, int64_t width, const double *from,
                          double *to);

#endif
