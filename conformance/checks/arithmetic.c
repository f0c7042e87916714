/* arithmetic.c: activations err by no more ulp than declared, and the declaration is no more than twice what they err.
 * SPDX-License-Identifier: MIT
 *
 * Each sigmoid and tanh of a cell is observed through a network whose other gates are 0 or 1: one unit a lane, whose
 * weight is a power of two, so that a row with the number x shows the activation at x times all of them, exactly. The
 * numbers are drawn, a stratum each, or lie around places where implementations change their formula. A value below
 * twice the smallest normal number may be anything between it and 0: many a library flushes there. The training forward
 * is swept as inference is: each may have kernels of its own. The reset gate of a GRU shows through a tanh, so that it
 * is held to the errors of both, and where it is small to its own. What else is declared needs no check of its own: an
 * oracle rounded as declared is far from everything that is not. */
#include "conformance/checks/checks.h"

#include "reference/data.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LANES  16    /* units: a sign and a power of two each */
#define BLOCKS 4     /* of powers that the numbers of rows come in */
#define LOWEST (-24) /* the smallest power */
#define ONE    40    /* sigmoid and tanh of it are 1 in either format */
#define GATES  4
enum { SIGMOID, TANH, KINDS, RESET = KINDS }; /* RESET: tanh(sigmoid(x)) */
enum { CELL = -1 };                           /* the number is the cell's old state, not a gate's argument */

typedef struct sweep {
    int cell, kind, gate,
        seen; /* assay_cell; SIGMOID, TANH or RESET; gate that x goes to; slot of the output that shows it */
    double bias[GATES], h0, c0;
    const char *name;
} sweep;

static const sweep sweeps[] = {
    {ASSAY_LSTM, SIGMOID, 0, ASSAY_CN, {0, 0, ONE, 0}, 0, 0, "sigmoid of i"},
    {ASSAY_LSTM, SIGMOID, 1, ASSAY_CN, {0}, 0, 1, "sigmoid of f"},
    {ASSAY_LSTM, SIGMOID, 3, ASSAY_HN, {0, ONE, 0, 0}, 0, 64, "sigmoid of o"},
    {ASSAY_LSTM, TANH, 2, ASSAY_CN, {ONE, 0, 0, 0}, 0, 0, "tanh of g"},
    {ASSAY_LSTM, TANH, CELL, ASSAY_HN, {0, ONE, 0, ONE}, 0, 0, "tanh of the cell"},
    {ASSAY_GRU, SIGMOID, 1, ASSAY_HN, {0}, 1, 0, "sigmoid of z"},
    {ASSAY_GRU, TANH, 2, ASSAY_HN, {0, -2 * ONE, 0, 0}, 0, 0, "tanh of n"},
    {ASSAY_GRU, RESET, 0, ASSAY_HN, {0, -2 * ONE, 0, 0}, 0, 0, "sigmoid of r"},
    {ASSAY_RNN_TANH, TANH, 0, ASSAY_HN, {0}, 0, 0, "tanh"},
};

/* Weight of a unit: powers from that of the block on down. */
static double lane(int64_t unit)
{
    return ldexp(unit % 2 ? -1 : 1, -(int)(unit / 2));
}

/* ---- the numbers ---- */

/* Ends of ranges that are reduced (multiples of ln2 / 2, of which lanes show halves), of polynomials, of what is not
 * saturated; of exp in fp32 and fp64. Others come from lanes. */
static const double places[] = {0,  0x1p-126, 0x1p-100, 0x1p-60, 0x1p-12, 0.3,   0.4, 0.55, 0.625, 2. / 3, 0.8, 1,
                                9,  9.01,     10,       11,      13,      16.64, 17,  18,   19.07, 20,     22,  36.05,
                                37, 44,       87,       87.34,   88,      88.73, 89,  97,   103.3, 103.98, 708, 709.8};
enum { PLACES = sizeof places / sizeof *places, MULTIPLES = 256, AROUND = 2 };

/* Number `k` of the breakpoints with their neighbours; NAN behind the last. */
static double breakpoint(int format, int64_t k)
{
    const int64_t at = k / (2 * AROUND + 1), off = k % (2 * AROUND + 1) - AROUND;
    if (at >= PLACES + MULTIPLES) return NAN;
    double x = at < PLACES ? places[at] : (double)(at - PLACES + 1) * 0.34657359027997265471;
    if (format != ASSAY_FP64) x = (double)(float)x;
    for (int64_t step = 0; x > 0 && step < llabs(off); step++)
        x = format == ASSAY_FP64 ? nextafter(x, off < 0 ? 0 : DBL_MAX)
                                 : (double)nextafterf((float)x, off < 0 ? 0 : FLT_MAX);
    return x;
}

/* The breakpoints, then numbers of [1, 2), times the largest power of each block in turn. */
static void fill_numbers(const assay_trial *t, const assay_problem *p, const sweep *s, double *x)
{
    const uint64_t stream = assay_stream_id(s->name, 0);
    for (int32_t n = 0; n < p->n; n++) {
        x[n] = breakpoint(p->arithmetic, n);
        const double u = assay_random_uniform(t->subject->seed, stream, (uint64_t)n);
        if (isnan(x[n])) x[n] = ldexp(1 + (n + u) / p->n, LOWEST + LANES / 2 * (n % BLOCKS + 1) - 1);
    }
}

static void fill(double value, int64_t count, double *to)
{
    for (int64_t e = 0; to && e < count; e++)
        to[e] = value;
}

/* One step of p->n rows; states all one number, or the numbers themselves. */
static assay_status make(const assay_trial *t, const assay_problem *p, const sweep *s, assay_values *given)
{
    static const int unused[] = {ASSAY_LENS, ASSAY_DY, ASSAY_DHN, ASSAY_DCN};
    assay_status st = assay_values_make(p, ASSAY_ROLES_GIVEN, given);
    if (st != ASSAY_OK) return st;
    for (size_t k = 0; k < sizeof unused / sizeof *unused; k++)
        assay_values_drop(given, unused[k]);
    double *x = given->at[ASSAY_X], *c0 = given->at[ASSAY_C0];
    double *w = given->at[assay_tensor_id(ASSAY_PARAM, ASSAY_W)],
           *b = given->at[assay_tensor_id(ASSAY_PARAM, ASSAY_B_IH)];
    fill_numbers(t, p, s, x);
    assay_values_quantise(p, p->arithmetic, given);
    fill(s->h0, (int64_t)p->n * LANES, given->at[ASSAY_H0]);
    fill(s->c0, (int64_t)p->n * LANES, c0);
    for (int64_t e = 0; e < (int64_t)p->n * LANES && s->gate == CELL; e++)
        c0[e] = x[e / LANES] * lane(e % LANES);
    for (int64_t e = 0; e < (int64_t)assay_gates(p->dialect.cell) * LANES; e++) {
        w[e] = e / LANES == s->gate ? lane(e % LANES) : 0;
        b[e] = s->bias[e / LANES];
    }
    /* r times 1 is all that the candidate's tanh sees */
    if (s->kind == RESET) fill(1, LANES, (double *)given->at[assay_tensor_id(ASSAY_PARAM, ASSAY_B_HH)] + 2 * LANES);
    return ASSAY_OK;
}

/* ---- the errors ---- */

/* In double for fp32, whose ulp is 2^29 of its own; else in long double. */
static long double truth_of(int format, int kind, double x)
{
    const long double e = format == ASSAY_FP64 ? expl(-fabsl((long double)x)) : (long double)exp(-fabs(x));
    if (kind == TANH) return format == ASSAY_FP64 ? tanhl((long double)x) : (long double)tanh(x);
    const long double gate = (x < 0 ? e : 1) / (1 + e);
    if (kind == RESET) return format == ASSAY_FP64 ? tanhl(gate) : (long double)tanh((double)gate);
    return gate;
}

/* In ulp of the format at the truth; below twice the smallest normal number 0, or infinite where it isn't even small.
 */
static double error_of(int format, double got, long double truth)
{
    const int digits = format == ASSAY_FP64 ? DBL_MANT_DIG : FLT_MANT_DIG;
    const long double tiny = format == ASSAY_FP64 ? 2 * (long double)DBL_MIN : 2 * (long double)FLT_MIN;
    int exponent;
    if (fabsl(truth) < tiny) return fabsl((long double)got) <= tiny && got * (double)truth >= 0 ? 0 : INFINITY;
    frexpl(truth, &exponent);
    const double ulps = (double)(fabsl((long double)got - truth) / ldexpl(1, exponent - digits));
    return isnan(ulps) ? INFINITY : ulps;
}

/* The worst error of one activation in one pass, added as a finding; negative if it could not be observed. */
static double run_sweep(assay_trial *t, const assay_problem *p, const sweep *s, assay_routine routine)
{
    /* an ulp of r may be two of tanh(r), whose own error comes on top */
    const double limit = (s->kind == RESET ? 3 : 1) * t->declared.activation_ulp;
    char name[48];
    assay_values given, got;
    double worst = 0, argument = 0;
    int64_t where = -1;
    if (make(t, p, s, &given) != ASSAY_OK) {
        assay_trial_end(t, ASSAY_VERDICT_BROKEN, "no memory for a sweep");
        return -1;
    }
    const int ran = assay_trial_run(t, routine, &given, ASSAY_FORWARD_ROLE, NULL, &got);
    const double *x = given.at[ASSAY_X], *seen = ran ? got.at[s->seen] : NULL;
    for (int64_t e = 0; seen && e < (int64_t)p->n * LANES; e++) {
        const double z = x[e / LANES] * lane(e % LANES);
        const double error = error_of(p->arithmetic, seen[e], truth_of(p->arithmetic, s->kind, z));
        if (!(error <= worst)) {
            worst = error;
            argument = z;
            where = e;
        }
    }
    assay_values_free(&given);
    if (!ran) return -1;
    assay_values_free(&got);
    snprintf(name, sizeof name, "%s%s", s->name, routine == ASSAY_ROUTINE_INFER ? "" : " in training");
    assay_finding f = assay_finding_exact(name, "ulp", worst <= limit, where);
    f.error = worst;
    f.limit = limit;
    f.floor = 0.5;
    if (where >= 0)
        snprintf(f.place, sizeof f.place, "argument %.9g; declared as activation_ulp: %g", argument,
                 t->declared.activation_ulp);
    assay_trial_add(t, &f);
    t->alive_truths++;
    return worst;
}

/* Where all that the declaration speaks of was seen. */
static void judge_declaration(assay_trial *t, double worst)
{
    const double declared = t->declared.activation_ulp;
    assay_finding f = assay_finding_exact("activation_ulp", "loose", declared <= 2 * fmax(worst, 0.5), -1);
    f.error = declared;
    f.limit = 2 * fmax(worst, 0.5);
    f.floor = worst;
    assay_trial_add(t, &f);
}

/* The candidate's recurrent bias inside the reset: the one place where r meets a number that is known. */
static int shows_reset(const assay_problem *p)
{
    return p->dialect.gru_reset == ASSAY_RESET_AFTER_INSIDE && p->dialect.biases == ASSAY_BIAS_TWO;
}

void assay_check_arithmetic(assay_trial *t)
{
    const int infer_only = assay_session_about(t->session)->infer_only[0] != 0;
    const double patience = 60; /* seconds: a sweep is more work than its case */
    assay_problem p = t->subject->p;
    assay_subject *whole;
    double worst[KINDS] = {-1, -1};
    p.t = p.i = 1;
    p.n = t->full ? 32768 : 4096;
    p.h = LANES;
    assay_session_limit(t->session, patience);
    if (!assay_trial_enter(t, "sweep: ", &p, &whole)) {
        if (!t->over)
            assay_trial_end(t, ASSAY_VERDICT_UNSUPPORTED, "one step of %d rows and %d units is refused", p.n, p.h);
        return;
    }
    for (size_t k = 0; k < sizeof sweeps / sizeof *sweeps && !t->over; k++) {
        const sweep *s = &sweeps[k];
        if (s->cell != p.dialect.cell || (s->kind == RESET && !shows_reset(&p))) continue;
        double seen = run_sweep(t, &p, s, ASSAY_ROUTINE_INFER);
        if (!t->over && !infer_only) seen = fmax(seen, run_sweep(t, &p, s, ASSAY_ROUTINE_FORWARD));
        if (s->kind != RESET) worst[s->kind] = fmax(worst[s->kind], seen);
    }
    if (!t->over && worst[SIGMOID] >= 0 && worst[TANH] >= 0) judge_declaration(t, fmax(worst[SIGMOID], worst[TANH]));
    assay_trial_leave(t, whole);
}
