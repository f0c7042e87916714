/* test_learning.c: honest training stays within the band, a wrong gradient, optimizer, length or loss leaves it; tasks
 * are sound, and files of data that are not what they should be are refused. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/learning.h"
#include "conformance/tests/folder.h"
#include "reference/tensors.h"

static const double ulp = 2; /* of activations: about what naive declares */

static void lesson(const char *task, assay_lesson *l)
{
    char why[256] = "";
    if (assay_lesson_make(assay_task_by_name(task), ASSAY_VOWELS, 0x5eed, 1, l, why, sizeof why) != ASSAY_OK)
        fail_msg("%s", why);
}

/* Lessons and what the reference says of them: each is made once, for all tests. */
static struct known {
    assay_lesson lesson;
    assay_learning of;
} known[8];

static const struct known *known_of(const char *task)
{
    int k = 0;
    while (strcmp(assay_task_get(k)->name, task))
        k++;
    if (known[k].of.loss) return &known[k];
    lesson(task, &known[k].lesson);
    assert_int_equal(assay_learning_make(&known[k].lesson, ulp, 1, &known[k].of), ASSAY_OK);
    return &known[k];
}

static int clean_up(void **state)
{
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        assay_learning_free(&known[k].of);
        assay_lesson_free(&known[k].lesson);
    }
    return test_folder_remove(state);
}

/* Trains one plugin on the task and judges it; which update it leaves the band at. */
static int leaves(const char *task, const char *plugin, assay_pupil *p)
{
    char why[256] = "";
    const assay_pupil_options o = {plugin, plugin, ASSAY_WORKER, 1, 0};
    const struct known *k = known_of(task);
    assert_int_equal(assay_pupil_train(&k->lesson, &o, p, why, sizeof why), ASSAY_OK);
    assert_int_equal(p->verdict, ASSAY_VERDICT_PASS);
    assay_pupil_judge(&k->of, p);
    assay_pupil_free(p);
    return p->left;
}

static void honest_training_stays_within_the_band(void **state)
{
    static const char *const plugins[] = {ASSAY_NAIVE, ASSAY_MUTANT_DIR "/sums-backwards.so"};
    (void)state;
    for (int k = 0; k < 2 * assay_task_count(); k++) {
        assay_pupil p;
        assert_int_equal(leaves(assay_task_get(k / 2)->name, plugins[k % 2], &p), -1);
        assert_int_equal(p.verdict, ASSAY_VERDICT_PASS);
        assert_true(p.margin < 0.5);
    }
}

static void what_is_wrong_leaves_it_where_it_begins(void **state)
{
    static const struct {
        const char *task, *plugin;
        int update;
    } wrong[] = {
        {"marks-lstm", ASSAY_MUTANT_DIR "/adam-uncorrected.so", 1},
        {"marks-lstm", ASSAY_MUTANT_DIR "/dr-from-new-state.so", 1},
        {"marks-lstm", ASSAY_MUTANT_DIR "/step-stale-weights.so", 1},
        {"letters-ctc", ASSAY_MUTANT_DIR "/ctc-mean-over-time.so", 0},
        {"vowels-lstm", ASSAY_MUTANT_DIR "/lengths-ignored.so", 0},
        {"vowels-gru", ASSAY_MUTANT_DIR "/gru-r-path.so", 1},
    };
    (void)state;
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        assay_pupil p;
        assert_int_equal(leaves(wrong[k].task, wrong[k].plugin, &p), wrong[k].update);
        assert_int_equal(p.verdict, ASSAY_VERDICT_FAIL);
        assert_true(p.margin > 2);
        assert_non_null(strstr(p.why, "leaves the band at update"));
    }
}

static void products_in_fewer_bits_leave_it_later(void **state)
{
    assay_pupil p;
    (void)state;
    assert_true(leaves("marks-lstm", ASSAY_MUTANT_DIR "/bf16-sums.so", &p) > 0);
    assert_int_equal(p.verdict, ASSAY_VERDICT_FAIL);
}

static void every_task_is_a_problem_and_is_learnt(void **state)
{
    (void)state;
    for (int k = 0; k < assay_task_count(); k++) {
        char why[256] = "";
        const struct known *x = known_of(assay_task_get(k)->name);
        const assay_lesson *l = &x->lesson;
        if (assay_problem_check(&l->p, why, sizeof why) != ASSAY_OK) fail_msg("%s", why);
        for (int b = 0; b < l->batches; b++) {
            const assay_values *v = &l->batch[b];
            if (assay_integers_check(&l->p, NULL, v->at[ASSAY_LENS], v->at[ASSAY_LABELS], v->at[ASSAY_LABEL_LENS], why,
                                     sizeof why) != ASSAY_OK)
                fail_msg("%s", why);
        }
        assert_true(x->of.loss[l->updates - 1] < x->of.loss[0]);
        assert_true(x->of.right * l->p.classes > l->test_rows); /* better than by chance */
        for (int u = 1; u < l->updates; u++)
            assert_true(x->of.band[u] >= x->of.band[u - 1] && x->of.band[0] > 0);
    }
}

static void answers_are_counted_and_open_ones_are_told(void **state)
{
    assay_lesson l;
    int32_t undecided;
    (void)state;
    lesson("marks-lstm", &l);
    double *logits = calloc((size_t)(l.test_rows * l.p.classes), sizeof *logits);
    for (int k = 0; k < l.test_rows; k++)
        logits[k * l.p.classes + ((int32_t *)l.test[k / l.p.n].at[ASSAY_LABELS])[k % l.p.n]] = k % 2 ? 1 : 0.1;
    assert_int_equal(assay_lesson_right(&l, logits, 0.01, &undecided), l.test_rows);
    assert_int_equal(undecided, 0);
    assert_int_equal(assay_lesson_right(&l, logits, 0.06, &undecided), l.test_rows);
    assert_int_equal(undecided, l.test_rows / 2);
    for (int k = 0; k < l.p.classes; k++)
        logits[k] = -logits[k];
    assert_int_equal(assay_lesson_right(&l, logits, 0, NULL), l.test_rows - 1);
    free(logits);
    assay_lesson_free(&l);
}

static void a_number_of_right_answers_that_no_honest_run_has_fails(void **state)
{
    double loss[1] = {1}, band[1] = {1};
    const assay_lesson l = {.updates = 1, .test_rows = 10};
    const assay_learning of = {.lesson = &l, .loss = loss, .band = band, .right = 8, .undecided = 1};
    assay_pupil p = {.loss = loss, .right = 9, .left = -1, .worst = -1};
    (void)state;
    assay_pupil_judge(&of, &p);
    assert_int_equal(p.verdict, ASSAY_VERDICT_PASS);
    p.right = 6;
    assay_pupil_judge(&of, &p);
    assert_int_equal(p.verdict, ASSAY_VERDICT_FAIL);
    const assay_learning wide = {.lesson = &l, .loss = loss, .band = band, .right = 8, .undecided = 6};
    assay_pupil open = {.loss = loss, .right = 8, .left = -1, .worst = -1};
    assay_pupil_judge(&wide, &open);
    assert_int_equal(open.verdict, ASSAY_VERDICT_ILL_POSED);
    double nothing[1] = {NAN};
    assay_pupil q = {.loss = nothing, .right = 8, .left = -1, .worst = -1};
    assay_pupil_judge(&of, &q);
    assert_int_equal(q.verdict, ASSAY_VERDICT_FAIL);
}

static void files_of_other_data_are_refused_with_their_line(void **state)
{
    static const struct {
        const char *text, *expected;
    } bad[] = {
        {"# nothing\n", "expected utterances"},
        {"1,2:1,2\n", "line 1: expected 12 lists"},
        {"@data\n1:1:1:1:1:1:1:1:1:1:1:1:10\n", "line 2: expected a speaker"},
        {"1:1:1:1:1,2:1:1:1:1:1:1:1:1\n", "lists of one length"},
        {"1:1:1:1:1:1:x:1:1:1:1:1:1\n", "12 lists"},
        {"1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1:1:1:1:1:1:1:1:1:1:1:1:1\n", "1 to 29 numbers"},
    };
    char path[512], why[256];
    (void)state;
    snprintf(path, sizeof path, "%s/train.ts", test_folder());
    for (size_t k = 0; k <= sizeof bad / sizeof *bad; k++) {
        assay_lesson l;
        const char *expected = k ? bad[k - 1].expected : "train.ts";
        FILE *f = k ? fopen(path, "w") : NULL;
        if (f) fputs(bad[k - 1].text, f), fclose(f);
        why[0] = '\0';
        assert_true(assay_lesson_make(assay_task_by_name("vowels-gru"), test_folder(), 1, 1, &l, why, sizeof why) !=
                    ASSAY_OK);
        if (!strstr(why, expected)) fail_msg("'%s' does not say '%s'", why, expected);
        assay_lesson_free(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(honest_training_stays_within_the_band),
        cmocka_unit_test(what_is_wrong_leaves_it_where_it_begins),
        cmocka_unit_test(products_in_fewer_bits_leave_it_later),
        cmocka_unit_test(every_task_is_a_problem_and_is_learnt),
        cmocka_unit_test(answers_are_counted_and_open_ones_are_told),
        cmocka_unit_test(a_number_of_right_answers_that_no_honest_run_has_fails),
        cmocka_unit_test(files_of_other_data_are_refused_with_their_line),
    };
    return cmocka_run_group_tests(tests, test_folder_make, clean_up);
}
