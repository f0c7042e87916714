/* tensors.h: which tensors a problem has, their names, shapes and roles; and whether a problem is possible at all.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_TENSORS_H
#define ASSAY_TENSORS_H

#include "reference/problem.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum assay_role {
    ASSAY_ROLE_INPUT,     /* x, ids, lens, labels, initial states, parameters, moments */
    ASSAY_ROLE_COTANGENT, /* dy, dhn, dcn, dloss */
    ASSAY_ROLE_FORWARD,   /* y, hn, cn, logits, losses */
    ASSAY_ROLE_GRADIENT,  /* dx, dh0, dc0, gradients of parameters */
    ASSAY_ROLE_UPDATED    /* parameters and moments after the step */
} assay_role;

typedef struct assay_tensor {
    int32_t id;      /* assay_slot or assay_tensor_id() */
    int32_t role;    /* assay_role */
    int32_t integer; /* 1: int32, 0: real */
    int32_t rank;    /* 1 .. 3 */
    int32_t dims[3]; /* unused ones are 1 */
    int64_t count;   /* elements that it takes: the product of dims, or where rows have gaps, rows times stride */
    int64_t row;     /* elements of one row, the unit of the row rule: dims after the (t,n) or (q,n) index; for a
                        weight one gate row; for a vector of losses or a bias one element */
    int64_t stride;  /* elements from one row to the next: row, or more where rows have gaps */
    char name[24];   /* "y", "dW.l1.r": parameter, layer, direction f or r */
} assay_tensor;

/* Lists the tensors of p in order of id into out[ASSAY_TENSORS]; returns how many. p must be valid. Any thread. */
int assay_tensors_of(const assay_problem *p, assay_tensor *out);

/* The one with this id; 0 if p has none (then *out is untouched). */
int assay_tensor_find(const assay_problem *p, int id, assay_tensor *out);

/* By name ("dR.l0.f"); returns the id or -1. */
int assay_tensor_by_name(const assay_problem *p, const char *name);

/* ASSAY_OK, or ASSAY_BAD_ARGUMENT and one line in why (what, where, what was expected). Sizes, enums, products
 * that would not fit in 2^40 elements. */
assay_status assay_problem_check(const assay_problem *p, char *why, size_t why_size);

/* The integers of a problem: lens in 0..T, ids in range, labels in range and not the blank, label_lens in
 * 0..max_label and their sum. Absent tensors are NULL. Same reporting. */
assay_status assay_integers_check(const assay_problem *p, const int32_t *ids, const int32_t *lens,
                                  const int32_t *labels, const int32_t *label_lens, char *why, size_t why_size);

/* Multiply-adds of one forward pass, of one backward pass; valid steps only where lens is given. Linear layer and
 * recurrent layers; the losses count for nothing. dx of layer 0 is counted if need_dx. Source: docs/workloads.md. */
double assay_macs_forward(const assay_problem *p, const int32_t *lens);
double assay_macs_backward(const assay_problem *p, const int32_t *lens, int need_dx);

/* Names of the enums, for print and JSON: "lstm", "fp32", "network". Never NULL. */
const char *assay_op_name(int op);
const char *assay_cell_name(int cell);
const char *assay_format_name(int format);
/* Unit roundoff of a format: 2^-53, 2^-24, 2^-11, 2^-8, 2^-11. */
double assay_unit_roundoff(int format);

#ifdef __cplusplus
}
#endif
#endif
