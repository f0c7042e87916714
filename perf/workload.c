/* workload.c: the table of workloads, selection, lengths, parameter and work counts.
 * SPDX-License-Identifier: MIT */
#include "perf/workload.h"

#include "reference/tensors.h"

#include <fnmatch.h>
#include <string.h>

/* Dialects of docs/workloads.md 1.3: the headline ones, and the one other that is timed. */
#define STANDARD(cell_, biases_, reset_) .cell = (cell_), .biases = (biases_), .gru_reset = (reset_)
#define LSTM_STANDARD                    STANDARD(ASSAY_LSTM, ASSAY_BIAS_TWO, ASSAY_RESET_AFTER_INSIDE)
#define LSTM_TWO                                                                                                       \
    {                                                                                                                  \
        LSTM_STANDARD, .xent_reduction = ASSAY_REDUCE_MEAN                                                             \
    }
#define LSTM_TWO_CTC                                                                                                   \
    {                                                                                                                  \
        LSTM_STANDARD, .ctc_reduction = ASSAY_REDUCE_MEAN, .ctc_blank = 0                                              \
    }
#define GRU_TWO                                                                                                        \
    {                                                                                                                  \
        STANDARD(ASSAY_GRU, ASSAY_BIAS_TWO, ASSAY_RESET_AFTER_INSIDE), .xent_reduction = ASSAY_REDUCE_MEAN             \
    }
#define GRU_BEFORE                                                                                                     \
    {                                                                                                                  \
        STANDARD(ASSAY_GRU, ASSAY_BIAS_ONE_INPUT, ASSAY_RESET_BEFORE), .xent_reduction = ASSAY_REDUCE_MEAN             \
    }

#define ADAM          .optimizer = ASSAY_OPT_ADAM, .lr = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8
#define SGD           .optimizer = ASSAY_OPT_SGD, .lr = 1e-3
#define LAST_CE       .head = ASSAY_HEAD_LAST, .loss = ASSAY_LOSS_XENT
#define EVERY_CE      .head = ASSAY_HEAD_EVERY, .loss = ASSAY_LOSS_XENT
#define STRING_LENGTH 100 /* labels a sample, CTC */
#define EVERY_CTC(samples)                                                                                             \
    .head = ASSAY_HEAD_EVERY, .loss = ASSAY_LOSS_CTC, .max_label = STRING_LENGTH, .labels = STRING_LENGTH * (samples)
#define NETWORK(t_, n_, i_, h_, layers_, directions_, classes_, ...)                                                   \
    {                                                                                                                  \
        .op = ASSAY_OP_NETWORK, .arithmetic = ASSAY_FP32, .t = (t_), .n = (n_), .i = (i_), .h = (h_),                  \
        .layers = (layers_), .directions = (directions_), .classes = (classes_), __VA_ARGS__                           \
    }

#define BRAUN_2017 "stefbraun/rnn_benchmarks README.md, code edf5aff (CTC: 79872a9)"
#define BRAUN_2018 "stefbraun/rnn_benchmarks results/10/framework_comparison/readme.md f35cfe6, code 9d80fc8"
#define METZ       "lukemetz/rnn_benchmarks 0258879"
#define CARROT     "lcy-seso/Carrot benchmarks/rnnlm/README.md 0a722e9"
#define OWN        "Assay, docs/workloads.md 8: b1 with one sample"
#define KARMANOV   "ilkarman/DeepLearningFrameworks README.md a252dc6..ad5b115"

static const assay_workload table[] = {
#include "perf/workloads.inc"
};

static const assay_published published[] = {
#include "perf/published.inc"
};

int assay_workload_count(void)
{
    return (int)(sizeof table / sizeof *table);
}

const assay_workload *assay_workload_get(int index)
{
    return &table[index];
}

const assay_workload *assay_workload_by_id(const char *id)
{
    for (int k = 0; k < assay_workload_count(); k++)
        if (!strcmp(table[k].id, id)) return &table[k];
    return NULL;
}

int assay_workload_matches(const assay_workload *w, const char *glob)
{
    return !glob || fnmatch(glob, w->id, 0) == 0;
}

/* linspace(T/2, T, N) as the original computed it: a step in double, truncated, the last one set to T. */
void assay_workload_lengths(const assay_workload *w, int32_t *lens)
{
    const assay_problem *p = &w->problem;
    double first = p->t / 2, step = first / (p->n - 1);
    for (int k = 0; k < p->n; k++)
        lens[k] = w->ragged && k < p->n - 1 ? (int32_t)(first + k * step) : p->t;
}

int64_t assay_problem_parameters(const assay_problem *p)
{
    assay_tensor list[ASSAY_TENSORS];
    int64_t sum = 0;
    int count = assay_tensors_of(p, list);
    int first = assay_tensor_id(ASSAY_PARAM, 0);
    for (int k = 0; k < count; k++)
        if (list[k].id >= first && list[k].id < first + ASSAY_MAX_PARAMS) sum += list[k].count;
    return sum;
}

double assay_workload_flop_forward(const assay_workload *w)
{
    int32_t lens[ASSAY_WORKLOAD_ROWS];
    assay_workload_lengths(w, lens);
    return 2 * assay_macs_forward(&w->problem, lens);
}

double assay_workload_flop_backward(const assay_workload *w)
{
    int32_t lens[ASSAY_WORKLOAD_ROWS];
    assay_workload_lengths(w, lens);
    return 2 * assay_macs_backward(&w->problem, lens, w->need_dx);
}

int assay_published_count(void)
{
    return (int)(sizeof published / sizeof *published);
}

const assay_published *assay_published_get(int index)
{
    return &published[index];
}
