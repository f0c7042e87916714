/* learning.c: the reference trains, exactly and under random rounding; what lies between is the band.
 * SPDX-License-Identifier: MIT */
#include "conformance/learning.h"

#include "conformance/clock.h"
#include "conformance/floor_runs.h"
#include "reference/reference.h"
#include "reference/tensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- right answers ---- */

/* The largest of a row; *sure = 0 where another may be it if each is off by `unsure`. */
static int best_of(const double *row, int count, double unsure, int *sure)
{
    int best = 0;
    for (int k = 1; k < count; k++)
        if (row[k] > row[best]) best = k;
    for (int k = 0; k < count; k++)
        if (k != best && row[best] - row[k] <= 2 * unsure) *sure = 0;
    return best;
}

/* Labels of the best path, blanks and repeats left out: as those of the sample? */
static int is_spelt(const assay_lesson *l, const assay_values *v, const double *logits, int n, double unsure, int *sure)
{
    const int32_t *lens = v->at[ASSAY_LABEL_LENS];
    const int32_t *labels = (const int32_t *)v->at[ASSAY_LABELS] + assay_label_start(&l->p, lens, n);
    int before = l->p.dialect.ctc_blank, said = 0, right = 1;
    for (int t = 0; t < assay_length(&l->p, v, n); t++) {
        const int label = best_of(logits + assay_row_of(&l->p, t, n) * l->p.classes, l->p.classes, unsure, sure);
        if (label != before && label != l->p.dialect.ctc_blank) {
            right &= said < lens[n] && labels[said] == label;
            said++;
        }
        before = label;
    }
    return right && said == lens[n];
}

int32_t assay_lesson_right(const assay_lesson *l, const double *logits, double unsure, int32_t *undecided)
{
    const int64_t rows = l->p.head == ASSAY_HEAD_LAST ? l->p.n : (int64_t)l->p.t * l->p.n;
    int32_t right = 0, open = 0;
    for (int32_t k = 0; k < l->test_rows; k++) {
        const assay_values *v = &l->test[k / l->p.n];
        const double *of = logits + k / l->p.n * rows * l->p.classes;
        const int n = k % l->p.n;
        int sure = 1;
        if (l->p.loss == ASSAY_LOSS_CTC)
            right += is_spelt(l, v, of, n, unsure, &sure);
        else
            right += best_of(of + (int64_t)n * l->p.classes, l->p.classes, unsure, &sure) ==
                     ((const int32_t *)v->at[ASSAY_LABELS])[n];
        open += !sure;
    }
    if (undecided) *undecided = open;
    return right;
}

/* ---- the reference trains ---- */

typedef struct teacher {
    const assay_lesson *l;
    assay_evaluate *evaluate;
    int rounds; /* 1: what an update leaves is stored in fp32 */
    double *loss, *logits;
} teacher;

static int64_t logits_of_test(const assay_lesson *l)
{
    return (l->p.head == ASSAY_HEAD_LAST ? 1 : (int64_t)l->p.t) * l->p.n * l->p.classes;
}

static void put_data(const assay_values *data, assay_values *given)
{
    for (int id = 0; id < ASSAY_SLOTS; id++)
        given->at[id] = data->at[id];
}

/* What the update made becomes what the next one is given. */
static void go_on(const assay_values *out, int rounds, assay_values *given, const assay_problem *p)
{
    static const int from[] = {ASSAY_PARAM_1, ASSAY_M_1, ASSAY_V_1}, to[] = {ASSAY_PARAM, ASSAY_M, ASSAY_V};
    assay_tensor x;
    for (int f = 0; f < 3; f++)
        for (int k = 0; k < assay_param_count(p); k++) {
            const double *new = out->at[assay_tensor_id(from[f], k)];
            double *old = given->at[assay_tensor_id(to[f], k)];
            if (!new || !old || !assay_tensor_find(p, assay_tensor_id(to[f], k), &x)) continue;
            for (int64_t e = 0; e < x.count; e++)
                old[e] = rounds ? (double)(float)new[e] : new[e];
        }
}

static assay_status copy_start(const assay_lesson *l, assay_values *own)
{
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(&l->p, list);
    assay_status st = assay_values_make(&l->p, 1u << ASSAY_ROLE_INPUT, own);
    for (int k = 0; st == ASSAY_OK && k < count; k++)
        if (list[k].id >= ASSAY_SLOTS && own->at[list[k].id] && l->start.at[list[k].id])
            memcpy(own->at[list[k].id], l->start.at[list[k].id], (size_t)list[k].count * sizeof(double));
    for (int id = 0; id < ASSAY_SLOTS; id++)
        assay_values_drop(own, id);
    return st;
}

static assay_status answer_tests(const teacher *t, const assay_values *own, int64_t step)
{
    const assay_lesson *l = t->l;
    const int64_t each = logits_of_test(l);
    assay_status st = ASSAY_OK;
    for (int k = 0; k < l->tests && st == ASSAY_OK; k++) {
        assay_values given = *own;
        void *at[ASSAY_TENSORS];
        put_data(&l->test[k], &given);
        assay_values_join(&given, NULL, at);
        at[ASSAY_LOGITS] = t->logits + k * each;
        st = t->evaluate(&l->p, at, step);
    }
    return st;
}

static assay_status teach(const teacher *t)
{
    const assay_lesson *l = t->l;
    assay_values own = {{0}}, out = {{0}};
    assay_status st = copy_start(l, &own);
    if (st == ASSAY_OK) st = assay_values_make(&l->p, 1u << ASSAY_ROLE_UPDATED, &out);
    for (int k = 0; k < l->updates && st == ASSAY_OK; k++) {
        assay_values given = own;
        void *at[ASSAY_TENSORS];
        put_data(&l->batch[k % l->batches], &given);
        assay_values_join(&given, &out, at);
        at[ASSAY_LOSS] = &t->loss[k];
        st = t->evaluate(&l->p, at, k);
        if (st == ASSAY_OK) go_on(&out, t->rounds, &own, &l->p);
    }
    if (st == ASSAY_OK) st = answer_tests(t, &own, l->updates);
    assay_values_free(&own);
    assay_values_free(&out);
    return st;
}

/* ---- the band ---- */

static assay_status one_honest(const assay_lesson *l, double activation_ulp, uint64_t seed, double *loss,
                               double *logits)
{
    const teacher t = {l, assay_ref_evaluate_sr, 1, loss, logits};
    const assay_rounding r = {.mode = ASSAY_ROUND_STOCHASTIC,
                              .operand = ASSAY_FP32,
                              .accumulate = ASSAY_FP32,
                              .store = ASSAY_FP32,
                              .activation_ulp = activation_ulp,
                              .batch_scale = 1,
                              .seed = seed};
    assay_rounding_sr(&r);
    return teach(&t);
}

/* The most that a run was off, until each update; of a logit, in the end. A loss as its own rounding at least. */
static void widen(const assay_learning *l, const double *loss, const double *logits, double *off, double *logit_off)
{
    for (int k = 0; k < l->lesson->updates; k++)
        off[k] = fmax(off[k], fmax(fabs(loss[k] - l->loss[k]), assay_unit_roundoff(ASSAY_FP32) * fabs(l->loss[k])));
    for (int64_t k = 0; k < l->logit_count; k++)
        *logit_off = fmax(*logit_off, fabs(logits[k] - l->logits[k]));
}

static assay_status honest_runs(assay_learning *out, double activation_ulp, uint64_t seed)
{
    const assay_lesson *l = out->lesson;
    assay_status worst = ASSAY_OK;
    double logit_off = 0;
#pragma omp parallel for schedule(dynamic, 1)
    for (int run = 0; run < ASSAY_LEARNING_RUNS; run++) {
        double *loss = calloc((size_t)l->updates + 1, sizeof *loss);
        double *logits = calloc((size_t)out->logit_count + 1, sizeof *logits);
        assay_status st = loss && logits
                              ? one_honest(l, activation_ulp, seed + (uint64_t)run * 0x9E3779B97F4A7C15u, loss, logits)
                              : ASSAY_NO_MEMORY;
#pragma omp critical(assay_learning)
        {
            if (st == ASSAY_OK)
                widen(out, loss, logits, out->band, &logit_off);
            else
                worst = st;
        }
        free(loss);
        free(logits);
    }
    for (int k = 0; k < l->updates; k++) {
        if (k) out->band[k] = fmax(out->band[k], out->band[k - 1] / ASSAY_LEARNING_FACTOR);
        out->band[k] *= ASSAY_LEARNING_FACTOR;
    }
    out->logit_band = ASSAY_LEARNING_FACTOR * logit_off;
    return worst;
}

assay_status assay_learning_make(const assay_lesson *l, double activation_ulp, uint64_t seed, assay_learning *out)
{
    const double start = assay_clock();
    memset(out, 0, sizeof *out);
    out->lesson = l;
    out->logit_count = l->tests * logits_of_test(l);
    out->loss = calloc((size_t)l->updates + 1, sizeof *out->loss);
    out->band = calloc((size_t)l->updates + 1, sizeof *out->band);
    out->logits = calloc((size_t)out->logit_count + 1, sizeof *out->logits);
    if (!out->loss || !out->band || !out->logits) return ASSAY_NO_MEMORY;
    const teacher t = {l, assay_ref_evaluate_f64, 0, out->loss, out->logits};
    assay_status st = teach(&t);
    if (st == ASSAY_OK) st = honest_runs(out, activation_ulp, seed);
    out->right = assay_lesson_right(l, out->logits, out->logit_band, &out->undecided);
    out->seconds = assay_clock() - start;
    return st;
}

void assay_learning_free(assay_learning *l)
{
    free(l->loss);
    free(l->band);
    free(l->logits);
    memset(l, 0, sizeof *l);
}
