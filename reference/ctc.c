/* ctc.c: connectionist temporal classification in the log domain, and its gradient with respect to its input.
 * docs/semantics.md 1.8, whose names are used: e, a, b^, g, skip.
 * SPDX-License-Identifier: MIT */
#include "reference/ops.h"

/* One sample. */
typedef struct sample {
    const assay_dialect *d;
    int32_t t, v, s, u;   /* frames, classes, states S = 2U+1, labels U */
    int32_t *e;           /* (S): extended label */
    int32_t *order, *end; /* (S), (V): states sorted by class; those of class k end at end[k] */
    real *lp;             /* (T, V): log-softmax */
    real *a;              /* (T, S) */
    real *b;              /* (2, S): b^ of this frame and of the one after, taking turns */
    real *g;              /* (S): occupancy, in `order` */
} sample;

static int is_never(real x)
{
    return x == R(-INFINITY);
}

/* log(exp(x) + exp(y) + exp(z)) */
static real lse(real x, real y, real z)
{
    const real most = x > y ? (x > z ? x : z) : (y > z ? y : z);
    if (is_never(most)) return most;
    return ROUNDED(most + R_LOG(R_EXP(x - most) + R_EXP(y - most) + R_EXP(z - most)));
}

/* May state s follow s-2? Past the blank, and where repeats are merged not into the same label. */
static int skips(const sample *w, int32_t s)
{
    if (s < 2 || s >= w->s || w->e[s] == w->d->ctc_blank) return 0;
    return w->d->ctc_repeats == ASSAY_REPEATS_KEPT || w->e[s] != w->e[s - 2];
}

/* May state s follow itself? A label only where its repeats are merged. */
static int stays(const sample *w, int32_t s)
{
    return w->d->ctc_repeats == ASSAY_REPEATS_MERGED || w->e[s] == w->d->ctc_blank;
}

/* Frames that the labels need: one each, and where repeats are merged a blank between equal neighbours. */
static int64_t frames_needed(const assay_dialect *d, const int32_t *labels, int32_t count)
{
    int64_t need = count;
    for (int32_t k = 1; d->ctc_repeats == ASSAY_REPEATS_MERGED && k < count; k++)
        need += labels[k] == labels[k - 1];
    return need;
}

/* The string without equal neighbours, in `to`; its length. */
static int32_t collapse(const int32_t *labels, int32_t count, int32_t *to)
{
    int32_t kept = 0;
    for (int32_t k = 0; k < count; k++)
        if (k == 0 || labels[k] != labels[k - 1]) to[kept++] = labels[k];
    return kept;
}

static assay_status make(sample *w, assay_pool *pool, const assay_problem *p, int32_t t, const int32_t *labels,
                         int32_t u)
{
    const int32_t v = p->classes;
    w->d = &p->dialect;
    w->t = t, w->v = v, w->u = u, w->s = 2 * u + 1;
    w->e = (int32_t *)assay_pool_take(pool, w->s, sizeof *w->e);
    w->order = (int32_t *)assay_pool_take(pool, w->s, sizeof *w->order);
    w->end = (int32_t *)assay_pool_take(pool, (int64_t)v + 1, sizeof *w->end);
    w->lp = REF(take)(pool, (int64_t)t * v);
    w->a = REF(take)(pool, (int64_t)t * w->s);
    w->b = REF(take)(pool, (int64_t)2 * w->s);
    w->g = REF(take)(pool, v > w->s ? v : w->s); /* log_probabilities borrows it */
    if (pool->failed) return ASSAY_NO_MEMORY;
    for (int32_t s = 0; s < w->s; s++) {
        w->e[s] = s % 2 ? labels[s / 2] : w->d->ctc_blank;
        w->end[w->e[s] + 1]++;
    }
    for (int32_t k = 0; k < v; k++)
        w->end[k + 1] += w->end[k];
    for (int32_t s = 0; s < w->s; s++)
        w->order[w->end[w->e[s]]++] = s;
    return ASSAY_OK;
}

/* lp of frame t: the log-softmax of logits, or what is given as log-probabilities. */
static void log_probabilities(sample *w, int32_t t, const real *z)
{
    real most = z[0];
    if (w->d->ctc_input == ASSAY_CTC_LOG_PROBS) {
        for (int32_t k = 0; k < w->v; k++)
            w->lp[(int64_t)t * w->v + k] = z[k];
        return;
    }
    for (int32_t k = 1; k < w->v; k++)
        if (z[k] > most) most = z[k];
    for (int32_t k = 0; k < w->v; k++)
        w->g[k] = ROUNDED(R_EXP(z[k] - most));
    const real sum = ROUNDED(most + R_LOG(REF(sum)(w->v, w->g, 1, ASSAY_SUM_FEATURES)));
    for (int32_t k = 0; k < w->v; k++)
        w->lp[(int64_t)t * w->v + k] = ROUNDED(z[k] - sum);
}

/* a of every frame; returns log p. */
static real forward(sample *w)
{
    const real never = R(-INFINITY);
    for (int32_t t = 0; t < w->t; t++) {
        const real *lp = w->lp + (int64_t)t * w->v, *old = w->a + (int64_t)(t - 1) * w->s;
        real *a = w->a + (int64_t)t * w->s;
        for (int32_t s = 0; s < w->s; s++) {
            if (t == 0) {
                a[s] = s < 2 ? lp[w->e[s]] : never;
                continue;
            }
            const real came =
                lse(stays(w, s) ? old[s] : never, s >= 1 ? old[s - 1] : never, skips(w, s) ? old[s - 2] : never);
            a[s] = is_never(came) ? came : ROUNDED(lp[w->e[s]] + came);
        }
    }
    const real *last = w->a + (int64_t)(w->t - 1) * w->s;
    return lse(last[w->s - 1], w->s > 1 ? last[w->s - 2] : never, never);
}

/* b^ of frame t from that of t+1: it leaves out the emission at t. */
static void step_back(sample *w, int32_t t)
{
    const real never = R(-INFINITY);
    const real *lp = w->lp + (int64_t)(t + 1) * w->v, *old = w->b + (int64_t)((t + 1) % 2) * w->s;
    real *b = w->b + (int64_t)(t % 2) * w->s;
    for (int32_t s = 0; s < w->s; s++) {
        if (t == w->t - 1)
            b[s] = s >= w->s - 2 ? R(0) : never;
        else
            b[s] = lse(stays(w, s) ? ROUNDED(old[s] + lp[w->e[s]]) : never,
                       s + 1 < w->s ? ROUNDED(old[s + 1] + lp[w->e[s + 1]]) : never,
                       skips(w, s + 2) ? ROUNDED(old[s + 2] + lp[w->e[s + 2]]) : never);
    }
}

/* d loss / d x_t(k), times up: exp(lp_t)_k - g_t(k), or without the first where x is lp itself. */
static void frame_gradient(sample *w, int32_t t, real log_p, real up, real *grad)
{
    const real *lp = w->lp + (int64_t)t * w->v, *a = w->a + (int64_t)t * w->s, *b = w->b + (int64_t)(t % 2) * w->s;
    for (int32_t j = 0; j < w->s; j++) {
        const int32_t s = w->order[j];
        w->g[j] = ROUNDED(R_EXP(a[s] + b[s] - log_p));
    }
    for (int32_t k = 0; k < w->v; k++) {
        const int32_t start = k ? w->end[k - 1] : 0;
        const int alone = w->d->ctc_input == ASSAY_CTC_LOG_PROBS && w->d->ctc_gradient == ASSAY_CTC_TRUE;
        const real g = REF(sum)(w->end[k] - start, w->g + start, 1, ASSAY_SUM_FEATURES);
        grad[k] = STORE(up * (alone ? -g : R_EXP(lp[k]) - g));
    }
}

/* The loss of one sample; its gradient, where up is not NULL, into rows of grad that hold zeros. */
static assay_status one(const assay_problem *p, const assay_rows *rows, int32_t n, const real *x, const int32_t *labels,
                        int32_t count, const real *up, real *loss, real *grad)
{
    const int32_t frames = rows->lens[n], v = p->classes;
    const real impossible = p->dialect.ctc_infeasible == ASSAY_INFEASIBLE_ZERO ? R(0) : R(INFINITY);
    assay_pool pool = {NULL, 0};
    if (p->dialect.ctc_collapse && count > 0) {
        int32_t *kept = (int32_t *)assay_pool_take(&pool, count, sizeof *kept);
        if (!kept) return ASSAY_NO_MEMORY;
        count = collapse(labels, count, kept);
        labels = kept;
    }
    const int possible = frames >= frames_needed(&p->dialect, labels, count);
    *loss = possible ? R(0) : impossible;

    sample w;
    assay_status st = possible && frames > 0 ? make(&w, &pool, p, frames, labels, count) : ASSAY_OK;
    if (st == ASSAY_OK && possible && frames > 0) {
        for (int32_t t = 0; t < frames; t++)
            log_probabilities(&w, t, x + rows->place[(int64_t)t * p->n + n] * v);
        const real log_p = forward(&w);
        *loss = is_never(log_p) ? impossible : STORE(-log_p);
        for (int32_t t = frames - 1; up && !is_never(log_p) && t >= 0; t--) {
            step_back(&w, t);
            frame_gradient(&w, t, log_p, up[n], grad + rows->place[(int64_t)t * p->n + n] * v);
        }
    }
    assay_pool_free(&pool);
    return st;
}

assay_status REF(ctc)(const assay_problem *p, const assay_rows *rows, const real *x, const int32_t *labels,
                      const int32_t *label_lens, const real *up, real *loss, real *grad)
{
    int failed = 0;
    PARALLEL_UNEVEN
    for (int32_t n = 0; n < p->n; n++) {
        const int32_t *mine = labels + assay_label_start(p, label_lens, n);
        if (one(p, rows, n, x, mine, label_lens[n], up, &loss[n], grad) != ASSAY_OK) {
            ATOMIC_WRITE
            failed = 1;
        }
    }
    return failed ? ASSAY_NO_MEMORY : ASSAY_OK;
}
