/* locate.h: what an element of a tensor is called: its time step, sample, layer, direction, gate, unit.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_LOCATE_H
#define ASSAY_LOCATE_H

#include "conformance/values.h"

#include <stdint.h>

typedef enum assay_axis_kind {
    ASSAY_AXIS_LAYER,
    ASSAY_AXIS_DIRECTION, /* of states, and the halves of what two directions make together */
    ASSAY_AXIS_TIME,
    ASSAY_AXIS_SAMPLE,
    ASSAY_AXIS_GATE,
    ASSAY_AXIS_UNIT,
    ASSAY_AXIS_COLUMN, /* of a weight */
    ASSAY_AXIS_INPUT,
    ASSAY_AXIS_CLASS,
    ASSAY_AXIS_LABEL, /* position in a label string, or among all of them */
    ASSAY_AXIS_ID,    /* row of the embedding table */
    ASSAY_AXIS_KINDS
} assay_axis_kind;

typedef struct assay_axis {
    int32_t kind;
    int32_t size;
    int64_t step;  /* elements from one index to the next */
    int64_t round; /* elements of what begins anew with each row and its gap, where rows lie apart; else of all */
} assay_axis;

#define ASSAY_MOST_AXES 5

/* A tensor's axes, outermost first; a scalar has none. Gaps between rows belong to no index. Any thread. */
typedef struct assay_axes {
    int count;
    assay_axis at[ASSAY_MOST_AXES];
    int64_t elements; /* product of the sizes */
} assay_axes;
void assay_axes_of(const assay_problem *p, const assay_tensor *x, assay_axes *out);

/* The axis of this kind, or NULL. */
const assay_axis *assay_axes_find(const assay_axes *a, int kind);
/* Where the k-th element lies that an index belongs to; k < elements. */
int64_t assay_axes_element(const assay_axes *a, int64_t k);
/* Index of element e along an axis. */
static inline int32_t assay_axis_index(const assay_axis *a, int64_t e)
{
    return (int32_t)(e % a->round / a->step % a->size);
}

/* "g", "r", or "" for a cell without gates. of_peephole: gates i f o. Static. */
const char *assay_gate_letter(const assay_problem *p, int gate, int of_peephole);
/* "t 3", "sample 1", "gate f", "reverse half" of tensor x. buffer >= 32 bytes. */
const char *assay_axis_words(const assay_problem *p, const assay_tensor *x, int kind, int32_t index, char *buffer,
                             size_t size);

/* Element `at` of x in words: "t 3, sample 1 (past its length 2), unit 4 of the reverse half". given may be NULL: then
 * nothing is said of lengths. Empty for -1 and for scalars. */
const char *assay_locate(const assay_problem *p, const assay_values *given, const assay_tensor *x, int64_t at,
                         char *buffer, size_t size);
/* The same for a row (tensors.h), whose number counts rows. */
const char *assay_locate_row(const assay_problem *p, const assay_values *given, const assay_tensor *x, int64_t row,
                             char *buffer, size_t size);

#endif
