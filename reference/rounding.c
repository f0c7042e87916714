/* rounding.c: rounding to a format in any mode, and the contexts of the two rounding builds.
 * SPDX-License-Identifier: MIT */
#include "reference/rounding.h"

#include <math.h>

#include "reference/rounding_state.h"

__thread assay_rounding_state assay_state_sr;
__thread assay_rounding_state assay_state_noise;

/* precision = significant bits with the hidden one; the largest finite value is below 2^(top + 1), the least normal
 * one is 2^(1 - top). */
static const struct format {
    int precision, top;
} formats[] = {{53, 1023}, {24, 127}, {11, 127}, {8, 127}, {11, 15}}; /* in the order of assay_format */

/* Rounds |x| as mode says; coin is uniform in [0, 1). Every format but FP64 scales without error. */
static double rounded(struct format f, int mode, double x, double coin)
{
    if (!(fabs(x) <= 0x1.fffffffffffffp1023) || x == 0) return x; /* infinities, NaN and zeros stay */
    int e;
    (void)frexp(x, &e); /* |x| in [2^(e-1), 2^e) */
    const int quantum = (e > 2 - f.top ? e : 2 - f.top) - f.precision;
    const double scaled = ldexp(fabs(x), -quantum), down = floor(scaled), rest = scaled - down;
    int up = 0;
    if (mode == ASSAY_ROUND_NEAREST) up = rest > 0.5 || (rest == 0.5 && fmod(down, 2) != 0);
    if (mode == ASSAY_ROUND_STOCHASTIC) up = coin < rest;
    double y = ldexp(down + up, quantum);
    const double largest = ldexp(2 - ldexp(1, 1 - f.precision), f.top);
    if (y > largest) y = mode == ASSAY_ROUND_TRUNCATE ? largest : INFINITY;
    return copysign(y, x);
}

double assay_round_to(int format, double x)
{
    if (format == ASSAY_FP64) return x;
    if (format == ASSAY_FP32) return (double)(float)x;
    const struct format f = formats[format];
    /* The bits of a double do for whatever stays normal: add half a unit, less one if the last kept bit is even. */
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int e = (int)(bits >> 52 & 0x7ff) - 1023, drop = 53 - f.precision;
    if (e < 1 - f.top || e >= f.top) return rounded(f, ASSAY_ROUND_NEAREST, x, 0);
    bits += (UINT64_C(1) << (drop - 1)) - 1 + (bits >> drop & 1);
    bits &= ~((UINT64_C(1) << drop) - 1);
    memcpy(&x, &bits, sizeof x);
    return x;
}

static double uniform(assay_rounding_state *s)
{
    return (double)(assay_draw(s) >> 11) * 0x1p-53;
}

double assay_round_state(assay_rounding_state *s, double x)
{
    if (s->r.mode == ASSAY_ROUND_EXACT || s->r.accumulate == ASSAY_FP64) return x;
    if (s->r.mode == ASSAY_ROUND_NEAREST) return assay_round_to(s->r.accumulate, x);
    return rounded(formats[s->r.accumulate], s->r.mode, x, uniform(s));
}

double assay_round_wide(assay_rounding_state *s, double r, double error)
{
    if (!(fabs(error) > 0) || !(fabs(r) <= 0x1.fffffffffffffp1023)) return r;
    if (s->r.mode == ASSAY_ROUND_NEAREST) return r;
    if (s->r.mode == ASSAY_ROUND_TRUNCATE) return (error > 0) == (r > 0) ? r : nextafter(r, 0);
    const double other = nextafter(r, error > 0 ? INFINITY : -INFINITY);
    return uniform(s) * fabs(other - r) < fabs(error) ? other : r;
}

double assay_round_blur(assay_rounding_state *s, double x)
{
    if (!(fabs(x) <= 0x1.fffffffffffffp1023) || x == 0) return x;
    const struct format f = formats[s->r.accumulate];
    int e;
    (void)frexp(x, &e);
    const double ulp = ldexp(1, (e > 2 - f.top ? e : 2 - f.top) - f.precision);
    return x + s->r.activation_ulp * ulp * (2 * uniform(s) - 1);
}

static int share_of(const assay_rounding_state *s, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return 1 + (int)(assay_mix(bits ^ assay_mix(s->r.seed ^ UINT64_C(0x8bb84b93962eacc9))) % (uint64_t)s->r.shares);
}

/* The tie between the two values of the format around x, finite and not 0, without its sign. */
static double tie_of(struct format f, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int e = (int)(bits >> 52 & 0x7ff) - 1023, drop = 53 - f.precision;
    if (e < 1 - f.top) { /* subnormal there */
        const double quantum = ldexp(1, 2 - f.top - f.precision);
        return (floor(fabs(x) / quantum) + 0.5) * quantum;
    }
    bits = (bits >> drop << drop | UINT64_C(1) << (drop - 1)) & ~(UINT64_C(1) << 63);
    memcpy(&x, &bits, sizeof x);
    return x;
}

double assay_round_watched(assay_rounding_state *s, int format, int how, double x)
{
    if (format <= ASSAY_FP32 || !(fabs(x) <= 0x1.fffffffffffffp1023) || x == 0) return assay_round_to(format, x);
    const struct format f = formats[format];
    if (how == ASSAY_OPERAND_CUT) return rounded(f, ASSAY_ROUND_TRUNCATE, x, 0);
    const double y = assay_round_to(format, x), middle = tie_of(f, x);
    const double other = 2 * middle - fabs(y), end = ldexp(1, f.top + 1);
    if (!(fabs(y) < end && other < end)) return y;
    if (how == ASSAY_OPERAND_AWAY && fabs(x) == middle) return copysign(fmax(fabs(y), other), x);
    const double around = fabs(x) > s->row_scale ? fabs(x) : s->row_scale;
    if (!(fabs(fabs(x) - middle) <= s->r.window * around) || (double)(float)x == x) return y;
    s->near++;
    return s->r.flip && share_of(s, x) == s->r.flip ? copysign(other, x) : y;
}

int64_t assay_rounding_near(void)
{
    return assay_state_sr.near;
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

void assay_round_order(assay_rounding_state *s, int64_t n)
{
    s->order_n = n;
    s->order_a = 1;
    s->order_b = 0;
    const int random = s->r.mode == ASSAY_ROUND_STOCHASTIC || s->r.mode == ASSAY_ROUND_TRUNCATE;
    if (!random || n < 2) return;
    /* A function of seed and n alone: a run has one order for each length, whatever came before. Below 2^22, so that
     * order_a j stays below 2^63 for every n of a problem. One in eight is the natural order, one in eight its reverse:
     * most implementations add up so, and where neighbours are alike these partial sums go farthest. */
    const uint64_t key = assay_mix(s->r.seed ^ assay_mix((uint64_t)n * UINT64_C(0x9e3779b97f4a7c15)));
    const int kind = (int)(key & 7);
    if (kind == 0) return;
    if (kind == 1) {
        s->order_a = s->order_b = n - 1;
        return;
    }
    const int64_t below = n < (1 << 22) ? n : 1 << 22;
    int64_t a = 1 + (int64_t)((key >> 32) % (uint64_t)below);
    while (common_divisor(a, n) != 1)
        a = a % below + 1;
    s->order_a = a;
    s->order_b = (int64_t)((key & UINT64_C(0xffffffff)) % (uint64_t)n);
}

static void set(assay_rounding_state *s, const assay_rounding *r)
{
    memset(s, 0, sizeof *s);
    s->r = *r;
    s->weyl = assay_mix(r->seed ^ UINT64_C(0x8bb84b93962eacc9));
    s->order_n = -1;
    const int exact = r->mode == ASSAY_ROUND_EXACT, wide = r->accumulate == ASSAY_FP64;
    s->wide = wide && !exact;
    s->watched = r->window > 0 || r->operand_rounds != ASSAY_OPERAND_EVEN;
    s->blurs = !exact && r->activation_ulp > 0.5;
    s->masks.keep = ~UINT64_C(0);
    if (exact || wide) {
        s->masks.span = 0x800; /* every double passes as it is */
    } else if (r->mode != ASSAY_ROUND_NEAREST) {
        const struct format f = formats[r->accumulate];
        const uint64_t dropped = (UINT64_C(1) << (53 - f.precision)) - 1;
        s->masks.draw = r->mode == ASSAY_ROUND_STOCHASTIC ? dropped : 0;
        s->masks.keep = ~dropped;
        s->masks.exponent = (uint32_t)(1023 + 1 - f.top);
        s->masks.span = (uint32_t)(2 * f.top - 1); /* less the last binade, where rounding up may overflow */
    }
}

void assay_rounding_sr(const assay_rounding *r)
{
    set(&assay_state_sr, r);
}

void assay_rounding_noise(const assay_rounding *r)
{
    set(&assay_state_noise, r);
}
