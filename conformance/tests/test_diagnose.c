/* test_diagnose.c: a result made wrong on purpose is called what it was made; an arbitrary one is called nothing.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "conformance/diagnose.h"
#include "conformance/mutation.h"

static const unsigned roles = 1u << ASSAY_ROLE_FORWARD | 1u << ASSAY_ROLE_GRADIENT;

/* A case, its truth, and a copy of it that a test makes wrong. */
typedef struct bed {
    assay_subject subject;
    assay_arithmetic declared;
    const assay_oracle *o;
    assay_values got;
    assay_symptom s;
    assay_tensor x; /* the wrong one */
    double *v;      /* its elements in got */
    char text[400];
} bed;

static void set_up(bed *b, const char *case_id, const char *tensor)
{
    assay_case c;
    assay_status st;
    int k = 0;
    memset(b, 0, sizeof *b);
    for (assay_case_get(k, &c); strcmp(c.id, case_id); assay_case_get(++k, &c))
        assert_true(k + 1 < assay_case_count());
    assert_int_equal(assay_subject_make(&c, ASSAY_FP32, 7, NULL, NULL, &b->subject), ASSAY_OK);
    b->declared = assay_arithmetic_by_name("fp32")->arithmetic;
    b->o = assay_subject_oracle(&b->subject, ASSAY_WITH_ALL, roles, &b->declared, &st);
    assert_non_null(b->o);
    assert_int_equal(assay_values_make(&b->subject.p, roles, &b->got), ASSAY_OK);
    for (int id = 0; id < ASSAY_TENSORS; id++)
        if (assay_tensor_find(&b->subject.p, id, &b->x) && b->got.at[id])
            memcpy(b->got.at[id], b->o->truth.at[id], (size_t)b->x.count * sizeof(double));
    assert_true(assay_tensor_find(&b->subject.p, assay_tensor_by_name(&b->subject.p, tensor), &b->x));
    b->v = b->got.at[b->x.id];
    b->s = (assay_symptom){
        .p = &b->subject.p, .given = &b->subject.given, .got = &b->got, .o = b->o, .declared = &b->declared};
    b->s.failed[b->x.id] = 1;
}

static void expect(bed *b, int recognised, const char *words)
{
    assert_int_equal(assay_diagnose(&b->s, b->text, sizeof b->text), recognised);
    if (!strstr(b->text, words)) fail_msg("'%s' does not say '%s'", b->text, words);
    assay_values_free(&b->got);
    assay_subject_free(&b->subject);
}

static const char plain[] = "rnn/lstm.uni.l1.t5.n3.i4.h6.plain", ragged[] = "rnn/lstm.bi.l1.t6.n4.i3.h4.ragged";

static const double *truth_of(const bed *b)
{
    return b->o->truth.at[b->x.id];
}

static void a_factor_and_a_sign_are_named(void **state)
{
    bed b;
    (void)state;
    set_up(&b, plain, "dx");
    for (int64_t e = 0; e < b.x.count; e++)
        b.v[e] *= -1;
    expect(&b, 1, "dx: the truth times -1: its sign is wrong; 9 others hold");
    set_up(&b, plain, "y");
    for (int64_t e = 0; e < b.x.count; e++)
        b.v[e] /= 3;
    expect(&b, 1, "y: the truth times 1/N");
    set_up(&b, plain, "y");
    for (int64_t e = 0; e < b.x.count; e++)
        b.v[e] *= 1.37;
    expect(&b, 1, "y: the truth times 1.37");
}

static void one_step_off_and_time_reversed_are_named(void **state)
{
    const int64_t step = 3 * 6;
    bed b;
    (void)state;
    set_up(&b, plain, "y");
    memcpy(b.v + step, truth_of(&b), (size_t)(b.x.count - step) * sizeof *b.v);
    expect(&b, 1, "y: off by one step: at t the truth of t-1");
    set_up(&b, plain, "y");
    for (int t = 0; t < 5; t++)
        memcpy(b.v + t * step, truth_of(&b) + (4 - t) * step, (size_t)step * sizeof *b.v);
    expect(&b, 1, "y: reversed in time");
}

static void swapped_gates_samples_and_directions_are_named(void **state)
{
    bed b;
    (void)state;
    set_up(&b, plain, "dW.l0.f");
    memcpy(b.v + 1 * 24, truth_of(&b) + 2 * 24, 24 * sizeof *b.v);
    memcpy(b.v + 2 * 24, truth_of(&b) + 1 * 24, 24 * sizeof *b.v);
    expect(&b, 1, "dW.l0.f: gates f and g swapped");
    set_up(&b, plain, "dh0");
    for (int n = 0; n < 3; n++)
        memcpy(b.v + n * 6, truth_of(&b) + (n + 1) % 3 * 6, 6 * sizeof *b.v);
    expect(&b, 1, "dh0: samples permuted: 1 2 0");
    set_up(&b, plain, "dh0");
    for (int n = 0; n < 3; n++)
        memcpy(b.v + n * 6, truth_of(&b) + 6, 6 * sizeof *b.v);
    expect(&b, 1, "dh0: all samples are those of sample 1");
    set_up(&b, ragged, "hn");
    memcpy(b.v, truth_of(&b) + 16, 16 * sizeof *b.v);
    memcpy(b.v + 16, truth_of(&b), 16 * sizeof *b.v);
    expect(&b, 1, "hn: forward and reverse swapped");
}

static void a_transposed_weight_and_another_tensor_are_named(void **state)
{
    bed b;
    (void)state;
    set_up(&b, plain, "dR.l0.f");
    for (int r = 0; r < 24; r++)
        for (int c = 0; c < 6; c++)
            b.v[r * 6 + c] = truth_of(&b)[(r / 6 * 6 + c) * 6 + r % 6];
    expect(&b, 1, "dR.l0.f: transposed");
    set_up(&b, plain, "hn");
    memcpy(b.v, b.subject.given.at[ASSAY_H0], (size_t)b.x.count * sizeof *b.v);
    expect(&b, 1, "hn: equal to h0");
}

static void nothing_and_no_number_are_told_apart_and_placed(void **state)
{
    bed b;
    float fill;
    (void)state;
    memset(&fill, 0xff, sizeof fill);
    set_up(&b, plain, "y");
    for (int64_t e = 4 * 18; e < b.x.count; e++)
        b.v[e] = fill;
    expect(&b, 1, "y: not written, or made of memory that nobody wrote: t 4");
    set_up(&b, plain, "y");
    for (int64_t e = 0; e < b.x.count; e++)
        if (e / 6 % 3 == 1) b.v[e] = 0;
    expect(&b, 1, "y: zero: sample 1");
    set_up(&b, plain, "y");
    b.v[20] = NAN;
    expect(&b, 1, "y: NaN: 1 of 90 elements, first at t 1, sample 0, unit 2");
}

static void the_truth_of_the_data_before_is_stale(void **state)
{
    bed b;
    assay_status st;
    (void)state;
    set_up(&b, plain, "dx");
    const assay_oracle *other = assay_subject_oracle(&b.subject, ASSAY_WITH_OTHER, roles, &b.declared, &st);
    memcpy(b.v, other->truth.at[ASSAY_DX], (size_t)b.x.count * sizeof *b.v);
    b.s.subject = &b.subject;
    expect(&b, 1, "dx: stale: the truth of the other data");
}

/* What was to be made is no function of the data alone, as a sum with another truth is none, and the plain truth came
 * back: no dialect is to blame, though one that is the same function on these data exists. */
static void no_dialect_is_blamed_where_the_truth_is_a_sum(void **state)
{
    enum { COUNT = 5 * 3 * 4 };
    double wanted[COUNT];
    assay_oracle sum;
    bed b;
    (void)state;
    set_up(&b, plain, "dx");
    assert_int_equal(b.x.count, COUNT);
    for (int e = 0; e < COUNT; e++)
        wanted[e] = b.v[e] * (1 + e % 3);
    sum = *b.o;
    sum.truth.at[ASSAY_DX] = wanted;
    b.s.o = &sum;
    expect(&b, 0, "dx: not recognised");
}

static void what_nothing_explains_is_placed_and_not_named(void **state)
{
    bed b;
    (void)state;
    set_up(&b, plain, "dW.l0.f");
    for (int64_t e = 2 * 24; e < 3 * 24; e++)
        b.v[e] *= 1 + 0.1 * sin((double)(e * e));
    expect(&b, 0, "dW.l0.f: not recognised");
    set_up(&b, plain, "dW.l0.f");
    for (int64_t e = 2 * 24; e < 3 * 24; e++)
        b.v[e] += 0.1 + 0.1 * sin((double)(e * e));
    expect(&b, 0, "wrong gate g; 9 others hold");
}

static void every_cause_that_is_asked_for_belongs_to_a_mutant(void **state)
{
    int found = 0;
    (void)state;
    for (int k = 0; k < assay_mutant_count(); k++)
        found += assay_mutant_cause(assay_mutant_get(k)->name) != NULL;
    assert_int_equal(found, assay_mutant_cause_count());
    assert_true(found >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_factor_and_a_sign_are_named),
        cmocka_unit_test(one_step_off_and_time_reversed_are_named),
        cmocka_unit_test(swapped_gates_samples_and_directions_are_named),
        cmocka_unit_test(a_transposed_weight_and_another_tensor_are_named),
        cmocka_unit_test(nothing_and_no_number_are_told_apart_and_placed),
        cmocka_unit_test(the_truth_of_the_data_before_is_stale),
        cmocka_unit_test(no_dialect_is_blamed_where_the_truth_is_a_sum),
        cmocka_unit_test(what_nothing_explains_is_placed_and_not_named),
        cmocka_unit_test(every_cause_that_is_asked_for_belongs_to_a_mutant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
