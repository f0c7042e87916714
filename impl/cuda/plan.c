/* plan.c: where everything lies that recurrent layers need.
 * SPDX-License-Identifier: MIT */
#include "impl/cuda/layer.h"

static uint64_t floats(uint64_t *at, int64_t count)
{
    return assay_host_carve(at, (uint64_t)count * sizeof(float));
}

static void describe_kept(cuda_plan *plan)
{
    const assay_problem *p = &plan->p;
    cuda_kept *k = &plan->kept;
    const int64_t rows = (int64_t)p->t * p->n, h = p->h, state = assay_state_width(p), wide = assay_output_width(p);
    const int64_t q = p->layers * p->directions, states = (p->t + (int64_t)1) * p->n;
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

static void describe_stack(cuda_plan *plan)
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
}

void cuda_plan_describe(cuda_plan *plan)
{
    const assay_problem *p = &plan->p;
    const assay_dialect *d = &p->dialect;
    plan->width = d->cell == ASSAY_LSTM || d->cell == ASSAY_GRU ? 4 : 1;
    plan->between = d->merge != ASSAY_MERGE_CONCAT || d->dropout > 0;
    if (cuda_has_stack(p)) {
        plan->layout = cuda_layout_choose(plan->q, p);
        describe_kept(plan);
        describe_stack(plan);
    }
    cuda_plan_describe_behind(plan);
    plan->scratch.infer = assay_host_carve(&plan->scratch.end, plan->kept.end);
}
