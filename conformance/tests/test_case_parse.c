/* test_case_parse.c: ids are read and spelt: those of the table mean what the table says, others what they spell.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "conformance/case_parse.h"

static void read_well(const char *text, assay_case_spec *spec, assay_case *c)
{
    char why[256] = "";
    if (assay_case_parse(text, spec, c, why, sizeof why) != ASSAY_OK) fail_msg("%s", why);
}

static void expect_refused(const char *text, const char *words)
{
    assay_case_spec spec;
    assay_case c;
    char why[256] = "";
    assert_int_equal(assay_case_parse(text, &spec, &c, why, sizeof why), ASSAY_BAD_ARGUMENT);
    if (!strstr(why, words) || strchr(why, '\n')) fail_msg("'%s' does not say '%s'", why, words);
}

static void ids_of_the_table_mean_their_rows_and_are_spelt_as_they_were(void **state)
{
    (void)state;
    for (int k = 0; k < assay_case_count(); k++) {
        assay_case_spec spec;
        assay_case c, table;
        assay_case_get(k, &table);
        read_well(table.id, &spec, &c);
        if (memcmp(&c.problem, &table.problem, sizeof c.problem) != 0) fail_msg("%s: another problem", table.id);
        assert_int_equal(c.flags, table.flags);
        assert_int_equal(c.ragged, table.ragged);
        assert_true(assay_case_spell(&spec));
        assert_string_equal(spec.id, table.id);
        assert_true(assay_case_is_in_table(table.id));
    }
}

static void an_id_without_a_tag_is_a_plain_case(void **state)
{
    assay_case_spec spec;
    assay_case c;
    (void)state;
    read_well("rnn/gru.bi.l2.t3.n2.i4.h5", &spec, &c);
    assert_int_equal(c.problem.directions, 2);
    assert_int_equal(c.problem.layers, 2);
    assert_int_equal(c.problem.h, 5);
    assert_int_equal(c.ragged, 0);
    assert_string_equal(c.id, "rnn/gru.bi.l2.t3.n2.i4.h5");
    assert_false(assay_case_is_in_table(c.id));
    assert_true(assay_case_spell(&spec));
    assert_string_equal(spec.id, c.id);
    read_well("ctc/ctc-mean.t4.n2.k5", &spec, &c);
    assert_int_equal(c.problem.labels, 2);
}

static void a_tag_brings_the_rest_of_its_row_cut_to_size(void **state)
{
    assay_case_spec spec;
    assay_case c;
    (void)state;
    read_well("rnn/lstm.uni.l1.t4.n3.i3.h5.ragged", &spec, &c); /* in the table: t 7, lengths 3 7 0 1 5 */
    assert_int_equal(c.ragged, 1);
    assert_int_equal(spec.row.lens[1], 4);
    assert_int_equal(spec.row.lens[2], 0);
    read_well("network/lstm.uni.l1.t2.n2.i3.h4.every.k3.v5", &spec, &c); /* classes 9, vocabulary 11 */
    assert_int_equal(c.problem.classes, 3);
    assert_int_equal(c.problem.vocab, 5);
    assert_int_equal(c.problem.head, ASSAY_HEAD_EVERY);
    assert_true(assay_case_spell(&spec));
    assert_string_equal(spec.id, "network/lstm.uni.l1.t2.n2.i3.h4.every.k3.v5");
}

static void lengths_and_labels_can_be_spelt(void **state)
{
    assay_case_spec spec;
    assay_case c;
    (void)state;
    read_well("rnn/lstm.uni.l1.t4.n3.i3.h5.lens4-0-2", &spec, &c);
    assert_int_equal(c.ragged, 1);
    assert_int_equal(spec.row.lens[2], 2);
    assert_true(assay_case_spell(&spec));
    assert_string_equal(spec.id, "rnn/lstm.uni.l1.t4.n3.i3.h5.lens4-0-2");
    read_well("ctc/ctc-mean.t6.n2.k5.plain.u2-0", &spec, &c);
    assert_int_equal(c.problem.labels, 2);
    assert_int_equal(c.problem.max_label, 2);
}

static void what_is_no_id_is_refused_in_one_line(void **state)
{
    (void)state;
    expect_refused("", "expected rnn/, xent/, ctc/ or network/");
    expect_refused("conv/x", "expected rnn/, xent/, ctc/ or network/");
    expect_refused("rnn/lsmt.uni.l1.t2.n1.i1.h3", "expected a dialect");
    expect_refused("rnn/lstm.both.l1.t2.n1.i1.h3", "expected uni or bi");
    expect_refused("rnn/lstm.uni.l1.n1.i1.h3", "expected tSTEPS at 'n1.i1.h3'");
    expect_refused("rnn/lstm.uni.l1.t2.n1.i1.h3x", "expected hHIDDEN");
    expect_refused("rnn/lstm.uni.l1.t2.n1.i1.h100001", "expected sizes of 100000 at most at 'h100001'");
    expect_refused("rnn/lstm.uni.l1.t2.n1.i1.h3.nosuch", "expected the tag of a case");
    expect_refused("network/lstm.uni.l3.t4.n1.i3.h4.every.u5", "expected lensA-B, kCLASSES or vVOCABULARY");
    expect_refused("rnn/lstm.uni.l9.t2.n1.i1.h3", "problem.layers");
    expect_refused("rnn/lstm.uni.l1.t4.n3.i3.h5.lens4-0", "a number for each");
    expect_refused("rnn/lstm.uni.l1.t4.n3.i3.h5.lens4-0-2-1", "no more");
    expect_refused("rnn/lstm.uni.l1.t4.n3.i3.h5.lens4-0-9", "lengths of at most T");
    expect_refused("xent/xent-mean.t1.n6.k5.plain.k7", "expected lens");
    expect_refused("network/lstm.uni.l1.t2.n1.i1.h3", "expected the tag of a network");
    expect_refused("rnn/lstm.uni.l1.t1000.n1000.i1000.h1000", "multiply-adds");
    expect_refused("rnn/lstm.uni.l1.t0.n2.i3.h5000", "numbers in all tensors"); /* no work, and yet 1.6 GB */
    expect_refused("xent/xent-mean.t1000.n1000.k1000", "numbers in all tensors");
    assert_false(assay_case_is_id("rnn/lstm*"));
    assert_true(assay_case_is_id("rnn/lstm.uni.l1.t2.n1.i1.h3"));
}

/* The data, too: a case of one's own gives what it promises. */
static void data_of_a_spelt_case_are_valid(void **state)
{
    assay_case_spec spec;
    assay_case c;
    assay_values v;
    int64_t step;
    char why[256];
    (void)state;
    read_well("ctc/ctc-padded.t5.n3.k4.u2-0-1", &spec, &c);
    assert_int_equal(c.fill(&c, 3, 1, &v, &step), ASSAY_OK);
    assert_int_equal(assay_integers_check(&c.problem, v.at[ASSAY_IDS], v.at[ASSAY_LENS], v.at[ASSAY_LABELS],
                                          v.at[ASSAY_LABEL_LENS], why, sizeof why),
                     ASSAY_OK);
    assay_values_free(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_of_the_table_mean_their_rows_and_are_spelt_as_they_were),
        cmocka_unit_test(an_id_without_a_tag_is_a_plain_case),
        cmocka_unit_test(a_tag_brings_the_rest_of_its_row_cut_to_size),
        cmocka_unit_test(lengths_and_labels_can_be_spelt),
        cmocka_unit_test(what_is_no_id_is_refused_in_one_line),
        cmocka_unit_test(data_of_a_spelt_case_are_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
