/* floor_validate.c: both methods' floors of one case, tensor by tensor.
 * SPDX-License-Identifier: MIT */
#include "conformance/floor_validate.h"

#include "conformance/floor_rounded.h"
#include "conformance/names.h"
#include "conformance/subject.h"

#include <stdio.h>

/* Roundings of a floor, fixed: a floor is a property of the data. */
static const uint64_t rounding_seed = 0x0F100125;
static const unsigned roles = 1u << ASSAY_ROLE_FORWARD | 1u << ASSAY_ROLE_GRADIENT;

static void compare(const assay_case *c, const assay_arithmetic *a, const assay_oracle *by_operation,
                    const assay_oracle *by_other, assay_floor_ratio *ratios, int *count)
{
    assay_tensor list[ASSAY_TENSORS];
    const int tensors = assay_tensors_of(&c->problem, list);
    const double bound = assay_floor_bound(&c->problem, a);
    *count = 0;
    for (int k = 0; k < tensors; k++) {
        const assay_tensor *x = &list[k];
        if (!(roles >> x->role & 1u)) continue;
        assay_floor_ratio *r = &ratios[(*count)++];
        const double norm = assay_norm(by_operation->truth.at[x->id], x->count);
        r->id = x->id;
        snprintf(r->tensor, sizeof r->tensor, "%s", x->name);
        r->operation = by_operation->floor[x->id].phi;
        r->other = assay_floor_at(&by_other->floor[x->id], norm).phi;
        r->ratio = r->other / r->operation;
        r->counts = !assay_names_hold(c->ungated, ' ', x->name) && norm > 0 && r->operation <= bound;
    }
}

assay_status assay_floor_validate(const assay_case *c, const assay_arithmetic_row *a, uint64_t seed, int method,
                                  assay_floor_ratio *ratios, int *count)
{
    assay_subject s;
    assay_oracle by_operation, by_other;
    *count = 0;
    assay_status st = assay_subject_make(c, a->asked, seed, NULL, NULL, &s);
    if (st != ASSAY_OK) return st;
    const assay_question q = {&s.p, &s.given, s.step, roles, &a->arithmetic, rounding_seed, NULL};
    st = assay_oracle_make(&q, &by_operation);
    if (st == ASSAY_OK && by_operation.method != ASSAY_FLOOR_OPERATION) {
        assay_oracle_free(&by_operation);
        st = ASSAY_UNSUPPORTED;
    }
    if (st == ASSAY_OK) {
        st = method == ASSAY_FLOOR_BLOCK ? assay_oracle_floor_by_block(&q, &by_other)
                                         : assay_floor_rounded(&q, &by_other);
        if (st == ASSAY_OK) {
            compare(c, &a->arithmetic, &by_operation, &by_other, ratios, count);
            assay_oracle_free(&by_other);
        }
        assay_oracle_free(&by_operation);
    }
    assay_subject_free(&s);
    return st;
}
