/* identities.h: what the identities share: small problems in double, rows of one seen as rows of another, and the
 * distance between what both make of them. Private to the reference.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_IDENTITIES_H
#define ASSAY_IDENTITIES_H

#include "reference/certify_parts.h"

enum { ASSAY_IDENTITY_ROOM = 1024, ASSAY_IDENTITY_SAMPLES = 4 }; /* no tensor here is larger, no batch wider */

/* A possible problem, its tensors drawn. Counts as a failed proof, and returns 0, if it is none or there's no memory.
 * Free it in either case. */
int assay_identity_make(assay_proofs *c, const assay_problem *p, uint64_t seed, assay_specimen *s);

/* Every given tensor of b that a has in the same size becomes a's. */
void assay_identity_share(const assay_specimen *a, assay_specimen *b);
/* The same of parameters alone, and from pseudo-layer qa to qb. */
void assay_identity_parameters(const assay_specimen *a, int qa, assay_specimen *b, int qb, int count);

/* |got - want| / |want|; equal elements, infinite ones too, are no distance. */
double assay_identity_distance(const double *got, const double *want, int64_t count);
void assay_identity_prove(assay_proofs *c, const char *tensor, const char *what, double error);

/* Every output and gradient of a against b's, where b has it. A bias that b lacks has the gradient of b's other one. */
void assay_identity_same(assay_proofs *c, const char *what, const assay_specimen *a, const assay_specimen *b);
/* Gradients of the parameters of `count` pseudo-layers. */
void assay_identity_gradients(assay_proofs *c, const char *what, const assay_specimen *a, int qa,
                              const assay_specimen *b, int qb, int count);
/* Gradients of the parameters of `sum` grow by those of s. */
void assay_identity_add(const assay_specimen *s, assay_specimen *sum);

/* A tensor of a parameter, NULL if there's none; its elements. */
double *assay_identity_parameter(const assay_specimen *s, int family, int q, int which);
int64_t assay_identity_size(const assay_specimen *s, int id);

/* The rows of a stack's tensors as another problem may see them: step t < count[n] of sample n is step start[n] + t of
 * sample[n], or with `flip` start[n] + count[n]-1 - t. Of y and dy `width` columns from `column`, of states `states`
 * pseudo-layers from `first`; 0 = all. */
typedef struct assay_view {
    const assay_specimen *s;
    int samples, sample[ASSAY_IDENTITY_SAMPLES], start[ASSAY_IDENTITY_SAMPLES], count[ASSAY_IDENTITY_SAMPLES];
    int flip, column, width, first, states;
} assay_view;

assay_view assay_view_whole(const assay_specimen *s); /* padding too */
assay_view assay_view_valid(const assay_specimen *s); /* what is inside the lengths */

/* One tensor, or all given ones of a stack but parameters. Nothing happens to a tensor that both lack. */
void assay_view_copy(const assay_view *from, const assay_view *to, int id);
void assay_view_share(const assay_view *from, const assay_view *to);
/* What is seen of a tensor, packed; returns its elements, -1 if they don't fit in ASSAY_IDENTITY_ROOM. */
int64_t assay_view_read(const assay_view *v, int id, double *dense);
/* One tensor, or y dx and all states. */
void assay_view_prove(assay_proofs *c, const char *what, const assay_view *got, const assay_view *want, int id);
void assay_view_same(assay_proofs *c, const char *what, const assay_view *got, const assay_view *want);

/* A cell in one of its dialects, of which an identity is proved. */
typedef struct assay_kind {
    const char *name;
    assay_dialect dialect;
    int proj;
} assay_kind;

enum { ASSAY_KIND_STEPS = 6, ASSAY_KIND_SAMPLES = 4, ASSAY_KIND_CELLS = 3 };

/* Several layers have a mask between them. */
assay_problem assay_kind_stack(const assay_kind *k, int t, int n, int layers, int directions);
/* A problem whose lengths are 2, 0, T, 1, with NaN past them; it has run. */
int assay_kind_ragged(assay_proofs *c, const assay_problem *p, assay_specimen *s);
/* One of other sizes with the parameters of a; it has not. */
int assay_kind_like(assay_proofs *c, const assay_problem *p, const assay_specimen *a, assay_specimen *s);
/* L*D; the length of sample n. */
int assay_identity_stacked(const assay_specimen *s);
int32_t assay_identity_length(const assay_specimen *s, int n);

/* The parts. */
void assay_identities_twins(assay_proofs *c);
void assay_identities_kinds(assay_proofs *c);
void assay_identities_rows(assay_proofs *c, const assay_kind *k);
void assay_identities_time(assay_proofs *c, const assay_kind *k);
void assay_identities_units(assay_proofs *c, const assay_kind *k);
void assay_identities_layers(assay_proofs *c);
void assay_identities_cells(assay_proofs *c);
void assay_identities_xent(assay_proofs *c);
void assay_identities_ctc(assay_proofs *c);
void assay_identities_losses(assay_proofs *c);

#endif
