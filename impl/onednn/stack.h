/* stack.h: recurrent layers on top of each other, and where each of their tensors lies.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_ONEDNN_STACK_H
#define ASSAY_ONEDNN_STACK_H

#include "impl/common/host/layout.h"
#include "impl/onednn/layer.h"

/* Parameters and their gradients lie twice in their blocks: plain, with the gates of a GRU in oneDNN's order (z r n),
 * which is what the optimizer works on; and behind that, as the passes of each layer want them. Offsets are in bytes
 * from the start of a block; those of `kept` from the start of reserve, or of INFER's part of the workspace, and of
 * `trained` from wherever it lies. */
typedef struct onednn_stack {
    assay_problem p;
    assay_host_layout params;
    onednn_layer *layer[ASSAY_MAX_LAYERS]; /* all above the first are one and the same */
    uint64_t at[ASSAY_MAX_LAYERS][ONEDNN_TENSORS];
    uint64_t packed, grads, kept, trained, scratch; /* bytes that the stack needs of each block; `trained`, the most of
                                                       reserve, is what INFER does not keep */
    uint64_t library, zeros, states, between[2];    /* in scratch: see stack.c */
} onednn_stack;

typedef struct onednn_stack_args {
    void *packed, *grads, *kept, *trained, *workspace; /* trained: NULL for INFER */
    const float *x, *h0, *c0, *dy, *dhn, *dcn;         /* as in problem.h; states and cotangents may be NULL */
    float *hn, *cn, *dx, *dh0, *dc0;                   /* each may be NULL */
} onednn_stack_args;

/* Fills *s, but for the four blocks' first parts: `packed` and `grads` begin behind params. ASSAY_FAILED,
 * ASSAY_NO_MEMORY. */
assay_status onednn_stack_open(const assay_problem *p, dnnl_engine_t engine, dnnl_stream_t stream, onednn_stack *s);
void onednn_stack_close(onednn_stack *s);

/* Plain parameters to the layouts of the passes. */
assay_status onednn_stack_load(onednn_stack *s, void *packed);
/* INFER or TRAIN; the last layer's outputs stay in kept. */
assay_status onednn_stack_forward(onednn_stack *s, assay_pass pass, const onednn_stack_args *a);
float *onednn_stack_y(const onednn_stack *s, void *kept);
/* Gradients, plain ones too; accumulate: added to what the layers' layouts hold. */
assay_status onednn_stack_backward(onednn_stack *s, const onednn_stack_args *a, int accumulate);

#endif
