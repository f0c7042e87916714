/* report.c: `assay report`: records of earlier runs as something to read.
 * SPDX-License-Identifier: MIT */
#include "perf/report.h"
#include "perf/cli/command.h"
#include "perf/cli/options.h"
#include "perf/cli/output.h"
#include "perf/cli/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int assay_command_report(int argc, char **argv)
{
    static const assay_usage usage = {
        "report", "RECORDS...",
        "Turns records (`assay bench --json`) into a table, Markdown, one HTML page, JSON, or entries for dashboards\n"
        "(customSmallerIsBetter). Several files make one report. What `assay check`, `assay mutants` and `assay "
        "truth`\n"
        "wrote with --json stands in tables, Markdown and pages, too; what `assay audit` and `assay converge` wrote, "
        "in\n"
        "pages alone.",
        "assay report --format html --out report.html b1.json"};
    assay_strings files = {{0}, 0};
    const char *format = "table", *out = NULL;
    const assay_option options[] = {
        {"format", "FORMAT", "table, markdown, html, json or customSmallerIsBetter; default table", ASSAY_TAKES_TEXT,
         &format},
        {"out", "FILE", "write it there; default, and -: standard output", ASSAY_TAKES_PAGE, &out},
        {0}};
    int status = assay_options_read(&usage, options, argc, argv, &files);
    if (status >= 0) return status;
    int chosen = assay_report_format_by_name(format);
    if (chosen < 0 || files.count == 0) {
        if (chosen < 0)
            assay_print_error("report: --format %s: expected one of those that --help names", format);
        else
            assay_print_error("report: expected files of records");
        return ASSAY_EXIT_USAGE;
    }
    assay_records records = {0};
    assay_report_beside beside = {0};
    char why[256], *text = NULL;
    status = ASSAY_EXIT_HELD;
    for (int k = 0; k < files.count && status == ASSAY_EXIT_HELD; k++) {
        assay_status st = assay_report_read(files.at[k], &records, &beside, why, sizeof why);
        if (st == ASSAY_OK && assay_report_has_room((assay_report_format)chosen, &beside)) continue;
        if (st == ASSAY_OK)
            assay_print_error("report: %s: --format %s has no room for it, expected html", files.at[k], format);
        else
            assay_print_error("report: %s", why);
        status = st == ASSAY_NO_MEMORY ? ASSAY_EXIT_UNABLE : ASSAY_EXIT_USAGE;
    }
    if (status == ASSAY_EXIT_HELD) {
        text = assay_report_text_with(&records, &beside, (assay_report_format)chosen);
        if (!text) assay_print_error("report: no memory for its text");
        if (!text)
            status = ASSAY_EXIT_UNABLE;
        else if (out)
            status = assay_output_write(out, text, strlen(text));
        else if (fputs(text, stdout) == EOF)
            status = ASSAY_EXIT_UNABLE;
    }
    free(text);
    assay_report_beside_free(&beside);
    assay_records_free(&records);
    return status;
}
