/* dialect.h: the fields of the dialect as a table: their names, ranges, readers, and what they mean.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_DIALECT_H
#define ASSAY_DIALECT_H

#include "reference/problem.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The kinds of problems that a field of the dialect may say something about, and what they are called. */
#define ASSAY_KINDS(X)                                                                                                 \
    X(STACKS, "a stack")                                                                                               \
    X(LSTMS, "a stack of lstm")                                                                                        \
    X(GRUS, "a stack of gru")                                                                                          \
    X(GATED, "a stack of lstm or gru")                                                                                 \
    X(TWO_WAY, "a stack of two directions")                                                                            \
    X(DEEP, "a stack of several layers")                                                                               \
    X(RNNS, "op rnn")                                                                                                  \
    X(ALL, "any op")                                                                                                   \
    X(XENTS, "cross-entropy")                                                                                          \
    X(CTCS, "ctc")
typedef enum assay_kind {
#define ASSAY_KIND(name, text) ASSAY_KIND_##name,
    ASSAY_KINDS(ASSAY_KIND)
#undef ASSAY_KIND
} assay_kind;

/* 1 if a problem is of a kind; p has passed assay_problem_check(). Any thread. */
int assay_is_kind(const assay_problem *p, assay_kind kind);

typedef struct assay_dialect_field {
    const char *name, *text; /* text: what its values mean and which library does which */
    size_t offset;           /* in assay_dialect */
    assay_kind reader;       /* who reads it */
    int real;                /* 1: a double in 0 .. below (forget_bias also below 0); 0: an int32_t in low .. high */
    int32_t low, high;
    double below;
} assay_dialect_field;

int assay_dialect_field_count(void);
const assay_dialect_field *assay_dialect_field_get(int index); /* NULL outside the table */

/* Part of assay_problem_check(): ranges, fields that nobody reads, fields that contradict each other. */
assay_status assay_dialect_check(const assay_problem *p, char *why, size_t size);

/* Writes one line to why, which may be NULL; ASSAY_BAD_ARGUMENT. */
__attribute__((format(printf, 3, 4))) assay_status assay_refuse(char *why, size_t size, const char *format, ...);

#ifdef __cplusplus
}
#endif
#endif
