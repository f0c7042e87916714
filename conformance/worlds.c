/* worlds.c: functions other than the one that was asked for, computed by the reference: the table of them.
 * SPDX-License-Identifier: MIT */
#include "conformance/asked.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *assay_asked_own(assay_asked *a, int id, assay_tensor *x)
{
    if (!a->given.at[id] || !assay_tensor_find(a->s->p, id, x) || a->owned == ASSAY_MOST_OWN) return NULL;
    const size_t bytes = (size_t)x->count * (x->integer ? sizeof(int32_t) : sizeof(double));
    void *copy = malloc(bytes + 1);
    if (!copy) {
        a->failed = 1;
        return NULL;
    }
    memcpy(copy, a->given.at[id], bytes);
    a->given.at[id] = a->own[a->owned++] = copy;
    return copy;
}

void assay_asked_say(assay_asked *a, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(a->w->text, sizeof a->w->text, format, list);
    va_end(list);
}

/* Of two that are the same here the first is named. */
static assay_world_maker *const worlds[] = {
    assay_world_upstream,   assay_world_field,     assay_world_input,   assay_world_no_state,
    assay_world_lengths,    assay_world_parameter, assay_world_gates,   assay_world_halves,
    assay_world_transposed, assay_world_carried,   assay_world_late,    assay_world_stale,
    assay_world_rounded,    assay_world_log_probs, assay_world_classes, assay_world_narrow,
};

int assay_world_count(void)
{
    return (int)(sizeof worlds / sizeof *worlds);
}

/* ---- answers ---- */

/* What the other problem has no tensor for is not given to it, and the reference must not read past what is there. */
static int fits(assay_asked *a)
{
    assay_tensor x, was;
    char why[256];
    if (assay_problem_check(&a->w->p, why, sizeof why) != ASSAY_OK) return 0;
    for (int id = 0; id < ASSAY_TENSORS; id++) {
        if (!a->given.at[id]) continue;
        if (!assay_tensor_find(&a->w->p, id, &x))
            a->given.at[id] = NULL;
        else if (!assay_tensor_find(a->s->p, id, &was) || was.count < x.count)
            return 0;
    }
    /* A label may be the blank of another dialect; it is still a class. */
    const int other_blank = a->w->p.dialect.ctc_blank != a->s->p->dialect.ctc_blank;
    const int ctc = a->s->p->op == ASSAY_OP_CTC || a->s->p->loss == ASSAY_LOSS_CTC;
    if (ctc && a->w->p.dialect.ctc_blank >= a->w->p.classes) return 0;
    return assay_integers_check(&a->w->p, a->given.at[ASSAY_IDS], a->given.at[ASSAY_LENS],
                                other_blank ? NULL : a->given.at[ASSAY_LABELS], a->given.at[ASSAY_LABEL_LENS], why,
                                sizeof why) == ASSAY_OK;
}

static unsigned roles_of(const assay_symptom *s)
{
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(s->p, list);
    unsigned roles = 0;
    for (int k = 0; k < count; k++)
        if (s->o->truth.at[list[k].id]) roles |= 1u << list[k].role;
    return roles;
}

/* Parts of a result that are to be as they ought to be. */
static void keep_right(const assay_asked *a, const assay_tensor *x, double *v)
{
    const assay_symptom *s = a->s;
    const double *right = s->o->truth.at[x->id];
    assay_axes axes;
    assay_axes_of(s->p, x, &axes);
    const assay_axis *time = assay_axes_find(&axes, ASSAY_AXIS_TIME),
                     *sample = assay_axes_find(&axes, ASSAY_AXIS_SAMPLE);
    const assay_axis *half = assay_axes_find(&axes, ASSAY_AXIS_DIRECTION);
    for (int64_t k = 0; k < axes.elements; k++) {
        const int64_t e = assay_axes_element(&axes, k);
        const int past =
            time && sample && assay_axis_index(time, e) >= assay_length(s->p, s->given, assay_axis_index(sample, e));
        if (a->padding_right && past) v[e] = right[e];
        if (a->forward_right && half && assay_axis_index(half, e) == 0) v[e] = right[e];
    }
}

/* Slices of `length` elements, `count` of them again and again: the one at permutation[k] gets what is at k. */
static void put_back(const int *permutation, int count, int64_t length, int64_t elements, double *v)
{
    double *copy = malloc((size_t)elements * sizeof *copy + 1);
    for (int64_t e = 0; copy && e < elements; e++) {
        const int64_t slice = e / length, block = slice / count * count;
        copy[(block + permutation[slice % count]) * length + e % length] = v[e];
    }
    if (copy) memcpy(v, copy, (size_t)elements * sizeof *copy);
    free(copy);
}

static void put_right(const assay_asked *a, assay_values *truth)
{
    static const int swapped[] = {1, 0};
    const assay_problem *p = a->s->p;
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(&a->w->p, list);
    for (int k = 0; k < count; k++) {
        const assay_tensor *x = &list[k];
        double *v = truth->at[x->id];
        if (!v || !a->s->o->truth.at[x->id]) continue;
        if (a->padding_right || a->forward_right) keep_right(a, x, v);
        if (a->halves_swapped && x->id == ASSAY_Y && x->stride == x->row)
            put_back(swapped, 2, assay_state_width(p), x->count, v);
        const int param = x->id - assay_tensor_id(ASSAY_DPARAM, 0);
        if (!a->permuted || param < 0 || param >= assay_param_head(p, 0) || param % ASSAY_RNN_PARAMS > ASSAY_B_HH)
            continue;
        const int gates = assay_gates(p->dialect.cell);
        put_back(a->permutation, gates, x->count / gates, x->count, v);
    }
}

/* The reference's answer, in out->truth; 0 if it has none. */
static int answer(const assay_asked *a, assay_world *out)
{
    const assay_question q = {
        .p = &out->p, .given = &a->given, .step = a->s->step, .wanted = roles_of(a->s), .declared = &a->declared};
    assay_oracle o;
    if (assay_oracle_truth(&q, &o) != ASSAY_OK) return 0;
    out->truth = o.truth;
    return 1;
}

static int is_same(const double *a, const double *b, int64_t count)
{
    double size = 0, d = 0;
    for (int64_t e = 0; e < count; e++) {
        if (isfinite(a[e])) size = fmax(size, fabs(a[e]));
        if (!(a[e] == b[e])) d = fmax(d, isfinite(a[e] - b[e]) ? fabs(a[e] - b[e]) : INFINITY);
    }
    return d <= 1e-9 * size;
}

int assay_world_is_home(const assay_symptom *s)
{
    assay_world w = {.p = *s->p};
    const assay_asked a = {.s = s, .w = &w, .given = *s->given, .declared = *s->declared};
    int home = answer(&a, &w);
    for (int id = 0; id < ASSAY_TENSORS && home; id++) {
        assay_tensor x;
        if (!s->failed[id] || !assay_tensor_find(s->p, id, &x) || x.stride > x.row) continue;
        home = w.truth.at[id] && is_same(s->o->truth.at[id], w.truth.at[id], x.count);
    }
    assay_values_free(&w.truth);
    return home;
}

int assay_world_make(const assay_symptom *s, int index, int variant, assay_world *out)
{
    assay_asked a = {.s = s, .w = out, .given = *s->given, .declared = *s->declared};
    memset(out, 0, sizeof *out);
    out->share = ASSAY_SUSPECT_EXACT;
    out->p = *s->p;
    int made = worlds[index](&a, variant);
    if (made == ASSAY_WORLD_MADE && (a.failed || !fits(&a))) made = ASSAY_WORLD_NONE;
    if (made == ASSAY_WORLD_MADE && !answer(&a, out)) made = ASSAY_WORLD_NONE;
    if (made == ASSAY_WORLD_MADE) put_right(&a, &out->truth);
    for (int k = 0; k < a.owned; k++)
        free(a.own[k]);
    return made;
}
