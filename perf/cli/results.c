/* results.c: collecting and showing verdicts.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/results.h"
#include "conformance/compare.h"
#include "perf/cli/output.h"
#include "perf/cli/print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FINDINGS_SHOWN 4

void assay_results_start(assay_results *r, double margin_limit, int keep)
{
    memset(r, 0, sizeof *r);
    r->margin_limit = margin_limit;
    r->all = keep ? json_array() : NULL;
    r->no_memory = keep && !r->all;
}

void assay_results_free(assay_results *r)
{
    free(r->tallies);
    free(r->reasons);
    json_decref(r->all);
    memset(r, 0, sizeof *r);
}

/* Rows of one implementation stand together. */
static assay_result_tally *tally_of(assay_results *r, const char *impl, const char *check)
{
    int at = r->tally_count;
    for (int k = 0; k < r->tally_count; k++) {
        if (strcmp(r->tallies[k].impl, impl)) continue;
        if (!strcmp(r->tallies[k].check, check)) return &r->tallies[k];
        at = k + 1;
    }
    assay_result_tally *more = realloc(r->tallies, (size_t)(r->tally_count + 1) * sizeof *more);
    if (!more) return NULL;
    r->tallies = more;
    assay_result_tally *t = &more[at];
    memmove(t + 1, t, (size_t)(r->tally_count++ - at) * sizeof *t);
    memset(t, 0, sizeof *t);
    snprintf(t->impl, sizeof t->impl, "%s", impl);
    snprintf(t->check, sizeof t->check, "%s", check);
    return t;
}

static json_t *finding_json(const assay_finding *f)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:s, s:b}", "what", f->what, "verdict",
                     assay_verdict_name(f->verdict), "rule", f->rule, "error", assay_output_real(f->error), "floor",
                     assay_output_real(f->floor), "limit", assay_output_real(f->limit), "margin",
                     assay_output_real(f->margin), "where", (json_int_t)f->where, "place", f->place, "loose", f->loose);
}

static json_t *result_json(const assay_result *x)
{
    char seed[24], impl[48], plugin[512], why[256], reproducer[512];
    json_t *findings = json_array();
    for (int k = 0; findings && k < x->finding_count; k++) {
        if (json_array_append_new(findings, finding_json(&x->findings[k]))) {
            json_decref(findings);
            findings = NULL;
        }
    }
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:f, s:s, s:s, s:s, s:s*, s:o}", "impl",
        assay_print_clean(x->impl, impl, sizeof impl), "plugin", assay_print_clean(x->plugin, plugin, sizeof plugin),
        "case", x->case_id, "check", x->check, "arithmetic", assay_format_name(x->arithmetic), "seed",
        assay_print_seed(x->seed, seed, sizeof seed), "verdict", assay_verdict_name(x->verdict), "margin",
        assay_output_real(x->margin), "seconds", x->seconds, "why", assay_print_clean(x->why, why, sizeof why), "cause",
        x->cause, "reproducer", assay_print_clean(x->reproducer, reproducer, sizeof reproducer), "notes",
        x->notes && x->notes[0] ? x->notes : NULL, "findings", findings);
}

static const assay_finding *worst_finding(const assay_result *x)
{
    const assay_finding *worst = NULL;
    for (int k = 0; k < x->finding_count; k++) {
        if (!strcmp(x->findings[k].rule, ASSAY_RULE_POWER)) continue; /* large is good there */
        if (!worst || !(x->findings[k].margin <= worst->margin)) worst = &x->findings[k];
    }
    return worst;
}

void assay_results_add(assay_results *r, const assay_result *x)
{
    char impl[48];
    assay_result_tally *t = tally_of(r, assay_print_clean(x->impl, impl, sizeof impl), x->check);
    if (!t || (r->all && json_array_append_new(r->all, result_json(x)))) r->no_memory = 1;
    if (x->verdict == ASSAY_VERDICT_UNSUPPORTED && !assay_results_add_reason(r, impl, x)) r->no_memory = 1;
    if (!t) return;
    if (x->verdict == ASSAY_VERDICT_SKIPPED && !t->counts[x->verdict])
        assay_print_clean(x->why, t->skipped, sizeof t->skipped);
    t->counts[x->verdict]++;
    const assay_finding *worst = worst_finding(x);
    if (x->verdict != ASSAY_VERDICT_PASS || !worst) return;
    if (r->margin_limit > 0 && !(worst->margin <= r->margin_limit)) r->over_limit++;
    if (!(worst->margin <= t->margin) || !t->margin_at[0]) {
        t->margin = worst->margin;
        snprintf(t->margin_at, sizeof t->margin_at, "%s %s (%s)%s", x->case_id, worst->what, worst->rule,
                 worst->loose ? " loose" : "");
    }
}

static assay_colour colour_of(assay_verdict v)
{
    if (v == ASSAY_VERDICT_PASS) return ASSAY_GREEN;
    return assay_verdict_is_failure(v) || v == ASSAY_VERDICT_BROKEN ? ASSAY_RED : ASSAY_YELLOW;
}

void assay_results_print_failure(const assay_result *x)
{
    char impl[48], why[256], reproducer[512];
    assay_print_colour(colour_of(x->verdict), 0, assay_verdict_name(x->verdict));
    printf("  %s  %s  %s  %s\n", assay_print_clean(x->impl, impl, sizeof impl), x->case_id, x->check,
           assay_format_name(x->arithmetic));
    if (x->why[0]) printf("  %s\n", assay_print_clean(x->why, why, sizeof why));
    int shown = 0, bad = 0;
    for (int k = 0; k < x->finding_count; k++) {
        const assay_finding *f = &x->findings[k];
        if (f->verdict == ASSAY_VERDICT_PASS || bad++ >= FINDINGS_SHOWN) continue;
        char error[16], limit[16], margin[16];
        printf("    %-20s %-8s error %-8s limit %-8s margin %-8s", f->what, f->rule,
               assay_print_number(f->error, error, sizeof error), assay_print_number(f->limit, limit, sizeof limit),
               assay_print_number(f->margin, margin, sizeof margin));
        if (f->place[0])
            printf(" at %s", f->place);
        else if (f->where >= 0)
            printf(" %s %lld", assay_finding_counts(f) ? "seen" : "at", (long long)f->where);
        if (f->loose) printf(" loose");
        putchar('\n');
        shown++;
    }
    if (bad > shown) printf("    and %d more\n", bad - shown);
    if (x->cause[0]) printf("  cause: %s\n", x->cause);
    printf("  %s\n", assay_print_clean(x->reproducer, reproducer, sizeof reproducer));
    fflush(stdout);
}

static int count_others(const assay_result_tally *t)
{
    int others = 0;
    for (int v = 0; v < ASSAY_VERDICT_COUNT; v++) {
        if (v != ASSAY_VERDICT_PASS && v != ASSAY_VERDICT_UNSUPPORTED && v != ASSAY_VERDICT_SKIPPED) {
            others += t->counts[v];
        }
    }
    return others;
}

int assay_results_count(const assay_results *r, assay_verdicts *out)
{
    for (int k = 0; k < r->tally_count; k++) {
        const assay_result_tally *t = &r->tallies[k];
        assay_verdicts_row row = {.pass = t->counts[ASSAY_VERDICT_PASS],
                                  .bad = count_others(t),
                                  .unsupported = t->counts[ASSAY_VERDICT_UNSUPPORTED],
                                  .skipped = t->counts[ASSAY_VERDICT_SKIPPED],
                                  .margin = t->margin_at[0] ? t->margin : NAN};
        snprintf(row.impl, sizeof row.impl, "%s", t->impl);
        snprintf(row.check, sizeof row.check, "%s", t->check);
        snprintf(row.margin_at, sizeof row.margin_at, "%s", t->margin_at);
        snprintf(row.why, sizeof row.why, "%s", t->skipped);
        if (!assay_verdicts_add(out, &row)) return 0;
    }
    return 1;
}

/* Is nothing known of an implementation but why it could not be started? Then its line says it, and rows of zeros would
 * not. */
static int is_skipped(const assay_results *r, const char *impl, int *count)
{
    int all = 0;
    *count = 0;
    for (int k = 0; k < r->tally_count; k++)
        for (int v = 0; v < ASSAY_VERDICT_COUNT && !strcmp(r->tallies[k].impl, impl); v++) {
            all += r->tallies[k].counts[v];
            if (v == ASSAY_VERDICT_SKIPPED) *count += r->tallies[k].counts[v];
        }
    return all == *count;
}

void assay_results_print_table(const assay_results *r)
{
    int skipped;
    printf("%-14s %-14s %5s %5s %12s %8s  %-7s %s\n", "implementation", "check", "pass", "bad", "unsupported",
           "skipped", "margin", "worst passing margin at");
    for (int k = 0; k < r->tally_count; k++) {
        const assay_result_tally *t = &r->tallies[k];
        char margin[16] = "-", bad[16];
        if (is_skipped(r, t->impl, &skipped)) continue;
        if (t->margin_at[0]) assay_print_number(t->margin, margin, sizeof margin);
        snprintf(bad, sizeof bad, "%5d", count_others(t));
        printf("%-14s %-14s %5d ", t->impl, t->check, t->counts[ASSAY_VERDICT_PASS]);
        assay_print_colour(count_others(t) ? ASSAY_RED : ASSAY_PLAIN, 0, bad);
        printf(" %12d %8d  %-7s %s\n", t->counts[ASSAY_VERDICT_UNSUPPORTED], t->counts[ASSAY_VERDICT_SKIPPED], margin,
               t->margin_at);
    }
    assay_results_print_refusals(stdout, r);
    for (int k = 0; k < r->tally_count; k++) { /* rows of one implementation stand together */
        const assay_result_tally *t = &r->tallies[k];
        if (t->skipped[0] && (k == 0 || strcmp(t[-1].impl, t->impl) != 0)) {
            is_skipped(r, t->impl, &skipped);
            printf("%s: SKIPPED %d: %s\n", t->impl, skipped, t->skipped);
        }
    }
}
