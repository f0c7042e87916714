/* ctc.c: connectionist temporal classification in the log domain, and its gradient with respect to the logits.
 * docs/semantics.md 1.8, whose names are used: e, a, b^, g, skip.
 * SPDX-License-Identifier: MIT */
#include "reference/ops.h"

/* One sample. */
typedef struct sample {
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

static int skips(const sample *w, int32_t blank, int32_t s)
{
    return s >= 2 && s < w->s && w->e[s] != blank && w->e[s] != w->e[s - 2];
}

/* Frames that the labels need: one each, and a blank between equal neighbours. */
static int64_t frames_needed(const int32_t *labels, int32_t count)
{
    int64_t need = count;
    for (int32_t k = 1; k < count; k++)
        need += labels[k] == labels[k - 1];
    return need;
}

static assay_status make(sample *w, assay_pool *pool, int32_t t, int32_t v, const int32_t *labels, int32_t u,
                         int32_t blank)
{
    w->t = t, w->v = v, w->u = u, w->s = 2 * u + 1;
    w->e = (int32_t *)assay_pool_take(pool, w->s, sizeof *w->e);
    w->order = (int32_t *)assay_pool_take(pool, w->s, sizeof *w->order);
    w->end = (int32_t *)assay_pool_take(pool, (int64_t)v + 1, sizeof *w->end);
    w->lp = REF(take)(pool, (int64_t)t * v);
    w->a = REF(take)(pool, (int64_t)t * w->s);
    w->b = REF(take)(pool, (int64_t)2 * w->s);
    w->g = REF(take)(pool, v > w->s ? v : w->s); /* log_softmax borrows it */
    if (pool->failed) return ASSAY_NO_MEMORY;
    for (int32_t s = 0; s < w->s; s++) {
        w->e[s] = s % 2 ? labels[s / 2] : blank;
        w->end[w->e[s] + 1]++;
    }
    for (int32_t k = 0; k < v; k++)
        w->end[k + 1] += w->end[k];
    for (int32_t s = 0; s < w->s; s++)
        w->order[w->end[w->e[s]]++] = s;
    return ASSAY_OK;
}

static void log_softmax(sample *w, int32_t t, const real *z)
{
    real most = z[0];
    for (int32_t k = 1; k < w->v; k++)
        if (z[k] > most) most = z[k];
    for (int32_t k = 0; k < w->v; k++)
        w->g[k] = ROUNDED(R_EXP(z[k] - most));
    const real sum = ROUNDED(most + R_LOG(REF(sum)(w->v, w->g, 1, ASSAY_SUM_FEATURES)));
    for (int32_t k = 0; k < w->v; k++)
        w->lp[(int64_t)t * w->v + k] = ROUNDED(z[k] - sum);
}

/* a of every frame; returns log p. */
static real forward(sample *w, int32_t blank)
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
            const real came = lse(old[s], s >= 1 ? old[s - 1] : never, skips(w, blank, s) ? old[s - 2] : never);
            a[s] = is_never(came) ? came : ROUNDED(lp[w->e[s]] + came);
        }
    }
    const real *last = w->a + (int64_t)(w->t - 1) * w->s;
    return lse(last[w->s - 1], w->s > 1 ? last[w->s - 2] : never, never);
}

/* b^ of frame t from that of t+1: it leaves out the emission at t. */
static void step_back(sample *w, int32_t t, int32_t blank)
{
    const real never = R(-INFINITY);
    const real *lp = w->lp + (int64_t)(t + 1) * w->v, *old = w->b + (int64_t)((t + 1) % 2) * w->s;
    real *b = w->b + (int64_t)(t % 2) * w->s;
    for (int32_t s = 0; s < w->s; s++) {
        if (t == w->t - 1)
            b[s] = s >= w->s - 2 ? R(0) : never;
        else
            b[s] = lse(ROUNDED(old[s] + lp[w->e[s]]), s + 1 < w->s ? ROUNDED(old[s + 1] + lp[w->e[s + 1]]) : never,
                       skips(w, blank, s + 2) ? ROUNDED(old[s + 2] + lp[w->e[s + 2]]) : never);
    }
}

/* d loss / d z_t(k) = softmax(z_t)_k - g_t(k), times up. */
static void frame_gradient(sample *w, int32_t t, real log_p, real up, real *grad)
{
    const real *lp = w->lp + (int64_t)t * w->v, *a = w->a + (int64_t)t * w->s, *b = w->b + (int64_t)(t % 2) * w->s;
    for (int32_t j = 0; j < w->s; j++) {
        const int32_t s = w->order[j];
        w->g[j] = ROUNDED(R_EXP(a[s] + b[s] - log_p));
    }
    for (int32_t k = 0; k < w->v; k++) {
        const int32_t start = k ? w->end[k - 1] : 0;
        const real g = REF(sum)(w->end[k] - start, w->g + start, 1, ASSAY_SUM_FEATURES);
        grad[k] = STORE(up * (R_EXP(lp[k]) - g));
    }
}

/* The loss of one sample; its gradient, where up is not NULL, into rows of grad that hold zeros. */
static assay_status one(const assay_problem *p, const assay_rows *rows, int32_t n, const real *logits,
                        const int32_t *labels, int32_t count, const real *up, real *loss, real *grad)
{
    const int32_t blank = p->dialect.ctc_blank, frames = rows->lens[n], v = p->classes;
    const real impossible = p->dialect.ctc_infeasible == ASSAY_INFEASIBLE_ZERO ? R(0) : R(INFINITY);
    *loss = impossible;
    if (frames < frames_needed(labels, count)) return ASSAY_OK;
    *loss = R(0);
    if (frames == 0) return ASSAY_OK;

    sample w;
    assay_pool pool = {NULL, 0};
    assay_status st = make(&w, &pool, frames, v, labels, count, blank);
    if (st == ASSAY_OK) {
        for (int32_t t = 0; t < frames; t++)
            log_softmax(&w, t, logits + rows->place[(int64_t)t * p->n + n] * v);
        const real log_p = forward(&w, blank);
        *loss = is_never(log_p) ? impossible : STORE(-log_p);
        for (int32_t t = frames - 1; up && !is_never(log_p) && t >= 0; t--) {
            step_back(&w, t, blank);
            frame_gradient(&w, t, log_p, up[n], grad + rows->place[(int64_t)t * p->n + n] * v);
        }
    }
    assay_pool_free(&pool);
    return st;
}

assay_status REF(ctc)(const assay_problem *p, const assay_rows *rows, const real *logits, const int32_t *labels,
                      const int32_t *label_lens, const real *up, real *loss, real *grad)
{
    int failed = 0;
    PARALLEL_UNEVEN
    for (int32_t n = 0; n < p->n; n++) {
        const int32_t *mine = labels;
        for (int32_t k = 0; k < n; k++)
            mine += label_lens[k];
        if (one(p, rows, n, logits, mine, label_lens[n], up, &loss[n], grad) != ASSAY_OK) {
            ATOMIC_WRITE
            failed = 1;
        }
    }
    return failed ? ASSAY_NO_MEMORY : ASSAY_OK;
}
