/* test_gate.c: the quick cases prove enough for every documented workload; and whoever refuses a feature that a
 * workload uses, or was not put to a check, has no certificate for it. SPDX-License-Identifier: MIT */
#include "conformance/certificate.h"
#include "conformance/feature.h"
#include "perf/workload.h"

#include <stdio.h>
#include <string.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define THREADS 2

/* What an implementation's run of the quick cases would leave: all pass, but it refuses cases with one of these
 * features, and was not put to this check (NULL: to all). */
static assay_certificate run_of(uint64_t refused, const char *left_out)
{
    static const assay_session_info about = {.name = "mine"};
    assay_certificate c;
    assay_certificate_begin(&about, "a device", ASSAY_FP32, ASSAY_LEVEL_QUICK, THREADS, 7, &c);
    for (int k = 0; k < assay_case_count(); k++) {
        assay_case each;
        assay_case_get(k, &each);
        int refuses = (assay_features_of(&each.problem, each.ragged) & refused) != 0;
        for (int i = 0; i < assay_check_count() && (each.flags & ASSAY_CASE_QUICK); i++) {
            const assay_check *check = assay_check_get(i);
            if ((check->applies && !check->applies(&each)) || (left_out && !strcmp(left_out, check->name))) continue;
            const assay_result r = {.check = check->name,
                                    .problem = &each.problem,
                                    .ragged = each.ragged,
                                    .arithmetic = ASSAY_FP32,
                                    .verdict = refuses ? ASSAY_VERDICT_UNSUPPORTED : ASSAY_VERDICT_PASS};
            assay_certificate_note(&c, &r);
        }
    }
    return c;
}

static int covers(const assay_certificate *c, const assay_workload *w, char *why, size_t why_size)
{
    const assay_need need = {&w->problem, w->ragged, THREADS};
    return assay_certificate_covers(c, &need, why, why_size);
}

static void the_quick_cases_prove_enough_for_every_workload(void **state)
{
    const assay_certificate c = run_of(0, NULL);
    char why[512] = "";
    (void)state;
    for (int k = 0; k < assay_workload_count(); k++) {
        const assay_workload *w = assay_workload_get(k);
        if (!covers(&c, w, why, sizeof why)) fail_msg("%s: %s", w->id, why);
    }
}

static void no_feature_of_a_workload_can_be_left_unproved(void **state)
{
    (void)state;
    for (int f = 0; f < ASSAY_FEATURES; f++) {
        const assay_certificate c = run_of(UINT64_C(1) << f, NULL);
        for (int k = 0; k < assay_workload_count(); k++) {
            const assay_workload *w = assay_workload_get(k);
            char why[512] = "";
            int uses = assay_features_of(&w->problem, w->ragged) >> f & 1u, covered = covers(&c, w, why, sizeof why);
            if (uses && covered) fail_msg("%s is covered without %s", w->id, assay_feature_text(f));
            if (uses && !strstr(why, "no pass of") && !strstr(why, "UNSUPPORTED"))
                fail_msg("%s without %s: %s", w->id, assay_feature_text(f), why);
            if (!uses && !covered) fail_msg("%s does not use %s: %s", w->id, assay_feature_text(f), why);
        }
    }
}

/* Activations are swept in one direction of a few cells, which stand for all that share their code. */
static int is_for_all(const char *check)
{
    return strcmp(check, "documented") != 0 && strcmp(check, "arithmetic") != 0;
}

static void no_check_can_be_left_out(void **state)
{
    (void)state;
    for (int i = 0; i < assay_check_count(); i++) {
        const char *name = assay_check_get(i)->name;
        const assay_certificate c = run_of(0, name);
        for (int k = 0; k < assay_workload_count() && is_for_all(name); k++) {
            const assay_workload *w = assay_workload_get(k);
            char why[512] = "";
            int needed = strcmp(name, "lengths") != 0 || w->ragged;
            if (covers(&c, w, why, sizeof why) == needed) fail_msg("%s without %s: %s", w->id, name, why);
            if (needed) assert_non_null(strstr(why, name));
        }
    }
}

static void refuse(assay_group *g)
{
    for (int k = 0; k < ASSAY_CERTIFICATE_CHECKS; k++) {
        g->by[k].unsupported = g->by[k].passed;
        g->by[k].passed = 0;
    }
}

/* Each feature is proved by a case of its own; those that have both were refused. */
static void a_combination_that_was_refused_is_not_proved(void **state)
{
    const assay_workload *w = assay_workload_by_id("b4.blstm4-ctc-long");
    const uint64_t both = ASSAY_FEATURE_BIT(LAYERS) | ASSAY_FEATURE_BIT(RAGGED);
    assay_certificate c = run_of(0, NULL);
    char why[512] = "";
    int refused = 0;
    (void)state;
    for (int g = 0, count = c.count; g < count; g++) {
        if (strcmp(c.groups[g].key, "rnn.lstm.b2.bi") || c.groups[g].features != both) continue;
        assay_group *layers = &c.groups[c.count++];
        *layers = c.groups[g];
        layers->features = ASSAY_FEATURE_BIT(LAYERS);
        refuse(&c.groups[g]);
        refused++;
    }
    assert_int_equal(refused, 1);
    assert_false(covers(&c, w, why, sizeof why));
    assert_string_equal(why, "mine: rnn.lstm.b2.bi is UNSUPPORTED in forward with several layers, ragged lengths");
}

static void certificates_of_another_number_of_threads_prove_nothing(void **state)
{
    const assay_workload *w = assay_workload_by_id("b1.lstm-ce-short");
    const assay_certificate c = run_of(0, NULL);
    const assay_need need = {&w->problem, w->ragged, THREADS - 1};
    char why[512] = "";
    (void)state;
    assert_false(assay_certificate_covers(&c, &need, why, sizeof why));
    assert_string_equal(why, "mine: checked with 2 threads, to be timed with 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_quick_cases_prove_enough_for_every_workload),
        cmocka_unit_test(no_feature_of_a_workload_can_be_left_unproved),
        cmocka_unit_test(no_check_can_be_left_out),
        cmocka_unit_test(a_combination_that_was_refused_is_not_proved),
        cmocka_unit_test(certificates_of_another_number_of_threads_prove_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
