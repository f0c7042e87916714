# edits.cmake: the faults themselves: edit(mutant file [=[text that stands there once]=] [=[text instead]=]).
# SPDX-License-Identifier: MIT
# What each is, where it was seen and who must notice stands in mutants.inc. Several edits of one mutant add up.

set(cell impl/naive/cell.c)
set(stack impl/naive/stack.c)
set(merge impl/naive/merge.c)
set(product impl/naive/product.c)
set(plugin impl/naive/naive.c)
set(ctc impl/common/host/ctc.inc)
set(ctc_one impl/common/host/ctc_one.inc)
set(ctc_sums impl/common/host/ctc_sums.inc)
set(optimizer impl/common/host/optimizer.inc)
set(xent impl/common/host/xent.inc)
set(sum impl/common/host/sum.inc)
set(linear impl/common/host/linear.inc)
set(team impl/common/host/team.c)

# ---- A: the forward cell ----
edit(lstm-if-swapped ${cell}
    [=[float *i = s->gates + row * gh, *f = i + h, *g = f + h, *o = g + h;
        for]=]
    [=[float *f = s->gates + row * gh, *i = f + h, *g = i + h, *o = g + h;
        for]=])
edit(forget-bias-dropped ${cell}
    [=[gate(d, f[j] + (float)d->forget_bias);]=]
    [=[gate(d, f[j] + (float)d->forget_bias - (s->given.b_ih ? s->given.b_ih[h + j] : 0));]=])
edit(forget-offset-twice ${cell}
    [=[gate(d, f[j] + (float)d->forget_bias)]=] [=[gate(d, f[j] + 2 * (float)d->forget_bias)]=])
edit(gru-reset-before ${cell} [=[gru_forward(s, 0);]=] [=[gru_forward(s, 1);]=])
edit(gru-reset-before ${cell} [=[gru_backward(s, 0);]=] [=[gru_backward(s, 1);]=])
edit(gru-bias-outside ${cell}
    [=[n[j] + r[j] * u[j]);]=] [=[n[j] + r[j] * (u[j] - (bn ? bn[j] : 0)) + (bn ? bn[j] : 0));]=])
edit(concat-reversed ${stack}
    [=[row * wide + r->direction * width), h_rows]=]
    [=[row * wide + (p->directions - 1 - r->direction) * width), h_rows]=])
edit(cell-tanh-skipped ${cell}
    [=[out[k] = o[j] * tanhf(s->c_new[k]);]=] [=[out[k] = o[j] * s->c_new[k];]=])
edit(cell-clipped ${cell}
    [=[s->c_new[k] = within(d, f[j] * s->c[k] + i[j] * g[j]);]=]
    [=[s->c_new[k] = within(d, fmaxf(-3, fminf(3, f[j] * s->c[k] + i[j] * g[j])));]=])
edit(peephole-old-cell ${cell}
    [=[o[j] += p[2 * h + j] * s->c_new[k];]=] [=[o[j] += p[2 * h + j] * s->c[k];]=])
edit(clip-of-output-only ${cell}
    [=[s->c_new[k] = within(d, f[j] * s->c[k] + i[j] * g[j]);]=] [=[s->c_new[k] = f[j] * s->c[k] + i[j] * g[j];]=])
edit(clip-of-output-only ${cell}
    [=[out[k] = o[j] * tanhf(s->c_new[k]);]=] [=[out[k] = o[j] * tanhf(within(d, s->c_new[k]));]=])
edit(hard-sixth-for-fifth ${cell}
    [=[const float y = a / (d->gate_activation == ASSAY_GATE_HARD_FIFTH ? 5.0F : 6.0F) + 0.5F;]=]
    [=[const float y = a / 6.0F + 0.5F;]=])
edit(gru-bias-inside ${cell}
    [=[const int outside = before || s->d->gru_reset == ASSAY_RESET_AFTER_OUTSIDE;]=] [=[const int outside = before;]=])
edit(gru-share-of-old ${cell} [=[return d->gru_mix == ASSAY_MIX_KEEPS ? z : 1 - z;]=] [=[return d->gru_mix >= 0 ? z : 0;]=])
edit(gru-bias-order ${cell}
    [=[start(s->count, pitch, 3 * h, s->given.b_ih, s->gates);]=]
    [=[start(s->count, pitch, 3 * h, s->given.b_ih, s->gates);
    if (s->given.b_ih) start(s->count, pitch, h, s->given.b_ih + h, s->gates);
    if (s->given.b_ih) start(s->count, pitch, h, s->given.b_ih, s->gates + h);]=])
edit(linear-not-cleared ${cell}
    [=[to[r * pitch + j] = bias ? bias[j] : 0;]=] [=[if (bias || r < 2) to[r * pitch + j] = bias ? bias[j] : 0;]=])
edit(inner-unprojected ${stack}
    [=[r->direction * width), h_rows + k * width, width]=]
    [=[r->direction * width),
                   p->proj && r->layer < p->layers - 1 ? step.m + k * h : h_rows + k * width, width]=])
edit(tile-tail ${cell}
    [=[out[k] = o[j] * tanhf(s->c_new[k]);]=]
    [=[out[k] = o[h > 128 && j >= h / 128 * 128 ? j - 128 : j] * tanhf(s->c_new[k]);]=])
edit(batch-beyond-256 ${stack}
    [=[if (t < length_of(r, n)) r->s->active]=] [=[if (t < length_of(r, n) && n < 256) r->s->active]=])
edit(whole-tile-lost ${product} [=[for (; i + LANES <= k; i += LANES)]=] [=[for (; i + LANES < k; i += LANES)]=])
edit(whole-tile-lost ${product} [=[for (; i < k; i++)]=] [=[for (i = k - k % LANES; i < k; i++)]=])
edit(state-in-pairs ${stack}
    [=[const float *h0 = r->args->h0, *c0 = r->args->c0;]=]
    [=[const float *c0 = r->args->c0, *h0 = s->p->dialect.cell != ASSAY_LSTM || c0 ? r->args->h0 : NULL;]=])

# ---- B: time, lengths, direction ----
edit(reverse-from-padded-end ${stack}
    [=[if (t < length_of(r, n)) r->s->active]=] [=[if (r->direction || t < length_of(r, n)) r->s->active]=])
edit(y-padding-garbage ${stack}
    [=[memset(y + row * wide, 0, wide * sizeof *y);]=] [=[memset(y + row * wide, 0, 0);]=])
edit(hn-at-last-step ${stack}
    [=[write_state(r, width, h_now, r->args->hn);]=]
    [=[for (int n = 0; n < p->n; n++)
        if (length_of(r, n) < p->t) memset(h_now + n * width, 0, width * sizeof *h_now);
    write_state(r, width, h_now, r->args->hn);]=])
edit(padding-times-zero ${stack}
    [=[memset(y + row * wide, 0, wide * sizeof *y);]=]
    [=[for (int64_t j = 0; j < wide; j++)
                y[row * wide + j] = args->x ? 0 * fabsf(((const float *)args->x)[row * p->i]) : 0;]=])
edit(padding-times-zero ${stack} [=[#include <string.h>]=] [=[#include <math.h>
#include <string.h>]=])
edit(one-step-short ${stack}
    [=[return r->args->lens ? r->args->lens[n] : r->s->p->t;]=]
    [=[return r->args->lens ? r->args->lens[n] - (r->args->lens[n] > 1) : r->s->p->t;]=])
edit(forward-cut ${stack}
    [=[if (t < length_of(r, n)) r->s->active]=]
    [=[if (t < length_of(r, n) && t >= (r->s->p->head == ASSAY_HEAD_LAST && r->s->p->t >= 50 ? r->s->p->t * 7 / 10 : 0))
            r->s->active]=])
edit(forward-cut ${stack}
    [=[float *y = at(kept, s->y, (p->layers - 1) * rows * wide);]=]
    [=[float *y = at(kept, s->y, (p->layers - 1) * rows * wide);
    if (rows) memset(at(kept, s->y, 0), 0, p->layers * rows * wide * sizeof *y);]=])
edit(empty-state-kept ${stack}
    [=[return r->s->p->dialect.empty_state == ASSAY_EMPTY_ZERO && length_of(r, n) == 0;]=]
    [=[return r->s->p->dialect.empty_state == ASSAY_EMPTY_ZERO && length_of(r, n) < 0;]=])
edit(batch-major-ignored ${stack}
    [=[const int64_t row = assay_row_of(p, t, n);
    if (r->layer > 0)]=]
    [=[const int64_t row = r->layer > 0 ? assay_row_of(p, t, n) : (int64_t)t * p->n + n;
    if (r->layer > 0)]=])
edit(held-as-zero ${merge}
    [=[if (t >= length && length > 0 && p]=] [=[if (t >= length && length < 0 && p]=])
edit(merge-sum-for-average ${merge} [=[(forward[j] + reverse[j]) / 2;]=] [=[forward[j] + reverse[j];]=])
edit(dropout-unscaled ${merge} [=[ * (float)(1 / (1 - p->dialect.dropout));]=] [=[;]=])
edit(length-in-a-byte ${stack}
    [=[return r->args->lens ? r->args->lens[n] : r->s->p->t;]=]
    [=[return (r->args->lens ? r->args->lens[n] : r->s->p->t) & 255;]=])
edit(embeds-padding ${stack}
    [=[for (int k = 0; k < count; k++)
        memcpy(x + k * r->inputs, input_row(r, t, s->active[k]), r->inputs * sizeof(float));]=]
    [=[for (int n = 0, k = 0; n < s->p->n; n++) {
        memcpy(x + k * r->inputs, input_row(r, t, n), r->inputs * sizeof(float));
        k += k < count && s->active[k] == n;
    }]=])

# ---- C: the backward cell ----
edit(dropout-not-in-backward ${merge}
    [=[upstream(p, args, up, t, n, j) * factor(p, args, layer, row * wide + j);]=] [=[upstream(p, args, up, t, n, j);]=])
edit(held-gradient-lost ${merge}
    [=[sum += up->dy[assay_row_of(p, past, n) * up->pitch + j];]=] [=[sum += 0;]=])
edit(multiply-own-part ${merge} [=[to[j] = dy * part[width + j];]=] [=[to[j] = dy * part[j];]=])
edit(bias-gradient-first-layer-only ${stack}
    [=[step.gradient = weights_of(r, partial);]=]
    [=[step.gradient = weights_of(r, partial);
        if (r->layer > 0) step.gradient.b_ih = step.gradient.b_hh = NULL;]=])
edit(null-cotangent ${stack}
    [=[copy_or_zero(dh_now + n * width, dhn && !lost ? dhn + (first + n) * width : NULL, width);]=]
    [=[if (dhn || !r->args->dy)
            copy_or_zero(dh_now + n * width, dhn && !lost ? dhn + (first + n) * width : NULL, width);]=])
edit(dx-padding-garbage ${stack}
    [=[memset(below + row * pitch, 0, inputs * sizeof *below);]=]
    [=[if (assay_host_inside(p, args->lens, row)) memset(below + row * pitch, 0, inputs * sizeof *below);]=])
edit(tanh-factor-missing ${cell}
    [=[dh * o[j] * (1 - tanh_c * tanh_c);]=] [=[dh * o[j];]=])
edit(dr-from-new-state ${cell}
    [=[add_outer(s->count, gh, s->state, s->da, gh, s->h, s->gradient.r);]=]
    [=[add_outer(s->count, gh, s->state, s->da, gh, s->given.projection ? s->h : s->de, s->gradient.r);]=])
edit(dh0-zero ${stack}
    [=[if (dh0) memcpy(dh0 + first * width, dh_now, p->n * width * sizeof(float));]=]
    [=[if (dh0) memset(dh0 + first * width, 0, p->n * width * sizeof(float));]=])
edit(dc0-zero ${stack}
    [=[if (dc0) memcpy(dc0 + first * h, dc_now, p->n * h * sizeof(float));]=]
    [=[if (dc0) memset(dc0 + first * h, 0, p->n * h * sizeof(float));]=])
edit(gru-r-path ${cell} [=[: dn[j] * u[j]) * slope]=] [=[: dn[j] * u[j] * r[j]) * slope]=])
edit(backward-cut ${stack}
    [=[for (int i = p->t - 1; i >= 0; i--) {]=]
    [=[const int stop = p->t >= 50 ? p->t - p->t * 3 / 10 : 0;
    for (int i = p->t - 1; i >= stop; i--) {]=])
edit(backward-cut ${stack} [=[if (i % FOLD == 0) fold]=] [=[if (i % FOLD == 0 || i == stop) fold]=])
edit(peephole-term-dropped ${cell}
    [=[return p[j] * da[0] + p[h + j] * da[1];]=] [=[return p[j] * da[0];]=])
edit(coupled-one-part ${cell} [=[(d->coupled ? g[j] - s->c[k] : g[j])]=] [=[(d->coupled > 1 ? -s->c[k] : g[j])]=])
edit(clip-passes ${cell} [=[d->clip_gradient == ASSAY_CLIP_CUTS) dc = 0;]=] [=[d->clip_gradient > ASSAY_CLIP_PASSES) dc = 0;]=])
edit(projection-of-cell ${cell} [=[s->de[k] = o[j] * tanh_c; /*]=] [=[s->de[k] = tanh_c; /*]=])
edit(dx-over-dy ${stack} [=[s->d_input[l % 2], 0)]=] [=[s->d_input[0], 0)]=])
edit(backward-time-major ${stack} [=[up->dy + assay_row_of(p, t, n) * up->pitch]=] [=[up->dy + ((int64_t)t * p->n + n) * up->pitch]=])
edit(mask-of-first-step ${merge} [=[mask[before + at] *]=] [=[mask[before + at % (p->n * assay_output_width(p))] *]=])
edit(slope-of-rounded ${cell}
    [=[if (d->gate_activation == ASSAY_GATE_SIGMOID) return y * (1 - y);]=]
    [=[if (d->gate_activation == ASSAY_GATE_SIGMOID) {
        const float far = y * 65537, short_y = far - (far - y); /* eight bits of y */
        return short_y * (1 - short_y);
    }]=])
edit(last-step-at-end ${stack} [=[ends = t == length_of(r, n) - 1;]=] [=[ends = t == p->t - 1;]=])
edit(merge-needs-dy ${merge}
    [=[float sum = up->dy ? up->dy[assay_row_of(p, t, n) * up->pitch + j] : 0;]=]
    [=[float sum = up->last ? 0 : up->dy[assay_row_of(p, t, n) * up->pitch + j];]=])
edit(bias-gradient-with-weights ${stack}
    [=[step.gradient = weights_of(r, partial);]=]
    [=[step.gradient = weights_of(r, partial);
        if (p->op == ASSAY_OP_RNN && !r->args->dparam[assay_param_rnn(p, r->layer, r->direction, ASSAY_W)])
            step.gradient.b_ih = NULL;]=])

# ---- D: accumulation ----
edit(overwrites ${plugin} [=[if (!accumulate) memset(args->grads]=] [=[if (accumulate >= 0) memset(args->grads]=])
edit(always-adds ${plugin} [=[if (!accumulate) memset(args->grads]=] [=[if (accumulate > 1) memset(args->grads]=])
edit(sum-order-wanders ${cell}
    [=[        float sum = 0;
        for (int64_t r = 0; r < count; r++)
            sum += da[r * pitch + j];]=]
    [=[        static int64_t turn;
        float sum = 0;
        turn++;
        for (int64_t r = 0; r < count; r++)
            sum += da[(r + turn) % count * pitch + j];]=])
edit(one-bias-gradient ${cell}
    [=[add_column_sums(s->count, gh, gh, s->da, s->gradient.b_hh);]=] [=[]=])
edit(adam-uncorrected ${optimizer}
    [=[job.correct1 = (real)(1 / (1 - pow(p->beta1, (double)step + 1)));]=] [=[job.correct1 = 1;]=])
edit(optimizer-as-usual ${optimizer}
    [=[beta1 = (real)job->p->beta1, beta2 = (real)job->p->beta2, epsilon = (real)job->p->epsilon;]=]
    [=[beta1 = (real)0.9, beta2 = (real)0.999, epsilon = (real)1e-8;]=])
edit(optimizer-as-usual ${optimizer}
    [=[rest2 = (real)(1 - job->p->beta2), lr = (real)job->p->lr;]=] [=[rest2 = (real)(1 - job->p->beta2), lr = (real)1e-3;]=])
edit(adam-correction-ends ${optimizer} [=[if (p->optimizer == ASSAY_OPT_ADAM) {]=]
    [=[job.correct1 = job.correct2 = 1;
    if (p->optimizer == ASSAY_OPT_ADAM && step < 10) {]=])

# ---- E: CTC ----
edit(ctc-upstream-of-first ${ctc}
    [=[dloss[alone ? sample : 0]]=] [=[dloss[alone ? 0 * sample : 0]]=])
edit(ctc-padding-garbage ${ctc}
    [=[for (int32_t t = q.frames; q.g && t < p->t; t++)]=] [=[for (int32_t t = p->t; q.g && t < p->t; t++)]=])
edit(ctc-empty-target ${ctc_one}
    [=[if (feasible && q->frames > 0) log_p]=] [=[if (feasible && q->frames > 0 && q->labels_n > 0) log_p]=])
edit(ctc-infeasible-softmax ${ctc_one}
    [=[for (int32_t t = 0; q->g && t < q->frames; t++)
            memset(q->g + t * q->stride, 0, q->classes * sizeof(real));]=]
    [=[for (int32_t t = 0; q->g && t < q->frames; t++) {
            const real *x = q->x + t * q->stride;
            const real sum = exps_of(q->classes, x, max_of(q->classes, x), w->occupancy);
            for (int64_t k = 0; k < q->classes; k++)
                q->g[t * q->stride + k] = q->scale * w->occupancy[k] / sum;
        }]=])
edit(ctc-max-twice ${ctc_sums} [=[share = 1 / sum_of_lanes(lane);]=] [=[share = (real)exp(top) / sum_of_lanes(lane);]=])
edit(ctc-no-skip ${ctc_one} [=[w->skip[u] = other;]=] [=[w->skip[u] = 0;]=])
edit(ctc-blank-0 ${ctc} [=[.blank = p->dialect.ctc_blank]=] [=[.blank = 0]=])
edit(ctc-no-posterior-of-labels ${ctc_one}
    [=[const int soft = q->d->ctc_input == ASSAY_CTC_LOGITS || q->d->ctc_gradient == ASSAY_CTC_MINUS_SOFTMAX;]=]
    [=[const int soft = 0;]=])
edit(ctc-mean-over-time ${ctc}
    [=[job.weight = n ? (real)1 / (real)n : 0;]=] [=[job.weight = n ? (real)1 / ((real)n * (real)a->p->t) : 0;]=])
edit(ctc-one-end ${ctc_one}
    [=[const real top = ctc_backward_step(&q->rules, from, w->emit, &alpha, to, &path);]=]
    [=[real top = ctc_backward_step(&q->rules, from, w->emit, &alpha, to, &path);
    if (t == q->frames - 1) {
        to->label_e[q->labels_n] = path.label_e[q->labels_n] = CTC_NEVER;
        top = max_of(2 * width, path.blank_e);
    }]=])
edit(ctc-length-of-first ${ctc} [=[a->lens ? a->lens[n] : a->p->t;]=] [=[a->lens ? a->lens[0 * n] : a->p->t;]=])
edit(ctc-padded-as-concatenated ${ctc}
    [=[labels += padded ? p->max_label : a->label_lens[n]]=] [=[labels += padded ? a->label_lens[n] : a->label_lens[n]]=])
edit(ctc-normalised-twice ${ctc_one}
    [=[q->x + t * q->stride, q->d->ctc_input == ASSAY_CTC_LOGITS, w->occupancy, table);]=]
    [=[q->x + t * q->stride, q->d->ctc_input <= ASSAY_CTC_LOG_PROBS, w->occupancy, table);]=])
edit(ctc-repeats-merged ${ctc_one} [=[.stay = kept ? CTC_NEVER : 0]=] [=[.stay = 0]=])
edit(ctc-not-collapsed ${ctc} [=[if (p->dialect.ctc_collapse) {]=] [=[if (p->dialect.ctc_collapse > 1) {]=])
edit(ctc-mean-plain ${ctc}
    [=[terms[k] = job.loss_rows[k] / own_divisor(a, k);]=] [=[terms[k] = job.loss_rows[k];]=])
edit(ctc-beta-unset ${ctc_one}
    [=[ctc_only(&from, width, q->labels_n);]=]
    [=[from.blank[q->labels_n] = 1;
    from.blank_e[q->labels_n] = 0;]=])
edit(ctc-infinite-as-zero ${ctc_one}
    [=[q->d->ctc_infeasible == ASSAY_INFEASIBLE_INF ? INFINITY : 0;]=]
    [=[q->d->ctc_infeasible == ASSAY_INFEASIBLE_INF ? 0 : 0;]=])
edit(ctc-first-1024-labels ${ctc_one}
    [=[for (int32_t u = 0; u < labels_n; u++)]=] [=[for (int32_t u = 0; u < labels_n && u < 1024; u++)]=])
edit(ctc-no-frames ${ctc_one}
    [=[const int feasible = q->frames >= needed;]=]
    [=[const int feasible = q->frames >= needed || q->frames == 0;]=])
edit(ctc-inf-minus-inf ${ctc_sums}
    [=[came * ctc_power(came_e - all_e)) * emit[u + 1].m;]=]
    [=[came * ctc_power(came_e - all_e)) * (all_e < CTC_NEVER / 2 ? NAN : emit[u + 1].m);]=])
# 2^-126 is the smallest normal number of fp32.
edit(ctc-linear ${ctc_one}
    [=[if (t % CTC_RESCALE == CTC_RESCALE - 1) power += ctc_rescale(2 * width, a.blank, a.blank_e);]=]
    [=[power += ctc_rescale(2 * width, a.blank, a.blank_e);
        for (int64_t s = 0; s < 2 * width; s++)
            if (power + a.blank_e[s] < -126) a.blank_e[s] = CTC_NEVER;]=])
edit(ctc-scaled-linear ${ctc_one}
    [=[if (t % CTC_RESCALE == CTC_RESCALE - 1) power += ctc_rescale(2 * width, a.blank, a.blank_e);]=]
    [=[power += ctc_rescale(2 * width, a.blank, a.blank_e);
        for (int64_t s = 0; s < 2 * width; s++)
            if (a.blank_e[s] < -126) a.blank_e[s] = CTC_NEVER;]=])
edit(ctc-exact-fit ${ctc_one}
    [=[const int feasible = q->frames >= needed;]=] [=[const int feasible = q->frames >= needed + (needed > q->labels_n);]=])
edit(ctc-lengths-demanded ${ctc} [=[return a->lens ? a->lens[n] : a->p->t;]=] [=[return a->lens[n];]=])

# ---- F: cross-entropy ----
edit(xent-ignored-counted ${xent}
    [=[if (!row_counts(a, row)) continue;
        counting++;]=]
    [=[counting += a->p->head == ASSAY_HEAD_LAST || assay_host_inside(a->p, a->lens, row);
        if (!row_counts(a, row)) continue;]=])
edit(xent-weights-not-summed ${xent}
    [=[case ASSAY_REDUCE_MEAN_WEIGHTED:
        return (double)weights;]=]
    [=[case ASSAY_REDUCE_MEAN_WEIGHTED:
        return (double)weights > 0 ? counting : 0;]=])
edit(xent-gradient-unweighted ${xent} [=[g[label] -= scale * of_label;]=] [=[g[label] -= scale * q->own;]=])
edit(xent-smoothed-by-all ${xent} [=[share / (p->classes - others)]=] [=[share / p->classes]=])
edit(xent-padding-garbage ${xent}
    [=[if (a->grad && (!counts || upstream == 0)) memset]=] [=[if (a->grad && counts && upstream == 0) memset]=])
edit(xent-no-max ${xent} [=[const real m = max_of(classes, x);]=] [=[const real m = 0 * max_of(classes, x);]=])
edit(xent-normaliser ${xent} [=[const real sum = exps_of(classes, x, m, g);]=]
    [=[const real sum = (real)1.1 * exps_of(classes, x, m, g);]=])
edit(xent-only-target ${xent} [=[g[k] *= factor;]=] [=[g[k] *= k == label ? factor : 0;]=])
edit(xent-vocabulary-end ${xent} [=[const real sum = exps_of(classes, x, m, g);]=]
    [=[const real sum = exps_of(classes < 8 ? classes : classes / 8 * 8, x, m, g);
    for (int64_t k = classes / 8 * 8; classes >= 8 && k < classes; k++)
        g[k] = 0;]=])
edit(xent-mean-over-all ${xent}
    [=[case ASSAY_REDUCE_MEAN:
        return counting;]=] [=[case ASSAY_REDUCE_MEAN:
        return (double)rows;]=])
edit(xent-ignored-as-label ${xent}
    [=[            job->loss_rows[row] = 0;]=]
    [=[            job->loss_rows[row] = a->p->dialect.xent_ignores && assay_host_inside(a->p, a->lens, row) && row > 0
                                      ? -a->logits[row * stride + a->labels[row] % classes]
                                      : 0;]=])
edit(xent-label-in-a-byte ${xent}
    [=[a->logits + row * stride, a->labels[row], &job->target,]=]
    [=[a->logits + row * stride, a->labels[row] & 255, &job->target,]=])
edit(xent-zero-times-inf ${xent} [=[g[k] *= factor;]=] [=[g[k] = (g[k] + 0 * x[k]) * factor;]=])
edit(xent-max-from-zero ${xent}
    [=[const real m = max_of(classes, x);]=] [=[const real top = max_of(classes, x), m = top > 0 ? top : 0;]=])
edit(xent-mean-of-nothing ${xent}
    [=[job.weight = divisor > 0 ? (real)(1 / divisor) : 0;]=] [=[job.weight = (real)(1 / divisor);]=])
edit(xent-upstream-of-one ${xent}
    [=[a->one ? 1 : a->dloss ? a->dloss[apart ? row : 0] : 0;]=] [=[a->one || !a->dloss ? 1 : a->dloss[apart ? row : 0];]=])
edit(xent-loss-with-rows ${xent} [=[if (a->loss) *a->loss =]=] [=[if (a->loss && a->loss_rows) *a->loss =]=])

# ---- G: arithmetic ----
# An operand as a tensor core takes it: 10 bits of mantissa, to nearest, ties away.
set(tf32 [=[static inline float tf32(float x)
{
    uint32_t b;
    memcpy(&b, &x, sizeof b);
    b = (b + 0x1000) & 0xffffe000;
    memcpy(&x, &b, sizeof x);
    return x;
}

]=])
edit(tf32-operands ${product} [=[/* C[r][j] += <A[r], B[j]>]=] "${tf32}/* C[r][j] += <A[r], B[j]>")
edit(tf32-operands ${product} [=[lane[q] += x[i + q] * w[i + q];]=] [=[lane[q] += tf32(x[i + q]) * tf32(w[i + q]);]=])
edit(tf32-operands ${product} [=[sum += x[i] * w[i];]=] [=[sum += tf32(x[i]) * tf32(w[i]);]=])
edit(tf32-operands ${product} [=[sum[i] += x * w[i];]=] [=[sum[i] += tf32(x) * tf32(w[i]);]=])
edit(tanh-approximate ${cell} [=[/* exp never overflows]=] "${tf32}/* exp never overflows")
edit(tanh-approximate ${cell} [=[#include <math.h>]=] [=[#include <math.h>
#include <stdint.h>]=])
edit(tanh-approximate ${cell} [=[g[j] = tanhf(g[j]);]=] [=[g[j] = tf32(tanhf(g[j]));]=])
edit(bf16-sums ${cell} [=[/* exp never overflows]=] [=[static inline float bf16(float x)
{
    uint32_t b;
    memcpy(&b, &x, sizeof b);
    b = (b + 0x8000) & 0xffff0000;
    memcpy(&x, &b, sizeof x);
    return x;
}

/* exp never overflows]=])
edit(bf16-sums ${cell} [=[#include <math.h>]=] [=[#include <math.h>
#include <stdint.h>]=])
edit(bf16-sums ${cell} [=[db[j] += sum;]=] [=[db[j] = bf16(db[j] + sum);]=])
edit(small-tanh ${cell}
    [=[out[k] = o[j] * tanhf(s->c_new[k]);]=]
    [=[out[k] = o[j] * (fabsf(s->c_new[k]) < 0x1p-6F ? s->c_new[k] : tanhf(s->c_new[k]));]=])
edit(sigmoid-tail-cut ${cell} [=[return (x < 0 ? e : 1) / (1 + e);]=] [=[return x < -18 ? 0 : (x < 0 ? e : 1) / (1 + e);]=])

# ---- H: memory ----
edit(gaps-written ${merge}
    [=[memcpy(to + row * pitch, y + row * wide, wide * sizeof *to);]=]
    [=[memset(to + row * pitch, 0, pitch * sizeof *to);
            memcpy(to + row * pitch, y + row * wide, wide * sizeof *to);]=])
edit(gaps-read ${stack} [=[row * input_pitch(r->s, 0);]=] [=[row * r->inputs;]=])
edit(reads-unwritten-gradients ${plugin}
    [=[if (!accumulate) memset(args->grads, 0, plan->params.total * plan->params.element);]=]
    [=[for (int64_t i = 0; !accumulate && i < plan->params.total; i++)
        ((float *)args->grads)[i] *= 0;]=])

# ---- I: threads ----
edit(barrier-missing ${team} [=[    if (!t || t->size == 1) return;
    const unsigned pass]=] [=[    if (!t || t->size >= 1) return;
    const unsigned pass]=])

# ---- what no case brought about once ----
edit(cell-state-in-pairs ${stack}
    [=[const float *h0 = r->args->h0, *c0 = r->args->c0;]=]
    [=[const float *h0 = r->args->h0, *c0 = h0 ? r->args->c0 : NULL;]=])
edit(gru-state-unset ${stack}
    [=[copy_or_zero(h_now + n * width, h0 ?]=]
    [=[if (h0 || p->dialect.cell != ASSAY_GRU || p->op == ASSAY_OP_NETWORK)
            copy_or_zero(h_now + n * width, h0 ?]=])
edit(inner-state-unset ${stack}
    [=[copy_or_zero(h_now + n * width, h0 ?]=]
    [=[if (h0 || r->q == 0 || p->op == ASSAY_OP_NETWORK)
            copy_or_zero(h_now + n * width, h0 ?]=])
edit(state-within-one ${stack}
    [=[h0 ? h0 + (first + n) * width : NULL, width);]=]
    [=[h0 ? h0 + (first + n) * width : NULL, width);
        for (int64_t j = 0; j < width; j++)
            h_now[n * width + j] = h_now[n * width + j] > 1 ? 1 : h_now[n * width + j] < -1 ? -1 : h_now[n * width + j];]=])
edit(weights-within-one ${plugin}
    [=[    return assay_host_pack(&plan->params, args);]=]
    [=[    const assay_status st = assay_host_pack(&plan->params, args);
    for (int i = 0; i < assay_param_head(&plan->p, 0) && has_stack(&plan->p); i++)
        for (int64_t e = 0; i % ASSAY_RNN_PARAMS <= ASSAY_R && e < plan->params.size[i]; e++) {
            float *w = (float *)args->packed + plan->params.offset[i] + e;
            *w = *w > 1 ? 1 : *w < -1 ? -1 : *w;
        }
    return st;]=])
edit(hard-by-cell ${cell}
    [=[a / (d->gate_activation == ASSAY_GATE_HARD_FIFTH ? 5.0F : 6.0F)]=]
    [=[a / (d->cell == ASSAY_LSTM ? 5.0F : 6.0F)]=])
edit(hard-by-cell ${cell}
    [=[return 1 / (d->gate_activation == ASSAY_GATE_HARD_FIFTH ? 5.0F : 6.0F);]=]
    [=[return 1 / (d->cell == ASSAY_LSTM ? 5.0F : 6.0F);]=])
edit(forget-offset-of-one ${cell}
    [=[f[j] + (float)d->forget_bias]=]
    [=[f[j] + (d->forget_bias != 0)]=])
edit(mask-of-forward-half ${merge}
    [=[return mask[before + at] *]=]
    [=[const int64_t wide = assay_output_width(p);
    return mask[before + at / wide * wide + at % wide % assay_state_width(p)] *]=])
edit(empty-row-unbiased ${linear}
    [=[            memcpy(out + r * classes, a->b, classes * sizeof(real));]=]
    [=[            if (p->head == ASSAY_HEAD_LAST && length_of(p, a->lens, (int)(row + r)) == 0)
                memset(out + r * classes, 0, classes * sizeof(real));
            else
                memcpy(out + r * classes, a->b, classes * sizeof(real));]=])
edit(empty-row-uncounted ${xent}
    [=[    return !d->xent_ignores ||]=]
    [=[    if (a->p->head == ASSAY_HEAD_LAST && a->lens && a->lens[row] == 0) return 0;
    return !d->xent_ignores ||]=])
edit(beyond-longest ${linear}
    [=[        for (int64_t r = 0; p->head == ASSAY_HEAD_EVERY && r < rows; r++)
]=]
    [=[        int longest = 0;
        for (int n = 0; n < p->n; n++)
            longest = length_of(p, a->lens, n) > longest ? length_of(p, a->lens, n) : longest;
        for (int64_t r = 0; p->head == ASSAY_HEAD_EVERY && r < rows && (row + r) / p->n < longest; r++)
]=])
edit(network-of-one ${stack}
    [=[ends = t == length_of(r, n) - 1;]=]
    [=[ends = t == length_of(r, n) - 1 && p->n > 1;]=])
edit(infer-needs-y ${plugin}
    [=[if (pass == ASSAY_INFER) forward(]=]
    [=[if (pass == ASSAY_INFER && (args->y || net)) forward(]=])
edit(step-needs-y ${plugin}
    [=[if (pass == ASSAY_UPDATE || step) HOST]=]
    [=[if (pass == ASSAY_UPDATE || (step && args->y)) HOST]=])
edit(infer-into-reserve ${plugin}
    [=[if (pass == ASSAY_INFER) forward(plan, args, (char *)args->workspace + plan->infer);]=]
    [=[if (pass == ASSAY_INFER) forward(plan, args, args->reserve);]=])
edit(unpack-needs-moment ${plugin}
    [=[    assay_host_unpack(&plan->params, args);]=]
    [=[    assay_args some = *args;
    for (int k = 0; k < ASSAY_MAX_PARAMS && plan->p.optimizer == ASSAY_OPT_ADAM; k++)
        if (!args->m_1[k]) some.param_1[k] = NULL;
    assay_host_unpack(&plan->params, &some);]=])
edit(train-clears-gradients ${plugin}
    [=[if (pass == ASSAY_TRAIN || step) forward]=]
    [=[if (pass == ASSAY_TRAIN && !net && args->grads)
        memset(args->grads, 0, plan->params.total * plan->params.element);
    if (pass == ASSAY_TRAIN || step) forward]=])
edit(adam-step-in-16-bits ${optimizer}
    [=[pow(p->beta1, (double)step + 1)]=]
    [=[pow(p->beta1, (double)(step & 65535) + 1)]=])
edit(adam-step-in-16-bits ${optimizer}
    [=[pow(p->beta2, (double)step + 1)]=]
    [=[pow(p->beta2, (double)(step & 65535) + 1)]=])
edit(network-dense-x ${stack}
    [=[layer == 0 && p->vocab == 0 && p->x_stride ?]=]
    [=[layer == 0 && p->op == ASSAY_OP_RNN && p->x_stride ?]=])
edit(network-dense-y ${merge}
    [=[pitch = p->y_stride ? p->y_stride : wide;]=]
    [=[pitch = p->y_stride && p->op == ASSAY_OP_RNN ? p->y_stride : wide;]=])
edit(ctc-blank-not-last ${ctc}
    [=[.blank = p->dialect.ctc_blank]=]
    [=[.blank = p->dialect.ctc_blank == p->classes - 1 ? 0 : p->dialect.ctc_blank]=])
edit(ctc-16-classes ${ctc_sums} [=[lane[j] += m * ctc_power(]=] [=[if (k + j < 16) lane[j] += m * ctc_power(]=])
edit(ctc-16-states ${ctc_one} [=[w->skip[u] = other;]=] [=[w->skip[u] = other && 2 * u + 1 < 16;]=])
edit(xent-weight-of-zero ${xent}
    [=[return q->weights ? q->weights[k] * share : share;]=]
    [=[return q->weights && q->weights[k] > 0 ? q->weights[k] * share : share;]=])
