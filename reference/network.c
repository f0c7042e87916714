/* network.c: the reference as one call: stacks, losses, and the network that joins them.
 * SPDX-License-Identifier: MIT */
#include "reference/call.h"
#include "reference/reference.h"

#include <string.h>

#define DIFFERENTIATED (1u << ASSAY_ROLE_GRADIENT | 1u << ASSAY_ROLE_UPDATED)

/* ---- a stack between the caller's tensors ---- */

static assay_status begin_stack(REF(call) * c, int keep, REF(stack) * s)
{
    const assay_problem *p = c->p;
    memset(s, 0, sizeof *s);
    s->p = p;
    s->rows = &c->rows;
    s->pool = &c->pool;
    s->keep = keep;
    s->need_dx = p->vocab > 0 || c->at[ASSAY_DX] != NULL;
    for (int k = 0; k < assay_param_count(p); k++)
        s->param[k] = c->at[assay_tensor_id(ASSAY_PARAM, k)] ? REF(load)(c, assay_tensor_id(ASSAY_PARAM, k)) : NULL;
    if (c->at[ASSAY_H0]) s->h0 = REF(load)(c, ASSAY_H0);
    if (c->at[ASSAY_C0] && p->dialect.cell == ASSAY_LSTM) s->c0 = REF(load)(c, ASSAY_C0);
    for (int k = 0; p->dialect.dropout > 0 && k < p->layers - 1; k++)
        s->mask[k] = REF(load_mask)(c, k);
    if (p->op == ASSAY_OP_RNN || p->vocab == 0) {
        s->x = REF(load_rows)(c, ASSAY_X, p->i);
    } else {
        const int32_t *ids = c->ids = REF(load_integers)(c, ASSAY_IDS);
        const real *table = s->param[assay_param_head(p, ASSAY_EMBEDDING)];
        real *x = REF(take)(&c->pool, c->rows.count * p->i);
        if (x && ids && table) REF(embedding_forward)(p, &c->rows, ids, table, x);
        s->x = x;
    }
    return c->pool.failed ? ASSAY_NO_MEMORY : ASSAY_OK;
}

/* Room for the gradients, cotangents of the final states. */
static assay_status begin_backward(REF(call) * c, REF(stack) * s)
{
    const assay_problem *p = c->p;
    const int64_t states = (int64_t)p->layers * p->directions * p->n;
    assay_tensor x;
    for (int k = 0; k < assay_param_count(p); k++)
        if (assay_tensor_find(p, assay_tensor_id(ASSAY_DPARAM, k), &x)) s->dparam[k] = REF(take)(&c->pool, x.count);
    s->dh = REF(load_or_zeros)(c, ASSAY_DHN, states * assay_state_width(p));
    if (p->dialect.cell == ASSAY_LSTM) s->dc = REF(load_or_zeros)(c, ASSAY_DCN, states * p->h);
    return c->pool.failed ? ASSAY_NO_MEMORY : ASSAY_OK;
}

static void save_gradients(const REF(call) * c, const REF(stack) * s)
{
    if (s->dx) REF(save_rows)(c, ASSAY_DX, c->p->i, s->dx);
    REF(save)(c, ASSAY_DH0, s->dh);
    if (s->dc) REF(save)(c, ASSAY_DC0, s->dc);
    for (int k = 0; k < assay_param_count(c->p); k++)
        if (s->dparam[k]) REF(save)(c, assay_tensor_id(ASSAY_DPARAM, k), s->dparam[k]);
}

static assay_status run_rnn(REF(call) * c)
{
    const assay_problem *p = c->p;
    REF(stack) s;
    const int keep = REF(wants)(c, DIFFERENTIATED);
    assay_status st = begin_stack(c, keep, &s);
    if (st == ASSAY_OK) st = REF(stack_forward)(&s);
    if (st != ASSAY_OK) return st;
    REF(save_y)(c, s.y[p->layers - 1]);
    REF(save)(c, ASSAY_HN, s.hn);
    if (s.cn) REF(save)(c, ASSAY_CN, s.cn);
    if (!keep) return ASSAY_OK;
    real *dy = REF(load_dy)(c);
    st = begin_backward(c, &s);
    if (st == ASSAY_OK) st = REF(stack_backward)(&s, dy);
    if (st == ASSAY_OK) save_gradients(c, &s);
    return st;
}

static assay_status run_loss(REF(call) * c)
{
    real *grad, *logits = REF(load_rows)(c, ASSAY_X, c->p->classes);
    if (c->pool.failed) return ASSAY_NO_MEMORY;
    assay_status st = REF(loss)(c, (int)c->rows.count, logits, c->at[ASSAY_DX] != NULL, &grad);
    if (st == ASSAY_OK) REF(save_rows)(c, ASSAY_DX, c->p->classes, grad);
    return st;
}

/* ---- the network ---- */

/* What the linear layer reads: every row of y, or the last of each sample, zeros where it is empty. */
static real *select_rows(REF(call) * c, real *y, int width)
{
    if (c->p->head == ASSAY_HEAD_EVERY) return y;
    real *last = REF(take)(&c->pool, (int64_t)c->p->n * width);
    for (int32_t n = 0; last && n < c->p->n; n++)
        if (REF(last_row)(c, n) >= 0)
            memcpy(last + (int64_t)n * width, y + REF(last_row)(c, n) * width, (size_t)width * sizeof *y);
    return last;
}

static real *spread_rows(REF(call) * c, real *dfeatures, int width)
{
    if (c->p->head == ASSAY_HEAD_EVERY) return dfeatures;
    real *dy = REF(take)(&c->pool, c->rows.count * width);
    for (int32_t n = 0; dy && n < c->p->n; n++)
        if (REF(last_row)(c, n) >= 0)
            memcpy(dy + REF(last_row)(c, n) * width, dfeatures + (int64_t)n * width, (size_t)width * sizeof *dy);
    return dy;
}

/* param, dparam and moments of one parameter to what follows from the step. */
static assay_status update_one(REF(call) * c, int k, const real *w, const real *g)
{
    assay_tensor x;
    const assay_problem *p = c->p;
    if (!assay_tensor_find(p, assay_tensor_id(ASSAY_PARAM_1, k), &x)) return ASSAY_OK;
    const int adam = p->optimizer == ASSAY_OPT_ADAM;
    real *m = adam ? REF(load)(c, assay_tensor_id(ASSAY_M, k)) : NULL;
    real *v = adam ? REF(load)(c, assay_tensor_id(ASSAY_V, k)) : NULL;
    real *w1 = REF(take)(&c->pool, x.count), *m1 = adam ? REF(take)(&c->pool, x.count) : NULL;
    real *v1 = adam ? REF(take)(&c->pool, x.count) : NULL;
    if (c->pool.failed) return ASSAY_NO_MEMORY;
    REF(optimize)(p, c->step, x.count, w, g, m, v, w1, m1, v1);
    REF(save)(c, assay_tensor_id(ASSAY_PARAM_1, k), w1);
    if (adam) {
        REF(save)(c, assay_tensor_id(ASSAY_M_1, k), m1);
        REF(save)(c, assay_tensor_id(ASSAY_V_1, k), v1);
    }
    real *const used[] = {m, v, w1, m1, v1};
    for (size_t j = 0; j < sizeof used / sizeof *used; j++)
        assay_pool_drop(&c->pool, used[j]);
    return ASSAY_OK;
}

static assay_status backward_network(REF(call) * c, REF(stack) * s, int m, real *features, real *dlogits)
{
    const assay_problem *p = c->p;
    const int width = assay_output_width(p), dense = assay_param_head(p, ASSAY_DENSE_W);
    const int table = assay_param_head(p, ASSAY_EMBEDDING), updates = REF(wants)(c, 1u << ASSAY_ROLE_UPDATED);
    assay_status st = begin_backward(c, s);
    real *dfeatures = REF(take)(&c->pool, (int64_t)m * width);
    if (c->pool.failed) return ASSAY_NO_MEMORY;
    REF(linear_backward)
    (m, width, p->classes, features, s->param[dense], dlogits, dfeatures, s->dparam[dense],
     s->dparam[assay_param_head(p, ASSAY_DENSE_B)]);
    assay_pool_drop(&c->pool, dlogits);
    real *dy = spread_rows(c, dfeatures, width);
    st = dy ? REF(stack_backward)(s, dy) : ASSAY_NO_MEMORY;
    if (st == ASSAY_OK && p->vocab > 0) st = REF(embedding_backward)(p, &c->rows, c->ids, s->dx, s->dparam[table]);
    if (st != ASSAY_OK) return st;
    save_gradients(c, s);
    for (int k = 0; updates && st == ASSAY_OK && k < assay_param_count(p); k++)
        if (s->param[k]) st = update_one(c, k, s->param[k], s->dparam[k]);
    return st;
}

static assay_status run_network(REF(call) * c)
{
    const assay_problem *p = c->p;
    const int width = assay_output_width(p), m = p->head == ASSAY_HEAD_EVERY ? (int)c->rows.count : p->n;
    const int backward = p->loss != ASSAY_LOSS_NONE && REF(wants)(c, DIFFERENTIATED);
    REF(stack) s;
    assay_status st = begin_stack(c, backward, &s);
    if (st == ASSAY_OK) st = REF(stack_forward)(&s);
    if (st != ASSAY_OK) return st;
    REF(save_y)(c, s.y[p->layers - 1]);

    real *features = select_rows(c, s.y[p->layers - 1], width), *dlogits = NULL;
    real *logits = REF(take)(&c->pool, (int64_t)m * p->classes);
    if (c->pool.failed) return ASSAY_NO_MEMORY;
    REF(linear_forward)
    (m, width, p->classes, features, s.param[assay_param_head(p, ASSAY_DENSE_W)],
     s.param[assay_param_head(p, ASSAY_DENSE_B)], logits);
    if (p->head == ASSAY_HEAD_EVERY)
        REF(save_rows)(c, ASSAY_LOGITS, p->classes, logits);
    else
        REF(save)(c, ASSAY_LOGITS, logits);
    if (p->loss == ASSAY_LOSS_NONE) return ASSAY_OK;
    st = REF(loss)(c, m, logits, backward, &dlogits);
    assay_pool_drop(&c->pool, logits);
    return st == ASSAY_OK && backward ? backward_network(c, &s, m, features, dlogits) : st;
}

static void begin_call(const assay_problem *p, void *const at[ASSAY_TENSORS], int64_t step, REF(call) * c)
{
    memset(c, 0, sizeof *c);
    c->p = p;
    c->at = at;
    c->step = step;
}

assay_status REF(evaluate)(const assay_problem *p, void *const at[ASSAY_TENSORS], int64_t step)
{
    REF(call) c;
    begin_call(p, at, step, &c);
    assay_status st = REF(complete)(&c);
    if (st == ASSAY_OK) st = assay_rows_make(p, (const int32_t *)at[ASSAY_LENS], &c.pool, &c.rows);
    if (st == ASSAY_OK)
        st = p->op == ASSAY_OP_NETWORK ? run_network(&c) : p->op == ASSAY_OP_RNN ? run_rnn(&c) : run_loss(&c);
    assay_pool_free(&c.pool);
    return st;
}

assay_status REF(update)(const assay_problem *p, void *const at[ASSAY_TENSORS], int64_t step)
{
    REF(call) c;
    assay_status st = ASSAY_OK;
    begin_call(p, at, step, &c);
    for (int k = 0; st == ASSAY_OK && k < assay_param_count(p); k++) {
        assay_tensor x;
        const int given = assay_tensor_id(ASSAY_PARAM, k), grad = assay_tensor_id(ASSAY_DPARAM, k);
        if (!assay_tensor_find(p, assay_tensor_id(ASSAY_PARAM_1, k), &x)) continue;
        const int adam = p->optimizer == ASSAY_OPT_ADAM;
        if (!at[given] || !at[grad] || (adam && (!at[assay_tensor_id(ASSAY_M, k)] || !at[assay_tensor_id(ASSAY_V, k)])))
            st = ASSAY_BAD_ARGUMENT;
        real *w = st == ASSAY_OK ? REF(load)(&c, given) : NULL, *g = w ? REF(load)(&c, grad) : NULL;
        if (st == ASSAY_OK) st = g ? update_one(&c, k, w, g) : ASSAY_NO_MEMORY;
        assay_pool_drop(&c.pool, w);
        assay_pool_drop(&c.pool, g);
    }
    assay_pool_free(&c.pool);
    return st;
}
