/* audit_draw.c: errors against time as charts, and an audit as a section of a page.
 * SPDX-License-Identifier: MIT */
#include "perf/audit_file.h"

#include "perf/chart.h"
#include "perf/escape.h"

#include <math.h>
#include <string.h>

static const char *name_of(const assay_audit *a, int side)
{
    return a->side[side].name[0] ? a->side[side].name : a->side[side].label;
}

const char *assay_audit_title(const assay_audit *a, char *buffer, size_t size)
{
    const char *what = a->verdict == ASSAY_VERDICT_PASS   ? "the same function within the limits"
                       : a->verdict == ASSAY_VERDICT_FAIL ? "not the same function"
                                                          : assay_verdict_text(a->verdict);
    snprintf(buffer, size, "%s and %s: %s", name_of(a, 0), name_of(a, 1), what);
    return buffer;
}

static void draw_half(FILE *f, const assay_audit *a, const assay_audit_tensor *x, int half, int index)
{
    char title[160], names[3][120];
    snprintf(title, sizeof title, "%s%s: error of each step over the size of its truth%s", x->name,
             x->halves < 2 ? ""
             : half        ? ", reverse half"
                           : ", forward half",
             x->from_end[half] ? " (computed from the last step down)" : "");
    snprintf(names[0], sizeof names[0], "%.20s - %.20s", name_of(a, 0), name_of(a, 1));
    for (int k = 0; k < 2; k++)
        snprintf(names[k + 1], sizeof names[k + 1], "%.24s - truth", name_of(a, k));
    assay_chart c = {.title = title,
                     .x_name = "time step",
                     .logarithmic = 1,
                     .count = x->steps,
                     .line_count = a->has_truth ? 3 : 1,
                     .level = {{"floors of both", x->floor}, {"limit of the tensor", 4 * x->floor}},
                     .level_count = 2,
                     .mark = x->wrong[half],
                     .mark_name = "beyond the limits"};
    for (int k = 0; k < c.line_count; k++) {
        c.line[k].name = names[k];
        c.line[k].y = x->curve + ((int64_t)k * x->halves + half) * x->steps;
    }
    assay_chart_put(f, &c, index);
}

int assay_audit_draw(FILE *f, const assay_audit *a, int alone)
{
    int charts = 0, index = 0;
    for (int k = 0; k < a->count; k++)
        if (a->at[k].steps > 1) charts += a->at[k].halves;
    if (!charts) return 0;
    assay_chart_begin(f, charts, alone);
    for (int k = 0; k < a->count; k++)
        for (int h = 0; a->at[k].steps > 1 && h < a->at[k].halves; h++)
            draw_half(f, a, &a->at[k], h, index++);
    assay_chart_end(f);
    return charts;
}

/* ---- a section of a page ---- */

static void cell(FILE *f, double x)
{
    if (isnan(x))
        fputs("<td>-", f);
    else
        fprintf(f, "<td>%.2g", x);
}

static void row(FILE *f, const assay_audit_tensor *x)
{
    fputs("<tr><td>", f);
    assay_escape(f, x->name);
    cell(f, x->error);
    cell(f, x->pair.limit);
    cell(f, x->pair.margin);
    cell(f, x->error_side[0]);
    cell(f, x->error_side[1]);
    cell(f, x->bias);
    fputs("<td class=\"text\">", f);
    assay_escape(f, x->where[0] ? x->where : x->worst);
    fputs("</tr>\n", f);
}

void assay_audit_html(FILE *f, const assay_audit *a)
{
    char title[256];
    fputs("<section><h2>", f);
    assay_escape(f, assay_audit_title(a, title, sizeof title));
    fputs("</h2>\n<p>", f);
    assay_escape(f, a->what);
    fprintf(f, " &middot; seed <code>0x%llx</code></p>\n", (unsigned long long)a->seed);
    if (a->why[0]) {
        fputs("<p class=\"alert\">", f);
        assay_escape(f, a->why);
        fputs("</p>\n", f);
    }
    for (int k = 0; k < 2; k++) {
        if (!a->side[k].cause[0]) continue;
        fputs("<p>", f);
        assay_escape(f, name_of(a, k));
        fputs(" computes: ", f);
        assay_escape(f, a->side[k].cause);
        fputs("</p>\n", f);
    }
    fputs("<div class=\"chart\">\n", f);
    assay_audit_draw(f, a, 0);
    fputs("</div>\n<details><summary>every tensor</summary><div class=\"scroll\"><table><tr><th>tensor<th>", f);
    assay_escape(f, name_of(a, 0));
    fputs(" - ", f);
    assay_escape(f, name_of(a, 1));
    fputs("<th>limit<th>margin<th>", f);
    assay_escape(f, name_of(a, 0));
    fputs(" - truth<th>", f);
    assay_escape(f, name_of(a, 1));
    fputs(" - truth<th>bias<th class=\"text\">beyond its limits, or worst at</tr>\n", f);
    for (int k = 0; k < a->count; k++)
        row(f, &a->at[k]);
    fputs("</table></div></details></section>\n", f);
}
