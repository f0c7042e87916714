/* rows.c: what is known of a stack whose rows are moved: laid out otherwise, in another batch, alone.
 * docs/semantics.md 1.10
 * SPDX-License-Identifier: MIT */
#include "reference/identities/identities.h"

#include <string.h>

/* ---- layout, strides ---- */

static const double mark = 7;

static void mark_gaps(assay_specimen *s, int id)
{
    for (int64_t k = 0; k < assay_identity_size(s, id); k++)
        ((double *)s->d[id])[k] = mark;
}

/* Elements between the rows that have changed. */
static int written_gaps(const assay_specimen *s, int id)
{
    assay_tensor x;
    int written = 0;
    const double *at = s->d[id];
    (void)assay_tensor_find(&s->p, id, &x);
    for (int64_t k = 0; k < x.count; k++)
        written += k % x.stride >= x.row && at[k] != mark;
    return written;
}

/* Elements of rows past the lengths that are not 0. */
static int written_past(const assay_specimen *s, int id)
{
    assay_tensor x;
    int written = 0;
    (void)assay_tensor_find(&s->p, id, &x);
    for (int n = 0; n < s->p.n; n++)
        for (int t = assay_identity_length(s, n); t < s->p.t; t++)
            for (int64_t j = 0; j < x.row; j++)
                written += ((const double *)s->d[id])[assay_row_of(&s->p, t, n) * x.stride + j] != 0;
    return written;
}

static void laid_out(assay_proofs *c, const assay_specimen *a, int layout, int gaps, const char *what)
{
    assay_problem p = a->p;
    assay_specimen b;
    p.dialect.layout = layout;
    if (gaps) p.x_stride = p.i + 3, p.y_stride = assay_output_width(&p) + 1;
    if (assay_kind_like(c, &p, a, &b)) {
        const assay_view from = assay_view_whole(a), to = assay_view_whole(&b);
        assay_view_share(&from, &to);
        memcpy(b.d[ASSAY_LENS], a->d[ASSAY_LENS], ASSAY_KIND_SAMPLES * sizeof(int32_t));
        mark_gaps(&b, ASSAY_Y);
        mark_gaps(&b, ASSAY_DX);
        if (assay_specimen_run(c, &b)) {
            assay_view_same(c, what, &to, &from);
            assay_identity_gradients(c, what, &b, 0, a, 0, assay_identity_stacked(a));
            if (gaps) assay_prove(c, "y", "identity: gaps are not written, elements", written_gaps(&b, ASSAY_Y), 0);
            if (gaps) assay_prove(c, "dx", "identity: gaps are not written, elements", written_gaps(&b, ASSAY_DX), 0);
        }
    }
    assay_specimen_free(&b);
}

static void layouts(assay_proofs *c, const assay_kind *k)
{
    const assay_problem p = assay_kind_stack(k, ASSAY_KIND_STEPS, ASSAY_KIND_SAMPLES, 2, 2);
    assay_specimen a;
    if (assay_kind_ragged(c, &p, &a)) {
        assay_prove(c, "y", "identity: 0 past the length, elements", written_past(&a, ASSAY_Y), 0);
        assay_prove(c, "dx", "identity: 0 past the length, elements", written_past(&a, ASSAY_DX), 0);
        laid_out(c, &a, ASSAY_BATCH_MAJOR, 0, "identity: batch-major is transposed");
        laid_out(c, &a, ASSAY_TIME_MAJOR, 1, "identity: gaps between rows change nothing");
        laid_out(c, &a, ASSAY_BATCH_MAJOR, 1, "identity: batch-major, gaps between rows");
    }
    assay_specimen_free(&a);
}

/* ---- samples ---- */

static void permuted_batch(assay_proofs *c, const assay_kind *k)
{
    const char *what = "identity: batch permuted, results permuted";
    const assay_problem p = assay_kind_stack(k, ASSAY_KIND_STEPS, ASSAY_KIND_SAMPLES, 2, 2);
    assay_specimen a, b;
    memset(&b, 0, sizeof b);
    if (assay_kind_ragged(c, &p, &a) && assay_kind_like(c, &p, &a, &b)) {
        assay_view from = assay_view_whole(&a);
        const assay_view to = assay_view_whole(&b);
        for (int n = 0; n < ASSAY_KIND_SAMPLES; n++) {
            from.sample[n] = (n + 1) % ASSAY_KIND_SAMPLES;
            ((int32_t *)b.d[ASSAY_LENS])[n] = assay_identity_length(&a, from.sample[n]);
        }
        assay_view_share(&from, &to);
        if (assay_specimen_run(c, &b)) {
            assay_view_same(c, what, &to, &from);
            assay_identity_gradients(c, what, &b, 0, &a, 0, assay_identity_stacked(&a));
        }
    }
    assay_specimen_free(&a);
    assay_specimen_free(&b);
}

/* Each sample alone, without padding and without `lens`; its gradients of the parameters add up to those of the batch.
 */
static void samples_alone(assay_proofs *c, const assay_kind *k)
{
    const char *what = "identity: a sample alone = in its batch";
    const assay_problem p = assay_kind_stack(k, ASSAY_KIND_STEPS, ASSAY_KIND_SAMPLES, 2, 2);
    assay_specimen batch, sum;
    memset(&sum, 0, sizeof sum);
    const int made = assay_kind_ragged(c, &p, &batch) && assay_identity_make(c, &p, 712, &sum);
    int ran = made;
    for (int n = 0; made && n < ASSAY_KIND_SAMPLES; n++) {
        const assay_problem one = assay_kind_stack(k, assay_identity_length(&batch, n), 1, 2, 2);
        assay_specimen alone;
        if (assay_kind_like(c, &one, &batch, &alone)) {
            assay_view from = assay_view_valid(&batch);
            const assay_view to = assay_view_whole(&alone);
            int32_t *lens = alone.d[ASSAY_LENS];
            from.samples = 1, from.sample[0] = n, from.count[0] = assay_identity_length(&batch, n);
            assay_view_share(&from, &to);
            alone.d[ASSAY_LENS] = NULL;
            const int here = assay_specimen_run(c, &alone);
            alone.d[ASSAY_LENS] = lens;
            if (here) assay_view_same(c, what, &to, &from);
            if (here) assay_identity_add(&alone, &sum);
            ran = ran && here;
        } else
            ran = 0;
        assay_specimen_free(&alone);
    }
    if (ran) assay_identity_gradients(c, what, &sum, 0, &batch, 0, assay_identity_stacked(&batch));
    assay_specimen_free(&batch);
    assay_specimen_free(&sum);
}

void assay_identities_rows(assay_proofs *c, const assay_kind *k)
{
    layouts(c, k);
    permuted_batch(c, k);
    samples_alone(c, k);
}
