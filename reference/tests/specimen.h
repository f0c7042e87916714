/* specimen.h: what the tests of the reference share: a problem with drawn tensors, run in double.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_TEST_SPECIMEN_H
#define ASSAY_TEST_SPECIMEN_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "reference/certify_parts.h"
#include "reference/reference.h"

/* A stack of one LSTM layer; tests change what they are about. */
static inline assay_problem a_stack(int t, int n, int i, int h)
{
    assay_problem p;
    memset(&p, 0, sizeof p);
    p.t = t, p.n = n, p.i = i, p.h = h;
    p.layers = p.directions = 1;
    p.dialect.biases = ASSAY_BIAS_TWO;
    p.dialect.gru_reset = ASSAY_RESET_AFTER_INSIDE;
    return p;
}

static inline assay_specimen drawn(const assay_problem *p, uint64_t seed)
{
    char why[160] = "";
    assay_proofs c;
    assay_specimen s;
    memset(&c, 0, sizeof c);
    c.op = "test";
    assert_int_equal(assay_problem_check(p, why, sizeof why), ASSAY_OK);
    assert_int_equal(assay_specimen_make(&c, p, &s), 1);
    assay_specimen_draw(&s, seed);
    return s;
}

static inline void run(assay_specimen *s)
{
    assert_int_equal(assay_ref_evaluate_f64(&s->p, s->d, s->step), ASSAY_OK);
}

static inline double *tensor(const assay_specimen *s, const char *name)
{
    const int id = assay_tensor_by_name(&s->p, name);
    assert_true(id >= 0);
    return s->d[id];
}

static inline int64_t size_of(const assay_specimen *s, const char *name)
{
    assay_tensor x;
    const int id = assay_tensor_by_name(&s->p, name);
    assert_int_equal(assay_tensor_find(&s->p, id, &x), 1);
    return x.count;
}

/* The same parameters in b as in a, which has the same ones. */
static inline void share_parameters(const assay_specimen *a, assay_specimen *b)
{
    assay_tensor x;
    for (int k = 0; k < assay_param_count(&b->p); k++) {
        const int id = assay_tensor_id(ASSAY_PARAM, k);
        if (assay_tensor_find(&b->p, id, &x)) memcpy(b->d[id], a->d[id], (size_t)x.count * sizeof(double));
    }
}

/* Largest |a - b| by the largest |b|, or absolute where all b are 0; NaN compares as infinitely far. */
static inline double apart(const double *a, const double *b, int64_t count)
{
    double difference = 0, size = 0;
    for (int64_t k = 0; k < count; k++) {
        const double d = fabs(a[k] - b[k]);
        if (!(d <= difference)) difference = isnan(d) ? INFINITY : d;
        if (fabs(b[k]) > size) size = fabs(b[k]);
    }
    return size > 0 ? difference / size : difference;
}

/* Each wanted tensor of the mask agrees between two specimens of the same problem. */
static inline void agree(const assay_specimen *a, const assay_specimen *b, unsigned roles, double limit)
{
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(&a->p, list);
    for (int k = 0; k < count; k++) {
        if (!(roles >> list[k].role & 1)) continue;
        const double d = apart(a->d[list[k].id], b->d[list[k].id], list[k].count);
        if (!(d <= limit)) print_error("%s: %g, limit %g\n", list[k].name, d, limit);
        assert_true(d <= limit);
    }
}

#define WANTED (1u << ASSAY_ROLE_FORWARD | 1u << ASSAY_ROLE_GRADIENT | 1u << ASSAY_ROLE_UPDATED)

#endif
