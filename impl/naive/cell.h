/* cell.h: one step of one layer in one direction, forward and backward, for the samples that are inside it.
 * SPDX-License-Identifier: MIT
 *
 * All matrices are dense, `count` rows, one per sample. Equations: docs/semantics.md 1.1 to 1.5. */
#ifndef ASSAY_NAIVE_CELL_H
#define ASSAY_NAIVE_CELL_H

#include "reference/problem.h"

/* Parameters of one layer and direction, or their gradients. */
typedef struct naive_weights {
    float *w, *r;                 /* (G*H, I), (G*H, S) */
    float *b_ih, *b_hh;           /* (G*H), NULL where there is none */
    float *peephole, *projection; /* (3*H), (S, H), NULL where there is none */
} naive_weights;

typedef struct naive_step {
    const assay_dialect *d;
    int64_t count, inputs, hidden, state; /* I, H, S: H, or the size that h is projected to */
    naive_weights given;
    const float *x;       /* (count, I) */
    const float *h, *c;   /* (count, S), (count, H) states before the step; c: LSTM */
    float *gates;         /* (count, naive_gate_width): activated gates, kept from forward to backward */
    float *h_new, *c_new; /* (count, S), (count, H) forward: states after the step */
    float *m;             /* (count, H): scratch, with a projection */
    /* backward */
    float *dh, *dc; /* (count, S), (count, H) in: gradient of the states after the step, out: of those before it */
    float *da;      /* (count, naive_gate_width): scratch */
    float *de;      /* (count, H): scratch */
    naive_weights gradient; /* added to */
    float *dx;              /* (count, I), overwritten; NULL: not wanted */
} naive_step;

typedef struct naive_cell {
    int width; /* of gates and da, in units of H */
    void (*forward)(const naive_step *s);
    void (*backward)(const naive_step *s);
} naive_cell;

/* The cell that this dialect names. Any thread; static. */
const naive_cell *naive_cell_of(const assay_dialect *d);

#endif
