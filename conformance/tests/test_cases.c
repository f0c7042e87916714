/* test_cases.c: the table of cases: ids unique, problems possible, data never trivial; and the tables of checks and
 * verdicts. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/mixes.h"
#include "conformance/pairs.h"
#include "conformance/suite.h"

static void ids_are_unique(void **state)
{
    (void)state;
    for (int a = 0; a < assay_case_count(); a++) {
        assay_case x, y;
        assay_case_get(a, &x);
        for (int b = a + 1; b < assay_case_count(); b++) {
            assay_case_get(b, &y);
            if (!strcmp(x.id, y.id)) fail_msg("two cases are called %s", x.id);
        }
    }
}

static void every_case_is_a_possible_problem_and_says_why(void **state)
{
    char why[256];
    (void)state;
    for (int k = 0; k < assay_case_count(); k++) {
        assay_case c;
        assay_case_get(k, &c);
        if (assay_problem_check(&c.problem, why, sizeof why) != ASSAY_OK) fail_msg("%s: %s", c.id, why);
        assert_true(c.why && strlen(c.why) > 8);
    }
}

static void every_dialect_of_a_case_is_in_the_table(void **state)
{
    (void)state;
    for (int k = 0; k < assay_case_count(); k++) {
        assay_case c;
        assay_case_get(k, &c);
        const assay_case_row *r = c.source;
        if (!assay_dialect_by_name(r->dialect)) fail_msg("%s: dialect '%s' is unknown", c.id, r->dialect);
    }
}

static void data_is_valid_and_depends_on_the_seed(void **state)
{
    char why[256];
    (void)state;
    for (int k = 0; k < assay_case_count(); k++) {
        assay_case c;
        assay_values a, b;
        int64_t step;
        assay_case_get(k, &c);
        assert_int_equal(c.fill(&c, 1, 1, &a, &step), ASSAY_OK);
        assert_int_equal(c.fill(&c, 2, 1, &b, &step), ASSAY_OK);
        if (assay_integers_check(&c.problem, a.at[ASSAY_IDS], a.at[ASSAY_LENS], a.at[ASSAY_LABELS],
                                 a.at[ASSAY_LABEL_LENS], why, sizeof why) != ASSAY_OK)
            fail_msg("%s: %s", c.id, why);
        const int id = a.at[ASSAY_X] ? ASSAY_X : assay_tensor_id(ASSAY_PARAM, ASSAY_W);
        assay_tensor x;
        assert_true(assay_tensor_find(&c.problem, id, &x));
        if (x.count > 0) assert_memory_not_equal(a.at[id], b.at[id], (size_t)x.count * sizeof(double));
        assay_values_free(&a);
        assay_values_free(&b);
    }
}

static int fits_fp32(const assay_tensor *x, const double *d)
{
    int fits = 1;
    for (int64_t e = 0; e < x->count; e++)
        fits &= d[e] == (double)(float)d[e];
    return fits;
}

/* fp32 data are what fp32 holds; fp64 data are the same numbers with all their bits, or a plugin that narrows its
 * inputs would not show. */
static void data_have_the_bits_of_the_arithmetic_asked_for(void **state)
{
    (void)state;
    for (int k = 0; k < assay_case_count(); k++) {
        assay_case c;
        assay_values narrow, wide;
        assay_tensor list[ASSAY_TENSORS];
        int64_t step;
        assay_case_get(k, &c);
        assert_int_equal(c.fill(&c, 5, 1, &narrow, &step), ASSAY_OK);
        c.problem.arithmetic = ASSAY_FP64;
        assert_int_equal(c.fill(&c, 5, 1, &wide, &step), ASSAY_OK);
        int count = assay_tensors_of(&c.problem, list);
        for (int j = 0; j < count; j++) {
            const assay_tensor *x = &list[j];
            const double *a = narrow.at[x->id], *b = wide.at[x->id];
            if (!a || x->integer || x->count < 3 || x->id == ASSAY_MASK) continue;
            if (!fits_fp32(x, a)) fail_msg("%s: %s has more bits than fp32 holds", c.id, x->name);
            if (fits_fp32(x, b)) fail_msg("%s: %s has no more bits in fp64 than in fp32", c.id, x->name);
            for (int64_t e = 0; e < x->count; e++)
                assert_true(a[e] == (double)(float)b[e]);
        }
        assay_values_free(&narrow);
        assay_values_free(&wide);
    }
}

/* All weights equal would hide any permutation of gates. */
static void no_real_tensor_is_constant(void **state)
{
    (void)state;
    for (int k = 0; k < assay_case_count(); k++) {
        assay_case c;
        assay_values v;
        assay_tensor list[ASSAY_TENSORS];
        int64_t step;
        assay_case_get(k, &c);
        assert_int_equal(c.fill(&c, 5, 1, &v, &step), ASSAY_OK);
        int count = assay_tensors_of(&c.problem, list);
        for (int j = 0; j < count; j++) {
            const double *d = v.at[list[j].id];
            int same = 1;
            if (!d || list[j].integer || list[j].count < 2) continue;
            for (int64_t e = 1; e < list[j].count; e++)
                same &= d[e] == d[0];
            if (same) fail_msg("%s: %s is constant", c.id, list[j].name);
        }
        assay_values_free(&v);
    }
}

/* Labels that count, of a class whose weight is 0, and of others. */
static void count_weighted(const assay_problem *p, const assay_values *v, int counts[2])
{
    const int32_t *labels = v->at[ASSAY_LABELS];
    const double *weights = v->at[ASSAY_CLASS_WEIGHTS];
    assay_tensor x;
    counts[0] = counts[1] = 0;
    if (!assay_tensor_find(p, ASSAY_LABELS, &x)) return;
    for (int32_t n = 0; n < p->n; n++)
        for (int32_t t = 0; t < (x.rank == 1 ? 1 : assay_length(p, v, n)); t++) {
            const int32_t label = labels[x.rank == 1 ? n : assay_row_of(p, t, n)];
            if (p->dialect.xent_ignores && label == p->dialect.xent_ignore_index) continue;
            counts[weights[label] == 0]++;
        }
}

/* Else a kernel that takes a weight of 0 for none would be killed at some seeds only. */
static void some_label_has_the_weight_0_whatever_the_seed(void **state)
{
    int found = 0;
    (void)state;
    for (int k = 0; k < assay_case_count(); k++) {
        assay_case c;
        assay_case_get(k, &c);
        for (uint64_t seed = 0; c.problem.dialect.xent_weighted && seed < 200; seed++) {
            assay_values v;
            int64_t step;
            int counts[2];
            assert_int_equal(c.fill(&c, seed, 0, &v, &step), ASSAY_OK);
            count_weighted(&c.problem, &v, counts);
            const int none_counts = strstr(c.id, ".weightless") != NULL;
            if (none_counts && counts[0] > 0) fail_msg("%s, seed %d: some label has a weight", c.id, (int)seed);
            const int can_differ = !none_counts && counts[0] + counts[1] > 1 && c.problem.classes > 1;
            if (can_differ && (counts[0] == 0 || counts[1] == 0))
                fail_msg("%s, seed %d: %d of the labels have the weight 0, %d another", c.id, (int)seed, counts[1],
                         counts[0]);
            assay_values_free(&v);
            found += can_differ;
        }
    }
    assert_true(found > 0);
}

static int is_constant(const int32_t *v, int64_t count)
{
    int same = 1;
    for (int64_t k = 1; k < count; k++)
        same &= v[k] == v[0];
    return same;
}

/* Labels or ids all equal would hide any mix-up of samples: where enough are drawn of enough classes, they differ. */
static void labels_and_ids_are_not_all_equal(void **state)
{
    int judged = 0;
    (void)state;
    for (int k = 0; k < assay_case_count(); k++) {
        static const int ids[] = {ASSAY_IDS, ASSAY_LABELS};
        assay_case c;
        assay_values v;
        int64_t step;
        assay_case_get(k, &c);
        assert_int_equal(c.fill(&c, 5, 1, &v, &step), ASSAY_OK);
        for (int j = 0; j < 2; j++) {
            assay_tensor x;
            if (!v.at[ids[j]] || !assay_tensor_find(&c.problem, ids[j], &x)) continue;
            int32_t values = ids[j] == ASSAY_IDS ? c.problem.vocab : c.problem.classes;
            if (x.count < 12 || values < 4) continue;
            if (is_constant(v.at[ids[j]], x.count)) fail_msg("%s: %s is constant", c.id, x.name);
            judged++;
        }
        assay_values_free(&v);
    }
    assert_true(judged >= 5);
}

/* The number of possible pairs stands here, so that none is lost by a stricter rule unnoticed. */
static void cases_cover_the_pairs_of_sizes_and_kinds(void **state)
{
    assay_pairs *p = malloc(sizeof *p);
    (void)state;
    assert_non_null(p);
    assay_pairs_of_cases(p);
    assert_int_equal(p->possible, 1784);
    assert_true(p->covered * 100 >= p->possible * 99);
    free(p);
}

static void cases_cover_the_pairs_of_options(void **state)
{
    int covered, possible;
    (void)state;
    assay_mixes_of_cases(&covered, &possible);
    assert_int_equal(possible, 4837);
    assert_int_equal(covered, possible);
}

/* What is read back of a row is what it was made of, else the count above counts something else. */
static void a_mix_is_what_its_levels_make(void **state)
{
    int mixes = 0;
    (void)state;
    for (int k = 0; k < assay_case_count(); k++) {
        int level[ASSAY_MIX_FACTORS];
        assay_case c;
        assay_case_row row;
        assay_dialect dialect;
        assay_problem p;
        assay_case_get(k, &c);
        const assay_case_row *own = c.source;
        if (strcmp(own->tag, "mix") != 0) continue;
        mixes++;
        assay_mix_levels(own, &c.problem.dialect, level);
        assert_true(assay_mix_make(level, &row, &dialect));
        assay_row_problem_of(&row, &dialect, &p);
        assert_memory_equal(&p, &c.problem, sizeof p);
        assert_true(row.ragged == own->ragged && row.repeats == own->repeats);
        assert_memory_equal(row.label_lens, own->label_lens, sizeof row.label_lens);
        for (int f = 0; f < ASSAY_MIX_FACTORS; f++)
            if (level[f] >= 0) assert_non_null(assay_mix_print(f, level[f]));
    }
    assert_true(mixes > 100);
}

static void a_pair_needs_a_legal_problem_within_the_cap(void **state)
{
    int level[ASSAY_FACTORS];
    assay_case_row row;
    (void)state;
    for (int f = 0; f < ASSAY_FACTORS; f++)
        level[f] = ASSAY_LEVEL_FREE;
    level[ASSAY_FACTOR_N] = level[ASSAY_FACTOR_H] = assay_pair_level_count(ASSAY_FACTOR_H) - 1; /* 127 and more */
    assert_false(assay_pairs_row(level, NULL, ASSAY_PAIRS_WORK, &row));
    assert_true(assay_pairs_row(level, NULL, 100 * ASSAY_PAIRS_WORK, &row));
    level[ASSAY_FACTOR_N] = 0; /* no sample has no string */
    level[ASSAY_FACTOR_H] = ASSAY_LEVEL_FREE;
    level[ASSAY_FACTOR_LABELS] = 1;
    assert_false(assay_pairs_row(level, NULL, ASSAY_PAIRS_WORK, &row));
    level[ASSAY_FACTOR_LABELS] = 0;
    assert_true(assay_pairs_row(level, NULL, ASSAY_PAIRS_WORK, &row));
    assert_int_equal(row.n, 0);
}

static void every_size_stands_in_every_place(void **state)
{
    static const int32_t sizes[] = {0, 1, 2, 3, 5, 7, 17, 31, 33, 63, 65, 127, 129, 257};
    static const char *const places[] = {"T", "N", "I", "H", "classes", "labels"};
    (void)state;
    for (int place = 0; place < 6; place++)
        for (size_t k = place >= 2 && place < 5; k < sizeof sizes / sizeof *sizes; k++) { /* I, H and classes: no 0 */
            int found = 0;
            for (int i = 0; i < assay_case_count(); i++) {
                assay_case c;
                assay_case_get(i, &c);
                const assay_problem *p = &c.problem;
                const int32_t labels =
                    p->max_label - (p->max_label > 0 && p->dialect.ctc_labels); /* one more: padded */
                const int32_t of[] = {p->t, p->n, p->i, p->h, p->classes, labels};
                found += of[place] == sizes[k];
            }
            if (!found) fail_msg("%s = %d is in no case", places[place], (int)sizes[k]);
        }
}

static void every_check_applies_to_some_case_or_to_documented_shapes(void **state)
{
    (void)state;
    for (int k = 0; k < assay_check_count(); k++) {
        const assay_check *check = assay_check_get(k);
        int used = !strcmp(check->name, "documented");
        for (int i = 0; i < assay_case_count(); i++) {
            assay_case c;
            assay_case_get(i, &c);
            used |= check->applies(&c);
        }
        if (!used) fail_msg("check %s applies to nothing", check->name);
    }
    assert_null(assay_check_get(-1));
    assert_null(assay_check_get(assay_check_count()));
}

static void verdicts_have_names_and_an_order(void **state)
{
    (void)state;
    assert_string_equal(assay_verdict_name(ASSAY_VERDICT_CRASHED), "CRASHED");
    assert_string_equal(assay_verdict_name(ASSAY_VERDICT_COUNT), "?");
    assert_string_equal(assay_verdict_text(ASSAY_VERDICT_COUNT), "?");
    for (int v = 0; v < ASSAY_VERDICT_COUNT; v++)
        assert_true(strlen(assay_verdict_text((assay_verdict)v)) > 4);
    assert_int_equal(assay_verdict_worse(ASSAY_VERDICT_PASS, ASSAY_VERDICT_FAIL), ASSAY_VERDICT_FAIL);
    assert_int_equal(assay_verdict_worse(ASSAY_VERDICT_CRASHED, ASSAY_VERDICT_FAIL), ASSAY_VERDICT_CRASHED);
    assert_false(assay_verdict_is_failure(ASSAY_VERDICT_UNSUPPORTED));
    assert_true(assay_verdict_is_failure(ASSAY_VERDICT_MISTRUSTED));
}

static void a_summary_becomes_the_documented_exit_code(void **state)
{
    assay_summary s;
    (void)state;
    memset(&s, 0, sizeof s);
    assert_int_equal(assay_summary_exit(&s), 1); /* nothing passed */
    s.counts[ASSAY_VERDICT_SKIPPED] = 2;
    assert_int_equal(assay_summary_exit(&s), 77);
    s.counts[ASSAY_VERDICT_PASS] = 1;
    s.counts[ASSAY_VERDICT_UNSUPPORTED] = 4;
    assert_int_equal(assay_summary_exit(&s), 0);
    s.ill_posed_committed = 1;
    assert_int_equal(assay_summary_exit(&s), 3);
    s.counts[ASSAY_VERDICT_TIMEOUT] = 1;
    assert_int_equal(assay_summary_exit(&s), 1);
}

static void a_dialect_has_a_key(void **state)
{
    assay_problem p = {.op = ASSAY_OP_NETWORK,
                       .directions = 2,
                       .dialect = {.cell = ASSAY_GRU, .biases = ASSAY_BIAS_TWO, .gru_reset = ASSAY_RESET_AFTER_INSIDE}};
    char key[32];
    (void)state;
    assay_dialect_key(&p, key, sizeof key);
    assert_string_equal(key, "network.gru-after.b2.bi");
    p.op = ASSAY_OP_CTC;
    assay_dialect_key(&p, key, sizeof key);
    assert_string_equal(key, "ctc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_unique),
        cmocka_unit_test(every_case_is_a_possible_problem_and_says_why),
        cmocka_unit_test(every_dialect_of_a_case_is_in_the_table),
        cmocka_unit_test(data_is_valid_and_depends_on_the_seed),
        cmocka_unit_test(data_have_the_bits_of_the_arithmetic_asked_for),
        cmocka_unit_test(no_real_tensor_is_constant),
        cmocka_unit_test(labels_and_ids_are_not_all_equal),
        cmocka_unit_test(some_label_has_the_weight_0_whatever_the_seed),
        cmocka_unit_test(cases_cover_the_pairs_of_sizes_and_kinds),
        cmocka_unit_test(cases_cover_the_pairs_of_options),
        cmocka_unit_test(a_mix_is_what_its_levels_make),
        cmocka_unit_test(a_pair_needs_a_legal_problem_within_the_cap),
        cmocka_unit_test(every_size_stands_in_every_place),
        cmocka_unit_test(every_check_applies_to_some_case_or_to_documented_shapes),
        cmocka_unit_test(verdicts_have_names_and_an_order),
        cmocka_unit_test(a_summary_becomes_the_documented_exit_code),
        cmocka_unit_test(a_dialect_has_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
