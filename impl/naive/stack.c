/* stack.c: layer after layer, direction after direction, step after step.
 * SPDX-License-Identifier: MIT */
#include "impl/naive/stack.h"

#include "impl/naive/cell.h"
#include "impl/naive/merge.h"

#include <string.h>

/* Steps whose weight gradients are summed apart before they join the rest: keeps long sums accurate. */
#define FOLD 40

/* Dense rows of one step, then the running states of all samples. */
enum { ROWS_X, ROWS_H, ROWS_C, ROWS_DA, ROWS_DX, ROWS_DE, ROWS_M, STATE_H, STATE_C };

void naive_stack_make(const assay_problem *p, const assay_host_layout *params, naive_stack *out)
{
    const uint64_t n = p->n, h = p->h, state = assay_state_width(p);
    const uint64_t steps = (uint64_t)p->t * n, wide = assay_output_width(p), parts = p->directions * state;
    const int between = naive_stands_between(p);
    const uint64_t layers = p->layers, q = layers * p->directions, unit = sizeof(float);
    const uint64_t widest = layers > 1 && wide > (uint64_t)p->i ? wide : (uint64_t)p->i;
    const int lstm = p->dialect.cell == ASSAY_LSTM;
    out->p = p;
    out->params = params;
    out->width = naive_cell_of(&p->dialect)->width;
    out->kept = 0;
    out->part = assay_host_carve(&out->kept, layers * steps * parts * unit);
    out->y = between ? assay_host_carve(&out->kept, layers * steps * wide * unit) : out->part;
    out->gates = assay_host_carve(&out->kept, q * steps * out->width * h * unit);
    out->h = assay_host_carve(&out->kept, q * steps * state * unit);
    out->c = assay_host_carve(&out->kept, lstm ? q * steps * h * unit : 0);

    const uint64_t columns[NAIVE_ROWS] = {widest, state, h, out->width * h, widest, h, p->proj ? h : 0, state, h};
    out->scratch = 0;
    for (int k = 0; k < NAIVE_ROWS; k++)
        out->rows[k] = assay_host_carve(&out->scratch, n * columns[k] * unit);
    for (int k = 0; k < 2; k++)
        out->d_input[k] = assay_host_carve(&out->scratch, layers > 1 ? steps * wide * unit : 0);
    out->d_part = assay_host_carve(&out->scratch, between ? steps * parts * unit : 0);
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
    if (l->size[first + ASSAY_PEEPHOLE]) w.peephole = block + l->offset[first + ASSAY_PEEPHOLE];
    if (l->size[first + ASSAY_PROJECTION]) w.projection = block + l->offset[first + ASSAY_PROJECTION];
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

/* Elements from one row to the next of what the layer reads, and of its gradient. */
static int64_t input_pitch(const naive_stack *s, int layer)
{
    const assay_problem *p = s->p;
    return layer == 0 && p->vocab == 0 && p->x_stride ? p->x_stride : assay_layer_input(p, layer);
}

/* What the layer reads at (t, n): a row of the table, of x or of the layer below. */
static const float *input_row(const run *r, int t, int n)
{
    const assay_problem *p = r->s->p;
    const int64_t row = assay_row_of(p, t, n);
    if (r->layer > 0) return at(r->kept, r->s->y, ((int64_t)(r->layer - 1) * p->t * p->n + row) * r->inputs);
    if (p->vocab == 0) return (const float *)r->args->x + row * input_pitch(r->s, 0);
    const int table = assay_param_head(p, ASSAY_EMBEDDING);
    return (const float *)r->args->packed + r->s->params->offset[table] + r->args->ids[row] * r->inputs;
}

/* Rows of the present step: forward writes its states there, backward finds them. */
static naive_step step_of(const run *r, int t, int count)
{
    const naive_stack *s = r->s;
    const int64_t h = s->p->h, state = assay_state_width(s->p), first = (r->q * s->p->t + t) * s->p->n;
    naive_step step = {.d = &s->p->dialect, .count = count, .inputs = r->inputs, .hidden = h, .state = state};
    step.given = weights_of(r, r->args->packed);
    step.gates = at(r->kept, s->gates, first * s->width * h);
    step.h = at(r->kept, s->h, first * state);
    step.m = at(r->workspace, s->rows[ROWS_M], 0);
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

/* Whether a sample's final state is zero, whatever its initial one. */
static int ends_in_zero(const run *r, int n)
{
    return r->s->p->dialect.empty_state == ASSAY_EMPTY_ZERO && length_of(r, n) == 0;
}

/* The states of all samples after their last steps; `now` of those that end in zero is lost. */
static void write_state(const run *r, int64_t width, float *now, float *out)
{
    const int64_t samples = r->s->p->n;
    for (int n = 0; out && n < samples; n++)
        if (ends_in_zero(r, n)) memset(now + n * width, 0, width * sizeof *now);
    if (out) memcpy(out + r->q * samples * width, now, samples * width * sizeof *out);
}

/* States run along in (N, S) and (N, H); each step keeps a copy of what it starts from. */
static void forward(const run *r)
{
    const naive_stack *s = r->s;
    const assay_problem *p = s->p;
    const int64_t h = p->h, width = assay_state_width(p), wide = p->directions * width, first = r->q * p->n;
    const float *h0 = r->args->h0, *c0 = r->args->c0;
    float *h_rows = at(r->workspace, s->rows[ROWS_H], 0), *c_rows = at(r->workspace, s->rows[ROWS_C], 0);
    float *h_now = at(r->workspace, s->rows[STATE_H], 0), *c_now = at(r->workspace, s->rows[STATE_C], 0);
    for (int n = 0; n < p->n; n++) {
        copy_or_zero(h_now + n * width, h0 ? h0 + (first + n) * width : NULL, width);
        copy_or_zero(c_now + n * h, c0 ? c0 + (first + n) * h : NULL, h);
    }
    for (int i = 0; i < p->t; i++) {
        const int t = r->direction ? p->t - 1 - i : i, count = find_active(r, t);
        naive_step step = step_of(r, t, count);
        for (int k = 0; k < count; k++) {
            memcpy((float *)step.h + k * width, h_now + s->active[k] * width, width * sizeof(float));
            if (step.c) memcpy((float *)step.c + k * h, c_now + s->active[k] * h, h * sizeof(float));
        }
        step.h_new = h_rows;
        step.c_new = c_rows;
        r->cell->forward(&step);
        for (int k = 0; k < count; k++) {
            const int n = s->active[k];
            const int64_t row = (int64_t)r->layer * p->t * p->n + assay_row_of(p, t, n);
            memcpy(h_now + n * width, h_rows + k * width, width * sizeof(float));
            if (step.c) memcpy(c_now + n * h, c_rows + k * h, h * sizeof(float));
            memcpy(at(r->kept, s->part, row * wide + r->direction * width), h_rows + k * width, width * sizeof(float));
        }
    }
    write_state(r, width, h_now, r->args->hn);
    write_state(r, h, c_now, r->args->cn);
}

void naive_stack_forward(const naive_stack *s, const assay_args *args, char *kept, char *workspace)
{
    const assay_problem *p = s->p;
    const int64_t wide = assay_output_width(p), rows = (int64_t)p->t * p->n;
    float *y = at(kept, s->y, (p->layers - 1) * rows * wide);
    for (int l = 0; l < p->layers; l++) {
        for (int d = 0; d < p->directions; d++) {
            const run r = run_of(s, args, kept, workspace, l, d);
            forward(&r);
        }
        if (naive_stands_between(p)) naive_merge(s, args, l, kept);
    }
    for (int64_t row = 0; args->lens && row < rows; row++)
        if (!assay_host_inside(p, args->lens, row)) memset(y + row * wide, 0, wide * sizeof *y);
    naive_write_y(p, args, y);
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
    for (int k = 0; k < ASSAY_RNN_PARAMS; k++) {
        const int i = assay_param_rnn(r->s->p, r->layer, r->direction, k);
        add((float *)r->args->grads + l->offset[i], partial + l->offset[i], l->size[i]);
        memset(partial + l->offset[i], 0, l->size[i] * sizeof(float));
    }
}

/* The same way back. What is given of the gradient of its output, dx with its pitch or NULL, added to. */
static void backward(const run *r, const naive_upstream *up, float *dx, int64_t pitch)
{
    const naive_stack *s = r->s;
    const assay_problem *p = s->p;
    const int64_t h = p->h, width = assay_state_width(p), first = r->q * p->n, half = r->direction * width;
    const float *dhn = r->args->dhn, *dcn = r->args->dcn;
    float *dh_rows = at(r->workspace, s->rows[ROWS_H], 0), *dc_rows = at(r->workspace, s->rows[ROWS_C], 0);
    float *dx_rows = at(r->workspace, s->rows[ROWS_DX], 0), *partial = at(r->workspace, s->partial, 0);
    float *dh_now = at(r->workspace, s->rows[STATE_H], 0), *dc_now = at(r->workspace, s->rows[STATE_C], 0);
    float *dh0 = r->args->dh0, *dc0 = r->args->dc0;
    for (int n = 0; n < p->n; n++) {
        const int lost = ends_in_zero(r, n);
        copy_or_zero(dh_now + n * width, dhn && !lost ? dhn + (first + n) * width : NULL, width);
        copy_or_zero(dc_now + n * h, dcn && !lost ? dcn + (first + n) * h : NULL, h);
    }
    for (int k = 0; k < ASSAY_RNN_PARAMS; k++) {
        const int i = assay_param_rnn(p, r->layer, r->direction, k);
        memset(partial + s->params->offset[i], 0, s->params->size[i] * sizeof(float));
    }
    for (int i = p->t - 1; i >= 0; i--) {
        const int t = r->direction ? p->t - 1 - i : i, count = find_active(r, t);
        naive_step step = step_of(r, t, count);
        for (int k = 0; k < count; k++) {
            const int n = s->active[k], ends = t == length_of(r, n) - 1;
            const float *dy = up->dy ? up->dy + assay_row_of(p, t, n) * up->pitch + half : NULL;
            memcpy(dh_rows + k * width, dh_now + n * width, width * sizeof(float));
            memcpy(dc_rows + k * h, dc_now + n * h, h * sizeof(float));
            add(dh_rows + k * width, dy, width);
            add(dh_rows + k * width, up->last && ends ? up->last + n * p->directions * width + half : NULL, width);
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
            memcpy(dh_now + n * width, dh_rows + k * width, width * sizeof(float));
            memcpy(dc_now + n * h, dc_rows + k * h, h * sizeof(float));
            if (dx) add(dx + assay_row_of(p, t, n) * pitch, dx_rows + k * r->inputs, r->inputs);
        }
        if (i % FOLD == 0) fold(r, partial);
    }
    if (dh0) memcpy(dh0 + first * width, dh_now, p->n * width * sizeof(float));
    if (dc0) memcpy(dc0 + first * h, dc_now, p->n * h * sizeof(float));
}

void naive_stack_backward(const naive_stack *s, const assay_args *args, const char *kept, char *workspace,
                          const naive_upstream *given, float *dx)
{
    const assay_problem *p = s->p;
    const int64_t rows = (int64_t)p->t * p->n;
    naive_upstream up = *given;
    for (int l = p->layers - 1; l >= 0; l--) {
        const int64_t inputs = assay_layer_input(p, l), pitch = input_pitch(s, l);
        float *below = l > 0 ? at(workspace, s->d_input[l % 2], 0) : dx;
        if (naive_stands_between(p)) up = naive_merge_back(s, args, l, kept, &up, at(workspace, s->d_part, 0));
        for (int64_t row = 0; below && row < rows; row++)
            memset(below + row * pitch, 0, inputs * sizeof *below);
        for (int d = 0; d < p->directions; d++) {
            const run r = run_of(s, args, (char *)kept, workspace, l, d);
            backward(&r, &up, below, pitch);
        }
        up = (naive_upstream){.dy = below, .pitch = pitch};
    }
}
