/* stack.c: layer after layer, direction after direction, step after step.
 * SPDX-License-Identifier: MIT */
#include "impl/naive/stack.h"

#include "impl/naive/cell.h"

#include <string.h>

/* Steps whose weight gradients are summed apart before they join the rest: keeps long sums accurate. */
#define FOLD 40

/* Dense rows of one step, then the running states of all samples. */
enum { ROWS_X, ROWS_H, ROWS_C, ROWS_DA, ROWS_DX, ROWS_DE, STATE_H, STATE_C };

void naive_stack_make(const assay_problem *p, const assay_host_layout *params, naive_stack *out)
{
    const uint64_t n = p->n, h = p->h, steps = (uint64_t)p->t * n, wide = (uint64_t)p->directions * h;
    const uint64_t layers = p->layers, q = layers * p->directions, unit = sizeof(float);
    const uint64_t widest = layers > 1 && wide > (uint64_t)p->i ? wide : (uint64_t)p->i;
    const int lstm = p->dialect.cell == ASSAY_LSTM;
    out->p = p;
    out->params = params;
    out->width = naive_cell_of(&p->dialect)->width;
    out->kept = 0;
    out->y = assay_host_carve(&out->kept, layers * steps * wide * unit);
    out->gates = assay_host_carve(&out->kept, q * steps * out->width * h * unit);
    out->h = assay_host_carve(&out->kept, q * steps * h * unit);
    out->c = assay_host_carve(&out->kept, lstm ? q * steps * h * unit : 0);

    const uint64_t columns[] = {widest, h, h, out->width * h, widest, h, h, h};
    out->scratch = 0;
    for (int k = 0; k < 8; k++)
        out->rows[k] = assay_host_carve(&out->scratch, n * columns[k] * unit);
    for (int k = 0; k < 2; k++)
        out->d_input[k] = assay_host_carve(&out->scratch, layers > 1 ? steps * wide * unit : 0);
    out->partial = assay_host_carve(&out->scratch, params->total * unit);
}

/* One layer in one direction. */
typedef struct run {
    const naive_stack *s;
    const assay_args *args;
    const naive_cell *cell;
    char *kept, *workspace;
    int layer, direction;
    int64_t q, inputs;
} run;

static float *at(char *base, uint64_t offset, int64_t element)
{
    return (float *)(base + offset) + element;
}

static run run_of(const naive_stack *s, const assay_args *args, char *kept, char *workspace, int layer, int direction)
{
    const assay_problem *p = s->p;
    return (run){.s = s,
                 .args = args,
                 .cell = naive_cell_of(&p->dialect),
                 .kept = kept,
                 .workspace = workspace,
                 .layer = layer,
                 .direction = direction,
                 .q = layer * p->directions + direction,
                 .inputs = assay_layer_input(p, layer)};
}

static naive_weights weights_of(const run *r, float *block)
{
    const assay_host_layout *l = r->s->params;
    const int first = assay_param_rnn(r->s->p, r->layer, r->direction, 0);
    naive_weights w = {.w = block + l->offset[first + ASSAY_W], .r = block + l->offset[first + ASSAY_R]};
    if (l->size[first + ASSAY_B_IH]) w.b_ih = block + l->offset[first + ASSAY_B_IH];
    if (l->size[first + ASSAY_B_HH]) w.b_hh = block + l->offset[first + ASSAY_B_HH];
    return w;
}

static int length_of(const run *r, int n)
{
    return r->args->lens ? r->args->lens[n] : r->s->p->t;
}

/* Lists the samples that are inside step t; returns how many. */
static int find_active(const run *r, int t)
{
    int count = 0;
    for (int n = 0; n < r->s->p->n; n++)
        if (t < length_of(r, n)) r->s->active[count++] = n;
    return count;
}

/* What the layer reads at (t, n): a row of the table, of x or of the layer below. */
static const float *input_row(const run *r, int t, int n)
{
    const assay_problem *p = r->s->p;
    const int64_t row = (int64_t)t * p->n + n;
    if (r->layer > 0) return at(r->kept, r->s->y, ((int64_t)(r->layer - 1) * p->t * p->n + row) * r->inputs);
    if (p->vocab == 0) return (const float *)r->args->x + row * r->inputs;
    const int table = assay_param_head(p, ASSAY_EMBEDDING);
    return (const float *)r->args->packed + r->s->params->offset[table] + r->args->ids[row] * r->inputs;
}

/* Rows of the present step: forward writes its states there, backward finds them. */
static naive_step step_of(const run *r, int t, int count)
{
    const naive_stack *s = r->s;
    const int64_t h = s->p->h, first = (r->q * s->p->t + t) * s->p->n;
    naive_step step = {.count = count,
                       .inputs = r->inputs,
                       .hidden = h,
                       .forget_bias = s->p->dialect.forget_bias,
                       .relu = s->p->dialect.cell == ASSAY_RNN_RELU};
    step.given = weights_of(r, r->args->packed);
    step.gates = at(r->kept, s->gates, first * s->width * h);
    step.h = at(r->kept, s->h, first * h);
    step.c = s->p->dialect.cell == ASSAY_LSTM ? at(r->kept, s->c, first * h) : NULL;
    float *x = at(r->workspace, s->rows[ROWS_X], 0);
    for (int k = 0; k < count; k++)
        memcpy(x + k * r->inputs, input_row(r, t, s->active[k]), r->inputs * sizeof(float));
    step.x = x;
    return step;
}

static void copy_or_zero(float *to, const float *from, int64_t h)
{
    if (from)
        memcpy(to, from, h * sizeof *to);
    else
        memset(to, 0, h * sizeof *to);
}

/* States run along in (N, H); each step keeps a copy of what it starts from. */
static void forward(const run *r)
{
    const naive_stack *s = r->s;
    const assay_problem *p = s->p;
    const int64_t h = p->h, wide = p->directions * h, state = r->q * p->n * h;
    const float *h0 = r->args->h0, *c0 = r->args->c0;
    float *hn = r->args->hn, *cn = r->args->cn;
    float *h_rows = at(r->workspace, s->rows[ROWS_H], 0), *c_rows = at(r->workspace, s->rows[ROWS_C], 0);
    float *h_now = at(r->workspace, s->rows[STATE_H], 0), *c_now = at(r->workspace, s->rows[STATE_C], 0);
    for (int n = 0; n < p->n; n++) {
        copy_or_zero(h_now + n * h, h0 ? h0 + state + n * h : NULL, h);
        copy_or_zero(c_now + n * h, c0 ? c0 + state + n * h : NULL, h);
    }
    for (int i = 0; i < p->t; i++) {
        const int t = r->direction ? p->t - 1 - i : i, count = find_active(r, t);
        naive_step step = step_of(r, t, count);
        for (int k = 0; k < count; k++) {
            memcpy((float *)step.h + k * h, h_now + s->active[k] * h, h * sizeof(float));
            if (step.c) memcpy((float *)step.c + k * h, c_now + s->active[k] * h, h * sizeof(float));
        }
        step.h_new = h_rows;
        step.c_new = c_rows;
        r->cell->forward(&step);
        for (int k = 0; k < count; k++) {
            const int n = s->active[k];
            const int64_t row = ((int64_t)r->layer * p->t + t) * p->n + n;
            memcpy(h_now + n * h, h_rows + k * h, h * sizeof(float));
            if (step.c) memcpy(c_now + n * h, c_rows + k * h, h * sizeof(float));
            memcpy(at(r->kept, s->y, row * wide + r->direction * h), h_rows + k * h, h * sizeof(float));
        }
    }
    if (hn) memcpy(hn + state, h_now, p->n * h * sizeof(float));
    if (cn) memcpy(cn + state, c_now, p->n * h * sizeof(float));
}

void naive_stack_forward(const naive_stack *s, const assay_args *args, char *kept, char *workspace)
{
    const assay_problem *p = s->p;
    const int64_t wide = (int64_t)p->directions * p->h, rows = (int64_t)p->t * p->n;
    float *y = at(kept, s->y, (p->layers - 1) * rows * wide);
    for (int l = 0; l < p->layers; l++)
        for (int d = 0; d < p->directions; d++) {
            const run r = run_of(s, args, kept, workspace, l, d);
            forward(&r);
        }
    for (int64_t row = 0; args->lens && row < rows; row++)
        if (row / p->n >= args->lens[row % p->n]) memset(y + row * wide, 0, wide * sizeof *y);
    if (args->y && rows) memcpy(args->y, y, rows * wide * sizeof *y); /* without rows, y may be NULL */
}

static void add(float *to, const float *from, int64_t n)
{
    for (int64_t i = 0; from && i < n; i++)
        to[i] += from[i];
}

/* Adds the gradients of some steps to those of all. */
static void fold(const run *r, float *partial)
{
    const assay_host_layout *l = r->s->params;
    for (int k = 0; k < 4; k++) {
        const int i = assay_param_rnn(r->s->p, r->layer, r->direction, k);
        add((float *)r->args->grads + l->offset[i], partial + l->offset[i], l->size[i]);
        memset(partial + l->offset[i], 0, l->size[i] * sizeof(float));
    }
}

/* The same way back. dy (T, N, D*H), dlast (N, D*H) or NULL; dx (T, N, inputs) or NULL, added to. */
static void backward(const run *r, const float *dy, const float *dlast, float *dx)
{
    const naive_stack *s = r->s;
    const assay_problem *p = s->p;
    const int64_t h = p->h, wide = p->directions * h, state = r->q * p->n * h;
    const float *dhn = r->args->dhn, *dcn = r->args->dcn;
    float *dh_rows = at(r->workspace, s->rows[ROWS_H], 0), *dc_rows = at(r->workspace, s->rows[ROWS_C], 0);
    float *dx_rows = at(r->workspace, s->rows[ROWS_DX], 0), *partial = at(r->workspace, s->partial, 0);
    float *dh_now = at(r->workspace, s->rows[STATE_H], 0), *dc_now = at(r->workspace, s->rows[STATE_C], 0);
    float *dh0 = r->args->dh0, *dc0 = r->args->dc0;
    for (int n = 0; n < p->n; n++) {
        copy_or_zero(dh_now + n * h, dhn ? dhn + state + n * h : NULL, h);
        copy_or_zero(dc_now + n * h, dcn ? dcn + state + n * h : NULL, h);
    }
    for (int k = 0; k < 4; k++) {
        const int i = assay_param_rnn(p, r->layer, r->direction, k);
        memset(partial + s->params->offset[i], 0, s->params->size[i] * sizeof(float));
    }
    for (int i = p->t - 1; i >= 0; i--) {
        const int t = r->direction ? p->t - 1 - i : i, count = find_active(r, t);
        naive_step step = step_of(r, t, count);
        for (int k = 0; k < count; k++) {
            const int n = s->active[k];
            const int64_t row = (int64_t)t * p->n + n, half = r->direction * h;
            memcpy(dh_rows + k * h, dh_now + n * h, h * sizeof(float));
            memcpy(dc_rows + k * h, dc_now + n * h, h * sizeof(float));
            add(dh_rows + k * h, dy ? dy + row * wide + half : NULL, h);
            add(dh_rows + k * h, dlast && t == length_of(r, n) - 1 ? dlast + n * wide + half : NULL, h);
        }
        step.dh = dh_rows;
        step.dc = dc_rows;
        step.da = at(r->workspace, s->rows[ROWS_DA], 0);
        step.de = at(r->workspace, s->rows[ROWS_DE], 0);
        step.dx = dx ? dx_rows : NULL;
        step.gradient = weights_of(r, partial);
        r->cell->backward(&step);
        for (int k = 0; k < count; k++) {
            const int n = s->active[k];
            memcpy(dh_now + n * h, dh_rows + k * h, h * sizeof(float));
            memcpy(dc_now + n * h, dc_rows + k * h, h * sizeof(float));
            if (dx) add(dx + ((int64_t)t * p->n + n) * r->inputs, dx_rows + k * r->inputs, r->inputs);
        }
        if (i % FOLD == 0) fold(r, partial);
    }
    if (dh0) memcpy(dh0 + state, dh_now, p->n * h * sizeof(float));
    if (dc0) memcpy(dc0 + state, dc_now, p->n * h * sizeof(float));
}

void naive_stack_backward(const naive_stack *s, const assay_args *args, const char *kept, char *workspace,
                          const float *dy, const float *dlast, float *dx)
{
    const assay_problem *p = s->p;
    const int64_t rows = (int64_t)p->t * p->n;
    for (int l = p->layers - 1; l >= 0; l--) {
        const int64_t inputs = assay_layer_input(p, l);
        float *below = l > 0 ? at(workspace, s->d_input[l % 2], 0) : dx;
        if (below) memset(below, 0, rows * inputs * sizeof *below);
        for (int d = 0; d < p->directions; d++) {
            const run r = run_of(s, args, (char *)kept, workspace, l, d);
            backward(&r, dy, dlast, below);
        }
        dy = below;
        dlast = NULL;
    }
}
