/* audit_print.c: an audit as text: the verdict and its place first, then every tensor, then time, ulps, repeats.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/audit.h"

#include "perf/cli/print.h"
#include "reference/tensors.h"

#include <math.h>
#include <string.h>

#define SHOWN_STEPS 5 /* of a curve: first, last, and between */
#define BIAS_ODD    8 /* conformance/compare.h */

static const char *number(double x, char buffer[24])
{
    if (isnan(x)) return strcpy(buffer, "-");
    return assay_print_number(x, buffer, 24);
}

static const char *name_of(const assay_audit *a, int side)
{
    return a->side[side].name[0] ? a->side[side].name : a->side[side].label;
}

/* ---- the first lines ---- */

static void put_worst(FILE *to, const assay_audit *a)
{
    const assay_audit_tensor *x = &a->at[a->worst];
    char error[24], limit[24], margin[24];
    fprintf(to, "  worst    %s: %s error %s, limit %s, margin %s", x->name, x->pair.rule, number(x->pair.error, error),
            number(x->pair.limit, limit), number(x->pair.margin, margin));
    fprintf(to, "%s%s\n", x->worst[0] ? ", at " : "", x->worst);
}

/* Where in the order of computing the difference first leaves its limits. */
static void put_beginnings(FILE *to, const assay_audit *a)
{
    for (int k = 0; k < a->count; k++) {
        const assay_audit_tensor *x = &a->at[k];
        for (int h = 0; x->steps && h < x->halves; h++) {
            if (x->wrong[h] < 0) continue;
            fprintf(to, "  begins   %s%s at t %d", x->name,
                    x->halves < 2 ? ""
                    : h           ? ", reverse half,"
                                  : ", forward half,",
                    (int)x->wrong[h]);
            if (x->from_end[h]) fputs(", counted from the last step down", to);
            if (x->first_bit[h] != x->wrong[h]) fprintf(to, "; the first other bit is at t %d", (int)x->first_bit[h]);
            fputc('\n', to);
        }
    }
}

/* Tensors beyond their limits and where in them, those that are wrong in the same places together. */
static void put_places(FILE *to, const assay_audit *a)
{
    for (int k = 0; k < a->count; k++) {
        const char *where = a->at[k].where;
        int before = 0;
        for (int i = 0; i < k; i++)
            before |= !strcmp(a->at[i].where, where);
        if (!where[0] || before) continue;
        fputs("  beyond  ", to);
        for (int i = k; i < a->count; i++)
            if (!strcmp(a->at[i].where, where)) fprintf(to, " %s", a->at[i].name);
        fprintf(to, ": %s\n", where);
    }
}

static void put_sides(FILE *to, const assay_audit *a)
{
    for (int side = 0; side < 2 && a->has_truth; side++) {
        int missed = 0;
        double margin = 0;
        for (int k = 0; k < a->count; k++) {
            missed += a->at[k].side[side].verdict == ASSAY_VERDICT_FAIL;
            if (!(a->at[k].side[side].margin <= margin)) margin = a->at[k].side[side].margin;
        }
        char text[24];
        fprintf(to, "  %c        %s: ", 'A' + side, name_of(a, side));
        if (missed) fprintf(to, "%d of %d tensors miss the truth's limits, ", missed, (int)a->count);
        fprintf(to, "worst margin against the truth %s\n", number(margin, text));
        if (a->side[side].cause[0]) fprintf(to, "  cause    %s: %s\n", name_of(a, side), a->side[side].cause);
    }
}

/* Which of the two is farther off, in how many of the tensors that tell, by the median factor. */
static void put_farther(FILE *to, const assay_audit *a)
{
    double factor[ASSAY_TENSORS];
    int counted = 0, b_farther = 0;
    for (int k = 0; k < a->count && a->has_truth; k++) {
        const double *e = a->at[k].error_side;
        if (a->at[k].role == ASSAY_ROLE_UPDATED || !(e[0] > 0) || !(e[1] > 0) || !isfinite(e[0]) || !isfinite(e[1]))
            continue;
        int at = counted++;
        for (; at > 0 && factor[at - 1] > e[1] / e[0]; at--)
            factor[at] = factor[at - 1];
        factor[at] = e[1] / e[0];
        b_farther += e[1] > e[0];
    }
    if (!counted) return;
    const double median = factor[counted / 2];
    const int side = median >= 1;
    char text[24];
    fprintf(
        to,
        "  farther  %s: from the truth on %d of %d outputs and gradients that differ, %s times as far at the median\n",
        name_of(a, side), side ? b_farther : counted - b_farther, counted, number(side ? median : 1 / median, text));
}

static void put_repeats(FILE *to, const assay_audit *a)
{
    for (int side = 0; side < 2; side++) {
        const assay_audit_side *s = &a->side[side];
        char text[24];
        fprintf(to, "  repeats  %s: ", name_of(a, side));
        if (!s->wanders[0])
            fprintf(to, "the same bits in %d runs, two in one worker and one in a fresh one, %d threads\n",
                    ASSAY_AUDIT_RUNS, (int)a->threads);
        else
            fprintf(to, "other bits in %s from run to run, by up to %s of a tensor's size%s\n", s->wanders,
                    number(s->wander, text),
                    s->declared.deterministic ? "; it is declared deterministic" : ", as it declares");
    }
}

/* ---- tables ---- */

/* What A - B is without: of outputs and gradients, of the step. The largest. */
static void put_taken_out(FILE *to, const assay_audit *a, int stepped, const char *what)
{
    const assay_audit_tensor *most = NULL;
    char t[24];
    for (int k = 0; k < a->count; k++) {
        const assay_audit_tensor *x = &a->at[k];
        if ((x->role == ASSAY_ROLE_UPDATED) == stepped && x->declared > (most ? most->declared : 0)) most = x;
    }
    if (most) fprintf(to, "  A - B is without %s: at most %s, of %s\n", what, number(most->declared, t), most->name);
}

static void put_tensors(FILE *to, const assay_audit *a)
{
    fprintf(to, "\n  %-14s %9s %9s %8s %9s %9s %9s %7s %6s  %s\n", "tensor", "A - B", "limit", "margin", "A - truth",
            "B - truth", "floors", "bias", "same", "most of it at");
    for (int k = 0; k < a->count; k++) {
        const assay_audit_tensor *x = &a->at[k];
        char t[7][24];
        fprintf(to, "  %-14s %9s %9s %8s %9s %9s %9s %6s%c %4.0f %%  ", x->name, number(x->error, t[0]),
                number(4 * x->floor, t[1]), number(x->pair.margin, t[2]), number(x->error_side[0], t[3]),
                number(x->error_side[1], t[4]), number(x->floor, t[5]), number(x->bias, t[6]),
                x->bias > BIAS_ODD ? '!' : ' ', x->elements ? 100.0 * (double)x->same / (double)x->elements : 100.0);
        for (int i = 0; i < x->share_count; i++)
            fprintf(to, "%s%s %.0f %%", i ? ", " : "", x->share[i].words, 100 * x->share[i].share);
        fputc('\n', to);
    }
    fputs("  errors are norms over the truth's; floors: both together, the noise of honest arithmetic; bias: mean over "
          "its "
          "own noise, odd above 8 (!)\n",
          to);
    put_taken_out(to, a, 0, "what the declared arithmetics part by");
    put_taken_out(to, a, 1, "what each made of its own gradients");
}

static void put_curve(FILE *to, const assay_audit_tensor *x, int half, const char *name, int curve)
{
    double first, last;
    char t[24];
    const int shown = x->steps < SHOWN_STEPS ? x->steps : SHOWN_STEPS;
    assay_audit_growth(x, curve, half, &first, &last);
    fprintf(to, "  %-14s %-9s", x->name, name);
    for (int k = 0; k < shown; k++) {
        const int step = shown > 1 ? (int)((int64_t)k * (x->steps - 1) / (shown - 1)) : 0;
        fprintf(to, "  t %d %s", step, number(assay_audit_at(x, curve, half, step), t));
    }
    if (first > 0 && last > 0) fprintf(to, "  grows x %s", number(last / first, t));
    fprintf(to, "%s%s\n",
            x->halves < 2 ? ""
            : half        ? "  (reverse half)"
                          : "  (forward half)",
            x->from_end[half] ? "  (from the end)" : "");
}

static void put_time(FILE *to, const assay_audit *a)
{
    static const char *const names[] = {"A - B", "A - truth", "B - truth"};
    int any = 0;
    for (int k = 0; k < a->count; k++) {
        const assay_audit_tensor *x = &a->at[k];
        for (int h = 0; x->steps && h < x->halves; h++) {
            if (!any++)
                fputs("\n  error of a step over the size of its truth; grows: the last tenth over the first\n", to);
            for (int c = 0; c < (a->has_truth ? ASSAY_AUDIT_CURVES : 1); c++)
                put_curve(to, x, h, names[c], c);
        }
    }
}

/* "0: 31 %  1: 72 %  4: 95 %  all: 2^9" */
static void put_ulps(FILE *to, const assay_audit *a)
{
    static const int shown[] = {0, 1, 2, 3, 5, 9, 13}; /* 0, 1, 2, 4, 16, 256, 4096 ulps */
    fputs("\n  ulps between A and B: share of the elements at most so far apart\n", to);
    for (int k = 0; k < a->count; k++) {
        const assay_audit_tensor *x = &a->at[k];
        int64_t so_far = 0;
        int last = ASSAY_AUDIT_BINS - 1, bin = 0;
        while (last > 0 && !x->ulps[last])
            last--;
        fprintf(to, "  %-14s", x->name);
        for (size_t i = 0; i < sizeof shown / sizeof *shown && shown[i] <= last && x->elements; i++) {
            for (; bin <= shown[i]; bin++)
                so_far += x->ulps[bin];
            fprintf(to, "  %g: %.4g %%", shown[i] ? ldexp(1, shown[i] - 1) : 0.0,
                    100.0 * (double)so_far / (double)x->elements);
        }
        if (last == ASSAY_AUDIT_BINS - 1)
            fputs("  some beyond 2^22", to);
        else if (last > 3)
            fprintf(to, "  all: 2^%d", last - 1);
        fputc('\n', to);
    }
}

void assay_audit_print(FILE *to, const assay_audit *a)
{
    static const char *const words[] = {[ASSAY_VERDICT_PASS] = "SAME", [ASSAY_VERDICT_FAIL] = "DIFFERENT"};
    const int compared = a->count > 0;
    const char *word = compared && (a->verdict == ASSAY_VERDICT_PASS || a->verdict == ASSAY_VERDICT_FAIL)
                           ? words[a->verdict]
                           : assay_verdict_name(a->verdict);
    char seed[24];
    fprintf(to, "%s  A %s  B %s  %s  %s  seed %s\n", word, name_of(a, 0), a->side[1].label[0] ? name_of(a, 1) : "-",
            a->what, assay_format_name(a->problem.arithmetic), assay_print_seed(a->seed, seed, sizeof seed));
    if (a->worst >= 0) put_worst(to, a);
    put_beginnings(to, a);
    if (a->why[0]) fprintf(to, "  why      %s\n", a->why);
    if (!compared) return;
    put_sides(to, a);
    put_places(to, a);
    put_farther(to, a);
    put_repeats(to, a);
    put_tensors(to, a);
    put_time(to, a);
    put_ulps(to, a);
}
