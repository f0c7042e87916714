/* stack.c: layers in time and on top of one another, forward and backward. docs/semantics.md 1.6
 * SPDX-License-Identifier: MIT */
#include "reference/ops.h"

#include <string.h>

static const REF(cell) * cell_of(const assay_problem *p)
{
    if (p->dialect.cell == ASSAY_LSTM) return &REF(lstm);
    return p->dialect.cell == ASSAY_GRU ? &REF(gru) : &REF(vanilla);
}

static int gate_rows(const assay_problem *p)
{
    return assay_gates(p->dialect.cell) * p->h;
}

void REF(pack_whole)(REF(layer) * l, int backward)
{
    const int h = l->p->h, gh = gate_rows(l->p);
    l->panels[0] = backward ? REF(gemm_pack)(0, h, gh, l->r, h) : REF(gemm_pack)(1, gh, h, l->r, h);
}

void REF(carry_back)(REF(layer) * l, int64_t first, int m, int keep)
{
    const int h = l->p->h;
    for (int k = 0; k < m; k++) {
        real *dh = l->dh + (int64_t)l->rows->sample[first + k] * h;
        const real *add = l->work + (int64_t)k * h;
        for (int j = 0; j < h; j++)
            dh[j] = keep ? ROUNDED(dh[j] + add[j]) : add[j];
    }
}

void REF(column_sums)(int64_t rows, int width, const real *a, int64_t lda, real *sums)
{
    PARALLEL(rows * width)
    for (int j = 0; j < width; j++)
        sums[j] = STORE(REF(sum)(rows, a + j, lda, ASSAY_SUM_ROWS));
}

/* Both biases are added to the same argument: their gradients are equal (docs/semantics.md 1.2). */
void REF(gradients_whole)(const REF(layer) * l, const real *db_ih, real *dr, real *db_hh)
{
    const int h = l->p->h, gh = gate_rows(l->p), rows = (int)l->rows->count;
    REF(gemm)(1, 0, gh, h, rows, l->gates, gh, l->before_h, h, 0, dr, h, ASSAY_SUM_ROWS);
    REF(store_all)((int64_t)gh * h, dr);
    if (db_hh) memcpy(db_hh, db_ih, (size_t)gh * sizeof *db_hh);
}

/* What the layer reads, in its processing order: x itself, or for a reversed layer a mirrored copy (in the pool). */
static const real *processing_order(const REF(layer) * l, const real *x, assay_pool *pool)
{
    if (!l->reverse) return x;
    real *copy = REF(take)(pool, l->rows->count * l->input);
    PARALLEL(l->rows->count * l->input)
    for (int64_t r = 0; r < (copy ? l->rows->count : 0); r++)
        memcpy(copy + r * l->input, x + l->rows->mirror[r] * l->input, (size_t)l->input * sizeof *x);
    return copy;
}

static void drop_order(const REF(layer) * l, const real *x, assay_pool *pool)
{
    if (l->reverse) assay_pool_drop(pool, (void *)x);
}

static void drop_kept(REF(layer) * l, assay_pool *pool)
{
    assay_pool_drop(pool, l->gates);
    assay_pool_drop(pool, l->before_h);
    assay_pool_drop(pool, l->before_c);
    assay_pool_drop(pool, l->extra);
}

static assay_status pack_pass(REF(layer) * l, int backward)
{
    const REF(cell) *cell = cell_of(l->p);
    cell->pack(l, backward);
    return l->panels[0] && (l->panels[1] || !cell->extra) ? ASSAY_OK : ASSAY_NO_MEMORY;
}

static void unpack_pass(REF(layer) * l)
{
    REF(gemm_pack_free)(l->panels[0]);
    REF(gemm_pack_free)(l->panels[1]);
    l->panels[0] = l->panels[1] = NULL;
}

/* Packed row in time order of a row in processing order. */
static int64_t in_time(const REF(layer) * l, int64_t row)
{
    return l->reverse ? l->rows->mirror[row] : row;
}

/* y: this direction's columns of the layer's output, rows ldy apart. */
static void run_forward(REF(layer) * l, real *y, int64_t ldy)
{
    const assay_rows *rows = l->rows;
    const size_t h = (size_t)l->p->h, bytes = h * sizeof *y;
    for (int32_t s = 0; s < rows->t; s++) {
        const int64_t first = rows->first[s], end = rows->first[s + 1];
        for (int64_t r = first; r < end; r++) {
            memcpy(l->before_h + (size_t)r * h, l->h + (size_t)rows->sample[r] * h, bytes);
            if (l->c) memcpy(l->before_c + (size_t)r * h, l->c + (size_t)rows->sample[r] * h, bytes);
        }
        if (end > first) cell_of(l->p)->forward(l, first, (int)(end - first));
        for (int64_t r = first; r < end; r++)
            memcpy(y + in_time(l, r) * ldy, l->h + (size_t)rows->sample[r] * h, bytes);
    }
}

static assay_status layer_forward(REF(stack) * s, REF(layer) * l, const real *x, real *y, int64_t ldy)
{
    const int h = s->p->h, gh = gate_rows(s->p);
    const int64_t rows = s->rows->count;
    const real *input = processing_order(l, x, s->pool);
    l->gates = REF(take)(s->pool, rows * gh);
    l->before_h = REF(take)(s->pool, rows * h);
    if (l->c) l->before_c = REF(take)(s->pool, rows * h);
    if (cell_of(s->p)->extra) l->extra = REF(take)(s->pool, rows * h);
    if (s->pool->failed) return ASSAY_NO_MEMORY;
    const size_t bytes = (size_t)s->p->n * (size_t)h * sizeof *y;
    if (l->h0) memcpy(l->h, l->h0, bytes);
    if (l->c && l->c0) memcpy(l->c, l->c0, bytes);
    REF(gemm)(0, 1, (int)rows, gh, l->input, input, l->input, l->w, l->input, 0, l->gates, gh, ASSAY_SUM_FEATURES);
    drop_order(l, input, s->pool);
    assay_status st = pack_pass(l, 0);
    if (st == ASSAY_OK) run_forward(l, y, ldy);
    unpack_pass(l);
    return st;
}

static void describe(REF(stack) * s, int layer, int direction, REF(layer) * l)
{
    const int64_t state = (int64_t)s->p->n * s->p->h, q = (int64_t)layer * s->p->directions + direction;
    memset(l, 0, sizeof *l);
    l->p = s->p;
    l->rows = s->rows;
    l->reverse = direction;
    l->input = assay_layer_input(s->p, layer);
    l->w = s->param[assay_param_rnn(s->p, layer, direction, ASSAY_W)];
    l->r = s->param[assay_param_rnn(s->p, layer, direction, ASSAY_R)];
    l->b_ih = s->param[assay_param_rnn(s->p, layer, direction, ASSAY_B_IH)];
    l->b_hh = s->param[assay_param_rnn(s->p, layer, direction, ASSAY_B_HH)];
    if (s->h0) l->h0 = s->h0 + q * state;
    if (s->c0) l->c0 = s->c0 + q * state;
    l->h = s->hn + q * state;
    if (s->cn) l->c = s->cn + q * state;
}

assay_status REF(stack_forward)(REF(stack) * s)
{
    const assay_problem *p = s->p;
    const int d = p->directions, width = d * p->h;
    const int64_t states = (int64_t)p->layers * d * p->n * p->h;
    s->hn = REF(take)(s->pool, states);
    s->cn = p->dialect.cell == ASSAY_LSTM ? REF(take)(s->pool, states) : NULL;
    const real *x = s->x;
    for (int k = 0; k < p->layers; k++) {
        s->y[k] = REF(take)(s->pool, s->rows->count * width);
        if (s->pool->failed) return ASSAY_NO_MEMORY;
        for (int e = 0; e < d; e++) {
            REF(layer) *l = &s->layer[k * d + e];
            describe(s, k, e, l);
            assay_status st = layer_forward(s, l, x, s->y[k] + e * p->h, width);
            if (st != ASSAY_OK) return st;
            if (!s->keep) drop_kept(l, s->pool);
        }
        if (!s->keep && k > 0) assay_pool_drop(s->pool, s->y[k - 1]);
        x = s->y[k];
    }
    return ASSAY_OK;
}

/* The last bptt_steps steps of each row only: before them no cotangent enters or passes. */
static int is_cut(const REF(layer) * l, int32_t step, int32_t sample)
{
    const int32_t limit = l->p->dialect.bptt_steps;
    return limit > 0 && step < l->rows->lens[sample] - limit;
}

static void run_backward(REF(layer) * l, const real *dy, int64_t lddy)
{
    const assay_rows *rows = l->rows;
    const int h = l->p->h;
    for (int32_t s = rows->t - 1; s >= 0; s--) {
        const int64_t first = rows->first[s], end = rows->first[s + 1];
        for (int64_t r = first; r < end; r++) {
            const int64_t at = (int64_t)rows->sample[r] * h;
            const int cut = is_cut(l, s, rows->sample[r]);
            const real *add = dy + in_time(l, r) * lddy;
            for (int j = 0; j < h; j++) {
                l->dh[at + j] = cut ? R(0) : ROUNDED(l->dh[at + j] + add[j]);
                if (cut && l->dc) l->dc[at + j] = R(0);
            }
        }
        if (end > first) cell_of(l->p)->backward(l, first, (int)(end - first));
    }
}

/* dx (R, input) in time order = dG W, added to what the other direction has left there. */
static assay_status input_gradient(REF(layer) * l, assay_pool *pool, real *dx)
{
    const int gh = gate_rows(l->p), in = l->input;
    const int64_t rows = l->rows->count;
    real *part = l->reverse ? REF(take)(pool, rows * in) : dx;
    if (!part) return ASSAY_NO_MEMORY;
    REF(gemm)(0, 0, (int)rows, in, gh, l->gates, gh, l->w, in, 0, part, in, ASSAY_SUM_FEATURES);
    if (!l->reverse) return ASSAY_OK;
    PARALLEL_2(rows * in)
    for (int64_t r = 0; r < rows; r++)
        for (int j = 0; j < in; j++)
            dx[l->rows->mirror[r] * in + j] = ROUNDED(dx[l->rows->mirror[r] * in + j] + part[r * in + j]);
    assay_pool_drop(pool, part);
    return ASSAY_OK;
}

/* dW, dR and the biases: one product or sum each over all rows. */
static assay_status parameter_gradients(REF(stack) * s, REF(layer) * l, int first_param, const real *x)
{
    const int gh = gate_rows(s->p), rows = (int)s->rows->count;
    real *dw = s->dparam[first_param + ASSAY_W], *dr = s->dparam[first_param + ASSAY_R];
    real *db_ih = s->dparam[first_param + ASSAY_B_IH];
    const real *input = processing_order(l, x, s->pool);
    if (!input) return ASSAY_NO_MEMORY;
    REF(gemm)(1, 0, gh, l->input, rows, l->gates, gh, input, l->input, 0, dw, l->input, ASSAY_SUM_ROWS);
    REF(store_all)((int64_t)gh * l->input, dw);
    drop_order(l, input, s->pool);
    if (db_ih) REF(column_sums)(rows, gh, l->gates, gh, db_ih);
    cell_of(s->p)->gradients(l, db_ih, dr, s->dparam[first_param + ASSAY_B_HH]);
    return ASSAY_OK;
}

static assay_status layer_backward(REF(stack) * s, int layer, int direction, const real *dy, real *dx)
{
    const assay_problem *p = s->p;
    const int64_t state = (int64_t)p->n * p->h;
    const int q = layer * p->directions + direction;
    REF(layer) *l = &s->layer[q];
    l->dh = s->dh + q * state;
    l->dc = l->c ? s->dc + q * state : NULL;
    l->work = REF(take)(s->pool, (int64_t)p->n * gate_rows(p));
    assay_status st = s->pool->failed ? ASSAY_NO_MEMORY : pack_pass(l, 1);
    if (st == ASSAY_OK) run_backward(l, dy + (int64_t)direction * p->h, (int64_t)p->directions * p->h);
    unpack_pass(l);
    assay_pool_drop(s->pool, l->work);
    if (st == ASSAY_OK)
        st = parameter_gradients(s, l, assay_param_rnn(p, layer, direction, 0), layer ? s->y[layer - 1] : s->x);
    if (st == ASSAY_OK && dx) st = input_gradient(l, s->pool, dx);
    drop_kept(l, s->pool);
    return st;
}

assay_status REF(stack_backward)(REF(stack) * s, real *dy)
{
    const assay_problem *p = s->p;
    for (int k = p->layers - 1; k >= 0; k--) {
        const int64_t size = s->rows->count * assay_layer_input(p, k);
        real *dx = k > 0 || s->need_dx ? REF(take)(s->pool, size) : NULL;
        assay_status st = s->pool->failed ? ASSAY_NO_MEMORY : ASSAY_OK;
        for (int e = 0; e < p->directions && st == ASSAY_OK; e++)
            st = layer_backward(s, k, e, dy, dx);
        if (st != ASSAY_OK) return st;
        if (dx) REF(store_all)(size, dx);
        assay_pool_drop(s->pool, dy);
        assay_pool_drop(s->pool, s->y[k]);
        dy = dx;
    }
    s->dx = dy;
    const int64_t states = (int64_t)p->layers * p->directions * p->n * p->h;
    REF(store_all)(states, s->dh);
    if (s->dc) REF(store_all)(states, s->dc);
    return ASSAY_OK;
}
