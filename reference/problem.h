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

/* Which bias vectors exist. ONE_INPUT has b_ih only, ONE_RECURRENT b_hh only. */
typedef enum assay_biases {
    ASSAY_BIAS_NONE,
    ASSAY_BIAS_ONE_INPUT,
    ASSAY_BIAS_TWO,
    ASSAY_BIAS_ONE_RECURRENT
} assay_biases;

/* GRU: where the reset gate acts (semantics 1.3: BEFORE is B, AFTER_INSIDE is A, AFTER_OUTSIDE is C). */
typedef enum assay_gru_reset {
    ASSAY_RESET_BEFORE,
    ASSAY_RESET_AFTER_INSIDE, /* r scales the product and its bias */
    ASSAY_RESET_AFTER_OUTSIDE /* r scales the product alone */
} assay_gru_reset;

/* GRU: what z is the share of. */
typedef enum assay_gru_mix {
    ASSAY_MIX_KEEPS,  /* the old state */
    ASSAY_MIX_UPDATES /* the new candidate */
} assay_gru_mix;

/* What i, f, o, r, z are: 1/(1+exp(-a)), or a/5 + 1/2 or a/6 + 1/2 within 0 .. 1. */
typedef enum assay_gate_activation {
    ASSAY_GATE_SIGMOID,
    ASSAY_GATE_HARD_FIFTH,
    ASSAY_GATE_HARD_SIXTH
} assay_gate_activation;

/* The derivative of a clipped cell beyond its bound: 0, or as if it were not clipped. */
typedef enum assay_clip { ASSAY_CLIP_CUTS, ASSAY_CLIP_PASSES } assay_clip;

/* What the two directions of a layer become: [fwd ; rev], or element by element. */
typedef enum assay_merge { ASSAY_MERGE_CONCAT, ASSAY_MERGE_SUM, ASSAY_MERGE_AVERAGE, ASSAY_MERGE_MULTIPLY } assay_merge;

/* y past a row's length: 0, or the forward direction's last valid output (then dy there counts). */
typedef enum assay_padding { ASSAY_PAD_ZERO, ASSAY_PAD_HELD } assay_padding;

/* The final state of a row of length 0: its initial state, or 0. */
typedef enum assay_empty { ASSAY_EMPTY_INITIAL, ASSAY_EMPTY_ZERO } assay_empty;

/* Order of the (t, n) of a row in x, ids, labels, y, logits, losses and their gradients; states never change. */
typedef enum assay_layout { ASSAY_TIME_MAJOR, ASSAY_BATCH_MAJOR } assay_layout;

typedef enum assay_head {
    ASSAY_HEAD_NONE,
    ASSAY_HEAD_LAST, /* the linear layer reads y[len[n]-1][n] of each sample; a row of length 0 reads zeros */
    ASSAY_HEAD_EVERY /* the linear layer reads every step */
} assay_head;

typedef enum assay_loss { ASSAY_LOSS_NONE, ASSAY_LOSS_XENT, ASSAY_LOSS_CTC } assay_loss;

/* How the losses of rows become one number: their sum, divided by what is said here. With NONE each row's loss stands
 * alone and `loss` is absent. A sum divided by nothing is 0. */
typedef enum assay_reduction {
    ASSAY_REDUCE_NONE,
    ASSAY_REDUCE_SUM,
    ASSAY_REDUCE_MEAN,          /* rows that count: cross-entropy inside their sequence and not ignored; CTC: all N */
    ASSAY_REDUCE_MEAN_ALL,      /* cross-entropy: all rows of logits, T*N or N, whatever their length or label */
    ASSAY_REDUCE_MEAN_WEIGHTED, /* cross-entropy: the sum of the class weights of the labels of rows that count */
    ASSAY_REDUCE_MEAN_BATCH,    /* cross-entropy: N */
    ASSAY_REDUCE_MEAN_TARGETS   /* CTC: each loss by the length of its label string (at least 1), then N */
} assay_reduction;

/* Where the share that label smoothing takes from the label goes: to all classes (the label too), to the others. */
typedef enum assay_smoothing { ASSAY_SMOOTH_ALL, ASSAY_SMOOTH_OTHERS } assay_smoothing;

typedef enum assay_ctc_labels { ASSAY_LABELS_CONCATENATED, ASSAY_LABELS_PADDED } assay_ctc_labels;

/* LOG_PROBS are taken as they come: nobody normalises them. */
typedef enum assay_ctc_input { ASSAY_CTC_LOGITS, ASSAY_CTC_LOG_PROBS } assay_ctc_input;

/* The gradient with respect to log-probabilities: the true one, or exp of them more, which is right only behind a
 * log-softmax (PyTorch). */
typedef enum assay_ctc_gradient { ASSAY_CTC_TRUE, ASSAY_CTC_MINUS_SOFTMAX } assay_ctc_gradient;

/* Equal labels in a row of frames are one label, or as many as there are frames (TensorFlow ctc_merge_repeated). */
typedef enum assay_ctc_repeats { ASSAY_REPEATS_MERGED, ASSAY_REPEATS_KEPT } assay_ctc_repeats;

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
    int32_t truncates;     /* 1: sums of products drop bits toward zero, as tensor cores do; narrow operands only */
    int32_t opaque;        /* 1: where operands and stores are rounded is not known: loose limits, labelled so; narrow
                              formats only */
} assay_arithmetic;

/* Every point on which published implementations differ. No field has a hidden default; dialect_fields.inc says of each
 * what it means, who does which, and where it must be 0 because nothing reads it. */
typedef struct assay_dialect {
    int32_t cell;            /* assay_cell */
    int32_t biases;          /* assay_biases */
    int32_t gru_reset;       /* assay_gru_reset; AFTER_INSIDE where the cell is no GRU */
    int32_t gru_mix;         /* assay_gru_mix */
    int32_t gate_activation; /* assay_gate_activation */
    int32_t peephole;        /* 1: i and f read c', o reads c (LSTM) */
    int32_t coupled;         /* 1: f = 1 - i (LSTM); rows f of W, R, P and the biases are there and not read */
    int32_t clip_gradient;   /* assay_clip */
    int32_t merge;           /* assay_merge */
    int32_t pad_output;      /* assay_padding */
    int32_t empty_state;     /* assay_empty */
    int32_t layout;          /* assay_layout */
    int32_t bptt_steps;      /* backward runs the last so many steps of each row; 0 = all */
    int32_t xent_reduction;  /* assay_reduction */
    int32_t xent_ignores;    /* 1: rows with the label xent_ignore_index do not count */
    int32_t xent_ignore_index;
    int32_t xent_weighted;     /* 1: class_weights are given */
    int32_t xent_smoothing_to; /* assay_smoothing */
    int32_t ctc_reduction;     /* assay_reduction */
    int32_t ctc_blank;         /* class index of the blank, 0 <= blank < classes */
    int32_t ctc_infeasible;    /* assay_infeasible */
    int32_t ctc_labels;        /* assay_ctc_labels */
    int32_t ctc_input;         /* assay_ctc_input */
    int32_t ctc_gradient;      /* assay_ctc_gradient */
    int32_t ctc_collapse;      /* 1: equal neighbours of a label string are merged before anything else */
    int32_t ctc_repeats;       /* assay_ctc_repeats */
    double forget_bias;        /* added to the forget gate's argument at run time (LSTM) */
    double cell_clip;          /* c is kept within -cell_clip .. cell_clip (LSTM); 0 = no bound */
    double dropout;            /* y of layer l-1 times mask / (1 - dropout) before layer l >= 1; 0 = no mask */
    double xent_smoothing;     /* share that is taken from the label, 0 <= share < 1 */
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
    int32_t proj;       /* LSTM: size that the hidden state is projected to, 1 .. H-1; 0 = none */
    int32_t layers;     /* L, 1 .. ASSAY_MAX_LAYERS */
    int32_t directions; /* D: 1, or 2 = forward and reverse, merged after each layer */
    int32_t vocab;      /* network: rows of the embedding table (then the input is ids); 0 = input is x */
    int32_t classes;    /* V: outputs of the linear layer, classes of the loss */
    int32_t max_label;  /* CTC: the longest label string that may come */
    int32_t labels;     /* CTC: length of the concatenated labels, the sum of label_lens; 0 if they are padded */
    int32_t head;       /* assay_head */
    int32_t loss;       /* assay_loss */
    int32_t dense_bias; /* network: 1 if the linear layer has a bias */
    int32_t optimizer;  /* assay_optimizer */
    int32_t x_stride;   /* elements from one row of x (and of dx) to the next, at least its width; 0 = dense */
    int32_t y_stride;   /* the same of y and dy */
    int32_t reserved;   /* 0 */
    double lr, beta1, beta2, epsilon; /* SGD: w -= lr g. Adam: bias-corrected, epsilon added to sqrt(vhat) */
    assay_dialect dialect;
} assay_problem;

/* The tensors of a problem. All are dense but for x_stride and y_stride, whose gaps nobody reads or writes; the last
 * index is the fastest; (T, N, ..) becomes (N, T, ..) in batch-major. Real tensors hold the problem's element type,
 * integers are int32. Where `lens` is absent every row has length T. Past a row's length inputs are never read, dx is
 * exactly 0, y is as pad_output says. G = gates: LSTM 4 (i f g o), GRU 3 (r z n), else 1. S = width of the hidden
 * state: proj, or H. Y = width of a layer's output: D*S, or S if the directions are merged. A layer's input width is I
 * for layer 0, else Y. Pseudo-layer q = layer*D + direction. */
typedef enum assay_slot {
    /* given */
    ASSAY_X,             /* rnn, network: (T, N, I); xent, ctc: logits (T, N, V) */
    ASSAY_IDS,           /* int (T, N), 0 <= id < vocab; network with vocab > 0, instead of x */
    ASSAY_LENS,          /* int (N), 0 <= lens <= T; may be absent */
    ASSAY_LABELS,        /* int; cross-entropy: (T, N), or (N) with HEAD_LAST; CTC: concatenated (labels), or padded
                            (N, max_label), where what follows a string is never read */
    ASSAY_LABEL_LENS,    /* int (N), CTC */
    ASSAY_H0,            /* (L*D, N, S); may be absent = zeros */
    ASSAY_C0,            /* (L*D, N, H); LSTM; may be absent = zeros */
    ASSAY_MASK,          /* ((L-1)*T, N, Y), with dropout: 0 or 1 for each element of y of layers 0 .. L-2; batch-major:
                            ((L-1)*N, T, Y) */
    ASSAY_CLASS_WEIGHTS, /* (V), cross-entropy with xent_weighted, none negative */
    ASSAY_DY,            /* (T, N, Y) upstream cotangents, rnn; each may be absent = zeros */
    ASSAY_DHN,           /* (L*D, N, S) */
    ASSAY_DCN,           /* (L*D, N, H), LSTM */
    ASSAY_DLOSS,         /* xent, ctc: (1), or rows of loss_rows with REDUCE_NONE */
    /* wanted, where the pointer is there */
    ASSAY_Y,         /* (T, N, Y), the last layer, rnn and network */
    ASSAY_HN,        /* (L*D, N, S), state after the last valid step of each direction; length 0: empty_state */
    ASSAY_CN,        /* (L*D, N, H), LSTM */
    ASSAY_LOGITS,    /* network: (T, N, V), or (N, V) with HEAD_LAST; rows past the length are 0 */
    ASSAY_LOSS_ROWS, /* cross-entropy: (T, N) or (N), rows past the length are 0; CTC: (N) */
    ASSAY_LOSS,      /* (1); absent with REDUCE_NONE */
    ASSAY_DX,        /* rnn, network without embedding: (T, N, I); xent, ctc: (T, N, V), w.r.t. x */
    ASSAY_DH0,       /* (L*D, N, S) */
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
 *   6q+0  W    (G*H, I_l)    6q+1  R    (G*H, S)
 *   6q+2  b_ih (G*H)         6q+3  b_hh (G*H)
 *   6q+4  P    (3*H), i f o  6q+5  WP   (S, H)
 * then, for networks, at 6*L*D: +0 embedding (vocab, I), +1 linear weight (V, Y), +2 linear bias (V).
 * A parameter that the dialect lacks keeps its index and has no tensor. */
enum { ASSAY_W, ASSAY_R, ASSAY_B_IH, ASSAY_B_HH, ASSAY_PEEPHOLE, ASSAY_PROJECTION, ASSAY_RNN_PARAMS };
enum { ASSAY_EMBEDDING, ASSAY_DENSE_W, ASSAY_DENSE_B, ASSAY_HEAD_PARAMS };
#define ASSAY_MAX_PARAMS (ASSAY_RNN_PARAMS * 2 * ASSAY_MAX_LAYERS + ASSAY_HEAD_PARAMS)
#define ASSAY_TENSORS    (ASSAY_SLOTS + ASSAY_FAMILIES * ASSAY_MAX_PARAMS)

/* Index of a recurrent parameter, of a head parameter; number of indices in use. */
static inline int assay_param_rnn(const assay_problem *p, int layer, int direction, int which)
{
    return ASSAY_RNN_PARAMS * (layer * p->directions + direction) + which;
}
static inline int assay_param_head(const assay_problem *p, int which)
{
    return ASSAY_RNN_PARAMS * p->layers * p->directions + which;
}
static inline int assay_param_count(const assay_problem *p)
{
    if (p->op != ASSAY_OP_RNN && p->op != ASSAY_OP_NETWORK) return 0;
    return assay_param_head(p, p->op == ASSAY_OP_NETWORK ? ASSAY_HEAD_PARAMS : 0);
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
/* S, Y and I_l above. */
static inline int assay_state_width(const assay_problem *p)
{
    return p->proj > 0 ? p->proj : p->h;
}
static inline int assay_output_width(const assay_problem *p)
{
    return (p->dialect.merge == ASSAY_MERGE_CONCAT ? p->directions : 1) * assay_state_width(p);
}
static inline int assay_layer_input(const assay_problem *p, int layer)
{
    return layer == 0 ? p->i : assay_output_width(p);
}
/* Where the label string of sample n begins. */
static inline int64_t assay_label_start(const assay_problem *p, const int32_t *label_lens, int32_t n)
{
    int64_t start = (int64_t)n * p->max_label;
    if (p->dialect.ctc_labels == ASSAY_LABELS_PADDED) return start;
    start = 0;
    for (int32_t k = 0; k < n; k++)
        start += label_lens[k];
    return start;
}
/* The number of row (t, n) in tensors that begin with (T, N). */
static inline int64_t assay_row_of(const assay_problem *p, int32_t t, int32_t n)
{
    return p->dialect.layout == ASSAY_BATCH_MAJOR ? (int64_t)n * p->t + t : (int64_t)t * p->n + n;
}

#ifdef __cplusplus
}
#endif
#endif
