/* sample.c: invented records.
 * SPDX-License-Identifier: MIT */
#include "perf/tests/sample.h"

#include "perf/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 30 };

static void add(assay_records *list, const char *workload, const char *implementation, const char *phase, double ms,
                double gflop)
{
    assay_record r;
    memset(&r, 0, sizeof r);
    snprintf(r.workload, sizeof r.workload, "%s", workload);
    snprintf(r.implementation, sizeof r.implementation, "%s", implementation);
    snprintf(r.version, sizeof r.version, "1.0 <beta> & \"co\"");
    snprintf(r.arithmetic, sizeof r.arithmetic, "fp32");
    snprintf(r.phase, sizeof r.phase, "%s", phase);
    snprintf(r.limit, sizeof r.limit, gflop > 0 ? "multiply-add" : "none declared");
    snprintf(r.machine.cpu, sizeof r.machine.cpu, "An invented processor");
    snprintf(r.suite_version, sizeof r.suite_version, "0.1.0");
    snprintf(r.time, sizeof r.time, "2026-01-02T03:04:05Z");
    snprintf(r.work.bptt_steps, sizeof r.work.bptt_steps, "all");
    r.samples_ms = malloc(SAMPLES * sizeof *r.samples_ms);
    for (int k = 0; k < SAMPLES; k++)
        r.samples_ms[k] = ms * (1 + 0.002 * (k % 5));
    assay_stats s = assay_stats_of(r.samples_ms, SAMPLES);
    r.median_ms = s.median;
    r.q1_ms = s.q1;
    r.q3_ms = s.q3;
    r.min_ms = s.min;
    r.mean_ms = s.mean;
    r.p95_ms = s.p95;
    r.low_ms = s.q1;
    r.high_ms = s.q3;
    r.n = SAMPLES;
    r.calls = 1;
    r.threads = 2;
    r.round_trip_ms = 0.05;
    r.worker_ms = s.median;
    r.gflop = gflop;
    r.peak_gflop_per_s = 200;
    r.gflop_per_s = gflop > 0 ? gflop / s.median * 1e3 : NAN;
    r.roof_ms = gflop > 0 ? gflop / 200 * 1e3 : NAN;
    r.roof_share = gflop > 0 ? r.roof_ms / s.median : NAN;
    r.sgemm_gflop_per_s = 180;
    snprintf(r.sgemm_by, sizeof r.sgemm_by, "OpenBLAS 0.1");
    r.reserve_mib = 250;
    r.peak_mib = 320;
    r.seed = 0xfedcba9876543210u; /* above 2^63 */
    r.margin = 0.25;
    r.calibration_before = r.calibration_after = 200;
    r.fit = 1;
    r.machine.cores = 2;
    if (assay_records_add(list, &r) != ASSAY_OK) free(r.samples_ms);
}

assay_records assay_sample_records(void)
{
    assay_records list = {0};
    static const char *const names[] = {"slow", "quick"};
    for (int k = 0; k < 2; k++) {
        double factor = k == 0 ? 2 : 1;
        add(&list, "b1.lstm-ce-short", names[k], "pack", 0.4 * factor, 0);
        add(&list, "b1.lstm-ce-short", names[k], "forward", 50 * factor, 7.26);
        add(&list, "b1.lstm-ce-short", names[k], "loss", 0.1 * factor, 0);
        add(&list, "b1.lstm-ce-short", names[k], "backward", 80 * factor, 12.5);
        add(&list, "b1.lstm-ce-short", names[k], "update", 1.5 * factor, 0);
        add(&list, "b1.lstm-ce-short", names[k], "step", 130 * factor, 19.76);
        add(&list, "b1.lstm-ce-short", names[k], "infer", 45 * factor, 7.26);
    }
    add(&list, "c.emb-lstm.h128", "quick", "step", 60, 6.44);
    assay_records_leave_out(&list, "b3.blstm4-ce-long", "slow", "all", "budget: 6 steps | would <take> about 90 s");
    return list;
}
