/* stack.c: layer after layer, each with memory for what the caller did not give or does not want.
 * SPDX-License-Identifier: MIT
 *
 * oneDNN has a dimension for layers, but two directions of several layers are not ours: each of its directions runs its
 * whole stack alone. So layers are stacked here, each as one primitive. */
#include "impl/onednn/stack.h"

#include <string.h>

/* In which block a tensor of a layer lies for as long as the block; the others come with each call. */
enum { CALL, PACKED, GRADS, KEPT, TRAINED };
static const char block_of[ONEDNN_TENSORS] = {
    [ONEDNN_BIAS] = PACKED,       [ONEDNN_W_INFER] = PACKED, [ONEDNN_R_INFER] = PACKED,
    [ONEDNN_W_TRAIN] = PACKED,    [ONEDNN_R_TRAIN] = PACKED, [ONEDNN_W_BACKWARD] = PACKED,
    [ONEDNN_R_BACKWARD] = PACKED, [ONEDNN_DW] = GRADS,       [ONEDNN_DR] = GRADS,
    [ONEDNN_DBIAS] = GRADS,       [ONEDNN_Y] = KEPT,         [ONEDNN_HN] = KEPT,
    [ONEDNN_CN] = KEPT,           [ONEDNN_KEPT] = TRAINED,
};

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t state_size(const assay_problem *p)
{
    return (uint64_t)p->directions * p->n * p->h;
}

static uint64_t output_size(const assay_problem *p)
{
    return (uint64_t)p->t * p->n * p->directions * p->h;
}

/* The layout of impl/common/host, but a layer's parameters of both directions lie side by side, without a gap: oneDNN
 * takes them as one tensor. */
static void make_layout(const assay_problem *p, assay_host_layout *l)
{
    int64_t end = 0;
    assay_host_layout_make(p, l);
    const int recurrent = assay_param_head(p, 0);
    for (int layer = 0; layer < p->layers; layer++)
        for (int which = 0; which < ASSAY_RNN_PARAMS; which++) {
            for (int d = 0; d < p->directions; d++) {
                const int i = assay_param_rnn(p, layer, d, which);
                l->offset[i] = end;
                end += l->size[i];
            }
            end = (end + 15) / 16 * 16;
        }
    for (int i = recurrent; i < l->params; i++) {
        l->offset[i] = end;
        end += (l->size[i] + 15) / 16 * 16;
    }
    l->total = end;
}

static void place(onednn_stack *s)
{
    const assay_problem *p = &s->p;
    const uint64_t block = s->params.total * sizeof(float);
    s->packed = block * (1 + s->params.moments);
    s->grads = block;
    uint64_t *const end[] = {[PACKED] = &s->packed, [GRADS] = &s->grads, [KEPT] = &s->kept, [TRAINED] = &s->trained};
    uint64_t library = 0;
    for (int l = 0; l < p->layers; l++)
        for (int k = 0; k < ONEDNN_TENSORS; k++) {
            const uint64_t size = onednn_layer_size(s->layer[l], (onednn_tensor)k);
            if (block_of[k] != CALL) s->at[l][k] = assay_host_carve(end[(int)block_of[k]], size);
            if (k == ONEDNN_SCRATCH) library = most(library, size);
        }
    const uint64_t rows = (uint64_t)p->t * p->n, wide = most(p->i, (uint64_t)p->directions * p->h);
    /* oneDNN's scratch; zeros for what was not given; states that nobody wants; gradients on their way down */
    s->library = assay_host_carve(&s->scratch, library);
    s->zeros = assay_host_carve(&s->scratch, most(output_size(p), state_size(p)) * sizeof(float));
    s->states = assay_host_carve(&s->scratch, 2 * state_size(p) * sizeof(float));
    for (int k = 0; k < 2; k++)
        s->between[k] = assay_host_carve(&s->scratch, rows * wide * sizeof(float));
}

assay_status onednn_stack_open(const assay_problem *p, dnnl_engine_t engine, dnnl_stream_t stream, onednn_stack *s)
{
    assay_status st = ASSAY_OK;
    memset(s, 0, sizeof *s);
    s->p = *p;
    make_layout(p, &s->params);
    for (int l = 0; l < p->layers && st == ASSAY_OK; l++) {
        if (l > 1)
            s->layer[l] = s->layer[1];
        else
            st = onednn_layer_open(p, assay_layer_input(p, l), engine, stream, &s->layer[l]);
    }
    if (st == ASSAY_OK)
        place(s);
    else
        onednn_stack_close(s);
    return st;
}

void onednn_stack_close(onednn_stack *s)
{
    onednn_layer_close(s->layer[0]);
    onednn_layer_close(s->layer[1]);
    s->layer[0] = s->layer[1] = NULL;
}

static float *in(void *block, uint64_t offset)
{
    return (float *)((char *)block + offset);
}

/* Parameter or gradient in its plain place; NULL if the dialect lacks it. */
static float *plain(const onednn_stack *s, void *block, int layer, int direction, int which)
{
    const int i = assay_param_rnn(&s->p, layer, direction, which);
    return s->params.size[i] ? (float *)block + s->params.offset[i] : NULL;
}

static void find(const onednn_stack *s, const onednn_stack_args *a, int layer, void *at[ONEDNN_TENSORS])
{
    void *const blocks[] = {[PACKED] = a->packed, [GRADS] = a->grads, [KEPT] = a->kept, [TRAINED] = a->trained};
    for (int k = 0; k < ONEDNN_TENSORS; k++)
        at[k] = block_of[k] == CALL || !blocks[(int)block_of[k]] ? NULL : in(blocks[(int)block_of[k]], s->at[layer][k]);
    if (a->workspace) at[ONEDNN_SCRATCH] = in(a->workspace, s->library);
}

/* oneDNN has one vector of biases, and for the GRU that resets after the product a fourth part: R's of n. */
static void load_biases(const onednn_stack *s, void *packed, int layer, float *to)
{
    const assay_problem *p = &s->p;
    const int parts = onednn_biases(p), gates = assay_gates(p->dialect.cell), h = p->h;
    for (int d = 0; d < p->directions; d++) {
        const float *b_ih = plain(s, packed, layer, d, ASSAY_B_IH), *b_hh = plain(s, packed, layer, d, ASSAY_B_HH);
        for (int g = 0; g < parts; g++)
            for (int j = 0; j < h; j++) {
                const int apart = parts > gates && g >= 2;
                const float from_x = b_ih && g < gates ? b_ih[g * h + j] : 0;
                const float from_h = b_hh && (!apart || g == 3) ? b_hh[(apart ? 2 : g) * h + j] : 0;
                const float forget = p->dialect.cell == ASSAY_LSTM && g == 1 ? (float)p->dialect.forget_bias : 0;
                to[(d * parts + g) * h + j] = from_x + from_h + forget;
            }
    }
}

static void store_biases(const onednn_stack *s, const float *from, int layer, void *grads)
{
    const assay_problem *p = &s->p;
    const int parts = onednn_biases(p), gates = assay_gates(p->dialect.cell);
    const size_t part = p->h * sizeof(float);
    for (int d = 0; d < p->directions; d++) {
        float *b_ih = plain(s, grads, layer, d, ASSAY_B_IH), *b_hh = plain(s, grads, layer, d, ASSAY_B_HH);
        for (int g = 0; g < gates; g++) {
            const int of_r = parts > gates && g == 2 ? 3 : g;
            if (b_ih) memcpy(b_ih + g * p->h, from + (d * parts + g) * p->h, part);
            if (b_hh) memcpy(b_hh + g * p->h, from + (d * parts + of_r) * p->h, part);
        }
    }
}

assay_status onednn_stack_load(onednn_stack *s, void *packed)
{
    assay_status st = ASSAY_OK;
    for (int l = 0; l < s->p.layers && st == ASSAY_OK; l++) {
        void *at[ONEDNN_TENSORS];
        find(s, &(onednn_stack_args){.packed = packed}, l, at);
        load_biases(s, packed, l, at[ONEDNN_BIAS]);
        st = onednn_layer_load(s->layer[l], plain(s, packed, l, 0, ASSAY_W), plain(s, packed, l, 0, ASSAY_R), at);
    }
    return st;
}

/* A layer's part of states that were given, or zeros. */
static void *given(const onednn_stack *s, const onednn_stack_args *a, const float *states, int layer)
{
    return states ? (void *)(states + layer * state_size(&s->p)) : in(a->workspace, s->zeros);
}

static void keep(const onednn_stack *s, const float *from, int layer, float *states)
{
    const uint64_t size = state_size(&s->p);
    if (states) memcpy(states + layer * size, from, size * sizeof(float));
}

static void prepare_zeros(const onednn_stack *s, const onednn_stack_args *a)
{
    memset(in(a->workspace, s->zeros), 0, s->states - s->zeros);
}

static void find_inputs(const onednn_stack *s, const onednn_stack_args *a, int layer, void *at[ONEDNN_TENSORS])
{
    find(s, a, layer, at);
    at[ONEDNN_X] = layer ? (void *)in(a->kept, s->at[layer - 1][ONEDNN_Y]) : (void *)a->x;
    at[ONEDNN_H0] = given(s, a, a->h0, layer);
    at[ONEDNN_C0] = given(s, a, a->c0, layer);
}

float *onednn_stack_y(const onednn_stack *s, void *kept)
{
    return in(kept, s->at[s->p.layers - 1][ONEDNN_Y]);
}

assay_status onednn_stack_forward(onednn_stack *s, assay_pass pass, const onednn_stack_args *a)
{
    assay_status st = ASSAY_OK;
    prepare_zeros(s, a);
    for (int l = 0; l < s->p.layers && st == ASSAY_OK; l++) {
        void *at[ONEDNN_TENSORS];
        find_inputs(s, a, l, at);
        st = onednn_layer_run(s->layer[l], pass, at);
        keep(s, at[ONEDNN_HN], l, a->hn);
        keep(s, at[ONEDNN_CN], l, a->cn);
    }
    return st;
}

assay_status onednn_stack_backward(onednn_stack *s, const onednn_stack_args *a, int accumulate)
{
    const assay_problem *p = &s->p;
    float *const between[2] = {in(a->workspace, s->between[0]), in(a->workspace, s->between[1])};
    float *const states = in(a->workspace, s->states);
    assay_status st = ASSAY_OK;
    prepare_zeros(s, a);
    for (int l = p->layers - 1; l >= 0 && st == ASSAY_OK; l--) {
        void *at[ONEDNN_TENSORS];
        find_inputs(s, a, l, at);
        for (int k = ONEDNN_DW; k <= ONEDNN_DBIAS && !accumulate; k++)
            memset(at[k], 0, onednn_layer_size(s->layer[l], (onednn_tensor)k));
        at[ONEDNN_DY] = l < p->layers - 1 ? (void *)between[(l + 1) % 2]
                        : a->dy           ? (void *)a->dy
                                          : (void *)in(a->workspace, s->zeros);
        at[ONEDNN_DHN] = given(s, a, a->dhn, l);
        at[ONEDNN_DCN] = given(s, a, a->dcn, l);
        at[ONEDNN_DX] = l == 0 && a->dx ? a->dx : between[l % 2];
        at[ONEDNN_DH0] = a->dh0 ? a->dh0 + l * state_size(p) : states;
        at[ONEDNN_DC0] = a->dc0 ? a->dc0 + l * state_size(p) : states + state_size(p);
        st = onednn_layer_run(s->layer[l], ASSAY_BACKWARD, at);
        if (st != ASSAY_OK) break;
        store_biases(s, at[ONEDNN_DBIAS], l, a->grads);
        st = onednn_layer_store(s->layer[l], at, plain(s, a->grads, l, 0, ASSAY_W), plain(s, a->grads, l, 0, ASSAY_R));
    }
    return st;
}
