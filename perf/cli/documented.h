/* documented.h: the documented shapes as cases of a conformance run, and how their floors and their power are shown.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_CLI_DOCUMENTED_H
#define ASSAY_CLI_DOCUMENTED_H

#include "conformance/suite.h"

#include <stdio.h>

#define ASSAY_DOCUMENTED_MOST 32

/* Those that a run takes: with a glob all that it matches; else every one if `all`; else b1 and a1, and none of the
 * quick level, to which they belong if `all`. out has room for ASSAY_DOCUMENTED_MOST; returns how many. */
int assay_documented_cases(assay_level level, int all, const char *glob, assay_case *out);

/* Floor, error and margin of every tensor of a result of the check `documented`, and how clearly a backward cut to the
 * last 30 % of the steps would have shown. Prints nothing for results of other checks. */
void assay_documented_print(FILE *to, const assay_result *r);

#endif
