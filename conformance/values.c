/* values.c: arrays for the tensors of a problem, their conversion to a plugin's element type, and batch subsets.
 * SPDX-License-Identifier: MIT */
#include "conformance/values.h"

#include <stdlib.h>
#include <string.h>

static size_t parent_bytes(const assay_tensor *x)
{
    return x->integer ? sizeof(int32_t) : sizeof(double);
}

assay_status assay_values_make(const assay_problem *p, unsigned roles, assay_values *out)
{
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(p, list);
    memset(out, 0, sizeof *out);
    for (int k = 0; k < count; k++) {
        if (!(roles >> list[k].role & 1u)) continue;
        out->at[list[k].id] = calloc((size_t)list[k].count + 1, parent_bytes(&list[k]));
        if (!out->at[list[k].id]) {
            assay_values_free(out);
            return ASSAY_NO_MEMORY;
        }
    }
    return ASSAY_OK;
}

void assay_values_free(assay_values *v)
{
    for (int id = 0; id < ASSAY_TENSORS; id++)
        assay_values_drop(v, id);
}

void assay_values_drop(assay_values *v, int id)
{
    free(v->at[id]);
    v->at[id] = NULL;
}

void assay_values_join(const assay_values *in, const assay_values *out, void *at[ASSAY_TENSORS])
{
    for (int id = 0; id < ASSAY_TENSORS; id++) {
        at[id] = in ? in->at[id] : NULL;
        if (out && out->at[id]) at[id] = out->at[id];
    }
}

size_t assay_element_bytes(const assay_tensor *x, int arithmetic)
{
    return !x->integer && arithmetic == ASSAY_FP64 ? sizeof(double) : 4;
}

/* Rows of a tensor: elements of each, from one to the next, how many. */
typedef struct spacing {
    int64_t row, stride, count;
} spacing;

static spacing spacing_of(const assay_tensor *x)
{
    if (x->stride <= x->row) return (spacing){x->count, x->count, 1};
    return (spacing){x->row, x->stride, x->count / x->stride};
}

static void narrow(const void *from, void *to, int64_t first, int64_t count)
{
    for (int64_t e = first; e < first + count; e++)
        ((float *)to)[e] = (float)((const double *)from)[e];
}

static void widen(const void *from, void *to, int64_t first, int64_t count)
{
    for (int64_t e = first; e < first + count; e++)
        ((double *)to)[e] = (double)((const float *)from)[e];
}

/* Every row without its gap; by `convert` where the arithmetic's elements are not the parent's. */
static void move_rows(const assay_tensor *x, int arithmetic, void (*convert)(const void *, void *, int64_t, int64_t),
                      const void *from, void *to)
{
    const spacing r = spacing_of(x);
    const size_t bytes = parent_bytes(x);
    const int same = assay_element_bytes(x, arithmetic) == bytes;
    for (int64_t k = 0; k < r.count; k++) {
        const int64_t first = k * r.stride;
        if (same)
            memcpy((char *)to + (size_t)first * bytes, (const char *)from + (size_t)first * bytes,
                   (size_t)r.row * bytes);
        else
            convert(from, to, first, r.row);
    }
}

void assay_values_store(const assay_tensor *x, int arithmetic, const void *from, void *to)
{
    move_rows(x, arithmetic, narrow, from, to);
}

void assay_values_load(const assay_tensor *x, int arithmetic, const void *from, void *to)
{
    move_rows(x, arithmetic, widen, from, to);
}

int64_t assay_values_gap_written(const assay_tensor *x, int arithmetic, const void *memory)
{
    const spacing r = spacing_of(x);
    const size_t bytes = assay_element_bytes(x, arithmetic);
    const unsigned char *at = memory;
    for (int64_t k = 0; k < r.count; k++)
        for (size_t b = (size_t)(k * r.stride + r.row) * bytes; b < (size_t)((k + 1) * r.stride) * bytes; b++)
            if (at[b] != 0xFF) return (int64_t)(b / bytes);
    return -1;
}

void assay_values_quantise(const assay_problem *p, int arithmetic, assay_values *v)
{
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(p, list);
    if (arithmetic == ASSAY_FP64) return;
    for (int k = 0; k < count; k++) {
        double *d = v->at[list[k].id];
        if (!d || list[k].integer || !(ASSAY_ROLES_GIVEN >> list[k].role & 1u)) continue;
        for (int64_t e = 0; e < list[k].count; e++)
            d[e] = (double)(float)d[e];
    }
}

void assay_values_scale(const assay_problem *p, int role, double factor, const assay_values *from, assay_values *to)
{
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(p, list);
    for (int k = 0; k < count; k++) {
        const double *in = from->at[list[k].id];
        double *out = to->at[list[k].id];
        if (!in || !out || list[k].integer || list[k].role != role) continue;
        for (int64_t e = 0; e < list[k].count; e++)
            out[e] = factor * in[e];
    }
}

/* How a given tensor goes with the samples. */
typedef enum grain {
    WHOLE,   /* not at all: parameters, class weights, one dloss */
    SAMPLES, /* one row a sample */
    STATES,  /* (L*D, N, ..) */
    STEPS,   /* (T, N, ..) */
    MASKS,   /* (L-1) times (T, N, ..) */
    STRINGS  /* concatenated CTC labels */
} grain;

static grain grain_of(const assay_problem *p, const assay_tensor *x)
{
    const int ctc = p->op == ASSAY_OP_CTC || p->loss == ASSAY_LOSS_CTC;
    const int reduction = ctc ? p->dialect.ctc_reduction : p->dialect.xent_reduction;
    if (x->id >= ASSAY_SLOTS) return WHOLE;
    switch (x->id) {
    case ASSAY_LENS:
    case ASSAY_LABEL_LENS:
        return SAMPLES;
    case ASSAY_LABELS:
        if (ctc) return p->dialect.ctc_labels == ASSAY_LABELS_PADDED ? SAMPLES : STRINGS;
        return x->rank == 1 ? SAMPLES : STEPS;
    case ASSAY_DLOSS:
        if (reduction != ASSAY_REDUCE_NONE) return WHOLE;
        return x->rank == 1 ? SAMPLES : STEPS;
    case ASSAY_H0:
    case ASSAY_C0:
    case ASSAY_DHN:
    case ASSAY_DCN:
        return STATES;
    case ASSAY_CLASS_WEIGHTS:
        return WHOLE;
    case ASSAY_MASK:
        return MASKS;
    default:
        return STEPS;
    }
}

/* A tensor with its samples, on the way from one problem to its subset. */
typedef struct moved {
    const assay_problem *p, *sub;
    const char *from;
    char *to;
    size_t bytes; /* of one row with its gap */
} moved;

static void move_row(const moved *m, int64_t from, int64_t to)
{
    memcpy(m->to + (size_t)to * m->bytes, m->from + (size_t)from * m->bytes, m->bytes);
}

/* Rows (t, n) of as many blocks of (T, N). */
static void move_steps(const moved *m, int blocks, const int32_t *rows, int count)
{
    for (int b = 0; b < blocks; b++)
        for (int t = 0; t < m->p->t; t++)
            for (int k = 0; k < count; k++)
                move_row(m, (int64_t)b * m->p->t * m->p->n + assay_row_of(m->p, t, rows[k]),
                         (int64_t)b * m->p->t * count + assay_row_of(m->sub, t, k));
}

static void move_samples(const moved *m, int blocks, const int32_t *rows, int count)
{
    for (int b = 0; b < blocks; b++)
        for (int k = 0; k < count; k++)
            move_row(m, (int64_t)b * m->p->n + rows[k], (int64_t)b * count + k);
}

static void gather_labels(const assay_problem *p, const int32_t *labels, const int32_t *label_lens, const int32_t *rows,
                          int count, int32_t *to)
{
    for (int k = 0; k < count; k++) {
        const int32_t *from = labels + assay_label_start(p, label_lens, rows[k]);
        memcpy(to, from, (size_t)label_lens[rows[k]] * sizeof *to);
        to += label_lens[rows[k]];
    }
}

static void move_tensor(const assay_problem *p, const assay_problem *sub, const assay_tensor *x, const assay_values *in,
                        const int32_t *rows, int count, assay_values *out)
{
    const int layers = p->layers;
    const int64_t row = grain_of(p, x) == SAMPLES ? x->count / (p->n > 0 ? p->n : 1) : x->stride;
    const moved m = {p, sub, in->at[x->id], out->at[x->id], (size_t)row * parent_bytes(x)};
    switch (grain_of(p, x)) {
    case WHOLE:
        memcpy(m.to, m.from, (size_t)x->count * parent_bytes(x));
        break;
    case SAMPLES:
        move_samples(&m, 1, rows, count);
        break;
    case STATES:
        move_samples(&m, layers * p->directions, rows, count);
        break;
    case STEPS:
        move_steps(&m, 1, rows, count);
        break;
    case MASKS:
        move_steps(&m, layers - 1, rows, count);
        break;
    case STRINGS:
        gather_labels(p, in->at[x->id], in->at[ASSAY_LABEL_LENS], rows, count, out->at[x->id]);
        break;
    }
}

assay_status assay_values_subset(const assay_problem *p, const assay_values *in, const int32_t *rows, int count,
                                 assay_problem *sub_p, assay_values *sub)
{
    const int32_t *label_lens = in->at[ASSAY_LABEL_LENS];
    assay_tensor list[ASSAY_TENSORS];
    *sub_p = *p;
    sub_p->n = count;
    if (label_lens && p->dialect.ctc_labels == ASSAY_LABELS_CONCATENATED) {
        sub_p->labels = 0;
        for (int k = 0; k < count; k++)
            sub_p->labels += label_lens[rows[k]];
    }
    assay_status st = assay_values_make(sub_p, ASSAY_ROLES_GIVEN, sub);
    if (st != ASSAY_OK) return st;
    int tensors = assay_tensors_of(p, list);
    for (int k = 0; k < tensors; k++) {
        const assay_tensor *x = &list[k];
        if (!(ASSAY_ROLES_GIVEN >> x->role & 1u)) continue;
        if (!in->at[x->id]) {
            assay_values_drop(sub, x->id);
            continue;
        }
        move_tensor(p, sub_p, x, in, rows, count, sub);
    }
    return ASSAY_OK;
}
