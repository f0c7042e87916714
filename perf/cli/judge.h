/* judge.h: was what a timed step left behind right? Compared in full: y, losses, every gradient, updated parameters.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_JUDGE_H
#define ASSAY_JUDGE_H

#include "perf/bench.h"

/* Floors of the workloads judged so far. NULL = none yet. */
typedef struct assay_floors_kept assay_floors_kept;
void assay_floors_forget(assay_floors_kept *kept);

/* By docs/tolerance.md 3.5. Floors come from the folder (may be NULL) where it holds fitting ones, else they are
 * measured. Uses all cores; main thread. */
assay_judgement assay_judge(assay_floors_kept **kept, const char *folder, const assay_kept *k);

#endif
