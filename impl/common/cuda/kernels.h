/* kernels.h: the arguments of every kernel: one struct each, read by the host code in C and by the kernels.
 * SPDX-License-Identifier: MIT
 *
 * All pointers lie in the device's memory. Matrices are row-major. Inside, rows (t, n) are always time-major and dense;
 * only `gather`, `spread`, `emit` and `upstream` know the caller's order and gaps. A NULL that may be is said so. */
#ifndef ASSAY_COMMON_CUDA_KERNELS_H
#define ASSAY_COMMON_CUDA_KERNELS_H

#include <stdint.h>

/* The (t, n) of a problem. */
typedef struct kernel_rows {
    int32_t t, n, batch_major; /* batch_major: the caller's tensors */
    const int32_t *lens;       /* (N) or NULL */
} kernel_rows;

/* C (m, n) = op(A) (m, k) op(B) (k, n) + bias + bias2 (+ C). The sum over k runs in blocks of 16, in order. */
typedef struct gemm_args {
    int64_t m, n, k, lda, ldb, ldc;
    int64_t bias2_n; /* bias2 has so many columns, the first ones */
    int32_t ta, tb, accumulate;
    const float *a, *b, *bias, *bias2; /* biases (n) or NULL */
    float *c;
} gemm_args;

/* out[j] (+)= sum over rows of a[r][j], times b[r][j] unless that is NULL. One column a lane. */
typedef struct column_sums_args {
    int64_t rows, columns, a_pitch, b_pitch;
    const float *a, *b;
    float *out;
    int32_t accumulate;
} column_sums_args;

/* to (T, N, width) = rows of x, or of the table by ids; 0 past the length. */
typedef struct gather_args {
    kernel_rows rows;
    int64_t width, stride;
    const float *x, *table;
    const int32_t *ids; /* NULL: x */
    float *to;
} gather_args;

/* The caller's rows, `stride` apart, = from (T, N, width); 0 past the length. */
typedef struct spread_args {
    kernel_rows rows;
    int64_t width, stride;
    const float *from;
    float *to;
} spread_args;

/* to (N, width) = from, or 0 where that is NULL; 0 for samples of length 0 if lens is given. */
typedef struct states_args {
    int64_t n, width;
    const int32_t *lens;
    const float *from;
    float *to;
} states_args;

/* What stands between a layer and the next: y (T, N, Y) from the parts (T, N, D*S) of its directions. */
typedef struct merge_args {
    kernel_rows rows;
    int64_t width, wide; /* S, Y */
    int32_t parts, how;  /* D, assay_merge */
    const float *part;
    const float *mask; /* of this layer, in the caller's order, or NULL */
    float factor;      /* 1 / (1 - dropout) */
    float *y;
} merge_args;

/* The caller's y from y (T, N, Y). */
typedef struct emit_args {
    kernel_rows rows;
    int64_t width, wide, stride;
    int32_t held; /* assay_padding */
    const float *from;
    float *to;
} emit_args;

/* The gradient of the parts (T, N, D*S) of a layer from all that is given of its output. */
typedef struct upstream_args {
    merge_args merge;
    int32_t callers; /* dy is in the caller's order */
    int32_t held;
    int64_t pitch;
    const float *dy;    /* or NULL */
    const float *dlast; /* (N, Y): of each sample's last step, or NULL */
    float *to;
} upstream_args;

/* One step of one layer in one direction, for all samples; those past their length keep their state. */
typedef struct cell_args {
    const int32_t *lens; /* or NULL */
    int32_t step, n, h, state;
    int32_t gate, coupled, clip_passes, projected, relu; /* gate: assay_gate_activation */
    int32_t before, updates;                             /* GRU: reset before the product; z the share of the new */
    float forget_bias, clip;
    float *gates;                         /* (N, width*H): in: W x + b; out: activated gates */
    const float *product, *peephole, *bn; /* (N, G*H) R h; (3H) or NULL; (H) or NULL */
    const float *h_before, *c_before;
    float *h_after, *c_after, *m, *y; /* y: this direction's part */
    int64_t y_pitch;
    /* backward */
    const float *dy; /* this direction's part, y_pitch apart */
    float *dh, *dc;  /* (N, S), (N, H): in: after the step, out: before it, less what comes by the product */
    float *da;       /* (N, width*H) */
    float *dm;       /* (N, H) with a projection: gradient of what was projected */
    float *d_state;  /* (N, S) with a projection: all that is given of h */
    float *de;       /* (N, H) GRU, reset before: gradient of r h */
} cell_args;

/* order (N): samples by falling length, those of one length as they come. */
typedef struct order_args {
    int32_t n;
    const int32_t *lens;
    int32_t *order;
} order_args;

/* One direction of a layer, all steps in one launch (persistent.hpp). */
typedef struct persistent_way {
    cell_args cell; /* of step 0 */
    const float *r; /* (G*H, H) */
    int32_t reverse;
} persistent_way;

typedef struct persistent_args {
    persistent_way way[2];       /* by the row of the grid */
    int32_t t;                   /* T */
    int32_t ranks, units, slice; /* blocks of a cluster, units of a block, and those rounded up to whole eights */
    const int32_t *order;        /* or NULL: samples are as long as each other */
} persistent_args;

/* to (N, width) = the row of y (T, N, width) at each sample's last step; 0 for those of length 0. */
typedef struct last_rows_args {
    kernel_rows rows;
    int64_t width;
    const float *y;
    float *to;
} last_rows_args;

/* x in the caller's order, rows past the length = 0. */
typedef struct clear_padding_args {
    kernel_rows rows;
    int64_t width;
    float *x;
} clear_padding_args;

typedef struct xent_args {
    kernel_rows rows;
    int64_t count, classes, stride; /* rows of logits */
    int32_t last;                   /* one row a sample, whatever its length */
    int32_t ignores, ignore_index, reduction;
    int32_t apart, one; /* a dloss a row; dloss is 1 */
    float own, other;   /* share of the label, of each other class */
    const float *x, *weights, *dloss;
    const int32_t *labels;
    float *scale;     /* (1): 1 / what the sum is divided by, made by xent_scale */
    float *loss_rows; /* (count) */
    float *grad;      /* or NULL */
} xent_args;

typedef struct ctc_args {
    kernel_rows rows;
    int64_t classes, stride;
    int32_t max_label, blank, padded, collapse, kept, log_probs, minus_softmax, infeasible_zero;
    int32_t by_targets; /* each loss divided by its label length */
    float weight;       /* 1, or 1 / N */
    const float *x;
    const int32_t *labels, *label_lens;
    float *half;      /* (N, T, 2 max_label + 1): alpha of the first half of the frames, beta of the second */
    float *frames;    /* (N, T, 2): top and logarithm of the sum of each frame */
    float *occupancy; /* (N, 2, V) */
    int32_t *chain;   /* (N, max_label): where the same label comes again; -1 */
    float *loss_rows; /* (N) */
    float *grad;      /* or NULL: of the reduced loss */
} ctc_args;

/* dx = kept times dloss; 0 where that is NULL. */
typedef struct ctc_scale_args {
    kernel_rows rows;
    int64_t classes, stride;
    int32_t apart;
    const float *kept, *dloss;
    float *dx;
} ctc_scale_args;

/* loss = (sum of the rows, each divided by its label's length if those are given) times scale. */
typedef struct loss_sum_args {
    int64_t count;
    const float *loss_rows, *scale; /* scale: (1) or NULL */
    const int32_t *label_lens;
    float factor;
    float *loss;
} loss_sum_args;

/* (keys, values) sorted by id, equal ids in the order of (t, n); ids past the length become `vocab`. */
typedef struct sort_args {
    kernel_rows rows;
    int32_t vocab;
    const int32_t *ids;
    int32_t *keys, *values, *keys2, *values2; /* (T*N): the result is in the first two */
} sort_args;

typedef struct segments_args {
    int64_t count, width;
    int32_t vocab, accumulate;
    const int32_t *keys, *values;
    const float *from; /* (T, N, width) */
    float *table;      /* (vocab, width) */
} segments_args;

typedef struct update_args {
    int64_t n;
    float lr, beta1, beta2, rest1, rest2, epsilon, correct1, correct2;
    const float *g;
    float *w, *m, *v;
} update_args;

enum {
#define KERNEL_ROW(name, type, threads) KERNEL_##name,
#include "impl/common/cuda/kernels.inc"
#undef KERNEL_ROW
    KERNELS
};

#endif
