/* identities.c: identities that pin down what a dialect means without any stored value: one function written in two
 * ways gives the same numbers. Here what they share. docs/semantics.md 1.10
 * SPDX-License-Identifier: MIT */
#include "reference/identities/identities.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double bound = 1e-12; /* an honest error is another order of some sums, 1e-15 or so */

int assay_identity_make(assay_proofs *c, const assay_problem *p, uint64_t seed, assay_specimen *s)
{
    char why[160] = "";
    memset(s, 0, sizeof *s);
    const assay_status st = assay_problem_check(p, why, sizeof why);
    if (st != ASSAY_OK) assay_prove(c, why, "the problem is possible", st, ASSAY_OK);
    if (st != ASSAY_OK || !assay_specimen_make(c, p, s)) return 0;
    assay_specimen_draw(s, seed);
    return 1;
}

int64_t assay_identity_size(const assay_specimen *s, int id)
{
    assay_tensor x;
    return assay_tensor_find(&s->p, id, &x) ? x.count : 0;
}

double *assay_identity_parameter(const assay_specimen *s, int family, int q, int which)
{
    return s->d[assay_tensor_id(family, ASSAY_RNN_PARAMS * q + which)];
}

void assay_identity_share(const assay_specimen *a, assay_specimen *b)
{
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(&b->p, list);
    for (int k = 0; k < count; k++) {
        const assay_tensor *x = &list[k];
        if (x->role > ASSAY_ROLE_COTANGENT || assay_identity_size(a, x->id) != x->count) continue;
        memcpy(b->d[x->id], a->d[x->id], (size_t)x->count * (x->integer ? sizeof(int32_t) : sizeof(double)));
    }
}

void assay_identity_parameters(const assay_specimen *a, int qa, assay_specimen *b, int qb, int count)
{
    for (int k = 0; k < count * ASSAY_RNN_PARAMS; k++) {
        const int from = assay_tensor_id(ASSAY_PARAM, qa * ASSAY_RNN_PARAMS + k),
                  to = assay_tensor_id(ASSAY_PARAM, qb * ASSAY_RNN_PARAMS + k);
        if (b->d[to] && a->d[from]) memcpy(b->d[to], a->d[from], (size_t)assay_identity_size(b, to) * sizeof(double));
    }
}

double assay_identity_distance(const double *got, const double *want, int64_t count)
{
    double difference = 0, norm = 0;
    for (int64_t k = 0; k < count; k++) {
        if (!isinf(want[k])) norm += want[k] * want[k];
        if (got[k] != want[k]) difference += (got[k] - want[k]) * (got[k] - want[k]);
    }
    return difference == 0 ? 0 : sqrt(difference / norm);
}

void assay_identity_prove(assay_proofs *c, const char *tensor, const char *what, double error)
{
    assay_prove(c, tensor, what, error, bound);
}

static void same_tensor(assay_proofs *c, const char *what, const assay_specimen *a, int id_a, const assay_specimen *b,
                        int id_b)
{
    assay_tensor x, y;
    if (!assay_tensor_find(&a->p, id_a, &x) || !assay_tensor_find(&b->p, id_b, &y)) return;
    const double error = x.count == y.count ? assay_identity_distance(a->d[id_a], b->d[id_b], x.count) : NAN;
    assay_identity_prove(c, x.name, what, error);
}

void assay_identity_same(assay_proofs *c, const char *what, const assay_specimen *a, const assay_specimen *b)
{
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(&a->p, list);
    for (int k = 0; k < count; k++) {
        const int id = list[k].id, which = (id - ASSAY_SLOTS) % ASSAY_MAX_PARAMS % ASSAY_RNN_PARAMS;
        int other = id;
        if (id >= ASSAY_SLOTS && which == ASSAY_B_HH && !b->d[id]) other = id + ASSAY_B_IH - ASSAY_B_HH;
        if (list[k].role == ASSAY_ROLE_FORWARD || list[k].role == ASSAY_ROLE_GRADIENT)
            same_tensor(c, what, a, id, b, other);
    }
}

void assay_identity_gradients(assay_proofs *c, const char *what, const assay_specimen *a, int qa,
                              const assay_specimen *b, int qb, int count)
{
    for (int k = 0; k < count * ASSAY_RNN_PARAMS; k++)
        same_tensor(c, what, a, assay_tensor_id(ASSAY_DPARAM, qa * ASSAY_RNN_PARAMS + k), b,
                    assay_tensor_id(ASSAY_DPARAM, qb * ASSAY_RNN_PARAMS + k));
}

void assay_identity_add(const assay_specimen *s, assay_specimen *sum)
{
    for (int k = 0; k < assay_param_count(&s->p); k++) {
        const int id = assay_tensor_id(ASSAY_DPARAM, k);
        const double *from = s->d[id];
        double *to = sum->d[id];
        for (int64_t j = 0; from && to && j < assay_identity_size(s, id); j++)
            to[j] += from[j];
    }
}

/* ---- views ---- */

assay_view assay_view_whole(const assay_specimen *s)
{
    assay_view v;
    memset(&v, 0, sizeof v);
    v.s = s;
    v.samples = s->p.n < ASSAY_IDENTITY_SAMPLES ? s->p.n : ASSAY_IDENTITY_SAMPLES;
    for (int n = 0; n < v.samples; n++)
        v.sample[n] = n, v.count[n] = s->p.t;
    return v;
}

assay_view assay_view_valid(const assay_specimen *s)
{
    assay_view v = assay_view_whole(s);
    for (int n = 0; n < v.samples; n++)
        v.count[n] = ((const int32_t *)s->d[ASSAY_LENS])[n];
    return v;
}

static int is_state(int id)
{
    return id == ASSAY_H0 || id == ASSAY_C0 || id == ASSAY_DHN || id == ASSAY_DCN || id == ASSAY_HN || id == ASSAY_CN ||
           id == ASSAY_DH0 || id == ASSAY_DC0;
}

/* Where step t of the view's sample n stands; -1 if it sees none. */
static int64_t row_at(const assay_view *v, int plane, int t, int n)
{
    const assay_problem *p = &v->s->p;
    if (t >= v->count[n]) return -1;
    const int time = v->start[n] + (v->flip ? v->count[n] - 1 - t : t);
    return (int64_t)plane * p->t * p->n + assay_row_of(p, time, v->sample[n]);
}

/* Brings what is seen of a tensor to `dense`, or from there; returns its elements, -1 if there are too many. */
static int64_t visit(const assay_view *v, int id, double *dense, int back)
{
    assay_tensor x;
    const assay_problem *p = &v->s->p;
    if (!assay_tensor_find(p, id, &x)) return 0;
    const int state = is_state(id), part = v->width && (id == ASSAY_Y || id == ASSAY_DY);
    const int64_t width = part ? v->width : x.row, column = part ? v->column : 0;
    const int all = p->layers * p->directions, planes = !state ? 1 : v->states ? v->states : all;
    int64_t count = 0;
    for (int plane = 0; plane < (id == ASSAY_MASK ? p->layers - 1 : planes); plane++)
        for (int t = 0; t < (state ? 1 : p->t); t++)
            for (int n = 0; n < v->samples; n++) {
                const int64_t row = state ? (int64_t)(v->first + plane) * p->n + v->sample[n] : row_at(v, plane, t, n);
                if (row < 0) continue;
                if (count + width > ASSAY_IDENTITY_ROOM) return -1;
                double *at = (double *)v->s->d[id] + row * x.stride + column;
                memcpy(back ? at : dense + count, back ? dense + count : at, (size_t)width * sizeof *at);
                count += width;
            }
    return count;
}

int64_t assay_view_read(const assay_view *v, int id, double *dense)
{
    return visit(v, id, dense, 0);
}

void assay_view_copy(const assay_view *from, const assay_view *to, int id)
{
    double dense[ASSAY_IDENTITY_ROOM] = {0};
    if (visit(from, id, dense, 0) > 0) visit(to, id, dense, 1);
}

void assay_view_share(const assay_view *from, const assay_view *to)
{
    static const int given[] = {ASSAY_X, ASSAY_MASK, ASSAY_H0, ASSAY_C0, ASSAY_DY, ASSAY_DHN, ASSAY_DCN};
    for (size_t k = 0; k < sizeof given / sizeof *given; k++)
        assay_view_copy(from, to, given[k]);
}

void assay_view_prove(assay_proofs *c, const char *what, const assay_view *got, const assay_view *want, int id)
{
    double a[ASSAY_IDENTITY_ROOM], b[ASSAY_IDENTITY_ROOM];
    assay_tensor x;
    const int64_t count = visit(got, id, a, 0), other = visit(want, id, b, 0);
    if ((count == 0 && other == 0) || !assay_tensor_find(&got->s->p, id, &x)) return;
    assay_identity_prove(c, x.name, what, count == other && count > 0 ? assay_identity_distance(a, b, count) : NAN);
}

void assay_view_same(assay_proofs *c, const char *what, const assay_view *got, const assay_view *want)
{
    static const int wanted[] = {ASSAY_Y, ASSAY_HN, ASSAY_CN, ASSAY_DX, ASSAY_DH0, ASSAY_DC0};
    for (size_t k = 0; k < sizeof wanted / sizeof *wanted; k++)
        assay_view_prove(c, what, got, want, wanted[k]);
}

void assay_certify_identities(assay_proofs *c)
{
    assay_identities_twins(c);
    assay_identities_kinds(c);
    assay_identities_layers(c);
    assay_identities_cells(c);
    assay_identities_xent(c);
    assay_identities_ctc(c);
    assay_identities_losses(c);
}
