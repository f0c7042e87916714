/* report_scaling.c: times against steps, batch, hidden units and threads: tables, lines, and a chart for the page.
 * SPDX-License-Identifier: MIT */
#include "perf/escape.h"
#include "perf/report_parts.h"

#include <math.h>
#include <string.h>

#define WIDTH  1000. /* units of a chart, stretched to the page */
#define HEIGHT 240.

static const struct {
    const char *what, *unit; /* of the axis; what the line multiplies */
} axes[ASSAY_AXES] = {[ASSAY_AXIS_T] = {"steps T", "T"},
                      [ASSAY_AXIS_N] = {"batch N", "N"},
                      [ASSAY_AXIS_H] = {"hidden units H", "GFLOP"},
                      [ASSAY_AXIS_THREADS] = {"threads", "/ threads"}};

static void line(FILE *f, const assay_scaling *s, const assay_line *l)
{
    char a[24], b[24];
    fprintf(f, "%s %s %s %s", assay_report_number(l->a, a), l->b < 0 ? "-" : "+", assay_report_number(fabs(l->b), b),
            axes[s->axis].unit);
}

/* "ms = 0.51 + 1.60 T, at most 2 % off". */
static void verdict(FILE *f, const assay_scaling *s)
{
    const assay_fit *fit = &s->fit;
    if (!isfinite(fit->all.a)) {
        fprintf(f, "one size alone has no line");
        return;
    }
    fprintf(f, "ms = ");
    line(f, s, &fit->all);
    fprintf(f, ", at most %.0f %% off", 100 * fit->all.worst);
    if (s->axis == ASSAY_AXIS_H && fit->all.b > 0) fprintf(f, " (%.0f GFLOP/s for what is added)", 1e3 / fit->all.b);
    if (!fit->bend) return;
    fprintf(f, "; bends between %g and %g: ", s->size[fit->bend - 1], s->size[fit->bend]);
    line(f, s, &fit->before);
    fprintf(f, ", then ");
    line(f, s, &fit->after);
}

static double off(const assay_scaling *s, int k)
{
    return (s->fit.all.a + s->fit.all.b * s->x[k]) / s->at[k]->median_ms - 1;
}

/* Smallest number of threads over this one. */
static double speed_up(const assay_scaling *s, int k)
{
    return s->at[0]->median_ms / s->at[k]->median_ms;
}

/* One row as words, in the order of the head. */
enum { CELLS = 6 };
static const char *const head[CELLS] = {"size", "ms", "95 %", "GFLOP/s", "roof", "line"};

static void cells(const assay_scaling *s, int k, char cell[CELLS][48])
{
    const assay_record *r = s->at[k];
    char low[24], high[24], number[24];
    snprintf(cell[0], sizeof cell[0], "%g", s->size[k]);
    snprintf(cell[1], sizeof cell[1], "%s", assay_report_number(r->median_ms, number));
    snprintf(cell[2], sizeof cell[2], "%s..%s", assay_report_number(r->low_ms, low),
             assay_report_number(r->high_ms, high));
    snprintf(cell[3], sizeof cell[3], "%s", assay_report_number(r->gflop_per_s, number));
    snprintf(cell[4], sizeof cell[4], "%.0f %%", 100 * r->roof_share);
    if (s->axis == ASSAY_AXIS_THREADS)
        snprintf(cell[5], sizeof cell[5], "x %s", assay_report_number(speed_up(s, k), number));
    else
        snprintf(cell[5], sizeof cell[5], "%+.0f %%", round(100 * off(s, k)) + 0.); /* no -0 */
}

static const char *last_head(const assay_scaling *s)
{
    return s->axis == ASSAY_AXIS_THREADS ? "faster" : head[CELLS - 1];
}

static const char *unfit(const assay_scaling *s)
{
    for (int k = 0; k < s->count; k++)
        if (!s->at[k]->fit) return "; the machine's rate drifted in some of these";
    return "";
}

void assay_report_scaling_table(FILE *f, const assay_scalings *all)
{
    for (int32_t n = 0; n < all->count; n++) {
        const assay_scaling *s = &all->at[n];
        fprintf(f, "\nscaling: %s, a training step against %s, %s %s\n  ", s->base->id, axes[s->axis].what,
                s->any->implementation, s->any->arithmetic);
        verdict(f, s);
        fprintf(f, "%s\n  ", unfit(s));
        for (int c = 0; c < CELLS; c++)
            fprintf(f, " %*s", c == 2 ? 16 : 9, c == CELLS - 1 ? last_head(s) : head[c]);
        fprintf(f, "\n");
        for (int k = 0; k < s->count; k++) {
            char cell[CELLS][48];
            cells(s, k, cell);
            fprintf(f, "  ");
            for (int c = 0; c < CELLS; c++)
                fprintf(f, " %*s", c == 2 ? 16 : 9, cell[c]);
            fprintf(f, "\n");
        }
    }
}

void assay_report_scaling_markdown(FILE *f, const assay_scalings *all)
{
    for (int32_t n = 0; n < all->count; n++) {
        const assay_scaling *s = &all->at[n];
        fprintf(f, "\n## %s: a training step against %s, %s %s\n\n", s->base->id, axes[s->axis].what,
                s->any->implementation, s->any->arithmetic);
        verdict(f, s);
        fprintf(f, "%s.\n\n|", unfit(s));
        for (int c = 0; c < CELLS; c++)
            fprintf(f, " %s |", c == CELLS - 1 ? last_head(s) : head[c]);
        fprintf(f, "\n|");
        for (int c = 0; c < CELLS; c++)
            fprintf(f, "---:|");
        fprintf(f, "\n");
        for (int k = 0; k < s->count; k++) {
            char cell[CELLS][48];
            cells(s, k, cell);
            fprintf(f, "|");
            for (int c = 0; c < CELLS; c++)
                fprintf(f, " %s |", cell[c]);
            fprintf(f, "\n");
        }
    }
}

/* ---- the page ---- */

static double largest(const double *v, int count)
{
    double most = 0;
    for (int k = 0; k < count; k++)
        most = fmax(most, v[k]);
    return most;
}

/* Both axes from 0; y: share of the implementation's own longest time, so that fast and slow ones fit one chart. */
static void chart(FILE *f, const assay_scaling *s, int colour)
{
    double ms[ASSAY_MOST_POINTS];
    for (int k = 0; k < s->count; k++)
        ms[k] = s->at[k]->median_ms;
    const double x_most = 1.05 * largest(s->x, s->count), y_most = 1.05 * largest(ms, s->count);
    const double a = s->fit.all.a, b = s->fit.all.b, from = a < 0 && b > 0 ? -a / b : 0; /* no time is below 0 */
    if (isfinite(a))
        fprintf(f, "<line " ASSAY_THIN " style=\"stroke:var(--p%d)\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>",
                colour % 5, WIDTH * from / x_most, HEIGHT * (1 - (a + b * from) / y_most), WIDTH,
                HEIGHT * (1 - (a + b * x_most) / y_most));
    for (int k = 0; k < s->count; k++)
        fprintf(f,
                "<rect class=\"part%d\" x=\"%.1f\" y=\"%.1f\" width=\"10\" height=\"10\"><title>%g: %.4g ms</title>"
                "</rect>",
                colour % 5, WIDTH * s->x[k] / x_most - 5, HEIGHT * (1 - ms[k] / y_most) - 5, s->size[k], ms[k]);
}

static void page_table(FILE *f, const assay_scaling *s, int colour)
{
    fprintf(f,
            "<p><svg viewBox=\"0 0 10 10\" style=\"width:.8em;height:.8em\"><rect class=\"part%d\" width=\"10\" "
            "height=\"10\"/></svg> <b>",
            colour % 5);
    assay_escape(f, s->any->implementation);
    fputs("</b> ", f);
    assay_escape(f, s->any->arithmetic);
    fputs(": ", f);
    verdict(f, s);
    fprintf(f, "%s</p>\n<div class=\"scroll\"><table><tr>", unfit(s));
    for (int c = 0; c < CELLS; c++)
        fprintf(f, "<th>%s", c == CELLS - 1 ? last_head(s) : head[c]);
    fputs("</tr>\n", f);
    for (int k = 0; k < s->count; k++) {
        char cell[CELLS][48];
        cells(s, k, cell);
        fputs("<tr>", f);
        for (int c = 0; c < CELLS; c++)
            fprintf(f, "<td>%s", cell[c]);
        fputs("</tr>\n", f);
    }
    fputs("</table></div>\n", f);
}

static int same_chart(const assay_scaling *a, const assay_scaling *b)
{
    return a->base == b->base && a->axis == b->axis;
}

static int charted_before(const assay_scalings *all, int32_t n)
{
    for (int32_t k = 0; k < n; k++)
        if (same_chart(&all->at[k], &all->at[n])) return 1;
    return 0;
}

void assay_report_scaling_html(FILE *f, const assay_scalings *all)
{
    for (int32_t n = 0; n < all->count; n++) {
        const assay_scaling *s = &all->at[n];
        if (charted_before(all, n)) continue;
        fprintf(f, "<section><h2>%s against %s</h2>\n<div class=\"chart\"><svg viewBox=\"0 0 %.0f %.0f\" ", s->base->id,
                axes[s->axis].what, WIDTH, HEIGHT);
        fputs("preserveAspectRatio=\"none\" role=\"img\" style=\"width:100%;height:15rem\">", f);
        for (int32_t k = n, colour = 1; k < all->count; k++)
            if (same_chart(s, &all->at[k])) chart(f, &all->at[k], colour++);
        fprintf(f,
                "</svg>\n<p class=\"soft\">across: %s, from 0; up: each one's time of a training step as a share of "
                "its own longest; lines: ms = a + b x</p></div>\n",
                s->axis == ASSAY_AXIS_H         ? "GFLOP of a step"
                : s->axis == ASSAY_AXIS_THREADS ? "1 / threads"
                                                : axes[s->axis].what);
        for (int32_t k = n, colour = 1; k < all->count; k++)
            if (same_chart(s, &all->at[k])) page_table(f, &all->at[k], colour++);
        fputs("</section>\n", f);
    }
}
