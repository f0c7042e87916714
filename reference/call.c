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

/* The valid rows, `stride` apart in the caller's order, to packed ones. */
static void read_rows(const REF(call) * c, const REF(element) * from, int64_t stride, int width, real *to)
{
    const assay_problem *p = c->p;
    for (int32_t t = 0; from && to && t < p->t; t++)
        for (int32_t n = 0; n < p->n; n++) {
            const int64_t row = c->rows.place[(int64_t)t * p->n + n], at = assay_row_of(p, t, n) * stride;
            for (int j = 0; row >= 0 && j < width; j++)
                to[row * width + j] = R(from[at + j]);
        }
}

static int64_t stride(const REF(call) * c, int id)
{
    assay_tensor x;
    return assay_tensor_find(c->p, id, &x) ? x.stride : 0;
}

real *REF(load_rows)(REF(call) * c, int id, int width)
{
    real *to = REF(take)(&c->pool, c->rows.count * width);
    read_rows(c, (const REF(element) *)c->at[id], stride(c, id), width, to);
    return to;
}

real *REF(load_mask)(REF(call) * c, int k)
{
    const REF(element) *from = (const REF(element) *)c->at[ASSAY_MASK];
    const int width = assay_output_width(c->p);
    real *to = REF(take)(&c->pool, c->rows.count * width);
    if (from) read_rows(c, from + (int64_t)k * c->p->t * c->p->n * width, width, width, to);
    return to;
}

real *REF(load_dy)(REF(call) * c)
{
    const assay_problem *p = c->p;
    const REF(element) *from = (const REF(element) *)c->at[ASSAY_DY];
    const int width = assay_output_width(p), held = assay_state_width(p);
    const int64_t apart = stride(c, ASSAY_DY);
    real *dy = REF(load_rows)(c, ASSAY_DY, width);
    if (!from || !dy || p->dialect.pad_output == ASSAY_PAD_ZERO) return dy;
    for (int32_t n = 0; n < p->n; n++) {
        const int64_t row = REF(last_row)(c, n);
        for (int32_t t = c->rows.lens[n]; row >= 0 && t < p->t; t++)
            for (int j = 0; j < held; j++)
                dy[row * width + j] = ROUNDED(dy[row * width + j] + R(from[assay_row_of(p, t, n) * apart + j]));
    }
    return dy;
}

int32_t *REF(load_integers)(REF(call) * c, int id)
{
    const int32_t *from = (const int32_t *)c->at[id];
    const assay_problem *p = c->p;
    int32_t *to = (int32_t *)assay_pool_take(&c->pool, c->rows.count, sizeof *to);
    for (int32_t t = 0; to && t < p->t; t++)
        for (int32_t n = 0; n < p->n; n++) {
            const int64_t row = c->rows.place[(int64_t)t * p->n + n];
            if (row >= 0) to[row] = from[assay_row_of(p, t, n)];
        }
    return to;
}

void REF(save)(const REF(call) * c, int id, const real *from)
{
    REF(element) *to = (REF(element) *)c->at[id];
    const int64_t count = elements(c, id);
    for (int64_t k = 0; to && k < count; k++)
        to[k] = ELEMENT(from[k]);
}

/* Rows past the lengths hold the first `held` elements of the sample's last valid row, then zeros. */
static void write_rows(const REF(call) * c, int id, int width, int held, const real *from)
{
    const assay_problem *p = c->p;
    REF(element) *to = (REF(element) *)c->at[id];
    const int64_t apart = stride(c, id);
    for (int32_t t = 0; to && t < p->t; t++)
        for (int32_t n = 0; n < p->n; n++) {
            const int64_t valid = c->rows.place[(int64_t)t * p->n + n], row = valid >= 0 ? valid : REF(last_row)(c, n);
            const int count = valid >= 0 ? width : row >= 0 ? held : 0;
            REF(element) *at = to + assay_row_of(p, t, n) * apart;
            for (int j = 0; j < width; j++)
                at[j] = j < count ? ELEMENT(from[row * width + j]) : 0;
        }
}

void REF(save_rows)(const REF(call) * c, int id, int width, const real *from)
{
    write_rows(c, id, width, 0, from);
}

void REF(save_y)(const REF(call) * c, const real *y)
{
    const int held = c->p->dialect.pad_output == ASSAY_PAD_HELD ? assay_state_width(c->p) : 0;
    write_rows(c, ASSAY_Y, assay_output_width(c->p), held, y);
}

/* ---- losses ---- */

/* A loss under way: what its rows are, and what they are divided by. */
typedef struct losses {
    int ctc, by_step, reduction, count; /* count: rows of logits, or samples */
    const int32_t *labels, *label_lens; /* of the rows, or as they come */
    const real *weights;                /* (V) or NULL */
    real divisor;
} losses;

/* Sum of class weights of the rows that count. */
static real weight_of(REF(call) * c, const losses *l)
{
    real *terms = REF(take)(&c->pool, l->count), sum = R(0);
    for (int k = 0; terms && k < l->count; k++)
        terms[k] = REF(ignores)(c->p, l->labels[k]) ? R(0) : l->weights[l->labels[k]];
    if (terms) sum = ROUNDED(REF(sum)(l->count, terms, 1, ASSAY_SUM_ROWS));
    assay_pool_drop(&c->pool, terms);
    return sum;
}

static real divisor_of(REF(call) * c, const losses *l)
{
    const assay_problem *p = c->p;
    int count = 0;
    switch (l->reduction) {
    case ASSAY_REDUCE_MEAN:
        for (int k = 0; k < l->count; k++)
            count += l->ctc || !REF(ignores)(p, l->labels[k]);
        return R((double)count);
    case ASSAY_REDUCE_MEAN_ALL:
        return R((double)(l->by_step ? (int64_t)p->t * p->n : p->n));
    case ASSAY_REDUCE_MEAN_WEIGHTED:
        return weight_of(c, l);
    case ASSAY_REDUCE_MEAN_BATCH:
    case ASSAY_REDUCE_MEAN_TARGETS:
        return R((double)p->n);
    default:
        return R(1);
    }
}

/* What one row's loss is divided by before all are added. */
static real own_divisor(const losses *l, int k)
{
    const int own = l->reduction == ASSAY_REDUCE_MEAN_TARGETS && l->label_lens[k] > 1;
    return R((double)(own ? l->label_lens[k] : 1));
}

/* One number; 0 where there's nothing to divide by. */
static real reduced(REF(call) * c, const losses *l, const real *loss)
{
    real *terms = REF(take)(&c->pool, l->count), all = R(0);
    for (int k = 0; terms && k < l->count; k++)
        terms[k] = l->reduction == ASSAY_REDUCE_MEAN_TARGETS ? ROUNDED(loss[k] / own_divisor(l, k)) : loss[k];
    if (terms && !(l->divisor == R(0))) all = STORE(REF(sum)(l->count, terms, 1, ASSAY_SUM_ROWS) / l->divisor);
    assay_pool_drop(&c->pool, terms);
    return all;
}

/* d (what the caller differentiates) / d (each row's loss): the reduction's derivative times dloss; a network's is 1.
 */
static real *upstream(REF(call) * c, const losses *l)
{
    const int none = l->reduction == ASSAY_REDUCE_NONE, network = c->p->op == ASSAY_OP_NETWORK;
    if (none && !network)
        return l->by_step ? REF(load_rows)(c, ASSAY_DLOSS, 1) : REF(load_or_zeros)(c, ASSAY_DLOSS, l->count);
    const REF(element) *dloss = (const REF(element) *)c->at[ASSAY_DLOSS];
    real *up = REF(take)(&c->pool, l->count), all = R(1);
    if (!network) all = dloss ? R(dloss[0]) : R(0);
    if (!none && l->reduction != ASSAY_REDUCE_SUM) all = l->divisor == R(0) ? R(0) : ROUNDED(all / l->divisor);
    for (int k = 0; up && k < l->count; k++)
        up[k] = l->reduction == ASSAY_REDUCE_MEAN_TARGETS ? ROUNDED(all / own_divisor(l, k)) : all;
    return up;
}

assay_status REF(loss)(REF(call) * c, int m, const real *logits, int want_grad, real **grad)
{
    const assay_problem *p = c->p;
    losses l;
    l.ctc = p->op == ASSAY_OP_CTC || p->loss == ASSAY_LOSS_CTC;
    l.by_step = !l.ctc && p->head != ASSAY_HEAD_LAST;
    l.reduction = l.ctc ? p->dialect.ctc_reduction : p->dialect.xent_reduction;
    l.count = l.ctc ? p->n : m;
    l.labels = l.by_step ? REF(load_integers)(c, ASSAY_LABELS) : (const int32_t *)c->at[ASSAY_LABELS];
    l.label_lens = (const int32_t *)c->at[ASSAY_LABEL_LENS];
    l.weights = !l.ctc && p->dialect.xent_weighted ? REF(load)(c, ASSAY_CLASS_WEIGHTS) : NULL;
    real *loss = REF(take)(&c->pool, l.count);
    *grad = REF(take)(&c->pool, (int64_t)m * p->classes);
    if (c->pool.failed) return ASSAY_NO_MEMORY;
    l.divisor = divisor_of(c, &l);
    const real *up = want_grad ? upstream(c, &l) : NULL;
    assay_status st = c->pool.failed ? ASSAY_NO_MEMORY : ASSAY_OK;
    if (st == ASSAY_OK && l.ctc)
        st = REF(ctc)(p, &c->rows, logits, l.labels, l.label_lens, up, loss, *grad);
    else if (st == ASSAY_OK)
        REF(xent)(p, m, logits, l.labels, l.weights, up, loss, *grad);
    if (st != ASSAY_OK) return st;
    if (l.by_step)
        REF(save_rows)(c, ASSAY_LOSS_ROWS, 1, loss);
    else
        REF(save)(c, ASSAY_LOSS_ROWS, loss);
    const real sum = l.reduction == ASSAY_REDUCE_NONE ? R(0) : reduced(c, &l, loss);
    REF(save)(c, ASSAY_LOSS, &sum);
    return c->pool.failed ? ASSAY_NO_MEMORY : ASSAY_OK;
}
