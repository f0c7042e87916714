/* report_history.c: rows over commits, and devices that should be equal: tables, lines, and a chart for the page.
 * SPDX-License-Identifier: MIT */
#include "perf/chart.h"
#include "perf/escape.h"
#include "perf/report_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CELLS = 7 };
static const char *const head[CELLS] = {"#", "commit", "of", "ms", "95 %", "roof", "against the one before"};

/* "FASTER 0.91..0.95", "UNDECIDED: libraries differ". */
static void verdict(const assay_comparison *c, char *out, size_t size)
{
    char low[24], high[24];
    if (c->why[0])
        snprintf(out, size, "%s: %s", assay_change_name(c->change), c->why);
    else
        snprintf(out, size, "%s %s..%s", assay_change_name(c->change), assay_report_number(c->ratio.low, low),
                 assay_report_number(c->ratio.high, high));
}

static void cells(const assay_history *h, int32_t k, char cell[CELLS][224])
{
    const assay_record *r = h->at[k];
    const char *day = r->commit_time[0] ? r->commit_time : r->time;
    char low[24], high[24], number[24];
    snprintf(cell[0], sizeof cell[0], "%d", (int)k);
    snprintf(cell[1], sizeof cell[1], "%s", r->commit[0] ? r->commit : "unknown");
    snprintf(cell[2], sizeof cell[2], "%.10s %.5s", day, strlen(day) > 16 ? day + 11 : "");
    snprintf(cell[3], sizeof cell[3], "%s", assay_report_number(r->median_ms, number));
    snprintf(cell[4], sizeof cell[4], "%s..%s", assay_report_number(r->low_ms, low),
             assay_report_number(r->high_ms, high));
    if (isfinite(r->roof_share))
        snprintf(cell[5], sizeof cell[5], "%.0f %%", 100 * r->roof_share);
    else
        snprintf(cell[5], sizeof cell[5], "-");
    if (k)
        verdict(&h->change[k], cell[6], sizeof cell[6]);
    else
        snprintf(cell[6], sizeof cell[6], "-");
}

/* "f.imdb-gru, cpu fp32 @ node-7: a training step over 3 records". */
static void title(const assay_history *h, char *out, size_t size)
{
    const assay_record *r = h->at[0];
    snprintf(out, size, "%s, %s %s%s%s: %s over commits", r->workload, r->implementation, r->arithmetic,
             r->machine.node[0] ? " @ " : "", r->machine.node, strcmp(r->phase, "step") ? r->phase : "a training step");
}

void assay_report_history_table(FILE *f, const assay_report_parts *p)
{
    for (int32_t n = 0; n < p->histories.count; n++) {
        const assay_history *h = &p->histories.at[n];
        char cell[CELLS][224], name[256];
        title(h, name, sizeof name);
        fprintf(f, "\nhistory: %s\n  %3s %-20s %-16s %8s %14s %5s  %s\n", name, head[0], head[1], head[2], head[3],
                head[4], head[5], head[6]);
        for (int32_t k = 0; k < h->count; k++) {
            cells(h, k, cell);
            fprintf(f, "  %3s %-20s %-16s %8s %14s %5s  %s\n", cell[0], cell[1], cell[2], cell[3], cell[4], cell[5],
                    cell[6]);
        }
    }
    for (int32_t k = 0; k < p->spreads.count; k++) {
        fprintf(f, "%s", k ? "  " : "\nequal devices:\n  ");
        assay_spread_print(f, &p->spreads.at[k]);
        fprintf(f, "\n");
    }
}

/* A cell must not end the row. */
static void markdown_cell(FILE *f, const char *text)
{
    for (; *text; text++) {
        if (*text == '|') fputc('\\', f);
        fputc(*text == '\n' ? ' ' : *text, f);
    }
}

void assay_report_history_markdown(FILE *f, const assay_report_parts *p)
{
    for (int32_t n = 0; n < p->histories.count; n++) {
        const assay_history *h = &p->histories.at[n];
        char cell[CELLS][224], name[256];
        title(h, name, sizeof name);
        fprintf(f, "\n## %s\n\n|", name);
        for (int c = 0; c < CELLS; c++)
            fprintf(f, " %s |", head[c]);
        fprintf(f, "\n|---:|---|---|---:|---:|---:|---|\n");
        for (int32_t k = 0; k < h->count; k++) {
            cells(h, k, cell);
            fprintf(f, "|");
            for (int c = 0; c < CELLS; c++) {
                fprintf(f, " ");
                markdown_cell(f, cell[c]);
                fprintf(f, " |");
            }
            fprintf(f, "\n");
        }
    }
    for (int32_t k = 0; k < p->spreads.count; k++) {
        fprintf(f, "%s- ", k ? "" : "\n## equal devices\n\n");
        assay_spread_print(f, &p->spreads.at[k]);
        fprintf(f, "\n");
    }
}

/* ---- the page ---- */

static void chart(FILE *f, const assay_history *h)
{
    double *y = calloc((size_t)h->count * 3, sizeof *y);
    if (!y) return; /* the table stands all the same */
    for (int32_t k = 0; k < h->count; k++) {
        y[k] = h->at[k]->median_ms;
        y[h->count + k] = h->at[k]->low_ms;
        y[2 * h->count + k] = h->at[k]->high_ms;
    }
    assay_chart c = {.title = "ms",
                     .x_name = "commits, numbered as below",
                     .count = h->count,
                     .line = {{"median", y}},
                     .line_count = 1,
                     .band_low = y + h->count,
                     .band_high = y + 2 * h->count,
                     .band_name = "its 95 % interval",
                     .mark = -1};
    fputs("<div class=\"chart\">", f);
    assay_chart_begin(f, 1, 0);
    assay_chart_put(f, &c, 0);
    assay_chart_end(f);
    fputs("</div>\n", f);
    free(y);
}

static void history_page(FILE *f, const assay_history *h)
{
    char cell[CELLS][224], name[256];
    title(h, name, sizeof name);
    fputs("<section><h2>", f);
    assay_escape(f, name);
    fputs("</h2>\n", f);
    chart(f, h);
    fputs("<div class=\"scroll\"><table><tr>", f);
    for (int c = 0; c < CELLS; c++)
        fprintf(f, "<th%s>%s", c == 1 || c == 2 || c == CELLS - 1 ? " class=\"text\"" : "", head[c]);
    fputs("</tr>\n", f);
    for (int32_t k = 0; k < h->count; k++) {
        cells(h, k, cell);
        fputs("<tr>", f);
        for (int c = 0; c < CELLS; c++) {
            fputs(c == 1 || c == 2 ? "<td class=\"word\">" : c == CELLS - 1 ? "<td class=\"text\">" : "<td>", f);
            assay_escape(f, cell[c]);
        }
        fputs("</tr>\n", f);
    }
    fputs("</table></div></section>\n", f);
}

static void spread_page(FILE *f, const assay_spreads *all)
{
    if (!all->count) return;
    fputs("<section><h2>equal devices</h2>\n<p class=\"soft\">One row on nodes of one kind: the fastest and the "
          "slowest by "
          "their medians.</p>\n<ul>\n",
          f);
    for (int32_t k = 0; k < all->count; k++) {
        char *line = NULL;
        size_t size = 0;
        FILE *text = open_memstream(&line, &size);
        if (!text) return;
        assay_spread_print(text, &all->at[k]);
        fclose(text);
        fputs("<li>", f);
        assay_escape(f, line ? line : "");
        fputs("</li>\n", f);
        free(line);
    }
    fputs("</ul></section>\n", f);
}

void assay_report_history_html(FILE *f, const assay_report_parts *p)
{
    for (int32_t n = 0; n < p->histories.count; n++)
        history_page(f, &p->histories.at[n]);
    spread_page(f, &p->spreads);
}
