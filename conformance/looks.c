/* looks.c: ways in which a tensor can be wrong by itself: unwritten, zero, scaled, shifted, permuted, another tensor.
 * SPDX-License-Identifier: MIT */
#include "conformance/suspect.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double exact = ASSAY_SUSPECT_EXACT;

/* ---- what needs no truth ---- */

/* The bits that fill memory before a run, as an element of them reads; arithmetic on them keeps them. */
static int is_fill(const assay_suspect *q, int64_t e)
{
    float narrow;
    double fill;
    memset(&narrow, 0xff, sizeof narrow);
    memset(&fill, 0xff, sizeof fill);
    if (q->s->p->arithmetic != ASSAY_FP64) fill = narrow;
    return memcmp(&fill, &q->got[e], sizeof fill) == 0;
}

static int is_nan(const assay_suspect *q, int64_t e)
{
    return isnan(q->got[e]);
}

static int is_wrongly_zero(const assay_suspect *q, int64_t e)
{
    return q->got[e] == 0 && assay_suspect_is_wrong(q, e);
}

static int is_wrongly_there(const assay_suspect *q, int64_t e)
{
    return q->truth[e] == 0 && !(q->got[e] == 0);
}

static int64_t count(const assay_suspect *q, assay_picks *picks)
{
    int64_t n = 0;
    for (int64_t k = 0; k < q->axes.elements; k++)
        n += picks(q, assay_axes_element(&q->axes, k)) != 0;
    return n;
}

/* 1 if all wrong elements are of this kind, and which they are. */
static int all_wrong_are(const assay_suspect *q, assay_picks *picks, const char *what, char *text, size_t size)
{
    char where[160];
    const int64_t wrong = count(q, assay_suspect_is_wrong);
    if (wrong == 0 || count(q, picks) != wrong) return 0;
    assay_suspect_where(q, picks, where, sizeof where);
    snprintf(text, size, "%s: %s", what, where);
    return 1;
}

static int unwritten(const assay_suspect *q, char *text, size_t size)
{
    return all_wrong_are(q, is_fill, "not written, or made of memory that nobody wrote", text, size);
}

static int no_number(const assay_suspect *q, char *text, size_t size)
{
    char where[160];
    if (!count(q, is_nan)) return 0;
    assay_suspect_where(q, is_nan, where, sizeof where);
    snprintf(text, size, "NaN: %s", where);
    return 1;
}

static int zero(const assay_suspect *q, char *text, size_t size)
{
    return all_wrong_are(q, is_wrongly_zero, "zero", text, size);
}

static int not_cleared(const assay_suspect *q, char *text, size_t size)
{
    return all_wrong_are(q, is_wrongly_there, "not zero where it has to be", text, size);
}

static int constant(const assay_suspect *q, char *text, size_t size)
{
    const double first = q->axes.elements > 3 ? q->got[0] : NAN;
    for (int64_t k = 0; k < q->axes.elements; k++)
        if (!(q->got[assay_axes_element(&q->axes, k)] == first)) return 0;
    snprintf(text, size, "the same number everywhere: %.4g", first);
    return 1;
}

/* ---- the truth with a factor or an offset ---- */

static void fill_scaled(const assay_suspect *q, double scale, double offset)
{
    for (int64_t e = 0; e < q->x.count; e++)
        q->alt[e] = q->truth[e] * scale + offset;
}

/* Steps that count, of all samples. */
static double valid_steps(const assay_suspect *q)
{
    double sum = 0;
    for (int32_t n = 0; n < q->s->p->n; n++)
        sum += assay_length(q->s->p, q->s->given, n);
    return sum;
}

/* The share of their labels that cross-entropy does not ignore. */
static double share_that_counts(const assay_suspect *q)
{
    const assay_problem *p = q->s->p;
    const int32_t *labels = q->s->given->at[ASSAY_LABELS];
    double counts = 0;
    if (!labels || p->op != ASSAY_OP_XENT || !p->dialect.xent_ignores) return 1;
    for (int32_t n = 0; n < p->n; n++)
        for (int32_t t = 0; t < assay_length(p, q->s->given, n); t++)
            counts += labels[assay_row_of(p, t, n)] != p->dialect.xent_ignore_index;
    return counts / valid_steps(q);
}

/* The factor of a least-squares fit, over what is finite. */
static double fit(const assay_suspect *q)
{
    double product = 0, square = 0;
    for (int64_t k = 0; k < q->axes.elements; k++) {
        const int64_t e = assay_axes_element(&q->axes, k);
        if (!isfinite(q->truth[e]) || !isfinite(q->got[e])) continue;
        product += q->got[e] * q->truth[e];
        square += q->truth[e] * q->truth[e];
    }
    return square > 0 ? product / square : NAN;
}

static int factor(const assay_suspect *q, char *text, size_t size)
{
    const assay_problem *p = q->s->p;
    const double steps = valid_steps(q), rows = (double)p->t * p->n, f = fit(q);
    const struct {
        double factor;
        const char *words;
    } known[] = {
        {-1, "-1: its sign is wrong"},
        {2, "2: counted twice"},
        {0.5, "1/2"},
        {p->t, "T"},
        {1.0 / p->t, "1/T"},
        {p->n, "N"},
        {1.0 / p->n, "1/N"},
        {rows, "T*N"},
        {1 / rows, "1/(T*N)"},
        {steps / rows, "the share of steps within their lengths"},
        {rows / steps, "T*N over the number of steps within their lengths"},
        {share_that_counts(q), "the share of rows that are not ignored"},
        {1 / share_that_counts(q), "1 over the share of rows that are not ignored"},
        {1.0 / p->classes, "1/V"},
        {p->classes, "V"},
        {1 - p->dialect.dropout, "1 - dropout"},
        {1 / (1 - p->dialect.dropout), "1 / (1 - dropout)"},
    };
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        if (!isfinite(known[k].factor) || known[k].factor == 1 || !(fabs(f / known[k].factor - 1) < 0.01)) continue;
        fill_scaled(q, known[k].factor, 0);
        if (!assay_suspect_is(q, q->alt, exact)) continue;
        snprintf(text, size, "the truth times %s", known[k].words);
        return 1;
    }
    return 0;
}

/* Any factor: of tensors with enough elements that it is no chance. */
static int scaled(const assay_suspect *q, char *text, size_t size)
{
    const double f = fit(q);
    int64_t there = 0;
    for (int64_t k = 0; k < q->axes.elements; k++)
        there += q->truth[assay_axes_element(&q->axes, k)] != 0;
    fill_scaled(q, f, 0);
    if (there < 4 || !(assay_suspect_is(q, q->alt, exact) || (there > 8 && assay_suspect_is(q, q->alt, 0.4)))) return 0;
    snprintf(text, size, "the truth times %.6g", f);
    return 1;
}

static int offset(const assay_suspect *q, char *text, size_t size)
{
    double sum = 0;
    int64_t there = 0; /* where the truth is not zero, which nothing is added to */
    for (int64_t k = 0; k < q->axes.elements; k++) {
        const int64_t e = assay_axes_element(&q->axes, k);
        if (q->truth[e] != 0) sum += q->got[e] - q->truth[e], there++;
    }
    if (there < 4) return 0;
    fill_scaled(q, 1, 0);
    for (int64_t e = 0; e < q->x.count; e++)
        if (q->truth[e] != 0) q->alt[e] += sum / (double)there;
    if (!assay_suspect_is(q, q->alt, exact)) return 0;
    snprintf(text, size, "the truth plus %.6g", sum / (double)there);
    return 1;
}

/* ---- the truth with its indices moved ---- */

/* alt at each index i of an axis is the truth at from[i]; NaN, which says nothing, where that is outside. */
static void fill_moved(const assay_suspect *q, const assay_axis *axis, const int32_t *from)
{
    for (int64_t k = 0; k < q->axes.elements; k++) {
        const int64_t e = assay_axes_element(&q->axes, k);
        const int32_t i = assay_axis_index(axis, e);
        const int inside = from[i] >= 0 && from[i] < axis->size;
        q->alt[e] = inside ? q->truth[e + (from[i] - i) * axis->step] : NAN;
    }
}

static int is_moved(const assay_suspect *q, const assay_axis *axis, const int32_t *from)
{
    fill_moved(q, axis, from);
    return assay_suspect_is(q, q->alt, exact);
}

#define MOST_INDICES 64

static int shifted(const assay_suspect *q, char *text, size_t size)
{
    const assay_axis *time = assay_axes_find(&q->axes, ASSAY_AXIS_TIME);
    int32_t from[MOST_INDICES];
    if (!time || time->size > MOST_INDICES) return 0;
    for (int by = -1; by <= 1; by += 2) {
        for (int t = 0; t < time->size; t++)
            from[t] = t + by;
        if (!is_moved(q, time, from)) continue;
        snprintf(text, size, "off by one step: at t the truth of t%+d", by);
        return 1;
    }
    return 0;
}

static int time_reversed(const assay_suspect *q, char *text, size_t size)
{
    const assay_axis *time = assay_axes_find(&q->axes, ASSAY_AXIS_TIME);
    const assay_axis *sample = assay_axes_find(&q->axes, ASSAY_AXIS_SAMPLE);
    for (int own = 0; own < 2 && time && sample; own++) {
        for (int64_t k = 0; k < q->axes.elements; k++) {
            const int64_t e = assay_axes_element(&q->axes, k);
            const int32_t t = assay_axis_index(time, e);
            const int32_t length = own ? assay_length(q->s->p, q->s->given, assay_axis_index(sample, e)) : time->size;
            q->alt[e] = t < length ? q->truth[e + (length - 1 - 2 * t) * time->step] : q->truth[e];
        }
        if (!assay_suspect_is(q, q->alt, exact)) continue;
        snprintf(text, size, "reversed in time%s", own ? ", each row within its own length" : "");
        return 1;
    }
    return 0;
}

/* got at index i of an axis compared with the truth at index j: the same within the floor? */
static int is_same_slice(const assay_suspect *q, const assay_axis *axis, int32_t i, int32_t j)
{
    double left = 0, size = 0;
    for (int64_t k = 0; k < q->axes.elements; k++) {
        const int64_t e = assay_axes_element(&q->axes, k);
        if (assay_axis_index(axis, e) != i) continue;
        const double r = q->truth[e + (j - i) * axis->step], d = q->got[e] - r;
        left += d * d;
        size += r * r;
    }
    return sqrt(left) <= 16 * fmax(q->floor.phi_row, 1e-15) * (sqrt(size) + 1e-3 * q->size);
}

/* Where each slice along an axis came from: found by looking at all. */
static int find_sources(const assay_suspect *q, const assay_axis *axis, int32_t *from)
{
    for (int32_t i = 0; i < axis->size; i++) {
        from[i] = is_same_slice(q, axis, i, i) ? i : -1;
        for (int32_t j = 0; from[i] < 0 && j < axis->size; j++)
            if (is_same_slice(q, axis, i, j)) from[i] = j;
        if (from[i] < 0) return 0;
    }
    return is_moved(q, axis, from);
}

static void say_sources(const assay_suspect *q, const assay_axis *axis, const int32_t *from, char *text, size_t size)
{
    static const char *const plural[ASSAY_AXIS_KINDS] = {
        "layers", "directions", "steps", "samples", "gates", "units", "columns", "inputs", "classes", "labels", "ids"};
    const assay_problem *p = q->s->p;
    int moved = 0, a = -1, b = -1, same = 1;
    char word[32];
    for (int i = 0; i < axis->size; i++) {
        same &= from[i] == from[0];
        if (from[i] == i) continue;
        moved++;
        if (a < 0) a = i;
        b = i;
    }
    if (same) {
        assay_axis_words(p, &q->x, axis->kind, from[0], word, sizeof word);
        snprintf(text, size, "all %s are those of %s", plural[axis->kind], word);
    } else if (moved == 2 && from[a] == b && from[b] == a && axis->kind == ASSAY_AXIS_GATE) {
        snprintf(text, size, "gates %s and %s swapped", assay_gate_letter(p, a, 0), assay_gate_letter(p, b, 0));
    } else if (axis->kind == ASSAY_AXIS_DIRECTION) {
        snprintf(text, size, "forward and reverse swapped");
    } else {
        size_t used = (size_t)snprintf(text, size, "%s permuted:", plural[axis->kind]);
        for (int i = 0; i < axis->size && used < size; i++) {
            assay_axis_words(p, &q->x, axis->kind, from[i], word, sizeof word);
            used += (size_t)snprintf(text + used, size - used, "%s", strrchr(word, ' '));
        }
    }
}

static int permuted(const assay_suspect *q, char *text, size_t size)
{
    int32_t from[MOST_INDICES];
    for (int k = 0; k < q->axes.count; k++) {
        const assay_axis *axis = &q->axes.at[k];
        if (axis->size < 2 || axis->size > MOST_INDICES) continue;
        if (q->axes.elements / axis->size < 2) continue; /* single numbers agree by chance */
        if (!find_sources(q, axis, from)) continue;
        say_sources(q, axis, from, text, size);
        return 1;
    }
    return 0;
}

/* Weights of each gate the other way round; time and batch exchanged in memory. */
static int transposed(const assay_suspect *q, char *text, size_t size)
{
    const assay_axis *unit = assay_axes_find(&q->axes, ASSAY_AXIS_UNIT);
    const assay_axis *column = assay_axes_find(&q->axes, ASSAY_AXIS_COLUMN);
    const assay_axis *time = assay_axes_find(&q->axes, ASSAY_AXIS_TIME);
    const assay_axis *sample = assay_axes_find(&q->axes, ASSAY_AXIS_SAMPLE);
    if (unit && column && unit->size == column->size) {
        for (int64_t k = 0; k < q->axes.elements; k++) {
            const int64_t e = assay_axes_element(&q->axes, k);
            const int32_t i = assay_axis_index(unit, e), j = assay_axis_index(column, e);
            q->alt[e] = q->truth[e + (j - i) * unit->step + (i - j) * column->step];
        }
        if (assay_suspect_is(q, q->alt, exact)) {
            snprintf(text, size, "transposed");
            return 1;
        }
    }
    if (!time || !sample || time->size < 2 || sample->size < 2) return 0;
    const int64_t row = time->step < sample->step ? time->step : sample->step;
    for (int64_t k = 0; k < q->axes.elements; k++) {
        const int64_t e = assay_axes_element(&q->axes, k);
        const int32_t t = assay_axis_index(time, e), n = assay_axis_index(sample, e);
        const int64_t turned = time->step > sample->step ? (int64_t)n * time->size + t : (int64_t)t * sample->size + n;
        const int64_t straight =
            time->step > sample->step ? (int64_t)t * sample->size + n : (int64_t)n * time->size + t;
        q->alt[e + (turned - straight) * row] = q->truth[e];
    }
    if (!assay_suspect_is(q, q->alt, exact)) return 0;
    snprintf(text, size, "time and batch exchanged");
    return 1;
}

/* ---- another tensor ---- */

static int another(const assay_suspect *q, char *text, size_t size)
{
    assay_tensor list[ASSAY_TENSORS];
    const assay_symptom *s = q->s;
    const int count_of = assay_tensors_of(s->p, list);
    for (int k = 0; k < count_of; k++) {
        const assay_tensor *x = &list[k];
        const double *other = s->o->truth.at[x->id] ? s->o->truth.at[x->id] : s->given->at[x->id];
        if (x->integer || x->id == q->x.id || !other || x->count != q->x.count || x->stride != q->x.stride) continue;
        if (q->axes.elements < 2 || !assay_suspect_is(q, other, exact)) continue;
        snprintf(text, size, "equal to %s", x->name);
        return 1;
    }
    return 0;
}

static const char *variant_name(int variant)
{
    static const struct {
        int variant;
        const char *name;
    } names[] = {{ASSAY_WITH_ALL, "these data with all cotangents"},
                 {ASSAY_WITH_DY, "dy alone"},
                 {ASSAY_WITH_DHN, "dhn alone"},
                 {ASSAY_WITH_DCN, "dcn alone"},
                 {ASSAY_WITH_SECOND, "the second cotangents"},
                 {ASSAY_WITH_OTHER, "the other data"}};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (names[k].variant == variant) return names[k].name;
    return "other cotangents";
}

/* What another run of the same check was to give, has come back or was added. */
static int stale(const assay_suspect *q, char *text, size_t size)
{
    static const struct {
        double own, other;
        const char *before, *after;
    } ways[] = {{0, 1, "stale: ", ", which another run of this check is about"},
                {1, 1, "", " was added to it"},
                {0, 2, "twice ", ""}};
    const assay_subject *s = q->s->subject;
    for (int k = 0; s && k < ASSAY_SUBJECT_ORACLES; k++) {
        const double *other = s->kept[k].used ? s->kept[k].oracle.truth.at[q->x.id] : NULL;
        if (!other || other == q->truth || q->axes.elements < 2) continue;
        for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
            for (int64_t e = 0; e < q->x.count; e++)
                q->alt[e] = ways[w].own * q->truth[e] + ways[w].other * other[e];
            if (!assay_suspect_is(q, q->alt, exact)) continue;
            snprintf(text, size, "%sthe truth of %s%s", ways[w].before, variant_name(s->kept[k].variant),
                     ways[w].after);
            return 1;
        }
    }
    return 0;
}

/* ---- the optimizer's step ---- */

static const double *before_step(const assay_suspect *q)
{
    static const int from[] = {ASSAY_PARAM_1, ASSAY_M_1, ASSAY_V_1}, to[] = {ASSAY_PARAM, ASSAY_M, ASSAY_V};
    for (int f = 0; f < 3; f++) {
        const int param = q->x.id - assay_tensor_id(from[f], 0);
        if (param >= 0 && param < ASSAY_MAX_PARAMS) return q->s->given->at[assay_tensor_id(to[f], param)];
    }
    return NULL;
}

/* A step that is too long or too short by a factor; with none, nothing was updated. */
static int step_scaled(const assay_suspect *q, char *text, size_t size)
{
    const assay_problem *p = q->s->p;
    const double *w = q->x.role == ASSAY_ROLE_UPDATED ? before_step(q) : NULL;
    const double m = 1 - pow(p->beta1, (double)q->s->step + 1), v = sqrt(1 - pow(p->beta2, (double)q->s->step + 1));
    const struct {
        double factor;
        const char *words;
    } known[] = {{0, "0: nothing was updated"},
                 {-1, "-1: uphill"},
                 {2, "2: made twice"},
                 {m, "1 - beta1^k: Adam without the bias correction of m"},
                 {1 / v, "1 / sqrt(1 - beta2^k): Adam without the bias correction of v"},
                 {m / v, "(1 - beta1^k) / sqrt(1 - beta2^k): Adam without bias correction"},
                 {1.0 / p->n, "1/N"},
                 {p->n, "N"}};
    for (size_t k = 0; w && k < sizeof known / sizeof *known; k++) {
        for (int64_t e = 0; e < q->x.count; e++)
            q->alt[e] = w[e] + known[k].factor * (q->truth[e] - w[e]);
        if (!assay_suspect_is(q, q->alt, exact)) continue;
        snprintf(text, size, "the step times %s", known[k].words);
        return 1;
    }
    return 0;
}

static const assay_look looks[] = {
    {1, unwritten},   {1, no_number},  {1, zero},    {1, not_cleared}, {1, constant},
    {1, step_scaled}, {0, stale},      {0, factor},  {0, shifted},     {0, time_reversed},
    {0, permuted},    {0, transposed}, {0, another}, {0, offset},      {0, scaled},
};

int assay_look_count(void)
{
    return (int)(sizeof looks / sizeof *looks);
}

const assay_look *assay_look_get(int index)
{
    return index >= 0 && index < assay_look_count() ? &looks[index] : NULL;
}
