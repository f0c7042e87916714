/* check.c: whether a problem is possible, and whether its integers are.
 * SPDX-License-Identifier: MIT */
#include "reference/tensors.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 3, 4))) static assay_status bad(char *why, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (why && size) vsnprintf(why, size, format, args);
    va_end(args);
    return ASSAY_BAD_ARGUMENT;
}

enum { ON_RNN = 1, ON_XENT = 2, ON_CTC = 4, ON_NET = 8, STACKS = ON_RNN | ON_NET, ALWAYS = 15 };

/* Ranges of the integer fields, for the ops that read them. 2^29 gate rows of H still fit in an int32. */
static const struct range {
    const char *name;
    size_t offset;
    int ops;
    int32_t low, high;
} ranges[] = {
#define FIELD(name) #name, offsetof(assay_problem, name)
    {FIELD(op), ALWAYS, ASSAY_OP_RNN, ASSAY_OP_NETWORK},
    {FIELD(arithmetic), ALWAYS, ASSAY_FP64, ASSAY_FP16},
    {FIELD(t), ALWAYS, 0, INT32_MAX},
    {FIELD(n), ALWAYS, 0, INT32_MAX},
    {FIELD(i), STACKS, 1, INT32_MAX},
    {FIELD(h), STACKS, 1, INT32_MAX / 4},
    {FIELD(layers), STACKS, 1, ASSAY_MAX_LAYERS},
    {FIELD(directions), STACKS, 1, 2},
    {FIELD(vocab), ON_NET, 0, INT32_MAX},
    {FIELD(classes), ON_XENT | ON_CTC | ON_NET, 1, INT32_MAX},
    {FIELD(max_label), ON_CTC | ON_NET, 0, INT32_MAX / 2 - 1},
    {FIELD(labels), ON_CTC | ON_NET, 0, INT32_MAX},
    {FIELD(head), ON_NET, ASSAY_HEAD_LAST, ASSAY_HEAD_EVERY},
    {FIELD(head), ON_RNN | ON_XENT | ON_CTC, ASSAY_HEAD_NONE, ASSAY_HEAD_NONE},
    {FIELD(loss), ON_NET, ASSAY_LOSS_NONE, ASSAY_LOSS_CTC},
    {FIELD(dense_bias), ON_NET, 0, 1},
    {FIELD(optimizer), ON_NET, ASSAY_OPT_NONE, ASSAY_OPT_ADAM},
    {FIELD(dialect.cell), STACKS, ASSAY_LSTM, ASSAY_RNN_RELU},
    {FIELD(dialect.biases), STACKS, ASSAY_BIAS_NONE, ASSAY_BIAS_TWO},
    {FIELD(dialect.gru_reset), STACKS, ASSAY_RESET_BEFORE, ASSAY_RESET_AFTER_INSIDE},
    {FIELD(dialect.bptt_steps), STACKS, 0, INT32_MAX},
    {FIELD(dialect.xent_reduction), ON_XENT | ON_NET, ASSAY_REDUCE_NONE, ASSAY_REDUCE_MEAN},
    {FIELD(dialect.ctc_reduction), ON_CTC | ON_NET, ASSAY_REDUCE_NONE, ASSAY_REDUCE_MEAN},
    {FIELD(dialect.ctc_infeasible), ON_CTC | ON_NET, ASSAY_INFEASIBLE_INF, ASSAY_INFEASIBLE_ZERO},
#undef FIELD
};

static assay_status check_ranges(const assay_problem *p, char *why, size_t size)
{
    for (size_t k = 0; k < sizeof ranges / sizeof *ranges; k++) {
        const struct range *r = &ranges[k];
        const int32_t value = *(const int32_t *)((const char *)p + r->offset);
        /* op is the first row, so that the shift is defined for all others */
        if (k > 0 && !(r->ops & 1 << p->op)) continue;
        if (value < r->low || value > r->high)
            return bad(why, size, "problem.%s: %d, expected %d to %d for op %s", r->name, value, r->low, r->high,
                       assay_op_name(p->op));
    }
    return ASSAY_OK;
}

static assay_status check_network(const assay_problem *p, char *why, size_t size)
{
    if (p->loss == ASSAY_LOSS_CTC && p->head != ASSAY_HEAD_EVERY)
        return bad(why, size, "problem.head: %d with a CTC loss, expected every step (%d)", p->head, ASSAY_HEAD_EVERY);
    if (p->loss == ASSAY_LOSS_NONE && p->optimizer != ASSAY_OPT_NONE)
        return bad(why, size, "problem.optimizer: %d without a loss, expected none (0)", p->optimizer);
    if (p->optimizer != ASSAY_OPT_NONE && !isfinite(p->lr))
        return bad(why, size, "problem.lr: %g, expected a finite number", p->lr);
    if (p->optimizer != ASSAY_OPT_ADAM) return ASSAY_OK;
    if (!(p->beta1 >= 0 && p->beta1 < 1)) return bad(why, size, "problem.beta1: %g, expected 0 <= beta1 < 1", p->beta1);
    if (!(p->beta2 >= 0 && p->beta2 < 1)) return bad(why, size, "problem.beta2: %g, expected 0 <= beta2 < 1", p->beta2);
    if (!(p->epsilon > 0 && p->epsilon < INFINITY))
        return bad(why, size, "problem.epsilon: %g, expected a positive number", p->epsilon);
    return ASSAY_OK;
}

static assay_status check_dialect(const assay_problem *p, char *why, size_t size)
{
    const assay_dialect *d = &p->dialect;
    const int ctc = p->op == ASSAY_OP_CTC || (p->op == ASSAY_OP_NETWORK && p->loss == ASSAY_LOSS_CTC);
    if (ctc && (d->ctc_blank < 0 || d->ctc_blank >= p->classes))
        return bad(why, size, "problem.dialect.ctc_blank: %d, expected 0 to %d", d->ctc_blank, p->classes - 1);
    if (assay_param_count(p) == 0) return ASSAY_OK;
    if (!isfinite(d->forget_bias) || (d->cell != ASSAY_LSTM && d->forget_bias != 0))
        return bad(why, size, "problem.dialect.forget_bias: %g with cell %s, expected a finite number, 0 if no lstm",
                   d->forget_bias, assay_cell_name(d->cell));
    if (d->cell != ASSAY_GRU && d->gru_reset != ASSAY_RESET_AFTER_INSIDE)
        return bad(why, size, "problem.dialect.gru_reset: %d with cell %s, expected %d", d->gru_reset,
                   assay_cell_name(d->cell), ASSAY_RESET_AFTER_INSIDE);
    return ASSAY_OK;
}

assay_status assay_problem_check(const assay_problem *p, char *why, size_t why_size)
{
    assay_tensor list[ASSAY_TENSORS];
    assay_status st = check_ranges(p, why, why_size);
    if (st == ASSAY_OK && p->op == ASSAY_OP_NETWORK) st = check_network(p, why, why_size);
    if (st == ASSAY_OK) st = check_dialect(p, why, why_size);
    /* products count rows of the batch in an int */
    if (st == ASSAY_OK && (int64_t)p->t * p->n > INT32_MAX)
        st = bad(why, why_size, "problem.t * problem.n: %lld, expected at most 2^31 - 1", (long long)p->t * p->n);
    const int count = st == ASSAY_OK ? assay_tensors_of(p, list) : 0;
    for (int k = 0; k < count && st == ASSAY_OK; k++) {
        const assay_tensor *x = &list[k];
        const double elements = (double)x->dims[0] * x->dims[1] * x->dims[2];
        if (elements > 0x1p40)
            st = bad(why, why_size, "tensor %s: %.3g elements (%d x %d x %d), expected at most 2^40", x->name, elements,
                     x->dims[0], x->dims[1], x->dims[2]);
    }
    return st;
}

/* values[0..count) in low..high; `tag` names the tensor. */
static assay_status check_all(const char *tag, const int32_t *values, int64_t count, int32_t low, int32_t high,
                              char *why, size_t size)
{
    for (int64_t k = 0; values && k < count; k++)
        if (values[k] < low || values[k] > high)
            return bad(why, size, "%s[%lld]: %d, expected %d to %d", tag, (long long)k, values[k], low, high);
    return ASSAY_OK;
}

/* The same over (T, N), where only valid steps count. */
static assay_status check_valid(const assay_problem *p, const char *tag, const int32_t *values, const int32_t *lens,
                                int32_t high, char *why, size_t size)
{
    for (int32_t t = 0; values && t < p->t; t++)
        for (int32_t n = 0; n < p->n; n++) {
            const int32_t value = values[(int64_t)t * p->n + n];
            if (t < (lens ? lens[n] : p->t) && (value < 0 || value > high))
                return bad(why, size, "%s[%d][%d]: %d, expected 0 to %d", tag, t, n, value, high);
        }
    return ASSAY_OK;
}

static assay_status check_ctc(const assay_problem *p, const int32_t *labels, const int32_t *label_lens, char *why,
                              size_t size)
{
    int64_t sum = 0;
    assay_status st = check_all("label_lens", label_lens, p->n, 0, p->max_label, why, size);
    for (int32_t n = 0; st == ASSAY_OK && label_lens && n < p->n; n++)
        sum += label_lens[n];
    if (st == ASSAY_OK && label_lens && sum != p->labels)
        return bad(why, size, "label_lens: their sum is %lld, expected problem.labels = %d", (long long)sum, p->labels);
    if (st == ASSAY_OK) st = check_all("labels", labels, p->labels, 0, p->classes - 1, why, size);
    for (int32_t k = 0; st == ASSAY_OK && labels && k < p->labels; k++)
        if (labels[k] == p->dialect.ctc_blank)
            return bad(why, size, "labels[%d]: %d is the blank, expected another class", k, labels[k]);
    return st;
}

assay_status assay_integers_check(const assay_problem *p, const int32_t *ids, const int32_t *lens,
                                  const int32_t *labels, const int32_t *label_lens, char *why, size_t why_size)
{
    const int net = p->op == ASSAY_OP_NETWORK;
    assay_status st = check_all("lens", lens, p->n, 0, p->t, why, why_size);
    if (st == ASSAY_OK && net && p->vocab > 0) st = check_valid(p, "ids", ids, lens, p->vocab - 1, why, why_size);
    if (st != ASSAY_OK) return st;
    if (p->op == ASSAY_OP_CTC || (net && p->loss == ASSAY_LOSS_CTC))
        return check_ctc(p, labels, label_lens, why, why_size);
    if (p->op == ASSAY_OP_XENT || (net && p->loss == ASSAY_LOSS_XENT && p->head == ASSAY_HEAD_EVERY))
        return check_valid(p, "labels", labels, lens, p->classes - 1, why, why_size);
    if (net && p->loss == ASSAY_LOSS_XENT) return check_all("labels", labels, p->n, 0, p->classes - 1, why, why_size);
    return ASSAY_OK;
}
