/* recurrence.c: see recurrence.h.
 * SPDX-License-Identifier: MIT */
#include "impl/cuda/emulator/tests/recurrence.h"

#include "impl/common/cuda/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void *numbers(int64_t count, double scale, uint64_t *state)
{
    float *x = calloc((size_t)count + 1, sizeof *x);
    for (int64_t k = 0; x && k < count; k++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        x[k] = (float)(scale * ((double)(*state >> 11) * 0x1p-52 - 1));
    }
    return x;
}

static float *blank(int64_t count)
{
    float *x = malloc(((size_t)count + 1) * sizeof *x);
    for (int64_t k = 0; x && k < count; k++)
        x[k] = NAN;
    return x;
}

static int is_before(const recurrence *r)
{
    return r->p.dialect.cell == ASSAY_GRU && r->p.dialect.gru_reset == ASSAY_RESET_BEFORE;
}

recurrence *recurrence_make(const queue *q, int cell, int reset, int32_t h, int32_t n, int32_t t, int32_t ranks,
                            int even, int reverse)
{
    const int64_t rows = (int64_t)t * n;
    uint64_t state = 20;
    recurrence *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->p = (assay_problem){.op = ASSAY_OP_RNN, .t = t, .n = n, .h = h, .layers = 1, .directions = 1};
    r->p.arithmetic = ASSAY_FP32;
    r->p.dialect.cell = cell;
    r->p.dialect.gru_reset = reset;
    r->layout = cuda_layout_of(&r->p, ranks, queue_shared(q));
    r->reverse = reverse;
    r->lens = calloc((size_t)n + 1, sizeof *r->lens);
    r->order = calloc((size_t)n + 1, sizeof *r->order);
    for (int32_t k = 0; r->lens && k < n; k++)
        r->lens[k] = even || k == n / 2 ? t : k == 0 ? 0 : k * 7 % t;
    r->r = numbers(4 * (int64_t)h * h, 1 / sqrt(h), &state);
    r->x = numbers(rows * 4 * h, 1, &state);
    r->h0 = numbers((int64_t)n * h, 1, &state);
    r->c0 = numbers((int64_t)n * h, 1, &state);
    r->dy = numbers(rows * h, 1, &state);
    r->dhn = numbers((int64_t)n * h, 1, &state);
    r->dcn = numbers((int64_t)n * h, 1, &state);
    r->gates = blank(rows * 4 * h);
    r->h = blank((rows + n) * h);
    r->c = blank((rows + n) * h);
    r->y = blank(rows * h);
    r->da =
        is_before(r) ? numbers(rows * 4 * h, 0, &state) : blank(rows * 4 * h); /* then only three gates are written */
    r->dh = blank((int64_t)n * h);
    r->dc = blank((int64_t)n * h);
    r->ref_y = calloc((size_t)(rows * h) + 1, sizeof(double));
    r->ref_c = calloc((size_t)((rows + n) * h) + 1, sizeof(double));
    r->ref_da = calloc((size_t)(rows * 4 * h) + 1, sizeof(double));
    r->ref_dh0 = calloc((size_t)(n * (int64_t)h) + 1, sizeof(double));
    return r;
}

void recurrence_free(recurrence *r)
{
    if (!r) return;
    void *all[] = {r->lens, r->order, r->r, r->x,  r->h0, r->c0, r->dy,    r->dhn,   r->dcn,    r->gates,
                   r->h,    r->c,     r->y, r->da, r->dh, r->dc, r->ref_y, r->ref_c, r->ref_da, r->ref_dh0};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        free(all[k]);
    free(r);
}

/* ---- by a loop ---- */

static double sigma(double x)
{
    return 1 / (1 + exp(-x));
}

/* One sample: what the loops share. at: gates of each step, as the kernels keep them. */
typedef struct loop {
    int64_t h, n, samples, steps;
    double *at, *now, *next, *dc;
} loop;

static double sum_of(const recurrence *r, const loop *l, int64_t row, const double *of)
{
    double sum = 0;
    for (int64_t k = 0; k < l->h; k++)
        sum += r->r[row * l->h + k] * of[k];
    return sum;
}

static int64_t row_of(const recurrence *r, const loop *l, int64_t i)
{
    return (r->reverse ? l->steps - 1 - i : i) * l->samples + l->n;
}

static void lstm_forward(recurrence *r, loop *l, int64_t i)
{
    const int64_t h = l->h, row = row_of(r, l, i);
    double *c = r->ref_c;
    for (int64_t j = 0; j < h; j++) {
        double *at = l->at + i * 4 * h + j;
        for (int64_t g = 0; g < 4; g++) {
            const double a = r->x[(row * 4 + g) * h + j] + sum_of(r, l, g * h + j, l->now);
            at[g * h] = g == 2 ? tanh(a) : sigma(a);
        }
        const double cell = at[h] * c[(i * l->samples + l->n) * h + j] + at[0] * at[2 * h];
        c[((i + 1) * l->samples + l->n) * h + j] = cell;
        l->next[j] = at[3 * h] * tanh(cell);
    }
}

/* da of a step, from dh, of which only what comes by other ways than the product is left. */
static void lstm_backward(recurrence *r, loop *l, int64_t i, double *dh)
{
    const int64_t h = l->h, row = row_of(r, l, i);
    for (int64_t j = 0; j < h; j++) {
        const double *g = l->at + i * 4 * h + j, before = r->ref_c[(i * l->samples + l->n) * h + j];
        const double tanh_c = tanh(r->ref_c[((i + 1) * l->samples + l->n) * h + j]), d = dh[j] + r->dy[row * h + j];
        double *da = r->ref_da + row * 4 * h + j, *dc = l->dc + j;
        da[3 * h] = d * tanh_c * g[3 * h] * (1 - g[3 * h]);
        *dc += d * g[3 * h] * (1 - tanh_c * tanh_c);
        da[0] = *dc * g[2 * h] * g[0] * (1 - g[0]);
        da[h] = *dc * before * g[h] * (1 - g[h]);
        da[2 * h] = *dc * g[0] * (1 - g[2 * h] * g[2 * h]);
        *dc *= g[h];
        dh[j] = 0;
    }
}

/* r z n, and the product behind the reset; the state before a step stands in ref_c. */
static void gru_forward(recurrence *r, loop *l, int64_t i)
{
    const int64_t h = l->h, row = row_of(r, l, i);
    for (int64_t j = 0; j < h; j++) {
        double *at = l->at + i * 4 * h + j;
        at[0] = sigma(r->x[row * 4 * h + j] + sum_of(r, l, j, l->now));
        at[h] = sigma(r->x[(row * 4 + 1) * h + j] + sum_of(r, l, h + j, l->now));
        at[3 * h] = sum_of(r, l, 2 * h + j, l->now);
        at[2 * h] = tanh(r->x[(row * 4 + 2) * h + j] + at[0] * at[3 * h]);
        r->ref_c[(i * l->samples + l->n) * h + j] = l->now[j];
        l->next[j] = (1 - at[h]) * at[2 * h] + at[h] * l->now[j];
    }
}

/* The same with the reset before the product: r h in the fourth place. */
static void reset_forward(recurrence *r, loop *l, int64_t i)
{
    const int64_t h = l->h, row = row_of(r, l, i);
    double *at = l->at + i * 4 * h;
    for (int64_t j = 0; j < h; j++) {
        at[j] = sigma(r->x[row * 4 * h + j] + sum_of(r, l, j, l->now));
        at[h + j] = sigma(r->x[(row * 4 + 1) * h + j] + sum_of(r, l, h + j, l->now));
        at[3 * h + j] = at[j] * l->now[j];
        r->ref_c[(i * l->samples + l->n) * h + j] = l->now[j];
    }
    for (int64_t j = 0; j < h; j++) {
        at[2 * h + j] = tanh(r->x[(row * 4 + 2) * h + j] + sum_of(r, l, 2 * h + j, at + 3 * h));
        l->next[j] = (1 - at[h + j]) * at[2 * h + j] + at[h + j] * l->now[j];
    }
}

static void reset_backward(recurrence *r, loop *l, int64_t i, double *dh)
{
    const int64_t h = l->h, row = row_of(r, l, i);
    const double *g = l->at + i * 4 * h, *before = r->ref_c + (i * l->samples + l->n) * h;
    double *da = r->ref_da + row * 4 * h;
    for (int64_t j = 0; j < h; j++) {
        const double d = dh[j] + r->dy[row * h + j];
        da[2 * h + j] = d * (1 - g[h + j]) * (1 - g[2 * h + j] * g[2 * h + j]);
        da[h + j] = d * (before[j] - g[2 * h + j]) * g[h + j] * (1 - g[h + j]);
        dh[j] = d * g[h + j];
    }
    for (int64_t k = 0; k < h; k++) {
        double de = 0;
        for (int64_t j = 0; j < h; j++)
            de += da[2 * h + j] * r->r[(2 * h + j) * h + k];
        da[k] = de * before[k] * g[k] * (1 - g[k]);
        dh[k] += de * g[k];
    }
}

static void gru_backward(recurrence *r, loop *l, int64_t i, double *dh)
{
    const int64_t h = l->h, row = row_of(r, l, i);
    for (int64_t j = 0; j < h; j++) {
        const double *g = l->at + i * 4 * h + j, before = r->ref_c[(i * l->samples + l->n) * h + j];
        const double d = dh[j] + r->dy[row * h + j], dn = d * (1 - g[h]) * (1 - g[2 * h] * g[2 * h]);
        double *da = r->ref_da + row * 4 * h + j;
        da[0] = dn * g[3 * h] * g[0] * (1 - g[0]);
        da[h] = d * (before - g[2 * h]) * g[h] * (1 - g[h]);
        da[2 * h] = dn * g[0];
        da[3 * h] = dn;
        dh[j] = d * g[h];
    }
}

static void sample_by_loop(recurrence *r, int32_t n)
{
    const int gru = r->p.dialect.cell == ASSAY_GRU, before = is_before(r), gates = before ? 2 : gru ? 3 : 4;
    const int64_t h = r->p.h, steps = r->lens[n];
    double *state = calloc((size_t)(3 * h), sizeof *state), *dh = r->ref_dh0 + n * h;
    loop l = {h, n, r->p.n, steps, calloc((size_t)(steps * 4 * h) + 1, sizeof *l.at), state, state + h, state + 2 * h};
    for (int64_t j = 0; j < h; j++) {
        l.now[j] = r->h0[n * h + j];
        r->ref_c[n * h + j] = r->c0[n * h + j];
        dh[j] = r->dhn[n * h + j];
        l.dc[j] = r->dcn[n * h + j];
    }
    for (int64_t i = 0; i < steps; i++) {
        (before ? reset_forward : gru ? gru_forward : lstm_forward)(r, &l, i);
        memcpy(l.now, l.next, (size_t)h * sizeof *l.now);
        memcpy(r->ref_y + row_of(r, &l, i) * h, l.next, (size_t)h * sizeof *l.next);
    }
    for (int64_t i = steps - 1; i >= 0; i--) {
        const double *da = r->ref_da + row_of(r, &l, i) * 4 * h;
        (before ? reset_backward : gru ? gru_backward : lstm_backward)(r, &l, i, dh);
        for (int64_t k = 0; k < h; k++)
            for (int64_t j = 0; j < gates * h; j++)
                dh[k] += da[j] * r->r[j * h + k];
    }
    free(l.at);
    free(state);
}

void recurrence_by_loop(recurrence *r)
{
    for (int32_t n = 0; n < r->p.n; n++)
        sample_by_loop(r, n);
}

/* ---- by the kernels ---- */

static persistent_args args_of(recurrence *r)
{
    const int64_t slot = (int64_t)r->p.n * r->p.h;
    return (persistent_args){.way = {{.cell = {.lens = r->lens,
                                               .n = r->p.n,
                                               .h = r->p.h,
                                               .state = r->p.h,
                                               .gates = r->gates,
                                               .h_before = r->h + (r->reverse ? slot : 0),
                                               .h_after = r->h + (r->reverse ? 0 : slot),
                                               .c_before = r->c + (r->reverse ? slot : 0),
                                               .c_after = r->c + (r->reverse ? 0 : slot),
                                               .y = r->y,
                                               .y_pitch = r->p.h,
                                               .dy = r->dy,
                                               .dh = r->dh,
                                               .dc = r->dc,
                                               .da = r->da},
                                      .r = r->r,
                                      .reverse = r->reverse}},
                             .t = r->p.t,
                             .ranks = r->layout.ranks,
                             .units = r->layout.units,
                             .slice = r->layout.slice,
                             .order = r->order};
}

void recurrence_forward(recurrence *r, queue *q)
{
    const persistent_args a = args_of(r);
    const order_args o = {.n = r->p.n, .lens = r->lens, .order = r->order};
    const int64_t state = (int64_t)r->p.n * r->p.h, first = r->reverse ? r->p.t * state : 0;
    memcpy(r->gates, r->x, (size_t)(r->p.t * 4 * state) * sizeof *r->gates);
    memcpy(r->h + first, r->h0, (size_t)state * sizeof *r->h);
    memcpy(r->c + first, r->c0, (size_t)state * sizeof *r->c);
    cuda_over(q, KERNEL_order_rows, o.n, &o);
    cuda_persistent_send(q, &r->layout, &r->layout.forward, 1, &a);
}

void recurrence_backward(recurrence *r, queue *q)
{
    const persistent_args a = args_of(r);
    memcpy(r->dh, r->dhn, (size_t)(r->p.n * (int64_t)r->p.h) * sizeof *r->dh);
    memcpy(r->dc, r->dcn, (size_t)(r->p.n * (int64_t)r->p.h) * sizeof *r->dc);
    cuda_persistent_send(q, &r->layout, &r->layout.backward, 1, &a);
}
