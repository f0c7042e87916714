/* bench.c: `assay bench`: times the documented workloads on implementations that conform.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/baselines.h"
#include "perf/cli/command.h"
#include "perf/cli/options.h"
#include "perf/cli/paths.h"
#include "perf/cli/timing.h"

#include <limits.h>
#include "perf/scale.h"

/* -1 to go on, or the exit status. */
static int read_axes(const assay_strings *named, int32_t axes[ASSAY_AXES])
{
    for (int k = 0; k < named->count; k++) {
        int axis = assay_axis_by_name(named->at[k]), again = 0;
        for (int before = 0; before < k && axis >= 0; before++)
            again |= axes[before] == axis;
        if (axis < 0 || again) {
            assay_print_error("bench: --scale %s: expected t, n, h or threads, each once", named->at[k]);
            return ASSAY_EXIT_USAGE;
        }
        axes[k] = axis;
    }
    return -1;
}

int assay_command_bench(int argc, char **argv)
{
    static const assay_usage usage = {
        "bench", NULL,
        "Times the documented workloads. An implementation without a certificate for its very bytes is checked first, "
        "and\n"
        "what does not conform gets no number. Outputs of the timed calls are compared in full with the reference.",
        "assay bench --impl blas --workload 'b1*' --json b1.json"};
    assay_strings impls = {{0}, 0}, axes = {{0}, 0}, globs = {{0}, 0};
    int32_t scale[ASSAY_AXES];
    assay_timing_request q = {.command = "bench", .bench = {.budget = 600}};
    char floors[PATH_MAX];
    const char *seed = NULL;
    int threads = 0, full = 0;
    const assay_option options[] = {
        {"impl", "NAME|PATH", "which implementation; default: all of `assay list impls`", ASSAY_TAKES_TEXTS, &impls},
        {"workload", "GLOB", "these workloads only (`assay list workloads`)", ASSAY_TAKES_TEXTS, &globs},
        {"budget", "SECONDS", "for everything; what does not fit is left out by name", ASSAY_TAKES_REAL,
         &q.bench.budget},
        {"memory", "GIB", "for all at once; who does not fit takes turns; default: what is free", ASSAY_TAKES_REAL,
         &q.bench.memory},
        {"threads", "N", "for each implementation; default: the number that serves it best", ASSAY_TAKES_THREADS,
         &threads},
        {"seed", "SEED", "of parameters and states; default: fresh for each workload", ASSAY_TAKES_TEXT, &seed},
        {"scale", "AXIS", "t, n, h or threads: training steps along this axis, with a straight line", ASSAY_TAKES_TEXTS,
         &axes},
        {"text", "FILE", "text for d.ptb-lm in place of the synthetic one", ASSAY_TAKES_INPUT, &q.bench.text},
        {"baseline", "DIR", "then judge the records by this machine's baselines in it; only SLOWER fails",
         ASSAY_TAKES_STORE, &q.baseline},
        {"full", NULL, "the full check for a certificate, which `assay publish` asks for", ASSAY_TAKES_NOTHING, &full},
        {"certificates", "DIR", "where certificates are kept; made if its parent is there", ASSAY_TAKES_FOLDER,
         &q.certificates},
        {"floors", "DIR", "where stored floors lie", ASSAY_TAKES_STORE, &q.floors},
        {"json", "FILE", "write the records", ASSAY_TAKES_OUTPUT, &q.json},
        {"gbench", "FILE", "write every sample in Google Benchmark's form", ASSAY_TAKES_OUTPUT, &q.gbench},
        {0}};
    int status = assay_options_read(&usage, options, argc, argv, NULL);
    if (status >= 0) return status;
    q.bench.fixed_seed = seed != NULL;
    if (seed && !assay_seed_parse(seed, &q.bench.seed)) {
        assay_print_error("bench: --seed '%s': expected a number below 2^64, as 0x5eed or decimal", seed);
        return ASSAY_EXIT_USAGE;
    }
    if ((status = read_axes(&axes, scale)) >= 0) return status;
    if (q.baseline && (status = assay_baselines_expect("bench", q.baseline)) >= 0) return status;
    q.bench.axes = scale;
    q.bench.globs = globs.at;
    q.bench.glob_count = globs.count;
    q.bench.axis_count = axes.count;
    q.bench.threads = threads;
    q.level = full ? ASSAY_LEVEL_FULL : ASSAY_LEVEL_QUICK;
    if (!q.floors) q.floors = assay_path_own("share", "floors", floors, sizeof floors);
    assay_plugins plugins;
    status = assay_plugins_select(&impls, &plugins);
    if (status < 0 && (status = assay_plugins_distinct("bench", &plugins)) >= 0) assay_plugins_free(&plugins);
    if (status >= 0) return status;
    q.plugins = &plugins;
    status = assay_timing_perform(&q);
    assay_records_free(&q.records);
    assay_plugins_free(&plugins);
    return status;
}
