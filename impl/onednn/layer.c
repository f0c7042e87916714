/* layer.c: descriptors, primitives and reorders of one layer, through the C API.
 * SPDX-License-Identifier: MIT */
#include "impl/onednn/layer.h"

#include "impl/onednn/describe.h"

#include <stdlib.h>
#include <string.h>

enum { INFER = 1, TRAIN = 2, BACK = 4 };
enum { PASSES = 3 }; /* in the order of the bits */

typedef struct use {
    int tensor, arg, passes;
} use;

/* Which pass takes which tensor as which argument. Where the cell lacks an argument its descriptor has no size. */
static const use uses[] = {
    {ONEDNN_X, DNNL_ARG_SRC_LAYER, INFER | TRAIN | BACK},
    {ONEDNN_H0, DNNL_ARG_SRC_ITER, INFER | TRAIN | BACK},
    {ONEDNN_C0, DNNL_ARG_SRC_ITER_C, INFER | TRAIN | BACK},
    {ONEDNN_BIAS, DNNL_ARG_BIAS, INFER | TRAIN | BACK},
    {ONEDNN_Y, DNNL_ARG_DST_LAYER, INFER | TRAIN | BACK},
    {ONEDNN_HN, DNNL_ARG_DST_ITER, INFER | TRAIN | BACK},
    {ONEDNN_CN, DNNL_ARG_DST_ITER_C, INFER | TRAIN | BACK},
    {ONEDNN_KEPT, DNNL_ARG_WORKSPACE, TRAIN | BACK},
    {ONEDNN_SCRATCH, DNNL_ARG_SCRATCHPAD, INFER | TRAIN | BACK},
    {ONEDNN_W_INFER, DNNL_ARG_WEIGHTS_LAYER, INFER},
    {ONEDNN_R_INFER, DNNL_ARG_WEIGHTS_ITER, INFER},
    {ONEDNN_W_TRAIN, DNNL_ARG_WEIGHTS_LAYER, TRAIN},
    {ONEDNN_R_TRAIN, DNNL_ARG_WEIGHTS_ITER, TRAIN},
    {ONEDNN_W_BACKWARD, DNNL_ARG_WEIGHTS_LAYER, BACK},
    {ONEDNN_R_BACKWARD, DNNL_ARG_WEIGHTS_ITER, BACK},
    {ONEDNN_DW, DNNL_ARG_DIFF_WEIGHTS_LAYER, BACK},
    {ONEDNN_DR, DNNL_ARG_DIFF_WEIGHTS_ITER, BACK},
    {ONEDNN_DBIAS, DNNL_ARG_DIFF_BIAS, BACK},
    {ONEDNN_DX, DNNL_ARG_DIFF_SRC_LAYER, BACK},
    {ONEDNN_DH0, DNNL_ARG_DIFF_SRC_ITER, BACK},
    {ONEDNN_DC0, DNNL_ARG_DIFF_SRC_ITER_C, BACK},
    {ONEDNN_DY, DNNL_ARG_DIFF_DST_LAYER, BACK},
    {ONEDNN_DHN, DNNL_ARG_DIFF_DST_ITER, BACK},
    {ONEDNN_DCN, DNNL_ARG_DIFF_DST_ITER_C, BACK},
};
#define USES ((int)(sizeof uses / sizeof *uses))

/* Weights that change their layout: from plain ones, and the gradients to them. */
static const struct {
    int tensor, recurrent, back;
} moves[] = {
    {ONEDNN_W_INFER, 0, 0},    {ONEDNN_R_INFER, 1, 0},    {ONEDNN_W_TRAIN, 0, 0}, {ONEDNN_R_TRAIN, 1, 0},
    {ONEDNN_W_BACKWARD, 0, 0}, {ONEDNN_R_BACKWARD, 1, 0}, {ONEDNN_DW, 0, 1},      {ONEDNN_DR, 1, 1},
};
#define MOVES ((int)(sizeof moves / sizeof *moves))

struct onednn_layer {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_attr_t own_scratch;
    dnnl_primitive_desc_t description[PASSES];
    dnnl_primitive_t primitive[PASSES];
    dnnl_memory_t memory[PASSES][sizeof uses / sizeof *uses];
    dnnl_primitive_t move[sizeof moves / sizeof *moves];
    dnnl_memory_t plain[sizeof moves / sizeof *moves], own[sizeof moves / sizeof *moves];
    uint64_t size[ONEDNN_TENSORS];
};

int onednn_biases(const assay_problem *p)
{
    const assay_dialect *d = &p->dialect;
    return d->cell == ASSAY_GRU && d->gru_reset == ASSAY_RESET_AFTER_INSIDE ? 4 : assay_gates(d->cell);
}

static void free_shapes(onednn_shapes *s)
{
    onednn_shape *const all[] = {&s->x, &s->state, &s->w, &s->r, &s->bias, &s->y};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        onednn_shape_free(all[k]);
}

/* *s is zeroed. */
static int make_shapes(const assay_problem *p, int32_t inputs, onednn_shapes *s)
{
    const dnnl_dim_t t = p->t, n = p->n, h = p->h, d = p->directions, g = assay_gates(p->dialect.cell);
    const dnnl_dims_t x = {t, n, inputs}, state = {1, d, n, h}, w = {1, d, inputs, g, h}, r = {1, d, h, g, h},
                      bias = {1, d, onednn_biases(p), h}, y = {t, n, d * h};
    s->direction = p->directions == 2 ? dnnl_bidirectional_concat : dnnl_unidirectional_left2right;
    return onednn_shape_make(&s->x, 3, x, dnnl_tnc) && onednn_shape_make(&s->state, 4, state, dnnl_ldnc) &&
           onednn_shape_make(&s->w, 5, w, dnnl_format_tag_any) && onednn_shape_make(&s->r, 5, r, dnnl_format_tag_any) &&
           onednn_shape_make(&s->bias, 4, bias, dnnl_ldgo) && onednn_shape_make(&s->y, 3, y, dnnl_tnc);
}

static int make_primitives(onednn_layer *l, const assay_dialect *d, const onednn_shapes *s)
{
    static const dnnl_prop_kind_t kinds[PASSES] = {dnnl_forward_inference, dnnl_forward_training, dnnl_backward};
    const onednn_wanted wanted = {d, s, l->engine, l->own_scratch};
    for (int pass = 0; pass < PASSES; pass++) {
        dnnl_primitive_desc_t *out = &l->description[pass];
        const dnnl_status_t st = kinds[pass] == dnnl_backward
                                     ? onednn_describe_backward(&wanted, l->description[pass - 1], out)
                                     : onednn_describe_forward(&wanted, kinds[pass], out);
        if (st != dnnl_success || dnnl_primitive_create(&l->primitive[pass], *out) != dnnl_success) return 0;
    }
    return 1;
}

static onednn_seen described(const onednn_layer *l, int pass, const use *u)
{
    return dnnl_primitive_desc_query_md(l->description[pass], dnnl_query_exec_arg_md, u->arg);
}

/* A memory object for each argument, without memory: that comes with each call. */
static int make_memory(onednn_layer *l)
{
    for (int pass = 0; pass < PASSES; pass++)
        for (int k = 0; k < USES; k++) {
            if (!(uses[k].passes >> pass & 1)) continue;
            onednn_seen what = described(l, pass, &uses[k]);
            const uint64_t size = what ? dnnl_memory_desc_get_size(what) : 0;
            if (size == 0) continue;
            if (dnnl_memory_create(&l->memory[pass][k], what, l->engine, DNNL_MEMORY_NONE) != dnnl_success) return 0;
            if (size > l->size[uses[k].tensor]) l->size[uses[k].tensor] = size;
        }
    return 1;
}

static onednn_seen layout_of(const onednn_layer *l, int tensor)
{
    for (int pass = 0; pass < PASSES; pass++)
        for (int k = 0; k < USES; k++)
            if (uses[k].tensor == tensor && l->memory[pass][k]) return described(l, pass, &uses[k]);
    return NULL;
}

static int make_move(onednn_layer *l, int k)
{
    onednn_seen own = layout_of(l, moves[k].tensor);
    onednn_shape shape;
    dnnl_primitive_desc_t what = NULL;
    memset(&shape, 0, sizeof shape);
    if (!own || !onednn_shape_like(&shape, own, dnnl_ldgoi)) return 0;
    onednn_seen plain = onednn_shape_see(&shape), from = moves[k].back ? own : plain, to = moves[k].back ? plain : own;
    const int ok = dnnl_reorder_primitive_desc_create(&what, from, l->engine, to, l->engine, NULL) == dnnl_success &&
                   dnnl_primitive_create(&l->move[k], what) == dnnl_success &&
                   dnnl_memory_create(&l->plain[k], plain, l->engine, DNNL_MEMORY_NONE) == dnnl_success &&
                   dnnl_memory_create(&l->own[k], own, l->engine, DNNL_MEMORY_NONE) == dnnl_success;
    if (what) dnnl_primitive_desc_destroy(what);
    onednn_shape_free(&shape);
    return ok;
}

assay_status onednn_layer_open(const assay_problem *p, int32_t inputs, dnnl_engine_t engine, dnnl_stream_t stream,
                               onednn_layer **out)
{
    onednn_shapes s;
    onednn_layer *l = calloc(1, sizeof *l);
    if (!l) return ASSAY_NO_MEMORY;
    l->engine = engine;
    l->stream = stream;
    memset(&s, 0, sizeof s);
    int ok = make_shapes(p, inputs, &s) && dnnl_primitive_attr_create(&l->own_scratch) == dnnl_success &&
             dnnl_primitive_attr_set_scratchpad_mode(l->own_scratch, dnnl_scratchpad_mode_user) == dnnl_success &&
             make_primitives(l, &p->dialect, &s) && make_memory(l);
    for (int k = 0; ok && k < MOVES; k++)
        ok = make_move(l, k);
    free_shapes(&s);
    if (!ok) {
        onednn_layer_close(l);
        return ASSAY_FAILED;
    }
    *out = l;
    return ASSAY_OK;
}

void onednn_layer_close(onednn_layer *l)
{
    if (!l) return;
    for (int pass = 0; pass < PASSES; pass++) {
        for (int k = 0; k < USES; k++)
            dnnl_memory_destroy(l->memory[pass][k]);
        dnnl_primitive_destroy(l->primitive[pass]);
        dnnl_primitive_desc_destroy(l->description[pass]);
    }
    for (int k = 0; k < MOVES; k++) {
        dnnl_primitive_destroy(l->move[k]);
        dnnl_memory_destroy(l->plain[k]);
        dnnl_memory_destroy(l->own[k]);
    }
    dnnl_primitive_attr_destroy(l->own_scratch);
    free(l);
}

uint64_t onednn_layer_size(const onednn_layer *l, onednn_tensor tensor)
{
    return l->size[tensor];
}

assay_status onednn_layer_run(onednn_layer *l, assay_pass pass, void *const at[ONEDNN_TENSORS])
{
    const int which = pass == ASSAY_INFER ? 0 : pass == ASSAY_TRAIN ? 1 : 2;
    dnnl_exec_arg_t args[sizeof uses / sizeof *uses];
    int count = 0;
    for (int k = 0; k < USES; k++) {
        dnnl_memory_t memory = l->memory[which][k];
        if (!memory) continue;
        if (dnnl_memory_set_data_handle(memory, at[uses[k].tensor]) != dnnl_success) return ASSAY_FAILED;
        args[count++] = (dnnl_exec_arg_t){uses[k].arg, memory};
    }
    const int ok = dnnl_primitive_execute(l->primitive[which], l->stream, count, args) == dnnl_success &&
                   dnnl_stream_wait(l->stream) == dnnl_success;
    return ok ? ASSAY_OK : ASSAY_FAILED;
}

static assay_status move(onednn_layer *l, int k, float *plain, void *own)
{
    const dnnl_memory_t from = moves[k].back ? l->own[k] : l->plain[k], to = moves[k].back ? l->plain[k] : l->own[k];
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    const int ok = dnnl_memory_set_data_handle(l->plain[k], plain) == dnnl_success &&
                   dnnl_memory_set_data_handle(l->own[k], own) == dnnl_success &&
                   dnnl_primitive_execute(l->move[k], l->stream, 2, args) == dnnl_success &&
                   dnnl_stream_wait(l->stream) == dnnl_success;
    return ok ? ASSAY_OK : ASSAY_FAILED;
}

static assay_status move_all(onednn_layer *l, int back, float *w, float *r, void *const at[ONEDNN_TENSORS])
{
    assay_status st = ASSAY_OK;
    for (int k = 0; k < MOVES && st == ASSAY_OK; k++)
        if (moves[k].back == back) st = move(l, k, moves[k].recurrent ? r : w, at[moves[k].tensor]);
    return st;
}

assay_status onednn_layer_load(onednn_layer *l, const float *w, const float *r, void *const at[ONEDNN_TENSORS])
{
    return move_all(l, 0, (float *)w, (float *)r, at); /* only read: memory objects know no const */
}

assay_status onednn_layer_store(onednn_layer *l, void *const at[ONEDNN_TENSORS], float *dw, float *dr)
{
    return move_all(l, 1, dw, dr, at);
}
