/* report_notes.c: what stands folded below a workload of the page: times that others published, with what is known of
 * them; what was inside the timed calls. SPDX-License-Identifier: MIT */
#include "perf/escape.h"
#include "perf/report_parts.h"
#include "perf/seeds.h"

#include <string.h>

/* What is known of an original: its defects by number, what it computed, and what stands for it here. */
static void seed_cells(FILE *f, const assay_seed *s)
{
    const char *const cells[] = {s ? s->defects : "", s ? s->function : "", s ? s->ours : "", s ? s->today : ""};
    for (size_t k = 0; k < sizeof cells / sizeof *cells; k++) {
        fputs("<td class=\"text\">", f);
        assay_escape(f, cells[k]);
    }
}

void assay_report_published_html(FILE *f, const char *id)
{
    int any = 0;
    char ms[24];
    for (int k = 0; k < assay_published_count(); k++) {
        const assay_published *p = assay_published_get(k);
        if (strcmp(p->workload, id)) continue;
        if (!any++)
            fputs("<details><summary>published, other hardware</summary><div "
                  "class=\"scroll\"><table><tr><th>implementation"
                  "<th>phase<th>ms<th class=\"text\">hardware<th class=\"text\">source<th class=\"text\">remark"
                  "<th class=\"text\">defects<th class=\"text\">its function<th class=\"text\">rows here"
                  "<th class=\"text\">frameworks of today</tr>\n",
                  f);
        fputs("<tr><td>", f);
        assay_escape(f, p->implementation);
        fprintf(f, "<td>%s<td>", p->phase);
        fputs(assay_report_number(p->ms, ms), f);
        fputs("<td class=\"text\">", f);
        assay_escape(f, p->hardware);
        fputs("<td class=\"text\">", f);
        assay_escape(f, p->source);
        fputs("<td class=\"text\">", f);
        assay_escape(f, p->note ? p->note : "");
        seed_cells(f, assay_seed_find(id, p->implementation));
        fputs("</tr>\n", f);
    }
    if (!any) return;
    fputs("</table></div><ol>\n", f);
    for (int k = 0; assay_defect_of(id, k); k++) { /* numbered from 1, as a list is */
        fputs("<li>", f);
        assay_escape(f, assay_defect_of(id, k)->text);
        fputs("</li>\n", f);
    }
    fputs("</ol></details>\n", f);
}

static const char *known(const char *word)
{
    return word[0] ? word : "not known";
}

void assay_report_work_html(FILE *f, const assay_report_group *g)
{
    char name[128], inside[640];
    fputs(
        "<details><summary>what was inside the timed call, and how to repeat it</summary><div class=\"scroll\"><table>"
        "<tr><th>implementation<th class=\"text\">version<th class=\"text\">work<th class=\"text\">certificate</tr>\n",
        f);
    for (int32_t k = 0; k < g->row_count; k++) {
        const assay_record *r =
            g->rows[k].phase[ASSAY_PHASE_STEP] ? g->rows[k].phase[ASSAY_PHASE_STEP] : g->rows[k].any;
        const assay_equal_work *w = &r->work;
        fputs("<tr><td>", f);
        assay_escape(f, assay_report_row_name(&g->rows[k], name));
        fputs("<td class=\"text\">", f);
        assay_escape(f, r->version);
        fputs("; suite at ", f);
        assay_escape(f, known(r->commit));
        snprintf(
            inside, sizeof inside,
            "dx of layer 1 %s; backward through %s steps; dead reverse steps %s; padding %s; distinct tokens %s; "
            "embedding update %s; logits %s; loss by %s; update by %s; threads %d; calls in a sample %d; round trip "
            "%.3g ms",
            known(w->dx_layer1), known(w->bptt_steps), known(w->dead_reverse_top), known(w->padding_frames),
            known(w->distinct_tokens), known(w->embedding_update), known(w->logits), known(r->loss_by),
            known(r->update_by), (int)r->threads, (int)r->calls, r->round_trip_ms);
        fputs("<td class=\"text\">", f);
        assay_escape(f, inside);
        snprintf(inside, sizeof inside, "%.16s", known(r->certificate));
        fputs("<td class=\"text\"><code>", f);
        assay_escape(f, inside);
        fputs("</code></tr>\n", f);
    }
    fputs("</table></div></details>\n", f);
}
