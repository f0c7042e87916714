/* suspect.c: a failing tensor compared with what it might be, and the places where it is wrong, in words.
 * SPDX-License-Identifier: MIT */
#include "conformance/suspect.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* (a-b)^2; 0 for the same infinity, infinite where they can't be compared. */
static double square(double a, double b)
{
    if (a == b) return 0;
    const double d = (a - b) * (a - b);
    return isfinite(d) ? d : INFINITY;
}

assay_status assay_suspect_make(const assay_symptom *s, const assay_tensor *x, assay_suspect *out)
{
    double sum = 0, error = 0;
    memset(out, 0, sizeof *out);
    out->s = s;
    out->x = *x;
    assay_axes_of(s->p, x, &out->axes);
    out->got = s->got->at[x->id];
    out->truth = s->o->truth.at[x->id];
    for (int64_t k = 0; k < out->axes.elements; k++) {
        const int64_t e = assay_axes_element(&out->axes, k);
        const double r = out->truth[e];
        if (isfinite(r)) sum += r * r;
        error += square(out->got[e], r);
    }
    out->size = sqrt(sum);
    out->error = sqrt(error) / out->size;
    out->rms = sqrt(sum / fmax(1, (double)out->axes.elements));
    out->floor = assay_floor_at(&s->o->floor[x->id], out->size);
    out->alt = malloc(((size_t)x->count + 1) * sizeof *out->alt);
    return out->alt ? ASSAY_OK : ASSAY_NO_MEMORY;
}

int assay_suspect_is(const assay_suspect *q, const double *alt, double share)
{
    const double room = 16; /* times the floor: what four limits leave */
    const double small = 0.05;
    double left = 0, explained = 0, silent = 0, size = 0;
    for (int64_t k = 0; k < q->axes.elements; k++) {
        const int64_t e = assay_axes_element(&q->axes, k);
        const double was = square(q->got[e], q->truth[e]);
        if (isnan(alt[e])) {
            silent += was;
            continue;
        }
        explained += was;
        left += square(q->got[e], alt[e]);
        if (isfinite(alt[e])) size += alt[e] * alt[e];
    }
    if (!(explained > 0) || !(explained >= silent)) return 0;
    const double allowed = room * fmax(q->floor.phi, 1e-15) * fmax(sqrt(size), q->size);
    if (!isfinite(left) || !(sqrt(left) <= share * sqrt(explained))) return 0;
    return share > ASSAY_SUSPECT_EXACT ? q->error < small : sqrt(left) <= allowed;
}

int assay_suspect_is_wrong(const assay_suspect *q, int64_t e)
{
    const double limit = fmax(32 * q->floor.phi, 4 * q->floor.phi_element);
    const double d = q->got[e] - q->truth[e];
    if (q->got[e] == q->truth[e]) return 0;
    return !(fabs(d) <= limit * (fabs(q->truth[e]) + q->rms));
}

/* ---- where ---- */

/* Along one axis: how many elements are picked at each index, of how many. */
typedef struct spread {
    const assay_axis *axis;
    int64_t *picked, *there; /* (size): elements picked; those that could be, being picked or not zero in truth */
    int touched, able;       /* indices with a pick; with an element that could be */
    int first, last;         /* of those touched */
} spread;

static int spread_make(const assay_suspect *q, const assay_axis *axis, assay_picks *picks, spread *out)
{
    *out = (spread){.axis = axis, .first = -1, .last = -1};
    out->picked = calloc(2 * (size_t)axis->size + 1, sizeof *out->picked);
    if (!out->picked) return 0;
    out->there = out->picked + axis->size;
    for (int64_t k = 0; k < q->axes.elements; k++) {
        const int64_t e = assay_axes_element(&q->axes, k);
        const int picked = picks(q, e), i = assay_axis_index(axis, e);
        out->picked[i] += picked;
        out->there[i] += picked || q->truth[e] != 0;
    }
    for (int i = 0; i < axis->size; i++) {
        out->able += out->there[i] > 0;
        if (!out->picked[i]) continue;
        if (out->first < 0) out->first = i;
        out->last = i;
        out->touched++;
    }
    return 1;
}

/* 1 if the picked samples are exactly those of one length: shorter than T, empty, full. */
static const char *kind_of_samples(const assay_suspect *q, const spread *s)
{
    static const char *const words[] = {"samples shorter than T", "empty samples", "samples of full length",
                                        "samples that are not empty"};
    int fits[] = {1, 1, 1, 1};
    for (int n = 0; n < s->axis->size; n++) {
        const int32_t length = assay_length(q->s->p, q->s->given, n);
        const int is[] = {length<q->s->p->t, length == 0, length == q->s->p->t, length> 0};
        for (int k = 0; k < 4; k++)
            fits[k] &= is[k] == (s->picked[n] > 0);
    }
    for (int k = 0; k < 4; k++)
        if (fits[k]) return words[k];
    return NULL;
}

/* The indices of one axis in words; "" where all are touched, or too many without an order in them. */
static void say(const assay_suspect *q, const spread *s, char *text, size_t size)
{
    const assay_problem *p = q->s->p;
    const int run = s->last - s->first + 1 == s->touched;
    char word[32];
    text[0] = '\0';
    if (s->touched >= s->able) return;
    const char *samples = s->axis->kind == ASSAY_AXIS_SAMPLE && s->touched > 1 ? kind_of_samples(q, s) : NULL;
    assay_axis_words(p, &q->x, s->axis->kind, s->first, word, sizeof word);
    if (samples) {
        snprintf(text, size, "%s", samples);
    } else if (run && s->touched > 1 && s->last == s->axis->size - 1) {
        snprintf(text, size, "from %s on", word);
    } else if (run && s->touched > 2) {
        char last[32];
        assay_axis_words(p, &q->x, s->axis->kind, s->last, last, sizeof last);
        snprintf(text, size, "%s to %s", word, last);
    } else if (s->touched <= 4) {
        size_t used = 0;
        for (int i = s->first; i <= s->last && used < size; i++) {
            if (!s->picked[i]) continue;
            assay_axis_words(p, &q->x, s->axis->kind, i, word, sizeof word);
            const char *bare = strrchr(word, ' ');
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? " " : "",
                                     used && bare && s->axis->kind != ASSAY_AXIS_DIRECTION ? bare + 1 : word);
        }
    }
}

static int is_padding(const assay_suspect *q, int64_t e)
{
    const assay_axis *time = assay_axes_find(&q->axes, ASSAY_AXIS_TIME);
    const assay_axis *sample = assay_axes_find(&q->axes, ASSAY_AXIS_SAMPLE);
    if (!time || !sample) return 0;
    return assay_axis_index(time, e) >= assay_length(q->s->p, q->s->given, assay_axis_index(sample, e));
}

int64_t assay_suspect_where(const assay_suspect *q, assay_picks *picks, char *text, size_t size)
{
    int64_t picked = 0, padded = 0, able = 0, first = -1;
    size_t used = 0;
    for (int64_t k = 0; k < q->axes.elements; k++) {
        const int64_t e = assay_axes_element(&q->axes, k);
        able += picks(q, e) || q->truth[e] != 0;
        if (!picks(q, e)) continue;
        if (first < 0) first = e;
        picked++;
        padded += is_padding(q, e);
    }
    text[0] = '\0';
    if (picked == able && !(picked > 0 && padded == picked)) {
        snprintf(text, size, "everywhere");
        return picked;
    }
    if (picked == 0) {
        snprintf(text, size, "in no element by itself");
        return picked;
    }
    if (picked > 0 && padded == picked) {
        snprintf(text, size, "past the lengths of samples");
        return picked;
    }
    for (int k = 0; picked > 1 && k < q->axes.count && used + 1 < size; k++) {
        spread s;
        char words[80] = "";
        if (!spread_make(q, &q->axes.at[k], picks, &s)) continue;
        say(q, &s, words, sizeof words);
        free(s.picked);
        if (words[0]) used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", words);
    }
    if (picked > 0 && !used && picked * 5 >= able * 4) {
        snprintf(text, size, "almost everywhere");
    } else if (picked > 0 && !used) {
        char at[120];
        assay_locate(q->s->p, q->s->given, &q->x, first, at, sizeof at);
        snprintf(text, size, "%lld of %lld elements, first at %s", (long long)picked, (long long)q->axes.elements, at);
    }
    return picked;
}
