/* certify_paths.c: CTC against its definition: all K^T paths are walked, each collapsed to its label string. Shares no
 * code with ctc.c. docs/semantics.md 1.8, I7
 * SPDX-License-Identifier: MIT */
#include "reference/certify_parts.h"

#include "reference/reference.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { K = 3, FRAMES = 6, STRINGS = 127 }; /* of two labels there are 2^(T+1) - 1 strings of at most T */

/* Whose meaning of a path. */
static const struct meaning {
    const char *name;
    int kept, collapse, log_probs;
} meanings[] = {{"", 0, 0, 0}, {".repeats-kept", 1, 0, 0}, {".collapse", 0, 1, 0}, {".log-probs", 0, 0, 1}};
enum { MEANINGS = sizeof meanings / sizeof *meanings };

/* What the enumeration finds of one label string: its probability, and how much of it puts class k at frame t. */
typedef struct string {
    int length, labels[FRAMES];
    _Float128 p, occupancy[FRAMES][K];
} string;

/* Strings in order of length, then of their labels as binary digits: length L has the numbers from 2^L - 1. */
static int number_of(int length, const int *labels, int blank)
{
    int digits = 0;
    for (int k = 0; k < length; k++)
        digits = 2 * digits + ((labels[k] - blank + K) % K - 1);
    return (1 << length) - 1 + digits;
}

static void list_strings(int count, int blank, string *out)
{
    memset(out, 0, (size_t)count * sizeof *out);
    for (int s = 0; s < count; s++) {
        int length = 0;
        while ((2 << length) - 1 <= s)
            length++;
        out[s].length = length;
        for (int k = 0; k < length; k++)
            out[s].labels[k] = (blank + 1 + ((s + 1 - (1 << length)) >> (length - 1 - k) & 1)) % K;
    }
}

/* The string that another one means where equal neighbours are merged first. */
static int merged(const string *s, int blank)
{
    int labels[FRAMES], length = 0;
    for (int k = 0; k < s->length; k++)
        if (k == 0 || s->labels[k] != s->labels[k - 1]) labels[length++] = s->labels[k];
    return number_of(length, labels, blank);
}

/* y from logits, or from log-probabilities as they are. */
static void probabilities(const double *z, int log_probs, _Float128 *y)
{
    _Float128 sum = 0;
    for (int k = 0; k < K; k++)
        sum += expf128((_Float128)z[k]);
    for (int k = 0; k < K; k++)
        y[k] = expf128((_Float128)z[k]) / (log_probs ? 1 : sum);
}

static void walk(int frames, int blank, int kept, _Float128 y[FRAMES][K], string *strings)
{
    int paths = 1;
    for (int t = 0; t < frames; t++)
        paths *= K;
    for (int path = 0; path < paths; path++) {
        int at[FRAMES], labels[FRAMES], length = 0, rest = path;
        _Float128 p = 1;
        for (int t = 0; t < frames; t++, rest /= K) {
            at[t] = rest % K;
            p *= y[t][at[t]];
            if (at[t] != blank && (kept || t == 0 || at[t] != at[t - 1])) labels[length++] = at[t];
        }
        string *s = &strings[number_of(length, labels, blank)];
        s->p += p;
        for (int t = 0; t < frames; t++)
            s->occupancy[t][at[t]] += p;
    }
}

/* All strings at once: a batch whose samples have the same logits and each its own labels. */
static void compare(assay_proofs *c, assay_specimen *s, const struct meaning *m, const string *strings,
                    _Float128 y[FRAMES][K])
{
    const int n = s->p.n;
    const double *loss_d = s->d[ASSAY_LOSS_ROWS], *grad_d = s->d[ASSAY_DX];
    const _Float128 *loss = s->q[ASSAY_LOSS_ROWS], *grad = s->q[ASSAY_DX];
    double p_quad = 0, p_double = 0, g_quad = 0, g_double = 0;
    _Float128 total = 0, walked = 0;
    for (int k = 0; k < n; k++) {
        const string *w = &strings[m->collapse ? merged(&strings[k], s->p.dialect.ctc_blank) : k];
        total += expf128(-loss[k]);
        walked += w->p;
        p_quad = fmax(p_quad, (double)fabsf128(expf128(-loss[k]) - w->p) / (w->p > 0 ? (double)w->p : 1));
        p_double =
            fmax(p_double, (double)fabsf128(expf128(-(_Float128)loss_d[k]) - w->p) / (w->p > 0 ? (double)w->p : 1));
        if (w->p == 0 && !(isinf(loss_d[k]) && loss_d[k] > 0)) p_double = INFINITY;
        for (int t = 0; t < s->p.t; t++)
            for (int j = 0; j < K; j++) {
                const _Float128 g = w->p > 0 ? (m->log_probs ? 0 : y[t][j]) - w->occupancy[t][j] / w->p : 0;
                const int64_t at = ((int64_t)t * n + k) * K + j;
                g_quad = fmax(g_quad, (double)fabsf128(grad[at] - g));
                g_double = fmax(g_double, (double)fabsf128(grad_d[at] - g));
            }
    }
    assay_prove(c, "exp(-loss)", "all paths, quad", p_quad, 1e-30);
    assay_prove(c, "exp(-loss)", "all paths, double", p_double, 1e-13);
    assay_prove(c, "dx", "all paths, quad, absolute", g_quad, 1e-30);
    assay_prove(c, "dx", "all paths, double, absolute", g_double, 1e-13);
    if (m->collapse || m->log_probs) return; /* several strings mean the same; the paths don't sum to 1 */
    assay_prove(c, "sum of exp(-loss)", "all label strings sum to 1", (double)fabsf128(total - 1), 1e-30);
    assay_prove(c, "sum of all paths", "all label strings sum to 1", (double)fabsf128(walked - 1), 1e-30);
}

static void certify_frames(assay_proofs *c, const struct meaning *m, int frames, int blank)
{
    string strings[STRINGS];
    _Float128 y[FRAMES][K];
    assay_problem p;
    assay_specimen s;
    memset(&p, 0, sizeof p);
    p.op = ASSAY_OP_CTC;
    p.t = frames;
    p.n = (2 << frames) - 1;
    p.classes = K;
    p.max_label = frames;
    p.dialect.ctc_blank = blank;
    p.dialect.ctc_reduction = ASSAY_REDUCE_NONE;
    p.dialect.ctc_repeats = m->kept ? ASSAY_REPEATS_KEPT : ASSAY_REPEATS_MERGED;
    p.dialect.ctc_collapse = m->collapse;
    p.dialect.ctc_input = m->log_probs ? ASSAY_CTC_LOG_PROBS : ASSAY_CTC_LOGITS;
    list_strings(p.n, blank, strings);
    for (int k = 0; k < p.n; k++)
        p.labels += strings[k].length;
    snprintf(c->dialect, sizeof c->dialect, "t%d.blank%d%s", frames, blank, m->name);
    if (assay_specimen_make(c, &p, &s)) {
        int32_t *labels = s.d[ASSAY_LABELS], *lengths = s.d[ASSAY_LABEL_LENS];
        double *x = s.d[ASSAY_X], *up = s.d[ASSAY_DLOSS];
        assay_specimen_draw(&s, 500 + (uint64_t)frames);
        for (int k = 0, next = 0; k < p.n; k++) {
            lengths[k] = strings[k].length;
            up[k] = 1;
            for (int j = 0; j < strings[k].length; j++)
                labels[next++] = strings[k].labels[j];
            for (int t = 0; t < frames; t++)
                memcpy(x + (t * p.n + k) * K, x + t * p.n * K, K * sizeof *x);
        }
        assay_specimen_widen(&s);
        for (int t = 0; t < frames; t++)
            probabilities(x + t * p.n * K, m->log_probs, y[t]);
        walk(frames, blank, m->kept, y, strings);
        const int ran =
            assay_ref_evaluate_f128(&s.p, s.q, 0) == ASSAY_OK && assay_ref_evaluate_f64(&s.p, s.d, 0) == ASSAY_OK;
        assay_prove(c, "loss_rows", "the reference runs", !ran, 0);
        if (ran) compare(c, &s, m, strings, y);
    }
    assay_specimen_free(&s);
}

void assay_certify_paths(assay_proofs *c)
{
    c->op = "ctc";
    for (int k = 0; k < MEANINGS; k++)
        for (int frames = 1; frames <= (c->full ? FRAMES : 4); frames++)
            for (int blank = 0; blank < K; blank++)
                certify_frames(c, &meanings[k], frames, blank);
}
