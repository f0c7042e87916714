/* test_narrow.c: floors of narrow formats let every honest run pass, show planted faults, and are found by block noise
 * as far as that is used. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/floor_validate.h"
#include "conformance/names.h"
#include "conformance/subject.h"
#include "reference/reference.h"
#include "reference/rounding.h"

static const unsigned roles = 1u << ASSAY_ROLE_FORWARD | 1u << ASSAY_ROLE_GRADIENT;

/* Largest margin of a run against the oracle over the tensors that the case judges; NaN counts as infinite. */
static double margin_of(const assay_subject *s, const assay_arithmetic *a, const assay_oracle *o,
                        const assay_values *run)
{
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(&s->p, list);
    double worst = 0;
    for (int k = 0; k < count; k++) {
        const int id = list[k].id;
        assay_metric m;
        assay_distance d;
        unsigned char *zero;
        if (!(roles >> list[k].role & 1u) || assay_names_hold(s->c->ungated, ' ', list[k].name)) continue;
        assert_int_equal(assay_metric_make(&s->p, &s->given, &list[k], &m, &zero), ASSAY_OK);
        assay_distance_measure(&m, run->at[id], o->truth.at[id], &d);
        free(zero);
        const assay_finding f =
            assay_finding_judge(list[k].name, &m, &d, &o->floor[id], a->store, assay_floor_bound(&s->p, a));
        if (f.verdict != ASSAY_VERDICT_ILL_POSED && !(f.margin <= worst)) worst = isnan(f.margin) ? INFINITY : f.margin;
    }
    return worst;
}

/* The reference run in the declared arithmetic, every operation rounded; operands: assay_operand_rounding. */
static void run_with(const assay_subject *s, const assay_arithmetic *a, int mode, int operands, uint64_t seed,
                     assay_values *out)
{
    const assay_rounding r = {.mode = mode,
                              .operand = a->operand,
                              .accumulate = a->accumulate,
                              .store = a->store,
                              .activation_ulp = a->activation_ulp,
                              .batch_scale = 1,
                              .operand_rounds = operands,
                              .seed = seed};
    void *at[ASSAY_TENSORS];
    assert_int_equal(assay_values_make(&s->p, roles, out), ASSAY_OK);
    assay_values_join(&s->given, out, at);
    assay_rounding_sr(&r);
    assert_int_equal(assay_ref_evaluate_sr(&s->p, at, s->step), ASSAY_OK);
}

static void run_honestly(const assay_subject *s, const assay_arithmetic *a, int mode, uint64_t seed, assay_values *out)
{
    run_with(s, a, mode, ASSAY_OPERAND_EVEN, seed, out);
}

/* Worst margin over the cases asked in narrow formats of one run to nearest and three at random. */
static double worst_honest(const assay_arithmetic_row *a)
{
    double worst = 0;
    for (int k = 0; k < assay_case_count(); k++) {
        assay_case c;
        assay_subject s;
        assay_oracle o;
        assay_case_get(k, &c);
        if (!(c.flags & ASSAY_CASE_NARROW) || c.problem.op != ASSAY_OP_RNN) continue;
        assert_int_equal(assay_subject_make(&c, a->asked, 1, NULL, NULL, &s), ASSAY_OK);
        const assay_question q = {&s.p, &s.given, s.step, roles, &a->arithmetic, 77, NULL};
        assert_int_equal(assay_oracle_make(&q, &o), ASSAY_OK);
        for (uint64_t run = 0; run < 4; run++) {
            assay_values out;
            const int mode = run                       ? ASSAY_ROUND_STOCHASTIC
                             : a->arithmetic.truncates ? ASSAY_ROUND_TRUNCATE
                                                       : ASSAY_ROUND_NEAREST;
            run_honestly(&s, &a->arithmetic, mode, 1000 + run, &out);
            const double margin = margin_of(&s, &a->arithmetic, &o, &out);
            if (!(margin <= worst)) worst = margin;
            if (!(margin < 1)) print_error("%s: %s margin %.3g\n", a->name, c.id, margin);
            assay_values_free(&out);
        }
        assay_oracle_free(&o);
        assay_subject_free(&s);
    }
    return worst;
}

static void honest_runs_pass_in(const char *name)
{
    const double worst = worst_honest(assay_arithmetic_by_name(name));
    print_message("%s: worst honest margin %.3g\n", name, worst);
    assert_true(worst < 1);
}

static void honest_tf32_passes(void **state)
{
    (void)state;
    honest_runs_pass_in("tf32");
    honest_runs_pass_in("tf32-truncated");
}

static void honest_bf16_passes(void **state)
{
    (void)state;
    honest_runs_pass_in("bf16");
    honest_runs_pass_in("bf16-operands");
    honest_runs_pass_in("bf16-truncated");
}

static void honest_fp16_passes(void **state)
{
    (void)state;
    honest_runs_pass_in("fp16");
    honest_runs_pass_in("fp16-operands");
    honest_runs_pass_in("fp16-truncated");
}

static void honest_opaque_passes(void **state)
{
    (void)state;
    honest_runs_pass_in("tf32-opaque");
    honest_runs_pass_in("bf16-opaque");
    honest_runs_pass_in("fp16-opaque");
}

/* An oracle of one case, in the named arithmetic. */
static void ask(const char *tag, const char *name, assay_subject *s, assay_oracle *o)
{
    const assay_arithmetic_row *a = assay_arithmetic_by_name(name);
    assay_case c;
    int k = 0;
    for (assay_case_get(k, &c); !strstr(c.id, tag); assay_case_get(k, &c))
        k++;
    assert_int_equal(assay_subject_make(&c, a->asked, 3, NULL, NULL, s), ASSAY_OK);
    const assay_question q = {&s->p, &s->given, s->step, roles, &a->arithmetic, 77, NULL};
    assert_int_equal(assay_oracle_make(&q, o), ASSAY_OK);
}

/* Margin of a run in one case; every third number of x and h0 lies on a tie of TF32 if `tied`. */
static double margin_where_operands(int operands, int tied)
{
    const assay_arithmetic_row *a = assay_arithmetic_by_name("tf32");
    assay_subject s;
    assay_oracle o;
    assay_values out;
    ask("rnn/lstm.uni.l1.t5.n3.i4.h6.plain", "tf32", &s, &o);
    assay_oracle_free(&o);
    assay_tensor list[ASSAY_TENSORS];
    const int count = assay_tensors_of(&s.p, list);
    for (int k = 0; tied && k < count; k++) {
        double *x = list[k].id == ASSAY_X || list[k].id == ASSAY_H0 ? s.given.at[list[k].id] : NULL;
        for (int64_t i = 0; x && i < list[k].count; i += 3)
            x[i] = copysign(1 + (floor(fmod(fabs(x[i]), 1) * 1024) + 0.5) / 1024, x[i]);
    }
    const assay_question q = {&s.p, &s.given, s.step, roles, &a->arithmetic, 77, NULL};
    assert_int_equal(assay_oracle_make(&q, &o), ASSAY_OK);
    run_with(&s, &a->arithmetic, ASSAY_ROUND_NEAREST, operands, 5, &out);
    const double margin = margin_of(&s, &a->arithmetic, &o, &out);
    print_message("operands %d, tied %d: margin %.3g\n", operands, tied, margin);
    assay_values_free(&out);
    assay_oracle_free(&o);
    assay_subject_free(&s);
    return margin;
}

static void ties_of_tf32_go_either_way(void **state)
{
    (void)state;
    assert_true(margin_where_operands(ASSAY_OPERAND_EVEN, 1) < 1);
    assert_true(margin_where_operands(ASSAY_OPERAND_AWAY, 1) < 1);
}

static void operands_cut_to_tf32_fail(void **state)
{
    (void)state;
    assert_true(margin_where_operands(ASSAY_OPERAND_EVEN, 0) < 1);
    assert_true(margin_where_operands(ASSAY_OPERAND_CUT, 0) > 2);
}

static double phi_of_dx(const char *tag, const char *name, int32_t *runs)
{
    assay_subject s;
    assay_oracle o;
    ask(tag, name, &s, &o);
    const double phi = o.floor[ASSAY_DX].phi;
    *runs = o.runs;
    assay_oracle_free(&o);
    assay_subject_free(&s);
    return phi;
}

static void a_quantised_oracle_is_far_tighter_than_an_opaque_one(void **state)
{
    int32_t runs;
    (void)state;
    const double quantised = phi_of_dx("rnn/lstm.uni.l1.t5.n3.i4.h6.plain", "tf32", &runs);
    assert_int_equal(runs,
                     10 * ASSAY_FLOOR_RUNS); /* a tiny case: four times as many, ties once to even; two of flips */
    const double opaque = phi_of_dx("rnn/lstm.uni.l1.t5.n3.i4.h6.plain", "tf32-opaque", &runs);
    assert_true(opaque > 5 * quantised);
    assert_true(opaque > 1e-4 && opaque < 1e-2);
}

static void truncation_is_measured_beside_random_rounding(void **state)
{
    int32_t runs;
    (void)state;
    const double plain = phi_of_dx("rnn/gru.uni.l1.t100.n2.i3.h8.long", "tf32", &runs);
    assert_int_equal(runs, 4 * ASSAY_FLOOR_RUNS);
    const double truncated = phi_of_dx("rnn/gru.uni.l1.t100.n2.i3.h8.long", "tf32-truncated", &runs);
    assert_int_equal(runs, 6 * ASSAY_FLOOR_RUNS);
    assert_true(truncated >= plain);
}

static void expect_agreement(const char *arithmetic, int method)
{
    static assay_floor_ratio ratios[ASSAY_TENSORS];
    const assay_arithmetic_row *a = assay_arithmetic_by_name(arithmetic);
    int compared = 0;
    for (int k = 0; k < assay_case_count(); k++) {
        assay_case c;
        int count;
        assay_case_get(k, &c);
        if (!(c.flags & ASSAY_CASE_NARROW) || c.problem.op != ASSAY_OP_RNN) continue;
        assert_int_equal(assay_floor_validate(&c, a, 3, method, ratios, &count), ASSAY_OK);
        for (int i = 0; i < count; i++) {
            if (!ratios[i].counts) continue;
            compared++;
            if (!(ratios[i].ratio < ASSAY_BLOCK_FACTOR && ratios[i].ratio > 1 / ASSAY_BLOCK_FACTOR))
                fail_msg("%s %s: %.3g of the floor by operation", c.id, ratios[i].tensor, ratios[i].ratio);
        }
    }
    assert_true(compared > 50);
}

static void block_noise_agrees_where_it_is_used(void **state)
{
    (void)state;
    expect_agreement("fp16", ASSAY_FLOOR_BLOCK);
}

static void rounded_sums_agree_where_they_are_used(void **state)
{
    (void)state;
    expect_agreement("bf16-operands", ASSAY_FLOOR_ROUNDED);
}

static void rounded_sums_are_used_for_operands_in_bf16_alone(void **state)
{
    (void)state;
    for (int k = 0; k < assay_arithmetic_count(); k++) {
        const assay_arithmetic_row *a = assay_arithmetic_get(k);
        assert_int_equal(assay_arithmetic_has_rounded(&a->arithmetic), !strcmp(a->name, "bf16-operands"));
        assert_string_equal(assay_arithmetic_name(&a->arithmetic), a->name);
    }
}

static void block_noise_is_used_where_it_was_found_to_agree(void **state)
{
    (void)state;
    assert_true(assay_arithmetic_has_block(&assay_arithmetic_by_name("fp32")->arithmetic));
    assert_true(assay_arithmetic_has_block(&assay_arithmetic_by_name("fp16-truncated")->arithmetic));
    assert_false(assay_arithmetic_has_block(&assay_arithmetic_by_name("tf32")->arithmetic));
    assert_false(assay_arithmetic_has_block(&assay_arithmetic_by_name("bf16")->arithmetic));
    assert_false(assay_arithmetic_has_block(&assay_arithmetic_by_name("fp16-opaque")->arithmetic));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(honest_tf32_passes),
        cmocka_unit_test(honest_bf16_passes),
        cmocka_unit_test(honest_fp16_passes),
        cmocka_unit_test(honest_opaque_passes),
        cmocka_unit_test(ties_of_tf32_go_either_way),
        cmocka_unit_test(operands_cut_to_tf32_fail),
        cmocka_unit_test(a_quantised_oracle_is_far_tighter_than_an_opaque_one),
        cmocka_unit_test(truncation_is_measured_beside_random_rounding),
        cmocka_unit_test(block_noise_agrees_where_it_is_used),
        cmocka_unit_test(rounded_sums_agree_where_they_are_used),
        cmocka_unit_test(rounded_sums_are_used_for_operands_in_bf16_alone),
        cmocka_unit_test(block_noise_is_used_where_it_was_found_to_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
