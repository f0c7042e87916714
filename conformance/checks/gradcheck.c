/* gradcheck.c: gradients are the derivative of the implementation's own forward, along random directions.
 * docs/tolerance.md 5 (a). SPDX-License-Identifier: MIT
 *
 * It stays although backward sees what it kills: it is the only one that would see a fault which the reference shares.
 * s(theta) = sum of cotangent x output over the training forward, summed here in double. The noise of s is taken from
 * the measured floors, not from the candidate, so that a noisy implementation can't buy itself a wider limit. */
#include "conformance/checks/checks.h"

#include "reference/data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIRECTIONS 8
#define STEPS      6
#define TRIED      4 /* directions that choose the step */
#define DRAWS      3 /* sets of data at most, for a tensor whose gradient happens to be small in the one before */

typedef struct probe {
    assay_trial *t;
    const assay_oracle *o;
    const assay_values *given;        /* the data of this draw */
    unsigned char *open;              /* [ASSAY_TENSORS]: 1 = no draw has discriminated for this tensor yet */
    int last;                         /* no further draw comes: what does not discriminate now is ILL_POSED */
    assay_values moved;               /* given, with one tensor replaced */
    assay_tensor x;                   /* the tensor that is moved */
    const double *theta;              /* its values */
    double *direction, *point, *made; /* v; theta + h v as rounded; the step really made */
    const double *gradient, *truth;   /* the implementation's, the reference's */
    double phi;                       /* floor of that gradient */
    double noise;                     /* of s */
} probe;

/* Pairs of output and its cotangent. */
static const int pairs[][2] = {{ASSAY_Y, ASSAY_DY},
                               {ASSAY_HN, ASSAY_DHN},
                               {ASSAY_CN, ASSAY_DCN},
                               {ASSAY_LOSS, ASSAY_DLOSS},
                               {ASSAY_LOSS_ROWS, ASSAY_DLOSS}};
#define PAIRS ((int)(sizeof pairs / sizeof *pairs))

/* Losses of rows take part only where they have a cotangent of their own. */
static int takes_part(const probe *b, int k, assay_tensor *out)
{
    const assay_problem *p = &b->t->subject->p;
    assay_tensor c;
    if (!assay_tensor_find(p, pairs[k][0], out) || !assay_tensor_find(p, pairs[k][1], &c)) return 0;
    return c.count == out->count && b->given->at[c.id] && !(k == 4 && assay_tensor_find(p, ASSAY_LOSS, &c));
}

static double objective(const probe *b, const assay_values *got)
{
    double s = 0;
    for (int k = 0; k < PAIRS; k++) {
        assay_tensor out;
        if (!takes_part(b, k, &out)) continue;
        const double *y = got->at[out.id], *w = b->given->at[pairs[k][1]];
        for (int64_t e = 0; e < out.count; e++)
            if (isfinite(y[e])) s += y[e] * w[e]; /* an infeasible sample's loss does not move */
    }
    return s;
}

/* sqrt of the sum over outputs of (phi ||R|| rms(cotangent))^2: noise of s under honest rounding. */
static double honest_noise(const probe *b)
{
    double total = 0;
    for (int k = 0; k < PAIRS; k++) {
        assay_tensor out;
        double norm = 0, rms = 0;
        if (!takes_part(b, k, &out) || out.count == 0) continue;
        const double *r = b->o->truth.at[out.id], *w = b->given->at[pairs[k][1]];
        for (int64_t e = 0; e < out.count; e++) {
            if (isfinite(r[e])) norm += r[e] * r[e];
            rms += w[e] * w[e];
        }
        total += norm * rms / (double)out.count * b->o->floor[out.id].phi * b->o->floor[out.id].phi;
    }
    return sqrt(total);
}

/* s at theta + h v, rounded to the operand format. *made receives the rounded point. */
static double at(probe *b, double h)
{
    assay_values got;
    for (int64_t e = 0; e < b->x.count; e++) {
        double v = b->theta[e] + h * b->direction[e];
        b->point[e] = b->t->subject->p.arithmetic == ASSAY_FP64 ? v : (double)(float)v;
    }
    b->moved.at[b->x.id] = b->point;
    if (!assay_trial_run(b->t, ASSAY_ROUTINE_TRAIN, &b->moved, ASSAY_FORWARD_ROLE, NULL, &got)) return NAN;
    double s = objective(b, &got);
    assay_values_free(&got);
    return s;
}

/* D(h) - <g, w>: the residual of a central difference against the implementation's gradient, along the step made. */
static double residual(probe *b, double h)
{
    double plus = at(b, h), dot = 0;
    memcpy(b->made, b->point, (size_t)b->x.count * sizeof *b->made);
    double minus = at(b, -h);
    for (int64_t e = 0; e < b->x.count; e++)
        dot += b->gradient[e] * (b->made[e] - b->point[e]) / (2 * h);
    return (plus - minus) / (2 * h) - dot;
}

/* Richardson's combination: the error of order h^2 is gone. */
static double extrapolated(probe *b, double h)
{
    double whole = residual(b, h), half = residual(b, h / 2);
    return (4 * half - whole) / 3;
}

static void draw(probe *b, int k)
{
    double rms = assay_norm(b->theta, b->x.count) / sqrt(fmax(1, (double)b->x.count));
    uint64_t stream = assay_stream_id("gradcheck", (uint64_t)(b->x.id * 64 + k));
    if (!(rms > 0)) rms = 1;
    for (int64_t e = 0; e < b->x.count; e++)
        b->direction[e] = assay_random_bits(b->t->subject->seed, stream, (uint64_t)e) & 1u ? rms : -rms;
}

/* The step with the smallest estimate of its own error, six halvings from 1/2, or from 1/32
 * where the noise is that of fp64; *error is that estimate: noise, and
 * truncation. After Richardson truncation is of order h^4, so halving the step changes the residual by 15 times what is
 * left; a third of that change keeps a factor of 5 in hand. The worst of several directions counts. */
static double choose_step(probe *b, double *error)
{
    const double first = b->t->declared.accumulate == ASSAY_FP64 ? 1.0 / 32 : 0.5;
    double best = 0, previous[TRIED] = {0};
    *error = INFINITY;
    for (int j = 0; j < STEPS && !b->t->over; j++) {
        double h = ldexp(first, -j), change = 0;
        for (int k = 0; k < TRIED; k++) {
            draw(b, k);
            double r = extrapolated(b, h);
            change = fmax(change, fabs(r - previous[k]));
            previous[k] = r;
        }
        double e = 3 * 1.9 * b->noise / h + change / 3;
        if (j > 0 && e < *error) {
            *error = e;
            best = h;
        }
    }
    return best;
}

/* All directions of one tensor: one finding, the worst. */
static void along(probe *b)
{
    double error, worst = 0, worst_r = 0, worst_limit = 0, size;
    int useful = 0, at_direction = -1;
    double h = choose_step(b, &error);
    size = assay_norm(b->truth, b->x.count);
    for (int k = 0; k < DIRECTIONS && !b->t->over; k++) {
        draw(b, k);
        double rms = fabs(b->direction[0]), r = fabs(extrapolated(b, h));
        double limit = 4 * (error + b->phi * size * rms);
        if (limit <= 1e-3 * size * rms) useful++;
        if (!(r / limit <= worst)) {
            worst = isnan(r / limit) ? INFINITY : r / limit;
            worst_r = r;
            worst_limit = limit;
            at_direction = k;
        }
    }
    if (b->t->over) return;
    assay_finding f;
    memset(&f, 0, sizeof f);
    snprintf(f.what, sizeof f.what, "d%s by differences", b->x.name);
    snprintf(f.rule, sizeof f.rule, "gradcheck");
    f.error = worst_r;
    f.floor = b->noise;
    f.limit = worst_limit;
    f.margin = worst;
    f.where = at_direction;
    f.verdict = !(worst <= 1)              ? ASSAY_VERDICT_FAIL
                : useful * 2 >= DIRECTIONS ? ASSAY_VERDICT_PASS
                                           : ASSAY_VERDICT_ILL_POSED;
    if (f.verdict == ASSAY_VERDICT_ILL_POSED && !b->last) return;
    b->open[b->x.id] = 0;
    if (size > 0) b->t->alive_truths++;
    assay_trial_add(b->t, &f);
}

static int gradient_of(const assay_tensor *x)
{
    if (x->id == ASSAY_X) return ASSAY_DX;
    if (x->id == ASSAY_H0) return ASSAY_DH0;
    if (x->id == ASSAY_C0) return ASSAY_DC0;
    int param = x->id - assay_tensor_id(ASSAY_PARAM, 0);
    return param >= 0 && param < ASSAY_MAX_PARAMS ? assay_tensor_id(ASSAY_DPARAM, param) : -1;
}

static void one_tensor(probe *b, const assay_tensor *x, const assay_values *gradients)
{
    int id = gradient_of(x);
    b->x = *x;
    b->theta = b->given->at[x->id];
    if (!b->open[x->id]) return;
    if (id < 0 || !b->theta || !gradients->at[id] || x->count == 0) return;
    b->gradient = gradients->at[id];
    b->truth = b->o->truth.at[id];
    b->phi = b->o->floor[id].phi;
    b->direction = malloc(3 * (size_t)x->count * sizeof(double));
    if (!b->direction) {
        assay_trial_end(b->t, ASSAY_VERDICT_BROKEN, "no memory for directions of %s", x->name);
        return;
    }
    b->point = b->direction + x->count;
    b->made = b->point + x->count;
    along(b);
    b->moved.at[x->id] = (void *)b->theta;
    free(b->direction);
}

/* Every tensor that is still open, on one set of data. */
static void one_draw(assay_trial *t, const assay_values *given, const assay_oracle *o, unsigned char *open, int last)
{
    const unsigned roles = ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE;
    assay_tensor list[ASSAY_TENSORS];
    assay_values gradients;
    probe b;
    memset(&b, 0, sizeof b);
    b.t = t;
    b.o = o;
    b.given = given;
    b.moved = *given;
    b.open = open;
    b.last = last;
    if (!assay_trial_run(t, ASSAY_ROUTINE_BACKWARD, given, roles, NULL, &gradients)) return;
    b.noise = honest_noise(&b);
    int count = assay_tensors_of(&t->subject->p, list);
    for (int k = 0; k < count && !t->over; k++)
        one_tensor(&b, &list[k], &gradients);
    assay_values_free(&gradients);
}

/* A further draw: other data of the same case. */
static void draw_again(assay_trial *t, int draw, unsigned char *open)
{
    const assay_subject *s = t->subject;
    assay_values given;
    assay_oracle o;
    int64_t step;
    if (s->c->fill(s->c, s->seed + ((uint64_t)draw << 32), 1, &given, &step) != ASSAY_OK) {
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "no memory for other data");
        return;
    }
    assay_status st = assay_subject_ask(s, &s->p, &given, ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE, &t->declared, &o);
    if (st != ASSAY_OK) {
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "the reference could not answer: status %d", (int)st);
    } else {
        one_draw(t, &given, &o, open, draw == DRAWS - 1);
        assay_oracle_free(&o);
    }
    assay_values_free(&given);
}

static int any_open(const assay_problem *p, const unsigned char *open, const assay_values *given)
{
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(p, list), any = 0;
    for (int k = 0; k < count; k++)
        any |= open[list[k].id] && gradient_of(&list[k]) >= 0 && given->at[list[k].id] && list[k].count > 0;
    return any;
}

void assay_check_gradcheck(assay_trial *t)
{
    const assay_subject *s = t->subject;
    const assay_oracle *o = assay_trial_oracle(t, ASSAY_WITH_ALL, ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE);
    unsigned char open[ASSAY_TENSORS];
    memset(open, 1, sizeof open);
    if (o) one_draw(t, &s->given, o, open, 0);
    for (int draw = 1; draw < DRAWS && !t->over && any_open(&s->p, open, &s->given); draw++)
        draw_again(t, draw, open);
}
