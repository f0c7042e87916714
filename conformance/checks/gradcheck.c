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
#define STEPS      6 /* halvings */

typedef struct probe {
    assay_trial *t;
    const assay_oracle *o;
    const assay_values *given;
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
            if (isfinite(y[e])) s += y[e] * w[e]; /* an infeasible row's loss does not move */
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

static void draw(probe *b, int k)
{
    double rms = assay_norm(b->theta, b->x.count) / sqrt(fmax(1, (double)b->x.count));
    uint64_t stream = assay_stream_id("gradcheck", (uint64_t)(b->x.id * 64 + k));
    if (!(rms > 0)) rms = 1;
    for (int64_t e = 0; e < b->x.count; e++)
        b->direction[e] = assay_random_bits(b->t->subject->seed, stream, (uint64_t)e) & 1u ? rms : -rms;
}

/* Residuals of every direction for a step halved j times from `first`; row j - 1 of r gets Richardson's combination
 * with those before, in which the error of order h^2 is gone. */
static void one_row(probe *b, double first, int j, double whole[DIRECTIONS], double r[STEPS][DIRECTIONS])
{
    for (int k = 0; k < DIRECTIONS && !b->t->over; k++) {
        draw(b, k);
        const double half = residual(b, ldexp(first, -j));
        if (j > 0) r[j - 1][k] = (4 * half - whole[k]) / 3;
        whole[k] = half;
    }
}

/* Fills r until no smaller step can be better; the row with the smallest estimate of its own error; *error is that
 * estimate: noise, and truncation. After Richardson truncation is of order h^4, so halving the step changes the
 * residual by 15 times what is left; a third of that change keeps a factor of 5 in hand. The worst direction counts,
 * and the change before it too, as the sixteenth that it leads to: at steps too wide for the order to hold, one change
 * alone can be small by chance. Noise doubles with each halving: once it alone exceeds the best estimate, all is
 * known. */
static int choose_row(probe *b, double first, double r[STEPS][DIRECTIONS], double *error)
{
    double whole[DIRECTIONS] = {0}, before = INFINITY;
    int best = STEPS - 1;
    *error = INFINITY;
    for (int j = 0; j < 2; j++)
        one_row(b, first, j, whole, r);
    for (int j = 1; j < STEPS && !b->t->over; j++) {
        const double noise = 3 * 1.9 * b->noise / ldexp(first, -j);
        double change = 0;
        if (noise > *error) break;
        one_row(b, first, j + 1, whole, r);
        for (int k = 0; k < DIRECTIONS; k++)
            change = fmax(change, fabs(r[j][k] - r[j - 1][k]));
        const double e = noise + fmax(change, before / 16) / 3;
        if (e < *error) {
            *error = e;
            best = j;
        }
        before = change;
    }
    return best;
}

/* All directions of one tensor: one finding, the worst. Steps begin at 1/2, or at 1/32 where the noise is fp64's. */
static void along(probe *b)
{
    const double first = b->t->declared.accumulate == ASSAY_FP64 ? 1.0 / 32 : 0.5;
    double table[STEPS][DIRECTIONS], error, worst = 0, worst_r = 0, worst_limit = 0, size;
    int useful = 0, at_direction = -1;
    const double *chosen = table[choose_row(b, first, table, &error)];
    if (b->t->over) return;
    size = assay_norm(b->truth, b->x.count);
    for (int k = 0; k < DIRECTIONS; k++) {
        double rms = fabs(b->direction[0]), r = fabs(chosen[k]);
        double limit = 4 * (error + b->phi * size * rms);
        const double margin = r == 0 ? 0 : r / limit; /* without noise a limit can be 0 */
        if (size > 0 && limit <= 1e-3 * size * rms) useful++;
        if (!(margin <= worst)) {
            worst = isnan(margin) ? INFINITY : margin;
            worst_r = r;
            worst_limit = limit;
            at_direction = k;
        }
    }
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

/* One infeasible sample makes the loss of all infinite, while the gradients of the others stay what they are. */
static int is_infinite(const probe *b)
{
    assay_tensor loss;
    const double *truth = assay_tensor_find(&b->t->subject->p, ASSAY_LOSS, &loss) ? b->o->truth.at[loss.id] : NULL;
    return truth && !isfinite(truth[0]);
}

void assay_check_gradcheck(assay_trial *t)
{
    const unsigned roles = ASSAY_FORWARD_ROLE | ASSAY_GRADIENT_ROLE;
    const assay_subject *s = t->subject;
    assay_tensor list[ASSAY_TENSORS];
    assay_values gradients;
    probe b;
    memset(&b, 0, sizeof b);
    b.t = t;
    b.o = assay_trial_oracle(t, ASSAY_WITH_ALL, roles);
    b.given = &s->given;
    b.moved = s->given;
    if (b.o && is_infinite(&b)) assay_trial_end(t, ASSAY_VERDICT_ILL_POSED, "an infinite loss has no differences");
    if (!b.o || t->over || !assay_trial_run(t, ASSAY_ROUTINE_BACKWARD, b.given, roles, NULL, &gradients)) return;
    b.noise = honest_noise(&b);
    int count = assay_tensors_of(&s->p, list);
    for (int k = 0; k < count && !t->over; k++)
        one_tensor(&b, &list[k], &gradients);
    assay_values_free(&gradients);
}
