/* problem.h: the vocabulary. What is computed (problem, dialect), in which arithmetic, on which tensors.
 * SPDX-License-Identifier: MIT
 *
 * This header is half of the plugin ABI (the other half is impl/impl.h): plain C11 that also compiles as
 * C++17, no types but fixed-width integers and double, no dependency but <stddef.h> and <stdint.h>.
 * Values in square brackets in docs/semantics.md name the equations that each field selects. */
#ifndef ASSAY_PROBLEM_H
#define ASSAY_PROBLEM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What went wrong in a call. ASSAY_UNSUPPORTED is an answer, not an error. */
typedef enum assay_status {
    ASSAY_OK = 0,
    ASSAY_UNSUPPORTED,  /* the implementation does not offer this problem; the reason comes with it */
    ASSAY_BAD_ARGUMENT, /* an impossible size, a label out of range, a missing pointer */
    ASSAY_NO_MEMORY,
    ASSAY_NO_DEVICE,
    ASSAY_FAILED /* a library or device call failed */
} assay_status;

typedef enum assay_op {
    ASSAY_OP_RNN,    /* a stack of recurrent layers, one or two directions */
    ASSAY_OP_XENT,   /* softmax cross-entropy on given logits */
    ASSAY_OP_CTC,    /* connectionist temporal classification on given logits */
    ASSAY_OP_NETWORK /* [embedding ->] rnn stack -> linear -> loss -> optimizer step */
} assay_op;

typedef enum assay_cell { ASSAY_LSTM, ASSAY_GRU, ASSAY_RNN_TANH, ASSAY_RNN_RELU } assay_cell;

/* Which bias vectors exist. ONE_INPUT has b_ih only. */
typedef enum assay_biases { ASSAY_BIAS_NONE, ASSAY_BIAS_ONE_INPUT, ASSAY_BIAS_TWO } assay_biases;

/* GRU: where the reset gate acts (semantics 1.3: BEFORE is B, AFTER_INSIDE is A). */
typedef enum assay_gru_reset { ASSAY_RESET_BEFORE, ASSAY_RESET_AFTER_INSIDE } assay_gru_reset;

typedef enum assay_head {
    ASSAY_HEAD_NONE,
    ASSAY_HEAD_LAST, /* the linear layer reads y[len[n]-1][n] of each sample; a row of length 0 reads zeros */
    ASSAY_HEAD_EVERY /* the linear layer reads every step */
} assay_head;

typedef enum assay_loss { ASSAY_LOSS_NONE, ASSAY_LOSS_XENT, ASSAY_LOSS_CTC } assay_loss;

/* How the losses of rows become one number. MEAN divides by the number of rows that count: cross-entropy rows
 * inside their sequence, CTC samples (all N). With NONE each row's loss stands alone and `loss` is absent. */
typedef enum assay_reduction { ASSAY_REDUCE_NONE, ASSAY_REDUCE_SUM, ASSAY_REDUCE_MEAN } assay_reduction;

/* CTC where no alignment exists (T < U + repeats). The gradient is zero in either case. */
typedef enum assay_infeasible { ASSAY_INFEASIBLE_INF, ASSAY_INFEASIBLE_ZERO } assay_infeasible;

typedef enum assay_optimizer { ASSAY_OPT_NONE, ASSAY_OPT_SGD, ASSAY_OPT_ADAM } assay_optimizer;

/* A number format. The unit roundoff u is 2^-53, 2^-24, 2^-11, 2^-8, 2^-11. */
typedef enum assay_format { ASSAY_FP64, ASSAY_FP32, ASSAY_TF32, ASSAY_BF16, ASSAY_FP16 } assay_format;

/* How an implementation rounds: declared by it, proved by the suite. */
typedef struct assay_arithmetic {
    int32_t operand;       /* assay_format: operands of products */
    int32_t accumulate;    /* assay_format: sums and elementwise results */
    int32_t store;         /* assay_format: h, c, gates as kept in memory, and all output tensors */
    int32_t deterministic; /* 1: the same call gives the same bits */
    double activation_ulp; /* worst error of sigmoid, tanh, exp, log in ulp of `accumulate`, at least 0.5 */
} assay_arithmetic;

/* Every point on which published implementations differ. No field has a hidden default. */
typedef struct assay_dialect {
    int32_t cell;           /* assay_cell */
    int32_t biases;         /* assay_biases */
    int32_t gru_reset;      /* assay_gru_reset; AFTER_INSIDE where the cell is no GRU */
    int32_t bptt_steps;     /* backward runs the last so many steps of each row; 0 = all */
    double forget_bias;     /* added to the forget gate's argument at run time (LSTM) */
    int32_t xent_reduction; /* assay_reduction */
    int32_t ctc_reduction;  /* assay_reduction */
    int32_t ctc_blank;      /* class index of the blank, 0 <= blank < classes */
    int32_t ctc_infeasible; /* assay_infeasible */
} assay_dialect;

#define ASSAY_MAX_LAYERS 8

/* One problem. Sizes count elements; any may be 0 where nothing says otherwise.
 * Fields that an op does not use are 0. */
typedef struct assay_problem {
    int32_t op;         /* assay_op */
    int32_t arithmetic; /* assay_format asked for: fp32 means no TF32 anywhere. Real tensors are double for
                           ASSAY_FP64 and float for all others */
    int32_t t, n;       /* time steps T >= 0, samples N >= 0 */
    int32_t i, h;       /* input width I >= 1, hidden size H >= 1 */
    int32_t layers;     /* L, 1 .. ASSAY_MAX_LAYERS */
    int32_t directions; /* D: 1, or 2 = forward and reverse, concatenated after each layer [fwd ; rev] */
    int32_t vocab;      /* network: rows of the embedding table (then the input is ids); 0 = input is x */
    int32_t classes;    /* V: outputs of the linear layer, classes of the loss */
    int32_t max_label;  /* CTC: the longest label string that may come */
    int32_t labels;     /* CTC: length of the concatenated labels, the sum of label_lens */
    int32_t head;       /* assay_head */
    int32_t loss;       /* assay_loss */
    int32_t dense_bias; /* network: 1 if the linear layer has a bias */
    int32_t optimizer;  /* assay_optimizer */
    double lr, beta1, beta2, epsilon; /* SGD: w -= lr g. Adam: bias-corrected, epsilon added to sqrt(vhat) */
    assay_dialect dialect;
} assay_problem;

/* The tensors of a problem. All are dense, the last index fastest, time-major. Real tensors hold the problem's
 * element type, integers are int32. Where `lens` is absent every row has length T. Past a row's length inputs
 * are never read, y and dx are exactly 0. G = gates: LSTM 4 (i f g o), GRU 3 (r z n), else 1.
 * A layer's input width is I for layer 0, else D*H. Pseudo-layer q = layer*D + direction. */
typedef enum assay_slot {
    /* given */
    ASSAY_X,          /* rnn, network: (T, N, I); xent, ctc: logits (T, N, V) */
    ASSAY_IDS,        /* int (T, N), 0 <= id < vocab; network with vocab > 0, instead of x */
    ASSAY_LENS,       /* int (N), 0 <= lens <= T; may be absent */
    ASSAY_LABELS,     /* int; cross-entropy: (T, N), or (N) with HEAD_LAST; CTC: concatenated (labels) */
    ASSAY_LABEL_LENS, /* int (N), CTC */
    ASSAY_H0,         /* (L*D, N, H); may be absent = zeros */
    ASSAY_C0,         /* (L*D, N, H); LSTM; may be absent = zeros */
    ASSAY_DY,         /* (T, N, D*H) upstream cotangents, rnn; each may be absent = zeros */
    ASSAY_DHN,        /* (L*D, N, H) */
    ASSAY_DCN,        /* (L*D, N, H), LSTM */
    ASSAY_DLOSS,      /* xent, ctc: (1), or rows of loss_rows with REDUCE_NONE */
    /* wanted, where the pointer is there */
    ASSAY_Y,         /* (T, N, D*H), the last layer, rnn and network */
    ASSAY_HN,        /* (L*D, N, H), state after the last valid step of each direction; length 0: h0 */
    ASSAY_CN,        /* (L*D, N, H), LSTM */
    ASSAY_LOGITS,    /* network: (T, N, V), or (N, V) with HEAD_LAST; rows past the length are 0 */
    ASSAY_LOSS_ROWS, /* cross-entropy: (T, N) or (N), rows past the length are 0; CTC: (N) */
    ASSAY_LOSS,      /* (1); absent with REDUCE_NONE */
    ASSAY_DX,        /* rnn, network without embedding: (T, N, I); xent, ctc: (T, N, V), w.r.t. logits */
    ASSAY_DH0,       /* (L*D, N, H) */
    ASSAY_DC0,       /* (L*D, N, H), LSTM */
    ASSAY_SLOTS
} assay_slot;

/* Families of tensors that have one member a parameter (assay_param_index). */
typedef enum assay_family {
    ASSAY_PARAM,   /* given */
    ASSAY_M,       /* given: Adam's first moment before the step */
    ASSAY_V,       /* given: Adam's second moment before the step */
    ASSAY_DPARAM,  /* wanted: gradient */
    ASSAY_PARAM_1, /* wanted: parameter after the step */
    ASSAY_M_1,     /* wanted: moments after the step */
    ASSAY_V_1,
    ASSAY_FAMILIES
} assay_family;

/* Canonical parameter order, stated here and nowhere else: for each pseudo-layer q
 *   4q+0  W    (G*H, I_l)    4q+1  R    (G*H, H)
 *   4q+2  b_ih (G*H)         4q+3  b_hh (G*H)
 * then, for networks, at 4*L*D: +0 embedding (vocab, I), +1 linear weight (V, D*H), +2 linear bias (V).
 * A parameter that the dialect lacks keeps its index and has no tensor. */
enum { ASSAY_W, ASSAY_R, ASSAY_B_IH, ASSAY_B_HH };
enum { ASSAY_EMBEDDING, ASSAY_DENSE_W, ASSAY_DENSE_B };
#define ASSAY_MAX_PARAMS (4 * 2 * ASSAY_MAX_LAYERS + 3)
#define ASSAY_TENSORS    (ASSAY_SLOTS + ASSAY_FAMILIES * ASSAY_MAX_PARAMS)

/* Index of a recurrent parameter, of a head parameter; number of indices in use. */
static inline int assay_param_rnn(const assay_problem *p, int layer, int direction, int which)
{
    return 4 * (layer * p->directions + direction) + which;
}
static inline int assay_param_head(const assay_problem *p, int which)
{
    return 4 * p->layers * p->directions + which;
}
static inline int assay_param_count(const assay_problem *p)
{
    if (p->op != ASSAY_OP_RNN && p->op != ASSAY_OP_NETWORK) return 0;
    return 4 * p->layers * p->directions + (p->op == ASSAY_OP_NETWORK ? 3 : 0);
}
/* One number for every tensor of a problem: slots first, then the families. */
static inline int assay_tensor_id(int family, int param)
{
    return ASSAY_SLOTS + family * ASSAY_MAX_PARAMS + param;
}
static inline int assay_gates(int cell)
{
    return cell == ASSAY_LSTM ? 4 : cell == ASSAY_GRU ? 3 : 1;
}
static inline int assay_layer_input(const assay_problem *p, int layer)
{
    return layer == 0 ? p->i : p->directions * p->h;
}

#ifdef __cplusplus
}
#endif
#endif
