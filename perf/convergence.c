/* convergence.c: training runs as text, as charts, as a section of a page.
 * SPDX-License-Identifier: MIT */
#include "perf/convergence.h"

#include "perf/chart.h"
#include "perf/escape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_LOSSES 5

void assay_convergence_free(assay_convergence *c)
{
    for (int k = 0; k < c->pupil_count; k++)
        assay_pupil_free(&c->pupil[k]);
    free(c->loss);
    free(c->band);
    memset(c, 0, sizeof *c);
}

static const char *name_of(const assay_pupil *p)
{
    return p->name[0] ? p->name : p->label;
}

static int has_curve(const assay_pupil *p)
{
    return p->worst >= 0;
}

static int shown_at(const assay_convergence *c, int k)
{
    return (int)((int64_t)k * (c->updates - 1) / (SHOWN_LOSSES - 1));
}

void assay_convergence_print(FILE *to, const assay_convergence *c)
{
    fprintf(to, "%s: %s\n  %d updates, %d test samples, seed 0x%llx\n  %-14s %-12s %8s %9s", c->task, c->what,
            (int)c->updates, (int)c->test_rows, (unsigned long long)c->seed, "loss at update", "", "margin", "right");
    for (int k = 0; k < SHOWN_LOSSES; k++)
        fprintf(to, " %10d", shown_at(c, k));
    fprintf(to, "\n  %-27s %8s %9d", "reference", "-", (int)c->right);
    for (int k = 0; k < SHOWN_LOSSES; k++)
        fprintf(to, " %10.6f", c->loss[shown_at(c, k)]);
    fprintf(to, "\n  %-27s %8s %+9d", "band", "-", (int)c->undecided);
    for (int k = 0; k < SHOWN_LOSSES; k++)
        fprintf(to, " %10.1e", c->band[shown_at(c, k)]);
    fputc('\n', to);
    for (int i = 0; i < c->pupil_count; i++) {
        const assay_pupil *p = &c->pupil[i];
        fprintf(to, "  %-14s %-12s", name_of(p), assay_verdict_name(p->verdict));
        if (has_curve(p)) {
            fprintf(to, " %8.3g %9d", p->margin, (int)p->right);
            for (int k = 0; k < SHOWN_LOSSES; k++)
                fprintf(to, " %10.6f", p->loss[shown_at(c, k)]);
        }
        fputc('\n', to);
        if (p->verdict != ASSAY_VERDICT_PASS) fprintf(to, "    %s\n", p->why);
    }
}

/* ---- charts ---- */

static void draw_losses(FILE *f, const assay_convergence *c, double *low, double *high, int index)
{
    char title[192];
    assay_chart chart = {.title = title,
                         .x_name = "update",
                         .count = c->updates,
                         .band_low = low,
                         .band_high = high,
                         .band_name = "band",
                         .mark = -1};
    snprintf(title, sizeof title, "%s: loss", c->task);
    for (int k = 0; k < c->updates; k++) {
        low[k] = c->loss[k] - c->band[k];
        high[k] = c->loss[k] + c->band[k];
    }
    for (int k = 0; k < c->pupil_count && chart.line_count < ASSAY_CHART_LINES; k++) {
        if (!has_curve(&c->pupil[k])) continue;
        chart.line[chart.line_count].name = name_of(&c->pupil[k]);
        chart.line[chart.line_count++].y = c->pupil[k].loss;
    }
    assay_chart_put(f, &chart, index);
}

static void draw_distances(FILE *f, const assay_convergence *c, double *low, int index)
{
    char title[192];
    double *off[ASSAY_CHART_LINES] = {NULL};
    assay_chart chart = {.title = title,
                         .x_name = "update",
                         .logarithmic = 1,
                         .count = c->updates,
                         .band_low = low,
                         .band_high = c->band,
                         .band_name = "band",
                         .mark = -1};
    snprintf(title, sizeof title, "%s: distance of a loss from the reference's", c->task);
    for (int k = 0; k < c->updates; k++)
        low[k] = NAN;
    for (int i = 0; i < c->pupil_count && chart.line_count < ASSAY_CHART_LINES; i++) {
        if (!has_curve(&c->pupil[i])) continue;
        double *d = off[chart.line_count] = malloc(((size_t)c->updates + 1) * sizeof *d);
        if (!d) break;
        for (int k = 0; k < c->updates; k++)
            d[k] = fabs(c->pupil[i].loss[k] - c->loss[k]);
        chart.line[chart.line_count].name = name_of(&c->pupil[i]);
        chart.line[chart.line_count++].y = d;
    }
    assay_chart_put(f, &chart, index);
    for (int k = 0; k < ASSAY_CHART_LINES; k++)
        free(off[k]);
}

void assay_convergence_draw(FILE *f, const assay_convergence *const *all, int count, int alone)
{
    assay_chart_begin(f, 2 * count, alone);
    for (int k = 0; k < count; k++) {
        double *low = calloc(2 * (size_t)all[k]->updates + 1, sizeof *low);
        if (low) draw_losses(f, all[k], low, low + all[k]->updates, 2 * k);
        if (low) draw_distances(f, all[k], low, 2 * k + 1);
        free(low);
    }
    assay_chart_end(f);
}

void assay_convergence_html(FILE *f, const assay_convergence *c)
{
    fputs("<section><h2>", f);
    assay_escape(f, c->task);
    fputs("</h2>\n<p>", f);
    assay_escape(f, c->what);
    fprintf(f,
            "</p>\n<p class=\"soft\">The same initial weights, data, order and optimizer; %d updates &middot; seed "
            "<code>0x%llx</code>. The band is four times what honest roundings of the reference part by.</p>\n"
            "<div class=\"chart\">\n",
            (int)c->updates, (unsigned long long)c->seed);
    assay_convergence_draw(f, &c, 1, 0);
    fprintf(
        f,
        "</div>\n<div class=\"scroll\"><table><tr><th>implementation<th class=\"text\">verdict<th>first loss<th>last "
        "loss<th>margin<th>right of %d<th class=\"text\">why</tr>\n<tr><td>reference<td class=\"text\"><td>%.6f<td>"
        "%.6f<td>-<td>%d (&plusmn;%d)<td class=\"text\"></tr>\n",
        (int)c->test_rows, c->loss[0], c->loss[c->updates - 1], (int)c->right, (int)c->undecided);
    for (int k = 0; k < c->pupil_count; k++) {
        const assay_pupil *p = &c->pupil[k];
        fputs("<tr><td>", f);
        assay_escape(f, name_of(p));
        fprintf(f, "<td class=\"text\">%s", assay_verdict_name(p->verdict));
        if (has_curve(p))
            fprintf(f, "<td>%.6f<td>%.6f<td>%.3g<td>%d", p->loss[0], p->loss[c->updates - 1], p->margin, (int)p->right);
        else
            fputs("<td>-<td>-<td>-<td>-", f);
        fputs("<td class=\"text\">", f);
        assay_escape(f, p->why);
        fputs("</tr>\n", f);
    }
    fputs("</table></div></section>\n", f);
}
