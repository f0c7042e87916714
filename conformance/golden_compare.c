/* golden_compare.c: the reference against golden vectors.
 * SPDX-License-Identifier: MIT */
#include "conformance/compare.h"
#include "conformance/golden.h"
#include "conformance/oracle.h"
#include "reference/reference.h"
#include "reference/tensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Roundings of a floor, fixed: it belongs to the file's data. */
static const uint64_t rounding_seed = 0x601DE2;

/* Limit of a tensor in floors: docs/tolerance.md 3.5. */
static const double floors = 4;

static int wanted(const assay_golden *g, const assay_tensor *x)
{
    return g->values.at[x->id] && (ASSAY_ROLES_WANTED >> x->role & 1u);
}

/* Equal infinities agree, and count for nothing. *norm is that of the golden tensor; where it is 0, so must the
 * reference's be. */
static double difference(const double *got, const double *golden, int64_t count, double *norm)
{
    double apart = 0;
    *norm = 0;
    for (int64_t k = 0; k < count; k++) {
        if (isinf(golden[k]) && got[k] == golden[k]) continue;
        if (!isfinite(golden[k]) || !isfinite(got[k])) return INFINITY;
        apart = hypot(apart, got[k] - golden[k]);
        *norm = hypot(*norm, golden[k]);
    }
    return apart == 0 ? 0 : apart / *norm;
}

/* Borrowed from the file. */
static void take_given(const assay_golden *g, const assay_tensor *list, int count, assay_values *given)
{
    memset(given, 0, sizeof *given);
    for (int k = 0; k < count; k++)
        if (!wanted(g, &list[k])) given->at[list[k].id] = g->values.at[list[k].id];
}

static assay_status evaluate(const assay_golden *g, const assay_tensor *list, int count, const assay_values *given,
                             assay_values *got)
{
    void *at[ASSAY_TENSORS];
    memset(got, 0, sizeof *got);
    for (int k = 0; k < count; k++) {
        if (!wanted(g, &list[k])) continue;
        got->at[list[k].id] = calloc((size_t)list[k].count + 1, sizeof(double));
        if (!got->at[list[k].id]) return ASSAY_NO_MEMORY;
    }
    assay_values_join(given, got, at);
    return assay_ref_evaluate_f64(&g->p, at, g->step);
}

/* The float floor of each tensor, times the rule's factor. */
static assay_status measure(const assay_golden *g, const assay_values *given, assay_floor *out)
{
    const assay_arithmetic single = {ASSAY_FP32, ASSAY_FP32, ASSAY_FP32, 1,
                                     4,          0,          0}; /* 4 ulp: the loosest honest one */
    const unsigned roles = 1u << ASSAY_ROLE_FORWARD | 1u << ASSAY_ROLE_GRADIENT;
    const assay_question q = {&g->p, given, g->step, roles, &single, rounding_seed, NULL};
    assay_oracle o;
    memset(&o, 0, sizeof o);
    assay_status st = assay_oracle_floor(&q, &o);
    memcpy(out, o.floor, sizeof o.floor);
    assay_oracle_free(&o);
    return st;
}

assay_status assay_golden_compare(const assay_golden *g, assay_golden_sink sink, void *user, char *why, size_t why_size)
{
    assay_tensor list[ASSAY_TENSORS];
    assay_values given, got;
    assay_floor floor[ASSAY_TENSORS];
    const int count = assay_tensors_of(&g->p, list);
    int compared = 0;
    take_given(g, list, count, &given);
    assay_status st = evaluate(g, list, count, &given, &got);
    if (st == ASSAY_OK && g->bound == 0) st = measure(g, &given, floor);
    for (int k = 0; k < count && st == ASSAY_OK; k++) {
        const int id = list[k].id;
        if (!wanted(g, &list[k])) continue;
        double norm;
        assay_golden_difference d = {list[k].name, 0, g->bound};
        d.error = difference(got.at[id], g->values.at[id], list[k].count, &norm);
        if (g->bound == 0) d.bound = floors * assay_floor_at(&floor[id], norm).phi;
        sink(user, &d);
        compared++;
    }
    assay_values_free(&got);
    if (st == ASSAY_OK && !compared) st = ASSAY_BAD_ARGUMENT;
    if (st != ASSAY_OK)
        snprintf(why, why_size, "%s",
                 st == ASSAY_NO_MEMORY ? "no memory" : "a tensor that the problem needs is not there");
    return st;
}
