/* test_certificate.c: a certificate speaks of these bytes, this device, this suite, and of nothing else.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/case.h"
#include "conformance/certificate.h"
#include "conformance/file.h"
#include "conformance/tests/folder.h"

#define THREADS 2

static const assay_problem network = {.op = ASSAY_OP_NETWORK,
                                      .arithmetic = ASSAY_FP32,
                                      .t = 4,
                                      .n = 2,
                                      .i = 3,
                                      .h = 4,
                                      .layers = 1,
                                      .directions = 1,
                                      .classes = 3,
                                      .head = ASSAY_HEAD_LAST,
                                      .loss = ASSAY_LOSS_XENT,
                                      .dialect = {.cell = ASSAY_LSTM, .biases = ASSAY_BIAS_TWO}};

static assay_session_info about(void)
{
    assay_session_info a;
    memset(&a, 0, sizeof a);
    snprintf(a.name, sizeof a.name, "mine");
    snprintf(a.version, sizeof a.version, "1");
    memset(a.plugin_hash, 'a', 64);
    memset(a.mapped_hash, 'b', 64);
    return a;
}

/* One result of a check on a network like the above, or on the part of it that op names. */
static void note(assay_certificate *c, int op, const char *check, assay_verdict v, double margin)
{
    assay_problem p = network;
    assay_result r;
    p.op = op;
    memset(&r, 0, sizeof r);
    r.check = check;
    r.problem = &p;
    r.arithmetic = ASSAY_FP32;
    r.verdict = v;
    r.margin = margin;
    assay_certificate_note(c, &r);
}

static void a_device_of_its_own_is_the_one_that_is_named(void **state)
{
    (void)state;
    assay_certificate c;
    assay_session_info a = about();
    assay_certificate_begin(&a, "the host", ASSAY_FP32, ASSAY_LEVEL_ORDINARY, THREADS, 7, &c);
    assert_string_equal(c.device, "the host");
    snprintf(a.device, sizeof a.device, "a GPU");
    assay_certificate_begin(&a, "the host", ASSAY_FP32, ASSAY_LEVEL_ORDINARY, THREADS, 7, &c);
    assert_string_equal(c.device, "a GPU");
}

static assay_certificate passed(void)
{
    static const int ops[] = {ASSAY_OP_NETWORK, ASSAY_OP_RNN, ASSAY_OP_XENT};
    assay_certificate c;
    assay_session_info a = about();
    assay_certificate_begin(&a, "a device", ASSAY_FP32, ASSAY_LEVEL_ORDINARY, THREADS, 7, &c);
    for (size_t k = 0; k < sizeof ops / sizeof *ops; k++)
        for (int i = 0; i < assay_check_count(); i++)
            note(&c, ops[k], assay_check_get(i)->name, ASSAY_VERDICT_PASS, 0.25);
    note(&c, ASSAY_OP_RNN, "forward", ASSAY_VERDICT_PASS, 0.5);
    return c;
}

static int covers(const assay_certificate *c, const assay_problem *p, char *why, size_t why_size)
{
    const assay_need need = {p, 0, THREADS};
    return assay_certificate_covers(c, &need, why, why_size);
}

static void it_covers_what_passed(void **state)
{
    assay_certificate c = passed();
    char why[256];
    (void)state;
    assert_true(covers(&c, &network, why, sizeof why));
    assert_int_equal(c.count, 3);
    assert_true(c.groups[1].worst_margin == 0.5);
}

static void one_failure_closes_it(void **state)
{
    assay_certificate c = passed();
    char why[256], expected[256];
    (void)state;
    note(&c, ASSAY_OP_RNN, "forward", ASSAY_VERDICT_CRASHED, 0);
    assert_false(covers(&c, &network, why, sizeof why));
    snprintf(expected, sizeof expected, "mine: 1 of %d checks of rnn.lstm.b2 did not pass", assay_check_count() + 2);
    assert_string_equal(why, expected);
}

static void the_loss_of_a_network_must_be_proved_too(void **state)
{
    assay_certificate c = passed();
    assay_problem p = network;
    char why[256];
    (void)state;
    p.loss = ASSAY_LOSS_CTC;
    assert_false(covers(&c, &p, why, sizeof why));
    assert_string_equal(why, "mine: network.lstm.b2 has no pass of forward with CTC");
    for (int i = 0; i < assay_check_count(); i++) {
        assay_result r = {.check = assay_check_get(i)->name, .problem = &p, .arithmetic = ASSAY_FP32};
        assay_certificate_note(&c, &r);
    }
    assert_false(covers(&c, &p, why, sizeof why));
    assert_string_equal(why, "mine: nothing proved for ctc (0 checks UNSUPPORTED)");
    p = network;
    p.dialect.cell = ASSAY_GRU;
    assert_false(covers(&c, &p, why, sizeof why));
}

/* It passes the easy case and refuses the rest. */
static void one_pass_does_not_prove_what_was_refused(void **state)
{
    assay_certificate c = passed();
    assay_problem p = network;
    const assay_need ragged = {&network, 1, THREADS}, other = {&network, 0, THREADS + 1};
    char why[256];
    (void)state;
    p.layers = 2;
    assert_false(covers(&c, &p, why, sizeof why));
    assert_string_equal(why, "mine: network.lstm.b2 has no pass of forward with several layers");
    assert_false(assay_certificate_covers(&c, &ragged, why, sizeof why));
    assert_string_equal(why, "mine: network.lstm.b2 has no pass of forward with ragged lengths");
    assert_false(assay_certificate_covers(&c, &other, why, sizeof why));
    assert_string_equal(why, "mine: checked with 2 threads, to be timed with 3");
}

static void unsupported_is_counted_and_other_arithmetics_are_not(void **state)
{
    assay_certificate c = passed();
    assay_result r;
    char why[256];
    (void)state;
    note(&c, ASSAY_OP_CTC, "forward", ASSAY_VERDICT_UNSUPPORTED, 0);
    assert_int_equal(c.count, 4);
    assert_int_equal(c.groups[3].by[0].unsupported, 1);
    memset(&r, 0, sizeof r);
    r.problem = &network;
    r.arithmetic = ASSAY_FP64;
    r.verdict = ASSAY_VERDICT_FAIL;
    assay_certificate_note(&c, &r);
    assert_int_equal(c.count, 4);
    assert_true(covers(&c, &network, why, sizeof why)); /* the network does not use CTC */
}

static void a_file_that_was_replaced_meanwhile_proves_nothing(void **state)
{
    assay_certificate c = passed();
    assay_result r = {.check = "forward", .problem = &network, .arithmetic = ASSAY_FP32};
    char why[256];
    (void)state;
    r.plugin_hash = c.plugin_hash;
    assay_certificate_note(&c, &r);
    assert_true(covers(&c, &network, why, sizeof why));
    r.plugin_hash = c.mapped_hash; /* any other */
    assay_certificate_note(&c, &r);
    assert_false(covers(&c, &network, why, sizeof why));
    assert_string_equal(why, "mine: its file was replaced while it was checked");
    assert_int_equal(assay_certificate_write(test_folder(), &c, why, sizeof why), ASSAY_FAILED);
    assert_non_null(strstr(why, "replaced"));
}

/* A failure must not get lost because there is no room to count it. */
static void what_cannot_be_counted_closes_it(void **state)
{
    assay_certificate c = passed();
    char why[256];
    (void)state;
    note(&c, ASSAY_OP_RNN, "no such check", ASSAY_VERDICT_FAIL, 0);
    assert_false(covers(&c, &network, why, sizeof why));
    assert_non_null(strstr(why, "more kinds of results than a certificate holds"));
    assert_true(assay_check_count() <= ASSAY_CERTIFICATE_CHECKS);
}

/* Every case there is, in every check. */
static void the_full_set_fits_and_comes_back(void **state)
{
    static assay_certificate c, back;
    assay_session_info a = about();
    assay_case one;
    char why[256];
    (void)state;
    assay_certificate_begin(&a, "a device", ASSAY_FP32, ASSAY_LEVEL_FULL, THREADS, 7, &c);
    for (int k = 0; k < assay_case_count(); k++) {
        assay_case_get(k, &one);
        for (int i = 0; i < assay_check_count(); i++) {
            const assay_result r = {.check = assay_check_get(i)->name,
                                    .problem = &one.problem,
                                    .arithmetic = ASSAY_FP32,
                                    .ragged = one.ragged,
                                    .verdict = ASSAY_VERDICT_PASS};
            assay_certificate_note(&c, &r);
        }
    }
    printf("  %d groups of %d\n", c.count, ASSAY_CERTIFICATE_GROUPS);
    assert_int_equal(c.lost, 0);
    assert_true(c.count < ASSAY_CERTIFICATE_GROUPS);
    assert_int_equal(assay_certificate_write(test_folder(), &c, why, sizeof why), ASSAY_OK);
    assert_true(assay_certificate_read(test_folder(), &a, "a device", ASSAY_FP32, ASSAY_LEVEL_FULL, THREADS, &back));
    assert_int_equal(back.level, ASSAY_LEVEL_FULL);
    assert_memory_equal(back.groups, c.groups, sizeof c.groups);
}

static void it_comes_back_from_disk_for_the_same_bytes_only(void **state)
{
    assay_certificate c = passed(), back;
    assay_session_info a = about();
    char why[256];
    (void)state;
    assert_int_equal(assay_certificate_write(test_folder(), &c, why, sizeof why), ASSAY_OK);
    assert_true(assay_certificate_read(test_folder(), &a, "a device", ASSAY_FP32, ASSAY_LEVEL_QUICK, THREADS, &back));
    assert_string_equal(back.hash, c.hash);
    assert_int_equal(back.count, 3);
    assert_true(back.seed == 7);
    assert_true(covers(&back, &network, why, sizeof why));
    assert_memory_equal(back.groups, c.groups, sizeof c.groups);

    assert_false(
        assay_certificate_read(test_folder(), &a, "another device", ASSAY_FP32, ASSAY_LEVEL_QUICK, THREADS, &back));
    assert_false(assay_certificate_read(test_folder(), &a, "a device", ASSAY_FP64, ASSAY_LEVEL_QUICK, THREADS, &back));
    assert_false(assay_certificate_read(test_folder(), &a, "a device", ASSAY_FP32, ASSAY_LEVEL_FULL, THREADS, &back));
    assert_false(
        assay_certificate_read(test_folder(), &a, "a device", ASSAY_FP32, ASSAY_LEVEL_QUICK, THREADS + 1, &back));
    a.plugin_hash[0] = 'c';
    assert_false(assay_certificate_read(test_folder(), &a, "a device", ASSAY_FP32, ASSAY_LEVEL_QUICK, THREADS, &back));
}

static void a_damaged_one_is_none(void **state)
{
    assay_session_info a = about();
    assay_certificate back;
    char path[256], why[256];
    (void)state;
    memset(a.mapped_hash, 'd', 64);
    snprintf(path, sizeof path, "%s/mine.fp32.t2.dddddddddddddddd.json", test_folder());
    assert_int_equal(assay_file_write(path, "{\"assay_certificate\": 2,", 24, why, sizeof why), ASSAY_OK);
    assert_false(assay_certificate_read(test_folder(), &a, "a device", ASSAY_FP32, ASSAY_LEVEL_QUICK, THREADS, &back));
    assert_int_equal(assay_file_write(path, "{}", 2, why, sizeof why), ASSAY_OK);
    assert_false(assay_certificate_read(test_folder(), &a, "a device", ASSAY_FP32, ASSAY_LEVEL_QUICK, THREADS, &back));
}

static void a_folder_that_is_not_there_is_said(void **state)
{
    assay_certificate c = passed();
    char why[256] = "";
    (void)state;
    assert_int_not_equal(assay_certificate_write("/nowhere/at/all", &c, why, sizeof why), ASSAY_OK);
    assert_non_null(strstr(why, "/nowhere/at/all"));
}

static void a_gate_without_a_plugin_stays_shut(void **state)
{
    const assay_need need = {&network, 0, 1};
    assay_gate g;
    assay_certificate c;
    char why[256] = "";
    (void)state;
    memset(&g, 0, sizeof g);
    g.plugin = g.label = "/nowhere/plugin.so";
    g.folder = test_folder();
    g.device = "a device";
    g.suite.worker = ASSAY_WORKER;
    assert_int_not_equal(assay_gate_open(&g, &need, &c, why, sizeof why), ASSAY_OK);
    assert_non_null(strstr(why, "/nowhere/plugin.so"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_of_its_own_is_the_one_that_is_named),
        cmocka_unit_test(it_covers_what_passed),
        cmocka_unit_test(one_failure_closes_it),
        cmocka_unit_test(the_loss_of_a_network_must_be_proved_too),
        cmocka_unit_test(one_pass_does_not_prove_what_was_refused),
        cmocka_unit_test(unsupported_is_counted_and_other_arithmetics_are_not),
        cmocka_unit_test(a_file_that_was_replaced_meanwhile_proves_nothing),
        cmocka_unit_test(what_cannot_be_counted_closes_it),
        cmocka_unit_test(the_full_set_fits_and_comes_back),
        cmocka_unit_test(it_comes_back_from_disk_for_the_same_bytes_only),
        cmocka_unit_test(a_damaged_one_is_none),
        cmocka_unit_test(a_folder_that_is_not_there_is_said),
        cmocka_unit_test(a_gate_without_a_plugin_stays_shut),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
