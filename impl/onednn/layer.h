/* layer.h: one recurrent layer, one or two directions, as oneDNN's primitives compute it. Knows nothing of plans.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_ONEDNN_LAYER_H
#define ASSAY_ONEDNN_LAYER_H

#include "impl/impl.h"

#include <dnnl.h>

/* What the primitives read and write. Theirs are T N I H D as in problem.h, B biases a unit; the layout of weights is
 * the library's own, and may differ from one pass to another. Gates come in oneDNN's order. */
typedef enum onednn_tensor {
    ONEDNN_X,       /* (T, N, I) */
    ONEDNN_H0,      /* (D, N, H) */
    ONEDNN_C0,      /* (D, N, H), LSTM, as each C below */
    ONEDNN_BIAS,    /* (D, B, H) */
    ONEDNN_Y,       /* (T, N, D*H) */
    ONEDNN_HN,      /* (D, N, H) */
    ONEDNN_CN,      /* (D, N, H) */
    ONEDNN_KEPT,    /* its workspace: from TRAIN to BACKWARD, which writes to it, too, but nothing that it reads */
    ONEDNN_SCRATCH, /* content is lost after each call */
    ONEDNN_W_INFER, /* weights as the passes want them */
    ONEDNN_R_INFER,
    ONEDNN_W_TRAIN,
    ONEDNN_R_TRAIN,
    ONEDNN_W_BACKWARD,
    ONEDNN_R_BACKWARD,
    ONEDNN_DW, /* added to, as the next two */
    ONEDNN_DR,
    ONEDNN_DBIAS, /* (D, B, H) */
    ONEDNN_DX,    /* (T, N, I) */
    ONEDNN_DH0,   /* (D, N, H) */
    ONEDNN_DC0,   /* (D, N, H) */
    ONEDNN_DY,    /* (T, N, D*H) */
    ONEDNN_DHN,   /* (D, N, H) */
    ONEDNN_DCN,   /* (D, N, H) */
    ONEDNN_TENSORS
} onednn_tensor;

typedef struct onednn_layer onednn_layer;

/* Primitives for a layer of p with so many inputs. ASSAY_FAILED: oneDNN refuses. onednn_layer_close() frees. */
assay_status onednn_layer_open(const assay_problem *p, int32_t inputs, dnnl_engine_t engine, dnnl_stream_t stream,
                               onednn_layer **out);
void onednn_layer_close(onednn_layer *layer); /* NULL is fine */

/* Bytes that a tensor takes in memory: 0 if no pass of this layer has it. */
uint64_t onednn_layer_size(const onednn_layer *layer, onednn_tensor tensor);
/* Biases a unit: 4 for LSTM and for the GRU that resets after the product, else as many as gates. */
int onednn_biases(const assay_problem *p);

/* INFER, TRAIN or BACKWARD on tensors at[]; those that the pass does not have are not looked at. */
assay_status onednn_layer_run(onednn_layer *layer, assay_pass pass, void *const at[ONEDNN_TENSORS]);

/* Plain weights (w, r: of the first direction) to the layouts of all passes in at[], gradients in at[] to plain ones.
 */
assay_status onednn_layer_load(onednn_layer *layer, const float *w, const float *r, void *const at[ONEDNN_TENSORS]);
assay_status onednn_layer_store(onednn_layer *layer, void *const at[ONEDNN_TENSORS], float *dw, float *dr);

#endif
