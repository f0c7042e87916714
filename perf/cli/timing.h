/* timing.h: the two questions that timing asks before a number may stand: may it be timed, and was what it computed
 * right. SPDX-License-Identifier: MIT */
#ifndef ASSAY_TIMING_H
#define ASSAY_TIMING_H

#include "conformance/suite.h"
#include "perf/bench.h"
#include "perf/cli/judge.h"
#include "perf/cli/plugins.h"
#include "perf/cli/print.h"

typedef struct assay_timing_request {
    const char *command; /* for messages */
    const assay_plugins *plugins;
    assay_bench_options bench; /* globs, budget, threads, seed, text; the rest is set here */
    const char *certificates;  /* folder of certificates; NULL = assay_path_certificates() */
    const char *floors;        /* folder of stored floors; NULL = those of the source tree, else measured */
    const char *json, *gbench; /* files, or NULL: our records; Google Benchmark's form */
    const char *baseline;      /* folder of baselines to judge the records by, or NULL */
    assay_level level;         /* that a certificate needs at least */

    assay_records records; /* what came out; the caller frees */
    assay_bench_summary summary;
    assay_progress progress;
    assay_floors_kept *kept;
    char folder[512], device[128];
} assay_timing_request;

/* Times, prints the table, writes the files. Returns the exit status. */
int assay_timing_perform(assay_timing_request *q);

#endif
