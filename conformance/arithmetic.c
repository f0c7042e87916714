/* arithmetic.c: which arithmetics may be declared for which format that was asked for.
 * SPDX-License-Identifier: MIT */
#include "conformance/arithmetic.h"

#include "reference/tensors.h"

#include <stdio.h>
#include <string.h>

static const assay_arithmetic_row table[] = {
    {"fp32", ASSAY_FP32, {ASSAY_FP32, ASSAY_FP32, ASSAY_FP32, 1, 1, 0, 0}},
    {"tf32", ASSAY_TF32, {ASSAY_TF32, ASSAY_FP32, ASSAY_FP32, 1, 1, 0, 0}},
    {"bf16", ASSAY_BF16, {ASSAY_BF16, ASSAY_FP32, ASSAY_BF16, 1, 1, 0, 0}},
    {"fp16", ASSAY_FP16, {ASSAY_FP16, ASSAY_FP32, ASSAY_FP16, 1, 1, 0, 0}},
    {"bf16-operands", ASSAY_BF16, {ASSAY_BF16, ASSAY_FP32, ASSAY_FP32, 1, 1, 0, 0}},
    {"fp16-operands", ASSAY_FP16, {ASSAY_FP16, ASSAY_FP32, ASSAY_FP32, 1, 1, 0, 0}},
    {"tf32-truncated", ASSAY_TF32, {ASSAY_TF32, ASSAY_FP32, ASSAY_FP32, 1, 1, 1, 0}},
    {"bf16-truncated", ASSAY_BF16, {ASSAY_BF16, ASSAY_FP32, ASSAY_BF16, 1, 1, 1, 0}},
    {"fp16-truncated", ASSAY_FP16, {ASSAY_FP16, ASSAY_FP32, ASSAY_FP16, 1, 1, 1, 0}},
    {"tf32-opaque", ASSAY_TF32, {ASSAY_TF32, ASSAY_FP32, ASSAY_FP32, 0, 4, 1, 1}},
    {"bf16-opaque", ASSAY_BF16, {ASSAY_BF16, ASSAY_FP32, ASSAY_BF16, 0, 4, 1, 1}},
    {"fp16-opaque", ASSAY_FP16, {ASSAY_FP16, ASSAY_FP32, ASSAY_FP16, 0, 4, 1, 1}},
};

int assay_arithmetic_count(void)
{
    return (int)(sizeof table / sizeof *table);
}

const assay_arithmetic_row *assay_arithmetic_get(int index)
{
    return index >= 0 && index < assay_arithmetic_count() ? &table[index] : NULL;
}

const assay_arithmetic_row *assay_arithmetic_by_name(const char *name)
{
    for (int k = 0; k < assay_arithmetic_count(); k++)
        if (!strcmp(table[k].name, name)) return &table[k];
    return NULL;
}

int assay_arithmetic_is_narrow(const assay_arithmetic *a)
{
    return a->operand > ASSAY_FP32 || a->store > ASSAY_FP32;
}

int assay_arithmetic_has_block(const assay_arithmetic *a)
{
    const int half = a->operand == ASSAY_FP16 && a->store == ASSAY_FP16 && !a->opaque;
    return a->accumulate == ASSAY_FP32 && (half || !assay_arithmetic_is_narrow(a));
}

int assay_arithmetic_has_rounded(const assay_arithmetic *a)
{
    return a->operand == ASSAY_BF16 && a->accumulate == ASSAY_FP32 && a->store == ASSAY_FP32 && !a->truncates &&
           !a->opaque;
}

const char *assay_arithmetic_name(const assay_arithmetic *a)
{
    for (int k = 0; k < assay_arithmetic_count(); k++) {
        assay_arithmetic row = table[k].arithmetic;
        row.activation_ulp = a->activation_ulp;
        if (assay_arithmetic_same(a, &row)) return table[k].name;
    }
    return NULL;
}

int assay_arithmetic_same(const assay_arithmetic *a, const assay_arithmetic *b)
{
    return a->operand == b->operand && a->accumulate == b->accumulate && a->store == b->store &&
           a->activation_ulp == b->activation_ulp && !a->truncates == !b->truncates && !a->opaque == !b->opaque;
}

assay_arithmetic assay_arithmetic_judged(const assay_arithmetic *declared)
{
    assay_arithmetic a = *declared;
    if (!assay_arithmetic_is_narrow(declared)) return a;
    if (a.accumulate == ASSAY_FP64) a.accumulate = ASSAY_FP32;
    if (a.store == ASSAY_FP64) a.store = ASSAY_FP32;
    return a;
}

double assay_floor_bound(const assay_problem *p, const assay_arithmetic *a)
{
    int ctc = p->op == ASSAY_OP_CTC || p->loss == ASSAY_LOSS_CTC;
    return ctc || assay_arithmetic_is_narrow(a) ? 3e-2 : 1e-3;
}

/* What was asked for bounds the declaration: a wider roundoff would buy a wider floor. An unknown format's is 1. */
static int is_as_fine(int format, int asked)
{
    return assay_unit_roundoff(format) <= assay_unit_roundoff(asked);
}

int assay_arithmetic_honours(int asked, const assay_arithmetic *a, char *why, size_t why_size)
{
    const double most_ulp = 5; /* oneDNN's sigmoid; the check `arithmetic` holds a declaration to what is seen */
    int same = asked <= ASSAY_FP32 && a->operand == asked && a->accumulate == asked && a->store == asked;
    int narrow = asked > ASSAY_FP32 && asked <= ASSAY_FP16 && is_as_fine(a->operand, asked) &&
                 is_as_fine(a->store, asked) && (a->accumulate == ASSAY_FP32 || a->accumulate == ASSAY_FP64);
    if (!same && !narrow) {
        snprintf(why, why_size, "%s was asked for; it declares operands %s, sums %s, stores %s",
                 assay_format_name(asked), assay_format_name(a->operand), assay_format_name(a->accumulate),
                 assay_format_name(a->store));
        return 0;
    }
    if (a->truncates && !(a->operand > ASSAY_FP32 && a->accumulate == ASSAY_FP32)) {
        snprintf(why, why_size, "declares truncated sums of %s operands in %s; expected operands narrower than fp32",
                 assay_format_name(a->operand), assay_format_name(a->accumulate));
        return 0;
    }
    if (a->opaque && !assay_arithmetic_is_narrow(a)) {
        snprintf(why, why_size, "declares opaque roundings of %s operands and %s stores; expected one of them narrower",
                 assay_format_name(a->operand), assay_format_name(a->store));
        return 0;
    }
    if (!(a->activation_ulp >= 0.5 && a->activation_ulp <= most_ulp)) {
        snprintf(why, why_size, "declares activations within %g ulp; expected 0.5 to %g", a->activation_ulp, most_ulp);
        return 0;
    }
    return 1;
}
