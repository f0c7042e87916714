/* verdict.h: what a case showed, and in which words. Only PASS is a pass; nothing else is ever silent.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_VERDICT_H
#define ASSAY_VERDICT_H

/* In order of weight: of two verdicts on one thing the later one counts. */
#define ASSAY_VERDICTS(X)                                                                                              \
    X(PASS, "all limits held")                                                                                         \
    X(UNSUPPORTED, "the implementation does not offer it")                                                             \
    X(SKIPPED, "no device")                                                                                            \
    X(ILL_POSED, "the case cannot tell right from wrong")                                                              \
    X(MISTRUSTED, "too trivial to prove anything")                                                                     \
    X(FAIL, "a limit or a contract broken")                                                                            \
    X(TIMEOUT, "killed at the time limit")                                                                             \
    X(CRASHED, "the worker died")                                                                                      \
    X(BROKEN, "the suite itself could not work")

typedef enum assay_verdict {
#define ASSAY_VERDICT_ENUM(name, text) ASSAY_VERDICT_##name,
    ASSAY_VERDICTS(ASSAY_VERDICT_ENUM)
#undef ASSAY_VERDICT_ENUM
        ASSAY_VERDICT_COUNT
} assay_verdict;

const char *assay_verdict_name(assay_verdict v); /* "PASS"; static */
const char *assay_verdict_text(assay_verdict v);
assay_verdict assay_verdict_worse(assay_verdict a, assay_verdict b);
/* 1 for FAIL, TIMEOUT, CRASHED, MISTRUSTED: what makes a run exit with 1. */
int assay_verdict_is_failure(assay_verdict v);

#endif
