/* report_truth.c: the truth table in a report: each op and dialect with its proofs and bounds, methods, golden vectors.
 * SPDX-License-Identifier: MIT */
#include "perf/truth_file.h"

#include "perf/escape.h"

#include <math.h>

/* "213 dialects of ops, 25206 proofs, 0 do not hold; 41 golden vectors of 4 sources, 0 beyond their bounds". */
static void summary(const assay_truths *t, char *text, size_t size)
{
    int files = 0, beyond = 0;
    for (int k = 0; k < t->source_count; k++) {
        files += t->source[k].files;
        beyond += t->source[k].beyond;
    }
    snprintf(text, size,
             "%d dialects of ops, %d proofs, %d do not hold; %d golden vectors of %d sources, %d beyond their bounds",
             assay_truth_dialects(&t->table), (int)t->proofs, (int)t->broken, files, (int)t->source_count, beyond);
}

static const char *level(const assay_truths *t)
{
    return t->full ? "full" : "without --full";
}

/* ---- terminal ---- */

void assay_truths_table(FILE *f, const assay_truths *t)
{
    char text[256];
    summary(t, text, sizeof text);
    fprintf(f, "\n%s (%s, suite %s, %s%s)\n", text, level(t), t->version, t->time,
            t->complete ? "" : "; INTERRUPTED, not all");
    if (t->proofs) assay_truth_print(f, &t->table);
    for (int k = 0; k < t->source_count; k++) {
        const assay_truth_source *s = &t->source[k];
        fprintf(f, "%s%-40s %6d files %8d tensors %7d beyond, error %.1e, bound %.0e  %s\n", k ? "" : "\n", s->name,
                (int)s->files, (int)s->tensors, (int)s->beyond, s->worst.error, s->worst.bound, s->worst_at);
    }
}

/* ---- Markdown ---- */

void assay_truths_markdown(FILE *f, const assay_truths *t)
{
    char text[256];
    summary(t, text, sizeof text);
    fprintf(f, "\n## The reference and its proofs\n\n%s; %s, suite ", text, level(t));
    assay_escape_cell(f, t->version);
    fputs(", ", f);
    assay_escape_cell(f, t->time);
    fprintf(f, "%s.\n\n", t->complete ? "" : "; interrupted, not all");
    if (t->proofs) assay_truth_rows_markdown(f, &t->table);
    if (!t->source_count) return;
    fputs("\n| golden vectors of | files | tensors | beyond | error | bound | closest to its bound |\n"
          "|---|---:|---:|---:|---:|---:|---|\n",
          f);
    for (int k = 0; k < t->source_count; k++) {
        const assay_truth_source *s = &t->source[k];
        fputs("| ", f);
        assay_escape_cell(f, s->name);
        fprintf(f, " | %d | %d | %d | %.1e | %.0e | ", (int)s->files, (int)s->tensors, (int)s->beyond, s->worst.error,
                s->worst.bound);
        assay_escape_cell(f, s->worst_at);
        fputs(" |\n", f);
    }
}

/* ---- page ---- */

static void figures(FILE *f, const assay_truth_cell *c)
{
    if (!c->count) {
        fputs("<td>-", f);
        return;
    }
    if (isnan(c->error))
        fputs("<td>no number", f);
    else
        fprintf(f, "<td>%.1e", c->error);
    fprintf(f, " <span class=\"soft\">of %.0e</span>", c->bound);
}

/* Rows in which nothing is broken are marked by no word: 0 says it. */
static void broken(FILE *f, int count)
{
    fprintf(f, count ? "<td><b>%d</b>" : "<td>%d", count);
}

static void methods(FILE *f, const assay_truth_table *t)
{
    fputs("<details><summary>by method, with what came closest to its bound</summary><div class=\"scroll\"><table>"
          "<tr><th>of<th class=\"text\">proved by<th>proofs<th>broken<th>error<th class=\"text\">at</tr>\n",
          f);
    for (int k = 0; k < t->line_count; k++) {
        const assay_truth_line *l = &t->lines[k];
        fputs("<tr><td>", f);
        assay_escape(f, l->op);
        fputs("<td class=\"text\">", f);
        assay_escape(f, l->what);
        fprintf(f, "<td>%d", l->cell.count);
        broken(f, l->broken);
        figures(f, &l->cell);
        fputs("<td class=\"text\">", f);
        assay_escape(f, l->worst_at);
        fputs("</tr>\n", f);
    }
    fputs("</table></div></details>\n", f);
}

static void dialects(FILE *f, const assay_truth_table *t)
{
    fputs("<details><summary>each op and dialect</summary><div class=\"scroll\"><table><tr><th>op<th "
          "class=\"word\">dialect<th>proofs<th>broken<th>double/quad<th>by rows<th>differences<th>dual</tr>\n",
          f);
    for (int k = 0; k < t->row_count; k++) {
        const assay_truth_row *r = &t->rows[k];
        if (!assay_truth_is_dialect(r)) continue;
        fputs("<tr><td>", f);
        assay_escape(f, r->op);
        fputs("<td class=\"word\">", f);
        assay_escape(f, r->dialect);
        fprintf(f, "<td>%d", r->proofs);
        broken(f, r->broken);
        for (int c = 0; c < ASSAY_TRUTH_OTHER; c++)
            figures(f, &r->cell[c]);
        fputs("</tr>\n", f);
    }
    fputs("</table></div></details>\n", f);
}

static void sources(FILE *f, const assay_truths *t)
{
    fputs("<div class=\"scroll\"><table><tr><th>golden vectors of<th>files<th>tensors<th>beyond<th>error<th "
          "class=\"text\">closest to its bound</tr>\n",
          f);
    for (int k = 0; k < t->source_count; k++) {
        const assay_truth_source *s = &t->source[k];
        fputs("<tr><td>", f);
        assay_escape(f, s->name);
        fprintf(f, "<td>%d<td>%d", (int)s->files, (int)s->tensors);
        broken(f, (int)s->beyond);
        figures(f, &s->worst);
        fputs("<td class=\"text\">", f);
        assay_escape(f, s->worst_at);
        fputs("</tr>\n", f);
    }
    fputs("</table></div>\n", f);
}

void assay_truths_html(FILE *f, const assay_truths *t)
{
    char text[256];
    summary(t, text, sizeof text);
    fprintf(f, "<section><h2>the reference, and its proofs</h2>\n<p>%s</p>\n<p class=\"soft\">%s, suite ", text,
            level(t));
    assay_escape(f, t->version);
    fputs(", ", f);
    assay_escape(f, t->time);
    fputs(". The reference in double against the same source in quad precision, normwise and by rows; every gradient "
          "against central differences in quad and against dual numbers; identities; values that others published or "
          "computed. Each cell is the error that came closest to its bound.</p>\n",
          f);
    if (!t->complete) fputs("<p class=\"alert\">Interrupted: this is not all of it.</p>\n", f);
    for (int k = 0; k < t->table.line_count; k++) {
        const assay_truth_line *l = &t->table.lines[k];
        if (!l->broken) continue;
        fputs("<p class=\"alert\">", f);
        assay_escape(f, l->op);
        fputs(", ", f);
        assay_escape(f, l->what);
        fprintf(f, ": %d of %d do not hold, ", l->broken, l->cell.count);
        assay_escape(f, l->worst_at);
        fputs("</p>\n", f);
    }
    if (t->source_count) sources(f, t);
    if (t->table.line_count) methods(f, &t->table);
    if (assay_truth_dialects(&t->table)) dialects(f, &t->table);
    fputs("</section>\n", f);
}
