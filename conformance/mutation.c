/* mutation.c: runs a mutant through the ordinary checks and counts who killed it.
 * SPDX-License-Identifier: MIT */
#include "conformance/mutation.h"
#include "conformance/names.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const assay_mutant table[] = {
#define MUTANT(name, id, family, what, seen, checks, death, glob)                                                      \
    {name, id, ASSAY_DEATH_##death, checks, glob, what, seen},
#define HONEST(name, id, family, what) {name, id, ASSAY_DEATH_NONE, "", NULL, what, "-"},
#include "conformance/mutants/mutants.inc"
#undef MUTANT
#undef HONEST
};

int assay_mutant_count(void)
{
    return (int)(sizeof table / sizeof *table);
}

const assay_mutant *assay_mutant_get(int index)
{
    return index >= 0 && index < assay_mutant_count() ? &table[index] : NULL;
}

const assay_mutant *assay_mutant_by_name(const char *name)
{
    for (int k = 0; k < assay_mutant_count(); k++)
        if (!strcmp(table[k].name, name)) return &table[k];
    return NULL;
}

#define MORE_CASES 4

typedef struct watch {
    const assay_suite_options *base;
    assay_mutation_result *out;
    int all, failed; /* failed: an honest variant that did not pass */
    int more;        /* cases run for the sake of the cause alone */
} watch;

/* Does this verdict kill? An error in numbers must exceed its limit by the kill margin; an exact contract is infinite.
 */
static int kills(const assay_mutant *m, const assay_result *r)
{
    if (m->death == ASSAY_DEATH_CRASH && r->verdict == ASSAY_VERDICT_CRASHED) return 1;
    if (m->death == ASSAY_DEATH_FAULT)
        return r->verdict == ASSAY_VERDICT_FAIL && strstr(r->why, "returned ASSAY_FAILED: ");
    return r->verdict == ASSAY_VERDICT_FAIL && r->margin > ASSAY_KILL_MARGIN;
}

static const assay_finding *worst_of(const assay_result *r)
{
    const assay_finding *worst = NULL;
    for (int k = 0; k < r->finding_count; k++)
        if (strcmp(r->findings[k].rule, ASSAY_RULE_POWER) != 0 && (!worst || r->findings[k].margin > worst->margin))
            worst = &r->findings[k];
    return worst;
}

static void count(assay_mutation_result *out, const assay_result *r)
{
    int k = 0, killed = kills(out->mutant, r);
    const int stopped = r->verdict == ASSAY_VERDICT_CRASHED || out->mutant->death == ASSAY_DEATH_FAULT;
    const double margin = stopped ? INFINITY : r->margin;
    const assay_finding *worst = worst_of(r);
    while (k < out->by_count && strcmp(out->by[k].check, r->check) != 0)
        k++;
    if (k == ASSAY_MUTATION_CHECKS) return;
    if (k == out->by_count) {
        memset(&out->by[k], 0, sizeof out->by[k]);
        out->by[k].check = r->check;
        out->by_count++;
    }
    out->by[k].kills += killed;
    if (!killed || margin <= out->by[k].margin) return;
    out->by[k].margin = margin;
    snprintf(out->by[k].case_id, sizeof out->by[k].case_id, "%s", r->case_id);
    if (stopped || !worst)
        snprintf(out->by[k].what, sizeof out->by[k].what, "%.*s", (int)sizeof out->by[k].what - 1, r->why);
    else
        snprintf(out->by[k].what, sizeof out->by[k].what, "%s (%s)", worst->what, worst->rule);
}

/* Causes that are asked for. */
static const struct {
    const char *mutant, *words;
} causes[] = {
#define CAUSE(mutant, words) {mutant, words},
#include "conformance/mutants/causes.inc"
#undef CAUSE
};

int assay_mutant_cause_count(void)
{
    return (int)(sizeof causes / sizeof *causes);
}

const char *assay_mutant_cause(const char *name)
{
    for (size_t k = 0; k < sizeof causes / sizeof *causes; k++)
        if (!strcmp(causes[k].mutant, name)) return causes[k].words;
    return NULL;
}

static void hear(assay_mutation_result *out, const assay_result *r)
{
    const char *words = assay_mutant_cause(out->mutant->name);
    const int right = words && strstr(r->cause, words);
    if (!r->cause[0] || out->named || (out->cause[0] && !right)) return;
    snprintf(out->cause, sizeof out->cause, "%s", r->cause);
    out->named = right;
}

static void on_result(void *user, const assay_result *r)
{
    watch *w = user;
    if (r->verdict == ASSAY_VERDICT_UNSUPPORTED) return;
    w->out->results++;
    if (w->out->mutant->death != ASSAY_DEATH_NONE) {
        count(w->out, r);
        hear(w->out, r);
        return;
    }
    w->out->weakest = fmax(w->out->weakest, r->margin);
    if (r->verdict == ASSAY_VERDICT_PASS && r->margin < ASSAY_HONEST_MARGIN) return;
    if (!w->failed++)
        snprintf(w->out->why, sizeof w->out->why, "%s %s on %s, margin %.3g: %.120s", assay_verdict_name(r->verdict),
                 r->check, r->case_id, r->margin, r->why);
}

/* The smallest of the named checks' largest margins; 0 where one did not kill, and its name. */
static double weakest_of(const assay_mutation_result *r, const char **survived)
{
    double weakest = INFINITY;
    *survived = NULL;
    for (int i = 0; i < assay_check_count(); i++) {
        const char *name = assay_check_get(i)->name;
        double margin = 0;
        if (!assay_names_hold(r->mutant->checks, ' ', name)) continue;
        for (int k = 0; k < r->by_count; k++)
            if (!strcmp(r->by[k].check, name)) margin = r->by[k].margin;
        if (!(margin > ASSAY_KILL_MARGIN)) *survived = name;
        weakest = fmin(weakest, margin);
    }
    return weakest;
}

/* The checks of a row, as a list for the suite. */
static const char *list_of(const assay_mutant *m, char *list, size_t size)
{
    snprintf(list, size, "%s", m->checks);
    for (char *at = list; (at = strchr(at, ' '));)
        *at = ',';
    return list;
}

static int stop(void *user)
{
    watch *w = user;
    const char *survived;
    if (w->base->stop && w->base->stop(w->base->user)) return 1;
    if (w->all || w->out->mutant->death == ASSAY_DEATH_NONE) return 0;
    weakest_of(w->out, &survived);
    if (survived) return 0;
    /* A cause that the first cases were too small to show gets a few more. */
    return w->out->named || !assay_mutant_cause(w->out->mutant->name) || w->more++ >= MORE_CASES;
}

assay_status assay_mutation_run(const assay_mutant *m, const char *plugin, const assay_suite_options *base, int all,
                                assay_mutation_result *out, char *why, size_t why_size)
{
    watch w = {.base = base, .out = out, .all = all};
    assay_suite_options o = *base;
    assay_summary sum;
    const char *survived;
    char checks[160];
    memset(out, 0, sizeof *out);
    out->mutant = m;
    o.plugins = &plugin;
    o.labels = NULL;
    o.plugin_count = 1;
    o.op = NULL;
    o.check = all || m->death == ASSAY_DEATH_NONE ? NULL : list_of(m, checks, sizeof checks);
    o.glob = m->glob; /* NULL: the level's own cases */
    o.on_result = on_result;
    o.on_progress = NULL;
    o.diagnose = assay_mutant_cause(m->name) ? 2 + MORE_CASES : 0;
    o.stop = stop;
    o.user = &w;
    assay_status st = assay_suite_run(&o, &sum, why, why_size);
    if (st != ASSAY_OK) return st;
    if (m->death == ASSAY_DEATH_NONE) {
        out->held = !w.failed && out->results > 0;
        return ASSAY_OK;
    }
    out->weakest = weakest_of(out, &survived);
    out->held = !survived && isgreater(out->weakest, ASSAY_KILL_MARGIN);
    if (!out->held) snprintf(out->why, sizeof out->why, "%s did not kill it", survived ? survived : "no check");
    return ASSAY_OK;
}
