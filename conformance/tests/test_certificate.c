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

#include "conformance/certificate.h"
#include "conformance/file.h"

static char folder[] = "/tmp/assay-certificate-XXXXXX";

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

static void note(assay_certificate *c, int op, assay_verdict v, double margin)
{
    assay_problem p = network;
    assay_result r;
    p.op = op;
    memset(&r, 0, sizeof r);
    r.problem = &p;
    r.arithmetic = ASSAY_FP32;
    r.verdict = v;
    r.margin = margin;
    assay_certificate_note(c, &r);
}

static assay_certificate passed(void)
{
    assay_certificate c;
    assay_session_info a = about();
    assay_certificate_begin(&a, "a device", ASSAY_FP32, ASSAY_LEVEL_ORDINARY, 7, &c);
    note(&c, ASSAY_OP_NETWORK, ASSAY_VERDICT_PASS, 0.25);
    note(&c, ASSAY_OP_RNN, ASSAY_VERDICT_PASS, 0.5);
    note(&c, ASSAY_OP_RNN, ASSAY_VERDICT_PASS, 0.125);
    note(&c, ASSAY_OP_XENT, ASSAY_VERDICT_PASS, 0.125);
    return c;
}

static void it_covers_what_passed(void **state)
{
    assay_certificate c = passed();
    char why[256];
    (void)state;
    assert_true(assay_certificate_covers(&c, &network, why, sizeof why));
    assert_int_equal(c.count, 3);
    assert_true(c.covers[1].worst_margin == 0.5);
}

static void one_failure_closes_it(void **state)
{
    assay_certificate c = passed();
    char why[256];
    (void)state;
    note(&c, ASSAY_OP_RNN, ASSAY_VERDICT_CRASHED, 0);
    assert_false(assay_certificate_covers(&c, &network, why, sizeof why));
    assert_non_null(strstr(why, "1 of 3 checks of rnn.lstm.b2"));
}

static void the_loss_of_a_network_must_be_proved_too(void **state)
{
    assay_certificate c = passed();
    assay_problem p = network;
    char why[256];
    (void)state;
    p.loss = ASSAY_LOSS_CTC;
    assert_false(assay_certificate_covers(&c, &p, why, sizeof why));
    assert_non_null(strstr(why, "nothing proved for ctc"));
    p = network;
    p.dialect.cell = ASSAY_GRU;
    assert_false(assay_certificate_covers(&c, &p, why, sizeof why));
}

static void unsupported_and_other_arithmetics_count_for_nothing(void **state)
{
    assay_certificate c = passed();
    assay_result r;
    (void)state;
    note(&c, ASSAY_OP_CTC, ASSAY_VERDICT_UNSUPPORTED, 0);
    memset(&r, 0, sizeof r);
    r.problem = &network;
    r.arithmetic = ASSAY_FP64;
    r.verdict = ASSAY_VERDICT_FAIL;
    assay_certificate_note(&c, &r);
    assert_int_equal(c.count, 3);
}

static void it_comes_back_from_disk_for_the_same_bytes_only(void **state)
{
    assay_certificate c = passed(), back;
    assay_session_info a = about();
    char why[256];
    (void)state;
    assert_int_equal(assay_certificate_write(folder, &c, why, sizeof why), ASSAY_OK);
    assert_true(assay_certificate_read(folder, &a, "a device", ASSAY_FP32, ASSAY_LEVEL_QUICK, &back));
    assert_string_equal(back.hash, c.hash);
    assert_int_equal(back.count, 3);
    assert_true(back.seed == 7);
    assert_true(assay_certificate_covers(&back, &network, why, sizeof why));

    assert_false(assay_certificate_read(folder, &a, "another device", ASSAY_FP32, ASSAY_LEVEL_QUICK, &back));
    assert_false(assay_certificate_read(folder, &a, "a device", ASSAY_FP64, ASSAY_LEVEL_QUICK, &back));
    assert_false(assay_certificate_read(folder, &a, "a device", ASSAY_FP32, ASSAY_LEVEL_FULL, &back));
    a.plugin_hash[0] = 'c';
    assert_false(assay_certificate_read(folder, &a, "a device", ASSAY_FP32, ASSAY_LEVEL_QUICK, &back));
}

static void a_damaged_one_is_none(void **state)
{
    assay_session_info a = about();
    assay_certificate back;
    char path[256], why[256];
    (void)state;
    memset(a.mapped_hash, 'd', 64);
    snprintf(path, sizeof path, "%s/mine.fp32.dddddddddddddddd.json", folder);
    assert_int_equal(assay_file_write(path, "{\"assay_certificate\": 1,", 24, why, sizeof why), ASSAY_OK);
    assert_false(assay_certificate_read(folder, &a, "a device", ASSAY_FP32, ASSAY_LEVEL_QUICK, &back));
    assert_int_equal(assay_file_write(path, "{}", 2, why, sizeof why), ASSAY_OK);
    assert_false(assay_certificate_read(folder, &a, "a device", ASSAY_FP32, ASSAY_LEVEL_QUICK, &back));
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
    assay_gate g;
    assay_certificate c;
    char why[256] = "";
    (void)state;
    memset(&g, 0, sizeof g);
    g.plugin = g.label = "/nowhere/plugin.so";
    g.folder = folder;
    g.device = "a device";
    g.suite.threads = 1;
    g.suite.worker = ASSAY_WORKER;
    assert_int_not_equal(assay_gate_open(&g, &network, &c, why, sizeof why), ASSAY_OK);
    assert_non_null(strstr(why, "/nowhere/plugin.so"));
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char path[256];
    (void)state;
    snprintf(path, sizeof path, "%s/mine.fp32.bbbbbbbbbbbbbbbb.json", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/mine.fp32.dddddddddddddddd.json", folder);
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_covers_what_passed),
        cmocka_unit_test(one_failure_closes_it),
        cmocka_unit_test(the_loss_of_a_network_must_be_proved_too),
        cmocka_unit_test(unsupported_and_other_arithmetics_count_for_nothing),
        cmocka_unit_test(it_comes_back_from_disk_for_the_same_bytes_only),
        cmocka_unit_test(a_damaged_one_is_none),
        cmocka_unit_test(a_folder_that_is_not_there_is_said),
        cmocka_unit_test(a_gate_without_a_plugin_stays_shut),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
