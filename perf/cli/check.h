/* check.h: one conformance run as a subcommand makes it: suite, printed verdicts, files, exit status.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CLI_CHECK_H
#define ASSAY_CLI_CHECK_H

#include "conformance/suite.h"

typedef struct assay_check_request {
    const char *command; /* for messages and files: "check" */
    assay_suite_options
        suite;      /* plugins, selection, level, threads, cache; seed of the first run. The callbacks are set here */
    int documented; /* 1: every documented shape was asked for: files say so */
    int repeat;     /* runs, each with the next seed */
    double margin_limit;                             /* a PASS above it counts as a failure; 0 = none */
    double shrink;                                   /* seconds to make first failures smaller; 0 = they stay */
    const char *json, *junit, *markdown;             /* files, or NULL */
    void (*also)(void *user, const assay_result *r); /* called for every result that counts; may be NULL */
    void *user;

    uint64_t first_seed; /* out: suite.seed as it was asked for */
    int whole;           /* out: 1: every selected case was run and kept; 0: interrupted, or broken off */
} assay_check_request;

/* Runs, prints, writes. Returns the exit status. */
int assay_check_perform(assay_check_request *q);

#endif
