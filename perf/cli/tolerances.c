/* tolerances.c: what honest implementations showed, as Markdown: the worst margin of each under each check, and of
 * every documented shape its largest floor and how clearly a cut backward shows. docs/tolerances.md
 * SPDX-License-Identifier: MIT */
#include "perf/cli/command.h"
#include "perf/cli/output.h"
#include "perf/cli/print.h"
#include "perf/cli/results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *item, const char *key)
{
    const char *text = json_string_value(json_object_get(item, key));
    return text ? text : "";
}

static double number_of(const json_t *item, const char *key)
{
    const json_t *x = json_object_get(item, key);
    return json_is_number(x) ? json_number_value(x) : NAN;
}

static int is_documented(const json_t *result)
{
    return !strcmp(text_of(result, "check"), "documented");
}

/* A finding of the documented check is one tensor's error, or the margin by which a cut backward shows in one. */
static int is_power(const json_t *finding)
{
    return !strcmp(text_of(finding, "rule"), ASSAY_RULE_POWER);
}

typedef struct shape {
    double floor, margin, cut;
    const char *floor_of, *margin_of, *cut_of;
} shape;

static shape shape_of(const json_t *result)
{
    shape s = {0, 0, INFINITY, "", "", ""};
    size_t k;
    json_t *f;
    json_array_foreach(json_object_get(result, "findings"), k, f)
    {
        const double floor = number_of(f, "floor"), margin = number_of(f, "margin");
        if (is_power(f)) {
            if (margin < s.cut) s.cut = margin, s.cut_of = text_of(f, "what");
            continue;
        }
        if (floor > s.floor) s.floor = floor, s.floor_of = text_of(f, "what");
        if (margin > s.margin) s.margin = margin, s.margin_of = text_of(f, "what");
    }
    return s;
}

static void put_shapes(FILE *f, const json_t *all)
{
    size_t k;
    json_t *x;
    fputs("## Documented shapes\n\nThe largest floor of a judged tensor, as its tightest rule has it; the tensor that "
          "came "
          "closest to its limits; and the\nweakest margin of a backward that stops after 30 % of the steps, which must "
          "exceed 2.\n\n"
          "| workload | implementation | largest floor | of | worst margin | of | cut backward | at |\n"
          "|---|---|---|---|---|---|---|---|\n",
          f);
    json_array_foreach(all, k, x)
    {
        if (!is_documented(x)) continue;
        if (!json_array_size(json_object_get(x, "findings"))) {
            fprintf(f, "| %s | %s | %s: %s | | | | | |\n", text_of(x, "case"), text_of(x, "impl"),
                    text_of(x, "verdict"), text_of(x, "why"));
            continue;
        }
        const shape s = shape_of(x);
        fprintf(f, "| %s | %s | %.2e | %s | %.3f | %s | %.3g | %s |\n", text_of(x, "case"), text_of(x, "impl"), s.floor,
                s.floor_of, s.margin, s.margin_of, s.cut, s.cut_of);
    }
}

static void put_margins(FILE *f, const assay_results *r)
{
    fputs("## Honest implementations\n\nThe worst margin (error by limit; above 1 fails) of all passing results.\n\n"
          "| implementation | check | PASS | other | worst margin | at |\n|---|---|---|---|---|---|\n",
          f);
    for (int k = 0; k < r->tally_count; k++) {
        const assay_result_tally *t = &r->tallies[k];
        int other = 0;
        for (int v = 0; v < ASSAY_VERDICT_COUNT; v++)
            other += v == ASSAY_VERDICT_PASS ? 0 : t->counts[v];
        if (!t->counts[ASSAY_VERDICT_PASS]) continue;
        fprintf(f, "| %s | %s | %d | %d | %.3f | %s |\n", t->impl, t->check, t->counts[ASSAY_VERDICT_PASS], other,
                t->margin, t->margin_at);
    }
}

int assay_results_write_markdown(const assay_results *r, const char *command, const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = command ? open_memstream(&text, &size) : NULL;
    int bad = !f;
    if (f) {
        fprintf(f,
                "# Observed margins\n\nWritten by `%s`, not by hand. docs/tolerance.md says how limits are made.\n\n",
                command);
        put_shapes(f, r->all);
        fputc('\n', f);
        put_margins(f, r);
        bad = ferror(f) | fclose(f);
    }
    if (bad) assay_print_error("%s: no memory for its text", path);
    const int status = bad ? ASSAY_EXIT_UNABLE : assay_output_write(path, text, size);
    free(text);
    return status;
}
