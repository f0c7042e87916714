/* diagnose.c: tries every hypothesis on every failing tensor and names the one that explains most.
 * SPDX-License-Identifier: MIT */
#include "conformance/diagnose.h"

#include "conformance/suspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SUSPECTS     64 /* failing tensors that are looked at */
#define MOST_EXPLANATIONS 48
#define SHOWN             2 /* explanations, of different tensors */

typedef struct explanation {
    char text[200];
    uint64_t tensors; /* which suspects it explains */
} explanation;

typedef struct bench {
    const assay_symptom *s;
    assay_suspect suspects[MOST_SUSPECTS];
    int suspect_count, held;
    explanation found[MOST_EXPLANATIONS];
    int found_count;
} bench;

static void add(bench *b, int suspect, const char *text)
{
    int k = 0;
    while (k < b->found_count && strcmp(b->found[k].text, text) != 0)
        k++;
    if (k == MOST_EXPLANATIONS) return;
    if (k == b->found_count) {
        snprintf(b->found[k].text, sizeof b->found[k].text, "%s", text);
        b->found_count++;
    }
    b->found[k].tensors |= 1ull << suspect;
}

static void look(bench *b, int first)
{
    for (int i = 0; i < assay_look_count(); i++) {
        if (assay_look_get(i)->first != first) continue;
        for (int k = 0; k < b->suspect_count; k++) {
            char text[sizeof b->found->text];
            if (assay_look_get(i)->holds(&b->suspects[k], text, sizeof text)) add(b, k, text);
        }
    }
}

static void imagine(bench *b)
{
    for (int i = 0; i < assay_world_count(); i++) {
        assay_world w;
        int made = 0;
        for (int variant = 0; (made = assay_world_make(b->s, i, variant, &w)) >= 0; variant++) {
            for (int k = 0; made && k < b->suspect_count; k++) {
                const double *other = w.truth.at[b->suspects[k].x.id];
                assay_tensor x;
                const int same =
                    other && assay_tensor_find(&w.p, b->suspects[k].x.id, &x) && x.count == b->suspects[k].x.count;
                if (same && assay_suspect_is(&b->suspects[k], other, w.share)) add(b, k, w.text);
            }
            assay_values_free(&w.truth);
        }
    }
}

static int count(uint64_t set)
{
    return __builtin_popcountll(set);
}

/* "y hn", at most four names. */
static size_t put_names(const bench *b, uint64_t set, char *text, size_t size)
{
    size_t used = 0;
    int named = 0;
    for (int k = 0; k < b->suspect_count && used < size; k++) {
        if (!(set >> k & 1)) continue;
        if (named++ < 4)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? " " : "", b->suspects[k].x.name);
    }
    if (named > 4 && used < size) used += (size_t)snprintf(text + used, size - used, " and %d more", named - 4);
    return used;
}

static const explanation *best(const bench *b, uint64_t left)
{
    const explanation *most = NULL;
    for (int k = 0; k < b->found_count; k++) {
        const int n = count(b->found[k].tensors & left);
        if (n > 0 && (!most || n > count(most->tensors & left))) most = &b->found[k];
    }
    return most;
}

/* The one that is wrong in the smallest part of itself, and where: it says most. */
static const assay_suspect *narrowest(const bench *b, uint64_t set, char *where, size_t size)
{
    const assay_suspect *found = NULL;
    double least = 2;
    for (int k = 0; k < b->suspect_count; k++) {
        const assay_suspect *q = &b->suspects[k];
        char text[160];
        if (!(set >> k & 1)) continue;
        const double share =
            (double)assay_suspect_where(q, assay_suspect_is_wrong, text, sizeof text) / (double)(q->axes.elements + 1);
        if (found && !(share > 0 && share < 0.9 * least)) continue;
        found = q;
        least = share;
        snprintf(where, size, "%s", text);
    }
    return found;
}

static int say(const bench *b, char *text, size_t size)
{
    uint64_t left = b->suspect_count == MOST_SUSPECTS ? ~0ull : (1ull << b->suspect_count) - 1;
    size_t used = 0;
    int shown = 0;
    for (const explanation *e; shown < SHOWN && left && (e = best(b, left)); left &= ~e->tensors) {
        if (shown++ && used < size) used += (size_t)snprintf(text + used, size - used, "; ");
        if (used < size) used += put_names(b, e->tensors & left, text + used, size - used);
        if (used < size) used += (size_t)snprintf(text + used, size - used, ": %s", e->text);
    }
    if (left && used < size) {
        char where[160];
        const assay_suspect *q = narrowest(b, left, where, sizeof where);
        used += (size_t)snprintf(text + used, size - used, "%s", shown ? "; " : "");
        if (used < size) used += put_names(b, left, text + used, size - used);
        if (used < size)
            used += (size_t)snprintf(text + used, size - used, ": not recognised; %s off by %.2g of its size, wrong %s",
                                     q->x.name, q->error, where);
    }
    if (b->held && used < size)
        snprintf(text + used, size - used, "; %d other%s", b->held, b->held == 1 ? " holds" : "s hold");
    return shown > 0;
}

/* 1 if got is not all that the truth is: what was compared and passed. */
static void collect(bench *b)
{
    assay_tensor list[ASSAY_TENSORS];
    const int n = assay_tensors_of(b->s->p, list);
    for (int k = 0; k < n; k++) {
        const int id = list[k].id;
        if (!b->s->got->at[id] || !b->s->o->truth.at[id] || !(ASSAY_ROLES_WANTED >> list[k].role & 1u)) continue;
        if (!b->s->failed[id])
            b->held++;
        else if (b->suspect_count < MOST_SUSPECTS &&
                 assay_suspect_make(b->s, &list[k], &b->suspects[b->suspect_count]) == ASSAY_OK)
            b->suspect_count++;
    }
}

int assay_diagnose(const assay_symptom *s, char *text, size_t size)
{
    const double usual = s->declared->accumulate == ASSAY_FP64 ? ASSAY_DIAGNOSE_MACS_FP64 : ASSAY_DIAGNOSE_MACS;
    const double most = s->most_macs > 0 ? s->most_macs : usual;
    int recognised = 0;
    text[0] = '\0';
    if (assay_macs_forward(s->p, NULL) > most) return 0;
    bench *b = calloc(1, sizeof *b);
    if (!b) return 0;
    b->s = s;
    collect(b);
    if (b->suspect_count) {
        look(b, 1);
        if (assay_world_is_home(s)) imagine(b);
        look(b, 0);
        recognised = say(b, text, size);
    }
    for (int k = 0; k < b->suspect_count; k++)
        free(b->suspects[k].alt);
    free(b);
    return recognised;
}
