/* oracle.c: truth by the double or the quad reference, floors by its rounding builds.
 * SPDX-License-Identifier: MIT */
#include "conformance/oracle.h"

#include "conformance/cache.h"
#include "conformance/clock.h"
#include "conformance/floor_runs.h"
#include "reference/reference.h"
#include "reference/rounding.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- quad: the same arrays, wider ---- */

/* Runs a quad evaluation on copies of the double arrays and rounds the wanted tensors back. */
static assay_status through_quad(assay_evaluate *evaluate, const assay_problem *p, void *const at[ASSAY_TENSORS],
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

/* The oracle R of docs/tolerance.md 3.2. */
static assay_status truth_into(const assay_question *q, void *const at[ASSAY_TENSORS])
{
    if (q->declared->accumulate == ASSAY_FP64)
        return through_quad(assay_ref_evaluate_f128, q->p, at, q->wanted, q->step);
    if (!assay_arithmetic_is_narrow(q->declared) || q->declared->opaque)
        return assay_ref_evaluate_f64(q->p, at, q->step);
    const assay_rounding exact = assay_floor_exact(q->declared);
    assay_rounding_noise(&exact);
    return assay_ref_evaluate_noise(q->p, at, q->step);
}

/* ---- floors ---- */

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
static assay_status floor_by_block(const assay_question *q, assay_floor *floor, int32_t *runs)
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
    assay_question small = *q;
    small.p = &sub_p;
    small.given = &sub;
    if (st == ASSAY_OK) st = truth_into(&small, at);
    if (st == ASSAY_OK) {
        const assay_floor_job j = {.p = &sub_p,
                                   .given = &sub,
                                   .truth = &truth,
                                   .wanted = q->wanted,
                                   .step = q->step,
                                   .declared = q->declared,
                                   .seed = q->seed,
                                   .batch_scale = (double)q->p->n / count,
                                   .evaluate = assay_ref_evaluate_noise,
                                   .set = assay_rounding_noise,
                                   .flipped = work_of(&small) <= ASSAY_FLOOR_MACS ? assay_ref_evaluate_sr : NULL};
        st = assay_floor_measure(&j, floor, runs);
        relate_to_batch(q, &sub_p, &sub, &truth, floor);
    }
    assay_values_free(&sub);
    assay_values_free(&truth);
    return st;
}

static assay_status floor_by_operation(const assay_question *q, const assay_values *truth, assay_floor *floor,
                                       int32_t *runs)
{
    const assay_floor_job j = {.p = q->p,
                               .given = q->given,
                               .truth = truth,
                               .wanted = q->wanted,
                               .step = q->step,
                               .declared = q->declared,
                               .seed = q->seed,
                               .batch_scale = 1,
                               .evaluate = assay_ref_evaluate_sr,
                               .set = assay_rounding_sr,
                               .flipped = assay_ref_evaluate_sr,
                               .more = assay_floor_more(work_of(q))};
    return assay_floor_measure(&j, floor, runs);
}

/* ---- questions ---- */

static assay_status make(const assay_question *asked, int want_truth, int want_floor, assay_oracle *out)
{
    const assay_arithmetic judged = assay_arithmetic_judged(asked->declared);
    assay_question as_judged = *asked;
    const assay_question *q = &as_judged;
    void *at[ASSAY_TENSORS];
    as_judged.declared = &judged;
    memset(out, 0, sizeof *out);
    out->macs = work_of(q);
    out->method = out->macs <= ASSAY_FLOOR_MACS ? ASSAY_FLOOR_OPERATION : ASSAY_FLOOR_BLOCK;
    if (out->method == ASSAY_FLOOR_BLOCK && !assay_arithmetic_has_block(q->declared)) return ASSAY_UNSUPPORTED;
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
        st = out->method == ASSAY_FLOOR_OPERATION ? floor_by_operation(q, &out->truth, out->floor, &out->runs)
                                                  : floor_by_block(q, out->floor, &out->runs);
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

assay_status assay_oracle_floor_by_block(const assay_question *asked, assay_oracle *out)
{
    const assay_arithmetic judged = assay_arithmetic_judged(asked->declared);
    assay_question q = *asked;
    q.declared = &judged;
    memset(out, 0, sizeof *out);
    out->macs = work_of(&q);
    out->method = ASSAY_FLOOR_BLOCK;
    assay_status st = floor_by_block(&q, out->floor, &out->runs);
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
    if (!assay_arithmetic_is_narrow(q->declared) || q->declared->opaque) return assay_ref_update_f64(q->p, at, q->step);
    const assay_rounding exact = assay_floor_exact(q->declared);
    assay_rounding_noise(&exact);
    return assay_ref_update_noise(q->p, at, q->step);
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

assay_status assay_oracle_update(const assay_question *asked, const assay_values *grads, assay_oracle *out)
{
    const assay_arithmetic judged = assay_arithmetic_judged(asked->declared);
    assay_question as_judged = *asked;
    const assay_question *q = &as_judged;
    as_judged.declared = &judged;
    unsigned updated = 1u << ASSAY_ROLE_UPDATED;
    assay_problem small = small_for_update(q->p);
    assay_values part = {{0}}, sample = {{0}}, given = *q->given;
    void *at[ASSAY_TENSORS];
    memset(out, 0, sizeof *out);
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
        const assay_floor_job j = {.p = &small,
                                   .given = &sample,
                                   .truth = &part,
                                   .wanted = updated,
                                   .step = q->step,
                                   .declared = q->declared,
                                   .seed = q->seed,
                                   .batch_scale = 1,
                                   .evaluate = assay_ref_update_sr,
                                   .set = assay_rounding_sr,
                                   .flipped = assay_ref_update_sr};
        st = assay_floor_measure(&j, out->floor, &out->runs);
    }
    assay_values_free(&sample);
    assay_values_free(&part);
    if (st != ASSAY_OK) assay_oracle_free(out);
    return st;
}
