/* bed.c: a small network in a worker.
 * SPDX-License-Identifier: MIT */
#include "perf/tests/bed.h"

#include "reference/tensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const assay_workload bed_small = {.id = "test.small",
                                  .what = "1 x LSTM 8, 4 x 6 x 5, 3 classes on the last step, Adam",
                                  .problem = {.op = ASSAY_OP_NETWORK,
                                              .arithmetic = ASSAY_FP32,
                                              .t = 6,
                                              .n = 4,
                                              .i = 5,
                                              .h = 8,
                                              .layers = 1,
                                              .directions = 1,
                                              .classes = 3,
                                              .head = ASSAY_HEAD_LAST,
                                              .loss = ASSAY_LOSS_XENT,
                                              .dense_bias = 1,
                                              .optimizer = ASSAY_OPT_ADAM,
                                              .lr = 1e-3,
                                              .beta1 = 0.9,
                                              .beta2 = 0.999,
                                              .epsilon = 1e-8,
                                              .dialect = {.cell = ASSAY_LSTM,
                                                          .biases = ASSAY_BIAS_TWO,
                                                          .gru_reset = ASSAY_RESET_AFTER_INSIDE,
                                                          .xent_reduction = ASSAY_REDUCE_MEAN}},
                                  .data = ASSAY_DATA_STREAM,
                                  .label_high = 3,
                                  .offset = 2,
                                  .offset_last = 2,
                                  .source = "this test"};

static void compare(const assay_kept *k, const assay_values *truth, double *worst)
{
    assay_tensor list[ASSAY_TENSORS];
    int count = assay_tensors_of(k->problem, list);
    for (int t = 0; t < count; t++) {
        const double *got = k->got->at[list[t].id], *want = truth->at[list[t].id];
        double largest = 1e-30, difference = 0;
        if (!got || !want || list[t].integer) continue;
        for (int64_t e = 0; e < list[t].count; e++) {
            largest = fmax(largest, fabs(want[e]));
            difference = isnan(got[e]) ? INFINITY : fmax(difference, fabs(got[e] - want[e]));
        }
        *worst = fmax(*worst, difference / largest);
    }
}

static assay_judgement judge(void *user, const assay_kept *k)
{
    bed_court *c = user;
    c->later += k->state < 0;
    c->steps += !strcmp(k->phase, "step") && k->state >= 0;
    c->phases += !strcmp(k->phase, "phases");
    c->infer += !strcmp(k->phase, "infer");
    c->forward_loss += !strcmp(k->phase, "forward-loss");
    compare(k, k->truth, &c->worst);
    if (k->update_truth) compare(k, k->update_truth, &c->worst);
    assay_judgement j = {.verdict = c->verdict, .margin = 0.5, .why = "as told"};
    if (c->strict) j = (assay_judgement){c->worst < 1e-4 ? ASSAY_VERDICT_PASS : ASSAY_VERDICT_FAIL, 0.5, "far off"};
    return j;
}

bed *bed_make(const char *plugin)
{
    const assay_session_options so = {.threads = 1, .time_limit = 60, .worker = ASSAY_WORKER};
    bed *b = calloc(1, sizeof *b);
    if (!b) return NULL;
    b->options = (assay_bench_options){.judge = judge, .user = &b->court};
    b->m = (assay_measurement){.workload = &bed_small,
                               .gbench = assay_gbench_begin(),
                               .seed = 7,
                               .schedule = 8,
                               .states = b->states,
                               .steps = b->steps};
    int made = 1;
    for (int s = 0; s < ASSAY_STATES; s++)
        made &= assay_state_make(&bed_small, 7, s, NULL, &b->states[s], &b->steps[s]) == ASSAY_OK;
    b->entrants[0] = &b->entrant;
    b->entrant.plugin = plugin;
    b->entrant.threads = 1;
    if (!made || !assay_rig_start(&b->entrant.rig, plugin, &so, &bed_small.problem) ||
        !assay_rig_plan(&b->entrant.rig, &b->states[0]) || !assay_measure_warm_up(&b->m, &b->entrant)) {
        fprintf(stderr, "%s\n", b->entrant.rig.why);
        bed_free(b);
        return NULL;
    }
    b->of = (assay_outcome_of){.options = &b->options,
                               .measurement = &b->m,
                               .problem = &bed_small.problem,
                               .machine = &b->machine,
                               .data = "documented",
                               .calibration_before = 100,
                               .calibration_after = 100,
                               .peak = 1e6};
    return b;
}

void bed_free(bed *b)
{
    assay_entrant_free(&b->entrant);
    for (int s = 0; s < ASSAY_STATES; s++)
        assay_values_free(&b->states[s]);
    assay_measurement_free(&b->m);
    assay_gbench_end(b->m.gbench);
    free(b);
}

void bed_measure_all(bed *b)
{
    assay_measure_steps(&b->m, b->entrants, 1, 0);
    assay_measure_phases(&b->m, b->entrants, 1, 0);
    assay_measure_infer(&b->m, b->entrants, 1, 0);
    assay_measure_forward_loss(&b->m, b->entrants, 1, 0);
}

assay_verdict bed_judge(bed *b, double *margin)
{
    double seconds;
    assay_status st = assay_outcome_judge(&b->of, b->entrants, 1, margin, &seconds);
    return st == ASSAY_OK ? b->entrant.rig.verdict : ASSAY_VERDICT_BROKEN;
}
