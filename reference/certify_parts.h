/* certify_parts.h: what the parts of the certification share. Private to the reference.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CERTIFY_PARTS_H
#define ASSAY_CERTIFY_PARTS_H

#include "reference/certify.h"
#include "reference/problem.h"
#include "reference/tensors.h"

#include <stdint.h>

/* A certification under way. */
typedef struct assay_proofs {
    assay_proof_sink sink;
    void *user;
    int failed;
    int full;
    const char *op;
    char dialect[96];
} assay_proofs;

void assay_prove(assay_proofs *c, const char *tensor, const char *what, double error, double bound);

/* One problem with tensors in both precisions. Integers are shared. */
typedef struct assay_specimen {
    assay_problem p;
    int64_t step;
    void *d[ASSAY_TENSORS]; /* double, or int32_t */
    void *q[ASSAY_TENSORS]; /* _Float128, or the same int32_t */
} assay_specimen;

/* All tensors of p, zero; lens = T, the rest of the integers 0. Counts as a failed proof, and returns 0, if there's no
 * memory. Free it in either case. */
int assay_specimen_make(assay_proofs *c, const assay_problem *p, assay_specimen *s);
void assay_specimen_free(assay_specimen *s);
/* Draws every given tensor but lens and label_lens: reals of a size at which no gate saturates, labels, ids. */
void assay_specimen_draw(assay_specimen *s, uint64_t seed);
/* Lengths 2, 0, T, 1, ...: unsorted, an empty row, a full one. What lies past them in x is NaN, and in dy too unless
 * the output there repeats the last one. At least three samples of two steps. */
void assay_specimen_ragged(assay_specimen *s);
/* The quad copies of the real given tensors. */
void assay_specimen_widen(assay_specimen *s);
/* Runs the double build alone; counts as a failed proof, and returns 0, if it doesn't run. */
int assay_specimen_run(assay_proofs *c, assay_specimen *s);

/* |a - b| / |b|, normwise. Where both are the same infinity they agree; where |b| is 0, a must be 0. */
double assay_proof_distance(const double *a, const _Float128 *b, int64_t count);
double assay_proof_distance_quad(const _Float128 *a, const _Float128 *b, int64_t count);

/* One problem: double against quad, and every gradient against central differences in quad and against dual numbers.
 * The differences go along every element, or `along_one` random direction of each tensor. */
void assay_certify_one(assay_proofs *c, assay_specimen *s, int along_one);

/* The parts. */
void assay_certify_problems(assay_proofs *c);
void assay_certify_losses(assay_proofs *c);
void assay_certify_paths(assay_proofs *c);
void assay_certify_published_rnn(assay_proofs *c);
void assay_certify_published_loss(assay_proofs *c);
void assay_certify_generators(assay_proofs *c);
void assay_certify_identities(assay_proofs *c);

#endif
