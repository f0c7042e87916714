/* asked.h: a question to the reference that differs from the one that was asked: what its makers share.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_ASKED_H
#define ASSAY_ASKED_H

#include "conformance/suspect.h"

#define ASSAY_MOST_OWN 64

typedef struct assay_asked {
    const assay_symptom *s;
    assay_world *w;
    assay_values given; /* borrowed, but for what is in own */
    assay_arithmetic declared;
    void *own[ASSAY_MOST_OWN];
    int owned, failed;
    /* Of the results: what lies past the lengths, what the forward direction made, as it ought to be; halves of y
     * exchanged; gates back where they belong. */
    int padding_right, forward_right, halves_swapped, permuted;
    int permutation[4];
} assay_asked;

/* What a maker answers: no more variants, no such variant of this problem, made. */
enum { ASSAY_WORLD_LAST = -1, ASSAY_WORLD_NONE = 0, ASSAY_WORLD_MADE = 1 };

/* The given tensor `id` as a copy that may be changed, and its description; NULL if it isn't there. */
void *assay_asked_own(assay_asked *a, int id, assay_tensor *x);
/* What this question is, in words. */
void assay_asked_say(assay_asked *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline int assay_asked_is_stack(const assay_asked *a)
{
    return a->s->p->op == ASSAY_OP_RNN || a->s->p->op == ASSAY_OP_NETWORK;
}

/* The makers: each changes a->w->p, a->given or a->declared, variant by variant. */
typedef int assay_world_maker(assay_asked *a, int variant);
assay_world_maker assay_world_field;                          /* worlds_dialect.c */
assay_world_maker assay_world_input, assay_world_no_state;    /* worlds_inputs.c */
assay_world_maker assay_world_carried, assay_world_upstream;  /* worlds_inputs.c */
assay_world_maker assay_world_parameter, assay_world_stale;   /* worlds_inputs.c */
assay_world_maker assay_world_gates, assay_world_transposed;  /* worlds_weights.c */
assay_world_maker assay_world_halves;                         /* worlds_weights.c */
assay_world_maker assay_world_lengths, assay_world_late;      /* worlds_data.c */
assay_world_maker assay_world_narrow, assay_world_rounded;    /* worlds_data.c */
assay_world_maker assay_world_log_probs, assay_world_classes; /* worlds_data.c */

#endif
