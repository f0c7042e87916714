/* dialect.c: may a problem have this dialect? From the table of fields.
 * SPDX-License-Identifier: MIT */
#include "reference/dialect.h"

#include "reference/tensors.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

assay_status assay_refuse(char *why, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (why && size) vsnprintf(why, size, format, args);
    va_end(args);
    return ASSAY_BAD_ARGUMENT;
}

int assay_is_kind(const assay_problem *p, assay_kind kind)
{
    const int stack = p->op == ASSAY_OP_RNN || p->op == ASSAY_OP_NETWORK, cell = p->dialect.cell;
    switch (kind) {
    case ASSAY_KIND_STACKS:
        return stack;
    case ASSAY_KIND_LSTMS:
        return stack && cell == ASSAY_LSTM;
    case ASSAY_KIND_GRUS:
        return stack && cell == ASSAY_GRU;
    case ASSAY_KIND_GATED:
        return stack && (cell == ASSAY_LSTM || cell == ASSAY_GRU);
    case ASSAY_KIND_TWO_WAY:
        return stack && p->directions == 2;
    case ASSAY_KIND_DEEP:
        return stack && p->layers > 1;
    case ASSAY_KIND_RNNS:
        return p->op == ASSAY_OP_RNN;
    case ASSAY_KIND_ALL:
        return 1;
    case ASSAY_KIND_XENTS:
        return p->op == ASSAY_OP_XENT || (p->op == ASSAY_OP_NETWORK && p->loss == ASSAY_LOSS_XENT);
    case ASSAY_KIND_CTCS:
        return p->op == ASSAY_OP_CTC || (p->op == ASSAY_OP_NETWORK && p->loss == ASSAY_LOSS_CTC);
    }
    return 0;
}

/* A field of a stack's dialect that the stack does not read must say nothing. */
static int must_be_zero(const assay_problem *p, assay_kind reader)
{
    return assay_is_kind(p, ASSAY_KIND_STACKS) && !assay_is_kind(p, reader) && reader < ASSAY_KIND_XENTS;
}

static const assay_dialect_field fields[] = {
#define FIELD(name, reader, low, high, text) {#name, text, offsetof(assay_dialect, name), reader, 0, low, high, 0},
#define REAL(name, reader, below, text)      {#name, text, offsetof(assay_dialect, name), reader, 1, 0, 0, below},
#include "reference/dialect_fields.inc"
#undef FIELD
#undef REAL
};
enum { FIELDS = sizeof fields / sizeof *fields };

int assay_dialect_field_count(void)
{
    return FIELDS;
}

const assay_dialect_field *assay_dialect_field_get(int index)
{
    return index >= 0 && index < FIELDS ? &fields[index] : NULL;
}

static const char *kind_name(assay_kind kind)
{
    static const char *const names[] = {
#define KIND(name, text) text,
        ASSAY_KINDS(KIND)
#undef KIND
    };
    return names[kind];
}

static assay_status check_integer(const assay_problem *p, const assay_dialect_field *f, char *why, size_t size)
{
    const int32_t value = *(const int32_t *)((const char *)&p->dialect + f->offset);
    const int32_t silent = f->offset == offsetof(assay_dialect, gru_reset) ? ASSAY_RESET_AFTER_INSIDE : 0;
    if (assay_is_kind(p, f->reader) && (value < f->low || value > f->high))
        return assay_refuse(why, size, "problem.dialect.%s: %d, expected %d to %d for op %s", f->name, value, f->low,
                            f->high, assay_op_name(p->op));
    if (must_be_zero(p, f->reader) && value != silent)
        return assay_refuse(why, size, "problem.dialect.%s: %d, expected %d but in %s", f->name, value, silent,
                            kind_name(f->reader));
    return ASSAY_OK;
}

static assay_status check_real(const assay_problem *p, const assay_dialect_field *f, char *why, size_t size)
{
    const double value = *(const double *)((const char *)&p->dialect + f->offset);
    const int signs = f->offset == offsetof(assay_dialect, forget_bias); /* it may be negative */
    if (assay_is_kind(p, f->reader) && !((signs ? fabs(value) : value) >= 0 && value < f->below))
        return assay_refuse(why, size, "problem.dialect.%s: %g, expected a number from 0, below %g", f->name, value,
                            f->below);
    if (must_be_zero(p, f->reader) && value != 0)
        return assay_refuse(why, size, "problem.dialect.%s: %g, expected 0 but in %s", f->name, value,
                            kind_name(f->reader));
    return ASSAY_OK;
}

static assay_status check_fields(const assay_problem *p, char *why, size_t size)
{
    assay_status st = ASSAY_OK;
    for (int k = 0; k < FIELDS && st == ASSAY_OK; k++)
        st = fields[k].real ? check_real(p, &fields[k], why, size) : check_integer(p, &fields[k], why, size);
    return st;
}

/* What fields say to one another. */
assay_status assay_dialect_check(const assay_problem *p, char *why, size_t size)
{
    const assay_dialect *d = &p->dialect;
    const int batch_only = d->ctc_reduction >= ASSAY_REDUCE_MEAN_ALL && d->ctc_reduction <= ASSAY_REDUCE_MEAN_BATCH;
    assay_status st = check_fields(p, why, size);
    if (st != ASSAY_OK) return st;
    if (assay_is_kind(p, ASSAY_KIND_CTCS) && d->ctc_blank >= p->classes)
        return assay_refuse(why, size, "problem.dialect.ctc_blank: %d, expected 0 to %d", d->ctc_blank, p->classes - 1);
    if (assay_is_kind(p, ASSAY_KIND_CTCS) && batch_only)
        return assay_refuse(
            why, size, "problem.dialect.ctc_reduction: %d, expected none, sum, mean or mean by targets (0, 1, 2, 6)",
            d->ctc_reduction);
    if (assay_is_kind(p, ASSAY_KIND_CTCS) && d->ctc_gradient != ASSAY_CTC_TRUE && d->ctc_input != ASSAY_CTC_LOG_PROBS)
        return assay_refuse(why, size, "problem.dialect.ctc_gradient: %d with logits, expected %d", d->ctc_gradient,
                            ASSAY_CTC_TRUE);
    if (assay_is_kind(p, ASSAY_KIND_CTCS) && p->op == ASSAY_OP_NETWORK && d->ctc_input != ASSAY_CTC_LOGITS)
        return assay_refuse(why, size, "problem.dialect.ctc_input: %d in a network, expected %d", d->ctc_input,
                            ASSAY_CTC_LOGITS);
    if (assay_is_kind(p, ASSAY_KIND_CTCS) && d->ctc_labels == ASSAY_LABELS_PADDED && p->labels != 0)
        return assay_refuse(why, size, "problem.labels: %d with padded labels, expected 0", p->labels);
    if (assay_is_kind(p, ASSAY_KIND_XENTS) && d->xent_reduction == ASSAY_REDUCE_MEAN_WEIGHTED && !d->xent_weighted)
        return assay_refuse(why, size, "problem.dialect.xent_weighted: 0 with a mean by weights, expected 1");
    if (assay_is_kind(p, ASSAY_KIND_XENTS) && d->xent_smoothing > 0 && d->xent_smoothing_to == ASSAY_SMOOTH_OTHERS &&
        p->classes < 2)
        return assay_refuse(why, size, "problem.classes: %d with smoothing to the others, expected 2 or more",
                            p->classes);
    if (!assay_is_kind(p, ASSAY_KIND_STACKS)) return ASSAY_OK;
    if (p->proj && (d->cell != ASSAY_LSTM || p->proj >= p->h))
        return assay_refuse(why, size, "problem.proj: %d with cell %s of %d, expected below that, 0 if no lstm",
                            p->proj, assay_cell_name(d->cell), p->h);
    if (d->clip_gradient != ASSAY_CLIP_CUTS && d->cell_clip == 0)
        return assay_refuse(why, size, "problem.dialect.clip_gradient: %d without a clip, expected 0",
                            d->clip_gradient);
    if (d->pad_output != ASSAY_PAD_ZERO && d->merge != ASSAY_MERGE_CONCAT)
        return assay_refuse(why, size, "problem.dialect.pad_output: %d with merged directions, expected 0",
                            d->pad_output);
    return ASSAY_OK;
}
