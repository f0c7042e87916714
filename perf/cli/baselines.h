/* baselines.h: a timing run beside the baselines of its machine.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_BASELINES_H
#define ASSAY_BASELINES_H

#include "perf/record.h"

/* -1 if the folder has baselines of this machine, else the exit status 2 after one line: told before the work. */
int assay_baselines_expect(const char *command, const char *folder);

/* Prints each record that has a baseline with its verdict, and how many have none. The exit status: 0, 1 if one is
 * SLOWER, 2 for a file that holds something else, 3. */
int assay_baselines_judge(const char *command, const char *folder, const assay_records *now);

#endif
