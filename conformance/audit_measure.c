/* audit_measure.c: one tensor of two implementations: how far they part, of what kind the difference is, where it lies.
 * SPDX-License-Identifier: MIT */
#include "conformance/audit_side.h"

#include "conformance/arithmetic.h"
#include "conformance/locate.h"
#include "conformance/names.h"
#include "conformance/suspect.h"
#include "reference/tensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(ASSAY_AUDIT_SHARES == ASSAY_MOST_AXES, "a share for each axis");

#define LEAST_FOR_BIAS 8 /* elements: of fewer a mean and a spread say nothing */

/* A tensor on the bench. `moved` is the truth plus A - B, less what the two declare to part by: what is judged. */
typedef struct bench {
    const assay_subject *s;
    const assay_tensor *x;
    const double *got[2], *truth[2]; /* truth[k] = got[1] where none is known */
    double *moved;
    assay_floor floor, floor_side[2];
    assay_axes axes;
    int known, store;
    assay_audit_tensor *out;
} bench;

/* Is a's number b's number, too? Both infinite alike counts. */
static int is_same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* A - B without what both declare. NaN where it is no number. */
static double parted(const bench *b, int64_t e)
{
    const double d = b->got[0][e] == b->got[1][e] ? 0 : b->got[0][e] - b->got[1][e];
    if (b->truth[0] == b->truth[1] || b->truth[0][e] == b->truth[1][e]) return d;
    return d - (b->truth[0][e] - b->truth[1][e]);
}

static void sum_floors(bench *b)
{
    const assay_floor *f = b->floor_side;
    b->floor = (assay_floor){f[0].phi + f[1].phi, f[0].phi_row + f[1].phi_row, f[0].phi_element + f[1].phi_element,
                             f[0].row_sum + f[1].row_sum, 0};
}

/* ---- size and kind ---- */

static int bin_of(const bench *b, double x, double y)
{
    const int least = b->store == ASSAY_FP64   ? -1022
                      : b->store == ASSAY_FP16 ? -14
                                               : -126; /* smallest normal exponent */
    int exponent;
    if (is_same(x, y)) return 0;
    if (!isfinite(x) || !isfinite(y)) return ASSAY_AUDIT_BINS - 1;
    frexp(fmax(fabs(x), fabs(y)), &exponent);
    const double ulp = ldexp(2 * assay_unit_roundoff(b->store), exponent - 1 > least ? exponent - 1 : least);
    const double ulps = fabs(x - y) / ulp;
    int bin = 1;
    while (bin < ASSAY_AUDIT_BINS - 1 && ulps > ldexp(1, bin - 1))
        bin++;
    return bin;
}

static void weigh(bench *b)
{
    assay_audit_tensor *o = b->out;
    const double n = (double)b->axes.elements;
    double sum = 0, squares = 0, of[2] = {0, 0}, size = 0, apart = 0;
    for (int64_t k = 0; k < b->axes.elements; k++) {
        const int64_t e = assay_axes_element(&b->axes, k);
        const double d = parted(b, e), r = b->truth[0][e];
        o->ulps[bin_of(b, b->got[0][e], b->got[1][e])]++;
        o->same += is_same(b->got[0][e], b->got[1][e]);
        b->moved[e] = d == 0 ? r : r + d;
        if (isfinite(r)) size += r * r;
        sum += d;
        squares += d * d;
        for (int side = 0; side < 2 && b->known; side++)
            if (b->got[side][e] != b->truth[side][e])
                of[side] += (b->got[side][e] - b->truth[side][e]) * (b->got[side][e] - b->truth[side][e]);
        if (b->truth[0] != b->truth[1] && b->truth[0][e] != b->truth[1][e])
            apart += (b->truth[0][e] - b->truth[1][e]) * (b->truth[0][e] - b->truth[1][e]);
    }
    const double rms = size > 0 ? sqrt(size / n) : 1;
    o->elements = b->axes.elements;
    o->size = sqrt(size);
    o->error = size > 0 ? sqrt(squares) / o->size : squares > 0 ? INFINITY : 0;
    for (int side = 0; side < 2; side++)
        o->error_side[side] = b->known && size > 0 ? sqrt(of[side]) / o->size : NAN;
    o->declared = size > 0 ? sqrt(apart) / o->size : 0;
    o->mean = n > 0 ? sum / n / rms : 0;
    o->spread = n > 0 ? sqrt(fmax(0, squares / n - sum / n * (sum / n))) / rms : 0;
    o->bias = n < LEAST_FOR_BIAS ? NAN
              : o->spread > 0    ? fabs(o->mean) / o->spread * sqrt(n)
              : o->mean != 0     ? INFINITY
                                 : 0;
}

/* ---- where ---- */

/* The index with the largest part of the squared difference, along each axis. */
static assay_status find_shares(bench *b)
{
    for (int a = 0; a < b->axes.count; a++) {
        const assay_axis *axis = &b->axes.at[a];
        double *parts = calloc((size_t)axis->size + 1, sizeof *parts), all = 0;
        if (!parts) return ASSAY_NO_MEMORY;
        for (int64_t k = 0; k < b->axes.elements; k++) {
            const int64_t e = assay_axes_element(&b->axes, k);
            const double d = parted(b, e), square = isfinite(d) ? d * d : 1e300;
            parts[assay_axis_index(axis, e)] += square;
            all += square;
        }
        int most = 0;
        for (int i = 1; i < axis->size; i++)
            if (parts[i] > parts[most]) most = i;
        if (all > 0 && axis->size > 1) {
            assay_audit_share *s = &b->out->share[b->out->share_count++];
            s->kind = axis->kind;
            s->index = most;
            s->share = isfinite(all) ? parts[most] / all : 1;
            assay_axis_words(&b->s->p, b->x, axis->kind, most, s->words, sizeof s->words);
        }
        free(parts);
    }
    return ASSAY_OK;
}

/* ---- when ---- */

/* In which order the steps of a half are computed: gradients from the last one back, the reverse direction too. What
 * two directions made together, or several layers of them, begins at both ends. */
static int is_from_end(const assay_problem *p, const assay_tensor *x, int half)
{
    if (p->directions == 2) return x->id == ASSAY_Y && half == 1;
    return x->role == ASSAY_ROLE_GRADIENT;
}

static int comes_before(const assay_audit_tensor *o, int half, int32_t step, int32_t known)
{
    return known < 0 || (o->from_end[half] ? step > known : step < known);
}

static double apart(double a, double b)
{
    return is_same(a, b) ? 0 : a - b;
}

static void add_square(double *sum, double d)
{
    *sum += isfinite(d) ? d * d : INFINITY;
}

/* Squares to ratios: the error of a step over the truth's size at that very step, since gradients fade with time. A
 * step whose truth is 0 says nothing unless something is off there. */
static void relate(assay_audit_tensor *o, const double *sizes, int known)
{
    const int64_t points = (int64_t)o->halves * o->steps;
    double most = 0;
    for (int64_t k = 0; k < ASSAY_AUDIT_CURVES * points; k++) {
        const double size = sizes[k % points], square = o->curve[k];
        o->curve[k] = (k >= points && !known) || (size == 0 && square == 0) ? NAN : sqrt(square / size);
        if (k >= points || !(o->curve[k] > most)) continue;
        most = o->curve[k];
        o->worst_step = (int32_t)(k % o->steps);
    }
}

static assay_status follow(bench *b, const assay_suspect *q)
{
    assay_audit_tensor *o = b->out;
    const assay_axis *time = assay_axes_find(&b->axes, ASSAY_AXIS_TIME);
    const assay_axis *half = assay_axes_find(&b->axes, ASSAY_AXIS_DIRECTION);
    if (!time || time->size == 0) return ASSAY_OK;
    o->steps = time->size;
    o->halves = half ? half->size : 1;
    const int64_t points = (int64_t)o->halves * o->steps;
    double *sizes = calloc((size_t)points + 1, sizeof *sizes);
    o->curve = calloc((size_t)(ASSAY_AUDIT_CURVES * points), sizeof *o->curve);
    if (!o->curve || !sizes) {
        free(sizes);
        return ASSAY_NO_MEMORY;
    }
    for (int h = 0; h < o->halves; h++) {
        o->from_end[h] = is_from_end(&b->s->p, b->x, h);
        o->first_bit[h] = o->wrong[h] = -1;
    }
    for (int64_t k = 0; k < b->axes.elements; k++) {
        const int64_t e = assay_axes_element(&b->axes, k);
        const int32_t t = assay_axis_index(time, e), h = half ? assay_axis_index(half, e) : 0;
        const int64_t at = (int64_t)h * o->steps + t;
        if (isfinite(b->truth[0][e])) sizes[at] += b->truth[0][e] * b->truth[0][e];
        add_square(&o->curve[ASSAY_AUDIT_PAIR * points + at], parted(b, e));
        add_square(&o->curve[ASSAY_AUDIT_A * points + at], apart(b->got[0][e], b->truth[0][e]));
        add_square(&o->curve[ASSAY_AUDIT_B * points + at], apart(b->got[1][e], b->truth[1][e]));
        if (!is_same(b->got[0][e], b->got[1][e]) && comes_before(o, h, t, o->first_bit[h])) o->first_bit[h] = t;
        if (assay_suspect_is_wrong(q, e) && comes_before(o, h, t, o->wrong[h])) o->wrong[h] = t;
    }
    relate(o, sizes, b->known);
    free(sizes);
    return ASSAY_OK;
}

/* ---- the whole ---- */

/* The pair as a suspect: `moved` for the truth under the sum of both floors. */
static assay_status place(bench *b)
{
    assay_values moved = {{0}};
    assay_oracle o;
    assay_suspect q;
    memset(&o, 0, sizeof o);
    moved.at[b->x->id] = b->moved;
    o.truth.at[b->x->id] = (void *)b->truth[0];
    o.floor[b->x->id] = b->floor;
    const assay_symptom s = {.p = &b->s->p, .given = &b->s->given, .got = &moved, .o = &o};
    assay_status st = assay_suspect_make(&s, b->x, &q);
    if (st == ASSAY_OK) st = follow(b, &q);
    if (st == ASSAY_OK && b->out->pair.verdict == ASSAY_VERDICT_FAIL)
        assay_suspect_where(&q, assay_suspect_is_wrong, b->out->where, sizeof b->out->where);
    free(q.alt);
    return st;
}

static assay_finding judge(const bench *b, const assay_metric *m, const double *got, const double *truth,
                           const assay_floor *floor, double bound, int64_t *worst)
{
    assay_distance d;
    assay_distance_measure(m, got, truth, &d);
    const int64_t none = b->known ? d.not_finite : d.truth_nan >= 0 ? d.truth_nan : d.not_finite;
    *worst = none >= 0 ? none : d.element_at;
    if (!b->known && none >= 0) return assay_finding_exact(b->x->name, "finite", 0, none); /* no truth to blame */
    if (!assay_names_hold(b->s->c->ungated, ' ', b->x->name))
        return assay_finding_judge(b->x->name, m, &d, floor, b->store, bound);
    const int64_t at = d.not_finite >= 0 ? d.not_finite : d.not_zero;
    assay_finding f = assay_finding_exact(b->x->name, at < 0 ? "ungated" : "finite", at < 0, at);
    if (at < 0) f.verdict = ASSAY_VERDICT_ILL_POSED;
    return f;
}

static assay_status look(bench *b, const assay_arithmetic declared[2])
{
    assay_metric m;
    unsigned char *zero = NULL;
    int64_t worst = -1, unused;
    const double bounds[2] = {assay_floor_bound(&b->s->p, &declared[0]), assay_floor_bound(&b->s->p, &declared[1])};
    assay_status st = assay_metric_make(&b->s->p, &b->s->given, b->x, &m, &zero);
    if (st != ASSAY_OK) return st;
    weigh(b);
    b->out->pair = judge(b, &m, b->moved, b->truth[0], &b->floor, bounds[0] + bounds[1], &worst);
    for (int side = 0; side < 2 && b->known; side++)
        b->out->side[side] = judge(b, &m, b->got[side], b->truth[side], &b->floor_side[side], bounds[side], &unused);
    free(zero);
    assay_locate(&b->s->p, &b->s->given, b->x, worst, b->out->worst, sizeof b->out->worst);
    snprintf(b->out->pair.place, sizeof b->out->pair.place, "%.95s", b->out->worst);
    st = find_shares(b);
    return st == ASSAY_OK ? place(b) : st;
}

assay_status assay_audit_measure(const assay_subject *s, const assay_tensor *x, const assay_arithmetic declared[2],
                                 const assay_audit_results r[2], assay_audit_tensor *out)
{
    const int stepped = x->role == ASSAY_ROLE_UPDATED;
    const int wider = assay_unit_roundoff(declared[0].store) < assay_unit_roundoff(declared[1].store);
    bench b = {.s = s, .x = x, .store = declared[wider].store, .out = out};
    memset(out, 0, sizeof *out);
    snprintf(out->name, sizeof out->name, "%s", x->name);
    out->id = x->id;
    out->role = x->role;
    out->worst_step = -1;
    for (int side = 0; side < 2; side++) {
        const assay_oracle *o = stepped ? &r[side].step : r[side].o;
        b.got[side] = r[side].got.at[x->id];
        b.truth[side] = o ? o->truth.at[x->id] : NULL;
        b.floor_side[side] = stepped ? r[side].step.floor[x->id] : r[side].floor[x->id];
    }
    b.known = b.truth[0] && b.truth[1];
    for (int side = 0; side < 2; side++) {
        if (!b.known) b.truth[side] = b.got[1];
        b.floor_side[side] = assay_floor_at(&b.floor_side[side], assay_norm(b.truth[side], x->count));
        out->floor_side[side] = b.floor_side[side].phi;
    }
    sum_floors(&b);
    out->floor = b.floor.phi;
    assay_axes_of(&s->p, x, &b.axes);
    b.moved = calloc((size_t)x->count + 1, sizeof *b.moved);
    if (!b.moved) return ASSAY_NO_MEMORY;
    const assay_status st = look(&b, declared);
    free(b.moved);
    return st;
}

/* Root mean square over `count` steps from `from` on of those that say something; NaN if none does. */
static double mean_over(const assay_audit_tensor *x, int curve, int half, int from, int count)
{
    double sum = 0;
    int counted = 0;
    for (int k = from; k < from + count; k++) {
        const double e = assay_audit_at(x, curve, half, k);
        if (isnan(e)) continue;
        sum += e * e;
        counted++;
    }
    return counted ? sqrt(sum / counted) : NAN;
}

void assay_audit_growth(const assay_audit_tensor *x, int curve, int half, double *first, double *last)
{
    const int tenth = x->steps >= 20 ? x->steps / 10 : 1, back = x->from_end[half], end = x->steps - tenth;
    *first = x->steps > 0 ? mean_over(x, curve, half, back ? end : 0, tenth) : NAN;
    *last = x->steps > 0 ? mean_over(x, curve, half, back ? 0 : end, tenth) : NAN;
}
