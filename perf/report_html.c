/* report_html.c: the report as one HTML page: nothing is loaded from elsewhere, no script, light and dark, narrow and
 * wide. SPDX-License-Identifier: MIT
 *
 * The chart of a workload has one logarithmic axis of milliseconds. A bar runs from the roof, the least time that the
 * machine's multiply-add peak allows, to the measured median: its length is the distance from the limit. Numbers that
 * others published, on other hardware, are hollow marks in a strip of their own. */
#include "perf/audit_file.h"
#include "perf/chart.h"
#include "perf/escape.h"
#include "perf/report_parts.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define WIDTH 1000. /* units across a chart; stretched to the page */

static const assay_phase parts[] = {ASSAY_PHASE_PACK, ASSAY_PHASE_FORWARD, ASSAY_PHASE_LOSS, ASSAY_PHASE_BACKWARD,
                                    ASSAY_PHASE_UPDATE};
#define PARTS (int)(sizeof parts / sizeof *parts)

static const char style[] =
    ":root{--bg:#fff;--fg:#1b1f24;--soft:#59636e;--line:#d8dee4;--panel:#f6f8fa;--bar:#2f6fb7;"
    "--limit:#c2410c;--mark:#7c5cbf;--p0:#94a3b8;--p1:#2f6fb7;--p2:#d29922;--p3:#1f8a70;--p4:#b4568f}"
    "@media(prefers-color-scheme:dark){:root{--bg:#0f1318;--fg:#e6edf3;--soft:#9aa6b2;--line:#2d353e;--panel:#171d24;"
    "--bar:#6aa9ee;--limit:#ff9d5c;--mark:#b79cf0;--p0:#64748b;--p1:#6aa9ee;--p2:#e3b341;--p3:#4cc2a0;--p4:#e08bc0}}"
    "*{box-sizing:border-box}body{margin:0 auto;max-width:64rem;padding:1.5rem 1rem 4rem;background:var(--bg);"
    "color:var(--fg);font:16px/1.5 system-ui,sans-serif}h1{font-size:1.6rem;margin:0 0 .5rem;line-height:1.2}"
    "h2{font-size:1.15rem;margin:2.5rem 0 .1rem;font-family:ui-monospace,monospace;overflow-wrap:anywhere}"
    "p{margin:.3rem 0}.soft{color:var(--soft);font-size:.875rem}.alert{border-left:4px solid var(--limit);"
    "padding:.4rem .75rem;background:var(--panel)}a{color:var(--bar)}"
    ".chart{margin:.8rem 0;padding:.75rem;background:var(--panel);border:1px solid var(--line);border-radius:6px;"
    "overflow-x:auto}.chart>svg{display:block;min-width:36rem}"
    ".bar{display:grid;grid-template-columns:9rem 1fr;gap:0 .75rem;align-items:center;margin:.35rem 0}"
    ".bar .name{font-weight:600;overflow-wrap:anywhere}.bar .value{grid-column:2;font-size:.875rem;"
    "font-variant-numeric:tabular-nums}.bar svg{display:block;width:100%;height:1.4rem}.bar .value b{font-size:1rem}"
    ".axis{position:relative;height:1.3rem;margin-left:9.75rem;font-size:.75rem;color:var(--soft)}"
    ".axis span{position:absolute;transform:translateX(-50%);white-space:nowrap}"
    "@media(max-width:40rem){.bar{grid-template-columns:1fr}.bar .value{grid-column:1}.axis{margin-left:0}}"
    ".grid{stroke:var(--line)}.measured{fill:var(--bar)}.spread{stroke:var(--fg)}.roof{stroke:var(--limit)}"
    ".other{fill:none;stroke:var(--mark)}.part0{fill:var(--p0)}.part1{fill:var(--p1)}.part2{fill:var(--p2)}"
    ".part3{fill:var(--p3)}.part4{fill:var(--p4)}line,path{stroke-width:1.5px}"
    ".key{display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:.8125rem;color:var(--soft)}"
    ".key svg{width:.9rem;height:.9rem;vertical-align:-.1rem;margin-right:.3rem}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums;"
    "width:100%;margin:.5rem 0}th,td{padding:.3rem .5rem;border-bottom:1px solid var(--line);text-align:right;"
    "white-space:nowrap}th{color:var(--soft);font-weight:600;white-space:normal;vertical-align:bottom}td:first-child,"
    "th:first-child,td.text,th.text{text-align:"
    "left}"
    "td.word,th.word{text-align:left}td.text{white-space:normal;min-width:12rem}td.wide{min-width:20rem}td "
    "svg{width:4rem;height:.9rem;display:block}td.strip{width:60%}td.strip svg{width:100%}.stack td{vertical-align:top}"
    ".only{display:none}@media(max-width:40rem){.stack,.stack tbody,.stack tr,.stack td{display:block}.stack "
    "tr:first-child{display:none}"
    ".stack td{border:0;padding:.1rem .3rem;text-align:left}.stack tr{border-bottom:1px solid "
    "var(--line);padding:.4rem 0}"
    ".stack .only{display:inline}.cards,.cards tbody,.cards tr{display:block}.cards tr:first-child{display:none}"
    ".cards tr{border-bottom:1px solid var(--line);padding:.4rem 0}.cards td,.cards td.text{display:inline-block;"
    "border:0;padding:.05rem .7rem .05rem 0;white-space:normal;min-width:0;text-align:left}.cards td:first-child{"
    "display:block;font-weight:600}.cards td[data-h]::before{content:attr(data-h) \" \";color:var(--soft)}}"
    "@media(max-width:62rem){th,td{padding:.3rem .3rem}}@media(min-width:40rem){.matrix "
    "th+th{writing-mode:vertical-rl;text-align:right}.matrix td .soft{display:block}}"
    "summary{cursor:pointer;"
    "color:var(--soft);font-size:.875rem}code{font-family:ui-monospace,monospace;font-size:.875em;overflow-wrap:"
    "anywhere}";

static void number(FILE *f, double x)
{
    char buffer[24];
    fputs(assay_report_number(x, buffer), f);
}

/* ---- the axis ---- */

typedef struct axis {
    double low, high; /* log10 of ms */
} axis;

static double at(const axis *a, double ms)
{
    return WIDTH * (log10(ms) - a->low) / (a->high - a->low);
}

static void widen(axis *a, double ms)
{
    if (!(ms > 0) || !isfinite(ms)) return;
    a->low = fmin(a->low, log10(ms));
    a->high = fmax(a->high, log10(ms));
}

static int is_published(const assay_published *p, const char *id)
{
    return !strcmp(p->workload, id) && !strcmp(p->phase, "step");
}

static axis axis_of(const assay_report_group *g)
{
    axis a = {INFINITY, -INFINITY};
    for (int32_t r = 0; r < g->row_count; r++) {
        const assay_record *step = g->rows[r].phase[ASSAY_PHASE_STEP];
        if (!step) continue;
        widen(&a, step->roof_ms);
        widen(&a, step->q3_ms);
        widen(&a, step->q1_ms);
    }
    for (int k = 0; k < assay_published_count(); k++)
        if (is_published(assay_published_get(k), g->id)) widen(&a, assay_published_get(k)->ms);
    double room = fmax(0.06 * (a.high - a.low), 0.03);
    a.low -= room;
    a.high += room;
    return a;
}

/* 1, 2, 5 of each decade; 1 alone where there are many decades. */
static int tick(const axis *a, int index, double *ms)
{
    static const double steps[] = {1, 2, 5};
    int sparse = a->high - a->low > 2.2, per = sparse ? 1 : 3;
    int decade = (int)floor(a->low) + index / per;
    *ms = pow(10, decade) * steps[index % per];
    return decade <= (int)ceil(a->high);
}

static void grid(FILE *f, const axis *a, int height)
{
    double ms;
    for (int k = 0; tick(a, k, &ms); k++)
        if (log10(ms) > a->low && log10(ms) < a->high)
            fprintf(f, "<line " ASSAY_THIN " class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"0\" y2=\"%d\"/>", at(a, ms),
                    at(a, ms), height);
}

static void tick_labels(FILE *f, const axis *a)
{
    double ms;
    fputs("<div class=\"axis\">", f);
    for (int k = 0; tick(a, k, &ms); k++) {
        double x = at(a, ms) / WIDTH * 100;
        if (!(x > 2 && x < 94)) continue;
        fprintf(f, "<span style=\"left:%.2f%%\">%.4g ms</span>", x, ms);
    }
    fputs("</div>\n", f);
}

static const char open_bar[] = "<svg viewBox=\"0 0 1000 22\" preserveAspectRatio=\"none\" role=\"img\">";

/* ---- one workload ---- */

static void row_name(FILE *f, const assay_report_row *row)
{
    char name[128];
    assay_escape(f, assay_report_row_name(row, name));
}

static void bar(FILE *f, const axis *a, const assay_report_row *row, int first)
{
    const assay_record *r = row->phase[ASSAY_PHASE_STEP];
    fprintf(f, "<div class=\"bar\"><div class=\"name\">");
    row_name(f, row);
    fputs(" <span class=\"soft\">", f);
    assay_escape(f, row->any->arithmetic);
    fputs("</span></div>", f);
    if (!r) {
        fputs("<div class=\"soft\">no step time; see below</div></div>\n", f);
        return;
    }
    double roof = at(a, r->roof_ms), end = at(a, r->median_ms);
    fputs(open_bar, f);
    grid(f, a, 22);
    fprintf(f, "<title>");
    row_name(f, row);
    fprintf(f, ": median %.4g ms, quartiles %.4g to %.4g, n %d; roof %.4g ms</title>", r->median_ms, r->q1_ms, r->q3_ms,
            (int)r->n, r->roof_ms);
    fprintf(f, "<rect class=\"measured\" x=\"%.1f\" y=\"5\" width=\"%.1f\" height=\"12\"/>", fmin(roof, end),
            fmax(fabs(end - roof), 1));
    fprintf(f, "<line " ASSAY_THIN " class=\"spread\" x1=\"%.1f\" x2=\"%.1f\" y1=\"11\" y2=\"11\"/>", at(a, r->q1_ms),
            at(a, r->q3_ms));
    fprintf(f, "<line " ASSAY_THIN " class=\"roof\" x1=\"%.1f\" x2=\"%.1f\" y1=\"0\" y2=\"22\"/></svg>", roof, roof);
    fputs("<div class=\"value\"><b>", f);
    number(f, r->median_ms);
    fprintf(f, " ms</b> &middot; %.0f %% of the roof", 100 * r->roof_share);
    if (!first && isfinite(row->ratio.low)) {
        fputs(" &middot; ", f);
        number(f, row->ratio.low);
        fputs(" to ", f);
        number(f, row->ratio.high);
        fputs(" &times; the fastest", f);
    }
    fputs("</div></div>\n", f);
}

static void published_strip(FILE *f, const axis *a, const char *id)
{
    int any = 0;
    for (int k = 0; k < assay_published_count(); k++) {
        const assay_published *p = assay_published_get(k);
        if (!is_published(p, id)) continue;
        if (!any++) {
            fprintf(f, "<div class=\"bar\"><div class=\"soft\">published, other hardware</div>%s", open_bar);
            grid(f, a, 22);
        }
        double x = at(a, p->ms);
        fprintf(f, "<path " ASSAY_THIN " class=\"other\" d=\"M%.1f 4v14\"><title>", x);
        assay_escape(f, p->implementation);
        fprintf(f, ", %.4g ms on ", p->ms);
        assay_escape(f, p->hardware);
        fputs("</title></path>", f);
    }
    if (any) fputs("</svg></div>\n", f);
}

/* How a step divides: each measured part as a share of their sum. */
static void strip(FILE *f, const assay_report_row *row)
{
    double sum = 0, x = 0;
    for (int k = 0; k < PARTS; k++)
        if (row->phase[parts[k]]) sum += row->phase[parts[k]]->median_ms;
    if (!(sum > 0)) {
        fputs("-", f);
        return;
    }
    fputs("<svg viewBox=\"0 0 1000 10\" preserveAspectRatio=\"none\" role=\"img\">", f);
    for (int k = 0; k < PARTS; k++) {
        const assay_record *r = row->phase[parts[k]];
        if (!r) continue;
        double width = WIDTH * r->median_ms / sum;
        fprintf(f, "<rect class=\"part%d\" x=\"%.1f\" width=\"%.1f\" height=\"10\"><title>%s: %.1f %%</title></rect>",
                k, x, width, assay_phase_name(parts[k]), 100 * r->median_ms / sum);
        x += width;
    }
    fputs("</svg>", f);
}

static void phase_table(FILE *f, const assay_report_group *g)
{
    fputs("<div class=\"scroll\"><table class=\"cards\"><tr><th>median ms", f);
    for (int k = 0; k < PARTS; k++)
        fprintf(f, "<th>%s", assay_phase_name(parts[k]));
    fputs("<th>step<th>quartiles<th>n<th>forward only<th>peak MiB<th>margin<th class=\"text\">parts</tr>\n", f);
    for (int32_t r = 0; r < g->row_count; r++) {
        const assay_report_row *row = &g->rows[r];
        const assay_record *step = row->phase[ASSAY_PHASE_STEP], *infer = row->phase[ASSAY_PHASE_INFER];
        const assay_record *loss = row->phase[ASSAY_PHASE_FORWARD_LOSS];
        fputs("<tr><td>", f);
        row_name(f, row);
        for (int k = 0; k < PARTS; k++) {
            fprintf(f, "<td data-h=\"%s\">", assay_phase_name(parts[k]));
            number(f, row->phase[parts[k]] ? row->phase[parts[k]]->median_ms : NAN);
        }
        fputs("<td data-h=\"step\"><b>", f);
        number(f, step ? step->median_ms : NAN);
        fputs("</b><td data-h=\"quartiles\">", f);
        number(f, step ? step->q1_ms : NAN);
        fputs(" to ", f);
        number(f, step ? step->q3_ms : NAN);
        fprintf(f, "<td data-h=\"n\">%d<td data-h=\"forward only\">", step ? (int)step->n : 0);
        number(f, infer ? infer->median_ms : NAN);
        if (loss) fputs(" (to the losses: ", f), number(f, loss->median_ms), fputs(")", f);
        fputs("<td data-h=\"peak MiB\">", f);
        number(f, row->any->peak_mib);
        fputs("<td data-h=\"margin\">", f);
        number(f, row->any->margin);
        fputs("<td>", f);
        strip(f, row);
        fputs("</tr>\n", f);
    }
    fputs("</table></div><div class=\"key\">", f);
    for (int k = 0; k < PARTS; k++)
        fprintf(f,
                "<span><svg viewBox=\"0 0 10 10\"><rect class=\"part%d\" width=\"10\" height=\"10\"/></svg>%s</span>",
                k, assay_phase_name(parts[k]));
    fputs("</div>\n", f);
}

static void section(FILE *f, const assay_report_group *g)
{
    const assay_record *any = g->rows[0].any;
    axis a = axis_of(g);
    fputs("<section><h2 id=\"", f);
    assay_escape(f, g->title);
    fputs("\">", f);
    assay_escape(f, g->title);
    fputs("</h2>\n<p>", f);
    assay_escape(f, g->workload ? g->workload->what : "not in this program's table");
    fprintf(f,
            "</p>\n<p class=\"soft\">%.4g GFLOP declared a step &middot; %.4g GFLOP/s multiply-add peak, %.4g in "
            "sgemm &middot; %d threads &middot; seed <code>0x%016" PRIx64 "</code></p>\n",
            g->rows[0].phase[ASSAY_PHASE_STEP] ? g->rows[0].phase[ASSAY_PHASE_STEP]->gflop : NAN, any->peak_gflop_per_s,
            any->sgemm_gflop_per_s, (int)any->threads, any->seed);
    if (!any->fit)
        fprintf(f,
                "<p class=\"alert\">The machine's rate moved by %.1f %% during this measurement: no verdict, no "
                "baseline.</p>\n",
                100 * any->drift);
    for (int32_t r = 0; r < g->row_count; r++) {
        const assay_record *step = g->rows[r].phase[ASSAY_PHASE_STEP];
        if (!step || !assay_record_is_disturbed(step)) continue;
        fputs("<p class=\"alert\">Threads of ", f);
        assay_escape(f, step->implementation);
        fprintf(f, " waited for a processor in %d of %d steps: no verdict, no baseline.</p>\n", (int)step->disturbed,
                (int)step->n);
    }
    if (a.high > a.low) {
        fputs("<div class=\"chart\">\n", f);
        for (int32_t r = 0; r < g->row_count; r++)
            bar(f, &a, &g->rows[r], r == 0);
        published_strip(f, &a, g->id);
        tick_labels(f, &a);
        fputs("</div>\n", f);
    }
    phase_table(f, g);
    assay_report_ratios_html(f, g);
    assay_report_published_html(f, g->id);
    assay_report_work_html(f, g);
    fputs("</section>\n", f);
}

/* ---- the page ---- */

static void lead(FILE *f, const assay_records *list)
{
    fputs("<h1>Recurrent networks: measured times</h1>\n", f);
    if (list->count == 0) {
        fputs("<p class=\"alert\">Nothing was timed.</p>\n", f);
        return;
    }
    const assay_record *r = assay_report_newest(list);
    fputs("<p>", f);
    assay_escape(f, r->machine.cpu);
    fprintf(f, ", %d cores, ", (int)r->machine.cores);
    assay_escape(f, r->machine.isa);
    fputs(" &middot; ", f);
    assay_escape(f, r->machine.os);
    fputs(", ", f);
    assay_escape(f, r->machine.kernel);
    fputs("</p>\n<p class=\"soft\">suite ", f);
    assay_escape(f, r->suite_version);
    fputs(", commit ", f);
    assay_escape(f, r->commit[0] ? r->commit : "unknown");
    fputs(", ", f);
    assay_escape(f, r->time);
    fputs(
        ". Every row passed the conformance suite, and the results of the very calls that were timed were compared in "
        "full with a reference in double precision; <i>margin</i> is their worst error over the measured limit.</p>\n"
        "<div class=\"key\"><span><svg viewBox=\"0 0 10 10\"><rect class=\"measured\" y=\"2\" width=\"10\" "
        "height=\"6\"/>"
        "</svg>from the roof to the measured time of a training step</span><span><svg viewBox=\"0 0 10 10\"><line "
        "class=\"roof\" x1=\"5\" x2=\"5\" y1=\"0\" y2=\"10\"/></svg>roof: the declared work at this machine's "
        "multiply-add peak</span><span><svg viewBox=\"0 0 10 10\"><path class=\"other\" d=\"M5 "
        "0v10\"/></svg>published, "
        "other hardware</span></div>\n",
        f);
}

static void overview(FILE *f, const assay_report_groups *g)
{
    fputs("<div class=\"scroll\"><table class=\"cards\"><tr><th>workload<th class=\"text\">fastest<th>step, ms<th>of "
          "the roof<th "
          "class=\"text\">next<th>times the fastest</tr>\n",
          f);
    for (int32_t k = 0; k < g->count; k++) {
        const assay_report_group *group = &g->at[k];
        const assay_record *best = group->rows[0].phase[ASSAY_PHASE_STEP];
        fputs("<tr><td><a href=\"#", f);
        assay_escape(f, group->title);
        fputs("\">", f);
        assay_escape(f, group->title);
        fputs("</a><td class=\"text\" data-h=\"fastest\">", f);
        row_name(f, &group->rows[0]);
        fputs("<td data-h=\"step, ms\">", f);
        number(f, best ? best->median_ms : NAN);
        if (best && isfinite(best->roof_share))
            fprintf(f, "<td data-h=\"of the roof\">%.0f %%", 100 * best->roof_share);
        else
            fputs("<td data-h=\"of the roof\">-", f);
        const assay_report_row *next = group->row_count > 1 ? &group->rows[1] : NULL;
        fputs("<td class=\"text\" data-h=\"next\">", f);
        if (next)
            row_name(f, next);
        else
            fputs("-", f);
        fputs("<td data-h=\"times the fastest\">", f);
        if (next && isfinite(next->ratio.low)) {
            number(f, next->ratio.low);
            fputs(" to ", f);
            number(f, next->ratio.high);
        } else
            fputs("-", f);
        fputs("</tr>\n", f);
    }
    fputs("</table></div>\n", f);
}

static void left_out(FILE *f, const assay_records *list)
{
    const char *missing = list->count ? assay_report_missing_peers(list) : "";
    if (!missing[0] && list->left_count == 0) return;
    fputs("<h2>without a number</h2>\n", f);
    if (missing[0]) fprintf(f, "<p class=\"alert\">Required peers without a row: %s.</p>\n", missing);
    if (list->left_count == 0) return;
    fputs("<div class=\"scroll\"><table class=\"cards\"><tr><th>workload<th class=\"text\">implementation<th "
          "class=\"text\">phase<th class=\"text\">why</tr>\n",
          f);
    for (int32_t k = 0; k < list->left_count; k++) {
        const assay_left_out *l = &list->left[k];
        const char *cells[] = {l->implementation, l->phase, l->why};
        fputs("<tr><td>", f);
        assay_escape(f, l->workload);
        for (int c = 0; c < 3; c++) {
            fputs("<td class=\"text\">", f);
            assay_escape(f, cells[c]);
        }
        fputs("</tr>\n", f);
    }
    fputs("</table></div>\n", f);
}

void assay_report_html(FILE *f, const assay_report_parts *p)
{
    const assay_records *list = p->list;
    const assay_report_groups *g = &p->groups;
    fprintf(f,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta name=\"viewport\" "
            "content=\"width=device-width,initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light "
            "dark\">\n<title>Recurrent networks: measured times</title>\n"
            "<style>%s</style>\n",
            style);
    assay_chart_style(f);
    fputs("</head>\n<body>\n", f);
    if (assay_report_is_of_times(p))
        lead(f, list);
    else
        fputs("<h1>Recurrent networks: what was checked</h1>\n", f);
    for (int k = 0; p->beside && k < p->beside->verdicts_count; k++)
        assay_verdicts_html(f, &p->beside->verdicts[k]);
    if (g->count) overview(f, g);
    for (int32_t k = 0; k < g->count; k++)
        section(f, &g->at[k]);
    assay_report_history_html(f, p);
    assay_report_scaling_html(f, &p->scalings);
    for (int k = 0; p->beside && k < p->beside->audit_count; k++)
        assay_audit_html(f, &p->beside->audit[k]);
    for (int k = 0; p->beside && k < p->beside->convergence_count; k++)
        assay_convergence_html(f, p->beside->convergence[k]);
    for (int k = 0; p->beside && k < p->beside->kills_count; k++)
        assay_kills_html(f, &p->beside->kills[k]);
    for (int k = 0; p->beside && k < p->beside->truths_count; k++)
        assay_truths_html(f, &p->beside->truths[k]);
    left_out(f, list);
    fputs("</body></html>\n", f);
}
