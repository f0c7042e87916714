/* test_certify.c: the reference is proved, and a proof can fail.
 * SPDX-License-Identifier: MIT */
#include "reference/certify_parts.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

typedef struct tally {
    int proofs, gradients, paths, failed;
    int identities, named; /* proofs by identities, and how many different ones they are */
    char names[100][64];
} tally;

static void count_identity(tally *t, const char *what)
{
    int k = 0;
    while (k < t->named && strcmp(t->names[k], what) != 0)
        k++;
    if (k == t->named && k < 100) snprintf(t->names[t->named++], sizeof t->names[0], "%s", what);
    t->identities++;
}

static void count(void *user, const assay_proof *proof)
{
    tally *t = user;
    t->proofs++;
    t->gradients += strcmp(proof->what, "central differences") == 0;
    t->paths += strncmp(proof->what, "all paths", 9) == 0;
    if (strncmp(proof->what, "identity: ", 10) == 0) count_identity(t, proof->what);
    if (proof->error <= proof->bound) return;
    t->failed++;
    print_error("%s %s %s, %s: %g > %g\n", proof->op, proof->dialect, proof->tensor, proof->what, proof->error,
                proof->bound);
}

static void the_reference_is_certified(void **state)
{
    (void)state;
    static tally t;
    assert_int_equal(assay_certify(0, count, &t), 0);
    assert_int_equal(t.failed, 0);
    assert_true(t.gradients > 300);
    assert_int_equal(t.paths, 4 * 4 * 3 * 4);
    assert_int_equal(t.named, 60);
    assert_true(t.identities > 4000);
}

static void a_nan_proves_nothing(void **state)
{
    (void)state;
    tally t = {0};
    assay_proofs c = {count, &t, 0, 0, "op", "dialect"};
    assay_prove(&c, "tensor", "what", NAN, 1);
    assay_prove(&c, "tensor", "what", 2, 1);
    assay_prove(&c, "tensor", "what", 1, 1);
    assert_int_equal(c.failed, 2);
    assert_int_equal(t.failed, 2);
}

static void distance_is_normwise_and_knows_infinities(void **state)
{
    (void)state;
    const _Float128 truth[] = {3, 4, (_Float128)INFINITY}, zero[] = {0};
    const double near[] = {3, 4.5, INFINITY}, other[] = {3, 4, -INFINITY}, one[] = {1}, nan[] = {NAN, 4, INFINITY};
    assert_true(assay_proof_distance(near, truth, 3) == 0.1);
    assert_false(assay_proof_distance(other, truth, 3) <= 1);
    assert_false(assay_proof_distance(nan, truth, 3) <= 1);
    assert_false(assay_proof_distance(one, zero, 1) <= 1);
    assert_true(assay_proof_distance(near, truth, 0) == 0);
}

static void an_impossible_problem_is_not_certified(void **state)
{
    (void)state;
    tally t = {0};
    assay_proofs c = {count, &t, 0, 0, "rnn", "impossible"};
    assay_problem p = {.op = ASSAY_OP_XENT, .t = 1, .n = 1, .classes = 2};
    assay_specimen s;
    assert_int_equal(assay_specimen_make(&c, &p, &s), 1);
    ((int32_t *)s.d[ASSAY_LABELS])[0] = 2;
    assay_certify_one(&c, &s, 0);
    assert_int_equal(c.failed, 1);
    s.p.classes = 0;
    assay_certify_one(&c, &s, 0);
    assert_int_equal(c.failed, 2);
    assay_specimen_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nan_proves_nothing),
        cmocka_unit_test(distance_is_normwise_and_knows_infinities),
        cmocka_unit_test(an_impossible_problem_is_not_certified),
        cmocka_unit_test(the_reference_is_certified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
