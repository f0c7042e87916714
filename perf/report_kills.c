/* report_kills.c: the kill table in a report: the rate, what each check killed, each mutant with its killers.
 * SPDX-License-Identifier: MIT */
#include "perf/kills.h"

#include "conformance/names.h"
#include "perf/escape.h"

#include <math.h>
#include <string.h>

typedef struct by_check {
    const char *name;
    int killed, alone;
} by_check;

/* In the order in which they appear. */
static int checks_of(const assay_kills *k, by_check out[ASSAY_KILLS_CHECKS])
{
    int count = 0;
    for (int i = 0; i < k->count; i++)
        for (int b = 0; b < k->at[i].by_count; b++) {
            int n = 0;
            while (n < count && strcmp(out[n].name, k->at[i].by[b].check) != 0)
                n++;
            if (n < count || n == ASSAY_KILLS_CHECKS) continue;
            out[count++].name = k->at[i].by[b].check;
        }
    for (int n = 0; n < count; n++)
        out[n].killed = assay_kills_by(k, out[n].name, &out[n].alone);
    return count;
}

/* "inf" after a crash, where a result was no number, and beyond a limit of zero. */
static const char *margin(double x, char buffer[24])
{
    snprintf(buffer, 24, "%.3g", x);
    return buffer;
}

/* "3 mutants, 2 killed (66.7 %), weakest margin 4.9 at x; 1 of 1 causes named by the diagnosis". */
static void summary(const assay_kills *k, char *text, size_t size)
{
    char number[24];
    int named, used;
    const int asked = assay_kills_causes(k, &named);
    const int held = assay_kills_held(k);
    const assay_kill *weakest = assay_kills_weakest(k);
    if (k->honest)
        used = snprintf(text, size, "%d honest variants, %d pass with margin < %.1f", (int)k->count, held,
                        ASSAY_HONEST_MARGIN);
    else if (weakest)
        used = snprintf(text, size, "%d mutants, %d killed (%.1f %%), weakest margin %s at %s", (int)k->count, held,
                        100.0 * held / k->count, margin(weakest->margin, number), weakest->name);
    else
        used = snprintf(text, size, "%d mutants, none killed", (int)k->count);
    if (asked && used > 0 && (size_t)used < size)
        snprintf(text + used, size - (size_t)used, "; %d of %d causes named by the diagnosis", named, asked);
}

static const char *verdict(const assay_kills *k, const assay_kill *m)
{
    if (k->honest) return m->held ? "passes" : "FAILS";
    return m->held ? "killed" : "SURVIVES";
}

/* ---- terminal ---- */

void assay_kills_table(FILE *f, const assay_kills *k)
{
    char text[256], number[24];
    by_check checks[ASSAY_KILLS_CHECKS];
    const int count = checks_of(k, checks);
    summary(k, text, sizeof text);
    fprintf(f, "\n%s (seed 0x%llx, suite %s, %s%s)\n", text, (unsigned long long)k->seed, k->version, k->time,
            k->complete ? "" : "; INTERRUPTED, not all");
    for (int n = 0; n < count; n++) {
        fprintf(f, "  %-12s killed %3d", checks[n].name, checks[n].killed);
        if (k->all) fprintf(f, ", %3d of them alone", checks[n].alone);
        fputs("\n", f);
    }
    for (int i = 0; i < k->count; i++) {
        const assay_kill *m = &k->at[i];
        fprintf(f, "  %-8s %-4s %-28s %-10s", verdict(k, m), m->id, m->name, margin(m->margin, number));
        for (int b = 0; b < m->by_count; b++)
            if (m->by[b].kills) fprintf(f, " %s %s", m->by[b].check, margin(m->by[b].margin, number));
        fprintf(f, "%s%s\n", m->why[0] ? " : " : "", m->why);
    }
}

/* ---- Markdown ---- */

void assay_kills_markdown(FILE *f, const assay_kills *k)
{
    char text[256], number[24];
    by_check checks[ASSAY_KILLS_CHECKS];
    const int count = checks_of(k, checks);
    summary(k, text, sizeof text);
    fprintf(f, "\n## %s\n\n", k->honest ? "Honest variants" : "Wrong implementations");
    assay_escape_cell(f, text);
    fprintf(f, ". Seed 0x%llx, suite ", (unsigned long long)k->seed);
    assay_escape_cell(f, k->version);
    fputs(", ", f);
    assay_escape_cell(f, k->time);
    fprintf(f, "%s.\n", k->complete ? "" : "; interrupted, not all");
    if (count)
        fputs(k->all ? "\n| check | killed | alone |\n|---|---:|---:|\n" : "\n| check | killed |\n|---|---:|\n", f);
    for (int n = 0; n < count; n++) {
        fprintf(f, "| ");
        assay_escape_cell(f, checks[n].name);
        fprintf(f, " | %d |", checks[n].killed);
        if (k->all) fprintf(f, " %d |", checks[n].alone);
        fputs("\n", f);
    }
    fprintf(f, "\n| | | | margin | what | killed by |\n|---|---|---|---:|---|---|\n");
    for (int i = 0; i < k->count; i++) {
        const assay_kill *m = &k->at[i];
        const char *const words[] = {verdict(k, m), m->id, m->name, margin(m->margin, number), m->what};
        for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
            fputs("| ", f);
            assay_escape_cell(f, words[w]);
            fputc(' ', f);
        }
        fputs("|", f);
        for (int b = 0; b < m->by_count; b++) {
            if (!m->by[b].kills) continue;
            fputc(' ', f);
            assay_escape_cell(f, m->by[b].check);
            fprintf(f, " %s", margin(m->by[b].margin, number));
        }
        fputc(' ', f);
        assay_escape_cell(f, m->why);
        fputs(" |\n", f);
    }
}

/* ---- page ---- */

static void alerts(FILE *f, const assay_kills *k)
{
    if (!k->complete) fputs("<p class=\"alert\">Interrupted: this is not all of them.</p>\n", f);
    for (int i = 0; i < k->count; i++) {
        const assay_kill *m = &k->at[i];
        if (m->held && (!m->cause_asked || m->cause_named)) continue;
        fputs("<p class=\"alert\"><b>", f);
        assay_escape(f, m->name);
        fprintf(f, "</b> %s: ", m->held ? "is killed, but its cause is misnamed" : verdict(k, m));
        assay_escape(f, m->held ? m->cause : m->why);
        fputs("</p>\n", f);
    }
}

/* A strip as long as its share of the killed, the part that nothing else killed in front. */
static void check_table(FILE *f, const assay_kills *k)
{
    by_check checks[ASSAY_KILLS_CHECKS];
    const int count = checks_of(k, checks);
    if (!count) return;
    fprintf(f, "<div class=\"scroll\"><table><tr><th>check<th>killed%s<th class=\"text\">of all</tr>\n",
            k->all ? "<th>alone" : "");
    for (int n = 0; n < count; n++) {
        const double all = 1000. * checks[n].killed / k->count, own = k->all ? 1000. * checks[n].alone / k->count : 0;
        fputs("<tr><td>", f);
        assay_escape(f, checks[n].name);
        fprintf(f, "<td>%d", checks[n].killed);
        if (k->all) fprintf(f, "<td>%d", checks[n].alone);
        fprintf(f,
                "<td class=\"strip\"><svg viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" "
                "role=\"img\"><title>%d of %d</title><rect class=\"part0\" width=\"%.1f\" height=\"10\"/><rect "
                "class=\"part1\" width=\"%.1f\" height=\"10\"/></svg></tr>\n",
                checks[n].killed, (int)k->count, all, own);
    }
    fputs("</table></div>\n", f);
    if (!k->all) return;
    fputs("<div class=\"key\"><span><svg viewBox=\"0 0 10 10\"><rect class=\"part1\" width=\"10\" "
          "height=\"10\"/></svg>by this check alone</span><span><svg viewBox=\"0 0 10 10\"><rect class=\"part0\" "
          "width=\"10\" height=\"10\"/></svg>by others, too</span></div>\n",
          f);
}

/* All with their margins; of the one that the row's margin is from also where. */
static void killers(FILE *f, const assay_kill *m)
{
    char number[24];
    const assay_killer *least = NULL;
    int any = 0;
    for (int b = 0; b < m->by_count; b++) {
        const assay_killer *by = &m->by[b];
        if (!by->kills) continue;
        if (any) fputs(", ", f);
        assay_escape(f, by->check);
        fprintf(f, "&nbsp;<b>%s</b>", margin(by->margin, number));
        any = 1;
        if (!assay_names_hold(m->checks, ' ', by->check)) continue;
        if (!least || by->margin < least->margin) least = by;
    }
    if (!any) fputs("-", f);
    if (!least) return;
    fputs("<br><span class=\"soft\">", f);
    assay_escape(f, least->check);
    fputs(" on ", f);
    assay_escape(f, least->case_id);
    fputs(": ", f);
    assay_escape(f, least->what);
    fputs("</span>", f);
}

static void mutant_table(FILE *f, const assay_kills *k)
{
    char number[24];
    fprintf(f,
            "<details><summary>each of them</summary><div class=\"scroll\"><table class=\"stack\"><tr><th>%s<th "
            "class=\"text\">what "
            "<th class=\"word\">verdict<th>margin%s</tr>\n",
            k->honest ? "variant" : "mutant", k->honest ? "" : "<th class=\"text\">killed by");
    for (int i = 0; i < k->count; i++) {
        const assay_kill *m = &k->at[i];
        fputs("<tr><td>", f);
        assay_escape(f, m->name);
        fputs(" <span class=\"soft\">", f);
        assay_escape(f, m->id);
        fputs("</span><td class=\"text\">", f);
        assay_escape(f, m->what);
        fprintf(f, "<td class=\"word\">%s<td><span class=\"only\">margin </span>%s", verdict(k, m),
                margin(m->margin, number));
        if (!k->honest) {
            fputs("<td class=\"text wide\">", f);
            killers(f, m);
        }
        fputs("</tr>\n", f);
    }
    fputs("</table></div></details>\n", f);
}

void assay_kills_html(FILE *f, const assay_kills *k)
{
    char text[256];
    summary(k, text, sizeof text);
    fprintf(f, "<section><h2>%s</h2>\n<p>",
            k->honest ? "honest variants, which must pass" : "wrong implementations, and what kills them");
    assay_escape(f, text);
    fprintf(f, "</p>\n<p class=\"soft\">seed <code>0x%016llx</code>, suite ", (unsigned long long)k->seed);
    assay_escape(f, k->version);
    fputs(", ", f);
    assay_escape(f, k->time);
    if (k->honest)
        fputs(". Harmless changes of an honest implementation: a suite that refused them would be too strict; "
              "<i>margin</i> is the worst error over its limit.</p>\n",
              f);
    else
        fprintf(f,
                ". Each is an honest implementation with one fault, run through the ordinary checks. It is killed if "
                "each check that its row names finds an error of more than %.0f times its limit; <i>margin</i> is the "
                "smallest over those checks of the largest that each found, <i>inf</i> after a crash, where a result "
                "is no number, and beyond a limit of zero. %s</p>\n",
                ASSAY_KILL_MARGIN,
                k->all ? "All checks ran on it."
                       : "Those checks alone ran on it, until they had killed it: with <code>--all</code> the others "
                         "run, too.");
    alerts(f, k);
    if (!k->honest) check_table(f, k);
    mutant_table(f, k);
    fputs("</section>\n", f);
}
