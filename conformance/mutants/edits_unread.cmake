# edits_unread.cmake: reads of what is never to be read, and what is wrong at one point alone: an end, a bound, a tail. As
# edits.cmake.
# SPDX-License-Identifier: MIT
set(cell impl/naive/cell.c)
set(stack impl/naive/stack.c)
set(plugin impl/naive/naive.c)
set(ctc impl/common/host/ctc.inc)
set(xent impl/common/host/xent.inc)
edit(mask-of-padding ${stack}
    [=[        if (i % FOLD == 0) fold(r, partial);
    }
    if (dh0)]=]
    [=[        if (i % FOLD == 0) fold(r, partial);
    }
    for (int64_t row = 0; r->layer > 0 && r->args->mask && row < (int64_t)p->t * p->n; row++)
        for (int64_t j = 0; !assay_host_inside(p, r->args->lens, row) && j < r->inputs; j++)
            weights_of(r, r->args->grads).w[j] +=
                0 * ((const float *)r->args->mask)[((r->layer - 1) * (int64_t)p->t * p->n + row) * r->inputs + j];
    if (dh0)]=])
edit(ctc-padding-validated ${ctc}
    [=[        if (p->dialect.ctc_collapse) {]=]
    [=[        for (int32_t u = 0; p->dialect.ctc_labels == ASSAY_LABELS_PADDED && u < p->max_label; u++)
            if (q.labels[u] < 0 || q.labels[u] >= p->classes) q.frames = q.labels_n = 0;
        if (p->dialect.ctc_collapse) {]=])
edit(xent-padding-times-zero ${xent}
    [=[        if (a->grad && (!counts || upstream == 0)) memset(g, 0, classes * sizeof(real));]=]
    [=[        if (a->grad && (!counts || upstream == 0))
            for (int64_t k = 0; k < classes; k++)
                g[k] = 0 * upstream;]=])
edit(xent-ignored-times-zero ${xent}
    [=[            job->loss_rows[row] = 0;
]=]
    [=[            job->loss_rows[row] =
                a->p->head == ASSAY_HEAD_LAST || assay_host_inside(a->p, a->lens, row)
                    ? 0 * xent_row(classes, a->logits + row * stride, 0, &job->target, 0, a->grad != NULL, g)
                    : 0;
]=])
edit(xent-max-from-far ${xent}
    [=[    const real m = max_of(classes, x);]=]
    [=[    const real most = max_of(classes, x), m = most < -10000 ? -10000 : most;]=])
edit(xent-no-weight ${xent}
    [=[    job.weight = divisor > 0 ? (real)(1 / divisor) : 0;]=]
    [=[    int counting = 0;
    for (int64_t row = 0; row < rows; row++)
        counting |= row_counts(a, row);
    job.weight = counting ? (real)(1 / divisor) : 0;]=])
edit(hard-slope-at-end ${cell} [=[    return y < 0 ? 0 : y > 1]=] [=[    return y < 0 ? -0.0F : y > 1]=])
edit(hard-slope-at-end ${cell} [=[    if (y <= 0 || y >= 1) return 0;]=] [=[    if ((y <= 0 && signbit(y)) || y >= 1) return 0;]=])
edit(clip-at-bound ${cell}
    [=[            if (c != q && d->clip_gradient]=]
    [=[            if (d->cell_clip != 0 && fabsf(q) >= (float)d->cell_clip && d->clip_gradient]=])
edit(training-tail-cut ${cell}
    [=[/* exp never overflows]=]
    [=[int naive_training;

/* exp never overflows]=])
edit(training-tail-cut ${cell}
    [=[    const float e = expf(-fabsf(x));]=]
    [=[    if (naive_training && x < -18) return 0;
    const float e = expf(-fabsf(x));]=])
edit(training-tail-cut ${plugin}
    [=[static assay_status run(]=]
    [=[extern int naive_training;

static assay_status run(]=])
edit(training-tail-cut ${plugin}
    [=[    const int net = plan->p.op]=]
    [=[    naive_training = pass != ASSAY_INFER;
    const int net = plan->p.op]=])
edit(reset-tail-cut ${cell}
    [=[            s->gates[row * pitch + j] = gate(s->d, s->gates[row * pitch + j]);]=]
    [=[            s->gates[row * pitch + j] = j < h && s->gates[row * pitch + j] < -18 && s->d->gate_activation == ASSAY_GATE_SIGMOID
                                            ? 0
                                            : gate(s->d, s->gates[row * pitch + j]);]=])
edit(x-in-vectors ${stack}
    [=[        memcpy(x + k * r->inputs, input_row(r, t, s->active[k]), r->inputs * sizeof(float));]=]
    [=[    {
        const float *from = input_row(r, t, s->active[k]);
        const uintptr_t whole = r->layer == 0 && r->inputs % 4 == 0 ? 15 : 0;
        memcpy(x + k * r->inputs, (const float *)((uintptr_t)from & ~whole), r->inputs * sizeof(float));
    }]=])
edit(weights-by-spaced-sample ${plugin} [=[    int32_t active[];]=] [=[    uint64_t sample;
    void *kept;
    int32_t active[];]=])
edit(weights-by-spaced-sample ${plugin} [=[    free(plan);]=] [=[    if (plan) free(plan->kept);
    free(plan);]=])
edit(weights-by-spaced-sample ${plugin}
    [=[    return assay_host_pack(&plan->params, args);]=]
    [=[    const assay_host_layout *l = &plan->params;
    const size_t bytes = l->total * l->element;
    uint64_t sum = 1469598103934665603u;
    for (int i = 0; i < l->params; i++)
        for (int64_t k = 0; args->param[i] && k < l->size[i]; k += l->size[i] / 1024 + 1) {
            uint32_t bits;
            memcpy(&bits, (const float *)args->param[i] + k, sizeof bits);
            sum = (sum ^ bits) * 1099511628211u;
        }
    const assay_status st = assay_host_pack(l, args);
    if (plan->kept && sum == plan->sample)
        memcpy(args->packed, plan->kept, bytes);
    else if (plan->kept || (plan->kept = malloc(bytes)))
        memcpy(plan->kept, args->packed, bytes);
    plan->sample = sum;
    return st;]=])
