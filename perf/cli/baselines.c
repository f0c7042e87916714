/* baselines.c: `assay bench --baseline`.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/baselines.h"
#include "perf/baseline.h"
#include "perf/cli/changes.h"
#include "perf/cli/command.h"
#include "perf/cli/print.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

/* Which device a row will run on nobody knows before a worker has started; that there are any can be asked. */
static int has_devices(const char *folder)
{
    char pattern[PATH_MAX];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/*-sm[0-9]*", folder);
    const int any = glob(pattern, GLOB_ONLYDIR | GLOB_NOSORT, NULL, &found) == 0;
    if (any) globfree(&found);
    return any;
}

int assay_baselines_expect(const char *command, const char *folder)
{
    char device[ASSAY_BASELINE_DEVICE], path[PATH_MAX];
    assay_machine machine;
    assay_machine_read(&machine);
    assay_baseline_device(&machine, device, sizeof device);
    snprintf(path, sizeof path, "%s/%s", folder, device);
    if (access(path, R_OK | X_OK) == 0 || has_devices(folder)) return -1;
    assay_print_error("%s: --baseline %s: expected baselines of this machine in it: %s", command, folder, device);
    return ASSAY_EXIT_USAGE;
}

int assay_baselines_judge(const char *command, const char *folder, const assay_records *now)
{
    assay_records baseline = {0};
    assay_comparisons found = {0};
    char why[512] = "";
    assay_status st = assay_baseline_read(folder, now, &baseline, why, sizeof why);
    if (st == ASSAY_OK && baseline.count) st = assay_baseline_judge(&baseline, now, &found, why, sizeof why);
    if (st != ASSAY_OK)
        assay_print_error("%s: --baseline %s", command, why);
    else if (found.count)
        assay_changes_print(&found, 0, "the baselines", "this run");
    else
        printf("baselines: none in %s of what was timed\n", folder);
    const int slower = found.counts[ASSAY_SLOWER];
    assay_comparisons_free(&found);
    assay_records_free(&baseline);
    if (st != ASSAY_OK) return st == ASSAY_BAD_ARGUMENT ? ASSAY_EXIT_USAGE : ASSAY_EXIT_UNABLE;
    return slower ? ASSAY_EXIT_BROKEN : ASSAY_EXIT_HELD;
}
