/* floor_rounded.c: floors by sums that are really rounded.
 * SPDX-License-Identifier: MIT */
#include "conformance/floor_rounded.h"

#include "conformance/clock.h"
#include "conformance/floor_runs.h"
#include "reference/reference.h"
#include "reference/rounded/rounded.h"
#include "reference/rounding.h"

#include <string.h>

static double work_of(const assay_question *q)
{
    const int32_t *lens = q->given->at[ASSAY_LENS];
    double macs = assay_macs_forward(q->p, lens);
    if (q->wanted >> ASSAY_ROLE_GRADIENT & 1u) macs += assay_macs_backward(q->p, lens, 1);
    return macs;
}

static assay_status truth_of(const assay_question *q, const assay_arithmetic *judged, assay_values *truth)
{
    const assay_rounding exact = assay_floor_exact(judged);
    void *at[ASSAY_TENSORS];
    assay_status st = assay_values_make(q->p, q->wanted, truth);
    if (st != ASSAY_OK) return st;
    assay_values_join(q->given, truth, at);
    assay_rounding_noise(&exact);
    return assay_ref_evaluate_noise(q->p, at, q->step);
}

assay_status assay_floor_rounded(const assay_question *q, assay_oracle *out)
{
    const assay_arithmetic judged = assay_arithmetic_judged(q->declared);
    memset(out, 0, sizeof *out);
    if (!assay_arithmetic_is_narrow(&judged) || judged.accumulate != ASSAY_FP32 || judged.truncates || judged.opaque)
        return ASSAY_UNSUPPORTED;
    out->macs = work_of(q);
    out->method = ASSAY_FLOOR_ROUNDED;
    double start = assay_clock();
    assay_status st = truth_of(q, &judged, &out->truth);
    out->seconds_truth = assay_clock() - start;
    start = assay_clock();
    const assay_floor_job j = {.p = q->p,
                               .given = q->given,
                               .truth = &out->truth,
                               .wanted = q->wanted,
                               .step = q->step,
                               .declared = &judged,
                               .seed = q->seed,
                               .batch_scale = 1,
                               .evaluate = assay_ref_evaluate_rounded,
                               .set = assay_rounding_noise,
                               .flipped = out->macs <= ASSAY_FLOOR_MACS ? assay_ref_evaluate_sr : NULL};
    if (st == ASSAY_OK) st = assay_floor_measure(&j, out->floor, &out->runs);
    out->seconds_floor = assay_clock() - start;
    if (st != ASSAY_OK) assay_oracle_free(out);
    return st;
}
