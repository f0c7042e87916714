/* worlds_data.c: the same function of data read in another way: lengths, steps, digits, classes.
 * SPDX-License-Identifier: MIT */
#include "conformance/asked.h"
#include "reference/rounding.h"

#include <math.h>
#include <string.h>

int assay_world_lengths(assay_asked *a, int variant)
{
    const assay_problem *p = a->s->p;
    assay_tensor x;
    if (variant > 4) return ASSAY_WORLD_LAST;
    if (!a->given.at[ASSAY_LENS] || p->n < 1) return ASSAY_WORLD_NONE;
    if (variant < 3) {
        static const char *const words[] = {"", ", then cleared past its length", ", by the reverse direction alone"};
        a->given.at[ASSAY_LENS] = NULL;
        a->padding_right = variant > 0;
        a->forward_right = variant == 2;
        assay_asked_say(a, "the truth with every row taken as T steps long%s", words[variant]);
        return variant == 2 && (p->directions != 2 || p->layers != 1) ? ASSAY_WORLD_NONE : ASSAY_WORLD_MADE;
    }
    int32_t *lens = assay_asked_own(a, ASSAY_LENS, &x);
    for (int32_t n = 0; lens && n < p->n; n++)
        lens[n] = variant == 3 ? lens[0] : lens[n] - (lens[n] > 1);
    assay_asked_say(a, variant == 3 ? "the truth with the length of the first row taken for all"
                                    : "the truth with every row one step short");
    return lens ? ASSAY_WORLD_MADE : ASSAY_WORLD_NONE;
}

/* x of the step before or after; x in the other order of time and batch. */
int assay_world_late(assay_asked *a, int variant)
{
    const assay_problem *p = a->s->p;
    assay_tensor x;
    assay_axes axes;
    if (variant > 2) return ASSAY_WORLD_LAST;
    const double *from = a->given.at[ASSAY_X];
    double *to = p->t > 1 ? assay_asked_own(a, ASSAY_X, &x) : NULL;
    if (!to) return ASSAY_WORLD_NONE;
    assay_axes_of(p, &x, &axes);
    const assay_axis *time = assay_axes_find(&axes, ASSAY_AXIS_TIME);
    const int64_t row = x.stride;
    const int by = variant ? 1 : -1;
    for (int64_t r = 0; variant == 2 && r < x.count / row; r++) {
        const int64_t inner = p->dialect.layout == ASSAY_BATCH_MAJOR ? p->t : p->n, outer = x.count / row / inner;
        memcpy(to + r * row, from + (r % inner * outer + r / inner) * row, (size_t)x.row * sizeof *to);
    }
    assay_asked_say(a, "the truth with time and batch of x exchanged");
    if (variant == 2) return ASSAY_WORLD_MADE;
    for (int64_t k = 0; k < axes.elements; k++) {
        const int64_t e = assay_axes_element(&axes, k);
        const int32_t t = assay_axis_index(time, e) + by;
        if (t >= 0 && t < time->size) to[e] = from[e + by * time->step];
    }
    assay_asked_say(a, "the truth with x of t%+d read at t", by);
    return ASSAY_WORLD_MADE;
}

/* ---- digits, classes ---- */

int assay_world_narrow(assay_asked *a, int variant)
{
    static const int formats[] = {ASSAY_TF32, ASSAY_BF16, ASSAY_FP16};
    const assay_arithmetic *d = a->s->declared;
    if (variant > 2) return ASSAY_WORLD_LAST;
    if (assay_unit_roundoff(formats[variant]) <= assay_unit_roundoff(d->operand)) return ASSAY_WORLD_NONE;
    a->declared = (assay_arithmetic){.operand = formats[variant],
                                     .accumulate = ASSAY_FP32,
                                     .store = ASSAY_FP32,
                                     .activation_ulp = d->activation_ulp};
    a->w->share = 0.4; /* other roundings at ties, carried on by the recurrence */
    assay_asked_say(a, "close to the truth with operands rounded to %s", assay_format_name(formats[variant]));
    return ASSAY_WORLD_MADE;
}

/* x rounded, and nothing else. */
int assay_world_rounded(assay_asked *a, int variant)
{
    static const int formats[] = {ASSAY_FP32, ASSAY_TF32, ASSAY_BF16, ASSAY_FP16};
    assay_tensor x;
    if (variant > 3) return ASSAY_WORLD_LAST;
    if (assay_unit_roundoff(formats[variant]) <= assay_unit_roundoff(a->s->declared->operand)) return ASSAY_WORLD_NONE;
    double *v = assay_asked_own(a, ASSAY_X, &x);
    for (int64_t e = 0; v && e < x.count; e++)
        v[e] = assay_round_to(formats[variant], v[e]);
    assay_asked_say(a, "the truth with x rounded to %s", assay_format_name(formats[variant]));
    return v ? ASSAY_WORLD_MADE : ASSAY_WORLD_NONE;
}

/* Classes behind the last whole vector left out: logits so small that they count for nothing. */
int assay_world_classes(assay_asked *a, int variant)
{
    static const int widths[] = {4, 8, 16, 32, 64};
    const assay_problem *p = a->s->p;
    assay_tensor x;
    if (variant > 4) return ASSAY_WORLD_LAST;
    const int whole = p->classes / widths[variant] * widths[variant];
    if (p->op != ASSAY_OP_XENT || whole == p->classes || whole == 0) return ASSAY_WORLD_NONE;
    double *v = assay_asked_own(a, ASSAY_X, &x);
    for (int64_t e = 0; v && e < x.count; e++)
        if (e % x.stride >= whole) v[e] = -1e30;
    assay_asked_say(a, "the truth without the classes behind the last multiple of %d", widths[variant]);
    return v ? ASSAY_WORLD_MADE : ASSAY_WORLD_NONE;
}

/* The gradient that CTC has with respect to log-probabilities, where logits are given. */
int assay_world_log_probs(assay_asked *a, int variant)
{
    const assay_problem *p = a->s->p;
    assay_tensor x;
    if (variant > 0) return ASSAY_WORLD_LAST;
    if (p->op != ASSAY_OP_CTC || p->dialect.ctc_input != ASSAY_CTC_LOGITS) return ASSAY_WORLD_NONE;
    double *v = assay_asked_own(a, ASSAY_X, &x);
    for (int64_t r = 0; v && r < x.count / x.stride; r++) {
        double *row = v + r * x.stride, top = -INFINITY, sum = 0;
        for (int64_t k = 0; k < x.row; k++)
            top = fmax(top, row[k]);
        for (int64_t k = 0; k < x.row; k++)
            sum += exp(row[k] - top);
        for (int64_t k = 0; k < x.row; k++)
            row[k] -= top + log(sum);
    }
    a->w->p.dialect.ctc_input = ASSAY_CTC_LOG_PROBS;
    assay_asked_say(a, "the gradient with respect to log-probabilities, not logits");
    return v ? ASSAY_WORLD_MADE : ASSAY_WORLD_NONE;
}
