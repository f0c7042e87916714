/* plausible.h: refuses times that cannot be those of the declared work. SPDX-License-Identifier: MIT */
#ifndef ASSAY_PLAUSIBLE_H
#define ASSAY_PLAUSIBLE_H

#include "perf/outcome.h"

/* Sets verdict and why of an entrant whose times are below 0.97 of the roof's, that works outside of the timed calls
 * or on more threads than it may, or whose clock disagrees with the parent's (docs/performance.md, step 9). */
void assay_plausible_judge(const assay_outcome_of *of, assay_entrant *e);

/* Declared work of a phase; 0 where none is declared. */
double assay_plausible_flop(const assay_workload *w, int phase);

#endif
