/* subject.c: data of a case, and its oracles on demand.
 * SPDX-License-Identifier: MIT */
#include "conformance/subject.h"

#include "conformance/floors.h"
#include "reference/reference.h"

#include <string.h>

/* Roundings of a floor are the same for every seed of the data: the floor is a property of the data. */
static const uint64_t floor_seed = 0x5EED0F100125ull;

/* Between a subject's seed and that of its other data: far from the seeds that anyone counts up. */
static const uint64_t other_seed = 0x9E3779B97F4A7C15u;

assay_status assay_subject_make(const assay_case *c, int arithmetic, uint64_t seed, const char *cache,
                                const char *floors, assay_subject *out)
{
    memset(out, 0, sizeof *out);
    out->own = *c;
    out->own.problem.arithmetic = arithmetic;
    out->c = &out->own;
    out->p = out->own.problem;
    out->seed = seed;
    out->cache = cache;
    out->floors = floors;
    assay_status st = c->fill(out->c, seed, 1, &out->given, &out->step);
    int64_t step;
    if (st == ASSAY_OK && !c->documented) st = c->fill(out->c, seed + other_seed, 2, &out->other, &step);
    if (st != ASSAY_OK) assay_subject_free(out);
    return st;
}

void assay_subject_free(assay_subject *s)
{
    for (int k = 0; k < ASSAY_SUBJECT_ORACLES; k++)
        if (s->kept[k].used) assay_oracle_free(&s->kept[k].oracle);
    assay_values_free(&s->given);
    assay_values_free(&s->other);
    assay_values_free(&s->truncated);
    memset(s, 0, sizeof *s);
}

static assay_values second_of(const assay_subject *s)
{
    assay_tensor list[ASSAY_TENSORS];
    assay_values v = s->given;
    int count = assay_tensors_of(&s->p, list), network = s->p.op == ASSAY_OP_NETWORK;
    for (int k = 0; k < count; k++) {
        const int id = list[k].id, role = list[k].role;
        const int reads_table = id == ASSAY_IDS || (id == ASSAY_LENS && s->p.vocab > 0);
        const int datum = network && role == ASSAY_ROLE_INPUT && id < ASSAY_SLOTS && !reads_table;
        if (datum || role == ASSAY_ROLE_COTANGENT) v.at[id] = s->other.at[id];
    }
    return v;
}

assay_values assay_subject_variant(const assay_subject *s, int variant)
{
    if (variant == ASSAY_WITH_SECOND) return second_of(s);
    if (variant == ASSAY_WITH_OTHER) return s->other;
    assay_values v = s->given;
    if (!(variant & ASSAY_WITH_DY)) v.at[ASSAY_DY] = NULL;
    if (!(variant & ASSAY_WITH_DHN)) v.at[ASSAY_DHN] = NULL;
    if (!(variant & ASSAY_WITH_DCN)) v.at[ASSAY_DCN] = NULL;
    if (!variant) v.at[ASSAY_DLOSS] = NULL;
    return v;
}

assay_status assay_subject_ask(const assay_subject *s, const assay_problem *p, const assay_values *given,
                               unsigned roles, const assay_arithmetic *declared, assay_oracle *out)
{
    assay_question q = {p, given, s->step, roles, declared, floor_seed, s->cache};
    if (!s->c->documented || !s->floors) return assay_oracle_make(&q, out);
    assay_status st = assay_oracle_truth(&q, out);
    if (st != ASSAY_OK) return st;
    if (assay_floors_read(s->floors, s->c->id, p, declared, out)) return ASSAY_OK;
    assay_oracle measured;
    st = assay_oracle_floor(&q, &measured);
    if (st != ASSAY_OK) {
        assay_oracle_free(out);
        return st;
    }
    memcpy(out->floor, measured.floor, sizeof out->floor);
    out->seconds_floor = measured.seconds_floor;
    assay_oracle_free(&measured);
    return ASSAY_OK;
}

/* Whether an oracle that was made for one declaration answers for another: a stored floor serves whoever declares at
 * least its activation error. */
static int serves(const assay_oracle *o, const assay_arithmetic *made_for, const assay_arithmetic *declared)
{
    assay_arithmetic a = *declared;
    if (o->method == ASSAY_FLOOR_STORED && o->activation_ulp <= a.activation_ulp)
        a.activation_ulp = made_for->activation_ulp;
    return assay_arithmetic_same(made_for, &a);
}

const assay_oracle *assay_subject_oracle(assay_subject *s, int variant, unsigned roles,
                                         const assay_arithmetic *declared, assay_status *st)
{
    int free_slot = -1;
    for (int k = 0; k < ASSAY_SUBJECT_ORACLES; k++) {
        if (!s->kept[k].used)
            free_slot = k;
        else if (s->kept[k].variant == variant && s->kept[k].roles == roles &&
                 serves(&s->kept[k].oracle, &s->kept[k].declared, declared))
            return &s->kept[k].oracle;
    }
    if (free_slot < 0) {
        free_slot = 0;
        assay_oracle_free(&s->kept[0].oracle);
        s->kept[0].used = 0;
    }
    assay_values given = assay_subject_variant(s, variant);
    *st = assay_subject_ask(s, &s->p, &given, roles, declared, &s->kept[free_slot].oracle);
    if (*st != ASSAY_OK) return NULL;
    s->kept[free_slot].used = 1;
    s->kept[free_slot].variant = variant;
    s->kept[free_slot].roles = roles;
    s->kept[free_slot].declared = *declared;
    return &s->kept[free_slot].oracle;
}

const assay_values *assay_subject_truncated(assay_subject *s, int32_t steps, assay_status *st)
{
    assay_problem p = s->p;
    void *at[ASSAY_TENSORS];
    *st = ASSAY_OK;
    if (s->truncated_steps == steps) return &s->truncated;
    assay_values_free(&s->truncated);
    s->truncated_steps = 0;
    p.dialect.bptt_steps = steps;
    *st = assay_values_make(&p, 1u << ASSAY_ROLE_GRADIENT, &s->truncated);
    if (*st != ASSAY_OK) return NULL;
    assay_values_join(&s->given, &s->truncated, at);
    *st = assay_ref_evaluate_f64(&p, at, s->step);
    if (*st != ASSAY_OK) return NULL;
    s->truncated_steps = steps;
    return &s->truncated;
}
