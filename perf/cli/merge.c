/* merge.c: `assay merge`: what several runs measured as one list of records.
 * SPDX-License-Identifier: MIT */
#include "perf/merge.h"
#include "perf/spread.h"
#include "perf/cli/command.h"
#include "perf/cli/options.h"
#include "perf/cli/print.h"

#include <limits.h>
#include <stdio.h>

static int refuse(const char *why, assay_status st)
{
    assay_print_error("merge: %s", why);
    return st == ASSAY_BAD_ARGUMENT ? ASSAY_EXIT_USAGE : ASSAY_EXIT_UNABLE;
}

static int print_spreads(const assay_records *list)
{
    assay_spreads s;
    if (assay_spreads_make(list, &s) != ASSAY_OK) return refuse("no memory for the spreads", ASSAY_NO_MEMORY);
    for (int32_t k = 0; k < s.count; k++) {
        printf("%s", k ? "  " : "equal devices:\n  ");
        assay_spread_print(stdout, &s.at[k]);
        printf("\n");
    }
    assay_spreads_free(&s);
    return ASSAY_EXIT_HELD;
}

static int merge(const assay_strings *folders, const char *out, assay_records *list)
{
    char why[640] = "", first[256] = "", path[PATH_MAX];
    assay_merged sum = {0};
    for (int k = 0; k < folders->count; k++) {
        const assay_status st = assay_merge_folder(folders->at[k], list, &sum, first, why, sizeof why);
        if (st != ASSAY_OK) return refuse(why, st);
    }
    if (sum.files == 0) return refuse("no file of records (assay bench --json) in these folders", ASSAY_BAD_ARGUMENT);
    assay_merge_settle(list);
    snprintf(path, sizeof path, "%s/records.json", out);
    if (assay_records_write(list, path, why, sizeof why) != ASSAY_OK) return refuse(why, ASSAY_FAILED);
    printf(
        "%s: %d records, %d rows without a number, from %d files in %d folders; %d came again, %d other files of JSON "
        "passed over\n",
        path, (int)list->count, (int)list->left_count, (int)sum.files, (int)sum.folders, (int)sum.repeated,
        (int)sum.others);
    const int status = print_spreads(list);
    return status == ASSAY_EXIT_HELD && !list->count ? ASSAY_EXIT_BROKEN : status;
}

int assay_command_merge(int argc, char **argv)
{
    static const assay_usage usage = {"merge", "DIR...",
                                      "Reads the records (`assay bench --json`) that lie in each DIR, as the archives "
                                      "of ci/gpu.sh hold them when they\n"
                                      "are unpacked, and writes them as one list, OUT/records.json. Refused are "
                                      "records of two suites or commits, and\n"
                                      "two different records of one row; the same record twice counts once. Rows of "
                                      "nodes with names ($ASSAY_NODE\n"
                                      "where they were measured) stand side by side, and equal devices are set "
                                      "against each other.\n"
                                      "Exit status: 0 written, 1 written without a single record.",
                                      "assay merge monday tuesday --out both && assay report both/records.json"};
    assay_strings folders = {{0}, 0};
    const char *out = NULL;
    const assay_option options[] = {
        {"out", "DIR", "where records.json goes; made if its parent is there", ASSAY_TAKES_FOLDER, &out}, {0}};
    int status = assay_options_read(&usage, options, argc, argv, &folders);
    if (status >= 0) return status;
    if (!out || folders.count == 0) {
        assay_print_error(out ? "merge: expected folders of records" : "merge: expected --out DIR");
        return ASSAY_EXIT_USAGE;
    }
    assay_records list = {0};
    status = merge(&folders, out, &list);
    assay_records_free(&list);
    return status;
}
