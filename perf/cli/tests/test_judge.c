/* test_judge.c: a timed result is held against the noise of the data that it was measured on, and every documented
 * shape has a stored one. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "conformance/floors.h"
#include "perf/cli/judge.h"
#include "perf/state.h"
#include "perf/tests/bed.h"
#include "perf/workload.h"
#include "reference/tensors.h"

static const unsigned roles = 1u << ASSAY_ROLE_FORWARD | 1u << ASSAY_ROLE_GRADIENT;
static const assay_arithmetic fp32 = {
    .operand = ASSAY_FP32, .accumulate = ASSAY_FP32, .store = ASSAY_FP32, .activation_ulp = 2};

/* Logits of `share` of their usual size, each off by `error` of that; all else as it should be. */
static assay_judgement judged(assay_floors_kept **floors, const assay_values *given, int64_t step, double share,
                              double error)
{
    assay_values truth, got;
    assay_tensor logits;
    assert_true(assay_tensor_find(&bed_small.problem, ASSAY_LOGITS, &logits));
    assert_int_equal(assay_state_truth(&bed_small.problem, given, step, roles, NULL, &truth), ASSAY_OK);
    assert_int_equal(assay_state_truth(&bed_small.problem, given, step, roles, NULL, &got), ASSAY_OK);
    double *want = truth.at[ASSAY_LOGITS], *have = got.at[ASSAY_LOGITS];
    const double typical = assay_norm(want, logits.count) / sqrt((double)logits.count);
    for (int64_t e = 0; e < logits.count; e++) {
        want[e] *= share;
        have[e] = want[e] + error * typical * (e % 2 ? 1 : -1);
    }
    const assay_kept k = {.workload = &bed_small,
                          .problem = &bed_small.problem,
                          .declared = &fp32,
                          .implementation = "nobody",
                          .phase = "step",
                          .step = step,
                          .given = given,
                          .got = &got,
                          .truth = &truth};
    const assay_judgement out = assay_judge(floors, NULL, &k);
    assay_values_free(&truth);
    assay_values_free(&got);
    return out;
}

/* One block's floors serve all blocks of a run; logits of one may be a tenth of another's, and their noise is not. */
static void noise_does_not_shrink_with_the_truth(void **state)
{
    assay_floors_kept *floors = NULL;
    assay_values given;
    int64_t step;
    (void)state;
    assert_int_equal(assay_state_make(&bed_small, 7, 0, NULL, &given, &step), ASSAY_OK);
    const assay_judgement first = judged(&floors, &given, step, 1, 5e-8),
                          small = judged(&floors, &given, step, 0.01, 5e-8),
                          wrong = judged(&floors, &given, step, 0.01, 1e-5);
    assay_floors_forget(floors);
    assay_values_free(&given);
    assert_int_equal(first.verdict, ASSAY_VERDICT_PASS);
    assert_int_equal(small.verdict, ASSAY_VERDICT_PASS);
    assert_int_equal(wrong.verdict, ASSAY_VERDICT_FAIL);
    assert_non_null(strstr(wrong.why, "logits"));
}

/* They carry the hash of the reference: who changes that measures them again (`assay floor --out`), or every bench on a
 * documented shape measures its own. */
static void documented_shapes_have_stored_floors_of_these_sources(void **state)
{
    (void)state;
    for (int k = 0; k < assay_workload_count(); k++) {
        const assay_workload *w = assay_workload_get(k);
        assay_oracle o;
        memset(&o, 0, sizeof o);
        if (!assay_floors_read(ASSAY_FLOORS, w->id, &w->problem, &fp32, &o))
            fail_msg("%s: no floors of these sources are stored for it", w->id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_does_not_shrink_with_the_truth),
        cmocka_unit_test(documented_shapes_have_stored_floors_of_these_sources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
