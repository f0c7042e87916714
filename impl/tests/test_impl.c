/* test_impl.c: a host implementation, linked in, beside the reference: values, gradients and the contract of impl.h.
 * SPDX-License-Identifier: MIT
 *
 * For whoever writes an implementation: no worker, no measured floors, a debugger at hand. The limits are coarse (the
 * cases are small and contractive, honest error is a few u); conformance/ has the real ones. */
#include "impl/impl.h"
#include "reference/reference.h"
#include "reference/rounding.h"
#include "reference/tensors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "impl/tests/bench.inc"

/* ---- expectations ---- */

/* Roundoffs, relative to the norm of the tensor. In narrow formats the truth has operands rounded, too: what differs is
 * an operand here and there that went the other way, by two. */
#define COARSE        200
#define COARSE_NARROW 1

static const assay_tensor *tensor_of(const bench *b, int id)
{
    for (int k = 0; k < b->count; k++)
        if (b->tensor[k].id == id) return &b->tensor[k];
    return NULL;
}

/* Prints the first tensor that is off, and fails. */
static void expect_truth(const bench *b, int id, double factor)
{
    const assay_tensor *x = tensor_of(b, id);
    const double *truth = b->truth[id];
    double error = 0, norm = 0;
    if (!x || x->integer) return;
    for (int64_t i = 0; i < x->count; i++) {
        const double got = get(b, b->mine[id], i), want = factor * truth[i];
        if (isinf(want) && got == want) continue;
        if (want == 0 && got != 0 && padded(b, x, i)) fail_msg("%s[%lld]: %g past the end", x->name, (long long)i, got);
        error += (got - want) * (got - want);
        norm += want * want;
    }
    const double coarse = b->p.arithmetic > ASSAY_FP32 ? COARSE_NARROW : COARSE;
    if (!(sqrt(error) <= coarse * assay_unit_roundoff(b->p.arithmetic) * sqrt(norm)))
        fail_msg("%s: error %.3g of norm %.3g", x->name, sqrt(error), sqrt(norm));
}

static void expect_role(const bench *b, int role)
{
    for (int k = 0; k < b->count; k++)
        if (b->tensor[k].role == role) expect_truth(b, b->tensor[k].id, 1);
}

/* ---- cases ---- */

#ifndef IMPL_CASES /* an implementation for which these take too long names its own */
#define IMPL_CASES "impl/tests/cases.inc"
#endif

/* A row overrides what its macro sets. */
#pragma GCC diagnostic ignored "-Woverride-init"

static const struct {
    const char *name;
    assay_problem p;
    int ragged;
} cases[] = {
#include IMPL_CASES
};

enum { CASES = sizeof cases / sizeof *cases };

static int supported(const assay_problem *p)
{
    const assay_impl *impl = assay_impl_entry();
    const assay_open_args open = {.struct_size = sizeof open, .threads = 1};
    assay_arithmetic declared;
    assay_ctx *ctx;
    const char *why = NULL;
    must(impl->open(&open, &ctx));
    const assay_status st = impl->supports(ctx, p, &declared, &why);
    impl->close(ctx);
    return st == ASSAY_OK;
}

typedef void trial(bench *b);

/* Every case in each format, alone and with three threads. */
static void each(trial *t)
{
    static const int formats[] = {ASSAY_FP32, ASSAY_FP64, ASSAY_BF16};
    for (int k = 0; k < CASES; k++)
        for (int variant = 0; variant < 6; variant++) {
            assay_problem p = cases[k].p;
            const int threads = variant & 1 ? 3 : 1;
            bench b;
            p.arithmetic = formats[variant / 2];
            if (!supported(&p)) continue;
            printf("  %s, %s, %d threads\n", cases[k].name, assay_format_name(p.arithmetic), threads);
            begin(&b, &p, cases[k].ragged, threads);
            t(&b);
            end(&b);
        }
}

/* The truth; of a format narrower than fp32 with operands rounded as the implementation has them. */
static void evaluate(bench *b, int64_t step)
{
    const assay_rounding exact = {.mode = ASSAY_ROUND_EXACT,
                                  .operand = b->p.arithmetic,
                                  .accumulate = ASSAY_FP64,
                                  .store = ASSAY_FP64,
                                  .activation_ulp = 0.5,
                                  .batch_scale = 1};
    if (b->p.arithmetic <= ASSAY_FP32) {
        must(assay_ref_evaluate_f64(&b->p, b->truth, step));
        return;
    }
    assay_rounding_noise(&exact);
    must(assay_ref_evaluate_noise(&b->p, b->truth, step));
}

static int differentiable(const bench *b)
{
    return b->p.op != ASSAY_OP_NETWORK || b->p.loss != ASSAY_LOSS_NONE;
}

static void trial_truth(bench *b)
{
    evaluate(b, b->args.step);
    if (differentiable(b))
        forward_backward(b);
    else
        pass(b, ASSAY_TRAIN);
    expect_role(b, ASSAY_ROLE_FORWARD);
    if (differentiable(b)) expect_role(b, ASSAY_ROLE_GRADIENT);
}

static void results_are_the_references(void **state)
{
    (void)state;
    each(trial_truth);
}

static void trial_step(bench *b)
{
    if (b->p.optimizer == ASSAY_OPT_NONE) return;
    evaluate(b, b->args.step);
    b->args.accumulate = 1; /* is BACKWARD's alone */
    pass(b, ASSAY_STEP);
    fetch(b);
    expect_role(b, ASSAY_ROLE_FORWARD);
    expect_role(b, ASSAY_ROLE_GRADIENT);
    expect_role(b, ASSAY_ROLE_UPDATED);
}

static void a_step_is_all_passes(void **state)
{
    (void)state;
    each(trial_step);
}

static void trial_infer(bench *b)
{
    if (b->args.dx) evaluate(b, 0);
    evaluate(b, b->args.step);
    if (differentiable(b)) pass(b, ASSAY_TRAIN);
    if (b->p.op == ASSAY_OP_NETWORK && differentiable(b)) pass(b, ASSAY_LOSS_PASS);
    pass(b, ASSAY_INFER); /* and what TRAIN kept must survive */
    expect_role(b, ASSAY_ROLE_FORWARD);
    if (differentiable(b)) {
        pass(b, ASSAY_BACKWARD);
        fetch(b);
        expect_role(b, ASSAY_ROLE_GRADIENT);
    } else {
        expect_truth(b, ASSAY_LOGITS, 1);
    }
}

static void inference_keeps_nothing(void **state)
{
    (void)state;
    each(trial_infer);
}

static void trial_accumulate(bench *b)
{
    if (!differentiable(b)) return;
    evaluate(b, 0);
    forward_backward(b);
    b->args.accumulate = 1;
    pass(b, ASSAY_BACKWARD);
    fetch(b);
    for (int i = 0; i < ASSAY_MAX_PARAMS; i++)
        expect_truth(b, assay_tensor_id(ASSAY_DPARAM, i), 2);
    expect_truth(b, ASSAY_DX, 1);
    expect_truth(b, ASSAY_DH0, 1);
    expect_truth(b, ASSAY_DC0, 1);
}

static void a_second_backward_adds_or_not(void **state)
{
    (void)state;
    each(trial_accumulate);
}

static void trial_missing(bench *b)
{
    static const int optional[] = {ASSAY_H0, ASSAY_C0, ASSAY_DY, ASSAY_DCN, ASSAY_DX, ASSAY_HN, ASSAY_Y, ASSAY_DC0};
    if (b->p.op == ASSAY_OP_XENT || b->p.op == ASSAY_OP_CTC || !differentiable(b)) return;
    void *mine[8], *truth[8];
    for (int k = 0; k < 8; k++) {
        mine[k] = b->mine[optional[k]], truth[k] = b->truth[optional[k]];
        b->mine[optional[k]] = b->truth[optional[k]] = NULL;
    }
    bind(b);
    evaluate(b, 0);
    forward_backward(b);
    for (int i = 0; i < ASSAY_MAX_PARAMS; i++)
        expect_truth(b, assay_tensor_id(ASSAY_DPARAM, i), 1);
    expect_truth(b, ASSAY_DH0, 1);
    for (int k = 0; k < 8; k++)
        b->mine[optional[k]] = mine[k], b->truth[optional[k]] = truth[k];
}

static void what_is_missing_is_zero_or_unwanted(void **state)
{
    (void)state;
    each(trial_missing);
}

/* Copies of what the implementation wrote, by id. */
static void keep_results(bench *b, void *kept[ASSAY_TENSORS])
{
    for (int k = 0; k < b->count; k++) {
        const assay_tensor *x = &b->tensor[k];
        if (given(x) || x->role == ASSAY_ROLE_UPDATED) continue;
        kept[x->id] = block(x->count * b->real_bytes + 1);
        memcpy(kept[x->id], b->mine[x->id], x->count * b->real_bytes);
        memset(b->mine[x->id], 0xFF, x->count * b->real_bytes);
    }
}

static void expect_results(const bench *b, void *kept[ASSAY_TENSORS])
{
    for (int k = 0; k < b->count; k++) {
        const assay_tensor *x = &b->tensor[k];
        if (!kept[x->id]) continue;
        assert_memory_equal(kept[x->id], b->mine[x->id], x->count * b->real_bytes);
        free(kept[x->id]);
    }
}

static void trial_repeat(bench *b)
{
    void *first[ASSAY_TENSORS] = {0};
    if (!differentiable(b)) return;
    forward_backward(b);
    keep_results(b, first);
    if (b->sizes.reserve) memset(b->args.reserve, 0xFF, b->sizes.reserve);
    if (b->sizes.grads) memset(b->args.grads, 0xFF, b->sizes.grads);
    forward_backward(b);
    expect_results(b, first);
}

static void the_same_call_gives_the_same_bits(void **state)
{
    (void)state;
    each(trial_repeat);
}

/* ---- two contexts at once ---- */

typedef struct duty {
    bench b;
    void *kept[ASSAY_TENSORS]; /* results of an undisturbed run, by id */
    int done;                  /* rounds whose results were these */
} duty;

enum { ROUNDS = 6 };

/* Threads of the second context. 1 where contexts cannot have numbers of their own. */
#ifndef THREADS_BESIDE
#define THREADS_BESIDE 2
#endif

static int agrees(const duty *d)
{
    for (int k = 0; k < d->b.count; k++) {
        const assay_tensor *x = &d->b.tensor[k];
        if (d->kept[x->id] && memcmp(d->kept[x->id], d->b.mine[x->id], x->count * d->b.real_bytes) != 0) return 0;
    }
    return 1;
}

/* No assertion: those belong to the main thread. */
static void *keep_running(void *arg)
{
    duty *d = arg;
    bench *b = &d->b;
    assay_status st = ASSAY_OK;
    for (int k = 0; k < ROUNDS; k++) {
        st = b->impl->run(b->plan, ASSAY_TRAIN, &b->args, NULL);
        if (st == ASSAY_OK && b->p.op == ASSAY_OP_NETWORK) st = b->impl->run(b->plan, ASSAY_LOSS_PASS, &b->args, NULL);
        if (st == ASSAY_OK) st = b->impl->run(b->plan, ASSAY_BACKWARD, &b->args, NULL);
        if (st == ASSAY_OK && assay_param_count(&b->p)) st = b->impl->unpack(b->plan, &b->args, NULL);
        d->done += st == ASSAY_OK && agrees(d);
    }
    return NULL;
}

static int begin_duty(duty *d, int k, int threads)
{
    assay_problem p = cases[k].p;
    p.arithmetic = ASSAY_FP32;
    memset(d, 0, sizeof *d);
    if (!supported(&p) || (p.op == ASSAY_OP_NETWORK && p.loss == ASSAY_LOSS_NONE)) return 0;
    begin(&d->b, &p, cases[k].ragged, threads);
    forward_backward(&d->b);
    keep_results(&d->b, d->kept);
    return 1;
}

static void end_duty(duty *d)
{
    for (int id = 0; id < ASSAY_TENSORS; id++)
        free(d->kept[id]);
    end(&d->b);
}

/* Each case beside one of another shape. */
static void two_contexts_run_in_two_threads(void **state)
{
    (void)state;
    for (int k = 0; k < CASES; k++) {
        duty one, two;
        pthread_t beside;
        if (!begin_duty(&one, k, 1)) continue;
        if (begin_duty(&two, (k + CASES / 2) % CASES, THREADS_BESIDE)) {
            assert_int_equal(pthread_create(&beside, NULL, keep_running, &one), 0);
            keep_running(&two);
            assert_int_equal(pthread_join(beside, NULL), 0);
            assert_int_equal(one.done, ROUNDS);
            assert_int_equal(two.done, ROUNDS);
            end_duty(&two);
        }
        end_duty(&one);
    }
}

static void truncated_backward_is_refused_with_a_reason(void **state)
{
    (void)state;
    const assay_impl *impl = assay_impl_entry();
    const assay_open_args open = {.struct_size = sizeof open, .threads = 1};
    const assay_problem p = {RNN(ASSAY_LSTM, .arithmetic = ASSAY_FP32, .dialect.bptt_steps = 2)};
    assay_arithmetic declared;
    const char *why = NULL;
    assay_ctx *ctx;
    must(impl->open(&open, &ctx));
    assert_int_equal(impl->supports(ctx, &p, &declared, &why), ASSAY_UNSUPPORTED);
    assert_non_null(why);
    impl->close(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_the_references),
        cmocka_unit_test(a_step_is_all_passes),
        cmocka_unit_test(inference_keeps_nothing),
        cmocka_unit_test(a_second_backward_adds_or_not),
        cmocka_unit_test(what_is_missing_is_zero_or_unwanted),
        cmocka_unit_test(the_same_call_gives_the_same_bits),
        cmocka_unit_test(two_contexts_run_in_two_threads),
        cmocka_unit_test(truncated_backward_is_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
