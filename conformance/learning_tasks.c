/* learning_tasks.c: what is learnt: two tasks of our own making, and utterances of nine speakers.
 * SPDX-License-Identifier: MIT */
#include "conformance/case.h"
#include "conformance/learning_vowels.h"
#include "reference/data.h"
#include "reference/tensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- marks: a class shows for one moment of a noisy sequence, as it has to be remembered to its end ---- */

#define MARK_SIZE 2.5 /* of a mark over the noise */

static double *x_row(const assay_lesson *l, assay_values *v, int t, int n)
{
    return (double *)v->at[ASSAY_X] + assay_row_of(&l->p, t, n) * l->p.i;
}

static assay_values *batch_of(assay_lesson *l, int k)
{
    return k < l->batches ? &l->batch[k] : &l->test[k - l->batches];
}

/* Pattern of a class, or of a letter: +-1 in each input. */
static double pattern(uint64_t seed, int class, int input)
{
    return assay_random_bits(seed, assay_stream_id("pattern", (uint64_t) class), (uint64_t)input) & 1 ? 1 : -1;
}

static assay_status fill_marks(const assay_task *task, const char *folder, uint64_t seed, assay_lesson *l, char *why,
                               size_t why_size)
{
    (void)folder, (void)why, (void)why_size;
    for (int k = 0; k < l->batches + l->tests; k++) {
        assay_values *v = batch_of(l, k);
        const uint64_t stream = assay_stream_id(task->name, (uint64_t)k), marks = assay_stream_id("marks", (uint64_t)k);
        assay_random_fill_normal(seed, stream, 1, v->at[ASSAY_X], (size_t)l->p.t * (size_t)l->p.n * (size_t)l->p.i);
        for (int n = 0; n < l->p.n; n++) {
            const uint64_t bits = assay_random_bits(seed, marks, (uint64_t)n);
            const int class = (int)(bits % (uint64_t)l->p.classes), t = (int)((bits >> 32) % (uint64_t)l->p.t);
            ((int32_t *)v->at[ASSAY_LABELS])[n] = class;
            for (int i = 0; i < l->p.i; i++)
                x_row(l, v, t, n)[i] += MARK_SIZE * pattern(seed, class, i);
        }
    }
    return ASSAY_OK;
}

/* ---- letters: words whose letters sound for two or three frames each, spelt by CTC ---- */

static assay_status fill_letters(const assay_task *task, const char *folder, uint64_t seed, assay_lesson *l, char *why,
                                 size_t why_size)
{
    (void)folder, (void)why, (void)why_size;
    for (int k = 0; k < l->batches + l->tests; k++) {
        assay_values *v = batch_of(l, k);
        const uint64_t words = assay_stream_id("words", (uint64_t)k);
        assay_random_fill_normal(seed, assay_stream_id(task->name, (uint64_t)k), 0.3, v->at[ASSAY_X],
                                 (size_t)l->p.t * (size_t)l->p.n * (size_t)l->p.i);
        for (int n = 0; n < l->p.n; n++) {
            int t = 1;
            ((int32_t *)v->at[ASSAY_LABEL_LENS])[n] = task->max_label;
            for (int u = 0; u < task->max_label; u++) {
                const uint64_t bits = assay_random_bits(seed, words, (uint64_t)(n * task->max_label + u));
                const int letter = 1 + (int)(bits % (uint64_t)(l->p.classes - 1)), frames = 2 + (int)(bits >> 40 & 1);
                ((int32_t *)v->at[ASSAY_LABELS])[n * task->max_label + u] = letter;
                for (int f = 0; f < frames && t < l->p.t; f++, t++)
                    for (int i = 0; i < l->p.i; i++)
                        x_row(l, v, t, n)[i] += pattern(seed, letter, i);
                t++; /* a pause, so that equal neighbours are told apart */
            }
        }
    }
    return ASSAY_OK;
}

/* ---- the table ---- */

static const assay_task tasks[] = {
    {"marks-lstm", "LSTM 16, 16 x 20 x 8: which of 4 marks came up at some step, Adam", "lstm", 20, 16, 8, 16, 1, 4,
     ASSAY_LOSS_XENT, 0, 16, 8, 80, 48, 0.01, fill_marks},
    {"letters-ctc", "BiLSTM 12, 8 x 18 x 6: words of 4 letters out of 5, CTC, Adam", "lstm", 18, 8, 6, 12, 2, 6,
     ASSAY_LOSS_CTC, 4, 16, 8, 200, 40, 0.02, fill_letters},
    {"vowels-lstm", "LSTM 24 on 270 utterances of 9 speakers, 7 to 29 frames of 12, Adam", "lstm", ASSAY_VOWELS_FRAMES,
     30, ASSAY_VOWELS_INPUTS, 24, 1, ASSAY_VOWELS_SPEAKERS, ASSAY_LOSS_XENT, 0, 9, 13, 180, 9, 0.01, assay_vowels_fill},
    {"vowels-gru", "GRU 24 on the same", "gru", ASSAY_VOWELS_FRAMES, 30, ASSAY_VOWELS_INPUTS, 24, 1,
     ASSAY_VOWELS_SPEAKERS, ASSAY_LOSS_XENT, 0, 9, 13, 180, 9, 0.01, assay_vowels_fill},
};

int assay_task_count(void)
{
    return (int)(sizeof tasks / sizeof *tasks);
}

const assay_task *assay_task_get(int index)
{
    return &tasks[index];
}

const assay_task *assay_task_by_name(const char *name)
{
    for (int k = 0; k < assay_task_count(); k++)
        if (!strcmp(tasks[k].name, name)) return &tasks[k];
    return NULL;
}

/* ---- lessons ---- */

static assay_problem problem_of(const assay_task *task)
{
    const int ctc = task->loss == ASSAY_LOSS_CTC;
    assay_problem p = {.op = ASSAY_OP_NETWORK, .arithmetic = ASSAY_FP32, .t = task->t, .n = task->n, .i = task->i};
    p.h = task->h;
    p.layers = 1;
    p.directions = task->directions;
    p.classes = task->classes;
    p.max_label = task->max_label;
    p.labels = task->max_label * task->n;
    p.head = ctc ? ASSAY_HEAD_EVERY : ASSAY_HEAD_LAST;
    p.loss = task->loss;
    p.dense_bias = 1;
    p.optimizer = ASSAY_OPT_ADAM;
    p.lr = task->lr;
    p.beta1 = 0.9;
    p.beta2 = 0.999;
    p.epsilon = 1e-8;
    p.dialect = assay_dialect_by_name(task->dialect)->dialect;
    p.dialect.xent_reduction = ctc ? 0 : ASSAY_REDUCE_MEAN;
    p.dialect.ctc_reduction = ctc ? ASSAY_REDUCE_MEAN : 0;
    return p;
}

/* Data and labels are there, parameters and moments are not: they go on from update to update. */
static assay_status make_batches(assay_lesson *l, assay_values **out, int count)
{
    *out = calloc((size_t)count, sizeof **out);
    if (!*out) return ASSAY_NO_MEMORY;
    for (int k = 0; k < count; k++) {
        const assay_status st = assay_values_make(&l->p, 1u << ASSAY_ROLE_INPUT, &(*out)[k]);
        if (st != ASSAY_OK) return st;
        for (int id = 0; id < ASSAY_TENSORS; id++)
            if (id >= ASSAY_SLOTS || id == ASSAY_H0 || id == ASSAY_C0 || (id == ASSAY_LENS && !l->ragged))
                assay_values_drop(&(*out)[k], id);
    }
    return ASSAY_OK;
}

static assay_status make_start(assay_lesson *l, const char *name, uint64_t seed)
{
    const double bound = 1 / sqrt((double)l->p.h);
    const assay_status st = assay_values_make(&l->p, 1u << ASSAY_ROLE_INPUT, &l->start);
    assay_tensor x;
    for (int id = 0; st == ASSAY_OK && id < ASSAY_TENSORS; id++) {
        if (id < ASSAY_SLOTS)
            assay_values_drop(&l->start, id);
        else if (id < assay_tensor_id(ASSAY_M, 0) && l->start.at[id] && assay_tensor_find(&l->p, id, &x))
            assay_random_fill_uniform(seed, assay_stream_id(name, 1000 + (uint64_t)id), -bound, bound, l->start.at[id],
                                      (size_t)x.count);
    }
    if (st == ASSAY_OK) assay_values_quantise(&l->p, ASSAY_FP32, &l->start);
    return st;
}

assay_status assay_lesson_make(const assay_task *task, const char *folder, uint64_t seed, int quick, assay_lesson *out,
                               char *why, size_t why_size)
{
    memset(out, 0, sizeof *out);
    out->p = problem_of(task);
    out->updates = quick ? task->quick_updates : task->updates;
    out->batches = task->batches;
    out->tests = task->tests;
    out->test_rows = task->tests * task->n;
    out->ragged = task->fill == assay_vowels_fill;
    assay_status st = make_batches(out, &out->batch, out->batches);
    if (st == ASSAY_OK) st = make_batches(out, &out->test, out->tests);
    if (st == ASSAY_OK) st = make_start(out, task->name, seed);
    if (st != ASSAY_OK) {
        snprintf(why, why_size, "%s: no memory for its data", task->name);
        return st;
    }
    st = task->fill(task, folder, seed, out, why, why_size);
    for (int k = 0; st == ASSAY_OK && k < out->batches + out->tests; k++)
        assay_values_quantise(&out->p, ASSAY_FP32, batch_of(out, k));
    return st;
}

void assay_lesson_free(assay_lesson *l)
{
    for (int k = 0; l->batch && k < l->batches; k++)
        assay_values_free(&l->batch[k]);
    for (int k = 0; l->test && k < l->tests; k++)
        assay_values_free(&l->test[k]);
    free(l->batch);
    free(l->test);
    assay_values_free(&l->start);
    memset(l, 0, sizeof *l);
}
