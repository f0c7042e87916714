/* case_data.c: the data of a case from (seed, id, tensor, index).
 * SPDX-License-Identifier: MIT */
#include "conformance/case_row.h"

#include "reference/data.h"

#include <math.h>
#include <stdio.h>

/* Distribution of one given tensor: normal or uniform, scale, mean. */
typedef struct recipe {
    int normal;
    double scale, mean;
} recipe;

static recipe recipe_of(const assay_problem *p, const assay_case_row *row, const assay_tensor *x, int state)
{
    double weight = p->h > 0 ? 1 / sqrt(p->h) : 1;
    int family = x->id < ASSAY_SLOTS ? -1 : (x->id - ASSAY_SLOTS) / ASSAY_MAX_PARAMS;
    recipe r = {1, 1, 0};
    if (x->id == ASSAY_X) r.scale = row->x_scale > 0 ? row->x_scale : 1;
    if (x->id == ASSAY_X && (p->op == ASSAY_OP_XENT || p->op == ASSAY_OP_CTC)) r.mean = row->offset;
    if (x->id == ASSAY_H0) r = (recipe){0, 0.9, 0};
    if (x->id == ASSAY_CLASS_WEIGHTS) r = (recipe){0, 0.5, 1};
    if (x->id == ASSAY_DLOSS) r = (recipe){0, 0.5, 1};
    if (family == ASSAY_PARAM) r = (recipe){0, weight, 0};
    if (family == ASSAY_M) r = (recipe){1, state ? 1e-2 : 0, 0};
    if (family == ASSAY_V) r = (recipe){0, state ? 5e-5 : 0, state ? 1e-4 : 0};
    return r;
}

static void fill_real(const assay_tensor *x, recipe r, uint64_t seed, uint64_t stream, double *out)
{
    size_t count = (size_t)x->count;
    if (r.normal) {
        assay_random_fill_normal(seed, stream, r.scale, out, count);
        for (size_t k = 0; r.mean != 0 && k < count; k++)
            out[k] += r.mean;
    } else
        assay_random_fill_uniform(seed, stream, r.mean - r.scale, r.mean + r.scale, out, count);
}

/* Zeros and ones, so that the share of zeros is `dropped`. */
static void fill_mask(const assay_tensor *x, double dropped, uint64_t seed, uint64_t stream, double *out)
{
    for (int64_t k = 0; k < x->count; k++)
        out[k] = assay_random_uniform(seed, stream, (uint64_t)k) >= dropped;
}

static int32_t below(uint64_t seed, uint64_t stream, uint64_t index, int32_t count)
{
    return (int32_t)(assay_random_uniform(seed, stream, index) * count);
}

/* CTC labels: any class but the blank, also behind padded strings, where one too many does not show by itself. With
 * repeats one of two classes; with distinct neighbours none equals the one before it. */
static void fill_ctc_labels(const assay_problem *p, int64_t count, int repeats, uint64_t seed, uint64_t stream,
                            int32_t *out)
{
    int32_t classes = p->classes - 1, usable = repeats == 1 && classes > 2 ? 2 : classes;
    for (int64_t k = 0; k < count; k++) {
        out[k] = repeats == 2 && k % 2 ? out[k - 1] : below(seed, stream, (uint64_t)k, usable);
        if (repeats < 0 && k > 0) out[k] = (out[k - 1] + 1 + below(seed, stream, (uint64_t)k, classes - 1)) % classes;
    }
    for (int64_t k = 0; k < count; k++)
        if (out[k] >= p->dialect.ctc_blank) out[k]++;
}

/* Class 2 of each three; neither the first class nor the one before it, which takes its labels, is a blank or masked.
 */
static int is_masked(int64_t class)
{
    return class % 3 == 2;
}

/* Lengths of a case's other data, through the same plan: short where they were long, so that nothing of the first ones
 * may be kept, the longest included. Rows that were all full stay so, since some implementations take no others; and
 * strings of CTC keep the frames that they need. */
static int32_t other_length(const assay_case_row *row, int ctc, int32_t n)
{
    const int32_t first = assay_row_length(row, n);
    if (row->ragged == ASSAY_ROWS_FULL || ctc) return row->t;
    return first < row->t ? row->t - first : (row->t + 1) / 2;
}

static void fill_integers(const assay_case_row *row, const assay_problem *p, const assay_tensor *x, int other,
                          uint64_t seed, uint64_t stream, int32_t *out)
{
    const int ctc = p->op == ASSAY_OP_CTC || p->loss == ASSAY_LOSS_CTC;
    for (int64_t k = 0; k < x->count; k++) {
        if (x->id == ASSAY_LENS)
            out[k] = other ? other_length(row, ctc, (int32_t)k) : assay_row_length(row, (int32_t)k);
        if (x->id == ASSAY_LABEL_LENS) out[k] = assay_row_label_length(row, (int32_t)k);
        if (x->id == ASSAY_IDS) out[k] = below(seed, stream, (uint64_t)k, p->vocab);
        if (x->id == ASSAY_LABELS && !ctc) out[k] = below(seed, stream, (uint64_t)k, p->classes);
    }
    const int all = row->data == ASSAY_DATA_IGNORED;
    for (int64_t k = !all; x->id == ASSAY_LABELS && !ctc && p->dialect.xent_ignores && k < x->count; k += all ? 1 : 3)
        out[k] = p->dialect.xent_ignore_index;
    if (x->id == ASSAY_LABELS && ctc) fill_ctc_labels(p, x->count, row->repeats, seed, stream, out);
    for (int64_t k = 0; x->id == ASSAY_LABELS && row->data == ASSAY_DATA_MASKED && k < x->count; k++)
        if (is_masked(out[k])) out[k]--;
}

/* Keeps the gradient alive over many steps: docs/workloads.md 1.4. */
static void add_offset(const assay_problem *p, double offset, assay_values *v)
{
    int slice = 1; /* f of i f g o, z of r z n */
    for (int q = 0; offset != 0 && q < p->layers * p->directions; q++) {
        double *b = v->at[assay_tensor_id(ASSAY_PARAM, ASSAY_RNN_PARAMS * q + ASSAY_B_IH)];
        for (int j = 0; b && j < p->h; j++)
            b[slice * p->h + j] += offset;
    }
}

/* Every step sees the first one's input with a tenth of its own: at a fixed point every step would make the same
 * rounding error, and errors that add up like that are no honest arithmetic's noise. */
static void hold(const assay_problem *p, double *x)
{
    int64_t step = (int64_t)p->n * p->i;
    for (int64_t k = step; k < p->t * step; k++)
        x[k] = x[k % step] + 0.1 * x[k];
}

/* Each element by a uniform number of its own: the quotient has no variance, and its largest of a few hundred stands
 * far above the rest. */
static void spread_tails(const assay_tensor *x, uint64_t seed, uint64_t stream, double *out)
{
    for (int64_t k = 0; k < x->count; k++)
        out[k] /= 1.0 / 1024 + assay_random_uniform(seed, stream + 1, (uint64_t)k);
}

static void scale_last_sample(const assay_problem *p, double factor, double *x, int64_t width)
{
    for (int32_t t = 0; t < p->t; t++)
        for (int64_t k = 0; k < width; k++)
            x[assay_row_of(p, t, p->n - 1) * width + k] *= factor;
}

/* 1: gate `slice` of the unit ends at 1, -1: at 0; as the bits of its number have it. 0: the candidate. */
static int end_of(const assay_problem *p, int64_t slice, int64_t unit)
{
    const int lstm = p->dialect.cell == ASSAY_LSTM;
    if (slice == 2) return 0;
    return unit >> (lstm && slice == 3 ? 2 : slice) & 1 ? 1 : -1;
}

/* Biases alone make up the arguments of a sample whose x and h0 are 0. */
static void put_at_ends(const assay_problem *p, const assay_tensor *x, int which, double *out)
{
    const double end = p->dialect.gate_activation == ASSAY_GATE_HARD_FIFTH ? 2.5 : 3;
    for (int64_t k = 0; k < x->count; k++) {
        const int64_t last = p->n - 1, state = x->dims[2], slice = k / p->h, unit = k % p->h;
        const int is_state = x->id == ASSAY_H0 || x->id == ASSAY_C0, at = is_state ? 0 : end_of(p, slice, unit);
        if (is_state && k / state % p->n != last) continue;
        if (x->id == ASSAY_H0) out[k] = 0;
        if (x->id == ASSAY_C0 && end_of(p, 0, k % state) < 0 && end_of(p, 1, k % state) > 0)
            out[k] = end_of(p, 3, k % state) * p->dialect.cell_clip;
        if (at && which == ASSAY_B_IH) out[k] = at * end - (slice == 1 ? p->dialect.forget_bias : 0);
        if (at && which == ASSAY_B_HH) out[k] = 0;
    }
}

/* What the row says of its data's shape, on one tensor that is filled. */
static void shape(const assay_case_row *row, const assay_problem *p, const assay_tensor *x, uint64_t seed,
                  uint64_t stream, double *out)
{
    const int param = x->id - assay_tensor_id(ASSAY_PARAM, 0), rows = p->layers * p->directions * ASSAY_RNN_PARAMS;
    const int which = param >= 0 && param < rows ? param % ASSAY_RNN_PARAMS : -1;
    if (x->id == ASSAY_X && row->data == ASSAY_DATA_HEAVY) spread_tails(x, seed, stream, out);
    if (x->id == ASSAY_X && row->data == ASSAY_DATA_OUTLIER) scale_last_sample(p, 256, out, x->row);
    if (x->id == ASSAY_X && (row->data == ASSAY_DATA_NOUGHT || row->data == ASSAY_DATA_ENDS))
        scale_last_sample(p, 0, out, x->row);
    if (row->data == ASSAY_DATA_ENDS) put_at_ends(p, x, which, out);
    for (int64_t k = 0;
         row->data == ASSAY_DATA_NOUGHT && (which == ASSAY_B_IH || which == ASSAY_B_HH) && k < x->count / 2; k++)
        out[k] = 0;
    for (int64_t k = 0; x->id == ASSAY_X && row->data == ASSAY_DATA_MASKED && k < x->count; k++)
        if (is_masked(k % p->classes)) out[k] = -INFINITY;
    for (int64_t k = 0; row->data == ASSAY_DATA_TINY && (which == ASSAY_W || which == ASSAY_R) && k < x->count; k++)
        out[k] = ldexp(out[k], -126);
}

static int32_t class_after(const assay_problem *p, int32_t class)
{
    do
        class = (class + 1) % p->classes;
    while (p->dialect.xent_ignores && class == p->dialect.xent_ignore_index);
    return class;
}

/* The class of some label that counts gets the weight 0, as that of padding often has, where another label's remains:
 * where all are one class, the last of them becomes another. */
static void drop_class(const assay_problem *p, assay_values *v)
{
    int32_t *labels = v->at[ASSAY_LABELS], first = -1, *last = NULL;
    double *weights = v->at[ASSAY_CLASS_WEIGHTS];
    assay_tensor x;
    if (!weights || !labels || !assay_tensor_find(p, ASSAY_LABELS, &x)) return;
    for (int32_t n = 0; n < p->n; n++)
        for (int32_t t = 0; t < (x.rank == 1 ? 1 : assay_length(p, v, n)); t++) {
            int32_t *label = &labels[x.rank == 1 ? n : assay_row_of(p, t, n)];
            if (p->dialect.xent_ignores && *label == p->dialect.xent_ignore_index) continue;
            if (first >= 0 && (!last || *last == first)) last = label;
            if (first < 0) first = *label;
        }
    if (!last) return;
    if (*last == first) *last = class_after(p, first);
    if (*last == first) return; /* there is no other class */
    weights[*last] = 0;
}

/* Every class that some label names gets the weight 0. */
static void drop_all_classes(const assay_problem *p, assay_values *v)
{
    const int32_t *labels = v->at[ASSAY_LABELS];
    double *weights = v->at[ASSAY_CLASS_WEIGHTS];
    assay_tensor x;
    if (!weights || !labels || !assay_tensor_find(p, ASSAY_LABELS, &x)) return;
    for (int64_t k = 0; k < x.count; k++)
        if (labels[k] >= 0 && labels[k] < p->classes) weights[labels[k]] = 0;
}

/* Adam's corrections at its first step, while they matter, and when they are next to none. */
static int64_t updates_before(const assay_case *c, uint64_t seed)
{
    static const int64_t counts[] = {0, 3, 20, 1000};
    return counts[assay_random_bits(seed, assay_stream_id(c->id, assay_stream_id("updates", 0)), 0) >> 62];
}

assay_status assay_row_fill(const assay_case *c, uint64_t seed, int state, assay_values *out, int64_t *step)
{
    const assay_case_row *row = c->source;
    const assay_problem *p = &c->problem;
    assay_tensor list[ASSAY_TENSORS];
    assay_status st = assay_values_make(p, ASSAY_ROLES_GIVEN, out);
    if (st != ASSAY_OK) return st;
    int count = assay_tensors_of(p, list);
    for (int k = 0; k < count; k++) {
        const assay_tensor *x = &list[k];
        char name[160];
        if (!out->at[x->id]) continue;
        snprintf(name, sizeof name, "%s/%d", c->id, x->id >= ASSAY_SLOTS ? state : 0);
        uint64_t stream = assay_stream_id(name, (uint64_t)x->id);
        if (x->integer)
            fill_integers(row, p, x, state == 2, seed, stream, out->at[x->id]);
        else if (x->id == ASSAY_MASK)
            fill_mask(x, p->dialect.dropout, seed, stream, out->at[x->id]);
        else {
            fill_real(x, recipe_of(p, row, x, state), seed, stream, out->at[x->id]);
            shape(row, p, x, seed, stream, out->at[x->id]);
        }
    }
    add_offset(p, row->offset, out);
    if (c->flags & ASSAY_CASE_HELD) hold(p, out->at[ASSAY_X]);
    if (c->flags & ASSAY_CASE_NO_STATE) {
        assay_values_drop(out, ASSAY_H0);
        assay_values_drop(out, ASSAY_C0);
    }
    if (c->flags & ASSAY_CASE_NO_CELL) assay_values_drop(out, ASSAY_C0);
    if (c->flags & ASSAY_CASE_NO_LENS) assay_values_drop(out, ASSAY_LENS);
    if (state == 2) { /* the other data of a case */
        assay_values_drop(out, ASSAY_H0);
        if (assay_random_bits(seed, assay_stream_id(c->id, assay_stream_id("c0", 0)), 0) >> 63)
            assay_values_drop(out, ASSAY_C0);
    }
    drop_class(p, out);
    if (row->data == ASSAY_DATA_WEIGHTLESS) drop_all_classes(p, out);
    assay_values_quantise(p, p->arithmetic, out);
    *step = state ? updates_before(c, seed) : 0;
    return ASSAY_OK;
}
