/* certify_specimen.c: one problem with its tensors in double and in quad, drawn at random.
 * SPDX-License-Identifier: MIT */
#include "reference/certify_parts.h"

#include "reference/data.h"
#include "reference/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int assay_specimen_make(assay_proofs *c, const assay_problem *p, assay_specimen *s)
{
    assay_tensor list[ASSAY_TENSORS];
    memset(s, 0, sizeof *s);
    s->p = *p;
    const int count = assay_tensors_of(p, list);
    for (int k = 0; k < count; k++) {
        const assay_tensor *x = &list[k];
        s->d[x->id] = calloc((size_t)x->count + 1, x->integer ? sizeof(int32_t) : sizeof(double));
        s->q[x->id] = x->integer ? s->d[x->id] : calloc((size_t)x->count + 1, sizeof(_Float128));
        if (s->d[x->id] && s->q[x->id]) continue;
        assay_prove(c, x->name, "there is memory", 1, 0);
        return 0;
    }
    for (int n = 0; n < p->n; n++)
        ((int32_t *)s->d[ASSAY_LENS])[n] = p->t;
    return 1;
}

void assay_specimen_free(assay_specimen *s)
{
    for (int k = 0; k < ASSAY_TENSORS; k++) {
        if (s->q[k] != s->d[k]) free(s->q[k]);
        free(s->d[k]);
    }
    memset(s, 0, sizeof *s);
}

void assay_specimen_widen(assay_specimen *s)
{
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(&s->p, list);
    for (int k = 0; k < count; k++)
        for (int64_t j = 0; !list[k].integer && list[k].role <= ASSAY_ROLE_COTANGENT && j < list[k].count; j++)
            ((_Float128 *)s->q[list[k].id])[j] = ((const double *)s->d[list[k].id])[j];
}

/* A second moment is never negative. */
static void draw_real(const assay_tensor *x, uint64_t seed, double *at)
{
    const int second = x->id >= assay_tensor_id(ASSAY_V, 0) && x->id < assay_tensor_id(ASSAY_DPARAM, 0);
    for (int64_t j = 0; j < x->count; j++) {
        const double u = assay_random_uniform(seed, (uint64_t)x->id, (uint64_t)j);
        if (x->id == ASSAY_MASK)
            at[j] = u < 0.7;
        else
            at[j] = second || x->id == ASSAY_CLASS_WEIGHTS ? 0.1 + u : 1.6 * u - 0.8;
    }
}

/* NaN in the rows past the lengths of a tensor that begins with (T, N). */
static void spoil(assay_specimen *s, int id, const int32_t *lens)
{
    assay_tensor x;
    if (!assay_tensor_find(&s->p, id, &x)) return;
    for (int n = 0; n < s->p.n; n++)
        for (int t = lens[n]; t < s->p.t; t++)
            for (int64_t j = 0; j < x.row; j++)
                ((double *)s->d[id])[assay_row_of(&s->p, t, n) * x.stride + j] = NAN;
}

void assay_specimen_ragged(assay_specimen *s)
{
    int32_t *lens = s->d[ASSAY_LENS];
    for (int n = 0; n < s->p.n; n++)
        lens[n] = n == 1 ? 0 : n == 2 ? s->p.t : n == 0 ? 2 : 1;
    spoil(s, ASSAY_X, lens);
    if (s->p.dialect.pad_output == ASSAY_PAD_ZERO) spoil(s, ASSAY_DY, lens);
}

void assay_specimen_draw(assay_specimen *s, uint64_t seed)
{
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(&s->p, list);
    for (int k = 0; k < count; k++) {
        const assay_tensor *x = &list[k];
        if (!x->integer && x->role <= ASSAY_ROLE_COTANGENT) draw_real(x, seed, s->d[x->id]);
        const int classes = x->id == ASSAY_IDS ? s->p.vocab : x->id == ASSAY_LABELS ? s->p.classes : 0;
        for (int64_t j = 0; classes && j < x->count; j++)
            ((int32_t *)s->d[x->id])[j] = (int32_t)(classes * assay_random_uniform(seed, (uint64_t)x->id, (uint64_t)j));
    }
    assay_specimen_widen(s);
}

int assay_specimen_run(assay_proofs *c, assay_specimen *s)
{
    const assay_status st = assay_ref_evaluate_f64(&s->p, s->d, s->step);
    if (st != ASSAY_OK) assay_prove(c, "", "the reference runs", st, ASSAY_OK);
    return st == ASSAY_OK;
}
