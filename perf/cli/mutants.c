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

#include <fnmatch.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct request {
    const char *glob, *check, *json;
    int honest, all;
    assay_suite_options suite;
    assay_plugins plugins;
    json_t *rows;
    int run, held, no_memory;
    int asked, named; /* mutants whose cause is asked for; those whose diagnosis named it */
    double weakest;   /* of the mutants that were killed */
    char weakest_at[48];
    int first_kills[ASSAY_MUTATION_CHECKS][2]; /* per check: mutants it killed; those that nothing else killed */
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

static void tally(request *q, const assay_mutation_result *r)
{
    int killers = 0;
    for (int k = 0; k < r->by_count; k++)
        killers += r->by[k].kills > 0;
    for (int i = 0; i < assay_check_count() && i < ASSAY_MUTATION_CHECKS; i++) {
        for (int k = 0; k < r->by_count; k++) {
            if (strcmp(r->by[k].check, assay_check_get(i)->name) != 0 || r->by[k].kills == 0) continue;
            q->first_kills[i][0]++;
            q->first_kills[i][1] += killers == 1;
        }
    }
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

static void keep(request *q, const assay_mutation_result *r)
{
    json_t *by = json_array();
    int bad = 0;
    for (int k = 0; k < r->by_count; k++)
        bad |= json_array_append_new(by, json_pack("{s:s, s:i, s:o, s:s, s:s}", "check", r->by[k].check, "kills",
                                                   r->by[k].kills, "margin", assay_output_real(r->by[k].margin), "case",
                                                   r->by[k].case_id, "what", r->by[k].what));
    bad |= json_array_append_new(q->rows, json_pack("{s:s, s:s, s:s, s:b, s:o, s:s, s:s, s:s, s:o}", "name",
                                                    r->mutant->name, "id", r->mutant->id, "what", r->mutant->what,
                                                    "held", r->held, "margin", assay_output_real(r->weakest), "named",
                                                    r->mutant->checks, "why", r->why, "cause", r->cause, "by", by));
    if (bad) q->no_memory = 1;
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
    if (!q->run) printf("seed %s\n", assay_print_seed(q->suite.seed, seed, sizeof seed));
    fflush(stdout);
    assay_status st = assay_mutation_run(m, path, &q->suite, q->all, &r, why, sizeof why);
    if (assay_interrupted()) return ASSAY_EXIT_UNABLE;
    if (st != ASSAY_OK) {
        assay_print_error("mutants: %s: %s", m->name, why);
        return ASSAY_EXIT_UNABLE;
    }
    show(q, &r);
    keep(q, &r);
    tally(q, &r);
    q->run++;
    q->held += r.held;
    q->asked += assay_mutant_cause(m->name) != NULL;
    q->named += r.named;
    if (r.held && m->death != ASSAY_DEATH_NONE && (r.weakest < q->weakest || !q->weakest_at[0])) {
        q->weakest = r.weakest;
        snprintf(q->weakest_at, sizeof q->weakest_at, "%s", m->name);
    }
    return ASSAY_EXIT_HELD;
}

/* Of the checks that were asked for: a selection of mutants asks for those that kill them. */
static void print_checks(const request *q)
{
    for (int i = 0; i < assay_check_count() && i < ASSAY_MUTATION_CHECKS; i++) {
        if (q->check ? strcmp(assay_check_get(i)->name, q->check) != 0 : q->glob && q->first_kills[i][0] == 0) continue;
        printf("%-12s killed %3d, %3d of them alone%s\n", assay_check_get(i)->name, q->first_kills[i][0],
               q->first_kills[i][1], q->first_kills[i][0] == 0 && !q->glob && !q->check ? "   KILLS NOTHING" : "");
    }
}

static int finish(request *q, int status)
{
    char margin[16];
    int whole = status == ASSAY_EXIT_HELD;
    if (!q->honest) print_checks(q);
    if (q->honest)
        printf("%d honest variants, %d pass with margin < %.1f\n", q->run, q->held, ASSAY_HONEST_MARGIN);
    else if (q->held)
        printf("%d mutants, %d killed (%.1f %%), weakest margin %s at %s\n", q->run, q->held, 100.0 * q->held / q->run,
               assay_print_number(q->weakest, margin, sizeof margin), q->weakest_at);
    else
        printf("%d mutants, none killed\n", q->run);
    if (q->asked) printf("%d of %d causes named by the diagnosis\n", q->named, q->asked);
    if (assay_interrupted()) assay_interrupt_tell("mutants");
    if (q->held < q->run || q->named < q->asked) status = ASSAY_EXIT_BROKEN;
    if (q->json) {
        json_t *head = q->no_memory ? NULL : assay_output_head("mutants");
        if (head &&
            (json_object_set_new(head, "complete", json_boolean(whole)) || json_object_set(head, "mutants", q->rows))) {
            json_decref(head);
            head = NULL;
        }
        int written = assay_output_json(q->json, head);
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
                           .stop = stop},
                 .weakest = INFINITY};
    const assay_option options[] = {
        {"mutant", "GLOB", "these only, by name or id", ASSAY_TAKES_TEXT, &q.glob},
        {"check", "NAME", "those that this check must kill", ASSAY_TAKES_TEXT, &q.check},
        {"honest", NULL, "the honest variants: all must pass", ASSAY_TAKES_NOTHING, &q.honest},
        {"all", NULL, "run every case, also after the named checks have killed", ASSAY_TAKES_NOTHING, &q.all},
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
    q.rows = json_array();
    status = ASSAY_EXIT_HELD;
    for (int k = 0; k < assay_mutant_count() && status == ASSAY_EXIT_HELD; k++)
        if (is_wanted(&q, assay_mutant_get(k))) status = one(&q, assay_mutant_get(k));
    if (status == ASSAY_EXIT_HELD && q.run == 0) {
        assay_print_error("mutants: none matches; `assay list mutants` names them");
        status = ASSAY_EXIT_USAGE;
    } else {
        status = finish(&q, status);
    }
    json_decref(q.rows);
    assay_plugins_free(&q.plugins);
    return status;
}
