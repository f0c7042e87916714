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

void assay_values_store(const assay_tensor *x, int arithmetic, const void *from, void *to)
{
    if (assay_element_bytes(x, arithmetic) == parent_bytes(x)) {
        memcpy(to, from, (size_t)x->count * parent_bytes(x));
        return;
    }
    const double *d = from;
    float *f = to;
    for (int64_t k = 0; k < x->count; k++)
        f[k] = (float)d[k];
}

void assay_values_load(const assay_tensor *x, int arithmetic, const void *from, void *to)
{
    if (assay_element_bytes(x, arithmetic) == parent_bytes(x)) {
        memcpy(to, from, (size_t)x->count * parent_bytes(x));
        return;
    }
    const float *f = from;
    double *d = to;
    for (int64_t k = 0; k < x->count; k++)
        d[k] = (double)f[k];
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

/* Which dimension of a given tensor counts the samples; -1: none (parameters), -2: concatenated CTC labels. */
static int batch_dimension(const assay_problem *p, const assay_tensor *x)
{
    if (x->id >= ASSAY_SLOTS) return -1;
    switch (x->id) {
    case ASSAY_LENS:
    case ASSAY_LABEL_LENS:
        return 0;
    case ASSAY_LABELS:
        if (p->op == ASSAY_OP_CTC || p->loss == ASSAY_LOSS_CTC) return -2;
        return x->rank - 1;
    case ASSAY_DLOSS:
        if (x->count == 1 && !(p->op == ASSAY_OP_CTC && p->dialect.ctc_reduction == ASSAY_REDUCE_NONE) &&
            !(p->op == ASSAY_OP_XENT && p->dialect.xent_reduction == ASSAY_REDUCE_NONE))
            return -1;
        return x->rank - 1;
    default: /* (T, N, ...) and (L*D, N, H) */
        return 1;
    }
}

static void gather(const assay_tensor *x, int dim, const char *from, const int32_t *rows, int count, char *to)
{
    size_t inner = parent_bytes(x), outer = 1, n = (size_t)x->dims[dim];
    for (int d = dim + 1; d < x->rank; d++)
        inner *= (size_t)x->dims[d];
    for (int d = 0; d < dim; d++)
        outer *= (size_t)x->dims[d];
    for (size_t o = 0; o < outer; o++)
        for (int k = 0; k < count; k++)
            memcpy(to + (o * (size_t)count + (size_t)k) * inner, from + (o * n + (size_t)rows[k]) * inner, inner);
}

static void gather_labels(const int32_t *labels, const int32_t *label_lens, const int32_t *rows, int count, int32_t *to)
{
    for (int k = 0; k < count; k++) {
        const int32_t *from = labels;
        for (int32_t r = 0; r < rows[k]; r++)
            from += label_lens[r];
        memcpy(to, from, (size_t)label_lens[rows[k]] * sizeof *to);
        to += label_lens[rows[k]];
    }
}

assay_status assay_values_subset(const assay_problem *p, const assay_values *in, const int32_t *rows, int count,
                                 assay_problem *sub_p, assay_values *sub)
{
    const int32_t *label_lens = in->at[ASSAY_LABEL_LENS];
    assay_tensor list[ASSAY_TENSORS];
    *sub_p = *p;
    sub_p->n = count;
    if (label_lens) {
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
        int dim = batch_dimension(p, x);
        if (dim == -2)
            gather_labels(in->at[x->id], label_lens, rows, count, sub->at[x->id]);
        else if (dim == -1)
            memcpy(sub->at[x->id], in->at[x->id], (size_t)x->count * parent_bytes(x));
        else
            gather(x, dim, in->at[x->id], rows, count, sub->at[x->id]);
    }
    return ASSAY_OK;
}
