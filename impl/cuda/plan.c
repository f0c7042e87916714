/* plan.c: where everything lies.
 * SPDX-License-Identifier: MIT */
#include "impl/cuda/plan.h"

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

static void describe_kept(assay_plan *plan)
{
    const assay_problem *p = &plan->p;
    cuda_kept *k = &plan->kept;
    const int64_t rows = (int64_t)p->t * p->n, h = p->h, state = assay_state_width(p), wide = assay_output_width(p);
    const int64_t q = p->layers * p->directions, states = (p->t + (int64_t)1) * p->n;
    if (cuda_has_stack(p)) {
        k->input = floats(&k->end, rows * p->i);
        for (int l = 0; l < p->layers; l++) {
            k->part[l] = floats(&k->end, rows * p->directions * state);
            k->out[l] = plan->between ? floats(&k->end, rows * wide) : k->part[l];
        }
        k->gates = floats(&k->end, q * rows * plan->width * h);
        k->h = floats(&k->end, q * states * state);
        k->c = floats(&k->end, p->dialect.cell == ASSAY_LSTM ? q * states * h : 0);
        k->m = floats(&k->end, p->proj ? q * rows * h : 0);
    }
    const int64_t logits = cuda_logits_rows(p) * assay_host_logits_stride(p);
    if (p->op == ASSAY_OP_NETWORK) {
        k->last = floats(&k->end, p->head == ASSAY_HEAD_LAST ? p->n * wide : 0);
        k->rows =
            floats(&k->end, p->head == ASSAY_HEAD_EVERY && p->dialect.layout == ASSAY_BATCH_MAJOR ? rows * wide : 0);
        k->logits = floats(&k->end, logits);
    }
    if (p->op == ASSAY_OP_NETWORK || p->op == ASSAY_OP_CTC) k->dlogits = floats(&k->end, logits);
}

static void describe_stack(assay_plan *plan)
{
    const assay_problem *p = &plan->p;
    cuda_scratch *s = &plan->scratch;
    const int64_t rows = (int64_t)p->t * p->n, n = p->n, h = p->h, state = assay_state_width(p),
                  wide = assay_output_width(p);
    for (int d = 0; d < p->directions; d++) {
        cuda_lane *lane = &s->lane[d];
        lane->product = floats(&s->end, n * assay_gates(p->dialect.cell) * h);
        lane->second = floats(&s->end, n * h);
        lane->dh = floats(&s->end, n * state);
        lane->dc = floats(&s->end, n * h);
        lane->de = floats(&s->end, n * h);
        lane->dm = floats(&s->end, n * h);
        lane->da = floats(&s->end, rows * plan->width * h);
        lane->d_state = floats(&s->end, p->proj ? rows * state : 0);
    }
    s->order = floats(&s->end, plan->layout.ranks ? n : 0);
    s->d_part = floats(&s->end, rows * p->directions * state);
    for (int k = 0; k < 2; k++)
        s->d_in[k] = floats(&s->end, rows * (wide > p->i ? wide : p->i));
    if (p->op != ASSAY_OP_NETWORK) return;
    s->dy = floats(&s->end, cuda_logits_rows(p) * wide);
    s->keys = floats(&s->end, p->vocab ? 2 * rows : 0);
    s->keys2 = floats(&s->end, p->vocab ? 2 * rows : 0);
}

static void describe_losses(assay_plan *plan)
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

void cuda_plan_describe(assay_plan *plan)
{
    const assay_problem *p = &plan->p;
    const assay_dialect *d = &p->dialect;
    plan->width = d->cell == ASSAY_LSTM || d->cell == ASSAY_GRU ? 4 : 1;
    plan->between = d->merge != ASSAY_MERGE_CONCAT || d->dropout > 0;
    if (cuda_has_stack(p)) plan->layout = cuda_layout_choose(plan->q, p);
    describe_kept(plan);
    if (cuda_has_stack(p)) describe_stack(plan);
    if (cuda_loss_of(p) != ASSAY_LOSS_NONE) describe_losses(plan);
    plan->scratch.infer = assay_host_carve(&plan->scratch.end, plan->kept.end);
}
