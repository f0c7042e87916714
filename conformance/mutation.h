/* mutation.h: the suite's own proof: deliberately wrong implementations, and whether the checks kill them.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_MUTATION_H
#define ASSAY_MUTATION_H

#include "conformance/suite.h"

/* How a mutant may die. A crash kills only where the row expects one. */
typedef enum assay_death {
    ASSAY_DEATH_NUMBERS, /* FAIL with margin > 2 */
    ASSAY_DEATH_CRASH,   /* CRASHED: a guard page, a read-only input */
    ASSAY_DEATH_FAULT,   /* FAIL: a test device says by ASSAY_FAILED what is wrong, and gives its reason */
    ASSAY_DEATH_NONE     /* an honest variant: must pass everything */
} assay_death;

/* One row of mutants/mutants.inc; the build makes one plugin of it, lib/assay/mutants/<name>.so. */
typedef struct assay_mutant {
    const char *name;
    const char *id; /* in docs/mutants.md: "A2" */
    assay_death death;
    const char *checks; /* each of them must kill it, space-separated */
    const char *glob;   /* cases that it is run on; NULL = those of the level */
    const char *what;   /* what is wrong */
    const char *seen;   /* where it was seen: repository#issue, "class", "-" */
} assay_mutant;

int assay_mutant_count(void);
const assay_mutant *assay_mutant_get(int index);
const assay_mutant *assay_mutant_by_name(const char *name); /* NULL if there is none */

/* What a diagnosis of this mutant's failures has to say (mutants/causes.inc), or NULL: nothing is asked of it. */
const char *assay_mutant_cause(const char *name);
int assay_mutant_cause_count(void);

#define ASSAY_KILL_MARGIN     2.0
#define ASSAY_HONEST_MARGIN   0.5
#define ASSAY_MUTATION_CHECKS 16

typedef struct assay_mutation_result {
    const assay_mutant *mutant;
    int held; /* 1: every named check killed it; an honest variant: all passed, margin < 0.5 */
    struct {
        const char *check;
        int kills;               /* results that killed */
        double margin;           /* largest */
        char case_id[96];        /* where */
        char what[64];           /* "dW.l0.f (tensor)" or the crash */
    } by[ASSAY_MUTATION_CHECKS]; /* in order of the table of checks; only those with kills or results */
    int by_count;
    int named;       /* 1: a diagnosis said what the mutant's row expects */
    char cause[400]; /* that one, or else the first; "" */
    double weakest;  /* smallest over the named checks of their largest margin; honest: the worst margin */
    int results;     /* verdicts looked at */
    char why[256];   /* one line when it does not hold */
} assay_mutation_result;

/* Runs one mutant: base gives seed, threads, worker, cache, extra cases, stop. With `all` every check runs on every
 * case of its glob; else the checks that its row names run until all of them have killed. ASSAY_BAD_ARGUMENT and why:
 * its plugin is missing or is none. */
assay_status assay_mutation_run(const assay_mutant *m, const char *plugin, const assay_suite_options *base, int all,
                                assay_mutation_result *out, char *why, size_t why_size);

#endif
