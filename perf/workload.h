/* workload.h: the documented workloads: what `assay bench` times, to the letter of docs/workloads.md.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_WORKLOAD_H
#define ASSAY_WORKLOAD_H

#include "conformance/case.h"
#include "conformance/values.h"
#include "reference/problem.h"

#include <stddef.h>
#include <stdint.h>

/* Where inputs and labels come from (docs/workloads.md 1.1, 5, 6, 7). All but the text are the same in every run. */
typedef enum assay_data {
    ASSAY_DATA_STREAM,  /* MT19937, seed 11: x, then one label a sample */
    ASSAY_DATA_STRINGS, /* MT19937, seed 11: x, then 100 labels a sample, for CTC */
    ASSAY_DATA_UNIFORM, /* ids uniform over the vocabulary, one label a sample: Philox, seed 11 */
    ASSAY_DATA_WINDOWS, /* a Zipf stream of tokens cut into overlapping windows; labels are the next tokens */
    ASSAY_DATA_REVIEWS  /* Zipf ids from 3 on, one label a sample */
} assay_data;

/* One row of workloads.inc. */
typedef struct assay_workload {
    const char *id;
    const char *what;              /* one line for a reader: the network and its data */
    assay_problem problem;         /* arithmetic ASSAY_FP32 */
    int32_t data;                  /* assay_data */
    int32_t label_low, label_high; /* labels are drawn from [low, high) */
    int32_t ragged;                /* 1: lengths rise evenly from T/2 to T; 0: every row has length T */
    int32_t need_dx;               /* 1: the input's gradient is part of the work (an embedding lies below) */
    int32_t forward_loss;          /* 1: forward with losses and without logits is timed, too */
    double offset, offset_last;    /* added to b_ih of the LSTM's forget or the GRU's update gate: all layers; the last
                                      one. Keeps the backward signal alive, so that a cut backward shows (1.4) */
    const char *source;            /* public benchmark that it descends from, and its state */
} assay_workload;

#define ASSAY_WORKLOAD_ROWS 128 /* samples of the largest batch */

int assay_workload_count(void);
const assay_workload *assay_workload_get(int index);
const assay_workload *assay_workload_by_id(const char *id); /* NULL if there is none */
/* fnmatch() rules; NULL matches all. */
int assay_workload_matches(const assay_workload *w, const char *glob);

/* Lengths of the rows, into lens[problem.n] (docs/workloads.md 1.2). */
void assay_workload_lengths(const assay_workload *w, int32_t *lens);

/* Scalars in all parameters. */
int64_t assay_problem_parameters(const assay_problem *p);

/* Declared work in floating-point operations, valid frames only, as docs/workloads.md section 2 counts it. */
double assay_workload_flop_forward(const assay_workload *w);
double assay_workload_flop_backward(const assay_workload *w);

/* A number that somebody published for this workload, on other hardware: shown beside ours, never in a ratio. */
typedef struct assay_published {
    const char *workload, *implementation, *phase; /* "step" or "forward" */
    double ms;
    const char *hardware, *source;
    const char *note; /* NULL, or what was wrong with it */
} assay_published;

int assay_published_count(void);
const assay_published *assay_published_get(int index);

#endif
