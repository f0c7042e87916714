/* merge.h: the records of several folders as one list: of one suite, each row once.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_MERGE_H
#define ASSAY_MERGE_H

#include "perf/record.h"

typedef struct assay_merged {
    int32_t folders, files, others; /* files of records; .json files that hold something else */
    int32_t repeated;               /* records that came again, the very same */
} assay_merged;

/* Appends what the .json files right in `folder` hold. What is there already, to the last sample, is counted and left
 * out. ASSAY_BAD_ARGUMENT and one line in why, the list then of no use: a folder or file that cannot be read, records
 * of another suite or commit than those before, two different ones of one row on one device of one
 * node. `first` keeps, for that
 * line, where the first record came from; size at least 256. */
assay_status assay_merge_folder(const char *folder, assay_records *list, assay_merged *sum, char *first, char *why,
                                size_t why_size);

/* Drops what was left out for lack of budget in one run and timed in another. */
void assay_merge_settle(assay_records *list);

#endif
