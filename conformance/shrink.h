/* shrink.h: the smallest case on which a check still fails, found by making a failing one smaller step by step.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_SHRINK_H
#define ASSAY_SHRINK_H

#include "conformance/suite.h"

/* A failure to begin with. Strings are borrowed. */
typedef struct assay_shrink_job {
    const assay_suite_options *base; /* seed, level, threads, worker, time limit, stop */
    const char *plugin, *label;      /* as options' plugins and labels name them */
    const char *case_id, *check;
    int arithmetic; /* assay_format that was asked for */
    double seconds; /* after so many no further case is tried */
} assay_shrink_job;

typedef struct assay_shrunk {
    char case_id[96]; /* the smallest that fails with FAIL in this check and arithmetic, as assay_case_parse() reads it
                       */
    char cause[400], reproducer[512];
    double margin;
    int tries; /* cases run */
    int whole; /* 1: nothing smaller was left to try; 0: the time was up, or the run was stopped */
} assay_shrunk;

/* 1 if something smaller fails, too. 0: nothing does, or the case is none that can be made smaller (documented shapes).
 * Runs the suite again and again, in workers of its own; main thread. */
int assay_shrink(const assay_shrink_job *j, assay_shrunk *out);

#endif
