/* test_impl.c: a host implementation, linked in, beside the reference: values, gradients and the contract of impl.h.
 * SPDX-License-Identifier: MIT
 *
 * For whoever writes an implementation: no worker, no measured floors, a debugger at hand. The limits are coarse (the
 * cases are small and contractive, honest error is a few u); conformance/ has the real ones. */
#include "impl/impl.h"
#include "reference/reference.h"
#include "reference/tensors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COARSE 200 /* roundoffs, relative to the norm of the tensor */

/* ---- a problem with its tensors, in the implementation's type and in double ---- */

typedef struct bench {
    const assay_impl *impl;
    assay_ctx *ctx;
    assay_plan *plan;
    assay_problem p;
    assay_sizes sizes;
    assay_args args;
    int count, real_bytes;
    assay_tensor tensor[ASSAY_TENSORS];
    void *mine[ASSAY_TENSORS];  /* by id: what the implementation sees */
    void *truth[ASSAY_TENSORS]; /* by id: double, or the same int32 */
    uint64_t state;             /* of the generator */
} bench;

static double draw(bench *b)
{
    b->state = b->state * 6364136223846793005u + 1442695040888963407u;
    return (double)(b->state >> 11) * 0x1p-53;
}

static double get(const bench *b, const void *x, int64_t i)
{
    return b->real_bytes == 8 ? ((const double *)x)[i] : (double)((const float *)x)[i];
}

static void put(const bench *b, void *x, int64_t i, double value)
{
    if (b->real_bytes == 8)
        ((double *)x)[i] = value;
    else
        ((float *)x)[i] = (float)value;
}

static void *block(uint64_t bytes)
{
    if (!bytes) return NULL;
    void *x = aligned_alloc(64, (bytes + 63) / 64 * 64);
    assert_non_null(x);
    memset(x, 0xFF, bytes);
    return x;
}

static const assay_tensor *tensor_of(const bench *b, int id)
{
    for (int k = 0; k < b->count; k++)
        if (b->tensor[k].id == id) return &b->tensor[k];
    return NULL;
}

static int length(const bench *b, int64_t n)
{
    const int32_t *lens = b->mine[ASSAY_LENS];
    return lens ? lens[n] : b->p.t;
}

/* Whether rows of this tensor belong to steps, so that some lie past a row's end. */
static int over_time(const assay_tensor *x, const assay_problem *p)
{
    return x->rank >= 2 && x->dims[0] == p->t && x->dims[1] == p->n && x->id < ASSAY_SLOTS && x->id != ASSAY_H0 &&
           x->id != ASSAY_C0 && x->id != ASSAY_HN && x->id != ASSAY_CN && x->id != ASSAY_DHN && x->id != ASSAY_DCN &&
           x->id != ASSAY_DH0 && x->id != ASSAY_DC0;
}

static int padded(const bench *b, const assay_tensor *x, int64_t i)
{
    if (!over_time(x, &b->p)) return 0;
    const int64_t row = i / (x->count / ((int64_t)b->p.t * b->p.n));
    return row / b->p.n >= length(b, row % b->p.n);
}

static int32_t draw_integer(bench *b, const assay_tensor *x, int64_t i)
{
    const int32_t blank = b->p.dialect.ctc_blank, classes = b->p.classes;
    if (x->id == ASSAY_LENS) return i == 0 ? b->p.t : i == 1 ? 0 : (int32_t)(draw(b) * (b->p.t + 1));
    if (x->id == ASSAY_IDS) return padded(b, x, i) ? INT32_MIN : (int32_t)(draw(b) * b->p.vocab);
    if (x->id == ASSAY_LABEL_LENS && b->p.dialect.ctc_labels == ASSAY_LABELS_PADDED)
        return (int32_t)(i % (b->p.max_label + 1));
    if (x->id == ASSAY_LABEL_LENS) return (int32_t)((b->p.labels + b->p.n - 1 - i) / b->p.n);
    const int ctc = b->p.op == ASSAY_OP_CTC || b->p.loss == ASSAY_LOSS_CTC;
    const int32_t label = (int32_t)(draw(b) * (classes - ctc));
    if (!ctc && b->p.dialect.xent_ignores && i % 3 == 1) return b->p.dialect.xent_ignore_index;
    return !ctc && padded(b, x, i) ? INT32_MIN : ctc && label >= blank ? label + 1 : label;
}

/* Weights that keep the stack contractive; NaN where nothing may be read. */
static double draw_real(bench *b, const assay_tensor *x, int64_t i)
{
    const double v = 2 * draw(b) - 1;
    if (padded(b, x, i)) return NAN;
    if (x->id == ASSAY_CLASS_WEIGHTS) return 1 + v / 2;
    if (x->id >= assay_tensor_id(ASSAY_V, 0) && x->id < assay_tensor_id(ASSAY_DPARAM, 0)) return 1e-3 * v * v;
    return x->id >= ASSAY_SLOTS ? v / sqrt((double)b->p.h) : v;
}

static void fill(bench *b, const assay_tensor *x)
{
    for (int64_t i = 0; i < x->count; i++) {
        if (x->integer) {
            ((int32_t *)b->mine[x->id])[i] = draw_integer(b, x, i);
            continue;
        }
        put(b, b->mine[x->id], i, draw_real(b, x, i));
        ((double *)b->truth[x->id])[i] = get(b, b->mine[x->id], i);
    }
}

static int given(const assay_tensor *x)
{
    return x->role == ASSAY_ROLE_INPUT || x->role == ASSAY_ROLE_COTANGENT;
}

/* Lengths first: others depend on them. */
static void make_tensors(bench *b, int ragged)
{
    b->count = assay_tensors_of(&b->p, b->tensor);
    for (int pass = 0; pass < 2; pass++)
        for (int k = 0; k < b->count; k++) {
            const assay_tensor *x = &b->tensor[k];
            if ((x->id == ASSAY_LENS) == pass || (x->id == ASSAY_LENS && !ragged)) continue;
            b->mine[x->id] = block(x->count * (x->integer ? 4 : b->real_bytes) + 1);
            b->truth[x->id] = x->integer ? b->mine[x->id] : block(x->count * 8 + 1);
            if (given(x)) fill(b, x);
        }
}

static void bind(bench *b)
{
    static const struct {
        int id;
        size_t offset;
    } slots[] = {
#define SLOT(ID, name) {ID, offsetof(assay_args, name)}
        SLOT(ASSAY_X, x),
        SLOT(ASSAY_H0, h0),
        SLOT(ASSAY_C0, c0),
        SLOT(ASSAY_DY, dy),
        SLOT(ASSAY_DHN, dhn),
        SLOT(ASSAY_DCN, dcn),
        SLOT(ASSAY_DLOSS, dloss),
        SLOT(ASSAY_Y, y),
        SLOT(ASSAY_HN, hn),
        SLOT(ASSAY_CN, cn),
        SLOT(ASSAY_LOGITS, logits),
        SLOT(ASSAY_LOSS_ROWS, loss_rows),
        SLOT(ASSAY_LOSS, loss),
        SLOT(ASSAY_DX, dx),
        SLOT(ASSAY_DH0, dh0),
        SLOT(ASSAY_DC0, dc0),
        SLOT(ASSAY_IDS, ids),
        SLOT(ASSAY_LENS, lens),
        SLOT(ASSAY_LABELS, labels),
        SLOT(ASSAY_LABEL_LENS, label_lens),
        SLOT(ASSAY_CLASS_WEIGHTS, class_weights),
        SLOT(ASSAY_MASK, mask),
#undef SLOT
    };
    assay_args *a = &b->args;
    for (size_t k = 0; k < sizeof slots / sizeof *slots; k++)
        *(void **)((char *)a + slots[k].offset) = b->mine[slots[k].id];
    a->ids_dev = a->ids, a->lens_dev = a->lens, a->labels_dev = a->labels, a->label_lens_dev = a->label_lens;
    for (int i = 0; i < ASSAY_MAX_PARAMS; i++) {
        a->param[i] = b->mine[assay_tensor_id(ASSAY_PARAM, i)];
        a->m[i] = b->mine[assay_tensor_id(ASSAY_M, i)];
        a->v[i] = b->mine[assay_tensor_id(ASSAY_V, i)];
        a->dparam[i] = b->mine[assay_tensor_id(ASSAY_DPARAM, i)];
        a->param_1[i] = b->mine[assay_tensor_id(ASSAY_PARAM_1, i)];
        a->m_1[i] = b->mine[assay_tensor_id(ASSAY_M_1, i)];
        a->v_1[i] = b->mine[assay_tensor_id(ASSAY_V_1, i)];
    }
}

static void must(assay_status st)
{
    assert_int_equal(st, ASSAY_OK);
}

static void begin(bench *b, const assay_problem *p, int ragged, int threads)
{
    const assay_open_args open = {.struct_size = sizeof open, .threads = threads};
    char why[256] = "";
    memset(b, 0, sizeof *b);
    b->impl = assay_impl_entry();
    b->p = *p;
    b->state = 11;
    b->real_bytes = p->arithmetic == ASSAY_FP64 ? 8 : 4;
    if (assay_problem_check(p, why, sizeof why) != ASSAY_OK) fail_msg("%s", why);
    make_tensors(b, ragged);
    must(b->impl->open(&open, &b->ctx));
    must(b->impl->plan(b->ctx, p, &b->plan, &b->sizes));
    b->args.struct_size = sizeof b->args;
    b->args.step = 3;
    b->args.packed = block(b->sizes.packed);
    b->args.grads = block(b->sizes.grads);
    b->args.workspace = block(b->sizes.workspace);
    b->args.reserve = block(b->sizes.reserve);
    bind(b);
    if (assay_param_count(p)) must(b->impl->pack(b->plan, &b->args, NULL));
}

static void end(bench *b)
{
    b->impl->plan_free(b->plan);
    b->impl->close(b->ctx);
    free(b->args.packed), free(b->args.grads), free(b->args.workspace), free(b->args.reserve);
    for (int id = 0; id < ASSAY_TENSORS; id++) {
        if (b->truth[id] != b->mine[id]) free(b->truth[id]);
        free(b->mine[id]);
    }
}

/* One pass; what may not survive it in the workspace does not. */
static void pass(bench *b, assay_pass which)
{
    if (b->sizes.workspace) memset(b->args.workspace, 0xFF, b->sizes.workspace);
    must(b->impl->run(b->plan, which, &b->args, NULL));
}

static void fetch(bench *b)
{
    if (assay_param_count(&b->p)) must(b->impl->unpack(b->plan, &b->args, NULL));
}

static void forward_backward(bench *b)
{
    pass(b, ASSAY_TRAIN);
    if (b->p.op == ASSAY_OP_NETWORK) pass(b, ASSAY_LOSS_PASS);
    pass(b, ASSAY_BACKWARD);
    fetch(b);
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
    if (!(sqrt(error) <= COARSE * assay_unit_roundoff(b->p.arithmetic) * sqrt(norm)))
        fail_msg("%s: error %.3g of norm %.3g", x->name, sqrt(error), sqrt(norm));
}

static void expect_role(const bench *b, int role)
{
    for (int k = 0; k < b->count; k++)
        if (b->tensor[k].role == role) expect_truth(b, b->tensor[k].id, 1);
}

/* ---- cases ---- */

/* A row overrides what its macro sets. */
#pragma GCC diagnostic ignored "-Woverride-init"

static const struct {
    const char *name;
    assay_problem p;
    int ragged;
} cases[] = {
#include "impl/tests/cases.inc"
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

/* Every case in both precisions, alone and with three threads. */
static void each(trial *t)
{
    for (int k = 0; k < CASES; k++)
        for (int variant = 0; variant < 4; variant++) {
            assay_problem p = cases[k].p;
            bench b;
            p.arithmetic = variant & 1 ? ASSAY_FP64 : ASSAY_FP32;
            if (!supported(&p)) continue;
            printf("  %s, %s, %d threads\n", cases[k].name, variant & 1 ? "fp64" : "fp32", variant & 2 ? 3 : 1);
            begin(&b, &p, cases[k].ragged, variant & 2 ? 3 : 1);
            t(&b);
            end(&b);
        }
}

static int differentiable(const bench *b)
{
    return b->p.op != ASSAY_OP_NETWORK || b->p.loss != ASSAY_LOSS_NONE;
}

static void trial_truth(bench *b)
{
    must(assay_ref_evaluate_f64(&b->p, b->truth, b->args.step));
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
    must(assay_ref_evaluate_f64(&b->p, b->truth, b->args.step));
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
    if (b->args.dx) must(assay_ref_evaluate_f64(&b->p, b->truth, 0));
    must(assay_ref_evaluate_f64(&b->p, b->truth, b->args.step));
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
    must(assay_ref_evaluate_f64(&b->p, b->truth, 0));
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
    must(assay_ref_evaluate_f64(&b->p, b->truth, 0));
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

static void trial_repeat(bench *b)
{
    if (!differentiable(b)) return;
    forward_backward(b);
    void *first[ASSAY_TENSORS] = {0};
    for (int k = 0; k < b->count; k++) {
        const assay_tensor *x = &b->tensor[k];
        if (given(x) || x->role == ASSAY_ROLE_UPDATED) continue;
        first[x->id] = block(x->count * b->real_bytes + 1);
        memcpy(first[x->id], b->mine[x->id], x->count * b->real_bytes);
        memset(b->mine[x->id], 0xFF, x->count * b->real_bytes);
    }
    if (b->sizes.reserve) memset(b->args.reserve, 0xFF, b->sizes.reserve);
    if (b->sizes.grads) memset(b->args.grads, 0xFF, b->sizes.grads);
    forward_backward(b);
    for (int k = 0; k < b->count; k++) {
        const assay_tensor *x = &b->tensor[k];
        if (!first[x->id]) continue;
        assert_memory_equal(first[x->id], b->mine[x->id], x->count * b->real_bytes);
        free(first[x->id]);
    }
}

static void the_same_call_gives_the_same_bits(void **state)
{
    (void)state;
    each(trial_repeat);
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
        cmocka_unit_test(truncated_backward_is_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
