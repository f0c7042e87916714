/* learning.h: training runs that are compared: the same initial weights, data, order and optimizer, loss after loss.
 * SPDX-License-Identifier: MIT
 *
 * docs/convergence.md. Training multiplies a rounding error from update to update, so how far two honest curves may
 * part is measured: the reference trains once in double, and ASSAY_LEARNING_RUNS times with every product, sum and
 * update rounded at random in fp32. The band at an update is 4 times the most that one of these runs was off until then
 * (the factor of a tensor: docs/tolerance.md 3.5). */
#ifndef ASSAY_LEARNING_H
#define ASSAY_LEARNING_H

#include "conformance/values.h"
#include "conformance/verdict.h"

#include <stddef.h>
#include <stdint.h>

#define ASSAY_LEARNING_RUNS   16
#define ASSAY_LEARNING_FACTOR 4

struct assay_task;

/* The data of a task. All batches have one problem. */
typedef struct assay_lesson {
    assay_problem p;
    int32_t updates, batches, tests, test_rows; /* of test_rows samples in all test batches the first count */
    assay_values start;                         /* parameters and moments; owned */
    assay_values *batch, *test;                 /* data and labels; owned */
    int32_t ragged;
} assay_lesson;
void assay_lesson_free(assay_lesson *l); /* a zeroed one is fine */

/* A row of the table of tasks. */
typedef struct assay_task {
    const char *name, *what;
    const char *dialect; /* name of an assay_dialect_row */
    int32_t t, n, i, h, directions, classes, loss, max_label;
    int32_t batches, tests, updates, quick_updates;
    double lr;
    /* Fills batch k (below batches: for learning, from there on: tests). */
    assay_status (*fill)(const struct assay_task *task, const char *folder, uint64_t seed, assay_lesson *l, char *why,
                         size_t why_size);
} assay_task;
int assay_task_count(void);
const assay_task *assay_task_get(int index);
const assay_task *assay_task_by_name(const char *name); /* NULL if there is none */

/* Makes the data. folder: of the real data (fixtures/vowels). ASSAY_BAD_ARGUMENT and one line in why where a file is
 * not what was expected. The caller frees *out in any case. */
assay_status assay_lesson_make(const assay_task *task, const char *folder, uint64_t seed, int quick, assay_lesson *out,
                               char *why, size_t why_size);

/* What the reference says of a lesson. */
typedef struct assay_learning {
    const assay_lesson *lesson;
    double *loss;   /* [updates]; owned */
    double *band;   /* [updates]: how far a loss may be from it; owned */
    double *logits; /* of all tests; owned */
    int64_t logit_count;
    double logit_band;        /* how far a logit may be off after the last update */
    int32_t right, undecided; /* test samples: right; those that the band may turn */
    double seconds;
} assay_learning;
assay_status assay_learning_make(const assay_lesson *l, double activation_ulp, uint64_t seed, assay_learning *out);
void assay_learning_free(assay_learning *l); /* a zeroed one is fine */

/* One implementation's training. */
typedef struct assay_pupil {
    char label[96], name[48], version[192];
    assay_arithmetic declared;
    assay_verdict verdict; /* PASS: it ran to its end, and, once judged, lies within the band */
    char why[256];
    double *loss;        /* [updates]; owned */
    double *logits;      /* owned */
    int32_t right;       /* of test_rows */
    double margin;       /* largest |loss - reference| / band */
    int32_t worst, left; /* update of that; first beyond the band; -1 */
} assay_pupil;
typedef struct assay_pupil_options {
    const char *plugin, *label, *worker;
    int threads;
    double time_limit; /* seconds a request; 0 = by the work */
} assay_pupil_options;
/* Trains. verdict other than PASS where it could not; ASSAY_BAD_ARGUMENT and why where the plugin is none. */
assay_status assay_pupil_train(const assay_lesson *l, const assay_pupil_options *o, assay_pupil *out, char *why,
                               size_t why_size);
/* Against the band: FAIL, with one line, where a loss leaves it or the number of right answers cannot be honest;
 * ILL_POSED where a band has grown so wide that more than half of the answers are open. */
void assay_pupil_judge(const assay_learning *of, assay_pupil *p);
void assay_pupil_free(assay_pupil *p);

/* Test samples that these logits answer right: the class of the last step; with CTC the whole string of the best path.
 * unsure: how far a logit may be off; *undecided counts the samples that this may turn; may be NULL. */
int32_t assay_lesson_right(const assay_lesson *l, const double *logits, double unsure, int32_t *undecided);

#endif
