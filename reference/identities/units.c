/* units.c: what is known of a stack whose hidden units are renamed, whose cotangents are added, of whose tensors some
 * are not there. docs/semantics.md 1.10
 * SPDX-License-Identifier: MIT */
#include "reference/identities/identities.h"

#include "reference/reference.h"

#include <string.h>

/* ---- renamed units ---- */

/* A tensor as a matrix whose rows and columns come in blocks of units; blocks of 1 are left alone. */
typedef struct blocks {
    int64_t rows, columns;
    int row_block, column_block;
} blocks;

static blocks blocks_of(const assay_problem *p, const assay_tensor *x)
{
    const int h = p->h, s = assay_state_width(p);
    const int which = (x->id - ASSAY_SLOTS) % ASSAY_MAX_PARAMS % ASSAY_RNN_PARAMS;
    const int layer = (x->id - ASSAY_SLOTS) % ASSAY_MAX_PARAMS / ASSAY_RNN_PARAMS / p->directions;
    blocks b = {x->count / x->dims[x->rank - 1], x->dims[x->rank - 1], 1, 1};
    if (x->id < ASSAY_SLOTS) {
        const int cell = x->id == ASSAY_C0 || x->id == ASSAY_CN || x->id == ASSAY_DCN || x->id == ASSAY_DC0;
        if (x->id != ASSAY_X && x->id != ASSAY_DX) b.column_block = cell ? h : s;
        return b;
    }
    if (x->rank == 1) b.rows = x->count, b.columns = 1;
    b.row_block = which == ASSAY_PROJECTION ? s : h;
    if (which == ASSAY_PROJECTION) b.column_block = h;
    if (which == ASSAY_R || (which == ASSAY_W && layer > 0)) b.column_block = s;
    return b;
}

static int64_t renamed(int64_t j, int block)
{
    return j / block * block + (j % block + 1) % block;
}

/* to = from with unit j called j+1. */
static void rename_tensor(const assay_problem *p, const assay_tensor *x, const double *from, double *to)
{
    const blocks b = blocks_of(p, x);
    for (int64_t r = 0; r < b.rows; r++)
        for (int64_t j = 0; j < b.columns; j++)
            to[renamed(r, b.row_block) * b.columns + renamed(j, b.column_block)] = from[r * b.columns + j];
}

static void renamed_units(assay_proofs *c, const assay_kind *k)
{
    const assay_problem p = assay_kind_stack(k, ASSAY_KIND_STEPS, ASSAY_KIND_SAMPLES, 2, 2);
    assay_tensor list[ASSAY_TENSORS];
    assay_specimen a, b, want;
    const int count = assay_tensors_of(&p, list);
    memset(&b, 0, sizeof b);
    memset(&want, 0, sizeof want);
    if (assay_kind_ragged(c, &p, &a) && assay_identity_make(c, &p, 720, &b) && assay_identity_make(c, &p, 721, &want)) {
        assay_identity_share(&a, &b);
        for (int j = 0; j < count; j++)
            if (!list[j].integer)
                rename_tensor(&p, &list[j], a.d[list[j].id],
                              list[j].role <= ASSAY_ROLE_COTANGENT ? b.d[list[j].id] : want.d[list[j].id]);
        if (assay_specimen_run(c, &b)) assay_identity_same(c, "identity: hidden units permuted", &b, &want);
    }
    assay_specimen_free(&a);
    assay_specimen_free(&b);
    assay_specimen_free(&want);
}

/* ---- cotangents ---- */

static const int cotangents[] = {ASSAY_DY, ASSAY_DHN, ASSAY_DCN};
enum { COTANGENTS = sizeof cotangents / sizeof *cotangents };

/* to += by times from. */
static void accumulate(const assay_specimen *from, double by, assay_specimen *to, int id)
{
    for (int64_t j = 0; j < assay_identity_size(to, id); j++)
        ((double *)to->d[id])[j] += by * ((const double *)from->d[id])[j];
}

/* Gradients of u dy1 + v dy2 are u times those of dy1 + v times those of dy2. */
static void added_cotangents(assay_proofs *c, const assay_kind *k)
{
    static const double factor[] = {2, -3};
    const assay_problem p = assay_kind_stack(k, ASSAY_KIND_STEPS, ASSAY_KIND_SAMPLES, 2, 2);
    assay_tensor list[ASSAY_TENSORS];
    assay_specimen part[2], all, want;
    const int count = assay_tensors_of(&p, list);
    memset(part, 0, sizeof part);
    memset(&want, 0, sizeof want);
    int made = assay_identity_make(c, &p, 730, &all) && assay_specimen_make(c, &p, &want);
    if (made) assay_specimen_ragged(&all);
    for (int j = 0; made && j < COTANGENTS; j++)
        if (all.d[cotangents[j]])
            memset(all.d[cotangents[j]], 0, (size_t)assay_identity_size(&all, cotangents[j]) * sizeof(double));
    for (int e = 0; made && e < 2; e++) {
        made = assay_identity_make(c, &p, 731 + (uint64_t)e, &part[e]);
        if (!made) break;
        for (int j = 0; j < COTANGENTS; j++)
            accumulate(&part[e], factor[e], &all, cotangents[j]);
        for (int j = 0; j < count; j++) /* all but the cotangents */
            if (list[j].role == ASSAY_ROLE_INPUT)
                memcpy(part[e].d[list[j].id], all.d[list[j].id],
                       (size_t)list[j].count * (list[j].integer ? sizeof(int32_t) : sizeof(double)));
        made = assay_specimen_run(c, &part[e]);
        for (int j = 0; made && j < count; j++)
            if (list[j].role == ASSAY_ROLE_GRADIENT) accumulate(&part[e], factor[e], &want, list[j].id);
    }
    if (made && assay_specimen_run(c, &all)) {
        assay_identity_gradients(c, "identity: gradients are linear", &all, 0, &want, 0, assay_identity_stacked(&all));
        const assay_view got = assay_view_whole(&all), sum = assay_view_whole(&want);
        static const int gradients[] = {ASSAY_DX, ASSAY_DH0, ASSAY_DC0};
        for (int j = 0; j < 3; j++)
            assay_view_prove(c, "identity: gradients are linear", &got, &sum, gradients[j]);
    }
    assay_specimen_free(&all);
    assay_specimen_free(&want);
    assay_specimen_free(&part[0]);
    assay_specimen_free(&part[1]);
}

/* ---- absent tensors ---- */

/* Absent states and cotangents are zeros, absent lengths all T. One at a time, then all. */
static void absent_tensors(assay_proofs *c, const assay_kind *k)
{
    static const int absent[] = {ASSAY_LENS, ASSAY_H0, ASSAY_C0, ASSAY_DY, ASSAY_DHN, ASSAY_DCN};
    const assay_problem p = assay_kind_stack(k, ASSAY_KIND_STEPS, ASSAY_KIND_SAMPLES, 2, 2);
    enum { ABSENT = sizeof absent / sizeof *absent };
    for (int which = 0; which <= ABSENT; which++) {
        assay_specimen a, b;
        assay_tensor x;
        memset(&b, 0, sizeof b);
        if (which < ABSENT && !assay_tensor_find(&p, absent[which], &x)) continue; /* no cell has it */
        if (assay_identity_make(c, &p, 740, &a) && assay_identity_make(c, &p, 740, &b)) {
            void *at[ASSAY_TENSORS];
            memcpy(at, a.d, sizeof at);
            for (int j = 0; j < ABSENT; j++) {
                if (j != which && which < ABSENT) continue;
                at[absent[j]] = NULL;
                if (j > 0 && b.d[absent[j]])
                    memset(b.d[absent[j]], 0, (size_t)assay_identity_size(&b, absent[j]) * sizeof(double));
            }
            const assay_status st = assay_ref_evaluate_f64(&p, at, 0);
            if (st != ASSAY_OK) assay_prove(c, "", "the reference runs", st, ASSAY_OK);
            if (st == ASSAY_OK && assay_specimen_run(c, &b))
                assay_identity_same(c, which == 0 ? "identity: no lengths = all T" : "identity: what is absent is 0",
                                    &a, &b);
        }
        assay_specimen_free(&a);
        assay_specimen_free(&b);
    }
}

void assay_identities_units(assay_proofs *c, const assay_kind *k)
{
    renamed_units(c, k);
    added_cotangents(c, k);
    absent_tensors(c, k);
}
