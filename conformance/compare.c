/* compare.c: distances between result and truth, and the rules that turn them into a verdict.
 * SPDX-License-Identifier: MIT */
#include "conformance/compare.h"

#include "reference/tensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Factors of docs/tolerance.md 3.5: proposals of that procedure, the same for every case and implementation. */
static const double factor_tensor = 4, factor_row = 8, factor_element = 32;

/* Where some elements are far worse conditioned than the tensor as a whole (rows of an embedding that many steps add to
 * and cancel in), the element floor that was measured counts instead: docs/decisions/0002-element-floor.md. */
static double element_limit(const assay_floor *f)
{
    return fmax(factor_element * f->phi, factor_tensor * f->phi_element);
}

/* The difference at one place, or 0 where it is not a number; then *broken is set unless both are the same infinity. */
static double difference(double got, double truth, int *broken)
{
    if (isfinite(got) && isfinite(truth)) return got - truth;
    if (!(got == truth)) *broken = 1;
    return 0;
}

static double row_norm(const double *v, int64_t n, int one_norm)
{
    double s = 0;
    for (int64_t k = 0; k < n; k++) {
        if (!isfinite(v[k])) continue;
        s += one_norm ? fabs(v[k]) : v[k] * v[k];
    }
    return one_norm ? s : sqrt(s);
}

/* Where row r begins. */
static int64_t start_of(const assay_metric *m, int64_t r)
{
    return r * (m->stride > 0 ? m->stride : m->row);
}

/* Sums over the whole tensor that the row pass needs: norms, rms of rows. */
static void whole(const assay_metric *m, const double *got, const double *truth, assay_distance *d, double *rms,
                  double *rms_row)
{
    double dd = 0, rr = 0, sum = 0, rows2 = 0, largest = 0;
    for (int64_t r = 0; r < m->count / m->row; r++) {
        const int64_t first = start_of(m, r);
        double n = row_norm(truth + first, m->row, m->one_norm);
        rows2 += n * n;
        for (int64_t k = first; k < first + m->row; k++) {
            int broken = 0;
            double e = difference(got[k], truth[k], &broken);
            if (broken && d->not_finite < 0) d->not_finite = k;
            if (isnan(truth[k]) && d->truth_nan < 0) d->truth_nan = k;
            dd += e * e;
            sum += e;
            if (isfinite(truth[k])) {
                rr += truth[k] * truth[k];
                largest = fmax(largest, fabs(truth[k]));
            }
        }
    }
    double n = (double)m->count;
    d->norm_d = sqrt(dd);
    d->norm_truth = sqrt(rr);
    d->unit = rr > 0 ? largest / d->norm_truth : 0;
    d->bias = dd > 0 ? fabs(sum / n) / sqrt(dd / n) * sqrt(n) : 0;
    *rms = sqrt(rr / n);
    *rms_row = sqrt(rows2 / (n / (double)m->row));
}

static void larger(double ratio, int64_t at, double *worst, int64_t *where)
{
    if (!(ratio <= *worst)) {
        *worst = ratio;
        *where = at;
    }
}

void assay_distance_measure(const assay_metric *m, const double *got, const double *truth, assay_distance *out)
{
    double rms, rms_row;
    memset(out, 0, sizeof *out);
    out->row_at = out->element_at = out->row_sum_at = out->not_finite = out->not_zero = out->truth_nan = -1;
    if (m->count == 0) return;
    whole(m, got, truth, out, &rms, &rms_row);
    for (int64_t r = 0; r < m->count / m->row; r++) {
        const int64_t first = start_of(m, r);
        const double *g = got + first, *t = truth + first;
        double s = 0, total = 0, largest = 0;
        for (int64_t k = 0; k < m->row; k++) {
            int broken = 0;
            if (isfinite(t[k])) largest = fmax(largest, fabs(t[k]));
            double e = fabs(difference(g[k], t[k], &broken));
            s += m->one_norm ? e : e * e;
            total += g[k];
            if (e > 0) larger(e / (fabs(t[k]) + rms), first + k, &out->element_ratio, &out->element_at);
            if (m->zero && m->zero[r] && !(g[k] == 0) && out->not_zero < 0) out->not_zero = first + k;
        }
        const double e = m->one_norm ? s : sqrt(s), size = row_norm(t, m->row, m->one_norm) + 0.1 * rms_row;
        if (e > 0) larger(e / size, r, &out->row_ratio, &out->row_at);
        if (largest > 0) out->unit_row = fmax(out->unit_row, largest / size);
        if (m->row_sums) larger(fabs(total), r, &out->row_sum, &out->row_sum_at);
    }
}

/* Keeps the rule with the largest margin. A limit of 0 holds only for an error of 0. */
static void rule(assay_finding *f, const char *name, double error, double floor, double limit, int64_t where)
{
    double margin = error == 0 ? 0 : limit > 0 ? error / limit : INFINITY;
    if (f->rule[0] && margin <= f->margin) return;
    snprintf(f->rule, sizeof f->rule, "%s", name);
    f->error = error;
    f->floor = floor;
    f->limit = limit;
    f->margin = isnan(margin) ? INFINITY : margin;
    f->where = where;
}

assay_finding assay_finding_exact(const char *what, const char *name, int ok, int64_t where)
{
    assay_finding f;
    memset(&f, 0, sizeof f);
    snprintf(f.what, sizeof f.what, "%s", what);
    rule(&f, name, ok ? 0 : INFINITY, 0, 0, ok ? -1 : where);
    f.verdict = ok ? ASSAY_VERDICT_PASS : ASSAY_VERDICT_FAIL;
    return f;
}

int assay_finding_counts(const assay_finding *f)
{
    return !strcmp(f->rule, "contract");
}

double assay_norm(const double *v, int64_t count)
{
    double s = 0;
    for (int64_t k = 0; v && k < count; k++)
        s += v[k] * v[k];
    return sqrt(s);
}

assay_floor assay_floor_at(const assay_floor *f, double norm_truth)
{
    assay_floor at = *f;
    if (!(norm_truth > 0 && f->scale > norm_truth)) return at;
    double ratio = f->scale / norm_truth;
    at.phi *= ratio;
    at.phi_row *= ratio;
    at.phi_element *= ratio;
    at.scale = norm_truth;
    return at;
}

assay_finding assay_finding_judge(const char *what, const assay_metric *m, const assay_distance *d,
                                  const assay_floor *measured, int store, double bound)
{
    assay_finding out;
    assay_floor at = assay_floor_at(measured, d->norm_truth), *f = &at;
    double u = assay_unit_roundoff(store);
    /* A store narrower than fp32 flips by an ulp where an honest sum lands on the other side of a tie. */
    double flip = store == ASSAY_FP64 || store == ASSAY_FP32 ? 0 : 2 * u;
    memset(&out, 0, sizeof out);
    snprintf(out.what, sizeof out.what, "%s", what);
    if (d->truth_nan >= 0) {
        rule(&out, "truth", INFINITY, 0, 0, d->truth_nan);
        out.verdict = ASSAY_VERDICT_BROKEN;
        return out;
    }
    /* An all-zero truth leaves a limit of 0, whatever the floor. */
    int dead = !(d->norm_truth > 0);
    rule(&out, "tensor", dead ? d->norm_d : d->norm_d / d->norm_truth, f->phi, dead ? 0 : factor_tensor * f->phi, -1);
    rule(&out, "row", d->row_ratio, f->phi_row, dead ? 0 : factor_row * f->phi_row, d->row_at);
    rule(&out, "element", d->element_ratio, f->phi, dead ? 0 : element_limit(f) + flip, d->element_at);
    if (m->row_sums)
        rule(&out, "rowsum", d->row_sum, f->row_sum, 4 * fmax(f->row_sum, u * (double)m->row), d->row_sum_at);
    if (d->not_zero >= 0) rule(&out, "zero", INFINITY, 0, 0, d->not_zero);
    if (d->not_finite >= 0) rule(&out, "finite", INFINITY, 0, 0, d->not_finite);
    out.verdict = !(out.margin <= 1) ? ASSAY_VERDICT_FAIL : ASSAY_VERDICT_PASS;
    if (out.verdict == ASSAY_VERDICT_PASS && !(f->phi <= bound)) {
        out.verdict = ASSAY_VERDICT_ILL_POSED;
        out.error = f->phi;
        out.limit = bound;
    }
    return out;
}

/* ---- what the contract says of a tensor ---- */

static int has_ctc(const assay_problem *p)
{
    return p->op == ASSAY_OP_CTC || p->loss == ASSAY_LOSS_CTC;
}

/* Rows of cross-entropy whose label says that they do not count: losses, and where the logits are given their gradient.
 */
static int needs_ignored_zero(const assay_problem *p, const assay_tensor *x)
{
    if (has_ctc(p) || !p->dialect.xent_ignores) return 0;
    return x->id == ASSAY_LOSS_ROWS || (p->op == ASSAY_OP_XENT && x->id == ASSAY_DX);
}

static int needs_padding_zero(const assay_problem *p, const assay_tensor *x)
{
    if (x->id == ASSAY_Y || x->id == ASSAY_DX) return 1; /* a held y in rows of no step at all */
    if (x->id == ASSAY_LOGITS) return p->head == ASSAY_HEAD_EVERY;
    return x->id == ASSAY_LOSS_ROWS && x->rank == 2;
}

/* Frames that CTC needs for sample n: labels, and one blank between each pair of equal neighbours that are neither one
 * label nor may follow each other. */
static int32_t frames_needed(const assay_problem *p, const assay_values *in, int32_t n)
{
    const int32_t *lens = in->at[ASSAY_LABEL_LENS];
    const int32_t *labels = (const int32_t *)in->at[ASSAY_LABELS] + assay_label_start(p, lens, n);
    int32_t need = lens[n], repeats = 0;
    for (int32_t k = 1; k < lens[n]; k++)
        repeats += labels[k] == labels[k - 1];
    if (p->dialect.ctc_collapse) return need - repeats;
    return p->dialect.ctc_repeats == ASSAY_REPEATS_MERGED ? need + repeats : need;
}

static void mark_padding(const assay_problem *p, const assay_values *in, int held, unsigned char *zero)
{
    for (int32_t n = 0; n < p->n; n++)
        for (int32_t t = assay_length(p, in, n); t < p->t; t++)
            zero[assay_row_of(p, t, n)] = !held || assay_length(p, in, n) == 0;
}

static void mark_ignored(const assay_problem *p, const assay_values *in, int64_t rows, unsigned char *zero)
{
    const int32_t *labels = in->at[ASSAY_LABELS];
    for (int64_t r = 0; r < rows; r++)
        if (labels[r] == p->dialect.xent_ignore_index) zero[r] = 1;
}

static void mark_infeasible(const assay_problem *p, const assay_values *in, unsigned char *zero)
{
    for (int32_t n = 0; n < p->n; n++)
        if (frames_needed(p, in, n) > assay_length(p, in, n))
            for (int32_t t = 0; t < p->t; t++)
                zero[assay_row_of(p, t, n)] = 1;
}

static void mark_unseen(const assay_problem *p, const assay_values *in, unsigned char *zero)
{
    const int32_t *ids = in->at[ASSAY_IDS];
    memset(zero, 1, (size_t)p->vocab);
    for (int32_t n = 0; n < p->n; n++)
        for (int32_t t = 0; t < assay_length(p, in, n); t++)
            zero[ids[assay_row_of(p, t, n)]] = 0;
}

assay_status assay_metric_make(const assay_problem *p, const assay_values *in, const assay_tensor *x, assay_metric *out,
                               unsigned char **zero)
{
    int unseen = p->vocab > 0 && x->id == assay_tensor_id(ASSAY_DPARAM, assay_param_head(p, ASSAY_EMBEDDING));
    int ctc = p->op == ASSAY_OP_CTC && x->id == ASSAY_DX, ignored = needs_ignored_zero(p, x);
    *zero = NULL;
    out->row = x->row > 0 ? x->row : 1;
    out->stride = x->stride > out->row ? x->stride : out->row;
    out->count = x->count / out->stride * out->row;
    out->one_norm = ctc;
    out->row_sums = ctc && p->dialect.ctc_input == ASSAY_CTC_LOGITS;
    out->zero = NULL;
    if (!unseen && !ignored && !needs_padding_zero(p, x)) return ASSAY_OK;
    *zero = calloc((size_t)(out->count / out->row) + 1, 1);
    if (!*zero) return ASSAY_NO_MEMORY;
    if (unseen)
        mark_unseen(p, in, *zero);
    else if (needs_padding_zero(p, x))
        mark_padding(p, in, x->id == ASSAY_Y && p->dialect.pad_output == ASSAY_PAD_HELD, *zero);
    if (ignored) mark_ignored(p, in, out->count / out->row, *zero);
    if (ctc) mark_infeasible(p, in, *zero);
    out->zero = *zero;
    return ASSAY_OK;
}
