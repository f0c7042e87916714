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
    const int width = assay_state_width(l->p), gh = gate_rows(l->p);
    l->panels[0] = backward ? REF(gemm_pack)(0, width, gh, l->r, width) : REF(gemm_pack)(1, gh, width, l->r, width);
}

void REF(carry_back)(REF(layer) * l, int64_t first, int m, int keep)
{
    const int width = assay_state_width(l->p);
    PARALLEL((int64_t)m * width)
    for (int k = 0; k < m; k++) {
        real *dh = l->dh + (int64_t)l->rows->sample[first + k] * width;
        const real *add = l->work + (int64_t)k * width;
        for (int j = 0; j < width; j++)
            dh[j] = keep ? ROUNDED(dh[j] + add[j]) : add[j];
    }
}

void REF(column_sums)(int64_t rows, int width, const real *a, int64_t lda, real *sums)
{
    REF(sums)(rows, width, a, lda, ASSAY_SUM_ROWS, sums);
    REF(store_all)(width, sums);
}

/* Both biases are added to the same argument: their gradients are equal (docs/semantics.md 1.2). */
void REF(bias_gradients)(const REF(layer) * l, real *db_ih, real *db_hh)
{
    const int gh = gate_rows(l->p);
    real *sums = db_ih ? db_ih : db_hh;
    if (sums) REF(column_sums)(l->rows->count, gh, l->gates, gh, sums);
    if (db_ih && db_hh) memcpy(db_hh, db_ih, (size_t)gh * sizeof *db_hh);
}

assay_status REF(gradients_whole)(const REF(layer) * l, assay_pool *pool, real *const d[ASSAY_RNN_PARAMS])
{
    const int width = assay_state_width(l->p), gh = gate_rows(l->p), rows = (int)l->rows->count;
    (void)pool;
    REF(gemm)(1, 0, gh, width, rows, l->gates, gh, l->before_h, width, 0, d[ASSAY_R], width, ASSAY_SUM_ROWS);
    REF(store_all)((int64_t)gh * width, d[ASSAY_R]);
    REF(bias_gradients)(l, d[ASSAY_B_IH], d[ASSAY_B_HH]);
    return ASSAY_OK;
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
    real *const kept[] = {l->gates, l->before_h, l->before_c, l->extra, l->raw_c, l->after_c, l->kept_dh};
    for (size_t k = 0; k < sizeof kept / sizeof *kept; k++)
        assay_pool_drop(pool, kept[k]);
}

static assay_status pack_pass(REF(layer) * l, int backward)
{
    const int two = l->p->dialect.cell == ASSAY_GRU || l->projection != NULL;
    cell_of(l->p)->pack(l, backward);
    return l->panels[0] && (!two || l->panels[1]) ? ASSAY_OK : ASSAY_NO_MEMORY;
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
    const size_t h = (size_t)l->p->h, width = (size_t)assay_state_width(l->p), bytes = width * sizeof *y;
    for (int32_t s = 0; s < rows->t; s++) {
        const int64_t first = rows->first[s], end = rows->first[s + 1];
        PARALLEL((end - first) * (int64_t)width)
        for (int64_t r = first; r < end; r++) {
            memcpy(l->before_h + (size_t)r * width, l->h + (size_t)rows->sample[r] * width, bytes);
            if (l->c) memcpy(l->before_c + (size_t)r * h, l->c + (size_t)rows->sample[r] * h, h * sizeof *y);
        }
        if (end > first) cell_of(l->p)->forward(l, first, (int)(end - first));
        PARALLEL((end - first) * (int64_t)width)
        for (int64_t r = first; r < end; r++)
            memcpy(y + in_time(l, r) * ldy, l->h + (size_t)rows->sample[r] * width, bytes);
    }
}

static assay_status layer_forward(REF(stack) * s, REF(layer) * l, const real *x, real *y, int64_t ldy)
{
    const assay_dialect *d = &s->p->dialect;
    const int h = s->p->h, width = assay_state_width(s->p), gh = gate_rows(s->p);
    const int64_t rows = s->rows->count;
    const size_t samples = (size_t)s->p->n * sizeof *y;
    const real *input = processing_order(l, x, s->pool);
    l->gates = REF(take)(s->pool, rows * gh);
    l->before_h = REF(take)(s->pool, rows * width);
    if (l->c) l->before_c = REF(take)(s->pool, rows * h);
    if (d->cell == ASSAY_GRU || l->projection) l->extra = REF(take)(s->pool, rows * h);
    if (d->cell_clip > 0 && d->clip_gradient == ASSAY_CLIP_CUTS) l->raw_c = REF(take)(s->pool, rows * h);
    if (l->projection) l->work = REF(take)(s->pool, (int64_t)s->p->n * width);
    if (s->pool->failed) return ASSAY_NO_MEMORY;
    if (l->h0) memcpy(l->h, l->h0, samples * (size_t)width);
    if (l->c && l->c0) memcpy(l->c, l->c0, samples * (size_t)h);
    REF(gemm)(0, 1, (int)rows, gh, l->input, input, l->input, l->w, l->input, 0, l->gates, gh, ASSAY_SUM_FEATURES);
    drop_order(l, input, s->pool);
    assay_status st = pack_pass(l, 0);
    if (st == ASSAY_OK) run_forward(l, y, ldy);
    unpack_pass(l);
    assay_pool_drop(s->pool, l->work);
    l->work = NULL;
    return st;
}

/* What rows of length 0 end in. */
static void end_empty(const REF(stack) * s, int width, real *states)
{
    const int64_t all = (int64_t)s->p->layers * s->p->directions * s->p->n;
    if (!states || s->p->dialect.empty_state == ASSAY_EMPTY_INITIAL) return;
    for (int64_t k = 0; k < all; k++)
        for (int j = 0; s->rows->lens[k % s->p->n] == 0 && j < width; j++)
            states[k * width + j] = R(0);
}

/* y of a layer from those of its two directions. */
static void merge(const REF(stack) * s, const real *f, const real *r, real *y)
{
    const int64_t count = s->rows->count * assay_state_width(s->p);
    const int how = s->p->dialect.merge;
    PARALLEL(count)
    for (int64_t k = 0; k < count; k++) {
        if (how == ASSAY_MERGE_MULTIPLY)
            y[k] = STORE(f[k] * r[k]);
        else
            y[k] = STORE(how == ASSAY_MERGE_AVERAGE ? (f[k] + r[k]) * R(0.5) : f[k] + r[k]);
    }
}

/* dy of one direction from that of the layer; `other` = the other direction's output. */
static void unmerge(const REF(stack) * s, const real *dy, const real *other, real *part)
{
    const int64_t count = s->rows->count * assay_state_width(s->p);
    const int how = s->p->dialect.merge;
    PARALLEL(count)
    for (int64_t k = 0; k < count; k++) {
        if (how == ASSAY_MERGE_MULTIPLY)
            part[k] = ROUNDED(dy[k] * other[k]);
        else
            part[k] = how == ASSAY_MERGE_AVERAGE ? dy[k] * R(0.5) : dy[k];
    }
}

/* Between layers: a times mask / (1 - dropout), in place; the same forward and backward. */
static void drop_out(const REF(stack) * s, const real *mask, real *a)
{
    const int64_t count = s->rows->count * assay_output_width(s->p);
    const real keep = R(1) - R(s->p->dialect.dropout);
    if (!mask) return;
    PARALLEL(count)
    for (int64_t k = 0; k < count; k++)
        a[k] = STORE(a[k] * mask[k] / keep);
}

static void describe(REF(stack) * s, int layer, int direction, REF(layer) * l)
{
    const int64_t n = s->p->n, q = (int64_t)layer * s->p->directions + direction;
    const int width = assay_state_width(s->p);
    memset(l, 0, sizeof *l);
    l->p = s->p;
    l->rows = s->rows;
    l->reverse = direction;
    l->input = assay_layer_input(s->p, layer);
    l->w = s->param[assay_param_rnn(s->p, layer, direction, ASSAY_W)];
    l->r = s->param[assay_param_rnn(s->p, layer, direction, ASSAY_R)];
    l->b_ih = s->param[assay_param_rnn(s->p, layer, direction, ASSAY_B_IH)];
    l->b_hh = s->param[assay_param_rnn(s->p, layer, direction, ASSAY_B_HH)];
    l->peephole = s->param[assay_param_rnn(s->p, layer, direction, ASSAY_PEEPHOLE)];
    l->projection = s->param[assay_param_rnn(s->p, layer, direction, ASSAY_PROJECTION)];
    if (s->h0) l->h0 = s->h0 + q * n * width;
    if (s->c0) l->c0 = s->c0 + q * n * s->p->h;
    l->h = s->hn + q * n * width;
    if (s->cn) l->c = s->cn + q * n * s->p->h;
}

/* Both directions of a layer into y (R, Y): next to one another, or each apart and then merged. */
static assay_status directions_forward(REF(stack) * s, int k, const real *x, real *y)
{
    const assay_problem *p = s->p;
    const int d = p->directions, width = assay_state_width(p), apart = p->dialect.merge != ASSAY_MERGE_CONCAT;
    real **part = &s->part[k * d];
    for (int e = 0; e < d; e++) {
        REF(layer) *l = &s->layer[k * d + e];
        describe(s, k, e, l);
        if (apart) part[e] = REF(take)(s->pool, s->rows->count * width);
        if (s->pool->failed) return ASSAY_NO_MEMORY;
        assay_status st = layer_forward(s, l, x, apart ? part[e] : y + e * width, apart ? width : d * width);
        if (st != ASSAY_OK) return st;
        if (!s->keep) drop_kept(l, s->pool);
    }
    if (!apart) return ASSAY_OK;
    merge(s, part[0], part[1], y);
    for (int e = 0; e < d && !(s->keep && p->dialect.merge == ASSAY_MERGE_MULTIPLY); e++) {
        assay_pool_drop(s->pool, part[e]);
        part[e] = NULL;
    }
    return ASSAY_OK;
}

assay_status REF(stack_forward)(REF(stack) * s)
{
    const assay_problem *p = s->p;
    const int64_t states = (int64_t)p->layers * p->directions * p->n;
    s->hn = REF(take)(s->pool, states * assay_state_width(p));
    s->cn = p->dialect.cell == ASSAY_LSTM ? REF(take)(s->pool, states * p->h) : NULL;
    const real *x = s->x;
    for (int k = 0; k < p->layers; k++) {
        s->y[k] = REF(take)(s->pool, s->rows->count * assay_output_width(p));
        if (s->pool->failed) return ASSAY_NO_MEMORY;
        assay_status st = directions_forward(s, k, x, s->y[k]);
        if (st != ASSAY_OK) return st;
        drop_out(s, s->mask[k], s->y[k]);
        if (!s->keep && k > 0) assay_pool_drop(s->pool, s->y[k - 1]);
        x = s->y[k];
    }
    end_empty(s, assay_state_width(p), s->hn);
    end_empty(s, p->h, s->cn);
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
    const int h = l->p->h, width = assay_state_width(l->p);
    for (int32_t s = rows->t - 1; s >= 0; s--) {
        const int64_t first = rows->first[s], end = rows->first[s + 1];
        PARALLEL((end - first) * width)
        for (int64_t r = first; r < end; r++) {
            const int cut = is_cut(l, s, rows->sample[r]);
            real *dh = l->dh + (int64_t)rows->sample[r] * width,
                 *dc = l->dc ? l->dc + (int64_t)rows->sample[r] * h : NULL;
            const real *add = dy + in_time(l, r) * lddy;
            for (int j = 0; j < width; j++)
                dh[j] = cut ? R(0) : ROUNDED(dh[j] + add[j]);
            for (int j = 0; cut && dc && j < h; j++)
                dc[j] = R(0);
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
    real *const *d = s->dparam + first_param, *dw = d[ASSAY_W];
    const real *input = processing_order(l, x, s->pool);
    if (!input) return ASSAY_NO_MEMORY;
    REF(gemm)(1, 0, gh, l->input, rows, l->gates, gh, input, l->input, 0, dw, l->input, ASSAY_SUM_ROWS);
    REF(store_all)((int64_t)gh * l->input, dw);
    drop_order(l, input, s->pool);
    return cell_of(s->p)->gradients(l, s->pool, d);
}

static assay_status layer_backward(REF(stack) * s, int layer, int direction, const real *dy, int64_t lddy, real *dx)
{
    const assay_problem *p = s->p;
    const int q = layer * p->directions + direction, width = assay_state_width(p);
    REF(layer) *l = &s->layer[q];
    l->dh = s->dh + (int64_t)q * p->n * width;
    l->dc = l->c ? s->dc + (int64_t)q * p->n * p->h : NULL;
    l->work = REF(take)(s->pool, (int64_t)p->n * (gate_rows(p) + p->h));
    if (l->projection) l->kept_dh = REF(take)(s->pool, s->rows->count * width);
    if (l->peephole) l->after_c = REF(take)(s->pool, s->rows->count * p->h);
    assay_status st = s->pool->failed ? ASSAY_NO_MEMORY : pack_pass(l, 1);
    if (st == ASSAY_OK) run_backward(l, dy, lddy);
    unpack_pass(l);
    assay_pool_drop(s->pool, l->work);
    if (st == ASSAY_OK)
        st = parameter_gradients(s, l, assay_param_rnn(p, layer, direction, 0), layer ? s->y[layer - 1] : s->x);
    if (st == ASSAY_OK && dx) st = input_gradient(l, s->pool, dx);
    drop_kept(l, s->pool);
    return st;
}

/* Both directions of a layer; their dx add up. */
static assay_status directions_backward(REF(stack) * s, int k, const real *dy, real *dx)
{
    const assay_problem *p = s->p;
    const int d = p->directions, width = assay_state_width(p), apart = p->dialect.merge != ASSAY_MERGE_CONCAT;
    real **part = &s->part[k * d], *mine = apart ? REF(take)(s->pool, s->rows->count * width) : NULL;
    assay_status st = s->pool->failed ? ASSAY_NO_MEMORY : ASSAY_OK;
    for (int e = 0; e < d && st == ASSAY_OK; e++) {
        if (apart) unmerge(s, dy, part[1 - e], mine);
        st = layer_backward(s, k, e, apart ? mine : dy + e * width, apart ? width : d * width, dx);
    }
    assay_pool_drop(s->pool, mine);
    for (int e = 0; e < d; e++)
        assay_pool_drop(s->pool, part[e]);
    return st;
}

assay_status REF(stack_backward)(REF(stack) * s, real *dy)
{
    const assay_problem *p = s->p;
    for (int k = p->layers - 1; k >= 0; k--) {
        const int64_t size = s->rows->count * assay_layer_input(p, k);
        real *dx = k > 0 || s->need_dx ? REF(take)(s->pool, size) : NULL;
        assay_status st = s->pool->failed ? ASSAY_NO_MEMORY : ASSAY_OK;
        if (st == ASSAY_OK) st = directions_backward(s, k, dy, dx);
        if (st != ASSAY_OK) return st;
        if (dx) REF(store_all)(size, dx);
        if (k > 0) drop_out(s, s->mask[k - 1], dx);
        assay_pool_drop(s->pool, dy);
        assay_pool_drop(s->pool, s->y[k]);
        dy = dx;
    }
    s->dx = dy;
    const int64_t states = (int64_t)p->layers * p->directions * p->n;
    end_empty(s, assay_state_width(p), s->dh);
    end_empty(s, p->h, s->dc);
    REF(store_all)(states * assay_state_width(p), s->dh);
    if (s->dc) REF(store_all)(states * p->h, s->dc);
    return ASSAY_OK;
}
