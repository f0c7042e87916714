/* describe_v2.c: descriptors in oneDNN 2.x: structs, an operation before its primitive.
 * SPDX-License-Identifier: MIT */
#include "impl/onednn/describe.h"

int onednn_shape_make(onednn_shape *s, int dimensions, const dnnl_dims_t sizes, dnnl_format_tag_t layout)
{
    return dnnl_memory_desc_init_by_tag(s, dimensions, sizes, dnnl_f32, layout) == dnnl_success;
}

int onednn_shape_like(onednn_shape *s, onednn_seen other, dnnl_format_tag_t layout)
{
    return onednn_shape_make(s, 5, other->dims, layout);
}

void onednn_shape_free(onednn_shape *s)
{
    (void)s;
}

onednn_seen onednn_shape_see(const onednn_shape *s)
{
    return s;
}

static dnnl_status_t operation_forward(const assay_dialect *d, dnnl_prop_kind_t kind, const onednn_shapes *s,
                                       dnnl_rnn_desc_t *out)
{
    if (d->cell == ASSAY_LSTM)
        return dnnl_lstm_forward_desc_init(out, kind, s->direction, &s->x, &s->state, &s->state, &s->w, &s->r, &s->bias,
                                           &s->y, &s->state, &s->state, 0);
    if (d->cell != ASSAY_GRU)
        return dnnl_vanilla_rnn_forward_desc_init(out, kind, onednn_activation(d->cell), s->direction, &s->x, &s->state,
                                                  &s->w, &s->r, &s->bias, &s->y, &s->state, 0, 0, 0);
    return (d->gru_reset == ASSAY_RESET_BEFORE ? dnnl_gru_forward_desc_init : dnnl_lbr_gru_forward_desc_init)(
        out, kind, s->direction, &s->x, &s->state, &s->w, &s->r, &s->bias, &s->y, &s->state, 0);
}

static dnnl_status_t operation_backward(const assay_dialect *d, const onednn_shapes *s, dnnl_rnn_desc_t *out)
{
    if (d->cell == ASSAY_LSTM)
        return dnnl_lstm_backward_desc_init(out, dnnl_backward, s->direction, &s->x, &s->state, &s->state, &s->w, &s->r,
                                            &s->bias, &s->y, &s->state, &s->state, &s->x, &s->state, &s->state, &s->w,
                                            &s->r, &s->bias, &s->y, &s->state, &s->state, 0);
    if (d->cell != ASSAY_GRU)
        return dnnl_vanilla_rnn_backward_desc_init(out, dnnl_backward, onednn_activation(d->cell), s->direction, &s->x,
                                                   &s->state, &s->w, &s->r, &s->bias, &s->y, &s->state, &s->x,
                                                   &s->state, &s->w, &s->r, &s->bias, &s->y, &s->state, 0, 0, 0);
    return (d->gru_reset == ASSAY_RESET_BEFORE ? dnnl_gru_backward_desc_init : dnnl_lbr_gru_backward_desc_init)(
        out, dnnl_backward, s->direction, &s->x, &s->state, &s->w, &s->r, &s->bias, &s->y, &s->state, &s->x, &s->state,
        &s->w, &s->r, &s->bias, &s->y, &s->state, 0);
}

dnnl_status_t onednn_describe_forward(const onednn_wanted *w, dnnl_prop_kind_t kind, dnnl_primitive_desc_t *out)
{
    dnnl_rnn_desc_t what;
    const dnnl_status_t st = operation_forward(w->dialect, kind, w->shapes, &what);
    return st == dnnl_success ? dnnl_primitive_desc_create(out, &what, w->attributes, w->engine, NULL) : st;
}

dnnl_status_t onednn_describe_backward(const onednn_wanted *w, dnnl_primitive_desc_t training,
                                       dnnl_primitive_desc_t *out)
{
    dnnl_rnn_desc_t what;
    const dnnl_status_t st = operation_backward(w->dialect, w->shapes, &what);
    return st == dnnl_success ? dnnl_primitive_desc_create(out, &what, w->attributes, w->engine, training) : st;
}
