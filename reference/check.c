/* check.c: whether a problem is possible, and whether its integers are.
 * SPDX-License-Identifier: MIT */
#include "reference/dialect.h"
#include "reference/tensors.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ON_RNN = 1, ON_XENT = 2, ON_CTC = 4, ON_NET = 8, ON_STACKS = ON_RNN | ON_NET, ON_ALL = 15 };

/* Ranges of the integer fields, for the ops that read them. 2^29 gate rows of H still fit in an int32. */
static const struct range {
    const char *name;
    size_t offset;
    int ops;
    int32_t low, high;
} ranges[] = {
#define RANGE(name) #name, offsetof(assay_problem, name)
    {RANGE(op), ON_ALL, ASSAY_OP_RNN, ASSAY_OP_NETWORK},
    {RANGE(arithmetic), ON_ALL, ASSAY_FP64, ASSAY_FP16},
    {RANGE(t), ON_ALL, 0, INT32_MAX},
    {RANGE(n), ON_ALL, 0, INT32_MAX},
    {RANGE(i), ON_STACKS, 1, INT32_MAX},
    {RANGE(h), ON_STACKS, 1, INT32_MAX / 4},
    {RANGE(proj), ON_STACKS, 0, INT32_MAX / 4},
    {RANGE(layers), ON_STACKS, 1, ASSAY_MAX_LAYERS},
    {RANGE(directions), ON_STACKS, 1, 2},
    {RANGE(vocab), ON_NET, 0, INT32_MAX},
    {RANGE(classes), ON_XENT | ON_CTC | ON_NET, 1, INT32_MAX},
    {RANGE(max_label), ON_CTC | ON_NET, 0, INT32_MAX / 2 - 1},
    {RANGE(labels), ON_CTC | ON_NET, 0, INT32_MAX},
    {RANGE(head), ON_NET, ASSAY_HEAD_LAST, ASSAY_HEAD_EVERY},
    {RANGE(head), ON_RNN | ON_XENT | ON_CTC, ASSAY_HEAD_NONE, ASSAY_HEAD_NONE},
    {RANGE(loss), ON_NET, ASSAY_LOSS_NONE, ASSAY_LOSS_CTC},
    {RANGE(dense_bias), ON_NET, 0, 1},
    {RANGE(optimizer), ON_NET, ASSAY_OPT_NONE, ASSAY_OPT_ADAM},
    {RANGE(x_stride), ON_ALL, 0, INT32_MAX},
    {RANGE(y_stride), ON_ALL, 0, INT32_MAX},
    {RANGE(reserved), ON_ALL, 0, 0},
#undef RANGE
};

static assay_status check_ranges(const assay_problem *p, char *why, size_t size)
{
    for (size_t k = 0; k < sizeof ranges / sizeof *ranges; k++) {
        const struct range *r = &ranges[k];
        const int32_t value = *(const int32_t *)((const char *)p + r->offset);
        /* op is the first row, so that the shift is defined for all others */
        if (k > 0 && !(r->ops & 1 << p->op)) continue;
        if (value < r->low || value > r->high)
            return assay_refuse(why, size, "problem.%s: %d, expected %d to %d for op %s", r->name, value, r->low,
                                r->high, assay_op_name(p->op));
    }
    return ASSAY_OK;
}

static assay_status check_network(const assay_problem *p, char *why, size_t size)
{
    if (p->loss == ASSAY_LOSS_CTC && p->head != ASSAY_HEAD_EVERY)
        return assay_refuse(why, size, "problem.head: %d with a CTC loss, expected every step (%d)", p->head,
                            ASSAY_HEAD_EVERY);
    if (p->loss == ASSAY_LOSS_NONE && p->optimizer != ASSAY_OPT_NONE)
        return assay_refuse(why, size, "problem.optimizer: %d without a loss, expected none (0)", p->optimizer);
    if (p->optimizer != ASSAY_OPT_NONE && !isfinite(p->lr))
        return assay_refuse(why, size, "problem.lr: %g, expected a finite number", p->lr);
    if (p->optimizer != ASSAY_OPT_ADAM) return ASSAY_OK;
    if (!(p->beta1 >= 0 && p->beta1 < 1))
        return assay_refuse(why, size, "problem.beta1: %g, expected 0 <= beta1 < 1", p->beta1);
    if (!(p->beta2 >= 0 && p->beta2 < 1))
        return assay_refuse(why, size, "problem.beta2: %g, expected 0 <= beta2 < 1", p->beta2);
    if (!(p->epsilon > 0 && p->epsilon < INFINITY))
        return assay_refuse(why, size, "problem.epsilon: %g, expected a positive number", p->epsilon);
    return ASSAY_OK;
}

/* The blank takes one class. */
static assay_status check_alphabet(const assay_problem *p, char *why, size_t size)
{
    if (assay_is_kind(p, ASSAY_KIND_CTCS) && p->classes < 2 && (p->labels > 0 || p->max_label > 0))
        return assay_refuse(why, size, "problem.classes: %d with labels, expected the blank and another one",
                            p->classes);
    return ASSAY_OK;
}

static assay_status check_strides(const assay_problem *p, char *why, size_t size)
{
    const int stack = assay_is_kind(p, ASSAY_KIND_STACKS), x = stack ? p->i : p->classes,
              y = stack ? assay_output_width(p) : 0;
    const int ids = p->op == ASSAY_OP_NETWORK && p->vocab > 0;
    if (p->x_stride && (ids || p->x_stride < x))
        return assay_refuse(why, size, "problem.x_stride: %d, expected 0%s or at least %d", p->x_stride,
                            ids ? " with ids" : "", x);
    if (p->y_stride && (!stack || p->y_stride < y))
        return assay_refuse(why, size, "problem.y_stride: %d, expected 0%s or at least %d", p->y_stride,
                            stack ? "" : " with a loss", y);
    return ASSAY_OK;
}

assay_status assay_problem_check(const assay_problem *p, char *why, size_t why_size)
{
    assay_tensor list[ASSAY_TENSORS];
    assay_status st = check_ranges(p, why, why_size);
    if (st == ASSAY_OK && p->op == ASSAY_OP_NETWORK) st = check_network(p, why, why_size);
    if (st == ASSAY_OK) st = assay_dialect_check(p, why, why_size);
    if (st == ASSAY_OK) st = check_alphabet(p, why, why_size);
    if (st == ASSAY_OK) st = check_strides(p, why, why_size);
    /* products count rows of the batch in an int */
    if (st == ASSAY_OK && (int64_t)p->t * p->n > INT32_MAX)
        st = assay_refuse(why, why_size, "problem.t * problem.n: %lld, expected at most 2^31 - 1",
                          (long long)p->t * p->n);
    const int count = st == ASSAY_OK ? assay_tensors_of(p, list) : 0;
    for (int k = 0; k < count && st == ASSAY_OK; k++) {
        const assay_tensor *x = &list[k];
        const double elements = (double)x->dims[0] * x->dims[1] * fmax(x->dims[2], x->stride);
        if (elements > 0x1p40)
            st = assay_refuse(why, why_size, "tensor %s: %.3g elements (%d x %d x %d), expected at most 2^40", x->name,
                              elements, x->dims[0], x->dims[1], x->dims[2]);
    }
    return st;
}

/* values[0..count) in low..high; `tag` names the tensor. */
static assay_status check_all(const char *tag, const int32_t *values, int64_t count, int32_t low, int32_t high,
                              char *why, size_t size)
{
    for (int64_t k = 0; values && k < count; k++)
        if (values[k] < low || values[k] > high)
            return assay_refuse(why, size, "%s[%lld]: %d, expected %d to %d", tag, (long long)k, values[k], low, high);
    return ASSAY_OK;
}

/* A label of cross-entropy that means that its row does not count. */
static int is_ignored(const assay_problem *p, const char *tag, int32_t value)
{
    return strcmp(tag, "labels") == 0 && p->dialect.xent_ignores && value == p->dialect.xent_ignore_index;
}

/* The same over (T, N), where only valid steps count. */
static assay_status check_valid(const assay_problem *p, const char *tag, const int32_t *values, const int32_t *lens,
                                int32_t high, char *why, size_t size)
{
    for (int32_t t = 0; values && t < p->t; t++)
        for (int32_t n = 0; n < p->n; n++) {
            const int32_t value = values[assay_row_of(p, t, n)];
            if (t < (lens ? lens[n] : p->t) && (value < 0 || value > high) && !is_ignored(p, tag, value))
                return assay_refuse(why, size, "%s[%d][%d]: %d, expected 0 to %d", tag, t, n, value, high);
        }
    return ASSAY_OK;
}

static assay_status check_labels_of_samples(const assay_problem *p, const int32_t *labels, char *why, size_t size)
{
    for (int32_t n = 0; labels && n < p->n; n++)
        if ((labels[n] < 0 || labels[n] >= p->classes) && !is_ignored(p, "labels", labels[n]))
            return assay_refuse(why, size, "labels[%d]: %d, expected 0 to %d", n, labels[n], p->classes - 1);
    return ASSAY_OK;
}

/* One label string. */
static assay_status check_string(const assay_problem *p, const int32_t *labels, int64_t first, int32_t count, char *why,
                                 size_t size)
{
    for (int64_t k = first; k < first + count; k++) {
        if (labels[k] < 0 || labels[k] >= p->classes)
            return assay_refuse(why, size, "labels[%lld]: %d, expected 0 to %d", (long long)k, labels[k],
                                p->classes - 1);
        if (labels[k] == p->dialect.ctc_blank)
            return assay_refuse(why, size, "labels[%lld]: %d is the blank, expected another class", (long long)k,
                                labels[k]);
    }
    return ASSAY_OK;
}

static assay_status check_ctc(const assay_problem *p, const int32_t *labels, const int32_t *label_lens, char *why,
                              size_t size)
{
    int64_t sum = 0;
    const int padded = p->dialect.ctc_labels == ASSAY_LABELS_PADDED;
    assay_status st = check_all("label_lens", label_lens, p->n, 0, p->max_label, why, size);
    for (int32_t n = 0; st == ASSAY_OK && label_lens && n < p->n; n++)
        sum += label_lens[n];
    if (st == ASSAY_OK && label_lens && !padded && sum != p->labels)
        return assay_refuse(why, size, "label_lens: their sum is %lld, expected problem.labels = %d", (long long)sum,
                            p->labels);
    for (int32_t n = 0; st == ASSAY_OK && labels && label_lens && n < p->n; n++)
        st = check_string(p, labels, assay_label_start(p, label_lens, n), label_lens[n], why, size);
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
    if (net && p->loss == ASSAY_LOSS_XENT) return check_labels_of_samples(p, labels, why, why_size);
    return ASSAY_OK;
}
