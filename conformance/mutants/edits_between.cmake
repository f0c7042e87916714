# edits_between.cmake: what a call or a plan leaves for the next, and what no table of sizes by pairs has. As edits.cmake.
# SPDX-License-Identifier: MIT
set(cell impl/naive/cell.c)
set(stack impl/naive/stack.c)
set(plugin impl/naive/naive.c)
set(ctc impl/common/host/ctc.inc)
set(ctc_one impl/common/host/ctc_one.inc)
set(xent impl/common/host/xent.inc)
set(linear impl/common/host/linear.inc)
edit(longest-of-first-call ${plugin} [=[    int32_t active[];]=] [=[    int32_t longest, active[];]=])
edit(longest-of-first-call ${plugin} [=[sizeof *plan + p->n * sizeof]=] [=[sizeof *plan + 2 * p->n * sizeof]=])
edit(longest-of-first-call ${plugin}
    [=[const assay_args *args, assay_stream stream)
{
    const int net =]=]
    [=[const assay_args *given, assay_stream stream)
{
    assay_args cut = *given;
    const assay_args *args = &cut;
    int32_t *lens = plan->active + plan->p.n;
    const int first = plan->longest == 0;
    for (int n = 0; first && given->lens && n < plan->p.n; n++)
        if (given->lens[n] > plan->longest) plan->longest = given->lens[n];
    for (int n = 0; given->lens && n < plan->p.n; n++)
        lens[n] = given->lens[n] < plan->longest ? given->lens[n] : plan->longest;
    if (given->lens) cut.lens = lens;
    const int net =]=])
edit(lengths-kept ${plugin} [=[    int32_t active[];]=] [=[    int32_t given, active[];]=])
edit(lengths-kept ${plugin} [=[sizeof *plan + p->n * sizeof]=] [=[sizeof *plan + 2 * p->n * sizeof]=])
edit(lengths-kept ${plugin}
    [=[const assay_args *args, assay_stream stream)
{
    const int net =]=]
    [=[const assay_args *given, assay_stream stream)
{
    assay_args kept = *given;
    const assay_args *args = &kept;
    int32_t *lens = plan->active + plan->p.n;
    if (given->lens) memcpy(lens, given->lens, plan->p.n * sizeof *lens);
    plan->given |= given->lens != NULL;
    if (plan->given) kept.lens = lens;
    const int net =]=])
edit(newest-plan ${plugin} [=[static assay_status plan_make(]=] [=[static assay_plan *newest;

static assay_status plan_make(]=])
edit(newest-plan ${plugin} [=[    *out = plan;]=] [=[    *out = newest = plan;]=])
edit(newest-plan ${plugin} [=[    const int net = plan->p.op]=] [=[    plan = newest;
    const int net = plan->p.op]=])
edit(moments-loaded-once ${plugin} [=[    int32_t active[];]=] [=[    int32_t packs, active[];]=])
edit(moments-loaded-once ${plugin}
    [=[    return assay_host_pack(&plan->params, args);]=]
    [=[    assay_host_layout layout = plan->params;
    if (plan->packs++) layout.moments = 0;
    return assay_host_pack(&layout, args);]=])
edit(frozen-for-all ${plugin}
    [=[    if (!accumulate) memset(args->grads]=]
    [=[    int wanted = p->layers == 1;
    for (int k = 0; k < ASSAY_MAX_PARAMS; k++)
        wanted |= args->dparam[k] != NULL;
    if (!wanted) return;
    if (!accumulate) memset(args->grads]=])
edit(backward-reads-y ${plugin}
    [=[        head.dlogits = in(args->reserve, plan->dlogits);]=]
    [=[        if (args->y && !p->y_stride) head.y = args->y;
        head.dlogits = in(args->reserve, plan->dlogits);]=])
edit(upper-rest-of-four ${stack}
    [=[    int count = 0;
    for (int n = 0; n < r->s->p->n; n++)]=]
    [=[    const assay_problem *p = r->s->p;
    const int whole = p->directions == 2 && r->layer > 0 && p->h >= 16 && p->n > 4;
    int count = 0;
    for (int n = 0; n < (whole ? p->n / 4 * 4 : p->n); n++)]=])
edit(upper-dy-unset ${stack}
    [=[            memcpy(dh_rows + k * width, dh_now + n * width, width * sizeof(float));]=]
    [=[            if (!up->dy && !up->last && p->layers > 1 && r->direction)
                dy = at(r->workspace, s->rows[ROWS_DX], 0);
            memcpy(dh_rows + k * width, dh_now + n * width, width * sizeof(float));]=])
edit(four-layers ${stack}
    [=[const int first = assay_param_rnn(r->s->p, r->layer,]=]
    [=[const int first = assay_param_rnn(r->s->p, r->layer < 4 ? r->layer : 3,]=])
edit(id-in-a-byte ${stack} [=[r->args->ids[row] * r->inputs]=] [=[(uint8_t)r->args->ids[row] * r->inputs]=])
edit(id-in-a-byte ${linear} [=[job->to + job->ids[row] * width]=] [=[job->to + (uint8_t)job->ids[row] * width]=])
edit(ctc-repeats-in-a-word ${ctc_one}
    [=[(kept || q->labels[u] != q->labels[u - 1]);]=] [=[(kept || u >= 64 || q->labels[u] != q->labels[u - 1]);]=])
edit(ctc-gradient-to-longest ${ctc}
    [=[    for (int32_t t = q.frames; q.g && t < p->t; t++)]=]
    [=[    int32_t end = p->op == ASSAY_OP_NETWORK ? 0 : p->t;
        for (int32_t other = 0; p->op == ASSAY_OP_NETWORK && other < p->n; other++)
            end = frames_of(a, other) > end ? frames_of(a, other) : end;
        for (int32_t t = q.frames; q.g && t < end; t++)]=])
edit(xent-all-ignored ${xent}
    [=[    job.weight = divisor > 0 ? (real)(1 / divisor) : 0;]=]
    [=[    int inside = 0;
    for (int64_t row = 0; row < rows; row++)
        inside |= a->p->head == ASSAY_HEAD_LAST || assay_host_inside(a->p, a->lens, row);
    job.weight = inside ? (real)(1 / divisor) : 0;]=])
edit(relu-slope-at-nought ${cell} [=[? (a < 0 ? 0 : a)]=] [=[? (a < 0 ? -0.0F : a)]=])
edit(relu-slope-at-nought ${cell} [=[(y > 0 ? s->dh[k] : 0)]=] [=[(y > 0 || (y == 0 && !signbit(y)) ? s->dh[k] : 0)]=])
edit(x-where-train-was ${plugin} [=[    int32_t active[];]=] [=[    const void *x;
    int32_t active[];]=])
edit(x-where-train-was ${plugin}
    [=[const assay_args *args, assay_stream stream)
{
    const int net =]=]
    [=[const assay_args *given, assay_stream stream)
{
    assay_args same = *given;
    const assay_args *args = &same;
    if (pass == ASSAY_TRAIN) plan->x = given->x;
    if (pass == ASSAY_BACKWARD) same.x = plan->x;
    const int net =]=])
