/* report_text.c: the report as a terminal table and as Markdown.
 * SPDX-License-Identifier: MIT */
#include "perf/escape.h"
#include "perf/report_parts.h"
#include "perf/seeds.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Columns of a row, in order of the work inside a step. */
static const assay_phase columns[] = {ASSAY_PHASE_PACK,     ASSAY_PHASE_FORWARD, ASSAY_PHASE_LOSS,
                                      ASSAY_PHASE_BACKWARD, ASSAY_PHASE_UPDATE,  ASSAY_PHASE_INFER};
#define COLUMNS (int)(sizeof columns / sizeof *columns)

static const char *ms(const assay_record *r, char *buffer)
{
    return r ? assay_report_number(r->median_ms, buffer) : "-";
}

static const char *percent(const assay_record *r, char *buffer)
{
    if (!r || !isfinite(r->roof_share)) return "-";
    snprintf(buffer, 24, "%.0f %%", 100 * r->roof_share);
    return buffer;
}

/* Of the rate that a large product has in this run. */
static const char *of_sgemm(const assay_record *r, char *buffer)
{
    if (!r || !isfinite(r->gflop_per_s / r->sgemm_gflop_per_s)) return "-";
    snprintf(buffer, 24, "%.0f %%", 100 * r->gflop_per_s / r->sgemm_gflop_per_s);
    return buffer;
}

static const char *times(const assay_report_row *row, int first, char *buffer)
{
    char low[24], high[24];
    if (first) return "1";
    if (!isfinite(row->ratio.low)) return "-";
    snprintf(buffer, 64, "%s..%s", assay_report_number(row->ratio.low, low),
             assay_report_number(row->ratio.high, high));
    return buffer;
}

/* What holds for all rows of a group: seed, machine rate, and whether the clock was steady. */
static void facts(FILE *f, const assay_report_group *g)
{
    const assay_record *r = g->rows[0].any, *step = g->rows[0].phase[ASSAY_PHASE_STEP];
    char number[24];
    fprintf(f, "seed 0x%016" PRIx64 ", ", r->seed);
    if (r->device.name[0])
        fprintf(f, "%s", r->device.name);
    else
        fprintf(f, "%d threads", (int)r->threads);
    fprintf(f, ", %s GFLOP/s at the %s peak", assay_report_number(r->peak_gflop_per_s, number),
            r->device.tensor_by[0] ? "tensor product" : "multiply-add");
    if (isfinite(r->sgemm_gflop_per_s))
        fprintf(f, ", %s in sgemm by %s", assay_report_number(r->sgemm_gflop_per_s, number), r->sgemm_by);
    if (step) fprintf(f, ", roof of a step %s ms", assay_report_number(step->roof_ms, number));
    if (r->repeats) fprintf(f, "; measured %d times", (int)r->repeats + 1);
    if (!r->fit) fprintf(f, "; DRIFT %.1f %%: no verdict from this run", 100 * r->drift);
    for (int32_t k = 0; k < g->row_count; k++) {
        const assay_record *any = g->rows[k].any;
        if (any->threads != r->threads) fprintf(f, "; %s with %d", any->implementation, (int)any->threads);
        if (strcmp(any->commit, r->commit)) fprintf(f, "; %s at commit %s", any->implementation, any->commit);
        if (any->turns) fprintf(f, "; %s planned anew for each block, for want of memory", any->implementation);
        step = g->rows[k].phase[ASSAY_PHASE_STEP];
        if (step && assay_record_is_disturbed(step))
            fprintf(f, "; DISTURBED: threads of %s waited for a processor in %d of %d steps", step->implementation,
                    (int)step->disturbed, (int)step->n);
    }
}

static void lead(FILE *f, const assay_records *list)
{
    const char *missing = assay_report_missing_peers(list);
    if (missing[0]) fprintf(f, "Required peers without a row: %s.\n", missing);
    if (list->count == 0) {
        fprintf(f, "Nothing was timed.\n");
        return;
    }
    const assay_record *newest = assay_report_newest(list);
    const assay_machine *m = &newest->machine;
    fprintf(f, "%s, %d cores, %s; %s; suite %s, commit %s.\n", m->cpu, (int)m->cores, m->isa, m->os,
            newest->suite_version, newest->commit[0] ? newest->commit : "unknown");
}

/* What only some workloads have stands below their rows. */
static void forward_loss(FILE *f, const assay_report_row *row, const char *before)
{
    const assay_record *r = row->phase[ASSAY_PHASE_FORWARD_LOSS];
    char b[24], share[24];
    if (r)
        fprintf(f, "%s%s %s, forward and losses without logits: %s ms, %s of the roof, n %d\n", before,
                row->any->implementation, row->any->arithmetic, ms(r, b), percent(r, share), (int)r->n);
}

/* ---- terminal ---- */

static void table_row(FILE *f, const assay_report_row *row, int first)
{
    const assay_record *step = row->phase[ASSAY_PHASE_STEP];
    char name[160], called[128], b[COLUMNS][24], s[24], share[24], product[24], ratio[64], peak[24], margin[24];
    snprintf(name, sizeof name, "%s %s", assay_report_row_name(row, called), row->any->arithmetic);
    fprintf(f, "  %-18.18s", name);
    for (int k = 0; k < COLUMNS; k++)
        fprintf(f, " %8s", ms(row->phase[columns[k]], b[k]));
    fprintf(f, " %8s %5s %5s %13s %4d %7s %6s\n", ms(step, s), percent(step, share), of_sgemm(step, product),
            times(row, first, ratio), step ? (int)step->n : (int)row->any->n,
            assay_report_number(row->any->peak_mib, peak), assay_report_number(row->any->margin, margin));
}

void assay_report_table(FILE *f, const assay_report_parts *p)
{
    const assay_records *list = p->list;
    const assay_report_groups *g = &p->groups;
    if (assay_report_is_of_times(p)) lead(f, list);
    for (int32_t k = 0; k < g->count; k++) {
        const assay_report_group *group = &g->at[k];
        fprintf(f, "\n%s: %s\n  ", group->title,
                group->workload ? group->workload->what : "not in this program's table");
        facts(f, group);
        fprintf(f, "\n  %-18s", "median ms of");
        for (int c = 0; c < COLUMNS; c++)
            fprintf(f, " %8s", assay_phase_name(columns[c]));
        fprintf(f, " %8s %5s %5s %13s %4s %7s %6s\n", "step", "roof", "sgemm", "x fastest", "n", "MiB", "margin");
        for (int32_t r = 0; r < group->row_count; r++)
            table_row(f, &group->rows[r], r == 0);
        for (int32_t r = 0; r < group->row_count; r++)
            forward_loss(f, &group->rows[r], "  ");
    }
    assay_report_history_table(f, p);
    assay_report_scaling_table(f, &p->scalings);
    for (int k = 0; p->beside && k < p->beside->verdicts_count; k++)
        assay_verdicts_table(f, &p->beside->verdicts[k]);
    for (int k = 0; p->beside && k < p->beside->kills_count; k++)
        assay_kills_table(f, &p->beside->kills[k]);
    for (int k = 0; p->beside && k < p->beside->truths_count; k++)
        assay_truths_table(f, &p->beside->truths[k]);
    if (list->left_count) fprintf(f, "\nWithout a number:\n");
    for (int32_t k = 0; k < list->left_count; k++) {
        const assay_left_out *l = &list->left[k];
        fprintf(f, "  %s %s %s: %s\n", l->workload, l->implementation, l->phase, l->why);
    }
}

/* ---- Markdown ---- */

static void markdown_row(FILE *f, const assay_report_row *row, int first)
{
    const assay_record *step = row->phase[ASSAY_PHASE_STEP];
    char called[128], b[24], share[24], product[24], ratio[64], low[24], high[24];
    fprintf(f, "| %s %s |", assay_report_row_name(row, called), row->any->arithmetic);
    for (int k = 0; k < COLUMNS; k++)
        fprintf(f, " %s |", ms(row->phase[columns[k]], b));
    fprintf(f, " **%s** |", ms(step, b));
    if (step)
        fprintf(f, " %s..%s |", assay_report_number(step->low_ms, low), assay_report_number(step->high_ms, high));
    else
        fprintf(f, " - |");
    fprintf(f, " %s | %s | %s | %d | %s |", percent(step, share), of_sgemm(step, product), times(row, first, ratio),
            step ? (int)step->n : (int)row->any->n, assay_report_number(row->any->peak_mib, b));
    fprintf(f, " %s |\n", assay_report_number(row->any->margin, b));
}

static void markdown_published(FILE *f, const char *id)
{
    int any = 0;
    for (int k = 0; k < assay_published_count(); k++) {
        const assay_published *p = assay_published_get(k);
        char number[24];
        if (strcmp(p->workload, id)) continue;
        if (!any++)
            fprintf(f,
                    "\n<details><summary>published, other hardware</summary>\n\n"
                    "| implementation | phase | ms | hardware | source | remark | defects | its function | rows here | "
                    "frameworks of today |\n|---|---|---:|---|---|---|---|---|---|---|\n");
        fprintf(f, "| %s | %s | %s | %s | %s | %s |", p->implementation, p->phase, assay_report_number(p->ms, number),
                p->hardware, p->source, p->note ? p->note : "");
        const assay_seed *s = assay_seed_find(id, p->implementation);
        fprintf(f, " %s | %s | %s | %s |\n", s ? s->defects : "", s ? s->function : "", s ? s->ours : "",
                s ? s->today : "");
    }
    if (!any) return;
    fprintf(f, "\n");
    for (int k = 0; assay_defect_of(id, k); k++)
        fprintf(f, "%d. %s\n", assay_defect_of(id, k)->number, assay_defect_of(id, k)->text);
    fprintf(f, "\n</details>\n");
}

static void markdown_lead(FILE *f, const assay_records *list)
{
    fprintf(f, "# Recurrent networks: measured times\n\n");
    lead(f, list);
    fprintf(f,
            "\nMedian milliseconds of one call. *roof*: share of what the machine's multiply-add peak allows for the "
            "declared work. *sgemm*: the same against a large product by the best BLAS library here. *MiB*: the "
            "most memory that the worker had above what it had before the plan. *x fastest*: 95 %% interval of the "
            "paired ratio. *margin*: worst error of the timed calls' "
            "results over their limit.\n");
}

void assay_report_markdown(FILE *f, const assay_report_parts *p)
{
    const assay_records *list = p->list;
    const assay_report_groups *g = &p->groups;
    if (assay_report_is_of_times(p))
        markdown_lead(f, list);
    else
        fprintf(f, "# Recurrent networks: what was checked\n");
    for (int32_t k = 0; k < g->count; k++) {
        const assay_report_group *group = &g->at[k];
        fprintf(f, "\n## %s\n\n%s; ", group->title,
                group->workload ? group->workload->what : "not in this program's table");
        facts(f, group);
        fprintf(f, ".\n\n| implementation |");
        for (int c = 0; c < COLUMNS; c++)
            fprintf(f, " %s |", assay_phase_name(columns[c]));
        fprintf(f, " step | 95 %% | roof | sgemm | x fastest | n | MiB | margin |\n|---|");
        for (int c = 0; c < COLUMNS + 8; c++)
            fprintf(f, "---:|");
        fprintf(f, "\n");
        for (int32_t r = 0; r < group->row_count; r++)
            markdown_row(f, &group->rows[r], r == 0);
        for (int32_t r = 0; r < group->row_count; r++)
            forward_loss(f, &group->rows[r], r == 0 ? "\n- " : "- ");
        markdown_published(f, group->id);
    }
    assay_report_history_markdown(f, p);
    assay_report_scaling_markdown(f, &p->scalings);
    for (int k = 0; p->beside && k < p->beside->verdicts_count; k++)
        assay_verdicts_markdown(f, &p->beside->verdicts[k]);
    for (int k = 0; p->beside && k < p->beside->kills_count; k++)
        assay_kills_markdown(f, &p->beside->kills[k]);
    for (int k = 0; p->beside && k < p->beside->truths_count; k++)
        assay_truths_markdown(f, &p->beside->truths[k]);
    if (list->left_count)
        fprintf(f, "\n## Without a number\n\n| workload | implementation | phase | why |\n|---|---|---|---|\n");
    for (int32_t k = 0; k < list->left_count; k++) {
        const assay_left_out *l = &list->left[k];
        fprintf(f, "| %s | %s | %s | ", l->workload, l->implementation, l->phase);
        assay_escape_cell(f, l->why);
        fprintf(f, " |\n");
    }
}
