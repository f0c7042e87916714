/* describe_v3.c: descriptors in oneDNN 3.x: handles, a primitive's descriptor at once.
 * SPDX-License-Identifier: MIT */
#include "impl/onednn/describe.h"

int onednn_shape_make(onednn_shape *s, int dimensions, const dnnl_dims_t sizes, dnnl_format_tag_t layout)
{
    return dnnl_memory_desc_create_with_tag(s, dimensions, sizes, dnnl_f32, layout) == dnnl_success;
}

int onednn_shape_like(onednn_shape *s, onednn_seen other, dnnl_format_tag_t layout)
{
    dnnl_dims_t *sizes = NULL;
    return dnnl_memory_desc_query(other, dnnl_query_dims, &sizes) == dnnl_success &&
           onednn_shape_make(s, 5, *sizes, layout);
}

void onednn_shape_free(onednn_shape *s)
{
    if (*s) dnnl_memory_desc_destroy(*s);
    *s = NULL;
}

onednn_seen onednn_shape_see(const onednn_shape *s)
{
    return *s;
}

dnnl_status_t onednn_describe_forward(const onednn_wanted *w, dnnl_prop_kind_t kind, dnnl_primitive_desc_t *out)
{
    const onednn_shapes *s = w->shapes;
    const assay_dialect *d = w->dialect;
    if (d->cell == ASSAY_LSTM)
        return dnnl_lstm_forward_primitive_desc_create(out, w->engine, kind, s->direction, s->x, s->state, s->state,
                                                       s->w, s->r, NULL, NULL, s->bias, s->y, s->state, s->state, 0,
                                                       w->attributes);
    if (d->cell != ASSAY_GRU)
        return dnnl_vanilla_rnn_forward_primitive_desc_create(out, w->engine, kind, onednn_activation(d->cell),
                                                              s->direction, s->x, s->state, s->w, s->r, s->bias, s->y,
                                                              s->state, 0, 0, 0, w->attributes);
    return (d->gru_reset == ASSAY_RESET_BEFORE ? dnnl_gru_forward_primitive_desc_create
                                               : dnnl_lbr_gru_forward_primitive_desc_create)(
        out, w->engine, kind, s->direction, s->x, s->state, s->w, s->r, s->bias, s->y, s->state, 0, w->attributes);
}

dnnl_status_t onednn_describe_backward(const onednn_wanted *w, dnnl_primitive_desc_t training,
                                       dnnl_primitive_desc_t *out)
{
    const onednn_shapes *s = w->shapes;
    const assay_dialect *d = w->dialect;
    if (d->cell == ASSAY_LSTM)
        return dnnl_lstm_backward_primitive_desc_create(out, w->engine, dnnl_backward, s->direction, s->x, s->state,
                                                        s->state, s->w, s->r, NULL, NULL, s->bias, s->y, s->state,
                                                        s->state, s->x, s->state, s->state, s->w, s->r, NULL, NULL,
                                                        s->bias, s->y, s->state, s->state, 0, training, w->attributes);
    if (d->cell != ASSAY_GRU)
        return dnnl_vanilla_rnn_backward_primitive_desc_create(
            out, w->engine, dnnl_backward, onednn_activation(d->cell), s->direction, s->x, s->state, s->w, s->r,
            s->bias, s->y, s->state, s->x, s->state, s->w, s->r, s->bias, s->y, s->state, 0, 0, 0, training,
            w->attributes);
    return (d->gru_reset == ASSAY_RESET_BEFORE ? dnnl_gru_backward_primitive_desc_create
                                               : dnnl_lbr_gru_backward_primitive_desc_create)(
        out, w->engine, dnnl_backward, s->direction, s->x, s->state, s->w, s->r, s->bias, s->y, s->state, s->x,
        s->state, s->w, s->r, s->bias, s->y, s->state, 0, training, w->attributes);
}
