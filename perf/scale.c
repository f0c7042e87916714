/* scale.c: points along an axis, and their lines.
 * SPDX-License-Identifier: MIT */
#include "perf/scale.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEND_LEAST  0.05 /* that one line must miss by before a bend is looked for */
#define BEND_FACTOR 0.5  /* of its residual, that two lines must stay below */
#define BEND_POINTS 5    /* two lines through four points would always fit */
#define LEAST_SIZE  1
#define SEPARATOR   ':' /* no documented id has one */

static const char *const names[ASSAY_AXES] = {
    [ASSAY_AXIS_T] = "t", [ASSAY_AXIS_N] = "n", [ASSAY_AXIS_H] = "h", [ASSAY_AXIS_THREADS] = "threads"};

const char *assay_axis_name(assay_axis axis)
{
    return names[axis];
}

int assay_axis_by_name(const char *name)
{
    for (int axis = 0; axis < ASSAY_AXES; axis++)
        if (!strcmp(name, names[axis])) return axis;
    return -1;
}

int assay_scale_is_point(const char *id)
{
    return strchr(id, SEPARATOR) != NULL;
}

/* ---- points ---- */

static int32_t documented_size(const assay_workload *w, assay_axis axis)
{
    const int32_t sizes[] = {w->problem.t, w->problem.n, w->problem.h, 0};
    return sizes[axis];
}

/* Strings of CTC need a frame for each label and each repeat, in the shortest row too. */
static int allowed(const assay_workload *w)
{
    const assay_problem *p = &w->problem;
    int32_t shortest = w->ragged ? p->t / 2 : p->t;
    return p->loss != ASSAY_LOSS_CTC || shortest >= 2 * p->max_label;
}

static void resize(assay_point *p, assay_axis axis, int32_t size)
{
    assay_problem *problem = &p->workload.problem;
    if (axis == ASSAY_AXIS_T) problem->t = size;
    if (axis == ASSAY_AXIS_H) problem->h = size;
    if (axis == ASSAY_AXIS_N) {
        if (problem->labels) problem->labels = problem->labels / problem->n * size;
        problem->n = size;
    }
    if (axis == ASSAY_AXIS_THREADS) p->threads = size;
}

static int add(const assay_workload *w, assay_axis axis, int32_t size, assay_point *out)
{
    *out = (assay_point){.workload = *w};
    snprintf(out->id, sizeof out->id, "%s", w->id);
    if (size != documented_size(w, axis))
        snprintf(out->id, sizeof out->id, "%s%c%s=%d", w->id, SEPARATOR, names[axis], (int)size);
    resize(out, axis, size);
    out->workload.id = out->id;
    return size >= LEAST_SIZE && allowed(&out->workload);
}

int assay_scale_points(const assay_workload *w, assay_axis axis, int32_t cores, assay_point *out)
{
    static const double shares[] = {0.125, 0.25, 0.5, 0.75, 1, 1.5};
    const int most = axis == ASSAY_AXIS_H ? 6 : 5;
    int count = 0;
    for (int k = 0; k < most && axis != ASSAY_AXIS_THREADS; k++)
        count += add(w, axis, (int32_t)(shares[k] * documented_size(w, axis)), &out[count]);
    for (int32_t threads = 1; axis == ASSAY_AXIS_THREADS && threads <= cores && count < ASSAY_MOST_POINTS;) {
        count += add(w, axis, threads, &out[count]);
        threads += threads < 4 ? 1 : threads < 8 ? 2 : threads;
    }
    for (int k = 0; k < count; k++)
        out[k].workload.id = out[k].id; /* a point that was overwritten has left its own address behind */
    return count;
}

/* ---- lines ---- */

/* Weights 1/y^2 turn squared residuals into relative ones. */
static assay_line line_of(const double *x, const double *y, int count)
{
    double w = 0, wx = 0, wy = 0, wxx = 0, wxy = 0;
    for (int k = 0; k < count; k++) {
        const double weight = 1 / (y[k] * y[k]);
        w += weight;
        wx += weight * x[k];
        wy += weight * y[k];
        wxx += weight * x[k] * x[k];
        wxy += weight * x[k] * y[k];
    }
    const double slope = (w * wxy - wx * wy) / (w * wxx - wx * wx);
    assay_line l = {(wy - slope * wx) / w, slope, 0};
    for (int k = 0; k < count; k++)
        l.worst = fmax(l.worst, fabs(l.a + l.b * x[k] - y[k]) / y[k]);
    return l;
}

static double residual(const assay_line *l, const double *x, const double *y, int count)
{
    double sum = 0;
    for (int k = 0; k < count; k++)
        sum += pow((l->a + l->b * x[k] - y[k]) / y[k], 2);
    return sum;
}

/* Does it miss a point by more than may be chance? */
static int misses(const assay_line *l, const double *x, const double *y, const double *noise, int count)
{
    int missed = 0;
    for (int k = 0; k < count; k++)
        missed |= fabs(l->a + l->b * x[k] - y[k]) / y[k] > fmax(BEND_LEAST, noise ? noise[k] : 0);
    return missed;
}

assay_fit assay_fit_of(const double *x, const double *y, const double *noise, int count)
{
    assay_fit f = {.all = {NAN, NAN, NAN}};
    if (count < 2) return f;
    f.all = line_of(x, y, count);
    if (count < BEND_POINTS || !misses(&f.all, x, y, noise, count)) return f;
    double best = BEND_FACTOR * BEND_FACTOR * residual(&f.all, x, y, count);
    for (int k = 2; k <= count - 2; k++) {
        const assay_line before = line_of(x, y, k), after = line_of(x + k, y + k, count - k);
        const double rest = residual(&before, x, y, k) + residual(&after, x + k, y + k, count - k);
        if (!(rest < best)) continue;
        best = rest;
        f.bend = k;
        f.before = before;
        f.after = after;
    }
    return f;
}

/* ---- from records ---- */

/* "b1.lstm-ce-short:t=25" -> its workload, axis and size; 0 where it is none of ours. */
static int read_point(const char *id, const assay_workload **base, int *axis, double *size)
{
    char text[64], *end = NULL;
    snprintf(text, sizeof text, "%s", id);
    char *separator = strchr(text, SEPARATOR), *equals = separator ? strchr(separator, '=') : NULL;
    if (!equals) return 0;
    *separator = *equals = 0;
    *base = assay_workload_by_id(text);
    *axis = assay_axis_by_name(separator + 1);
    *size = strtod(equals + 1, &end);
    return *base && *axis >= 0 && end != equals + 1 && !*end && *size >= LEAST_SIZE;
}

static assay_scaling *scaling_of(assay_scalings *s, const assay_workload *base, int axis, const assay_record *r)
{
    for (int32_t k = 0; k < s->count; k++) {
        assay_scaling *one = &s->at[k];
        if (one->base == base && one->axis == (assay_axis)axis &&
            !strcmp(one->any->implementation, r->implementation) && !strcmp(one->any->arithmetic, r->arithmetic))
            return one;
    }
    assay_scaling *more = realloc(s->at, ((size_t)s->count + 1) * sizeof *more);
    if (!more) return NULL;
    s->at = more;
    more[s->count] = (assay_scaling){.base = base, .axis = (assay_axis)axis, .any = r};
    return &more[s->count++];
}

static double line_x(const assay_scaling *s, const assay_record *r, double size)
{
    return s->axis == ASSAY_AXIS_H ? r->gflop : s->axis == ASSAY_AXIS_THREADS ? 1 / size : size;
}

/* In its place by size; a second one of the same size (another run) is left out. */
static void insert(assay_scaling *s, const assay_record *r, double size)
{
    int at = 0;
    while (at < s->count && s->size[at] < size)
        at++;
    if (s->count == ASSAY_MOST_POINTS || (at < s->count && s->size[at] == size)) return;
    for (int k = s->count++; k > at; k--) {
        s->size[k] = s->size[k - 1];
        s->x[k] = s->x[k - 1];
        s->at[k] = s->at[k - 1];
    }
    s->size[at] = size;
    s->x[at] = line_x(s, r, size);
    s->at[at] = r;
}

static void insert_documented(assay_scaling *s, const assay_records *list)
{
    const assay_record *r = assay_records_find(list, s->base->id, s->any->implementation, s->any->arithmetic, "step");
    if (r && s->axis != ASSAY_AXIS_THREADS) insert(s, r, documented_size(s->base, s->axis));
}

static void fit(assay_scaling *s)
{
    double x[ASSAY_MOST_POINTS], ms[ASSAY_MOST_POINTS], noise[ASSAY_MOST_POINTS];
    for (int k = 0; k < s->count; k++) {
        const int from = s->axis == ASSAY_AXIS_THREADS ? s->count - 1 - k : k; /* 1 / threads falls */
        x[k] = s->x[from];
        ms[k] = s->at[from]->median_ms;
        noise[k] = (s->at[from]->high_ms - s->at[from]->low_ms) / 2 / ms[k];
    }
    s->fit = assay_fit_of(x, ms, noise, s->count);
    if (s->axis == ASSAY_AXIS_THREADS) s->fit.bend = 0; /* too few, and of no use: the table shows the speed-up */
}

assay_status assay_scalings_make(const assay_records *list, assay_scalings *out)
{
    *out = (assay_scalings){0};
    for (int32_t k = 0; k < list->count; k++) {
        const assay_workload *base;
        int axis;
        double size;
        if (strcmp(list->at[k].phase, "step") || !read_point(list->at[k].workload, &base, &axis, &size)) continue;
        assay_scaling *s = scaling_of(out, base, axis, &list->at[k]);
        if (!s) {
            assay_scalings_free(out);
            return ASSAY_NO_MEMORY;
        }
        insert(s, &list->at[k], size);
    }
    for (int32_t k = 0; k < out->count; k++) {
        insert_documented(&out->at[k], list);
        fit(&out->at[k]);
    }
    return ASSAY_OK;
}

void assay_scalings_free(assay_scalings *s)
{
    free(s->at);
    *s = (assay_scalings){0};
}
