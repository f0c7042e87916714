/* test_races.c: all passes of a host implementation with several threads; ThreadSanitizer judges, results do not matter
 * here. SPDX-License-Identifier: MIT
 *
 * Two threads that no barrier parts may give right results in a thousand runs. ThreadSanitizer knows what no barrier
 * parts whether it went wrong or not. */
#include "impl/impl.h"
#include "reference/rounding.h"
#include "reference/tensors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "impl/tests/bench.inc"

/* For the sanitizer's runtime: the first report ends the program. */
__attribute__((visibility("default"))) const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "halt_on_error=1";
}

#define RNN(...)                                                                                                       \
    .op = ASSAY_OP_RNN, .layers = 1, .directions = 1,                                                                  \
    .dialect = {.biases = ASSAY_BIAS_TWO, .gru_reset = ASSAY_RESET_AFTER_INSIDE}, __VA_ARGS__
#define NET(...)                                                                                                       \
    .op = ASSAY_OP_NETWORK, .layers = 1, .directions = 1, .lr = 1e-2, .beta1 = .9, .beta2 = .999, .epsilon = 1e-8,     \
    .dense_bias = 1,                                                                                                   \
    .dialect = {.biases = ASSAY_BIAS_TWO,                                                                              \
                .gru_reset = ASSAY_RESET_AFTER_INSIDE,                                                                 \
                .xent_reduction = ASSAY_REDUCE_MEAN,                                                                   \
                .ctc_reduction = ASSAY_REDUCE_MEAN},                                                                   \
    __VA_ARGS__
#define WIDE .h = 128 /* two threads share the units of a layer */

#pragma GCC diagnostic ignored "-Woverride-init" /* a row overrides what its macro sets */

/* More than one chunk of 512 rows where T N is large; shared units, slices of the batch, a direction a thread. */
static const struct {
    const char *name;
    assay_problem p;
    int ragged, threads;
} cases[] = {
    {"shared units, chunks, gathered", {RNN(.t = 60, .n = 48, .i = 3, WIDE)}, 1, 2},
    {"shared units, chunks, as they lie", {RNN(.t = 40, .n = 16, .i = 3, WIDE)}, 0, 2},
    {"shared units, few rows", {RNN(.t = 5, .n = 3, .i = 5, WIDE, .layers = 3)}, 1, 2},
    {"shared units, two directions", {RNN(.t = 4, .n = 7, .i = 5, WIDE, .layers = 2, .directions = 2)}, 1, 2},
    {"shared units, peepholes", {RNN(.t = 4, .n = 5, .i = 5, WIDE, .dialect.peephole = 1)}, 1, 2},
    {"shared units, projection", {RNN(.t = 5, .n = 5, .i = 5, WIDE, .proj = 40, .layers = 2)}, 1, 2},
    {"shared units, summed directions",
     {RNN(.t = 4, .n = 5, .i = 5, WIDE, .layers = 3, .directions = 2, .dialect.merge = ASSAY_MERGE_SUM)},
     1,
     2},
    {"shared units, GRU, after", {RNN(.t = 5, .n = 5, .i = 5, WIDE, .layers = 2, .dialect.cell = ASSAY_GRU)}, 1, 2},
    {"shared units, GRU, before",
     {RNN(.t = 5, .n = 5, .i = 5, WIDE, .layers = 2, .dialect = {.cell = ASSAY_GRU, .gru_reset = ASSAY_RESET_BEFORE})},
     1,
     2},
    {"shared units, tanh", {RNN(.t = 4, .n = 5, .i = 5, WIDE, .dialect.cell = ASSAY_RNN_TANH)}, 1, 2},
    {"slices", {RNN(.t = 18, .n = 70, .i = 5, .h = 20, .layers = 2)}, 1, 4},
    {"slices, two directions", {RNN(.t = 6, .n = 70, .i = 5, .h = 20, .layers = 3, .directions = 2)}, 1, 4},
    {"slices, multiplied directions",
     {RNN(.t = 6, .n = 70, .i = 5, .h = 20, .layers = 2, .directions = 2, .dialect.merge = ASSAY_MERGE_MULTIPLY)},
     1,
     4},
    {"cross-entropy, embedding",
     {NET(.t = 30, .n = 24, .i = 4, WIDE, .classes = 19, .vocab = 11, .head = ASSAY_HEAD_EVERY, .loss = ASSAY_LOSS_XENT,
          .optimizer = ASSAY_OPT_ADAM)},
     1,
     2},
    {"cross-entropy, last",
     {NET(.t = 7, .n = 9, .i = 4, .h = 12, .classes = 5, .head = ASSAY_HEAD_LAST, .loss = ASSAY_LOSS_XENT,
          .optimizer = ASSAY_OPT_SGD)},
     1,
     2},
    {"CTC",
     {NET(.t = 9, .n = 6, .i = 5, .h = 12, .directions = 2, .classes = 7, .labels = 9, .max_label = 2,
          .head = ASSAY_HEAD_EVERY, .loss = ASSAY_LOSS_CTC, .optimizer = ASSAY_OPT_ADAM,
          .dialect.ctc_infeasible = ASSAY_INFEASIBLE_ZERO)},
     1,
     4},
};

static void nothing_is_shared_without_a_meeting(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        assay_problem p = cases[k].p;
        bench b;
        printf("  %s, %d threads\n", cases[k].name, cases[k].threads);
        p.arithmetic = ASSAY_FP32;
        begin(&b, &p, cases[k].ragged, cases[k].threads);
        pass(&b, ASSAY_INFER);
        forward_backward(&b);
        if (b.p.optimizer != ASSAY_OPT_NONE) pass(&b, ASSAY_STEP);
        end(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_shared_without_a_meeting)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
