/* layout.c: where each parameter lies; copies between the canonical tensors and the blocks.
 * SPDX-License-Identifier: MIT */
#include "impl/common/host/layout.h"

#include <string.h>

static void place(assay_host_layout *l, int param, int64_t size)
{
    l->offset[param] = l->total;
    l->size[param] = size;
    l->total += (size + 15) / 16 * 16;
}

void assay_host_layout_make(const assay_problem *p, assay_host_layout *out)
{
    memset(out, 0, sizeof *out);
    out->params = assay_param_count(p);
    out->moments = p->op == ASSAY_OP_NETWORK && p->optimizer == ASSAY_OPT_ADAM ? 2 : 0;
    out->element = p->arithmetic == ASSAY_FP64 ? 8 : 4;
    if (out->params == 0) return;

    const int64_t gh = (int64_t)assay_gates(p->dialect.cell) * p->h, width = assay_output_width(p);
    for (int l = 0; l < p->layers; l++)
        for (int d = 0; d < p->directions; d++) {
            const int first = assay_param_rnn(p, l, d, 0), biases = p->dialect.biases;
            place(out, first + ASSAY_W, gh * assay_layer_input(p, l));
            place(out, first + ASSAY_R, gh * assay_state_width(p));
            place(out, first + ASSAY_B_IH, biases == ASSAY_BIAS_ONE_INPUT || biases == ASSAY_BIAS_TWO ? gh : 0);
            place(out, first + ASSAY_B_HH, biases == ASSAY_BIAS_ONE_RECURRENT || biases == ASSAY_BIAS_TWO ? gh : 0);
            place(out, first + ASSAY_PEEPHOLE, p->dialect.peephole ? 3 * (int64_t)p->h : 0);
            place(out, first + ASSAY_PROJECTION, (int64_t)p->proj * p->h);
        }
    if (p->op != ASSAY_OP_NETWORK) return;
    const int linear = p->head != ASSAY_HEAD_NONE;
    place(out, assay_param_head(p, ASSAY_EMBEDDING), (int64_t)p->vocab * p->i);
    place(out, assay_param_head(p, ASSAY_DENSE_W), linear ? p->classes * width : 0);
    place(out, assay_param_head(p, ASSAY_DENSE_B), linear && p->dense_bias ? p->classes : 0);
}

typedef struct lack {
    int asked;
    const char *why;
} lack;

static assay_status first_asked(const lack *lacks, size_t count, const char **why)
{
    for (size_t k = 0; k < count; k++) {
        if (!lacks[k].asked) continue;
        *why = lacks[k].why;
        return ASSAY_UNSUPPORTED;
    }
    return ASSAY_OK;
}

assay_status assay_host_supports(const assay_problem *p, const char **why)
{
    const lack lacks[] = {
        {p->arithmetic != ASSAY_FP32 && p->arithmetic != ASSAY_FP64, "computes in fp32 or fp64 only"},
        {p->dialect.bptt_steps != 0, "backward runs all steps: bptt_steps is not offered"},
    };
    return first_asked(lacks, sizeof lacks / sizeof *lacks, why);
}

assay_status assay_host_supports_plain(const assay_problem *p, const char **why)
{
    const assay_dialect *d = &p->dialect;
    const lack lacks[] = {
        {d->biases == ASSAY_BIAS_ONE_RECURRENT, "a recurrent bias alone is not offered"},
        {d->cell == ASSAY_GRU && d->gru_reset == ASSAY_RESET_AFTER_OUTSIDE, "no reset gate with the bias outside"},
        {d->gru_mix != ASSAY_MIX_KEEPS, "the update gate keeps the old state"},
        {d->gate_activation != ASSAY_GATE_SIGMOID, "no hard gates"},
        {d->peephole, "no peepholes"},
        {d->coupled, "no coupled gates"},
        {p->proj != 0, "no projection"},
        {d->cell_clip != 0, "no clipping of the cell"},
        {d->merge != ASSAY_MERGE_CONCAT, "directions are concatenated, never merged"},
        {d->pad_output != ASSAY_PAD_ZERO, "output past the length is zero"},
        {d->empty_state != ASSAY_EMPTY_INITIAL, "empty rows end in their initial state"},
        {d->dropout != 0, "no dropout"},
        {d->layout != ASSAY_TIME_MAJOR, "time-major only"},
        {p->x_stride != 0 || p->y_stride != 0, "dense rows only"},
    };
    return first_asked(lacks, sizeof lacks / sizeof *lacks, why);
}

static char *piece(const assay_host_layout *l, void *block, int which, int param)
{
    return (char *)block + (which * l->total + l->offset[param]) * l->element;
}

assay_status assay_host_pack(const assay_host_layout *l, const assay_args *args)
{
    const void *const *from[3] = {args->param, args->m, args->v};
    for (int which = 0; which <= l->moments; which++)
        for (int i = 0; i < l->params; i++) {
            if (l->size[i] == 0) continue;
            char *to = piece(l, args->packed, which, i);
            if (from[which][i])
                memcpy(to, from[which][i], l->size[i] * l->element);
            else if (which == 0)
                return ASSAY_BAD_ARGUMENT;
            else
                memset(to, 0, l->size[i] * l->element);
        }
    return ASSAY_OK;
}

void assay_host_unpack(const assay_host_layout *l, const assay_args *args)
{
    void *const *to[4] = {args->param_1, args->m_1, args->v_1, args->dparam};
    for (int which = 0; which < 4; which++) {
        void *block = which == 3 ? args->grads : args->packed;
        if (!block || (which < 3 && which > l->moments)) continue;
        for (int i = 0; i < l->params; i++)
            if (l->size[i] && to[which][i])
                memcpy(to[which][i], piece(l, block, which == 3 ? 0 : which, i), l->size[i] * l->element);
    }
}

int assay_host_inside(const assay_problem *p, const int32_t *lens, int64_t row)
{
    if (!lens) return 1;
    if (p->dialect.layout == ASSAY_BATCH_MAJOR) return row % p->t < lens[row / p->t];
    return row / p->n < lens[row % p->n];
}

int64_t assay_host_logits_stride(const assay_problem *p)
{
    return p->op != ASSAY_OP_NETWORK && p->x_stride ? p->x_stride : p->classes;
}

uint64_t assay_host_carve(uint64_t *at, uint64_t bytes)
{
    const uint64_t here = *at;
    *at += (bytes + 63) / 64 * 64;
    return here;
}
