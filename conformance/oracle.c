/* oracle.c: truth by the double or the quad reference, floors by its rounding builds.
 * SPDX-License-Identifier: MIT */
#include "conformance/oracle.h"

#include "conformance/cache.h"
#include "conformance/clock.h"
#include "reference/reference.h"
#include "reference/rounding.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef assay_status evaluate_fn(const assay_problem *p, void *const at[ASSAY_TENSORS], int64_t step);

double assay_floor_bound(const assay_problem *p, const assay_arithmetic *a)
{
    int ctc = p->op == ASSAY_OP_CTC || p->loss == ASSAY_LOSS_CTC;
    int narrow = a->store > ASSAY_FP32 || a->operand > ASSAY_FP32;
    return ctc || narrow ? 3e-2 : 1e-3;
}

/* What was asked for bounds the declaration: a wider roundoff would buy a wider floor. An unknown format's is 1. */
static int is_as_fine(int format, int asked)
{
    return assay_unit_roundoff(format) <= assay_unit_roundoff(asked);
}

int assay_arithmetic_honours(int asked, const assay_arithmetic *a, char *why, size_t why_size)
{
    const double most_ulp = 4;
    int same = asked <= ASSAY_FP32 && a->operand == asked && a->accumulate == asked && a->store == asked;
    int narrow = asked > ASSAY_FP32 && asked <= ASSAY_FP16 && is_as_fine(a->operand, asked) &&
                 is_as_fine(a->store, asked) && (a->accumulate == ASSAY_FP32 || a->accumulate == ASSAY_FP64);
    if (!same && !narrow) {
        snprintf(why, why_size, "%s was asked for; it declares operands %s, sums %s, stores %s",
                 assay_format_name(asked), assay_format_name(a->operand), assay_format_name(a->accumulate),
                 assay_format_name(a->store));
        return 0;
    }
    if (!(a->activation_ulp >= 0.5 && a->activation_ulp <= most_ulp)) {
        snprintf(why, why_size, "declares activations within %g ulp; expected 0.5 to %g", a->activation_ulp, most_ulp);
        return 0;
    }
    return 1;
}

/* ---- quad: the same arrays, wider ---- */

/* Runs a quad evaluation on copies of the double arrays and rounds the wanted tensors back. */
static assay_status through_quad(evaluate_fn *evaluate, const assay_problem *p, void *const at[ASSAY_TENSORS],
                                 unsigned wanted, int64_t step)
{
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(p, list);
    void *wide[ASSAY_TENSORS] = {0};
    assay_status st = ASSAY_OK;
    for (int k = 0; k < count && st == ASSAY_OK; k++) {
        const assay_tensor *x = &list[k];
        const double *from = at[x->id];
        if (!from) continue;
        if (x->integer) {
            wide[x->id] = at[x->id];
            continue;
        }
        _Float128 *to = malloc(((size_t)x->count + 1) * sizeof *to);
        wide[x->id] = to;
        if (!to) st = ASSAY_NO_MEMORY;
        for (int64_t e = 0; to && e < x->count; e++)
            to[e] = from[e];
    }
    if (st == ASSAY_OK) st = evaluate(p, wide, step);
    for (int k = 0; k < count; k++) {
        const assay_tensor *x = &list[k];
        const _Float128 *from = wide[x->id];
        double *to = at[x->id];
        if (!from || x->integer) continue;
        for (int64_t e = 0; st == ASSAY_OK && wanted >> x->role & 1u && e < x->count; e++)
            to[e] = (double)from[e];
        free(wide[x->id]);
    }
    return st;
}

static int is_narrow(const assay_arithmetic *a)
{
    return a->operand > ASSAY_FP32 || a->store > ASSAY_FP32;
}

/* The oracle R of docs/tolerance.md 3.2. */
static assay_status truth_into(const assay_question *q, void *const at[ASSAY_TENSORS])
{
    if (q->declared->accumulate == ASSAY_FP64)
        return through_quad(assay_ref_evaluate_f128, q->p, at, q->wanted, q->step);
    if (!is_narrow(q->declared)) return assay_ref_evaluate_f64(q->p, at, q->step);
    assay_rounding exact = {ASSAY_ROUND_EXACT, q->declared->operand, ASSAY_FP64, q->declared->store, 0.5, 1, 0};
    assay_rounding_noise(&exact);
    return assay_ref_evaluate_noise(q->p, at, q->step);
}

/* ---- floors ---- */

/* phi and its kin of one run, kept where larger. */
static void keep_larger(const assay_problem *p, const assay_values *given, unsigned wanted, const assay_values *run,
                        const assay_values *truth, assay_floor *floor)
{
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(p, list);
    for (int k = 0; k < count; k++) {
        const assay_tensor *x = &list[k];
        assay_metric m;
        assay_distance d;
        unsigned char *zero;
        if (!(wanted >> x->role & 1u) || !run->at[x->id] || !truth->at[x->id]) continue;
        if (assay_metric_make(p, given, x, &m, &zero) != ASSAY_OK) continue;
        assay_distance_measure(&m, run->at[x->id], truth->at[x->id], &d);
        free(zero);
        double phi = d.norm_truth > 0 ? d.norm_d / d.norm_truth : 0;
        if (d.not_finite >= 0)
            phi = d.row_ratio = d.element_ratio = INFINITY; /* the arithmetic overflows here: ill-posed */
#pragma omp critical(assay_floor)
        {
            floor[x->id].phi = fmax(floor[x->id].phi, phi);
            floor[x->id].phi_row = fmax(floor[x->id].phi_row, d.row_ratio);
            floor[x->id].phi_element = fmax(floor[x->id].phi_element, d.element_ratio);
            floor[x->id].row_sum = fmax(floor[x->id].row_sum, d.row_sum);
        }
    }
}

/* A tensor that was exact by luck still gets room for a few roundings: docs/tolerance.md 3.3. */
static void lower_bounds(const assay_problem *p, const assay_arithmetic *a, assay_floor *floor)
{
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(p, list);
    double u = assay_unit_roundoff(a->store);
    for (int k = 0; k < count; k++) {
        assay_floor *f = &floor[list[k].id];
        double n = fmax(1, (double)list[k].count), row = fmax(1, (double)list[k].row);
        f->phi = fmax(f->phi, u / sqrt(n));
        f->phi_row = fmax(f->phi_row, u / sqrt(row));
    }
}

typedef struct floor_job {
    const assay_problem *p;
    const assay_values *given, *truth;
    evaluate_fn *evaluate;
    void (*set)(const assay_rounding *);
    assay_rounding rounding;
    unsigned wanted;
    int64_t step;
} floor_job;

static assay_status one_run(const floor_job *j, int run, assay_floor *floor)
{
    assay_rounding r = j->rounding;
    assay_values out;
    void *at[ASSAY_TENSORS];
    assay_status st = assay_values_make(j->p, j->wanted, &out);
    if (st != ASSAY_OK) return st;
    r.seed += (uint64_t)run * 0x9E3779B97F4A7C15u;
    j->set(&r);
    assay_values_join(j->given, &out, at);
    st = j->evaluate(j->p, at, j->step);
    if (st == ASSAY_OK) keep_larger(j->p, j->given, j->wanted, &out, j->truth, floor);
    assay_values_free(&out);
    return st;
}

static assay_status all_runs(const floor_job *j, assay_floor *floor)
{
    assay_status worst = ASSAY_OK;
#pragma omp parallel for schedule(dynamic, 1)
    for (int run = 0; run < ASSAY_FLOOR_RUNS; run++) {
        assay_status st = one_run(j, run, floor);
        if (st != ASSAY_OK) {
#pragma omp critical(assay_floor_status)
            worst = st;
        }
    }
    return worst;
}

static assay_rounding stochastic(const assay_question *q, double batch_scale)
{
    const assay_arithmetic *a = q->declared;
    assay_rounding r = {ASSAY_ROUND_STOCHASTIC, a->operand,  a->accumulate, a->store,
                        a->activation_ulp,      batch_scale, q->seed};
    return r;
}

static assay_status floor_by_operation(const assay_question *q, const assay_values *truth, assay_floor *floor)
{
    floor_job j = {q->p,      q->given, truth, assay_ref_evaluate_sr, assay_rounding_sr, stochastic(q, 1),
                   q->wanted, q->step};
    return all_runs(&j, floor);
}

static double work_of(const assay_question *q)
{
    const int32_t *lens = q->given->at[ASSAY_LENS];
    double macs = assay_macs_forward(q->p, lens);
    if (q->wanted >> ASSAY_ROLE_GRADIENT & 1u) macs += assay_macs_backward(q->p, lens, 1);
    return macs;
}

/* Samples that stand for the batch: four, or as many as the floor's runs can take within their share of work, since the
 * worst row of many samples is worse than that of four. */
static int rows_wanted(const assay_question *q, double macs)
{
    const double share = 5e10; /* multiply-adds of all runs, the product for the noise's variance counted */
    double each = 2 * ASSAY_FLOOR_RUNS * macs / q->p->n;
    double fit = floor(share / each);
    if (!(fit > 4)) fit = 4;
    return fit < q->p->n ? (int)fit : q->p->n;
}

/* The shortest, the longest, and others spread over the batch; in rising order. rows has room for n. */
static int choose_rows(const assay_problem *p, const assay_values *given, int wanted, int32_t *rows)
{
    int32_t shortest = 0, longest = p->n - 1;
    int count = 0;
    for (int32_t n = 0; n < p->n; n++) {
        if (assay_length(p, given, n) < assay_length(p, given, shortest)) shortest = n;
        if (assay_length(p, given, n) > assay_length(p, given, longest)) longest = n;
    }
    int extremes = wanted < p->n ? 1 + (longest != shortest) : 0, seen = 0;
    for (int32_t n = 0; n < p->n; n++) {
        int extreme = extremes && (n == shortest || n == longest);
        /* Of the others every so many: (wanted - extremes) of (n - extremes), evenly. */
        int others = p->n - extremes, take = wanted - extremes;
        int chosen = extreme || (int64_t)(seen + 1) * take / others > (int64_t)seen * take / others;
        if (!extreme) seen++;
        if (chosen && count < wanted) rows[count++] = n;
    }
    return count;
}

/* Terms of the loss's mean: samples, or the steps inside them. */
static double mean_terms(const assay_problem *p, const assay_values *given)
{
    double terms = 0;
    int by_step = p->loss == ASSAY_LOSS_XENT && p->head == ASSAY_HEAD_EVERY;
    for (int32_t n = 0; n < p->n; n++)
        terms += by_step ? assay_length(p, given, n) : 1;
    return terms;
}

/* Gradients of parameters are sums over the batch. Their noise grows with the root of the number of samples, whatever
 * the samples' gradients do; the sum itself may cancel. So the floor relates to the norm that the sum of N samples
 * would have if it grew like its noise: the part's, times sqrt(N / part), less what a mean over more terms takes away.
 */
static void relate_to_batch(const assay_question *q, const assay_problem *sub_p, const assay_values *sub,
                            const assay_values *truth, assay_floor *floor)
{
    const assay_dialect *d = &q->p->dialect;
    int reduction = q->p->loss == ASSAY_LOSS_CTC ? d->ctc_reduction : d->xent_reduction;
    double grow = sqrt((double)q->p->n / sub_p->n);
    if (q->p->op == ASSAY_OP_NETWORK && reduction == ASSAY_REDUCE_MEAN)
        grow *= mean_terms(sub_p, sub) / mean_terms(q->p, q->given);
    for (int k = 0; k < ASSAY_MAX_PARAMS; k++) {
        assay_tensor x;
        int id = assay_tensor_id(ASSAY_DPARAM, k);
        if (truth->at[id] && assay_tensor_find(sub_p, id, &x))
            floor[id].scale = grow * assay_norm(truth->at[id], x.count);
    }
}

/* docs/tolerance.md section 4: rows are independent, only sums over the batch know how many there are. */
static assay_status floor_by_block(const assay_question *q, assay_floor *floor)
{
    int32_t *rows = malloc(((size_t)q->p->n + 1) * sizeof *rows);
    assay_problem sub_p;
    assay_values sub = {{0}}, truth = {{0}};
    void *at[ASSAY_TENSORS];
    if (!rows) return ASSAY_NO_MEMORY;
    int count = choose_rows(q->p, q->given, rows_wanted(q, work_of(q)), rows);
    assay_status st = assay_values_subset(q->p, q->given, rows, count, &sub_p, &sub);
    free(rows);
    if (st == ASSAY_OK) st = assay_values_make(&sub_p, q->wanted, &truth);
    assay_values_join(&sub, &truth, at);
    if (st == ASSAY_OK) {
        assay_question small = *q;
        small.p = &sub_p;
        st = truth_into(&small, at);
    }
    if (st == ASSAY_OK) {
        floor_job j = {&sub_p,
                       &sub,
                       &truth,
                       assay_ref_evaluate_noise,
                       assay_rounding_noise,
                       stochastic(q, (double)q->p->n / count),
                       q->wanted,
                       q->step};
        st = all_runs(&j, floor);
        relate_to_batch(q, &sub_p, &sub, &truth, floor);
    }
    assay_values_free(&sub);
    assay_values_free(&truth);
    return st;
}

/* ---- questions ---- */

static assay_status make(const assay_question *q, int want_truth, int want_floor, assay_oracle *out)
{
    void *at[ASSAY_TENSORS];
    memset(out, 0, sizeof *out);
    out->macs = work_of(q);
    out->runs = ASSAY_FLOOR_RUNS;
    out->method = out->macs <= ASSAY_FLOOR_MACS ? ASSAY_FLOOR_OPERATION : ASSAY_FLOOR_BLOCK;
    if (q->declared->accumulate == ASSAY_FP64 && out->method == ASSAY_FLOOR_BLOCK) return ASSAY_UNSUPPORTED;
    int parts = (want_truth ? 1 : 0) | (want_floor ? 2 : 0);
    if (assay_cache_read(q, parts, out)) return ASSAY_OK;
    int need_truth = want_truth || out->method == ASSAY_FLOOR_OPERATION;
    assay_status st = ASSAY_OK;
    double start = assay_clock();
    if (need_truth) {
        st = assay_values_make(q->p, q->wanted, &out->truth);
        assay_values_join(q->given, &out->truth, at);
        if (st == ASSAY_OK) st = truth_into(q, at);
    }
    out->seconds_truth = assay_clock() - start;
    start = assay_clock();
    if (st == ASSAY_OK && want_floor) {
        st = out->method == ASSAY_FLOOR_OPERATION ? floor_by_operation(q, &out->truth, out->floor)
                                                  : floor_by_block(q, out->floor);
        lower_bounds(q->p, q->declared, out->floor);
    }
    out->seconds_floor = assay_clock() - start;
    if (!want_truth) assay_values_free(&out->truth);
    if (st != ASSAY_OK)
        assay_oracle_free(out);
    else
        assay_cache_write(q, parts, out);
    return st;
}

assay_status assay_oracle_make(const assay_question *q, assay_oracle *out)
{
    return make(q, 1, 1, out);
}

assay_status assay_oracle_truth(const assay_question *q, assay_oracle *out)
{
    return make(q, 1, 0, out);
}

assay_status assay_oracle_floor(const assay_question *q, assay_oracle *out)
{
    return make(q, 0, 1, out);
}

assay_status assay_oracle_floor_by_block(const assay_question *q, assay_oracle *out)
{
    memset(out, 0, sizeof *out);
    out->macs = work_of(q);
    out->runs = ASSAY_FLOOR_RUNS;
    out->method = ASSAY_FLOOR_BLOCK;
    assay_status st = floor_by_block(q, out->floor);
    lower_bounds(q->p, q->declared, out->floor);
    return st;
}

void assay_oracle_free(assay_oracle *o)
{
    assay_values_free(&o->truth);
}

/* ---- the optimizer ---- */

static assay_status update_into(const assay_question *q, void *const at[ASSAY_TENSORS])
{
    if (q->declared->accumulate == ASSAY_FP64)
        return through_quad(assay_ref_update_f128, q->p, at, 1u << ASSAY_ROLE_UPDATED, q->step);
    return assay_ref_update_f64(q->p, at, q->step);
}

/* The step works element by element, so a sample of the elements of each parameter stands for all: a problem with the
 * same parameters, none larger than some ten thousand elements, filled with elements spread evenly over the real ones
 * (rows that no step touched among them in their true share). */
static assay_problem small_for_update(const assay_problem *p)
{
    assay_problem s = *p;
    s.i = p->i < 64 ? p->i : 64;
    s.h = p->h < 64 ? p->h : 64;
    s.vocab = p->vocab < 1024 ? p->vocab : 1024;
    s.classes = p->classes < 1024 ? p->classes : 1024;
    return s;
}

static int is_step_operand(const assay_tensor *x)
{
    return !x->integer && x->id >= ASSAY_SLOTS && x->role != ASSAY_ROLE_UPDATED;
}

/* Parameters, moments and gradients of the small problem; *out is made here. */
static assay_status sample_for_update(const assay_problem *p, const assay_values *given, const assay_problem *small,
                                      assay_values *out)
{
    assay_tensor list[ASSAY_TENSORS], whole;
    assay_status st = assay_values_make(small, ASSAY_ROLES_GIVEN | 1u << ASSAY_ROLE_GRADIENT, out);
    if (st != ASSAY_OK) return st;
    int count = assay_tensors_of(small, list);
    for (int k = 0; k < count; k++) {
        const assay_tensor *x = &list[k];
        const double *from = given->at[x->id];
        double *to = out->at[x->id];
        if (!to || !is_step_operand(x)) continue;
        if (!from || !assay_tensor_find(p, x->id, &whole)) {
            assay_values_drop(out, x->id);
            continue;
        }
        for (int64_t e = 0; e < x->count; e++)
            to[e] = from[(int64_t)((double)e * (double)whole.count / (double)x->count)];
    }
    return ASSAY_OK;
}

assay_status assay_oracle_update(const assay_question *q, const assay_values *grads, assay_oracle *out)
{
    unsigned updated = 1u << ASSAY_ROLE_UPDATED;
    assay_problem small = small_for_update(q->p);
    assay_values part = {{0}}, sample = {{0}}, given = *q->given;
    void *at[ASSAY_TENSORS];
    memset(out, 0, sizeof *out);
    out->runs = ASSAY_FLOOR_RUNS;
    for (int k = 0; k < ASSAY_MAX_PARAMS; k++) {
        int id = assay_tensor_id(ASSAY_DPARAM, k);
        given.at[id] = grads->at[id]; /* borrowed, never freed through `given` */
    }
    assay_status st = assay_values_make(q->p, updated, &out->truth);
    assay_values_join(&given, &out->truth, at);
    if (st == ASSAY_OK) st = update_into(q, at);
    if (st == ASSAY_OK) st = sample_for_update(q->p, &given, &small, &sample);
    if (st == ASSAY_OK) st = assay_values_make(&small, updated, &part);
    if (st == ASSAY_OK) {
        assay_question s = *q;
        s.p = &small;
        assay_values_join(&sample, &part, at);
        st = update_into(&s, at);
    }
    if (st == ASSAY_OK) {
        floor_job j = {&small,           &sample, &part,  assay_ref_update_sr, assay_rounding_sr,
                       stochastic(q, 1), updated, q->step};
        st = all_runs(&j, out->floor);
        lower_bounds(q->p, q->declared, out->floor);
    }
    assay_values_free(&sample);
    assay_values_free(&part);
    if (st != ASSAY_OK) assay_oracle_free(out);
    return st;
}
