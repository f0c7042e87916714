/* list.c: `assay list`: what there is to check, to time and to check with.
 * SPDX-License-Identifier: MIT */
#include "conformance/mixes.h"
#include "conformance/pairs.h"
#include "conformance/session.h"
#include "conformance/suite.h"
#include "perf/cli/command.h"
#include "perf/cli/options.h"
#include "perf/cli/plugins.h"
#include "perf/cli/print.h"
#include "conformance/mutation.h"
#include "perf/seeds.h"
#include "perf/workload.h"
#include "reference/dialect.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int list_impls(void)
{
    assay_plugins found;
    int status = assay_plugins_scan("impl", &found);
    for (int k = 0; k < found.count; k++) {
        char name[64], clean[256];
        assay_session *session = NULL;
        assay_session_options options = {.threads = 1, .time_limit = 20};
        assay_reply reply = assay_session_start(found.path[k], &options, &session);
        const char *what = session ? assay_session_about(session)->version : reply.what;
        printf("%-12s %s\n", assay_plugin_name(found.path[k], name, sizeof name),
               assay_print_clean(what, clean, sizeof clean));
        assay_session_end(session);
    }
    assay_plugins_free(&found);
    return status;
}

/* Pairs of levels of the factors that conformance/pairs.h names. */
static int list_coverage(void)
{
    assay_pairs *p = malloc(sizeof *p);
    int covered, possible;
    if (!p) return ASSAY_EXIT_UNABLE;
    assay_pairs_of_cases(p);
    printf("\n%d cases; of %d pairs of sizes and kinds that a case can hold %d are covered, %.1f %%; %d more fit no "
           "case\n",
           assay_case_count(), p->possible, p->covered, 100.0 * p->covered / p->possible, p->impossible);
    free(p);
    assay_mixes_of_cases(&covered, &possible);
    printf("of %d pairs of options of dialect and problem %d are covered, %.1f %%\n", possible, covered,
           100.0 * covered / possible);
    return ASSAY_EXIT_HELD;
}

static int list_cases(void)
{
    for (int k = 0; k < assay_case_count(); k++) {
        assay_case c;
        assay_case_get(k, &c);
        const char *set = c.flags & ASSAY_CASE_QUICK ? "quick" : c.flags & ASSAY_CASE_FULL ? "full" : "";
        printf("%-52s %-6s %s\n", c.id, set, c.why);
    }
    return list_coverage();
}

static int list_checks(void)
{
    for (int k = 0; k < assay_check_count(); k++) {
        const assay_check *c = assay_check_get(k);
        printf("%-14s %s\n", c->name, c->text);
    }
    return ASSAY_EXIT_HELD;
}

static int list_dialects(void)
{
    for (int k = 0; k < assay_dialect_count(); k++) {
        const assay_dialect_row *d = assay_dialect_get(k);
        printf("%-22s %s\n", d->name, d->text);
    }
    printf("\nfields, each an explicit number:\n");
    for (int k = 0; k < assay_dialect_field_count(); k++) {
        const assay_dialect_field *f = assay_dialect_field_get(k);
        printf("%-22s %s\n", f->name, f->text);
    }
    return ASSAY_EXIT_HELD;
}

static int list_workloads(void)
{
    for (int k = 0; k < assay_workload_count(); k++) {
        const assay_workload *w = assay_workload_get(k);
        double gflop = 1e-9 * (assay_workload_flop_forward(w) + assay_workload_flop_backward(w));
        printf("%-24s %8.2f GFLOP a step %10" PRId64 " parameters  %s\n", w->id, gflop,
               assay_problem_parameters(&w->problem), w->what);
    }
    return ASSAY_EXIT_HELD;
}

static int list_seeds(void)
{
    for (int k = 0; k < assay_seed_count(); k++) {
        const assay_seed *s = assay_seed_get(k);
        printf("%s  %-34s %s\n   ours: %s\n   today: %s\n   defects: %s\n", s->group, s->system, s->function, s->ours,
               s->today, s->defects);
    }
    for (int k = 0; k < assay_defect_count(); k++) {
        const assay_defect *d = assay_defect_get(k);
        printf("%s%d  %s\n", d->group, d->number, d->text);
    }
    return ASSAY_EXIT_HELD;
}

static int list_verdicts(void)
{
    for (assay_verdict v = ASSAY_VERDICT_PASS; v < ASSAY_VERDICT_COUNT; v++)
        printf("%-12s %s\n", assay_verdict_name(v), assay_verdict_text(v));
    return ASSAY_EXIT_HELD;
}

static int list_mutants(void)
{
    for (int k = 0; k < assay_mutant_count(); k++) {
        const assay_mutant *m = assay_mutant_get(k);
        printf("%-4s %-30s %-20s %s (%s)\n", m->id, m->name, m->death == ASSAY_DEATH_NONE ? "(honest)" : m->checks,
               m->what, m->seen);
    }
    return ASSAY_EXIT_HELD;
}

static const struct {
    const char *name;
    int (*run)(void);
} lists[] = {
    {"impls", list_impls},         {"cases", list_cases},     {"checks", list_checks},     {"dialects", list_dialects},
    {"workloads", list_workloads}, {"mutants", list_mutants}, {"verdicts", list_verdicts}, {"seeds", list_seeds},
};
#define LISTS ((int)(sizeof lists / sizeof *lists))

int assay_command_list(int argc, char **argv)
{
    static const assay_usage usage = {"list", "impls|cases|checks|dialects|workloads|mutants|verdicts|seeds",
                                      "Lists what there is, one a line.", "assay list cases"};
    const assay_option options[] = {{0}};
    assay_strings what = {{0}, 0};
    int status = assay_options_read(&usage, options, argc, argv, &what);
    if (status >= 0) return status;
    for (int k = 0; what.count == 1 && k < LISTS; k++) {
        if (!strcmp(lists[k].name, what.at[0])) return lists[k].run();
    }
    assay_print_error("list: expected one of %s", usage.positional);
    return ASSAY_EXIT_USAGE;
}
