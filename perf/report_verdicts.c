/* report_verdicts.c: implementations against checks in a report: how many results passed, how close to their limits.
 * SPDX-License-Identifier: MIT */
#include "perf/verdicts.h"

#include "perf/escape.h"

#include <math.h>
#include <string.h>

/* A column for each check, in order of first appearance. */
typedef struct columns {
    const char *check[ASSAY_VERDICTS_CHECKS];
    int count;
} columns;

static columns columns_of(const assay_verdicts *v)
{
    columns c = {.count = 0};
    for (int k = 0; k < v->count; k++) {
        int n = 0;
        while (n < c.count && strcmp(c.check[n], v->at[k].check) != 0)
            n++;
        if (n == c.count && n < ASSAY_VERDICTS_CHECKS) c.check[c.count++] = v->at[k].check;
    }
    return c;
}

/* The first row of the next implementation after `k`; rows of one stand together. */
static int next(const assay_verdicts *v, int k)
{
    const int first = k;
    while (k < v->count && !strcmp(v->at[k].impl, v->at[first].impl))
        k++;
    return k;
}

static const assay_verdicts_row *row_of(const assay_verdicts *v, int first, const char *check)
{
    for (int k = first; k < next(v, first); k++)
        if (!strcmp(v->at[k].check, check)) return &v->at[k];
    return NULL;
}

/* Was it never started? Then one line says why, and a row would be empty. */
static int is_skipped(const assay_verdicts *v, int first)
{
    int64_t all, skipped;
    assay_verdicts_of(v, v->at[first].impl, &all, &skipped);
    return all == skipped;
}

/* Did it take no case at all? */
static int is_refused(const assay_verdicts *v, int first)
{
    int counts = 0;
    for (int k = first; k < next(v, first); k++)
        counts += v->at[k].pass || v->at[k].bad;
    return !counts;
}

static const char *why_of(const assay_verdicts *v, int first)
{
    for (int k = first; k < next(v, first); k++)
        if (v->at[k].why[0]) return v->at[k].why;
    return "";
}

/* "95 (0.2)": how many passed and their worst margin; "2 of 95 bad"; "-": nothing to say. */
static const char *cell(const assay_verdicts_row *r, char text[64])
{
    if (r && r->bad)
        snprintf(text, 64, "%d of %d bad", (int)r->bad, (int)(r->bad + r->pass));
    else if (r && r->pass && isfinite(r->margin))
        snprintf(text, 64, "%d (%.2g)", (int)r->pass, r->margin);
    else if (r && r->pass)
        snprintf(text, 64, "%d", (int)r->pass);
    else
        snprintf(text, 64, "-");
    return text;
}

static int bad_of(const assay_verdicts *v)
{
    int bad = 0;
    for (int k = 0; k < v->count; k++)
        bad += v->at[k].bad > 0;
    return bad;
}

/* ---- terminal ---- */

void assay_verdicts_table(FILE *f, const assay_verdicts *v)
{
    char text[64];
    fprintf(f, "\nconformance, %s check, seed 0x%llx (suite %s, %s%s)\n", v->level, (unsigned long long)v->seed,
            v->version, v->time, v->complete ? "" : "; INTERRUPTED, not all");
    for (int k = 0; k < v->count; k++) {
        const assay_verdicts_row *r = &v->at[k];
        if (r->pass || r->bad) fprintf(f, "%-20s %-14s %-16s %s\n", r->impl, r->check, cell(r, text), r->margin_at);
    }
    for (int k = 0; k < v->count; k = next(v, k))
        if (is_skipped(v, k))
            fprintf(f, "%-20s SKIPPED: %s\n", v->at[k].impl, why_of(v, k));
        else if (is_refused(v, k))
            fprintf(f, "%-20s UNSUPPORTED throughout\n", v->at[k].impl);
}

/* ---- Markdown ---- */

void assay_verdicts_markdown(FILE *f, const assay_verdicts *v)
{
    const columns c = columns_of(v);
    char text[64];
    fprintf(f, "\n## Conformance\n\n%s check, seed 0x%llx, suite ", v->level, (unsigned long long)v->seed);
    assay_escape_cell(f, v->version);
    fputs(", ", f);
    assay_escape_cell(f, v->time);
    fprintf(f, "%s. Results that passed, and in brackets their worst margin.\n\n| implementation |",
            v->complete ? "" : "; interrupted, not all");
    for (int n = 0; n < c.count; n++) {
        fputc(' ', f);
        assay_escape_cell(f, c.check[n]);
        fputs(" |", f);
    }
    fputs("\n|---|", f);
    for (int n = 0; n < c.count; n++)
        fputs("---:|", f);
    fputc('\n', f);
    for (int k = 0; k < v->count; k = next(v, k)) {
        if (is_skipped(v, k)) continue;
        fputs("| ", f);
        assay_escape_cell(f, v->at[k].impl);
        fputs(" |", f);
        for (int n = 0; n < c.count; n++)
            fprintf(f, " %s |", cell(row_of(v, k, c.check[n]), text));
        fputc('\n', f);
    }
    for (int k = 0; k < v->count; k = next(v, k)) {
        if (!is_skipped(v, k)) continue;
        fputs("\nSkipped: ", f);
        assay_escape_cell(f, v->at[k].impl);
        fputs(": ", f);
        assay_escape_cell(f, why_of(v, k));
        fputc('\n', f);
    }
}

/* ---- page ---- */

static void html_cell(FILE *f, const char *check, const assay_verdicts_row *r)
{
    char text[64];
    fputs("<td data-h=\"", f);
    assay_escape(f, check);
    fputs("\">", f);
    if (r && r->bad)
        fprintf(f, "<b>%s</b>", cell(r, text));
    else if (r && r->pass && isfinite(r->margin))
        fprintf(f, "%d <span class=\"soft\">%.2g</span>", (int)r->pass, r->margin);
    else
        fputs(cell(r, text), f);
}

static void html_closest(FILE *f, const assay_verdicts *v)
{
    fputs("<details><summary>what came closest to its limit</summary><div class=\"scroll\"><table class=\"stack\">"
          "<tr><th>implementation<th class=\"word\">check<th>margin<th class=\"text\">at</tr>\n",
          f);
    for (int k = 0; k < v->count; k++) {
        const assay_verdicts_row *r = &v->at[k];
        if (!r->pass || !isfinite(r->margin)) continue;
        fputs("<tr><td>", f);
        assay_escape(f, r->impl);
        fputs("<td class=\"word\">", f);
        assay_escape(f, r->check);
        fprintf(f, "<td>%.3g<td class=\"text\">", r->margin);
        assay_escape(f, r->margin_at);
        fputs("</tr>\n", f);
    }
    fputs("</table></div></details>\n", f);
}

void assay_verdicts_html(FILE *f, const assay_verdicts *v)
{
    const columns c = columns_of(v);
    fprintf(f, "<section><h2>conformance</h2>\n<p class=\"soft\">%s check, seed 0x%llx, suite ", v->level,
            (unsigned long long)v->seed);
    assay_escape(f, v->version);
    fputs(", ", f);
    assay_escape(f, v->time);
    fputs(". Results that passed under each check, and their worst error over its limit; - where an implementation "
          "does not offer what is asked.</p>\n",
          f);
    if (!v->complete) fputs("<p class=\"alert\">Interrupted: this is not all of it.</p>\n", f);
    if (bad_of(v)) fputs("<p class=\"alert\">Not all of them conform.</p>\n", f);
    fputs("<div class=\"scroll\"><table class=\"cards matrix\"><tr><th>", f);
    for (int n = 0; n < c.count; n++) {
        fputs("<th>", f);
        assay_escape(f, c.check[n]);
    }
    fputs("</tr>\n", f);
    for (int k = 0; k < v->count; k = next(v, k)) {
        if (is_skipped(v, k)) continue;
        fputs("<tr><td>", f);
        assay_escape(f, v->at[k].impl);
        for (int n = 0; n < c.count; n++)
            html_cell(f, c.check[n], row_of(v, k, c.check[n]));
        fputs("</tr>\n", f);
    }
    fputs("</table></div>\n", f);
    html_closest(f, v);
    for (int k = 0; k < v->count; k = next(v, k)) {
        if (!is_skipped(v, k)) continue;
        fputs("<p class=\"soft\">", f);
        assay_escape(f, v->at[k].impl);
        fputs(": skipped: ", f);
        assay_escape(f, why_of(v, k));
        fputs("</p>\n", f);
    }
    fputs("</section>\n", f);
}
