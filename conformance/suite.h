/* suite.h: select cases and checks, run them on implementations in workers, deliver every verdict.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_SUITE_H
#define ASSAY_SUITE_H

#include "conformance/case.h"
#include "conformance/verdict.h"
#include "reference/problem.h"

#include <stdint.h>

struct assay_trial;

/* One property, proved on many cases. One file in checks/, one line in checks/checks.inc. */
typedef struct assay_check {
    const char *name, *text;
    void (*run)(struct assay_trial *t);
    int (*applies)(const assay_case *c); /* NULL = to every case */
} assay_check;
int assay_check_count(void);
const assay_check *assay_check_get(int index);

/* One measured comparison inside a check. margin = error / limit; > 1 or NaN fails; infinite for a broken exact
 * contract. */
typedef struct assay_finding {
    char what[40]; /* tensor, and what of it: "dR.l0.f", "y (padding)" */
    char rule[12]; /* which rule was tightest: tensor, row, element, zero, finite, rowsum, bits, ... */
    double error, floor, limit, margin;
    int64_t where;  /* worst element (rule element, zero) or row (rule row), -1 if none */
    char place[96]; /* the same in words, of the worst element for the rule of the whole tensor; "" where it has none */
    assay_verdict verdict;
    int loose; /* 1: the arithmetic is declared opaque, so the limit says little */
} assay_finding;

#define ASSAY_MAX_FINDINGS 512
/* Rule of findings that say how clearly the case shows a planted fault: a large margin is good, none counts as error.
 */
#define ASSAY_RULE_POWER "power"

/* Stands for the check in the one result of an implementation that can't be started (again): why has the number of
 * cases that it cost. case_id is the first of them. */
#define ASSAY_CHECK_LOAD "load"

typedef struct assay_result {
    const char *impl;        /* name the plugin gives itself */
    const char *plugin;      /* path, as it was given */
    const char *plugin_hash; /* of the file that the worker loaded; "" if none ever was */
    const char *case_id, *check;
    const char *notes; /* of the last plan (session.h), or "" */
    const assay_problem *problem;
    int ragged;         /* 1: some row of the case is shorter than T */
    int32_t arithmetic; /* assay_format asked for */
    uint64_t seed;
    assay_verdict verdict;
    double margin; /* worst over the findings */
    const assay_finding *findings;
    int finding_count;
    double seconds;
    char why[256];   /* one line: reason of anything but PASS; of a PASS: "" */
    char cause[400]; /* of a FAIL: what the results look like (diagnose.h), one line; "" if that was not looked at */
    char reproducer[512]; /* "assay check --impl blas --case ... --check ... --seed 0x..." */
} assay_result;

typedef enum assay_level { ASSAY_LEVEL_QUICK, ASSAY_LEVEL_ORDINARY, ASSAY_LEVEL_FULL } assay_level;
const char *assay_level_name(assay_level l); /* "quick", "ordinary", "full"; static */

typedef struct assay_suite_options {
    const char *const *plugins; /* paths of shared objects */
    int plugin_count;
    const char *const *labels; /* as the user named them, for reproducers; NULL = the paths */
    const char *op;            /* "rnn" ...; NULL = all */
    const char *check;         /* names, separated by commas; NULL = all */
    const char *glob;          /* case id; NULL = all of the level's; fnmatch() rules */
    int within_level;          /* 1: a glob picks from the level's own cases; 0: from all that there are. An id without
                                  wildcards names its case either way */
    uint64_t seed;             /* of all data */
    assay_level level;
    int threads;             /* for the plugins */
    double time_limit;       /* seconds a request; 0 = 10 + a share of the work */
    int diagnose;            /* of so many failures of each check on each implementation the cause is looked for */
    const char *worker;      /* path of assay-worker; NULL = beside this program */
    const char *cache;       /* folder for truths and floors; NULL = none */
    const assay_case *extra; /* further cases: the documented shapes */
    int extra_count;
    const char *floors; /* folder of stored floors of the documented shapes; NULL = measure */
    void (*on_result)(void *user, const assay_result *r);                      /* called for every verdict, in order */
    void (*on_progress)(void *user, int done, int total, const char *case_id); /* may be NULL */
    int (*stop)(void *user); /* polled between cases; non-zero ends the run early; may be NULL */
    void *user;
} assay_suite_options;

typedef struct assay_summary {
    int counts[ASSAY_VERDICT_COUNT];
    int ill_posed_committed; /* cases that are ILL_POSED and no diagnostic: the suite's fault */
    int stopped;             /* 1: ended early */
    double worst_margin;     /* over all findings of PASS results; 0 if there are none */
} assay_summary;

/* Runs. ASSAY_OK even if verdicts are bad; ASSAY_BAD_ARGUMENT with one line in why[256] where nothing could be
 * selected, a name is unknown or a plugin is not one: then nothing was delivered. Any other status, with one line in
 * why: a case's data could not be made; *out and what was delivered stand for the cases before it. Each result is
 * delivered as soon as it is known. Main thread only. */
assay_status assay_suite_run(const assay_suite_options *o, assay_summary *out, char *why, size_t why_size);

/* The exit code that a summary stands for: 0, 1, 3 or 77. */
int assay_summary_exit(const assay_summary *s);

#endif
