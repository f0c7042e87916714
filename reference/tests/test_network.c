/* test_network.c: heads, embedding, losses and optimizers, each against something simpler.
 * SPDX-License-Identifier: MIT */
#include "reference/tests/specimen.h"

static const double same = 1e-14;

static assay_problem a_network(int head, int loss, int vocab, int optimizer)
{
    assay_problem p = a_stack(4, 3, 2, 3);
    p.op = ASSAY_OP_NETWORK;
    p.head = head;
    p.loss = loss;
    p.vocab = vocab;
    p.classes = 4;
    p.dense_bias = 1;
    p.optimizer = optimizer;
    p.lr = 0.01, p.beta1 = 0.9, p.beta2 = 0.999, p.epsilon = 1e-8;
    p.dialect.xent_reduction = ASSAY_REDUCE_MEAN;
    return p;
}

static const int32_t lens[] = {2, 0, 4};

/* The last step's logits are those of every step, at the last; an empty row reads zeros, so its logits are the bias. */
static void the_last_head_reads_each_samples_last_row(void **state)
{
    (void)state;
    const assay_problem last = a_network(ASSAY_HEAD_LAST, ASSAY_LOSS_XENT, 0, ASSAY_OPT_NONE);
    const assay_problem every = a_network(ASSAY_HEAD_EVERY, ASSAY_LOSS_XENT, 0, ASSAY_OPT_NONE);
    assay_specimen a = drawn(&last, 1), b = drawn(&every, 1);
    memcpy(a.d[ASSAY_LENS], lens, sizeof lens);
    memcpy(b.d[ASSAY_LENS], lens, sizeof lens);
    run(&a);
    run(&b);
    const double *one = tensor(&a, "logits"), *all = tensor(&b, "logits");
    assert_true(apart(one, all + (1 * 3 + 0) * 4, 4) <= same);
    assert_true(apart(one + 8, all + (3 * 3 + 2) * 4, 4) <= same);
    assert_memory_equal(one + 4, tensor(&a, "dense_b"), 4 * 8);
    assert_true(apart(all + (2 * 3 + 0) * 4, (double[4]){0}, 4) == 0);
    assay_specimen_free(&a);
    assay_specimen_free(&b);
}

/* Ids into a table = the rows of the table as x; unseen rows have gradient zero. */
static void an_embedding_is_its_rows_as_x(void **state)
{
    (void)state;
    const assay_problem ids = a_network(ASSAY_HEAD_EVERY, ASSAY_LOSS_XENT, 6, ASSAY_OPT_NONE);
    const assay_problem plain = a_network(ASSAY_HEAD_EVERY, ASSAY_LOSS_XENT, 0, ASSAY_OPT_NONE);
    assay_specimen a = drawn(&ids, 1), b = drawn(&plain, 1);
    int32_t *id = a.d[ASSAY_IDS];
    double want[6 * 2] = {0};
    memcpy(a.d[ASSAY_LENS], lens, sizeof lens);
    memcpy(b.d[ASSAY_LENS], lens, sizeof lens);
    for (int k = 0; k < 4 * 3; k++) {
        id[k] = k / 3 < lens[k % 3] ? (k * 5) % 4 : 99;
        for (int j = 0; j < 2; j++)
            tensor(&b, "x")[k * 2 + j] = id[k] == 99 ? NAN : tensor(&a, "embedding")[id[k] * 2 + j];
    }
    run(&a);
    run(&b);
    for (int k = 0; k < 4 * 3; k++)
        for (int j = 0; id[k] != 99 && j < 2; j++)
            want[id[k] * 2 + j] += tensor(&b, "dx")[k * 2 + j];
    assert_true(apart(tensor(&a, "y"), tensor(&b, "y"), size_of(&a, "y")) == 0);
    assert_true(apart(tensor(&a, "dembedding"), want, 12) <= same);
    assert_true(apart(tensor(&a, "dembedding") + 8, (double[4]){0}, 4) == 0);
    assay_specimen_free(&a);
    assay_specimen_free(&b);
}

/* A network's pieces: its loss and dlogits are those of the loss op on its logits, up to the reduction's cotangent 1.
 */
static void a_network_scores_as_the_loss_alone(void **state)
{
    (void)state;
    assay_problem p = a_network(ASSAY_HEAD_EVERY, ASSAY_LOSS_CTC, 0, ASSAY_OPT_NONE), q;
    p.max_label = 2;
    p.labels = 3;
    p.dialect.ctc_reduction = ASSAY_REDUCE_MEAN;
    p.dialect.ctc_blank = 3;
    memset(&q, 0, sizeof q);
    q.op = ASSAY_OP_CTC;
    q.t = p.t, q.n = p.n, q.classes = p.classes, q.max_label = p.max_label, q.labels = p.labels;
    q.dialect = p.dialect;
    assay_specimen net = drawn(&p, 1), loss = drawn(&q, 1);
    static const int32_t label_lens[] = {1, 0, 2}, labels[] = {0, 2, 2};
    assay_specimen *both[] = {&net, &loss};
    for (int k = 0; k < 2; k++) {
        memcpy(both[k]->d[ASSAY_LENS], lens, sizeof lens);
        memcpy(both[k]->d[ASSAY_LABEL_LENS], label_lens, sizeof label_lens);
        memcpy(both[k]->d[ASSAY_LABELS], labels, sizeof labels);
    }
    run(&net);
    memcpy(loss.d[ASSAY_X], net.d[ASSAY_LOGITS], 4 * 3 * 4 * 8);
    tensor(&loss, "dloss")[0] = 1;
    run(&loss);
    double sums[4] = {0};
    for (int k = 0; k < 4 * 3 * 4; k++)
        sums[k % 4] += tensor(&loss, "dx")[k];
    assert_true(tensor(&net, "loss")[0] == tensor(&loss, "loss")[0]);
    assert_true(apart(tensor(&net, "ddense_b"), sums, 4) <= same);
    assay_specimen_free(&net);
    assay_specimen_free(&loss);
}

static void a_loss_over_no_rows_is_zero(void **state)
{
    (void)state;
    assay_problem p = a_network(ASSAY_HEAD_EVERY, ASSAY_LOSS_XENT, 0, ASSAY_OPT_NONE);
    assay_specimen s = drawn(&p, 1);
    memset(s.d[ASSAY_LENS], 0, 3 * 4);
    tensor(&s, "loss")[0] = NAN;
    run(&s);
    assert_true(tensor(&s, "loss")[0] == 0);
    assert_true(apart(tensor(&s, "ddense_W"), (double[12]){0}, 12) == 0);
    assert_true(apart(tensor(&s, "dR.l0.f"), (double[36]){0}, 36) == 0);
    assay_specimen_free(&s);
}

static void an_absent_upstream_gradient_is_zero(void **state)
{
    (void)state;
    for (int reduction = ASSAY_REDUCE_NONE; reduction <= ASSAY_REDUCE_MEAN; reduction++) {
        assay_problem p;
        memset(&p, 0, sizeof p);
        p.op = ASSAY_OP_XENT;
        p.t = 2, p.n = 2, p.classes = 3;
        p.dialect.xent_reduction = reduction;
        assay_specimen s = drawn(&p, 1);
        void *at[ASSAY_TENSORS];
        memcpy(at, s.d, sizeof at);
        at[ASSAY_DLOSS] = NULL;
        assert_int_equal(assay_ref_evaluate_f64(&p, at, 0), ASSAY_OK);
        assert_true(apart(tensor(&s, "dx"), (double[12]){0}, 12) == 0);
        assert_false(tensor(&s, "loss_rows")[0] == 0);
        assay_specimen_free(&s);
    }
}

/* CTC where the labels have logit -inf at every frame: feasible in length, yet no path; the same as infeasible. */
static void ctc_without_a_possible_path_is_infeasible(void **state)
{
    (void)state;
    assay_problem p;
    memset(&p, 0, sizeof p);
    p.op = ASSAY_OP_CTC;
    p.t = 2, p.n = 1, p.classes = 2, p.max_label = p.labels = 1;
    p.dialect.ctc_reduction = ASSAY_REDUCE_SUM;
    assay_specimen s = drawn(&p, 1);
    ((int32_t *)s.d[ASSAY_LABELS])[0] = 1;
    ((int32_t *)s.d[ASSAY_LABEL_LENS])[0] = 1;
    tensor(&s, "x")[1] = tensor(&s, "x")[3] = -INFINITY;
    run(&s);
    assert_true(isinf(tensor(&s, "loss")[0]) && tensor(&s, "loss")[0] > 0);
    assert_true(apart(tensor(&s, "dx"), (double[4]){0}, 4) == 0);
    s.p.dialect.ctc_infeasible = ASSAY_INFEASIBLE_ZERO;
    run(&s);
    assert_true(tensor(&s, "loss")[0] == 0);
    assay_specimen_free(&s);
}

/* One Adam step by hand, in long double. */
static void adam_is_the_published_algorithm(void **state)
{
    (void)state;
    const assay_problem p = a_network(ASSAY_HEAD_LAST, ASSAY_LOSS_XENT, 0, ASSAY_OPT_ADAM);
    assay_specimen s = drawn(&p, 1);
    s.step = 6;
    run(&s);
    double w1[36], m1[36], v1[36];
    for (int k = 0; k < 36; k++) {
        const long double g = tensor(&s, "dR.l0.f")[k], m = 0.9 * tensor(&s, "m.R.l0.f")[k] + (1 - 0.9) * g;
        const long double v = 0.999 * tensor(&s, "v.R.l0.f")[k] + (1 - 0.999) * g * g;
        const long double mhat = m / (1 - powl(0.9, 7)), vhat = v / (1 - powl(0.999, 7));
        w1[k] = (double)(tensor(&s, "R.l0.f")[k] - 0.01 * mhat / (sqrtl(vhat) + 1e-8));
        m1[k] = (double)m;
        v1[k] = (double)v;
    }
    assert_true(apart(tensor(&s, "R.l0.f+"), w1, 36) <= 1e-15);
    assert_true(apart(tensor(&s, "m.R.l0.f+"), m1, 36) <= 1e-15);
    assert_true(apart(tensor(&s, "v.R.l0.f+"), v1, 36) <= 1e-15);
    assay_specimen_free(&s);
}

static void sgd_moves_against_the_gradient(void **state)
{
    (void)state;
    const assay_problem p = a_network(ASSAY_HEAD_LAST, ASSAY_LOSS_XENT, 6, ASSAY_OPT_SGD);
    assay_specimen s = drawn(&p, 1);
    run(&s);
    double want[12];
    for (int k = 0; k < 12; k++)
        want[k] = tensor(&s, "dense_W")[k] - 0.01 * tensor(&s, "ddense_W")[k];
    assert_true(apart(tensor(&s, "dense_W+"), want, 12) <= 1e-15);
    assay_specimen_free(&s);
}

/* The update alone, from given gradients, is the update of the whole; only it reads moments. */
static void an_update_alone_is_that_of_the_step(void **state)
{
    (void)state;
    const assay_problem p = a_network(ASSAY_HEAD_LAST, ASSAY_LOSS_XENT, 6, ASSAY_OPT_ADAM);
    assay_specimen whole = drawn(&p, 1), alone = drawn(&p, 1);
    void *at[ASSAY_TENSORS];
    run(&whole);
    for (int k = 0; k < ASSAY_MAX_PARAMS; k++) {
        const int id = assay_tensor_id(ASSAY_DPARAM, k);
        assay_tensor x;
        if (assay_tensor_find(&p, id, &x)) memcpy(alone.d[id], whole.d[id], (size_t)x.count * 8);
    }
    assert_int_equal(assay_ref_update_f64(&p, alone.d, 0), ASSAY_OK);
    agree(&alone, &whole, 1u << ASSAY_ROLE_UPDATED, 0);
    memcpy(at, alone.d, sizeof at);
    at[assay_tensor_id(ASSAY_M, 0)] = NULL;
    assert_int_equal(assay_ref_update_f64(&p, at, 0), ASSAY_BAD_ARGUMENT);
    assert_int_equal(assay_ref_evaluate_f64(&p, at, 0), ASSAY_BAD_ARGUMENT);
    for (int k = 0; k < ASSAY_MAX_PARAMS; k++)
        for (int family = ASSAY_PARAM_1; family <= ASSAY_V_1; family++)
            at[assay_tensor_id(family, k)] = NULL;
    assert_int_equal(assay_ref_evaluate_f64(&p, at, 0), ASSAY_OK);
    assay_specimen_free(&whole);
    assay_specimen_free(&alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_head_reads_each_samples_last_row),
        cmocka_unit_test(an_embedding_is_its_rows_as_x),
        cmocka_unit_test(a_network_scores_as_the_loss_alone),
        cmocka_unit_test(a_loss_over_no_rows_is_zero),
        cmocka_unit_test(an_absent_upstream_gradient_is_zero),
        cmocka_unit_test(ctc_without_a_possible_path_is_infeasible),
        cmocka_unit_test(adam_is_the_published_algorithm),
        cmocka_unit_test(sgd_moves_against_the_gradient),
        cmocka_unit_test(an_update_alone_is_that_of_the_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
