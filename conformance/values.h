/* values.h: the tensors of one problem as arrays in the parent: doubles and int32, allocated together.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_VALUES_H
#define ASSAY_VALUES_H

#include "reference/problem.h"
#include "reference/tensors.h"

#include <stddef.h>
#include <stdint.h>

/* at[id]: double or int32_t array (tensors.h tells which), or NULL. The struct owns what is not NULL. */
typedef struct assay_values {
    void *at[ASSAY_TENSORS];
} assay_values;

/* Allocates, zeroed, the tensors of p whose role is in the mask (1 << assay_role). On ASSAY_NO_MEMORY nothing is kept.
 */
assay_status assay_values_make(const assay_problem *p, unsigned roles, assay_values *out);
void assay_values_free(assay_values *v);         /* an empty one is fine */
void assay_values_drop(assay_values *v, int id); /* frees one */

#define ASSAY_ROLES_GIVEN  ((1u << ASSAY_ROLE_INPUT) | (1u << ASSAY_ROLE_COTANGENT))
#define ASSAY_ROLES_WANTED ((1u << ASSAY_ROLE_FORWARD) | (1u << ASSAY_ROLE_GRADIENT) | (1u << ASSAY_ROLE_UPDATED))

/* Array of pointers for the reference: the given ones of `in`, the wanted ones of `out`. in or out may be NULL. */
void assay_values_join(const assay_values *in, const assay_values *out, void *at[ASSAY_TENSORS]);

/* Bytes of one element of tensor x under arithmetic (assay_format): 4 or 8. */
size_t assay_element_bytes(const assay_tensor *x, int arithmetic);
/* Between the parent's arrays and a plugin's element type. Gaps between rows are left as they are in `to`. */
void assay_values_store(const assay_tensor *x, int arithmetic, const void *from, void *to);
void assay_values_load(const assay_tensor *x, int arithmetic, const void *from, void *to);
/* The first element of a gap between rows that holds other bits than all ones, as memory that nobody wrote does; -1. */
int64_t assay_values_gap_written(const assay_tensor *x, int arithmetic, const void *memory);
/* Rounds every real given tensor to what the element type can hold, so that truth and plugin see the same numbers. */
void assay_values_quantise(const assay_problem *p, int arithmetic, assay_values *v);
/* to = factor * from, for the real tensors of one role that are there in both; exact where factor is a power of two.
 * They may be the same. */
void assay_values_scale(const assay_problem *p, int role, double factor, const assay_values *from, assay_values *to);

/* The samples rows[0..count) of a problem as a problem of their own: *sub_p and freshly made *sub (given tensors only).
 */
assay_status assay_values_subset(const assay_problem *p, const assay_values *in, const int32_t *rows, int count,
                                 assay_problem *sub_p, assay_values *sub);

/* Valid steps of sample n. */
static inline int32_t assay_length(const assay_problem *p, const assay_values *in, int32_t n)
{
    const int32_t *lens = (const int32_t *)in->at[ASSAY_LENS];
    return lens ? lens[n] : p->t;
}

#endif
