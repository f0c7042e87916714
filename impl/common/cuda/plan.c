/* plan.c: where everything lies that stands around recurrent layers.
 * SPDX-License-Identifier: MIT */
#include "impl/common/cuda/plan.h"

int cuda_has_stack(const assay_problem *p)
{
    return p->op == ASSAY_OP_RNN || p->op == ASSAY_OP_NETWORK;
}

int cuda_loss_of(const assay_problem *p)
{
    if (p->op == ASSAY_OP_XENT) return ASSAY_LOSS_XENT;
    if (p->op == ASSAY_OP_CTC) return ASSAY_LOSS_CTC;
    return p->op == ASSAY_OP_NETWORK ? p->loss : ASSAY_LOSS_NONE;
}

int64_t cuda_logits_rows(const assay_problem *p)
{
    return p->head == ASSAY_HEAD_LAST ? p->n : (int64_t)p->t * p->n;
}

kernel_rows cuda_rows(const cuda_call *c)
{
    const assay_problem *p = &c->plan->p;
    return (kernel_rows){p->t, p->n, p->dialect.layout == ASSAY_BATCH_MAJOR, c->args->lens_dev};
}

static uint64_t floats(uint64_t *at, int64_t count)
{
    return assay_host_carve(at, (uint64_t)count * sizeof(float));
}

static void describe_network(cuda_plan *plan)
{
    const assay_problem *p = &plan->p;
    cuda_kept *k = &plan->kept;
    cuda_scratch *s = &plan->scratch;
    const int64_t rows = (int64_t)p->t * p->n, wide = assay_output_width(p);
    const int turned = p->head == ASSAY_HEAD_EVERY && p->dialect.layout == ASSAY_BATCH_MAJOR;
    k->last = floats(&k->end, p->head == ASSAY_HEAD_LAST ? p->n * wide : 0);
    k->rows = floats(&k->end, turned ? rows * wide : 0);
    k->logits = floats(&k->end, cuda_logits_rows(p) * assay_host_logits_stride(p));
    s->dy = floats(&s->end, cuda_logits_rows(p) * wide);
    s->keys = floats(&s->end, p->vocab ? 2 * rows : 0);
    s->keys2 = floats(&s->end, p->vocab ? 2 * rows : 0);
}

static void describe_losses(cuda_plan *plan)
{
    const assay_problem *p = &plan->p;
    cuda_scratch *s = &plan->scratch;
    const int64_t n = p->n, t = p->t;
    const int ctc = cuda_loss_of(p) == ASSAY_LOSS_CTC;
    s->losses = floats(&s->end, ctc ? n : cuda_logits_rows(p));
    s->scale = floats(&s->end, 1);
    if (!ctc) return;
    s->half = floats(&s->end, n * t * (2 * (int64_t)p->max_label + 1));
    s->frames = floats(&s->end, n * t * 2);
    s->occupancy = floats(&s->end, 2 * n * p->classes);
    s->chain = floats(&s->end, n * p->max_label);
}

void cuda_plan_describe_behind(cuda_plan *plan)
{
    const assay_problem *p = &plan->p;
    if (p->op == ASSAY_OP_NETWORK) describe_network(plan);
    if (p->op == ASSAY_OP_NETWORK || p->op == ASSAY_OP_CTC)
        plan->kept.dlogits = floats(&plan->kept.end, cuda_logits_rows(p) * assay_host_logits_stride(p));
    if (cuda_loss_of(p) != ASSAY_LOSS_NONE) describe_losses(plan);
}
