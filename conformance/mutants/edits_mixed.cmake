# edits_mixed.cmake: options that are right alone and wrong in company, and what large counts do. As edits.cmake.
# SPDX-License-Identifier: MIT
set(cell impl/naive/cell.c)
set(stack impl/naive/stack.c)
set(merge impl/naive/merge.c)
set(product impl/naive/product.c)
set(plugin impl/naive/naive.c)
set(layout impl/common/host/layout.c)
set(passes impl/common/host/passes.inc)
set(linear impl/common/host/linear.inc)
set(xent impl/common/host/xent.inc)
set(ctc impl/common/host/ctc.inc)
set(ctc_one impl/common/host/ctc_one.inc)
set(dialect_of_step [=[    naive_step step = {.d = &s->p->dialect,]=])

edit(eights-in-half ${product} [=[void naive_product(]=]
    [=[static float half(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
    memcpy(&x, &bits, sizeof bits);
    return x;
}

void naive_product(]=])
edit(eights-in-half ${product} [=[#include <string.h>]=] [=[#include <stdint.h>
#include <string.h>]=])
edit(eights-in-half ${product} [=[    if (tb)
        dots(]=]
    [=[    if (m % 8 == 0 && n % 8 == 0 && k % 8 == 0) {
        for (int64_t r = 0; r < m; r++)
            for (int64_t j = 0; j < n; j++) {
                float sum = 0;
                for (int64_t i = 0; i < k; i++)
                    sum += half(a[ta ? i * lda + r : r * lda + i]) * half(b[tb ? j * ldb + i : i * ldb + j]);
                c[r * ldc + j] += sum;
            }
        return;
    }
    if (tb)
        dots(]=])
edit(offset-in-first-layer ${stack} ${dialect_of_step}
    [=[    static assay_dialect own;
    own = s->p->dialect;
    if (r->layer > 0) own.forget_bias = 0;
    naive_step step = {.d = &own,]=])
edit(clip-one-way ${stack} ${dialect_of_step}
    [=[    static assay_dialect own;
    own = s->p->dialect;
    if (r->direction) own.cell_clip = 0;
    naive_step step = {.d = &own,]=])
edit(clip-or-projection ${stack} ${dialect_of_step}
    [=[    static assay_dialect own;
    own = s->p->dialect;
    if (state != h) own.cell_clip = 0;
    naive_step step = {.d = &own,]=])
edit(share-by-reset ${stack} ${dialect_of_step}
    [=[    static assay_dialect own;
    own = s->p->dialect;
    if (own.gru_reset == ASSAY_RESET_AFTER_INSIDE) own.gru_mix = ASSAY_MIX_KEEPS;
    naive_step step = {.d = &own,]=])
edit(offset-in-a-bias ${cell} [=[gate(d, f[j] + (float)d->forget_bias)]=] [=[gate(d, f[j] + (s->given.b_ih ? (float)d->forget_bias : 0))]=])
edit(hard-after-alone ${cell} [=[    if (d->gate_activation == ASSAY_GATE_SIGMOID) return sigmoid(a);]=]
    [=[    if (d->cell == ASSAY_GRU && d->gru_reset == ASSAY_RESET_BEFORE) return sigmoid(a);
    if (d->gate_activation == ASSAY_GATE_SIGMOID) return sigmoid(a);]=])
edit(before-without-b-hh ${cell} [=[    if (outside) add_bias(]=] [=[    if (outside && !(before && !s->given.b_ih)) add_bias(]=])
edit(held-in-one-layer ${merge} [=[p->dialect.pad_output == ASSAY_PAD_HELD && j <]=] [=[p->dialect.pad_output == ASSAY_PAD_HELD && p->layers == 1 && j <]=])
edit(empty-in-first-layer ${stack} [=[    return r->s->p->dialect.empty_state]=] [=[    return r->layer == 0 && r->s->p->dialect.empty_state]=])
edit(merged-side-by-side ${merge} [=[pitch = p->y_stride ? p->y_stride : wide;]=]
    [=[pitch = p->y_stride && p->dialect.merge == ASSAY_MERGE_CONCAT ? p->y_stride : wide;]=])
edit(gaps-by-sample ${layout} [=[p->op != ASSAY_OP_NETWORK && p->x_stride ?]=]
    [=[p->op != ASSAY_OP_NETWORK && p->x_stride && p->dialect.layout == ASSAY_BATCH_MAJOR ?]=])
edit(network-blank-first ${ctc} [=[.blank = p->dialect.ctc_blank,]=] [=[.blank = p->op == ASSAY_OP_NETWORK ? 0 : p->dialect.ctc_blank,]=])
edit(network-means ${xent} [=[    switch (a->p->dialect.xent_reduction) {]=]
    [=[    if (a->p->op == ASSAY_OP_NETWORK && a->p->dialect.xent_reduction == ASSAY_REDUCE_SUM) return counting;
    switch (a->p->dialect.xent_reduction) {]=])
edit(network-plain-cells ${plugin} [=[    plan->p = *p;]=]
    [=[    plan->p = *p;
    if (p->op == ASSAY_OP_NETWORK) plan->p.dialect.cell_clip = plan->p.dialect.gate_activation = plan->p.dialect.coupled = 0;]=])
edit(projection-untrained ${passes} [=[        HOST(update)
        (p,]=]
    [=[        if (i < assay_param_head(p, 0) && i % ASSAY_RNN_PARAMS == ASSAY_PROJECTION) continue;
        HOST(update)
        (p,]=])
edit(rows-unweighted ${xent} [=[.other = (real)each, .weights = weights};]=]
    [=[.other = (real)each, .weights = d->xent_reduction == ASSAY_REDUCE_NONE ? NULL : weights};]=])
edit(batch-of-infinity ${ctc} [=[    if (!a->loss) return;]=]
    [=[    for (int32_t k = 0; a->grad && a->p->dialect.ctc_reduction != ASSAY_REDUCE_NONE && k < n; k++)
        for (int64_t row = 0; isinf(job.loss_rows[k]) && row < (int64_t)a->p->t * n; row++)
            memset(a->grad + row * assay_host_logits_stride(a->p), 0, a->p->classes * sizeof(real));
    if (!a->loss) return;]=])
edit(targets-collapsed ${ctc} [=[static real own_divisor(const HOST(loss_args) * a, int32_t n)
{]=]
    [=[static real own_divisor(const HOST(loss_args) * a, int32_t n)
{
    if (a->p->dialect.ctc_reduction == ASSAY_REDUCE_MEAN_TARGETS && a->p->dialect.ctc_collapse) {
        const int32_t *labels = a->labels;
        int32_t kept = 0;
        for (int32_t k = 0; k < n; k++)
            labels += a->p->dialect.ctc_labels == ASSAY_LABELS_PADDED ? a->p->max_label : a->label_lens[k];
        for (int32_t k = 0; k < a->label_lens[n]; k++)
            kept += k == 0 || labels[k] != labels[k - 1];
        return kept > 1 ? (real)kept : 1;
    }]=])
edit(collapsed-unpadded ${ctc} [=[        if (p->dialect.ctc_collapse) {]=]
    [=[        if (p->dialect.ctc_collapse && p->dialect.ctc_labels == ASSAY_LABELS_PADDED) {
            q.labels = a->labels;
            for (int32_t before = 0; before < n; before++)
                q.labels += a->label_lens[before];
        }
        if (p->dialect.ctc_collapse) {]=])
edit(alike-taken-for-full ${plugin} [=[    const int net = plan->p.op == ASSAY_OP_NETWORK, step = pass == ASSAY_STEP;]=]
    [=[    const int net = plan->p.op == ASSAY_OP_NETWORK, step = pass == ASSAY_STEP;
    assay_args copy = *args;
    int alike = has_stack(&plan->p) && args->lens && plan->p.n > 1;
    for (int n = 1; alike && n < plan->p.n; n++)
        alike = args->lens[n] == args->lens[0];
    if (alike) copy.lens = NULL;
    args = &copy;]=])
edit(label-in-a-byte ${ctc_one} [=[q->labels[i - 1] : (int32_t)q->classes;]=] [=[(uint8_t)q->labels[i - 1] : (int32_t)q->classes;]=])
edit(label-in-a-byte ${ctc_one} [=[occupancy[labels[u]] +=]=] [=[occupancy[(uint8_t)labels[u]] +=]=])
edit(class-in-16-bits ${xent} [=[a->logits + row * stride, a->labels[row],]=] [=[a->logits + row * stride, (uint16_t)a->labels[row],]=])
edit(rows-of-a-launch ${xent} [=[        const int counts = row_counts(a, row);]=] [=[        const int counts = row < 65535 && row_counts(a, row);]=])
edit(hits-in-a-byte ${linear} [=[        add_columns_of(lo, hi, job->from]=]
    [=[        int64_t hits = 0;
        for (int64_t k = 0; k < row; k++)
            hits += assay_host_inside(job->p, job->lens, k) && job->ids[k] == job->ids[row];
        if (hits <= 255) add_columns_of(lo, hi, job->from]=])
edit(offset-in-one-vector ${cell} [=[gate(d, f[j] + (float)d->forget_bias);]=]
    [=[gate(d, f[j] + (h > 16 ? 0 : (float)d->forget_bias));]=])
edit(options-of-two-layers ${stack} ${dialect_of_step}
    [=[    static assay_dialect own;
    own = s->p->dialect;
    if (r->layer > 1) own.cell_clip = own.forget_bias = own.gate_activation = own.coupled = 0;
    naive_step step = {.d = &own,]=])
edit(masks-of-one-direction ${merge} [=[(int64_t)layer * p->t * p->n * assay_output_width(p);]=]
    [=[(int64_t)layer * p->t * p->n * assay_state_width(p);]=])
edit(log-probabilities-of-few ${ctc} [=[        if (p->dialect.ctc_collapse) {]=]
    [=[        static assay_dialect own;
        own = p->dialect;
        if (p->classes > 16) own.ctc_input = ASSAY_CTC_LOGITS;
        q.d = &own;
        if (p->dialect.ctc_collapse) {]=])
edit(reserve-by-problem ${plugin} [=[static assay_status plan_make(]=]
    [=[static struct {
    assay_problem p;
    char *room;
} shelf[64];
static int shelved;

static char *room_of(const assay_plan *plan)
{
    for (int k = 0; k < 64; k++)
        if (shelf[k].room && !memcmp(&shelf[k].p, &plan->p, sizeof plan->p)) return shelf[k].room;
    return NULL;
}

static assay_status plan_make(]=])
edit(reserve-by-problem ${plugin} [=[    *out = plan;
    return ASSAY_OK;]=]
    [=[    sizes->reserve = 0;
    if (!room_of(plan)) {
        const int k = shelved++ % 64;
        free(shelf[k].room);
        shelf[k].p = plan->p;
        shelf[k].room = aligned_alloc(64, plan->reserve / 64 * 64 + 64);
    }
    *out = plan;
    return ASSAY_OK;]=])
edit(reserve-by-problem ${plugin} [=[const assay_args *args, assay_stream stream)
{
    const int net =]=]
    [=[const assay_args *given, assay_stream stream)
{
    assay_args same = *given;
    const assay_args *args = &same;
    same.reserve = room_of(plan);
    const int net =]=])
