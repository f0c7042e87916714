/* mutants.c: `assay mutants`: the suite's own kill rate; and honest variants, which must pass.
 * SPDX-License-Identifier: MIT */
#include "conformance/hash.h"
#include "conformance/mutation.h"
#include "conformance/names.h"
#include "perf/cli/command.h"
#include "perf/cli/documented.h"
#include "perf/cli/options.h"
#include "perf/cli/output.h"
#include "perf/cli/paths.h"
#include "perf/cli/plugins.h"
#include "perf/cli/print.h"
#include "perf/kills.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct request {
    const char *glob, *check, *json;
    int honest, all; /* all: of every row every check, on every case */
    assay_suite_options suite;
    assay_plugins plugins;
    assay_kills found;
} request;

static int stop(void *user)
{
    (void)user;
    return assay_interrupted();
}

static const char *path_of(const request *q, const char *name)
{
    char buffer[64];
    for (int k = 0; k < q->plugins.count; k++)
        if (!strcmp(assay_plugin_name(q->plugins.path[k], buffer, sizeof buffer), name)) return q->plugins.path[k];
    return NULL;
}

static int is_check(const char *name)
{
    for (int i = 0; i < assay_check_count(); i++)
        if (!strcmp(assay_check_get(i)->name, name)) return 1;
    return 0;
}

static int is_wanted(const request *q, const assay_mutant *m)
{
    if ((m->death == ASSAY_DEATH_NONE) != q->honest) return 0;
    if (q->glob && fnmatch(q->glob, m->name, 0) && fnmatch(q->glob, m->id, 0)) return 0;
    return !q->check || assay_names_hold(m->checks, ' ', q->check);
}

static void show(const request *q, const assay_mutation_result *r)
{
    char margin[16];
    const assay_mutant *m = r->mutant;
    const char *word = m->death == ASSAY_DEATH_NONE ? (r->held ? "passes" : "FAILS") : r->held ? "killed" : "SURVIVES";
    assay_print_colour(r->held ? ASSAY_GREEN : ASSAY_RED, 9, word);
    printf("%-4s %-24s margin %-8s %s\n", m->id, m->name, assay_print_number(r->weakest, margin, sizeof margin),
           m->what);
    for (int k = 0; k < r->by_count; k++) {
        if (r->by[k].kills == 0 || (q->check && strcmp(r->by[k].check, q->check))) continue;
        printf("         by %-12s margin %-8s %s: %s\n", r->by[k].check,
               assay_print_number(r->by[k].margin, margin, sizeof margin), r->by[k].case_id, r->by[k].what);
    }
    if (!r->held) printf("         %s\n", r->why);
    if (assay_mutant_cause(m->name)) printf("         %s: %s\n", r->named ? "named" : "MISNAMED", r->cause);
    fflush(stdout);
}

static int one(request *q, const assay_mutant *m)
{
    assay_mutation_result r;
    assay_case extra[ASSAY_DOCUMENTED_MOST];
    char why[256] = "", seed[24];
    const char *path = path_of(q, m->name);
    if (!path) {
        assay_print_error("mutants: %s: its plugin is not in ../lib/assay/mutants beside this program", m->name);
        return ASSAY_EXIT_UNABLE;
    }
    q->suite.extra = extra;
    q->suite.extra_count = m->glob ? assay_documented_cases(q->suite.level, 0, m->glob, extra) : 0;
    if (!q->found.count) printf("seed %s\n", assay_print_seed(q->suite.seed, seed, sizeof seed));
    fflush(stdout);
    assay_status st = assay_mutation_run(m, path, &q->suite, q->all, &r, why, sizeof why);
    if (assay_interrupted()) return ASSAY_EXIT_UNABLE;
    if (st != ASSAY_OK) {
        assay_print_error("mutants: %s: %s", m->name, why);
        return ASSAY_EXIT_UNABLE;
    }
    show(q, &r);
    if (!assay_kills_add(&q->found, &r)) {
        assay_print_error("mutants: no memory");
        return ASSAY_EXIT_UNABLE;
    }
    return ASSAY_EXIT_HELD;
}

/* Of the checks that were asked for: a selection of mutants asks for those that kill them. */
static void print_checks(const request *q)
{
    for (int i = 0; i < assay_check_count(); i++) {
        const char *name = assay_check_get(i)->name;
        int alone;
        const int killed = assay_kills_by(&q->found, name, &alone);
        if (q->check ? strcmp(name, q->check) != 0 : q->glob && killed == 0) continue;
        printf("%-12s killed %3d", name, killed);
        if (q->all) printf(", %3d of them alone", alone);
        printf("%s\n", killed == 0 && !q->glob && !q->check ? "   KILLS NOTHING" : "");
    }
}

static void print_sums(const assay_kills *k, int held)
{
    char margin[16];
    const assay_kill *weakest = assay_kills_weakest(k);
    int named;
    const int asked = assay_kills_causes(k, &named);
    if (k->honest)
        printf("%d honest variants, %d pass with margin < %.1f\n", (int)k->count, held, ASSAY_HONEST_MARGIN);
    else if (weakest)
        printf("%d mutants, %d killed (%.1f %%), weakest margin %s at %s\n", (int)k->count, held,
               100.0 * held / k->count, assay_print_number(weakest->margin, margin, sizeof margin), weakest->name);
    else
        printf("%d mutants, none killed\n", (int)k->count);
    if (asked) printf("%d of %d causes named by the diagnosis\n", named, asked);
}

static int write_found(const request *q)
{
    json_t *head = assay_output_head("mutants");
    if (head && assay_kills_put(&q->found, head)) {
        json_decref(head);
        head = NULL;
    }
    return assay_output_json(q->json, head);
}

static int finish(request *q, int status)
{
    int named;
    const int held = assay_kills_held(&q->found);
    q->found.complete = status == ASSAY_EXIT_HELD;
    if (!q->honest) print_checks(q);
    print_sums(&q->found, held);
    if (assay_interrupted()) assay_interrupt_tell("mutants");
    if (held < q->found.count || assay_kills_causes(&q->found, &named) > named) status = ASSAY_EXIT_BROKEN;
    if (q->json) {
        const int written = write_found(q);
        if (written != ASSAY_EXIT_HELD && status != ASSAY_EXIT_BROKEN) status = written;
    }
    return status;
}

int assay_command_mutants(int argc, char **argv)
{
    static const assay_usage usage = {
        "mutants", NULL,
        "Runs deliberately wrong implementations through the ordinary checks: every one "
        "must be killed by each check that\n"
        "its row names, with a margin above 2. --honest: harmless variants instead, which "
        "must pass. docs/mutants.md.",
        "assay mutants --mutant 'C*'"};
    const int processors = (int)sysconf(_SC_NPROCESSORS_ONLN);
    char floors[PATH_MAX];
    request q = {.suite = {.threads = processors > 1 ? processors : 2, /* some faults lie between threads */
                           .seed = assay_seed_fresh(),
                           .level = ASSAY_LEVEL_QUICK,
                           .floors = assay_path_own("share", "floors", floors, sizeof floors),
                           .stop = stop}};
    const assay_option options[] = {
        {"mutant", "GLOB", "these only, by name or id", ASSAY_TAKES_TEXT, &q.glob},
        {"check", "NAME", "those that this check must kill", ASSAY_TAKES_TEXT, &q.check},
        {"honest", NULL, "the honest variants: all must pass", ASSAY_TAKES_NOTHING, &q.honest},
        {"all", NULL, "every check on every case, also beyond those that the row names", ASSAY_TAKES_NOTHING, &q.all},
        {"seed", "SEED", "of all data; default: fresh", ASSAY_TAKES_SEED, &q.suite.seed},
        {"cache", "DIR", "keep truths and floors there; made if its parent is there", ASSAY_TAKES_PRIVATE,
         &q.suite.cache},
        {"json", "FILE", "write every kill", ASSAY_TAKES_OUTPUT, &q.json},
        {0}};
    int status = assay_options_read(&usage, options, argc, argv, NULL);
    if (status >= 0) return status;
    if (q.check && !is_check(q.check)) {
        assay_print_error("mutants: check '%s' is unknown: 'assay list checks' names them", q.check);
        return ASSAY_EXIT_USAGE;
    }
    if (assay_plugins_scan("mutants", &q.plugins)) return ASSAY_EXIT_UNABLE;
    assay_interrupt_watch();
    q.found.honest = q.honest;
    q.found.all = q.all || q.honest;
    q.found.seed = q.suite.seed;
    status = ASSAY_EXIT_HELD;
    for (int k = 0; k < assay_mutant_count() && status == ASSAY_EXIT_HELD; k++)
        if (is_wanted(&q, assay_mutant_get(k))) status = one(&q, assay_mutant_get(k));
    if (status == ASSAY_EXIT_HELD && q.found.count == 0) {
        assay_print_error("mutants: none matches; `assay list mutants` names them");
        status = ASSAY_EXIT_USAGE;
    } else {
        status = finish(&q, status);
    }
    assay_kills_free(&q.found);
    assay_plugins_free(&q.plugins);
    return status;
}
