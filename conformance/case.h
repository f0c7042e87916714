/* case.h: one case = problem + data regime + the bug that it would catch. Rows live in cases/<op>.inc; the id is
 * computed. SPDX-License-Identifier: MIT */
#ifndef ASSAY_CASE_H
#define ASSAY_CASE_H

#include "conformance/values.h"
#include "reference/problem.h"

#include <stdint.h>

#define ASSAY_ROW_LENS   12 /* samples for which a row can spell out lengths */
#define ASSAY_ROW_NOUGHT -1 /* 0 where 0 means what is usual */

/* Which checks a row takes part in beyond forward and backward; which sets it belongs to. */
enum {
    ASSAY_CASE_QUICK = 1,        /* in the quick set */
    ASSAY_CASE_GRADCHECK = 2,    /* differences of the implementation's own forward */
    ASSAY_CASE_EACH = 4,         /* each cotangent alone */
    ASSAY_CASE_MEMORY = 8,       /* every placement, canaries, exact blocks */
    ASSAY_CASE_FP64 = 16,        /* asked in fp64 too */
    ASSAY_CASE_NO_STATE = 32,    /* h0, c0 absent */
    ASSAY_CASE_NO_LENS = 64,     /* lens absent (NULL) */
    ASSAY_CASE_DIAGNOSTIC = 128, /* may be ILL_POSED without the suite being at fault */
    ASSAY_CASE_HELD = 256,       /* x is the same at every step, so that states keep growing */
    ASSAY_CASE_NARROW = 512,     /* asked in tf32, bf16 and fp16 too; no differences there: such a forward has steps */
    ASSAY_CASE_FULL = 1024,      /* in the full set only, or by name; not in the table of noises */
    ASSAY_CASE_NO_CELL = 2048    /* c0 absent, h0 given */
};

/* Lengths of the samples. */
enum {
    ASSAY_ROWS_FULL,     /* all T */
    ASSAY_ROWS_SPELT,    /* lens[] */
    ASSAY_ROWS_UNSORTED, /* 1 .. T by a rule, rising and falling, the last one T */
    ASSAY_ROWS_EMPTY,    /* the same with a sample of length 0 in the middle */
    ASSAY_ROWS_ALIKE     /* all the same, and shorter than T */
};

/* What the data look like, beyond their scale. */
enum {
    ASSAY_DATA_PLAIN,
    ASSAY_DATA_HEAVY,   /* x: normal / uniform, so that a few elements are hundreds of times larger than most */
    ASSAY_DATA_OUTLIER, /* x of the last sample is 256 times as large */
    ASSAY_DATA_TINY,    /* W and R are subnormal in fp32 */
    ASSAY_DATA_MASKED,  /* logits of each third class are -inf, and no label names one of them */
    ASSAY_DATA_IGNORED, /* every label is the one that doesn't count */
    ASSAY_DATA_NOUGHT,  /* x of the last sample is 0, and so are the biases of the first units: their sums are exactly 0
                         */
    ASSAY_DATA_ENDS, /* x and h0 of the last sample are 0, and biases are where hard gates end: its first arguments lie
                        there exactly; where f is 1 and i 0, its c0 is a clip's bound */
    ASSAY_DATA_WEIGHTLESS /* every label's class has the weight 0 */
};

typedef struct assay_dialect_row {
    const char *name; /* "lstm", "gru-after" */
    const char *text; /* what it is and which library computes it */
    assay_dialect dialect;
} assay_dialect_row;

/* A row of cases/<op>.inc. Sizes not used by the op are 0. */
typedef struct assay_case_row {
    const char *tag;     /* ends the id: what is special about it */
    const char *dialect; /* name of an assay_dialect_row */
    int32_t op, t, n, i, h, layers, directions, vocab, classes, head, loss, dense_bias, optimizer;
    int32_t ragged; /* ASSAY_ROWS_ */
    int32_t lens[ASSAY_ROW_LENS];
    int32_t label_lens[ASSAY_ROW_LENS]; /* CTC */
    int32_t longest;                    /* CTC: > 0 = label lengths by a rule, none longer than this or its frames */
    int32_t repeats;                    /* CTC: 1 = labels repeat often (two classes), 2 = each second one does,
                                           -1 = no neighbours are equal */
    int32_t proj, x_stride, y_stride;   /* as problem.h names them */
    int32_t data;                       /* ASSAY_DATA_ */
    double x_scale;                     /* 0 = 1: standard deviation of x and of logits */
    double offset;                      /* added to b_ih's forget slice (LSTM), z slice (GRU): docs/workloads.md 1.4; to
                                           every logit (losses) */
    unsigned flags;
    double lr, beta1, beta2, epsilon; /* networks; 0 = 1e-3 and, with Adam, 0.9, 0.999, 1e-8; ASSAY_ROW_NOUGHT = 0 */
    const char *ungated;              /* tensors that this case cannot judge, space-separated; NULL = none */
    const char *why;                  /* the bug that it would catch */
} assay_case_row;

typedef struct assay_case assay_case;
struct assay_case {
    char id[96]; /* "rnn/lstm.bi.l2.t17.n3.i5.h7.ragged" */
    const char *why;
    const char *ungated; /* tensors that it cannot judge, space-separated; NULL = none */
    unsigned flags;
    assay_problem problem; /* arithmetic ASSAY_FP32; the suite asks in others by a copy */
    /* Makes every given tensor of the problem (cotangents too), in double, with no more bits than the problem's element
     * type holds: for fp64 all of a double's, so that an implementation that narrows its inputs shows. *step = updates
     * made before. state 0..2. */
    assay_status (*fill)(const assay_case *c, uint64_t seed, int state, assay_values *out, int64_t *step);
    const void *source; /* the row that fill() reads */
    int ragged;         /* 1: some row is shorter than T */
    int documented;     /* 1: a workload's shape: block floors, and the power test of docs/workloads.md 1.4 */
};

int assay_case_count(void);
/* The i-th case of the table; *out is filled. */
void assay_case_get(int index, assay_case *out);

int assay_dialect_count(void);
const assay_dialect_row *assay_dialect_get(int index);
const assay_dialect_row *assay_dialect_by_name(const char *name); /* NULL if there is none */

/* Key under which a certificate covers a dialect: "lstm.b2", "gru-after.b2.bi", "ctc", "xent". buffer >= 32 bytes. */
void assay_dialect_key(const assay_problem *p, char *buffer, size_t size);

#endif
