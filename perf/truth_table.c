/* truth_table.c: collects proofs by dialect and by method, and writes both tables as text.
 * SPDX-License-Identifier: MIT */
#include "perf/truth_table.h"

#include "perf/escape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Which column a method belongs to: those whose name begins so. */
static const struct column {
    const char *what, *title;
} columns[ASSAY_TRUTH_COLUMNS] = {
    {"double against quad", "double/quad"},
    {"double against quad, by rows", "rows"},
    {"central differences", "differences"},
    {"dual numbers", "dual"},
    {"", "other"},
};

static int column_of(const char *what)
{
    if (!strcmp(what, columns[ASSAY_TRUTH_DOUBLE].what)) return ASSAY_TRUTH_DOUBLE;
    for (int k = ASSAY_TRUTH_ROWS; k < ASSAY_TRUTH_OTHER; k++)
        if (!strncmp(what, columns[k].what, strlen(columns[k].what))) return k;
    return ASSAY_TRUTH_OTHER;
}

/* Error by bound; 0 of 0 holds, and what is no number is beyond everything. */
static double closeness(double error, double bound)
{
    const double c = error <= bound && bound == 0 ? 0 : error / bound;
    return isnan(c) ? INFINITY : c;
}

int assay_truth_cell_note(assay_truth_cell *c, double error, double bound)
{
    if (c->count++ && !(closeness(error, bound) > closeness(c->error, c->bound))) return 0;
    c->error = error;
    c->bound = bound;
    return 1;
}

static assay_truth_row *row_of(assay_truth_table *t, const assay_proof *p)
{
    for (int k = 0; k < t->row_count; k++)
        if (!strcmp(t->rows[k].op, p->op) && !strcmp(t->rows[k].dialect, p->dialect)) return &t->rows[k];
    assay_truth_row *more = realloc(t->rows, (size_t)(t->row_count + 1) * sizeof *more);
    if (!more) return NULL;
    t->rows = more;
    assay_truth_row *r = &more[t->row_count++];
    memset(r, 0, sizeof *r);
    snprintf(r->op, sizeof r->op, "%s", p->op);
    snprintf(r->dialect, sizeof r->dialect, "%s", p->dialect);
    return r;
}

static assay_truth_line *line_of(assay_truth_table *t, const assay_proof *p)
{
    for (int k = 0; k < t->line_count; k++)
        if (!strcmp(t->lines[k].op, p->op) && !strcmp(t->lines[k].what, p->what)) return &t->lines[k];
    assay_truth_line *more = realloc(t->lines, (size_t)(t->line_count + 1) * sizeof *more);
    if (!more) return NULL;
    t->lines = more;
    assay_truth_line *l = &more[t->line_count++];
    memset(l, 0, sizeof *l);
    snprintf(l->op, sizeof l->op, "%s", p->op);
    snprintf(l->what, sizeof l->what, "%s", p->what);
    return l;
}

int assay_truth_note(assay_truth_table *t, const assay_proof *p)
{
    const int broken = !(p->error <= p->bound);
    assay_truth_row *r = row_of(t, p);
    assay_truth_line *l = line_of(t, p);
    if (!r || !l) return 0;
    r->proofs++;
    r->broken += broken;
    assay_truth_cell_note(&r->cell[column_of(p->what)], p->error, p->bound);
    l->broken += broken;
    if (assay_truth_cell_note(&l->cell, p->error, p->bound))
        snprintf(l->worst_at, sizeof l->worst_at, "%s %s", p->dialect, p->tensor);
    return 1;
}

int assay_truth_is_dialect(const assay_truth_row *r)
{
    return r->cell[ASSAY_TRUTH_DOUBLE].count > 0;
}

int assay_truth_dialects(const assay_truth_table *t)
{
    int count = 0;
    for (int k = 0; k < t->row_count; k++)
        count += assay_truth_is_dialect(&t->rows[k]);
    return count;
}

static const char *cell_text(const assay_truth_cell *c, char buffer[32])
{
    snprintf(buffer, 32, c->count ? "%.1e" : "-", c->error);
    return buffer;
}

void assay_truth_print(FILE *to, const assay_truth_table *t)
{
    char text[ASSAY_TRUTH_OTHER][32];
    fprintf(to, "%-8s %-40s %6s %7s %11s %9s %11s %9s\n", "op", "dialect", "proofs", "broken", "double/quad", "rows",
            "differences", "dual");
    for (int k = 0; k < t->row_count; k++) {
        const assay_truth_row *r = &t->rows[k];
        if (!assay_truth_is_dialect(r)) continue;
        for (int c = 0; c < ASSAY_TRUTH_OTHER; c++)
            cell_text(&r->cell[c], text[c]);
        fprintf(to, "%-8s %-40s %6d %7d %11s %9s %11s %9s\n", r->op, r->dialect, r->proofs, r->broken, text[0], text[1],
                text[2], text[3]);
    }
    fprintf(to, "\n%-8s %-52s %6s %7s %9s %9s  %s\n", "of", "proved by", "proofs", "broken", "error", "bound",
            "closest to its bound");
    for (int k = 0; k < t->line_count; k++) {
        const assay_truth_line *l = &t->lines[k];
        fprintf(to, "%-8s %-52s %6d %7d %9.1e %9.0e  %s\n", l->op, l->what, l->cell.count, l->broken, l->cell.error,
                l->cell.bound, l->worst_at);
    }
}

void assay_truth_rows_markdown(FILE *f, const assay_truth_table *t)
{
    char cell[ASSAY_TRUTH_OTHER][32];
    fputs("| op | dialect | proofs | broken | double/quad | rows | differences | dual |\n"
          "|---|---|---|---|---|---|---|---|\n",
          f);
    for (int k = 0; k < t->row_count; k++) {
        const assay_truth_row *r = &t->rows[k];
        if (!assay_truth_is_dialect(r)) continue;
        for (int c = 0; c < ASSAY_TRUTH_OTHER; c++)
            cell_text(&r->cell[c], cell[c]);
        fputs("| ", f);
        assay_escape_cell(f, r->op);
        fputs(" | ", f);
        assay_escape_cell(f, r->dialect);
        fprintf(f, " | %d | %d | %s | %s | %s | %s |\n", r->proofs, r->broken, cell[0], cell[1], cell[2], cell[3]);
    }
    fprintf(f,
            "\n%d dialects of ops. By method:\n\n| of | proved by | proofs | broken | error | bound | closest to its "
            "bound |\n"
            "|---|---|---|---|---|---|---|\n",
            assay_truth_dialects(t));
    for (int k = 0; k < t->line_count; k++) {
        const assay_truth_line *l = &t->lines[k];
        fputs("| ", f);
        assay_escape_cell(f, l->op);
        fputs(" | ", f);
        assay_escape_cell(f, l->what);
        fprintf(f, " | %d | %d | %.1e | %.0e | ", l->cell.count, l->broken, l->cell.error, l->cell.bound);
        assay_escape_cell(f, l->worst_at);
        fputs(" |\n", f);
    }
}

char *assay_truth_markdown(const assay_truth_table *t, const char *command)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f) return NULL;
    fprintf(
        f,
        "# The reference and its proofs\n\n"
        "Written by `%s`, not by hand; docs/tolerance.md 3.8 says what each proof is. Worst error of all tensors and "
        "shapes of a\ndialect: the double build against _Float128, normwise (bound 1e-13) and by rows (1e-12); every "
        "gradient in _Float128\nagainst central differences (1e-12); forward-mode dual numbers against every gradient "
        "(1e-13). A dash: the method does\nnot apply, because that gradient is by definition not the derivative of "
        "the forward pass (cut, clipped straight through,\nminus softmax), or because nothing is differentiated.\n\n",
        command);
    assay_truth_rows_markdown(f, t);
    if (fclose(f)) {
        free(text);
        return NULL;
    }
    return text;
}

void assay_truth_free(assay_truth_table *t)
{
    free(t->rows);
    free(t->lines);
}
