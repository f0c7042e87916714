/* call.c: between the caller's tensors and packed rows.
 * SPDX-License-Identifier: MIT */
#include "reference/call.h"

int REF(wants)(const REF(call) * c, unsigned roles)
{
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(c->p, list);
    for (int k = 0; k < count; k++)
        if (c->at[list[k].id] && (roles >> list[k].role & 1)) return 1;
    return 0;
}

static int may_be_absent(const REF(call) * c, const assay_tensor *x)
{
    if (x->role != ASSAY_ROLE_INPUT || x->count == 0) return 1;
    if (x->id == ASSAY_LENS || x->id == ASSAY_H0 || x->id == ASSAY_C0) return 1;
    const int moments = x->id >= assay_tensor_id(ASSAY_M, 0);
    return moments && !REF(wants)(c, 1u << ASSAY_ROLE_UPDATED);
}

assay_status REF(complete)(const REF(call) * c)
{
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(c->p, list);
    for (int k = 0; k < count; k++)
        if (!c->at[list[k].id] && !may_be_absent(c, &list[k])) return ASSAY_BAD_ARGUMENT;
    return ASSAY_OK;
}

static int64_t elements(const REF(call) * c, int id)
{
    assay_tensor x;
    return assay_tensor_find(c->p, id, &x) ? x.count : 0;
}

real *REF(load)(REF(call) * c, int id)
{
    const REF(element) *from = (const REF(element) *)c->at[id];
    const int64_t count = elements(c, id);
    real *to = from || count == 0 ? REF(take)(&c->pool, count) : NULL;
    for (int64_t k = 0; to && k < count; k++)
        to[k] = R(from[k]);
    return to;
}

real *REF(load_or_zeros)(REF(call) * c, int id, int64_t count)
{
    return c->at[id] ? REF(load)(c, id) : REF(take)(&c->pool, count);
}

real *REF(load_rows)(REF(call) * c, int id, int width)
{
    const REF(element) *from = (const REF(element) *)c->at[id];
    real *to = REF(take)(&c->pool, c->rows.count * width);
    for (int64_t k = 0; from && to && k < (int64_t)c->p->t * c->p->n; k++)
        for (int j = 0; c->rows.place[k] >= 0 && j < width; j++)
            to[c->rows.place[k] * width + j] = R(from[k * width + j]);
    return to;
}

int32_t *REF(load_integers)(REF(call) * c, int id)
{
    const int32_t *from = (const int32_t *)c->at[id];
    int32_t *to = (int32_t *)assay_pool_take(&c->pool, c->rows.count, sizeof *to);
    for (int64_t k = 0; to && k < (int64_t)c->p->t * c->p->n; k++)
        if (c->rows.place[k] >= 0) to[c->rows.place[k]] = from[k];
    return to;
}

void REF(save)(const REF(call) * c, int id, const real *from)
{
    REF(element) *to = (REF(element) *)c->at[id];
    const int64_t count = elements(c, id);
    for (int64_t k = 0; to && k < count; k++)
        to[k] = ELEMENT(from[k]);
}

void REF(save_rows)(const REF(call) * c, int id, int width, const real *from)
{
    REF(element) *to = (REF(element) *)c->at[id];
    for (int64_t k = 0; to && k < (int64_t)c->p->t * c->p->n; k++)
        for (int j = 0; j < width; j++)
            to[k * width + j] = c->rows.place[k] < 0 ? 0 : ELEMENT(from[c->rows.place[k] * width + j]);
}

/* d (what the caller differentiates) / d (each row's loss): the reduction's derivative times dloss; a network's is 1.
 */
static real *upstream(REF(call) * c, int reduction, int m, int by_step)
{
    const int none = reduction == ASSAY_REDUCE_NONE, network = c->p->op == ASSAY_OP_NETWORK;
    if (none && !network) return by_step ? REF(load_rows)(c, ASSAY_DLOSS, 1) : REF(load_or_zeros)(c, ASSAY_DLOSS, m);
    const REF(element) *dloss = (const REF(element) *)c->at[ASSAY_DLOSS];
    real *up = REF(take)(&c->pool, m), all = R(1);
    if (!network) all = dloss ? R(dloss[0]) : R(0);
    if (reduction == ASSAY_REDUCE_MEAN && m > 0) all = ROUNDED(all / R((double)m));
    for (int k = 0; up && k < m; k++)
        up[k] = all;
    return up;
}

assay_status REF(loss)(REF(call) * c, int m, const real *logits, int want_grad, real **grad)
{
    const assay_problem *p = c->p;
    const int ctc = p->op == ASSAY_OP_CTC || p->loss == ASSAY_LOSS_CTC, by_step = !ctc && p->head != ASSAY_HEAD_LAST;
    const int reduction = ctc ? p->dialect.ctc_reduction : p->dialect.xent_reduction, losses = ctc ? p->n : m;
    const int32_t *labels = (const int32_t *)c->at[ASSAY_LABELS];
    real *loss = REF(take)(&c->pool, losses), *up = want_grad ? upstream(c, reduction, losses, by_step) : NULL;
    *grad = REF(take)(&c->pool, (int64_t)m * p->classes);
    if (by_step) labels = REF(load_integers)(c, ASSAY_LABELS);
    assay_status st = c->pool.failed ? ASSAY_NO_MEMORY : ASSAY_OK;
    if (st == ASSAY_OK && ctc)
        st = REF(ctc)(p, &c->rows, logits, labels, (const int32_t *)c->at[ASSAY_LABEL_LENS], up, loss, *grad);
    else if (st == ASSAY_OK)
        REF(xent)(m, p->classes, logits, labels, up, loss, *grad);
    if (st != ASSAY_OK) return st;
    if (by_step)
        REF(save_rows)(c, ASSAY_LOSS_ROWS, 1, loss);
    else
        REF(save)(c, ASSAY_LOSS_ROWS, loss);
    const real sum = reduction == ASSAY_REDUCE_NONE ? R(0) : REF(reduce)(reduction, losses, loss);
    REF(save)(c, ASSAY_LOSS, &sum);
    return ASSAY_OK;
}
