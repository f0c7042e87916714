/* report_ratio.c: each implementation's training step over each other's, with intervals, for the page.
 * SPDX-License-Identifier: MIT */
#include "perf/escape.h"
#include "perf/report_parts.h"

#include <math.h>
#include <stdio.h>

static void interval(FILE *f, assay_interval i)
{
    char low[24], high[24];
    if (isfinite(i.low))
        fprintf(f, "<td>%s to %s", assay_report_number(i.low, low), assay_report_number(i.high, high));
    else
        fputs("<td>-", f);
}

void assay_report_ratios_html(FILE *f, const assay_report_group *g)
{
    char name[128];
    if (g->row_count < 2) return;
    fputs("<details><summary>each over each: time of a step of the row over that of the column</summary>\n<div "
          "class=\"scroll\"><table><tr><th>95 % of the paired ratio</th>",
          f);
    for (int32_t c = 0; c < g->row_count; c++) {
        fputs("<th>", f);
        assay_escape(f, assay_report_row_name(&g->rows[c], name));
        fputs("</th>", f);
    }
    fputs("</tr>\n", f);
    for (int32_t r = 0; r < g->row_count; r++) {
        fputs("<tr><td>", f);
        assay_escape(f, assay_report_row_name(&g->rows[r], name));
        for (int32_t c = 0; c < g->row_count; c++) {
            if (r == c)
                fputs("<td>1", f);
            else
                interval(f, assay_report_ratio(&g->rows[r], &g->rows[c]));
        }
        fputs("</tr>\n", f);
    }
    fputs("</table></div></details>\n", f);
}
