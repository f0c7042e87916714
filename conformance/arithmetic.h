/* arithmetic.h: what a declared arithmetic means: whether it may be declared, and how narrow it is.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_ARITHMETIC_H
#define ASSAY_ARITHMETIC_H

#include "reference/problem.h"

#include <stddef.h>

/* 1 if a declaration keeps within what the format that was asked for means (docs/tolerance.md 3.1): fp32 and fp64 are
 * operands, sums and stores in that very format, narrower ones accumulate in fp32 at least and take operands and stores
 * of no larger unit roundoff than the format asked for; truncated sums where operands are narrow, opaque where operands
 * or stores are; activations within 0.5 .. 4 ulp. Else 0 and one line in why: nobody buys a wider limit by declaring a
 * looser arithmetic. */
int assay_arithmetic_honours(int asked, const assay_arithmetic *declared, char *why, size_t why_size);

/* The arithmetics that the suite's own proofs go through. */
typedef struct assay_arithmetic_row {
    const char *name;
    int asked; /* assay_format */
    assay_arithmetic arithmetic;
} assay_arithmetic_row;
int assay_arithmetic_count(void);
const assay_arithmetic_row *assay_arithmetic_get(int index);
const assay_arithmetic_row *assay_arithmetic_by_name(const char *name); /* NULL if there is none */

/* 1 if operands or stores are narrower than fp32. */
int assay_arithmetic_is_narrow(const assay_arithmetic *a);

/* 1 if block noise may stand for the rounding of every operation: where `assay floor --validate` found both alike,
 * which is fp32, and fp16 in operands and stores (docs/tolerance.md 4). */
int assay_arithmetic_has_block(const assay_arithmetic *a);

/* 1 if really rounded sums may: where `assay floor --validate --rounded` found them alike and block noise is not used,
 * which is bf16 in operands with stores in fp32 (floor_rounded.h). */
int assay_arithmetic_has_rounded(const assay_arithmetic *a);

/* What the table above calls an arithmetic, whatever its activations: "fp32", "bf16-operands"; NULL if it is not there.
 */
const char *assay_arithmetic_name(const assay_arithmetic *a);

/* 1 if truths and floors are the same under both. */
int assay_arithmetic_same(const assay_arithmetic *a, const assay_arithmetic *b);

/* The arithmetic by which a declared one is judged: where operands or stores are narrow, wider sums and stores than
 * fp32 are judged as fp32, which they better. */
assay_arithmetic assay_arithmetic_judged(const assay_arithmetic *declared);

/* Is the case fit to discriminate? docs/tolerance.md 3.4: phi <= 1e-3 (fp32, fp64), <= 3e-2 (narrower formats, CTC) for
 * the tensor; the bound is returned. */
double assay_floor_bound(const assay_problem *p, const assay_arithmetic *a);

#endif
