# edits_beside.cmake: what another plan, or another call of the same kind, may not change. As edits.cmake.
# SPDX-License-Identifier: MIT
set(plugin impl/naive/naive.c)
set(run_before [=[const assay_args *args, assay_stream stream)
{
    const int net =]=])
set(sizes_before [=[    *out = plan;
    return ASSAY_OK;]=])
edit(reserve-of-all-plans ${plugin} [=[static assay_status plan_make(]=] [=[static char *shared;
static uint64_t room;

static assay_status plan_make(]=])
edit(reserve-of-all-plans ${plugin} "${sizes_before}"
    [=[    sizes->reserve = 0;
    if (!shared || plan->reserve > room) {
        free(shared);
        room = plan->reserve;
        shared = aligned_alloc(64, room / 64 * 64 + 64);
    }
    *out = plan;
    return ASSAY_OK;]=])
edit(reserve-of-all-plans ${plugin} "${run_before}"
    [=[const assay_args *given, assay_stream stream)
{
    assay_args same = *given;
    const assay_args *args = &same;
    same.reserve = shared;
    const int net =]=])
edit(free-for-all-plans ${plugin} [=[    int32_t active[];]=] [=[    uint64_t begin;
    int32_t active[];]=])
edit(free-for-all-plans ${plugin} [=[static assay_status plan_make(]=] [=[static _Alignas(64) char pool[1 << 26];
static uint64_t used, plans;

static assay_status plan_make(]=])
edit(free-for-all-plans ${plugin} "${sizes_before}"
    [=[    sizes->reserve = 0;
    plan->begin = used;
    used += (plan->reserve + 63) / 64 * 64;
    if (used > sizeof pool) return ASSAY_NO_MEMORY;
    plans++;
    *out = plan;
    return ASSAY_OK;]=])
edit(free-for-all-plans ${plugin} [=[    free(plan);
}

static assay_status pack(]=]
    [=[    memset(pool, 0xff, used);
    if (plan && --plans == 0) used = 0;
    free(plan);
}

static assay_status pack(]=])
edit(free-for-all-plans ${plugin} "${run_before}"
    [=[const assay_args *given, assay_stream stream)
{
    assay_args same = *given;
    const assay_args *args = &same;
    same.reserve = pool + plan->begin;
    const int net =]=])
edit(dialect-of-newest ${plugin} [=[static assay_status plan_make(]=] [=[static assay_dialect newest;

static assay_status plan_make(]=])
edit(dialect-of-newest ${plugin} "${sizes_before}"
    [=[    newest = plan->p.dialect;
    *out = plan;
    return ASSAY_OK;]=])
edit(dialect-of-newest ${plugin} [=[    const int net = plan->p.op]=] [=[    plan->p.dialect = newest;
    const int net = plan->p.op]=])
edit(free-needs-plan ${plugin} [=[    free(plan);
}

static assay_status pack(]=]
    [=[    *(volatile int32_t *)&plan->p.op = 0;
    free(plan);
}

static assay_status pack(]=])
edit(step-adds ${plugin} [=[args->accumulate && !step]=] [=[args->accumulate]=])
edit(unpack-after-updates ${plugin} [=[    int32_t active[];]=] [=[    int32_t updates, active[];]=])
edit(unpack-after-updates ${plugin}
    [=[    assay_host_unpack(&plan->params, args);]=]
    [=[    assay_args some = *args;
    for (int k = 0; !plan->updates && k < ASSAY_MAX_PARAMS; k++)
        some.param_1[k] = some.m_1[k] = some.v_1[k] = NULL;
    assay_host_unpack(&plan->params, &some);]=])
edit(unpack-after-updates ${plugin} [=[    const int net = plan->p.op]=]
    [=[    plan->updates |= pass == ASSAY_UPDATE || pass == ASSAY_STEP;
    const int net = plan->p.op]=])
edit(logits-overwritten ${plugin}
    [=[    if (pass == ASSAY_BACKWARD || step) backward(]=]
    [=[    if (pass == ASSAY_LOSS_PASS)
        memcpy(in(args->reserve, plan->logits), dlogits, logits_size(&plan->p) * sizeof(float));
    if (pass == ASSAY_BACKWARD || step) backward(]=])
edit(update-takes-gradients ${plugin} [=[    int32_t active[];]=] [=[    int32_t taken, active[];]=])
edit(update-takes-gradients ${plugin} [=[    const int net = plan->p.op]=]
    [=[    if (pass == ASSAY_BACKWARD || pass == ASSAY_STEP) plan->taken = 0;
    if (pass == ASSAY_UPDATE && plan->taken++) return ASSAY_OK;
    const int net = plan->p.op]=])
edit(nought-as-unset ${plugin} [=[    assay_host_layout_make(&plan->p, &plan->params);]=]
    [=[    if (p->optimizer && p->lr == 0) plan->p.lr = 1e-3;
    if (p->optimizer == ASSAY_OPT_ADAM && p->beta1 == 0) plan->p.beta1 = 0.9;
    if (p->optimizer == ASSAY_OPT_ADAM && p->beta2 == 0) plan->p.beta2 = 0.999;
    assay_host_layout_make(&plan->p, &plan->params);]=])
edit(infer-clears-gradients ${plugin} [=[    float *dlogits = in(args->reserve, plan->dlogits);
    (void)stream;]=]
    [=[    float *dlogits = in(args->reserve, plan->dlogits);
    (void)stream;
    if (pass == ASSAY_INFER && args->grads) memset(args->grads, 0, plan->params.total * plan->params.element);]=])
