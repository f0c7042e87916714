/* describe.h: what oneDNN 2.x and 3.x call differently: memory descriptors, and descriptors of recurrent layers.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_ONEDNN_DESCRIBE_H
#define ASSAY_ONEDNN_DESCRIBE_H

#include "reference/problem.h"

#include <dnnl.h>

/* A descriptor that we own, and one that is only looked at. */
#if DNNL_VERSION_MAJOR < 3
typedef dnnl_memory_desc_t onednn_shape; /* a struct */
typedef const dnnl_memory_desc_t *onednn_seen;
#else
typedef dnnl_memory_desc_t onednn_shape; /* a handle */
typedef const_dnnl_memory_desc_t onednn_seen;
#endif

/* 1 if it could be made; fp32. onednn_shape_free() frees; a zeroed one is fine. */
int onednn_shape_make(onednn_shape *s, int dimensions, const dnnl_dims_t sizes, dnnl_format_tag_t layout);
/* Five dimensions as another one has, in another layout. */
int onednn_shape_like(onednn_shape *s, onednn_seen other, dnnl_format_tag_t layout);
void onednn_shape_free(onednn_shape *s);
onednn_seen onednn_shape_see(const onednn_shape *s);

/* Of a layer's tensors; gradients have those of what they belong to. */
typedef struct onednn_shapes {
    onednn_shape x, state, w, r, bias, y;
    dnnl_rnn_direction_t direction;
} onednn_shapes;

typedef struct onednn_wanted {
    const assay_dialect *dialect;
    const onednn_shapes *shapes;
    dnnl_engine_t engine;
    dnnl_primitive_attr_t attributes;
} onednn_wanted;

/* kind: dnnl_forward_inference or dnnl_forward_training. The caller destroys *out. */
dnnl_status_t onednn_describe_forward(const onednn_wanted *w, dnnl_prop_kind_t kind, dnnl_primitive_desc_t *out);
dnnl_status_t onednn_describe_backward(const onednn_wanted *w, dnnl_primitive_desc_t training,
                                       dnnl_primitive_desc_t *out);

static inline dnnl_alg_kind_t onednn_activation(int cell)
{
    return cell == ASSAY_RNN_TANH ? dnnl_eltwise_tanh : dnnl_eltwise_relu;
}

#endif
